"""What tells things apart, what stands for one, and who is not told apart: small cases by hand."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from backend.domain.comparison import Thing, differing, flat, letters, settings_of
from backend.domain.gains import Measurement, gains, one_per_cell


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("12", (12, "", "", "", None)),
        ("mini-2/mnli/xnli", (None, "mini-2", "mnli", "xnli", None)),
        ("mini-2/siqa>copa@steps=4,cap=2/xcopa/sw", (None, "mini-2", "siqa>copa@steps=4,cap=2", "xcopa", "sw")),
    ],
)
def test_a_thing_is_read_as_it_is_written(text: str, what: tuple[object, ...]):
    found = Thing.read(text)
    assert found is not None
    assert (found.run, found.model, found.recipe, found.target, found.language) == what


@pytest.mark.parametrize(
    "text", ["", "0", "-1", "1" * 19, "mini-2", "mini-2/mnli", "a/b/c/d/e", "a/b c/d", "a/b/c/", "١", "a/b/c\n"]
)
def test_what_names_nothing_is_no_thing(text: str):
    assert Thing.read(text) is None


def test_only_what_is_the_same_everywhere_is_equal():
    found = differing(
        [
            {("Result", "model"): "m", ("Fine-tune", "steps"): "10", ("Intermediate", "steps"): "5"},
            {("Result", "model"): "m", ("Fine-tune", "steps"): "20", ("Intermediate", "steps"): "5"},
            {("Result", "model"): "m", ("Fine-tune", "rate"): "0.1"},
        ]
    )
    assert [(f.stage, f.name, f.values, f.equal) for f in found] == [
        ("Result", "model", ["m", "m", "m"], True),
        ("Fine-tune", "steps", ["10", "20", None], False),
        ("Fine-tune", "rate", [None, None, "0.1"], False),
        ("Intermediate", "steps", ["5", "5", None], True),  # the third has no such stage: that is another fact
    ]


def test_leaves_have_the_names_of_the_way_to_them():
    said = {"training": {"steps": 3, "rate": None}, "languages": ["en", "sw"], "rows": [{"a": 1}, {"a": 2}], "seed": 0}
    assert flat(said, skip=frozenset({"seed"})) == {
        "training steps": "3", "languages": "en, sw", "rows 1 a": "1", "rows 2 a": "2",
    }  # fmt: skip
    assert flat({"a": "x" * 10}, longest=5) == {"a": "xxxx…"}


def test_things_that_are_not_told_apart_share_a_letter():
    # 0 and 1 are alike, 1 and 2 are, 0 and 2 are not; 3 is apart from all and the best
    alike = {(0, 1): True, (1, 2): True, (0, 2): False, (0, 3): False, (1, 3): False, (2, 3): False}
    assert letters([2.0, 1.0, 0.0, 9.0], alike) == ["b", "bc", "c", "a"]
    assert letters([1.0, 1.0], {(0, 1): True}) == ["a", "a"]
    assert letters([0.0, 1.0], {(0, 1): False}) == ["b", "a"]


def scored(settings: str, seeds: Sequence[int | None], *, run: int, recipe: str = "mnli") -> list[Measurement]:
    """A score in English for each seed, by runs from this number on."""
    return [
        Measurement("mini-2", recipe, "xnli", "en", "accuracy", seed, 50.0, 100, settings, run + place)
        for place, seed in enumerate(seeds)
    ]


@pytest.mark.parametrize(
    ("things", "chosen"),
    [
        # the second has more seeds and later runs under b, of which one can be paired
        ([[*scored("a", [0, 1, 2], run=1), *scored("b", [0], run=4)], [*scored("a", [0, 1, 2], run=5), *scored("b", [0, 1, 2, 3], run=8)]], ["a", "a"]),
        # as many under either: the latest run
        ([[*scored("a", [0, 1], run=7), *scored("b", [0, 1], run=1)], [*scored("a", [0, 1], run=3), *scored("b", [0, 1], run=5)]], ["b", "b"]),
        # the same settings and no seed in common are nothing in common
        ([[*scored("a", [0, 1], run=1), *scored("b", [5], run=3)], [*scored("a", [2, 3, 4], run=4), *scored("b", [5], run=8)]], ["b", "b"]),
        # what has no seed is of every seed
        ([scored("a", [None], run=1), [*scored("a", [0], run=2), *scored("b", [0, 1], run=3)]], ["a", "a"]),
        # nothing in common: each as it is best known
        ([scored("a", [0], run=1), [*scored("b", [0], run=2), *scored("c", [0, 1], run=3)]], ["a", "c"]),
        # of three the settings under which all can be paired, for all the seeds of two
        ([[*scored("a", [0, 1, 2], run=1), *scored("b", [0], run=4)], [*scored("a", [0, 1, 2], run=5), *scored("b", [0], run=8)], scored("b", [0], run=9)], ["b", "b", "b"]),
        ([[], scored("a", [0], run=1)], [None, "a"]),
        ([], []),
    ],
)  # fmt: skip
def test_things_are_shown_under_settings_that_they_have_in_common(things: list[list[Measurement]], chosen: list[str]):
    assert settings_of(things) == chosen


def test_two_recipes_are_shown_under_the_settings_of_the_gain_that_a_matrix_shows():
    none = [*scored("a", [0, 1, 2], run=1, recipe="none"), *scored("b", [0, 1, 4, 5], run=4, recipe="none")]
    mnli = [*scored("b", [0, 1, 6, 7, 8], run=8), *scored("a", [0, 1, 2], run=20)]
    (shown,) = one_per_cell(gains([*none, *mnli], same_data=lambda recipe, target: False))
    assert settings_of([none, mnli]) == [shown.settings, shown.settings] == ["a", "a"]
