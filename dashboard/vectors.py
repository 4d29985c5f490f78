"""Pictures inside a figure: SVG in a ``data:`` address, as entries of plotly's ``layout.images``.

What a figure repeats a thousand times (the lines between cells, the dots of findings, the 255 steps of a colour bar) a
browser draws in one go from a picture. As shapes, markers or plotly's own colour bar it costs more than the cells do.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any, NamedTuple

from dashboard.look import FONT, SIZE, Theme

UNIT = 100  # of a picture over cells, per cell: whole numbers are short

Image = dict[str, Any]


def line(path: str, ink: str, width: float) -> str:
    """A line as an element of a picture; ``width`` in pixels however the picture is stretched."""
    return (
        f"<path d='{path}' fill='none' stroke='{ink}' stroke-width='{width:g}' vector-effect='non-scaling-stroke'/>"
        if path
        else ""
    )


def area(path: str, fill: str) -> str:
    """A filled area as an element of a picture."""
    return f"<path d='{path}' fill='{fill}'/>" if path else ""


def at(value: float) -> int:
    """A place on an axis of cells in the units of a picture."""
    return round(value * UNIT)


def over_cells(name: str, elements: Sequence[str], left: float, right: float, rows: int) -> Image:
    """A picture over cells: columns from ``left`` to ``right``, all ``rows`` from the top; elements in ``at``'s units."""
    box = f"{at(left)} {at(-0.5)} {at(right) - at(left)} {at(rows)}"
    return {
        "name": name, "source": _data(f"viewBox='{box}' preserveAspectRatio='none'", elements), "xref": "x", "yref": "y",
        "x": left, "y": -0.5, "sizex": right - left, "sizey": rows, "sizing": "stretch", "layer": "above",
    }  # fmt: skip


class Text(NamedTuple):
    """What stands in the middle of one cell; the first of two lines in bold."""

    x: float
    row: int
    lines: tuple[str, ...]
    ink: str


def texts(
    name: str,
    said: Sequence[Text],
    left: float,
    right: float,
    rows: int,
    size: int,
    *,
    nth: int,
    halo: str | None = None,
) -> Image:
    """Texts over cells, between ``left`` and ``right``, in all ``rows``: as text of a trace, each costs a browser as much as a hundred cells.

    Their places are shares of a picture that has no size of its own: it takes that of its cells, and letters keep their form.

    Args:
        size: of the letters, in pixels.
        nth: among the pictures over these cells, from 1; ``over_cells`` is none of them. Of those that lie at the very same place
            plotly shows one.
        halo: a colour around the letters, so that they read on a pattern.
    """
    by_ink: dict[str, list[str]] = {}
    for text in said:
        x = f"{100 * (text.x - left) / (right - left):.3f}%"
        y = f"{100 * (text.row + 0.5) / rows:.3f}%"
        first, *others = text.lines
        bold = " font-weight='bold'" if others else ""
        above = 0.35 - 0.65 * len(others)
        lines = [f"<text x='{x}' y='{y}' dy='{above * size:.1f}'{bold}>{html.escape(first)}</text>"]
        lines += [
            f"<text x='{x}' y='{y}' dy='{(above + 1.3 * i) * size:.1f}'>{html.escape(line)}</text>"
            for i, line in enumerate(others, 1)
        ]
        by_ink.setdefault(text.ink, []).extend(lines)
    around = f" stroke='{halo}' stroke-width='4' paint-order='stroke' stroke-linejoin='round'" if halo else ""
    groups = [f"<g fill='{ink}'{around}>{''.join(parts)}</g>" for ink, parts in sorted(by_ink.items())]
    letters = f"width='100%' height='100%' font-family='{_font()}' font-size='{size}' text-anchor='middle'"
    return {
        "name": name, "source": _data(letters, groups), "xref": "x", "yref": "y",
        "x": left, "y": -0.5, "sizex": right - left, "sizey": rows + nth * 1e-6, "sizing": "stretch", "layer": "above",
    }  # fmt: skip


def colour_bar(
    name: str,
    stops: Sequence[Sequence[float | str]],
    ticks: Sequence[tuple[float, str]],
    title: Sequence[str],
    *,
    theme: Theme,
    height: int,
    top: float,
    figure: int,
) -> Image:
    """A colour bar right of a figure, its title over it.

    Args:
        stops: of the scale, each a share from 0 (below) to 1 and a colour.
        ticks: each a share of the bar from below and what stands there.
        height: of the bar in pixels.
        top: where the bar begins, as a share of the figure from below.
        figure: the figure's height in pixels, without margins.
    """
    size = SIZE["tiny"]
    row, above = size * 1.25, len(title) * size * 1.25 + 8
    whole = height + above
    said = [_text(0, size + i * row, text, theme) for i, text in enumerate(title)]
    scale = "".join(f"<stop offset='{offset:g}' stop-color='{colour}'/>" for offset, colour in stops)
    marks, labels = [], []
    for share, text in ticks:
        y = above + (1 - share) * height
        marks.append(f"M{BAR} {y:g}h3")
        inside = min(max(y + size * 0.35, above + size * 0.75), whole - 1)  # the outermost too
        labels.append(_text(BAR + 6, inside, text, theme))
    elements = [
        f"<linearGradient id='g' x1='0' y1='1' x2='0' y2='0'>{scale}</linearGradient>",
        *said,
        f"<rect y='{above:g}' width='{BAR}' height='{height}' fill='url(#g)'/>",
        line("".join(marks), theme.soft, 1),
        *labels,
    ]
    return {
        "name": name, "source": _data(f"width='{WIDTH}' height='{whole:g}' viewBox='0 0 {WIDTH} {whole:g}' preserveAspectRatio='xMinYMin'", elements),
        "xref": "paper", "yref": "paper", "x": 1.005, "y": top + above / figure, "xanchor": "left", "yanchor": "top",
        "sizex": 0.5, "sizey": whole / figure, "sizing": "contain", "layer": "above",
    }  # fmt: skip


def _text(x: float, y: float, text: str, theme: Theme) -> str:
    return (
        f"<text x='{x:g}' y='{y:g}' font-family='{_font()}' font-size='{SIZE['tiny']}' fill='{theme.ink}'>"
        f"{html.escape(text)}</text>"
    )


def _font() -> str:
    return FONT.replace("'", "&quot;")


BAR, WIDTH = 12, 54  # pixels of a colour bar, without and with its labels


def _data(attributes: str, elements: Sequence[str]) -> str:
    svg = f"<svg xmlns='http://www.w3.org/2000/svg' {attributes}>{''.join(elements)}</svg>"
    text = svg.encode("ascii", "xmlcharrefreplace").decode()  # no character of its own needs a percent sign then
    for character, written in (("%", "%25"), ("#", "%23"), ("<", "%3C"), (">", "%3E"), ('"', "%22")):
        text = text.replace(character, written)
    return f"data:image/svg+xml,{text}"
