"""The predictions of an experiment's evaluations, from where its workers left them, as a zip in the official layout.

Each run keeps one ``predictions.parquet`` under its fingerprint: language, id, prediction, gold, in the order of the examples.
A submission is that of one model, recipe and seed. Retrieval that nothing was trained for has no seed and belongs to every one.
"""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from backend.domain.language import LANGUAGES
from backend.domain.run import RunKind, RunState
from backend.domain.schemas import RunView
from backend.domain.tasks import TASKS
from backend.errors import CrossliftError, Invalid, NotFound, shown
from backend.submission.benchmarks import Benchmark, Entry, Kind
from backend.submission.write import Stored, content

PREDICTIONS = "predictions.parquet"
MANIFEST = "manifest.json"
ABOUT = "about.json"
_SENTENCE = re.compile(r'"([a-z]{2}):(\d+)-(\d+)"')  # of LAReQA, in JSON: language, paragraph from 0, sentence from 0
EPOCH = (1980, 1, 1, 0, 0, 0)  # of every entry, so that equal predictions make an equal zip


class Missing(CrossliftError):
    """Stored predictions are not where they should be, or not what was stored."""


class Choice(NamedTuple):
    """What one submission is of."""

    model: str
    recipe: str
    seed: int | None

    @property
    def folder(self) -> str:
        """Fit for a file system: recipes have colons, and chains the sign of a redirection."""
        recipe = self.recipe.replace(":", "-").replace(">", "-then-")
        return f"{self.model}/{recipe}/seed-{'none' if self.seed is None else self.seed}"


def submissions(
    runs: Iterable[RunView],
    benchmark: Benchmark,
    *,
    model: str | None = None,
    recipe: str | None = None,
    seed: int | None = None,
) -> dict[Choice, dict[str, RunView]]:
    """Each model, recipe and seed with a done evaluation of each task, narrowed to what is asked for.

    Raises:
        NotFound: nothing is left; the message says what there is.
    """
    done = [
        run
        for run in runs
        if run.kind is RunKind.EVALUATE and run.state is RunState.DONE and run.target in benchmark.tasks
    ]
    seeds: list[int | None] = [*sorted({run.seed for run in done if run.seed is not None})] or [None]
    found: dict[Choice, dict[str, RunView]] = {}
    for run in sorted(done, key=lambda run: run.id):
        for each in seeds if run.seed is None else [run.seed]:
            found.setdefault(Choice(run.model, run.recipe, each), {})[str(run.target)] = run
    if not found:
        raise NotFound(
            f"the experiment has no done evaluation of a task of {benchmark.title}: {', '.join(benchmark.tasks)}"
        )
    kept = {
        choice: tasks
        for choice, tasks in found.items()
        if model in (None, choice.model) and recipe in (None, choice.recipe) and seed in (None, choice.seed)
    }
    if not kept:
        there = "; ".join(f"{c.model}, {c.recipe}, seed {c.seed}" for c in list(found)[:20])
        raise NotFound(f"no done evaluation of that model, recipe and seed; there are: {there}")
    return kept


def write_zip(
    archive: Path,
    chosen: Mapping[Choice, Mapping[str, RunView]],
    benchmark: Benchmark,
    *,
    root: str,
    about: Mapping[str, Any],
    gold: bool = False,
) -> list[str]:
    """Write them, one at the top of the zip, several in a folder each, with an ``about.json``; returns what is missing.

    ``root`` is the store of artifacts. The zip appears whole or not at all.

    Raises:
        Missing: predictions cannot be found or read.
        OSError: the zip cannot be written.
    """
    missing: list[str] = []
    read: dict[str, dict[str, list[Stored]]] = {}  # a run without seed belongs to several
    making = archive.with_name(f".{archive.name}.making")
    try:
        with zipfile.ZipFile(making, "w", zipfile.ZIP_DEFLATED) as out:
            for choice, runs in chosen.items():
                top = "" if len(chosen) == 1 else f"{choice.folder}/"
                for name, entry in benchmark.tasks.items():
                    run = runs.get(name)
                    if run is None:
                        missing.append(f"{choice.folder}: {name} was not evaluated")
                        continue
                    if run.fingerprint not in read:
                        read[run.fingerprint] = stored(run, root, gold=gold)
                    rows = read[run.fingerprint]
                    for language in entry.languages:
                        if language in rows:
                            try:
                                text = content(entry, _as_submitted(entry, rows[language]), gold=gold)
                            except ValueError as error:
                                raise Missing(f"run {run.id}, {name} in {LANGUAGES[language].name}: {error}") from None
                            _add(out, f"{top}{name}/{entry.file(language)}", text)
                    without = [code for code in entry.languages if code not in rows]
                    if without:
                        missing.append(f"{choice.folder}: {name} was not evaluated in {', '.join(without)}")
                facts = {
                    **about, "model": choice.model, "recipe": choice.recipe, "seed": choice.seed, "gold": gold,
                    "runs": {name: {"run": run.id, "fingerprint": run.fingerprint} for name, run in runs.items()},
                }  # fmt: skip
                _add(out, f"{top}{ABOUT}", json.dumps(facts, indent=1, ensure_ascii=False) + "\n")
        making.replace(archive)
    finally:
        making.unlink(missing_ok=True)
    return missing


