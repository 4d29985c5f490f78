"""The gain to be expected of a cell that nobody has measured, from its neighbours, and how wrong such an expectation is.

A *row* is a model, recipe and target; it has gains in some languages. The expectation of a cell is the mean of the known gains of
other rows, weighted by a product of likenesses: size and family of the model, tasks of the recipe, target and format, language and
its family (kernel regression: Nadaraya 1964, *On estimating regression*; Watson 1964, *Smooth regression analysis*). The likenesses
are set beforehand and fitted to nothing.

How wrong it is comes from leaving rows out one by one (leave-one-group-out: a cell that has not been run mostly lacks its whole row,
and cells of a row rise and fall together). Beside it stands the error of the plainest expectation, the mean of all other rows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

FEWEST_ROWS = 4
FEWEST_CELLS = 12

SIZE_SCALE = 0.5  # decades of parameters over which likeness falls to 1/e
OTHER_FAMILY = 0.5  # of models
OTHER_TASKS = 0.2  # of recipes that share none of their tasks; the share of common ones (Jaccard) fills up to 1
OTHER_TARGET = 0.5  # of the same format
OTHER_FORMAT = 0.2
OTHER_LANGUAGE = 0.4  # of the same family
OTHER_LANGUAGES = 0.2  # of another


@dataclass(frozen=True, slots=True)
class Row:
    """What a row is like. ``size``: parameters without embeddings; ``tasks``: of the recipe's stages, with what else changes it;
    ``format``: of the target."""

    model: str
    recipe: str
    target: str
    family: str
    size: float
    tasks: frozenset[str]
    format: str


@dataclass(frozen=True, slots=True)
class Expectation:
    """In points. ``low`` and ``high``: 80 % of the cells that were left out lay as near to theirs. ``neighbours``: the known rows
    with most weight, and what share of all of it each has."""

    gain: float
    low: float
    high: float
    neighbours: tuple[tuple[Row, float], ...]


@dataclass(frozen=True, slots=True)
class Judgement:
    """Mean absolute error over the known cells, in points: of expectations from neighbours, and of the mean of all other rows."""

    cells: int
    rows: int
    error: float
    error_of_mean: float

    @property
    def better(self) -> bool:
        return self.error < self.error_of_mean

    def said(self) -> str:
        """In words."""
        of = f"left out one row at a time ({self.rows} rows, {self.cells} cells), it is off by {self.error:.2f} points on average"
        other = f"the mean of all other rows by {self.error_of_mean:.2f}"
        return f"{of}; {other}." + ("" if self.better else " It is not better than the mean.")


def likeness(a: Row, b: Row) -> float:
    """Between 0 and 1; 1 for rows that are alike in all that is looked at."""
    size = math.exp(-abs(math.log10(a.size) - math.log10(b.size)) / SIZE_SCALE)
    family = 1.0 if a.family == b.family else OTHER_FAMILY
    either = a.tasks | b.tasks
    common = len(a.tasks & b.tasks) / len(either) if either else 1.0
    tasks = OTHER_TASKS + (1 - OTHER_TASKS) * common
    target = 1.0 if a.target == b.target else OTHER_TARGET if a.format == b.format else OTHER_FORMAT
    return size * family * tasks * target


def expect(
    gains: Mapping[Row, Mapping[str, float]],
    wanted: Sequence[tuple[Row, str]],
    families: Mapping[str, str],
    *,
    shown: int = 3,
) -> tuple[dict[tuple[Row, str], Expectation], Judgement] | None:
    """Expectations of the wanted cells, and how wrong such ones are; None where too little is known.

    Args:
        gains: row → language → points.
        wanted: cells; what is known of their own row is not used, as it is not in the errors either.
        families: language → its family.
        shown: neighbours that are named.
    """
    laid = laid_out(gains, [code for _, code in wanted], families)
    if laid is None:
        return None
    import numpy as np

    values, there, rows = laid.values, laid.there, laid.rows
    found, _ = laid.means(rows)
    known = there > 0
    total, count = values.sum(), there.sum()
    rest = (total - values.sum(axis=1)) / (count - there.sum(axis=1))  # mean over all other rows
    errors = (values - found)[known]
    plain = (values - rest[:, None])[known]
    judged = Judgement(int(count), len(rows), float(np.abs(errors).mean()), float(np.abs(plain).mean()))
    off = float(np.quantile(np.abs(errors), 0.8))
    asked = list(dict.fromkeys(row for row, _ in wanted))
    expected: dict[tuple[Row, str], Expectation] = {}
    if asked:
        mean, near = laid.means(asked)
        for row, code in wanted:
            i, j = asked.index(row), laid.at[code]
            pull = near[i] * laid.weights[:, j]
            gain = float(mean[i, j])
            expected[row, code] = Expectation(gain, gain - off, gain + off, laid.nearest(pull, shown))
    return expected, judged


@dataclass(frozen=True, slots=True)
class Laid:
    """Known gains as arrays, rows × languages: ``values`` with ``there`` 1 where one is; ``sums`` and ``weights`` are theirs spread
    over the languages by how alike these are."""

    rows: list[Row]
    at: Mapping[str, int]
    values: Any
    there: Any
    sums: Any
    weights: Any

    def means(self, of: Sequence[Row]) -> tuple[Any, Any]:
        """Expectations of these rows in every language, and their likeness to the known rows, 0 to themselves."""
        near = likenesses(of, self.rows)
        return (near @ self.sums) / (near @ self.weights), near

    def nearest(self, pull: Any, shown: int) -> tuple[tuple[Row, float], ...]:
        best = sorted(range(len(self.rows)), key=lambda k: -pull[k])[:shown]
        return tuple((self.rows[k], float(pull[k] / pull.sum())) for k in best)


def laid_out(gains: Mapping[Row, Mapping[str, float]], more: Sequence[str], families: Mapping[str, str]) -> Laid | None:
    """``more``: languages beside those that are known. None where too little is known."""
    rows = [row for row, known in gains.items() if known]
    if len(rows) < FEWEST_ROWS or sum(len(gains[row]) for row in rows) < FEWEST_CELLS:
        return None
    import numpy as np

    languages = sorted({code for row in rows for code in gains[row]} | set(more))
    at = {code: i for i, code in enumerate(languages)}
    values, there = np.zeros((len(rows), len(languages))), np.zeros((len(rows), len(languages)))
    for i, row in enumerate(rows):
        for code, gain in gains[row].items():
            values[i, at[code]], there[i, at[code]] = gain, 1.0
    alike = np.array([[_languages(a, b, families) for b in languages] for a in languages])
    return Laid(rows, at, values, there, values @ alike, there @ alike)


def likenesses(of: Sequence[Row], rows: Sequence[Row]) -> Any:
    """``likeness`` of each pair at once, 0 where they are one row."""
    import numpy as np

    def equal(name: str) -> Any:
        return np.array([[getattr(b, name) for b in rows]]) == np.array([[getattr(a, name)] for a in of])

    def having(some: Sequence[Row]) -> Any:
        return np.array([[task in row.tasks for task in every] for row in some], dtype=float).reshape(
            len(some), len(every)
        )

    sizes = [np.log10([row.size for row in some]) for some in (of, rows)]
    size = np.exp(-np.abs(sizes[0][:, None] - sizes[1][None, :]) / SIZE_SCALE)
    every = sorted({task for row in (*of, *rows) for task in row.tasks})
    left, right = having(of), having(rows)
    common = left @ right.T
    either = left.sum(axis=1)[:, None] + right.sum(axis=1)[None, :] - common
    tasks = OTHER_TASKS + (1 - OTHER_TASKS) * np.where(either > 0, common / np.maximum(either, 1), 1.0)
    family = np.where(equal("family"), 1.0, OTHER_FAMILY)
    target = np.where(equal("target"), 1.0, np.where(equal("format"), OTHER_TARGET, OTHER_FORMAT))
    same = equal("model") & equal("recipe") & equal("target")
    return np.where(same, 0.0, size * family * tasks * target)


def _languages(a: str, b: str, families: Mapping[str, str]) -> float:
    if a == b:
        return 1.0
    return OTHER_LANGUAGE if a in families and families[a] == families.get(b) else OTHER_LANGUAGES
