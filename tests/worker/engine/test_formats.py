"""Each format: what it makes of examples, what its loss is, what it reads out of a head's outputs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from backend.domain import mini
from backend.domain.metrics import span_qa as official_span_qa
from backend.domain.task import Answer, Bitext, Choice, Format, Pair, Question, Retrieval, Tokens
from backend.domain.tasks import TASKS
from worker import formats
from worker.encoder import Encoder
from worker.formats import IGNORED, Features, Level, Reads, collate, collate_rows, span_qa

Tiny = Callable[..., Encoder]
LENGTH, STRIDE = 48, 12


def read(task: str, language: str, split: str) -> list[Any]:
    rows = mini.rows(str(TASKS[task].mini), language, split)
    return [TASKS[task].read({"line": n, **row}) for n, row in enumerate(rows)]


def test_one_module_per_format() -> None:
    folder = Path(formats.__file__).parent
    assert {p.stem for p in folder.glob("*.py")} - {"__init__"} == {f.value for f in Format}
    for format in Format:
        behaviour = formats.of(format)
        assert isinstance(behaviour.READS, Reads)
        assert isinstance(behaviour.LEVEL, Level)
        for name in ("head", "encode", "loss", "decode", "score"):
            assert callable(getattr(behaviour, name)), (format, name)


def ragged() -> Features:
    return Features.build(
        [[5, 6, 7], [8], [9, 10], [11, 12]], [1, 2, 1],
        token={"labels": [[0, 1, 2], [3], [4, 5], [6, 7]]}, row={"first": [10, 11, 12, 13]}, item={"labels": [20, 21, 22]},
    )  # fmt: skip


def test_features_survive_their_cache_and_joining() -> None:
    features = ragged()
    again = Features.from_arrays(features.arrays())
    both = Features.joined([features, again])
    assert len(features) == 3
    assert len(both) == 6
    assert features.lengths.tolist() == [3, 1, 2, 2]
    assert features.item_lengths.tolist() == [3, 2, 2]
    assert both.tokens.tolist() == [*features.tokens, *features.tokens]
    assert both.rows.tolist() == [0, 3, 4, 6, 8, 11, 12, 14, 16]
    assert both.items.tolist() == [0, 1, 3, 4, 5, 7, 8]
    assert both.item["labels"].tolist() == [20, 21, 22] * 2


def test_a_batch_is_padded_to_its_longest_row() -> None:
    batch = collate(ragged(), np.array([2, 1]), pad=1)
    assert batch.ids.tolist() == [[11, 12], [8, 1], [9, 10]]
    assert batch.mask is not None
    assert batch.mask.tolist() == [[True, True], [True, False], [True, True]]
    assert batch.token["labels"].tolist() == [[6, 7], [3, IGNORED], [4, 5]]
    assert batch.row["first"].tolist() == [13, 11, 12]
    assert batch.item["labels"].tolist() == [22, 21]
    assert batch.row_item.tolist() == [0, 1, 1]
    assert batch.row_place.tolist() == [0, 0, 1]
    assert (batch.items, batch.tokens) == (2, 5)
    assert batch.source.tolist() == [6, 7, 3, 4, 5]
    assert collate(ragged(), np.array([2]), pad=1).mask is None


def test_rows_of_an_item_may_be_apart() -> None:
    batch = collate_rows(ragged(), np.array([2, 0]), pad=1)
    assert batch.ids.tolist() == [[9, 10, 1], [5, 6, 7]]
    assert batch.source.tolist() == [4, 5, 0, 1, 2]


# --- classification ------------------------------------------------------------------------------------------------


def test_pairs_are_framed_as_the_encoder_was_taught(tiny: Tiny) -> None:
    tokenizer = tiny().tokenizer
    behaviour = formats.of(Format.CLASSIFICATION)
    long = "the dog sleeps in the house. " * 20
    features = behaviour.encode(
        [Pair("a", "the dog sleeps", "the cat", 2), Pair("b", long, "the cat", None)], tokenizer, 16, 0
    )
    first = tokenizer.convert_ids_to_tokens(features.tokens[: features.rows[1]].tolist())
    assert first[0] == "<s>"
    assert first.count("</s>") == 3
    assert first[-1] == "</s>"
    assert features.lengths[1] == 16
    tail = tokenizer.convert_ids_to_tokens(features.tokens[features.rows[1] :].tolist())
    assert tail[-3:] == ["▁the", "▁cat", "</s>"]  # the longer text was cut
    assert features.item["labels"].tolist() == [2, IGNORED]


def test_single_texts_have_no_second_frame(tiny: Tiny) -> None:
    features = formats.of(Format.CLASSIFICATION).encode([Pair("a", "the dog", None, 0)], tiny().tokenizer, 16, 0)
    assert tiny().tokenizer.decode(features.tokens).count("</s>") == 1


def test_classification_reads_labels_out(tiny: Tiny) -> None:
    behaviour, task = formats.of(Format.CLASSIFICATION), TASKS["xnli"]
    examples = [Pair("a", "x", "y", 0), Pair("b", "x", "y", 2)]
    features = behaviour.encode(examples, tiny().tokenizer, 16, 0)
    outputs = np.array([[3, 0, 0], [0, 1, 0]], np.float32)
    predictions = behaviour.decode(task, examples, features, outputs)
    assert [(p.prediction, p.gold, p.score) for p in predictions] == [
        ("entailment", "entailment", 100.0), ("neutral", "contradiction", 0.0),
    ]  # fmt: skip
    assert predictions[0].confidence == pytest.approx(np.exp(3) / (np.exp(3) + 2))
    assert behaviour.score(task, predictions) == {"accuracy": (50.0, 2)}


# --- multiple choice -----------------------------------------------------------------------------------------------


def test_every_option_is_read_with_its_prompt(tiny: Tiny) -> None:
    tokenizer, behaviour = tiny().tokenizer, formats.of(Format.MULTIPLE_CHOICE)
    examples = [Choice("a", "the dog", ("sleeps", "runs"), 1), Choice("b", "the cat", ("eats", "sings", "swims"), 2)]
    features = behaviour.encode(examples, tokenizer, LENGTH, 0)
    rows = [
        tokenizer.decode(features.tokens[a:b], skip_special_tokens=True)
        for a, b in zip(features.rows, features.rows[1:], strict=False)
    ]
    assert rows == ["the dog sleeps", "the dog runs", "the cat eats", "the cat sings", "the cat swims"]
    assert features.items.tolist() == [0, 2, 5]
    batch = collate(features, np.array([1, 0]), pad=1)
    scores = torch.tensor([[1.0], [2.0], [3.0], [4.0], [0.0]])
    by_hand = -(torch.log_softmax(scores[:3, 0], 0)[2] + torch.log_softmax(scores[3:, 0], 0)[1]) / 2
    torch.testing.assert_close(behaviour.loss(scores, batch), by_hand)
    predictions = behaviour.decode(TASKS["xcopa"], examples, features, np.array([[0], [1], [5], [2], [1]], np.float32))
    assert [(p.prediction, p.score) for p in predictions] == [(1, 100.0), (0, 0.0)]
    assert behaviour.score(TASKS["xcopa"], predictions) == {"accuracy": (50.0, 2)}


# --- tagging -------------------------------------------------------------------------------------------------------


def one_hot(features: Features, labels: int) -> np.ndarray[Any, Any]:
    outputs = np.zeros((len(features.tokens), labels), np.float32)
    marked = features.token["labels"] != IGNORED
    outputs[np.flatnonzero(marked), features.token["labels"][marked]] = 5
    return outputs


@pytest.mark.parametrize("length", [8, 16, 64])
def test_no_token_is_left_out_however_short_a_row(tiny: Tiny, length: int) -> None:
    """The gold tags, read back out of rows of any length, are the gold tags."""
    behaviour, task = formats.of(Format.TAGGING), TASKS["udpos"]
    examples = [e for code in ("en", "zh", "ta", "ar") for e in read("udpos", code, "test")[:40]]
    features = behaviour.encode(examples, tiny().tokenizer, length, 0)
    assert features.lengths.max() <= length
    predictions = behaviour.decode(task, examples, features, one_hot(features, len(task.labels)))
    assert [p.prediction for p in predictions] == [p.gold for p in predictions]
    tokens = sum(len(e.tokens) for e in examples)
    assert behaviour.score(task, predictions) == {"f1": (100.0, tokens), "accuracy": (100.0, tokens)}


def test_the_first_sub_word_carries_the_tag(tiny: Tiny) -> None:
    tokenizer, task = tiny().tokenizer, TASKS["udpos"]
    example = Tokens("a", ("unbelievableness", "", "dog"), (7, 16, 7))
    features = formats.of(Format.TAGGING).encode([example], tokenizer, LENGTH, 0)
    pieces = tokenizer.convert_ids_to_tokens(features.tokens.tolist())
    marks = features.token["labels"].tolist()
    assert pieces[0] == "<s>"
    assert pieces[-1] == "</s>"
    assert [piece for piece, mark in zip(pieces, marks, strict=True) if mark != IGNORED][1:] == ["<unk>", "▁dog"]
    assert [m for m in marks if m != IGNORED] == [7, 16, 7]
    assert len(pieces) > 6  # the first word has several pieces, of which the first is marked
    assert marks[1] == 7
    assert marks[2] == IGNORED
    assert task.labels[16] == "X"


def test_a_token_longer_than_a_row_is_cut(tiny: Tiny) -> None:
    example = Tokens("a", ("dog", "x" * 300, "dog"), (7, 16, 7))
    features = formats.of(Format.TAGGING).encode([example], tiny().tokenizer, 10, 0)
    assert features.lengths.max() <= 10
    assert sorted(m for m in features.token["labels"].tolist() if m != IGNORED) == [7, 7, 16]


# --- span QA -------------------------------------------------------------------------------------------------------


def pointed(features: Features) -> np.ndarray[Any, Any]:
    """What a head would say that is sure of the gold spans; nothing where a window does not hold the answer."""
    outputs = np.zeros((len(features.tokens), 2), np.float32)
    holds = features.row["last"] > 0
    outputs[features.rows[:-1][holds] + features.row["first"][holds], 0] = 9
    outputs[features.rows[:-1][holds] + features.row["last"][holds], 1] = 9
    return outputs


@pytest.mark.parametrize("code", ["en", "de", "ru", "ar", "hi", "tr", "vi", "zh"])
@pytest.mark.parametrize("length", [24, 96])
def test_gold_spans_come_back_as_the_gold_answers(tiny: Tiny, code: str, length: int) -> None:
    """Offsets lead from sub-words back to the text in every script, also when the context is read in windows."""
    behaviour, task = formats.of(Format.SPAN_QA), TASKS["xquad"]
    examples = read("xquad", code, "validation")[:60]
    features = behaviour.encode(examples, tiny().tokenizer, length, 8)
    assert features.lengths.max() <= length
    if length == 24:
        assert np.diff(features.items).max() > 1
    found = np.maximum.reduceat(features.row["last"] > 0, features.items[:-1])
    assert found.mean() > 0.95  # an answer may fall between two windows, hardly ever
    predictions = behaviour.decode(task, examples, features, pointed(features))
    inside = [p for p, f in zip(predictions, found, strict=True) if f]
    assert behaviour.score(task, inside)["exact_match"] == (100.0, len(inside)), next(
        p for p in inside if p.score < 100
    )


def test_the_best_span_is_short_and_of_the_context(tiny: Tiny) -> None:
    behaviour = formats.of(Format.SPAN_QA)
    context = "the dog sleeps in the house. " + "the cat eats the fish. " * 8
    example = Question("q", "who sleeps?", context, (Answer("the dog", 0),))
    features = behaviour.encode([example], tiny().tokenizer, 96, 0)
    outputs = np.zeros((len(features.tokens), 2), np.float32)
    outputs[0] = 50  # <s>
    of_context = np.flatnonzero(features.token["begin"] >= 0)
    outputs[of_context[0], 0] = 8
    outputs[of_context[-1], 1] = 9  # too far away to go with the first
    outputs[of_context[1], 1] = 5
    (prediction,) = behaviour.decode(TASKS["xquad"], [example], features, outputs)
    assert prediction.prediction == "the dog"
    assert 0 < prediction.confidence < 1


def test_a_context_that_is_missing_gives_an_empty_answer(tiny: Tiny) -> None:
    example = Question("q", "who sleeps?", "", (Answer("the dog", 0),))
    behaviour = formats.of(Format.SPAN_QA)
    features = behaviour.encode([example], tiny().tokenizer, 96, 0)
    (prediction,) = behaviour.decode(
        TASKS["xquad"], [example], features, np.zeros((len(features.tokens), 2), np.float32)
    )
    assert (prediction.prediction, prediction.score) == ("", 0.0)


V2 = TASKS["squad_v2"]
ANSWERABLE = Question("a", "who sleeps?", "the dog sleeps in the house.", (Answer("dog", 4),))
UNANSWERABLE = Question("u", "who eats?", "the dog sleeps in the house.", ())


def v2(tiny: Tiny, null: float, span: float) -> list[Any]:
    """What is predicted where the null score is one number and the best span's, the right one, another."""
    behaviour = formats.of(Format.SPAN_QA)
    examples = [ANSWERABLE, UNANSWERABLE]
    features = behaviour.encode(examples, tiny().tokenizer, 64, 8)
    first, last = features.row["first"], features.row["last"]
    assert (first[1], last[1]) == (0, 0) and first[0] > 0  # no answer is learned as the first token
    outputs = np.zeros((len(features.tokens), 2), np.float32)
    for row in (0, 1):
        outputs[features.rows[row]] = null / 2
        outputs[features.rows[row] + first[0], 0] = span / 2
        outputs[features.rows[row] + last[0], 1] = span / 2
    return behaviour.decode(V2, examples, features, outputs)


