"""Relative gain, gap to English, won and lost: by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats  # type: ignore[import-untyped]

from backend.domain.gains import Gain, Measurement, gains
from backend.statistics.measures import f1_of_counts
from backend.statistics.table import Counted, Table, table
from backend.statistics.transfer import Record, record_of_cells, record_of_units, relative_gain, zero_shot_gap

TableOf = Callable[..., Table]


def test_relative_gain_by_hand():
    """From 50 to 60 is a fifth more; of an error rate from 40 to 30 a quarter of the errors is gone."""
    assert relative_gain(60.0, 50.0) == pytest.approx(20.0)
    assert relative_gain(40.0, 50.0) == pytest.approx(-20.0)
    assert relative_gain(30.0, 40.0, lower_is_better=True) == pytest.approx(25.0)


@pytest.mark.parametrize(("treated", "baseline"), [(1.0, 0.0), (1.0, -1.0), (math.nan, 50.0), (50.0, math.inf)])
def test_there_is_nothing_to_be_relative_to(treated: float, baseline: float):
    with pytest.raises(ValueError, match="baseline above zero|finite"):
        relative_gain(treated, baseline)


# --- the gap to English ---------------------------------------------------------------------------------------------------


def cells(scores: dict[str, list[tuple[int, float, float]]]) -> dict[str, Gain]:
    """Language → (seed, without, with)."""
    measured = []
    for code, of in scores.items():
        for seed, without, treated in of:
            for recipe, value in (("none", without), ("mnli", treated)):
                measured.append(Measurement("m", recipe, "xnli", code, "accuracy", seed, value, 100, "s", seed))
    return {g.language: g for g in gains(measured, same_data=lambda recipe, target: False)}


def test_a_gap_by_hand():
    """Gaps without 30, 32, 31, with 33, 34, 35: changes 3, 2, 4, mean 3 and sd 1."""
    found = cells({
        "en": [(0, 80.0, 84.0), (1, 82.0, 86.0), (2, 81.0, 86.0)],
        "sw": [(0, 50.0, 51.0), (1, 50.0, 52.0), (2, 50.0, 51.0)],
    })  # fmt: skip
    gap = zero_shot_gap(found["en"], found["sw"])
    assert gap is not None
    assert (gap.without, gap.treated, gap.seeds) == (pytest.approx(31.0), pytest.approx(34.0), (0, 1, 2))
    assert gap.change.mean == pytest.approx(3.0)
    # the change of the gap is the English gain less the language's own
    assert gap.change.mean == pytest.approx(found["en"].mean - found["sw"].mean)
    low, high = stats.t.interval(0.95, 2, loc=3.0, scale=1 / math.sqrt(3))
    assert (gap.change.low, gap.change.high) == (pytest.approx(low), pytest.approx(high))


def test_a_gap_is_over_the_seeds_that_both_have():
    """Seed 1 lacks in English: with it the gap without would be 25 and not 30."""
    found = cells({"en": [(0, 80.0, 84.0), (2, 80.0, 84.0)], "sw": [(0, 50.0, 50.0), (1, 90.0, 90.0), (2, 50.0, 50.0)]})
    gap = zero_shot_gap(found["en"], found["sw"])
    assert gap is not None and (gap.without, gap.seeds) == (30.0, (0, 2))
    apart = cells({"en": [(0, 80.0, 84.0)], "sw": [(1, 50.0, 50.0)]})
    assert zero_shot_gap(apart["en"], apart["sw"]) is None


def test_a_gap_is_of_one_model_and_recipe():
    found = cells({"en": [(0, 80.0, 84.0)], "sw": [(0, 50.0, 50.0)]})
    with pytest.raises(ValueError, match="one model, recipe"):
        zero_shot_gap(found["en"], replace(found["sw"], settings="other"))


# --- won, tied, lost ------------------------------------------------------------------------------------------------------


def test_units_are_won_on_the_mean_over_seeds(table_of: TableOf):
    """Four examples, two seeds: up twice; up and down by as much; down once; and never different."""
    made = table_of([[100, 100, 0, 100], [100, 0, 0, 100]], [[0, 0, 0, 100], [0, 100, 100, 100]])
    assert record_of_units(made) == Record(won=1, tied=2, lost=1)
    assert record_of_units(made, lower_is_better=True) == Record(won=1, tied=2, lost=1)
    worse = table_of([[0, 0, 100]], [[100, 100, 0]])
    assert (record_of_units(worse), record_of_units(worse, lower_is_better=True)) == (Record(1, 0, 2), Record(2, 0, 1))


def test_examples_of_one_paragraph_are_one_unit(table_of: TableOf):
    made = table_of([[100, 0, 0]], [[0, 100, 100]], units=["p", "p", "q"])
    assert record_of_units(made) == Record(won=0, tied=1, lost=1)


def test_a_language_without_a_unit_adds_nothing_to_it():
    """A unit that one language alone has is won by that language, and is not pulled to a tie by the other's silence."""

    def counts(names: list[str], right: list[float]) -> Counted:
        return Counted(names, names, np.array([[r, 2.0, 2.0] for r in right]))

    both = {
        "sw": [(counts(["a", "b"], [2, 0]), counts(["a", "b"], [0, 0]))],
        "de": [(counts(["b"], [0]), counts(["b"], [1]))],
    }
    made = table(f1_of_counts, both)
    assert record_of_units(made) == Record(won=1, tied=0, lost=1)


def test_cells_that_are_missing_are_no_ties():
    """Verdicts of five seeds, a tie, and one that has too few to say; a cell without a gain is not among them at all."""
    up, down = [2.0, 2.1, 1.9, 2.05, 1.95], [-2.0, -2.1, -1.9, -2.05, -1.95]
    wild, few = [3.0, -3.0, 1.0, -1.0, 0.1], [5.0]
    found = cells({
        code: [(seed, 50.0, 50.0 + d) for seed, d in enumerate(of)]
        for code, of in {"de": up, "tr": down, "sw": wild, "ta": few}.items()
    })  # fmt: skip
    assert record_of_cells(found.values()) == (Record(won=1, tied=1, lost=1), 1)
    assert record_of_cells([]) == (Record(0, 0, 0), 0)
