"""What Trade-off shows below its controls: figure, table and lists, what a budget buys, fitted lines, and why there is nothing."""

from __future__ import annotations

from typing import Any

from dash import html

from dashboard import budget, panels, shell, standing, tables, trend_line, weighing, words
from dashboard.standing import Standing


def body(found: Standing) -> list[Any]:
    return [
        html.Div(shell.graph("tradeoff-graph"), className="figure-box", id="tradeoff-figure"),
        html.Div(standing.ranked(found.points, found.state), className="ranked", id="tradeoff-ranked"),
        html.Div(
            tables.grid(
                "tradeoff-grid",
                standing.rows(found.points, found.state),
                standing.columns(),
                key="key",
                on_key="crossliftRow",
            ),
            className="table-box",
            id="tradeoff-table",
        ),
        html.P(
            [
                "A point is one model, recipe and target; it leads to its cell on Explore. Bars: ",
                shell.term("interval", "95 % interval"),
                " over seeds. Full marks are on the ",
                shell.term("front", "Pareto front"),
                " of their target: no other point costs as little and gains as much. On an axis of parameters lines join one "
                "recipe from model to model, and recipes of one model stand beside each other. ",
                shell.term("marginal", "Device time"),
                " is that of a recipe's intermediate, fine-tune and evaluate runs for one seed; energy is what the device itself reported, "
                "and FLOPs are 6·N·D by parameters without embeddings, or as they were counted. ",
                html.Span(hardware(found), id="tradeoff-hardware"),
                " Hollow marks: intermediate and target stage train on ",
                shell.term("same-data-twice", "one data set"),
                ".",
            ],
            className="soft note",
        ),
    ]


def hardware(found: Standing) -> str:
    """Which devices the points of the axis were run on: nothing is converted from one to another."""
    if not weighing.by_device(found.state):
        return "Device classes are never put on one axis of time or energy."
    shown = weighing.looked_at(found.points, found.state)
    names = sorted({p.device for p in shown})
    others = sorted(
        {words.device_time(p.device_class) for p in found.points} - {words.device_time(p.device_class) for p in shown}
    )
    said = f"Run on {'; '.join(names)}" if names else "Run on no device that measured it"
    said += (
        ": hours of different devices of one class stand as they are, nothing is converted." if len(names) > 1 else "."
    )
    return said + (f" Not on this axis: {', '.join(others)}." if others else "")


def bought(found: Standing) -> list[Any]:
    return [] if found.empty else budget.said(found.portfolio, found.state, found.unbought)


def fitted(found: Standing) -> list[Any]:
    return [] if found.empty else trend_line.said(found.trends, found.state)


def nothing(found: Standing) -> list[Any]:
    if not found.empty:
        return []
    if weighing.unmeasured(found.points, found.state):
        what = {"energy": "energy", "hours": "device time"}.get(found.state.x, "FLOPs")
        why = " A GPU's driver reports it; of a CPU nothing reads it." if found.state.x == "energy" else ""
        said = f"The {what} of these runs was not measured, so no point has a place on this axis.{why}"
        return [html.H2("Not measured"), html.P(said), html.P("Choose another axis.")]
    return panels.nothing(
        found.state, found.problem, running=found.running, experiments=found.experiments, elsewhere=bool(found.points)
    )
