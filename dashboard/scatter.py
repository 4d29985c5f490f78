"""The trade-off as a figure: gain against size or device time, a panel for each target.

On an axis of parameters, lines join one recipe across models: how the gain moves with size is what one comes to see. On an
axis of hours there is no such order, and the Pareto front is drawn instead. Full marks are on the front, faint ones are
dominated, hollow ones train on the same data twice. Colour and shape are recipe and model, or the reverse.
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
from backend.domain.schemas import TradeoffPoint
from dashboard import beside, weighing
from dashboard.heatmap import hover_text
from dashboard.links import Tradeoff
from dashboard.look import CATEGORICAL, FONT, LIGHT, SHAPES, SIZE, Theme, hours, parameters
from dashboard.words import device_time, model_title, point_lines, short_recipes, support_title, task_title

ALONE, PANEL = 470, 300  # px: height of a row of panels that is alone, of one of several
ACROSS = 3  # panels
FAINT = 0.4
MAX_LEGEND = 40  # names
_ROUND = (1, 2, 3, 5, 10, 15, 20, 30, 45)  # seconds and minutes
_HOURS = [n * unit for unit in (1 / 3600, 1 / 60) for n in _ROUND] + [
    n * 10.0**e for e in range(7) for n in (1, 2, 3, 5)
]


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
    points: Sequence[TradeoffPoint], state: Tradeoff, theme: Theme = LIGHT, *, published: Sequence[PublishedGain] = ()
) -> go.Figure:
    """Gain against what it costs. ``points``: every point there is; the state says which of them are looked at. ``published``:
    open markers beside them, in no series and in no front."""
    shown = weighing.looked_at(points, state)
    targets = sorted({p.target for p in shown}, key=task_title)
    front = weighing.on_front(points, state)
    code = coding(points, state, theme)
    places = _places(shown, state)
    others = beside.place_gains(published, shown, state) if beside.wants_gains(state) else []
    figure = go.Figure()
    for i, target in enumerate(targets):
        axis = {"xaxis": f"x{i + 1 if i else ''}", "yaxis": f"y{i + 1 if i else ''}"}
        some = [p for p in shown if p.target == target]
        if state.x == "hours":
            _draw_front(figure, [p for p in some if weighing.key(p) in front], places, axis, theme)
        else:
            _draw_series(figure, some, state, places, code, axis, theme)
        _draw_points(figure, some, front, state, places, code, axis, theme)
        if there := [p for p in others if p.target == target]:
            figure.add_scatter(**beside.trace(there, axis, theme))
    _legend(figure, shown, code, state, theme)
    if others:
        group = {"legendgroup": "Marks", "legendgrouptitle": {"text": "<b>Marks</b>"}}
        mark = beside.legend(theme)
        figure.add_scatter(x=[None], y=[None], name="published (not ours)", mode="markers", marker=mark, **group)
    figure.update_layout(**_layout(points, shown, targets, state, theme, others))
    return figure


def _places(shown: Sequence[TradeoffPoint], state: Tradeoff) -> dict[str, float]:
    """Where each point stands. Recipes of one model have one size: they stand beside each other, in one order."""
    if state.x == "hours":
        return {weighing.key(p): weighing.cost(p, state) for p in shown}
    sizes = sorted({math.log10(weighing.cost(p, state)) for p in shown})
    nearest = min((b - a for a, b in itertools.pairwise(sizes) if b - a > 1e-6), default=0.2)
    recipes = sorted({p.recipe for p in shown}, key=lambda r: (":" in r, r))
    step = min(0.5 * nearest / max(1, len(recipes)), 0.02)
    middle = (len(recipes) - 1) / 2
    return {weighing.key(p): weighing.cost(p, state) * 10 ** (step * (recipes.index(p.recipe) - middle)) for p in shown}


# --- marks ---------------------------------------------------------------------------------------------------------


def _draw_points(
    figure: go.Figure, some: Sequence[TradeoffPoint], front: frozenset[str], state: Tradeoff, places: Mapping[str, float],
    code: Coding, axis: dict[str, str], theme: Theme,
) -> None:  # fmt: skip
    """Dominated points first, so that the front lies on top; a ring around the chosen one."""
    kinds = {
        "same data twice": [p for p in some if p.same_data_twice],
        "dominated": [p for p in some if not p.same_data_twice and weighing.key(p) not in front],
        "front": [p for p in some if weighing.key(p) in front],
    }
    for name, of in kinds.items():
        if not of:
            continue
        hollow, faint = name == "same data twice", name == "dominated"
        figure.add_scatter(
            **axis,
            x=[places[weighing.key(p)] for p in of],
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
            customdata=[weighing.key(p) for p in of],
            hovertext=[hover_text(point_lines(p, weighing.key(p) in front)) for p in of],
            hovertemplate="%{hovertext}<extra></extra>",
            showlegend=False,
        )  # fmt: skip
    for p in some:
        if weighing.key(p) == str(state.point or ""):
            figure.add_scatter(
                **axis, x=[places[weighing.key(p)]], y=[p.gain], mode="markers", name="chosen", hoverinfo="skip", showlegend=False,
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
            x += [*(places[weighing.key(p)] for p in line), None]
            y += [*(p.gain for p in line), None]
        figure.add_scatter(
            **axis, x=x, y=y, mode="lines", line={"color": colour, "width": 1.8, "dash": dash}, name="series", hoverinfo="skip",
            showlegend=False,
        )  # fmt: skip


def _draw_front(
    figure: go.Figure, best: Sequence[TradeoffPoint], places: Mapping[str, float], axis: dict[str, str], theme: Theme
) -> None:
    """A step line: what can be had for at most so much; it goes on to the right, past the last point."""
    ordered = sorted(best, key=lambda p: (places[weighing.key(p)], p.gain))
    if ordered:
        x = [*(places[weighing.key(p)] for p in ordered), 1.2 * max(places.values())]
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

    lines = state.x != "hours" and code.by == "recipe"
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
    if state.x == "hours":
        line = {"color": theme.ink, "width": 1.5, "dash": "4px,3px"}
        entry("Pareto front", "Marks", mode="lines", line=line)
    entry("dominated", "Marks", mode="markers", opacity=FAINT, marker={"size": 9, "color": theme.soft})
    if any(p.same_data_twice for p in shown):
        hollow = {"size": 10, "color": theme.soft, "symbol": "circle-open", "line": {"width": 1.5}}
        entry("same data twice", "Marks", mode="markers", marker=hollow)


# --- axes ----------------------------------------------------------------------------------------------------------


def _layout(
    points: Sequence[TradeoffPoint], shown: Sequence[TradeoffPoint], targets: Sequence[str], state: Tradeoff, theme: Theme,
    others: Sequence[beside.Placed] = (),
) -> dict[str, Any]:  # fmt: skip
    n = max(1, len(targets))
    across = 1 if n == 1 else 2 if n in (2, 4) else ACROSS
    down = math.ceil(n / across)
    height = ALONE if down == 1 else PANEL * down + 60
    values, labels, ends = _ticks(shown, state, others)
    bottom, top = _gains(shown, others)
    one = weighing.device(points, state)
    x_title = axis_title(state, device_time(one) if one else "device-hours")
    axes: dict[str, Any] = {}
    notes = []
    for i in range(n):
        column, row = i % across, i // across
        width, gap = 1 / across, 0.055 if across > 1 else 0.0
        left, right = column * width + (gap if column else 0), (column + 1) * width
        room = 74 / height  # of the labels below a panel
        high = 1 - row / down - (0.0 if n == 1 else 26 / height)
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
            "title": {"text": f"gain, points<br>({support_title(state.languages)})" if column == 0 else "", "font": {"color": theme.soft}},
        }  # fmt: skip
        if n > 1:
            notes.append({
                "x": left, "y": high, "xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "bottom", "showarrow": False,
                "text": f"<b>{html.escape(task_title(targets[i]))}</b>", "font": {"size": SIZE["body"], "color": theme.ink}, "yshift": 4,
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
        "uirevision": f"{state.source} {state.target} {state.x}",
        "meta": {"width": 760, "synthetic": state.source == "mini"},
        **axes,
    }  # fmt: skip


def axis_title(state: Tradeoff, of_time: str) -> str:
    """What the axis counts, and that it is logarithmic."""
    if state.x == "hours":
        return f"{of_time}, {'shared out' if state.cost == 'amortised' else 'paid in full'} (log)"
    return "parameters (log)" if state.x == "parameters" else "parameters without embeddings (log)"


def _axis(theme: Theme) -> dict[str, Any]:
    return {
        "fixedrange": True, "gridcolor": theme.line, "zeroline": False, "ticks": "outside", "ticklen": 4, "tickcolor": theme.line,
        "automargin": True, "linecolor": theme.line, "showline": True, "tickfont": {"size": SIZE["small"], "color": theme.ink},
    }  # fmt: skip


def _gains(shown: Sequence[TradeoffPoint], others: Sequence[beside.Placed]) -> tuple[float, float]:
    values = [v for p in shown for v in (p.gain, p.low, p.high) if v is not None] + [0.0, *(p.gain for p in others)]
    pad = max(0.5, 0.06 * (max(values) - min(values)))
    return min(values) - pad, max(values) + pad


def _ticks(
    shown: Sequence[TradeoffPoint], state: Tradeoff, others: Sequence[beside.Placed]
) -> tuple[list[float], list[str], list[float]]:
    """Where the axis is marked, in words, and where it ends, in powers of ten: at the models' sizes, or at round times."""
    costs = sorted({*(weighing.cost(p, state) for p in shown if weighing.cost(p, state) > 0), *(p.x for p in others)})
    if not costs:
        return [], [], [0.0, 1.0]
    low, high = math.log10(costs[0]), math.log10(costs[-1])
    pad = max(0.12 * (high - low), 0.06)
    ends = [low - pad, high + pad]
    apart = 0.11 * (ends[1] - ends[0])
    if state.x == "hours":
        inside = _apart([h for h in _HOURS if ends[0] <= math.log10(h) <= ends[1]], apart)
        return inside, [hours(h) for h in inside], ends
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
