"""What stands beside the figures of a page: the table with the same numbers, the ranked lists that replace a heatmap on a
phone, what is known of one cell, and what to say when there is nothing to show. Schemas in, components out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html

from backend.domain.gains import Missing
from backend.domain.language import LANGUAGES
from backend.domain.schemas import GainCell, GainMatrix, RecipeRow, RunView
from backend.errors import CrossliftError, NotFound
from dashboard import links, words
from dashboard.figures import gain_range, is_finding, languages, score_matrix, score_range, shown_value
from dashboard.links import Cell, Explore
from dashboard.look import DIVERGING, SEQUENTIAL, colour, count, gain, hours, interval, probability, score
from dashboard.shell import aria

DEMO = "make demo"
DOT = "•"


# --- ranked lists --------------------------------------------------------------------------------------------------


def ranked(matrix: GainMatrix, state: Explore) -> list[Any]:
    """A list a recipe, languages from best to worst with bars from a common zero: the heatmap of a narrow screen."""
    scores = state.value == "score"
    shown = score_matrix(matrix) if scores else matrix
    end, _ = gain_range(matrix)
    ends = score_range([c.treated for c in shown.cells if c.treated is not None]) if scores else (-end, end)
    place = {code: i for i, code in enumerate(languages(matrix, state.order))}

    def rank(cell: GainCell) -> tuple[bool, float, int]:
        value = shown_value(cell, scores)
        return value is None, -(value or 0.0), place.get(cell.language, len(place))

    lists = []
    for i, row in enumerate(shown.recipes):
        cells = sorted((c for c in shown.cells if c.recipe == row.recipe), key=rank)
        head = [html.Span(row.recipe, className="rank-recipe")]
        if not scores:
            head.append(html.Span(f"{gain(row.mean_transfer)} · {words.support(row)}", className="soft"))
        if row.same_data_twice:
            head.append(html.Span(words.SAME_DATA_TWICE, className="soft"))
        items = [_rank_item(c, state, ends) for c in cells]
        lists.append(
            html.Details([html.Summary(head), html.Ol(items, className="ranks")], open=i == 0, className="rank")
        )
    return lists


def _rank_item(cell: GainCell, state: Explore, ends: tuple[float, float]) -> Any:
    scores = state.value == "score"
    value = shown_value(cell, scores)
    if value is None:
        bar: Any = html.Span(className=f"rank-bar {_missing_class(cell)}")
        text = words.MISSING[cell.missing or Missing.NOT_RUN]
    else:
        low, high = ends
        zero = 0.0 if scores else 50.0
        at = 100 * (min(high, max(low, value)) - low) / (high - low)
        fill = SEQUENTIAL[80] if scores else colour(DIVERGING, value, low, high)
        style = {"left": f"{min(zero, at):.1f}%", "width": f"{max(1.0, abs(at - zero)):.1f}%", "background": fill}
        bar = html.Span(
            html.Span(className="rank-fill", style=style), className="rank-bar" if scores else "rank-bar rank-zero"
        )
        text = score(value) if scores else interval(value, cell.low, cell.high)
        if not scores and is_finding(cell):
            text += f" {DOT}"
    parts = [
        html.Span(words.language_name(cell.language), className="rank-name"),
        bar,
        html.Span(text, className="rank-number"),
    ]
    return html.Li(dcc.Link(parts, href=replace(state, cell=Cell(cell.recipe, cell.language)).address))


def _missing_class(cell: GainCell) -> str:
    return (cell.missing or Missing.NOT_RUN).value.replace("_", "-")


# --- one cell ------------------------------------------------------------------------------------------------------


def cell_title(cell: Cell) -> Any:
    """``mnli → Swahili · Kiswahili``: the endonym in its own language and direction."""
    language = LANGUAGES.get(cell.language)
    parts: list[Any] = [f"{cell.recipe} → {words.language_name(cell.language)}"]
    if language is not None and language.endonym != language.name:
        parts += [" ", html.Bdi(language.endonym, lang=language.code, dir=language.direction, className="endonym")]
    return html.Span(parts)


def find_cell(cell: Cell, matrix: GainMatrix) -> GainCell | None:
    """The named cell, of a recipe or of the baseline."""
    every = score_matrix(matrix).cells if cell.recipe == matrix.baseline else matrix.cells
    return next((c for c in every if (c.recipe, c.language) == (cell.recipe, cell.language)), None)


def cell_panel(cell: Cell, matrix: GainMatrix, runs: Mapping[int, RunView]) -> Any:
    """Everything that is known of one cell. ``runs``: those of its runs that could be read."""
    base = cell.recipe == matrix.baseline
    shown = score_matrix(matrix) if base else matrix
    row = next((r for r in shown.recipes if r.recipe == cell.recipe), None)
    found = find_cell(cell, matrix)
    if row is None or found is None:
        return html.P(f"There is no cell {cell} for this model and target.")
    facts: list[tuple[str, Any]] = []
    if found.gain is not None and found.missing is None:
        facts += [
            ("Gain", html.B(interval(found.gain, found.low, found.high) + " points")),
            (f"Score with {found.recipe}", score(found.treated)),
            (f"Baseline ({matrix.baseline})", score(found.baseline)),
            ("Seeds", words.seeds(found.n)),
            ("q in the whole grid", probability(found.q) if found.q is not None else "no test below three seeds"),
        ]
        if found.p_t is not None:
            facts.append(("p, paired t", probability(found.p_t)))
        if found.p_sign_flip is not None:
            facts.append(("p, exact sign flip", probability(found.p_sign_flip)))
        if found.detectable is not None:
            facts.append(("Detectable gain", f"{score(found.detectable)} points"))
        if found.examples is not None:
            facts.append(("Test examples", f"{found.examples:,}"))
    else:
        if found.treated is not None:
            facts.append(("Score" if base else f"Score with {found.recipe}", score(found.treated)))
        if found.baseline is not None:
            facts.append((f"Baseline ({matrix.baseline})", score(found.baseline)))
    verdict = "The baseline: no intermediate task." if base else words.verdict(found)
    body: list[Any] = [html.P(verdict, className="verdict")]
    if row.same_data_twice:
        twice = "This recipe and this target train on the same data: such gains are left out of headline means."
        body.append(html.P(twice, className="soft"))
    if matrix.synthetic:
        body.append(html.P(f"{matrix.benchmark} is a {words.SYNTHETIC}.", className="soft"))
    if facts:
        body.append(_facts(facts))
    if found.differences:
        body += [html.H3("Each seed"), _seeds(found)]
    if not base:
        body += [html.H3("Cost of the recipe"), _cost(row, [runs[i] for i in found.runs if i in runs])]
    if found.runs or found.baseline_runs:
        body += [html.H3("Runs"), _runs("This cell" if base else "With the recipe", found.runs)]
        body += [] if base else [_runs("Baseline", found.baseline_runs)]
    return html.Div(body, className="cell-panel")


def _facts(facts: Sequence[tuple[str, Any]]) -> Any:
    return html.Dl([html.Div([html.Dt(name), html.Dd(value)]) for name, value in facts], className="facts")


def _seeds(cell: GainCell) -> Any:
    size = max((abs(d) for d in cell.differences), default=1.0) or 1.0

    def bar(difference: float) -> Any:
        width = 50 * abs(difference) / size
        left = 50 if difference >= 0 else 50 - width
        fill = colour(DIVERGING, difference, -size * 1.4, size * 1.4)
        style = {"left": f"{left:.1f}%", "width": f"{max(width, 1):.1f}%", "background": fill}
        return html.Span(html.Span(className="rank-fill", style=style), className="rank-bar rank-zero")

    lines = [
        html.Tr([html.Th("none" if seed is None else str(seed), scope="row"), html.Td(gain(d)), html.Td(bar(d))])
        for seed, d in zip(cell.seeds, cell.differences, strict=False)
    ]
    head = html.Thead(
        html.Tr(
            [
                html.Th("Seed", scope="col"),
                html.Th("Gain", scope="col"),
                html.Th(className="wide", **aria(hidden="true")),
            ]
        )
    )
    return html.Table([head, html.Tbody(lines)], className="seeds")


def _cost(row: RecipeRow, runs: Sequence[RunView]) -> Any:
    costs = [r.cost for r in runs if r.cost is not None]
    facts: list[tuple[str, Any]] = [
        ("Device time, on its own", hours(row.device_hours_marginal)),
        ("Device time, intermediate run shared out", hours(row.device_hours_amortised)),
    ]
    if costs:
        devices = sorted({f"{c.device} ({c.device_class.value}, {c.precision})" for c in costs})
        facts.append(("Device", ", ".join(devices)))
        joules = [c.energy_joules for c in costs]
        known = [j for j in joules if j is not None]
        facts.append(
            ("Energy of evaluation", f"{sum(known) / 3600:.2g} Wh" if len(known) == len(joules) else "not measured")
        )
    return _facts(facts)


def _runs(label: str, ids: Sequence[int]) -> Any:
    if not ids:
        return html.P([label, ": none"], className="soft")
    shown = [html.A(f"#{i}", href=links.api(f"runs/{i}")) for i in ids]
    return html.P([f"{label}: ", *(part for link in shown for part in (link, " "))], className="run-links")


# --- nothing to show -------------------------------------------------------------------------------------------------


def nothing(state: Explore, problem: CrossliftError | None, *, running: int, experiments: int) -> list[Any]:
    """What, why, next: an empty page that helps."""
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
