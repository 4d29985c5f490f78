"""The list of runs: filtered, grouped and ordered in SQL, in pages by key.

A page takes a fixed number of queries: the rows of the page (grouped over ``ix_run_seeds``), the runs in them, their scores.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import stdev
from typing import Any, cast

from sqlalchemy import ColumnElement, and_, case, func, literal, or_, select, tuple_
from sqlmodel import Session

from backend.domain.listed import RowsBy, RunRow, RunScore, RunSort
from backend.domain.run import DeviceClass, RunKind, RunState
from backend.domain.schemas import Counts, Page
from backend.domain.task import Source
from backend.domain.tasks import TASKS
from backend.errors import FieldError, Invalid, NotFound, shown
from backend.store import frozen, graph, words
from backend.store.columns import Moment, db_now
from backend.store.paging import check_id, check_limit
from backend.store.tables import account_experiment, experiment_run, run, score
from backend.store.variants import name as settings_name

MOST_WORDS = 8
KEY = ("kind", "source", "model", "recipe", "target", "settings", "device_class")
_KEY = [run.c[name] for name in KEY]
# A run before its target is chosen has none; no other part can be missing.
_UNTARGETED = [name for name in KEY if name != "target"]
_NEVER = literal(datetime(1970, 1, 1, tzinfo=UTC), Moment())
_BROKEN = (RunState.FAILED.value, RunState.DIVERGED.value)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which runs. None: any. ``q``: every word of it is somewhere in what a run is. ``alike``: those that differ from this run
    by the seed alone. ``account``: those of experiments that it submitted. ``hours``: those that ended within so many."""

    states: Collection[RunState] | None = None
    kind: RunKind | None = None
    source: Source | None = None
    model: str | None = None
    recipe: str | None = None
    target: str | None = None
    device: DeviceClass | None = None
    experiment: int | None = None
    account: int | None = None
    hours: int | None = None
    alike: int | None = None
    q: str | None = None

    def conditions(self, session: Session) -> list[ColumnElement[bool]]:
        """Raises: NotFound: there is no run to be alike to."""
        found: list[ColumnElement[bool]] = []
        if self.states is not None:
            found.append(run.c.state.in_([s.value for s in self.states]))
        named = (
            (run.c.kind, self.kind and self.kind.value),
            (run.c.source, self.source and self.source.value),
            (run.c.model, self.model),
            (run.c.recipe, self.recipe),
            (run.c.target, self.target),
            (run.c.device_class, self.device and self.device.value),
        )
        found += [column == value for column, value in named if value is not None]
        if self.experiment is not None:
            listed = select(experiment_run.c.run_id).where(
                experiment_run.c.experiment_id == self.experiment, experiment_run.c.replaced_by.is_(None)
            )
            found.append(run.c.id.in_(listed))
        if self.account is not None:
            own = (
                select(experiment_run.c.run_id)
                .join(account_experiment, account_experiment.c.experiment_id == experiment_run.c.experiment_id)
                .where(account_experiment.c.account_id == self.account)
            )
            found.append(run.c.id.in_(own))
        if self.hours is not None:
            found.append(run.c.finished_at >= db_now(-3600 * self.hours))
        if self.alike is not None:
            found += _alike(_key_of(session, self.alike))
        text = func.lower(
            run.c.kind + " " + run.c.model + " " + run.c.recipe + " " + func.coalesce(run.c.target, "") + " "
            + run.c.device_class + " " + func.coalesce(run.c.worker, "") + " " + func.coalesce(run.c.error_type, "")
        )  # fmt: skip
        found += [text.contains(word, autoescape=True) for word in (self.q or "").lower().split()[:MOST_WORDS]]
        return found


def _key_of(session: Session, id: int) -> Mapping[str, Any]:
    check_id("run", id)
    found = session.execute(select(*_KEY).where(run.c.id == id)).mappings().one_or_none()
    if found is None:
        raise NotFound(f"There is no run {id}.")
    return cast(Mapping[str, Any], found)


def _alike(key: Mapping[str, Any]) -> list[ColumnElement[bool]]:
    return [run.c[name] == key[name] if key[name] is not None else run.c[name].is_(None) for name in KEY]


