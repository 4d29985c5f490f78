"""A matrix of targets or models by languages, taken apart into the matrices of recipes by languages that its rows are of.

So a file, the drawer of a frozen cell and a model card say of such a row what they say of it elsewhere.
"""

from __future__ import annotations

from backend.domain.schemas import GainMatrix, RecipeRow
from backend.domain.tasks import TASKS


def by_language(matrix: GainMatrix) -> bool:
    """Whether columns are languages, so that each cell is one of a matrix of recipes by languages."""
    return matrix.axes is None or matrix.axes.columns == "language"


def part(matrix: GainMatrix, row: RecipeRow) -> GainMatrix:
    """Of one row: its model, target and metric, with the one recipe that it is of. A plain matrix is its own part.

    Raises:
        ValueError: columns are no languages: each cell is a mean, and of no other matrix.
    """
    axes = matrix.axes
    if axes is None:
        return matrix
    if axes.columns != "language" or axes.recipe is None:
        raise ValueError(f"a matrix of {axes.rows}s by {axes.columns}s cannot be taken apart")
    recipe = axes.recipe
    target = row.recipe if axes.rows == "target" else matrix.target
    named = {
        "model": row.recipe if axes.rows == "model" else matrix.model,
        "target": target,
        "metric": TASKS[target].headline if axes.rows == "target" and target in TASKS else matrix.metric,
    }
    cells = [c.model_copy(update={"recipe": recipe}) for c in matrix.cells if c.recipe == row.recipe]
    rows = [row.model_copy(update={"recipe": recipe, "title": recipe})]
    return matrix.model_copy(update={**named, "recipes": rows, "cells": cells, "axes": None})
