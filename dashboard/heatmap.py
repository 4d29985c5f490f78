"""How a heatmap of recipes by languages is drawn: cells, marks for what is missing, means, axes with their bands.

``figures`` says what each cell holds; nothing is computed here. A drawing is plotly's own JSON, a dictionary of ``data``
and ``layout``: making plotly's objects of it, which checks every value, takes longer than everything else.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple

from backend.domain.gains import ALPHA, Missing
from backend.domain.schemas import GainCell, GainMatrix, RecipeRow
from backend.domain.tasks import TASKS
from dashboard import vectors
from dashboard.look import DIVERGING, FONT, MINUS, ROW_HEIGHT, SIZE, Theme, colour, ink_on
from dashboard.words import MISSING_AT_LENGTH, SAME_DATA_TWICE, column_name, short_recipes

MAX_TEXT_CELLS = 600  # beyond, text costs seconds and nobody can read it
MAX_MARKS = 60  # cells without a number that are marked one by one
MAX_BAR = 320  # pixels of the colour bar: what a screen shows at once
BAND_HEIGHT, LABEL_HEIGHT = 20, 42  # pixels over the cells: what the languages have in common, their names
MIN_COLUMNS, MIN_ROWS = 6, 3  # fewer leave their place empty, so that a cell is about as large everywhere
LETTER = 7  # pixels of one beside or over the cells; those of bands are smaller
GAP_TO_MEANS = 0.2  # between the column of means and the first language, which is at 0


Drawing = dict[str, Any]


class Spot(NamedTuple):
    """One cell as it is drawn. ``value`` None: there is nothing to colour, ``missing`` says why. (A tuple: thousands are made for
    every figure.)"""

    row: int
    column: int
    cell: GainCell
    value: float | None
    text: str
    hover: str
    found: bool  # q below .05
    missing: Missing
    pale: bool = False

    @property
    def key(self) -> str:
        return f"{self.cell.recipe}.{self.cell.language}"


@dataclass(frozen=True, slots=True)
class Band:
    """What is written over the languages: ``of`` gives a language's, neighbours with the same share one."""

    name: str
    of: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Laid:
    """What a heatmap holds, row by row: the same in every theme, so it is laid out once."""

    values: list[list[float | None]]
    keys: list[list[str]]
    hovers: list[list[str]]
    pale: list[list[int | None]] | None  # where something is


def lay(spots: Sequence[Spot], rows: int) -> Laid:
    """Spots in rows."""
    grid: list[list[Spot]] = [[] for _ in range(rows)]
    for spot in spots:
        grid[spot.row].append(spot)
    return Laid(
        [[s.value for s in line] for line in grid],
        [[s.key for s in line] for line in grid],
        [[s.hover for s in line] for line in grid],
        [[1 if s.pale else None for s in line] for line in grid] if any(s.pale for s in spots) else None,
    )


