"""Whole submissions that are written by the tests themselves: two examples a language, one of them right."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from backend.submission.benchmarks import Benchmark, Entry, Kind
from backend.submission.score import Report, score


@dataclass
class Folders:
    """``predictions`` and ``labels`` of one submission below a root."""

    root: Path

    @property
    def predictions(self) -> Path:
        return self.root / "predictions"

    @property
    def labels(self) -> Path:
        return self.root / "labels"

    def write(self, task: str, name: str, predictions: Any, labels: Any) -> None:
        """A language's two files: text as it is, anything else as JSON; None leaves a file out."""
        for folder, content in ((self.predictions, predictions), (self.labels, labels)):
            if content is not None:
                path = folder / task / name
                path.parent.mkdir(parents=True, exist_ok=True)
                text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
                path.write_bytes(text.encode())

    def fill(self, entry: Entry) -> None:
        """Every language of a task."""
        for language in entry.languages:
            self.write(entry.name, entry.file(language), *contents(entry, language))

    def score(self, benchmark: Benchmark) -> Report:
        return score(self.predictions, self.labels, benchmark)


def contents(entry: Entry, language: str) -> tuple[Any, Any]:
    """Predictions and labels: the first of two right, half of the points whatever the metric (F1 of tags and pairs too)."""
    match entry.kind:
        case Kind.LABELS:
            first, second = entry.labels[:2] or ("7", "8")
            return f"{first}\n{first}\n", f"{first}\n{second}\n"
        case Kind.TAGS:
            one, two = entry.labels[1], entry.labels[3]
            return f"{one}\n\n{one}\n", f"{one}\n\n{two}\n"
        case Kind.PAIRS:
            return f"{language}-1\ten-1\n{language}-2\ten-3\n", f"{language}-1\ten-1\n{language}-2\ten-2\n"
        case Kind.CHOICES:
            return '{"label": 0}\n{"label": 0}\n', '{"idx": 0, "label": 0}\n{"idx": 1, "label": 1}\n'
        case Kind.ANSWERS:
            qas = [{"id": f"q{n}", "question": "?", "answers": [{"text": t}]} for n, t in enumerate(("eins", "zwei"))]
            return {"q0": "eins", "q1": "drei"}, {"data": [{"paragraphs": [{"context": "", "qas": qas}]}]}
        case Kind.RANKED:
            return {"q0": ["x", "a"], "q1": ["a", "x"]}, {"q0": ["x"], "q1": ["b"]}


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(tmp_path)
