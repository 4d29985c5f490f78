"""From stored predictions to sums: cases counted by hand, and the score that the sums give is the official one."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from backend.domain.metrics.checklist import METRICS, TESTS, error_rates
from backend.domain.metrics.mining import mined
from backend.domain.metrics.retrieval import mean_reciprocal_rank
from backend.domain.metrics.span_qa import mlqa, squad_v1
from backend.domain.metrics.tagging import chunk_f1, token_accuracy
from backend.domain.tasks import TASKS
from backend.statistics.measures import TOLERANCE, Rows, agrees, counted, f1_of_counts, listed, mean_of_points, measure
from backend.statistics.table import Unusable


def rows(predictions: Sequence[Any], gold: Sequence[Any], **more: Any) -> Rows:
    texts = [[p if isinstance(p, str) else json.dumps(p) for p in side] for side in (predictions, gold)]
    known: dict[str, Any] = {"language": "de", "id": [str(i) for i in range(len(gold))], "score": [0.0] * len(gold)}
    return Rows(prediction=texts[0], gold=texts[1], **(known | more))


def score(task: str, metric: str, given: Rows) -> float:
    how = measure(TASKS[task], metric)
    return float(how.value(how.count(given).sum(axis=0)))


# --- sums to points ----------------------------------------------------------------------------------------------------


def test_of_nothing_the_score_is_zero_and_not_nan():
    assert mean_of_points(np.zeros(2)) == 0 and f1_of_counts(np.zeros(3)) == 0


def test_points_and_counts_by_hand():
    """Right 3 of 4 predicted and of 8 gold: precision 75, recall 37.5, F1 2 · 3 / (4 + 8) = 50."""
    assert f1_of_counts(np.array([3.0, 4.0, 8.0])) == 50.0
    assert mean_of_points(np.array([[150.0, 2.0], [30.0, 3.0]])).tolist() == [75.0, 10.0]


def test_accuracy_is_the_mean_of_what_was_stored():
    given = rows(["0", "1", "2"], ["0", "1", "1"], score=[100.0, 100.0, 0.0])
    assert score("xnli", "accuracy", given) == pytest.approx(200 / 3)


# --- the official score, from sums --------------------------------------------------------------------------------------

TAGS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")


@pytest.mark.parametrize("seed", range(3))
def test_tagging_is_scored_as_seqeval_does(seed: int):
    rng = random.Random(seed)
    gold = [[rng.choice(TAGS) for _ in range(rng.randint(1, 12))] for _ in range(40)]
    said = [[rng.choice(TAGS) if rng.random() < 0.3 else tag for tag in tags] for tags in gold]
    assert score("panx", "f1", rows(said, gold)) == pytest.approx(chunk_f1(said, gold))
    assert score("panx", "accuracy", rows(said, gold)) == pytest.approx(token_accuracy(said, gold))


def test_chunks_of_a_sentence_by_hand():
    """Gold: a person of two tokens and a place. Said: the person a token short, the place right: 1 right, 2 said, 2 gold."""
    gold, said = ["B-PER", "I-PER", "O", "B-LOC"], ["B-PER", "O", "O", "B-LOC"]
    how = measure(TASKS["panx"], "f1")
    assert how.count(rows([said], [gold])).tolist() == [[1, 2, 2]]
    assert score("panx", "f1", rows([said], [gold])) == 50.0
    assert score("panx", "accuracy", rows([said], [gold])) == 75.0


def test_mined_pairs_are_scored_as_bucc_does():
    """Three pairs said, one of them right, of two: precision 33.3, recall 50, F1 40. A pair said twice counts once."""
    gold, said = [["g1"], [], ["g2"]], [["g1", "g1"], ["x"], ["y"]]
    given = rows(said, gold)
    expected = mined(
        [(str(i), x) for i, of in enumerate(said) for x in of], [(str(i), x) for i, of in enumerate(gold) for x in of]
    )
    for metric, value in zip(("precision", "recall", "f1"), expected, strict=True):
        assert score("bucc", metric, given) == pytest.approx(value)
    assert (expected.recall, expected.f1) == (50.0, pytest.approx(40.0))
    assert not measure(TASKS["bucc"], "f1").whole  # a sentence that nobody names is no example


@pytest.mark.parametrize(("task", "language"), [("xquad", "de"), ("mlqa", "de"), ("mlqa", "zh")])
def test_exact_match_is_the_official_one(task: str, language: str):
    """MLQA drops the articles of its language, and XQuAD the English ones alone."""
    gold = {"a": ["die Burg"], "b": ["1999", "im Jahr 1999"], "c": ["the castle"], "d": ["x"]}
    said = {"a": "Burg", "b": "im Jahr 1999.", "c": "castle", "d": "y"}
    given = rows(list(said.values()), list(gold.values()), language=language, id=list(gold))
    asked = list(gold.items())
    official = mlqa(asked, said, language) if task == "mlqa" else squad_v1(asked, said)
    assert score(task, "exact_match", given) == pytest.approx(official["exact_match"])
    assert (
        official["exact_match"] == {("xquad", "de"): 50.0, ("mlqa", "de"): 50.0, ("mlqa", "zh"): 25.0}[task, language]
    )


def test_the_reciprocal_rank_is_that_of_the_best_right_answer():
    """First, second of two right ones at place 3, and not there: 1, 1/3 and 0."""
    given = rows([["g", "x"], ["x", "y", "g2", "g1"], ["x"]], [["g"], ["g1", "g2"], ["g"]])
    assert score("lareqa", "mrr_at_20", given) == pytest.approx(100 * (1 + 1 / 3) / 3)
    single = {"0": ("g", "x"), "2": ("x",)}
    assert score("lareqa", "mrr_at_20", rows(list(single.values()), [["g"], ["g"]])) == pytest.approx(
        mean_reciprocal_rank(single, {"0": "g", "2": "g"})
    )


def test_error_rates_count_cases_and_not_questions():
    """A case has failed where one of its questions has: of 3 questions in 2 cases, one wrong, half of the cases."""
    names = [f"{test}/{case}/{i}" for test in TESTS for case in range(2) for i in range(2 - case)]
    wrong = {f"{TESTS[0]}/0/1"}
    points = [0.0 if name in wrong else 100.0 for name in names]
    given = rows(["x"] * len(names), ["x"] * len(names), id=names, score=points)
    official = error_rates((name, name not in wrong) for name in names)
    for metric in METRICS:
        assert score("multichecklist", metric, given) == pytest.approx(official[metric][0])
    assert official[METRICS[0]][0] == pytest.approx(50 / len(TESTS))
    units = counted(measure(TASKS["multichecklist"], METRICS[0]), given).units
    assert len(set(units)) == 2 * len(TESTS)


def test_a_test_that_a_sample_has_no_case_of_is_in_no_mean():
    """Not counted as free of errors: one failed case of one test is 100 %, whatever other tests there are."""
    given = rows(["x"], ["x"], id=[f"{TESTS[0]}/0/0"], score=[0.0])
    assert score("multichecklist", METRICS[0], given) == 100.0


# --- what cannot be counted is refused ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("task", "metric"),
    [("xnli", "f1"), ("xquad", "accuracy"), ("multichecklist", "error_rate_nothing"), ("panx", "bleu")],
)
def test_a_metric_that_is_no_sum_over_examples_is_refused_by_name(task: str, metric: str):
    with pytest.raises(Unusable, match=metric):
        measure(TASKS[task], metric)


def test_damaged_predictions_are_refused():
    for text in ("no list", '{"a": 1}'):
        with pytest.raises(Unusable, match="should be a list"):
            listed(text)
    with pytest.raises(Unusable, match="of no test"):
        score("multichecklist", METRICS[0], rows(["x"], ["x"], id=["nothing/0/0"]))


def test_a_stored_score_is_the_same_up_to_its_rounding():
    assert agrees(50.0, 50.0 + TOLERANCE / 2) and not agrees(50.0, 50.0 + 2 * TOLERANCE)


def test_examples_are_units_unless_they_share_something():
    how = measure(TASKS["xquad"], "f1")
    alone, shared = rows(["a", "b"], [["a"], ["b"]]), rows(["a", "b"], [["a"], ["b"]], unit=["p", "p"])
    assert counted(how, alone).units == ["0", "1"] and counted(how, shared).units == ["p", "p"]