def test_nothing_is_answered_where_the_null_score_is_above_the_best_span(tiny: Tiny) -> None:
    behaviour = formats.of(Format.SPAN_QA)
    answered = v2(tiny, null=4, span=6)
    assert [(p.prediction, p.gold, p.score) for p in answered] == [("dog", ("dog",), 100.0), ("dog", (), 0.0)]
    assert behaviour.score(V2, answered) == {"f1": (50.0, 2), "exact_match": (50.0, 2)}
    silent = v2(tiny, null=8, span=6)
    assert [(p.prediction, p.score) for p in silent] == [("", 0.0), ("", 100.0)]
    assert behaviour.score(V2, silent) == {"f1": (50.0, 2), "exact_match": (50.0, 2)}
    assert all(p.confidence == pytest.approx(1 / (1 + np.exp(-2))) for p in silent)


def test_tasks_without_unanswerable_questions_always_answer(tiny: Tiny) -> None:
    behaviour = formats.of(Format.SPAN_QA)
    features = behaviour.encode([ANSWERABLE], tiny().tokenizer, 64, 8)
    outputs = np.zeros((len(features.tokens), 2), np.float32)
    outputs[0] = 50
    for name, answers in (("squad", True), ("squad_v2", False)):
        (prediction,) = behaviour.decode(TASKS[name], [ANSWERABLE], features, outputs)
        assert bool(prediction.prediction) is answers


