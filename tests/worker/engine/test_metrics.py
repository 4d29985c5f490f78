"""Each metric against the official mock submission, its published constants, and cases small enough to do by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backend.domain.tasks import TASKS
from worker import metrics
from worker.formats import Prediction, classification


@pytest.fixture(scope="module")
def mock(benchmark_files: Path) -> Path:
    return benchmark_files / "xtreme_mock"


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def sentences(path: Path) -> list[list[str]]:
    found: list[list[str]] = [[]]
    for line in lines(path):
        if line.strip():
            found[-1].append(line.split("\t")[-1])
        elif found[-1]:
            found.append([])
    return [s for s in found if s]


def accuracy(gold: Path, predictions: Path) -> dict[str, float]:
    return {"accuracy": metrics.accuracy(lines(predictions), lines(gold))}


def tagging(gold: Path, predictions: Path) -> dict[str, float]:
    precision, recall, f1 = metrics.chunk_scores(sentences(predictions), sentences(gold))
    return {"precision": precision, "recall": recall, "f1": f1}


def qa(gold: Path, predictions: Path) -> dict[str, float]:
    answers = json.loads(predictions.read_text(encoding="utf-8"))
    questions = [
        q for a in json.loads(gold.read_text(encoding="utf-8"))["data"] for p in a["paragraphs"] for q in p["qas"]
    ]
    pairs = [(answers.get(q["id"], ""), [a["text"] for a in q["answers"]]) for q in questions]
    return {
        "exact_match": sum(metrics.squad_exact(p, g) for p, g in pairs) / len(pairs),
        "f1": sum(metrics.squad_f1(p, g) for p, g in pairs) / len(pairs),
    }


OFFICIAL: dict[str, Callable[[Path, Path], dict[str, float]]] = {
    "xnli": accuracy,
    "pawsx": accuracy,
    "tatoeba": accuracy,
    "udpos": tagging,
    "panx": tagging,
    "xquad": qa,
    "tydiqa": qa,
}


@pytest.mark.parametrize("task", OFFICIAL)
def test_the_official_mock_submission(mock: Path, task: str) -> None:
    """Every language's score of the official script, and the constants of its own test."""
    expected: dict[str, Any] = json.loads((mock / "expected_scores.json").read_text())
    per_language = expected["per_language_official_script_seqeval_0.0.12"][task]
    found: dict[str, dict[str, float]] = {}
    for gold in sorted((mock / "labels" / task).iterdir()):
        language = gold.stem.removeprefix("test-")
        found[language] = OFFICIAL[task](gold, mock / "predictions" / task / gold.name)
        assert found[language] == pytest.approx(per_language[language], abs=1e-9)
    for name, value in expected["official_test_constants_xtreme"][task].items():
        metric = name.removeprefix("avg_")
        assert sum(v[metric] for v in found.values()) / len(found) == pytest.approx(value, abs=1e-9)


def test_real_squad_predictions(mock: Path) -> None:
    """1,190 answers of a published system to XQuAD's English questions."""
    folder = mock.parent / "squad_v1" / "predictions_on_xquad_en"
    expected = json.loads((folder / "expected_scores.json").read_text())["scores"]["BERT_ensemble"]
    found = qa(mock.parent / "xquad" / "xquad.en.json", folder / "BERT_ensemble.json")
    assert found == pytest.approx({k: expected[k] for k in found}, abs=1e-9)


def test_equal_adjacent_tags_are_one_chunk() -> None:
    assert metrics.chunks(["NOUN", "NOUN", "VERB"]) == {("NOUN", 0, 1), ("VERB", 2, 2)}
    gold, predicted = [["NOUN", "NOUN", "VERB", "ADJ"]], [["NOUN", "PROPN", "VERB", "ADJ"]]
    assert metrics.chunk_scores(predicted, gold) == pytest.approx((50.0, 200 / 3, 400 / 7))
    assert metrics.accuracy(predicted[0], gold[0]) == 75.0


def test_the_letter_s_reads_as_a_prefix() -> None:
    """seqeval 0.0.12 takes SCONJ and SYM for single-token chunks, so that two of them are two."""
    assert metrics.chunks(["SCONJ", "SCONJ"]) == {("SCONJ", 0, 0), ("SCONJ", 1, 1)}
    assert metrics.chunks(["ADP", "ADP"]) == {("ADP", 0, 1)}


def test_entities() -> None:
    tags = ["O", "B-PER", "I-PER", "I-LOC", "B-LOC", "O", "I-ORG"]
    assert metrics.chunks(tags) == {("PER", 1, 2), ("LOC", 3, 3), ("LOC", 4, 4), ("ORG", 6, 6)}


def test_chunks_do_not_run_over_sentences() -> None:
    assert metrics.chunk_f1([["NOUN"], ["NOUN"]], [["NOUN"], ["VERB"]]) == 50.0
    assert metrics.chunk_f1([["O", "O"]], [["O", "B-PER"]]) == 0.0


@pytest.mark.parametrize(
    ("prediction", "gold", "exact", "f1"),
    [
        ("The Cat!", ["cat"], 100, 100),
        ("a cat and a dog", ["cat"], 0, 50),
        ("dog", ["cat", "the dog."], 100, 100),
        ("", ["cat"], 0, 0),
        ("die Katze", ["Katze"], 0, 200 / 3),  # only English articles go
        ("«кот»", ["кот"], 0, 0),  # only ASCII punctuation goes
        ("anaconda", ["naconda"], 0, 0),  # no article inside a word
    ],
)
def test_squad_by_hand(prediction: str, gold: list[str], exact: float, f1: float) -> None:
    assert metrics.squad_exact(prediction, gold) == exact
    assert metrics.squad_f1(prediction, gold) == pytest.approx(f1)


def test_what_cannot_be_scored_is_an_error() -> None:
    with pytest.raises(ValueError, match="2 predictions for 1 gold"):
        metrics.accuracy(["a", "b"], ["a"])
    with pytest.raises(ValueError, match="nothing to score"):
        metrics.accuracy([], [])
    with pytest.raises(ValueError, match="differ in number"):
        metrics.chunk_f1([["O", "O"]], [["O"]])
    with pytest.raises(ValueError, match="nothing to score"):
        metrics.chunk_f1([], [])


def test_f1_of_one_label_and_its_mean_with_accuracy() -> None:
    """Two of three pairs that are the same are found, with one that is not: precision and recall are both two thirds."""
    task = TASKS["qqp"]
    assert task.headline == "accuracy_and_f1"
    same, other = task.labels[1], task.labels[0]
    gold = [same, same, same, other, other, other, other, other]
    ours = [same, same, other, same, other, other, other, other]
    assert metrics.binary_f1(ours, gold, same) == pytest.approx(200 / 3)
    assert metrics.binary_f1([other], [other], same) == 0.0
    found = classification.score(task, [Prediction("1", p, g, 0.0, 1.0) for p, g in zip(ours, gold, strict=True)])
    assert found["accuracy"] == (75.0, 8)
    assert found["accuracy_and_f1"][0] == pytest.approx((75 + 200 / 3) / 2)
    assert set(found) == set(task.metrics)
    with pytest.raises(ValueError, match="nothing to score"):
        metrics.binary_f1([], [], same)
