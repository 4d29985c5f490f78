"""From one cell to others: kept to be compared, its recipe on other targets and with other models, its language."""

from __future__ import annotations

from typing import Any

from dash import dcc, html

from backend.domain.schemas import GainMatrix
from dashboard import crossed, links, words
from dashboard.links import MEAN, Cell, Explore
from dashboard.links.pins import MOST, Pin, Pins
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


def of(pin: Pin) -> dict[str, Any]:
    """What a button that keeps a cell, or lets it go, knows of it."""
    return {"data-pin": str(pin)}


def pin_button(pin: Pin, pins: Pins) -> Any:
    kept = pin in pins.all
    full = not kept and len(pins) >= MOST
    said = "Unpin" if kept else f"{MOST} are pinned" if full else "Pin to compare"
    return html.Button(
        [said, *([] if full else [html.Kbd("P", **aria(hidden="true"))])],
        className="button-link pin-this", type="button", disabled=full, **of(pin), **aria(pressed=str(kept).lower()),
    )  # fmt: skip
