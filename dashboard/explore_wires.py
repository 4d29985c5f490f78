"""What Explore does in the browser (``assets/crosslift.js``, ``findings.js``, ``explore.js``), by the names of its components."""

from __future__ import annotations

from typing import Any

from dash import ClientsideFunction, Input, Output, State, clientside_callback

from dashboard import copied


def listen() -> None:
    """Register it all, once."""
    _in_browser(
        "drawn",
        Output("explore-graph", "figure"),
        Output("explore-graph", "style"),
        Input("explore-drawn", "data"),
        Input("explore-scheme", "children"),
        Input("explore-cell", "data"),
        State("explore-asked", "data"),
    )
    _in_browser(
        "paint_small",
        Output("explore-curves", "figure"),
        Output("explore-curves", "style"),
        Input("explore-curves-figures", "data"),
        Input("explore-curves-scheme", "children"),
    )
    _in_browser(
        "paint_small",
        Output("explore-beneath", "figure"),
        Output("explore-beneath", "style"),
        Input("explore-beneath-figures", "data"),
        Input("explore-beneath-scheme", "children"),
    )
    _in_browser(
        "turn",
        Output("explore-target", "value", allow_duplicate=True),
        Input("explore-turn", "data"),
        State("explore-target", "data"),
        State("explore-target", "value"),
        prevent_initial_call=True,
    )
    clientside_callback(ClientsideFunction("findings", "benchmark"), Input("explore-benchmark", "data"))
    # What a change makes due is told in the browser: most changes touch neither grid nor lists nor drawer, and to ask about each
    # would cost the server and the page as much as the figure.
    _in_browser(
        "table_due",
        Output("explore-table-due", "data"),
        Input("explore-view", "value"),
        Input("explore-digests", "data"),
        State("explore-tabled", "data"),
    )
    _in_browser(
        "lists_due",
        Output("explore-lists-due", "data"),
        Input("explore-narrow", "data"),
        Input("explore-digests", "data"),
        State("explore-listed", "data"),
    )
    _in_browser(
        "drawer_due",
        Output("explore-drawer-due", "data"),
        Input("explore-cell", "data"),
        Input("explore-numbers", "data"),
        Input("explore-pins", "data"),
        State("explore-drawer", "opened"),
        prevent_initial_call=True,
    )
    clientside_callback(
        ClientsideFunction("explore", "pinned_due"),
        Output("explore-pinned-due", "data"),
        Input("explore-pins", "data"),
        Input("explore-numbers", "data"),
        State("explore-pinned", "children"),
    )
    clientside_callback(
        ClientsideFunction("explore", "below_due"),
        Output("explore-below-due", "data"),
        Input("explore-below", "value"),
        Input("explore-digests", "data"),
        State("explore-below-due", "data"),
    )
    clientside_callback(
        ClientsideFunction("explore", "laid"),
        Output("explore-filters", "data-layout"),
        Output("explore-filters", "data-below"),
        Input("explore-layout", "value"),
        Input("explore-below", "value"),
    )
    _in_browser("view", Output("explore-body", "data-view"), Input("explore-view", "value"))
    _in_browser(
        "idle",
        *(Output(f"explore-{name}", "disabled") for name in ("order", "languages", "fade", "colours")),
        Input("explore-value", "value"),
    )
    _in_browser("narrow", Output("explore-narrow", "data"), Input("explore-asked", "data"))
    copied.listen("explore")
    _in_browser(
        "choose",
        Input("explore-graph", "clickData"),
        Input("explore-grid", "cellClicked"),
        Input("explore-grid", "eventData"),
        Input("explore-drawer", "opened"),
        State("explore-cell", "data"),
        prevent_initial_call=True,
    )
    clientside_callback(
        ClientsideFunction("findings", "synthetic"),
        Output("explore-published-box", "hidden"),
        Input("explore-source", "value"),
    )


def _in_browser(name: str, *arguments: Any, **options: Any) -> None:
    clientside_callback(ClientsideFunction("crosslift", name), *arguments, **options)
