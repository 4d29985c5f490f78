"""From one cell to others: kept to be compared, its recipe on other targets, its language. And cells that are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html

from backend.domain.schemas import GainMatrix
from backend.errors import CrossliftError
from dashboard import crossed, drawer, links, words
from dashboard.client import Client
from dashboard.findings import find
from dashboard.links import MEAN, Cell, Explore
from dashboard.links.pins import MOST, Pin, Pins
from dashboard.look import interval
from dashboard.shell import aria


def more(cell: Cell, matrix: GainMatrix, state: Explore) -> list[Any]:
    """Links and the button of one cell of the matrix of recipes by languages."""
    pin = crossed.Place(matrix.model, matrix.target, cell).pin
    found: list[Any] = [pin_button(pin, state.pins)]
    found.append(
        dcc.Link(
            "On every target", href=crossed.row_address(cell.recipe, matrix, state.source), className="button-link"
        )
    )
    models = Explore(
        source=state.source, model=matrix.model, target=matrix.target, layout="model-language", recipe=cell.recipe
    )
    found.append(dcc.Link("With every model", href=models.address, className="button-link"))
    if cell.language != MEAN:
        name = words.language_name(cell.language)
        found.append(dcc.Link(f"All of {name}", href=links.language(cell.language), className="button-link"))
    return found


def pin_button(pin: Pin, pins: Pins) -> Any:
    kept = pin in pins.all
    full = not kept and len(pins) >= MOST
    said = "Unpin" if kept else f"{MOST} are pinned" if full else "Pin to compare"
    return html.Button(
        [said, *([] if full else [html.Kbd("P", **aria(hidden="true"))])],
        className="button-link pin-this", type="button", disabled=full, **{"data-pin": str(pin)}, **aria(pressed=str(kept).lower()),
    )  # fmt: skip


# --- what is kept ------------------------------------------------------------------------------------------------------


async def strip(api: Client, state: Explore) -> list[Any]:
    """Every cell that is kept with its value, and the way to all of them side by side."""
    if not len(state.pins):
        return []
    cards = [await _card(api, pin, state) for pin in state.pins]
    compare = dcc.Link(
        "Compare", href=links.compare(state.pins, state.source), className="button-link", id="explore-compare"
    )
    head = html.Div(
        [
            html.H2(f"Pinned, {len(cards)} of {MOST}"),
            compare,
            html.Button("Unpin all", className="quiet pin-none", type="button"),
        ],
        className="pinned-head",
    )
    return [head, html.Ul(cards, className="pinned-cards")]


async def _card(api: Client, pin: Pin, state: Explore) -> Any:
    cell = Cell(pin.recipe, pin.language or MEAN)
    there = crossed.Place(pin.model, pin.target, cell).state(state)
    value = await _value(api, there, cell)
    where = "mean of languages" if pin.language is None else words.language_name(pin.language)
    name = f"{pin.recipe} → {where}"
    return html.Li(
        [
            dcc.Link(name, href=there.address, className="pinned-name"),
            html.Span(f"{words.task_title(pin.target)} · {words.model_title(pin.model)}", className="soft"),
            html.B(value, className="pinned-value"),
            html.Button(
                "×", className="pin-this pinned-away", type="button", **{"data-pin": str(pin)},
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
        return "not run" if row is None else f"{interval(row.mean_transfer, None, None)}, {words.support(row)}"
    found = drawer.find_cell(cell, matrix)
    if found is None or found.gain is None or found.missing is not None:
        return words.why_missing(found) if found is not None else "not run"
    return interval(found.gain, found.low, found.high) + (" •" if words.is_finding(found) else "")


# --- a row of targets --------------------------------------------------------------------------------------------------


def row_panel(cell: Cell, matrix: GainMatrix, state: Explore) -> Any:
    """One recipe on every target: its mean over targets, and each target with the way to its languages."""
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
        link = dcc.Link(name, href=place.state(state).address) if place is not None else name
        over = matrix.axes.support.get(f"{c.recipe}.{c.language}")
        lines.append((link, [said + marks, html.Span(f" {over}", className="soft") if over else None]))
    languages = Explore(source=state.source, model=matrix.model, layout="target-language", recipe=row.recipe)
    return html.Div(
        [
            html.P(crossed.row_lines(row, matrix)[1].capitalize() + ".", className="verdict"),
            html.P(f"Each is a mean over {matrix.axes.over}. {words.TWICE} same data twice.", className="soft"),
            drawer.facts(lines),
            html.Div(dcc.Link("By language", href=languages.address, className="button-link"), className="onward"),
        ],
        className="cell-panel",
    )


def title(cell: Cell, place: crossed.Place) -> Any:
    """Of a drawer over a matrix of several targets or models."""
    return html.Span(
        [
            drawer.cell_title(cell),
            dmc.Text(f"{words.task_title(place.target)} · {words.model_title(place.model)}", size="sm", c="dimmed"),
        ]
    )


def keys(pins: Sequence[Pin] | Pins, matrix: GainMatrix | None) -> list[str]:
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
