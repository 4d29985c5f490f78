"""Two folders, predictions and labels, to the official numbers of a benchmark.

Source: google-research/xtreme at 838c13b69d, ``evaluate.py``: a task's average is over all its languages, English too; its
score is the headline metric, or the mean of exact match and F1; groups and the whole are means over tasks, and are there only
where all of their tasks are. A task is scored where both folders have one of its name.

What that script would end with, or pass over, is collected as problems, one a file: a language that is missing (then its task
has no average and no score: a mean over fewer languages is another number), a wrong length or suffix, a line that cannot be
read, a label that nobody knows.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backend.domain.language import LANGUAGES
from backend.domain.metrics import mean
from backend.errors import unknown
from backend.submission.benchmarks import BENCHMARKS, HEADLINE, SUFFIX, Benchmark, Entry
from backend.submission.language import Points, score_language

FILE = re.compile(r"test-(?P<language>[a-z]{2,3})\.(?P<suffix>tsv|txt|csv|jsonl?)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TaskScore:
    """``average`` is empty and ``score`` None where a language could not be scored."""

    languages: dict[str, Points]
    average: Points
    score: float | None


@dataclass
class Report:
    """``problems``: what has to be put right, each with its file. ``notes``: what was left aside, for a person to know."""

    tasks: dict[str, TaskScore] = field(default_factory=dict)
    groups: dict[str, float] = field(default_factory=dict)
    overall: float | None = None
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    said: list[tuple[Path, str]] = field(default_factory=list)  # the problems of single files

    def say(self, path: Path, words: str) -> None:
        """Add a problem of a file."""
        self.said.append((path, words))
        self.problems.append(f"{path}: {words}")

    def as_json(self) -> dict[str, Any]:
        return {
            "tasks": {
                name: {"languages": t.languages, "average": t.average, "score": t.score}
                for name, t in self.tasks.items()
            },
            "groups": self.groups,
            "overall": self.overall,
            "problems": self.problems,
        }


def score(predictions: Path, labels: Path, benchmark: Benchmark) -> Report:
    """Score every task that both folders have.

    Raises:
        NotADirectoryError: one of the two is no folder; the message names it.
    """
    report = Report()
    theirs, ours = _folders(labels), _folders(predictions)
    _strangers(report, predictions, ours, benchmark)
    for name, entry in benchmark.tasks.items():
        if name in ours and name in theirs:
            report.tasks[name] = _task(report, entry, predictions / name, labels / name)
        elif name in ours:
            report.problems.append(f"{labels / name}: missing, so {predictions / name} cannot be scored")
    if not report.tasks:
        there = ", ".join(benchmark.tasks)
        report.problems.append(
            f"{predictions}: no task of {benchmark.title} that {labels} has too; its folders are {there}"
        )
    scores = {name: task.score for name, task in report.tasks.items() if task.score is not None}
    for group, names in benchmark.groups.items():
        if scores.keys() >= set(names):
            report.groups[group] = mean(scores[name] for name in names)
    if scores.keys() == benchmark.tasks.keys():
        report.overall = mean(scores[name] for name in benchmark.tasks)
    absent = [name for name in benchmark.tasks if name not in report.tasks]
    if absent:
        report.notes.append(f"no overall score: {benchmark.title} also has {', '.join(absent)}, which is not here")
    return report


def _folders(root: Path) -> set[str]:
    if not root.is_dir():
        raise NotADirectoryError(f"{root} is no folder")
    return {path.name for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")}


def _strangers(report: Report, root: Path, folders: Collection[str], benchmark: Benchmark) -> None:
    """Folders that are no task: the other benchmark's are left aside, for any other somebody meant something."""
    known = {name for each in BENCHMARKS.values() for name in each.tasks}
    for name in sorted(set(folders) - set(benchmark.tasks)):
        if name in known:
            report.notes.append(f"{root / name} was left aside: {benchmark.title} does not have it")
        else:
            report.problems.append(f"{root / name}: {unknown('task', name, tuple(benchmark.tasks))}")


def _task(report: Report, entry: Entry, ours: Path, theirs: Path) -> TaskScore:
    found: dict[str, Points] = {}
    for language in entry.languages:
        name = entry.file(language)
        missing = [side for side in (ours, theirs) if not (side / name).is_file()]
        if missing:
            also = ", and so are its labels" if len(missing) == 2 else ""
            spelled = LANGUAGES[language].name
            report.say(missing[0] / name, f"missing ({spelled}){also}{_instead(missing[0] / name, entry)}")
        else:
            values = score_language(entry, language, ours / name, theirs / name, say=report.say)
            if values is not None:
                found[language] = values
    _others(report, ours, entry)
    if len(found) < len(entry.languages):
        return TaskScore(found, {}, None)
    average = {metric: mean(values[metric] for values in found.values()) for metric in next(iter(found.values()))}
    return TaskScore(found, average, mean(average[metric] for metric in HEADLINE[entry.kind]))


def _instead(path: Path, entry: Entry) -> str:
    """Of a file that is missing: one beside it that only has another suffix."""
    near = sorted(p.name for p in path.parent.glob(f"{path.stem}.*") if p.is_file())
    return f"; wrong suffix: {near[0]} is there, but {entry.name} is read from .{SUFFIX[entry.kind]}" if near else ""


def _others(report: Report, folder: Path, entry: Entry) -> None:
    """Files of languages that no benchmark has this task in: most likely misspelt."""
    known = {
        code for each in BENCHMARKS.values() if entry.name in each.tasks for code in each.tasks[entry.name].languages
    }
    for path in sorted(folder.iterdir()):
        match = FILE.fullmatch(path.name)
        if match and match["language"] not in known:
            report.problems.append(
                f"{path}: {unknown(f'language of {entry.name}', match['language'], entry.languages)}"
            )
