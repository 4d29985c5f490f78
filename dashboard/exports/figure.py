"""The figure of a page, as a file for paper: heatmaps from their cells, everything else from the figure that the page draws."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backend.domain.literature import PublishedGain, PublishedView
from backend.domain.portfolio import Portfolio
from backend.domain.schemas import GainMatrix, TradeoffPoint
from backend.domain.trend import Trends
from dashboard import figures
from dashboard.bars import cost_bars
from dashboard.exports import grid, heatmap, paper, traces
from dashboard.exports.paper import Ink, Suffix, Width
from dashboard.links import Explore, Tradeoff
from dashboard.look import LIGHT


def explore(
    matrix: GainMatrix, state: Explore, suffix: Suffix, width: Width, ink: Ink, published: Sequence[PublishedView] = (),
) -> bytes:  # fmt: skip
    if state.value == "cost":
        drawn = cost_bars(matrix, LIGHT).to_plotly_json()
        return paper.saved(lambda: traces.draw(drawn, width, ink), suffix)
    laid = grid.of(matrix, state, published)
    return paper.saved(lambda: heatmap.draw(laid, width, ink), suffix)


def tradeoff(
    points: Sequence[TradeoffPoint], state: Tradeoff, suffix: Suffix, width: Width, ink: Ink,
    published: Sequence[PublishedGain] = (), trends: Trends | None = None, portfolio: Portfolio | None = None,
) -> bytes:  # fmt: skip
    drawn: Any = figures.tradeoff(points, state, LIGHT, published=published, trends=trends, portfolio=portfolio)
    plain = drawn if isinstance(drawn, dict) else drawn.to_plotly_json()
    return paper.saved(lambda: traces.draw(plain, width, ink), suffix)
