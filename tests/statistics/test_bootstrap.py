"""The paired bootstrap: against scipy with the same draws, clusters, languages that share examples, and when it says no."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats  # type: ignore[import-untyped]

from backend.statistics import bootstrap, contrast
from backend.statistics.bootstrap import over_examples
from backend.statistics.interval import Interval, Method
from backend.statistics.measures import f1_of_counts, mean_of_points
from backend.statistics.table import Counted, Table, Unusable, distinct, table

TableOf = Callable[..., Table]


def right_or_wrong(seed: int, n: int, chance: float) -> Any:
    return 100.0 * (np.random.default_rng(seed).random(n) < chance)


@pytest.mark.parametrize(("method", "name"), [(Method.BCA, "BCa"), (Method.PERCENTILE, "percentile")])
def test_with_the_same_draws_it_is_scipys(method: Method, name: str, table_of: TableOf):
    treated, without = right_or_wrong(1, 90, 0.7), right_or_wrong(2, 90, 0.5)
    ours = table_of(treated, without)
    found = over_examples(ours, contrast.gain(ours).mean, method=method, random=np.random.default_rng(7))
    theirs = stats.bootstrap(
        (treated, without), lambda a, b, axis: (a - b).mean(axis=axis), paired=True, vectorized=True, method=name,
        n_resamples=bootstrap.RESAMPLES, rng=np.random.default_rng(7),
    ).confidence_interval  # fmt: skip
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=1e-9)
    assert (found.units, found.seeds, found.method) == (90, 1, method)
    assert found.differing == np.sum(treated != without)


def test_of_a_score_that_is_no_mean_it_is_scipys(table_of: TableOf):
    random = np.random.default_rng(3)
    n = 80
    gold = random.integers(1, 4, n)
    sides = [np.column_stack([random.binomial(gold, chance), random.integers(1, 4, n), gold]) for chance in (0.8, 0.6)]
    names = [f"{i:03d}" for i in range(n)]
    ours = table(f1_of_counts, {"sw": [tuple(Counted(names, names, side.astype(float)) for side in sides)]})  # type: ignore[dict-item]

    def difference(index: Any) -> float:
        one, two = (side[index.astype(int)].sum(axis=0) for side in sides)
        return float(200 * one[0] / (one[1] + one[2]) - 200 * two[0] / (two[1] + two[2]))

    found = over_examples(ours, contrast.gain(ours).mean, resamples=400, random=np.random.default_rng(5))
    theirs = stats.bootstrap(
        (np.arange(n),), difference, vectorized=False, method="BCa", n_resamples=400, rng=np.random.default_rng(5)
    ).confidence_interval
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


def test_examples_of_one_paragraph_count_as_one(table_of: TableOf):
    """Every example three times in one paragraph says no more than once."""
    treated, without = right_or_wrong(1, 100, 0.7), right_or_wrong(2, 100, 0.5)
    once = table_of(treated, without)
    names = np.arange(300)
    thrice = table_of(
        np.repeat(treated, 3), np.repeat(without, 3), units=np.repeat(np.arange(100) + 1000, 3), names=names
    )
    apart = table_of(np.repeat(treated, 3), np.repeat(without, 3), names=names)
    random = np.random.default_rng
    one, of_units, alone = (over_examples(t, contrast.gain(t).mean, random=random(1)) for t in (once, thrice, apart))
    assert (of_units.low, of_units.high) == pytest.approx((one.low, one.high))
    assert of_units.units == 100 and thrice.examples == 300
    assert width(alone) < 0.7 * width(of_units)


def width(found: Interval) -> float:
    assert found.low is not None and found.high is not None
    return found.high - found.low


def in_languages(names: dict[str, list[str]], seed: int = 0) -> Table:
    """The same differences in every language; the examples have these names."""
    n = len(next(iter(names.values())))
    sums = [np.column_stack([right_or_wrong(seed + i, n, c), np.ones(n)]) for i, c in enumerate((0.7, 0.5))]
    return table(mean_of_points, {k: [(Counted(v, v, sums[0]), Counted(v, v, sums[1]))] for k, v in names.items()})


def test_languages_that_share_examples_are_no_further_evidence():
    same = [f"{i:03d}" for i in range(100)]
    one, parallel = in_languages({"sw": same}), in_languages({"sw": same, "de": same, "hi": same})
    apart = in_languages({code: [code + name for name in same] for code in ("sw", "de", "hi")})
    first, shared, own = (over_examples(t, contrast.gain(t).mean) for t in (one, parallel, apart))
    assert parallel.sums.shape == (1, 100, 3, 2, 2) and apart.sums.shape[1] == 300
    assert width(shared) == pytest.approx(width(first), rel=0.1)
    assert width(own) == pytest.approx(width(first) / np.sqrt(3), rel=0.15)


def test_order_changes_nothing_and_content_does(table_of: TableOf):
    treated, without = right_or_wrong(1, 70, 0.7), right_or_wrong(2, 70, 0.5)
    names = np.array([f"x{i:03d}" for i in range(70)])
    turned = np.random.default_rng(0).permutation(70)
    tables = [table_of(treated, without, names=names), table_of(treated[turned], without[turned], names=names[turned])]
    found = [over_examples(t, contrast.gain(t).mean) for t in tables]
    assert found[0] == found[1]
    other = table_of(100 - treated, without, names=names)
    drawn = [t.random("x").random() for t in (*tables, other)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_too_little_to_say(table_of: TableOf):
    few = table_of(right_or_wrong(1, 49, 0.7), right_or_wrong(2, 49, 0.5))
    alike = np.zeros((2, 200))
    alike[0, :9] = 100
    for given, why in (
        (few, "49 independent test examples are too few"),
        (table_of(*alike), "differ on 9 independent"),
    ):
        found = over_examples(given, contrast.gain(given).mean)
        assert found.low is None and found.high is None and why in str(found.refused)
    enough = table_of(right_or_wrong(1, 50, 0.7), right_or_wrong(2, 50, 0.5))
    assert "lopsided" in str(over_examples(enough, contrast.gain(enough).mean).caution)
    with pytest.raises(ValueError, match="two ends or a reason"):
        Interval(1.0, None, Method.BCA, 1, 1, 1)


def test_different_examples_cannot_be_compared():
    def side(*names: str) -> Counted:
        return Counted(names, names, np.ones((len(names), 2)))

    for other in (side("a", "c"), side("a"), side("a", "b", "c")):
        with pytest.raises(Unusable, match="examples of the runs differ in sw"):
            table(mean_of_points, {"sw": [(side("a", "b"), other)]})
    found = table(f1_of_counts, {"sw": [(side("a"), side("b"))]}, whole=False)
    assert found.units == ("a", "b") and found.sums[0, :, 0, :, 0].tolist() == [[1, 0], [0, 1]]
    with pytest.raises(Unusable, match="no examples"):
        table(mean_of_points, {"sw": [(side(), side())]})
    assert distinct(["a", "b", "a"]) == ["a", "b", "a\0002"]
