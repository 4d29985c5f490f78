"""Runs as they are shown: one, a page of them, their curves, logs and scores. Nothing here changes anything."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Literal

from sqlalchemy import ColumnElement, RowMapping, Select, and_, func, literal, or_, select
from sqlmodel import Session

from backend.domain.learning import Learning
from backend.domain.run import DeviceClass, Phase, RunKind, RunState
from backend.domain.schemas import (
    AttemptView,
    Cost,
    Curve,
    LearningView,
    LogLine,
    Page,
    RunDetail,
    RunError,
    RunView,
    ScoreView,
)
from backend.domain.utilisation import utilisation
from backend.errors import NotFound
from backend.store import brought, graph, learning, packages, words
from backend.store.columns import Whole
from backend.store.paging import check_id, check_limit, read_cursor, write_cursor
from backend.store.session import now
from backend.store.tables import (
    COST,
    attempt,
    curve_point,
    experiment_run,
    log_line,
    queued_run,
    run,
    run_parent,
    score,
    worker,
)

Order = Literal["newest", "queue"]

SEEN_SECONDS = 60.0  # a worker not seen for this long is not counted on

_LARGE = ("spec", "environment", "extra", "error_traceback")
_COLUMNS = [c for c in run.c if c.name not in _LARGE]
_SHORT = [run.c[name] for name in ("id", "kind", "model", "recipe", "target", "seed", "state")]


def view(session: Session, id: int) -> RunView:
    """One run.

    Raises:
        NotFound: there is no such run.
    """
    return _views(session, [_row(session, id, *_COLUMNS, run.c.error_traceback)])[0]


def page(
    session: Session,
    *,
    limit: int,
    cursor: str | None,
    experiment: int | None = None,
    state: RunState | Collection[RunState] | None = None,
    kind: RunKind | None = None,
    model: str | None = None,
    target: str | None = None,
    order: Order = "newest",
    more: Sequence[ColumnElement[bool]] = (),
) -> Page[RunView]:
    """Runs, newest first; filters go together. Tracebacks are left out: ``view`` has them.

    Args:
        state: one, or any of several.
        order: ``queue`` is the order in which workers take them.
        more: what else must hold of them, as ``listed.Wanted`` has it.

    Raises:
        Invalid: limit or cursor.
    """
    check_limit(limit)
    after = read_cursor(cursor)
    states = [state] if isinstance(state, RunState) else state
    conditions: list[ColumnElement[bool]] = [] if states is None else [run.c.state.in_([s.value for s in states])]
    conditions += [
        column == value
        for column, value in (
            (run.c.kind, kind and kind.value),
            (run.c.model, model),
            (run.c.target, target),
        )
        if value is not None
    ]
    conditions += more
    source: Any = run
    if experiment is not None:
        source = run.join(experiment_run, experiment_run.c.run_id == run.c.id)
        conditions += [experiment_run.c.experiment_id == experiment, experiment_run.c.replaced_by.is_(None)]
    total = session.scalars(select(func.count()).select_from(source).where(*conditions)).one()
    if after is not None:
        conditions.append(_behind(after) if order == "queue" else run.c.id < after)
    by = (run.c.priority.desc(), run.c.id) if order == "queue" else (run.c.id.desc(),)
    query = select(*_COLUMNS).select_from(source).where(*conditions).order_by(*by).limit(limit + 1)
    rows = session.execute(query).mappings().all()
    items = _views(session, rows[:limit])
    return Page(items=items, next_cursor=write_cursor(items[-1].id) if len(rows) > limit else None, total=total)


def _behind(last: int) -> ColumnElement[bool]:
    """Whether a run comes after this one in the queue."""
    at = select(queued_run.c.priority).where(queued_run.c.id == last).scalar_subquery()
    return or_(run.c.priority < at, and_(run.c.priority == at, run.c.id > last))


def counts(session: Session, states: Collection[RunState] = tuple(RunState)) -> dict[RunState, int]:
    """How many runs there are in each of these states."""
    wanted = run.c.state.in_([s.value for s in states])
    found = dict(session.execute(select(run.c.state, func.count()).where(wanted).group_by(run.c.state)).all())
    return {s: found.get(s.value, 0) for s in states}


def detail(session: Session, id: int) -> RunDetail:
    """A run with what it computes exactly, its attempts and the environment it ran in.

    Raises:
        NotFound: there is no such run.
    """
    row = _row(session, id, *run.c)
    tries = session.execute(select(attempt).where(attempt.c.run_id == id).order_by(attempt.c.number)).mappings()
    return RunDetail(
        run=_views(session, [row])[0],
        spec=row["spec"],
        attempts=[_attempt(each) for each in tries],
        environment=row["environment"],
        brought=brought.of_run(session, row["brought"]),
        packages=packages.find(session, (row["environment"] or {}).get("packages")),
        learning=_learning(learning.of_runs(session, [id]).get(id)),
        parameters_trainable=(row["extra"] or {}).get("parameters_trainable"),
        utilisation=utilisation(_cost(row), (row["extra"] or {}).get("matrix_rate")),
    )


def _learning(found: Learning | None) -> LearningView | None:
    return None if found is None else LearningView(loss=found.loss, guess=found.guess, failed=found.failed)


def _attempt(row: RowMapping) -> AttemptView:
    return AttemptView(
        **{k: v for k, v in row.items() if k not in ("run_id", "rejected")},
        rejected=(row["rejected"] or "").splitlines(),
    )


def scores(session: Session, id: int) -> list[ScoreView]:
    """A run's scores, by metric and language; none before it is done."""
    check_id("run", id)
    rows = session.execute(select(score).where(score.c.run_id == id).order_by(score.c.metric, score.c.language))
    return [ScoreView(run=r.run_id, language=r.language, metric=r.metric, value=r.value, n=r.n) for r in rows]


