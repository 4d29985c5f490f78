"""Axes and panels of the trade-off's figure: where panels stand, what is marked on them, and in which words."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from typing import Any

from backend.domain.schemas import TradeoffPoint
from dashboard import beside, weighing
from dashboard.links import Tradeoff
from dashboard.look import FONT, SIZE, Theme, hours, parameters
from dashboard.words import device_time, support_title

ALONE, PANEL = 470, 300  # px: height of a row of panels that is alone, of one of several
ACROSS, MOST_ACROSS = 3, 4  # panels
_ROUND = (1, 2, 3, 5, 10, 15, 20, 30, 45)  # seconds and minutes
_HOURS = [n * unit for unit in (1 / 3600, 1 / 60) for n in _ROUND] + [
    n * 10.0**e for e in range(7) for n in (1, 2, 3, 5)
]


def layout(
    points: Sequence[TradeoffPoint], shown: Sequence[TradeoffPoint], titles: Sequence[str], state: Tradeoff, theme: Theme,
    others: Sequence[beside.Placed] = (), bands: Sequence[float] = (),
) -> dict[str, Any]:  # fmt: skip
    """Panels beside and below each other, with one axis of gains and one of costs. ``bands``: gains that have to be in sight too."""
    n = max(1, len(titles))
    across = 1 if n == 1 else 2 if n in (2, 4) else ACROSS if n <= 9 else MOST_ACROSS
    down = math.ceil(n / across)
    height = ALONE if down == 1 else PANEL * down + 60
    values, labels, ends = _ticks(shown, state, others, across)
    bottom, top = _gains(shown, others, bands)
    one = weighing.device(points, state)
    x_title = axis_title(state, device_time(one) if one else "device-hours")
    titled = n > 1 or (bool(titles) and state.panels == "languages")
    axes: dict[str, Any] = {}
    notes = []
    for i in range(n):
        column, row = i % across, i // across
        width, gap = 1 / across, 0.055 if across > 1 else 0.0
        left, right = column * width + (gap if column else 0), (column + 1) * width
        room = 74 / height  # of the labels below a panel
        high = 1 - row / down - (26 / height if titled else 0.0)
        low = 1 - (row + 1) / down + (room if down > 1 and row + 1 < down else 0)
        tag = i + 1 if i else ""
        last = i + across >= n
        axes[f"xaxis{tag}"] = {
            **_axis(theme), "tickangle": 0, "type": "log", "range": ends, "tickvals": values, "ticktext": labels, "domain": [left, right],
            "anchor": f"y{tag}", "showgrid": True, "title": {"text": x_title if last else "", "font": {"color": theme.soft}, "standoff": 8},
        }  # fmt: skip
        axes[f"yaxis{tag}"] = {
            **_axis(theme), "range": [bottom, top], "domain": [low, high], "anchor": f"x{tag}", "zeroline": True,
            "zerolinecolor": theme.hatch, "zerolinewidth": 1.5, "nticks": 8 if n == 1 else 6,
            "title": {"text": _gain_title(state) if column == 0 else "", "font": {"color": theme.soft}},
        }  # fmt: skip
        if titled:
            notes.append({
                "x": left, "y": high, "xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "bottom", "showarrow": False,
                "text": f"<b>{html.escape(titles[i])}</b>", "font": {"size": SIZE["body"], "color": theme.ink}, "yshift": 4,
            })  # fmt: skip
    return {
        "template": None, "autosize": True, "height": height, "margin": {"l": 12, "r": 8, "t": 14, "b": 64},
        "paper_bgcolor": theme.paper, "plot_bgcolor": theme.paper, "hovermode": "closest", "annotations": notes,
        "font": {"family": FONT, "size": SIZE["small"], "color": theme.ink},
        "hoverlabel": {"bgcolor": theme.panel, "bordercolor": theme.line, "align": "left", "font": {"color": theme.ink, "size": SIZE["small"]}},
        "legend": {
            "x": 1.01, "xanchor": "left", "y": 1, "yanchor": "top", "bgcolor": "rgba(0,0,0,0)", "tracegroupgap": 12, "itemclick": False,
            "itemdoubleclick": False, "font": {"size": SIZE["small"], "color": theme.ink}, "grouptitlefont": {"size": SIZE["small"], "color": theme.soft},
        },
        "uirevision": f"{state.source} {state.target} {state.x} {state.panels}",
        "meta": {"width": 760, "synthetic": state.source == "mini", "target": state.target},
        **axes,
    }  # fmt: skip


def _gain_title(state: Tradeoff) -> str:
    return "gain, points" if state.panels == "languages" else f"gain, points<br>({support_title(state.languages)})"


def axis_title(state: Tradeoff, of_time: str) -> str:
    """What the axis counts, and that it is logarithmic."""
    if weighing.spends(state):
        return f"{unit(state, of_time)}, {'shared out' if state.cost == 'amortised' else 'paid in full'} (log)"
    return f"{weighing.axis(state)} (log)"


def unit(state: Tradeoff, of_time: str) -> str:
    """What the axis counts: ``GPU-hours``, ``kWh (cuda)``, ``10¹⁵ FLOPs (6·N·D)``."""
    if state.x == "energy":
        return f"kWh {of_time[of_time.index('(') :] if '(' in of_time else '(GPU)'}"
    return of_time if state.x == "hours" else f"10¹⁵ {weighing.axis(state)}"


def _axis(theme: Theme) -> dict[str, Any]:
    return {
        "fixedrange": True, "gridcolor": theme.line, "zeroline": False, "ticks": "outside", "ticklen": 4, "tickcolor": theme.line,
        "automargin": True, "linecolor": theme.line, "showline": True, "tickfont": {"size": SIZE["small"], "color": theme.ink},
    }  # fmt: skip


def _gains(
    shown: Sequence[TradeoffPoint], others: Sequence[beside.Placed], bands: Sequence[float]
) -> tuple[float, float]:
    values = [v for p in shown for v in (p.gain, p.low, p.high) if v is not None] + [
        0.0,
        *(p.gain for p in others),
        *bands,
    ]
    pad = max(0.5, 0.06 * (max(values) - min(values)))
    return min(values) - pad, max(values) + pad


def _ticks(
    shown: Sequence[TradeoffPoint], state: Tradeoff, others: Sequence[beside.Placed], across: int
) -> tuple[list[float], list[str], list[float]]:
    """Where the axis is marked, in words, and where it ends, in powers of ten: at the models' sizes, or at round times."""
    costs = sorted({*(weighing.cost(p, state) for p in shown if weighing.cost(p, state) > 0), *(p.x for p in others)})
    if not costs:
        return [], [], [0.0, 1.0]
    low, high = math.log10(costs[0]), math.log10(costs[-1])
    pad = max(0.12 * (high - low), 0.06)
    ends = [low - pad, high + pad]
    apart = (0.11 if across < ACROSS else 0.17 if across == ACROSS else 0.24) * (ends[1] - ends[0])
    if state.x == "hours":
        inside = _apart([h for h in _HOURS if ends[0] <= math.log10(h) <= ends[1]], apart)
        return inside, [hours(h) for h in inside], ends
    if weighing.spends(state):
        steps = [n * 10.0**e for e in range(math.floor(ends[0]), math.ceil(ends[1]) + 1) for n in (1, 2, 5)]
        inside = _apart([v for v in steps if ends[0] <= math.log10(v) <= ends[1]], apart)
        return inside, [f"{v:.3g}" for v in inside], ends
    names = {p.x: p.model for p in others}
    names |= {weighing.cost(p, state): p.model for p in sorted(shown, key=lambda p: p.model, reverse=True)}
    kept = _apart(costs, apart)
    return kept, [f"{parameters(round(s))}<br>{html.escape(names[s])}" for s in kept], ends


def _apart(values: Sequence[float], least: float) -> list[float]:
    """From the first value on, those that are at least so many powers of ten apart."""
    kept: list[float] = []
    for value in values:
        if not kept or math.log10(value) - math.log10(kept[-1]) >= least:
            kept.append(value)
    return kept
