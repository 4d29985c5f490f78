"""How an attempt at a run ends: done, failed, diverged, cancelled, given back, dead; and the sweep, which ends those that
fell silent. All of it can be reached from ``runs``."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal, cast

from sqlalchemy import Text, Update, UpdateBase, bindparam, func, insert, select, type_coerce
from sqlalchemy.engine.default import DefaultDialect
from sqlmodel import Session

from backend.domain.learning import Learning
from backend.domain.model import DIRECTORY
from backend.domain.run import DeviceClass, RunState
from backend.domain.schemas import Cost
from backend.store import budget, experiments, graph, packages, words
from backend.store import learning as learnings
from backend.store.columns import BadValue, Words, db_now, storable
from backend.store.prepared import Prepared
from backend.store.tables import COST, run, score

DIED = "the process of this run died"
SILENT = "no heartbeat from worker"  # begins the words about an attempt whose lease ran out


@dataclass(frozen=True, slots=True)
class Result:
    """What a run found and used. ``cost`` has the fields of ``schemas.Cost``."""

    scores: Sequence[tuple[str, str, float, int]]  # language, metric, points, n
    artifact: str | None
    artifact_digest: str | None
    cost: Cost | Mapping[str, Any]
    parameters: int | None
    parameters_non_embedding: int | None
    environment: Mapping[str, str]
    extra: Mapping[str, Any] = field(default_factory=dict)
    artifact_bytes: int | None = None
    packages: str | None = None  # what was installed, a package a line
    learning: Learning | None = None  # of a training whose loss can be held against guessing


@dataclass(frozen=True, slots=True)
class Finished:
    """``ok`` False: the lease was lost and nothing was written. ``queued``: children that may begin."""

    ok: bool
    queued: list[int]


@dataclass(frozen=True, slots=True)
class Ended:
    """``ok`` False: the lease was lost and nothing was written. ``skipped``: what waited for the run."""

    ok: bool
    skipped: list[int]
    state: RunState | None = None


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep found. ``queued_cpu`` and ``queued_cuda`` count runs that are queued now."""

    taken_back: list[int]
    failed: list[int]
    promoted: list[int]
    skipped: list[int]
    queued_cpu: int
    queued_cuda: int
    cancelled: list[int] = field(default_factory=list)


# --- the end -----------------------------------------------------------------------------------------------------------


def finish(session: Session, run_id: int, attempt: int, result: Result) -> Finished:
    """Scores, cost, artifact and the end of a run, and its children queued: all of it or nothing.

    Raises:
        ValueError: a score is not finite, has no examples or is there twice; or a number of the cost is not finite.
    """
    cost = result.cost if isinstance(result.cost, Cost) else Cost.model_validate(result.cost)
    rows = _checked(run_id, result.scores)
    graph.lock(session)
    environment = dict(result.environment)
    if result.packages is not None:
        environment["packages"] = packages.digest(result.packages)
        packages.keep(session, {environment["packages"]: result.packages})
    found = {**{name: getattr(cost, name) for name in COST}, **{name: getattr(result, name) for name in _MADE}}
    ended = _DONE.rows(
        session,
        of=run_id,
        tried=attempt,
        new_environment=environment,
        new_extra=dict(result.extra),
        **{f"new_{name}": value for name, value in found.items()},
    )
    if not ended:
        return Finished(False, [])
    if rows:
        _SCORES.many(session, rows)
    if result.learning is not None:
        learnings.record(session, run_id, result.learning)
    if revision := result.environment.get("revision"):
        _pin_model(session, json.loads(ended[0][0]), revision)
    graph.close_attempt(session, run_id, attempt, "done")
    budget.hold(session, run_id)
    return Finished(True, graph.promote(session, parent=run_id))


#: What a run's row takes over from a result, beside its cost.
_MADE = ("artifact", "artifact_digest", "artifact_bytes", "parameters", "parameters_non_embedding")


def _done() -> UpdateBase:
    given = {name: bindparam(f"new_{name}", type_=run.c[name].type) for name in (*_MADE, *COST, "environment", "extra")}
    held = (run.c.id == bindparam("of"), run.c.attempt == bindparam("tried"), run.c.state == RunState.RUNNING.value)
    move = graph.move(RunState.DONE, of=RunState.RUNNING, step=run.c.total_steps, **given)
    return move.where(*held).returning(type_coerce(run.c.spec, Text()).label("spec"))


_DONE = Prepared(_done)
_SCORES = Prepared(lambda: insert(score), columns=("run_id", "metric", "language", "value", "n"))


