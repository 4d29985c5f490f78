"""The figures of the answer page: effects as a forest plot, gain against size with the fitted line, efficiency by size.
Each is a pure function of the answer and the theme. Where nothing could be estimated a row says so, without a mark."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from backend.domain.answer import SMALLEST_OF_INTEREST, Answer, Effect, Efficiency, LinePoint, SizePoint
from dashboard.answer_tables import GROUPS, VERDICTS, amount, device_hour, span
from dashboard.look import CATEGORICAL, FONT, LIGHT, SHAPES, SIZE, Theme, parameters

ROW = 42  # px of an effect
FIGURE = 400  # px
PAD = 0.08
WIDE, NARROW = 600, 300  # px, at least: a narrower box is scrolled


def forest(answer: Answer, theme: Theme = LIGHT) -> go.Figure:
    """Every effect with its interval; the strip is what is too small to matter."""
    effects = list(reversed(answer.effects))
    figure = go.Figure()
    known = [e for e in effects if e.estimate is not None and e.low is not None and e.high is not None]
    ends = [v for e in known for v in (e.low, e.high) if v is not None] + [-SMALLEST_OF_INTEREST, SMALLEST_OF_INTEREST]
    pad = PAD * (max(ends) - min(ends))
    place = {(e.name, e.group): i for i, e in enumerate(effects)}
    for group, shape in zip(("all", "low"), SHAPES, strict=False):
        some = [e for e in known if e.group == group]
        if some:
            figure.add_scatter(
                x=[e.estimate for e in some],
                y=[place[e.name, e.group] for e in some],
                mode="markers",
                name=GROUPS[group],
                marker={"size": 10, "symbol": shape, "color": _colour(group, theme)},
                error_x={
                    "type": "data", "symmetric": False, "thickness": 1.6, "width": 4, "color": _colour(group, theme),
                    "array": [_gap(e.high, e.estimate) for e in some], "arrayminus": [_gap(e.estimate, e.low) for e in some],
                },
                hovertext=[_hover(e) for e in some],
                hovertemplate="%{hovertext}<extra></extra>",
            )  # fmt: skip
    notes = [
        {
            "x": 0, "y": place[e.name, e.group], "text": "not enough evidence", "showarrow": False, "xanchor": "center",
            "font": {"size": SIZE["small"], "color": theme.soft}, "bgcolor": theme.paper,
        }
        for e in effects
        if e.estimate is None
    ]  # fmt: skip
    figure.update_layout(
        **_layout(theme, 90 + ROW * max(1, len(effects)), WIDE),
        annotations=notes,
        shapes=[_strip(theme)],
        xaxis={
            **_axis(theme), "title": _title(theme, "gain, points, by unit of the effect"), "range": [min(ends) - pad, max(ends) + pad],
            "zeroline": True, "zerolinecolor": theme.hatch, "zerolinewidth": 1.5, "showgrid": True,
        },
        yaxis={
            **_axis(theme), "tickvals": list(range(len(effects))), "range": [-0.7, len(effects) - 0.3], "showgrid": False,
            "ticktext": [_name(e, theme) for e in effects],
        },
    )  # fmt: skip
    return figure


def size(answer: Answer, theme: Theme = LIGHT) -> go.Figure:
    """Mean gain of each model against its parameters, with the fitted line and its band."""
    figure = go.Figure()
    for group, shape in zip(("all", "low"), SHAPES, strict=False):
        colour = _colour(group, theme)
        _band(figure, [p for p in answer.line if p.group == group], colour, group)
        some = [p for p in answer.points if p.group == group]
        if some:
            figure.add_scatter(
                x=[p.parameters_non_embedding * _aside(group) for p in some],
                y=[p.gain for p in some],
                mode="markers",
                name=GROUPS[group],
                marker={"size": 11, "symbol": shape, "color": colour, "line": {"width": 1, "color": theme.paper}},
                error_y={
                    "type": "data", "symmetric": False, "thickness": 1.2, "width": 3, "color": colour,
                    "array": [_gap(p.high, p.gain) for p in some], "arrayminus": [_gap(p.gain, p.low) for p in some],
                },
                hovertext=[_said(p) for p in some],
                hovertemplate="%{hovertext}<extra></extra>",
            )  # fmt: skip
    values = [v for p in answer.points for v in (p.gain, p.low, p.high) if v is not None]
    values += [v for line in answer.line for v in (line.low, line.high)] + [0.0]
    pad = max(0.2, PAD * (max(values) - min(values)))
    figure.update_layout(
        **_layout(theme, FIGURE),
        xaxis=_sizes([(p.model, p.parameters_non_embedding) for p in answer.points], theme),
        yaxis={
            **_axis(theme), "title": _title(theme, "mean gain, points"), "range": [min(values) - pad, max(values) + pad], "showgrid": True,
            "zeroline": True, "zerolinecolor": theme.hatch, "zerolinewidth": 1.5,
        },
    )  # fmt: skip
    return figure


def efficiency(answer: Answer, theme: Theme = LIGHT) -> go.Figure:
    """Gain that a device-hour buys, at each size."""
    figure, some = go.Figure(), answer.efficiency
    if some:
        figure.add_scatter(
            x=[e.parameters_non_embedding for e in some],
            y=[e.per_hour for e in some],
            mode="markers+lines",
            line={"color": theme.line, "width": 1.5},
            marker={"size": 11, "color": _colour("all", theme), "line": {"width": 1, "color": theme.paper}},
            error_y={
                "type": "data", "symmetric": False, "thickness": 1.2, "width": 3, "color": _colour("all", theme),
                "array": [_gap(e.per_hour_high, e.per_hour) for e in some],
                "arrayminus": [_gap(e.per_hour, e.per_hour_low) for e in some],
            },
            hovertext=[_bought(e) for e in some],
            hovertemplate="%{hovertext}<extra></extra>",
            showlegend=False,
        )  # fmt: skip
    figure.update_layout(
        **_layout(theme, FIGURE),
        xaxis=_sizes([(e.model, e.parameters_non_embedding) for e in some], theme),
        yaxis={
            **_axis(theme), "title": _title(theme, f"points a {device_hour(answer)}"), "zeroline": True, "zerolinecolor": theme.hatch,
            "zerolinewidth": 1.5, "showgrid": True, "rangemode": "tozero",
        },
    )  # fmt: skip
    return figure


# --- marks -----------------------------------------------------------------------------------------------------------


def _band(figure: go.Figure, line: Sequence[LinePoint], colour: str, group: str) -> None:
    if not line:
        return
    x = [p.parameters_non_embedding for p in line]
    figure.add_scatter(
        x=[*x, *reversed(x)], y=[*(p.high for p in line), *(p.low for p in reversed(line))], fill="toself", mode="lines",
        line={"width": 0}, fillcolor=_faint(colour), hoverinfo="skip", showlegend=False, name=f"band, {group}",
    )  # fmt: skip
    figure.add_scatter(
        x=x, y=[p.gain for p in line], mode="lines", hoverinfo="skip", showlegend=False, name=f"line, {group}",
        line={"color": colour, "width": 2, "dash": "solid" if group == "all" else "5px,3px"},
    )  # fmt: skip


def _colour(group: str, theme: Theme) -> str:
    return CATEGORICAL[theme.name][0 if group == "all" else 1]


def _faint(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, 0.14)"


def _aside(group: str) -> float:
    """Points of the two groups stand beside each other."""
    return 1.0 if group == "all" else 1.02


def _gap(high: float | None, low: float | None) -> float | None:
    return None if high is None or low is None else high - low


def _strip(theme: Theme) -> dict[str, Any]:
    return {
        "type": "rect", "xref": "x", "yref": "paper", "x0": -SMALLEST_OF_INTEREST, "x1": SMALLEST_OF_INTEREST, "y0": 0, "y1": 1,
        "fillcolor": theme.panel, "line": {"width": 0}, "layer": "below",
    }  # fmt: skip


def _name(e: Effect, theme: Theme) -> str:
    return f"{html.escape(e.title)}<br><span style='color:{theme.soft}'>{html.escape(e.unit)}</span>"


def _hover(e: Effect) -> str:
    lines = [
        e.title,
        f"{span(e.estimate, e.low, e.high)} points {e.unit}",
        VERDICTS[e.verdict],
        f"{e.gains:,} gains of single seeds",
    ]
    return "<br>".join(html.escape(text) for text in lines)


def _said(p: SizePoint) -> str:
    lines = [
        p.model,
        f"{span(p.gain, p.low, p.high)} points, {GROUPS[p.group]}",
        f"{parameters(p.parameters_non_embedding)} parameters",
        f"n = {p.seeds}",
    ]
    return "<br>".join(html.escape(text) for text in lines)


def _bought(e: Efficiency) -> str:
    lines = [
        e.model,
        f"{span(e.per_hour, e.per_hour_low, e.per_hour_high)} points an hour",
        f"{amount(e.gain)} points for {e.hours:.3g} h",
        e.device,
    ]
    return "<br>".join(html.escape(text) for text in lines)


# --- axes ------------------------------------------------------------------------------------------------------------


def _sizes(some: Sequence[tuple[str, int]], theme: Theme) -> dict[str, Any]:
    names = {n: model for model, n in sorted(some, reverse=True)}
    sizes = sorted(names) or [1, 10]
    low, high = math.log10(sizes[0]), math.log10(sizes[-1])
    pad = max(0.12 * (high - low), 0.06)
    kept: list[int] = []
    for n in sizes:
        if not kept or math.log10(n / kept[-1]) > 0.11 * (high - low + 2 * pad):
            kept.append(n)
    return {
        **_axis(theme), "type": "log", "range": [low - pad, high + pad], "tickvals": kept, "showgrid": True, "tickangle": 0,
        "ticktext": [f"{parameters(n)}<br>{html.escape(names.get(n, ''))}" for n in kept],
        "title": _title(theme, "parameters without embeddings"),
    }  # fmt: skip


def _axis(theme: Theme) -> dict[str, Any]:
    return {
        "fixedrange": True, "gridcolor": theme.line, "zeroline": False, "ticks": "outside", "ticklen": 4, "tickcolor": theme.line,
        "automargin": True, "linecolor": theme.line, "showline": True, "tickfont": {"size": SIZE["small"], "color": theme.ink},
    }  # fmt: skip


def _title(theme: Theme, text: str) -> dict[str, Any]:
    return {"text": text, "font": {"color": theme.soft, "size": SIZE["small"]}, "standoff": 8}


def _layout(theme: Theme, height: int, wide: int = NARROW) -> dict[str, Any]:
    return {
        "template": None, "autosize": True, "meta": {"width": wide}, "height": height, "margin": {"l": 12, "r": 12, "t": 34, "b": 56}, "hovermode": "closest",
        "paper_bgcolor": theme.paper, "plot_bgcolor": "rgba(0,0,0,0)", "font": {"family": FONT, "size": SIZE["small"], "color": theme.ink},
        "hoverlabel": {"bgcolor": theme.panel, "bordercolor": theme.line, "align": "left", "font": {"color": theme.ink, "size": SIZE["small"]}},
        "legend": {"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "font": {"color": theme.ink}, "itemclick": False, "itemdoubleclick": False},
    }  # fmt: skip
