"""Means of one language and which languages are near, against numbers worked out by hand."""

from __future__ import annotations

import pytest

from backend.domain.by_language import mean_of_language, shared_recipes
from backend.domain.gains import Gain, Measurement, gains
from backend.domain.kinship import nearest


def measured(cells: dict[tuple[str, str, str], list[float]]) -> list[Gain]:
    """Recipe, target, language → the gain of each seed from 0 on, over a baseline of 50."""
    found, run = [], 0
    for recipe, target, language in cells:
        for seed, gain in enumerate(cells[recipe, target, language]):
            for name, value in ((recipe, 50.0 + gain), ("none", 50.0)):
                run += 1
                found.append(Measurement("m", name, target, language, "accuracy", seed, value, 100, "s", run))
    once = {(m.recipe, m.target, m.language, m.seed): m for m in found}  # a baseline is there once
    return gains(once.values(), same_data=lambda recipe, target: False)


def of(language: str, every: list[Gain]) -> list[Gain]:
    return [g for g in every if g.language == language]


def test_recipes_first_then_targets():
    every = measured(
        {
            ("mnli", "xnli", "sw"): [1.0, 2.0, 3.0],
            ("squad", "xnli", "sw"): [3.0, 4.0, 5.0],
            ("mnli", "tatoeba", "sw"): [6.0, 9.0, 12.0],
        }
    )
    mean = mean_of_language(every, shared_recipes(every))
    # XNLI: (2 + 4) / 2 = 3; Tatoeba: 9; both targets weigh the same: 6
    assert mean.value == pytest.approx(6.0)
    assert (mean.targets, mean.cells, mean.seeds) == (("tatoeba", "xnli"), 3, 3)
    # by seed: (2 + 6) / 2, (3 + 9) / 2, (4 + 12) / 2 = 4, 6, 8: sd 2, t₀.₉₇₅ of two degrees of freedom 4.302653
    assert (mean.low, mean.high) == (pytest.approx(6 - 4.302653 * 2 / 3**0.5), pytest.approx(6 + 4.302653 * 2 / 3**0.5))


def test_a_recipe_that_lacks_a_language_moves_no_mean():
    """Else Swahili would look better than German for having been given the better recipe."""
    every = measured(
        {
            ("mnli", "xnli", "sw"): [1.0, 1.0],
            ("mnli", "xnli", "de"): [2.0, 2.0],
            ("squad", "xnli", "sw"): [9.0, 9.0],
        }
    )
    shared = shared_recipes(every)
    assert shared == {"xnli": frozenset({"mnli"})}
    assert mean_of_language(of("sw", every), shared).value == pytest.approx(1.0)
    assert mean_of_language(of("de", every), shared).value == pytest.approx(2.0)


def test_no_recipe_in_common_is_no_mean_and_never_zero():
    every = measured({("mnli", "xnli", "sw"): [1.0, 1.0], ("squad", "xnli", "de"): [2.0, 2.0]})
    mean = mean_of_language(of("sw", every), shared_recipes(every))
    assert (mean.value, mean.targets, mean.cells) == (None, (), 0)


def test_cells_of_other_seeds_have_a_mean_and_no_interval():
    every = measured({("mnli", "xnli", "sw"): [1.0, 2.0, 3.0], ("squad", "xnli", "sw"): [4.0, 4.5]})
    mean = mean_of_language(every, shared_recipes(every))
    assert (mean.value, mean.low, mean.high, mean.seeds) == (pytest.approx((2 + 4.25) / 2), None, None, 0)


def test_a_mean_is_of_one_language():
    every = measured({("mnli", "xnli", "sw"): [1.0], ("mnli", "xnli", "de"): [1.0]})
    with pytest.raises(ValueError, match="one model and language"):
        mean_of_language(every, shared_recipes(every))


def test_branch_before_family_before_script():
    assert [(n.code, n.shares[0].partition(" ")[0]) for n in nearest("az")] == [
        ("tr", "branch"),  # Oghuz, both in Latin script
        ("kk", "family"),  # Turkic
    ]
    assert [n.code for n in nearest("hi")][:2] == ["mr", "bn"]  # one branch; Marathi is in Devanagari too
    assert [n.code for n in nearest("ur")][-1] != "ar"  # six are nearer by branch


def test_latin_script_alone_makes_nobody_near_unless_nothing_else_is_shared():
    assert {n.code for n in nearest("id")} == {"ms", "jv", "tl"}  # Austronesian, and not English
    alone = nearest("vi")  # nobody else is Austroasiatic
    assert len(alone) == 6
    assert {n.shares for n in alone} == {("script Latin",)}
    assert nearest("th") == ()  # neither family nor script is shared with anybody


def test_only_among_those_that_are_looked_at():
    assert [n.code for n in nearest("sw", ["wo", "de"])] == ["wo"]
