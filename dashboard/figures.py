"""Figures: pure functions from what the API returned to plotly figures. They draw; they compute no result.

Rows are recipes, columns languages, with the mean over the languages that are shown in a column of its own. What is shown
(a choice of languages, fading) moves no colour: they are those of the whole matrix. Colour is never
alone: numbers carry their sign, a dot marks q below .05, and each kind of missing has its own mark: *not applicable* is
blank with ``n/a``, *not run* is hatched, *failed* is crossed, *withheld* is dotted.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from backend.domain.gains import Missing
from backend.domain.language import order_by_family
from backend.domain.metrics.checklist import lower_is_better
from backend.domain.schemas import GainCell, GainMatrix, RecipeRow
from dashboard import subset
from dashboard.heatmap import Band, Drawing, Spot, axes, hover_text, lay, layout, many_dots, paint, paint_means
from dashboard.links import Order
from dashboard.look import (
    DIVERGING,
    LIGHT,
    SEQUENTIAL,
    THEMES,
    Theme,
    gain,
    scale,
    score,
)
from dashboard.scatter import tradeoff
from dashboard.words import MISSING, TRAINED, cell_lines, family, is_finding, language_name, resource, row_lines, script

__all__ = [
    "gain_drawing",
    "gain_heatmap",
    "gain_range",
    "is_finding",
    "languages",
    "said",
    "schemes",
    "score_drawing",
    "score_heatmap",
    "score_matrix",
    "score_range",
    "shown_value",
    "tradeoff",
    "unsaid",
]

CLIP = 0.98  # share of the gains that the colours tell apart

#: What stands over the languages, by their order: families where the order says nothing else.
BANDS: Mapping[Order, Band] = {
    "family": Band("family", family),
    "script": Band("script", script),
    "resource": Band("resource", resource),
    "gain": Band("family", family),
    "name": Band("family", family),
}
LEVELS = ("high-resource", "mid-resource", "low-resource", "Other")

# --- light and dark ------------------------------------------------------------------------------------------------


def schemes(draw: Callable[[Theme], go.Figure | Drawing]) -> dict[str, Any]:
    """A figure for either scheme, so that switching needs no new numbers: the light one, and where the dark one differs,
    as pairs of a path and a value. Nearly everything is the same in both, above all what is long."""
    light, dark = (d if isinstance(d := draw(THEMES[name]), dict) else d.to_plotly_json() for name in ("light", "dark"))
    return {"light": light, "dark": list(_differences(light, dark, ()))}


def _differences(a: Any, b: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    if isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
        for key in a:
            yield from _differences(a[key], b[key], (*path, key))
    elif isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)) and len(a) == len(b) and _holds_objects(a):
        for i, (one, other) in enumerate(zip(a, b, strict=True)):
            yield from _differences(one, other, (*path, i))
    elif a != b:
        yield path, b


def _holds_objects(values: Sequence[Any]) -> bool:
    return bool(values) and isinstance(values[0], dict)


def unsaid(figures: dict[str, Any]) -> dict[str, Any]:
    """A heatmap of ``schemes`` without what is said of its cells: that is most of its bytes, and ``said`` has it."""
    for trace in figures["light"]["data"]:
        if trace["name"] == "cells":
            trace["hovertext"] = None
    return figures


def said(matrix: GainMatrix, choice: str | None) -> dict[str, str]:
    """What is said of each cell that is shown, by its ``customdata``: the same in any order, for gains and for scores."""
    every = _scored(matrix)
    shown = subset.narrow(every, choice)
    spots = _spots(shown, shown.languages, _hovers(every), scores=True)
    return {spot.key: spot.hover for spot in spots}


# --- order and range ----------------------------------------------------------------------------------------------


def languages(matrix: GainMatrix, order: Order) -> list[str]:
    """The matrix's languages as they stand on the axis: by family, by script, by resource level (within both by family), by
    mean gain over the recipes, or by English name.

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
    if order == "script":
        return sorted(by_family, key=script)
    if order == "resource":
        return sorted(by_family, key=lambda code: LEVELS.index(resource(code)))
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


def gain_heatmap(
    matrix: GainMatrix,
    order: Order = "family",
    theme: Theme = LIGHT,
    *,
    choice: str | None = None,
    fade: bool = False,
) -> go.Figure:
    """Language × recipe heatmap of gains, coloured symmetrically about zero.

    Args:
        choice: the languages to show, as ``subset`` writes them; None: all. Colours are those of the whole matrix.
        fade: pale what is not a finding.
    """
    return go.Figure(gain_drawing(matrix, order, choice=choice, fade=fade)(theme))


