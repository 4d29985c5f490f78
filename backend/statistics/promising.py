"""What to run next: the mean gain that is to be expected of rows which nobody has run, and in which order they are worth running.

The expectation of a row (a model, recipe and target) is the mean over its languages of what ``expected`` expects of its cells, unless
the plain mean of all other rows was the nearer one where rows were left out: then it is that mean, and no row is expected to be
better than another. How far off such expectations were, row by row, is what a new one may be off by.

Rows are ordered by *expected improvement* per device-hour: by how much the row may be expected to exceed what the model gains on that
target already (nothing, where no recipe is known to help), averaged over those errors, with a row that falls short counted as 0, since
one need not use it (Jones, Schonlau and Welch 1998, *Efficient global optimization*; per unit of cost: Snoek, Larochelle and Adams
2012, *Practical Bayesian optimization*).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from backend.statistics.expected import Row, laid_out

COVERED = 0.8  # share of new rows that a band is meant to hold, at least


@dataclass(frozen=True, slots=True)
class Foreseen:
    """In points, over the languages of the row. ``neighbours``: the known rows with most weight, and their share of all of it."""

    gain: float
    low: float
    high: float
    neighbours: tuple[tuple[Row, float], ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """How wrong expectations of whole rows are: each known row left out in turn. ``errors``: what was found minus what would have been
    expected, by the better of the two ways; the two numbers are means of their absolute values, in points."""

    rows: int
    error: float
    error_of_mean: float
    errors: tuple[float, ...]

    @property
    def better(self) -> bool:
        """Whether neighbours say more than the plain mean does."""
        return self.error < self.error_of_mean

    def improvement(self, expected: float, best: float) -> float:
        """Points above ``best`` to be expected of a row with this expectation, where falling short of it counts as 0."""
        return sum(max(0.0, expected + e - best) for e in self.errors) / len(self.errors)


def foresee(
    gains: Mapping[Row, Mapping[str, float]],
    wanted: Mapping[Row, Sequence[str]],
    families: Mapping[str, str],
    *,
    shown: int = 3,
) -> tuple[dict[Row, Foreseen], Standing] | None:
    """What to expect of the wanted rows over their languages, and how wrong that is; None where too little is known.

    Args:
        gains: row → language → points.
        wanted: row → its languages. What is known of a wanted row is not used for it.
        families: language → its family.
        shown: neighbours that are named.
    """
    laid = laid_out(gains, [code for codes in wanted.values() for code in codes], families)
    if laid is None:
        return None
    import numpy as np

    def over(cells: np.ndarray, there: np.ndarray) -> np.ndarray:
        return np.asarray((cells * there).sum(axis=1) / there.sum(axis=1))

    found = over(laid.values, laid.there)
    by_neighbours = found - over(laid.means(laid.rows)[0], laid.there)
    others = (found.sum() - found) / (len(found) - 1)
    by_mean = found - others
    error, error_of_mean = float(np.abs(by_neighbours).mean()), float(np.abs(by_mean).mean())
    errors = by_neighbours if error < error_of_mean else by_mean
    standing = Standing(len(laid.rows), error, error_of_mean, tuple(float(e) for e in errors))
    asked = [row for row, codes in wanted.items() if codes]
    if not asked:
        return {}, standing
    cells, near = laid.means(asked)
    marks = np.zeros_like(cells)
    for i, row in enumerate(asked):
        marks[i, [laid.at[code] for code in wanted[row]]] = 1.0
    own = {row: i for i, row in enumerate(laid.rows)}
    low, high = band(standing.errors)
    foreseen = {}
    for i, (row, expected) in enumerate(zip(asked, over(cells, marks), strict=True)):
        pull = near[i] * (laid.weights @ marks[i])
        neighbours = laid.nearest(pull, shown)
        if not standing.better:
            rest = [f for j, f in enumerate(found) if j != own.get(row)]
            expected, neighbours = float(np.mean(rest)), ()
        gain = float(expected)
        foreseen[row] = Foreseen(gain, gain + low, gain + high, neighbours)
    return foreseen, standing


def band(errors: Sequence[float]) -> tuple[float, float]:
    """The errors between which one more lies with probability ``COVERED`` at least, were it drawn like these: order statistics of
    ranks 10 % and 90 % of n + 1, outwards (jackknife intervals: Barber, Candès, Ramdas and Tibshirani 2021, *Predictive inference with the
    jackknife+*). Of fewer than 19 errors that is the smallest and the largest, which is as far as they can tell."""
    ordered, n = sorted(errors), len(errors)
    tail = (1 - COVERED) / 2
    below, above = math.floor(tail * (n + 1) + 1e-9), math.ceil((1 - tail) * (n + 1) - 1e-9)
    return ordered[max(below, 1) - 1], ordered[min(above, n) - 1]


def order(worth: Mapping[Row, tuple[float, float | None]]) -> list[Row]:
    """By improvement per device-hour, where each has a forecast; by improvement alone where any has none.

    Args:
        worth: row → points of improvement, device-hours.
    """
    known = all(hours is not None for _, hours in worth.values())

    def key(row: Row) -> tuple[float, float, str, str, str]:
        points, hours = worth[row]
        rate = points / max(hours, 1e-6) if known and hours is not None else points
        return (-rate, -points, row.model, row.recipe, row.target)

    return sorted(worth, key=key)


@dataclass(frozen=True, slots=True)
class Held:
    """What would have been expected of a row before it was run, the mean of all rows that were known then, and what was found."""

    expected: float
    low: float
    high: float
    mean: float
    found: float


def held(rows: Iterable[Held]) -> tuple[float, float, float] | None:
    """Mean absolute error of these expectations, that of the means of then, and the share that was found within its band."""
    some = list(rows)
    if not some:
        return None
    n = len(some)
    return (
        sum(abs(h.found - h.expected) for h in some) / n,
        sum(abs(h.found - h.mean) for h in some) / n,
        sum(h.low <= h.found <= h.high for h in some) / n,
    )
