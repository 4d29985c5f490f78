"""How often each interval holds the truth, and how often a grid without effects gives a finding.

Every check takes the number of simulated samples into account: it fails where the count would be a one-in-10,000 accident of
any true rate between 93 and 97 % (for false findings: of at most 5 %). The quick ones see gross faults; the slow ones see a
percent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom, t  # type: ignore[import-untyped]

from backend.domain.gains import ALPHA, Measurement, Verdict, benjamini_hochberg, gains, paired_t
from backend.statistics import contrast
from backend.statistics.bootstrap import over_examples
from backend.statistics.interval import Interval, Method
from backend.statistics.table import Table
from backend.statistics.transfer import relative_gain
from backend.statistics.variance import both

TableOf = Callable[..., Table]
ACCIDENT = 1e-4


def holds(hits: int, of: int, low: float = 0.93, high: float = 0.97) -> bool:
    """Whether a count goes with some coverage between these."""
    return bool(binom.ppf(ACCIDENT, of, low) <= hits <= binom.ppf(1 - ACCIDENT, of, high))


def within(found: Interval, truth: float) -> bool:
    assert found.refused is None and found.low is not None and found.high is not None
    return found.low - 1e-9 <= truth <= found.high + 1e-9


def test_the_check_itself_can_fail():
    assert holds(950, 1000) and not holds(890, 1000) and not holds(995, 1000)


# --- over seeds ------------------------------------------------------------------------------------------------------


def of_seeds(n: int, draws: int) -> int:
    values = np.random.default_rng(n).normal(1.5, 2.0, (draws, n)).tolist()
    return sum((found := paired_t(d)).low <= 1.5 <= found.high for d in values)  # type: ignore[operator]


@pytest.mark.parametrize("n", [2, 3, 5, 10])
def test_paired_t_over_seeds(n: int):
    assert holds(of_seeds(n, 2000), 2000)


@pytest.mark.slow
@pytest.mark.parametrize("n", [2, 3, 5, 10])
def test_paired_t_over_seeds_to_a_percent(n: int):
    assert holds(of_seeds(n, 40_000), 40_000, 0.945, 0.955)


# --- over examples -----------------------------------------------------------------------------------------------------

#: Chances that an example is won, lost; else both sides are alike.
KINDS = {"many differ": (0.2, 0.1, 60), "few differ": (0.06, 0.04, 300), "lopsided": (0.12, 0.02, 150)}


def of_examples(table_of: TableOf, kind: str, method: Method, draws: int, resamples: int) -> tuple[int, int]:
    won, lost, n = KINDS[kind]
    random = np.random.default_rng(11)
    hits = given = 0
    for _ in range(draws):
        u = random.random(n)
        made = table_of(100.0 * (u < won), 100.0 * ((u >= won) & (u < won + lost)))
        found = over_examples(made, contrast.gain(made).mean, method=method, resamples=resamples)
        if found.refused is None:
            given += 1
            hits += within(found, 100 * (won - lost))
    assert given > 0.9 * draws
    return hits, given


@pytest.mark.parametrize("method", [Method.BCA, Method.PERCENTILE])
def test_bootstrap(method: Method, table_of: TableOf):
    assert holds(*of_examples(table_of, "many differ", method, 300, 400))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", [Method.BCA, Method.PERCENTILE])
def test_bootstrap_to_a_percent(method: Method, kind: str, table_of: TableOf):
    assert holds(*of_examples(table_of, kind, method, 4000, 2000))


def of_clusters(table_of: TableOf, draws: int, resamples: int, *, clustered: bool) -> tuple[int, int]:
    """Paragraphs of five questions that are easy or hard together."""
    random = np.random.default_rng(12)
    units = np.repeat(np.arange(80), 5)
    hits = 0
    for _ in range(draws):
        ease = np.repeat(random.normal(0, 0.3, 80), 5)
        treated, without = (100.0 * (random.random(400) < np.clip(0.5 + s * ease, 0, 1)) for s in (1, -1))
        made = table_of(treated, without, units=units if clustered else None)
        hits += within(over_examples(made, contrast.gain(made).mean, resamples=resamples), 0.0)
    return hits, draws


def test_bootstrap_of_paragraphs(table_of: TableOf):
    assert holds(*of_clusters(table_of, 250, 400, clustered=True))
    assert not holds(*of_clusters(table_of, 250, 400, clustered=False))  # the reason why units are drawn


@pytest.mark.slow
def test_bootstrap_of_paragraphs_to_a_percent(table_of: TableOf):
    assert holds(*of_clusters(table_of, 3000, 2000, clustered=True))


# --- over both -----------------------------------------------------------------------------------------------------------


def of_both(table_of: TableOf, seeds: int, n: int, spread: tuple[float, float, float], draws: int) -> tuple[int, int]:
    of_seed, of_unit, rest = spread
    random = np.random.default_rng([seeds, n])
    nothing = np.zeros((seeds, n))
    hits = 0
    for _ in range(draws):
        away = random.normal(0, of_seed, (seeds, 1)) + random.normal(0, of_unit, n) + random.normal(0, rest, (seeds, n))
        made = table_of(away, nothing)
        hits += within(both(made, contrast.gain(made))[0], 0.0)
    return hits, draws


MIXED = [(0.0, 30.0, 30.0), (1.0, 20.0, 30.0), (3.0, 20.0, 30.0), (10.0, 10.0, 30.0)]  # seed, example, rest; points


@pytest.mark.parametrize("spread", MIXED)
def test_seeds_and_examples(spread: tuple[float, float, float], table_of: TableOf):
    assert holds(*of_both(table_of, 3, 100, spread, 400))


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [3, 5])
@pytest.mark.parametrize("spread", MIXED)
def test_seeds_and_examples_to_a_percent(seeds: int, spread: tuple[float, float, float], table_of: TableOf):
    assert holds(*of_both(table_of, seeds, 200, spread, 10_000))


def right_or_wrong(random: Any, seeds: int, n: int) -> tuple[Any, Any]:
    """Scores of 0 and 100 whose chances vary by seed and example, alike on average with the recipe and without."""
    chances = [
        np.clip(0.55 + random.normal(0, 0.02, (seeds, 1)) + random.normal(0, 0.2, n), 0.02, 0.98) for _ in range(2)
    ]
    return tuple(100.0 * (random.random((seeds, n)) < c) for c in chances)  # type: ignore[return-value]


def of_relative(table_of: TableOf, draws: int) -> tuple[int, int]:
    random = np.random.default_rng(14)
    hits = 0
    for _ in range(draws):
        made = table_of(*right_or_wrong(random, 3, 200))
        relative = contrast.Relative(made)
        found = both(made, relative.straight(made))[0]
        assert found.low is not None and found.high is not None
        centre = float(relative(made.totals))
        hits += found.low + centre <= 0 <= found.high + centre
    return hits, draws


def test_relative_gain_of_seeds_and_examples(table_of: TableOf):
    assert holds(*of_relative(table_of, 300))
    assert relative_gain(66.0, 60.0) == pytest.approx(10)


@pytest.mark.slow
def test_relative_gain_of_seeds_and_examples_to_a_percent(table_of: TableOf):
    assert holds(*of_relative(table_of, 6000))


# --- false findings --------------------------------------------------------------------------------------------------------


def false_findings(seeds: int, cells: int, grids: int) -> int:
    """Grids of cells without any effect that have a finding. Cells share a part of their noise, as languages of a model do."""
    random = np.random.default_rng([seeds, cells])
    found = 0
    for _ in range(grids):
        values = random.normal(0, 1, (cells, seeds)) + random.normal(0, 0.7, seeds)
        p = 2 * t.sf(abs(values.mean(axis=1)) / (values.std(axis=1, ddof=1) / seeds**0.5), seeds - 1)
        found += min(benjamini_hochberg(p.tolist())) < ALPHA
    return found


@pytest.mark.parametrize("seeds", [3, 5])
def test_grids_without_effects(seeds: int):
    assert false_findings(seeds, 45, 400) <= binom.ppf(1 - ACCIDENT, 400, ALPHA)


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [3, 5])
def test_grids_without_effects_to_a_percent(seeds: int):
    assert false_findings(seeds, 45, 20_000) <= binom.ppf(1 - ACCIDENT, 20_000, ALPHA)


def shares_of_false(grids: int, *, effects: int) -> list[float]:
    """False among the findings of whole grids, by the one function that gives verdicts: 9 recipes of 5 languages, 5 seeds; the first
    ``effects`` recipes have an effect of four standard deviations."""
    random = np.random.default_rng(effects)
    shares = []
    for _ in range(grids):
        noise, shared = random.normal(0, 1, (10, 5, 5)), random.normal(0, 0.7, (10, 1, 5))
        measured = [
            Measurement("m", "none" if r == 0 else f"r{r}", "xnli", code, "accuracy", seed,
                        50 + noise[r, at, seed] + shared[r, 0, seed] + (4.0 if 0 < r <= effects else 0.0), 500, "s", 100 * r + seed)
            for r in range(10) for at, code in enumerate(("de", "sw", "hi", "ar", "ta")) for seed in range(5)
        ]  # fmt: skip
        found = [
            g
            for g in gains(measured, same_data=lambda recipe, target: False)
            if g.verdict in (Verdict.HELPS, Verdict.HURTS)
        ]
        false = [g for g in found if int(g.recipe[1:]) > effects]
        shares.append(len(false) / len(found) if found else 0.0)
    return shares


@pytest.mark.parametrize("effects", [0, 3])
def test_false_among_the_findings(effects: int):
    shares = shares_of_false(60, effects=effects)
    assert np.mean(shares) <= ALPHA + 4 * max(np.std(shares), 0.05) / len(shares) ** 0.5


@pytest.mark.slow
@pytest.mark.parametrize("effects", [0, 3])
def test_false_among_the_findings_to_a_percent(effects: int):
    shares = shares_of_false(2000, effects=effects)
    assert np.mean(shares) <= ALPHA + 4 * np.std(shares) / len(shares) ** 0.5
