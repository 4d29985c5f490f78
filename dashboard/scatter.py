"""The trade-off as a figure: gain against size or against what it takes, a panel for each target or each language.

On an axis of parameters, lines join one recipe across models: how the gain moves with size is what one comes to see. On an
axis of hours, energy or FLOPs there is no such order, and the Pareto front is drawn instead. Full marks are on the front, faint
ones are dominated, hollow ones train on the same data twice. Colour and shape are recipe and model, or the reverse. A fitted line
with its band and the part that a budget pays for are drawn behind the points (``trend_line``, ``budget``); axes are ``scatter_axes``.
"""

from __future__ import annotations

import html
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from backend.domain.literature import PublishedGain
from backend.domain.portfolio import Portfolio
from backend.domain.schemas import TradeoffPoint
from backend.domain.trend import Trends
from dashboard import beside, budget, trend_line, weighing
from dashboard.heatmap import hover_text
from dashboard.links import Tradeoff
from dashboard.look import CATEGORICAL, LIGHT, SHAPES, Theme
from dashboard.scatter_axes import layout
from dashboard.words import model_title, point_lines, short_recipes, support_title, task_title

FAINT = 0.4
MAX_LEGEND = 40  # names


@dataclass(frozen=True, slots=True)
class Coding:
    """Which colour, dash and shape stand for which name."""

    colours: Mapping[str, str]
    dashes: Mapping[str, str]
    shapes: Mapping[str, str]
    by: str  # what colour says: recipe or model

    def colour(self, p: TradeoffPoint) -> str:
        return self.colours[getattr(p, self.by)]

    def shape(self, p: TradeoffPoint) -> str:
        return self.shapes[p.model if self.by == "recipe" else p.recipe]


