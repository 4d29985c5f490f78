"""Gains: matching, tests and means, against hand-computed numbers, scipy and properties."""

from __future__ import annotations

import ast
import itertools
import math
import random
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats  # type: ignore[import-untyped]

import backend.domain.gains as module
from backend.domain.gains import (
    Gain,
    Measurement,
    Missing,
    Unmatchable,
    Verdict,
    benjamini_hochberg,
    common_support,
    gains,
    mean_all,
    mean_over_languages,
    mean_over_targets,
    mean_transfer,
    minimum_detectable,
    one_per_cell,
    paired_t,
    reachable,
    sign_flip,
    student_t_quantile,
    student_t_tails,
    unmatched,
    what_seeds_can_show,
)
from backend.domain.metrics import checklist

NEVER: Callable[[str, str], bool] = lambda recipe, target: False  # noqa: E731
points = st.integers(0, 10_000).map(lambda hundredths: hundredths / 100)
differences_of = st.lists(st.integers(-500, 500).map(lambda d: d / 100), min_size=1, max_size=9)


def score(
    value: float,
    *,
    recipe: str = "none",
    seed: int | None = 0,
    language: str = "sw",
    target: str = "xnli",
    model: str = "small",
    metric: str = "accuracy",
    settings: str = "s1",
    n: int = 5010,
    run: int = 1,
) -> Measurement:
    return Measurement(model, recipe, target, language, metric, seed, value, n, settings, run)


def cell(differences: Sequence[float], *, base: float = 50.0, **where: Any) -> list[Measurement]:
    """Baselines and treated scores of one cell with these differences, seeds 0, 1, ..."""
    recipe = where.pop("recipe", "mnli")
    return [
        made
        for seed, d in enumerate(differences)
        for made in (score(base, seed=seed, **where), score(base + d, seed=seed, recipe=recipe, **where))
    ]


def only(measurements: Iterable[Measurement], **options: Any) -> Gain:
    found = gains(measurements, same_data=options.pop("same_data", NEVER), **options)
    assert len(found) == 1
    return found[0]


# --- one cell, by hand ------------------------------------------------------------------------------------


def test_a_cell_by_hand() -> None:
    """Differences 1, 2, 3: mean 2, sd 1, t = 2√3 with 2 df; interval 2 ± 4.302653/√3; sign-flip 2/8."""
    measurements = [
        score(60, seed=0, run=1),
        score(61, seed=1, run=2),
        score(62, seed=2, run=3, n=5000),
        score(61, seed=0, recipe="mnli", run=4),
        score(63, seed=1, recipe="mnli", run=5),
        score(65, seed=2, recipe="mnli", run=6),
    ]
    g = only(measurements)
    assert (g.model, g.recipe, g.target, g.language, g.metric) == ("small", "mnli", "xnli", "sw", "accuracy")
    assert (g.n, g.differences, g.seeds) == (3, (1.0, 2.0, 3.0), (0, 1, 2))
    assert (g.mean, g.baseline, g.treated) == (2.0, 61.0, 63.0)
    assert g.sd == 1.0
    assert g.low == pytest.approx(2 - 4.302652729911275 / math.sqrt(3))
    assert g.high == pytest.approx(2 + 4.302652729911275 / math.sqrt(3))
    t = 2 * math.sqrt(3)  # two degrees of freedom: P(|T| ≥ t) = 1 − t/√(2 + t²)
    assert g.p_t == pytest.approx(1 - t / math.sqrt(2 + t * t)) == pytest.approx(0.0741799)
    assert g.p_sign_flip == 0.25
    assert g.q == g.p_t
    assert g.verdict is Verdict.NO_EVIDENCE
    assert g.detectable == pytest.approx(3.26404, abs=1e-4)
    assert (g.runs, g.baseline_runs, g.examples, g.settings) == ((4, 5, 6), (1, 2, 3), 5000, "s1")
    assert not g.same_data_twice


def test_a_clear_gain_helps_and_a_clear_loss_hurts() -> None:
    up = only(cell([2.0, 2.1, 1.9, 2.05, 1.95]))
    down = only(cell([-2.0, -2.1, -1.9, -2.05, -1.95]))
    assert (up.verdict, down.verdict) == (Verdict.HELPS, Verdict.HURTS)
    assert up.q is not None
    assert up.q < 0.001
    assert (str(up.verdict), str(down.verdict)) == ("helps", "hurts")


def test_three_seeds_can_reach_a_verdict_by_the_paired_t_alone() -> None:
    g = only(cell([2.0, 2.1, 1.9]))
    assert g.verdict is Verdict.HELPS
    assert g.p_t is not None
    assert g.p_t < 0.001
    assert g.p_sign_flip == 0.25


@pytest.mark.parametrize("differences", [[9.0], [9.0, 9.1], [-9.0, -9.0]])
def test_fewer_than_three_seeds_give_no_test_however_large_the_gain(differences: list[float]) -> None:
    g = only(cell(differences))
    assert g.verdict is Verdict.TOO_FEW
    assert g.p_t is g.p_sign_flip is g.q is g.detectable is None


