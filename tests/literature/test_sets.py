"""Published sets by the statistics of own results: as computed by hand from their figures, and never a gap for a zero."""

from __future__ import annotations

import math
from statistics import fmean, stdev

import pytest

from backend.domain.gains import Missing, Verdict
from backend.errors import NotFound
from backend.literature.figures import figures
from backend.literature.sets import explore, listing


def test_what_there_is():
    names = [s.name for s in listing()]
    assert len(names) == 14
    assert {s.kind for s in listing()} == {"models", "tasks"}
    sizes = {s.name: s.figures for s in listing()}
    assert sizes["xlmv-wikiann-test"] == 2 * 5 * 48
    assert sizes["xlmv-masakhaner-test"] == 2 * 5 * 10
    assert sizes["xlmv-xquad-test"] == 2 * 5 * 11 * 2
    assert sum(n for name, n in sizes.items() if name.startswith("vu2020")) == 2706


def test_a_cell_of_two_models_is_the_paired_t_over_five_seeds():
    def seeds(model: str) -> list[float]:
        mine = [f for f in figures() if f.file == "xlmv_wikiann_per_seed.csv" and f.row.startswith(f"{model} (seed")]
        return [f.value for f in sorted(mine, key=lambda f: f.seed or 0) if (f.split, f.language) == ("test", "he")]

    (cell,) = [c for c in explore("xlmv-wikiann-test").cells if c.language == "he"]
    differences = [a - b for a, b in zip(seeds("XLM-V base"), seeds("XLM-R base"), strict=True)]
    half = 2.7764451 * stdev(differences) / math.sqrt(5)  # t of 4 degrees of freedom
    assert cell.n == 5
    assert cell.gain == pytest.approx(fmean(differences))
    assert (cell.low, cell.high) == pytest.approx((fmean(differences) - half, fmean(differences) + half))
    assert cell.verdict is Verdict.HELPS


def test_their_macro_average_is_the_printed_one():
    """The mean over languages and seeds of our matrix is what the source prints as its average over both."""
    matrix = explore("xlmv-xquad-test", "f1")
    ours = fmean(c.treated for c in matrix.cells if c.treated is not None)
    printed = [f for f in figures() if f.file == "xlmv_xquad_per_seed.csv" and f.row == "XLM-V base (mean of 5 seeds)"]
    assert ours == pytest.approx(fmean(f.value for f in printed if f.metric == "f1"), abs=0.01)


def test_vu_et_al_by_their_own_summary():
    """Best-source mean relative gain of classification to classification: 6.3 % with all data."""
    matrix = explore("vu2020-full-full-classification")
    within = {f.intermediate for f in figures() if f.table.name == "vu2020-classification-full-full"} - {"none"}
    best: dict[str, float] = {}
    for c in matrix.cells:
        if c.recipe in within and c.gain is not None and c.baseline is not None:
            best[c.language] = max(best.get(c.language, -100.0), 100 * c.gain / c.baseline)
    assert fmean(best.values()) == pytest.approx(6.3, abs=0.05)
    above = [c for c in matrix.cells if c.recipe in within and c.gain is not None]
    assert sum((c.gain or 0) > 0 for c in above) / len(above) == pytest.approx(0.54, abs=0.01)
    (cell,) = [c for c in above if (c.recipe, c.language) == ("MNLI", "RTE")]
    assert (cell.treated, cell.baseline) == (77.6, 60.6)


def test_one_figure_a_cell_has_no_interval_and_no_test():
    for c in explore("vu2020-full-limited-qa").cells:
        assert (c.low, c.high, c.q, c.n) == (None, None, None, 1)
        assert c.verdict is Verdict.TOO_FEW
        assert c.examples is None


def test_what_is_not_there_is_no_zero():
    matrix = explore("vu2020-full-full-seqlab")
    gone = [c for c in matrix.cells if c.missing is not None]
    assert {(c.recipe == c.language, c.missing) for c in gone} == {(True, Missing.NOT_APPLICABLE)}
    assert all(c.gain is None for c in gone)
    means = {r.recipe: (r.k, r.n) for r in matrix.recipes}
    assert means["NER"] == (10, 11)  # itself is not among its targets
    assert means["MNLI"] == (11, 11)


def test_unknown_names_say_what_there_is():
    with pytest.raises(NotFound, match="xlmv-wikiann-test"):
        explore("xlmv-wikian-test")
    with pytest.raises(NotFound, match="exact_match"):
        explore("xlmv-xquad-test", "accuracy")