def gain_drawing(
    matrix: GainMatrix, order: Order, *, choice: str | None = None, fade: bool = False
) -> Callable[[Theme], Drawing]:
    """``gain_heatmap`` for any theme, as plotly's JSON: what is long, and the same in all of them, is made once."""
    end, clipped = gain_range(matrix)
    shown = subset.narrow(matrix, choice)
    columns = languages(shown, order)
    spots = _spots(shown, columns, _hovers(_scored(matrix)), scores=False, fade=fade)
    title = ["gain,", "points", "clipped", f"at ±{end:g}"] if clipped else ["gain,", "points"]
    axis = {"colorscale": scale(DIVERGING), "cmin": -end, "cmax": end, "cmid": 0}
    means = [(r.mean_transfer, gain(r.mean_transfer), hover_text(row_lines(r))) for r in shown.recipes]
    label = f"mean of<br>{'shown' if choice else 'transfer'}"
    dots, laid = many_dots(spots, DIVERGING, (-end, end)), lay(spots, len(shown.recipes))

    def draw(theme: Theme) -> Drawing:
        figure: Drawing = {"data": [], "layout": layout(shown, len(shown.recipes), theme, axis, title)}
        paint(figure, spots, laid, shown.recipes, columns, theme, DIVERGING, (-end, end), dots)
        paint_means(figure, means, shown.recipes, len(columns), theme, (-end, end))
        axes(figure, shown.recipes, columns, theme, BANDS[order], mean_label=label)
        return figure

    return draw


def score_heatmap(
    matrix: GainMatrix, order: Order = "family", theme: Theme = LIGHT, *, choice: str | None = None
) -> go.Figure:
    """Language × recipe heatmap of the scores with each recipe; the first row is the baseline."""
    return go.Figure(score_drawing(matrix, order, choice=choice)(theme))


def score_drawing(matrix: GainMatrix, order: Order, *, choice: str | None = None) -> Callable[[Theme], Drawing]:
    """``score_heatmap`` for any theme."""
    every = _scored(matrix)
    low, high = score_range([c.treated for c in every.cells if c.treated is not None])
    shown = subset.narrow(every, choice)
    columns = languages(subset.narrow(matrix, choice), order)
    spots = _spots(shown, columns, _hovers(every), scores=True)
    less = lower_is_better(matrix.metric)
    colours = SEQUENTIAL[::-1] if less else SEQUENTIAL  # the colour of a good score is the same for every metric
    axis = {"colorscale": scale(colours), "cmin": low, "cmax": high}
    laid = lay(spots, len(shown.recipes))
    title = ["errors,", "points"] if less else ["score,", "points"]

    def draw(theme: Theme) -> Drawing:
        figure: Drawing = {"data": [], "layout": layout(shown, len(shown.recipes), theme, axis, title)}
        paint(figure, spots, laid, shown.recipes, columns, theme, colours, (low, high))
        axes(figure, shown.recipes, columns, theme, BANDS[order], mean_label=None)
        return figure

    return draw


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


_SCORED: deque[tuple[GainMatrix, GainMatrix]] = deque(maxlen=8)


def _scored(matrix: GainMatrix) -> GainMatrix:
    """``score_matrix``, the very same for the very same matrix, so that what is known of its cells holds."""
    for known, made in tuple(_SCORED):
        if known is matrix:
            return made
    _SCORED.append((matrix, made := score_matrix(matrix)))
    return made


_HOVERS: deque[tuple[GainMatrix, dict[int, str]]] = deque(maxlen=8)


def _hovers(matrix: GainMatrix) -> dict[int, str]:
    """What is said of each cell so far, by the cell's ``id``: another order of the same matrix says the same again."""
    for known, said in tuple(_HOVERS):
        if known is matrix:
            return said
    _HOVERS.append((matrix, said := {}))
    return said


def _hover(cell: GainCell, row: RecipeRow, baseline: str, known: dict[int, str]) -> str:
    text = known.get(id(cell))
    if text is None:
        text = known[id(cell)] = hover_text(cell_lines(cell, row, baseline))
    return text


def _spots(
    matrix: GainMatrix, columns: Sequence[str], said: dict[int, str], *, scores: bool, fade: bool = False
) -> list[Spot]:
    at = {(c.recipe, c.language): c for c in matrix.cells}
    spots = []
    for i, row in enumerate(matrix.recipes):
        for j, language in enumerate(columns):
            cell = at.get((row.recipe, language)) or _no_cell(row.recipe, language)
            value = shown_value(cell, scores)
            missing = cell.missing or Missing.NOT_RUN
            text = (score(value) if scores else gain(value)) if value is not None else MISSING[missing]
            if value is not None and language in row.not_zero_shot:
                text += TRAINED
            found = not scores and is_finding(cell)
            # a cell made up here will be gone, and its id another's
            hover = _hover(cell, row, matrix.baseline, said if (row.recipe, language) in at else {})
            pale = fade and value is not None and not found
            spots.append(Spot(i, j, cell, value, text, hover, found, missing, pale))
    return spots


def shown_value(cell: GainCell, scores: bool) -> float | None:
    """The number of a cell, in either view; None where it has none."""
    return cell.treated if scores else cell.gain if cell.missing is None else None


def _no_cell(recipe: str, language: str, **known: Any) -> GainCell:
    nothing: dict[str, Any] = {name: None for name, field in GainCell.model_fields.items() if field.is_required()}
    lists: dict[str, Any] = {"n": 0, "seeds": [], "differences": [], "runs": [], "baseline_runs": []}
    return GainCell(**(nothing | lists | {"recipe": recipe, "language": language, "missing": Missing.NOT_RUN} | known))
