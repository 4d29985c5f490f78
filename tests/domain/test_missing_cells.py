"""A mean never hides a missing cell: over whatever is missing, each equals the mean over the support that it states, or is absent.

What is right is worked out here from the scores, without the code that is tested.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.domain.gains import Measurement, Missing, common_support, gains, mean_over_targets, one_per_cell
from backend.domain.matrices import About, matrix_of
from backend.domain.schemas import GainMatrix
from backend.domain.selection import select

RECIPES = ("none", "a", "b", "c")
LANGUAGES = ("en", "de", "sw", "tr", "ta")
SEEDS = (0, 1, 2)
Scores = Mapping[tuple[str, int, str], float]  # recipe, seed, language → points

holes = st.tuples(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.1, 0.3, 0.6]), st.sampled_from([0.0, 0.2, 0.5]))


def drawn(seed: int, cells: float, runs: float, *, languages: Sequence[str] = LANGUAGES) -> Scores:
    """Scores with holes: ``cells`` of them lack one by one, ``runs`` of the runs in all languages at once."""
    rng = random.Random(seed)
    found = {}
    for recipe, number in itertools.product(RECIPES, SEEDS):
        lost = rng.random() < runs
        for code in languages:
            value = rng.uniform(20, 80)
            if not lost and rng.random() >= cells:
                found[recipe, number, code] = value
    return found


def measurements(scores: Scores, target: str = "xnli") -> list[Measurement]:
    return [
        Measurement("m", recipe, target, code, "accuracy", seed, value, 100, "s", RECIPES.index(recipe) * 10 + seed)
        for (recipe, seed, code), value in scores.items()
    ]


def cell(scores: Scores, recipe: str, code: str) -> float | None:
    """The gain, over the seeds that have both scores."""
    both = [s for s in SEEDS if (recipe, s, code) in scores and ("none", s, code) in scores]
    return sum(scores[recipe, s, code] - scores["none", s, code] for s in both) / len(both) if both else None


def right(scores: Scores, recipe: str, shown: Sequence[str], *, common: bool = True) -> tuple[Any, Any, int, int]:
    """Mean with English, mean without, k and n."""
    has = {r: {c for c in LANGUAGES if cell(scores, r, c) is not None} for r in RECIPES[1:]}
    some = [languages for languages in has.values() if languages]
    support = set.intersection(*some) if common and some else set(LANGUAGES)
    used = [c for c in shown if c in support and c in has[recipe]]
    away = [c for c in used if c != "en"]

    def mean(codes: Sequence[str]) -> Any:
        values = [cell(scores, recipe, c) for c in codes]
        return pytest.approx(sum(v for v in values if v is not None) / len(values)) if values else None

    return mean(used) if "en" in used else None, mean(away), len(away), sum(c != "en" for c in shown)


def matrix(scores: Scores, *, common: bool = True) -> GainMatrix:
    return matrix_of(
        measurements(scores), About("m", "xnli", "accuracy", "a test"), languages=LANGUAGES, recipes=RECIPES[1:], titles={},
        baseline="none", same_data=lambda recipe, target: False, missing=lambda recipe, code: (Missing.NOT_RUN, "not there"),
        examples=True, common=common,
    )  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(holes, st.booleans(), st.sets(st.sampled_from(LANGUAGES)))
def test_a_row_is_the_mean_over_the_languages_that_it_states(
    how: tuple[int, float, float], common: bool, chosen: set[str]
) -> None:
    """Of imported and published matrices, and of any matrix looked at in some of its languages."""
    scores = drawn(*how)
    found = matrix(scores, common=common)
    for row in found.recipes:
        assert (row.mean_all, row.mean_transfer, row.k, row.n) == right(scores, row.recipe, LANGUAGES, common=common)
    assert {(c.recipe, c.language): c.gain for c in found.cells} == {
        (r, c): None if (v := cell(scores, r, c)) is None else pytest.approx(v) for r in RECIPES[1:] for c in LANGUAGES
    }
    narrow = select(found, chosen)
    shown = [c for c in LANGUAGES if c in chosen]
    for row in narrow.recipes:
        assert (row.mean_all, row.mean_transfer, row.k, row.n) == right(scores, row.recipe, shown)


@settings(max_examples=20, deadline=None)
@given(holes, holes, st.booleans())
def test_a_mean_over_targets_is_over_those_that_it_states(
    first: tuple[int, float, float], second: tuple[int, float, float], english: bool
) -> None:
    of = {"xnli": drawn(*first), "xcopa": drawn(*second, languages=LANGUAGES[1:])}
    asked = {"xnli": LANGUAGES, "xcopa": LANGUAGES[1:], "udpos": ("de", "sw")}  # the last has no score at all
    every = one_per_cell(
        gains([m for t, s in of.items() for m in measurements(s, t)], same_data=lambda recipe, target: False)
    )
    support = {t: common_support([g for g in every if g.target == t], asked[t]) for t in of}
    for recipe in RECIPES[1:]:
        own = [g for g in every if g.recipe == recipe]
        found = mean_over_targets(own, asked, include_english=english, support=support)
        each = {}
        for target, scores in of.items():
            used = [v for c in support[target] if (english or c != "en") and (v := cell(scores, recipe, c)) is not None]
            if used:
                each[target] = sum(used) / len(used)
        assert (found.k, found.n) == (len(each), 3) and set(found.targets) == set(each)
        assert found.value == (pytest.approx(sum(each.values()) / len(each)) if each else None)
        assert found.means["udpos"].value is None and found.means["udpos"].k == 0


def test_scores_under_two_settings_are_in_no_mean_together() -> None:
    """A cell without a gain shows a score of one setting: of 40 and 60 under one and 90 under another, 50 and not 63."""
    scores = [
        Measurement("m", "a", "xnli", "sw", "accuracy", seed, value, 100, of, 10 + seed)
        for seed, value, of in ((0, 40.0, "s"), (1, 60.0, "s"), (0, 90.0, "t"))
    ]
    found = matrix_of(
        scores, About("m", "xnli", "accuracy", "a test"), languages=["sw"], recipes=["a"], titles={}, baseline="none",
        same_data=lambda recipe, target: False, missing=lambda recipe, code: (Missing.NOT_RUN, ""), examples=True,
    )  # fmt: skip
    (only,) = found.cells
    assert (only.gain, only.treated) == (None, 50.0)


def test_without_english_there_is_no_mean_with_english() -> None:
    """English failed for one recipe: no mean of that name is left, though the languages that are left have one."""
    scores = {(r, s, c): 50.0 + s for r in RECIPES for s in SEEDS for c in LANGUAGES}
    assert [row.mean_all for row in matrix(scores).recipes] == [0.0] * 3
    lost = {key: v for key, v in scores.items() if key[0] != "b" or key[2] != "en"}
    assert [(row.mean_all, row.mean_transfer, row.k) for row in matrix(lost).recipes] == [(None, 0.0, 4)] * 3