def test_one_seed_has_no_interval_and_two_have_a_wide_one() -> None:
    one, two = only(cell([1.0])), only(cell([1.0, 2.0]))
    assert one.sd is one.low is one.high is None
    assert two.sd == pytest.approx(math.sqrt(0.5))
    assert two.low is not None
    assert two.high is not None
    assert two.high - two.low == pytest.approx(12.706204736174707)  # 2 · t₀.₉₇₅,₁ · 0.7071 / √2


@pytest.mark.parametrize(
    ("differences", "p", "verdict"),
    [
        ([0.0] * 3, 1.0, Verdict.NO_EVIDENCE),
        ([0.0] * 8, 1.0, Verdict.NO_EVIDENCE),
        ([0.2] * 3, 0.25, Verdict.NO_EVIDENCE),
        ([0.2] * 5, 0.0625, Verdict.NO_EVIDENCE),
        ([0.2] * 6, 0.03125, Verdict.HELPS),
        ([-0.2] * 6, 0.03125, Verdict.HURTS),
    ],
)
def test_equal_differences_fall_back_on_the_sign_flip_test(
    differences: list[float], p: float, verdict: Verdict
) -> None:
    g = only(cell(differences))
    assert (g.sd, g.low, g.high, g.detectable) == (0.0, None, None, None)
    assert g.p_t == p == g.p_sign_flip
    assert g.verdict is verdict


def test_rounding_error_is_not_a_spread() -> None:
    pairs = [(79.2, 79.4), (80.0, 80.2), (61.3, 61.5), (0.1, 0.3)]
    noisy = [after - before for before, after in pairs]
    assert len(set(noisy)) > 1  # the trap: equal on paper, not in binary
    measurements = [score(b, seed=i) for i, (b, _) in enumerate(pairs)]
    measurements += [score(a, seed=i, recipe="mnli") for i, (_, a) in enumerate(pairs)]
    g = only(measurements)
    assert g.sd == 0.0
    assert g.p_t == 0.125
    assert g.verdict is Verdict.NO_EVIDENCE


def test_above_thirty_seeds_there_is_no_sign_flip_p() -> None:
    assert only(cell([0.1 * i for i in range(30)])).p_sign_flip is not None
    g = only(cell([0.1 * i for i in range(31)]))
    assert g.p_sign_flip is None
    assert g.p_t is not None
    with pytest.raises(ValueError, match="at most 30"):
        sign_flip([1.0] * 31)


# --- matching ---------------------------------------------------------------------------------------------


def test_a_missing_baseline_gives_no_cell() -> None:
    assert gains([score(60, recipe="mnli")], same_data=NEVER) == []
    assert gains([score(60)], same_data=NEVER) == []
    assert gains([], same_data=NEVER) == []


@pytest.mark.parametrize("field", ["model", "target", "language", "metric", "settings"])
def test_every_part_of_the_key_must_agree(field: str) -> None:
    elsewhere = replace(score(50), **{field: "other"})  # type: ignore[arg-type]
    assert gains([score(60, recipe="mnli"), elsewhere], same_data=NEVER) == []


def test_only_seeds_with_a_baseline_count() -> None:
    g = only([*cell([1.0, 2.0, 3.0]), score(99, seed=3, recipe="mnli"), score(1, seed=4)])
    assert (g.n, g.seeds, g.mean, g.treated, g.baseline) == (3, (0, 1, 2), 2.0, 52.0, 50.0)


def test_a_baseline_without_a_seed_matches_every_seed_and_n_counts_treated_runs() -> None:
    measurements = [score(30, seed=None, run=9)]
    measurements += [score(31 + seed, seed=seed, recipe="mnli", run=seed) for seed in (2, 0, 1)]
    g = only(measurements)
    assert (g.n, g.seeds, g.differences) == (3, (0, 1, 2), (1.0, 2.0, 3.0))
    assert (g.runs, g.baseline_runs) == ((0, 1, 2), (9, 9, 9))
    assert g.p_t == pytest.approx(stats.ttest_1samp([1, 2, 3], 0).pvalue)


def test_two_scores_without_a_seed_are_one_treated_run() -> None:
    g = only([score(30, seed=None), score(33, seed=None, recipe="other")])
    assert (g.n, g.seeds, g.mean, g.verdict) == (1, (None,), 3.0, Verdict.TOO_FEW)


def test_the_seeds_own_baseline_goes_before_the_one_without_a_seed() -> None:
    measurements = [score(30, seed=None), score(40, seed=1)]
    measurements += [score(45, seed=seed, recipe="mnli") for seed in (0, 1)]
    assert only(measurements).differences == (15.0, 5.0)


