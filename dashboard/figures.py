"""Figures: pure functions from what the API returned to plotly figures. They draw; they compute no result.

Rows are recipes, columns languages, with the mean over transfer languages in a column of its own. Colour is never
alone: numbers carry their sign, a dot marks q below .05, and each kind of missing has its own mark: *not applicable* is
blank with ``n/a``, *not run* is hatched, *failed* is crossed, *withheld* is dotted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from backend.domain.gains import ALPHA, Missing
from backend.domain.language import order_by_family
from backend.domain.schemas import GainCell, GainMatrix, RecipeRow
from dashboard.heatmap import Spot, axes, hover_text, layout, paint, paint_means
from dashboard.links import Order
from dashboard.look import (
    DIVERGING,
    LIGHT,
    SEQUENTIAL,
    Theme,
    gain,
    scale,
    score,
)
from dashboard.words import MISSING, cell_lines, family, language_name

CLIP = 0.98  # share of the gains that the colours tell apart

# --- order and range ----------------------------------------------------------------------------------------------


def languages(matrix: GainMatrix, order: Order) -> list[str]:
    """The matrix's languages as they stand on the axis: by family, by mean gain over the recipes, or by English name.

    Rows that train on the same data twice do not take part in the order by gain; languages without any gain come last.
    """
    if order == "name":
        return sorted(matrix.languages, key=language_name)
    try:
        by_family = order_by_family(matrix.languages)
    except ValueError:  # a language that this version does not know
        by_family = sorted(matrix.languages, key=lambda code: (family(code), language_name(code)))
    if order == "family":
        return by_family
    twice = {r.recipe for r in matrix.recipes if r.same_data_twice}
    found: dict[str, list[float]] = {}
    for c in matrix.cells:
        if c.gain is not None and c.missing is None and c.recipe not in twice:
            found.setdefault(c.language, []).append(c.gain)
    return sorted(by_family, key=lambda code: -math.fsum(found[code]) / len(found[code]) if code in found else math.inf)


def gain_range(matrix: GainMatrix) -> tuple[float, bool]:
    """Where the colours end, on either side of zero, and whether larger gains were clipped to it.

    The 98th percentile of all absolute gains of the matrix, rounded up to half a point and at least one point: filtering
    what is shown does not change it, so colours keep their meaning.
    """
    sizes = sorted(abs(c.gain) for c in matrix.cells if c.gain is not None and c.missing is None)
    if not sizes:
        return 1.0, False
    at = sizes[min(len(sizes) - 1, math.ceil(CLIP * len(sizes)) - 1)]
    end = max(1.0, math.ceil(at * 2 - 1e-9) / 2)
    return end, sizes[-1] > end


def score_range(values: Sequence[float]) -> tuple[float, float]:
    """Both ends of a scale of scores, rounded outwards to five points."""
    if not values:
        return 0.0, 100.0
    low, high = math.floor(min(values) / 5) * 5.0, math.ceil(max(values) / 5) * 5.0
    return low, high if high > low else low + 5.0


# --- the two heatmaps ----------------------------------------------------------------------------------------------


def gain_heatmap(matrix: GainMatrix, order: Order = "family", theme: Theme = LIGHT) -> go.Figure:
    """Language × recipe heatmap of gains, coloured symmetrically about zero."""
    end, clipped = gain_range(matrix)
    columns = languages(matrix, order)
    spots = _spots(matrix, columns, scores=False)
    title = "gain,<br>points"
    if clipped:
        title += f"<br>clipped<br>at ±{end:g}"
    axis = {"colorscale": scale(DIVERGING), "cmin": -end, "cmax": end, "cmid": 0}
    figure = go.Figure(layout=layout(matrix, len(matrix.recipes), theme, axis, title))
    paint(figure, spots, matrix.recipes, columns, theme, DIVERGING, (-end, end))
    means = [(i, r.mean_transfer, gain(r.mean_transfer)) for i, r in enumerate(matrix.recipes)]
    paint_means(figure, means, matrix.recipes, len(columns), theme, (-end, end))
    axes(figure, matrix.recipes, columns, theme, mean_label="mean of<br>transfer")
    return figure


def score_heatmap(matrix: GainMatrix, order: Order = "family", theme: Theme = LIGHT) -> go.Figure:
    """Language × recipe heatmap of the scores with each recipe; the first row is the baseline."""
    shown = score_matrix(matrix)
    columns = languages(matrix, order)
    spots = _spots(shown, columns, scores=True)
    low, high = score_range([s.value for s in spots if s.value is not None])
    axis = {"colorscale": scale(SEQUENTIAL), "cmin": low, "cmax": high}
    figure = go.Figure(layout=layout(matrix, len(shown.recipes), theme, axis, "score,<br>points"))
    paint(figure, spots, shown.recipes, columns, theme, SEQUENTIAL, (low, high))
    axes(figure, shown.recipes, columns, theme, mean_label=None)
    return figure


def score_matrix(matrix: GainMatrix) -> GainMatrix:
    """The same with the baseline as a first row, for where scores are shown.

    Seeds can differ from recipe to recipe, and with them what each was compared with: the baseline of a language is that
    of its cell with most seeds.
    """
    best: dict[str, GainCell] = {}
    for c in matrix.cells:
        if c.baseline is not None and (c.language not in best or c.n > best[c.language].n):
            best[c.language] = c
    row = RecipeRow(
        recipe=matrix.baseline,
        title="Baseline, no intermediate task",
        same_data_twice=False,
        mean_all=None,
        mean_transfer=None,
        k=0,
        n=0,
        device_hours_marginal=None,
        device_hours_amortised=None,
    )
    cells = [
        _no_cell(matrix.baseline, code)
        if (found := best.get(code)) is None
        else _no_cell(matrix.baseline, code, missing=None, treated=found.baseline, n=found.n, runs=found.baseline_runs)
        for code in matrix.languages
    ]
    return matrix.model_copy(update={"recipes": [row, *matrix.recipes], "cells": [*cells, *matrix.cells]})


def _spots(matrix: GainMatrix, columns: Sequence[str], *, scores: bool) -> list[Spot]:
    at = {(c.recipe, c.language): c for c in matrix.cells}
    spots = []
    for i, row in enumerate(matrix.recipes):
        for j, language in enumerate(columns):
            cell = at.get((row.recipe, language)) or _no_cell(row.recipe, language)
            value = shown_value(cell, scores)
            missing = cell.missing or Missing.NOT_RUN
            text = (score(value) if scores else gain(value)) if value is not None else MISSING[missing]
            found = not scores and is_finding(cell)
            hover = hover_text(cell_lines(cell, row, matrix.baseline))
            spots.append(Spot(i, j, cell, value, text, hover, found, missing))
    return spots


def shown_value(cell: GainCell, scores: bool) -> float | None:
    """The number of a cell, in either view; None where it has none."""
    return cell.treated if scores else cell.gain if cell.missing is None else None


def is_finding(cell: GainCell) -> bool:
    """Whether a gain gets its dot: q below .05."""
    return cell.missing is None and cell.q is not None and cell.q < ALPHA


def _no_cell(recipe: str, language: str, **known: Any) -> GainCell:
    nothing: dict[str, Any] = dict.fromkeys(GainCell.model_fields)
    lists: dict[str, Any] = {"n": 0, "seeds": [], "differences": [], "runs": [], "baseline_runs": []}
    return GainCell(**(nothing | lists | {"recipe": recipe, "language": language, "missing": Missing.NOT_RUN} | known))
