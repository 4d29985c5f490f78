"""Gains laid out otherwise than recipe by language: recipe by target, target by language, model by language."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from pydantic import TypeAdapter

from backend.api.answers import tagged
from backend.api.deps import AtDoor
from backend.api.gains import Name, check
from backend.api.problems import RESPONSES
from backend.domain.address import wrong_languages
from backend.domain.language import GROUPS
from backend.domain.schemas import GainMatrix
from backend.domain.task import Source
from backend.errors import FieldError, Invalid
from backend.store import crossed

router = APIRouter(tags=["gains"], responses={s: RESPONSES[s] for s in (401, 403, 404, 422, 500, 503)})

Languages = Annotated[
    str | None,
    Query(
        min_length=2,
        max_length=300,
        description="what means of `recipe-target` are over: codes and groups (`family:Turkic`, `resource:low`), separated by "
        "commas; left out: all languages but English",
    ),
]
Recipe = Annotated[
    str | None,
    Query(
        min_length=1,
        max_length=200,
        description="of `target-language` and `model-language`: the recipe that is looked at",
    ),
]

_MATRIX: Final = TypeAdapter(GainMatrix)


@router.get("/gains/crossed", operation_id="cross_gains", response_model=GainMatrix)
def cross_gains(
    request: Request,
    door: AtDoor,
    layout: crossed.Layout,
    model: Name = None,
    target: Name = None,
    recipe: Recipe = None,
    languages: Languages = None,
    source: Source = Source.MINI,
) -> Response:
    """The gains of `GET /gains` laid out otherwise; `axes` says what rows and columns are, `metric` is each target's headline metric.

    `recipe-target`: of one model, means over languages in which every recipe has a gain, tested over seeds; their q is corrected
    over all means of the matrix. `target-language`: one model and recipe. `model-language`: one recipe and target, the smallest
    model first. The cells of these two are those of `GET /gains`, each with the q of its own model and target."""
    check(door, model=model, target=target)
    chosen = _codes(languages) if languages is not None else None
    with door.store.read() as session:
        found = crossed.matrix(
            session, layout, source=source, model=model, target=target, recipe=recipe, languages=chosen,
            said=languages or "transfer languages",
        )  # fmt: skip
    return tagged(request, _MATRIX, found)


def _codes(languages: str) -> frozenset[str]:
    """
    Raises:
        Invalid: a part is neither a code nor a group.
    """
    parts = languages.split(",")
    wrong = next((message for part in parts if (message := wrong_languages(part)) is not None), None)
    if wrong is not None or "mean_all" in parts or "mean_transfer" in parts:
        raise Invalid(
            "Some names are not known.", errors=[FieldError("query/languages", wrong or "a mean is no language")]
        )
    return frozenset(code for part in parts for code in GROUPS.get(part, (part,)))
