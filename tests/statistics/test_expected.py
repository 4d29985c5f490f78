"""What to expect of a cell that nobody has run: by hand, and where there is nothing to be learnt."""

from __future__ import annotations

import random

import pytest

from backend.statistics.expected import OTHER_LANGUAGES, Row, expect, likeness

FAMILIES = {"de": "Indo-European", "en": "Indo-European", "sw": "Niger-Congo"}


def row(model="a", recipe="mnli", target="xnli", *, size=1e6, family="mini", format="classification"):
    return Row(model, recipe, target, family, size, frozenset({recipe}), format)


def test_likeness_falls_with_size_family_tasks_and_target():
    one = row()
    assert likeness(one, one) == 1.0
    assert likeness(one, row("b", size=10**6.5)) == pytest.approx(2.718281828**-1)
    assert likeness(one, row("b", family="bert")) == 0.5
    assert likeness(one, row(recipe="squad")) == pytest.approx(0.2)
    assert likeness(one, row(target="pawsx")) == 0.5
    assert likeness(one, row(target="xquad", format="span")) == pytest.approx(0.2)


def test_an_expectation_is_the_weighted_mean_of_other_rows():
    """Four rows of one language, of which two are alike in all but the model's name and two are ten times as large."""
    near, far = [row("b"), row("c")], [row("d", size=1e7), row("e", size=1e7)]
    gains = {near[0]: {"de": 2.0}, near[1]: {"de": 4.0}, far[0]: {"de": 0.0}, far[1]: {"de": 0.0}}
    gains = {r: {**g, **{f"x{i}": 0.0 for i in range(2)}} for r, g in gains.items()}
    wanted = row("new")
    found, judged = expect(gains, [(wanted, "de")], FAMILIES)
    w = 2.718281828459045**-2
    other = 2 * OTHER_LANGUAGES * (2 + 2 * w)  # the two languages in which everything is 0
    expected = 6.0 / (2 + 2 * w + other)
    assert found[wanted, "de"].gain == pytest.approx(expected)
    assert [n.model for n, _ in found[wanted, "de"].neighbours[:2]] == ["b", "c"]
    assert (judged.rows, judged.cells) == (4, 12)
    assert found[wanted, "de"].low < expected < found[wanted, "de"].high


def test_what_a_row_itself_found_is_not_used_for_it():
    gains = {row(m): {"de": 1.0, "sw": 1.0, "en": 1.0} for m in "abcde"}
    before, _ = expect(gains, [(row("a"), "sw")], FAMILIES)
    gains[row("a")] = {"de": 50.0, "en": 50.0}
    after, _ = expect(gains, [(row("a"), "sw")], FAMILIES)
    assert before[row("a"), "sw"].gain == after[row("a"), "sw"].gain == pytest.approx(1.0)


def grid(gain):
    rows = [
        row(f"m{s}", recipe, target, size=10.0**s)
        for s in (5, 6, 7)
        for recipe in ("mnli", "squad", "siqa")
        for target in ("xnli", "pawsx")
    ]
    return {r: {code: gain(r, code) for code in FAMILIES} for r in rows}


def test_where_gains_follow_the_recipe_neighbours_are_better_than_the_mean():
    of = {"mnli": 3.0, "squad": 0.0, "siqa": -2.0}
    _, judged = expect(grid(lambda r, code: of[r.recipe]), [], FAMILIES)
    assert judged.better
    assert judged.error < 0.75 * judged.error_of_mean
    assert "not better" not in judged.said()


def test_where_there_is_nothing_to_be_learnt_it_says_so():
    worse = 0
    for seed in range(20):
        noise = random.Random(seed)
        _, judged = expect(grid(lambda r, code: noise.gauss(0, 1)), [], FAMILIES)  # noqa: B023
        worse += not judged.better
        assert ("It is not better than the mean." in judged.said()) is not judged.better
    assert worse >= 15


def test_too_little_expects_nothing():
    assert expect({row("a"): {"de": 1.0}}, [(row("b"), "de")], FAMILIES) is None
