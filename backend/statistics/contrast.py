"""Differences of scores as functions of a table's sums: what an interval is of."""

from __future__ import annotations

import numpy as np

from backend.statistics.interval import Array
from backend.statistics.table import Table, Value


class Contrast:
    """A weighted sum of scores. Called with sums [..., seeds, languages, 2, k] it gives that of each seed, [..., seeds].

    ``weights`` is [languages, 2]: of the score with the recipe and of the one without.
    """

    def __init__(self, value: Value, weights: Array) -> None:
        self.value, self.weights = value, weights

    def __call__(self, sums: Array) -> Array:
        return np.asarray(np.einsum("...slp,lp->...s", self.value(sums), self.weights))

    def mean(self, sums: Array) -> Array:
        """Over the seeds: [...]."""
        return np.asarray(self(sums).mean(axis=-1))


def gain(table: Table, *, lower_is_better: bool = False) -> Contrast:
    """With minus without, and of an error rate without minus with; over the languages of the table each weighs the same."""
    k = len(table.languages)
    sign = -1.0 if lower_is_better else 1.0
    return Contrast(table.value, np.tile([sign / k, -sign / k], (k, 1)))


def gap(table: Table, english: str, language: str) -> tuple[Contrast, Contrast, Contrast]:
    """English minus the language: without the recipe, with it, and the second minus the first, its change.

    Raises:
        ValueError: one of the two is not in the table, or both are one.
    """
    if english == language or not {english, language} <= set(table.languages):
        raise ValueError(f"the gap is of two languages of {', '.join(table.languages)}, not {english} and {language}")
    away = np.zeros((len(table.languages), 2))
    away[table.languages.index(english)] = 1.0
    away[table.languages.index(language)] = -1.0
    without, treated = away * [0.0, 1.0], away * [1.0, 0.0]
    return Contrast(table.value, without), Contrast(table.value, treated), Contrast(table.value, treated - without)


class Relative:
    """The relative gain, in percent of the mean score without, over one language: of sums [..., seeds, 1, 2, k] → [...].

    Raises:
        ValueError: the table is of several languages: their scores stand on different scales.
    """

    def __init__(self, table: Table, *, lower_is_better: bool = False) -> None:
        if len(table.languages) != 1:
            raise ValueError(f"a relative gain is of one language, not {len(table.languages)}")
        self.value = table.value
        self.sign = -1.0 if lower_is_better else 1.0

    def __call__(self, sums: Array) -> Array:
        scores = self.value(sums)[..., 0, :].mean(axis=-2)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self.sign * 100 * (scores[..., 0] / scores[..., 1] - 1))

    def straight(self, table: Table) -> Contrast:
        """What changes as this ratio does around the observed scores, seed by seed (delta method): its mean over seeds is zero,
        and its noise is that of the ratio to first order."""
        treated, without = (float(table.scores[:, 0, side].mean()) for side in (0, 1))
        weights = np.array([[1.0, -treated / without]]) * (self.sign * 100 / without)
        return Contrast(self.value, weights)
