"""Runs as a graph: who may follow whom, children of what is done, children of what failed, what nobody wants any more.

Whatever changes the graph takes one lock first (``lock``), so that no two transactions each miss what the other does: a
run whose two parents end at once, a parent that ends while a child is submitted. Claims, heartbeats and records do not
change the graph and do not wait for it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Update, UpdateBase, bindparam, exists, func, insert, select, update
from sqlmodel import Session

from backend.domain.run import FOLLOWS, TERMINAL, RunState
from backend.store.columns import db_now
from backend.store.prepared import Prepared
from backend.store.tables import ANSWERS, attempt, experiment_run, parent_run, pretrained_model, run, run_parent

LOCK = 0x63726F74  # "crot"
MANY = 5_000  # values in one statement: SQLite takes 32,766, PostgreSQL 65,535

#: What a run is set back to when it no longer runs.
IDLE: Mapping[str, Any] = {"phase": None, "rate": None, "eta_low": None, "eta_high": None, "lease_until": None}


def lock(session: Session) -> None:
    """Be the only transaction that changes the graph, until it ends. On SQLite a write session already is."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(LOCK)))


def chunks(values: Iterable[Any]) -> Iterable[list[Any]]:
    """The values in lists that fit into one statement."""
    every = list(values)
    return (every[i : i + MANY] for i in range(0, len(every), MANY))


def move(to: RunState, *, of: RunState | None = None, **values: Any) -> Update:
    """An update that puts runs into state ``to``, but only from states that it may follow (``of``: only from this one).

    It sets what always goes with the state; the caller adds which runs.
    """
    before = [s for s in RunState if to in FOLLOWS[s] and of in (None, s)]
    assert before, f"{to} cannot follow {of}"
    if to is RunState.QUEUED:
        values = {**IDLE, "queued_at": db_now(), "worker": None, **values}
    elif to in TERMINAL:
        values = {**IDLE, "finished_at": db_now(), **values}
    return update(run).where(run.c.state.in_([s.value for s in before])).values(state=to.value, **values)


def moved(session: Session, change: Update) -> list[int]:
    """Carry out a ``move``; the ids of the runs that moved, in order."""
    return sorted(session.scalars(change.returning(run.c.id)))


def wanted() -> ColumnElement[bool]:
    """Whether any experiment wants the run: lists it, is not cancelled, and has not had it done again; or it makes a model that
    was asked for by itself."""
    link = experiment_run
    listed = exists().where(link.c.run_id == run.c.id, link.c.detached_at.is_(None), link.c.replaced_by.is_(None))
    return listed | exists().where(pretrained_model.c.fingerprint == run.c.fingerprint)


def answers(session: Session, fingerprints: Iterable[str]) -> dict[str, tuple[int, RunState]]:
    """The run that is, or will be, the answer for each fingerprint: done or live. At most one each; what was
    brought in is none."""
    found: dict[str, tuple[int, RunState]] = {}
    states = [s.value for s in ANSWERS]
    for part in chunks(fingerprints):
        rows = session.execute(
            select(run.c.fingerprint, run.c.id, run.c.state).where(
                run.c.fingerprint.in_(part), run.c.state.in_(states), run.c.brought.is_(None)
            )
        )
        found.update({fingerprint: (id, RunState(state)) for fingerprint, id, state in rows})
    return found


def create(
    session: Session,
    rows: Sequence[Mapping[str, Any]],
    parents: Mapping[str, tuple[str, ...]],
    known: dict[str, tuple[int, RunState]],
) -> list[int]:
    """Insert runs, parents before children, and what they start from; ids follow their order.

    Args:
        rows: every column but ``state`` and times; ``known`` has none of their fingerprints.
        parents: fingerprint → its parents' fingerprints, each in ``known`` or earlier in ``rows``.
        known: runs that exist and are done or live; the new ones are added.

    Returns:
        The ids of those that are queued at once, because they need nothing or nothing that is not done.
    """
    states: dict[str, RunState] = {}
    for row in rows:
        needs = [known[p][1] if p in known else states[p] for p in parents[row["fingerprint"]]]
        states[row["fingerprint"]] = RunState.QUEUED if all(s is RunState.DONE for s in needs) else RunState.WAITING
    at = session.scalars(select(db_now())).one()
    new = [
        {
            **row,
            "state": states[row["fingerprint"]].value,
            "created_at": at,
            "queued_at": at if states[row["fingerprint"]] is RunState.QUEUED else None,
            "step": 0,
            "attempt": 0,
            "preemptions": 0,
        }
        for row in rows
    ]
    if not new:
        return []
    statement = insert(run).returning(run.c.id, run.c.fingerprint, sort_by_parameter_order=True)
    created = session.execute(statement, new).all()
    for id, fingerprint in created:
        known[fingerprint] = (id, states[fingerprint])
    links = [{"run_id": id, "parent_id": known[p][0]} for id, f in created for p in parents[f]]
    if links:
        session.execute(insert(run_parent), links)
    return [id for id, f in created if states[f] is RunState.QUEUED]


