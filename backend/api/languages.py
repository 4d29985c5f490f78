"""Gains seen from a language: the table of all of them, and everything about one."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from pydantic import TypeAdapter

from backend.api.answers import tagged
from backend.api.deps import AtDoor
from backend.api.gains import Name, check
from backend.api.problems import RESPONSES
from backend.domain.by_language import LanguageDetail, LanguageTable
from backend.domain.language import LANGUAGES
from backend.domain.task import Source
from backend.errors import NotFound, unknown
from backend.store import by_language

router = APIRouter(tags=["gains"], responses={s: RESPONSES[s] for s in (401, 403, 404, 422, 500, 503)})

_TABLE = TypeAdapter(LanguageTable)
_DETAIL = TypeAdapter(LanguageDetail)


@router.get("/gains/languages", operation_id="list_language_gains", response_model=LanguageTable)
def list_language_gains(request: Request, door: AtDoor, source: Source = Source.MINI, model: Name = None) -> Response:
    """Every language of the catalogue with the mean gain of one model in it, over recipes, then targets, by headline metrics; or
    why there is none. A model that is left out is chosen: that with most results."""
    check(door, model=model)
    with door.store.read() as session:
        found = by_language.table(session, source=source, model=model)
    return tagged(request, _TABLE, found)


@router.get("/gains/languages/{code}", operation_id="get_language_gains", response_model=LanguageDetail)
def get_language_gains(
    request: Request,
    door: AtDoor,
    code: Annotated[str, Path(max_length=60)],
    source: Source = Source.MINI,
    model: Name = None,
) -> Response:
    """One language: the gain of every recipe on every target that has it, or why there is none; the gap to English; and the
    languages nearest to it by branch, family and script."""
    if code not in LANGUAGES:
        raise NotFound(unknown("language", code, tuple(LANGUAGES)))
    check(door, model=model)
    with door.store.read() as session:
        found = by_language.detail(session, code, source=source, model=model)
    return tagged(request, _DETAIL, found)
