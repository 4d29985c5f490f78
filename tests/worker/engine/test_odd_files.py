"""Files of people, as they come: whatever is wrong with one is said with its name and place, at once, and in a few words."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from backend.domain.run import DataSpec
from backend.domain.task import Pair, Source, Split
from backend.domain.tasks import TASKS
from backend.errors import CrossliftError
from worker.causes import LONGEST_MESSAGE, described
from worker.data import Door

PLACES = {
    "pawsx": "pawsx/xtreme_processed/train-en.tsv",
    "snli": "snli/snli_1.0/snli_1.0_train.jsonl",
    "cosmosqa": "cosmosqa/train.csv",
    "squad": "squad_v1/train-v1.1.json",
}
WIDE = ",".join(f"column{n}" for n in range(10_000))


def read(root: Path, task: str, content: bytes) -> list[object]:
    path = root / PLACES[task]
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    data = DataSpec(task=task, version=TASKS[task].version, source=Source.FILES, split=Split.TRAIN, content=None)
    return Door(root, root / "cache", True).load(data, "en")


@pytest.mark.parametrize(
    ("task", "content", "said"),
    [
        ("pawsx", b"", "pawsx, en, train (files): it holds no examples"),
        ("pawsx", b"\r\n\n\r\n", "it holds no examples"),
        ("cosmosqa", b"id,context,question,answer0,answer1,answer2,answer3,label\n", "it holds no examples"),
        ("snli", b"", "it holds no examples"),
        ("pawsx", b"A b\tB a\r\n", "all gold answers are withheld"),
        ("pawsx", b"A b\tB a\t1\r\nA b\tB a\tmaybe\r\n", "train-en.tsv, line 2: label 'maybe' is none of"),
        ("pawsx", b"A b\r\n", "train-en.tsv: line 1: 1 cells; expected 3"),
        ("pawsx", b"A b\t" + b"x" * 1_000_000 + b"\t1\r\n", "train-en.tsv: field larger than field limit"),
        ("snli", b'{"sentence1": 3, "sentence2": "B", "gold_label": "neutral"}\n', "a text was expected, not 3"),
        ("snli", b"[" * 100_000 + b"\n", "snli_1.0_train.jsonl: line 1: nested too deeply"),
        ("cosmosqa", WIDE.encode() + b"\n" + WIDE.encode() + b"\n", "train.csv, line 2: column 'answer0' is missing"),
        ("squad", b"[" * 100_000, "train-v1.1.json: nested too deeply"),
    ],
    ids=lambda value: value[:24] if isinstance(value, str) else f"{len(value)} bytes",
)  # fmt: skip
def test_what_is_wrong_is_named_at_once(tmp_path: Path, task: str, content: bytes, said: str) -> None:
    began = time.process_time()
    with pytest.raises(CrossliftError) as raised:
        read(tmp_path, task, content)
    assert time.process_time() - began < 10
    told = described(raised.value)
    assert said in told.message
    assert "Traceback" not in told.message
    assert len(told.message) <= LONGEST_MESSAGE


def test_one_row_one_class_and_a_mark_before_the_first_byte_are_no_fault(tmp_path: Path) -> None:
    (only,) = read(tmp_path, "pawsx", b"\xef\xbb\xbfA b\tB a\t1\r\n")
    assert only == Pair("0", "A b", "B a", 1)
    row = json.dumps({"sentence1": "A", "sentence2": "B", "gold_label": "neutral"}).encode() + b"\n"
    found = read(tmp_path / "other", "snli", b"\xef\xbb\xbf" + row * 3)
    assert {example.label for example in found} == {1}  # type: ignore[attr-defined]
