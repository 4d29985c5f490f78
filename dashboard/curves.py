"""Figures of one run: loss, development scores and learning rate over its steps. Pure functions of what the API returned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from backend.domain.oracle import ORACLE
from backend.domain.schemas import Curve
from dashboard import words
from dashboard.look import FONT, LIGHT, SIZE, Theme, count

#: Told apart by dash as well as by colour, in the order in which curves of one panel come.
COLOURS = {"light": ("#6741a3", "#1b6b4a", "#a35a00", "#0b5f8a"), "dark": ("#b79be6", "#7fd1ac", "#e8b06a", "#7cc4ee")}
DASHES = ("solid", "dash", "dot", "dashdot")
PANEL = 190  # px
POINTS = 24  # of a curve; below, each has a marker


def panels(curves: Sequence[Curve]) -> list[tuple[str, list[Curve]]]:
    """Curves by what they measure: loss first, then scores on the development set, then the learning rate, then the rest."""
    drawn = [c for c in curves if c.steps]
    groups = (
        ("loss", [c for c in drawn if c.name.split("/")[0] == "loss" or c.name.endswith("loss")]),
        ("development score", [c for c in drawn if c.name.startswith("dev/") and not c.name.endswith("loss")]),
        ("own dev score", [c for c in drawn if c.name.startswith(ORACLE)]),
        ("learning rate", [c for c in drawn if c.name == "learning_rate"]),
    )
    known = {c.name for _, group in groups for c in group}
    rest = [(c.name, [c]) for c in drawn if c.name not in known]
    return [(title, group) for title, group in (*groups, *rest) if group]


def curves_figure(curves: Sequence[Curve], theme: Theme = LIGHT, *, diverged: int | None = None) -> go.Figure:
    """One panel above the other, over the same steps. ``diverged``: the step at which the run's numbers ceased to be any."""
    shown = panels(curves)
    figure = make_subplots(rows=max(1, len(shown)), cols=1, shared_xaxes=True, vertical_spacing=0.09)
    for row, (title, group) in enumerate(shown, start=1):
        for i, curve in enumerate(group):
            name = label(curve.name)
            figure.add_trace(
                go.Scatter(
                    x=curve.steps,
                    y=curve.values,
                    name=name,
                    mode="lines+markers" if len(curve.steps) <= POINTS else "lines",
                    line={"color": COLOURS[theme.name][i % 4], "dash": DASHES[(i + i // 4) % 4], "width": 1.8},
                    marker={"size": 5},
                    showlegend=len(group) > 1,
                    hovertemplate=f"{name} %{{y:.4~g}}<extra>step %{{x:,}}</extra>",
                ),
                row=row,
                col=1,
            )
        said = label(group[0].name) if len(group) == 1 else title
        figure.update_yaxes(title={"text": said, "standoff": 6}, row=row, col=1)
    figure.update_xaxes(title={"text": "step"}, row=max(1, len(shown)), col=1)
    axis: dict[str, Any] = {"gridcolor": theme.line, "linecolor": theme.line, "zeroline": False, "automargin": True}
    figure.update_xaxes(**axis)
    figure.update_yaxes(**axis)
    if diverged is not None:
        figure.add_vline(x=diverged, line={"color": theme.ink, "dash": "dot", "width": 1.5}, row="all", col=1)
        figure.add_annotation(
            x=diverged, y=1, xref="x", yref="y domain", text=f"✕ diverged at step {diverged:,}", showarrow=False, xanchor="right",
            yanchor="top", xshift=-4, bgcolor=theme.paper,
        )  # fmt: skip
    figure.update_layout(
        height=60 + PANEL * max(1, len(shown)),
        font={"family": FONT, "size": SIZE["small"], "color": theme.ink},
        paper_bgcolor=theme.paper,
        plot_bgcolor=theme.paper,
        margin={"l": 56, "r": 12, "t": 12, "b": 40},
        hovermode="x unified",
        hoverlabel={"bgcolor": theme.panel, "font": {"color": theme.ink}},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    )
    return figure


def label(name: str) -> str:
    """``dev/accuracy`` → ``accuracy on dev``."""
    if name.startswith(ORACLE):
        return f"{words.language_name(name.removeprefix(ORACLE))}, own dev"
    kind, _, metric = name.partition("/")
    return f"{words.metric_title(metric)} on {kind}" if metric else words.metric_title(name)


def summary(curves: Sequence[Curve], *, diverged: int | None = None) -> str:
    """What the figure shows, for who cannot see it."""
    said = [
        f"{label(c.name)} from {c.values[0]:.3g} to {c.values[-1]:.3g} over {count(len(c.steps), 'point')}"
        for _, group in panels(curves)
        for c in group
    ]
    if said and diverged is not None:
        said.append(f"the run diverged at step {diverged:,}")
    text = "; ".join(said)
    return text[:1].upper() + text[1:] + "." if text else ""
