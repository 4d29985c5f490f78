"""Intervals over test examples, with the trained models as they are: what another test set of this kind would have given.

**Paired**: a unit that is drawn is drawn for both sides, all seeds and all languages at once. **Clustered**: units are drawn,
not examples (see ``table``). **Percentile**: the 2.5th and 97.5th percentile of the resampled statistic (Efron 1979).
**BCa**: the percentiles corrected for bias and skewness (Efron 1987, "Better Bootstrap Confidence Intervals", JASA 82:171–185;
Efron and Tibshirani 1993, ch. 14)::

    z₀ = Φ⁻¹(share of resampled values below the observed one, ties half)
    a  = Σ (m − θ₍ᵢ₎)³ / [6 · (Σ (m − θ₍ᵢ₎)²)^(3/2)],   θ₍ᵢ₎ without unit i, m their mean
    α  = Φ(z₀ + (z₀ + z) / (1 − a · (z₀ + z)))   for z = ±1.96

as ``scipy.stats.bootstrap`` has it; with the same drawing of samples the two agree to the last digits.

**Where it holds.** Simulated (``tests/statistics``): with few units, or few on which the two sides differ, both intervals are
too narrow: a bootstrap cannot draw what it has not seen (89 % at 20 units with 3 differing). So none is given below ``MIN_UNITS``
units or ``MIN_DIFFERING`` differing ones; from there on coverage is 94 to 97 % for scores that are right or wrong. Differences as
lopsided as an exponential distribution's come to 92 % at 50 units and to 93 % at 100: below ``MANY_UNITS`` that is said.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from scipy.special import ndtr, ndtri

from backend.domain.gains import RESOLUTION
from backend.statistics.interval import LEVEL, Array, Interval, Method
from backend.statistics.table import Table

RESAMPLES = 2000
MIN_UNITS = 50
MIN_DIFFERING = 10
MANY_UNITS = 100
DRAWN = 2_000_000  # unit numbers at a time, some 16 MB

Statistic = Callable[[Array], Array]  # sums [..., seeds, languages, 2, k] → [...]


def resampled(table: Table, statistic: Statistic, random: np.random.Generator, resamples: int = RESAMPLES) -> Array:
    """The statistic of samples of as many units, drawn with replacement: [resamples]."""
    n = table.sums.shape[1]
    flat = np.moveaxis(table.sums, 1, 0).reshape(n, -1)
    shape = (table.seeds, *table.sums.shape[2:])
    step = max(1, DRAWN // n)
    found = []
    for start in range(0, resamples, step):
        rows = min(step, resamples - start)
        drawn = random.integers(0, n, size=(rows, n))
        times = np.bincount((drawn + n * np.arange(rows)[:, None]).ravel(), minlength=rows * n).reshape(rows, n)
        found.append(statistic((times @ flat).reshape(rows, *shape)))
    return np.concatenate(found)


def over_examples(
    table: Table,
    statistic: Statistic,
    *,
    method: Method = Method.BCA,
    resamples: int = RESAMPLES,
    random: np.random.Generator | None = None,
) -> Interval:
    """The 95 % interval of a statistic over new test examples.

    Args:
        statistic: of sums, not of means: it must be right for any number of examples.
        method: ``PERCENTILE`` or ``BCA``.
        random: to draw with; None: seeded by the content of the table.
    """
    n, differing = table.sums.shape[1], table.differing
    make = partial(Interval, method=method, units=n, differing=differing, seeds=table.seeds, caution=caution(n))
    if (refused := too_few(n, differing)) is not None:
        return make(None, None, refused=refused)
    random = random or table.random("bootstrap")
    drawn = resampled(table, statistic, random, resamples)
    tails = np.array([(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    if method is Method.BCA:
        tails = _corrected(tails, drawn, float(statistic(table.totals)), statistic(table.without_each()))
    if not np.isfinite(drawn).all() or not np.isfinite(tails).all():
        return make(None, None, refused="the resampled values do not vary enough for an interval")
    low, high = np.percentile(drawn, 100 * tails)
    return make(float(low), float(high))


def too_few(units: int, differing: int) -> str | None:
    """Why there is no interval over examples; None where there is one."""
    if units < MIN_UNITS:
        return f"{units} independent test examples are too few for an interval: it takes {MIN_UNITS}"
    if differing < MIN_DIFFERING:
        return f"the two sides differ on {differing} independent test examples, too few for an interval: it takes {MIN_DIFFERING}"
    return None


def caution(units: int) -> str | None:
    """What to say of an interval over so many units."""
    if units >= MANY_UNITS:
        return None
    return f"with under {MANY_UNITS} independent examples it can be a little too narrow where differences are lopsided"


def _corrected(tails: Array, drawn: Array, observed: float, without_each: Array) -> Array:
    """The percentiles, as shares, that BCa reads instead."""
    below = (
        np.mean(drawn < observed - RESOLUTION) + np.mean(drawn <= observed + RESOLUTION)
    ) / 2  # equal but for rounding
    bias = ndtri(below)
    away = without_each.mean() - without_each
    spread = np.sum(away**2) ** 1.5
    skew = np.sum(away**3) / (6 * spread) if spread > 0 else np.nan
    z = bias + ndtri(tails)
    return np.asarray(ndtr(bias + z / (1 - skew * z)))