def paint(
    figure: Drawing,
    spots: Sequence[Spot],
    laid: Laid,
    rows: Sequence[RecipeRow],
    columns: Sequence[str],
    theme: Theme,
    colours: Sequence[str],
    ends: tuple[float, float],
    dots_drawn: Sequence[str] = (),
) -> None:
    """The cells: colour, missing marks, text where it can be read, dots.

    Args:
        dots_drawn: what ``many_dots`` made of them, the same in either scheme.
    """
    if not rows or not columns:
        return
    _add(
        figure,
        "heatmap",
        x=list(range(len(columns))),
        y=list(range(len(rows))),
        z=laid.values,
        customdata=laid.keys,
        hovertext=laid.hovers,
        hovertemplate="%{hovertext}<extra></extra>",
        hoverongaps=True,
        coloraxis="coloraxis",
        name="cells",
    )
    over = [_joints(len(rows), -0.5, len(columns) - 0.5, theme)]
    if laid.pale is not None:  # a veil in the colour of the page
        _add(
            figure,
            "heatmap",
            x=list(range(len(columns))),
            y=list(range(len(rows))),
            z=laid.pale,
            colorscale=[[0, theme.paper], [1, theme.paper]],
            opacity=0.82,
            showscale=False,
            hoverinfo="skip",
            name="veil",
        )
    for kind in Missing:
        gone = [s for s in spots if s.value is None and s.missing is kind]
        if gone:
            _add(figure, "bar", **_missing_marks(gone, kind, theme))
    written: list[vectors.Image] = []
    with_text = len(rows) * len(columns) <= MAX_TEXT_CELLS
    low, high = ends

    def ink(spot: Spot) -> str:
        return theme.soft if spot.value is None or spot.pale else ink_on(colour(colours, spot.value, low, high))

    if with_text:
        size = SIZE["small"] if len(columns) <= 20 else SIZE["tiny"]
        numbers = [s for s in spots if s.value is not None]
        reasons = [s for s in spots if s.value is None and _has_word(s, len(columns))]
        right = len(columns) - 0.5
        for nth, (name, some, halo) in enumerate(
            (("numbers", numbers, None), ("reasons", reasons, theme.hatch_ground)), 1
        ):
            if some:
                said = [vectors.Text(s.column, s.row, (s.text,), ink(s)) for s in some]
                written.append(vectors.texts(name, said, -0.5, right, len(rows), size, nth=nth, halo=halo))
    dots = [s for s in spots if s.found]
    if dots:
        if dots_drawn:
            over += dots_drawn
        else:
            _add(
                figure,
                "scatter",
                x=[s.column + 0.36 for s in dots],
                y=[s.row - 0.28 for s in dots],
                mode="markers",
                marker={"symbol": "circle", "size": 6, "color": [ink(s) for s in dots]},
                hoverinfo="skip",
                showlegend=False,
                name="findings",
            )
        _add(  # the same dot in the legend, in a colour that reads on the page
            figure, "scatter",
            x=[None], y=[None], mode="markers", marker={"symbol": "circle", "size": 6, "color": theme.ink},
            name=f"q < {ALPHA:g}".replace("0.", "."), hoverinfo="skip",
        )  # fmt: skip
    joints = vectors.over_cells("over cells", over, -0.5, len(columns) - 0.5, len(rows))
    figure["layout"]["images"] += [joints, *written]


def _joints(rows: int, left: float, right: float, theme: Theme, *, across: bool = True) -> str:
    """What parts the cells. With gaps of its own a heatmap is painted dot by dot; without, a pixel a cell, which is much faster."""
    x, y = (
        [vectors.at(left + i) for i in range(round(right - left) + 1)],
        [vectors.at(i - 0.5) for i in range(rows + 1)],
    )
    path = "".join(f"M{x[0]} {place}H{vectors.at(right)}" for place in y)
    if across:
        path += "".join(f"M{place} {y[0]}V{y[-1]}" for place in x)
    return vectors.line(path, theme.paper, 2)


def many_dots(spots: Sequence[Spot], colours: Sequence[str], ends: tuple[float, float]) -> list[str]:
    """The dots of findings, where there are very many: small and square, one area a colour. Marks of their own take a browser
    longer than the cells."""
    dots = [s for s in spots if s.found and s.value is not None]
    if len(dots) <= MAX_MARKS:
        return []
    paths: dict[str, list[str]] = {}
    for s in dots:
        ink = ink_on(colour(colours, s.value or 0.0, *ends))
        paths.setdefault(ink, []).append(f"M{vectors.at(s.column + 0.26)} {vectors.at(s.row - 0.36)}h20v15h-20z")
    return [vectors.area("".join(parts), ink) for ink, parts in sorted(paths.items())]


def _add(figure: Drawing, kind: str, **trace: Any) -> None:
    figure["data"].append({"type": kind, **trace})


def _has_word(spot: Spot, columns: int) -> bool:
    """Whether the word for a missing cell fits into it; ``n/a`` and the cross always do."""
    return columns <= 16 or spot.missing in (Missing.NOT_APPLICABLE, Missing.FAILED)