def coding(points: Sequence[TradeoffPoint], state: Tradeoff, theme: Theme) -> Coding:
    """The same whatever of the points is looked at: filtering moves no colour."""
    recipes = list(dict.fromkeys(p.recipe for p in sorted(points, key=lambda p: (":" in p.recipe, p.recipe))))
    models = list(dict.fromkeys(p.model for p in sorted(points, key=lambda p: (p.parameters, p.model))))
    first, second = (recipes, models) if state.colour == "recipe" else (models, recipes)
    palette, dashes = CATEGORICAL[theme.name], ("solid", "5px,3px", "1.5px,3px")
    return Coding(
        colours={name: palette[i % len(palette)] for i, name in enumerate(first)},
        dashes={name: dashes[i // len(palette) % len(dashes)] for i, name in enumerate(first)},
        shapes={name: SHAPES[i % len(SHAPES)] for i, name in enumerate(second)},
        by=state.colour,
    )


def tradeoff(
    points: Sequence[TradeoffPoint],
    state: Tradeoff,
    theme: Theme = LIGHT,
    *,
    published: Sequence[PublishedGain] = (),
    trends: Trends | None = None,
    portfolio: Portfolio | None = None,
) -> go.Figure:
    """Gain against what it costs. ``points``: every point there is; the state says which of them are looked at. ``published``:
    open markers beside them, in no series and in no front. ``portfolio``: its cells get a ring."""
    shown = weighing.looked_at(points, state)
    panels = sorted(weighing.panels(shown), key=lambda panel: task_title(panel[0]))
    front = weighing.on_front(points, state)
    code = coding(points, state, theme)
    places = _places(shown, state)
    others = beside.place_gains(published, shown, state) if beside.wants_gains(state) else []
    lines = trend_line.drawn(trends, state)
    figure = go.Figure()
    for i, (target, language) in enumerate(panels):
        axis = {"xaxis": f"x{i + 1 if i else ''}", "yaxis": f"y{i + 1 if i else ''}"}
        some = [p for p in shown if (p.target, p.language) == (target, language)]
        for line in lines:
            if (line.target, line.language) == (target, language):
                trend_line.draw(figure, line, axis, theme)
        if weighing.spends(state):
            _draw_front(figure, [p for p in some if weighing.key(p, state) in front], places, state, axis, theme)
        else:
            _draw_series(figure, some, state, places, code, axis, theme)
        _draw_points(figure, some, front, state, places, code, axis, theme)
        budget.ring(figure, some, portfolio, places, state, axis, theme)
        if there := [p for p in others if p.target == target]:
            figure.add_scatter(**beside.trace(there, axis, theme))
    _legend(figure, shown, code, state, theme)
    marks = {"legendgroup": "Marks", "legendgrouptitle": {"text": "<b>Marks</b>"}}
    if lines:
        trend_line.legend(figure, marks, theme)
    if portfolio is not None and portfolio.cells:
        budget.legend(figure, marks, theme)
    if others:
        mark = beside.legend(theme)
        figure.add_scatter(x=[None], y=[None], name="published (not ours)", mode="markers", marker=mark, **marks)
    of_languages = state.panels == "languages"
    titles = [support_title(code) if of_languages else task_title(target) for target, code in panels]
    bands = [v for line in lines for at in line.line for v in (at.low, at.high)]
    figure.update_layout(**layout(points, shown, titles, state, theme, others, bands))
    if weighing.spends(state) and state.budget is not None:
        budget.shade(figure, len(panels), state, theme)
    return figure


def _places(shown: Sequence[TradeoffPoint], state: Tradeoff) -> dict[str, float]:
    """Where each point stands. Recipes of one model have one size: they stand beside each other, in one order."""
    if weighing.spends(state):
        return {weighing.key(p, state): weighing.cost(p, state) for p in shown}
    sizes = sorted({math.log10(weighing.cost(p, state)) for p in shown})
    nearest = min((b - a for a, b in itertools.pairwise(sizes) if b - a > 1e-6), default=0.2)
    recipes = sorted({p.recipe for p in shown}, key=lambda r: (":" in r, r))
    step = min(0.5 * nearest / max(1, len(recipes)), 0.02)
    middle = (len(recipes) - 1) / 2
    return {
        weighing.key(p, state): weighing.cost(p, state) * 10 ** (step * (recipes.index(p.recipe) - middle))
        for p in shown
    }


# --- marks ---------------------------------------------------------------------------------------------------------


def _draw_points(
    figure: go.Figure, some: Sequence[TradeoffPoint], front: frozenset[str], state: Tradeoff, places: Mapping[str, float],
    code: Coding, axis: dict[str, str], theme: Theme,
) -> None:  # fmt: skip
    """Dominated points first, so that the front lies on top; a ring around the chosen one."""
    kinds = {
        "same data twice": [p for p in some if p.same_data_twice],
        "dominated": [p for p in some if not p.same_data_twice and weighing.key(p, state) not in front],
        "front": [p for p in some if weighing.key(p, state) in front],
    }
    for name, of in kinds.items():
        if not of:
            continue
        hollow, faint = name == "same data twice", name == "dominated"
        figure.add_scatter(
            **axis,
            x=[places[weighing.key(p, state)] for p in of],
            y=[p.gain for p in of],
            mode="markers",
            name=name,
            opacity=FAINT if faint else 0.75 if hollow else 1,
            marker={
                "size": 9 if faint else 11,
                "color": [code.colour(p) for p in of],
                "symbol": [code.shape(p) + ("-open" if hollow else "") for p in of],
                "line": {"width": 1.5 if hollow else 1, "color": [code.colour(p) if hollow else theme.paper for p in of]},
            },
            error_y={
                "type": "data", "symmetric": False, "thickness": 1.2, "width": 3, "color": theme.soft,
                "array": [None if p.high is None else p.high - p.gain for p in of],
                "arrayminus": [None if p.low is None else p.gain - p.low for p in of],
            },
            customdata=[weighing.key(p, state) for p in of],
            hovertext=[hover_text(point_lines(p, weighing.key(p, state) in front)) for p in of],
            hovertemplate="%{hovertext}<extra></extra>",
            showlegend=False,
        )  # fmt: skip
    for p in some:
        if weighing.key(p, state) == str(state.point or ""):
            figure.add_scatter(
                **axis, x=[places[weighing.key(p, state)]], y=[p.gain], mode="markers", name="chosen", hoverinfo="skip", showlegend=False,
                marker={"size": 22, "symbol": "circle-open", "color": theme.accent, "line": {"width": 2.5, "color": theme.accent}},
            )  # fmt: skip


def _draw_series(
    figure: go.Figure, some: Sequence[TradeoffPoint], state: Tradeoff, places: Mapping[str, float], code: Coding,
    axis: dict[str, str], theme: Theme,
) -> None:  # fmt: skip
    """A line a recipe, from the smallest model to the largest; those of one colour are one trace."""
    lines: dict[tuple[str, str], list[list[TradeoffPoint]]] = {}
    for line in weighing.series(some, state):
        if len(line) > 1:
            look = (
                (code.colour(line[0]), code.dashes[line[0].recipe]) if code.by == "recipe" else (theme.hatch, "solid")
            )
            lines.setdefault(look, []).append(line)
    for (colour, dash), several in lines.items():
        x: list[float | None] = []
        y: list[float | None] = []
        for line in several:
            x += [*(places[weighing.key(p, state)] for p in line), None]
            y += [*(p.gain for p in line), None]
        figure.add_scatter(
            **axis, x=x, y=y, mode="lines", line={"color": colour, "width": 1.8, "dash": dash}, name="series", hoverinfo="skip",
            showlegend=False,
        )  # fmt: skip


def _draw_front(
    figure: go.Figure, best: Sequence[TradeoffPoint], places: Mapping[str, float], state: Tradeoff, axis: dict[str, str],
    theme: Theme,
) -> None:  # fmt: skip
    """A step line: what can be had for at most so much; it goes on to the right, past the last point."""
    ordered = sorted(best, key=lambda p: (places[weighing.key(p, state)], p.gain))
    if ordered:
        x = [*(places[weighing.key(p, state)] for p in ordered), 1.2 * max(places.values())]
        y = [*(p.gain for p in ordered), ordered[-1].gain]
        figure.add_scatter(
            **axis, x=x, y=y, mode="lines", hoverinfo="skip",
            line={"color": theme.ink, "width": 1.5, "dash": "4px,3px", "shape": "hv"}, name="Pareto front", showlegend=False,
        )  # fmt: skip


def _legend(figure: go.Figure, shown: Sequence[TradeoffPoint], code: Coding, state: Tradeoff, theme: Theme) -> None:
    """What colours and shapes stand for, as marks that are at no place."""
    recipes, models = {p.recipe for p in shown}, {p.model for p in shown}
    colours, shapes = (recipes, models) if code.by == "recipe" else (models, recipes)
    titles = ("Recipe", "Model") if code.by == "recipe" else ("Model", "Recipe")

    short = short_recipes((n for n in (*code.colours, *code.shapes) if n in recipes), 26)

    def name(text: str, kind: str) -> str:
        return html.escape(model_title(text) if kind == "Model" else short[text])

    def entry(text: str, group: str, **look: Any) -> None:
        figure.add_scatter(
            x=[None], y=[None], name=text, legendgroup=group, legendgrouptitle={"text": f"<b>{group}</b>"}, **look
        )

    lines = not weighing.spends(state) and code.by == "recipe"
    for each in [n for n in code.colours if n in colours][:MAX_LEGEND]:
        entry(
            name(each, titles[0]), titles[0], mode="lines+markers" if lines else "markers",
            line={"color": code.colours[each], "width": 1.8, "dash": code.dashes[each]},
            marker={"size": 9, "color": code.colours[each], "symbol": "circle"},
        )  # fmt: skip
    for each in [n for n in code.shapes if n in shapes][:MAX_LEGEND]:
        entry(
            name(each, titles[1]), titles[1], mode="markers",
            marker={"size": 10, "color": theme.soft, "symbol": code.shapes[each]},
        )  # fmt: skip
    if weighing.spends(state):
        line = {"color": theme.ink, "width": 1.5, "dash": "4px,3px"}
        entry("Pareto front", "Marks", mode="lines", line=line)
    entry("dominated", "Marks", mode="markers", opacity=FAINT, marker={"size": 9, "color": theme.soft})
    if any(p.same_data_twice for p in shown):
        hollow = {"size": 10, "color": theme.soft, "symbol": "circle-open", "line": {"width": 1.5}}
        entry("same data twice", "Marks", mode="markers", marker=hollow)
