"""Each metric against the official scripts' published numbers, against cases done by hand, and against what must hold of it.

XTREME's constants for accuracy, chunks and SQuAD v1.1 are held in ``tests/worker/engine/test_metrics.py`` too, through the
names that the formats use; here every number must be the very same one, not a near one.
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.metrics import mean
from backend.domain.metrics.mining import above, best_threshold, mined
from backend.domain.metrics.retrieval import (
    average_precision,
    mean_average_precision,
    mean_reciprocal_rank,
    reciprocal_rank,
)
from backend.domain.metrics.span_qa import (
    mlqa,
    mlqa_exact,
    mlqa_f1,
    mlqa_normalised,
    squad_exact,
    squad_f1,
    squad_v1,
    squad_v2,
    squad_v2_scores,
)
from backend.domain.metrics.tagging import chunk_scores, chunks, token_accuracy


def questions(path: Path) -> list[tuple[str, list[str]]]:
    data = json.loads(path.read_text(encoding="utf-8"))["data"]
    return [
        (q["id"], [a["text"] for a in q["answers"]])
        for article in data
        for paragraph in article["paragraphs"]
        for q in paragraph["qas"]
    ]


# --- published numbers -------------------------------------------------------------------------------------------------


def test_real_squad_v1_predictions(benchmark_files: Path) -> None:
    """1,190 answers of a published system to XQuAD's English questions: the official script's numbers, digit by digit."""
    folder = benchmark_files / "squad_v1" / "predictions_on_xquad_en"
    expected = json.loads((folder / "expected_scores.json").read_text())["scores"]["BERT_ensemble"]
    predictions = json.loads((folder / "BERT_ensemble.json").read_text())
    found = squad_v1(questions(benchmark_files / "xquad" / "xquad.en.json"), predictions)
    assert found == {"exact_match": expected["exact_match"], "f1": expected["f1"]}


def test_real_squad_v2_predictions(benchmark_files: Path) -> None:
    """626 answers of a published system, 333 of them to questions without an answer."""
    folder = benchmark_files / "squad_v2"
    expected = json.loads((folder / "predictions" / "expected_scores.json").read_text())["scores"]["BERT_single"]
    predictions = json.loads((folder / "predictions" / "BERT_single.json").read_text())
    found = squad_v2(questions(folder / "train-v2.0.json"), predictions)
    assert found == {k: v for k, v in expected.items() if k not in ("n_predictions", "upstream")}


def test_mlqa_of_the_mock_submission(benchmark_files: Path) -> None:
    mock = benchmark_files / "xtreme_mock"
    expected: dict[str, Any] = json.loads((mock / "expected_scores.json").read_text())
    wanted = expected["per_language_official_script_seqeval_0.0.12"]["mlqa"]
    assert len(wanted) == 7
    for language in wanted:
        predictions = json.loads((mock / "predictions" / "mlqa" / f"test-{language}.json").read_text())
        found = mlqa(questions(mock / "labels" / "mlqa" / f"test-{language}.json"), predictions, language)
        assert found == wanted[language]


def test_real_mlqa_answers_are_their_own_gold(benchmark_files: Path) -> None:
    """Normalised in the language of their context, 4,191 real answers all match themselves; only a few vanish."""
    for path in sorted((benchmark_files / "mlqa" / "MLQA_V1" / "dev").glob("dev-context-*.json")):
        language = path.stem.split("-")[2]
        gold = questions(path)
        found = mlqa(gold, {question: answers[0] for question, answers in gold}, language)
        assert found["exact_match"] == 100.0
        assert found["f1"] > 99.0


# --- chunks --------------------------------------------------------------------------------------------------------------

SECTIONS = st.lists(
    st.lists(st.tuples(*[st.sampled_from(["O", "B-PER", "I-PER", "I-LOC", "B-LOC", "S-LOC", "E-LOC", "."])] * 2)),
    min_size=1,
)


@given(SECTIONS)
def test_precision_and_recall_change_places(sentences: list[list[tuple[str, str]]]) -> None:
    ours, theirs = ([[pair[side] for pair in s] for s in sentences] for side in (0, 1))
    precision, recall, f1 = chunk_scores(ours, theirs)
    assert chunk_scores(theirs, ours) == (recall, precision, f1)
    assert min(precision, recall) - 1e-9 <= f1 <= max(precision, recall) + 1e-9
    assert chunk_scores(ours, ours)[2] in (0.0, 100.0)


@given(SECTIONS)
def test_well_formed_chunks_are_runs(sentences: list[list[tuple[str, str]]]) -> None:
    """Written out as B and I, chunks are found again: they lie apart and in order."""
    tags = [tag for sentence in sentences for tag, _ in sentence]
    spans = sorted((first, last, kind) for kind, first, last in chunks(tags))
    assert all(a[1] < b[0] for a, b in itertools.pairwise(spans))
    again = ["O"] * len(tags)
    for first, last, kind in spans:
        again[first : last + 1] = [f"B-{kind}", *[f"I-{kind}"] * (last - first)]
    assert {(last, kind) for _, last, kind in chunks(again)} == {(last, kind) for _, last, kind in chunks(tags)}


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        ("I-PER I-PER", {("PER", 0, 1)}),  # begins without a B
        ("O I-PER", {("PER", 1, 1)}),
        ("B-PER I-LOC", {("PER", 0, 0), ("LOC", 1, 1)}),  # goes on as another kind
        ("B-PER B-PER I-PER", {("PER", 0, 0), ("PER", 1, 2)}),
        ("B-PER O I-PER", {("PER", 0, 0), ("PER", 2, 2)}),
        ("B-PER E-PER I-PER", {("PER", 0, 1), ("PER", 2, 2)}),
        ("S-PER S-PER", {("PER", 0, 0), ("PER", 1, 1)}),
        ("B-MULTI-WORD I-WORD", {("WORD", 0, 1)}),  # the type is what follows the last hyphen
        ("SCONJ CCONJ CCONJ", {("SCONJ", 0, 0), ("CCONJ", 1, 2)}),  # one kind in later versions of seqeval
        ("X _ _", {("X", 0, 0), ("_", 1, 2)}),
        (". . PUNCT", {("PUNCT", 2, 2)}),  # a full stop is no tag
        ("", set()),
    ],
)
def test_malformed_tags(tags: str, found: set[tuple[str, int, int]]) -> None:
    assert chunks(tags.split()) == found


def test_tokens_beside_chunks() -> None:
    gold, predicted = [["NOUN", "NOUN"], ["VERB", "ADJ"]], [["NOUN", "PROPN"], ["VERB", "ADJ"]]
    assert token_accuracy(predicted, gold) == 75.0
    assert chunk_scores(predicted, gold) == pytest.approx((50.0, 200 / 3, 400 / 7))
    with pytest.raises(ValueError, match="nothing to score"):
        token_accuracy([[]], [[]])


# --- answers -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "text", "normalised"),
    [
        ("en", "The «Cat», an animal…", "cat animal"),
        ("de", "Der Hund und des Hundes", "hund und hundes"),
        ("es", "¿La casa, el perro?", "casa perro"),
        ("vi", "cái Nhà của tôi là", "nhà tôi"),
        ("ar", "الكتاب والقلم", "كتاب و قلم"),  # also inside a word
        ("hi", "राम। सीता", "राम सीता"),
        ("zh", "《北京》2008年 Olympic Games。", "北 京 2008 年 olympic games"),
    ],
)
def test_each_language_of_mlqa(language: str, text: str, normalised: str) -> None:
    assert mlqa_normalised(text, language) == normalised


def test_mlqa_by_hand() -> None:
    assert mlqa_exact("der Hund", ["ein Hund"], "de") == 100.0
    assert squad_exact("der Hund", ["ein Hund"]) == 0.0
    assert mlqa_f1("北京市", ["北京"], "zh") == pytest.approx(80.0)  # two of three characters, two of two
    assert squad_f1("北京市", ["北京"]) == 0.0  # one word each
    with pytest.raises(ValueError, match="no answers in 'ru'; it has en, es"):
        mlqa_normalised("кот", "ru")


def test_a_question_without_a_prediction_is_wrong_in_v1() -> None:
    gold = [("a", ["cat"]), ("b", ["a dog", "hound"])]
    assert squad_v1(gold, {"b": "Hound."}) == {"exact_match": 50.0, "f1": 50.0}
    assert squad_v1(gold, {"b": "old hound", "c": "x"}) == {"exact_match": 0.0, "f1": pytest.approx(100 / 3)}
    with pytest.raises(ValueError, match="nothing to score"):
        squad_v1([], {})


@pytest.mark.parametrize(
    ("prediction", "gold", "exact", "f1"),
    [
        ("", [], 1, 1),
        ("cat", [], 0, 0),
        ("", ["cat"], 0, 0),
        ("the", [], 1, 1),  # nothing is left of it
        ("", ["the"], 1, 1),  # nor of the answer
        ("old cat", ["cat", "old dog"], 0, 2 / 3),
    ],
)
def test_squad_v2_by_hand(prediction: str, gold: list[str], exact: float, f1: float) -> None:
    assert squad_v2_scores(prediction, gold) == (exact, pytest.approx(f1))


def test_squad_v2_thresholds_by_hand() -> None:
    gold = [("has1", ["cat"]), ("has2", ["dog"]), ("none1", []), ("none2", [])]
    predictions = {"has1": "cat", "has2": "cow", "none1": "", "none2": "pig"}
    no_answer = {"has1": 0.1, "has2": 0.2, "none1": 0.3, "none2": 0.9}
    found = squad_v2(gold, predictions, no_answer)
    assert (found["exact"], found["HasAns_exact"], found["NoAns_exact"]) == (50.0, 50.0, 50.0)
    # none answered: 2 right; up to 0.1: 3 right; then has2 wins nothing and none2 loses one
    assert (found["best_exact"], found["best_exact_thresh"]) == (75.0, 0.1)
    assert squad_v2(gold, predictions, no_answer, threshold=0.5)["exact"] == 75.0  # none2 is emptied
    assert "best_f1" not in squad_v2(gold, predictions)
    assert squad_v2(gold, {"none1": ""}) == {"exact": 100, "f1": 100, "total": 1, "NoAns_exact": 100, "NoAns_f1": 100, "NoAns_total": 1}  # fmt: skip
    with pytest.raises(ValueError, match="no probability for question 'none2' and 0 others"):
        squad_v2(gold, predictions, dict.fromkeys(("has1", "has2", "none1"), 0.0))
    with pytest.raises(ValueError, match="nothing to score"):
        squad_v2(gold, {})


CASES = st.lists(
    st.tuples(st.sampled_from(["", "cat", "dog"]), st.lists(st.sampled_from(["cat", "old dog"]), max_size=2)),
    min_size=1, max_size=8,
)  # fmt: skip


@given(CASES, st.data())
def test_the_best_threshold_is_the_best_of_all(cases: list[tuple[str, list[str]]], data: st.DataObject) -> None:
    """Probabilities all differ; then the best of every threshold tried in turn is what is found at once."""
    order = data.draw(st.permutations(range(len(cases))))
    gold = [(str(i), answers) for i, (_, answers) in enumerate(cases)]
    predictions = {str(i): prediction for i, (prediction, _) in enumerate(cases)}
    no_answer = {str(i): (place + 1) / 100 for i, place in enumerate(order)}
    found = squad_v2(gold, predictions, no_answer)

    def emptied(threshold: float) -> dict[str, float]:
        return squad_v2(gold, {q: "" if no_answer[q] > threshold else p for q, p in predictions.items()})

    every = [emptied(threshold) for threshold in (0.0, *no_answer.values())]
    assert found["best_exact"] == pytest.approx(max(e["exact"] for e in every))
    assert found["best_f1"] == pytest.approx(max(e["f1"] for e in every))
    assert emptied(found["best_f1_thresh"])["f1"] == pytest.approx(found["best_f1"])


# --- retrieval -----------------------------------------------------------------------------------------------------------


def test_average_precision_by_hand() -> None:
    assert average_precision("abcd", "bd") == 50.0  # (1/2 + 2/4) / 2
    assert average_precision("abcd", "ab") == 100.0
    assert average_precision("xxab", "ab") == pytest.approx((1 / 3 + 2 / 4) / 2 * 100)
    assert average_precision("aab", "ab") == pytest.approx((1 + 2 / 3) / 2 * 100)  # a counts once
    assert average_precision("abcd", "d", k=3) == 0.0
    assert average_precision("ab", "abcd", k=2) == 100.0  # two of four is all that two places can hold
    assert average_precision("", "a") == 0.0
    with pytest.raises(ValueError, match="without a relevant answer"):
        average_precision("abc", "")
    with pytest.raises(ValueError, match="k must be 1 or more, not 0"):
        average_precision("abc", "a", k=0)


def test_only_the_first_twenty_count() -> None:
    ranked = [str(i) for i in range(30)]
    assert average_precision(ranked, {"19"}) == 5.0
    assert average_precision(ranked, {"20"}) == 0.0
    assert reciprocal_rank(ranked, "19") == 0.05
    assert reciprocal_rank(ranked, "20") == 0.0


def test_means_over_queries() -> None:
    ranked = {"q1": ["a", "b"], "q2": ["b", "a"], "stray": ["a"]}
    assert mean_reciprocal_rank(ranked, {"q1": "a", "q2": "a", "q3": "a"}) == 50.0
    assert mean_average_precision(ranked, {"q1": ["a"], "q2": ["a"], "q3": ["a"]}) == 50.0
    for scored in (mean_reciprocal_rank, mean_average_precision):
        with pytest.raises(ValueError, match="nothing to score"):
            scored(ranked, {})


@given(st.permutations(range(8)), st.sets(st.integers(0, 7), min_size=1), st.integers(1, 10))
def test_ranking_what_is_relevant_first_is_best(ranked: list[int], relevant: set[int], k: int) -> None:
    score = average_precision(ranked, relevant, k)
    assert 0.0 <= score <= 100.0
    assert average_precision(sorted(ranked, key=lambda one: one not in relevant), relevant, k) == pytest.approx(100.0)
    if len(relevant) == 1:  # Mewsli-X's mAP is its MRR
        assert score == pytest.approx(100 * reciprocal_rank(ranked, *relevant, k))


# --- mining --------------------------------------------------------------------------------------------------------------


def test_mined_pairs_by_hand() -> None:
    gold = {("de1", "en1"), ("de2", "en2"), ("de3", "en3")}
    precision, recall, f1 = mined([("de1", "en1"), ("de1", "en1"), ("de2", "en3")], gold)
    assert (precision, recall, f1) == pytest.approx((50.0, 100 / 3, 40.0))
    assert mined([], gold) == (0.0, 0.0, 0.0)
    assert mined([("en1", "de1")], gold) == (0.0, 0.0, 0.0)  # the order of a pair counts
    with pytest.raises(ValueError, match="nothing to score"):
        mined(gold, [])


def test_the_threshold_lies_between_what_stays_and_what_goes() -> None:
    gold = {("a", "A"), ("b", "B")}
    scores = {("a", "A"): 1.2, ("b", "B"): 1.1, ("c", "C"): 0.9}
    assert best_threshold(scores, gold) == 1.0
    assert above(scores, 1.0) == gold
    assert best_threshold({("a", "A"): 1.2, ("b", "B"): 1.1}, gold) == 1.1  # all stay
    assert best_threshold({("c", "C"): 0.9}, gold) == 0.0
    with pytest.raises(ValueError, match="nothing to tune on"):
        best_threshold(scores, [])


@given(
    st.dictionaries(st.tuples(st.sampled_from("abcd"), st.sampled_from("ABCD")), st.booleans(), min_size=1), st.data()
)
def test_no_other_threshold_is_better(candidates: dict[tuple[str, str], bool], data: st.DataObject) -> None:
    """Tuned where all scores differ; BUCC's own ties are broken by chance in the official script as well."""
    order = data.draw(st.permutations(range(1, len(candidates) + 1)))
    scores = {pair: place / 10 for pair, place in zip(candidates, order, strict=True)}
    gold = {pair for pair, right in candidates.items() if right} | {("z", "Z")}
    tuned = mined(above(scores, best_threshold(scores, gold)), gold).f1
    assert tuned == pytest.approx(max(mined(above(scores, t), gold).f1 for t in scores.values()))


# --- means ---------------------------------------------------------------------------------------------------------------


def test_a_mean_rounds_as_it_always_did() -> None:
    values = [0.1] * 10
    assert mean(values) == 0.09999999999999999  # a sum that compensates would give 0.1
    with pytest.raises(ValueError, match="nothing to average"):
        mean([])
