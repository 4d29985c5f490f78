"""What Explore draws, written as text: the figure for either scheme, and what is said of its cells. Kept, and written ahead."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import orjson

from backend.domain.schemas import GainMatrix
from dashboard import figures, overlay
from dashboard.bars import cost_bars
from dashboard.findings import Shown


def figure(shown: Shown) -> str | None:
    """The figure for either scheme, as JSON: switching needs no new numbers."""
    if (matrix := shown.matrix) is None or shown.empty:
        return None
    return _text(shown.digests["figure"], lambda: _drawn(shown, matrix))


def said(shown: Shown) -> str | None:
    """What is said of the cells, as JSON, apart from the figure: another order or view of the same numbers says the same."""
    if (matrix := shown.matrix) is None or shown.empty:
        return None
    return _text(shown.digests["said"], lambda: figures.said(matrix, shown.state.languages))


MOST = 96  # texts that are kept, of some 300 kB each at most
_KEPT: dict[str, str] = {}
_WRITING = threading.Lock()  # of the bookkeeping: some are written ahead, in threads


def _text(digest: str, make: Callable[[], Any]) -> str:
    """As text, because the page's framework looks through whatever is not, on its way to the browser and there; and kept, for a reader
    who goes to and fro between ways to show the same."""
    text = _KEPT.get(digest) or orjson.dumps(make()).decode()
    with _WRITING:
        _KEPT.pop(digest, None)
        _KEPT[digest] = text  # the latest last
        while len(_KEPT) > MOST:
            del _KEPT[next(iter(_KEPT))]
    return text


def ahead(shown: Shown) -> None:
    """What a reader may choose next, as text."""
    figure(shown)
    said(shown)


def _drawn(shown: Shown, matrix: GainMatrix) -> dict[str, Any]:
    state = shown.state
    if state.value == "cost":
        return figures.schemes(lambda theme: cost_bars(matrix, theme))
    if state.value == "score":
        drawing = figures.score_drawing(matrix, state.order, choice=state.languages, linked=state.source)
        if not shown.published:
            return figures.unsaid(figures.schemes(drawing))
        some = (matrix, shown.published, state.order, state.languages)
        return figures.unsaid(figures.schemes(lambda theme: overlay.mark_scores(drawing(theme), *some, theme)))
    looks: dict[str, Any] = {"fade": state.fade, "colours": state.colours, "linked": state.source}
    return figures.unsaid(figures.schemes(figures.gain_drawing(matrix, state.order, choice=state.languages, **looks)))
