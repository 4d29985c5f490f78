"""Cells that a reader keeps, with their values; and one recipe on every target, from where they are chosen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html

from backend.domain.schemas import GainMatrix
from backend.domain.tasks import TASKS
from backend.errors import CrossliftError
from dashboard import crossed, drawer, links, onward, words
from dashboard.client import Client
from dashboard.findings import Shown, find
from dashboard.links import MEAN, Cell, Explore
from dashboard.links.pins import MOST, Pin, Pins
from dashboard.links.pins import NONE as NO_PINS
from dashboard.look import gain, interval
from dashboard.shell import aria

# --- what is kept ------------------------------------------------------------------------------------------------------


def toggled(shown: Shown, asked: Any) -> Pins:
    """What is kept after one more, or one less: named as an address names it (``pin``), or as a cell of the matrix (``cell``)."""
    pins = shown.state.pins
    if not isinstance(asked, dict):
        return pins
    if asked.get("none") is True:
        return NO_PINS
    named = Pins.read(str(asked.get("pin") or ""))
    if named is None and (cell := Cell.read(str(asked.get("cell") or ""))) is not None and shown.matrix is not None:
        place = crossed.place(cell, shown.matrix)
        known = place is not None and place.cell.recipe != shown.matrix.baseline
        named = Pins((place.pin,)) if place is not None and known else None
    return pins.toggled(named.all[0]) if named is not None else pins


def done(shown: Shown, due: Any, since: Any) -> tuple[Pins, float]:
    """What is kept after all that was asked for after ``since``, in the browser's milliseconds, and when the last of it was."""
    at = float(since) if isinstance(since, int | float) else 0.0
    for asked in due if isinstance(due, list) else ():
        if isinstance(asked, dict) and isinstance(then := asked.get("at"), int) and then > at:
            shown, at = replace(shown, state=replace(shown.state, pins=toggled(shown, asked))), float(then)
    return shown.state.pins, at


async def strip(api: Client, state: Explore) -> list[Any]:
    """Every cell that is kept with its value, and the way to all of them side by side."""
    if not len(state.pins):
        return []
    cards = [await _card(api, pin, state) for pin in state.pins]
    there = links.compare(state.pins, state.source, state.metric)
    compare = dcc.Link("Compare", href=there, className="button-link", id="explore-compare")
    head = html.Div(
        [
            html.H2(f"Pinned, {len(cards)} of {MOST}"),
            compare,
            html.Button("Unpin all", className="quiet pin-none", type="button"),
        ],
        className="kept-head",
    )
    return [head, html.Ul(cards, className="kept-cards")]


def at(pin: Pin, state: Explore) -> Explore:
    """Where a kept cell stands, by the metric that is looked at, if its target has that."""
    there = crossed.Place(pin.model, pin.target, Cell(pin.recipe, pin.language or MEAN)).state(state)
    known = pin.target in TASKS and state.metric in TASKS[pin.target].metrics
    return replace(there, metric=state.metric) if known else there


async def _card(api: Client, pin: Pin, state: Explore) -> Any:
    cell = Cell(pin.recipe, pin.language or MEAN)
    there = at(pin, state)
    metric = f", {words.metric_title(there.metric)}" if there.metric is not None else ""
    value = await _value(api, there, cell)
    where = "mean of languages" if pin.language is None else words.language_name(pin.language)
    name = f"{pin.recipe} → {where}"
    return html.Li(
        [
            dcc.Link(name, href=there.address, className="kept-name"),
            html.Span(f"{words.task_title(pin.target)}{metric} · {words.model_title(pin.model)}", className="soft"),
            html.B(value, className="kept-value"),
            html.Button(
                "×", className="pin-this kept-away", type="button", **onward.of(pin),
                **aria(label=f"Unpin {name}, {words.task_title(pin.target)}, {words.model_title(pin.model)}"),
            ),
        ]
    )  # fmt: skip


async def _value(api: Client, state: Explore, cell: Cell) -> str:
    """Its gain with the interval, or why it has none."""
    try:
        shown = await find(api, state, fresh=False)
    except CrossliftError as error:
        return error.detail
    matrix = shown.matrix
    if matrix is None or (matrix.model, matrix.target) != (state.model, state.target):
        return "not run"
    if cell.language == MEAN:
        row = next((r for r in matrix.recipes if r.recipe == cell.recipe), None)
        return "not run" if row is None else f"{gain(row.mean_transfer)}, {words.support(row)}"
    found = drawer.find_cell(cell, matrix)
    if found is None or found.gain is None or found.missing is not None:
        return words.why_missing(found) if found is not None else "not run"
    return interval(found.gain, found.low, found.high) + (" •" if words.is_finding(found) else "")


# --- a row of targets --------------------------------------------------------------------------------------------------


def row_panel(cell: Cell, matrix: GainMatrix, state: Explore | None) -> Any:
    """One recipe on every target: its mean over targets, and each target with the way to its languages. ``state``: None where it is
    frozen, and nothing leads anywhere."""
    row = next((r for r in matrix.recipes if r.recipe == cell.recipe), None)
    if row is None or matrix.axes is None:
        return html.P(f"There is no recipe {cell.recipe} here.")
    cells = [c for c in matrix.cells if c.recipe == row.recipe]
    lines = []
    for c in sorted(cells, key=lambda c: (c.gain is None, -(c.gain or 0.0))):
        place = crossed.place(Cell(c.recipe, c.language), matrix)
        name = words.task_title(c.language)
        said = interval(c.gain, c.low, c.high) if c.gain is not None else words.why_missing(c)
        marks = (" •" if words.is_finding(c) else "") + (
            f" {words.TWICE}" if crossed.twice(row, c.language, matrix) else ""
        )
        link = dcc.Link(name, href=place.state(state).address) if place is not None and state is not None else name
        over = matrix.axes.support.get(f"{c.recipe}.{c.language}")
        lines.append((link, [said + marks, html.Span(f" {over}", className="soft") if over else None]))
    return html.Div(
        [
            html.P(crossed.row_lines(row, matrix)[1].capitalize() + ".", className="verdict"),
            html.P(f"Each is a mean over {matrix.axes.over}. {words.TWICE} same data twice.", className="soft"),
            html.Dl([html.Div([html.Dt(name), html.Dd(said)]) for name, said in lines], className="facts"),
            _by_language(row.recipe, matrix, state) if state is not None else None,
        ],
        className="cell-panel",
    )


def _by_language(recipe: str, matrix: GainMatrix, state: Explore) -> Any:
    there = Explore(source=state.source, model=matrix.model, layout="target-language", recipe=recipe)
    return html.Div(dcc.Link("By language", href=there.address, className="button-link"), className="onward")


def title(place: crossed.Place) -> Any:
    """Of a drawer over a matrix of several targets or models."""
    return html.Span(
        [
            drawer.cell_title(place.cell),
            dmc.Text(f"{words.task_title(place.target)} · {words.model_title(place.model)}", size="sm", c="dimmed"),
        ]
    )


def keys(pins: Pins, matrix: GainMatrix | None) -> list[str]:
    """What is kept, by the names of the cells of this matrix: those that are in it."""
    if matrix is None:
        return []
    wanted = set(pins)
    every = [(c.recipe, c.language) for c in matrix.cells] + [(r.recipe, MEAN) for r in matrix.recipes]
    found = []
    for name, column in every if wanted else ():
        place = crossed.place(Cell(name, column), matrix)
        if place is not None and place.pin in wanted:
            found.append(f"{name}.{column}")
    return found
