"""One door to three sources: the hub, files in their original formats, the mini world. Behind it, everything is examples.

Rows become examples by the task's own ``read``; examples become sub-words by its format. What was made into sub-words is
kept under the job's cache as one memory-mapped file, so that the ninetieth run does not do it again.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from backend.domain import mini, reading, translations
from backend.domain.run import DataSpec, digest
from backend.domain.task import Source, Task
from backend.domain.tasks import TASKS
from backend.domain.whereabouts import files_of
from backend.errors import CrossliftError
from worker import formats
from worker.artifacts import file_digest
from worker.encoder import Encoder
from worker.formats import Features

FEATURES_VERSION = 1  # raise it when a format's ``encode`` gives other arrays for the same examples
_DTYPES = {"I32": np.int32, "I64": np.int64}


class MissingData(CrossliftError):
    """The rows a run needs are not here, or cannot be scored."""

    status = 503
    title = "Data are missing"


@dataclass
class Door:
    """Where a run's examples come from. ``resolved`` collects what the content turned out to be: commits, digests."""

    data_root: Path | None
    cache: Path
    offline: bool
    log: Callable[[str], None] = lambda message: None
    resolved: dict[str, str] = field(default_factory=dict)
    _kept: dict[tuple[DataSpec, str], list[Any]] = field(default_factory=dict)

    def load(self, data: DataSpec, language: str) -> list[Any]:
        """Examples of one language whose gold answers are known; the others are left out and counted in the log.

        Raises:
            MissingData: there is no such file or data set, it is empty, or all gold answers are withheld.
            MalformedData: a row cannot be read; says which and why.
        """
        if (data, language) not in self._kept:
            task = _task(data)
            examples = [
                e for where, rows in self._rows(task, data, language) for e in reading.examples(task, rows, where)
            ]
            kept = [e for e in examples if reading.answered(task, e)]
            if not kept:
                why = "all gold answers are withheld" if examples else "it holds no examples"
                raise MissingData(f"{task.name}, {language}, {data.split.value} ({data.source.value}): {why}")
            if len(kept) < len(examples):
                self.log(f"{task.name}, {language}: {len(examples) - len(kept)} examples without gold answer left out")
            self._kept[data, language] = kept
        return self._kept[data, language]

    def scored(
        self, data: DataSpec, language: str, encoder: Encoder, max_length: int, stride: int
    ) -> tuple[list[Any], Features]:
        """Examples and their sub-words, for what is to be scored.

        The examples themselves are part of the cache's key: should a source change under an unchanged pin, sub-words of old
        examples would else be read out against new ones, and every score be wrong without a word.
        """
        examples = self.load(data, language)
        if data.content is None:
            self._content(_task(data), data, language)  # to be recorded
        pin = hashlib.sha256(repr(examples).encode()).hexdigest()
        return examples, self._encoded(data, language, encoder, max_length, stride, pin)

    def features(self, data: DataSpec, language: str, encoder: Encoder, max_length: int, stride: int) -> Features:
        """The sub-words alone, for training: rows are not even read where these are in the cache."""
        pin = data.content or self._content(_task(data), data, language)
        return self._encoded(data, language, encoder, max_length, stride, pin)

    def _encoded(
        self, data: DataSpec, language: str, encoder: Encoder, max_length: int, stride: int, pin: str
    ) -> Features:
        task = TASKS[data.task]
        length = min(max_length, encoder.longest)
        key = digest(
            [
                FEATURES_VERSION, task.name, task.version, data.source.value, data.split.value, pin, language,
                task.format.value, encoder.tokenizer_digest, length, stride,
            ]
        )  # fmt: skip

        def make() -> dict[str, NDArray[Any]]:
            return formats.of(task.format).encode(self.load(data, language), encoder.tokenizer, length, stride).arrays()

        return Features.from_arrays(cached(self.cache / "features" / f"{key}.safetensors", make))

    # --- the three sources ------------------------------------------------------------------------------------

    def _rows(self, task: Task, data: DataSpec, language: str) -> Iterator[tuple[str, Iterable[Mapping[str, Any]]]]:
        """Rows, file by file, each with what they are of, in words."""
        if data.source is Source.MINI:
            assert task.mini is not None  # the planner asks for what the source has
            make = mini.rows if data.language is None else mini.translated
            yield f"mini {task.mini}, {language}, {data.split.value}", make(task.mini, language, data.split.value)
        elif data.source is Source.FILES:
            paths, _, reader = self._files(task, data, language)
            for path in paths:
                yield str(path), reader(path, language)
        else:
            assert task.hub is not None
            yield f"{task.hub.id}, {language}, {data.split.value}", self._hub(task, data, language)

    def _content(self, task: Task, data: DataSpec, language: str) -> str:
        """What pins rows whose spec does not say: digest of the file, commit on the hub."""
        if data.source is Source.FILES:
            paths, beside, _ = self._files(task, data, language)
            found = [file_digest(path) for path in (*paths, *beside)]
            return self.resolved.setdefault(
                f"{task.name}/{language}/{data.split.value}", found[0] if len(found) == 1 else digest(found)
            )
        if data.source is Source.HUB:
            return self._commit(task, data) or str(self._hub(task, data, language)._fingerprint)
        assert task.mini is not None
        return digest(mini.fingerprint_parameters(task.mini))

    def _files(
        self, task: Task, data: DataSpec, language: str
    ) -> tuple[list[Path], list[Path], Callable[[Path, str], Iterator[dict[str, Any]]]]:
        """The files of the first layout that is there, what their reader reads beside them, and that reader."""
        if self.data_root is None:
            raise MissingData(f"{task.name} is to come from files, but no data root is set (CROSSLIFT_DATA_ROOT)")
        found = files_of(task, data.split, language, self.data_root)
        if found.rows is not None:
            return list(found.paths), list(found.beside), found.rows
        looked = "; looked for " + ", ".join(found.tried) if found.tried else "; no layout of it has this split"
        raise MissingData(f"no file of {task.name}, {language}, {data.split.value}{looked}")

    def _hub(self, task: Task, data: DataSpec, language: str) -> Any:
        """A ``datasets.Dataset``, left on disk by its own cache."""
        import datasets  # slow to import, and only this source needs it

        assert task.hub is not None
        hub = task.hub
        config = hub.configs.get(language) or (hub.config.format(language=language) if hub.config else None)
        try:
            rows = datasets.load_dataset(
                hub.id,
                config,
                split=hub.splits[data.split],
                revision=self._commit(task, data),
                download_config=datasets.DownloadConfig(local_files_only=self.offline),
            )
        except Exception as error:
            where = "on this machine (offline)" if self.offline else "on the hub"
            raise MissingData(
                f"{task.name}: {hub.id} ({config}, {data.split.value}) cannot be had {where}: {error}"
            ) from error
        column = hub.language_column
        if column and column not in rows.column_names:
            raise reading.MalformedData(
                f"{hub.id} ({config}): column {column!r}, which tells the language, is missing; it has "
                f"{', '.join(rows.column_names)}"
            )
        if hub.id_prefixes:
            beginning = hub.id_prefixes[language]
            return rows.filter(lambda row: row["id"].startswith(beginning))
        return rows.filter(lambda row: row[column] == language) if column else rows

    def _commit(self, task: Task, data: DataSpec) -> str | None:
        """The commit to read; None where it is not pinned and the hub cannot be asked."""
        assert task.hub is not None
        known = data.content or task.hub.revision or self.resolved.get(task.hub.id)
        if known is None and not self.offline:
            from huggingface_hub import HfApi

            try:
                known = HfApi().dataset_info(task.hub.id).sha
            except Exception as error:  # the data may still be in the cache
                self.log(f"the commit of {task.hub.id} could not be asked for: {error}")
        if known is not None:
            self.resolved[task.hub.id] = known
        return known


