"""Result files of Hugging Face's Trainer: ``all_results.json``, ``eval_results.json``, ``predict_results.json`` and
``trainer_state.json``.

They hold numbers under names such as ``eval_accuracy`` and do not say of which model, task and language: ``known`` does. A
folder a language (``out/sw/eval_results.json``) or a suffix (``eval_results_sw.json``) is understood. Of a state the numbers
are those of the last evaluation that it logged. Of what one folder says about one language, ``predict_`` (the test set) goes
before ``eval_``, and final results before the state.

The example scripts of transformers print accuracy and F1 of labels and tags as shares of 1, and F1 and exact match of
questions (SQuAD's metric) in points.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from backend.domain.language import LANGUAGES
from backend.domain.task import Format
from backend.domain.tasks import TARGETS, TASKS
from backend.errors import shown, unknown
from backend.importing.rows import Errors, Row, check_row
from backend.importing.xtreme import json_object

FILES = ("predict_results", "test_results", "eval_results", "all_results", "trainer_state")  # first ones go before
_NAME = re.compile(rf"(?P<kind>{'|'.join(FILES)})(?:[_-](?P<language>[a-z]{{2,3}}))?\.json")
_METRIC = re.compile(r"(?P<when>eval|predict|test)_(?P<metric>.+)")
METRICS = {"accuracy": "accuracy", "acc": "accuracy", "f1": "f1", "overall_f1": "f1", "exact_match": "exact_match", "em": "exact_match"}  # fmt: skip
SAMPLES = ("samples",)
WHEN = ("predict", "test", "eval")


def is_one(name: str) -> bool:
    """Whether a file's name is that of a result file."""
    return _NAME.fullmatch(PurePosixPath(name).name) is not None


def read(files: Sequence[tuple[str, bytes]], errors: Errors, known: Mapping[str, object], settings: str) -> list[Row]:
    """The rows of result files; ``known`` must say model and target, and the language where no name does."""
    for column in ("model", "target"):
        if column not in known:
            errors.say("request", f"{column} is required: result files do not say it")
    target = str(known.get("target", ""))
    if target and target not in TARGETS:
        errors.say("request", unknown("target task", target, TARGETS))
    if errors.count:
        return []
    found: dict[tuple[str, str], Row] = {}
    for name, content in sorted(files, key=lambda f: _order(f[0])):
        match = _NAME.fullmatch(PurePosixPath(name).name)
        if match is None:
            errors.say(name, f"not a result file; accepted are {', '.join(f'{f}.json' for f in FILES)}")
            continue
        language = _language(match["language"], name, known)
        if language is None:
            errors.say(
                name,
                "of which language? Give it, or name folder or file after it: sw/eval_results.json, eval_results_sw.json",
            )
            continue
        whole = json_object(name, content, errors)
        if whole is None:
            continue
        values = _last(whole) if match["kind"] == "trainer_state" else whole
        before = errors.count
        rows = _rows(name, values, language, target, errors, known, settings)
        if not rows and errors.count == before:
            accepted = ", ".join(f"eval_{m}" for m in METRICS)
            errors.say(name, f"holds no score of {target}; accepted are {accepted}, or the same with predict_ or test_")
        for row in rows:
            found.setdefault((PurePosixPath(name).parent.as_posix() + row.language, row.metric), row)
    return list(found.values())


def _order(name: str) -> tuple[int, str]:
    match = _NAME.fullmatch(PurePosixPath(name).name)
    return (FILES.index(match["kind"]) if match else len(FILES), name)


def _language(said: str | None, name: str, known: Mapping[str, object]) -> str | None:
    """By the file's name, its folder's, or what is known."""
    folder = PurePosixPath(name).parent.name
    for code in (said, folder, known.get("language")):
        if isinstance(code, str) and code in LANGUAGES:
            return code
    return str(known["language"]) if "language" in known else said


def _last(state: Mapping[str, Any]) -> dict[str, Any]:
    """The last evaluation of a trainer's log."""
    history = state.get("log_history")
    entries = [e for e in history if isinstance(e, dict)] if isinstance(history, list) else []
    return next((e for e in reversed(entries) if any(_METRIC.fullmatch(str(key)) for key in e)), {})


def _rows(
    name: str, values: Mapping[str, Any], language: str, target: str, errors: Errors, known: Mapping[str, object], settings: str
) -> list[Row]:  # fmt: skip
    """A row a metric of the target."""
    chosen: dict[str, tuple[int, str, Any]] = {}
    for key, value in values.items():
        match = _METRIC.fullmatch(str(key))
        metric = METRICS.get(match["metric"]) if match else None
        if match is None or metric is None or metric not in TASKS[target].metrics:
            continue
        place = WHEN.index(match["when"])
        if metric not in chosen or place < chosen[metric][0]:
            chosen[metric] = (place, match["when"], value)
    found = []
    for metric, (_, when, value) in chosen.items():
        points = _points(value, target)
        if points is None:
            scale = "points from 0 to 100" if TASKS[target].format is Format.SPAN_QA else "a share from 0 to 1"
            errors.say(
                name,
                f"{shown(value)}; {scale} is what the Trainer prints of {target}",
                line=1,
                column=f"{when}_{metric}",
            )
            continue
        n = values.get(f"{when}_samples")
        cells = {**known, "language": language, "metric": metric, "value": points, "n": n}
        row = check_row(cells, errors, file=name, line=1, settings=settings)
        if row is not None:
            found.append(row)
    return found


def _points(value: object, target: str) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    most = 100.0 if TASKS[target].format is Format.SPAN_QA else 1.0
    if not 0 <= value <= most:
        return None
    return float(value) * (100.0 / most)
