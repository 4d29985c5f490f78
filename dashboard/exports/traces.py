"""A figure of points, lines and bars for paper, from the very figure that the page shows: whatever is drawn there is drawn here.

Of plotly's JSON it knows what our figures use: scatter traces with markers, lines and error bars on linear or logarithmic axes, filled
bands, areas and lines as high as a panel, horizontal bars, and a legend in groups, which stands below the panels.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from dashboard.exports import legend, marks, paper
from dashboard.exports.legend import TINY
from dashboard.exports.paper import CM, SMALL, Ink, Width, wide
from dashboard.look import LIGHT

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PIXEL: Final = 0.55 / 96  # inches of paper for one of the screen


def draw(drawn: Mapping[str, Any], width: Width, ink: Ink) -> Figure:
    """The figure, at its width on paper. ``drawn``: plotly's JSON, for a light page."""
    across = paper.WIDTHS[width] * CM
    layout: Mapping[str, Any] = drawn["layout"]
    traces: Sequence[Mapping[str, Any]] = drawn["data"]
    names = sorted(name for name in layout if re.fullmatch(r"xaxis\d*", name))
    # one column of paper takes one panel beside another: those of a wide page go below each other
    panels = [name.removeprefix("xaxis") for name in names]
    lefts = sorted({round(layout[name].get("domain", [0, 1])[0], 3) for name in names})
    beside = 1 if width == "column" else max(1, len(lefts))
    down = -(-len(panels) // beside)
    bars = any(t["type"] == "bar" for t in traces)
    panel = max(0.5 * layout["height"] * PIXEL, 3.0 * CM) if bars else (5.2 if beside == 1 else 4.2) * CM
    groups = legend.groups_of(traces)
    below = legend.height_of(groups, across)
    room, over = 1.15 * CM, 0.5 * CM  # below a panel for its ticks and what they count, above it for its name
    whole = down * (panel + room + over) + below
    figure = paper.blank(across, whole)
    left = 1.15 * CM
    if bars:
        names_of_bars = [marks.plain(t) for t in layout[f"yaxis{panels[0]}"].get("ticktext") or ()]
        left += max((wide(line, TINY) for text in names_of_bars for line in text.splitlines()), default=0.0) - 0.7 * CM
    gap = 0.9 * CM
    each = (across - left - 0.15 * CM - gap * (beside - 1)) / beside
    titles = _titles(layout, names)
    for i, panel_name in enumerate(panels):
        column, row = i % beside, i // beside
        bottom = whole - (row + 1) * (panel + room + over) + room
        place = ((left + column * (each + gap)) / across, bottom / whole, each / across, panel / whole)
        axes = figure.add_axes(place)
        _axes(axes, layout[f"xaxis{panel_name}"], layout[f"yaxis{panel_name}"], first=column == 0, ink=ink)
        if title := titles.get(f"xaxis{panel_name}"):
            axes.set_title(title, fontsize=SMALL, loc="left", color=LIGHT.ink, pad=3)
        for shape in layout.get("shapes", ()):
            if shape["xref"] == f"x{panel_name}":
                _shape(axes, shape, ink)
        for trace in traces:
            if trace.get("xaxis", "x") == f"x{panel_name}" and not legend.is_entry(trace):
                _trace(axes, trace, ink)
    legend.draw(figure, groups, across, whole, below, ink)
    return figure


def _titles(layout: Mapping[str, Any], names: Sequence[str]) -> dict[str, str]:
    """Names of panels: notes that stand at the upper left corner of one."""
    found = {}
    for note in layout.get("annotations", ()):
        for name in names:
            y = layout.get("yaxis" + name.removeprefix("xaxis"), {}).get("domain", [0, 1])[1]
            x = layout[name].get("domain", [0, 1])[0]
            if abs(note.get("x", -1) - x) < 1e-6 and abs(note.get("y", -1) - y) < 1e-6:
                found[name] = marks.plain(note.get("text"))
    return found


def _axes(axes: Any, x: Mapping[str, Any], y: Mapping[str, Any], *, first: bool, ink: Ink) -> None:
    for edge in ("top", "right"):
        axes.spines[edge].set_visible(False)
    for edge in ("left", "bottom"):
        axes.spines[edge].set_color(LIGHT.hatch)
    for axis, set_scale, set_range, held in (
        ("x", axes.set_xscale, axes.set_xlim, x),
        ("y", axes.set_yscale, axes.set_ylim, y),
    ):
        log = held.get("type") == "log"
        if log:
            set_scale("log")
        if (ends := held.get("range")) is not None:
            set_range(*((10**e for e in ends) if log else ends))
        which = axes.xaxis if axis == "x" else axes.yaxis
        if held.get("tickvals") is not None:
            which.set_ticks(list(held["tickvals"]), [marks.plain(t) for t in held.get("ticktext") or held["tickvals"]])
            which.set_ticks([], minor=True)
        if held.get("showgrid", axis == "y"):
            which.grid(True, color=LIGHT.line, linewidth=0.4)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=TINY, color=LIGHT.hatch, length=2, pad=2)
    if y.get("zeroline"):
        axes.axhline(0, color=LIGHT.hatch, linewidth=0.8, zorder=1)
    if title := marks.plain((x.get("title") or {}).get("text")):
        axes.set_xlabel(title, fontsize=TINY, color=LIGHT.soft, labelpad=2)
    if first and (title := marks.plain((y.get("title") or {}).get("text"))):
        axes.set_ylabel(title, fontsize=TINY, color=LIGHT.soft, labelpad=2)