def _missing_marks(gone: Sequence[Spot], kind: Missing, theme: Theme) -> dict[str, Any]:
    """One bar a cell, with a pattern: what heatmaps cannot draw. Of very many, one for neighbours: bars are slow."""
    pattern: Mapping[Missing, dict[str, Any]] = {
        Missing.NOT_APPLICABLE: {"shape": ""},
        Missing.NOT_RUN: {"shape": "/", "solidity": 0.1, "size": 11},
        Missing.FAILED: {"shape": "x", "solidity": 0.12, "size": 11},
        Missing.WITHHELD: {"shape": ".", "solidity": 0.2, "size": 8},
    }
    blank = kind is Missing.NOT_APPLICABLE
    mark = theme.alarm if kind is Missing.FAILED else theme.hatch
    spans = [(s.row, s.column, s.column) for s in gone]
    if len(gone) > MAX_MARKS:
        spans = _joined(spans)
    return {
        "x": [(first + last) / 2 for _, first, last in spans],
        "base": [row - 0.46 for row, _, _ in spans],
        "y": [0.92 for _ in spans],
        "width": [last - first + 0.96 for _, first, last in spans],
        "marker": {
            "color": theme.paper if blank else theme.hatch_ground,
            "line": {"width": 1 if blank else 0, "color": theme.line},
            "pattern": {
                **pattern[kind],
                "fgcolor": mark,
                "bgcolor": theme.paper if blank else theme.hatch_ground,
                "fillmode": "replace",
            },
        },
        "hoverinfo": "skip",
        "name": f"n/a: {MISSING_AT_LENGTH[kind]}" if blank else MISSING_AT_LENGTH[kind],
        "showlegend": True,
    }