def _pin_model(session: Session, spec: Mapping[str, Any], revision: str | None) -> None:
    """Record the commit at which the run took its checkpoint from the hub, where nobody had said which.

    A folder under the model root is not pinned: it is whoever runs this installation who says what lies there now.
    """
    model = spec["model"]
    checkpoint = model["checkpoint"]
    if revision and checkpoint and model["revision"] is None and not checkpoint.startswith(DIRECTORY):
        experiments.pin_model(session, checkpoint, revision)


_NUMBERS: tuple[type, ...] = (float, int)
_PLAIN = frozenset(_NUMBERS)
_Row = tuple[int, str, str, float, int]  # run, metric, language, points, examples


def _checked(run_id: int, scores: Sequence[tuple[str, str, float, int]]) -> list[_Row]:
    """Rows of scores as the driver takes them, in the order of their key, so that pages fill up. A run has many scores of few
    languages and metrics, so names are checked once each, and numbers all together where nothing is wrong with any.

    Raises:
        BadValue: a score is not finite, has no examples or is there twice; or a name cannot be kept.
    """
    if not scores:
        return []
    of_languages, of_metrics, values, counts = zip(*scores, strict=True)
    languages, metrics = (
        {name: _name(column, name) for name in dict.fromkeys(names)}
        for column, names in (("language", of_languages), ("metric", of_metrics))
    )
    if _all_sound(values, counts):
        rows = [(run_id, metrics[metric], languages[code], float(value), n) for code, metric, value, n in scores]
        rows.sort()
        if len({row[1:3] for row in rows}) == len(rows):
            return rows
    found: dict[tuple[str, str], _Row] = {}
    for language, metric, value, n in scores:
        key = metrics[metric], languages[language]
        if key in found:
            raise BadValue(f"score {metric} in {language} is there twice")
        if isinstance(value, bool) or not isinstance(value, _NUMBERS) or not math.isfinite(value):
            raise BadValue(f"score {metric} in {language} must be a finite number, not {value!r}")
        if isinstance(n, bool) or not isinstance(n, _NUMBERS[1:]) or not 1 <= n < 2**63:
            raise BadValue(f"score {metric} in {language} must be over at least one example, not {n!r}")
        found[key] = (run_id, *key, float(value), n)
    return [found[key] for key in sorted(found)]


@lru_cache(maxsize=4096)  # the same few hundred, run after run
def _name(column: str, text: str) -> str:
    return str(cast(Words, score.c[column].type).process_bind_param(text, DefaultDialect()))


def _all_sound(values: Sequence[float], counts: Sequence[int]) -> bool:
    """Whether every value is a finite number and every count at least one, of Python's own types: others are looked at one by one."""
    return (
        _PLAIN.issuperset(map(type, values))
        and all(map(math.isfinite, values))
        and {int}.issuperset(map(type, counts))
        and 1 <= min(counts) <= max(counts) < 2**63
    )


def fail(
    session: Session,
    run_id: int,
    attempt: int,
    *,
    type: str,
    message: str,
    traceback: str | None = None,
    cause: str | None = None,
) -> Ended:
    """End a run that raised. What waits for it is skipped. ``cause``: the likely cause in plain words."""
    return _end(session, RunState.FAILED, run_id, attempt, type=type, message=message, traceback=traceback, cause=cause)


def diverge(
    session: Session,
    run_id: int,
    attempt: int,
    *,
    step: int,
    message: str,
    type: str = "Diverged",
    traceback: str | None = None,
    cause: str | None = None,
) -> Ended:
    """End a run whose numbers ceased to be finite at ``step``. What waits for it is skipped."""
    return _end(
        session,
        RunState.DIVERGED,
        run_id,
        attempt,
        type=type,
        message=message,
        traceback=traceback,
        cause=cause,
        step=step,
    )


def _end(
    session: Session,
    state: RunState,
    run_id: int,
    number: int,
    *,
    type: str,
    message: str,
    traceback: str | None,
    cause: str | None,
    **more: Any,
) -> Ended:
    graph.lock(session)
    change = graph.move(
        state,
        of=RunState.RUNNING,
        error_type=storable(type, 255),
        error_message=storable(message),
        error_traceback=None if traceback is None else storable(traceback, 100_000),
        error_cause=None if cause is None else storable(cause),
        **more,
    ).where(*graph.held(run_id, number))
    if not graph.moved(session, change):
        return Ended(False, [])
    graph.close_attempt(session, run_id, number, state.value, words.first_line(storable(message)))
    return Ended(True, graph.skip(session, run_id), state)


def cancelled(session: Session, run_id: int, attempt: int) -> Ended:
    """The process of a run that was to be cancelled is gone. What waits for the run is skipped.

    Where somebody has come to want the run meanwhile, it is queued again instead; ``state`` says which.
    """
    return _stop(session, run_id, attempt, "cancelled", detail=None)


