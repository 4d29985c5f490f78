"""Parts of Explore that are made when they are looked at: the grid, the lists of a narrow screen, what stands below, the drawer, kept cells.

And what the controls say, which each of them is asked with.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from dash import Input, Output, State, callback, dcc, html, no_update

from dashboard import below, controls, crossed, drawer, panels, pinned, shell, tables
from dashboard.client import client
from dashboard.findings import Shown, find
from dashboard.links import Explore

CONTROLS = {name: (f"explore-{name}", holds) for name, holds in controls.CONTROLS.items()}


def of_one_recipe(said: Mapping[str, Any]) -> bool:
    """Whether one recipe is looked at alone; else its control is hidden, and correcting it would only ask again."""
    return said["layout"] in crossed.ONE_RECIPE or said["below"] not in (None, "none")


def state_of(values: Sequence[Any], cell: Any = None, pins: Any = None) -> Explore:
    """What the controls say. They come from a browser: whatever they hold, reading gives a state."""
    said: dict[str, Any] = {**dict(zip(controls.CONTROLS, values, strict=True)), "cell": cell, "pins": pins}
    if not of_one_recipe(said):
        said["recipe"] = None
    said["published"] = "off" if said["published"] is False else None
    chosen = said["languages"]
    said["languages"] = ",".join(map(str, chosen)) if isinstance(chosen, list) else None
    return Explore.read({name: value for name, value in said.items() if value})


def _ranked(shown: Shown) -> list[Any]:
    return panels.ranked(shown.matrix, shown.state) if shown.matrix is not None and not shown.empty else []


def grid_rows(shown: Shown) -> list[dict[str, Any]]:
    return tables.rows(shown.matrix, shown.state) if shown.matrix is not None else []


def grid_columns(shown: Shown) -> list[dict[str, Any]]:
    return tables.columns(shown.matrix, shown.state) if shown.matrix is not None else []


async def cell_panel(shown: Shown) -> tuple[Any, Any]:
    """Title and content of the drawer. Of another layout it is that of the cell where the numbers stand."""
    cell, matrix = shown.state.cell, shown.matrix
    if cell is None or matrix is None:
        return None, None
    if matrix.axes is None:
        return drawer.cell_title(cell), drawer.cell_panel(cell, matrix, state=shown.state)
    if (place := crossed.place(cell, matrix)) is None:
        return html.Span(f"{cell.recipe} → targets"), pinned.row_panel(cell, matrix, shown.state)
    there = await find(client(), place.state(shown.state), fresh=False)
    if there.matrix is None or (there.matrix.model, there.matrix.target) != (place.model, place.target):
        return pinned.title(place), html.P(f"There is no cell {cell} here.")
    return pinned.title(place), drawer.cell_panel(place.cell, there.matrix, state=there.state)


@callback(
    Output("explore-grid", "rowData"),
    Output("explore-grid", "columnDefs"),
    Output("explore-tabled", "data"),
    Input("explore-table-due", "data"),
    State("explore-tabled", "data"),
    *(State(*control) for control in CONTROLS.values()),
    prevent_initial_call=True,
)
async def table(due: Any, tabled: Any, *said: Any) -> Any:
    """The grid with the same numbers, where it is looked at: filling one that is hidden costs as much."""
    wanted = due if isinstance(due, list) and len(due) == 2 else None
    if wanted is None or wanted == tabled:
        return no_update, no_update, no_update
    before = tabled if isinstance(tabled, list) else [None, None]
    shown = await find(client(), state_of(said), fresh=False)
    return (
        no_update if wanted[0] == before[0] else grid_rows(shown),
        no_update if wanted[1] == before[1] else grid_columns(shown),
        wanted,
    )


def grid_digests(digests: Any) -> list[Any] | None:
    """What the grid shows, in digests: its rows and its columns."""
    return [digests.get("rows"), digests.get("columns")] if isinstance(digests, dict) else None


@callback(
    Output("explore-ranked", "children"),
    Output("explore-listed", "data"),
    Input("explore-lists-due", "data"),
    State("explore-pins", "data"),
    *(State(*control) for control in CONTROLS.values()),
    prevent_initial_call=True,
)
async def ranked(due: Any, pins: Any, *said: Any) -> Any:
    """The lists that a narrow screen has in place of the figure: long, so nobody else is sent them."""
    if not isinstance(due, str):
        return no_update, no_update
    return _ranked(await find(client(), state_of(said, pins=pins), fresh=False)), due


@callback(
    Output("explore-pinned", "children"),
    Input("explore-pinned-due", "data"),
    State("explore-pins", "data"),
    *(State(*control) for control in CONTROLS.values()),
    prevent_initial_call=True,
)
async def kept(_: Any, pins: Any, *said: Any) -> Any:
    """The cells that are kept, with what they are worth now."""
    return await pinned.strip(client(), state_of(said, pins=pins))


@callback(
    Output("explore-below-box", "children"),
    Input("explore-below-due", "data"),
    *(State(*control) for control in CONTROLS.values()),
    prevent_initial_call=True,
)
async def beneath(_: Any, *said: Any) -> Any:
    """What is drawn below the heatmap, once somebody asks for it."""
    shown = await find(client(), state_of(said), fresh=False)
    if shown.state.below == "none" or shown.matrix is None or shown.matrix.axes is not None:
        return []
    drawing = await asyncio.to_thread(below.drawing, shown.matrix, shown.state)
    words_of = html.P(below.said(shown.matrix, shown.state), className="soft", role="status")
    if drawing is None:
        return [words_of]
    return [
        words_of,
        shell.live("explore-beneath", "scheme"),
        dcc.Store(id="explore-beneath-figures", data=drawing),
        html.Div(shell.graph("explore-beneath"), className="figure-below"),
    ]


@callback(
    Output("explore-drawer", "opened"),
    Output("explore-drawer", "title"),
    Output("explore-drawer", "children"),
    Input("explore-drawer-due", "data"),
    State("explore-cell", "data"),
    State("explore-drawer", "opened"),
    State("explore-pins", "data"),
    *(State(*control) for control in CONTROLS.values()),
    prevent_initial_call=True,
)
async def open_cell(_: Any, cell: Any, opened: Any, pins: Any, *said: Any) -> Any:
    """The drawer of the chosen cell, kept up to date; shut when none is chosen."""
    state = state_of(said, cell, pins)
    if state.cell is None:
        return False if opened else no_update, no_update, no_update
    return True, *await cell_panel(await find(client(), state, fresh=False))
