"""A heatmap for paper: cells by ``pcolormesh``, which are areas, with their numbers, dots, hatches for what is missing, and families.

Columns stand side by side where numbers fit into the cells, else below each other; where neither fits, each cell has the sign of its
number alone. So the sign of every cell can be told without its colour.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from backend.domain.gains import Missing
from dashboard.exports import paper
from dashboard.exports.grid import Grid, Item
from dashboard.exports.paper import CM, SMALL, Ink, Width, wide
from dashboard.look import LIGHT, MINUS, colour, ink_on
from dashboard.words import MISSING_AT_LENGTH

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CELL: Final = 0.42 * CM  # height of a row
NARROWEST: Final = 0.13 * CM
LARGEST: Final = 24.0 * CM  # of the cells together: a page of paper
TINY: Final = 5.0
PUBLISHED: Final = "published (not ours)"
_HATCHES: Final[dict[Missing, str]] = {Missing.NOT_RUN: "/////", Missing.FAILED: "xxxxx", Missing.WITHHELD: "....."}


def draw(grid: Grid, width: Width, ink: Ink) -> Figure:
    """The figure, at its width on paper."""
    across = paper.WIDTHS[width] * CM
    laid, cell, size = _laid(grid, across)
    colours = paper.greys(len(laid.colours)) if ink == "grey" else laid.colours
    rows, columns = len(laid.rows), len(laid.columns)
    left, right = _margins(laid)
    head, foot = _head(laid, cell), 0.95 * CM
    height = min(CELL, LARGEST / max(1, rows)) * rows
    figure = paper.blank(across, head + height + foot)
    whole = head + height + foot
    means = 1.25 if laid.means and laid.across else 0.0
    shown = min(1.0, cell * (columns + means) / (across - left - right))
    axes = figure.add_axes((left / across, foot / whole, (across - left - right) * shown / across, height / whole))
    bottom = rows + (1.25 if laid.means and not laid.across else 0.0)
    axes.set_xlim(-means, columns)
    axes.set_ylim(bottom, 0)
    axes.set_axis_off()
    if not rows or not columns:
        axes.text(0, 0, "nothing is shown", fontsize=SMALL, va="top")
        return figure
    _cells(axes, laid, colours, size)
    _means(axes, laid, colours, size)
    _names(axes, laid, cell, height / bottom)
    _legend(figure, laid, colours, across, foot, whole)
    return figure


def _laid(grid: Grid, across: float) -> tuple[Grid, float, float]:
    """As it fits: which way round, how wide a cell is, and the size of numbers, 0 for signs alone."""
    turned = grid.turned()
    for one in (grid, turned):
        for size in (SMALL, TINY):
            cell = _cell_width(one, across)
            if cell >= _needs(one, size):
                return one, min(cell, 1.9 * _needs(one, SMALL)), size
    best = max((grid, turned), key=lambda one: _cell_width(one, across))
    return best, max(NARROWEST, _cell_width(best, across)), 0.0


def _cell_width(grid: Grid, across: float) -> float:
    left, right = _margins(grid)
    return (across - left - right) / (len(grid.columns) + (1.25 if grid.means and grid.across else 0) or 1)


def _needs(grid: Grid, size: float) -> float:
    longest = max((len(item.text) for line in grid.items for item in line), default=4)
    return wide("0" * max(4, longest), size) + 0.05 * CM


def _margins(grid: Grid) -> tuple[float, float]:
    """At the left the names of rows, at the right what they have in common."""
    names = max((wide(_text(name)) for name in grid.rows), default=0.0)
    if not grid.across and grid.means:
        names = max(names, wide("mean"))
    bands = (
        max((wide(name.band, TINY) for name in grid.rows), default=0.0) + 0.15 * CM
        if any(n.band for n in grid.rows)
        else 0.05 * CM
    )
    return names + 0.15 * CM, bands


def _text(name: Any) -> str:
    return str(name.text) + " ‡" * name.twice


def _head(grid: Grid, cell: float) -> float:
    """Room over the cells: for names that stand upright where they are wider than their column, and for families."""
    if grid.across:
        return _above(grid, cell) + (0.33 if _upright(grid, cell) else 0.28) * CM
    return 1.15 * max(wide(_text(name)) for name in grid.columns) + 0.15 * CM if _upright(grid, cell) else 0.45 * CM


def _upright(grid: Grid, cell: float) -> bool:
    return max((wide(name.short if grid.across else _text(name)) for name in grid.columns), default=0.0) > cell


def _above(grid: Grid, cell: float) -> float:
    """From the cells to what their columns have in common: over codes of languages a fixed room, over longer names what they take."""
    longest = max((wide(name.short) for name in grid.columns), default=0.0)
    return max(0.42 * CM, longest + 0.16 * CM) if _upright(grid, cell) else 0.42 * CM


# --- cells -----------------------------------------------------------------------------------------------------------


def _cells(axes: Any, grid: Grid, colours: tuple[str, ...], size: float) -> None:
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Rectangle

    scale = ListedColormap(colours)
    values = [[item.value for item in line] for line in grid.items]
    _mesh(axes, range(len(grid.columns) + 1), range(len(grid.rows) + 1), values, scale, grid.ends)
    for i, line in enumerate(grid.items):
        for j, item in enumerate(line):
            if item.beside:
                _open(
                    axes,
                    j + 0.88,
                    i + 0.24,
                    LIGHT.ink if item.value is None else ink_on(colour(colours, item.value, *grid.ends)),
                )
            if item.value is None:
                _missing(axes, Rectangle, item, j, i)
                continue
            if item.pale:
                axes.add_patch(Rectangle((j, i), 1, 1, facecolor=LIGHT.paper, alpha=0.75, linewidth=0))
            ink = LIGHT.soft if item.pale else ink_on(colour(colours, item.value, *grid.ends))
            said = item.text if size else _sign(item)
            axes.text(j + 0.5, i + 0.53, said, fontsize=size or TINY, ha="center", va="center", color=ink)
            if item.found:
                axes.plot([j + 0.88], [i + 0.2], marker="o", markersize=1.6, color=ink, markeredgewidth=0)


def _open(axes: Any, x: float, y: float, ink: str) -> None:
    """The marker of a published score."""
    axes.plot([x], [y], marker="d", markersize=3, markerfacecolor="none", markeredgecolor=ink, markeredgewidth=0.6)


def _sign(item: Item) -> str:
    """What stands for a number that does not fit: nothing where it is printed as 0.0."""
    return item.text[:1] if item.text[:1] in ("+", MINUS) else ""


def _mesh(axes: Any, x: Any, y: Any, values: Any, scale: Any, ends: tuple[float, float]) -> None:
    import numpy as np

    some = np.ma.masked_invalid(np.array([[np.nan if v is None else v for v in line] for line in values], dtype=float))
    axes.pcolormesh(
        list(x), list(y), some, cmap=scale, vmin=ends[0], vmax=ends[1], edgecolors=LIGHT.paper, linewidth=0.5
    )


def _missing(axes: Any, patch: Any, item: Item, column: int, row: int) -> None:
    kind = item.missing or Missing.NOT_RUN
    if kind is Missing.NOT_APPLICABLE:
        axes.text(column + 0.5, row + 0.53, "n/a", fontsize=TINY, ha="center", va="center", color=LIGHT.soft)
        return
    axes.add_patch(
        patch(
            (column + 0.04, row + 0.04), 0.92, 0.92, facecolor=LIGHT.hatch_ground, edgecolor=LIGHT.hatch, linewidth=0,
            hatch=_HATCHES[kind],
        )
    )  # fmt: skip


def _means(axes: Any, grid: Grid, colours: tuple[str, ...], size: float) -> None:
    """Apart from the cells: at their left, or below them."""
    from matplotlib.colors import ListedColormap

    if not grid.means:
        return
    values = [item.value for item, _ in grid.means]
    scale, n = ListedColormap(colours), len(values)
    if grid.across:
        _mesh(axes, (-1.25, -0.25), range(n + 1), [[v] for v in values], scale, grid.ends)
    else:
        rows = len(grid.rows)
        _mesh(axes, range(n + 1), (rows + 0.25, rows + 1.25), [values], scale, grid.ends)
    for i, (item, _) in enumerate(grid.means):
        x, y = (-0.75, i + 0.53) if grid.across else (i + 0.5, len(grid.rows) + 0.78)
        ink = LIGHT.soft if item.value is None else ink_on(colour(colours, item.value, *grid.ends))
        axes.text(x, y, item.text, fontsize=size or TINY, ha="center", va="center", color=ink)


# --- names and legend ------------------------------------------------------------------------------------------------


def _names(axes: Any, grid: Grid, cell: float, height: float) -> None:
    """Of rows and columns, with what neighbours have in common. ``height``: of a row, in inches."""
    away = -(1.25 if grid.means and grid.across else 0) - 0.06 * CM / cell
    for i, name in enumerate(grid.rows):
        axes.text(away, i + 0.53, _text(name), fontsize=SMALL, ha="right", va="center", color=LIGHT.ink)
    upright = _upright(grid, cell)
    over = -0.08 * CM / height
    for j, name in enumerate(grid.columns):
        said = name.short if grid.across else _text(name)
        turned: dict[str, Any] = {"rotation": 90 if upright else 0, "ha": "center", "va": "bottom"}
        axes.text(j + 0.5, over, said, fontsize=SMALL if cell > 0.28 * CM else TINY, color=LIGHT.ink, **turned)
    if grid.means and grid.across:
        axes.text(-0.75, over, "mean", fontsize=SMALL, ha="center", va="bottom", color=LIGHT.ink)
    elif grid.means:
        axes.text(away, len(grid.rows) + 0.78, "mean", fontsize=SMALL, ha="right", va="center", color=LIGHT.ink)
    _bands(axes, grid, cell, height)


def _bands(axes: Any, grid: Grid, cell: float, height: float) -> None:
    at = 0
    for name, run in groupby(grid.columns if grid.across else grid.rows, key=lambda one: one.band):
        n = len(list(run))
        if name and grid.across:
            y = -_above(grid, cell) / height
            axes.plot([at + 0.1, at + n - 0.1], [y, y], color=LIGHT.hatch, linewidth=0.6, clip_on=False)
            room = max(1, int(n * cell / wide("0", TINY)))
            said = name if len(name) <= room else name[: max(1, room - 1)] + "." if room > 2 else ""
            axes.text(
                at + n / 2, y - 0.04 * CM / height, said, fontsize=TINY, ha="center", va="bottom", color=LIGHT.soft
            )
        elif name:
            x = len(grid.columns) + 0.06 * CM / cell
            axes.plot([x, x], [at + 0.1, at + n - 0.1], color=LIGHT.hatch, linewidth=0.6, clip_on=False)
            axes.text(x + 0.05 * CM / cell, at + n / 2, name, fontsize=TINY, ha="left", va="center", color=LIGHT.soft)
        at += n


def _legend(figure: Any, grid: Grid, colours: tuple[str, ...], across: float, foot: float, whole: float) -> None:
    """The colours with their ends, the dot, and each kind of missing that is there."""
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Rectangle

    axes = figure.add_axes((0, 0, 1, (foot - 0.15 * CM) / whole))
    axes.set_xlim(0, across)
    axes.set_ylim(0, foot - 0.15 * CM)
    axes.set_axis_off()
    line, thick, wide_bar, steps = 0.45 * CM, 0.16 * CM, 1.8 * CM, 48
    low, high = (f"{end:+g}".replace("-", MINUS) if grid.unit.startswith("gain") else f"{end:g}" for end in grid.ends)
    x = 0.1 * CM
    axes.text(x, line + thick / 2, low, fontsize=TINY, va="center", color=LIGHT.ink)
    x += wide(low, TINY) + 0.1 * CM
    edges = [x + wide_bar * i / steps for i in range(steps + 1)]
    axes.pcolormesh(
        edges,
        [line, line + thick],
        [[i / (steps - 1) for i in range(steps)]],
        cmap=ListedColormap(colours),
        edgecolors="face",
        linewidth=0.2,
    )
    x = edges[-1] + 0.1 * CM
    said = f"{high} {grid.unit}" + (", clipped" if grid.clipped else "")
    axes.text(x, line + thick / 2, said, fontsize=TINY, va="center", color=LIGHT.ink)
    x, y = 0.1 * CM, 0.12 * CM
    if any(item.found for row in grid.items for item in row):
        axes.plot([x + 0.08 * CM], [y + 0.08 * CM], marker="o", markersize=2, color=LIGHT.ink, markeredgewidth=0)
        axes.text(x + 0.22 * CM, y + 0.08 * CM, "q < .05", fontsize=TINY, va="center", color=LIGHT.ink)
        x += 0.4 * CM + wide("q < .05", TINY)
    if any(item.beside for row in grid.items for item in row):
        _open(axes, x + 0.08 * CM, y + 0.08 * CM, LIGHT.ink)
        axes.text(x + 0.22 * CM, y + 0.08 * CM, PUBLISHED, fontsize=TINY, va="center", color=LIGHT.ink)
        x += 0.4 * CM + wide(PUBLISHED, TINY)
    for kind in grid.kinds:
        said = MISSING_AT_LENGTH[kind]
        if kind is Missing.NOT_APPLICABLE:
            said = f"n/a: {said}"
        else:
            axes.add_patch(
                Rectangle(
                    (x, y),
                    0.3 * CM,
                    0.17 * CM,
                    facecolor=LIGHT.hatch_ground,
                    edgecolor=LIGHT.hatch,
                    linewidth=0,
                    hatch=_HATCHES[kind],
                )
            )
            x += 0.38 * CM
        axes.text(x, y + 0.08 * CM, said, fontsize=TINY, va="center", color=LIGHT.ink)
        x += wide(said, TINY) + 0.2 * CM
