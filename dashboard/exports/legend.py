"""The legend of a figure for paper: below the panels, group by group, as much on a line as fits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from dashboard.exports import marks
from dashboard.exports.paper import CM, Ink, wide
from dashboard.look import LIGHT

TINY: Final = 5.5  # points


def is_entry(trace: Mapping[str, Any]) -> bool:
    """Of the legend alone, at no place."""
    x = trace.get("x")
    return trace["type"] == "scatter" and x is not None and list(x) == [None]


def groups_of(traces: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for trace in traces:
        if is_entry(trace) or (trace["type"] == "bar" and trace.get("name")):
            found.setdefault(str(trace.get("legendgroup") or ""), []).append(trace)
    return found


def _flow(
    groups: Mapping[str, Sequence[Mapping[str, Any]]], across: float
) -> list[tuple[float, int, str, Mapping[str, Any] | None]]:
    """Where each entry stands: from the left, its line, its text, its trace (None: the name of a group)."""
    x, line = 0.1 * CM, 0
    placed: list[tuple[float, int, str, Mapping[str, Any] | None]] = []
    for name, entries in groups.items():
        if name:
            if x > 0.1 * CM:
                x, line = 0.1 * CM, line + 1
            placed.append((x, line, name, None))
            x += wide(name, TINY) + 0.25 * CM
        for entry in entries:
            text = marks.plain(entry.get("name"))
            room = 0.55 * CM + wide(text, TINY) + 0.25 * CM
            if x + room > across and x > 0.1 * CM:
                x, line = 0.1 * CM, line + 1
            placed.append((x, line, text, entry))
            x += room
    return placed


def height_of(groups: Mapping[str, Sequence[Mapping[str, Any]]], across: float) -> float:
    placed = _flow(groups, across)
    return (placed[-1][1] + 1) * 0.33 * CM + 0.1 * CM if placed else 0.0


def draw(
    figure: Any, groups: Mapping[str, Sequence[Mapping[str, Any]]], across: float, whole: float, height: float, ink: Ink
) -> None:
    placed = _flow(groups, across)
    if not placed:
        return
    axes = figure.add_axes((0, 0, 1, height / whole))
    axes.set_xlim(0, across)
    axes.set_ylim(0, height)
    axes.set_axis_off()
    for x, line, text, entry in placed:
        y = height - (line + 0.5) * 0.33 * CM
        if entry is None:
            axes.text(x, y, text, fontsize=TINY, va="center", color=LIGHT.soft)
            continue
        _key(axes, entry, x, y, ink)
        axes.text(x + 0.5 * CM, y, text, fontsize=TINY, va="center", color=LIGHT.ink)


def _key(axes: Any, entry: Mapping[str, Any], x: float, y: float, ink: Ink) -> None:
    if entry["type"] == "bar":
        from matplotlib.patches import Rectangle

        marker = entry.get("marker") or {}
        pattern = marker.get("pattern") or {}
        colour = marks.rgba(pattern.get("fgcolor") or marker.get("color"), ink)[0]
        face = LIGHT.hatch_ground if pattern.get("shape") else colour
        axes.add_patch(
            Rectangle(
                (x, y - 0.08 * CM),
                0.4 * CM,
                0.16 * CM,
                facecolor=face,
                edgecolor=colour,
                linewidth=0.4,
                hatch="////" if pattern.get("shape") else None,
            )
        )
        return
    mode, line, marker = entry.get("mode", ""), entry.get("line") or {}, entry.get("marker") or {}
    alpha = float(entry.get("opacity") or 1)
    if "lines" in mode:
        axes.plot(
            [x, x + 0.4 * CM],
            [y, y],
            color=marks.rgba(line.get("color"), ink)[0],
            linewidth=0.55 * line.get("width", 2),
            linestyle=marks.dash(line.get("dash")),
        )
    if "markers" in mode:
        axes.plot(
            [x + 0.2 * CM],
            [y],
            linestyle="",
            alpha=alpha,
            **marks.look(marker.get("symbol"), marker.get("size", 8), marks.rgba(marker.get("color"), ink)[0]),
        )
