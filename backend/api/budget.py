"""What goes with the trade-off: a portfolio under a budget, and the fitted line of gain against size."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import TypeAdapter

from backend.api.answers import tagged
from backend.api.deps import AtDoor
from backend.api.gains import Name, check
from backend.api.problems import RESPONSES
from backend.domain.portfolio import Portfolio, Unit
from backend.domain.run import DeviceClass
from backend.domain.task import Source
from backend.domain.trend import Size, Trends
from backend.errors import FieldError, Invalid
from backend.store import portfolio, trend

router = APIRouter(tags=["gains"], responses={s: RESPONSES[s] for s in (401, 403, 404, 422, 500, 503)})

Over = Annotated[str, Query(max_length=60, description="as of `GET /tradeoff`")]

_PORTFOLIO = TypeAdapter(Portfolio)
_TRENDS = TypeAdapter(Trends)


@router.get("/tradeoff/portfolio", operation_id="get_portfolio", response_model=Portfolio)
def get_portfolio(
    request: Request,
    door: AtDoor,
    budget: Annotated[
        float, Query(gt=0, le=1e30, allow_inf_nan=False, description="in the unit, for all seeds together")
    ],
    unit: Annotated[Unit, Query(description="device-hours, kilowatt-hours, or floating-point operations")] = "hours",
    seeds: Annotated[int, Query(ge=1, le=100)] = 3,
    target: Name = None,
    metric: Name = None,
    source: Source = Source.MINI,
    languages: Over = "mean_transfer",
    device: Annotated[
        DeviceClass | None,
        Query(description="whose hours or energy; classes are never mixed. That of most cells unless given"),
    ] = None,
) -> Response:
    """Which cells gain most together for a budget, by what they took here: of each model and target at most one recipe, each training
    paid once however many cells use it. Exact unless the search runs out of time, and then with a bound."""
    check(door, target=target, metric=metric, languages=languages)
    with door.store.read() as session:
        found = portfolio.portfolio(
            session, source=source, target=target, metric=metric, languages=languages, unit=unit, device=device,
            budget=budget, seeds=seeds,
        )  # fmt: skip
    return tagged(request, _PORTFOLIO, found)


@router.get("/tradeoff/trend", operation_id="get_trend", response_model=Trends)
def get_trend(
    request: Request,
    door: AtDoor,
    target: Name = None,
    metric: Name = None,
    source: Source = Source.MINI,
    languages: Over = "mean_transfer",
    x: Annotated[Size, Query(description="which parameters")] = "parameters",
    each: Annotated[bool, Query(description="a line for each language of the target, which must be given")] = False,
) -> Response:
    """How the mean gain over recipes changes with model size, target by target: the mixed-effects model of `GET /answer` kept to
    these gains, with the 95 % band of its line; or why it cannot be fitted."""
    check(door, target=target, metric=metric, languages=languages)
    if each and target is None:
        raise Invalid(
            "A target is needed.", errors=[FieldError("query/target", "lines for each language are of one target")]
        )
    with door.store.read() as session:
        found = trend.trends(session, source=source, target=target, metric=metric, languages=languages, x=x, each=each)
    return tagged(request, _TRENDS, found)
