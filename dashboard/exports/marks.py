"""How plotly says colours, dashes, shapes and text, as matplotlib takes them."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any, Final

from dashboard.exports import paper
from dashboard.exports.paper import Ink
from dashboard.look import LIGHT

_MARKERS: Final[Mapping[str, str]] = {
    "circle": "o", "square": "s", "diamond": "D", "triangle-up": "^", "triangle-down": "v", "cross": "P", "x": "X", "star": "*",
    "pentagon": "p", "hexagon": "h", "diamond-tall": "d",
}  # fmt: skip
_COLOUR: Final = re.compile(r"rgba?\(\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*(?:,\s*([\d.]+)\s*)?\)")


def look(symbol: Any, size: Any, colour: str) -> dict[str, Any]:
    name = str(symbol or "circle")
    hollow = name.endswith("-open")
    return {
        "marker": _MARKERS.get(name.removesuffix("-open"), "o"),
        "markersize": 0.42 * float(size or 6),
        "markerfacecolor": "none" if hollow else colour,
        "markeredgecolor": colour if hollow else LIGHT.paper,
        "markeredgewidth": 0.8 if hollow else 0.4,
    }


def dash(text: Any) -> Any:
    """``5px,3px``, or one of plotly's names."""
    if not text or text == "solid":
        return "solid"
    if "px" in str(text):
        return (0, [0.55 * float(part.removesuffix("px")) for part in str(text).split(",")])
    return {"dash": "dashed", "dot": "dotted", "dashdot": "dashdot"}.get(str(text), "dashed")


def rgba(text: Any, ink: Ink) -> tuple[str, float]:
    """As a hexadecimal colour and how much of it there is."""
    colour, through = str(text or LIGHT.ink), 1.0
    if found := _COLOUR.fullmatch(colour):
        colour = "#" + "".join(f"{int(part):02x}" for part in found.groups()[:3])
        through = float(found[4] or 1)
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", colour):
        colour = LIGHT.ink
    return (paper.grey(colour) if ink == "grey" else colour), through


def plain(text: Any) -> str:
    """Text of a figure on a page as text: line breaks stay, other marks go."""
    return html.unescape(re.sub(r"<[^>]+>", "", str(text or "").replace("<br>", "\n")))
