"""What model size and compute do to transfer: the answer that the gains of a benchmark support, and the gains themselves."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import TypeAdapter

from backend.api.answers import tagged
from backend.api.deps import AtDoor
from backend.api.problems import RESPONSES
from backend.domain.answer import Answer
from backend.domain.task import Format, Source
from backend.store import answer

router = APIRouter(tags=["gains"], responses={s: RESPONSES[s] for s in (401, 403, 422, 500, 503)})

TaskFormat = Annotated[Format | None, Query(description="only targets of this format; all unless given")]

_ANSWER = TypeAdapter(Answer)


@router.get("/answer", operation_id="get_answer", response_model=Answer)
def get_answer(
    request: Request, door: AtDoor, source: Source = Source.MINI, task_format: TaskFormat = None
) -> Response:
    """What the gains of one benchmark say about model size and compute: mixed-effects estimates with intervals, the sentence that
    they support, and where they support none, why and what to run next with its device-hours. Fitted when it is first asked for
    after a run has ended, which takes seconds; later answers come from memory."""
    with door.store.read() as session:
        found = answer.answer(session, source=source, format=task_format.value if task_format else None)
    return tagged(request, _ANSWER, found)


@router.get(
    "/answer/data",
    operation_id="get_answer_data",
    response_class=Response,
    responses={
        200: {"description": "One gain of one seed a row.", "content": {"text/csv": {"schema": {"type": "string"}}}}
    },
)
def get_answer_data(door: AtDoor, source: Source = Source.MINI, task_format: TaskFormat = None) -> Response:
    """The gains that the answer rests on, as CSV (RFC 4180): its SHA-256 is the answer's `data_sha256`."""
    with door.store.read() as session:
        found = answer.fitted(session, source=source, format=task_format.value if task_format else None)
    headers = {
        "Content-Disposition": f'attachment; filename="crosslift-answer-{source.value}-{found.sha256[:12]}.csv"',
        "Cache-Control": "no-cache",
    }
    return Response(found.text, headers=headers, media_type="text/csv; charset=utf-8")
