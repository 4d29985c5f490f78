"""What intermediate tasks are worth in each language, of one model: the table of all languages, and everything about one.

Gains come from ``measured``, which keeps what it has computed; beside them one grouped query says what was asked for and how it ended.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlmodel import Session

from backend.domain.by_language import (
    BestRecipe,
    LanguageCell,
    LanguageDetail,
    LanguageRow,
    LanguageTable,
    NearLanguage,
    mean_of_language,
    shared_recipes,
)
from backend.domain.experiment import BENCHMARKS, same_data_twice
from backend.domain.gains import Gain, Missing
from backend.domain.kinship import nearest
from backend.domain.language import ENGLISH, LANGUAGES
from backend.domain.run import RunState
from backend.domain.schemas import GainCell, LanguageView
from backend.domain.task import Source
from backend.domain.tasks import TARGETS, TASKS
from backend.store import trained
from backend.store.measured import Unit, evaluations, units
from backend.store.observed import Observed
from backend.store.reasons import BAD_STATES, LIVE_STATES, NONE, Reasons
from backend.store.recipes import is_control, place
from backend.store.tables import run

#: Target → its headline metric. Diagnostics are no targets of a mean.
HEADLINE: Mapping[str, str] = {t: TASKS[t].headline for t in TARGETS if not TASKS[t].diagnostic}


@dataclass(frozen=True, slots=True)
class Standing:
    """What one benchmark and model have: gains by target, and the states of evaluate runs by target and recipe."""

    source: Source
    model: str | None
    models: Sequence[str]
    states: Mapping[tuple[str, str], Counter[str]]
    units: Mapping[str, Unit]
    learnt: trained.Trained

    @property
    def counted(self) -> list[Gain]:
        """The gains that means are over: not the same data twice, no controls, nothing trained in the language."""
        return [
            g
            for unit in self.units.values()
            for g in unit.gains
            if not (g.same_data_twice or is_control(g.recipe) or trained.saw(g, self.learnt))
        ]

    def targets(self, code: str) -> list[str]:
        """Those that have the language, by name."""
        return sorted(
            t
            for t in HEADLINE
            if code in TASKS[t].languages_in(self.source) or (t in self.units and code in self.units[t].languages)
        )

    @property
    def recipes(self) -> set[str]:
        return {recipe for _, recipe in self.states} - {NONE}


def look(session: Session, *, source: Source, model: str | None) -> Standing:
    """Of this model; None: that with most done evaluate runs."""
    by_model: defaultdict[str, defaultdict[tuple[str, str], Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    rows = session.execute(
        select(run.c.model, run.c.target, run.c.recipe, run.c.state, func.count())
        .where(*evaluations(source=source))
        .group_by(run.c.model, run.c.target, run.c.recipe, run.c.state)
    )
    for of_model, target, recipe, state, n in rows:
        by_model[of_model][target, recipe][state] += n

    def done(name: str) -> int:
        return sum(states[RunState.DONE.value] for states in by_model[name].values())

    chosen = model or min(sorted(by_model), key=lambda name: -done(name), default=None)
    found = units(session, set(HEADLINE.values()), source=source, model=chosen) if chosen is not None else []
    return Standing(
        source=source,
        model=chosen,
        models=sorted(by_model),
        states=dict(by_model[chosen]) if chosen is not None and chosen in by_model else {},
        units={u.target: u for u in found if HEADLINE.get(u.target) == u.metric},
        learnt=trained.by_settings(session, source),
    )


# --- the table -------------------------------------------------------------------------------------------------------


def table(session: Session, *, source: Source, model: str | None = None) -> LanguageTable:
    """Every language of the catalogue, those without any number included."""
    here = look(session, source=source, model=model)
    rows = _rows(here)
    return LanguageTable(
        source=source.value,
        benchmark=BENCHMARKS[source],
        synthetic=source is Source.MINI,
        model=here.model,
        models=list(here.models),
        languages=[rows[code] for code in LANGUAGES],
    )


def _rows(here: Standing) -> dict[str, LanguageRow]:
    counted = here.counted
    shared = shared_recipes(counted)
    by_language: defaultdict[str, list[Gain]] = defaultdict(list)
    for g in counted:
        by_language[g.language].append(g)
    runs = _runs(here.units.values())
    return {code: _row(here, code, by_language[code], shared, len(runs[code])) for code in LANGUAGES}


def _runs(every: Iterable[Unit]) -> defaultdict[str, set[int]]:
    """Language → the evaluate runs that have a score in it."""
    found: defaultdict[str, set[int]] = defaultdict(set)
    for unit in every:
        for g in unit.every:
            found[g.language].update(g.runs, g.baseline_runs)
        for m in unit.rest:
            found[m.language].add(m.run)
    return found


def _row(
    here: Standing, code: str, gains: Sequence[Gain], shared: Mapping[str, frozenset[str]], runs: int
) -> LanguageRow:
    targets = here.targets(code)
    mean = mean_of_language(gains, shared)
    missing = _missing(here, targets, bool(gains)) if mean.value is None else None
    best = max(gains, key=lambda g: (g.mean, g.target, g.recipe), default=None)
    return LanguageRow(
        code=code,
        targets=targets,
        gain=mean.value,
        low=mean.low,
        high=mean.high,
        k=len(mean.targets),
        n=len(targets),
        cells=mean.cells,
        seeds=mean.seeds,
        missing=missing[0] if missing else None,
        why_missing=missing[1] if missing else None,
        best=None
        if best is None
        else BestRecipe(
            recipe=best.recipe,
            target=best.target,
            gain=best.mean,
            low=best.low,
            high=best.high,
            n=best.n,
            verdict=best.verdict,
            of=len(gains),
        ),
        runs=runs,
    )


def _missing(here: Standing, targets: Sequence[str], some: bool) -> tuple[Missing, str]:
    """Why a language has no mean."""
    if not targets:
        return Missing.NOT_APPLICABLE, f"no target of {BENCHMARKS[here.source]} has it"
    if some:
        return Missing.NOT_RUN, "no recipe has every language of its target"
    states: Counter[str] = Counter()
    for (target, recipe), counts in here.states.items():
        if target in targets and recipe != NONE:
            states += counts
    if any(states[s] for s in LIVE_STATES):
        return Missing.NOT_RUN, "runs are on the way"
    if states[RunState.DONE.value]:
        return Missing.NOT_RUN, "runs are done and none of them gives a gain that counts here"
    if any(states[s] for s in BAD_STATES):
        return Missing.FAILED, "the runs failed"
    return Missing.NOT_RUN, "no recipe was run on a target that has it"


# --- one language ----------------------------------------------------------------------------------------------------


def detail(session: Session, code: str, *, source: Source, model: str | None = None) -> LanguageDetail:
    """Everything about one language of the catalogue."""
    here = look(session, source=source, model=model)
    rows = _rows(here)
    found = LANGUAGES[code]
    in_benchmark = [c for c in LANGUAGES if here.targets(c)]
    return LanguageDetail(
        source=source.value,
        benchmark=BENCHMARKS[source],
        synthetic=source is Source.MINI,
        language=LanguageView(
            code=code,
            name=found.name,
            endonym=found.endonym,
            family=found.family,
            branch=found.branch,
            script=found.script,
            direction=found.direction,
            resource=found.resource,
        ),
        model=here.model,
        models=list(here.models),
        row=rows[code],
        cells=_cells(session, here, code),
        near=[NearLanguage(row=rows[n.code], shares=list(n.shares)) for n in nearest(code, in_benchmark)],
    )


def _cells(session: Session, here: Standing, code: str) -> list[LanguageCell]:
    if here.model is None:
        return []
    seen = Observed(session, source=here.source, model=here.model, target=None)
    found = []
    for target in here.targets(code):
        unit = here.units.get(target)
        reasons = Reasons(
            seen.standing(here.model, target),
            seen.causes,
            unit.rest if unit else (),
            not_applicable=seen.not_applicable(here.model, target),
            asked=(*TASKS[target].languages_in(here.source), *(unit.languages if unit else ())),
            left_out=seen.left_out,
        )
        gains = {(g.recipe, g.language): g for g in unit.gains} if unit else {}
        for recipe in sorted(here.recipes | reasons.recipes, key=place):
            gain = gains.get((recipe, code))
            if gain is not None:
                found.append(_cell(gain, gains.get((recipe, ENGLISH)), here))
            else:
                found.append(_empty(reasons.empty(recipe, code), target))
    return found


def _cell(gain: Gain, english: Gain | None, here: Standing) -> LanguageCell:
    from backend.statistics.transfer import zero_shot_gap  # loads numpy, which not every process needs

    comparable = english is not None and gain.language != ENGLISH and english.settings == gain.settings
    gap = zero_shot_gap(english, gain) if comparable and english is not None else None
    return LanguageCell(
        recipe=gain.recipe,
        target=gain.target,
        metric=gain.metric,
        missing=None,
        why_missing=None,
        gain=gain.mean,
        low=gain.low,
        high=gain.high,
        q=gain.q,
        verdict=gain.verdict,
        n=gain.n,
        baseline=gain.baseline,
        treated=gain.treated,
        same_data_twice=gain.same_data_twice,
        not_zero_shot=trained.saw(gain, here.learnt),
        control=is_control(gain.recipe),
        gap_without=gap.without if gap else None,
        gap_with=gap.treated if gap else None,
        gap_change=gap.change.mean if gap else None,
        gap_low=gap.change.low if gap else None,
        gap_high=gap.change.high if gap else None,
    )


def _empty(cell: GainCell, target: str) -> LanguageCell:
    return LanguageCell(
        recipe=cell.recipe,
        target=target,
        metric=HEADLINE[target],
        missing=cell.missing,
        why_missing=cell.why_missing,
        gain=None,
        low=None,
        high=None,
        q=None,
        verdict=None,
        n=0,
        baseline=cell.baseline,
        treated=cell.treated,
        same_data_twice=same_data_twice(cell.recipe, target),
        not_zero_shot=False,
        control=is_control(cell.recipe),
        gap_without=None,
        gap_with=None,
        gap_change=None,
        gap_low=None,
        gap_high=None,
    )
