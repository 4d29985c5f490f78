"""Scores as measurements, and the gains in them: what every view of results is computed from.

Gains are never stored, but a process keeps what it has computed in memory, by *unit*: one model, target and metric, which
is also the family of the correction, so that a gain depends on nothing outside of its unit. With a unit goes what it was
computed from: its runs and the count and sum of each one's scores. That is read anew every time, and a unit of which
anything differs is computed anew, whoever wrote and in whatever process.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, func, select, type_coerce
from sqlalchemy.types import NullType
from sqlmodel import Session

from backend.domain.experiment import same_data_twice
from backend.domain.gains import Gain, Measurement, gains, one_per_cell
from backend.domain.run import RunKind, RunState
from backend.domain.task import Source
from backend.store import brought, learning
from backend.store.kept import Memory
from backend.store.prepared import Prepared
from backend.store.reasons import NONE
from backend.store.tables import run, score
from backend.store.uncollected import uncollected

MOST_GAINS = 80_000  # kept by a process, some 100 MB

Name = tuple[str, str, str]  # model, target, metric


@dataclass(frozen=True, slots=True)
class Unit:
    """The gains of one model, target and metric, one a recipe and language; ``every`` has one a recipe, language and settings.

    ``rest`` are the measurements that tell why there is no gain elsewhere: all baselines, and treated scores of cells
    without a gain under the same settings.
    """

    model: str
    target: str
    metric: str
    gains: Sequence[Gain]
    every: Sequence[Gain]
    rest: Sequence[Measurement]
    languages: frozenset[str]  # with any score


def evaluations(*, source: Source, model: str | None = None, target: str | None = None) -> list[ColumnElement[bool]]:
    """The evaluate runs of a benchmark, as the index has them; of what was brought in and done here since, those of here."""
    conditions = [run.c.kind == RunKind.EVALUATE.value, run.c.source == source.value, brought.shown()]
    if model is not None:
        conditions.append(run.c.model == model)
    if target is not None:
        conditions.append(run.c.target == target)
    return conditions


def asked(by_model: bool, by_target: bool) -> list[ColumnElement[bool]]:
    """``evaluations`` for a prepared statement: the values are ``of_source``, ``of_model`` and ``of_target``."""
    conditions = [
        run.c.kind == RunKind.EVALUATE.value, run.c.source == bindparam("of_source"), brought.shown()
    ]  # fmt: skip
    if by_model:
        conditions.append(run.c.model == bindparam("of_model"))
    if by_target:
        conditions.append(run.c.target == bindparam("of_target"))
    return conditions


def given(source: Source, model: str | None, target: str | None) -> dict[str, str]:
    """The values of ``asked``."""
    said = {"of_source": source.value, "of_model": model, "of_target": target}
    return {name: value for name, value in said.items() if value is not None}


def units(
    session: Session,
    metrics: Collection[str],
    *,
    source: Source,
    model: str | None = None,
    target: str | None = None,
    only: Collection[tuple[str, str]] | None = None,
) -> list[Unit]:
    """Every unit of these metrics that has a score, by model, target and metric. ``only``: of these targets and metrics."""
    database = session.get_bind().engine.url
    found = []
    out = {left.run for left in learning.left_out(session, _done(source=source, model=model, target=target))}
    for name, version in sorted(_versions(session, metrics, out, source=source, model=model, target=target).items()):
        if only is not None and name[1:] not in only:
            continue
        unit = _kept.get((database, source, *name), version)
        if unit is None:
            with uncollected():
                unit = _computed(name, _measurements(session, name, source, out))
            _kept.put((database, source, *name), version, unit)
        found.append(unit)
    return found


def version(session: Session, metrics: Collection[str], *, source: Source) -> dict[Name, list[tuple[Any, ...]]]:
    """What every unit of these metrics is computed from: equal while no gain can have changed."""
    out = {left.run for left in learning.left_out(session, _done(source=source, model=None, target=None))}
    return _versions(session, metrics, out, source=source, model=None, target=None)


def _done(*, source: Source, model: str | None, target: str | None) -> list[ColumnElement[bool]]:
    return [*evaluations(source=source, model=model, target=target), run.c.state == RunState.DONE.value]


def _versions(
    session: Session,
    metrics: Collection[str],
    out: Collection[int],
    *,
    source: Source,
    model: str | None,
    target: str | None,
) -> dict[Name, list[tuple[Any, ...]]]:
    """What each unit is computed from: its runs, when they ended, and how many scores of which sum each has."""
    by = model is not None, target is not None
    values = given(source, model, target)
    runs = {id: about for id, *about in _ended(*by).rows(session, **values)}
    names = {f"m{i}": metric for i, metric in enumerate(sorted(metrics))}
    found: defaultdict[Name, list[tuple[Any, ...]]] = defaultdict(list)
    for id, metric, scores, total, examples in _summed(*by, len(names)).rows(session, **values, **names):
        if id not in out:
            of_model, of_target, fingerprint, ended = runs[id]
            # rounded: a database that adds in parallel adds in no fixed order
            key = of_model, of_target, metric
            found[key].append((id, fingerprint, ended, scores, round(total, 6), int(examples)))
    return found


@cache
def _ended(by_model: bool, by_target: bool) -> Prepared:
    ended = type_coerce(run.c.finished_at, NullType())
    return Prepared(
        lambda: select(run.c.id, run.c.model, run.c.target, run.c.fingerprint, ended).where(
            *asked(by_model, by_target), run.c.state == RunState.DONE.value
        )
    )


@cache
def _summed(by_model: bool, by_target: bool, metrics: int) -> Prepared:
    """Of scores alone, in the order of their key: joined to their runs, SQLite would sort them anew."""

    def build() -> Select[Any]:
        runs = select(run.c.id).where(*asked(by_model, by_target), run.c.state == RunState.DONE.value)
        key = score.c.run_id, score.c.metric
        return (
            select(*key, func.count(), func.sum(score.c.value), func.sum(score.c.n))
            .where(score.c.run_id.in_(runs), score.c.metric.in_([bindparam(f"m{i}") for i in range(metrics)]))
            .group_by(*key)
            .order_by(*key)
        )

    return Prepared(build)


def _scores() -> Select[Any]:
    return (
        select(
            run.c.recipe,
            score.c.language,
            run.c.seed,
            score.c.value,
            score.c.n,
            run.c.settings,
            run.c.id,
        )
        .join(score, score.c.run_id == run.c.id)
        .where(*asked(True, True), run.c.state == RunState.DONE.value, score.c.metric == bindparam("of_metric"))
        .order_by(run.c.id, score.c.language)
    )


_SCORES = Prepared(_scores)


def _measurements(session: Session, name: Name, source: Source, out: Collection[int]) -> list[Measurement]:
    """Every score of a unit but those of the runs ``out``: one query, no objects but the answer's."""
    model, target, metric = name
    return [
        Measurement(model, recipe, target, language, metric, seed, value, n, settings, id)
        for recipe, language, seed, value, n, settings, id in _SCORES.rows(
            session, **given(source, model, target), of_metric=metric
        )
        if id not in out
    ]


def _computed(name: Name, measured: Sequence[Measurement]) -> Unit:
    every = gains(measured, same_data=same_data_twice)
    chosen = one_per_cell(every)
    full = {(g.recipe, g.language, g.settings) for g in every}
    rest = [m for m in measured if m.recipe == NONE or (m.recipe, m.language, m.settings) not in full]
    return Unit(*name, chosen, every, rest, frozenset(m.language for m in measured))


_kept: Memory[Unit] = Memory(MOST_GAINS, lambda unit: len(unit.every))
