"""MultiCheckList: six tests of what a question-answering model can do, in every language, and the cases that it fails."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from pydantic import TypeAdapter

from backend.api.answers import tagged
from backend.api.certainty import Model, OneLanguage
from backend.api.deps import AtDoor, Cursor, Limit
from backend.api.flips import Seed
from backend.api.gains import Name, Settings, check
from backend.api.problems import RESPONSES
from backend.domain.checks import CheckFailures, CheckMatrix
from backend.domain.task import Source
from backend.settings import settings as of_process

router = APIRouter(tags=["gains"], responses={s: RESPONSES[s] for s in (401, 403, 404, 422, 500, 503)})

OneRecipe = Annotated[str | None, Query(min_length=1, max_length=200, description="a recipe, or `none`: the baseline")]
_MATRIX: Final = TypeAdapter(CheckMatrix)
_FAILURES: Final = TypeAdapter(CheckFailures)


@router.get("/checklist", operation_id="get_checklist", response_model=CheckMatrix)
def get_checklist(
    request: Request, door: AtDoor, model: Name = None, recipe: OneRecipe = None, settings: Settings = None, source: Source = Source.MINI
) -> Response:  # fmt: skip
    """MultiCheckList's error rates, test by language, of one model and recipe, each with what the recipe won over the baseline and the
    interval over seeds. Less error is better; a gain above zero is fewer errors. What is left out is chosen."""
    from backend.store import checks

    check(door, model=model, settings=settings)
    with door.store.read() as session:
        found = checks.matrix(session, model=model, recipe=recipe, settings=settings, source=source)
    return tagged(request, _MATRIX, found)


@router.get("/checklist/failures", operation_id="list_check_failures", response_model=CheckFailures)
def list_check_failures(
    request: Request,
    door: AtDoor,
    model: Model,
    recipe: Annotated[str, Query(min_length=1, max_length=200, description="a recipe, or `none`: the baseline")],
    language: OneLanguage,
    test: Annotated[str, Query(min_length=1, max_length=40, description="one of the six")],
    seed: Seed = None,
    source: Source = Source.MINI,
    limit: Limit = 10,
    cursor: Cursor = None,
) -> Response:
    """The cases of a test that one run fails, each with its questions, the answers that were expected and those that were given."""
    from backend.store import checks

    check(door, model=model)
    with door.store.read() as session:
        of = checks.look(session, model=model, recipe=recipe, seed=seed, source=source)
    found = checks.failures(
        of, language=language, test=test, root=of_process().artifact_root, data_root=of_process().data_root, limit=limit, cursor=cursor
    )  # fmt: skip
    return tagged(request, _FAILURES, found)
