"""Both sources of variance: by hand, and against the ordinary analysis."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats  # type: ignore[import-untyped]

from backend.statistics import contrast
from backend.statistics.table import Table
from backend.statistics.variance import both, half_width, mean_squares, pseudo_values

TableOf = Callable[..., Table]


def test_mean_squares_by_hand():
    """Rows differ by 2 from the mean, columns by 1, and one cell pair by 1 more."""
    values = np.array([[1.0, 5.0], [7.0, 7.0]])  # mean 5; rows 3, 7; columns 4, 6
    assert mean_squares(values) == pytest.approx((2 * (4 + 4), 2 * (1 + 1), 4 * 1.0))


def test_mean_squares_are_those_of_statsmodels():
    import pandas as pd
    from statsmodels.formula.api import ols
    from statsmodels.stats.anova import anova_lm

    values = np.random.default_rng(0).normal(0, 1, (3, 6)) + np.arange(6)
    cells = [{"seed": f"s{i}", "unit": f"u{j}", "d": values[i, j]} for i in range(3) for j in range(6)]
    found = anova_lm(ols("d ~ seed + unit", pd.DataFrame(cells)).fit())["mean_sq"]
    assert mean_squares(values) == pytest.approx((found["seed"], found["unit"], found["Residual"]))


def test_pseudo_values_of_a_mean_are_its_values(table_of: TableOf):
    random = np.random.default_rng(1)
    treated, without = random.random((3, 60)), random.random((3, 60))
    made = table_of(treated, without)
    assert pseudo_values(made, contrast.gain(made)) == pytest.approx(treated - without)


def test_without_examples_that_matter_it_is_the_paired_t(table_of: TableOf):
    """Seeds that differ by a constant: the test set has no part in it, and t over seeds is all there is."""
    without = np.tile(100.0 * (np.arange(1000) % 2), (3, 1))
    treated = without + np.array([[1.0], [2.0], [6.0]])
    made = table_of(treated, without)
    found, parts = both(made, contrast.gain(made))
    low, high = stats.t.interval(0.95, 2, 3.0, stats.sem([1, 2, 6]))
    assert (found.low, found.high) == pytest.approx((low, high))
    assert (
        parts is not None and parts.share == pytest.approx(1) and parts.seed == pytest.approx(np.std([1, 2, 6], ddof=1))
    )


def test_with_equal_seeds_it_is_the_t_over_examples(table_of: TableOf):
    one = 100.0 * (np.random.default_rng(2).random((2, 80)) < 0.5)
    made = table_of(np.tile(one[0], (3, 1)), np.tile(one[1], (3, 1)))
    found, parts = both(made, contrast.gain(made))
    away = one[0] - one[1]
    half = (stats.t.ppf(0.975, 79) + stats.norm.ppf(0.975)) / 2 * stats.sem(away)
    assert found.high is not None and (found.high - away.mean()) == pytest.approx(half, rel=1e-6)
    assert parts is not None and parts.share == pytest.approx(0, abs=1e-12)


def test_the_width_is_half_way_between_the_two():
    m, x, seeds, n = 9.0, 16.0, 3, 100
    hillis = stats.t.ppf(0.975, 25**2 / (81 / 2)) * 5
    cochran = math.sqrt(stats.t.ppf(0.975, 2) ** 2 * 9 + stats.t.ppf(0.975, 99) ** 2 * 16)
    assert half_width(m, x, seeds, n) == pytest.approx((hillis + cochran) / 2 / math.sqrt(300))


@pytest.mark.parametrize(
    ("seeds", "n", "share", "why"),
    [(2, 200, 0.5, "2 seeds: it takes 3"), (3, 40, 0.5, "40 independent"), (3, 200, 0.0, "differ on 0")],
)
def test_too_little_to_say(seeds: int, n: int, share: float, why: str, table_of: TableOf):
    random = np.random.default_rng(3)
    without: Any = 100.0 * (random.random((seeds, n)) < 0.5)
    treated = np.where(random.random((seeds, n)) < share, 100 - without, without)
    found, parts = both(made := table_of(treated, without), contrast.gain(made))
    assert found.low is None and parts is None and why in str(found.refused)
