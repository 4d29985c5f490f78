"""Missing cells put together into the fewest products that hold nothing but missing cells."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backend.domain.gains import Missing
from dashboard import draft, untried
from dashboard.draft import BLANK, Draft
from dashboard.untried import Gap, gaps


def test_each_kind_of_missing_counts_for_what_it_is(matrix: Callable[..., Any], cell: Callable[..., Any]):
    under_way = cell("c", "de", None, why_missing="run 7 is queued")
    rows = {
        "a": {"en": 1.0, "de": 1.0},
        "b": {"en": None, "de": None},  # nothing of it
        "c": {"en": 1.0, "de": under_way},
        "d": {"en": cell("d", "en", None, missing=Missing.FAILED), "de": cell("d", "de", None, missing=Missing.FAILED)},
        "e": {"en": 1.0, "de": None},  # a language
        "f": {"en": cell("f", "en", None, missing=Missing.NOT_APPLICABLE), "de": cell("f", "de", None, missing=Missing.NOT_APPLICABLE)},
    }  # fmt: skip
    found = gaps([matrix(rows)], ["a", "b", "c", "d", "e", "f", "g"])
    assert found == [
        Gap(("mini-2",), ("b", "g"), ("xnli",)),
        Gap(("mini-2",), ("e",), ("xnli",), ("en", "de")),  # English too, which a mean of all needs
    ]


def test_equal_gaps_of_several_matrices_are_one_product(matrix: Callable[..., Any]):
    known = {"a": {"en": 1.0}}
    some = [
        matrix(known, model=model, target=target)
        for model, target in (("m1", "xnli"), ("m1", "xcopa"), ("m2", "xnli"), ("m2", "xcopa"), ("m3", "xnli"))
    ]
    found = gaps(some, ["a", "b", "c"])
    assert found == [Gap(("m1", "m2"), ("b", "c"), ("xnli", "xcopa")), Gap(("m3",), ("b", "c"), ("xnli",))]
    assert [g.rows for g in found] == [8, 2]


def test_its_form_keeps_what_it_does_not_say():
    shown = Draft({**BLANK, "name": "Old", "seeds": "4", "models": "x", "lora_rank": "8"}, fill=True)
    filled = untried.form(Gap(("m1",), ("a@steps=4,epochs=1",), ("t",), ("en", "de")), shown)
    said = {
        "models": "m1",
        "recipes": "a@steps=4;epochs=1",
        "targets": "t",
        "languages": "en,de",
        "seeds": "4",
        "lora_rank": "8",
    }
    assert filled.said == {**BLANK, **said}
    assert draft.read(filled.address.partition("?")[2]) == filled
