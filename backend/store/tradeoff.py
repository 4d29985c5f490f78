"""Gains against model size and cost: what the trade-off shows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select
from sqlmodel import Session

from backend.domain.experiment import same_data_twice
from backend.domain.gains import Gain, Mean, common_support, mean_all, mean_transfer
from backend.domain.language import ENGLISH, GROUPS, LANGUAGES, order_by_family
from backend.domain.model import MODELS
from backend.domain.run import RunState
from backend.domain.schemas import TradeoffPoint
from backend.domain.task import Source
from backend.domain.tasks import TARGETS, TASKS
from backend.store import trained
from backend.store.costs import Costs
from backend.store.kept import Memory
from backend.store.measured import Unit, evaluations, units
from backend.store.observed import done
from backend.store.resources import Resources, Used
from backend.store.tables import run
from backend.store.uncollected import uncollected

MOST_POINTS = 20_000  # of tables that a process keeps, some 50 MB


def tradeoff(
    session: Session,
    *,
    target: str | None = None,
    metric: str | None = None,
    source: Source,
    languages: str,
    each: bool = False,
) -> list[TradeoffPoint]:
    """Gains against parameters and what they cost: one point a model, recipe and target.

    Args:
        target: None for all of them.
        metric: None for each target's headline metric.
        languages: ``mean_all``, ``mean_transfer``, one code, or a group (``family:Turkic``, ``resource:low``), which is
            a mean_transfer over the languages in it. Means of one target are over the languages that all its models and
            recipes have.
        each: one point a language of these in the place of their mean.
    """
    found = points(session, target=target, metric=metric, source=source, languages=languages, each=each)
    return [point for point, _ in found]


def points(
    session: Session,
    *,
    target: str | None = None,
    metric: str | None = None,
    source: Source,
    languages: str,
    each: bool = False,
) -> list[tuple[TradeoffPoint, set[int]]]:
    """The points of ``tradeoff``, each with the evaluate runs that it rests on, baselines included."""
    found = measured(session, source=source, target=target, metric=metric)
    learnt = trained.by_settings(session, source)
    name = (session.get_bind().engine.url, source, target, metric, languages, each)
    rests_on = (found, learnt, done(session), len(MODELS))
    made = _kept.get(name, rests_on)
    if made is None:
        with uncollected():
            made = _points(session, found, learnt, target=target, source=source, languages=languages, each=each)
        _kept.put(name, rests_on, made)
    return list(made)


_kept: Memory[list[tuple[TradeoffPoint, set[int]]]] = Memory(MOST_POINTS, len)


def _points(
    session: Session,
    found: Sequence[Unit],
    learnt: trained.Trained,
    *,
    target: str | None,
    source: Source,
    languages: str,
    each: bool,
) -> list[tuple[TradeoffPoint, set[int]]]:
    here = evaluations(source=source, target=target)
    costs = Costs(session, here)
    resources = Resources(session, costs)
    known = sizes(session, here)
    made = []
    for one in in_series(found, source=source, languages=languages):
        size = known.get(one.model)
        runs = {id for g in one.cells for id in g.runs}
        cost = costs.of(runs)
        if size is None or cost is None:
            continue
        kwh, flops, counted = (resources.of(runs, quantity) for quantity in ("kwh", "flops", "flops_counted"))
        whole = TradeoffPoint(
            model=one.model,
            parameters=size[0],
            parameters_non_embedding=size[1],
            recipe=one.recipe,
            target=one.target,
            metric=one.metric,
            language=languages,
            gain=0.0,
            low=None,
            high=None,
            n=0,
            device_class=cost.device_class,
            device=cost.device,
            device_hours_marginal=cost.marginal_hours,
            device_hours_amortised=cost.amortised_hours,
            same_data_twice=same_data_twice(one.recipe, one.target),
            not_zero_shot=one.not_zero_shot(learnt),
            energy_kwh_marginal=_marginal(kwh),
            energy_kwh_amortised=_amortised(kwh),
            flops_marginal=_marginal(flops),
            flops_amortised=_amortised(flops),
            flops_counted_marginal=_marginal(counted),
            flops_counted_amortised=_amortised(counted),
        )
        rests_on = {id for g in one.cells for id in (*g.runs, *g.baseline_runs)}
        for language in one.languages(languages) if each else [languages]:
            mean = averaged(one, language)
            if mean is not None:
                gain, low, high, n, (k, asked) = mean
                changes = {"language": language, "gain": gain, "low": low, "high": high, "n": n, "k": k, "asked": asked}
                made.append((whole.model_copy(update=changes), rests_on))
    return made


def _marginal(used: Used | None) -> float | None:
    return used.marginal if used is not None else None


def _amortised(used: Used | None) -> float | None:
    return used.amortised if used is not None else None


@dataclass(frozen=True, slots=True)
class Series:
    """The gains of one model, recipe, target and metric, by language. ``support``: the languages that every model and
    recipe of the target has; ``asked``: those that there could be."""

    model: str
    recipe: str
    target: str
    metric: str
    cells: Sequence[Gain]
    asked: Sequence[str]
    support: Collection[str]

    def not_zero_shot(self, learnt: trained.Trained) -> list[str]:
        """Those of its languages that its runs were trained in."""
        return sorted(g.language for g in self.cells if trained.saw(g, learnt))

    def languages(self, choice: str) -> list[str]:
        """Those that it has a gain in: English among them only where the choice takes it in."""
        every = order_by_family({g.language for g in self.cells})
        return every if choice != "mean_transfer" and choice not in GROUPS else [c for c in every if c != ENGLISH]

    def mean_transfer(self) -> Mean:
        return mean_transfer(self.cells, self.asked, support=self.support)


def offered(target: str, source: Source) -> tuple[str, ...]:
    """The languages that a target has."""
    return TASKS[target].languages_in(source) if target in TASKS else ()


def series(
    session: Session,
    *,
    source: Source,
    model: str | None = None,
    target: str | None = None,
    metric: str | None = None,
    languages: str = "",
) -> list[Series]:
    """Every series of a benchmark, by target, metric, model and recipe.

    Args:
        metric: None for each target's headline metric; diagnostics are left out there unless asked for by name.
        languages: one code or a group, where no other language is looked at.
    """
    found = measured(session, source=source, model=model, target=target, metric=metric)
    return in_series(found, source=source, languages=languages)


def measured(
    session: Session, *, source: Source, model: str | None = None, target: str | None = None, metric: str | None = None
) -> list[Unit]:
    """The units of this metric; None: of each target's headline metric, without diagnostics unless asked for by name."""
    if metric is not None:
        return units(session, [metric], source=source, model=model, target=target)
    headline = {t: TASKS[t].headline for t in TARGETS if t == target or not TASKS[t].diagnostic}
    only = frozenset(headline.items())
    return units(session, set(headline.values()), source=source, model=model, target=target, only=only)