def curves(session: Session, id: int, *, limit: int = 500) -> list[Curve]:
    """A run's curves by name. One of more than ``limit`` points (at least 2) is thinned: first and last point, and between
    them the next one after each of as many evenly spaced steps."""
    check_id("run", id)
    limit = max(2, limit)
    point = curve_point.c
    found = []
    for name, many, first, last in session.execute(
        select(point.name, func.count(), func.min(point.step), func.max(point.step))
        .where(point.run_id == id)
        .group_by(point.name)
        .order_by(point.name)
    ).all():
        query = select(point.step, point.value).where(point.run_id == id, point.name == name).order_by(point.step)
        if many > limit:
            query = query.where(point.step.in_(_spread(id, name, first, last, limit)))
        points = session.execute(query).all()
        found.append(Curve(name=name, steps=[step for step, _ in points], values=[value for _, value in points]))
    return found


def _spread(id: int, name: str, first: int, last: int, limit: int) -> Select[tuple[int]]:
    """Steps of a curve, evenly spread: one look into the index for each, however long the curve."""
    grid = select(literal(0, Whole()).label("i")).cte("grid", recursive=True)
    grid = grid.union_all(select(grid.c.i + 1).where(grid.c.i < limit - 1))
    other = curve_point.alias("other").c
    at = first + (last - first) * grid.c.i // (limit - 1)
    nearest = select(func.min(other.step)).where(other.run_id == id, other.name == name, other.step >= at)
    return select(nearest.correlate(grid).scalar_subquery()).select_from(grid)


def logs(session: Session, id: int, *, after: int = 0, limit: int = 500) -> list[LogLine]:
    """A run's log lines in order, from the first whose id is above ``after``."""
    check_id("run", id)
    lines = session.execute(
        select(log_line)
        .where(log_line.c.run_id == id, log_line.c.id > max(0, min(after, 2**63 - 1)))
        .order_by(log_line.c.id)
        .limit(limit)
    )
    return [LogLine(id=r.id, at=r.at, level=r.level, attempt=r.attempt, message=r.message) for r in lines]


def _row(session: Session, id: int, *columns: Any) -> RowMapping:
    check_id("run", id)
    row = session.execute(select(*columns).where(run.c.id == id)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"There is no run {id}.")
    return row


# --- from rows to views ------------------------------------------------------------------------------------------------


def _grouped(pairs: Iterable[Any]) -> Mapping[int, list[int]]:
    found: defaultdict[int, list[int]] = defaultdict(list)
    for key, value in pairs:
        found[key].append(value)
    return found


def _views(session: Session, rows: Sequence[RowMapping]) -> list[RunView]:
    """Views of these rows, with a fixed number of queries however many there are."""
    if not rows:
        return []
    ids = [row["id"] for row in rows]
    at = now(session)
    links = experiment_run
    parents = _grouped(
        session.execute(
            select(run_parent.c.run_id, run_parent.c.parent_id)
            .where(run_parent.c.run_id.in_(ids))
            .order_by(run_parent.c.parent_id)
        )
    )
    children = _grouped(
        session.execute(
            select(run_parent.c.parent_id, run_parent.c.run_id)
            .where(run_parent.c.parent_id.in_(ids))
            .order_by(run_parent.c.run_id)
        )
    )
    experiments = _grouped(
        session.execute(
            select(links.c.run_id, links.c.experiment_id).where(links.c.run_id.in_(ids)).order_by(links.c.experiment_id)
        )
    )
    named = {p for of in parents.values() for p in of} | {r["skipped_because"] for r in rows} - {None}
    others = {
        row["id"]: row
        for part in graph.chunks(named)
        for row in session.execute(select(*_SHORT).where(run.c.id.in_(part))).mappings()
    }
    queued = [row["id"] for row in rows if row["state"] == RunState.QUEUED.value]
    ahead = _ahead(session, queued) if queued else {}
    hands = _hands(session) if queued else {}
    ended = learning.of_runs(session, [row["id"] for row in rows if row["state"] == RunState.DONE.value])
    tried = [row["id"] for row in rows if row["state"] == RunState.QUEUED.value and row["attempt"]]
    before = _last_attempts(session, tried) if tried else {}
    return [
        _view(
            row,
            at=at,
            parents=parents.get(row["id"], []),
            children=children.get(row["id"], []),
            experiments=experiments.get(row["id"], []),
            why=words.why(
                row,
                parents=[others[p] for p in parents.get(row["id"], [])],
                cause=others.get(row["skipped_because"]),
                ahead=ahead.get(row["id"]),
                hands=hands.get(row["device_class"]),
                before=before.get(row["id"]),
                learning=ended.get(row["id"]),
                silent=row["lease_until"] is not None and row["lease_until"] < at,
                still=(at - row["progress_at"]).total_seconds() if row["progress_at"] is not None else None,
            ),
        )
        for row in rows
    ]


