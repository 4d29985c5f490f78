"""The figures: a comma-separated file a source, a table of papers and tables beside them, read once and checked whole.

=====================  =============================================================================================
column                 holds
=====================  =============================================================================================
table                  a table of ``sources.toml``
row                    the row of that table as printed: a system, a regime, a seed
model                  the model in our catalogue; empty: it is not there
protocol               how it was transferred, see ``Protocol``
split                  ``dev`` or ``test``; empty: not stated
seed                   of one run; empty: no single seed
seeds                  how many it is the mean of; empty: not stated
params_millions        as published (maybe elsewhere than the score); empty: not given
intermediate           intermediate task as printed, ``none`` for none
recipe                 the same as a recipe of ours; empty: none of ours
target                 target task as printed
task                   the same in our catalogue; empty: it is not there
language               ISO code as printed, or ``avg``
metric                 our name of the metric
value                  points 0 to 100; a ``gain`` from -100 to 100; a perplexity (``pppl``) any positive number
note                   what is odd about this one number
=====================  =============================================================================================
"""

from __future__ import annotations

import csv
import math
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, get_args

from backend.domain.language import LANGUAGES
from backend.domain.literature import AVERAGE, UNMATCHED, Protocol, PublishedSource, PublishedView, Split
from backend.domain.model import MODELS
from backend.domain.recipe import Recipe
from backend.domain.tasks import TASKS
from backend.errors import shown, unknown

HERE = Path(__file__).parent
COLUMNS = (
    "table", "row", "model", "protocol", "split", "seed", "seeds", "params_millions", "intermediate", "recipe", "target",
    "task", "language", "metric", "value", "note",
)  # fmt: skip
#: Metrics that no task of ours has; the others are those of the tasks.
OTHER_METRICS = ("gain", "mean", "pppl", "task_metric", "top_10_accuracy", "unstated")
METRICS = frozenset({m for t in TASKS.values() for m in t.metrics} | set(OTHER_METRICS))
PROTOCOLS: tuple[str, ...] = get_args(Protocol)
_LONG = {language.iso639_3: code for code, language in LANGUAGES.items()}
_NO_LANGUAGE = "two or three lower-case letters, or avg"


