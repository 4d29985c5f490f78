"""Gains and trade-offs: the numbers the whole thing is for, ready to draw."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import TypeAdapter

from backend.api.answers import tagged
from backend.api.deps import AtDoor
from backend.api.problems import RESPONSES
from backend.domain.language import LANGUAGES
from backend.domain.model import MODELS
from backend.domain.schemas import GainMatrix, TradeoffPoint
from backend.domain.task import Source
from backend.domain.tasks import TARGETS, TASKS
from backend.errors import FieldError, Invalid, unknown
from backend.store import gains

router = APIRouter(tags=["gains"], responses={s: RESPONSES[s] for s in (404, 422, 500, 503)})

Name = Annotated[str | None, Query(min_length=1, max_length=60)]
MEANS = ("mean_all", "mean_transfer")

_MATRIX = TypeAdapter(GainMatrix)
_POINTS = TypeAdapter(list[TradeoffPoint])


def _check(*, model: str | None = None, target: str | None = None, metric: str | None = None) -> None:
    """Raises:
    Invalid: a name that is in no catalogue, or a metric that the target does not have.
    """
    found: list[FieldError] = []
    if model is not None and model not in MODELS:
        found.append(FieldError("query/model", unknown("model", model, tuple(MODELS))))
    if target is not None and target not in TARGETS:
        found.append(FieldError("query/target", unknown("target task", target, TARGETS)))
    elif metric is not None:
        known = (
            TASKS[target].metrics if target is not None else tuple({m: 0 for t in TARGETS for m in TASKS[t].metrics})
        )
        if metric not in known:
            found.append(FieldError("query/metric", unknown("metric", metric, known)))
    if found:
        raise Invalid("Some names are not known.", errors=found)


@router.get("/gains", operation_id="get_gains", response_model=GainMatrix)
def get_gains(
    request: Request,
    door: AtDoor,
    model: Name = None,
    target: Name = None,
    metric: Name = None,
    source: Source = Source.MINI,
) -> Response:
    """Gains over the baseline, recipe by language, of one model, target and metric, each with interval, n and verdict,
    or with the reason why there is none. What is left out is chosen: the model and target with the most results, the
    target's headline metric."""
    _check(model=model, target=target, metric=metric)
    with door.store.read() as session:
        matrix = gains.matrix(session, model=model, target=target, metric=metric, source=source)
    return tagged(request, _MATRIX, matrix)


@router.get("/tradeoff", operation_id="get_tradeoff", response_model=list[TradeoffPoint])
def get_tradeoff(
    request: Request,
    door: AtDoor,
    target: Name = None,
    metric: Name = None,
    source: Source = Source.MINI,
    languages: Annotated[
        str, Query(max_length=60, description="`mean_all` includes English, `mean_transfer` leaves it out, or one code")
    ] = "mean_transfer",
) -> Response:
    """Every mean gain against parameters and device-hours: one point a model, recipe and target."""
    _check(target=target, metric=metric)
    if languages not in MEANS and languages not in LANGUAGES:
        known = (*MEANS, *LANGUAGES)
        raise Invalid(
            "Some names are not known.",
            errors=[FieldError("query/languages", unknown("mean or language", languages, known))],
        )
    with door.store.read() as session:
        points = gains.tradeoff(session, target=target, metric=metric, source=source, languages=languages)
    return tagged(request, _POINTS, points)