def test_a_treated_run_without_a_seed_is_one_run_against_the_mean_of_the_baselines() -> None:
    measurements = [score(30 + s, seed=s, recipe="mnli", run=s) for s in range(3)]
    measurements += [score(30, seed=None, run=7)]
    g = only(measurements, baseline="mnli")
    assert (g.recipe, g.n, g.seeds, g.mean, g.baseline) == ("none", 1, (None,), -1.0, 31.0)
    assert (g.runs, g.baseline_runs, g.verdict) == ((7,), (0, 1, 2), Verdict.TOO_FEW)


def test_shared_runs_count_once_and_the_lowest_run_is_taken() -> None:
    measurements = [*cell([1.0, 2.0], run=5), *cell([7.0, 7.0], run=6), *cell([1.0, 2.0], run=5)]
    for order in (measurements, measurements[::-1]):
        g = only(order)
        assert (g.differences, g.runs) == ((1.0, 2.0), (5, 5))


def test_one_run_with_two_values_is_an_error() -> None:
    contradiction = [score(50, run=5), score(51, run=5)]
    for order in itertools.permutations([*contradiction, score(60, recipe="mnli")]):
        with pytest.raises(ValueError, match="run 5"):
            gains(order, same_data=NEVER)
    for order in itertools.permutations([*contradiction, score(52, run=4), score(60, recipe="mnli")]):
        assert only(order).mean == 8.0  # run 4 is the one that counts


def test_settings_are_never_pooled() -> None:
    measurements = [*cell([1.0, 1.1, 1.2], settings="fp32"), *cell([4.0, 4.0], settings="bf16", run=2)]
    measurements.append(score(90, seed=7, recipe="mnli", settings="fp32"))
    measurements.append(score(10, seed=7, settings="bf16"))
    found = gains(measurements, same_data=NEVER)
    assert [(g.settings, g.n) for g in found] == [("bf16", 2), ("fp32", 3)]
    assert [g.settings for g in one_per_cell(found)] == ["fp32"]


def test_of_two_settings_the_one_with_more_seeds_then_the_later_run_is_shown() -> None:
    early, late = cell([1.0, 1.5], settings="b", run=1), cell([-9.0, 2.0], settings="a", run=2)
    for order in (early + late, late + early):
        assert [g.settings for g in one_per_cell(gains(order, same_data=NEVER))] == ["a"]
    more = cell([1.0, 1.5, 2.0], settings="b", run=1)
    assert [g.settings for g in one_per_cell(gains(more + late, same_data=NEVER))] == ["b"]


def test_another_baseline_can_be_chosen() -> None:
    measurements = [score(50), score(55, recipe="mnli"), score(53, recipe="control:mnli")]
    found = gains(measurements, baseline="control:mnli", same_data=NEVER)
    assert {g.recipe: g.mean for g in found} == {"mnli": 2.0, "none": -3.0}


def test_unmatched_says_why() -> None:
    measurements = [
        score(50, seed=0),
        score(51, seed=0, recipe="mnli"),
        score(51, seed=1, recipe="mnli", run=2),
        score(51, seed=0, recipe="mnli", settings="s2", run=3),
        score(51, seed=0, recipe="mnli", language="th", run=4),
        score(51, seed=9, recipe="mnli", settings="s2", run=5),
        score(51, seed=None, recipe="mnli", settings="s3", run=6),
    ]
    reasons = {u.run: u.reason for u in unmatched(measurements)}
    assert reasons == {
        2: Unmatchable.OTHER_SEED,
        3: Unmatchable.OTHER_SETTINGS,
        4: Unmatchable.NO_BASELINE,
        5: Unmatchable.OTHER_SETTINGS,
        6: Unmatchable.OTHER_SETTINGS,
    }
    assert [str(r) for r in Unmatchable] == ["no baseline run", "other settings", "other seed"]
    assert unmatched(measurements) == unmatched(measurements[::-1])


def test_every_treated_score_is_matched_or_explained() -> None:
    rng = random.Random(3)
    measurements = [
        score(
            rng.uniform(0, 100),
            recipe=rng.choice(["none", "mnli", "squad"]),
            seed=rng.choice([None, 0, 1, 2]),
            language=rng.choice(["en", "sw", "th"]),
            settings=rng.choice(["s1", "s2"]),
            run=run,
        )
        for run in range(60)
    ]
    used = [run for g in gains(measurements, same_data=NEVER) for run in g.runs]
    unexplained = [u.run for u in unmatched(measurements)]
    unique = {(m.recipe, m.seed, m.language, m.settings) for m in measurements if m.recipe != "none"}
    assert len(used) == len(set(used))
    assert not set(used) & set(unexplained)
    assert len(used) + len(unexplained) == len(unique)


