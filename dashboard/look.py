"""The visual language, in one file: spacing, type, colours for light and dark, how numbers are written.

The diverging scale is Crameri's *vik*, turned so that **blue is a gain and red a loss**: perceptually uniform and safe for
colour-blind readers, where "green is good" is not. It is the same on light and dark pages, so that a figure means the same
on both (a scale with a dark middle was tried: gains of one point could not be told from zero). Scores use its blue half.
Colour never stands alone: every number has its sign, every finding a dot, every kind of missing its own mark.

Numbers: scores have one decimal, gains are signed with one, an interval is ``+1.2 [0.3, 2.1]``. The minus is a real one
(U+2212), as wide as the plus above it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

Scheme = Literal["light", "dark"]

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Noto Sans', Arial, sans-serif"
MONO = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'Liberation Mono', monospace"
SIZE = {"tiny": 10, "small": 12, "body": 14, "lead": 16, "title": 22}  # px
GAP = {"xs": 4, "sm": 8, "md": 16, "lg": 24, "xl": 40}  # px
RADIUS = 6  # px
PHONE = 768  # px; below, the heatmap gives way to ranked lists
ROW_HEIGHT = 46  # px of a heatmap row: two lines of text and a target that a finger hits

MINUS = "−"
DASH = "–"


def _read_scale(name: str) -> tuple[str, ...]:
    """A vendored scale, low to high, as ``#rrggbb``."""
    text = (Path(__file__).parent / "colours" / f"{name}.txt").read_text("utf-8")
    return tuple(f"#{line}" for line in text.splitlines() if re.fullmatch(r"[0-9a-f]{6}", line))


DIVERGING: tuple[str, ...] = _read_scale("vik")[::-1]  # from loss to gain
SEQUENTIAL: tuple[str, ...] = DIVERGING[128:]  # from low to high


def _between(stops: Sequence[str], n: int = 256) -> tuple[str, ...]:
    """So many colours from the first stop to the last, evenly."""
    found = []
    for i in range(n):
        at = i * (len(stops) - 1) / (n - 1)
        low = min(int(at), len(stops) - 2)
        channels = ((int(stops[low][j : j + 2], 16), int(stops[low + 1][j : j + 2], 16)) for j in (1, 3, 5))
        found.append("#" + "".join(f"{round(a + (at - low) * (b - a)):02x}" for a, b in channels))
    return tuple(found)


#: ColorBrewer's PuOr (Brewer, Harrower and others, Apache-2.0), from loss to gain: orange to purple.
PUOR = _between(
    (
        "#7f3b08",
        "#b35806",
        "#e08214",
        "#fdb863",
        "#fee0b6",
        "#f7f7f7",
        "#d8daeb",
        "#b2abd2",
        "#8073ac",
        "#542788",
        "#2d004b",
    )
)
#: The scales of gains that a reader can choose from; safe for colour-blind readers, both.
SCALES: dict[str, tuple[str, ...]] = {"vik": DIVERGING, "puor": PUOR}


@dataclass(frozen=True, slots=True)
class Theme:
    """Everything a figure needs to know about the page it stands on."""

    name: Scheme
    paper: str
    panel: str
    ink: str
    soft: str  # second-rank text, 4.5:1 on paper
    line: str
    hatch: str
    hatch_ground: str
    accent: str
    alarm: str


LIGHT = Theme(
    name="light",
    paper="#ffffff",
    panel="#f6f7f8",
    ink="#1b1f24",
    soft="#57606a",
    line="#d5dae0",
    hatch="#8b949e",
    hatch_ground="#f3f4f6",
    accent="#6741a3",
    alarm="#a3261c",
)
DARK = Theme(
    name="dark",
    paper="#16191d",
    panel="#1e2227",
    ink="#e8eaed",
    soft="#a5adb6",
    line="#383e46",
    hatch="#6a737d",
    hatch_ground="#22272d",
    accent="#b79be6",
    alarm="#ff9a8d",
)
THEMES: dict[Scheme, Theme] = {"light": LIGHT, "dark": DARK}

#: For things that differ in kind (recipes, models), never for more or less: told apart by most colour-blind readers, at
#: least 3:1 on the page. They begin again after the last; shape or dash tells those of one colour apart.
CATEGORICAL: dict[Scheme, tuple[str, ...]] = {
    "light": ("#3b4cc0", "#b35806", "#117a3d", "#aa4499", "#0b7fab", "#7a5c00", "#7a1f4b", "#4d4d4d"),
    "dark": ("#9aa8ff", "#f0a35e", "#5fc98a", "#e58fd6", "#63c3ea", "#d9c067", "#ee8fb2", "#b8bcc2"),
}
SHAPES: tuple[str, ...] = (
    "circle", "square", "diamond", "triangle-up", "triangle-down", "cross", "x", "star", "pentagon", "hexagon",
)  # fmt: skip

