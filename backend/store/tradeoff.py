"""Gains against model size and cost: what the trade-off shows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select
from sqlmodel import Session

from backend.domain.experiment import same_data_twice
from backend.domain.gains import Gain, Mean, common_support, mean_all, mean_transfer
from backend.domain.language import GROUPS, LANGUAGES, order_by_family
from backend.domain.model import MODELS
from backend.domain.run import RunState
from backend.domain.schemas import TradeoffPoint
from backend.domain.task import Source
from backend.domain.tasks import TARGETS, TASKS
from backend.store import trained
from backend.store.costs import Costs
from backend.store.measured import evaluations, units
from backend.store.tables import run


def tradeoff(
    session: Session, *, target: str | None = None, metric: str | None = None, source: Source, languages: str
) -> list[TradeoffPoint]:
    """Gains against parameters and device-hours: one point a model, recipe and target.

    Args:
        target: None for all of them.
        metric: None for each target's headline metric.
        languages: ``mean_all``, ``mean_transfer``, one code, or a group (``family:Turkic``, ``resource:low``), which is
            a mean_transfer over the languages in it. Means of one target are over the languages that all its models and
            recipes have.
    """
    found = points(session, target=target, metric=metric, source=source, languages=languages)
    return [point for point, _ in found]


def points(
    session: Session, *, target: str | None = None, metric: str | None = None, source: Source, languages: str
) -> list[tuple[TradeoffPoint, set[int]]]:
    """The points of ``tradeoff``, each with the evaluate runs that it rests on, baselines included."""
    here = evaluations(source=source, target=target)
    costs = Costs(session, here)
    known = sizes(session, here)
    learnt = trained.by_settings(session, source)
    made = []
    for each in series(session, source=source, target=target, metric=metric, languages=languages):
        averaged = _averaged(each, languages)
        size = known.get(each.model)
        cost = costs.of({id for g in each.cells for id in g.runs})
        if averaged is None or size is None or cost is None:
            continue
        gain, low, high, n, support = averaged
        point = TradeoffPoint(
            model=each.model,
            parameters=size[0],
            parameters_non_embedding=size[1],
            recipe=each.recipe,
            target=each.target,
            metric=each.metric,
            language=languages,
            gain=gain,
            low=low,
            high=high,
            n=n,
            device_class=cost.device_class,
            device=cost.device,
            device_hours_marginal=cost.marginal_hours,
            device_hours_amortised=cost.amortised_hours,
            same_data_twice=same_data_twice(each.recipe, each.target),
            not_zero_shot=each.not_zero_shot(learnt),
            k=support[0],
            asked=support[1],
        )
        made.append((point, {id for g in each.cells for id in (*g.runs, *g.baseline_runs)}))
    return made


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
    headline = {t: TASKS[t].headline for t in TARGETS if t == target or not TASKS[t].diagnostic}
    few = GROUPS.get(languages, (languages,) if languages in LANGUAGES else None)
    groups: defaultdict[tuple[str, str], list[Gain]] = defaultdict(list)
    for unit in units(
        session, [metric] if metric else set(headline.values()), source=source, model=model, target=target
    ):
        if metric is not None or headline.get(unit.target) == unit.metric:
            groups[unit.target, unit.metric] += [g for g in unit.gains if few is None or g.language in few]
    found = []
    for (of_target, measure), cells in sorted(groups.items()):
        asked = order_by_family({*offered(of_target, source), *(g.language for g in cells)})
        if few is not None:
            asked = [code for code in asked if code in few]
        support = common_support(cells, asked)
        by_series: defaultdict[tuple[str, str], list[Gain]] = defaultdict(list)
        for g in cells:
            by_series[g.model, g.recipe].append(g)
        for (of_model, recipe), own in sorted(by_series.items()):
            found.append(Series(of_model, recipe, of_target, measure, own, asked, support))
    return found


_Support = tuple[int | None, int | None]


def _averaged(each: Series, languages: str) -> tuple[float, float | None, float | None, int, _Support] | None:
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
