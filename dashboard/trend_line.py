"""The fitted line of gain against size on the trade-off: drawn with its band, and said in words where it cannot be."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
from dash import dcc, html

from backend.domain.trend import Trend, Trends
from dashboard import links, words
from dashboard.links import Tradeoff
from dashboard.look import Theme, count, interval

NAME = "fitted line"


def asked(state: Tradeoff) -> bool:
    """Whether the axis is one that lines are fitted on and somebody wants them."""
    return state.trend == "on" and state.x in ("parameters", "non-embedding")


def drawn(trends: Trends | None, state: Tradeoff) -> list[Trend]:
    """The trends that have a line."""
    return [t for t in trends.trends if t.line] if trends is not None and asked(state) else []


def draw(figure: go.Figure, trend: Trend, axis: dict[str, str], theme: Theme) -> None:
    """The band, then the line."""
    x = [p.x for p in trend.line]
    red, green, blue = (int(theme.accent[i : i + 2], 16) for i in (1, 3, 5))
    figure.add_scatter(
        **axis, x=[*x, *reversed(x)], y=[*(p.high for p in trend.line), *(p.low for p in reversed(trend.line))], fill="toself",
        mode="lines", line={"width": 0}, fillcolor=f"rgba({red}, {green}, {blue}, 0.13)", hoverinfo="skip", showlegend=False,
        name="band",
    )  # fmt: skip
    figure.add_scatter(
        **axis, x=x, y=[p.gain for p in trend.line], mode="lines", hoverinfo="skip", showlegend=False, name=NAME,
        line={"color": theme.accent, "width": 2.5, "dash": "8px,3px"},
    )  # fmt: skip


def legend(figure: go.Figure, group: dict[str, Any], theme: Theme) -> None:
    line = {"color": theme.accent, "width": 2.5, "dash": "8px,3px"}
    figure.add_scatter(x=[None], y=[None], name="fitted line, 95 % band", mode="lines", line=line, **group)


def said(trends: Trends | None, state: Tradeoff) -> list[Any]:
    """What each line says, or why there is none."""
    if state.trend == "off":
        return []
    if not asked(state):
        why = (
            "No line is fitted on an axis of what is used up: hours, energy and FLOPs differ within one model by recipe and target. "
            "What ten times the device-hours do is on the "
        )
        return [
            html.P(
                [why, dcc.Link("Answer page", href=links.Answer(source=state.source).address), "."],
                className="soft note",
            )
        ]
    if trends is None:
        return [html.P("The line could not be read.", className="soft note")]
    if trends.why is not None:
        return [html.P(f"No line is fitted: {trends.why}.", className="soft note")]
    if not trends.trends:
        return [
            html.P(
                "No line is fitted: there are no gains of single seeds that one could be fitted to.",
                className="soft note",
            )
        ]
    return [
        html.H2("Fitted lines"),
        html.P(
            "Change of the gain per ten-fold parameters within one recipe and language, with languages and seeds as random effects; the band is of "
            "the mean over recipes. No interval takes in models that nobody ran.",
            className="soft note",
        ),
        html.Ul([html.Li(_sentence(t, state)) for t in trends.trends], className="trends note"),
    ]


def _sentence(trend: Trend, state: Tradeoff) -> list[Any]:
    name = words.language_name(trend.language) if state.panels == "languages" else words.task_title(trend.target)
    if trend.estimate is None:
        return [html.B(name), f": not enough evidence, {trend.why}."]
    known = f"{count(trend.models, 'model')}, {words.seeds(trend.seeds)}, {count(trend.languages, 'language')}, {count(trend.gains, 'gain')}"
    return [html.B(name), f": {interval(trend.estimate, trend.low, trend.high)} points, {trend.verdict} ({known})."]
