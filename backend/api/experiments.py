"""Experiments: preview, submit, watch, cancel, retry, export."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent

from backend.api import answers
from backend.api.bodies import StrictRoute
from backend.api.deps import AtDoor, AtWho, Cursor, Door, ExperimentId, Limit, StillAllowed
from backend.api.events import watch
from backend.api.preview import check_memory, preview
from backend.api.problems import RESPONSES
from backend.api.watching import experiment_watcher
from backend.domain.experiment import ExperimentRequest, plan
from backend.domain.run import RunState, digest
from backend.domain.schemas import ExperimentState, ExperimentView, Page, Preview, RunView
from backend.store import accounts, audit, experiments, export, history, pretrained

router = APIRouter(tags=["experiments"], responses=RESPONSES, route_class=StrictRoute)

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="any text made up by the client; the same key with the same body gives the same experiment",
        examples=["5f3c2a1e-form"],
    ),
]


@router.post("/experiments:preview", operation_id="preview_experiment", response_model=Preview)
def preview_experiment(body: ExperimentRequest, door: AtDoor) -> Preview:
    """What submitting would do, without doing it: runs to do and reused, what does not apply, forecast, and what the
    chosen seeds can show."""
    with door.store.read() as session:
        return preview(session, body)


@router.post(
    "/experiments",
    operation_id="submit_experiment",
    status_code=201,
    response_model=ExperimentView,
    responses={
        200: {
            "description": "This key was used before with this body: the experiment it made.",
            "model": ExperimentView,
        },
        201: {
            "headers": {"Location": {"schema": {"type": "string"}, "description": "address of the experiment"}},
            "links": {
                name: {"operationId": name, "parameters": {"experiment_id": "$response.body#/id"}}
                for name in (
                    "get_experiment",
                    "list_experiment_runs",
                    "cancel_experiment",
                    "retry_experiment",
                    "export_experiment",
                )
            },
        },
    },
)
def submit_experiment(
    body: ExperimentRequest, door: AtDoor, who: AtWho, response: Response, idempotency_key: IdempotencyKey = None
) -> ExperimentView:
    """Write the experiment and its runs, then ring the queue. Runs that exist already are shared, not repeated. With accounts,
    429 where one's own would be more than one may have."""
    body_digest = digest(body.model_dump(mode="json"))
    with door.store.read() as session:
        pretrained.take_up(session)
        pins = experiments.pins(session)
        planned = plan(body, pins)  # before the transaction: other writers wait for that one
        check_memory(session, body, planned)
    with door.store.write() as session:
        if (latest := experiments.pins(session)) != pins:
            planned = plan(body, latest)
        made = experiments.submit(session, body, planned, key=idempotency_key, body_digest=body_digest)
        if made.created:
            audit.write(session, who.name, "submitted", f"experiment {made.id}, {body.name}")
            if who.account is not None:
                accounts.submitted(session, who.account, made.id)
                accounts.check_quota(accounts.quota(session, who.account, **door.limits(who)))
        view = experiments.view(session, made.id)
    door.announce(body.device, len(made.queued))
    response.headers["Location"] = f"/api/v1/experiments/{made.id}"
    if not made.created:
        response.status_code = 200
    return view


@router.get("/experiments", operation_id="list_experiments", response_model=Page[ExperimentView])
def list_experiments(
    request: Request,
    response: Response,
    door: AtDoor,
    limit: Limit = 50,
    cursor: Cursor = None,
    state: Annotated[ExperimentState | None, Query(description="only those in this state")] = None,
) -> Page[ExperimentView]:
    """Experiments, newest first."""
    with door.store.read() as session:
        page = experiments.page(session, limit=limit, cursor=cursor, state=state)
    answers.link_next(request, response, page)
    return page