def test_same_data_is_asked_with_recipe_and_target() -> None:
    measurements = [*cell([1.0], recipe="mnli", target="xnli"), *cell([1.0], recipe="mnli", target="xquad")]
    found = gains(measurements, same_data=lambda recipe, target: (recipe, target) == ("mnli", "xnli"))
    assert {g.target: g.same_data_twice for g in found} == {"xnli": True, "xquad": False}


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_scores_that_are_not_finite_are_refused_by_name(bad: float) -> None:
    with pytest.raises(ValueError, match=r"^value "):
        score(bad)
    for refuse in (paired_t, sign_flip):
        with pytest.raises(ValueError, match=r"^differences "):
            refuse([1.0, bad])
    with pytest.raises(ValueError, match=r"^p_values "):
        benjamini_hochberg([0.5, bad])
    with pytest.raises(ValueError, match=r"^sd "):
        minimum_detectable(bad, 3)


def test_other_wrong_input_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"^n "):
        score(50, n=0)
    with pytest.raises(ValueError, match=r"^differences "):
        paired_t([])
    with pytest.raises(ValueError, match=r"^differences "):
        sign_flip([])
    with pytest.raises(ValueError, match=r"^sd "):
        minimum_detectable(-1, 3)
    with pytest.raises(ValueError, match=r"^n "):
        minimum_detectable(1, 2)
    with pytest.raises(ValueError, match=r"^p_values "):
        benjamini_hochberg([1.5])
    with pytest.raises(ValueError, match=r"^df "):
        student_t_tails(1, 0)
    with pytest.raises(ValueError, match=r"^t "):
        student_t_tails(math.nan, 3)
    with pytest.raises(ValueError, match=r"^df "):
        student_t_quantile(0.95, 0)
    with pytest.raises(ValueError, match=r"^coverage "):
        student_t_quantile(1, 3)


# --- tests and intervals, against scipy ---------------------------------------------------------------------


@pytest.mark.parametrize("df", [*range(1, 31), 59, 60, 99, 500])
def test_student_t_is_that_of_scipy(df: int) -> None:
    for t in (0.0, 1e-6, 0.1, 0.5, 1.0, 1.96, 2.5, 4.0, 8.0, 20.0, 100.0, 1e4, 1e8):
        # scipy itself is off by 3e-11 at t = 1e-6 with one degree of freedom
        assert student_t_tails(t, df) == pytest.approx(2 * stats.t.sf(t, df), abs=1e-10)
        assert student_t_tails(-t, df) == student_t_tails(t, df)
    for coverage in (0.01, 0.5, 0.8, 0.9, 0.95, 0.99, 0.999):
        expected = stats.t.ppf((1 + coverage) / 2, df)
        assert student_t_quantile(coverage, df) == pytest.approx(expected, rel=1e-9)
        assert 1 - student_t_tails(student_t_quantile(coverage, df), df) == pytest.approx(coverage, abs=1e-9)
    assert student_t_tails(math.inf, df) == pytest.approx(0, abs=1e-15)


@given(st.floats(0, 1e6))
def test_student_t_has_a_closed_form_for_one_and_two_degrees_of_freedom(t: float) -> None:
    assert student_t_tails(t, 1) == pytest.approx(1 - 2 * math.atan(t) / math.pi, abs=1e-14)
    assert student_t_tails(t, 2) == pytest.approx(1 - t / math.sqrt(2 + t * t), abs=1e-14)


@given(st.lists(st.tuples(points, points), min_size=3, max_size=12))
def test_the_paired_t_test_is_that_of_scipy(pairs: list[tuple[float, float]]) -> None:
    before, after = [b for b, _ in pairs], [a for _, a in pairs]
    differences = [a - b for b, a in pairs]
    assume(max(differences) - min(differences) > 0.001)
    expected = stats.ttest_rel(after, before)
    interval = expected.confidence_interval(0.95)
    mine = paired_t(differences)
    assert mine.p == pytest.approx(expected.pvalue, abs=1e-9)
    assert mine.low == pytest.approx(interval.low, abs=1e-7)
    assert mine.high == pytest.approx(interval.high, abs=1e-7)


@settings(max_examples=25, deadline=None)
@given(differences_of.filter(lambda d: len(d) >= 2))
def test_the_sign_flip_test_is_that_of_scipy(differences: list[float]) -> None:
    expected = stats.permutation_test(
        (differences,), lambda d, axis: d.sum(axis=axis), permutation_type="samples", n_resamples=math.inf
    )
    assert sign_flip(differences) == pytest.approx(expected.pvalue, abs=1e-12)


@given(differences_of)
def test_the_sign_flip_test_is_the_listing_of_all_assignments(differences: list[float]) -> None:
    whole = [round(d * 100) for d in differences]  # integers: sums are exact
    seen = abs(sum(whole))
    sums = [
        sum(sign * d for sign, d in zip(signs, whole, strict=True))
        for signs in itertools.product((1, -1), repeat=len(whole))
    ]
    assert sign_flip(differences) == sum(abs(s) >= seen for s in sums) / len(sums)


