"""The texts of test examples, for a page that shows some of them. Predictions name examples and do not hold their text.

Where it comes from depends on the source: rows of the mini world are generated again; files under the data root are read again, once
their digest is seen to be the one that was evaluated; of hub data, which no web process can read, an evaluation keeps the texts
beside its predictions since there was a page that shows them. Why there is none is said in words.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from backend.domain import mini, reading
from backend.domain.inputs import COLUMNS, KEPT, Input, answers_in_words, shown_input
from backend.domain.run import DataSpec, digest
from backend.domain.task import Example, Source, Task
from backend.domain.tasks import TASKS
from backend.domain.whereabouts import files_of
from backend.errors import CrossliftError
from backend.store.certainty import Kept as Answers
from backend.submission.stored import Kept, read

_made = Answers(6)  # sets of texts; one may be some megabytes


@dataclass(frozen=True, slots=True)
class Texts:
    """``by_id``: of the examples of one language; ``words``: text of what is retrieved, by id. ``how``: where they come from."""

    by_id: Mapping[str, Input] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    how: str | None = None
    missing: str | None = None


def texts(
    run: Kept, spec: Mapping[str, Any], environment: Mapping[str, Any] | None, language: str, *, root: str, data_root: Path | None
) -> Texts:  # fmt: skip
    """Of the examples that a run evaluated in one language.

    Args:
        spec: what the run computes.
        environment: what it recorded, among it the digests of the files that it read.
        root: of the artifacts; ``data_root``: of benchmark files.
    """
    try:
        data = DataSpec.model_validate(spec["data"][0])
    except (LookupError, TypeError, ValueError):  # a pydantic error is a ValueError
        return Texts(missing="this version cannot read what these runs were to evaluate")
    task = TASKS.get(data.task)
    if task is None or task.version != data.version:
        return Texts(missing="the task has another version now than when these runs were evaluated")
    try:
        if data.source is Source.MINI:
            return _mini(task, data, language)
        if data.source is Source.FILES:
            return _files(task, data, language, environment or {}, data_root)
        return _made.get(("texts", run.fingerprint, language), lambda: _kept(run, language, root))
    except CrossliftError as error:
        return Texts(missing=error.detail)
    except OSError as error:
        return Texts(missing=f"the data files cannot be read ({error.strerror or type(error).__name__})")


def _mini(task: Task, data: DataSpec, language: str) -> Texts:
    assert task.mini is not None
    now = digest(mini.fingerprint_parameters(task.mini))
    if data.content not in (None, now):
        return Texts(missing="the mini world has changed since these runs were evaluated")

    if language not in task.mini_languages:
        return Texts(missing="the mini world no longer has this language")

    def made() -> Texts:
        rows = mini.rows(str(task.mini), language, data.split.value)
        return _of(list(reading.examples(task, rows, f"mini {task.mini}, {language}")), "generated again")

    return _made.get((task.name, data.split, language, now), made)


def _files(task: Task, data: DataSpec, language: str, environment: Mapping[str, Any], root: Path | None) -> Texts:
    if root is None:
        return Texts(missing="this web process was not told where the data files are (CROSSLIFT_DATA_ROOT)")
    found = files_of(task, data.split, language, root)
    if found.rows is None:
        return Texts(missing="the data files of this task are not under this web process's data root")
    digests = [_digest(path) for path in (*found.paths, *found.beside)]
    now = digests[0] if len(digests) == 1 else digest(digests)
    then = environment.get(f"{task.name}/{language}/{data.split.value}", data.content)
    if then is None:
        return Texts(missing="which files were evaluated was not recorded, so their texts may be others by now")
    if then != now:
        return Texts(missing="the data files have changed since these runs were evaluated")
    reader = found.rows

    def made() -> Texts:
        every = [e for path in found.paths for e in reading.examples(task, reader(path, language), path.name)]
        return _of(every, "read again from the data files")

    return _made.get((task.name, data.split, language, now), made)


def _of(examples: list[Example], how: str) -> Texts:
    twice: set[str] = set()
    by_id: dict[str, Input] = {}
    for example in examples:
        if example.id in by_id:
            twice.add(example.id)
        by_id[example.id] = shown_input(example)
    return Texts({id: one for id, one in by_id.items() if id not in twice}, answers_in_words(examples), how)


def _kept(run: Kept, language: str, root: str) -> Texts:
    """Raises: CrossliftError: the run keeps none, or they are damaged."""
    table = read(run, root, COLUMNS, {language}, name=KEPT)
    by_id = {
        id: Input(tuple((str(name), str(text)) for name, text in json.loads(texts)), tuple(json.loads(tokens or "[]")))
        for id, texts, tokens in zip(table["id"], table["texts"], table["tokens"], strict=True)
    }
    return Texts(by_id, {}, "kept with the predictions")


def _digest(path: Path) -> str:
    seen = path.stat()
    return _digest_of(path, seen.st_mtime_ns, seen.st_size)


@lru_cache(maxsize=256)
def _digest_of(path: Path, changed: int, size: int) -> str:
    """Of a file as it stood then: some are gigabytes, and a page asks for each of them on every request."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