def _ahead(session: Session, ids: Sequence[int]) -> dict[int, int]:
    """How many queued runs of its device class come before each of these."""
    place = func.row_number().over(partition_by=run.c.device_class, order_by=(run.c.priority.desc(), run.c.id)) - 1
    queue = select(run.c.id, place.label("ahead")).where(run.c.state == RunState.QUEUED.value).subquery("queue")
    return dict(session.execute(select(queue.c.id, queue.c.ahead).where(queue.c.id.in_(ids))).all())


def _hands(session: Session) -> dict[str, words.Hands]:
    """Device class → who of its workers was seen lately; drained ones are there and have no slots."""
    at = now(session)
    slots_of = func.coalesce(run.c.devices, 1)  # one for each device
    doing = select(run.c.worker, func.sum(slots_of)).where(run.c.state == RunState.RUNNING.value).group_by(run.c.worker)
    busy = dict(session.execute(doing).all())
    found: dict[str, words.Hands] = {}
    for row in session.execute(select(worker)).mappings():
        if (at - row["seen_at"]).total_seconds() > SEEN_SECONDS:
            continue
        slots, at_work = (0, 0) if row["drained_at"] else (row["slots"], busy.get(row["name"], 0))
        for device in row["queues"]:
            had = found.get(device, words.Hands(0, 0, 0))
            found[device] = words.Hands(had.slots + slots, had.busy + at_work, max(had.largest, slots))
    return found


def _last_attempts(session: Session, ids: Sequence[int]) -> dict[int, RowMapping]:
    """The newest attempt at each of these runs."""
    query = (
        select(attempt.c.run_id, attempt.c.number, attempt.c.outcome, attempt.c.detail)
        .join(run, and_(run.c.id == attempt.c.run_id, run.c.attempt == attempt.c.number))
        .where(run.c.id.in_(ids))
    )
    return {row["run_id"]: row for row in session.execute(query).mappings()}


def _view(
    row: RowMapping, *, at: Any, parents: list[int], children: list[int], experiments: list[int], why: str
) -> RunView:
    running = row["state"] == RunState.RUNNING.value
    same = (
        "id",
        "fingerprint",
        "model",
        "recipe",
        "target",
        "seed",
        "benchmark",
        "step",
        "total_steps",
        "rate",
        "attempt",
        "preemptions",
        "priority",
        "worker",
        "created_at",
        "queued_at",
        "started_at",
        "finished_at",
        "cancel_requested_at",
        "skipped_because",
        "parameters",
        "parameters_non_embedding",
        "artifact",
    )
    return RunView(
        **{name: row[name] for name in same},
        kind=RunKind(row["kind"]),
        title=words.title(row),
        state=RunState(row["state"]),
        why=why,
        phase=None if row["phase"] is None else Phase(row["phase"]),
        eta_seconds_low=row["eta_low"],
        eta_seconds_high=row["eta_high"],
        heartbeat_age_seconds=max(0.0, (at - row["heartbeat_at"]).total_seconds()) if running else None,
        error=_error(row),
        parents=parents,
        children=children,
        experiments=experiments,
        cost=_cost(row),
        brought=row["brought"] is not None,
    )


def _error(row: RowMapping) -> RunError | None:
    if row["error_type"] is None:
        return None
    return RunError(
        type=row["error_type"],
        message=row["error_message"] or "",
        cause=row["error_cause"],
        traceback=row.get("error_traceback"),
    )


def _cost(row: RowMapping) -> Cost | None:
    if row["device_seconds"] is None:
        return None
    return Cost(
        device_class=DeviceClass(row["device_class"]), precision=row["precision"], **{name: row[name] for name in COST}
    )
