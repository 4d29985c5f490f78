"""Which cells to run for so much: a knapsack in which trainings are paid once and used by many.

A *cell* is one model, recipe and target, worth its mean gain. It costs its evaluation, and needs trainings: the intermediate stage
of its model and recipe, and a fine-tune, which targets with one training set share. Of the recipes of one model and target at
most one is chosen, since their gains do not add up. Maximised is the sum of gains::

    max Σ gain·x   subject to   Σ own·x + Σ cost·y ≤ budget,   x ≤ y of each training it needs,   Σ x ≤ 1 in each group

with x 0 or 1. A y need not be forced to 0 or 1: it costs, so it is as small as its x allow, which is 0 or 1. Solved by HiGHS branch
and bound (``scipy.optimize.milp``), which proves the optimum or, where its time is up, says how far off the best may be. What it
leaves, should it find nothing in time, is a greedy choice by gain for what a cell adds to the bill.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

SECONDS: Final = 3.0  # that the search may take
GAP: Final = 1e-4  # points, relative to the sum, that are not worth searching for


@dataclass(frozen=True, slots=True)
class Item:
    """Something that can be chosen. ``needs``: names of the trainings; of one ``group`` at most one item is chosen."""

    value: float
    own: float
    needs: frozenset[str]
    group: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    chosen: tuple[int, ...]  # places among the items, in order
    value: float
    spent: float
    bound: float  # no choice within the budget is worth more
    optimal: bool


def choose(items: Sequence[Item], costs: Mapping[str, float], budget: float, *, seconds: float = SECONDS) -> Choice:
    """The items that are worth most together within the budget. Items worth nothing are never chosen.

    Args:
        costs: of every training that an item needs.
    """
    places = [
        i
        for i, item in enumerate(items)
        if item.value > 0 and item.own + math.fsum(costs[name] for name in item.needs) <= budget
    ]
    if not places:
        return Choice((), 0.0, 0.0, 0.0, True)
    some = [items[i] for i in places]
    most = _best_of_groups(some)
    found = _search(some, costs, budget, seconds)
    taken, bound, optimal = found if found is not None else (_greedy(some, costs, budget), most, False)
    value, spent = _worth(some, costs, taken)
    return Choice(tuple(places[i] for i in taken), value, spent, max(value, min(bound, most)), optimal)


def bill(items: Sequence[Item], costs: Mapping[str, float], taken: Sequence[int]) -> float:
    """What these items cost together: each training once."""
    needs = {name for i in taken for name in items[i].needs}
    return math.fsum([*(items[i].own for i in taken), *(costs[name] for name in sorted(needs))])


def best_of_groups(items: Sequence[Item]) -> tuple[int, ...]:
    """Of each group the item that is worth most, if it is worth anything: what would be chosen with no budget."""
    best: dict[tuple[str, ...], int] = {}
    for i, item in enumerate(items):
        if item.value > 0 and (item.group not in best or item.value > items[best[item.group]].value):
            best[item.group] = i
    return tuple(sorted(best.values()))


def _best_of_groups(items: Sequence[Item]) -> float:
    return math.fsum(items[i].value for i in best_of_groups(items))


def _worth(items: Sequence[Item], costs: Mapping[str, float], taken: Sequence[int]) -> tuple[float, float]:
    return math.fsum(items[i].value for i in taken), bill(items, costs, taken)


def _search(
    items: Sequence[Item], costs: Mapping[str, float], budget: float, seconds: float
) -> tuple[tuple[int, ...], float, bool] | None:
    """None where no choice was found in time."""
    import numpy as np
    from scipy import sparse
    from scipy.optimize import Bounds, LinearConstraint, milp

    n = len(items)
    names = sorted({name for item in items for name in item.needs})
    place = {name: n + j for j, name in enumerate(names)}
    rows: list[int] = []
    columns: list[int] = []
    values: list[float] = []
    above: list[float] = []

    def add(terms: Sequence[tuple[int, float]], most: float) -> None:
        for column, value in terms:
            rows.append(len(above))
            columns.append(column)
            values.append(value)
        above.append(most)

    # costs as shares of the budget, so that seconds of a CPU and 1e18 FLOPs are the same to the solver
    add(
        [(i, item.own / budget) for i, item in enumerate(items)]
        + [(place[name], costs[name] / budget) for name in names],
        1.0,
    )
    groups: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for i, item in enumerate(items):
        groups[item.group].append(i)
        for name in item.needs:
            add([(i, 1.0), (place[name], -1.0)], 0.0)
    for several in groups.values():
        if len(several) > 1:
            add([(i, 1.0) for i in several], 1.0)
    found = milp(
        c=np.array([-item.value for item in items] + [0.0] * len(names)),
        constraints=LinearConstraint(
            sparse.csr_matrix((values, (rows, columns)), shape=(len(above), n + len(names))), -np.inf, np.array(above)
        ),
        integrality=np.array([1] * n + [0] * len(names)),
        bounds=Bounds(0.0, 1.0),
        options={"time_limit": seconds, "mip_rel_gap": GAP},
    )
    if found.x is None:
        return None
    taken = tuple(i for i in range(n) if found.x[i] > 0.5)
    if bill(items, costs, taken) > budget * (1 + 1e-6):
        return None
    return taken, -float(found.mip_dual_bound), found.status == 0


def _greedy(items: Sequence[Item], costs: Mapping[str, float], budget: float) -> tuple[int, ...]:
    """One by one that which gains most for what it adds to the bill, as long as it fits."""
    taken: list[int] = []
    paid: set[str] = set()
    groups: set[tuple[str, ...]] = set()
    spent = 0.0
    while True:
        best: tuple[float, int, float] | None = None
        for i, item in enumerate(items):
            more = item.own + math.fsum(costs[name] for name in item.needs - paid)
            if item.group in groups or spent + more > budget:
                continue
            rate = item.value / more if more > 0 else math.inf
            if best is None or rate > best[0]:
                best = (rate, i, more)
        if best is None:
            return tuple(sorted(taken))
        _, i, more = best
        taken.append(i)
        paid |= items[i].needs
        groups.add(items[i].group)
        spent += more
