"""Whatever is in a file, scoring it ends with points or with a problem that names the file, never with an error."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.submission.benchmarks import BENCHMARKS, Entry, Kind
from backend.submission.language import score_language

ENTRIES = {entry.name: entry for benchmark in BENCHMARKS.values() for entry in benchmark.tasks.values()}
TEXT = st.text(st.sampled_from('O-BILPERNOUNX_01ab de\t\r\n\u2028\ufeff{}[]:",é'), max_size=40)
LINE = st.sampled_from(
    ["neutral", "O", "B-PER", "NOUN", "0", "1", "de-1\ten-1", '{"label": 1}', '{"label": {}}', "", "x"]
)
LINES = st.lists(LINE, max_size=6).map("\n".join)
KEYS = st.sampled_from(
    ["data", "paragraphs", "qas", "id", "answers", "text", "context", "sentence_breaks", "answer_start", "q", ""]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 5) | st.floats() | st.sampled_from(["q", "", "ab. c"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


def squad(answers: Any, breaks: Any, context: Any) -> Any:
    qas = [{"id": "q", "answers": answers}]
    return {"data": [{"paragraphs": [{"context": context, "sentence_breaks": breaks, "qas": qas}]}]}


ANSWERS = st.lists(
    st.fixed_dictionaries({"text": st.sampled_from(["a", "", "b c"]), "answer_start": VALUES | st.just(0)}), max_size=2
)
SQUAD = st.builds(squad, ANSWERS | VALUES, st.just([[0, 2], [3, 5]]) | VALUES, st.just("ab. c") | VALUES)
RANKING = st.dictionaries(KEYS, st.lists(st.sampled_from(["a", "b", "de_1_0"]), max_size=3), max_size=3)
JSON = (VALUES | SQUAD | RANKING).map(json.dumps)
CONTENT = st.one_of(TEXT, LINES, JSON).map(str.encode) | st.binary(max_size=20)


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=lambda entry: entry.name)
@given(predictions=CONTENT, labels=CONTENT)
@settings(max_examples=30, deadline=None)
def test_points_or_a_problem(entry: Entry, predictions: bytes, labels: bytes) -> None:
    language = entry.languages[0]
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = (Path(folder) / side / entry.file(language) for side in ("predictions", "labels"))
        for path, content in ((ours, predictions), (theirs, labels)):
            path.parent.mkdir()
            path.write_bytes(content)
        said: list[tuple[Path, str]] = []
        found = score_language(entry, language, ours, theirs, say=lambda path, words: said.append((path, words)))
    assert all(path in (ours, theirs) and words for path, words in said)
    if found is None:
        assert said
    else:
        assert found
        assert all(0.0 <= points <= 100.0 for points in found.values())
    if entry.kind is not Kind.ANSWERS and predictions == labels and found is not None and not said:
        assert found.get("accuracy", 100.0) == 100.0


@pytest.mark.parametrize("text", ["[" * 100_000, '{"q": ' + "9" * 5000 + "}"])
def test_json_that_cannot_be_read(tmp_path: Path, text: str) -> None:
    entry = ENTRIES["mewslix"]
    ours, theirs = tmp_path / "ours.json", tmp_path / "theirs.json"
    ours.write_text("{}")
    theirs.write_text(text)
    said: list[str] = []
    assert (
        score_language(entry, "de", ours, theirs, say=lambda path, words: said.append(f"{path.name}: {words}")) is None
    )
    assert said == ["theirs.json: not JSON that can be read: a number is too long, or it is nested too deeply"]
