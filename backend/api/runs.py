"""Runs, the queue they wait in and the workers that do them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from backend.api import answers
from backend.api.bodies import StrictRoute
from backend.api.deps import LARGEST_ID, AtDoor, AtWho, Cursor, Limit, RunId, StillAllowed
from backend.api.events import watch
from backend.api.problems import RESPONSES
from backend.api.watching import run_watcher
from backend.domain.forecast_record import NOMINAL, records, replay
from backend.domain.listed import RowsBy, RunRow, RunSort
from backend.domain.run import DeviceClass, RunKind, RunState
from backend.domain.schemas import (
    Curve,
    ForecastCheck,
    ForecastRecord,
    LogLine,
    Page,
    QueueView,
    RunDetail,
    RunView,
    ScoreView,
    Turn,
    WorkerView,
)
from backend.domain.task import Source
from backend.store import accounts, audit, costs, history, listed, runs, workers
from backend.store.tables import LIVE

router = APIRouter(responses=RESPONSES, route_class=StrictRoute)

Name = Annotated[str | None, Query(min_length=1, max_length=60, pattern=r"^[^\x00]+$")]
Recipe = Annotated[str | None, Query(min_length=1, max_length=1000, pattern=r"^[^\x00]+$")]
Text = Annotated[
    str | None,
    Query(
        max_length=200,
        pattern=r"^[^\x00]*$",
        description="words that are all somewhere in what a run is: `mini-2 mnli`",
    ),
]
Mine = Annotated[bool, Query(description="only those of experiments that you submitted; without accounts, all")]
Hours = Annotated[int | None, Query(ge=1, le=24 * 366, description="only those that ended within so many hours")]
Standing = Literal["live", "waiting", "queued", "running", "done", "failed", "diverged", "cancelled", "skipped"]

Experiment = Annotated[int | None, Query(ge=1, le=LARGEST_ID, description="only those it lists")]
States = Annotated[
    list[Standing] | None, Query(max_length=10, description="any of these; `live`: waiting, queued or running")
]


@router.get("/runs", operation_id="list_runs", response_model=Page[RunView], tags=["runs"])
def list_runs(
    request: Request,
    response: Response,
    door: AtDoor,
    who: AtWho,
    limit: Limit = 50,
    cursor: Cursor = None,
    experiment: Experiment = None,
    state: States = None,
    kind: RunKind | None = None,
    model: Name = None,
    target: Name = None,
    recipe: Recipe = None,
    q: Text = None,
    mine: Mine = False,
    hours: Hours = None,
    order: Annotated[history.Order, Query(description="`queue`: as workers take them, by priority")] = "newest",
) -> Page[RunView]:
    """Runs, newest first. Filters go together; one that matches nothing gives an empty page."""
    wanted = listed.Wanted(recipe=recipe, q=q, account=who.account if mine else None, hours=hours)
    with door.store.read() as session:
        page = history.page(
            session,
            limit=limit,
            cursor=cursor,
            experiment=experiment,
            state=_states(state),
            kind=kind,
            model=model,
            target=target,
            order=order,
            more=wanted.conditions(session),
        )
    answers.link_next(request, response, page)
    return page


def _states(said: list[Standing] | None) -> set[RunState] | None:
    return {s for each in said or () for s in (LIVE if each == "live" else (RunState(each),))} or None


@router.get("/runs/rows", operation_id="list_run_rows", response_model=Page[RunRow], tags=["runs"])
def list_run_rows(
    request: Request,
    response: Response,
    door: AtDoor,
    who: AtWho,
    limit: Limit = 50,
    cursor: Cursor = None,
    by: Annotated[RowsBy, Query(description="`seeds`: runs that differ by their seed alone are one row")] = "seeds",
    sort: Annotated[
        RunSort, Query(description="`finished`: the last that ended first; `longest`: the most device time first")
    ] = "newest",
    experiment: Experiment = None,
    state: States = None,
    kind: RunKind | None = None,
    source: Source | None = None,
    model: Name = None,
    target: Name = None,
    recipe: Recipe = None,
    device: DeviceClass | None = None,
    q: Text = None,
    mine: Mine = False,
    hours: Hours = None,
    alike: Annotated[
        int | None, Query(ge=1, le=LARGEST_ID, description="only those that differ from this run by the seed alone")
    ] = None,
) -> Page[RunRow]:
    """Runs as a table: those that differ by their seed alone in one row, with the mean of their scores, what they took, and
    whether a share link shows one of them. Filters go together; a row holds the runs that they let through."""
    wanted = listed.Wanted(
        states=_states(state), kind=kind, source=source, model=model, recipe=recipe, target=target, device=device,
        experiment=experiment, account=who.account if mine else None, hours=hours, alike=alike, q=q,
    )  # fmt: skip
    with door.store.read() as session:
        page = listed.rows(session, wanted, by=by, sort=sort, limit=limit, cursor=cursor)
    answers.link_next(request, response, page)
    return page


@router.get("/runs/{run_id}", operation_id="get_run", response_model=RunView, tags=["runs"])
def get_run(run_id: RunId, door: AtDoor) -> RunView:
    """One run: where it stands, in words too."""
    with door.store.read() as session:
        return history.view(session, run_id)


@router.get("/runs/{run_id}/detail", operation_id="get_run_detail", response_model=RunDetail, tags=["runs"])
def get_run_detail(run_id: RunId, door: AtDoor) -> RunDetail:
    """A run with what it computes exactly, its attempts and the environment it ran in."""
    with door.store.read() as session:
        return history.detail(session, run_id)


@router.get("/runs/{run_id}/curves", operation_id="get_run_curves", response_model=list[Curve], tags=["runs"])
def get_run_curves(
    run_id: RunId,
    door: AtDoor,
    limit: Annotated[int, Query(ge=2, le=5000, description="points of a curve, at most")] = 500,
) -> list[Curve]:
    """Loss, learning rate and development scores over its steps, thinned evenly to `limit` points."""
    with door.store.read() as session:
        history.view(session, run_id)
        return history.curves(session, run_id, limit=limit)


@router.get("/runs/{run_id}/scores", operation_id="get_run_scores", response_model=list[ScoreView], tags=["runs"])
def get_run_scores(run_id: RunId, door: AtDoor) -> list[ScoreView]:
    """Its scores, 0 to 100; empty until it is done."""
    with door.store.read() as session:
        history.view(session, run_id)
        return history.scores(session, run_id)


@router.get("/runs/{run_id}/logs", operation_id="get_run_logs", response_model=list[LogLine], tags=["runs"])
def get_run_logs(
    run_id: RunId,
    door: AtDoor,
    after: Annotated[int, Query(ge=0, le=LARGEST_ID, description="only lines with a greater id")] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 500,
) -> list[LogLine]:
    """Lines of its log, oldest first."""
    with door.store.read() as session:
        history.view(session, run_id)
        return history.logs(session, run_id, after=after, limit=limit)


@router.get(
    "/runs/{run_id}/events",
    operation_id="watch_run",
    response_class=EventSourceResponse,
    responses={204: {"description": "It has ended and nothing changed since `Last-Event-ID`."}},
    tags=["runs"],
)
async def watch_run(
    look: Annotated[Any, Depends(run_watcher)], door: AtDoor, allowed: StillAllowed
) -> AsyncIterator[ServerSentEvent]:
    """Server-sent events: `run` (at once and whenever it changes), `log` (new lines), and `end` when it has ended. With
    `Last-Event-ID`, only what changed since."""
    async for event in watch(look, door.streams, allowed):
        yield event


@router.post("/runs/{run_id}:cancel", operation_id="cancel_run", status_code=202, response_model=RunView, tags=["runs"])
def cancel_run(run_id: RunId, door: AtDoor, who: AtWho) -> RunView:
    """Ask a run to stop, for every experiment that shares it. Asking twice changes nothing."""
    with door.store.write() as session:
        runs.request_cancel(session, run_id)
        audit.write(session, who.name, "cancelled", f"run {run_id}")
        return history.view(session, run_id)


@router.post("/runs/{run_id}:retry", operation_id="retry_run", status_code=202, response_model=RunView, tags=["runs"])
def retry_run(run_id: RunId, door: AtDoor, who: AtWho) -> RunView:
    """Do a run again that failed, diverged, was cancelled or skipped: as a new run, which is the answer."""
    with door.store.write() as session:
        again = runs.retry(session, run_id)
        audit.write(session, who.name, "retried", f"run {run_id}")
        if who.account is not None:
            accounts.check_quota(accounts.quota(session, who.account, **door.limits(who)))
        found = history.detail(session, again)
    door.announce(DeviceClass(found.spec["device"]), 1)  # for it, or for what it needs first
    return found.run


@router.post("/runs/{run_id}:move", operation_id="move_run", response_model=RunView, tags=["queue"])
def move_run(run_id: RunId, turn: Turn, door: AtDoor, who: AtWho) -> RunView:
    """Change when the turn of a run is that waits or is queued. What it waits for moves up with it."""
    with door.store.write() as session:
        runs.prioritise(session, run_id, priority=turn.priority, place=turn.place, before=turn.before)
        to = f"before run {turn.before}" if turn.before is not None else f"to {turn.place or turn.priority}"
        audit.write(session, who.name, "moved", f"run {run_id} {to}")
        return history.view(session, run_id)


@router.get("/queue", operation_id="get_queue", response_model=QueueView, tags=["queue"])
def get_queue(door: AtDoor) -> QueueView:
    """How many runs wait for others, are queued and are running, and who is there to do them."""
    with door.store.read() as session:
        live = {state.value: count for state, count in history.counts(session, LIVE).items()}
        return QueueView(**live, workers=workers.listing(session))


@router.get("/forecast", operation_id="check_forecasts", response_model=ForecastCheck, tags=["queue"])
def check_forecasts(door: AtDoor) -> ForecastCheck:
    """How good forecasts were: the newest finished runs, each forecast again from what had ended when it began."""
    with door.store.read() as session:
        past = costs.finished(session)
    whole, parts = records(*replay(past))
    return ForecastCheck(
        said=whole.said(),
        nominal=NOMINAL,
        all=ForecastRecord(**asdict(whole)),
        by=[ForecastRecord(**asdict(part)) for part in parts],
    )


@router.get("/workers", operation_id="list_workers", response_model=list[WorkerView], tags=["queue"])
def list_workers(door: AtDoor) -> list[WorkerView]:
    """The worker processes, with how long ago each was last seen."""
    with door.store.read() as session:
        return workers.listing(session)


WorkerName = Annotated[str, Path(min_length=1, max_length=255, pattern=r"^[^\x00]+$", examples=["host:4711-a1b2"])]


@router.post("/workers/{name}:drain", operation_id="drain_worker", response_model=WorkerView, tags=["queue"])
def drain_worker(name: WorkerName, door: AtDoor, who: AtWho) -> WorkerView:
    """Let a worker take nothing new: what it works on goes on to its end. Asking twice changes nothing."""
    with door.store.write() as session:
        audit.write(session, who.name, "drained", f"worker {name}")
        return workers.drain(session, name)


@router.post("/workers/{name}:resume", operation_id="resume_worker", response_model=WorkerView, tags=["queue"])
def resume_worker(name: WorkerName, door: AtDoor, who: AtWho) -> WorkerView:
    """Let a drained worker take runs again."""
    with door.store.write() as session:
        found = workers.drain(session, name, drained=False)
        audit.write(session, who.name, "resumed", f"worker {name}")
    for device in found.queues:
        door.announce(DeviceClass(device), found.slots)
    return found
