"""Gains by language from a store, against numbers worked out by hand."""

from __future__ import annotations

import pytest

from backend.domain.gains import Missing
from backend.domain.language import LANGUAGES
from backend.domain.run import RunKind
from backend.domain.task import Source
from backend.store import by_language

CODES = ["en", "de", "sw"]
EFFECT = {"squad": {"en": 4.0, "de": 3.0, "sw": 1.0}, "hellaswag": {"en": 0.0, "de": -1.0, "sw": 2.0}}
#: A control and the same data twice: neither is in a mean.
ASIDE = {"control:squad": 7.0, "mnli": 9.0}


def work(lab, broken=()):
    while (claim := lab.try_claim()) is not None:
        view = lab.view(claim.run_id)
        if view.kind is RunKind.INTERMEDIATE and view.recipe in broken:
            lab.fail(claim.run_id, claim.attempt)
            continue
        scores = []
        if view.kind is RunKind.EVALUATE:
            metric = "f1" if view.target in ("xquad", "udpos") else "accuracy"
            for code in claim.spec.languages:
                base = 60.0 if code == "en" else 50.0
                gain = EFFECT.get(view.recipe, {}).get(code, ASIDE.get(view.recipe, 0.0))
                scores.append((code, metric, base + gain * (1 + 0.1 * (view.seed or 0)), 100))
        lab.finish(claim.run_id, claim.attempt, scores=scores)


@pytest.fixture
def measured(lab):
    recipes = ["squad", "hellaswag", "mnli", "control:squad"]
    lab.submit(recipes=recipes, seeds=[0, 1, 2], languages=CODES, targets=["xnli"])
    work(lab)
    return lab


def table(lab, **which):
    with lab.store.read() as session:
        return by_language.table(session, **{"source": Source.MINI, **which})


def detail(lab, code, **which):
    with lab.store.read() as session:
        return by_language.detail(session, code, **{"source": Source.MINI, **which})


def test_one_row_a_language_of_the_catalogue(measured):
    found = table(measured)
    assert [row.code for row in found.languages] == list(LANGUAGES)
    assert (found.model, found.models) == ("mini-2", ["mini-2"])
    rows = {row.code: row for row in found.languages}
    swahili = rows["sw"]
    # seeds scale gains by 1, 1.1 and 1.2, so means are 1.1 times: (1 + 2) / 2 · 1.1
    assert swahili.gain == pytest.approx(1.65)
    reach = 4.302653 * 0.15 / 3**0.5  # by seed 1.5, 1.65, 1.8; t₀.₉₇₅ of two degrees of freedom
    assert (swahili.low, swahili.high) == (pytest.approx(1.65 - reach), pytest.approx(1.65 + reach))
    assert (swahili.k, swahili.cells, swahili.seeds, swahili.missing) == (1, 2, 3, None)
    assert swahili.n == len(swahili.targets) > 1  # XNLI is one of those that have it
    assert (swahili.best.recipe, swahili.best.gain, swahili.best.of) == ("hellaswag", pytest.approx(2.2), 2)
    assert swahili.runs == 15  # five rows, baseline included, of three seeds
    assert rows["de"].gain == pytest.approx(1.1)
    assert rows["en"].best.recipe == "squad"


def test_what_is_missing_is_told_apart(measured):
    rows = {row.code: row for row in table(measured).languages}
    assert (rows["yo"].missing, rows["yo"].why_missing) == (
        Missing.NOT_APPLICABLE,
        "no target of mini-XTREME-R has it",
    )
    assert rows["tr"].missing is Missing.NOT_RUN  # XNLI has it, and only three languages were evaluated
    assert rows["tr"].gain is None
    assert rows["tr"].n > 0


def test_what_failed_is_not_called_not_run(lab):
    lab.submit(recipes=["squad"], seeds=[0], languages=CODES, targets=["xnli"])
    work(lab, broken=("squad",))
    rows = {row.code: row for row in table(lab).languages}
    assert (rows["sw"].missing, rows["sw"].why_missing) == (Missing.FAILED, "the runs failed")
    (cell,) = [c for c in detail(lab, "sw").cells if c.target == "xnli"]
    assert cell.missing is Missing.FAILED


def test_an_empty_store_has_the_languages_and_no_number(lab):
    found = table(lab)
    assert (found.model, found.models, len(found.languages)) == (None, [], len(LANGUAGES))
    assert {row.gain for row in found.languages} == {None}
    one = detail(lab, "sw")
    assert (one.cells, one.row.runs) == ([], 0)


def test_everything_about_one_language(measured):
    found = detail(measured, "sw")
    assert (found.language.name, found.row.gain) == ("Swahili", pytest.approx(1.65))
    cells = {(c.recipe, c.target): c for c in found.cells}
    squad = cells["squad", "xnli"]
    assert (squad.gain, squad.baseline, squad.n) == (pytest.approx(1.1), pytest.approx(50.0), 3)
    # English 60 and Swahili 50: the gap is 10, and with SQuAD 64.4 − 51.1
    assert (squad.gap_without, squad.gap_with) == (pytest.approx(10.0), pytest.approx(13.3))
    assert squad.gap_change == pytest.approx(3.3)
    assert cells["mnli", "xnli"].same_data_twice
    assert cells["control:squad", "xnli"].control
    other = cells["squad", "tatoeba"]
    assert (other.missing, other.gain, other.why_missing) == (Missing.NOT_RUN, None, "no run of squad yet")
    assert {n.row.code for n in found.near} <= set(LANGUAGES)
    assert detail(measured, "en").cells[0].gap_without is None


def test_a_model_that_nobody_ran_has_no_number(measured):
    found = table(measured, model="mini-4")
    assert (found.model, found.models) == ("mini-4", ["mini-2"])
    assert {row.gain for row in found.languages} == {None}