def link(session: Session, experiment_id: int, runs: Iterable[int], *, reused: Collection[int] = ()) -> None:
    """Make an experiment want these runs. Where one is being cancelled because nobody wanted it, that is taken back."""
    ids = list(runs)
    if not ids:
        return
    session.execute(
        insert(experiment_run), [{"experiment_id": experiment_id, "run_id": id, "reused": id in reused} for id in ids]
    )
    keep(session, ids)


def keep(session: Session, runs: Iterable[int]) -> None:
    """Take back the request to cancel these runs, if they still run."""
    for part in chunks(runs):
        session.execute(
            update(run)
            .where(run.c.id.in_(part), run.c.state == RunState.RUNNING.value, run.c.cancel_requested_at.is_not(None))
            .values(cancel_requested_at=None)
        )


def promote(session: Session, parent: int | None = None) -> list[int]:
    """Queue what waits for nothing that is not done; only children of ``parent`` if that is given. Their ids."""
    if parent is None:
        return moved(session, _ready())
    return sorted(id for (id,) in _READY_CHILDREN.rows(session, of=parent))


def _ready() -> Update:
    unfinished = exists().where(
        run_parent.c.run_id == run.c.id,
        run_parent.c.parent_id == parent_run.c.id,
        parent_run.c.state != RunState.DONE.value,
    )
    return move(RunState.QUEUED, of=RunState.WAITING).where(~unfinished)


def _ready_children() -> UpdateBase:
    children = select(run_parent.c.run_id).where(run_parent.c.parent_id == bindparam("of"))
    return _ready().where(run.c.id.in_(children)).returning(run.c.id)


_READY_CHILDREN = Prepared(_ready_children)


def skip(session: Session, because: int) -> list[int]:
    """Skip everything that waits, directly or not, for the run ``because``, which will never be done. Their ids."""
    below = select(run_parent.c.run_id).where(run_parent.c.parent_id == because).cte("below", recursive=True)
    below = below.union(select(run_parent.c.run_id).where(run_parent.c.parent_id == below.c.run_id))
    change = move(RunState.SKIPPED, skipped_because=because).where(run.c.id.in_(select(below.c.run_id)))
    return moved(session, change)


def skip_orphans(session: Session) -> list[int]:
    """Skip what waits for a run that has ended and is not done. Nothing does, unless the graph was changed by hand."""
    dead = [s.value for s in TERMINAL if s is not RunState.DONE]
    cause = (
        select(func.min(func.coalesce(parent_run.c.skipped_because, parent_run.c.id)))
        .join(run_parent, run_parent.c.parent_id == parent_run.c.id)
        .where(run_parent.c.run_id == run.c.id, parent_run.c.state.in_(dead))
        .scalar_subquery()
    )
    change = move(RunState.SKIPPED, skipped_because=cause).where(cause.is_not(None))
    skipped: list[int] = []
    while layer := moved(session, change):  # their children are orphans next
        skipped += layer
    return sorted(skipped)


def let_go(session: Session, runs: Iterable[int]) -> list[int]:
    """Stop those of these runs that nobody wants: cancel what has not begun, ask what runs to stop. Their ids."""
    gone: list[int] = []
    for part in chunks(runs):
        idle = move(RunState.CANCELLED, cancel_requested_at=db_now()).where(
            run.c.id.in_(part), run.c.state != RunState.RUNNING.value, ~wanted()
        )
        gone += moved(session, idle)
        ask = (
            update(run)
            .where(run.c.id.in_(part), run.c.state == RunState.RUNNING.value, ~wanted())
            .where(run.c.cancel_requested_at.is_(None))
            .values(cancel_requested_at=db_now())
        )
        gone += moved(session, ask)
    return sorted(gone)


def held(run_id: int, number: int) -> tuple[ColumnElement[bool], ...]:
    """Whether this attempt still has the run: the guard of whatever a worker writes."""
    return run.c.id == run_id, run.c.attempt == number, run.c.state == RunState.RUNNING.value


def close_attempt(session: Session, run_id: int, number: int, outcome: str, detail: str | None = None) -> None:
    """Note how an attempt ended."""
    _CLOSE.run(session, of=run_id, tried=number, how=outcome, more=detail)