def test_the_sign_flip_test_by_hand() -> None:
    assert sign_flip([1.0]) == 1.0
    assert sign_flip([1.0, 2.0, 3.0]) == 0.25
    assert sign_flip([3.0, 1.0, -2.0]) == 0.75  # sums ±6, ±4, ±2, ±0: six of eight are at least 2 away
    assert sign_flip([0.0, 0.0]) == 1.0
    assert sign_flip([0.1, 0.2, -0.3]) == 1.0  # the sum is rounding error


@given(st.lists(st.one_of(st.floats(0, 1), st.sampled_from([0.01, 0.05, 1.0])), min_size=1, max_size=40))
def test_q_is_that_of_scipy(p_values: list[float]) -> None:
    assert benjamini_hochberg(p_values) == pytest.approx(stats.false_discovery_control(p_values), abs=1e-12)


def test_q_by_hand() -> None:
    assert benjamini_hochberg([]) == []
    assert benjamini_hochberg([0.04, 0.01, 0.03, 0.5]) == pytest.approx([0.16 / 3, 0.04, 0.16 / 3, 0.5])


@pytest.mark.parametrize("n", [3, 4, 5, 6, 8, 10, 20, 50])
def test_the_detectable_gain_has_eighty_percent_power_by_the_noncentral_t(n: int) -> None:
    critical, shift = stats.t.ppf(0.975, n - 1), minimum_detectable(1.7, n) / 1.7 * math.sqrt(n)
    power = stats.nct.sf(critical, n - 1, shift) + stats.nct.cdf(-critical, n - 1, shift)
    assert power == pytest.approx(0.8, abs=1e-6)


def test_the_detectable_gain_shrinks_with_seeds_and_grows_with_spread() -> None:
    by_seeds = [minimum_detectable(1.0, n) for n in range(3, 30)]
    assert by_seeds == sorted(by_seeds, reverse=True)
    assert minimum_detectable(2.0, 5) == pytest.approx(2 * minimum_detectable(1.0, 5))
    assert minimum_detectable(0.0, 5) == 0.0


def test_the_detectable_gain_is_detected_four_times_out_of_five() -> None:
    rng = random.Random(11)
    shift = minimum_detectable(1.0, 5)
    results = [paired_t([rng.gauss(shift, 1.0) for _ in range(5)]).p for _ in range(3000)]
    assert sum(p is not None and p < 0.05 for p in results) / 3000 == pytest.approx(0.8, abs=0.025)


@pytest.mark.parametrize("n", [2, 3, 5, 10])
def test_the_interval_covers_the_true_gain_95_times_in_100(n: int) -> None:
    rng = random.Random(n)
    hits, draws = 0, 3000
    for _ in range(draws):
        t = paired_t([rng.gauss(0.7, 1.3) for _ in range(n)])
        assert t.low is not None
        assert t.high is not None
        hits += t.low <= 0.7 <= t.high
    assert hits / draws == pytest.approx(0.95, abs=0.015)


def test_where_nothing_helps_few_families_hold_a_finding() -> None:
    """Under the global null the false discovery rate is the chance of any finding: at most 5 %."""
    rng = random.Random(5)
    measurements = [
        made
        for family in range(400)
        for language in range(10)
        for made in cell([rng.gauss(0, 1) for _ in range(3)], model=f"m{family}", language=f"l{language}")
    ]
    found = gains(measurements, same_data=NEVER)
    assert len(found) == 4000
    wrong = {g.model for g in found if g.verdict is not Verdict.NO_EVIDENCE}
    assert len(wrong) / 400 < 0.05 + 0.025


# --- families ---------------------------------------------------------------------------------------------


def grid(seeds: int = 4) -> list[Measurement]:
    rng = random.Random(1)
    return [
        made
        for model in ("small", "large")
        for target in ("xnli", "xquad")
        for recipe in ("mnli", "squad")
        for language in ("en", "sw", "th", "ur")
        for made in cell(
            [rng.gauss(0.8, 0.5) for _ in range(seeds)],
            model=model,
            target=target,
            recipe=recipe,
            language=language,
        )
    ]


def test_the_family_is_all_cells_of_one_model_target_and_metric() -> None:
    found = gains(grid(), same_data=NEVER)
    assert len(found) == 32
    for key in itertools.product(("small", "large"), ("xnli", "xquad")):
        family = [g for g in found if (g.model, g.target) == key]
        assert len(family) == 8
        expected = stats.false_discovery_control([g.p_t for g in family])
        assert [g.q for g in family] == pytest.approx(list(expected))


def test_other_families_do_not_change_a_q() -> None:
    everything = {(g.model, g.target, g.recipe, g.language): g for g in gains(grid(), same_data=NEVER)}
    alone = gains([m for m in grid() if m.model == "small" and m.target == "xnli"], same_data=NEVER)
    assert len(alone) == 8
    for g in alone:
        assert everything[g.model, g.target, g.recipe, g.language] == g


