"""Scores of a folder of predictions in XTREME's layout, as ``crosslift score --json`` prints them.

Predictions are scored where they lie (``backend.submission``); what travels is the report, so that a submission of many megabytes
need not. A report with problems is refused: a language that could not be scored would be missing without anybody being told.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from backend.domain.tasks import TARGETS
from backend.errors import shown, unknown
from backend.importing.rows import Errors, Row, check_row

TASK = {"bucc2018": "bucc"}  # as the layout calls it → as it is called here
METRIC = {"map@20": "map_at_20"}


def read(files: Sequence[tuple[str, bytes]], errors: Errors, known: Mapping[str, object], settings: str) -> list[Row]:
    """The rows of reports; ``known`` must say the model, and may say recipe and seed."""
    for column in ("target", "language"):
        if column in known:
            errors.say("request", f"{column} is given, but the report says it itself; leave it out")
    if "model" not in known:
        errors.say("request", "model is required: predictions do not say which model made them")
    if errors.count:
        return []
    found = []
    for name, content in files:
        for number, cells in enumerate(_scores(name, content, errors), start=1):
            row = check_row({**known, **cells}, errors, file=name, line=number, settings=settings)
            if row is not None:
                found.append(row)
    return found


def _scores(name: str, content: bytes, errors: Errors) -> Iterator[dict[str, object]]:
    whole = json_object(name, content, errors)
    if whole is None:
        return
    tasks = whole.get("tasks")
    if not isinstance(tasks, dict):
        errors.say(name, "holds no tasks: expected what `crosslift score --json` prints")
        return
    for problem in whole.get("problems") or ():
        errors.say(name, f"could not be scored whole: {shown(problem, 200)}")
    for task, of in tasks.items():
        target = TASK.get(task, task)
        if target not in TARGETS:
            errors.say(name, unknown("task", str(task), TARGETS))
            continue
        languages = of.get("languages") if isinstance(of, dict) else None
        for language, values in (languages if isinstance(languages, dict) else {}).items():
            for metric, value in (values if isinstance(values, dict) else {}).items():
                yield {"target": target, "language": language, "metric": METRIC.get(metric, metric), "value": value}


def json_object(name: str, content: bytes, errors: Errors) -> dict[str, Any] | None:
    """A file that holds one JSON object; None, and said why, where it does not."""
    try:
        whole = json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        errors.say(name, "not UTF-8")
        return None
    except json.JSONDecodeError as error:
        errors.say(name, f"not JSON ({error.msg})", line=error.lineno)
        return None
    except (ValueError, RecursionError):
        errors.say(name, "not JSON that can be read: a number is too long, or it is nested too deeply")
        return None
    if not isinstance(whole, dict):
        errors.say(name, "is not a JSON object")
        return None
    return whole


def digest(folder: Path) -> str:
    """SHA-256 over every file of a folder, by relative name: what a report is of."""
    total = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"{path.relative_to(folder).as_posix()}\n{content}\n".encode())
    return total.hexdigest()
