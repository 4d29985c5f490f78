"""What jiant writes: ``val_metrics.json``, with ``args.json`` beside it where it is given.

Source: nyu-mll/jiant, ``jiant/proj/main/components/evaluate.py`` (the shape of the file) and ``jiant/tasks/evaluate/core.py`` (its
metrics). A task is named after its language: ``xnli_de``, ``mlqa_de_de`` (context, then question). Accuracy and the F1 of tags are
shares of 1, F1 and exact match of questions points. These are scores of validation sets, on which jiant selects checkpoints.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from backend.domain.language import LANGUAGES
from backend.domain.task import Format
from backend.domain.tasks import TARGETS, TASKS
from backend.errors import shown, unknown
from backend.importing.rows import Errors, Row, check_row
from backend.importing.xtreme import json_object

METRICS_FILE, ARGUMENTS = "val_metrics.json", "args.json"
AGGREGATE = "aggregated"  # over tasks, as jiant weighs them: no score of ours
TARGET = {"bucc2018": "bucc"}
METRIC = {"acc": "accuracy", "f1": "f1", "em": "exact_match", "exact": "exact_match", "exact_match": "exact_match"}
_TASK = re.compile(r"(?P<task>[a-z0-9]+?)_(?P<language>[a-z]{2,3})(?:_(?P<question>[a-z]{2,3}))?")


def read(files: Sequence[tuple[str, bytes]], errors: Errors, known: Mapping[str, object], settings: str) -> list[Row]:
    """The rows of result files; ``known`` must say the model, and may say recipe, seed and (of tasks without one in their name)
    language."""
    if "target" in known:
        errors.say("request", "target is given, but the file says it itself; leave it out")
    if "model" not in known:
        errors.say("request", "model is required: jiant says where its weights were and not which model they are")
    if errors.count:
        return []
    seeds = {PurePosixPath(n).parent: s for n, c in files if (s := _seed(n, c, errors)) is not None}
    found = []
    for name, content in files:
        path = PurePosixPath(name)
        if path.name == ARGUMENTS:
            continue
        if path.name != METRICS_FILE:
            errors.say(name, f"not a result file; accepted are {METRICS_FILE} and {ARGUMENTS}")
            continue
        for number, cells in enumerate(_scores(name, content, errors, known), start=1):
            seed = {"seed": seeds[path.parent]} if path.parent in seeds and "seed" not in known else {}
            row = check_row({**known, **seed, **cells}, errors, file=name, line=number, settings=settings)
            if row is not None:
                found.append(row)
    return found


def _seed(name: str, content: bytes, errors: Errors) -> int | None:
    """The seed of an ``args.json``; jiant writes -1 where it drew one itself."""
    if PurePosixPath(name).name != ARGUMENTS:
        return None
    whole = json_object(name, content, errors)
    seed = whole.get("seed") if whole is not None else None
    return seed if isinstance(seed, int) and not isinstance(seed, bool) and seed >= 0 else None


def _scores(name: str, content: bytes, errors: Errors, known: Mapping[str, object]) -> Iterator[dict[str, object]]:
    whole = json_object(name, content, errors)
    for task, of in (whole or {}).items():
        if task == AGGREGATE:
            continue
        place = _place(task, known)
        if place is None:
            errors.say(name, f"task {shown(task)}: expected a target and its language, as in xnli_de")
            continue
        target, language = place
        if target not in TARGETS:
            errors.say(name, f"task {shown(task)}: {unknown('target task', target, TARGETS)}")
            continue
        metrics = of.get("metrics") if isinstance(of, dict) else None
        minor = metrics.get("minor") if isinstance(metrics, dict) else None
        before = 0
        for key, value in (minor if isinstance(minor, dict) else {}).items():
            metric = METRIC.get(key)
            if metric is None or metric not in TASKS[target].metrics:
                continue
            before += 1
            points = _points(value, target)
            if points is None:
                scale = "points from 0 to 100" if TASKS[target].format is Format.SPAN_QA else "a share from 0 to 1"
                errors.say(name, f"task {shown(task)}: {shown(value)}; {scale} is what jiant writes", column=key)
                continue
            yield {"target": target, "language": language, "metric": metric, "value": points}
        if not before:
            errors.say(name, f"task {shown(task)} holds no metric of {target}: {', '.join(TASKS[target].metrics)}")


def _place(task: str, known: Mapping[str, object]) -> tuple[str, str] | None:
    """Target and language of a task's name; of MLQA both languages must be the same: ours does not cross them."""
    match = _TASK.fullmatch(task)
    if match is None:
        language = known.get("language")
        return (TARGET.get(task, task), str(language)) if language is not None else None
    if match["question"] not in (None, match["language"]):
        return None
    if match["language"] not in LANGUAGES:
        return None
    return TARGET.get(match["task"], match["task"]), match["language"]


def _points(value: object, target: str) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    most = 100.0 if TASKS[target].format is Format.SPAN_QA else 1.0
    return float(value) * (100.0 / most) if 0 <= value <= most else None
