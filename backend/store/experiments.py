"""Experiments: submit, look at, cancel, try again. An experiment's state is derived from its runs'."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, case, false, func, insert, select, true, update
from sqlmodel import Session

from backend.domain.experiment import BENCHMARKS, ExperimentRequest, Pins, Plan, PlannedRun
from backend.domain.run import RunState
from backend.domain.schemas import BroughtView, Counts, ExperimentState, ExperimentView, Page
from backend.domain.task import Source
from backend.errors import Conflict, Invalid, NotFound
from backend.store import brought, budget, graph
from backend.store.columns import db_now
from backend.store.paging import check_id, check_limit, read_cursor, write_cursor
from backend.store.session import now
from backend.store.tables import ENDED, LIVE, experiment, experiment_run, pin, run

BAD = tuple(s for s in ENDED if s is not RunState.DONE)


@dataclass(frozen=True, slots=True)
class Submitted:
    """``created`` is False where an idempotency key led to the experiment of an earlier request."""

    id: int
    created: bool
    queued: list[int]


def submit(session: Session, request: ExperimentRequest, plan: Plan, *, key: str | None, body_digest: str) -> Submitted:
    """Write down an experiment and those of its runs that do not exist, in the order of the plan.

    A live or done run of equal fingerprint is shared instead. What needs nothing that is not done is queued, the rest
    waits.

    Args:
        key: the request's idempotency key.
        body_digest: digest of the request as it came: what a repeated key is compared by.

    Raises:
        Invalid: the key was used with another body, or cannot be a key.
    """
    graph.lock(session)
    if key is not None:
        if not 0 < len(key) <= 255 or not key.isascii() or not key.isprintable():
            raise Invalid("The Idempotency-Key must be 1 to 255 printable ASCII characters.")
        earlier = session.execute(
            select(experiment.c.id, experiment.c.body_digest).where(experiment.c.idempotency_key == key)
        ).one_or_none()
        if earlier is not None:
            if earlier.body_digest != body_digest:
                raise Invalid("This Idempotency-Key was used with another body; send a new key with a new request.")
            return Submitted(earlier.id, False, [])
    experiment_id = session.scalars(
        insert(experiment).returning(experiment.c.id),
        [
            {
                "name": request.name,
                "source": request.source.value,
                "benchmark": BENCHMARKS[request.source],
                "request": request.model_dump(mode="json"),
                "not_applicable": sorted({(c.model, c.recipe, c.target, c.reason or "") for c in plan.not_applicable}),
                "idempotency_key": key,
                "body_digest": body_digest,
                "created_at": now(session),
            }
        ],
    ).one()
    known = graph.answers(session, plan.runs)
    shared = {id for id, _ in known.values()}
    new = [row_of(planned, request.source, request.priority) for f, planned in plan.runs.items() if f not in known]
    queued = graph.create(session, new, {f: p.spec.parents for f, p in plan.runs.items()}, known)
    graph.link(session, experiment_id, [known[f][0] for f in plan.runs], reused=shared)
    for part in graph.chunks(shared):
        session.execute(
            update(run)
            .where(run.c.id.in_(part), run.c.priority < request.priority, run.c.state.in_([s.value for s in LIVE]))
            .values(priority=request.priority)
        )
    return Submitted(experiment_id, True, queued)


def row_of(planned: PlannedRun, source: Source, priority: int) -> dict[str, Any]:
    """What is written of a run that does not exist yet."""
    spec = planned.spec
    return {
        "fingerprint": planned.fingerprint,
        "kind": spec.kind.value,
        "source": source.value,
        "benchmark": BENCHMARKS[source],
        "model": planned.model,
        "recipe": planned.recipe,
        "target": planned.target,
        "seed": planned.seed,
        "settings": planned.settings,
        "engine": spec.engine,
        "device_class": spec.device.value,
        "precision": spec.precision,
        "devices": spec.devices,
        "spec": spec.model_dump(mode="json"),
        "planned_examples": planned.examples,
        "planned_steps": planned.steps,
        "priority": priority,
        "total_steps": planned.steps,
    }


def existing(session: Session, fingerprints: Iterable[str]) -> dict[str, tuple[int, RunState]]:
    """The live or done run of each fingerprint that has one: id and state."""
    return graph.answers(session, fingerprints)


def pins(session: Session) -> Pins:
    """What names were resolved to at first use."""
    rows = session.execute(select(pin.c.subject, pin.c.source, pin.c.name, pin.c.value)).all()
    return Pins(
        models={name: value for subject, _, name, value in rows if subject == "model"},
        data={(Source(source), name): value for subject, source, name, value in rows if subject == "data"},
    )


def pin_model(session: Session, checkpoint: str, commit: str) -> str:
    """Record what a checkpoint's name was resolved to. The first writer wins; returns what holds."""
    return _pin(session, "model", "", checkpoint, commit)


