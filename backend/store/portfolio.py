"""What could be run for so much, from what was measured: the cells of the trade-off with their trainings, and the choice among them.

An intermediate stage is shared by all targets of its model and recipe, a fine-tune by the targets of its model and recipe that
train on one set. Stages that two chains begin with alike are counted for each of them, which is never too little. What a training
costs is the mean over the runs that did it.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session

from backend.domain.gains import Gain
from backend.domain.language import LANGUAGES
from backend.domain.portfolio import Portfolio, PortfolioCell, PortfolioStage, Unit
from backend.domain.run import DeviceClass
from backend.domain.task import Source
from backend.domain.tasks import TASKS
from backend.store import trained
from backend.store.costs import Costs
from backend.store.measured import evaluations
from backend.store.recipes import is_control
from backend.store.resources import Resources, Used
from backend.store.tradeoff import Series, averaged, series

RULE = (
    "Chosen is what has the largest sum of mean gains within the budget, of each model and target at most one recipe. An intermediate "
    "stage is paid once for all targets of its model and recipe, a fine-tune once for targets that train on one set; baselines are taken "
    "to be there. It is a mixed-integer program, solved by branch and bound (HiGHS). A gain was measured and has an interval: what is "
    "bought is an expectation."
)


@dataclass(frozen=True, slots=True)
class Cell:
    """One model, recipe and target with what one seed of it takes."""

    series: Series
    gain: float
    low: float | None
    high: float | None
    n: int
    used: Used

    @property
    def stages(self) -> list[str]:
        found = []
        if self.used.intermediate > 0:
            found.append(f"intermediate {self.series.recipe}, {self.series.model}")
        if self.used.finetune > 0:
            found.append(
                f"fine-tune on {trained_on(self.series.target)} after {self.series.recipe}, {self.series.model}"
            )
        return found


def trained_on(target: str) -> str:
    """The training set of a target: XQuAD and MLQA have one."""
    return (TASKS[target].trained_on or target) if target in TASKS else target


def portfolio(
    session: Session,
    *,
    source: Source,
    target: str | None,
    metric: str | None,
    languages: str,
    unit: Unit,
    device: DeviceClass | None,
    budget: float,
    seeds: int,
) -> Portfolio:
    """The cells that gain most for a budget.

    Args:
        device: whose hours or energy; None: the class that most cells were run on. FLOPs are those of any device.
        seeds: how many each cell is run with: it takes so many times what one takes.
    """
    from backend.statistics.portfolio import Item, best_of_groups, bill, choose  # loads scipy, which takes a second

    cells, chosen_class, out = cells_of(
        session, source=source, target=target, metric=metric, languages=languages, unit=unit, device=device
    )
    costs = _costs(cells, seeds)
    items = [
        Item(c.gain, seeds * c.used.evaluate, frozenset(c.stages), (c.series.model, c.series.target)) for c in cells
    ]
    found = choose(items, costs, budget)
    taken = [cells[i] for i in found.chosen]
    users = Counter(name for c in taken for name in c.stages)
    return Portfolio(
        unit=unit,
        device_class=chosen_class,
        budget=budget,
        seeds=seeds,
        spent=found.spent,
        gain=found.value,
        bound=found.bound,
        optimal=found.optimal,
        cells=[
            PortfolioCell(
                model=c.series.model,
                recipe=c.series.recipe,
                target=c.series.target,
                metric=c.series.metric,
                gain=c.gain,
                low=c.low,
                high=c.high,
                n=c.n,
                own=seeds * c.used.evaluate,
                stages=c.stages,
            )
            for c in sorted(taken, key=lambda c: (-c.gain, c.series.target, c.series.recipe))
        ],
        stages=[
            PortfolioStage(
                name=name,
                kind="intermediate" if name.startswith("intermediate ") else "finetune",
                cost=costs[name],
                used_by=n,
            )
            for name, n in sorted(users.items(), key=lambda pair: (-costs[pair[0]], pair[0]))
        ],
        considered=len(cells),
        everything=bill(items, costs, best_of_groups(items)),
        not_considered=[f"{n} {'cell' if n == 1 else 'cells'} ({why})" for why, n in sorted(out.items())],
        rule=RULE,
    )


def cells_of(
    session: Session,
    *,
    source: Source,
    target: str | None,
    metric: str | None,
    languages: str,
    unit: Unit,
    device: DeviceClass | None,
) -> tuple[list[Cell], DeviceClass | None, Counter[str]]:
    """The cells that can be chosen, of one class of device where that matters; and how many cannot, by why."""
    costs = Costs(session, evaluations(source=source, target=target))
    resources = Resources(session, costs)
    learnt = trained.by_settings(session, source)
    out: Counter[str] = Counter()
    found: list[tuple[Cell, DeviceClass]] = []
    for one in series(session, source=source, target=target, metric=metric, languages=languages):
        mean = averaged(one, languages)
        runs = {id for g in one.cells for id in g.runs}
        cost, used = costs.of(runs), resources.of(runs, unit)
        why = _why_not(one, mean is None or cost is None, used, learnt, languages)
        if why is not None:
            out[why] += 1
        elif mean is not None and cost is not None and used is not None:
            if mean[0] > 0:
                found.append((Cell(one, *mean[:4], used), cost.device_class))
            else:
                out["no gain above zero"] += 1
    if unit in ("flops", "flops_counted"):
        return [cell for cell, _ in found], None, out
    classes = Counter(of for _, of in found)
    chosen = device or max(classes, key=lambda of: (classes[of], of.value), default=None)
    other = sum(n for of, n in classes.items() if of is not chosen)
    if other:
        out["run on another class of device"] += other
    return [cell for cell, of in found if of is chosen], chosen, out


def _why_not(one: Series, nothing: bool, used: Used | None, learnt: trained.Trained, languages: str) -> str | None:
    if nothing:
        return "no mean over these languages"
    if any(g.same_data_twice for g in one.cells):
        return "the same data twice"
    if is_control(one.recipe):
        return "compute-matched controls"
    if _trained(one.cells, learnt, languages):
        return "trained in these languages, not zero-shot"
    return "not measured of every run" if used is None else None


def _trained(cells: Sequence[Gain], learnt: trained.Trained, languages: str) -> bool:
    return any(trained.saw(g, learnt) for g in cells if languages not in LANGUAGES or g.language == languages)


def _costs(cells: Sequence[Cell], seeds: int) -> dict[str, float]:
    """What each training takes, the mean over the cells that need it."""
    found: defaultdict[str, list[float]] = defaultdict(list)
    for c in cells:
        for name in c.stages:
            found[name].append(c.used.intermediate if name.startswith("intermediate ") else c.used.finetune)
    return {name: seeds * math.fsum(values) / len(values) for name, values in found.items()}
