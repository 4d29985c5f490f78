"""Runs, recipes or cells beside one another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import TypeAdapter

from backend.api import answers
from backend.api.deps import AtDoor
from backend.api.gains import check
from backend.api.problems import RESPONSES
from backend.domain.comparison import MOST, Comparison
from backend.domain.task import Source
from backend.store import compared

router = APIRouter(tags=["gains"], responses={s: RESPONSES[s] for s in (401, 403, 404, 422, 500, 503)})

Things = Annotated[
    list[str],
    Query(
        alias="c",
        min_length=1,
        max_length=MOST,
        description="one to six of: the number of a run, `model/recipe/target`, `model/recipe/target/language`; the first is what "
        "the others are measured against",
    ),
]
Metric = Annotated[
    str | None, Query(min_length=1, max_length=60, description="else the headline metric of each target")
]

_COMPARISON = TypeAdapter(Comparison)
COLUMNS = (
    "thing", "model", "recipe", "target", "metric", "language", "score", "score_low", "score_high", "seeds", "missing", "against",
    "difference", "difference_low", "difference_high", "pairs", "p", "q", "verdict", "unpaired",
)  # fmt: skip


@router.get("/compare", operation_id="compare", response_model=Comparison)
def compare(
    request: Request, door: AtDoor, things: Things, source: Source = Source.MINI, metric: Metric = None
) -> Response:
    """Up to six runs, recipes over their seeds, or cells beside one another: what tells them apart, their scores language by
    language, and the difference against the first where the two can be paired: same model, target, metric and settings. What
    cannot be is said with its reason."""
    check(door, metric=metric)
    with door.store.read() as session:
        found = compared.compare(session, things, source=source, metric=metric)
    return answers.tagged(request, _COMPARISON, found)


@router.get(
    "/compare/export",
    operation_id="export_comparison",
    response_class=StreamingResponse,
    responses={200: {"description": "One thing and language a row.", **answers.TABLE[200]}},
)
def export_comparison(
    door: AtDoor,
    things: Things,
    source: Source = Source.MINI,
    metric: Metric = None,
    format: Annotated[answers.Format, Query(description="csv (RFC 4180) or one JSON object a line")] = "csv",
) -> Response:
    """The same as a table in long form."""
    check(door, metric=metric)
    with door.store.read() as session:
        found = compared.compare(session, things, source=source, metric=metric)
    return answers.download(_rows(found), COLUMNS, name=f"crosslift-comparison-{source.value}", format=format)


def _rows(found: Comparison) -> Iterator[dict[str, Any]]:
    for side, cells in zip(found.sides, found.cells, strict=True):
        same = {name: getattr(side, name) for name in ("thing", "model", "recipe", "target", "metric", "unpaired")}
        for cell in cells:
            yield same | {
                "language": cell.language,
                "score": cell.score,
                "score_low": cell.low,
                "score_high": cell.high,
                "seeds": len(cell.per_seed),
                "missing": cell.missing,
                "against": found.sides[0].thing if cell.pairs else None,
                "difference": cell.difference,
                "difference_low": cell.difference_low,
                "difference_high": cell.difference_high,
                "pairs": cell.pairs,
                "p": cell.p,
                "q": cell.q,
                "verdict": cell.verdict.value if cell.verdict else None,
            }