def pin_data(session: Session, source: Source, task: str, content: str) -> str:
    """Record the commit or digest of a task's data. The first writer wins; returns what holds."""
    return _pin(session, "data", source.value, task, content)


def _pin(session: Session, subject: str, source: str, name: str, value: str) -> str:
    graph.lock(session)
    held = (pin.c.subject == subject, pin.c.source == source, pin.c.name == name)
    found = session.scalars(select(pin.c.value).where(*held)).one_or_none()
    if found is not None:
        return str(found)
    session.execute(
        insert(pin), {"subject": subject, "source": source, "name": name, "value": value, "created_at": now(session)}
    )
    return value


# --- looking at them -------------------------------------------------------------------------------------------------


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


def _totals() -> Any:
    """One row an experiment: its runs by state, those that it shares, and what its state follows from."""
    live = run.c.state.in_([s.value for s in LIVE])
    own = experiment_run.c.reused == false()
    return (
        select(
            experiment_run.c.experiment_id.label("experiment_id"),
            *(_count(run.c.state == s.value).label(s.value) for s in RunState),
            func.count().label("runs"),
            _count(experiment_run.c.reused == true()).label("reused"),
            _count(live).label("live"),
            _count(live & run.c.cancel_requested_at.is_not(None)).label("stopping"),
            _count((run.c.state == RunState.RUNNING.value) | (~live & own)).label("begun"),
            _count(run.c.state.in_([s.value for s in BAD])).label("bad"),
            func.max(run.c.finished_at).label("last"),
            func.sum(case((own, run.c.device_seconds), else_=0.0)).label("seconds"),
        )
        .join(run, run.c.id == experiment_run.c.run_id)
        .where(experiment_run.c.replaced_by.is_(None))
        .group_by(experiment_run.c.experiment_id)
    )


def _query(only: ColumnElement[bool] | None = None) -> tuple[Any, ColumnElement[str]]:
    """Every experiment with its totals and its state; ``only`` narrows the totals to those that will be looked at.

    A cancelled experiment's shared runs may go on for others: it is cancelled when none is left to stop for it.
    """
    grouped = _totals()
    if only is not None:
        grouped = grouped.where(only)
    totals = grouped.subquery("totals")
    # an experiment of which nothing applies has no runs
    count = {c.name: func.coalesce(c, 0).label(c.name) for c in totals.c if c.name not in ("experiment_id", "last")}
    state = case(
        (experiment.c.cancel_requested_at.is_not(None) & (count["stopping"] == 0), "cancelled"),
        ((count["live"] == 0) & (count["bad"] == 0), "done"),
        (count["live"] == 0, "done with failures"),
        (count["begun"] > 0, "running"),
        else_="waiting",
    )
    query = select(experiment, *count.values(), totals.c.last, state.label("state")).outerjoin(
        totals, totals.c.experiment_id == experiment.c.id
    )
    return query, state


def _view(row: RowMapping, came: Mapping[int, BroughtView]) -> ExperimentView:
    ended: datetime | None = None
    state: ExperimentState = row["state"]
    if state == "cancelled":
        ended = row["cancel_requested_at"]
        if row["live"] == 0 and row["last"] is not None and ended is not None:
            ended = max(ended, row["last"])
    elif row["live"] == 0:
        ended = row["last"] or row["created_at"]
    return ExperimentView(
        id=row["id"],
        name=row["name"],
        state=state,
        benchmark=row["benchmark"],
        synthetic=row["source"] == Source.MINI.value,
        request=ExperimentRequest.model_validate(row["request"]),
        counts=Counts(**{s.value: int(row[s.value]) for s in RunState}),
        runs=int(row["runs"]),
        reused=int(row["reused"]),
        progress=1 - int(row["live"]) / max(1, int(row["runs"])),
        created_at=row["created_at"],
        finished_at=ended,
        cancel_requested_at=row["cancel_requested_at"],
        device_hours=float(row["seconds"]) / 3600,
        brought=came.get(row["id"]),
    )


