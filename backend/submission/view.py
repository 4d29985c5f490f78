"""A check as it travels: tasks with their files, and the scores by the official rules and by ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from backend.domain.metrics import mean
from backend.domain.submission import GroupScore, SubmissionCheck, SubmittedFile, SubmittedTask
from backend.submission.benchmarks import Benchmark
from backend.submission.check import Check, Status
from backend.submission.score import TaskScore

LAREQA = "lareqa"
_FINE = (Status.RIGHT, Status.READ)
_NOTE = (
    "The official script names no languages for LAReQA: with its folder it stops with an error, without it there is no overall score. "
    "The overall score of the paper, with LAReQA, is ours."
)


def view(
    found: Check, benchmark: Benchmark, *, folder: str, labels: Literal["upload", "data root", "stored"] | None, files: int, aside: Iterable[str] = ()
) -> SubmissionCheck:  # fmt: skip
    """Everything that is known of it."""
    scored = found.report.tasks if found.report is not None else {}
    points = {name: task.score for name, task in scored.items() if task.score is not None}
    tasks = [_task(found, name, scored.get(name)) for name in benchmark.tasks]
    notes = [_plain(note) for note in found.report.notes if "left aside" in note] if found.report is not None else []
    ours = {name: names for name, names in benchmark.groups.items() if LAREQA in names or _is_whole(name, benchmark)}
    official = {name: names for name, names in benchmark.groups.items() if LAREQA not in names}
    whole = tuple(benchmark.tasks)
    of_paper = LAREQA in benchmark.tasks
    return SubmissionCheck(
        benchmark="xtreme-r" if benchmark.name == "xtreme-r" else "xtreme",
        title=benchmark.title,
        folder=folder,
        labels=labels,
        files=files,
        tasks=tasks,
        official=[_group(name, names, points) for name, names in official.items()]
        + ([] if of_paper else [_group("overall", whole, points)]),
        ours=[_group(name, names, points) for name, names in ours.items()] + [_group("overall", whole, points)],
        official_note=_NOTE if of_paper else None,
        strangers=[*found.strangers, *aside],
        notes=notes,
        wrong=sum(f.status not in _FINE for f in found.files),
    )


def _is_whole(name: str, benchmark: Benchmark) -> bool:
    """Whether a group is the same by both rules: none that a larger one of the paper stands in for."""
    return f"{name}_with_{LAREQA}" not in benchmark.groups


def _plain(note: str) -> str:
    """Without the folder that it was unpacked to."""
    place, _, words = note.partition(" was left aside")
    return f"{Path(place).name}/ was left aside{words}"


def _task(found: Check, name: str, scored: TaskScore | None) -> SubmittedTask:
    files = [f for f in found.files if f.task == name]
    return SubmittedTask(
        name=name,
        files=[
            SubmittedFile(
                language=f.language, file=f.file, status=f.status.value, said=list(f.said), points=f.points or {}
            )
            for f in files
        ],
        there=sum(f.status not in (Status.MISSING, Status.SUFFIX, Status.UNREADABLE) for f in files),
        average=scored.average if scored is not None else {},
        score=scored.score if scored is not None else None,
    )


def _group(name: str, names: Iterable[str], points: Mapping[str, float]) -> GroupScore:
    every = list(names)
    without = [one for one in every if one not in points]
    value = None if without else mean(points[one] for one in every)
    return GroupScore(name=name, tasks=every, score=value, without=without)