def test_one_window_that_holds_the_answer_is_enough(tiny: Tiny) -> None:
    """The null score of a question is the lowest of its windows: the others say truly that they hold none."""
    behaviour = formats.of(Format.SPAN_QA)
    long = Question(
        "l", "who eats?", "the dog sleeps in the house. " * 6 + "the cat eats the fish.", (Answer("cat", 178),)
    )
    features = behaviour.encode([long], tiny().tokenizer, 32, 8)
    windows = len(features.rows) - 1
    assert windows > 1
    holds = int(np.flatnonzero(features.row["first"])[0])
    outputs = np.zeros((len(features.tokens), 2), np.float32)
    for row in range(windows):
        outputs[features.rows[row]] = 1 if row == holds else 20
    outputs[features.rows[holds] + features.row["first"][holds], 0] = 3
    outputs[features.rows[holds] + features.row["last"][holds], 1] = 3
    (prediction,) = behaviour.decode(V2, [long], features, outputs)
    assert prediction.prediction == "cat"


def test_real_predictions_have_the_official_scores_of_squad_v2(benchmark_files: Path) -> None:
    """Against evaluate-v2.0.py, run on the same predictions."""
    folder = benchmark_files / "squad_v2"
    said = json.loads((folder / "predictions" / "BERT_single.json").read_text())
    expected = json.loads((folder / "predictions" / "expected_scores.json").read_text())
    expected = expected["scores"]["BERT_single"]
    predictions = []
    for row in V2.files[0].rows(folder / "train-v2.0.json", "en"):
        example = V2.read(row)
        assert isinstance(example, Question)
        gold = tuple(a.text for a in example.answers)
        text = said[example.id]
        predictions.append(formats.Prediction(example.id, text, gold, span_qa.f1(text, gold), 1.0))
    scores = formats.of(Format.SPAN_QA).score(V2, predictions)
    assert scores["f1"] == (pytest.approx(expected["f1"]), 626)
    assert scores["exact_match"] == (pytest.approx(expected["exact"]), 626)


