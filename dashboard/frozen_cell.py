"""The drawer of a frozen cell: its title and what was frozen of it, with no link to what is live.

A cell of several targets or models by languages is shown as the cell that it is of its own model and target. A mean over languages is
shown as one: what it is over, its test over seeds, and the gain of each seed.
"""

from __future__ import annotations

from typing import Any

from dash import html

from backend.domain.schemas import GainCell, GainMatrix, RecipeRow, SnapshotContent
from dashboard import apart, crossed, drawer, pinned, seeds, share, words
from dashboard.links import Cell
from dashboard.look import gain, interval, probability, score


def shown(content: SnapshotContent, cell: Cell | None, choice: str | None) -> tuple[Any, Any]:
    """Title and content of the drawer. ``choice``: the languages that are looked at, which means are over."""
    matrix = content.matrix
    if cell is None or matrix is None:
        return None, None
    found = drawer.find_cell(cell, matrix)
    used = {*found.runs, *found.baseline_runs} if found else set()
    title, panel = _panel(cell, matrix, choice)
    body = [panel]
    if used:
        body += [html.H3("Where it comes from"), share.run_table([r for r in content.runs if r.id in used])]
    return title, html.Div(body, className="cell-panel")


def _panel(cell: Cell, matrix: GainMatrix, choice: str | None) -> tuple[Any, Any]:
    if matrix.axes is None:
        return drawer.cell_title(cell), drawer.cell_panel(cell, matrix, choice=choice)
    place = crossed.place(cell, matrix)
    if place is None:
        return html.Span(f"{cell.recipe} → targets"), pinned.row_panel(cell, matrix, None)
    row = next((r for r in matrix.recipes if r.recipe == cell.recipe), None)
    if row is None:
        return pinned.title(place), html.P(f"There is no cell {cell} here.")
    if apart.by_language(matrix):
        own = apart.part(matrix, row)
        return pinned.title(place), drawer.cell_panel(place.cell, own, choice=choice)
    found = drawer.find_cell(cell, matrix)
    panel = html.P(f"There is no cell {cell} here.") if found is None else _mean(found, row, matrix)
    return pinned.title(place), panel


def _mean(cell: GainCell, row: RecipeRow, matrix: GainMatrix) -> Any:
    axes = matrix.axes
    assert axes is not None
    body: list[Any] = [html.P(words.verdict(cell), className="verdict")]
    over = axes.support.get(f"{cell.recipe}.{cell.language}")
    if over is not None:
        said = f"A mean over {axes.over}: {over}, those in which every recipe of this target has a gain."
        body.append(html.P(said, className="soft"))
    if crossed.twice(row, cell.language, matrix):
        body.append(
            html.P("This recipe and this target train on the same data: in no mean over targets.", className="soft")
        )
    if cell.gain is not None and cell.missing is None:
        body.append(_facts(_numbers(cell, matrix.baseline)))
    if cell.differences:
        each = [(p.name, gain(p.gain)) for p in seeds.paired(cell)]
        body += [html.H3("Mean gain of each seed"), _facts(each)]
    return html.Div(body, className="cell-panel")


def _numbers(cell: GainCell, baseline: str) -> list[tuple[str, Any]]:
    facts: list[tuple[str, Any]] = [
        ("Mean gain", html.B(f"{interval(cell.gain, cell.low, cell.high)} points")),
        (f"Score with {cell.recipe}", score(cell.treated)),
        (f"Baseline ({baseline})", score(cell.baseline)),
        ("Seeds", words.seeds(cell.n)),
        ("q over all means", probability(cell.q) if cell.q is not None else "no test below three seeds"),
    ]
    facts += [("p, paired t", probability(cell.p_t))] if cell.p_t is not None else []
    facts += [("p, exact sign flip", probability(cell.p_sign_flip))] if cell.p_sign_flip is not None else []
    facts += [("Detectable gain", f"{score(cell.detectable)} points")] if cell.detectable is not None else []
    return facts


def _facts(facts: list[tuple[str, Any]]) -> Any:
    return html.Dl([html.Div([html.Dt(name), html.Dd(value)]) for name, value in facts], className="facts")
