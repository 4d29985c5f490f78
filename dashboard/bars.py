"""What recipes cost, as bars: a cost belongs to a recipe, so no language is given a share of it."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from backend.domain.schemas import GainMatrix, RecipeRow
from dashboard.crossed import row_lines, row_name
from dashboard.heatmap import MIN_ROWS, hover_text, row_labels
from dashboard.look import FONT, LIGHT, ROW_HEIGHT, SIZE, Theme, hours

MARGINAL, AMORTISED = "on its own", "intermediate run shared out"
_STEPS = (1, 2, 5, 10, 15, 20, 30)
_ROUND_HOURS = sorted(
    [n * size for size in (1 / 3600, 1 / 60) for n in _STEPS] + [n * 10**e for e in range(6) for n in (1, 2, 5)]
)


def cost_bars(matrix: GainMatrix, theme: Theme = LIGHT) -> go.Figure:
    """Device-hours of each recipe: bought alone, and with its intermediate run shared out over the targets using it."""
    rows = matrix.recipes
    figure = go.Figure()
    kinds = (
        (MARGINAL, [r.device_hours_marginal for r in rows], {"color": theme.accent}),
        (AMORTISED, [r.device_hours_amortised for r in rows], _hatched(theme)),
    )
    for name, values, marker in kinds:
        figure.add_bar(
            orientation="h", y=list(range(len(rows))), x=values, name=name, marker=marker, text=[hours(v) for v in values],
            textposition="outside", cliponaxis=False, textfont={"size": SIZE["small"], "color": theme.ink}, textangle=0,
            customdata=[f"{r.recipe}.mean" for r in rows], hovertext=[hover_text(row_lines(r, matrix)) for r in rows],
            hovertemplate="%{hovertext}<extra></extra>",
        )  # fmt: skip
    for i, row in enumerate(rows):
        if row.device_hours_marginal is None:
            figure.add_annotation(
                x=0, y=i, xanchor="left", xshift=6, text="not measured", showarrow=False,
                font={"size": SIZE["small"], "color": theme.soft},
            )  # fmt: skip
    figure.update_layout(**_layout(matrix, rows, theme))
    return figure


def _hatched(theme: Theme) -> dict[str, object]:
    pattern = {"shape": "/", "fgcolor": theme.accent, "bgcolor": theme.hatch_ground, "fillmode": "replace", "size": 6}
    return {"color": theme.hatch_ground, "pattern": pattern, "line": {"width": 1, "color": theme.accent}}


def _layout(matrix: GainMatrix, rows: Sequence[RecipeRow], theme: Theme) -> dict[str, object]:
    longest = max((r.device_hours_marginal or 0.0 for r in rows), default=0.0) or 1.0
    ticks = round_hours(longest)
    names = None if matrix.axes is None else [row_name(r.recipe, matrix) for r in rows]
    return {
        "template": None, "autosize": True, "height": max(MIN_ROWS, len(rows)) * ROW_HEIGHT + 100,
        "margin": {"l": 12, "r": 24, "t": 36, "b": 52}, "paper_bgcolor": theme.paper, "plot_bgcolor": theme.paper,
        "font": {"family": FONT, "size": SIZE["small"], "color": theme.ink}, "barmode": "group", "bargap": 0.3,
        "hovermode": "closest",
        "hoverlabel": {"bgcolor": theme.panel, "bordercolor": theme.line, "align": "left", "font": {"color": theme.ink, "size": SIZE["small"]}},
        "xaxis": {
            "range": [0, longest * 1.12], "tickvals": ticks, "ticktext": [hours(t) if t else "0" for t in ticks], "fixedrange": True,
            "gridcolor": theme.line, "zeroline": False, "title": {"text": "device time of one seed", "font": {"color": theme.soft}},
        },
        "yaxis": {
            "tickvals": list(range(len(rows))), "ticktext": row_labels(rows, names), "fixedrange": True, "automargin": True,
            "range": [max(MIN_ROWS, len(rows)) - 0.5, -0.5], "showgrid": False, "zeroline": False, "ticks": "",
        },
        "legend": {
            "orientation": "h", "x": 0, "xanchor": "left", "y": 1, "yref": "paper", "yanchor": "bottom", "itemclick": False,
            "itemdoubleclick": False, "traceorder": "normal", "bgcolor": "rgba(0,0,0,0)", "font": {"color": theme.ink},
        },
        "uirevision": f"{matrix.benchmark} {matrix.model} {matrix.target} cost",
        "meta": {"width": 480, "synthetic": matrix.synthetic, "benchmark": matrix.benchmark},
    }  # fmt: skip


def round_hours(longest: float) -> list[float]:
    """Where an axis from zero to ``longest`` hours is marked: at times that people say, four to nine of them."""
    step = next((s for s in _ROUND_HOURS if longest / s <= 8), _ROUND_HOURS[-1])
    return [step * i for i in range(int(longest * 1.1 / step) + 1)]