def test_a_long_question_leaves_room_for_its_context(tiny: Tiny) -> None:
    example = Question("q", "who sleeps in the house? " * 50, "the dog sleeps. " * 30, (Answer("the dog", 0),))
    features = formats.of(Format.SPAN_QA).encode([example], tiny().tokenizer, 48, 16)
    assert features.lengths.max() <= 48
    assert features.row["last"][0] > 0


def test_span_loss_ignores_padding(tiny: Tiny) -> None:
    behaviour = formats.of(Format.SPAN_QA)
    examples = read("xquad", "en", "validation")[:2]
    features = behaviour.encode(examples, tiny().tokenizer, 96, 8)
    batch = collate(features, np.array([0, 1]), pad=1)
    assert batch.mask is not None
    logits = torch.randn(*batch.ids.shape, 2)
    wild = torch.where(batch.mask.unsqueeze(-1), logits, torch.full_like(logits, 1e4))
    torch.testing.assert_close(behaviour.loss(logits, batch), behaviour.loss(wild, batch))
    parts = []
    for row, length in enumerate(features.lengths.tolist()):
        for side, name in enumerate(("first", "last")):
            parts.append(-torch.log_softmax(logits[row, :length, side], 0)[batch.row[name][row]])
    torch.testing.assert_close(behaviour.loss(logits, batch), torch.stack(parts).mean())


