"""Parts of a test set: thirds, kinds, entities inside sentences; and what an example is by itself."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from backend.domain.attributes import describe, overlap, script
from backend.domain.metrics.tagging import chunk_f1, token_accuracy
from backend.domain.task import Answer, Choice, Pair, Question, Tokens
from backend.domain.tasks import TASKS
from backend.statistics.buckets import Division, divisions, divisions_of_mean, thirds
from backend.statistics.measures import Rows

TAGS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]


def sentences(seed: int, noise: float, gold: list[list[str]]) -> list[list[str]]:
    random = np.random.default_rng(seed)
    return [[str(random.choice(TAGS)) if random.random() < noise else tag for tag in tags] for tags in gold]


def tagged(said: list[list[str]], gold: list[list[str]]) -> Rows:
    texts = [[json.dumps(tags) for tags in side] for side in (said, gold)]
    return Rows("sw", [str(i) for i in range(len(gold))], *texts, [0.0] * len(gold))


def by_key(found: list[Division]) -> dict[str, Division]:
    return {d.key: d for d in found}


@pytest.fixture(scope="module")
def gold() -> list[list[str]]:
    random = np.random.default_rng(0)
    return [[str(t) for t in random.choice(TAGS, random.integers(3, 12))] for _ in range(150)]


def test_f1_of_each_type_of_entity_is_that_of_its_chunks_alone(gold: list[list[str]]):
    sides = [sentences(seed, noise, gold) for seed, noise in ((1, 0.1), (2, 0.4))]
    pairs = [(tagged(sides[0], gold), tagged(sides[1], gold))] * 3
    kinds = by_key(divisions(TASKS["panx"], "f1", "sw", pairs, lower_is_better=False))["type"].parts
    assert {p.name for p in kinds} == {"PER", "LOC"}

    def only(said: list[list[str]], kind: str) -> list[list[str]]:
        return [[t if t.endswith(kind) else "O" for t in tags] for tags in said]

    for part in kinds:
        treated, baseline = (chunk_f1(only(side, part.name), only(gold, part.name)) for side in sides)
        assert (part.treated, part.baseline) == pytest.approx((treated, baseline))
        assert part.gain == pytest.approx(treated - baseline) and part.interval.low is not None
        assert part.interval.low < part.gain < part.interval.high  # type: ignore[operator]


def test_accuracy_by_tag_and_f1_by_length(gold: list[list[str]]):
    said = sentences(1, 0.2, gold)
    pairs = [(tagged(said, gold), tagged(said, gold))]
    found = by_key(divisions(TASKS["panx"], "accuracy", "sw", pairs, lower_is_better=False))
    tags = found["tag"].parts
    right = sum(p.treated * p.examples for p in tags) / sum(p.examples for p in tags)
    assert right == pytest.approx(token_accuracy(said, gold))
    assert all("differ on 0" in str(p.interval.refused) for p in tags)
    lengths = by_key(divisions(TASKS["panx"], "f1", "sw", pairs, lower_is_better=False))["length"].parts
    assert sum(p.examples for p in lengths) == len(gold)
    short = [i for i, tags in enumerate(gold) if len(tags) <= 6]
    assert lengths[0].name == "up to 6 tokens" and lengths[0].examples == len(short)
    assert lengths[0].treated == pytest.approx(chunk_f1([said[i] for i in short], [gold[i] for i in short]))


def test_answers_by_kind_and_few_examples_say_so():
    answers = ["1969", "Nairobi", "", "the 3 rivers"] * 15
    rows = Rows("sw", [str(i) for i in range(60)], [""] * 60, [json.dumps([a]) for a in answers], [0.0] * 60)
    found = by_key(divisions(TASKS["xquad"], "f1", "sw", [(rows, rows)] * 3, lower_is_better=False))
    assert {p.name: p.examples for p in found["answer"].parts} == {
        "with a digit": 30,
        "words only": 15,
        "no answer": 15,
    }
    assert all("too few for an interval" in str(p.interval.refused) for p in found["answer"].parts)
    assert "was not kept" in str(found["overlap"].missing)


def labelled(gold: list[str], right: list[bool], language: str) -> Rows:
    said = [g if hit else "wrong" for g, hit in zip(gold, right, strict=True)]
    return Rows(language, [str(i) for i in range(len(gold))], said, gold, [100.0 * hit for hit in right])


def test_a_part_of_a_mean_is_over_the_same_languages_as_the_others():
    """Two labels in each of two languages, a third one in one of them alone: it is no part of the mean. By hand: of "a" half and all
    are right, so 75; a third language with one label only cannot be divided and is in no part."""
    gold = {"de": ["a"] * 40 + ["b"] * 40, "sw": ["a"] * 20 + ["b"] * 60 + ["c"] * 40, "tr": ["a"] * 40}
    right = {"de": [i % 2 == 0 for i in range(80)], "sw": [True] * 120, "tr": [True] * 40}
    none = {code: labelled(gold[code], [False] * len(gold[code]), code) for code in gold}
    pairs = {code: [(labelled(gold[code], right[code], code), none[code])] * 3 for code in gold}
    found = by_key(divisions_of_mean(TASKS["xnli"], "accuracy", pairs, lower_is_better=False))["label"]
    assert found.languages == ("de", "sw")
    assert {p.name: (p.treated, p.baseline, p.gain, p.examples) for p in found.parts} == {
        "a": (75.0, 0.0, 75.0, 60), "b": (75.0, 0.0, 75.0, 100),
    }  # fmt: skip
    apart = {
        "de": [(labelled(["a"] * 9 + ["b"] * 9, [True] * 18, "de"),) * 2],
        "sw": [(labelled(["c"] * 9 + ["d"] * 9, [True] * 18, "sw"),) * 2],
    }
    nothing = by_key(divisions_of_mean(TASKS["xnli"], "accuracy", apart, lower_is_better=False))["label"]
    assert nothing.parts == () and "no two kinds" in str(nothing.missing)


def test_examples_of_one_name_are_told_apart():
    """A pool may name two lines alike."""
    gold = ["entailment", "neutral"] * 60
    rows = Rows("sw", ["same"] * 120, gold, gold, [100.0] * 120, script=["Latin"] * 90 + ["Han"] * 30)
    found = by_key(divisions(TASKS["xnli"], "accuracy", "sw", [(rows, rows)], lower_is_better=False))
    assert {p.name: p.examples for p in found["label"].parts} == {"entailment": 60, "neutral": 60}
    assert {p.name: p.units for p in found["script"].parts} == {"Latin": 90, "Han": 30}


@pytest.mark.parametrize(
    ("values", "unit", "names"),
    [
        (range(1, 10), "token", ["up to 3 tokens", "4 to 6 tokens", "7 and more tokens"]),
        ([1, 1, 1, 1, 9], "token", ["1 token", "9 tokens"]),
        ([4, 4, 4], "token", ["4 tokens"]),
        ([0.0, 0.5, 1.0], "%", ["0 %", "50 %", "100 %"]),
    ],
)
def test_thirds(values: Any, unit: str, names: list[str]):
    found = thirds(list(values), unit)
    assert list(dict.fromkeys(found.values())) == names and set(found) == set(values)


def test_what_an_example_is():
    pair = describe(Pair("7", "A dog sleeps.", "A DOG barks!", 0))
    assert (pair.length, pair.script) == (26, "Latin") and pair.overlap == pytest.approx(2 / 3)
    assert pair.unit == describe(Pair("8", "A dog sleeps.", "A cat.", 1)).unit != "7"
    assert describe(Pair("9", "alone", None, 0)).unit == "9" and describe(Pair("9", "alone", None, 0)).overlap is None
    question = describe(Question("q", "谁在睡觉?", "狗在睡觉。", (Answer("狗", 0),)))
    assert question.script == "Han" and question.overlap == pytest.approx(2 / 3)  # 谁在, 在睡, 睡觉
    assert describe(Tokens("t", ("Habari", "za", "leo"), (0, 0, 0))).length == 3
    assert describe(Choice("c", "Why?", ("a", "b"), 0)).unit != "c"


def test_scripts():
    assert script("東京は日本の首都です") == "Kana" and script("1969") == "none"
    assert script("Москва") == "Cyrillic" and script("Москва Moscow") == "mixed"
    assert overlap("...", "a") is None