def release(session: Session, run_id: int, attempt: int, *, reason: str, counted: bool) -> bool:
    """Give a run back to the queue. ``counted`` False: the attempt does not count against it (preempted). One that was to
    be cancelled is cancelled. False: the lease was lost."""
    return _stop(session, run_id, attempt, "given back", detail=reason, counted=counted).ok


def _stop(
    session: Session, run_id: int, number: int, outcome: str, *, detail: str | None, counted: bool = False
) -> Ended:
    graph.lock(session)
    cancel = graph.move(RunState.CANCELLED, of=RunState.RUNNING).where(
        *graph.held(run_id, number), run.c.cancel_requested_at.is_not(None)
    )
    if graph.moved(session, cancel):
        graph.close_attempt(session, run_id, number, "cancelled", detail)
        return Ended(True, graph.skip(session, run_id), RunState.CANCELLED)
    if not graph.moved(session, _requeue(counted).where(*graph.held(run_id, number))):
        return Ended(False, [])
    graph.close_attempt(session, run_id, number, outcome, detail)
    return Ended(True, [], RunState.QUEUED)


def _requeue(counted: bool) -> Update:
    more: dict[str, Any] = {} if counted else {"preemptions": run.c.preemptions + 1}
    return graph.move(RunState.QUEUED, of=RunState.RUNNING, **more)


Died = Literal["queued", "failed", "cancelled", "lost"]


def died(session: Session, run_id: int, attempt: int, *, reason: str, max_attempts: int) -> Died:
    """The process of a run died without a word. The attempt counts; after ``max_attempts`` the run is failed, else it is
    queued again (or cancelled, if it was to be).

    Args:
        reason: how it died, as in ``signal 9, probably out of memory``.
    """
    graph.lock(session)
    row = session.execute(
        select(run.c.attempt, run.c.preemptions, run.c.cancel_requested_at).where(*graph.held(run_id, attempt))
    ).one_or_none()
    if row is None:
        return "lost"
    tries = row.attempt - row.preemptions
    if row.cancel_requested_at is None and tries >= max_attempts:
        times = "once" if tries == 1 else f"{tries} times"
        message = f"{DIED} {times} (last: {reason})"
        ended = _end(
            session,
            RunState.FAILED,
            run_id,
            attempt,
            type="Died",
            message=message,
            traceback=None,
            cause=_likely(reason),
        )
        return "failed" if ended.ok else "lost"
    stopped = _stop(session, run_id, attempt, "died", detail=reason, counted=True)
    if not stopped.ok:
        return "lost"
    return "cancelled" if stopped.state is RunState.CANCELLED else "queued"


def _likely(reason: str) -> str | None:
    if "signal 9" in reason or "memory" in reason:
        return (
            "The machine probably ran out of memory. Fewer runs at a time help, activation checkpointing, a smaller batch size, a "
            "smaller max_length or a smaller model."
        )
    return None


# --- the sweep ---------------------------------------------------------------------------------------------------------


def sweep(session: Session, *, max_attempts: int) -> Swept:
    """Take back runs whose lease is over, and mend what waits for nothing. Safe to run at any time, by anybody."""
    graph.lock(session)
    expired = session.execute(
        select(run.c.id, run.c.attempt, run.c.worker)
        .where(run.c.state == RunState.RUNNING.value, run.c.lease_until < db_now())
        .order_by(run.c.id)
        .with_for_update(skip_locked=True)
    ).all()
    outcome: dict[str, list[int]] = {"queued": [], "failed": [], "cancelled": [], "lost": []}
    for id, number, worker in expired:
        reason = f"{SILENT} {worker}; it is gone or cannot reach the database"
        outcome[died(session, id, number, reason=reason, max_attempts=max_attempts)].append(id)
    bad = [*outcome["failed"], *outcome["cancelled"]]
    skipped = set(session.scalars(select(run.c.id).where(run.c.skipped_because.in_(bad)))) if bad else set()
    skipped |= set(graph.skip_orphans(session))
    promoted = graph.promote(session)
    queued = dict(
        session.execute(
            select(run.c.device_class, func.count())
            .where(run.c.state == RunState.QUEUED.value)
            .group_by(run.c.device_class)
        ).all()
    )
    return Swept(
        taken_back=outcome["queued"],
        failed=outcome["failed"],
        promoted=promoted,
        skipped=sorted(skipped),
        queued_cpu=queued.get(DeviceClass.CPU.value, 0),
        queued_cuda=queued.get(DeviceClass.CUDA.value, 0),
        cancelled=outcome["cancelled"],
    )
