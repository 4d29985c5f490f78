"""What stands behind one cell, as a figure: the learning curves of the runs it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from backend.domain.schemas import Curve
from dashboard.look import FONT, LIGHT, SIZE, Theme
from dashboard.words import metric_title

CURVE_HEIGHT = 150  # px


@dataclass(frozen=True, slots=True)
class Learning:
    """The curves of one training run. ``treated``: with the recipe; else without."""

    run: int
    seed: int | None
    treated: bool
    curves: Sequence[Curve]


# --- learning curves -------------------------------------------------------------------------------------------------


def learning_curves(learned: Sequence[Learning], metric: str, theme: Theme = LIGHT) -> go.Figure:
    """Loss and English development score over training steps: full lines with the recipe, dashed ones without."""
    wanted = [
        p for p in ("loss", f"dev/{metric}") if any(c.name == p and c.steps for one in learned for c in one.curves)
    ]
    figure = go.Figure()
    said: set[bool] = set()
    for one in learned:
        for curve in one.curves:
            if curve.name not in wanted or not curve.steps:
                continue
            panel = wanted.index(curve.name)
            name = "with the recipe" if one.treated else "baseline"
            label = f"{name}, {'no seed' if one.seed is None else f'seed {one.seed}'}, run {one.run}"
            figure.add_scatter(
                x=curve.steps, y=curve.values, yaxis=f"y{panel + 1 if panel else ''}", legendgroup=name, name=name,
                showlegend=one.treated not in said, mode="lines" if len(curve.steps) > 12 else "lines+markers",
                line={"color": theme.accent if one.treated else theme.hatch, "width": 1.6, "dash": "solid" if one.treated else "4px,3px"},
                marker={"size": 4}, hovertemplate=f"<b>{label}</b><br>step %{{x}}: %{{y:.4g}}<extra></extra>",
            )  # fmt: skip
            said.add(one.treated)
    share = 1 / max(1, len(wanted))
    axes: dict[str, Any] = {}
    for i, curve_name in enumerate(wanted):
        title = "loss" if curve_name == "loss" else f"English dev {metric_title(metric)}"
        axes[f"yaxis{i + 1 if i else ''}"] = {
            **_axis(theme),
            "domain": [1 - (i + 1) * share + (0.1 if i + 1 < len(wanted) else 0), 1 - i * share],
            "title": {"text": title, "font": {"color": theme.soft, "size": SIZE["tiny"]}},
            "nticks": 4,
            "anchor": "x",
        }
    figure.update_layout(
        **_frame(theme, CURVE_HEIGHT * max(1, len(wanted)) + 72),
        xaxis={
            **_axis(theme), "title": {"text": "step", "font": {"color": theme.soft, "size": SIZE["tiny"]}}, "nticks": 6,
            "anchor": f"y{len(wanted) if len(wanted) > 1 else ''}", "rangemode": "tozero",
        },
        legend={"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "font": {"color": theme.ink, "size": SIZE["tiny"]}},
        **axes,
    )  # fmt: skip
    return figure


def _axis(theme: Theme) -> dict[str, Any]:
    return {
        "fixedrange": True, "gridcolor": theme.line, "zeroline": False, "ticks": "", "automargin": True,
        "tickfont": {"size": SIZE["tiny"], "color": theme.ink},
    }  # fmt: skip


def _frame(theme: Theme, height: int) -> dict[str, Any]:
    return {
        "template": None, "autosize": True, "height": height, "margin": {"l": 8, "r": 12, "t": 8, "b": 36},
        "paper_bgcolor": theme.paper, "plot_bgcolor": theme.paper, "hovermode": "closest",
        "font": {"family": FONT, "size": SIZE["small"], "color": theme.ink},
        "hoverlabel": {"bgcolor": theme.panel, "bordercolor": theme.line, "align": "left", "font": {"color": theme.ink, "size": SIZE["small"]}},
        "meta": {"width": 0},
    }  # fmt: skip
