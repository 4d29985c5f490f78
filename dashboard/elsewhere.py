"""What others made of the same cell and brought in: beside own numbers in the drawer, in none of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import dcc, html

from backend.domain.schemas import GainCell, GainMatrix
from backend.errors import CrossliftError
from dashboard import links, words
from dashboard.client import Client
from dashboard.look import gain, interval, score

MOST = 4  # sources that are looked up


def to_come(matrix: GainMatrix, cell: GainCell) -> list[Any]:
    """The place of the section, and what is to be asked for it. It shows nothing where nothing was imported."""
    asked = {"model": matrix.model, "target": matrix.target, "metric": matrix.metric, "recipe": cell.recipe,
             "language": cell.language, "treated": cell.treated}  # fmt: skip
    return [dcc.Store(id="explore-elsewhere-of", data=asked), html.Div(id="explore-elsewhere")]


async def read(client: Client, asked: Mapping[str, Any]) -> list[Any]:
    """The imported scores of the same model, recipe, target, metric and language, source by source."""
    key = {name: str(asked.get(name)) for name in ("model", "target", "metric")}
    try:
        choices = await client.imported_choices()
        sources = [c.source for c in choices if {"model": c.model, "target": c.target, "metric": c.metric} == key][
            :MOST
        ]
        found = [(source, await client.imported_gains(source=source, **key)) for source in sources]
    except CrossliftError:
        return []
    lines = [line for source, matrix in found if (line := _line(source, matrix, asked)) is not None]
    if not lines:
        return []
    there = links.Imports(model=key["model"], target=key["target"]).address
    return [
        html.H3("Made elsewhere"),
        html.Dl(lines, className="facts"),
        html.P(["Imported, and in no number above: ", dcc.Link("all of them", href=there), "."], className="soft"),
    ]


def _line(source: str, matrix: GainMatrix, asked: Mapping[str, Any]) -> Any:
    cell = next(
        (c for c in matrix.cells if (c.recipe, c.language) == (asked.get("recipe"), asked.get("language"))), None
    )
    if cell is None or cell.treated is None:
        return None
    own = asked.get("treated")
    apart = f", ours {gain(own - cell.treated)}" if isinstance(own, (int, float)) else ""
    said = interval(cell.gain, cell.low, cell.high) if cell.gain is not None else words.why_missing(cell)
    return html.Div([html.Dt(source), html.Dd([html.B(said), f" · score {score(cell.treated)}{apart}"])])
