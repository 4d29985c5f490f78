"""Means over groups of languages, worked out by hand."""

from __future__ import annotations

import pytest

from backend.domain.gains import Missing, Verdict
from backend.domain.grouped import by_group
from backend.domain.schemas import GainCell


def cell(
    language: str, *differences: float, missing: Missing | None = None, seeds: tuple[int, ...] | None = None
) -> GainCell:
    known = differences and missing is None
    mean = sum(differences) / len(differences) if known else None
    return GainCell(
        recipe="a", language=language, missing=missing, why_missing=None, gain=mean, low=None, high=None, sd=None, baseline=None,
        treated=None, n=len(differences), seeds=list(seeds or range(len(differences))), differences=list(differences), p_t=None,
        p_sign_flip=None, q=None, detectable=None, verdict=Verdict.NO_EVIDENCE if known else None, examples=None, runs=[],
        baseline_runs=[],
    )  # fmt: skip


CELLS = [
    cell("en", 9.0, 9.0, 9.0), cell("de", 1.0, 2.0, 3.0), cell("nl", 3.0, 4.0, 5.0), cell("tr", 5.0, 5.0, 8.0),
    cell("kk", missing=Missing.FAILED), cell("sw", missing=Missing.NOT_APPLICABLE), cell("yo", missing=Missing.NOT_RUN),
]  # fmt: skip
FAMILY = {"en": "G", "de": "G", "nl": "G", "tr": "T", "kk": "T", "sw": "B", "yo": "B"}


def test_means_leave_english_out_and_say_over_how_many_they_are():
    turkic, germanic, niger = by_group(CELLS, FAMILY.__getitem__)
    assert (turkic.name, turkic.value, turkic.languages, turkic.n) == ("T", 6.0, ("tr",), 2)
    assert (germanic.name, germanic.value, germanic.languages, germanic.n) == ("G", 3.0, ("de", "nl"), 2)
    assert (niger.name, niger.value, niger.k, niger.n) == ("B", None, 0, 1)
    # seeds 2, 3, 4: sd 1, t with two degrees of freedom 4.302653
    assert germanic.low == pytest.approx(3 - 4.302653 / 3**0.5, abs=1e-6)


def test_languages_with_other_seeds_have_no_common_interval():
    (mean,) = by_group([cell("de", 1.0, 2.0), cell("nl", 3.0, 4.0, seeds=(0, 2))], lambda code: "G")
    assert (mean.value, mean.low, mean.high) == (2.5, None, None)
