"""The figure of one language: the gain of each recipe on each target, with its interval. A pure function of the answer.

Panels stand below each other, one a target, on one axis of gains. A cell without a gain keeps its row and says why in words, so
that no recipe looks like one that gains nothing.
"""

from __future__ import annotations

import html

import plotly.graph_objects as go

from backend.domain.by_language import LanguageCell, LanguageDetail
from backend.domain.gains import ALPHA, Missing
from dashboard import words
from dashboard.heatmap import hover_text
from dashboard.look import DIVERGING, FONT, LIGHT, SIZE, Theme, colour, interval, probability, score

ROW, GAP, ENDS = 24, 44, 64  # px: of a recipe, between panels, for the axis
NARROW = 300  # px, at least


def bars(found: LanguageDetail, theme: Theme = LIGHT) -> go.Figure:
    """Gain of every recipe that has one on any target, target by target, from the largest to the smallest."""
    targets = [t for t in found.row.targets if any(c.target == t and c.gain is not None for c in found.cells)]
    panels = [(t, _ordered(found, t)) for t in targets]
    rows = sum(len(cells) for _, cells in panels)
    height = rows * ROW + max(1, len(panels)) * GAP + ENDS
    plot = height - ENDS
    ends = [v for _, cells in panels for c in cells for v in (c.gain, c.low, c.high) if v is not None] + [0.0]
    pad = max(0.3, 0.06 * (max(ends) - min(ends)))
    most = max((abs(c.gain) for _, cells in panels for c in cells if c.gain is not None), default=1.0) or 1.0
    short = words.short_recipes((c.recipe for _, cells in panels for c in cells), 26)
    figure, axes, notes, top = go.Figure(), {}, [], 1.0
    for i, (target, cells) in enumerate(panels):
        tag = i + 1 if i else ""
        high, low = top - GAP / plot, top - (GAP + ROW * len(cells)) / plot
        top = low
        place = {c.recipe: len(cells) - 1 - j for j, c in enumerate(cells)}
        _draw(figure, [c for c in cells if c.gain is not None], place, {"xaxis": "x", "yaxis": f"y{tag}"}, most, theme)
        axes[f"yaxis{tag}"] = {
            "domain": [max(0.0, low), high], "range": [-0.6, len(cells) - 0.4], "tickvals": list(place.values()),
            "ticktext": [html.escape(short[c.recipe]) + _mark(c) for c in cells], "fixedrange": True, "showgrid": False, "zeroline": False,
            "automargin": True, "tickfont": {"size": SIZE["small"], "color": theme.ink}, "anchor": "x",
        }  # fmt: skip
        notes.append({
            "x": 0, "xref": "paper", "y": high, "yref": "paper", "xanchor": "left", "yanchor": "bottom", "showarrow": False, "yshift": 3,
            "text": f"<b>{html.escape(words.task_title(target))}</b>, {words.metric_title(cells[0].metric)}", "font": {"size": SIZE["body"], "color": theme.ink},
        })  # fmt: skip
        for c in cells:
            if c.gain is None:
                notes.append({
                    "x": 0, "xref": "x", "y": place[c.recipe], "yref": f"y{tag}", "showarrow": False, "xanchor": "left", "xshift": 6,
                    "text": words.MISSING[c.missing or Missing.NOT_RUN], "font": {"size": SIZE["small"], "color": theme.soft},
                })  # fmt: skip
    figure.update_layout(
        template=None, autosize=True, height=height, margin={"l": 12, "r": 12, "t": 8, "b": ENDS - 12}, hovermode="closest", bargap=0.35,
        paper_bgcolor=theme.paper, plot_bgcolor="rgba(0,0,0,0)", font={"family": FONT, "size": SIZE["small"], "color": theme.ink},
        hoverlabel={"bgcolor": theme.panel, "bordercolor": theme.line, "align": "left", "font": {"color": theme.ink, "size": SIZE["small"]}},
        showlegend=False, annotations=notes, meta={"width": NARROW, "synthetic": found.synthetic},
        xaxis={
            "range": [min(ends) - pad, max(ends) + pad], "zeroline": True, "zerolinecolor": theme.hatch, "zerolinewidth": 1.5, "showgrid": True,
            "gridcolor": theme.line, "fixedrange": True, "tickfont": {"size": SIZE["small"], "color": theme.ink}, "anchor": f"y{len(panels)}" if len(panels) > 1 else "y",
            "title": {"text": f"gain in {found.language.name}, points", "font": {"color": theme.soft}, "standoff": 8},
        },
        **axes,
    )  # fmt: skip
    return figure


def _ordered(found: LanguageDetail, target: str) -> list[LanguageCell]:
    """Those with a gain from the largest on, then those without."""
    return sorted(
        (c for c in found.cells if c.target == target and c.missing is not Missing.NOT_APPLICABLE),
        key=lambda c: (c.gain is None, -(c.gain or 0.0), c.recipe),
    )


def _draw(
    figure: go.Figure, some: list[LanguageCell], place: dict[str, int], axis: dict[str, str], most: float, theme: Theme
) -> None:
    figure.add_bar(
        **axis,
        orientation="h",
        name="gain",
        x=[c.gain for c in some],
        y=[place[c.recipe] for c in some],
        marker={
            "color": [colour(DIVERGING, c.gain or 0.0, -most, most) for c in some],
            "line": {"width": 1, "color": theme.hatch},
            "pattern": {"shape": ["/" if aside(c) else "" for c in some], "fgcolor": theme.soft, "size": 5},
        },
        error_x={
            "type": "data", "symmetric": False, "thickness": 1.4, "color": theme.ink,
            "width": 0,  # a cap would stand where there is no interval, too: plotly draws none as one of no length
            "array": [None if c.high is None or c.gain is None else c.high - c.gain for c in some],
            "arrayminus": [None if c.low is None or c.gain is None else c.gain - c.low for c in some],
        },
        customdata=[c.recipe for c in some],
        hovertext=[hover_text(_lines(c)) for c in some],
        hovertemplate="%{hovertext}<extra></extra>",
    )  # fmt: skip


def aside(c: LanguageCell) -> bool:
    """Whether the cell is in no mean: hatched."""
    return c.same_data_twice or c.control or c.not_zero_shot


def _mark(c: LanguageCell) -> str:
    """A dot where it is a finding, as on Explore."""
    return " •" if c.q is not None and c.q < ALPHA else ""


def _lines(c: LanguageCell) -> list[str]:
    lines = [
        f"{c.recipe} → {words.task_title(c.target)}",
        f"gain {interval(c.gain, c.low, c.high)}" + (f" · {c.verdict.value}" if c.verdict else ""),
    ]
    lines.append(
        f"score {score(c.treated)} with, {score(c.baseline)} without · {words.seeds(c.n)}"
        + (f" · q {probability(c.q)}" if c.q is not None else "")
    )
    if c.gap_change is not None:
        lines.append(f"gap to English {score(c.gap_without)} without, {score(c.gap_with)} with")
    if c.same_data_twice:
        lines.append("same data twice: not in the mean")
    if c.control:
        lines.append("a compute-matched control: not in the mean")
    if c.not_zero_shot:
        lines.append(f"{words.NOT_ZERO_SHOT}: not in the mean")
    return lines
