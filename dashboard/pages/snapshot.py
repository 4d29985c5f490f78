"""A frozen result behind a share link: the figures of the live pages, from numbers that do not change.

Everything is asked for by the token at each step, so that a link taken back shows nothing from then on. Controls change
how the numbers are shown, never which. A token is in the address and in what this page sends to its own server: in no
link to elsewhere.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

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

from backend.domain.schemas import Shared, SnapshotContent
from backend.errors import CrossliftError, NotFound
from dashboard import controls, frozen, frozen_cell, links, newer, offline, orders, share, shell
from dashboard.client import client
from dashboard.exports import frozen_files
from dashboard.links import Cell
from dashboard.shell import aria, data
from dashboard.tradeoff_controls import axes

register_page(__name__, path_template=links.SHARED + "<token>", title=f"Shared result · {shell.NAME}", name="Shared")

COSTS = {"marginal": "On its own", "amortised": "Shared out"}
NAMES = ("order", "value", "x", "cost", "view")
FEW = 16  # runs that are listed without being asked
FIRST = {"explore": "heatmap", "tradeoff": "figure"}  # what the view is called that is no table


async def layout(token: str | None = None, search: str | None = None, **_: object) -> Any:
    try:
        shared, _text = await client().shared(token or "", peek=False)
    except CrossliftError as error:
        return refused(error)
    content = shared.content
    state = frozen.sliced(content, search or "")
    cell = getattr(state, "cell", None)
    title, panel = frozen_cell.shown(content, cell, state.languages)
    return html.Div(
        [
            html.P(
                [offline.banner(shared), " ", html.Code(shared.sha256, className="sha")],
                className="frozen-banner",
                id="frozen-banner",
            ),
            newer.place(),
            html.Div(
                [
                    dmc.Title(shared.title, order=1),
                    shell.synthetic_badge() if content.synthetic else None,
                    html.A("Open the live view", href=content.view, className="copy live-link"),
                ],
                className="head",
            ),
            *(html.P(line, className="frozen-note") for line in shared.note.splitlines() if line.strip()),
            _controls(content, state),
            html.P(frozen.summary(content, state), id="frozen-summary", role="status", className="summary"),
            html.Div(
                [
                    html.Div(shell.graph("frozen-graph"), className="figure-box frozen-figure"),
                    html.Div(_table(content, state), className="table-box frozen-table", id="frozen-table"),
                ],
                id="frozen-body",
                className="body frozen-body",
                **data(view="table" if state.view == "table" else "heatmap"),
            ),
            html.Div(
                await frozen_files.listing(shared, token or "", links.shared(token or "") + (search or "")),
                id="frozen-files",
                className="frozen-files",
            ),
            _provenance(shared),
            dmc.Drawer(
                id="frozen-drawer",
                opened=cell is not None and content.matrix is not None,
                title=title,
                children=panel,
                position="right",
                size="md",
                withOverlay=False,
                lockScroll=False,
                closeOnClickOutside=False,
                closeButtonProps={"aria-label": "Close"},
            ),
            dcc.Store(id="frozen-token", data=token),
            dcc.Store(id="frozen-cell", data=str(cell or "")),
            dcc.Store(id="frozen-figures", data=frozen.draw(content, state)),
            dcc.Store(id="frozen-address"),
            dcc.Store(id="frozen-asked", data=links.shared(token or "") + (search or "")),
            html.Div(id="frozen-sink", hidden=True),
            shell.live("frozen"),
            shell.benchmark(content.benchmark, content.synthetic),
        ],
        className="page frozen",
    )


def refused(error: CrossliftError) -> Any:
    """Unknown, revoked and expired look alike; anything else says what it is."""
    gone = isinstance(error, NotFound)
    return html.Div(
        [
            dmc.Title("This link shows nothing" if gone else "This result cannot be read now", order=1),
            html.P(
                "It is not one of ours, was taken back, or has expired; which of these is not said. Whoever sent it to you can "
                "make another."
                if gone
                else error.detail
            ),
        ],
        className="page frozen-refused",
    )


def _controls(content: SnapshotContent, state: Any) -> Any:
    def choose(name: str, label: str, options: dict[str, str], value: str, *, shown: bool) -> Any:
        offered = [{"value": v, "label": text} for v, text in options.items()]
        if value not in options:
            offered.append({"value": value, "label": value.capitalize()})
        control = dmc.SegmentedControl(id=f"frozen-{name}", data=offered, value=value, size="sm", **aria(label=label))
        parts = [html.Span(label, className="pick-label", **aria(hidden="true")), control]
        return html.Div(parts, className="choose", hidden=not shown)

    cells = content.matrix is not None
    return html.Div(
        [
            choose("value", "Show", controls.VALUES, getattr(state, "value", "gain"), shown=cells),
            choose("order", *_orders(content), getattr(state, "order", "family"), shown=cells),
            html.Div(
                controls.pick("frozen-x", "Against", axes(content.points or (), state), getattr(state, "x", None)),
                className="pick-box",
                hidden=cells,
            ),
            choose("cost", "Device time", COSTS, getattr(state, "cost", "marginal"), shown=not cells),
            choose("view", "As", {FIRST[content.kind]: "Figure", "table": "Table"}, state.view, shown=True),
        ],
        className="filters",
        role="group",
        **aria(label="How to show it"),
    )


def _orders(content: SnapshotContent) -> tuple[str, dict[str, str]]:
    """What columns can stand by, and what that is called."""
    if content.matrix is not None and orders.of_targets(content.matrix):
        return "Targets by", {"family": "Kind"} | {name: controls.ORDERS[name] for name in ("gain", "cluster", "name")}
    return "Languages by", controls.ORDERS


def _table(content: SnapshotContent, state: Any) -> Any:
    """Every number, one row each; a cell opens from its row."""
    table = frozen.table(content, state)

    def line(i: int, row: tuple[str, ...]) -> Any:
        first: Any = row[0]
        if table.keys:
            first = html.Button(row[0], className="cell-button", type="button", **data(cell=table.keys[i]))
        cells = [
            html.Td(text, className="number" if j in table.numbers else None) for j, text in enumerate(row) if j > 0
        ]
        return html.Tr([html.Th(first, scope="row"), *cells])

    head = html.Thead(
        html.Tr(
            [
                html.Th(n, scope="col", className="number" if j in table.numbers else None)
                for j, n in enumerate(table.head)
            ]
        )
    )
    body = html.Tbody([line(i, row) for i, row in enumerate(table.rows)])
    return html.Div(
        html.Table([head, body], className="plain-table"),
        className="scroll",
        role="region",
        tabIndex="0",
        **aria(label="Every number"),
    )


def _provenance(shared: Shared) -> Any:
    content = shared.content
    expires = offline.moment(shared.expires_at) if shared.expires_at else "never, unless it is taken back"
    facts = [*share.contents(content), ("Frozen", offline.moment(shared.frozen_at)), ("Link ends", expires)]
    return html.Div(
        [
            html.H2("Where the numbers come from"),
            html.Dl([html.Div([html.Dt(n), html.Dd(v)]) for n, v in facts], className="facts share-facts"),
            html.Details(
                [html.Summary(share.runs_in_words(content)), share.run_table(content.runs)],
                open=len(content.runs) <= FEW,
                className="share-all",
            ),
        ],
        className="frozen-provenance",
    )


def _languages(content: SnapshotContent) -> str | None:
    """Those that a frozen matrix is looked at in, which no reader changes."""
    return frozen.state(content).languages if content.matrix is not None else None


def _chosen(content: SnapshotContent, values: Any, cell: Any) -> Any:
    """What the controls say. They come from a browser: whatever they hold, reading gives a state."""
    base = frozen.state(content)
    said = {n: v for n, v in zip(NAMES, values, strict=True) if isinstance(v, str) and v}
    state = type(base).read({**said, "cell": cell} if cell else said)
    names = {name for name in (*NAMES, "cell") if hasattr(base, name)}
    return replace(base, **{name: getattr(state, name) for name in names})


# --- callbacks ---------------------------------------------------------------------------------------------------------


@callback(
    Output("frozen-figures", "data"),
    Output("frozen-table", "children"),
    Output("frozen-summary", "children"),
    *(Input(f"frozen-{name}", "value") for name in NAMES),
    State("frozen-token", "data"),
    prevent_initial_call=True,
)
async def draw(*said: Any) -> Any:
    try:
        shared, _ = await client().shared(str(said[-1]))
    except CrossliftError:
        return None, None, "This link shows nothing any more."
    state = _chosen(shared.content, said[:-1], None)
    return frozen.draw(shared.content, state), _table(shared.content, state), frozen.summary(shared.content, state)


@callback(
    Output("frozen-address", "data"),
    *(Input(f"frozen-{name}", "value") for name in NAMES),
    Input("frozen-cell", "data"),
    State("frozen-token", "data"),
)
async def tell(*said: Any) -> Any:
    """The address of what is shown."""
    try:
        shared, _ = await client().shared(str(said[-1]))
    except CrossliftError:
        return no_update
    state = _chosen(shared.content, said[:-2], said[-2])
    return links.slice(str(said[-1]), state, frozen.state(shared.content))


@callback(
    Output("frozen-files", "children"),
    Input("frozen-address", "data"),
    State("frozen-token", "data"),
    prevent_initial_call=True,
)
async def follow(address: Any, token: Any) -> Any:
    """Files are of what is shown."""
    try:
        shared, _ = await client().shared(str(token))
    except CrossliftError:
        return None
    state = links.shared(str(token))
    asked = address if isinstance(address, str) and address.partition("?")[0] == state else state
    return await frozen_files.listing(shared, str(token), asked)


@callback(
    Output("frozen-drawer", "opened"),
    Output("frozen-drawer", "title"),
    Output("frozen-drawer", "children"),
    Input("frozen-cell", "data"),
    State("frozen-token", "data"),
    prevent_initial_call=True,
)
async def open_cell(cell: Any, token: Any) -> Any:
    chosen = Cell.read(cell) if isinstance(cell, str) and cell else None
    if chosen is None:
        return False, no_update, no_update
    try:
        shared, _ = await client().shared(str(token))
    except CrossliftError:
        return False, no_update, no_update
    return True, *frozen_cell.shown(shared.content, chosen, _languages(shared.content))


clientside_callback(
    ClientsideFunction("crosslift", "paint"),
    Output("frozen-graph", "figure"),
    Output("frozen-graph", "style"),
    Input("frozen-figures", "data"),
    Input("frozen-scheme", "children"),
    Input("frozen-cell", "data"),
)
clientside_callback(
    ClientsideFunction("crosslift", "tell"),
    Output("frozen-sink", "children"),
    Input("frozen-address", "data"),
    State("frozen-asked", "data"),
)
clientside_callback(
    ClientsideFunction("crosslift", "view"), Output("frozen-body", "data-view"), Input("frozen-view", "value")
)
clientside_callback(
    ClientsideFunction("snapshot", "choose"),
    Output("frozen-cell", "data"),
    Input("frozen-graph", "clickData"),
    Input("frozen-drawer", "opened"),
    State("frozen-cell", "data"),
    prevent_initial_call=True,
)
