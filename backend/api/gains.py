"""Gains, trade-offs and the overview: the numbers the whole thing is for, ready to draw."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import TypeAdapter

from backend.api import answers
from backend.api.answers import tagged
from backend.api.deps import AtDoor, Door
from backend.api.problems import RESPONSES
from backend.domain.address import metrics_of, wrong_languages, wrong_name, wrong_settings
from backend.domain.model import MODELS
from backend.domain.schemas import ExpectedGains, GainMatrix, Overview, TradeoffPoint
from backend.domain.task import Source
from backend.domain.tasks import TARGETS
from backend.errors import FieldError, Invalid
from backend.store import expected, export, gains, overview, pretrained, tradeoff

router = APIRouter(tags=["gains"], responses={s: RESPONSES[s] for s in (401, 403, 404, 422, 500, 503)})

Name = Annotated[str | None, Query(min_length=1, max_length=60)]

Settings = Annotated[
    str | None,
    Query(
        min_length=1,
        max_length=60,
        description="one of the `choices` of the answer: what was taken under these settings alone. Else each cell shows its "
        "gain with most seeds, then with the latest run",
    ),
]

_MATRIX = TypeAdapter(GainMatrix)
_POINTS = TypeAdapter(list[TradeoffPoint])
_OVERVIEW = TypeAdapter(Overview)


def check(
    door: Door,
    *,
    model: str | None = None,
    target: str | None = None,
    metric: str | None = None,
    languages: str | None = None,
    settings: str | None = None,
) -> None:
    """Raises:
    Invalid: a name that is in no catalogue, or a metric that the target does not have.
    """
    with door.store.read() as session:
        pretrained.take_up(session)
    said = {
        "model": wrong_name("model", model, tuple(MODELS)),
        "target": wrong_name("target task", target, TARGETS),
        "languages": wrong_languages(languages) if languages is not None else None,
        "settings": wrong_settings(settings) if settings is not None else None,
    }
    if said["target"] is None:
        said["metric"] = wrong_name("metric", metric, metrics_of(target))
    found = [FieldError(f"query/{name}", message) for name, message in said.items() if message is not None]
    if found:
        raise Invalid("Some names are not known.", errors=found)


@router.get("/overview", operation_id="get_overview", response_model=Overview)
def get_overview(
    request: Request, door: AtDoor, source: Source = Source.MINI, model: Name = None, target: Name = None
) -> Response:
    """What has been learnt so far from one benchmark: verdicts of its cells, the mean gain of every model, recipe and target,
    the best of them, and what it cost. Headline metrics only; model and target narrow down cells and pairs."""
    check(door, model=model, target=target)
    with door.store.read() as session:
        found = overview.overview(session, source=source, model=model, target=target)
    return tagged(request, _OVERVIEW, found)


@router.get("/gains", operation_id="get_gains", response_model=GainMatrix)
def get_gains(
    request: Request,
    door: AtDoor,
    model: Name = None,
    target: Name = None,
    metric: Name = None,
    settings: Settings = None,
    source: Source = Source.MINI,
) -> Response:
    """Gains over the baseline, recipe by language, of one model, target and metric, each with interval, n and verdict,
    or with the reason why there is none. What is left out is chosen: the model and target with the most results, the
    target's headline metric."""
    check(door, model=model, target=target, metric=metric, settings=settings)
    with door.store.read() as session:
        matrix = gains.matrix(session, model=model, target=target, metric=metric, settings=settings, source=source)
    return tagged(request, _MATRIX, matrix)


@router.get("/gains/expected", operation_id="expect_gains", response_model=ExpectedGains)
def expect_gains(
    door: AtDoor, model: Name = None, target: Name = None, metric: Name = None, source: Source = Source.MINI
) -> ExpectedGains:
    """What to expect of the cells of the same matrix that were not run, and how wrong such expectations are. No results."""
    check(door, model=model, target=target, metric=metric)
    with door.store.read() as session:
        matrix = gains.matrix(session, model=model, target=target, metric=metric, source=source)
        return expected.expected(session, matrix, source=source)


@router.get(
    "/gains/export",
    operation_id="export_gains",
    response_class=StreamingResponse,
    responses={200: {"description": "One cell a row.", **answers.TABLE[200]}},
)
def export_gains(
    door: AtDoor,
    model: Name = None,
    target: Name = None,
    metric: Name = None,
    settings: Settings = None,
    source: Source = Source.MINI,
    format: Annotated[answers.Format, Query(description="csv (RFC 4180) or one JSON object a line")] = "csv",
) -> Response:
    """The same gains as a table in long form, cells without a gain and why included."""
    check(door, model=model, target=target, metric=metric, settings=settings)
    with door.store.read() as session:
        matrix = gains.matrix(session, model=model, target=target, metric=metric, settings=settings, source=source)
        rows = list(export.gain_rows(session, matrix, source=source))
    name = f"crosslift-gains-{source.value}-{matrix.model}-{matrix.target}-{matrix.metric}"
    return answers.download(rows, export.GAINS, name=name, format=format)


@router.get("/tradeoff", operation_id="get_tradeoff", response_model=list[TradeoffPoint])
def get_tradeoff(
    request: Request,
    door: AtDoor,
    target: Name = None,
    metric: Name = None,
    source: Source = Source.MINI,
    languages: Annotated[
        str,
        Query(
            max_length=60,
            description="`mean_all` includes English, `mean_transfer` leaves it out; `family:Turkic` and `resource:low` "
            "(`high`, `mid`) are a `mean_transfer` over these languages; or one code",
        ),
    ] = "mean_transfer",
    each: Annotated[
        bool, Query(description="a point for each of these languages in the place of their mean; of one target")
    ] = False,
) -> Response:
    """Every mean gain against parameters and what it cost (device-hours, energy, FLOPs): one point a model, recipe and target. Energy
    and FLOPs are absent where a run that belongs to it has none measured."""
    check(door, target=target, metric=metric, languages=languages)
    if each and target is None:
        raise Invalid(
            "A target is needed.", errors=[FieldError("query/target", "points of each language are of one target")]
        )
    with door.store.read() as session:
        points = tradeoff.tradeoff(session, target=target, metric=metric, source=source, languages=languages, each=each)
    return tagged(request, _POINTS, points)
