"""The order of recipes over seeds: by hand, and Kendall's tau against scipy."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats  # type: ignore[import-untyped]

from backend.statistics.ranks import stability, tau_b


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=8))
def test_tau_is_scipys_with_its_ties(pairs: list[tuple[int, int]]):
    first, second = ([float(v) for v in side] for side in zip(*pairs, strict=True))
    expected = stats.kendalltau(first, second).statistic
    found = tau_b(first, second)
    assert (found is None) == math.isnan(expected)
    assert found is None or found == pytest.approx(expected)


def test_tau_by_hand():
    """Of three pairs two are in one order and one in the other: (2 − 1) / 3."""
    assert tau_b([1, 2, 3], [1, 3, 2]) == pytest.approx(1 / 3)
    assert tau_b([1, 1], [1, 2]) is None


def test_three_seeds_by_hand():
    """a is 3, 3, 0 and b is 2, 2, 2. Of the 27 draws of three seeds b wins where a's sum is below 6, that is with two or three
    draws of the third seed: 3 · 2 + 1 = 7. With exactly one of it (12 draws) the sums tie, and they share: b has (7 + 6) / 27."""
    found = stability({"a": {0: 3.0, 1: 3.0, 2: 0.0}, "b": {0: 2.0, 1: 2.0, 2: 2.0}})
    assert found is not None
    assert found.order == ("a", "b")  # equal means: by name
    assert found.best == {"a": pytest.approx(14 / 27), "b": pytest.approx(13 / 27)}
    assert found.tau == pytest.approx((1 - 1 - 1) / 3)  # the first two seeds agree, the third with neither
    assert found.seeds == 3


def test_what_is_listed_is_every_draw():
    rng = np.random.default_rng(1)
    values = {name: dict(enumerate(rng.normal(size=4))) for name in "abc"}
    wins = dict.fromkeys(values, 0)
    for draw in itertools.product(range(4), repeat=4):
        wins[max(values, key=lambda name: sum(values[name][s] for s in draw))] += 1
    found = stability(values)
    assert found is not None and found.best == {name: pytest.approx(n / 4**4) for name, n in wins.items()}


def test_beyond_six_seeds_draws_come_near_the_truth_and_are_the_same_each_time():
    """Of two recipes of which one wins in 8 seeds by as much as it loses in none, it always wins; of a fair one about half."""
    sure = {"a": dict.fromkeys(range(8), 1.0), "b": dict.fromkeys(range(8), 0.0)}
    even = {"a": {s: float(s % 2) for s in range(8)}, "b": {s: float(1 - s % 2) for s in range(8)}}
    first, again, fair = stability(sure), stability(sure), stability(even)
    assert first == again and first is not None and fair is not None
    assert first.best == {"a": 1.0, "b": 0.0} and first.tau == 1.0
    assert fair.best["a"] == pytest.approx(0.5, abs=0.02)
    assert sum(fair.best.values()) == pytest.approx(1.0)


def test_only_seeds_that_all_recipes_have_count():
    """A seed that one recipe lacks is not compared: with it a would come before b."""
    values = {"a": {0: 1.0, 1: 1.0, 2: 1.0, 3: 99.0}, "b": {0: 2.0, 1: 2.0, 2: 2.0}}
    found = stability(values)
    assert found is not None and (found.order, found.seeds) == (("b", "a"), 3)


def test_too_little_to_order():
    seeds = {0: 1.0, 1: 2.0, 2: 3.0}
    assert stability({}) is None and stability({"a": seeds}) is None
    assert stability({"a": seeds, "b": {0: 1.0, 1: 2.0}}) is None
    tied = stability({"a": dict.fromkeys(range(3), 1.0), "b": dict.fromkeys(range(3), 1.0)})
    assert tied is not None and tied.tau is None and tied.best == {"a": 0.5, "b": 0.5}
    with pytest.raises(ValueError, match="finite"):
        stability({"a": seeds, "b": {0: 1.0, 1: math.nan, 2: 1.0}})
