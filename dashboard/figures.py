"""Figures: pure functions from what the API returned to plotly figures. They draw; they compute no result.

Rows are recipes, columns languages, with the mean over the languages that are shown in a column of its own. What is shown
(a choice of languages, fading) moves no colour: they are those of the whole matrix. Colour is never
alone: numbers carry their sign, a dot marks q below .05, and each kind of missing has its own mark: *not applicable* is
blank with ``n/a``, *not run* is hatched, *failed* is crossed, *withheld* is dotted.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import plotly.graph_objects as go

from backend.domain.gains import Missing
from backend.domain.metrics.checklist import lower_is_better
from backend.domain.schemas import GainCell, GainMatrix, RecipeRow
from dashboard import crossed, subset
from dashboard.heatmap import Drawing, Spot, axes, hover_text, lay, layout, many_dots, paint, paint_means
from dashboard.links import Colours, Fade, Order
from dashboard.look import (
    LIGHT,
    SCALES,
    SEQUENTIAL,
    THEMES,
    Theme,
    gain,
    scale,
    score,
)
from dashboard.orders import band, languages, of_targets, rows
from dashboard.scatter import tradeoff
from dashboard.words import MISSING, TRAINED, TWICE, is_finding

__all__ = [
    "gain_drawing",
    "gain_heatmap",
    "gain_range",
    "is_finding",
    "languages",
    "pales",
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
    spots = _spots(shown, shown.recipes, shown.languages, _hovers(every), scores=True)
    return {spot.key: spot.hover for spot in spots}


# --- range ---------------------------------------------------------------------------------------------------------


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
    fade: Fade = "none",
    colours: Colours = "vik",
) -> go.Figure:
    """Language × recipe heatmap of gains, coloured symmetrically about zero.

    Args:
        choice: the languages to show, as ``subset`` writes them; None: all. Colours are those of the whole matrix.
        fade: pale what is not a finding, or what is smaller than its own detectable gain.
    """
    return go.Figure(gain_drawing(matrix, order, choice=choice, fade=fade, colours=colours)(theme))


def gain_drawing(
    matrix: GainMatrix,
    order: Order,
    *,
    choice: str | None = None,
    fade: Fade = "none",
    colours: Colours = "vik",
    linked: str | None = None,
) -> Callable[[Theme], Drawing]:
    """``gain_heatmap`` for any theme, as plotly's JSON: what is long, and the same in all of them, is made once.

    Args:
        linked: the source that names of rows and columns lead to pages of; None: they lead nowhere.
    """
    end, clipped = gain_range(matrix)
    shown = subset.narrow(matrix, choice)
    columns, lines = languages(shown, order), rows(shown, order)
    spots = _spots(shown, lines, columns, _hovers(_scored(matrix)), scores=False, fade=fade)
    title = ["gain,", "points", "clipped", f"at ±{end:g}"] if clipped else ["gain,", "points"]
    ramp = SCALES[colours]
    axis = {"colorscale": scale(ramp), "cmin": -end, "cmax": end, "cmid": 0}
    means = [(r.mean_transfer, gain(r.mean_transfer), hover_text(crossed.row_lines(r, matrix))) for r in lines]
    label = "mean of<br>targets" if of_targets(matrix) else f"mean of<br>{'shown' if choice else 'transfer'}"
    dots, laid = many_dots(spots, ramp, (-end, end)), lay(spots, len(lines))
    named = _named(shown, lines, columns, linked)

    def draw(theme: Theme) -> Drawing:
        figure: Drawing = {"data": [], "layout": layout(shown, len(lines), theme, axis, title)}
        paint(figure, spots, laid, lines, columns, theme, ramp, (-end, end), dots)
        paint_means(figure, means, lines, len(columns), theme, (-end, end), ramp)
        axes(figure, lines, columns, theme, band(shown, order), mean_label=label, **named)
        return figure

    return draw


def score_heatmap(
    matrix: GainMatrix, order: Order = "family", theme: Theme = LIGHT, *, choice: str | None = None
) -> go.Figure:
    """Language × recipe heatmap of the scores with each recipe; the first row is the baseline."""
    return go.Figure(score_drawing(matrix, order, choice=choice)(theme))


def score_drawing(
    matrix: GainMatrix, order: Order, *, choice: str | None = None, linked: str | None = None
) -> Callable[[Theme], Drawing]:
    """``score_heatmap`` for any theme."""
    every = _scored(matrix)
    low, high = score_range([c.treated for c in every.cells if c.treated is not None])
    shown, own = subset.narrow(every, choice), subset.narrow(matrix, choice)
    columns, lines = languages(own, order), rows(shown, order, own)
    spots = _spots(shown, lines, columns, _hovers(every), scores=True)
    less = lower_is_better(matrix.metric)
    colours = SEQUENTIAL[::-1] if less else SEQUENTIAL  # the colour of a good score is the same for every metric
    axis = {"colorscale": scale(colours), "cmin": low, "cmax": high}
    laid = lay(spots, len(lines))
    title = ["errors,", "points"] if less else ["score,", "points"]
    named = _named(shown, lines, columns, linked)

    def draw(theme: Theme) -> Drawing:
        figure: Drawing = {"data": [], "layout": layout(shown, len(lines), theme, axis, title)}
        paint(figure, spots, laid, lines, columns, theme, colours, (low, high))
        axes(figure, lines, columns, theme, band(own, order), mean_label=None, **named)
        return figure

    return draw


def _named(
    matrix: GainMatrix, lines: Sequence[RecipeRow], columns: Sequence[str], linked: str | None
) -> dict[str, Any]:
    """What rows are called, and where the names of rows and columns lead."""
    names = (
        None
        if matrix.axes is None or matrix.axes.rows == "recipe"
        else [crossed.row_name(r.recipe, matrix) for r in lines]
    )
    return {"names": names, "leads": crossed.addresses(matrix, lines, columns, linked) if linked is not None else None}


def score_matrix(matrix: GainMatrix) -> GainMatrix:
    """The same with the baseline as a first row, for where scores are shown.

    Seeds can differ from recipe to recipe, and with them what each was compared with: the baseline of a language is that
    of its cell with most seeds. Rows that are no recipes have baselines of their own, and no such row.
    """
    if matrix.axes is not None and matrix.axes.rows != "recipe":
        return matrix
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


def _hover(cell: GainCell, row: RecipeRow, matrix: GainMatrix, known: dict[int, str]) -> str:
    text = known.get(id(cell))
    if text is None:
        text = known[id(cell)] = hover_text(crossed.lines(cell, row, matrix))
    return text


def _spots(
    matrix: GainMatrix,
    lines: Sequence[RecipeRow],
    columns: Sequence[str],
    said: dict[int, str],
    *,
    scores: bool,
    fade: Fade = "none",
) -> list[Spot]:
    at = {(c.recipe, c.language): c for c in matrix.cells}
    spots = []
    for i, row in enumerate(lines):
        for j, language in enumerate(columns):
            cell = at.get((row.recipe, language)) or _no_cell(row.recipe, language)
            value = shown_value(cell, scores)
            missing = cell.missing or Missing.NOT_RUN
            text = (score(value) if scores else gain(value)) if value is not None else MISSING[missing]
            if value is not None and language in row.not_zero_shot:
                text += TRAINED
            if value is not None and crossed.twice(row, language, matrix):
                text += TWICE
            found = not scores and is_finding(cell)
            # a cell made up here will be gone, and its id another's
            hover = _hover(cell, row, matrix, said if (row.recipe, language) in at else {})
            pale = fade != "none" and value is not None and pales(cell, fade)
            spots.append(Spot(i, j, cell, value, text, hover, found, missing, pale))
    return spots


def pales(cell: GainCell, fade: Fade) -> bool:
    """Whether a gain is faded: no finding; or smaller than what its seeds would have found four times out of five, as far as that
    is known."""
    if fade == "small":
        return cell.gain is not None and (cell.detectable is None or abs(cell.gain) < cell.detectable)
    return fade == "unsure" and not is_finding(cell)


def shown_value(cell: GainCell, scores: bool) -> float | None:
    """The number of a cell, in either view; None where it has none."""
    return cell.treated if scores else cell.gain if cell.missing is None else None


def _no_cell(recipe: str, language: str, **known: Any) -> GainCell:
    nothing: dict[str, Any] = {name: None for name, field in GainCell.model_fields.items() if field.is_required()}
    lists: dict[str, Any] = {"n": 0, "seeds": [], "differences": [], "runs": [], "baseline_runs": []}
    return GainCell(**(nothing | lists | {"recipe": recipe, "language": language, "missing": Missing.NOT_RUN} | known))
