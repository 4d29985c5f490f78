"""The life of a run: claimed, alive, recorded; cancelled or tried again by people.

Whoever works on a run names the attempt that the claim gave out with every write. When the lease was lost and somebody
else has the run, the attempt is another one: the write changes nothing and says so. Only the database's clock is used.
How attempts end is in ``endings`` and how runs are shown in ``history``; both can be reached from here as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError
from sqlalchemy import Float, Update, and_, bindparam, exists, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlmodel import Session

from backend.domain.run import TERMINAL, DeviceClass, Phase, RunKind, RunSpec, RunState
from backend.errors import Conflict, NotFound
from backend.store import graph, words
from backend.store.columns import db_now, storable
from backend.store.endings import Ended, Finished, Result, Swept, cancelled, died, diverge, fail, finish, release, sweep
from backend.store.history import curves, detail, logs, page, scores, view
from backend.store.paging import check_id
from backend.store.prepared import Prepared
from backend.store.session import now
from backend.store.tables import (
    ANSWERS,
    LIVE,
    curve_point,
    experiment_run,
    log_line,
    queued_run,
    run,
    run_parent,
)
from backend.store.tables import attempt as attempts
from backend.store.tables import worker as workers

Place = Literal["first", "last"]

__all__ = [
    "Beat",
    "Claim",
    "Ended",
    "Finished",
    "Place",
    "Result",
    "Swept",
    "beat",
    "cancelled",
    "claim",
    "curves",
    "detail",
    "died",
    "diverge",
    "fail",
    "finish",
    "logs",
    "noted",
    "page",
    "prioritise",
    "record",
    "release",
    "request_cancel",
    "retry",
    "scores",
    "sweep",
    "view",
]


@dataclass(frozen=True, slots=True)
class Claim:
    """A run to work on. ``tries`` is how many attempts count against it, this one included."""

    run_id: int
    attempt: int
    spec: RunSpec
    fingerprint: str
    kind: RunKind
    model: str
    parents: dict[str, str]  # fingerprint → address of the artifact
    tries: int
    title: str


@dataclass(frozen=True, slots=True)
class Beat:
    """``alive`` False: the lease is lost, stop and write nothing more."""

    alive: bool
    cancel_requested: bool


# --- claim and heartbeat -----------------------------------------------------------------------------------------------


def claim(
    session: Session,
    *,
    worker: str,
    device: DeviceClass,
    lease_seconds: float,
    devices: int = 1,
    free: int | None = None,
) -> Claim | None:
    """Take the best queued run of this device class: highest priority, then oldest. None when there is none, and for a worker
    that is drained.

    Of a worker with ``devices`` of them, of which so many are ``free`` (None: all), runs that ask for more are another's. One that
    asks for more than are free now is not passed over, or it would wait for as long as there are small ones: none is taken.

    One statement picks and takes it, so that no two workers get the same. A run that this version of the program cannot
    read is failed and the next one taken, so that it does not block the queue.
    """
    free = devices if free is None else free
    while (row := _take(session, worker, device, lease_seconds, devices, free)) is not None:
        try:
            spec = RunSpec.model_validate(row["spec"])
        except ValidationError as error:
            message = f"This version of the program cannot read the run: {words.first_line(str(error))}"
            fail(session, row["id"], row["attempt"], type="Unreadable", message=message, traceback=str(error))
            continue
        parents = _PARENTS.rows(session, of=row["id"]) if spec.parents else []
        return Claim(
            run_id=row["id"],
            attempt=row["attempt"],
            spec=spec,
            fingerprint=row["fingerprint"],
            kind=RunKind(row["kind"]),
            model=row["model"],
            parents={fingerprint: artifact or "" for fingerprint, artifact in parents},
            tries=row["attempt"] - row["preemptions"],
            title=words.title(row),
        )
    return None


def _best_queued() -> Update:
    asked = func.coalesce(queued_run.c.devices, 1)
    drained = exists().where(workers.c.name == bindparam("by"), workers.c.drained_at.is_not(None))
    best = (
        select(queued_run.c.id)
        .where(queued_run.c.state == RunState.QUEUED.value, queued_run.c.device_class == bindparam("device"))
        .where(asked <= bindparam("most"), ~drained)
        .order_by(queued_run.c.priority.desc(), queued_run.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    taken = graph.move(
        RunState.RUNNING,
        attempt=run.c.attempt + 1,
        worker=bindparam("by", type_=run.c.worker.type),
        phase=Phase.STARTING.value,
        step=0,
        lease_until=db_now(bindparam("lease", type_=Float())),
        heartbeat_at=db_now(),
        progress_at=db_now(),
        started_at=func.coalesce(run.c.started_at, db_now()),
    )
    return taken.where(run.c.id == best, func.coalesce(run.c.devices, 1) <= bindparam("free")).returning(
        *(run.c[name] for name in _CLAIMED)
    )


#: Columns of a run that a claim is made of.
_CLAIMED = (
    "id",
    "attempt",
    "preemptions",
    "spec",
    "fingerprint",
    "kind",
    "model",
    "recipe",
    "target",
    "seed",
)
_TAKE = Prepared(_best_queued)
_BEGUN = Prepared(
    lambda: insert(attempts).from_select(
        ["run_id", "number", "worker", "started_at"],
        select(run.c.id, run.c.attempt, run.c.worker, run.c.heartbeat_at).where(run.c.id == bindparam("of")),
    )
)
_PARENTS = Prepared(
    lambda: (
        select(run.c.fingerprint, run.c.artifact)
        .join(run_parent, run_parent.c.parent_id == run.c.id)
        .where(run_parent.c.run_id == bindparam("of"))
    )
)


def _take(
    session: Session, worker: str, device: DeviceClass, lease_seconds: float, devices: int, free: int
) -> dict[str, Any] | None:
    found = _TAKE.maps(session, by=worker, device=device.value, most=devices, lease=float(lease_seconds), free=free)
    if not found:
        return None
    _BEGUN.run(session, of=found[0]["id"])
    return found[0]


def beat(
    session: Session,
    run_id: int,
    attempt: int,
    *,
    lease_seconds: float,
    phase: Phase,
    step: int,
    total_steps: int,
    rate: float | None,
    eta_low: float | None,
    eta_high: float | None,
    progressed: bool,
) -> Beat:
    """Say that the run is alive and where it stands; the lease runs anew.

    Args:
        rate: steps per second over the last while.
        eta_low, eta_high: seconds until it is done.
        progressed: whether anything happened since the last beat: alive and progressing are two clocks.
    """
    values: dict[str, Any] = {"progress_at": db_now()} if progressed else {}
    renewed = (
        update(run)
        .where(*graph.held(run_id, attempt))
        .values(
            lease_until=db_now(lease_seconds),
            heartbeat_at=db_now(),
            phase=phase.value,
            step=step,
            total_steps=total_steps,
            rate=rate,
            eta_low=eta_low,
            eta_high=eta_high,
            **values,
        )
        .returning(run.c.cancel_requested_at)
    )
    row = session.execute(renewed).one_or_none()
    return Beat(alive=row is not None, cancel_requested=row is not None and row.cancel_requested_at is not None)


def record(
    session: Session,
    run_id: int,
    attempt: int,
    *,
    curves: Iterable[tuple[str, int, float]] = (),
    logs: Iterable[tuple[str, str]] = (),
) -> bool:
    """Write points of curves (name, step, value) and log lines (level, message). False: the lease was lost.

    A point that is there already is written over, but never by an earlier attempt.

    Raises:
        ValueError: a value is not finite. Nothing is written then.
    """
    held = select(run.c.id).where(*graph.held(run_id, attempt)).with_for_update(read=True, of=run)
    if session.execute(held).one_or_none() is None:
        return False
    points = [{"run_id": run_id, "name": n, "step": s, "attempt": attempt, "value": v} for n, s, v in curves]
    if points:
        dialect = session.get_bind().dialect.name
        new = postgres_insert(curve_point) if dialect == "postgresql" else sqlite_insert(curve_point)
        upsert = new.on_conflict_do_update(
            index_elements=["run_id", "name", "step"],
            set_={"attempt": new.excluded.attempt, "value": new.excluded.value},
            where=new.excluded.attempt >= curve_point.c.attempt,
        )
        session.execute(upsert, points)
    at = now(session)
    lines = [
        {"run_id": run_id, "attempt": attempt, "at": at, "level": level, "message": storable(message)}
        for level, message in logs
    ]
    if lines:
        session.execute(insert(log_line), lines)
    return True


def noted(
    session: Session,
    run_id: int,
    attempt: int,
    *,
    resumed: int | None = None,
    saved: int | None = None,
    rejected: Sequence[str] | None = None,
) -> bool:
    """Note what an attempt says of its checkpoints; what is None stays as it is. False: the lease was lost.

    Args:
        resumed: the step of the one that it went on from.
        saved: the step of the newest one that it made.
        rejected: those that it passed over, and why.
    """
    if session.execute(select(run.c.id).where(*graph.held(run_id, attempt))).one_or_none() is None:
        return False
    said = {
        "resumed_from_step": resumed,
        "checkpoint_step": saved,
        "rejected": None if rejected is None else storable("\n".join(" ".join(r.split()) for r in rejected)),
    }
    change = update(attempts).where(attempts.c.run_id == run_id, attempts.c.number == attempt)
    session.execute(change.values({name: value for name, value in said.items() if value is not None}))
    return True


# --- asked for by people -----------------------------------------------------------------------------------------------


def _state(session: Session, id: int) -> RunState:
    check_id("run", id)
    state = session.scalars(select(run.c.state).where(run.c.id == id)).one_or_none()
    if state is None:
        raise NotFound(f"There is no run {id}.")
    return RunState(state)


def request_cancel(session: Session, id: int) -> RunState:
    """Stop a run, whoever wants it: at once if it has not begun, else at its next step. What waits for it is skipped
    when it has stopped. Asking twice changes nothing.

    Returns:
        the state it is in now.

    Raises:
        NotFound: there is no such run.
        Conflict: it has ended otherwise.
    """
    graph.lock(session)
    state = _state(session, id)
    if state in TERMINAL and state is not RunState.CANCELLED:
        raise Conflict(f"Run {id} has ended ({state.value}); there is nothing to cancel.")
    if state is RunState.RUNNING:
        session.execute(
            update(run)
            .where(run.c.id == id, run.c.state == state.value, run.c.cancel_requested_at.is_(None))
            .values(cancel_requested_at=db_now())
        )
    elif graph.moved(session, graph.move(RunState.CANCELLED, cancel_requested_at=db_now()).where(run.c.id == id)):
        graph.skip(session, id)
    return _state(session, id)


def prioritise(
    session: Session, id: int, *, priority: int | None = None, place: Place | None = None, before: int | None = None
) -> int:
    """Change when a run's turn is. What it waits for moves with it: is raised to its priority, never lowered.

    Args:
        priority: higher ones come first.
        place: instead of it, before or behind all that is queued or waiting for the same class of device.
        before: or right before this run. Whatever stands before that one keeps its place, two priorities higher where there is no room.

    Returns:
        the priority that it has now.

    Raises:
        NotFound: there is no such run.
        Conflict: it, or the run that it is to stand before, has begun or ended: it has no turn any more.
    """
    graph.lock(session)
    state = _state(session, id)
    turn = (RunState.WAITING, RunState.QUEUED)
    if state not in turn:
        ended = "runs already" if state is RunState.RUNNING else f"has ended ({state.value})"
        raise Conflict(f"Run {id} {ended}; only one that waits or is queued can be moved.")
    if before is not None:
        priority = _before(session, id, before)
    elif priority is None:
        device = select(run.c.device_class).where(run.c.id == id).scalar_subquery()
        others = select(func.max(run.c.priority), func.min(run.c.priority)).where(
            run.c.state.in_([s.value for s in turn]), run.c.device_class == device, run.c.id != id
        )
        highest, lowest = session.execute(others).one()
        edge = (highest, 1) if place == "first" else (lowest, -1)
        priority = 0 if edge[0] is None else edge[0] + edge[1]
    session.execute(update(run).where(run.c.id == id).values(priority=priority))
    above = select(run_parent.c.parent_id).where(run_parent.c.run_id == id).cte("above", recursive=True)
    above = above.union(select(run_parent.c.parent_id).where(run_parent.c.run_id == above.c.parent_id))
    session.execute(
        update(run)
        .where(run.c.id.in_(select(above.c.parent_id)), run.c.state.in_([s.value for s in LIVE]))
        .where(run.c.priority < priority)
        .values(priority=priority)
    )
    return priority


def _before(session: Session, id: int, other: int) -> int:
    """Make room right before this run, among those of its class of device, and say which priority is there. Where no run is in
    between, nothing but the moved one changes."""
    if _state(session, other) not in (RunState.WAITING, RunState.QUEUED):
        raise Conflict(f"Run {other} has begun or ended; nothing can be put before it any more.")
    at, device = session.execute(select(run.c.priority, run.c.device_class).where(run.c.id == other)).one()
    if id == other:
        return int(at)
    beside = [run.c.state.in_([s.value for s in LIVE]), run.c.device_class == device]
    earlier = and_(run.c.priority == at, run.c.id < other)
    between = select(run.c.id).where(*beside, run.c.id != id, or_(run.c.priority == at + 1, earlier)).limit(1)
    if session.scalars(between).first() is not None:
        above = or_(run.c.priority > at, earlier)
        session.execute(update(run).where(*beside, above).values(priority=run.c.priority + 2))
    return int(at) + 1


def retry(session: Session, id: int) -> int:
    """Do a run again that failed, diverged, was cancelled or skipped: as a new run, or the one that does it by now.

    What was skipped because of it is done again too, and what it starts from where that is missing. The new runs take
    the old ones' places in every experiment that still wants it.

    Returns:
        the new run's id.

    Raises:
        NotFound: there is no such run.
        Conflict: it is not in such a state, or no experiment wants it any more.
    """
    graph.lock(session)
    state = _state(session, id)
    if state not in TERMINAL or state is RunState.DONE:
        raise Conflict(
            f"Run {id} is {state.value}; only one that failed, diverged, was cancelled or skipped is tried again."
        )
    link = experiment_run
    latest = session.scalars(
        select(link.c.replaced_by).where(link.c.run_id == id, link.c.replaced_by.is_not(None)).limit(1)
    ).first()
    wanting = session.scalars(
        select(link.c.experiment_id).where(
            link.c.run_id == id, link.c.detached_at.is_(None), link.c.replaced_by.is_(None)
        )
    ).all()
    if not wanting:
        if latest is not None:  # asked for twice
            return int(latest) if _state(session, latest) in ANSWERS else retry(session, latest)
        raise Conflict(f"No experiment wants run {id} any more; submit or try again an experiment that needs it.")
    below = session.scalars(
        select(run.c.id)
        .join(link, link.c.run_id == run.c.id)
        .where(
            link.c.experiment_id.in_(wanting),
            link.c.replaced_by.is_(None),
            run.c.state == RunState.SKIPPED.value,
            run.c.skipped_because == id,
        )
        .distinct()
    ).all()
    places, _ = graph.renew(session, [id, *below], wanting)
    return places[id]