# --- bitext retrieval ----------------------------------------------------------------------------------------------


def test_english_asks_the_other_language_is_searched() -> None:
    """Made so that the two directions give different scores: 2 of 3 from English, 1 of 3 the other way round."""
    behaviour, task = formats.of(Format.BITEXT_RETRIEVAL), TASKS["tatoeba"]
    english = np.eye(3, dtype=np.float32)
    other = np.array([[0.9, 0.1, 0.0], [0.8, 0.6, 0.0], [0.1, 0.95, 0.3]], np.float32)
    other /= np.linalg.norm(other, axis=1, keepdims=True)
    outputs = np.empty((6, 3), np.float32)
    outputs[0::2], outputs[1::2] = english, other
    examples = [Bitext(str(i), "x", "y") for i in range(3)]
    features = Features.build([[0]] * 6, [2] * 3)
    predictions = behaviour.decode(task, examples, features, outputs)
    assert [p.prediction for p in predictions] == ["0", "2", "2"]
    assert behaviour.score(task, predictions) == {"accuracy": (pytest.approx(200 / 3), 3)}
    backwards = (other @ english.T).argmax(axis=1)
    assert (backwards == np.arange(3)).sum() == 1


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_pooling_counts_special_tokens_and_no_padding(pooling: str) -> None:
    task = TASKS["tatoeba"].model_copy(update={"retrieval": Retrieval(layer_fraction=1, pooling=pooling)})
    head = formats.of(Format.BITEXT_RETRIEVAL).head(4, task, 0.1)
    features = Features.build([[0, 5, 2], [0, 5, 6, 7, 2]], [2])
    batch = collate(features, np.array([0]), pad=1)
    states = torch.randn(2, 5, 4)
    wanted = torch.stack([states[0, :3].mean(0), states[1].mean(0)]) if pooling == "mean" else states[:, 0]
    torch.testing.assert_close(head(states, batch), torch.nn.functional.normalize(wanted, dim=-1))
    assert not list(head.parameters())


def test_retrieval_is_not_trained() -> None:
    behaviour = formats.of(Format.BITEXT_RETRIEVAL)
    with pytest.raises(TypeError, match="not trained"):
        behaviour.loss(torch.zeros(1), collate(ragged(), np.array([0]), pad=1))


@pytest.mark.parametrize("code", ["de", "ar", "zh"])
def test_a_run_of_mlqa_has_the_scores_of_its_official_script(tiny: Tiny, code: str) -> None:
    task, encoder = TASKS["mlqa"], tiny()
    examples = read("mlqa", code, "test")[:60]
    features = span_qa.encode(examples, encoder.tokenizer, LENGTH, STRIDE)
    outputs = np.random.default_rng(1).normal(size=(len(features.tokens), 2)).astype(np.float32)
    for at in np.flatnonzero(features.row["first"])[::2]:  # every second answer is right, or near it
        outputs[features.rows[at] + features.row["first"][at], 0] += 20
        outputs[features.rows[at] + features.row["last"][at], 1] += 8
    read_out = {code: formats.Read(examples, features, outputs)}
    found = formats.decode_all(span_qa, task, read_out, {}, [code])[code]
    official = official_span_qa.mlqa([(p.id, p.gold) for p in found], {p.id: p.prediction for p in found}, code)
    scores = span_qa.score(task, found)
    assert scores["f1"][0] == pytest.approx(official["f1"], abs=1e-9)
    assert scores["exact_match"][0] == pytest.approx(official["exact_match"], abs=1e-9)
    english = span_qa.score(task, span_qa.decode(task, examples, features, outputs))
    assert code == "ar" or english["f1"][0] != scores["f1"][0]  # by SQuAD's rules it is another number