def rows(
    session: Session, wanted: Wanted, *, by: RowsBy = "seeds", sort: RunSort = "newest", limit: int, cursor: str | None
) -> Page[RunRow]:
    """One page of the list.

    Raises:
        Invalid: limit or cursor.
        NotFound: there is no run to be alike to.
    """
    check_limit(limit)
    conditions = wanted.conditions(session)
    grouped = _grouped(conditions, by)
    value, descending = _order(grouped, sort)
    query = select(grouped, value.label("place"))
    if cursor is None:
        query = query.add_columns(func.count().over().label("total"))  # grouped once, not once more to count
    else:
        total = session.scalars(select(func.count()).select_from(grouped)).one()
        last, newest = _read_cursor(cursor, sort)
        further = value < last if descending else value > last
        behind = grouped.c.newest < newest if sort != "oldest" else grouped.c.newest > newest
        query = query.where(or_(further, and_(value == last, behind)))
    second = grouped.c.newest.desc() if sort != "oldest" else grouped.c.newest
    query = query.order_by(value.desc() if descending else value, second).limit(limit + 1)
    found = session.execute(query).mappings().all()
    if cursor is None:
        total = found[0]["total"] if found else 0
    more = len(found) > limit
    items = _rows(session, found[:limit], conditions, by)
    next_cursor = _write_cursor(sort, found[limit - 1]["place"], found[limit - 1]["newest"]) if more else None
    return Page(items=items, next_cursor=next_cursor, total=total)


def _grouped(conditions: Sequence[ColumnElement[bool]], by: RowsBy) -> Any:
    columns = [
        func.min(run.c.id).label("id"),
        func.max(run.c.id).label("newest"),
        func.max(run.c.finished_at).label("finished_at"),
        func.count(run.c.finished_at).label("ended"),
        func.count().label("many"),
        func.sum(run.c.device_seconds).label("device_seconds"),
    ]
    keys = [*_KEY, run.c.id] if by == "run" else _KEY
    return select(*_KEY, *columns).where(*conditions).group_by(*keys).subquery("grouped")


def _order(grouped: Any, sort: RunSort) -> tuple[Any, bool]:
    """What rows are ordered by, and whether the greatest comes first; equal ones have the newest first."""
    if sort == "oldest":
        return grouped.c.id, False
    if sort == "finished":
        ended = case((grouped.c.ended == grouped.c.many, grouped.c.finished_at), else_=_NEVER)
        return func.coalesce(ended, _NEVER, type_=Moment()), True
    if sort == "longest":  # rounded: a database that adds in parallel adds in no fixed order
        return func.coalesce(func.round(grouped.c.device_seconds * 1000), -1.0), True
    if sort == "newest":
        return grouped.c.newest, True
    return func.coalesce(grouped.c[sort], ""), False


# --- cursors: the place of the last row, since its group may have changed by the time it is asked for again --------------------


