"""What to run next, and what an experiment that was asked about may be expected to find. No results."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from pydantic import TypeAdapter

from backend.api.answers import tagged
from backend.api.bodies import StrictRoute
from backend.api.deps import AtDoor
from backend.api.problems import RESPONSES
from backend.domain.experiment import ExperimentRequest
from backend.domain.recommendation import ExpectedRows, Recommendations
from backend.domain.task import Source
from backend.store import awaited, promising

router = APIRouter(tags=["experiments"], responses=RESPONSES, route_class=StrictRoute)

_RECOMMENDATIONS = TypeAdapter(Recommendations)


@router.get("/recommendations", operation_id="recommend_experiments", response_model=Recommendations)
def recommend_experiments(request: Request, door: AtDoor, source: Source = Source.MINI) -> Response:
    """The most promising experiments of one benchmark that nobody has run: a model, recipe and target each, with the mean gain to be
    expected, what it would take, and the request to submit. Ordered by expected improvement per device-hour. With it, how wrong such
    expectations are beside the plain mean, and what came of earlier ones. Computed when it is first asked for after a run has ended."""
    with door.store.read() as session:
        found = promising.recommendations(session, source=source)
    return tagged(request, _RECOMMENDATIONS, found)


@router.post("/experiments:expect", operation_id="expect_experiment", response_model=ExpectedRows)
def expect_experiment(body: ExperimentRequest, door: AtDoor) -> ExpectedRows:
    """The mean gain to be expected of each model, recipe and target of this experiment that has none yet, and how wrong that is."""
    with door.store.read() as session:
        return awaited.expected(session, body)
