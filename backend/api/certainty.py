"""How sure one gain is: asked for by whoever looks at one cell. The statistics are loaded when somebody asks first."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from pydantic import TypeAdapter

from backend.api.answers import tagged
from backend.api.deps import AtDoor
from backend.api.gains import Name, Settings, check
from backend.api.problems import RESPONSES
from backend.domain.certainty import Buckets, Certainty
from backend.domain.task import Source
from backend.settings import settings as of_process

router = APIRouter(tags=["gains"], responses={s: RESPONSES[s] for s in (401, 403, 404, 422, 500, 503)})

Model = Annotated[str, Query(min_length=1, max_length=60)]
Recipe = Annotated[str, Query(min_length=1, max_length=200, description="a recipe with a gain; not the baseline")]
Language = Annotated[
    str,
    Query(min_length=2, max_length=13, description="a code, or `mean_transfer`: the mean that a row of `/gains` shows"),
]

OneLanguage = Annotated[str, Query(min_length=2, max_length=3, description="the code of one language")]

_CERTAINTY: Final = TypeAdapter(Certainty)
_BUCKETS: Final = TypeAdapter(Buckets)


@router.get("/gains/certainty", operation_id="get_certainty", response_model=Certainty)
def get_certainty(
    request: Request,
    door: AtDoor,
    model: Model,
    target: Model,
    recipe: Recipe,
    language: Language,
    metric: Name = None,
    settings: Settings = None,
    source: Source = Source.MINI,
) -> Response:
    """How sure the gain of one cell, or the mean of one recipe, is: its intervals over seeds, over test examples and over both,
    relative gain, gap to English, rank among recipes, and runs that failed. Intervals over examples are computed from the
    stored predictions of the runs; where these are gone, it says so."""
    from backend.store import certainty, predicted

    check(door, model=model, target=target, metric=metric, settings=settings)
    with door.store.read() as session:
        chosen = predicted.choose(
            session, model=model, target=target, metric=metric, recipe=recipe, language=language, settings=settings, source=source
        )  # fmt: skip
    return tagged(request, _CERTAINTY, certainty.certainty(chosen, of_process().artifact_root))


@router.get("/gains/buckets", operation_id="get_buckets", response_model=Buckets)
def get_buckets(
    request: Request,
    door: AtDoor,
    model: Model,
    target: Model,
    recipe: Recipe,
    language: Language,
    metric: Name = None,
    settings: Settings = None,
    source: Source = Source.MINI,
) -> Response:
    """The gain of one cell by kind of test example: length, label, kind of answer, type of entity, word overlap, script, each with
    its interval and n, over seeds and examples from three seeds on, else over examples. Of a mean the buckets are over the languages
    that have the attribute, each weighing the same, and numbers are divided into each language's own thirds. One interval at a time: among twenty, one
    is expected to miss."""
    from backend.store import bucketed, predicted

    check(door, model=model, target=target, metric=metric, settings=settings)
    with door.store.read() as session:
        chosen = predicted.choose(
            session, model=model, target=target, metric=metric, recipe=recipe, language=language, settings=settings, source=source
        )  # fmt: skip
    return tagged(request, _BUCKETS, bucketed.buckets(chosen, of_process().artifact_root))