def view(session: Session, id: int) -> ExperimentView:
    """One experiment.

    Raises:
        NotFound: there is no such experiment.
    """
    check_id("experiment", id)
    query, _ = _query(experiment_run.c.experiment_id == id)
    row = session.execute(query.where(experiment.c.id == id)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"There is no experiment {id}.")
    return _view(row, brought.of_experiments(session, [id]))


def page(
    session: Session, *, limit: int, cursor: str | None, state: ExperimentState | None = None
) -> Page[ExperimentView]:
    """Experiments, newest first.

    Raises:
        Invalid: limit or cursor.
    """
    check_limit(limit)
    after = read_cursor(cursor)
    if state is None:
        total = session.scalars(select(func.count()).select_from(experiment)).one()
        wanted = select(experiment.c.id).order_by(experiment.c.id.desc()).limit(limit + 1)
        if after is not None:
            wanted = wanted.where(experiment.c.id < after)
        ids = session.scalars(wanted).all()
        query, _ = _query(experiment_run.c.experiment_id.in_(ids))
        query = query.where(experiment.c.id.in_(ids))
    else:
        query, derived = _query()
        query = query.where(derived == state)
        total = session.scalars(select(func.count()).select_from(query.subquery())).one()
        if after is not None:
            query = query.where(experiment.c.id < after)
        query = query.limit(limit + 1)
    rows = session.execute(query.order_by(experiment.c.id.desc())).mappings().all()
    came = brought.of_experiments(session, [row["id"] for row in rows[:limit]])
    items = [_view(row, came) for row in rows[:limit]]
    return Page(items=items, next_cursor=write_cursor(items[-1].id) if len(rows) > limit else None, total=total)


# --- cancel and try again --------------------------------------------------------------------------------------------


def _exists(session: Session, id: int) -> None:
    check_id("experiment", id)
    if session.scalars(select(experiment.c.id).where(experiment.c.id == id)).one_or_none() is None:
        raise NotFound(f"There is no experiment {id}.")


def _listed(session: Session, id: int, states: Sequence[RunState] | None = None) -> list[int]:
    query = (
        select(run.c.id)
        .join(experiment_run, experiment_run.c.run_id == run.c.id)
        .where(experiment_run.c.experiment_id == id, experiment_run.c.replaced_by.is_(None))
        .order_by(run.c.id)
    )
    if states is not None:
        query = query.where(run.c.state.in_([s.value for s in states]))
    return list(session.scalars(query))


def request_cancel(session: Session, id: int) -> list[int]:
    """Let go of an experiment's runs. Those that nobody else wants stop: at once, or for a running one at the next
    step. Nothing happens to an experiment that has ended or is cancelled already.

    Returns:
        The ids of the runs that stop.

    Raises:
        NotFound: there is no such experiment.
    """
    graph.lock(session)
    _exists(session, id)
    if not _listed(session, id, LIVE):
        return []
    session.execute(
        update(experiment)
        .where(experiment.c.id == id, experiment.c.cancel_requested_at.is_(None))
        .values(cancel_requested_at=db_now())
    )
    session.execute(
        update(experiment_run)
        .where(experiment_run.c.experiment_id == id, experiment_run.c.detached_at.is_(None))
        .values(detached_at=db_now())
    )
    return graph.let_go(session, _listed(session, id))


def retry(session: Session, id: int) -> list[int]:
    """Try again what failed, diverged, was cancelled or skipped: as new runs, which take the old ones' places in this
    experiment. One that was cancelled is taken up again.

    Returns:
        The ids that were newly queued.

    Raises:
        NotFound: there is no such experiment.
        Conflict: it has used up what it may take.
    """
    graph.lock(session)
    _exists(session, id)
    if (used := budget.over(session, id)) is not None:
        taken, most = used
        raise Conflict(
            f"Its runs took {taken:.2g} of the {most:g} device-hours that it may take. Submit a copy that may take more: what is done is reused."
        )
    session.execute(update(experiment).where(experiment.c.id == id).values(cancel_requested_at=None))
    session.execute(update(experiment_run).where(experiment_run.c.experiment_id == id).values(detached_at=None))
    graph.keep(session, _listed(session, id, LIVE))
    _, queued = graph.renew(session, _listed(session, id, BAD), [id])
    return queued
