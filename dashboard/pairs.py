"""The small heatmap of the overview: recipes by targets, each number a mean gain over transfer languages, of one model."""

from __future__ import annotations

import html
import math
from typing import Any

import plotly.graph_objects as go

from backend.domain.gains import Verdict
from backend.domain.schemas import Overview, PairView
from dashboard import learnt, words
from dashboard.look import DIVERGING, FONT, SIZE, Theme, colour, gain, ink_on, scale

ROW = 40  # px
TWICE = "‡"


def heatmap(seen: Overview, model: str, theme: Theme) -> go.Figure:
    """Colours are those of all models, so that two models can be told apart."""
    pairs = {(p.recipe, p.target): p for p in seen.pairs if p.model == model}
    recipes = [r for r in seen.recipes if any(key[0] == r for key in pairs)]
    targets = [t for t in seen.targets if any(key[1] == t for key in pairs)]
    end = span(seen)
    grid = [[pairs.get((r, t)) for t in targets] for r in recipes]
    figure = go.Figure(layout=_layout(len(recipes), len(targets), end, theme))
    if not pairs:
        return figure
    figure.add_heatmap(
        x=list(range(len(targets))),
        y=list(range(len(recipes))),
        z=[[p.gain if p else None for p in line] for line in grid],
        customdata=[[learnt.explore(seen, p) if p else "" for p in line] for line in grid],
        hovertext=[
            [_hover(p, r, t) for p, t in zip(line, targets, strict=True)] for line, r in zip(grid, recipes, strict=True)
        ],
        hovertemplate="%{hovertext}<extra></extra>",
        hoverongaps=True,
        coloraxis="coloraxis",
        xgap=2,
        ygap=2,
        name="pairs",
    )
    spots = [(i, j, p) for i, line in enumerate(grid) for j, p in enumerate(line)]
    figure.add_scatter(
        x=[j for _, j, _ in spots],
        y=[i for i, _, _ in spots],
        mode="text",
        text=[_text(p) for _, _, p in spots],
        textfont={
            "size": SIZE["small"],
            "color": [ink_on(colour(DIVERGING, p.gain, -end, end)) if p else theme.soft for _, _, p in spots],
        },
        hoverinfo="skip",
        showlegend=False,
        name="numbers",
    )
    figure.update_xaxes(
        tickvals=list(range(len(targets))), ticktext=[html.escape(words.task_title(t)) for t in targets]
    )
    figure.update_yaxes(
        tickvals=list(range(len(recipes))),
        ticktext=[html.escape(text) for text in words.short_recipes(recipes, 24).values()],
        range=[len(recipes) - 0.5, -0.5],
    )
    return figure


def span(seen: Overview) -> float:
    """Where the colours end, either side of zero."""
    return max(1.0, math.ceil(2 * max((abs(p.gain) for p in seen.pairs), default=1.0) - 1e-9) / 2)


def _text(pair: PairView | None) -> str:
    if pair is None:
        return "–"
    return f"{gain(pair.gain)}{TWICE if pair.same_data_twice else ''}{words.TRAINED if pair.not_zero_shot else ''}{' •' if _found(pair) else ''}"


def _found(pair: PairView) -> bool:
    return pair.verdict in (Verdict.HELPS, Verdict.HURTS)


def _hover(pair: PairView | None, recipe: str, target: str) -> str:
    if pair is None:
        return html.escape(f"{recipe} → {words.task_title(target)}: no gain yet")
    lines = [learnt.pair_title(pair), f"gain {learnt.pair_gain(pair)}", learnt.pair_support(pair)]
    if pair.same_data_twice:
        lines.append(f"{TWICE} {words.SAME_DATA_TWICE}: not in headline means")
    if pair.not_zero_shot:
        lines.append(f"{words.TRAINED} {words.not_zero_shot(pair)}: not among the best pairs")
    return "<br>".join(html.escape(line) for line in lines)


def _layout(rows: int, columns: int, end: float, theme: Theme) -> dict[str, Any]:
    grid = {"showgrid": False, "zeroline": False, "showline": False, "ticks": "", "fixedrange": True}
    return {
        "template": None,
        "autosize": True,
        "height": max(2, rows) * ROW + 56,
        "margin": {"l": 12, "r": 8, "t": 32, "b": 12},
        "paper_bgcolor": theme.paper,
        "plot_bgcolor": theme.paper,
        "font": {"family": FONT, "size": SIZE["small"], "color": theme.ink},
        "xaxis": {**grid, "side": "top", "tickangle": 0},
        "yaxis": {**grid, "automargin": True},
        "hovermode": "closest",
        "hoverlabel": {"bgcolor": theme.panel, "bordercolor": theme.line, "align": "left", "font": {"color": theme.ink}},
        "coloraxis": {
            "colorscale": scale(DIVERGING), "cmin": -end, "cmax": end, "cmid": 0,
            "colorbar": {
                "thickness": 10, "len": 1, "outlinewidth": 0, "tickfont": {"size": SIZE["tiny"], "color": theme.ink},
                "x": 1.01, "xanchor": "left", "title": {"text": "gain", "font": {"size": SIZE["tiny"]}},
            },
        },
        "meta": {"width": 150 + 64 * max(3, columns)},
    }  # fmt: skip
