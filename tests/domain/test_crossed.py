"""Means over languages beside each other, against numbers worked out by hand."""

from __future__ import annotations

import pytest

from backend.domain.crossed import mean_gains, mean_over_columns
from backend.domain.gains import Measurement, Verdict, benjamini_hochberg, gains, one_per_cell, paired_t


def measured(scores):
    """Recipe, target, language → one score a seed; all of one model and metric."""
    return [
        Measurement("m", recipe, target, language, "accuracy", seed, value, 100, "s", run=1000 * i + seed)
        for i, ((recipe, target, language), values) in enumerate(scores.items())
        for seed, value in enumerate(values)
    ]


def found(scores, **languages):
    every = one_per_cell(gains(measured(scores), same_data=lambda recipe, target: False))
    return mean_gains(every, languages)


BASE = (50.0, 50.0, 50.0)
SCORES = {
    ("none", "x", "en"): BASE, ("none", "x", "de"): BASE, ("none", "x", "sw"): BASE, ("none", "y", "de"): BASE,
    ("a", "x", "en"): (60.0, 60.0, 60.0), ("a", "x", "de"): (51.0, 52.0, 53.0), ("a", "x", "sw"): (53.0, 54.0, 56.0),
    ("b", "x", "en"): (50.0, 50.0, 50.0), ("b", "x", "de"): (49.0, 50.0, 51.0),
    ("a", "y", "de"): (55.0, 55.5, 56.5),
}  # fmt: skip


def test_a_mean_is_over_the_languages_that_every_recipe_has_and_leaves_english_out():
    means = found(SCORES, x=["en", "de", "sw"], y=["de"])
    assert {key: m.mean.value for key, m in means.items()} == {
        ("a", "x"): pytest.approx(2.0), ("b", "x"): pytest.approx(0.0), ("a", "y"): pytest.approx(17 / 3),
    }  # fmt: skip
    assert means["a", "x"].mean.support == "1 of 2 languages"  # b has no Swahili, so a's is not in its mean either
    assert (means["a", "x"].treated, means["a", "x"].baseline) == (52.0, 50.0)


def test_english_alone_can_be_asked_for():
    means = found(SCORES, x=["en"])
    assert means["a", "x"].mean.value == pytest.approx(10.0)


def test_q_is_over_all_means_of_the_matrix():
    means = found(SCORES, x=["en", "de", "sw"], y=["de"])
    keys = [("a", "x"), ("b", "x"), ("a", "y")]
    p = [paired_t(d).p for d in ((1.0, 2.0, 3.0), (-1.0, 0.0, 1.0), (5.0, 5.5, 6.5))]
    assert [means[k].p_t for k in keys] == pytest.approx(p)
    assert [means[k].q for k in keys] == pytest.approx(benjamini_hochberg(p))
    assert means["a", "y"].verdict is Verdict.HELPS
    assert means["b", "x"].verdict is Verdict.NO_EVIDENCE


def test_without_common_seeds_a_mean_has_no_test():
    scores = {**SCORES, ("b", "x", "sw"): (50.0, 50.0, 50.0), ("a", "x", "sw"): (53.0, 54.0)}
    mean = found(scores, x=["de", "sw"])["a", "x"]
    assert mean.mean.value == pytest.approx((2.0 + 3.5) / 2)
    assert (mean.q, mean.verdict, mean.mean.low) == (None, None, None)


def test_two_seeds_are_too_few():
    two = {key: values[:2] for key, values in SCORES.items()}
    assert found(two, y=["de"])["a", "y"].verdict is Verdict.TOO_FEW


def test_a_mean_over_columns_is_over_those_that_all_rows_have():
    values = {"a": {"x": 1.0, "y": 3.0, "z": 50.0}, "b": {"x": 2.0, "y": -1.0}, "c": {}}
    assert mean_over_columns(values, ["x", "y", "z"]) == {"a": (2.0, 2), "b": (0.5, 2), "c": (None, 0)}