def in_series(found: Sequence[Unit], *, source: Source, languages: str) -> list[Series]:
    """The series of these units, as ``series`` orders them."""
    few = GROUPS.get(languages, (languages,) if languages in LANGUAGES else None)
    groups: defaultdict[tuple[str, str], list[Gain]] = defaultdict(list)
    for unit in found:
        groups[unit.target, unit.metric] += unit.gains if few is None else [g for g in unit.gains if g.language in few]
    made = []
    for (of_target, measure), cells in sorted(groups.items()):
        asked = order_by_family({*offered(of_target, source), *(g.language for g in cells)})
        if few is not None:
            asked = [code for code in asked if code in few]
        support = common_support(cells, asked)
        by_series: defaultdict[tuple[str, str], list[Gain]] = defaultdict(list)
        for g in cells:
            by_series[g.model, g.recipe].append(g)
        for (of_model, recipe), own in sorted(by_series.items()):
            made.append(Series(of_model, recipe, of_target, measure, own, asked, support))
    return made


_Support = tuple[int | None, int | None]


def averaged(each: Series, languages: str) -> tuple[float, float | None, float | None, int, _Support] | None:
    """Gain, interval, number of seeds and "k of n languages" of one series; None where it has none."""
    if languages in LANGUAGES:
        found = next((g for g in each.cells if g.language == languages), None)
        return (found.mean, found.low, found.high, found.n, (None, None)) if found else None
    mean = each.mean_transfer() if languages != "mean_all" else mean_all(each.cells, each.asked, support=each.support)
    if mean.value is None:
        return None
    seeds = min(g.n for g in each.cells if g.language in mean.languages)
    return mean.value, mean.low, mean.high, seeds, (mean.k, mean.n)


def sizes(session: Session, here: Iterable[ColumnElement[bool]]) -> dict[str, tuple[int, int]]:
    """Model → parameters, total and non-embedding: as counted from a checkpoint, else as its architecture says."""
    found = {name: (m.parameters, m.parameters_non_embedding) for name, m in MODELS.items()}
    counted = (
        select(run.c.model, func.max(run.c.parameters), func.max(run.c.parameters_non_embedding))
        .where(*here, run.c.state == RunState.DONE.value, run.c.parameters.is_not(None))
        .where(run.c.parameters_non_embedding.is_not(None))
        .group_by(run.c.model)
    )
    found.update({model: (total, rest) for model, total, rest in session.execute(counted)})
    return found