def _joined(spans: Sequence[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Row, first and last column: spans of one row that touch made into one."""
    found: list[tuple[int, int, int]] = []
    for row, first, last in sorted(spans):
        if found and found[-1][0] == row and found[-1][2] + 1 == first:
            found[-1] = (row, found[-1][1], last)
        else:
            found.append((row, first, last))
    return found


def paint_means(
    figure: Drawing,
    means: Sequence[tuple[float | None, str, str]],
    rows: Sequence[RecipeRow],
    columns: int,
    theme: Theme,
    ends: tuple[float, float],
    colours: Sequence[str] = DIVERGING,
) -> None:
    """The column of means, left of the languages, each with its support.

    Args:
        means: of each row its mean, how that is written, and what is said of it.
    """
    if not means or not columns:
        return
    low, high = ends
    _add(
        figure,
        "heatmap",
        x=list(_mean_span(columns)),
        y=list(range(len(rows))),
        z=[[value] for value, _, _ in means],
        hovertext=[[hover] for _, _, hover in means],
        hovertemplate="%{hovertext}<extra></extra>",
        customdata=[[f"{row.recipe}.mean"] for row in rows],
        hoverongaps=True,
        coloraxis="coloraxis",
        name="means",
    )
    edges = _mean_span(columns)
    joints = [_joints(len(rows), *edges, theme, across=False)]
    figure["layout"]["images"].append(vectors.over_cells("over means", joints, *edges, len(rows)))
    inks = [theme.soft if v is None else ink_on(colour(colours, v, low, high)) for v, _, _ in means]
    said = [
        vectors.Text(sum(edges) / 2, i, (text, f"{row.k} of {row.n}"), ink)
        for i, ((_, text, _), row, ink) in enumerate(zip(means, rows, inks, strict=True))
    ]
    figure["layout"]["images"].append(vectors.texts("mean text", said, *edges, len(rows), SIZE["small"], nth=1))


def _mean_span(columns: int) -> tuple[float, float]:
    """Left and right edge of the column of means: as wide as its two lines of text need."""
    right = -0.5 - GAP_TO_MEANS
    return right - (1.04 if columns <= 16 else 1.6), right


def smallest_width(rows: Sequence[str], columns: Sequence[str], bands: Sequence[tuple[str, int]]) -> int:
    """Pixels below which what stands in cells or over them would run into its neighbour; the figure scrolls in its box then.

    Args:
        rows: their names, as they are written.
        columns: likewise.
        bands: each one's name, as it is written, and how many columns it is over.
    """
    small = LETTER * SIZE["tiny"] / SIZE["small"]
    wanted = [LETTER * _longest(columns), *(small * len(name) / over for name, over in bands)]
    cell = math.ceil(max(_least(len(columns)), *wanted))
    return LETTER * _longest(rows) + vectors.WIDTH + 30 + cell * (max(MIN_COLUMNS, len(columns)) + 2)


def _longest(labels: Sequence[str]) -> int:
    """Letters of the longest line of some labels."""
    return max((len(re.sub("<[^>]*>", "", line)) for label in labels for line in label.split("<br>")), default=0)


def _least(columns: int) -> int:
    """Pixels that a column has at least."""
    return 44 if columns <= 20 else 32


def axes(
    figure: Drawing,
    rows: Sequence[RecipeRow],
    columns: Sequence[str],
    theme: Theme,
    band: Band,
    *,
    mean_label: str | None,
    names: Sequence[str] | None = None,
    leads: tuple[Sequence[str], Sequence[str]] | None = None,
) -> None:
    """Languages above with their bands over them, recipes at the left.

    Args:
        names: of the rows, where these are no recipes.
        leads: the addresses that names of rows and of columns lead to; None: nowhere, where something is frozen or on paper.
    """
    by_row, by_column = leads if leads is not None else ([""] * len(rows), [""] * len(columns))
    ticks: list[float] = [float(j) for j in range(len(columns))]
    titles = [_language_label(code, len(columns)) for code in columns]
    labels = [_linked(title, there) for title, there in zip(titles, by_column, strict=True)]
    start = -0.5
    if mean_label is not None and rows and columns:
        left, right = _mean_span(len(columns))
        ticks.insert(0, (left + right) / 2)
        labels.insert(0, mean_label)
        start = left - 0.02
    wide = figure["layout"]
    wide["xaxis"] |= {
        "tickvals": ticks,
        "ticktext": labels,
        "range": [start, max(MIN_COLUMNS, len(columns)) - 0.5],
        "tickangle": 0,
    }
    wide["yaxis"] |= {
        "tickvals": list(range(len(rows))),
        "ticktext": [_linked(label, there) for label, there in zip(row_labels(rows, names), by_row, strict=True)],
        "range": [max(MIN_ROWS, len(rows)) - 0.5, -0.5],
    }
    runs = [(name, len(list(run))) for name, run in groupby(columns, key=band.of)]
    shapes, over = _bands(runs, len(columns), theme, band)
    written = [(short_family(name, width, len(columns)), width) for name, width in runs]
    wide["meta"]["width"] = smallest_width(row_labels(rows, names), titles, written)
    wide["shapes"] += shapes
    figure["data"] += over


def _bands(
    runs: Sequence[tuple[str, int]], columns: int, theme: Theme, band: Band
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """A strip over neighbours that share a band, with its name; what kind of band it is at the left.

    Names are text of a trace, not annotations: each of those has the browser lay out the whole page, a second for fifty.
    """
    if not runs:
        return [], []
    at = 0
    shapes: list[dict[str, Any]] = []
    middles: list[float] = []
    texts: list[str] = []
    whole: list[str] = []
    for i, (name, width) in enumerate(runs):
        left, right = at - 0.47, at + width - 0.53
        shapes.append({
            "type": "rect", "x0": left, "x1": right, "xref": "x", "yref": "y2", "y0": 0, "y1": 1,
            "fillcolor": theme.hatch_ground if i % 2 == 0 else theme.line, "line": {"width": 0}, "layer": "below",
        })  # fmt: skip
        middles.append((left + right) / 2)
        texts.append(html.escape(short_family(name, width, columns)))
        whole.append(html.escape(name))
        at += width
    same = {"type": "scatter", "mode": "text", "yaxis": "y2", "cliponaxis": False, "showlegend": False}
    return shapes, [
        same | {
            "x": [-0.53], "y": [0.5], "text": [band.name], "textposition": "middle left", "hoverinfo": "skip", "name": "band",
            "textfont": {"size": SIZE["tiny"], "color": theme.soft},
        },
        same | {
            "x": middles, "y": [0.5] * len(middles), "text": texts, "hovertext": whole, "hoverinfo": "text", "name": "bands",
            "textfont": {"size": SIZE["tiny"], "color": theme.ink},
        },
    ]  # fmt: skip


def short_family(name: str, width: int, columns: int) -> str:
    """A band's name, as much as fits over ``width`` of ``columns`` languages on a wide page."""
    letters = max(2, int(width * max(_least(columns), 900 / max(columns, MIN_COLUMNS)) / 6.2))
    if len(name) <= letters:
        return name
    parts = name.replace("-", " ").split()
    if len(parts) > 1:
        short = "-".join(p[:3] for p in parts)
        return short if len(short) <= letters else "".join(p[0] for p in parts)
    return name[: letters - 1] + "." if letters > 3 else name[:letters]


def _linked(label: str, address: str) -> str:
    """In the words that plotly reads: line by line, as its links end with a line."""
    if not address:
        return label
    opening = f'<a href="{html.escape(address)}" target="_self">'
    return "<br>".join(f"{opening}{part}</a>" for part in label.split("<br>"))


def _language_label(code: str, columns: int) -> str:
    name = html.escape(column_name(code))
    if code in TASKS:
        return f"{name if len(name) <= 14 else name[:13] + '…'}"
    if columns > 14:
        return f"<b>{code}</b>"
    return f"{name if len(name) <= 12 else name[:11] + '…'}<br><b>{code}</b>"


def row_labels(rows: Sequence[RecipeRow], titles: Sequence[str] | None = None) -> list[str]:
    """``titles``: where rows are no recipes."""
    short = short_recipes((row.recipe for row in rows), 28)
    names = short if titles is None else {row.recipe: title for row, title in zip(rows, titles, strict=True)}
    note = f'<br><span style="font-size:{SIZE["tiny"]}px">{SAME_DATA_TWICE}</span>'
    return [html.escape(names[row.recipe]) + (note if row.same_data_twice else "") for row in rows]


def hover_text(lines: Sequence[str]) -> str:
    first, *others = (html.escape(line) for line in lines)
    return "<br>".join([f"<b>{first}</b>", *others])


def _ticks(low: float, high: float, *, signed: bool) -> list[tuple[float, str]]:
    """Round values along the colour bar, at most nine, each with its share of the bar."""
    step = next(
        (s for s in (0.25, 0.5, 1.0, 2.0, 2.5, 5.0, 10.0, 20.0, 25.0) if (high - low) / s <= 8), (high - low) / 4
    )
    values = [i * step for i in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]

    def label(value: float) -> str:
        return f"{value:{'+g' if signed and value else 'g'}}".replace("-", MINUS)

    return [((v - low) / (high - low), label(v)) for v in values]


def layout(
    matrix: GainMatrix, rows: int, theme: Theme, axis: dict[str, Any], bar_title: Sequence[str]
) -> dict[str, Any]:
    grid = {
        "showgrid": False, "zeroline": False, "showline": False, "ticks": "", "fixedrange": True,
        "ticklabeloverflow": "allow",  # else every label is measured again, each time laying out the whole page
    }  # fmt: skip
    cells = max(MIN_ROWS, rows) * ROW_HEIGHT
    inner = cells + LABEL_HEIGHT + BAND_HEIGHT
    bar = vectors.colour_bar(
        "colours",
        axis["colorscale"],
        _ticks(axis["cmin"], axis["cmax"], signed="cmid" in axis),
        bar_title,
        theme=theme,
        height=min(cells, MAX_BAR),
        top=cells / inner,
        figure=inner,
    )
    return {
        "template": None,
        "shapes": [],
        "images": [bar],
        "autosize": True,
        "height": inner + 58,
        "margin": {"l": 12, "r": vectors.WIDTH + 6, "t": 12, "b": 46},
        "paper_bgcolor": theme.paper,
        "plot_bgcolor": theme.paper,
        "font": {"family": FONT, "size": SIZE["small"], "color": theme.ink},
        "xaxis": {**grid, "side": "top", "tickfont": {"size": SIZE["small"]}},
        "yaxis": {**grid, "automargin": True, "ticklabelstandoff": 4, "tickfont": {"size": SIZE["small"]}, "domain": [0, cells / inner]},
        "yaxis2": {"domain": [1 - BAND_HEIGHT / inner, 1], "range": [0, 1], "fixedrange": True, "visible": False},
        "barmode": "overlay",
        "hovermode": "closest",
        "hoverlabel": {"bgcolor": theme.panel, "bordercolor": theme.line, "align": "left", "font": {"color": theme.ink, "size": SIZE["small"]}},
        "legend": {
            "orientation": "h", "x": 0, "y": 0, "yref": "paper", "yanchor": "top", "itemclick": False, "itemdoubleclick": False,
            "font": {"color": theme.ink, "size": SIZE["small"]}, "bgcolor": "rgba(0,0,0,0)",
        },
        "coloraxis": {**axis, "showscale": False},
        # what a reader changed by hand stays while the same thing is shown
        "uirevision": f"{matrix.benchmark} {matrix.model} {matrix.target} {matrix.metric}",
        "meta": {"synthetic": matrix.synthetic, "benchmark": matrix.benchmark},
    }  # fmt: skip