def _shape(axes: Any, shape: Mapping[str, Any], ink: Ink) -> None:
    """As high as its panel: an area behind everything, or a line."""
    if shape["type"] == "rect":
        axes.axvspan(shape["x0"], shape["x1"], color=marks.rgba(shape["fillcolor"], ink)[0], linewidth=0, zorder=0)
        return
    line = shape["line"]
    look = {"linewidth": 0.55 * line["width"], "linestyle": marks.dash(line.get("dash"))}
    axes.axvline(shape["x0"], color=marks.rgba(line["color"], ink)[0], zorder=1, **look)


# --- traces ----------------------------------------------------------------------------------------------------------


def _trace(axes: Any, trace: Mapping[str, Any], ink: Ink) -> None:
    if trace["type"] == "bar":
        _bars(axes, trace, ink)
        return
    x, y = list(trace.get("x") or ()), list(trace.get("y") or ())
    fine = [(a, b) for a, b in zip(x, y, strict=True) if a is not None and b is not None]
    mode, alpha = trace.get("mode", "lines"), float(trace.get("opacity") or 1)
    if not fine:
        return
    if trace.get("fill") == "toself":
        colour, through = marks.rgba(trace.get("fillcolor"), ink)
        axes.fill(
            [a for a, _ in fine], [b for _, b in fine], color=colour, alpha=through * alpha, linewidth=0, zorder=1
        )
    if "lines" in mode and (trace.get("line") or {}).get("width", 2):
        line = trace.get("line") or {}
        gaps = [
            (a, b) if a is not None and b is not None else (float("nan"), float("nan"))
            for a, b in zip(x, y, strict=True)
        ]
        axes.plot(
            [a for a, _ in gaps], [b for _, b in gaps], color=marks.rgba(line.get("color"), ink)[0], linewidth=0.55 * line.get("width", 2),
            linestyle=marks.dash(line.get("dash")), drawstyle="steps-post" if line.get("shape") == "hv" else "default", alpha=alpha, zorder=2,
        )  # fmt: skip
    if "markers" in mode:
        _markers(axes, trace, x, y, alpha, ink)
    if "text" in mode:
        for a, b, said in zip(x, y, trace.get("text") or (), strict=False):
            axes.text(a, b, marks.plain(said), fontsize=TINY, ha="center", va="center", color=LIGHT.ink)


def _markers(axes: Any, trace: Mapping[str, Any], x: Sequence[Any], y: Sequence[Any], alpha: float, ink: Ink) -> None:
    marker, n = trace.get("marker") or {}, len(x)
    colours, symbols, sizes = (
        _each(marker.get("color"), n),
        _each(marker.get("symbol", "circle"), n),
        _each(marker.get("size", 6), n),
    )
    error = trace.get("error_y") or {}
    above, below = _each(error.get("array"), n), _each(error.get("arrayminus", error.get("array")), n)
    for i in range(n):
        if x[i] is None or y[i] is None:
            continue
        colour = marks.rgba(colours[i], ink)[0]
        if above[i] is not None and below[i] is not None:
            axes.errorbar(
                x[i], y[i], yerr=[[below[i]], [above[i]]], fmt="none", ecolor=LIGHT.soft, elinewidth=0.5, capsize=1.2, capthick=0.5, zorder=2,
                alpha=alpha,
            )  # fmt: skip
        axes.plot([x[i]], [y[i]], zorder=3, alpha=alpha, linestyle="", **marks.look(symbols[i], sizes[i], colour))


def _bars(axes: Any, trace: Mapping[str, Any], ink: Ink) -> None:
    """Horizontal ones, two kinds side by side."""
    marker = trace.get("marker") or {}
    pattern = marker.get("pattern") or {}
    dashed = bool(pattern.get("shape"))
    colour = marks.rgba(pattern.get("fgcolor") if dashed else marker.get("color"), ink)[0]
    shift, thick = (0.18 if dashed else -0.18), 0.3
    for y, x, said in zip(trace["y"], trace["x"], trace.get("text") or [""] * len(trace["x"]), strict=True):
        if x is None:
            continue
        axes.barh(
            y + shift, x, thick, color=LIGHT.hatch_ground if dashed else colour, edgecolor=colour, linewidth=0.4, hatch="////" if dashed else None,
        )  # fmt: skip
        axes.annotate(
            marks.plain(said),
            (x, y + shift),
            xytext=(2, 0),
            textcoords="offset points",
            va="center",
            fontsize=TINY,
            color=LIGHT.ink,
        )


def _each(value: Any, n: int) -> list[Any]:
    if isinstance(value, str) or not hasattr(value, "__len__"):
        return [value] * n
    return list(value)
