"""What stands beside the figures of a page: the ranked lists that replace a heatmap on a phone, and what to say when there
is nothing to show. Schemas in, components out. (What is known of one cell: ``drawer``, reached from here too.)
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html

from backend.domain.gains import Missing
from backend.domain.metrics.checklist import lower_is_better
from backend.domain.schemas import GainCell, GainMatrix, RecipeRow
from backend.errors import CrossliftError, NotFound
from dashboard import crossed, subset, words
from dashboard.drawer import cell_panel, cell_title, find_cell
from dashboard.figures import gain_range, is_finding, languages, pales, score_matrix, score_range, shown_value
from dashboard.links import MEAN, Cell, Explore
from dashboard.look import SCALES, SEQUENTIAL, colour, count, gain, hours, interval, score
from dashboard.orders import rows as lines

__all__ = ["cell_panel", "cell_title", "find_cell", "nothing", "ranked"]

DEMO = "make demo"
DOT = "•"


# --- ranked lists --------------------------------------------------------------------------------------------------


def ranked(matrix: GainMatrix, state: Explore) -> list[Any]:
    """A list a recipe, languages from best to worst with bars from a common zero: the heatmap of a narrow screen."""
    if state.value == "cost":
        return _ranked_costs(matrix, state)
    scores = state.value == "score"
    shown = score_matrix(matrix) if scores else matrix
    end, _ = gain_range(matrix)
    ends = score_range([c.treated for c in shown.cells if c.treated is not None]) if scores else (-end, end)
    matrix, shown = subset.narrow(matrix, state.languages), subset.narrow(shown, state.languages)
    place = {code: i for i, code in enumerate(languages(matrix, state.order))}

    best_first = (
        1.0 if scores and lower_is_better(matrix.metric) else -1.0
    )  # of gains the largest, also of an error rate

    def rank(cell: GainCell) -> tuple[bool, float, int]:
        value = shown_value(cell, scores)
        return value is None, best_first * (value or 0.0), place.get(cell.language, len(place))

    lists = []
    for i, row in enumerate(lines(shown, state.order, matrix)):
        cells = sorted((c for c in shown.cells if c.recipe == row.recipe), key=rank)
        head = [html.Span(crossed.row_name(row.recipe, matrix), className="rank-recipe")]
        if not scores:
            head.append(html.Span(f"{gain(row.mean_transfer)} · {crossed.support(row, matrix)}", className="soft"))
        if row.same_data_twice:
            head.append(html.Span(words.SAME_DATA_TWICE, className="soft"))
        if row.not_zero_shot:
            head.append(html.Span(words.not_zero_shot(row), className="soft"))
        items = [_rank_item(c, row, state, ends, matrix) for c in cells]
        lists.append(
            html.Details(
                [html.Summary(head), html.Ol(items, className="ranks"), *_onward(row, matrix, state)],
                open=i == 0,
                className="rank",
            )
        )
    return lists


def _onward(row: RecipeRow, matrix: GainMatrix, state: Explore) -> list[Any]:
    """Where the name of a row leads on a wide screen."""
    if row.recipe == matrix.baseline:
        return []
    named = crossed.row_name(row.recipe, matrix)
    said = f"{named} on every target" if matrix.axes is None else f"Only {named}"
    link = dcc.Link(said, href=crossed.row_address(row.recipe, matrix, state.source))
    return [html.P(link, className="rank-onward")]


def _rank_item(cell: GainCell, row: RecipeRow, state: Explore, ends: tuple[float, float], matrix: GainMatrix) -> Any:
    scores = state.value == "score"
    value = shown_value(cell, scores)
    if value is None:
        bar: Any = html.Span(className=f"rank-bar {_missing_class(cell)}")
        text = words.MISSING[cell.missing or Missing.NOT_RUN]
    else:
        low, high = ends
        zero = 0.0 if scores else 50.0
        at = 100 * (min(high, max(low, value)) - low) / (high - low)
        fill = SEQUENTIAL[80] if scores else colour(SCALES[state.colours], value, low, high)
        style = {"left": f"{min(zero, at):.1f}%", "width": f"{max(1.0, abs(at - zero)):.1f}%", "background": fill}
        bar = html.Span(
            html.Span(className="rank-fill", style=style), className="rank-bar" if scores else "rank-bar rank-zero"
        )
        text = score(value) if scores else interval(value, cell.low, cell.high)
        if not scores and is_finding(cell):
            text += f" {DOT}"
        if crossed.twice(row, cell.language, matrix):
            text += f" {words.TWICE}"
    pale = state.fade != "none" and value is not None and not scores and pales(cell, state.fade)
    parts = [
        html.Span(words.column_name(cell.language), className="rank-name"),
        bar,
        html.Span(text, className="rank-number"),
    ]
    href = replace(state, cell=Cell(cell.recipe, cell.language)).address
    return html.Li(dcc.Link(parts, href=href), className="pale" if pale else None)


def _ranked_costs(matrix: GainMatrix, state: Explore) -> list[Any]:
    """Recipes from cheap to dear: one bar for the cost on its own, in it what is left with the intermediate run shared."""
    longest = max((r.device_hours_marginal or 0.0 for r in matrix.recipes), default=0.0) or 1.0

    def item(row: RecipeRow) -> Any:
        spent, shared = row.device_hours_marginal, row.device_hours_amortised
        if spent is None:
            bar: Any = html.Span(className="rank-bar not-run")
        else:
            widths = (("rank-spent", spent), ("rank-shared", shared or 0.0))
            fills = [
                html.Span(className=f"rank-fill {name}", style={"left": 0, "width": f"{100 * value / longest:.1f}%"})
                for name, value in widths
            ]
            bar = html.Span(fills, className="rank-bar")
        parts = [
            html.Span(crossed.row_name(row.recipe, matrix), className="rank-name"),
            bar,
            html.Span(
                f"{hours(spent)}, shared {hours(shared)}" if spent is not None else hours(None), className="rank-number"
            ),
        ]
        return html.Li(dcc.Link(parts, href=replace(state, cell=Cell(row.recipe, MEAN)).address))

    rows = sorted(matrix.recipes, key=lambda r: (r.device_hours_marginal is None, r.device_hours_marginal or 0.0))
    return [html.Ol([item(r) for r in rows], className="ranks costs")]


def _missing_class(cell: GainCell) -> str:
    return (cell.missing or Missing.NOT_RUN).value.replace("_", "-")


# --- nothing to show -------------------------------------------------------------------------------------------------


def nothing(
    state: Any, problem: CrossliftError | None, *, running: int, experiments: int, elsewhere: bool = False
) -> list[Any]:
    """What, why, next: an empty page that helps. ``elsewhere``: there are results, but not in the chosen languages."""
    if elsewhere:
        return [
            html.H2("No result in these languages"),
            html.P("This model and target have results, but none in the languages that are chosen."),
            html.P("Choose other languages above, or none for all of them."),
        ]
    if problem is not None and not isinstance(problem, NotFound):
        return [
            html.H2("The numbers cannot be read"),
            html.P(problem.detail),
            html.P("This page tries again by itself; what is running goes on running."),
        ]
    if running:
        return [
            html.H2("No score yet"),
            html.P(
                f"{count(running, 'run')} of this benchmark {'is' if running == 1 else 'are'} on the way. A gain needs the "
                "baseline and one recipe, both evaluated in the same language; the first cells appear here by themselves."
            ),
        ]
    if experiments:
        return [
            html.H2("No result for this choice"),
            html.P(f"Nothing was run for it, or nothing has finished{f': {problem.detail}' if problem else '.'}"),
            html.P("Choose another model, target or benchmark above."),
        ]
    return [
        html.H2("Nothing has been run yet"),
        html.P(
            "This page compares what an encoder scores with and without an intermediate task, language by language. "
            "It needs an experiment first."
        ),
        html.P("For a first one, let small encoders learn on the synthetic benchmark; a laptop's processor is enough:"),
        dmc.Code(DEMO, block=True, className="command"),
        html.P("Run this in the folder that you cloned. This page fills itself while it works."),
    ]
