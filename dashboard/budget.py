"""A budget on the trade-off: the part of the axis that it pays for, the cells that are chosen for it, and both in words.

What to choose the API says (``GET /tradeoff/portfolio``); this only shows it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
from dash import dcc, html

from backend.domain.portfolio import Portfolio, Unit
from backend.domain.schemas import TradeoffPoint
from dashboard import weighing, words
from dashboard.links import MEAN, Cell, Explore, Tradeoff
from dashboard.look import Theme, count, hours, interval, score
from dashboard.plain_table import plain

UNITS: Mapping[str, Unit] = {"hours": "hours", "energy": "kwh", "flops": "flops", "flops-counted": "flops_counted"}
#: What the slider offers, in what the axis counts: the same on every axis and for any points, so that its place says an amount.
AMOUNTS = tuple(float(f"{n}e{e}") for e in range(-3, 6) for n in (1, 2, 5)) + (1e6,)


def in_units(state: Tradeoff) -> float:
    """The budget as the API takes it."""
    assert state.budget is not None
    return state.budget * (weighing.PETA if state.x in ("flops", "flops-counted") else 1.0)


def amount(value: float, unit: Unit) -> str:
    """``8.2 h``, ``0.4 kWh``, ``3.1 · 10¹⁵ FLOPs``."""
    if unit == "hours":
        return hours(value)
    if unit == "kwh":
        return f"{value:.3g} kWh"
    return f"{value / weighing.PETA:.3g} · 10¹⁵ FLOPs"


# --- in the figure -----------------------------------------------------------------------------------------------------


def shade(figure: go.Figure, panels: int, state: Tradeoff, theme: Theme) -> None:
    """What a budget pays for of a point by itself, at so many seeds: to the left of the line."""
    assert state.budget is not None
    end = state.budget / state.seeds
    low, high = figure.layout.xaxis.range
    at = min(max(math.log10(end), low), high)
    for i in range(max(1, panels)):
        tag = i + 1 if i else ""
        figure.add_shape(
            type="rect", xref=f"x{tag}", yref=f"y{tag} domain", x0=10**low, x1=10**at, y0=0, y1=1, layer="below", line={"width": 0},
            fillcolor=theme.panel, name="within the budget",
        )  # fmt: skip
        if low < at < high:
            figure.add_shape(
                type="line", xref=f"x{tag}", yref=f"y{tag} domain", x0=10**at, x1=10**at, y0=0, y1=1,
                line={"width": 1.2, "color": theme.accent, "dash": "dot"}, name="budget",
            )  # fmt: skip


def ring(
    figure: go.Figure, some: Sequence[TradeoffPoint], portfolio: Portfolio | None, places: Mapping[str, float], state: Tradeoff,
    axis: dict[str, str], theme: Theme,
) -> None:  # fmt: skip
    """A ring around each chosen cell."""
    if portfolio is None:
        return
    chosen = {(c.model, c.recipe, c.target) for c in portfolio.cells}
    here = [p for p in some if (p.model, p.recipe, p.target) in chosen]
    if here:
        figure.add_scatter(
            **axis, x=[places[weighing.key(p, state)] for p in here], y=[p.gain for p in here], mode="markers", name="portfolio",
            hoverinfo="skip", showlegend=False, marker=_ring(theme, 19),
        )  # fmt: skip


def legend(figure: go.Figure, group: dict[str, Any], theme: Theme) -> None:
    figure.add_scatter(
        x=[None], y=[None], name="chosen for the budget", mode="markers", marker=_ring(theme, 12), **group
    )


def _ring(theme: Theme, size: int) -> dict[str, Any]:
    return {"size": size, "symbol": "square-open", "color": theme.accent, "line": {"width": 1.8, "color": theme.accent}}


# --- in words and as a table -------------------------------------------------------------------------------------------


def said(portfolio: Portfolio | None, state: Tradeoff, problem: str | None = None) -> list[Any]:
    """What to run for the budget."""
    if state.budget is None or not weighing.spends(state):
        return []
    title = html.H2("What the budget buys")
    if portfolio is None:
        return [title, html.P(problem or "It could not be read.", className="soft note")]
    parts: list[Any] = [title, html.P(sentence(portfolio), className="summary", role="status")]
    if portfolio.cells:
        parts += [_cells(portfolio, state), _stages(portfolio)]
    out = f" Not considered: {'; '.join(portfolio.not_considered)}." if portfolio.not_considered else ""
    parts.append(html.P(portfolio.rule + out, className="soft note"))
    return parts


def sentence(portfolio: Portfolio) -> str:
    unit = portfolio.unit
    have = f"{amount(portfolio.budget, unit)}" + (
        f" of a device ({portfolio.device_class.value})" if portfolio.device_class else ""
    )
    asked = f"With {have} for {count(portfolio.seeds, 'seed')}"
    if not portfolio.considered:
        return f"{asked}: no cell can be considered."
    if not portfolio.cells:
        return f"{asked} no cell can be run: of {count(portfolio.considered, 'cell')} none is that cheap."
    best = f"the largest sum of gains is {score(portfolio.gain)} points"
    if not portfolio.optimal:
        best = f"a sum of gains of {score(portfolio.gain)} points was found; none is above {score(portfolio.bound)}"
    return (
        f"{asked} {best}: {count(len(portfolio.cells), 'cell')} of {portfolio.considered:,}, for {amount(portfolio.spent, unit)}. The best recipe of every model and "
        f"target would take {amount(portfolio.everything, unit)}."
    )


def _cells(portfolio: Portfolio, state: Tradeoff) -> Any:
    rows = [
        [
            dcc.Link(
                c.recipe,
                href=Explore(
                    cell=Cell(c.recipe, MEAN), metric=c.metric, model=c.model, source=state.source, target=c.target
                ).address,
            ),
            words.task_title(c.target),
            words.model_title(c.model),
            interval(c.gain, c.low, c.high) + (" (too few seeds)" if c.low is None else ""),
            str(c.n),
            amount(c.own, portfolio.unit),
            "; ".join(c.stages) or "none: it is retrieved",
        ]
        for c in portfolio.cells
    ]
    return plain(
        "Chosen cells",
        ("Recipe", "Target", "Model", "Gain, 95 % interval", "Seeds measured", "Evaluation", "Trainings it needs"),
        rows,
        numbers={3, 4, 5},
    )


def _stages(portfolio: Portfolio) -> Any:
    rows = [[s.name, amount(s.cost, portfolio.unit), count(s.used_by, "cell")] for s in portfolio.stages]
    inside = plain("Trainings, each paid once", ("Training", "Takes", "Used by"), rows, numbers={1, 2})
    return html.Details([html.Summary(f"{count(len(rows), 'training')}, each paid once"), inside])