def test_filtering_what_gains_returns_leaves_q_and_verdict_as_they_were() -> None:
    found = gains(grid(), same_data=NEVER)
    shown = [g for g in found if g.language == "sw"]
    refiltered = gains(grid(), same_data=NEVER)
    assert shown == [g for g in refiltered if g.language == "sw"]
    narrower = gains([m for m in grid() if m.language == "sw"], same_data=NEVER)
    assert [g.p_t for g in narrower] == [g.p_t for g in shown]
    assert [g.q for g in narrower] != [g.q for g in shown]  # why the filter must come after


def test_cells_without_a_test_are_not_in_the_family() -> None:
    tested = cell([0.5, 1.0, 1.2], language="sw")
    alone = only(tested)
    found = gains([*tested, *cell([1.0, 2.0], language="th"), *cell([1.0], language="ur")], same_data=NEVER)
    assert {g.language: g.q for g in found} == {"sw": alone.q, "th": None, "ur": None}


# --- properties -------------------------------------------------------------------------------------------


@given(st.lists(differences_of, min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_the_order_of_the_input_does_not_matter(rows: list[list[float]], shuffler: random.Random) -> None:
    measurements = [m for i, row in enumerate(rows) for m in cell(row, language=f"l{i}", run=i)]
    shuffled = measurements[:]
    shuffler.shuffle(shuffled)
    assert gains(measurements, same_data=NEVER) == gains(shuffled, same_data=NEVER)
    assert gains(iter(shuffled), same_data=NEVER) == gains(shuffled, same_data=NEVER)


@given(st.lists(st.tuples(points, points), min_size=1, max_size=7))
def test_swapping_treated_and_baseline_turns_the_sign(pairs: list[tuple[float, float]]) -> None:
    measurements = [score(b, seed=i) for i, (b, _) in enumerate(pairs)]
    measurements += [score(a, seed=i, recipe="mnli") for i, (_, a) in enumerate(pairs)]
    up, down = only(measurements), only(measurements, baseline="mnli")
    assert down.mean == -up.mean
    assert down.differences == tuple(-d for d in up.differences)
    assert (down.p_t, down.p_sign_flip, down.q, down.sd) == (up.p_t, up.p_sign_flip, up.q, up.sd)
    assert (down.low is None) == (up.high is None)
    if up.high is not None:
        assert down.low == pytest.approx(-up.high)
    opposite = {Verdict.HELPS: Verdict.HURTS, Verdict.HURTS: Verdict.HELPS}
    assert down.verdict is opposite.get(up.verdict, up.verdict)


@given(differences_of, st.integers(-40, 40), st.integers(-300, 300).map(lambda d: d / 100))
def test_shifting_both_changes_nothing_and_shifting_one_moves_the_mean(
    differences: list[float], both: int, one: float
) -> None:
    plain = only(cell(differences))
    shifted = only(cell(differences, base=50.0 + both))
    assert shifted.mean == pytest.approx(plain.mean, abs=1e-9)
    assert (shifted.p_sign_flip, shifted.verdict) == (plain.p_sign_flip, plain.verdict)
    assert shifted.baseline == pytest.approx(plain.baseline + both)
    moved = only(cell([d + one for d in differences]))
    assert moved.mean == pytest.approx(plain.mean + one, abs=1e-9)
    assert moved.sd == (None if plain.sd is None else pytest.approx(plain.sd, abs=1e-7))


@given(differences_of)
def test_a_cell_is_consistent(differences: list[float]) -> None:
    g = only(cell(differences))
    assert g.n == len(g.differences) == len(g.seeds) == len(g.runs) == len(g.baseline_runs)
    assert g.mean == pytest.approx(g.treated - g.baseline, abs=1e-9)
    if g.n < 3:
        assert g.verdict is Verdict.TOO_FEW
        return
    assert g.p_t is not None
    assert g.q is not None
    assert g.p_sign_flip is not None
    assert 0 <= g.p_t <= 1
    assert reachable(g.n) <= g.p_sign_flip <= 1
    expected = Verdict.NO_EVIDENCE
    if g.q < 0.05:
        expected = Verdict.HELPS if g.mean > 0 else Verdict.HURTS
    assert g.verdict is expected
    if g.low is not None and g.high is not None:
        assert g.low <= g.mean <= g.high
        if abs(g.p_t - 0.05) > 1e-6:  # the interval and the test say the same
            assert (g.p_t < 0.05) == (not g.low <= 0 <= g.high)
    else:
        assert g.sd == 0.0


@given(st.lists(st.tuples(points, points, points), min_size=1, max_size=8))
def test_three_seeds_below_significance_never_say_helps(rows: list[tuple[float, float, float]]) -> None:
    measurements = [m for i, row in enumerate(rows) for m in cell(row, base=0.0, language=f"l{i}")]
    for g in gains(measurements, same_data=NEVER):
        assert g.p_t is not None
        if g.p_t >= 0.05:
            assert g.verdict is Verdict.NO_EVIDENCE


# --- what seeds can show ------------------------------------------------------------------------------------


def test_reachable_is_the_p_of_all_signs_equal() -> None:
    assert [reachable(n) for n in range(1, 7)] == [1.0, 0.5, 0.25, 0.125, 0.0625, 0.03125]
    for n in range(1, 12):
        assert sign_flip([1.0 + 0.1 * i for i in range(n)]) == reachable(n)
    assert reachable(2000) == 0.0  # no overflow
    for wrong in (0, -1):
        with pytest.raises(ValueError, match=r"^n "):
            reachable(wrong)
        with pytest.raises(ValueError, match=r"^n "):
            what_seeds_can_show(wrong)


@pytest.mark.parametrize(
    ("n", "said"),
    [
        (1, "One seed shows a difference, not whether it is noise"),
        (2, "no test: verdicts start at 3 seeds"),
        (3, "3 seeds: paired t can reach p < .05; the exact sign-flip test cannot go below .25."),
        (3, "A gain of 3.3 times the spread between seeds would be found 4 times out of 5"),
        (5, "the exact sign-flip test cannot go below .0625. A gain of 1.7 times"),
        (6, "6 seeds: paired t can reach p < .05, and so can the exact sign-flip test (down to .03125)"),
        (10, "down to .001953)"),
        (20, "below .001"),
    ],
)
def test_what_seeds_can_show(n: int, said: str) -> None:
    assert said in what_seeds_can_show(n)
    assert what_seeds_can_show(n).endswith(".")


def test_the_sentence_is_true_of_the_test_it_speaks_of() -> None:
    for n in range(3, 12):
        can = "so can the exact sign-flip" in what_seeds_can_show(n)
        assert can == (sign_flip([1.0] * n) < 0.05)


# --- means --------------------------------------------------------------------------------------------------


def rows(*, target: str = "xnli", recipe: str = "mnli", **by_language: list[float]) -> list[Gain]:
    measurements = [
        m for code, row in by_language.items() for m in cell(row, language=code, target=target, recipe=recipe)
    ]
    return gains(measurements, same_data=lambda r, t: (r, t) in {("mnli", "xnli"), ("squad", "xquad")})


def test_mean_all_includes_english_and_mean_transfer_does_not() -> None:
    cells = rows(en=[4.0, 5.0, 6.0], sw=[1.0, 2.0, 3.0], th=[2.0, 2.5, 3.0])
    everything = mean_all(cells, ["en", "sw", "th", "ur"])
    transfer = mean_transfer(cells, ["en", "sw", "th", "ur"])
    assert everything.name == "mean_all"
    assert transfer.name == "mean_transfer"
    assert everything.value == pytest.approx((5 + 2 + 2.5) / 3)
    assert transfer.value == pytest.approx((2 + 2.5) / 2)
    assert (everything.k, everything.n, everything.languages) == (3, 4, ("en", "sw", "th"))
    assert (transfer.k, transfer.n, transfer.languages) == (2, 3, ("sw", "th"))
    assert everything.support == "3 of 4 languages"
    assert mean_over_languages(cells, ["en", "sw", "th", "ur"], include_english=False) == transfer


def test_the_interval_of_a_mean_is_over_seeds_of_the_language_means() -> None:
    cells = rows(sw=[1.0, 2.0, 3.0], th=[3.0, 2.0, 4.0])
    mean = mean_all(cells, ["sw", "th"])
    assert mean.seeds == (0, 1, 2)
    assert mean.per_seed == pytest.approx((2.0, 2.0, 3.5))
    expected = stats.ttest_1samp([2.0, 2.0, 3.5], 0).confidence_interval(0.95)
    assert (mean.low, mean.high) == pytest.approx((expected.low, expected.high))
    assert mean.value == pytest.approx(2.5)


def test_no_interval_where_cells_have_different_seeds_or_one_seed() -> None:
    uneven = mean_all(rows(sw=[1.0, 2.0, 3.0], th=[3.0, 2.0]), ["sw", "th"])
    assert (uneven.value, uneven.low, uneven.high, uneven.seeds) == (2.25, None, None, ())
    single = mean_all(rows(sw=[1.0], th=[3.0]), ["sw", "th"])
    assert (single.value, single.low, single.high, single.seeds) == (2.0, None, None, (0,))


def test_a_mean_over_nothing_has_no_value() -> None:
    mean = mean_all([], ["sw", "th"])
    assert (mean.value, mean.k, mean.n, mean.low, mean.languages) == (None, 0, 2, None, ())
    assert mean_transfer(rows(en=[1.0]), ["en"]).n == 0


def test_a_filter_by_language_changes_the_mean_and_unasked_languages_do_not() -> None:
    cells = rows(sw=[1.0], th=[3.0], ur=[8.0])
    assert mean_all(cells, ["sw", "th", "ur"]).value == 4.0
    assert mean_all(cells, ["th", "sw"]).value == 2.0
    assert mean_all(cells, ["th", "sw"]).languages == ("th", "sw")


def test_means_side_by_side_are_over_common_support() -> None:
    mnli = rows(recipe="mnli", sw=[1.0], th=[3.0], ur=[8.0])
    squad = rows(recipe="squad", sw=[2.0], th=[2.0])
    asked = ["ur", "th", "sw", "yo"]
    support = common_support([*mnli, *squad], asked)
    assert support == ("th", "sw")
    shown = [mean_all(row, asked, support=support) for row in (mnli, squad)]
    assert [m.value for m in shown] == [2.0, 2.0]
    assert [m.support for m in shown] == ["2 of 4 languages"] * 2
    assert common_support([], asked) == ()
    with pytest.raises(ValueError, match="one target"):
        common_support([*mnli, *rows(target="xquad", sw=[1.0])], asked)


def test_a_mean_refuses_to_mix() -> None:
    with pytest.raises(ValueError, match="one model, recipe"):
        mean_all([*rows(sw=[1.0]), *rows(recipe="squad", th=[1.0])], ["sw", "th"])
    twice = gains([*cell([1.0], settings="a"), *cell([2.0, 2.0], settings="b")], same_data=NEVER)
    with pytest.raises(ValueError, match="one_per_cell"):
        mean_all(twice, ["sw"])
    assert mean_all(one_per_cell(twice), ["sw"]).value == 2.0


def test_languages_are_averaged_before_targets() -> None:
    cells = [
        *rows(target="xquad", sw=[1.0, 2.0], th=[3.0, 4.0], ur=[5.0, 9.0]),
        *rows(target="xcopa", sw=[10.0, 12.0]),
    ]
    asked = {"xquad": ["sw", "th", "ur"], "xcopa": ["sw", "th"], "tydiqa": ["sw"]}
    mean = mean_over_targets(cells, asked, include_english=False)
    assert mean.value == pytest.approx((4.0 + 11.0) / 2)  # not the mean of the four cells
    assert (mean.k, mean.n, mean.targets, mean.left_out) == (2, 3, ("xquad", "xcopa"), ())
    assert mean.support == "2 of 3 targets"
    assert mean.means["xcopa"].support == "1 of 2 languages"
    assert mean.means["tydiqa"].value is None
    assert mean.seeds == (0, 1)
    assert mean.per_seed == pytest.approx((6.5, 8.5))
    expected = stats.ttest_1samp([6.5, 8.5], 0).confidence_interval(0.95)
    assert (mean.low, mean.high) == pytest.approx((expected.low, expected.high))


def test_same_data_twice_is_left_out_of_headline_means_unless_asked() -> None:
    cells = [*rows(target="xnli", sw=[10.0]), *rows(target="xcopa", sw=[2.0])]
    asked = {"xnli": ["sw"], "xcopa": ["sw"]}
    headline = mean_over_targets(cells, asked, include_english=True)
    assert (headline.value, headline.k, headline.n) == (2.0, 1, 1)
    assert headline.left_out == ("xnli",)
    assert headline.means["xnli"].value == 10.0  # still there to be shown, labelled
    with_it = mean_over_targets(cells, asked, include_english=True, include_same_data=True)
    assert (with_it.value, with_it.k, with_it.n, with_it.left_out) == (6.0, 2, 2, ())


def test_a_mean_over_targets_ignores_what_was_not_asked_and_refuses_to_mix() -> None:
    xcopa = rows(target="xcopa", sw=[2.0], th=[4.0])
    others = rows(target="xquad", recipe="squad", sw=[7.0])
    mean = mean_over_targets([*xcopa, *others], {"xcopa": ["sw", "th"]}, include_english=False)
    assert mean.value == 3.0
    thai = {"xcopa": ["th"]}
    narrowed = mean_over_targets(xcopa, {"xcopa": ["sw", "th"]}, include_english=False, support=thai)
    assert narrowed.value == 4.0
    assert mean_over_targets([], {"xcopa": ["sw"]}, include_english=False).value is None
    with pytest.raises(ValueError, match="one model and recipe"):
        mean_over_targets([*xcopa, *others], {"xcopa": ["sw"], "xquad": ["sw"]}, include_english=False)
    f1 = gains(cell([1.0], target="xcopa", metric="f1", language="ur"), same_data=NEVER)
    with pytest.raises(ValueError, match="metric"):
        mean_over_targets([*xcopa, *f1], {"xcopa": ["sw"]}, include_english=False)


# --- the module itself ----------------------------------------------------------------------------------


def test_words() -> None:
    assert [str(v) for v in Verdict] == ["helps", "hurts", "no evidence", "too few seeds"]
    assert [str(m) for m in Missing] == ["not_applicable", "not_run", "failed", "withheld"]


def test_only_the_standard_library_is_imported() -> None:
    """Beside two modules of our own that import nothing else either: languages, and which metrics are better lower."""
    assert _outside(module.__file__) == {"backend.domain.language", "backend.domain.metrics.checklist"}
    assert _outside(checklist.__file__) == set()


def _outside(path: str) -> set[str]:
    tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
    return {name for name in imported if name.split(".")[0] not in sys.stdlib_module_names}
