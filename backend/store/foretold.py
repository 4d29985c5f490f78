"""What came of expectations: rows that were unknown when an experiment asked for them, expected anew from what was known then.

As with forecasts (``domain.forecast_record``) nothing was written down at the time and nothing later enters, so it covers every row
that was run, whoever asked for it and whether the list had it first or last; picking out what went well is not possible.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError
from sqlalchemy import select
from sqlmodel import Session

from backend.domain.experiment import ExperimentRequest
from backend.domain.gains import Gain
from backend.domain.language import LANGUAGES
from backend.domain.recipe import CONTROLS
from backend.domain.recommendation import ActedOn
from backend.domain.task import Source
from backend.statistics.expected import Row
from backend.statistics.promising import Held, foresee, held
from backend.store import graph
from backend.store.expected import row_of
from backend.store.tables import experiment, run

LATEST = 30  # experiments that are looked at, the newest


def acted_on(session: Session, source: Source, gains: Mapping[str, Sequence[Gain]]) -> list[ActedOn]:
    """The latest first. ``gains``: by metric, those that expectations are made from."""
    asked = session.execute(
        select(experiment.c.id, experiment.c.created_at, experiment.c.request)
        .where(experiment.c.source == source.value)
        .order_by(experiment.c.id)
    ).all()
    dated = _dated(session, gains)
    families = {code: language.family for code, language in LANGUAGES.items()}
    seen: set[tuple[str, str, str]] = set()
    found: list[ActedOn] = []
    oldest = asked[-LATEST].id if len(asked) >= LATEST else 0
    for id, at, body in asked:
        new = [row for row in _rows(body) if row not in seen]
        seen.update(new)
        if id < oldest or not new:
            continue
        for metric, every in dated.items():
            found += _of(id, metric, set(new), every, at, families)
    return found[::-1]


@dataclass(frozen=True, slots=True)
class _Dated:
    """A gain and when the last of its runs ended: of those with the recipe, and of all."""

    row: Row
    language: str
    points: float
    treated: datetime
    whole: datetime


def _dated(session: Session, gains: Mapping[str, Sequence[Gain]]) -> dict[str, list[_Dated]]:
    ended = _ended(session, {i for each in gains.values() for g in each for i in (*g.runs, *g.baseline_runs)})
    rows: dict[tuple[str, str, str], Row | None] = {}
    found: defaultdict[str, list[_Dated]] = defaultdict(list)
    for metric, each in gains.items():
        for g in each:
            name = (g.model, g.recipe, g.target)
            if name not in rows:
                rows[name] = row_of(*name)
            if (row := rows[name]) is not None:
                treated = max(ended[i] for i in g.runs)
                whole = max(treated, *(ended[i] for i in g.baseline_runs))
                found[metric].append(_Dated(row, g.language, g.mean, treated, whole))
    return dict(found)


def _of(
    id: int,
    metric: str,
    new: Collection[tuple[str, str, str]],
    every: Sequence[_Dated],
    at: datetime,
    families: Mapping[str, str],
) -> list[ActedOn]:
    now: defaultdict[Row, dict[str, float]] = defaultdict(dict)
    then: defaultdict[Row, dict[str, float]] = defaultdict(dict)
    for gain in every:
        if (gain.row.model, gain.row.recipe, gain.row.target) in new:
            if gain.treated > at:
                now[gain.row][gain.language] = gain.points
        elif gain.whole <= at:
            then[gain.row][gain.language] = gain.points
    answer = foresee(then, {row: list(g) for row, g in now.items()}, families) if now else None
    if answer is None:
        return []
    return [
        ActedOn(
            experiment=id, model=row.model, recipe=row.recipe, target=row.target, metric=metric, expected=f.gain, low=f.low,
            high=f.high, found=sum(now[row].values()) / len(now[row]), mean_then=_mean(then),
        )
        for row, f in answer[0].items()
    ]  # fmt: skip


def _mean(rows: Mapping[Row, Mapping[str, float]]) -> float:
    return sum(sum(g.values()) / len(g) for g in rows.values()) / len(rows)


def _ended(session: Session, runs: set[int]) -> dict[int, datetime]:
    return {
        row.id: row.finished_at
        for part in graph.chunks(sorted(runs))
        for row in session.execute(select(run.c.id, run.c.finished_at).where(run.c.id.in_(part)))
    }


def _rows(body: object) -> list[tuple[str, str, str]]:
    """Model, recipe and target of each row that an experiment asks for; controls are none."""
    try:
        request = ExperimentRequest.model_validate(body)
    except ValidationError:  # of another version of the program
        return []
    recipes = [r.name for r in request.recipes if r.kind not in CONTROLS and r.name != "none"]
    return [(m, r, t) for m in request.models for r in recipes for t in request.targets]


def said(found: Sequence[ActedOn]) -> str:
    """In words."""
    record = held(Held(a.expected, a.low, a.high, a.mean_then, a.found) for a in found)
    if record is None:
        return "No row that could have been recommended has been run since: there is nothing yet to hold expectations against."
    error, of_mean, inside = record
    rows = f"{len(found)} {'row that was' if len(found) == 1 else 'rows that were'}"
    return (
        f"Of {rows} run after enough was known, expected from what had been measured when each was submitted: off by {error:.2f} points on "
        f"average, the mean of all rows known then by {of_mean:.2f}; {100 * inside:.0f} % lay in the band, which is meant to hold 80 %."
    )