class Unsound(ValueError):
    """A figure or a source cannot be taken as it is written; the message names file, line, column and value."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table that figures were read in, and the paper it belongs to."""

    name: str
    title: str
    url: str
    read: str
    differs: tuple[str, ...]
    paper: str
    cite: str
    paper_url: str


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure; ``id`` counts from 1 in the order of the files, ``line`` is its line in ``file``."""

    id: int
    file: str
    line: int
    table: Table
    row: str
    model: str | None
    protocol: Protocol
    split: Split | None
    seed: int | None
    seeds: int | None
    parameters_millions: float | None
    intermediate: str
    recipe: str | None
    target: str
    task: str | None
    language: str  # our code where we have one, else as printed
    metric: str
    value: float
    note: str

    def view(self) -> PublishedView:
        t = self.table
        return PublishedView(
            id=self.id, file=self.file, line=self.line, paper=t.paper, cite=t.cite, paper_url=t.paper_url, table=t.name,
            table_title=t.title, url=t.url, read=t.read, row=self.row, model=self.model,
            parameters_millions=self.parameters_millions, intermediate=self.intermediate, recipe=self.recipe,
            target=self.target, task=self.task, language=self.language, metric=self.metric, value=self.value,
            protocol=self.protocol, split=self.split, seed=self.seed, seeds=self.seeds, differs=list(t.differs), note=self.note,
        )  # fmt: skip


@lru_cache(maxsize=1)
def figures() -> Sequence[Figure]:
    """Every figure that is shipped."""
    return load(HERE)


def sources() -> list[PublishedSource]:
    """Every table that there is a figure of, in the order of the figures."""
    of: dict[str, list[Figure]] = {}
    for f in figures():
        of.setdefault(f.table.name, []).append(f)
    return [_source(some) for some in of.values()]


def _source(some: Sequence[Figure]) -> PublishedSource:
    t = some[0].table

    def every(names: Iterable[str | None]) -> list[str]:
        return sorted({name or UNMATCHED for name in names})

    return PublishedSource(
        table=t.name, title=t.title, paper=t.paper, cite=t.cite, paper_url=t.paper_url, url=t.url, read=t.read,
        differs=list(t.differs), figures=len(some), models=every(f.model for f in some), tasks=every(f.task for f in some),
        languages=every(f.language for f in some), metrics=every(f.metric for f in some),
    )  # fmt: skip


def load(folder: Path) -> Sequence[Figure]:
    """Read ``sources.toml`` and ``figures/*.csv`` of a folder.

    Raises:
        Unsound: something in them cannot be taken; the message says which file, line, column and value, and what can be.
    """
    tables = _tables(folder / "sources.toml")
    found: list[Figure] = []
    for path in sorted((folder / "figures").glob("*.csv")):
        found += _read(path, tables, first=len(found) + 1)
    seen: dict[tuple[object, ...], Figure] = {}
    for f in found:
        key = (f.table.name, f.row, f.intermediate, f.target, f.language, f.metric)
        if (other := seen.setdefault(key, f)) is not f:
            raise Unsound(
                f"{f.file}, line {f.line}: the same table, row, task, language and metric as line {other.line}"
            )
    return tuple(found)


def _tables(path: Path) -> dict[str, Table]:
    try:
        whole = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Unsound(f"{path.name}: cannot be read: {error}") from None
    papers: Mapping[str, Any] = whole.get("papers", {})
    found = {}
    for name, of in whole.get("tables", {}).items():
        where = f"{path.name}, table {name}"
        if of.get("paper") not in papers:
            raise Unsound(f"{where}, paper: {unknown('paper', str(of.get('paper')), tuple(papers))}")
        paper = papers[of["paper"]]
        for key in ("title", "url", "read"):
            if not isinstance(of.get(key), str) or not of[key]:
                raise Unsound(f"{where}, {key}: text is required, not {shown(of.get(key))}")
        for url in (of["url"], paper.get("url", "")):
            if not str(url).startswith("https://"):
                raise Unsound(f"{where}, url: {shown(url)} is no https:// address")
        found[name] = Table(
            name, of["title"], of["url"], of["read"], tuple(of.get("differs", ())), of["paper"], paper["cite"], paper["url"]
        )  # fmt: skip
    return found


def _read(path: Path, tables: Mapping[str, Table], *, first: int) -> Iterator[Figure]:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        head = tuple(next(reader, ()))
        if head != COLUMNS:
            raise Unsound(
                f"{path.name}, line 1: the columns are {shown(', '.join(head))}; expected {', '.join(COLUMNS)}"
            )
        for i, cells in enumerate(reader):
            if len(cells) != len(COLUMNS):
                raise Unsound(f"{path.name}, line {reader.line_num}: {len(cells)} cells; expected {len(COLUMNS)}")
            yield _figure(
                _Line(path.name, reader.line_num, dict(zip(COLUMNS, cells, strict=True))), tables, id=first + i
            )


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of a file; reads its cells and says which of them is wrong."""

    file: str
    number: int
    cells: Mapping[str, str]

    def wrong(self, column: str, expected: str) -> Unsound:
        return Unsound(f"{self.file}, line {self.number}, {column}: {shown(self.cells[column])}; {expected}")

    def text(self, column: str) -> str:
        value = self.cells[column]
        if not value or value != value.strip() or not value.isprintable():
            raise self.wrong(column, "text is required, without white space around it")
        return value

    def one_of(self, column: str, known: Sequence[str]) -> str:
        value = self.cells[column]
        if value not in known:
            raise self.wrong(column, unknown(column, value, tuple(known)))
        return value

    def maybe_one_of(self, column: str, known: Sequence[str]) -> str | None:
        return self.one_of(column, known) if self.cells[column] else None

    def count(self, column: str) -> int | None:
        value = self.cells[column]
        if not value:
            return None
        if not (value.isascii() and value.isdigit() and len(value) < 10):
            raise self.wrong(column, "a whole number or nothing is accepted")
        return int(value)

    def number_in(self, column: str, low: float, high: float) -> float:
        try:
            value = float(self.cells[column])
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            ends = f"from {low:g} to {high:g}" if math.isfinite(high) else f"from {low:g} on"
            raise self.wrong(column, f"a number {ends} is accepted")
        return value


def _figure(line: _Line, tables: Mapping[str, Table], *, id: int) -> Figure:
    metric = line.one_of("metric", sorted(METRICS))
    low, high = {"gain": (-100.0, 100.0), "pppl": (0.0, 1e12)}.get(metric, (0.0, 100.0))
    task = line.maybe_one_of("task", tuple(TASKS))
    if task is not None and metric not in (*TASKS[task].metrics, "unstated"):
        raise line.wrong("metric", f"{task} has {', '.join(TASKS[task].metrics)}")
    seed, seeds = line.count("seed"), line.count("seeds")
    if seed is not None and seeds != 1:
        raise line.wrong("seeds", "one seed is the mean of 1")
    protocol: Any = line.one_of("protocol", PROTOCOLS)
    split: Any = line.maybe_one_of("split", ("dev", "test"))
    return Figure(
        id=id, file=line.file, line=line.number, table=tables[line.one_of("table", tuple(tables))], row=line.text("row"),
        model=line.maybe_one_of("model", tuple(MODELS)), protocol=protocol, split=split, seed=seed, seeds=seeds,
        parameters_millions=line.number_in("params_millions", 0.001, 1e7) if line.cells["params_millions"] else None,
        intermediate=line.text("intermediate"), recipe=_recipe(line), target=line.text("target"), task=task,
        language=_language(line), metric=metric, value=line.number_in("value", low, high), note=line.cells["note"],
    )  # fmt: skip


def _recipe(line: _Line) -> str | None:
    text = line.cells["recipe"]
    if not text:
        return None
    try:
        recipe = Recipe.parse(text)
    except ValueError as error:
        raise line.wrong("recipe", str(error)) from None
    for task in (task for stage in recipe.stages for task in stage if task not in TASKS):
        raise line.wrong("recipe", unknown("task", task, tuple(TASKS)))
    return recipe.name


def _language(line: _Line) -> str:
    """Our code of a language where we have it."""
    code = line.text("language")
    if code == AVERAGE:
        return code
    if not (code.isascii() and code.isalpha() and code.islower() and len(code) in (2, 3)):
        raise line.wrong("language", f"{_NO_LANGUAGE} are accepted")
    return _LONG.get(code, code)
