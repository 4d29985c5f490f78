"""Explore: what an intermediate task is worth, recipe by language.

The address is the state. ``layout`` builds the page from it, and with it everything the first paint shows. A control
that changes asks ``draw`` for the numbers and ``tell`` for the new address, which ``assets/crosslift.js`` puts into the
address bar: a new entry of the history where a target or a cell is opened, else in place of the old one. Going back or
forward builds the page anew from the address.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import dash_ag_grid as dag
import dash_mantine_components as dmc
from dash import (
    ClientsideFunction,
    Input,
    Output,
    State,
    callback,
    clientside_callback,
    dcc,
    html,
    no_update,
    register_page,
)

from backend.domain.gains import ALPHA
from backend.domain.schemas import GainMatrix, RunView
from backend.domain.task import Source
from backend.errors import CrossliftError
from dashboard import controls, figures, links, panels, shell, tables, words
from dashboard.client import client
from dashboard.findings import Shown, find
from dashboard.links import Cell, Explore
from dashboard.look import THEMES

register_page(__name__, path=links.EXPLORE, title=f"Explore · {shell.NAME}", name="Explore")


# --- layout --------------------------------------------------------------------------------------------------------


async def layout(search: str | None = None, **_: object) -> Any:
    shown = await find(client(), Explore.of(search or ""))
    state, matrix = shown.state, shown.matrix
    title, panel = await _cell(state.cell, matrix)
    return html.Div(
        [
            _head(shown),
            controls.filters(shown),
            html.P(_summary(shown), id="explore-summary", role="status", className="summary"),
            html.Div(_nothing(shown), id="explore-nothing", className="nothing"),
            html.Div(_body(shown), id="explore-body", className=_body_class(shown), **_view(state)),
            dmc.Drawer(
                id="explore-drawer",
                opened=state.cell is not None,
                title=title,
                children=panel,
                position="right",
                size="md",
                withOverlay=False,
                lockScroll=False,
                closeOnClickOutside=False,
                closeButtonProps={"aria-label": "Close"},
            ),
            dcc.Store(id="explore-cell", data=str(state.cell or "")),
            dcc.Store(id="explore-digest", data=shown.digest),
            dcc.Store(id="explore-figures", data=_figures(shown)),
            dcc.Store(id="explore-address"),
            dcc.Store(id="explore-asked", data=links.EXPLORE + (search or "")),
            html.Div(id="explore-sink", hidden=True),
            shell.benchmark(
                matrix.benchmark if matrix else None, matrix.synthetic if matrix else state.source == Source.MINI.value
            ),
        ],
        className="page",
    )


def _head(shown: Shown) -> Any:
    return html.Div(
        [
            dmc.Title("What is an intermediate task worth?", order=1),
            html.Span(_badge(shown), id="explore-badge"),
            dmc.Button("Copy link", id="explore-copy", variant="default", size="xs", className="copy"),
        ],
        className="head",
    )


def _badge(shown: Shown) -> Any:
    return shell.synthetic_badge() if shown.matrix is not None and shown.matrix.synthetic else None


def _body(shown: Shown) -> list[Any]:
    return [
        html.Div(shell.graph("explore-graph"), className="figure-box", id="explore-figure"),
        html.Div(_ranked(shown), className="ranked", id="explore-ranked"),
        html.Div(
            dag.AgGrid(
                id="explore-grid",
                rowData=_rows(shown),
                columnDefs=_columns(shown),
                getRowId="params.data.recipe",
                enableEnterpriseModules=False,
                defaultColDef={"sortable": True, "resizable": True, "suppressMovable": True},
                columnSize=None,
                eventListeners={"cellKeyDown": ["crossliftKey(params, setEventData)"]},
                dashGridOptions={
                    "theme": {"function": "crossliftTheme(themeQuartz)"},
                    "domLayout": "autoHeight",
                    "animateRows": False,
                    "tooltipShowDelay": 300,
                },
                style={"width": "100%"},
            ),
            className="table-box",
            id="explore-table",
        ),
        html.P(
            "Gain: score with the intermediate stage minus score without, same model, seeds and settings. "
            f"A dot marks q < {ALPHA:g} (Benjamini–Hochberg over all recipes and languages of this model, target and metric). "
            "Brackets: 95 % interval of one cell. Means are over the languages in which every recipe has a gain, English "
            f"left out. ‡ {words.SAME_DATA_TWICE}: intermediate and target stage train on one data set.",
            className="soft note",
        ),
    ]


# --- parts that change -------------------------------------------------------------------------------------------


def _summary(shown: Shown) -> str:
    return words.summary(shown.matrix, shown.state.value) if shown.matrix is not None and not shown.empty else ""


def _nothing(shown: Shown) -> list[Any]:
    if not shown.empty:
        return []
    return panels.nothing(shown.state, shown.problem, running=shown.running, experiments=shown.experiments)


def _body_class(shown: Shown) -> str:
    return "body is-empty" if shown.empty else "body"


def _view(state: Explore) -> dict[str, Any]:
    return {"data-view": state.view}


def _figures(shown: Shown) -> dict[str, Any] | None:
    """The figure for either scheme: switching needs no new numbers."""
    if shown.matrix is None or shown.empty:
        return None
    draw = figures.score_heatmap if shown.state.value == "score" else figures.gain_heatmap
    return {name: draw(shown.matrix, shown.state.order, theme).to_plotly_json() for name, theme in THEMES.items()}


def _ranked(shown: Shown) -> list[Any]:
    return panels.ranked(shown.matrix, shown.state) if shown.matrix is not None and not shown.empty else []


def _rows(shown: Shown) -> list[dict[str, Any]]:
    return tables.rows(shown.matrix, shown.state) if shown.matrix is not None else []


def _columns(shown: Shown) -> list[dict[str, Any]]:
    return tables.columns(shown.matrix, shown.state) if shown.matrix is not None else []


async def _cell(cell: Cell | None, matrix: GainMatrix | None) -> tuple[Any, Any]:
    """Title and content of the drawer; the costs of at most twelve runs are looked up."""
    if cell is None or matrix is None:
        return None, None
    found = panels.find_cell(cell, matrix)
    runs = await asyncio.gather(*(_run(i) for i in (found.runs[:12] if found else [])))
    return panels.cell_title(cell), panels.cell_panel(cell, matrix, {r.id: r for r in runs if r is not None})


async def _run(id: int) -> RunView | None:
    try:
        return await client().run(id)
    except CrossliftError:
        return None


def _state(values: Sequence[Any], cell: Any = None) -> Explore:
    """What the controls say. They come from a browser: whatever they hold, reading gives a state."""
    said = {**dict(zip(controls.NAMES, values, strict=True)), "cell": cell}
    return Explore.read({name: value for name, value in said.items() if value})


# --- callbacks ------------------------------------------------------------------------------------------------------


@callback(
    Output("explore-figures", "data"),
    Output("explore-grid", "rowData"),
    Output("explore-grid", "columnDefs"),
    Output("explore-ranked", "children"),
    Output("explore-summary", "children"),
    Output("explore-nothing", "children"),
    Output("explore-body", "className"),
    Output("explore-badge", "children"),
    Output("explore-digest", "data"),
    Output("benchmark", "data"),
    Output("explore-model", "data"),
    Output("explore-model", "value"),
    Output("explore-target", "data"),
    Output("explore-target", "value"),
    Output("explore-metric", "data"),
    Output("explore-metric", "value"),
    Input("explore-source", "value"),
    Input("explore-model", "value"),
    Input("explore-target", "value"),
    Input("explore-metric", "value"),
    Input("explore-value", "value"),
    Input("explore-order", "value"),
    Input("pulse", "data"),
    State("explore-view", "value"),
    State("explore-digest", "data"),
    prevent_initial_call=True,
)
async def draw(
    source: Any, model: Any, target: Any, metric: Any, value: Any, order: Any, _: Any, view: Any, last: Any
) -> Any:
    """Everything that shows numbers; nothing, where they are the same as before."""
    shown = await find(client(), _state((source, model, target, metric, value, order, view)))
    if shown.digest == last:
        return (no_update,) * 16
    models, targets, metrics = controls.choices(shown)
    matrix = shown.matrix
    return (
        _figures(shown),
        _rows(shown),
        _columns(shown),
        _ranked(shown),
        _summary(shown),
        _nothing(shown),
        _body_class(shown),
        _badge(shown),
        shown.digest,
        {"name": matrix.benchmark, "synthetic": matrix.synthetic}
        if matrix
        else {"name": None, "synthetic": source == Source.MINI.value},
        models,
        _unless(shown.state.model, model),
        targets,
        _unless(shown.state.target, target),
        metrics,
        _unless(controls.metric(shown), metric),
    )


def _unless(value: Any, said: Any) -> Any:
    """A control is set only to correct it: what is chosen while an answer is under way must not be taken back."""
    return no_update if value == said else value


@callback(
    Output("explore-address", "data"),
    *(Input(f"explore-{name}", "value") for name in controls.NAMES),
    Input("explore-cell", "data"),
)
async def tell(*said: Any) -> str:
    """The address of what is shown."""
    return _state(said[:-1], said[-1]).address


@callback(
    Output("explore-drawer", "opened"),
    Output("explore-drawer", "title"),
    Output("explore-drawer", "children"),
    Input("explore-cell", "data"),
    Input("explore-digest", "data"),
    State("explore-drawer", "opened"),
    *(State(f"explore-{name}", "value") for name in controls.NAMES),
    prevent_initial_call=True,
)
async def open_cell(cell: Any, _: Any, opened: Any, *said: Any) -> Any:
    """The drawer of the chosen cell, kept up to date; shut when none is chosen."""
    state = _state(said, cell)
    if state.cell is None:
        return _unless(False, bool(opened)), no_update, no_update
    shown = await find(client(), state)
    return True, *await _cell(state.cell, shown.matrix)


def _in_browser(name: str, *arguments: Any, **options: Any) -> None:
    clientside_callback(ClientsideFunction("crosslift", name), *arguments, **options)


_in_browser(
    "paint",
    Output("explore-graph", "figure"),
    Output("explore-graph", "style"),
    Input("explore-figures", "data"),
    Input("scheme", "data"),
    Input("explore-cell", "data"),
)
_in_browser(
    "tell", Output("explore-sink", "children"), Input("explore-address", "data"), State("explore-asked", "data")
)
_in_browser("view", Output("explore-body", "data-view"), Input("explore-view", "value"))
_in_browser("copy", Output("explore-copy", "children"), Input("explore-copy", "n_clicks"), prevent_initial_call=True)
_in_browser(
    "choose",
    Input("explore-graph", "clickData"),
    Input("explore-grid", "cellClicked"),
    Input("explore-grid", "eventData"),
    Input("explore-drawer", "opened"),
    State("explore-cell", "data"),
    prevent_initial_call=True,
)
