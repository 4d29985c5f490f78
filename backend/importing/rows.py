"""One imported score, and how its cells are checked: each error names file, line, column, value and what would be accepted."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from backend.domain.imports import NAME
from backend.domain.language import LANGUAGES
from backend.domain.model import MODELS
from backend.domain.recipe import Recipe
from backend.domain.tasks import TARGETS, TASKS
from backend.errors import FieldError, Invalid, shown, unknown

MOST_ERRORS = 50  # said; the others are counted
MOST_ROWS = 50_000

#: column → (required, what it holds): the schema of a table of scores, for readers and for people.
SCHEMA: Mapping[str, tuple[bool, str]] = {
    "model": (True, "a model of the catalogue, or any name of 1 to 60 letters, digits, . _ - and spaces"),
    "recipe": (False, "the intermediate stage, as in mnli or mnli+squad; empty or none: no intermediate task"),
    "target": (True, "a target task of the catalogue, as in xnli"),
    "language": (True, "a two-letter code, as in sw"),
    "metric": (True, "a metric of the target, as in accuracy"),
    "seed": (False, "a whole number; empty: nothing was trained, or not known"),
    "value": (True, "points, 0 to 100"),
    "n": (False, "examples scored, a whole number from 1 on; empty: not known"),
    "settings": (False, "what gains are matched on beside these, in up to 60 letters; empty: what the import says"),
}
COLUMNS = tuple(SCHEMA)


@dataclass(frozen=True, slots=True)
class Row:
    """One score in points, and the line that it was read in."""

    model: str
    recipe: str
    target: str
    language: str
    metric: str
    seed: int | None
    value: float
    n: int | None
    settings: str
    file: str
    line: int

    @property
    def key(self) -> tuple[str, ...]:
        """What it is the score of, within its source."""
        seed = "" if self.seed is None else str(self.seed)
        return (self.settings, self.model, self.recipe, self.target, self.language, self.metric, seed)


@dataclass
class Errors:
    """Everything that is wrong, up to a limit; beyond it they are counted."""

    found: list[FieldError] = field(default_factory=list)
    count: int = 0

    def say(self, file: str, message: str, *, line: int | None = None, column: str | None = None) -> None:
        """Add one, with its place."""
        self.count += 1
        if len(self.found) < MOST_ERRORS:
            place = [file, *([f"line {line}"] if line is not None else []), *([f"column {column}"] if column else [])]
            self.found.append(FieldError("/files", f"{', '.join(place)}: {message}"))

    def check(self) -> None:
        """Raises:
        Invalid: anything was wrong; nothing is imported then.
        """
        if self.count:
            more = self.count - len(self.found)
            tail = [FieldError("/files", f"and {more:,} more of these")] if more else []
            number = f"{self.count:,} error{'s' if self.count > 1 else ''}"
            raise Invalid(f"Nothing was imported: {number}.", errors=[*self.found, *tail])


def check_row(cells: Mapping[str, object], errors: Errors, *, file: str, line: int, settings: str = "") -> Row | None:
    """A row of these cells, or None with everything that is wrong about it said. Text and numbers are taken; None and empty
    text are the same."""
    before = errors.count

    def wrong(column: str, expected: str) -> None:
        errors.say(file, f"{shown(cells.get(column))}; {expected}", line=line, column=column)

    def text(column: str) -> str:
        value = cells.get(column)
        if value is None:
            return ""
        if isinstance(value, float) and math.isnan(value):  # how a table of numbers writes an empty cell
            return ""
        return str(value).strip()

    for column, (required, holds) in SCHEMA.items():
        if required and not text(column):
            wrong(column, f"required: {holds}")
    model, target, language, metric = text("model"), text("target"), text("language"), text("metric")
    if model and model not in MODELS and not re.fullmatch(NAME, model):
        wrong("model", f"accepted is {SCHEMA['model'][1]}")
    if target and target not in TARGETS:
        wrong("target", unknown("target task", target, TARGETS))
    if language and language not in LANGUAGES:
        wrong("language", unknown("language", language, tuple(LANGUAGES)))
    if metric and target in TARGETS and metric not in TASKS[target].metrics:
        wrong("metric", f"{target} has {', '.join(TASKS[target].metrics)}")
    recipe = _recipe(text("recipe"), wrong)
    seed = _whole(text("seed"), 0, 2**31 - 1)
    if seed is _WRONG:
        wrong("seed", "a whole number from 0 to 2147483647 or nothing is accepted")
    n = _whole(text("n"), 1, 10**9)
    if n is _WRONG:
        wrong("n", "a whole number from 1 to 1000000000 or nothing is accepted")
    value = _number(text("value"))
    if text("value") and not 0 <= value <= 100:
        wrong("value", "points from 0 to 100 are accepted")
    under = text("settings") or settings
    if len(under) > 60 or not under.isprintable():
        wrong("settings", "up to 60 letters on one line are accepted")
    if errors.count > before:
        return None
    return Row(
        model, recipe, target, language, metric, seed if isinstance(seed, int) else None, value,
        n if isinstance(n, int) else None, under, file, line,
    )  # fmt: skip


class _Wrong:
    pass


_WRONG = _Wrong()


def _whole(text: str, low: int, high: int) -> int | _Wrong | None:
    """A whole number; tables of numbers write 3 as 3.0 where a cell of the column is empty."""
    if not text:
        return None
    digits = text.removesuffix(".0")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 12 and low <= int(digits) <= high):
        return _WRONG
    return int(digits)


def _number(text: str) -> float:
    try:
        return float(text) if "_" not in text else math.nan
    except ValueError:
        return math.nan


def _recipe(text: str, wrong: object) -> str:
    if not text:
        return "none"
    assert callable(wrong)
    try:
        recipe = Recipe.parse(text)
    except ValueError as error:
        wrong("recipe", str(error).partition("\n")[0])
        return text
    strange = [task for stage in recipe.stages for task in stage if task not in TASKS]
    if strange:
        wrong("recipe", unknown("task", strange[0], tuple(TASKS)))
    return recipe.name


def check_whole(rows: Iterable[Row], errors: Errors) -> None:
    """What only shows in all rows together: the same score twice, and too many of them."""
    seen: dict[tuple[str, ...], Row] = {}
    count = 0
    for row in rows:
        count += 1
        first = seen.setdefault(row.key, row)
        if first is not row:
            where = f"line {first.line}" if first.file == row.file else f"{first.file}, line {first.line}"
            errors.say(
                row.file, f"{row.value!r}; {where} has a value for the same model, recipe, target, language, metric, seed and settings",
                line=row.line, column="value",
            )  # fmt: skip
    if count > MOST_ROWS:
        errors.say("all files", f"{count:,} rows; at most {MOST_ROWS:,} are accepted at a time")