_CLOSE = Prepared(
    lambda: (
        update(attempt)
        .where(
            attempt.c.run_id == bindparam("of"), attempt.c.number == bindparam("tried"), attempt.c.ended_at.is_(None)
        )
        .values(
            ended_at=db_now(),
            outcome=bindparam("how", type_=attempt.c.outcome.type),
            detail=bindparam("more", type_=attempt.c.detail.type),
        )
    )
)


# --- doing it again --------------------------------------------------------------------------------------------------

#: What a retry takes over from the run that it repeats.
SAME = (
    "fingerprint",
    "kind",
    "source",
    "benchmark",
    "model",
    "recipe",
    "target",
    "seed",
    "settings",
    "engine",
    "device_class",
    "precision",
    "devices",
    "spec",
    "planned_examples",
    "planned_steps",
    "priority",
    "total_steps",
)


def renew(session: Session, runs: Iterable[int], experiments: Iterable[int]) -> tuple[dict[int, int], list[int]]:
    """Do ended runs again: for each a new run, or the live or done one that its fingerprint has by now.

    What they start from is done again too where it is not there. In these ``experiments`` the new runs, and what they
    start from, take the places of the old ones, which stay as they are.

    Returns:
        old id → new id, and the ids that were newly queued.
    """
    given = _rows(session, runs)
    known = answers(session, {row["fingerprint"] for row in given})
    again: dict[str, RowMapping] = {}  # fingerprint → what to repeat
    layer = given
    while layer:
        new = {row["fingerprint"]: row for row in layer if row["fingerprint"] not in known}
        again |= new
        needs = {f for row in new.values() for f in row["spec"]["parents"]} - known.keys() - again.keys()
        known |= answers(session, needs)
        missing = needs - known.keys()
        newest = select(func.max(run.c.id)).where(run.c.fingerprint.in_(missing)).group_by(run.c.fingerprint)
        layer = _rows(session, session.scalars(newest)) if missing else []
    parents = {f: tuple(row["spec"]["parents"]) for f, row in again.items()}
    order = _parents_first(parents)
    queued = create(session, [{name: again[f][name] for name in SAME} for f in order], parents, known)
    made = {known[f][0] for f in order}
    places = {row["id"]: known[row["fingerprint"]][0] for row in given}
    whole = _with_ancestors(session, {*places.values(), *made})
    for experiment_id in experiments:
        _replace(session, experiment_id, whole, made)
    return places, queued


def _with_ancestors(session: Session, runs: Iterable[int]) -> dict[str, int]:
    """Fingerprint → id of these runs and of everything that they start from."""
    found: dict[str, int] = {}
    for part in chunks(runs):
        above = select(run.c.id).where(run.c.id.in_(part)).cte("above", recursive=True)
        above = above.union(select(run_parent.c.parent_id).where(run_parent.c.run_id == above.c.id))
        rows = session.execute(select(run.c.fingerprint, run.c.id).where(run.c.id.in_(select(above.c.id))))
        found.update(dict(rows.all()))
    return found


def _rows(session: Session, ids: Iterable[int]) -> list[RowMapping]:
    found: list[RowMapping] = []
    for part in chunks(ids):
        found += session.execute(
            select(run.c.id, *(run.c[name] for name in SAME)).where(run.c.id.in_(part)).order_by(run.c.id)
        ).mappings()
    return found


def _parents_first(parents: Mapping[str, tuple[str, ...]]) -> list[str]:
    order: dict[str, None] = {}

    def visit(fingerprint: str) -> None:
        if fingerprint in parents and fingerprint not in order:
            for parent in parents[fingerprint]:
                visit(parent)
            order[fingerprint] = None

    for fingerprint in parents:
        visit(fingerprint)
    return list(order)


def _replace(session: Session, experiment_id: int, whole: Mapping[str, int], made: Collection[int]) -> None:
    """Put runs in the places of those of equal fingerprint that this experiment lists and that did not get done."""
    mine = (experiment_run.c.experiment_id == experiment_id, experiment_run.c.replaced_by.is_(None))
    listed = session.execute(
        select(run.c.id, run.c.fingerprint).join(experiment_run, experiment_run.c.run_id == run.c.id).where(*mine)
    )
    changed = {id: whole[f] for id, f in listed if whole.get(f, id) != id}
    for old, new in changed.items():
        session.execute(update(experiment_run).where(*mine, experiment_run.c.run_id == old).values(replaced_by=new))
    link(session, experiment_id, sorted(changed.values()), reused=set(changed.values()) - set(made))
