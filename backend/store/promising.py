"""The next best experiment of a benchmark: every row that nobody has run, what its neighbours promise, and what it would take.

A row's cost is forecast in two steps. All candidates get a rough one, as if nothing were shared (``rough``); the most promising
by that are planned exactly, with every run that exists already, and ordered anew. What was found is kept in memory until a run ends.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session

from backend.domain.experiment import BENCHMARKS, same_data_twice
from backend.domain.forecast import Rates
from backend.domain.gains import MIN_SEEDS
from backend.domain.model import MODELS
from backend.domain.recommendation import Recommendations, Recommended, Repetition, TrackRecord
from backend.domain.run import DeviceClass, RunState
from backend.domain.task import Source
from backend.domain.tasks import INTERMEDIATE, TARGETS, TASKS
from backend.errors import CrossliftError
from backend.statistics.expected import Row
from backend.statistics.promising import Foreseen, foresee, order
from backend.store import costs, foretold, pretrained
from backend.store.awaited import FAMILIES, Known, by_metric, headlines, known, languages_of, offered, record
from backend.store.expected import row_of
from backend.store.kept import Memory
from backend.store.measured import evaluations, version
from backend.store.outlay import largest, outlay
from backend.store.rough import Rough, request_of
from backend.store.tables import ANSWERS, run

SHOWN = 5
EXACT = 12  # of the most promising that are planned exactly
TRIED = 4 * EXACT  # of them that are looked at for it: of some nothing is left to do, or they cannot be planned
SEEDS = tuple(range(MIN_SEEDS))  # the fewest that get a verdict
KEPT = 8  # answers in memory

#: Of a row that counts as tried: it has an answer, or is being looked for, or was and did not come to one.
_TRIED = [s.value for s in (*ANSWERS, RunState.FAILED, RunState.DIVERGED)]


_kept: Memory[Recommendations] = Memory(KEPT)  # by benchmark
_computing = Lock()  # who asks for the same meanwhile waits for the answer, and does not look for it as well


def recommendations(session: Session, *, source: Source) -> Recommendations:
    """The most promising rows that nobody has run, as experiments; how wrong such expectations are; and what came of earlier ones."""
    pretrained.take_up(session)
    key = (session.get_bind().engine.url, source)
    mark = (
        version(session, headlines(source), source=source),
        session.execute(
            select(run.c.state, func.count(), func.max(run.c.id)).group_by(run.c.state).order_by(run.c.state)
        ).all(),
        len(MODELS),
    )
    if (answer := _kept.get(key, mark)) is not None:
        return answer
    with _computing:
        if (answer := _kept.get(key, mark)) is None:
            answer = _recommendations(session, source)
            _kept.put(key, mark, answer)
    return answer


def _recommendations(session: Session, source: Source) -> Recommendations:
    there = known(session, source)
    device, precision = _used(session, source)
    candidates = _candidates(session, source, there)
    found: dict[Row, tuple[str, Foreseen, float]] = {}
    records: list[TrackRecord] = []
    for metric in sorted(there.rows):
        wanted = {row: languages_of(row.target, source) for row in candidates.get(metric, ())}
        answer = foresee(there.rows[metric], wanted, FAMILIES)
        if answer is None:
            continue
        records.append(record(metric, answer[1]))
        for row, f in answer[0].items():
            best = there.best(metric, row.model, row.target)
            found[row] = metric, f, answer[1].improvement(f.gain, max(0.0, best[0]) if best else 0.0)
    past = [p.measured for p in costs.finished(session)]
    rough = Rough(
        session, source, device, precision, found, Rates(m for m in past if m.device_class is device), len(SEEDS)
    )
    first = order({row: (improvement, rough.hours(row)) for row, (_, _, improvement) in found.items()})
    made: dict[Row, Recommended] = {}
    for row in first[:TRIED]:
        if len(made) == EXACT:
            break
        metric, f, improvement = found[row]
        item = _planned(session, source, row, metric, f, improvement, there, past, device, precision)
        if item is not None and item.runs_to_do:
            made[row] = item
    hours = {row: item.device_hours.median if item.device_hours else None for row, item in made.items()}
    best_first = order({row: (item.improvement, hours[row]) for row, item in made.items()})
    acted = foretold.acted_on(session, source, there.gains)
    return Recommendations(
        said=_said(source, records, made, hours),
        repeat=_repetition(session, source, there, past),
        items=[made[row] for row in best_first[:SHOWN]],
        candidates=len(found),
        seeds=list(SEEDS),
        device_class=device,
        records=records,
        acted_on=acted[: 2 * SHOWN],
        acted_on_said=foretold.said(acted),
    )


def _repetition(session: Session, source: Source, there: Known, past: Sequence[Any]) -> Repetition | None:
    """The largest experiment with as many seeds as a verdict takes, where most cells have fewer; None where they have not."""
    cells = [gain for gains in there.gains.values() for gain in gains]
    few = sum(gain.n < MIN_SEEDS for gain in cells)
    template = largest(session, source) if 2 * few > len(cells) else None
    if template is None or len(template.seeds) >= MIN_SEEDS:
        return None
    more = (seed for seed in range(2 * MIN_SEEDS) if seed not in template.seeds)
    seeds = (*template.seeds, *(next(more) for _ in range(MIN_SEEDS - len(template.seeds))))
    name = f"{template.name[:100]}, {MIN_SEEDS} seeds"
    request = template.model_copy(update={"name": name, "seeds": seeds})
    try:
        takes = outlay(session, request, past)
    except CrossliftError:
        return None
    if not takes.runs_to_do:
        return None
    return Repetition(
        cells=few, of=len(cells), device_hours=takes.device_hours, runs_to_do=takes.runs_to_do, request=request
    )


def _said(
    source: Source, records: Sequence[TrackRecord], made: Mapping[Row, Recommended], hours: Mapping[Row, float | None]
) -> str:
    if not records:
        return f"Too little has been measured on {BENCHMARKS[source]} to say what to run next: gains of four rows in twelve cells of one metric are the least."
    if not made:
        return (
            "Nothing is left to recommend: every model and target that has gains has been run with every single task."
        )
    by = (
        "per device-hour"
        if all(h is not None for h in hours.values())
        else "(not per device-hour: nothing to forecast from)"
    )
    said = (
        f"Ordered by expected improvement {by}: the points by which a row may be expected to exceed the best recipe that is known for its "
        "model and target, a row that falls short counted as 0."
    )
    if all(r.error >= r.error_of_mean for r in records):
        said += (
            " No expectation from neighbours beats the plain mean of all rows here, so the same gain is expected of every row of a metric, "
            "and the order is by what is known already and by cost alone."
        )
    return said


def _used(session: Session, source: Source) -> tuple[DeviceClass, str]:
    """The class of device and precision that most evaluate runs of the benchmark had."""
    found = session.execute(
        select(run.c.device_class, func.count())
        .where(*evaluations(source=source))
        .group_by(run.c.device_class)
        .order_by(func.count().desc(), run.c.device_class)
    ).first()
    spec = session.scalars(
        select(run.c.spec).where(*evaluations(source=source)).order_by(run.c.id.desc()).limit(1)
    ).first()
    return DeviceClass(found[0]) if found else DeviceClass.CPU, str((spec or {}).get("precision") or "fp32")


def _candidates(session: Session, source: Source, there: Known) -> dict[str, list[Row]]:
    """By metric, the rows of models that have gains with every single task, and with every recipe that has gains, which nobody has tried."""
    models = sorted({row.model for rows in there.rows.values() for row in rows})
    used = {row.recipe for rows in there.rows.values() for row in rows}
    single = [t for t in INTERMEDIATE if TASKS[t].available_in(source)]
    recipes = [*single, *sorted(r for r in used if r not in single and "@" not in r and offered(r))]
    asked = select(run.c.model, run.c.recipe, run.c.target).where(*evaluations(source=source), run.c.state.in_(_TRIED))
    tried = {tuple(row) for row in session.execute(asked.distinct())}
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for metric, targets in by_metric(TARGETS, source).items():
        if metric not in there.rows:
            continue
        for target in targets:
            for model in models:
                for recipe in recipes:
                    row = row_of(model, recipe, target)
                    if row is not None and (model, recipe, target) not in tried and not same_data_twice(recipe, target):
                        found[metric].append(row)
    return found


def _planned(
    session: Session, source: Source, row: Row, metric: str, f: Foreseen, improvement: float, there: Known,
    past: Sequence[Any], device: DeviceClass, precision: str,
) -> Recommended | None:  # fmt: skip
    """None where it does not apply or cannot be planned."""
    request = request_of(source, row.model, [row.recipe], [row.target], SEEDS, device, precision)
    try:
        takes = outlay(session, request, past)
    except CrossliftError:
        return None
    if takes.not_applicable:
        return None
    taken = takes.device_hours
    best = there.best(metric, row.model, row.target)
    per = improvement / taken.median if taken is not None and taken.median > 0 else None
    return Recommended(
        model=row.model, recipe=row.recipe, target=row.target, metric=metric, languages=len(languages_of(row.target, source)),
        expected=f.gain, low=f.low, high=f.high, best=best[0] if best else None, best_recipe=best[1] if best else None,
        improvement=improvement, device_hours=taken, per_device_hour=per, runs_to_do=takes.runs_to_do, request=request,
        neighbours=[f"{n.model}, {n.recipe} → {n.target} ({100 * share:.0f} %)" for n, share in f.neighbours],
    )  # fmt: skip
