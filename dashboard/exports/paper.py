"""Figures for paper: sizes, type, colours, and how one is saved. Everything is drawn as areas, lines and text: no figure holds a raster
image, so cells stay sharp at any size.

matplotlib is imported where it is used, for it takes long to load, and never through pyplot: what it keeps for all threads is not
touched, but for its settings, which one figure at a time may have.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Literal

from dashboard.look import LIGHT, luminance

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Width = Literal["column", "page"]
Ink = Literal["colour", "grey"]
Suffix = Literal["pdf", "svg", "png"]

#: cm, as the ACL's style sets them: one column, and both.
WIDTHS: Final[dict[Width, float]] = {"column": 7.7, "page": 16.0}
INKS: Final[tuple[Ink, ...]] = ("colour", "grey")
MEDIA: Final[dict[Suffix, str]] = {"pdf": "application/pdf", "svg": "image/svg+xml", "png": "image/png"}
CM: Final = 1 / 2.54  # inches
POINT: Final = 1 / 72  # inches
TYPE: Final = 8.0  # points
SMALL: Final = 6.5
PIXELS: Final = 300  # an inch, of a PNG

#: Held by whoever draws: matplotlib's settings are one for all threads, and who leaves them puts back what it found.
ALONE: Final = threading.RLock()
_SETTINGS: Final[Any] = {
    "font.family": "DejaVu Sans",
    "font.size": TYPE,
    "pdf.fonttype": 42,  # whole letters, which editors can change and journals accept
    "svg.fonttype": "path",  # the same on every machine
    "svg.hashsalt": "crosslift",
    "hatch.linewidth": 0.4,
    "axes.linewidth": 0.5,
    "lines.linewidth": 1.0,
}


@contextmanager
def settings() -> Iterator[None]:
    """matplotlib with our settings, for one figure at a time."""
    import matplotlib

    with ALONE, matplotlib.rc_context(_SETTINGS):
        yield


def saved(draw: Callable[[], Figure], suffix: Suffix) -> bytes:
    """A figure as a file; the same figure gives the same bytes."""
    with settings():
        figure = draw()
        out = io.BytesIO()
        told: dict[Suffix, dict[str, Any]] = {
            "pdf": {"CreationDate": None, "Producer": None, "Creator": "Crosslift"},
            "svg": {"Date": None, "Creator": "Crosslift"},
            "png": {"Software": "Crosslift"},
        }
        figure.savefig(out, format=suffix, metadata=told[suffix], dpi=PIXELS if suffix == "png" else 72)
    return out.getvalue()


def blank(width: float, height: float) -> Figure:
    """An empty sheet, in inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), facecolor=LIGHT.paper)
    FigureCanvasAgg(figure)
    return figure


def grey(colour: str) -> str:
    """A colour as it comes out of a printer without colours: as light as it looks."""
    level = luminance(colour)
    shade = round(255 * (12.92 * level if level <= 0.0031308 else 1.055 * level ** (1 / 2.4) - 0.055))
    return f"#{shade:02x}{shade:02x}{shade:02x}"


def greys(n: int) -> tuple[str, ...]:
    """A scale from light to dark. Blue and red of one size are one grey; here less is always lighter than more."""
    return tuple(f"#{v:02x}{v:02x}{v:02x}" for v in (round(250 - 170 * i / (n - 1)) for i in range(n)))


def wide(text: str, size: float = SMALL) -> float:
    """Inches that a text takes, about."""
    return 0.6 * size * POINT * len(text)