@router.get("/experiments/{experiment_id}", operation_id="get_experiment", response_model=ExperimentView)
def get_experiment(experiment_id: ExperimentId, door: AtDoor) -> ExperimentView:
    """One experiment. Its state is derived from its runs'."""
    with door.store.read() as session:
        return experiments.view(session, experiment_id)


@router.get("/experiments/{experiment_id}/runs", operation_id="list_experiment_runs", response_model=Page[RunView])
def list_experiment_runs(
    experiment_id: ExperimentId,
    request: Request,
    response: Response,
    door: AtDoor,
    limit: Limit = 50,
    cursor: Cursor = None,
    state: Annotated[RunState | None, Query(description="only those in this state")] = None,
) -> Page[RunView]:
    """The runs of an experiment, those it shares with others included."""
    with door.store.read() as session:
        experiments.view(session, experiment_id)  # 404 for an unknown one, not an empty page
        page = history.page(session, limit=limit, cursor=cursor, experiment=experiment_id, state=state)
    answers.link_next(request, response, page)
    return page


@router.post(
    "/experiments/{experiment_id}:cancel",
    operation_id="cancel_experiment",
    status_code=202,
    response_model=ExperimentView,
)
def cancel_experiment(experiment_id: ExperimentId, door: AtDoor, who: AtWho) -> ExperimentView:
    """Ask for it to stop. Runs that another experiment also wants go on; a running one stops at its next step. Asking
    twice changes nothing."""
    with door.store.write() as session:
        experiments.request_cancel(session, experiment_id)
        audit.write(session, who.name, "cancelled", f"experiment {experiment_id}")
        return experiments.view(session, experiment_id)


@router.post(
    "/experiments/{experiment_id}:retry",
    operation_id="retry_experiment",
    status_code=202,
    response_model=ExperimentView,
)
def retry_experiment(experiment_id: ExperimentId, door: AtDoor, who: AtWho) -> ExperimentView:
    """Do again what failed, diverged, was cancelled or skipped, as new runs. What is done stays."""
    with door.store.write() as session:
        queued = experiments.retry(session, experiment_id)
        audit.write(session, who.name, "retried", f"experiment {experiment_id}")
        if who.account is not None:
            accounts.check_quota(accounts.quota(session, who.account, **door.limits(who)))
        view = experiments.view(session, experiment_id)
    door.announce(view.request.device, len(queued))
    return view


# --- streams ------------------------------------------------------------------------------------------------


@router.get(
    "/experiments/{experiment_id}/events",
    operation_id="watch_experiment",
    response_class=EventSourceResponse,
    responses={204: {"description": "It has ended and nothing changed since `Last-Event-ID`."}},
)
async def watch_experiment(
    look: Annotated[Any, Depends(experiment_watcher)], door: AtDoor, allowed: StillAllowed
) -> AsyncIterator[ServerSentEvent]:
    """Server-sent events: `experiment` (the experiment, at once and whenever it changes), `run` (a run that changed
    since), and `end` when all its runs have ended. With `Last-Event-ID`, only what changed since."""
    async for event in watch(look, door.streams, allowed):
        yield event


# --- export ---------------------------------------------------------------------------------------------------


def _rows(door: Door, experiment_id: int) -> Iterator[Any]:
    with door.store.read() as session:
        yield from export.export(session, experiment=experiment_id)


@router.get(
    "/experiments/{experiment_id}/export",
    operation_id="export_experiment",
    response_class=StreamingResponse,
    responses={200: {"description": "One score a row.", **answers.TABLE[200]}},
)
def export_experiment(
    experiment_id: ExperimentId,
    door: AtDoor,
    format: Annotated[answers.Format, Query(description="csv (RFC 4180) or one JSON object a line")] = "csv",
) -> Response:
    """Every score of its finished runs in long form."""
    with door.store.read() as session:
        experiments.view(session, experiment_id)
    name = f"crosslift-experiment-{experiment_id}"
    return answers.download(_rows(door, experiment_id), export.EXPORT, name=name, format=format)
