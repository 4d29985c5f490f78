"""Own scores to be held against published ones: means over the same languages, seed by seed; never a part for the whole."""

from __future__ import annotations

import pytest

from backend.domain.run import RunKind
from backend.domain.task import Source
from backend.store import reproduction

KEY = ("mini-2", "none", "xnli", "accuracy")


def work(lab, scores):
    """Do everything; an evaluation scores what ``scores`` gives for its seed: language → points."""
    while (claim := lab.try_claim()) is not None:
        found = []
        if claim.kind is RunKind.EVALUATE:
            found = [(code, "accuracy", value, 100) for code, value in scores(claim.spec.seed).items()]
        assert lab.finish(claim.run_id, claim.attempt, scores=found).ok


def measured(lab, **changes):
    asked = {
        "source": Source.MINI,
        "models": {"mini-2"},
        "targets": {"xnli"},
        "recipes": {"none", "mnli"},
        "metrics": {"accuracy"},
        **changes,
    }
    with lab.store.read() as session:
        return reproduction.measured(session, **asked)


def test_a_mean_is_over_seeds_that_have_every_language(lab):
    lab.submit(seeds=[0, 1, 2])
    # seed 2 lacks Swahili: its mean would be of other languages
    work(lab, lambda seed: {"en": 80.0 + seed, "sw": 60.0 + seed} if seed < 2 else {"en": 99.0})
    (of,) = measured(lab)[KEY]
    ours = reproduction.mean_over(of, ["en", "sw"])
    assert (ours.value, ours.seeds, ours.sd) == (70.5, 2, pytest.approx(0.5**0.5))
    assert reproduction.mean_over(of, ["en"]).seeds == 3
    assert reproduction.mean_over(of, ["en", "de"]) is None
    assert reproduction.mean_over(of, []) is None


def test_only_what_was_asked_for_and_only_of_one_benchmark(lab):
    lab.submit(seeds=[0])
    work(lab, lambda seed: {"en": 80.0})
    assert set(measured(lab)) == {KEY, ("mini-2", "mnli", "xnli", "accuracy")}
    assert measured(lab, source=Source.HUB) == {}
    assert measured(lab, models={"mini-4"}) == {}
    assert set(measured(lab, recipes={"none"})) == {KEY}
    assert measured(lab, metrics={"f1"}) == {}
    assert measured(lab, targets={"xquad"}) == {}


def test_translated_training_is_told_apart_from_zero_shot(lab):
    lab.submit(seeds=[0], source="hub", models=["xlmr-base"], recipes=["mnli"])
    lab.submit(seeds=[0, 1], source="hub", models=["xlmr-base"], recipes=["mnli"], translate_train=["de"])
    work(lab, lambda seed: {"en": 80.0 + seed})
    of = measured(lab, source=Source.HUB, models={"xlmr-base"})["xlmr-base", "none", "xnli", "accuracy"]
    assert sorted(m.translated for m in of) == [False, True]
    assert reproduction.best(of, ["en"], translated=False).seeds == 1
    assert reproduction.best(of, ["en"], translated=True).seeds == 2
    assert reproduction.languages_of(of, translated=False) == {"en"}
