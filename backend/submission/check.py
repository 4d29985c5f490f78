"""A submission, file by file: what is there, what is missing, what is wrong with the rest, and the scores it would get.

With labels every file is scored, by the same functions as ``crosslift score``. Without, or where a language has none, files are read
alone: a wrong suffix, an unreadable line and an unknown label are found then, a wrong length is not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from backend.submission import read
from backend.submission.benchmarks import SUFFIX, Benchmark, Entry, Kind
from backend.submission.language import Points
from backend.submission.read import Unreadable
from backend.submission.score import Report, score

MOST_SAID = 400  # characters of a message


class Status(StrEnum):
    """How a file stands. ``read``: nothing is wrong with it that can be seen without labels."""

    RIGHT = "right"
    READ = "read"
    MISSING = "missing"
    SUFFIX = "wrong suffix"
    LENGTH = "wrong length"
    UNREADABLE = "unreadable"
    LABEL = "unknown label"


@dataclass(frozen=True, slots=True)
class Checked:
    """One file of one task. ``said``: what is wrong with it, or with its labels."""

    task: str
    language: str
    file: str
    status: Status
    said: tuple[str, ...]
    points: Points | None


@dataclass(frozen=True, slots=True)
class Check:
    """``report`` None: there are no labels. ``strangers``: folders and files that are none of the benchmark's."""

    files: tuple[Checked, ...]
    report: Report | None
    strangers: tuple[str, ...] = field(default=())


_READERS: Mapping[Kind, Callable[[Path], Any]] = {
    Kind.LABELS: read.lines,
    Kind.TAGS: read.sentences,
    Kind.PAIRS: read.pairs,
    Kind.CHOICES: read.choices,
    Kind.ANSWERS: read.answers,
    Kind.RANKED: read.ranked,
}


def check(predictions: Path, labels: Path | None, benchmark: Benchmark) -> Check:
    """Every file that the benchmark asks for, and whatever else lies there.

    Raises:
        NotADirectoryError: one of the two is no folder.
    """
    report = score(predictions, labels, benchmark) if labels is not None else None
    files = [
        _file(entry, language, predictions / entry.name, report, labels)
        for entry in benchmark.tasks.values()
        for language in entry.languages
    ]
    return Check(tuple(files), report, tuple(_strangers(predictions, benchmark)))


def _file(entry: Entry, language: str, folder: Path, report: Report | None, labels: Path | None) -> Checked:
    name = entry.file(language)
    path = folder / name

    def told(status: Status, *said: str, points: Points | None = None) -> Checked:
        return Checked(entry.name, language, name, status, tuple(text[:MOST_SAID] for text in said), points)

    if not path.is_file():
        near = sorted(p.name for p in folder.glob(f"test-{language}.*") if p.is_file()) if folder.is_dir() else []
        if near:
            return told(Status.SUFFIX, f"{near[0]} is there; {entry.name} is read from .{SUFFIX[entry.kind]}")
        return told(Status.MISSING)
    theirs = labels / entry.name / name if labels is not None else None
    if report is None or theirs is None or not theirs.is_file() or entry.name not in report.tasks:
        return _alone(entry, path, told)
    points = report.tasks[entry.name].languages.get(language)
    ours = [words for where, words in report.said if where == path]
    of_labels = [f"labels: {words}" for where, words in report.said if where == theirs]
    if points is None and not ours:  # only its labels are wrong
        alone = _alone(entry, path, told)
        return told(alone.status, *alone.said, *of_labels)
    if not ours:
        return told(Status.RIGHT, *of_labels, points=points)
    return told(_status(ours, points), *ours, *of_labels, points=points)


def _status(said: list[str], points: Points | None) -> Status:
    if any("wrong length" in words for words in said):
        return Status.LENGTH
    if points is None:
        return Status.UNREADABLE
    return Status.LABEL


def _alone(entry: Entry, path: Path, told: Callable[..., Checked]) -> Checked:
    """As far as it can be judged without labels."""
    try:
        found = _READERS[entry.kind](path)
    except Unreadable as error:
        return told(Status.UNREADABLE, str(error))
    lines = found if entry.kind in (Kind.LABELS, Kind.CHOICES) else []
    if entry.kind is Kind.TAGS:
        lines = [tag for sentence in found for tag in sentence]
    strange = (
        read.odd(lines, frozenset(entry.labels).__contains__, f"one of {', '.join(entry.labels)}")
        if entry.labels
        else None
    )
    if strange is not None:
        return told(Status.LABEL, strange.replace("line ", "tag ", 1) if entry.kind is Kind.TAGS else strange)
    return told(Status.READ, f"{len(found):,} {_nouns(entry.kind)}; not held against labels")


def _nouns(kind: Kind) -> str:
    return {Kind.TAGS: "sentences", Kind.ANSWERS: "answers", Kind.RANKED: "queries", Kind.PAIRS: "pairs"}.get(
        kind, "lines"
    )


def _strangers(predictions: Path, benchmark: Benchmark) -> list[str]:
    """Folders that are no task of the benchmark, and files of a task's folder that nobody reads."""
    found = []
    for folder in sorted(path for path in predictions.iterdir() if path.is_dir()):
        entry = benchmark.tasks.get(folder.name)
        if entry is None:
            found.append(f"{folder.name}/: no task of {benchmark.title}")
            continue
        read_here = {entry.file(code) for code in entry.languages}
        stems = {f"test-{code}" for code in entry.languages}
        for path in sorted(folder.iterdir()):
            if path.name not in read_here and path.stem not in stems:
                found.append(f"{folder.name}/{path.name}: no language of {entry.name} in {benchmark.title}")
    return found
