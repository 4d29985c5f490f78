"""New seeds and new test examples at once: how much of a gain's noise comes from which, and an interval for both.

A gain over S seeds on N test units has two sources of noise: other seeds would have trained other models, another test set
would have asked other things. Both are crossed, as every seed is tested on the same units::

    d(s, u) = gain + a(s) + b(u) + e(s, u)

the two-way layout without replication, both random. With the mean squares of seeds, units and rest (Searle, Casella and
McCulloch 1992, *Variance Components*, ch. 4)::

    M = MS(seeds),  X = max(MS(units) − MS(rest), 0),  variance of the mean = (M + X) / (S · N)

That is the analysis of readers who all read the same cases: Dorfman, Berbaum and Metz 1992 (Invest. Radiol. 27:723–731), whose
jackknife pseudo-values make it apply to scores that are no means. The paired t over seeds alone takes the test set as given; the
bootstrap over examples alone takes the seeds as given.

**How wide.** M has S − 1 degrees of freedom only, and how wide an interval follows is not agreed on::

    Hillis 2007 (Statist. Med. 26:596–619), after Satterthwaite:  t(f) · √(M + X),  f = (M + X)² / (M² / (S − 1))
    Cochran and Cox 1957 (Experimental Designs, § 4.14):          √(t(S − 1)² · M + t(N − 1)² · X)

Simulated over every share of the two sources, the first comes to 92 % at three seeds where seeds matter most, the second to
97.7 % where examples do. Half-way between the two widths, which is what is given here, coverage is 94 to 97 % everywhere, from
three seeds on (``tests/statistics/test_coverage.py``). Below three seeds none is given.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from backend.domain.gains import MIN_SEEDS
from backend.statistics.bootstrap import caution, too_few
from backend.statistics.interval import LEVEL, Array, Interval, Method
from backend.statistics.table import Table

BySeed = Callable[[Array], Array]  # sums [..., seeds, languages, 2, k] → [..., seeds]


@dataclass(frozen=True, slots=True)
class Components:
    """Standard deviations in the unit of the statistic. ``seed``: between seeds, of a statistic on endless examples. ``example``: of
    one unit's part. ``rest``: what neither explains. ``share``: of the mean's variance, what comes from seeds, 0 to 1; the rest of
    it would be less with a larger test set."""

    seed: float
    example: float
    rest: float
    share: float


def pseudo_values(table: Table, by_seed: BySeed) -> Array:
    """Jackknife pseudo-values, n · θ − (n − 1) · θ without unit i: [seeds, units]. Of a mean they are the values themselves."""
    n = table.sums.shape[1]
    whole, without = by_seed(table.totals), by_seed(table.without_each())
    return np.asarray((n * whole - (n - 1) * without).T)


def both(table: Table, by_seed: BySeed) -> tuple[Interval, Components | None]:
    """The 95 % interval of the mean over seeds of a statistic, for new seeds and new test examples; and where its noise is from.

    Args:
        by_seed: of sums, not of means.
    """
    seeds, n = table.sums.shape[:2]
    whole = by_seed(table.totals)

    def refuse(why: str) -> tuple[Interval, None]:
        return Interval(None, None, Method.BOTH, n, table.differing, seeds, why), None

    if seeds < MIN_SEEDS:
        return refuse(f"{seeds} seed{'' if seeds == 1 else 's'}: it takes {MIN_SEEDS} to see how much seeds differ")
    if (why := too_few(n, table.differing)) is not None:
        return refuse(why)
    values = pseudo_values(table, by_seed)
    if not np.isfinite(values).all():
        return refuse("without one of the examples there would be no score")
    of_seeds, of_units, of_rest = mean_squares(values)
    noise = of_seeds + max(of_units - of_rest, 0.0)
    if noise <= 0:
        return refuse("all seeds and examples differ by the same")
    half = half_width(of_seeds, noise - of_seeds, seeds, n)
    mean = float(whole.mean())
    found = Components(
        seed=math.sqrt(max(of_seeds - of_rest, 0.0) / n),
        example=math.sqrt(max(of_units - of_rest, 0.0) / seeds),
        rest=math.sqrt(of_rest),
        share=of_seeds / noise,
    )
    return Interval(mean - half, mean + half, Method.BOTH, n, table.differing, seeds, caution=caution(n)), found


def half_width(of_seeds: float, of_units: float, seeds: int, units: int) -> float:
    """Half of the interval, from M and X of the module: the mean of the two widths."""
    noise = of_seeds + of_units
    freedom = noise**2 / (of_seeds**2 / (seeds - 1)) if of_seeds > 0 else math.inf
    hillis = _quantile(freedom) * math.sqrt(noise)
    cochran = math.sqrt(_quantile(seeds - 1) ** 2 * of_seeds + _quantile(units - 1) ** 2 * of_units)
    return (hillis + cochran) / 2 / math.sqrt(seeds * units)


def mean_squares(values: Array) -> tuple[float, float, float]:
    """Of rows, columns and rest, of a table with one value a cell: two of each at least."""
    rows, columns = values.shape
    mean = values.mean()
    of_rows, of_columns = values.mean(axis=1), values.mean(axis=0)
    rest = values - of_rows[:, None] - of_columns[None, :] + mean
    return (
        float(columns * np.sum((of_rows - mean) ** 2) / (rows - 1)),
        float(rows * np.sum((of_columns - mean) ** 2) / (columns - 1)),
        float(np.sum(rest**2) / ((rows - 1) * (columns - 1))),
    )


def _quantile(freedom: float) -> float:
    return float(stdtrit(min(freedom, 1e9), (1 + LEVEL) / 2))
