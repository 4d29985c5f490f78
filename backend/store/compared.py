"""Things beside one another, from what the store holds of them. Numbers are ``domain.gains``' alone."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from sqlalchemy import select
from sqlmodel import Session

from backend.domain.comparison import (
    ComparedCell,
    ComparedMean,
    ComparedRecord,
    ComparedSide,
    Comparison,
    Thing,
    differing,
    letters,
    settings_of,
)
from backend.domain.experiment import BENCHMARKS, same_data_twice
from backend.domain.gains import (
    ALPHA,
    Gain,
    Measurement,
    Verdict,
    benjamini_hochberg,
    gains,
    mean_transfer,
    paired_t,
)
from backend.domain.language import ENGLISH, order_by_family
from backend.domain.run import DeviceClass, RunKind, RunState
from backend.domain.task import Source
from backend.domain.tasks import TASKS
from backend.errors import FieldError, Invalid, shown
from backend.store import facts, learning, words
from backend.store.costs import Costs
from backend.store.measured import evaluations
from backend.store.tables import LIVE, run, run_parent, score
from backend.store.variants import name as settings_name

_TRAINING = (RunKind.FINETUNE.value, RunKind.INTERMEDIATE.value, RunKind.PRETRAIN.value)
_COLUMNS = [
    run.c[name]
    for name in (
        "id", "kind", "source", "model", "recipe", "target", "seed", "settings", "state", "device_class", "device_seconds",
        "energy_joules", "parameters", "skipped_because", "error_message",
    )
]  # fmt: skip


@dataclass(slots=True)
class Side:
    """A thing and what the store holds of it: its runs and scores, under all settings until :meth:`keep` has chosen one."""

    thing: Thing
    rows: list[Any]
    metric: str | None = None
    settings: str | None = None
    left_out: list[int] = field(default_factory=list)
    measured: list[Measurement] = field(default_factory=list)
    differences: list[Gain] = field(default_factory=list)
    unpaired: str | None = None

    @property
    def kind(self) -> RunKind:
        return RunKind(self.rows[0]["kind"]) if self.rows else RunKind.EVALUATE

    @property
    def what(self) -> tuple[str, str, str | None]:
        if self.rows:
            return self.rows[0]["model"], self.rows[0]["recipe"], self.rows[0]["target"]
        return self.thing.model, self.thing.recipe, self.thing.target

    @property
    def done(self) -> list[int]:
        return [r["id"] for r in self.rows if r["state"] == RunState.DONE.value and r["id"] not in self.left_out]

    def keep(self, settings: str | None) -> None:
        """Only what is under these settings; None: under those of its latest run. Of the runs of one seed those that are done,
        else the latest; of their scores the first, as gains take it."""
        if not self.rows:
            return
        self.settings = settings or self.rows[-1]["settings"]
        rows = [r for r in self.rows if r["settings"] == self.settings]
        done = [r for r in rows if r["state"] == RunState.DONE.value]
        there = {r["seed"] for r in done}
        rest = {r["seed"]: r for r in rows if r["seed"] not in there}  # as each of them stands now
        self.rows = sorted([*done, *rest.values()], key=lambda r: (r["seed"] is not None, r["seed"] or 0, r["id"]))
        self.left_out = [id for id in self.left_out if any(r["id"] == id for r in self.rows)]
        once: dict[tuple[int | None, str], Measurement] = {}
        for m in self.measured:
            if m.settings == self.settings:
                once.setdefault((m.seed, m.language), m)
        self.measured = list(once.values())


def compare(session: Session, things: Sequence[str], *, source: Source, metric: str | None = None) -> Comparison:
    """Args:
        things: two to six, or one, whose facts are shown then.
        source: of things that are no runs; runs must be of it too.
        metric: None: the headline metric of each target.

    Raises:
        Invalid: something cannot be read, is not there, or is of another benchmark.
    """
    sides = [_side(session, text, source) for text in things]
    for side in sides:
        _measure(session, side, metric)
    for side, settings in zip(sides, settings_of([side.measured for side in sides]), strict=True):
        side.keep(settings)
    if sides:
        for side in sides[1:]:
            _against(session, sides[0], side, source)
    scored = [{m.language for m in side.measured} for side in sides if side.measured]
    found = order_by_family(set[str]().union(*scored)) if scored else []
    asked = {side.thing.language for side in sides if side.thing.language}
    if asked and all(side.thing.language for side in sides):
        found = [code for code in found if code in asked] or sorted(asked)
    common = [code for code in found if all(code in each for each in scored)]
    told = _letters(sides, common)
    costs = Costs(session, [*evaluations(source=source), run.c.id.in_([id for side in sides for id in side.done])])
    return Comparison(
        benchmark=BENCHMARKS[source],
        synthetic=source is Source.MINI,
        sides=[
            _shown(session, side, costs, common, None if told is None else told.get(number), first=number == 0)
            for number, side in enumerate(sides)
        ],
        languages=found,
        common=common,
        cells=[[_cell(side, code, source) for code in found] for side in sides],
        fields=differing([facts.of(session, side.thing, side.rows, side.done) for side in sides]),
        notes=_notes(sides, told),
    )


# --- what there is ---------------------------------------------------------------------------------------------------------------


def _side(session: Session, text: str, source: Source) -> Side:
    thing = Thing.read(text)
    if thing is None:
        raise _wrong(
            f"{shown(text)} is neither the number of a run nor model/recipe/target or model/recipe/target/language"
        )
    if thing.run is not None:
        row = session.execute(select(*_COLUMNS).where(run.c.id == thing.run)).mappings().one_or_none()
        if row is None:
            raise _wrong(f"there is no run {thing.run}")
        if row["source"] != source.value:
            raise _wrong(f"run {thing.run} is of another benchmark ({row['source']}); benchmarks are never mixed")
        return Side(thing, [row])
    here = [*evaluations(source=source, model=thing.model, target=thing.target), run.c.recipe == thing.recipe]
    return Side(thing, list(session.execute(select(*_COLUMNS).where(*here).order_by(run.c.id)).mappings()))


def _wrong(message: str) -> Invalid:
    return Invalid("These cannot be compared.", errors=[FieldError("query/c", message)])


def _measure(session: Session, side: Side, metric: str | None) -> None:
    _, _, target = side.what
    if side.kind is not RunKind.EVALUATE or target is None or target not in TASKS:
        return
    side.metric = metric if metric in TASKS[target].metrics else TASKS[target].headline
    ids = [r["id"] for r in side.rows if r["state"] == RunState.DONE.value]
    out = learning.left_out(session, [run.c.id.in_(ids), run.c.state == RunState.DONE.value])
    side.left_out = sorted({left.run for left in out})
    side.measured = _measurements(session, [run.c.id.in_(side.done), score.c.metric == side.metric])


def _measurements(session: Session, conditions: Sequence[Any], out: Collection[int] = ()) -> list[Measurement]:
    query = (
        select(
            run.c.model, run.c.recipe, run.c.target, score.c.language, score.c.metric, run.c.seed, score.c.value, score.c.n,
            run.c.settings, run.c.id,
        )
        .join(score, score.c.run_id == run.c.id)
        .where(*conditions)
        .order_by(run.c.id, score.c.language)
    )  # fmt: skip
    every = (Measurement(*row) for row in session.execute(query))
    return [m for m in every if m.run not in out]


# --- differences -----------------------------------------------------------------------------------------------------------------


def _why_unpaired(first: Side, side: Side) -> str | None:
    """Why the two cannot be paired seed by seed; None where they can."""
    (model, recipe, target), (other, own, theirs) = first.what, side.what
    if first.kind is not RunKind.EVALUATE or side.kind is not RunKind.EVALUATE:
        return "only evaluations have scores"
    if not first.measured or not side.measured:
        return (
            "not reported yet"
            if any(r["state"] in LIVE for r in (*first.rows, *side.rows))
            else "one of them has no scores"
        )
    if target != theirs:
        return "another target: scores of two targets are on different scales"
    if model != other:
        return "another model: its seeds have nothing to do with those of the first"
    if recipe == own:
        return "the same recipe: other seeds of one thing are no pairs"
    if first.settings != side.settings:
        return "other settings: a difference would be of them, too"
    return None


def _against(session: Session, first: Side, side: Side, source: Source) -> None:
    side.unpaired = _why_unpaired(first, side)
    if side.unpaired is not None:
        return
    model, recipe, target = first.what
    if first.thing.run is not None or side.thing.run is not None:
        pool = [*first.measured, *side.measured]  # of two runs there is no family
    else:
        here = [*evaluations(source=source, model=model, target=target), run.c.state == RunState.DONE.value]
        out = {left.run for left in learning.left_out(session, here)}
        pool = _measurements(session, [*here, score.c.metric == side.metric], out)
    found = gains(pool, baseline=recipe, same_data=same_data_twice)
    side.differences = [g for g in found if g.recipe == side.what[1] and g.settings == side.settings]
    if not side.differences:
        side.unpaired = "no seed in common with the first"


def _letters(sides: Sequence[Side], common: Sequence[str]) -> dict[int, str] | None:
    """Letters of those sides that can all be paired with one another and have enough seeds; None where fewer than three can."""
    able = [i for i, s in enumerate(sides) if s.thing.run is None and s.measured]
    if len(able) < 3 or any(_why_unpaired(sides[i], sides[j]) for i, j in combinations(able, 2)):
        return None
    p: dict[tuple[int, int], float] = {}
    means: dict[int, float] = {}
    for a, b in combinations(range(len(able)), 2):
        first, second = sides[able[a]], sides[able[b]]
        found = gains([*first.measured, *second.measured], baseline=first.what[1], same_data=same_data_twice)
        mean = mean_transfer(found, common, support=common)
        tested = paired_t(mean.per_seed).p if mean.per_seed else None
        if tested is None or mean.value is None:
            return None
        p[a, b] = tested
        if a == 0:
            means[0], means[b] = 0.0, mean.value
    q = dict(zip(p, benjamini_hochberg(list(p.values())), strict=True))
    said = letters([means[i] for i in range(len(able))], {pair: value >= ALPHA for pair, value in q.items()})
    return dict(zip(able, said, strict=True))


# --- what is shown ---------------------------------------------------------------------------------------------------------------


def _cell(side: Side, code: str, source: Source) -> ComparedCell:
    here = sorted((m for m in side.measured if m.language == code), key=lambda m: (m.seed is not None, m.seed or 0))
    spread = paired_t([m.value for m in here]) if here else None
    gain = next((g for g in side.differences if g.language == code), None)
    return ComparedCell(
        language=code,
        score=spread.mean if spread else None,
        low=spread.low if spread else None,
        high=spread.high if spread else None,
        per_seed=[m.value for m in here],
        seeds=[m.seed for m in here],
        missing=None if here else _why_missing(side, code, source),
        difference=gain.mean if gain else None,
        difference_low=gain.low if gain else None,
        difference_high=gain.high if gain else None,
        pairs=gain.n if gain else 0,
        p=gain.p_t if gain else None,
        q=gain.q if gain else None,
        verdict=gain.verdict if gain else None,
    )


def _why_missing(side: Side, code: str, source: Source) -> str:
    target = side.what[2]
    if side.kind is not RunKind.EVALUATE:
        return "not applicable: this run gives no scores"
    if target is not None and target in TASKS and code not in TASKS[target].languages_in(source):
        return "not applicable"
    if side.left_out and not side.done:
        return "left out: its training did not learn"
    states = {r["state"] for r in side.rows}
    if states & {s.value for s in LIVE}:
        return "not reported yet"
    if states & {RunState.FAILED.value, RunState.DIVERGED.value, RunState.SKIPPED.value}:
        return "failed"
    return "not run"


def _mean(rows: Sequence[tuple[tuple[int | None, ...], tuple[float, ...]]]) -> ComparedMean | None:
    """Of scores by language, each over its seeds; the interval only where all have the same seeds."""
    if not rows:
        return None
    value = math.fsum(math.fsum(of) / len(of) for _, of in rows) / len(rows)
    same = len({seeds for seeds, _ in rows}) == 1
    spread = paired_t([math.fsum(at) / len(at) for at in zip(*(of for _, of in rows), strict=True)]) if same else None
    return ComparedMean(
        value=value,
        low=spread.low if spread else None,
        high=spread.high if spread else None,
        languages=len(rows),
        seeds=len(rows[0][0]) if same else 0,
    )


def _shown(
    session: Session, side: Side, costs: Costs, common: Sequence[str], told: str | None, *, first: bool
) -> ComparedSide:
    model, recipe, target = side.what
    transfer = [code for code in common if code != ENGLISH]
    by: defaultdict[str, dict[int | None, float]] = defaultdict(dict)
    for m in side.measured:
        by[m.language][m.seed] = m.value
    away = mean_transfer(side.differences, common, support=common) if side.differences else None
    cost = costs.of(side.done) if side.kind is RunKind.EVALUATE else None
    own = [r["device_seconds"] for r in side.rows if r["device_seconds"] is not None]
    energy = [r["energy_joules"] for r in side.rows]
    alone = own[0] / 3600 if side.kind is not RunKind.EVALUATE and own else None
    record = None
    if side.differences:
        verdicts = [g.verdict for g in side.differences]
        record = ComparedRecord(
            won=verdicts.count(Verdict.HELPS),
            tied=verdicts.count(Verdict.NO_EVIDENCE),
            lost=verdicts.count(Verdict.HURTS),
            too_few=verdicts.count(Verdict.TOO_FEW),
        )
    return ComparedSide(
        thing=side.thing.key,
        title=words.title(side.rows[0]) if side.thing.run is not None else _title(side),
        kind=side.kind,
        model=model,
        recipe=recipe,
        target=target,
        language=side.thing.language,
        metric=side.metric,
        settings=settings_name(side.settings) if side.settings else None,
        runs=[r["id"] for r in side.rows],
        seeds=[r["seed"] for r in side.rows],
        states=[RunState(r["state"]) for r in side.rows],
        left_out=side.left_out,
        trained=_trained(session, side),
        parameters=next((r["parameters"] for r in side.rows if r["parameters"]), None),
        device_class=DeviceClass(side.rows[0]["device_class"]) if side.rows else None,
        device_hours_marginal=cost.marginal_hours if cost else alone,
        device_hours_amortised=cost.amortised_hours if cost else alone,
        energy_joules=math.fsum(energy) if energy and None not in energy else None,
        mean=_mean([(tuple(by[c]), tuple(by[c].values())) for c in transfer]) if by else None,
        difference=None
        if away is None or away.value is None
        else ComparedMean(value=away.value, low=away.low, high=away.high, languages=away.k, seeds=len(away.seeds)),
        unpaired=None if first else side.unpaired,
        record=record,
        letters=told,
    )


def _title(side: Side) -> str:
    thing = side.thing
    where = f" in {thing.language}" if thing.language else ""
    return f"{thing.model}, {thing.recipe} → {thing.target}{where}"


def _trained(session: Session, side: Side) -> list[int]:
    ids = side.done or [
        r["id"] for r in side.rows
    ]  # curves of seeds that have not begun would take the place of others
    if side.kind.value in _TRAINING:
        return ids
    query = (
        select(run_parent.c.parent_id)
        .join(run, run.c.id == run_parent.c.parent_id)
        .where(run_parent.c.run_id.in_(ids), run.c.kind.in_([RunKind.FINETUNE.value, RunKind.INTERMEDIATE.value]))
        .order_by(run_parent.c.parent_id)
    )
    return list(dict.fromkeys(session.scalars(query)))


def _notes(sides: Sequence[Side], told: dict[int, str] | None) -> list[str]:
    found = []
    metrics = {s.metric for s in sides if s.metric}
    if len(metrics) > 1:
        found.append(
            f"They are scored by different metrics ({', '.join(sorted(metrics))}): scores are on different scales."
        )
    out = sum(len(s.left_out) for s in sides)
    if out:
        found.append(f"{out} {'run is' if out == 1 else 'runs are'} in no number here: a training did not learn.")
    if len(sides) > 2 and told is None:
        found.append(
            "Who is not told apart by the mean is not tested: that takes three or more that can be paired, with three seeds each."
        )
    return found
