"""What a heatmap holds, apart from how it is drawn: names, texts, values and marks. A figure for paper and a LaTeX table are made of it.

Rows and columns are those of the screen, in its order; ``turned`` gives the same with columns as rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from backend.domain.gains import Missing
from backend.domain.literature import PublishedView
from backend.domain.metrics.checklist import lower_is_better
from backend.domain.schemas import GainCell, GainMatrix, RecipeRow
from dashboard import crossed, figures, orders, subset
from dashboard.links import Explore, Fade
from dashboard.look import SCALES, SEQUENTIAL, gain, score
from dashboard.words import TRAINED, TWICE, column_name, is_finding, short_recipes

LONGEST = 26  # letters of a recipe's name
MARKS = TRAINED + TWICE  # what follows a number


@dataclass(frozen=True, slots=True)
class Item:
    """One cell. ``value`` None: ``missing`` says why. ``rank``: 1 the best of its column, 2 the next, 0 neither."""

    value: float | None
    text: str
    missing: Missing | None = None
    found: bool = False  # q below .05
    trained: bool = False  # not zero-shot
    twice: bool = False  # the same data twice, where that is of a cell and not of its row
    pale: bool = False
    beside: bool = False  # a published score is of it, which is drawn as an open marker and in no number
    rank: Literal[0, 1, 2] = 0


@dataclass(frozen=True, slots=True)
class Name:
    """Of a row or a column. ``short`` is what stands over a narrow column. ``band``: what neighbours have in common, a language's family."""

    key: str
    text: str
    short: str = ""
    band: str = ""
    twice: bool = False  # the same data twice


@dataclass(frozen=True, slots=True)
class Grid:
    """``means``: of each recipe over the languages that are shown; beside it over how many. Empty for scores. ``ends``: of the colours."""

    rows: tuple[Name, ...]
    columns: tuple[Name, ...]
    items: tuple[tuple[Item, ...], ...]
    means: tuple[tuple[Item, str], ...]
    ends: tuple[float, float]
    colours: tuple[str, ...]
    unit: str
    clipped: bool = False
    across: bool = True  # rows are those of the screen

    def turned(self) -> Grid:
        """With rows for columns."""
        items = tuple(zip(*self.items, strict=True))
        return replace(self, rows=self.columns, columns=self.rows, items=items, across=not self.across)

    @property
    def kinds(self) -> list[Missing]:
        """The kinds of missing that are in it."""
        there = {item.missing for line in self.items for item in line if item.value is None}
        return [kind for kind in Missing if kind in there]


def of(matrix: GainMatrix, state: Explore, published: Sequence[PublishedView] = ()) -> Grid:
    """What Explore shows as gains, or as scores with the baseline as the first row where rows are recipes."""
    beside = {(f.recipe, f.language) for f in published}
    scores = state.value == "score"
    shown = own = subset.narrow(matrix, state.languages)
    codes = figures.languages(shown, state.order)
    if scores:
        every = figures.score_matrix(matrix)
        shown = subset.narrow(every, state.languages)
        less = lower_is_better(matrix.metric)
        ends = figures.score_range([c.treated for c in every.cells if c.treated is not None])
        colours = tuple(SEQUENTIAL[::-1] if less else SEQUENTIAL)
        unit, clipped = ("errors, points" if less else "score, points"), False
    else:
        less = False
        end, clipped = figures.gain_range(matrix)
        ends, colours, unit = (-end, end), SCALES[state.colours], "gain, points"
    at = {(c.recipe, c.language): c for c in shown.cells}
    lined = orders.rows(shown, state.order, own)
    fade: Fade = "none" if scores else state.fade
    lines = [
        [_item(at.get((row.recipe, code)), row, code, matrix, scores=scores, fade=fade) for code in codes]
        for row in lined
    ]
    lines = [
        [replace(item, beside=(row.recipe, code) in beside) for item, code in zip(line, codes, strict=True)]
        for row, line in zip(lined, lines, strict=True)
    ]
    targets = orders.of_targets(matrix)
    band = orders.band(matrix, state.order).of
    return Grid(
        rows=_rows(matrix, lined),
        columns=tuple(
            Name(code, column_name(code), column_name(code) if targets else code, band(code)) for code in codes
        ),
        items=tuple(map(tuple, _ranked(lines, lined, less=less) if _compares(matrix) else lines)),
        means=() if scores else tuple((Item(r.mean_transfer, gain(r.mean_transfer)), f"{r.k}/{r.n}") for r in lined),
        ends=ends,
        colours=colours,
        unit=unit,
        clipped=clipped,
    )


def _rows(matrix: GainMatrix, lined: Sequence[RecipeRow]) -> tuple[Name, ...]:
    axes = matrix.axes
    if axes is not None and axes.rows != "recipe":
        return tuple(
            Name(r.recipe, text := crossed.row_name(r.recipe, matrix), text, twice=r.same_data_twice) for r in lined
        )
    short = short_recipes((r.recipe for r in lined), LONGEST)
    return tuple(Name(r.recipe, short[r.recipe], short[r.recipe], twice=r.same_data_twice) for r in lined)


def _compares(matrix: GainMatrix) -> bool:
    """Whether one number of a column is better than another: of several targets, each with a metric of its own, none is."""
    return matrix.axes is None or matrix.axes.rows != "target"


def _item(cell: GainCell | None, row: RecipeRow, code: str, matrix: GainMatrix, *, scores: bool, fade: Fade) -> Item:
    value = figures.shown_value(cell, scores) if cell is not None else None
    if cell is None or value is None:
        return Item(None, "", (cell.missing if cell is not None else None) or Missing.NOT_RUN)
    found, trained = not scores and is_finding(cell), code in row.not_zero_shot
    written: Callable[[float | None], str] = score if scores else gain
    twice = crossed.twice(row, code, matrix)
    text = written(value) + TRAINED * trained + TWICE * twice
    return Item(value, text, None, found, trained, twice, pale=figures.pales(cell, fade))


def _ranked(lines: Sequence[Sequence[Item]], rows: Sequence[RecipeRow], *, less: bool) -> list[list[Item]]:
    """The best of each column and the next, by what is printed: equal numbers are equally good. What trains on the same data twice takes
    no part, and where there is one number alone nothing is best."""
    made = [list(line) for line in lines]
    for j in range(len(made[0]) if made else 0):
        taking = [
            i
            for i, row in enumerate(rows)
            if not row.same_data_twice and not made[i][j].twice and made[i][j].value is not None
        ]
        values = sorted({round(made[i][j].value or 0.0, 1) for i in taking}, reverse=not less)
        if len(taking) < 2:
            continue
        for i in taking:
            place = values.index(round(made[i][j].value or 0.0, 1))
            made[i][j] = replace(made[i][j], rank=(1, 2)[place] if place < 2 else 0)
    return made