def _task(data: DataSpec) -> Task:
    """The task that reads these rows: of translated ones that with its translations' files."""
    task = TASKS[data.task]
    return task if data.language is None else translations.translated(task)


# --- the cache of features --------------------------------------------------------------------------------------


def cached(path: Path, make: Callable[[], Mapping[str, NDArray[Any]]]) -> Mapping[str, NDArray[Any]]:
    """The arrays kept in this file, as views of it; made and kept first where it is not there or cannot be read."""
    arrays = _mapped(path)
    if arrays is None:
        _write(path, make())
        arrays = _mapped(path)
        assert arrays is not None  # just written
    return arrays


def _write(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """At once or not at all: two runs may write the same features at the same time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".making")
    os.close(handle)
    try:
        save_file({k: np.ascontiguousarray(v) for k, v in arrays.items()}, name)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _mapped(path: Path) -> dict[str, NDArray[Any]] | None:
    """The arrays of a safetensors file as views of the file; None where there is none that can be read."""
    try:
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(size))
        raw = np.memmap(path, np.uint8, mode="r", offset=8 + size)
        arrays = {}
        for name, entry in header.items():
            if name != "__metadata__":
                begin, end = entry["data_offsets"]
                arrays[name] = raw[begin:end].view(_DTYPES[entry["dtype"]]).reshape(entry["shape"])
        return arrays
    except (OSError, ValueError, KeyError):
        return None
