"""Results that were made elsewhere: bring them in, list where they are from, look at their gains, take them out again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import TypeAdapter

from backend.api import answers
from backend.api.answers import tagged
from backend.api.bodies import StrictRoute
from backend.api.deps import LARGEST_ID, AtDoor, AtWho, Cursor, Limit
from backend.api.problems import RESPONSES
from backend.domain.imports import ImportDone, ImportedChoice, ImportRequest, ImportView
from backend.domain.schemas import GainMatrix, Page
from backend.importing import long
from backend.importing.read import read
from backend.store import audit, imported

router = APIRouter(tags=["imports"], responses=RESPONSES, route_class=StrictRoute)

ImportId = Annotated[int, Path(ge=1, le=LARGEST_ID, description="id of an import", examples=[1])]
Name = Annotated[str | None, Query(min_length=1, max_length=60)]
_MATRIX = TypeAdapter(GainMatrix)
_CHOICES = TypeAdapter(list[ImportedChoice])


@router.post(
    "/imports",
    operation_id="import_results",
    status_code=201,
    response_model=ImportDone,
    responses={
        200: {
            "description": "Nothing was written: the same is held already, or it was a dry run.",
            "model": ImportDone,
        },
        201: {"headers": {"Location": {"schema": {"type": "string"}, "description": "address of the import"}}},
    },
)
def import_results(body: ImportRequest, door: AtDoor, who: AtWho, response: Response) -> ImportDone:
    """Import result files, row by row checked: every error is said at once with file, line, column and value, and then nothing is
    written. The same twice adds nothing. With `dry_run` everything is checked and nothing written."""
    found = read(body)
    with door.store.write() as session:
        done = imported.keep(session, body, found, who.name)
        if done.made is not None:
            audit.write(session, who.name, "imported", f"import {done.made.id}, {done.added} scores of {body.source}")
    if done.made is None:
        response.status_code = 200
    else:
        response.headers["Location"] = f"/api/v1/imports/{done.made.id}"
    return done


@router.get("/imports", operation_id="list_imports", response_model=Page[ImportView])
def list_imports(
    request: Request, response: Response, door: AtDoor, limit: Limit = 50, cursor: Cursor = None
) -> Page[ImportView]:
    """Every import with its source, files and their digests, who made it and when; newest first."""
    with door.store.read() as session:
        page = imported.page(session, limit=limit, cursor=cursor)
    answers.link_next(request, response, page)
    return page


@router.get("/imports/gains", operation_id="get_imported_gains", response_model=GainMatrix)
def get_imported_gains(
    request: Request, door: AtDoor, source: Name = None, model: Name = None, target: Name = None, metric: Name = None
) -> Response:
    """Gains among imported scores alone, of one source, model, target and metric; never against own runs, nor across sources or
    settings. What is left out is chosen: what has most scores."""
    with door.store.read() as session:
        found = imported.matrix(session, source=source, model=model, target=target, metric=metric)
    return tagged(request, _MATRIX, found)


@router.get("/imports/choices", operation_id="list_imported", response_model=list[ImportedChoice])
def list_imported(request: Request, door: AtDoor) -> Response:
    """What was imported, by source, model, target and metric."""
    with door.store.read() as session:
        found = imported.choices(session)
    return tagged(request, _CHOICES, found)


@router.get(
    "/imports/example",
    operation_id="get_import_example",
    response_class=Response,
    responses={200: {"description": "A table.", "content": {"text/csv": {"schema": {"type": "string"}}}}},
)
def get_import_example() -> Response:
    """A table of scores that can be imported as it is; its numbers are made up."""
    headers = {"Content-Disposition": 'attachment; filename="crosslift-import.csv"'}
    return Response(long.example(), media_type="text/csv", headers=headers)


@router.get("/imports/{import_id}", operation_id="get_import", response_model=ImportView)
def get_import(import_id: ImportId, door: AtDoor) -> ImportView:
    """One import."""
    with door.store.read() as session:
        return imported.view(session, import_id)


@router.post("/imports/{import_id}:remove", operation_id="remove_import", response_model=ImportView)
def remove_import(import_id: ImportId, door: AtDoor, who: AtWho) -> ImportView:
    """Take an import out, with every score that came with it. The audit trail keeps that it was there."""
    with door.store.write() as session:
        gone = imported.remove(session, import_id)
        audit.write(session, who.name, "removed", f"import {import_id}, {gone.rows} scores of {gone.source}")
    return gone