def _write_cursor(sort: RunSort, place: Any, newest: int) -> str:
    said = place.isoformat() if isinstance(place, datetime) else place
    text = json.dumps([sort, said, newest], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_cursor(cursor: str, sort: RunSort) -> tuple[Any, int]:
    try:
        text = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        of, place, newest = json.loads(text)
        if of != sort or type(newest) is not int or not 0 < newest < 2**63:
            raise ValueError
        return _place(place, sort), newest
    except (ValueError, TypeError, RecursionError, UnicodeError, binascii.Error):
        message = f"{shown(cursor)} is no cursor of this order; take next_cursor of the page before, or leave it out"
        raise Invalid("The page cannot be given.", errors=[FieldError("/cursor", message)]) from None


def _place(said: object, sort: RunSort) -> Any:
    """Raises: ValueError: no row of this order can be there."""
    if sort in ("newest", "oldest", "longest"):
        if type(said) not in ((int, float) if sort == "longest" else (int,)) or not abs(cast(float, said)) < 2**63:
            raise ValueError
        return float(cast(float, said)) if sort == "longest" else said
    if not isinstance(said, str) or "\0" in said:
        raise ValueError
    if sort != "finished":
        return said
    at = datetime.fromisoformat(said)
    if at.tzinfo is None:
        raise ValueError
    return at


# --- from rows to views ----------------------------------------------------------------------------------------------------


_SHOWN = [
    run.c[name]
    for name in (
        *KEY, "id", "benchmark", "seed", "state", "precision", "created_at", "finished_at", "device_seconds", "energy_joules",
        "peak_memory_bytes", "parameters", "error_message", "fingerprint",
    )
]  # fmt: skip


def _rows(
    session: Session, found: Sequence[Any], conditions: Sequence[ColumnElement[bool]], by: RowsBy
) -> list[RunRow]:
    if not found:
        return []
    if by == "run":
        these: ColumnElement[bool] = run.c.id.in_([row["id"] for row in found])
    else:
        these = and_(*conditions, _in_any(found))
    members: defaultdict[tuple[Any, ...], list[Any]] = defaultdict(list)
    for each in session.execute(select(*_SHOWN).where(these).order_by(run.c.id)).mappings():
        members[_named(each, by)].append(each)
    every = [each for of in members.values() for each in of]
    scored = _scores(session, [e for e in every if e["kind"] == RunKind.EVALUATE.value and e["state"] == "done"])
    locked = frozen.runs(session)
    return [_row(members[_named(row, by)], scored, locked) for row in found]


def _in_any(rows: Sequence[Any]) -> ColumnElement[bool]:
    """Whether a run is in one of these rows. As lists of values: one expression each would be put together, and compiled, anew for
    nearly every page."""
    there = [tuple(row[name] for name in KEY) for row in rows if row["target"] is not None]
    rest = [tuple(row[name] for name in _UNTARGETED) for row in rows if row["target"] is None]
    found: list[ColumnElement[bool]] = [tuple_(*_KEY).in_(there)] if there else []
    if rest:
        found.append(and_(run.c.target.is_(None), tuple_(*(run.c[name] for name in _UNTARGETED)).in_(rest)))
    return or_(*found)


def _named(row: Any, by: RowsBy) -> tuple[Any, ...]:
    return (row["id"],) if by == "run" else tuple(row[name] for name in KEY)


def _scores(session: Session, evaluated: Sequence[Any]) -> dict[int, dict[str, float]]:
    """Run → language → points, by the headline metric of its target."""
    headline = {e["id"]: TASKS[e["target"]].headline for e in evaluated if e["target"] in TASKS}
    found: defaultdict[int, dict[str, float]] = defaultdict(dict)
    for part in graph.chunks(headline):
        query = select(score.c.run_id, score.c.metric, score.c.language, score.c.value).where(
            score.c.run_id.in_(part), score.c.metric.in_(sorted(set(headline.values())))
        )
        for id, metric, language, value in session.execute(query):
            if headline[id] == metric:
                found[id][language] = value
    return found


def _row(
    members: Sequence[Any], scored: Mapping[int, Mapping[str, float]], locked: Collection[tuple[int, str]]
) -> RunRow:
    first = members[0]
    states = [m["state"] for m in members]
    broken = [m for m in members if m["state"] in _BROKEN]
    return RunRow(
        **{name: first[name] for name in ("benchmark", "model", "recipe", "target", "precision")},
        id=first["id"],
        newest=members[-1]["id"],
        kind=RunKind(first["kind"]),
        source=Source(first["source"]),
        settings=settings_name(first["settings"]),
        device_class=DeviceClass(first["device_class"]),
        runs=[m["id"] for m in members],
        seeds=[m["seed"] for m in members],
        states=[RunState(state) for state in states],
        counts=Counts(**{state.value: states.count(state.value) for state in RunState}),
        created_at=min(m["created_at"] for m in members),
        finished_at=max(m["finished_at"] for m in members) if all(m["finished_at"] for m in members) else None,
        device_seconds=_total(members, "device_seconds"),
        energy_joules=_total(members, "energy_joules"),
        peak_memory_bytes=max((m["peak_memory_bytes"] for m in members if m["peak_memory_bytes"]), default=None),
        parameters=members[-1]["parameters"] or next((m["parameters"] for m in members if m["parameters"]), None),
        error=words.first_line(broken[-1]["error_message"]) or None if broken else None,
        score=_score(first["target"], [scored[m["id"]] for m in members if scored.get(m["id"])]),
        locked=any((m["id"], m["fingerprint"]) in locked for m in members),
    )


def _total(members: Sequence[Any], name: str) -> float | None:
    known = [m[name] for m in members if m[name] is not None]
    done = sum(m["state"] == RunState.DONE.value for m in members)
    return math.fsum(known) if known and len(known) >= done else None


def _score(target: str | None, scores: Sequence[Mapping[str, float]]) -> RunScore | None:
    if target is None or not scores or any(set(s) != set(scores[0]) for s in scores):
        return None
    means = [math.fsum(s.values()) / len(s) for s in scores]
    return RunScore(
        metric=TASKS[target].headline,
        value=math.fsum(means) / len(means),
        sd=stdev(means) if len(means) > 1 else None,
        languages=len(scores[0]),
        runs=len(means),
    )