#: Mantine's theme. Its dark shades are ours, so that figures and pages stand on the same ground.
MANTINE: dict[str, Any] = {
    "fontFamily": FONT,
    "fontFamilyMonospace": MONO,
    "headings": {"fontFamily": FONT, "fontWeight": "650"},
    "defaultRadius": RADIUS,
    "primaryColor": "plum",
    "primaryShade": {"light": 7, "dark": 3},
    "black": LIGHT.ink,
    "autoContrast": True,
    "cursorType": "pointer",
    "respectReducedMotion": True,
    "colors": {
        "plum": [
            "#f6f1fd",
            "#e7ddf6",
            "#cfbdee",
            "#b79be6",
            "#9f7bd8",
            "#8a60c8",
            "#7950b5",
            "#6741a3",
            "#56348c",
            "#452973",
        ],
        "gray": [
            "#f8f9fa",
            "#f1f3f5",
            "#e9ecef",
            "#dee2e6",
            LIGHT.line,
            "#8b949e",
            LIGHT.soft,
            "#495057",
            "#343a40",
            "#212529",
        ],
        "dark": [
            DARK.ink,
            "#c6cbd1",
            DARK.soft,
            "#6a737d",
            DARK.line,
            "#2c3138",
            "#22272d",
            DARK.paper,
            "#111417",
            "#0c0e10",
        ],
    },
}


# --- colours --------------------------------------------------------------------------------------------------


def scale(colours: Sequence[str]) -> list[list[float | str]]:
    """A plotly colour scale: 33 stops are enough for the eye and eight times fewer bytes than 256."""
    stops = [round(i * (len(colours) - 1) / 32) for i in range(33)]
    return [[i / 32, colours[stop]] for i, stop in enumerate(stops)]


def colour(colours: Sequence[str], value: float, low: float, high: float) -> str:
    """The colour of a value on a scale from ``low`` to ``high``; beyond the ends, the end."""
    share = 0.5 if high <= low else min(1.0, max(0.0, (value - low) / (high - low)))
    return colours[round(share * (len(colours) - 1))]


def luminance(hex_colour: str) -> float:
    """Relative luminance of WCAG 2, from 0 (black) to 1 (white)."""

    def channel(text: str) -> float:
        c = int(text, 16) / 255
        return c / 12.92 if c <= 0.04045 else float(((c + 0.055) / 1.055) ** 2.4)

    return 0.2126 * channel(hex_colour[1:3]) + 0.7152 * channel(hex_colour[3:5]) + 0.0722 * channel(hex_colour[5:7])


def contrast(a: str, b: str) -> float:
    """Contrast ratio of WCAG 2, from 1 to 21."""
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


@lru_cache(maxsize=4096)  # as many as there are colours on our scales, many times over
def ink_on(ground: str) -> str:
    """Black or white, whichever reads better on this ground; one of them has at least 4.5:1 on any colour."""
    return max(("#000000", "#ffffff"), key=lambda ink: contrast(ink, ground))


# --- numbers --------------------------------------------------------------------------------------------------


def score(value: float | None) -> str:
    return DASH if value is None else f"{value:.1f}"


def gain(value: float | None) -> str:
    """``+1.2``, ``−0.3``, ``0.0``: no sign where nothing is left after rounding."""
    if value is None:
        return DASH
    text = f"{abs(value):.1f}"
    return text if float(text) == 0 else ("+" if value > 0 else MINUS) + text


def plain(value: float) -> str:
    """One decimal, signed only below zero: the ends of an interval."""
    return gain(value).removeprefix("+")


def interval(value: float | None, low: float | None, high: float | None) -> str:
    """``+1.2 [0.3, 2.1]``, or the value alone where there is no interval."""
    if value is None or low is None or high is None:
        return gain(value)
    return f"{gain(value)} [{plain(low)}, {plain(high)}]"


def probability(value: float | None) -> str:
    """``.03``, ``<.001``, ``1``: two significant digits at most, for q and p."""
    if value is None:
        return DASH
    if value < 0.001:
        return "<.001"
    return f"{value:.2g}".removeprefix("0") if value < 0.995 else "1"


def hours(value: float | None) -> str:
    """Device-hours, two significant digits: ``41 h``, ``0.42 h``, ``2.5 min``, ``8 s``."""
    if value is None:
        return "not measured"
    for size, unit in ((1.0, "h"), (1 / 60, "min")):
        if value >= size:
            return f"{_two(value / size)} {unit}"
    return f"{_two(value * 3600)} s"


def parameters(n: int) -> str:
    """``278 M``, ``1.1 M``, ``660 k``: parameters, two significant digits below ten million."""
    for size, unit in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if n >= size:
            value = n / size
            return f"{value:.0f} {unit}" if value >= 10 else f"{value:.2g} {unit}"
    return str(n)


def _two(value: float) -> str:
    """Two significant digits, never in powers of ten."""
    if value <= 0:
        return "0"
    text = f"{value:.2g}"
    return f"{float(text):,.0f}" if float(text) >= 10 else text


def size_of(bytes: int) -> str:
    """``840 bytes``, ``12 kB``, ``4.8 MB``, ``16 GB``."""
    for size, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if bytes >= size:
            return f"{_two(bytes / size)} {unit}"
    return count(bytes, "byte")


def count(n: int, one: str, many: str | None = None) -> str:
    """``1 run``, ``2,310 runs``."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"
