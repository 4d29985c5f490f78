"""A matrix of gains looked at in some of its languages: their cells, and means over them.

It changes what is shown and what is averaged. It changes no q: the correction is over every recipe and language of the
model, target and metric, whatever is looked at.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable

from backend.domain.gains import Missing
from backend.domain.language import ENGLISH
from backend.domain.schemas import GainCell, GainMatrix, RecipeRow


def select(matrix: GainMatrix, languages: Collection[str]) -> GainMatrix:
    """The matrix with these of its languages alone, and its means, in points, over those of them in which every recipe
    that has any gain has one (as ``gains.common_support``); "k of n" counts the languages other than English. Rows that are
    targets have different languages: each has its own mean, and its own n."""
    shown = [code for code in matrix.languages if code in languages]
    cells = [c for c in matrix.cells if c.language in languages]
    apart = matrix.axes is not None and matrix.axes.rows == "target"
    support = frozenset(shown) if apart else _support(matrix.cells).intersection(languages)
    of: dict[str, list[GainCell]] = {}
    for c in cells:
        of.setdefault(c.recipe, []).append(c)
    rows = [
        _row(row, own := of.get(row.recipe, []), _offered(own) if apart else shown, support) for row in matrix.recipes
    ]
    return matrix.model_copy(update={"languages": shown, "cells": cells, "recipes": rows})


def _offered(cells: Iterable[GainCell]) -> list[str]:
    return [c.language for c in cells if c.missing is not Missing.NOT_APPLICABLE]


def _support(cells: Iterable[GainCell]) -> frozenset[str]:
    """The languages in which every recipe has a gain that has any."""
    found: dict[str, set[str]] = {}
    for c in cells:
        if c.missing is None and c.gain is not None:
            found.setdefault(c.recipe, set()).add(c.language)
    return frozenset(set.intersection(*found.values()) if found else ())


def _row(row: RecipeRow, cells: Iterable[GainCell], languages: Iterable[str], support: Collection[str]) -> RecipeRow:
    used = {c.language: c.gain for c in cells if c.gain is not None and c.missing is None and c.language in support}
    transfer = [gain for code, gain in used.items() if code != ENGLISH]
    asked = [code for code in languages if code != ENGLISH]
    every = _mean(used.values()) if ENGLISH in used else None  # as gains.Mean.with_english
    changed = {"mean_all": every, "mean_transfer": _mean(transfer), "k": len(transfer), "n": len(asked)}
    return row.model_copy(update=changed)


def _mean(values: Iterable[float]) -> float | None:
    found = list(values)
    return math.fsum(found) / len(found) if found else None