def _add(out: zipfile.ZipFile, name: str, text: str) -> None:
    info = zipfile.ZipInfo(name, EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    out.writestr(info, text)


class Kept(Protocol):
    """A run whose predictions are kept: its address, if it was told one, and its fingerprint."""

    @property
    def id(self) -> int: ...
    @property
    def artifact(self) -> str | None: ...
    @property
    def fingerprint(self) -> str: ...


def stored(run: Kept, root: str, *, gold: bool = False) -> dict[str, list[Stored]]:
    """A run's predictions (or gold answers) by language, in the order of its examples. What was read is what was stored: its
    digest is that of the artifact's manifest.

    Raises:
        Missing: there is no such artifact, here or below ``root``; it is damaged; or what reads it is not installed.
    """
    columns = ["language", "id", "gold" if gold else "prediction"]
    table = read(run, root, columns)
    if lacking := [name for name in columns if name not in table]:
        raise Invalid(f"run {run.id}: its predictions cannot be read: there is no column {lacking[0]}")
    return by_language(*(table[name] for name in columns))


def read(
    run: Kept,
    root: str,
    columns: Sequence[str],
    languages: Collection[str] | None = None,
    *,
    name: str = PREDICTIONS,
) -> dict[str, list[Any]]:
    """Columns of a run's predictions, of these languages alone or of all. A column that this file has not is left out.
    ``name``: of the file, where another one of the artifact is meant.

    Raises:
        Missing: as ``stored``.
        Invalid: the file is whole and cannot be read.
    """
    try:
        import fsspec
        from pyarrow import ArrowException, BufferReader, compute, parquet
    except ImportError as error:
        raise Missing(f"reading predictions needs {error.name}: install crosslift[backend]") from None
    tried = []
    for address in (run.artifact, f"{root.rstrip('/')}/{run.fingerprint[:2]}/{run.fingerprint}"):
        if not address:
            continue
        try:
            fs, place = fsspec.core.url_to_fs(address)
            manifest = json.loads(fs.cat_file(f"{place}/{MANIFEST}"))
            if name != PREDICTIONS and name not in manifest:
                raise Missing(f"run {run.id} was evaluated before {name.partition('.')[0]} were kept")
            raw = fs.cat_file(f"{place}/{name}")
            whole = hashlib.sha256(raw).hexdigest() == manifest[name]["sha256"]
        except (OSError, ValueError, KeyError, TypeError, ImportError) as error:
            tried.append(f"{shown(address, 200)} ({type(error).__name__})")
            continue
        if not whole:
            raise Missing(f"run {run.id}: {shown(address, 200)}/{name} is not what was stored")
        try:
            file = parquet.ParquetFile(BufferReader(raw))
            table = file.read(columns=[column for column in columns if column in file.schema_arrow.names])
            if languages is not None:  # one by one: a list of them would make Arrow load pandas
                codes = table["language"].cast("string")
                table = table.filter(reduce(compute.or_, [compute.equal(codes, code) for code in sorted(languages)]))
        except (OSError, ValueError, KeyError, ArrowException) as error:
            raise Invalid(f"run {run.id}: its predictions cannot be read: {error}") from None
        return {column: table[column].to_pylist() for column in table.column_names}
    raise Missing(f"the {name.partition('.')[0]} of run {run.id} are not on this machine; looked in {', '.join(tried)}")


def _as_submitted(entry: Entry, rows: list[Stored]) -> list[Stored]:
    """Answers as the benchmark's files write them: PAWS-X has numbers where the catalogue has words; a candidate of LAReQA is
    ``de_4_2`` where a run keeps ``de:3-2`` (official paragraphs are counted from 1)."""
    if entry.name == "lareqa":
        return [Stored(row.id, _SENTENCE.sub(_official, row.answer)) for row in rows]
    ours = TASKS[entry.name].labels if entry.name in TASKS else ()
    if entry.kind is not Kind.LABELS or set(ours) == set(entry.labels) or len(ours) != len(entry.labels):
        return rows
    written = dict(zip(ours, entry.labels, strict=True))
    return [Stored(row.id, written.get(row.answer, row.answer)) for row in rows]


def _official(sentence: re.Match[str]) -> str:
    return f'"{sentence[1]}_{int(sentence[2]) + 1}_{sentence[3]}"'


def by_language(languages: Sequence[str], ids: Sequence[str], answers: Sequence[str]) -> dict[str, list[Stored]]:
    found: dict[str, list[Stored]] = {}
    for language, one, answer in zip(languages, ids, answers, strict=True):
        found.setdefault(language, []).append(Stored(one, answer))
    return found
