"""Trade-off: what an intermediate task is worth against model size and device time.

The address is the state, as on Explore: ``layout`` builds the page from it, a control that changes asks ``draw`` for what
it shows and ``tell`` for the new address. A point leads to its cell on Explore; the address that is left names the point.
"""

from __future__ import annotations

import json
from collections.abc import Callable
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
from dash import ctx as context

from backend.domain.experiment import BENCHMARKS
from backend.domain.task import Source
from dashboard import beside, copied, figures, links, savedviews, share, shell, standing, weighing, words
from dashboard.client import client
from dashboard.exports import dialog
from dashboard.findings import left, settled
from dashboard.links import Tradeoff
from dashboard.standing import Standing, find
from dashboard.tradeoff_body import body, bought, fitted, hardware, nothing
from dashboard.tradeoff_controls import (
    CONTROLS,
    DISPLAY,
    HOLDS,
    device_options,
    filters,
    metric,
    metric_options,
    one_device,
    state_of,
    target_options,
)

register_page(__name__, path=links.TRADEOFF, title=f"Trade-off · {shell.NAME}", name="Trade-off")

PARTS = 18


async def layout(search: str | None = None, **_: object) -> Any:
    found = await find(client(), await settled(client(), Tradeoff, search))
    return html.Div(
        [
            _head(found),
            await savedviews.section(links.TRADEOFF, "Default"),
            filters(found),
            html.P(_summary(found), id="tradeoff-summary", role="status", className="summary"),
            html.Div(nothing(found), id="tradeoff-nothing", className="nothing"),
            html.Div(body(found), id="tradeoff-body", className=_body_class(found), **_view(found), **_cells(found)),
            html.Section(bought(found), id="tradeoff-bought", className="tradeoff-more"),
            html.Section(fitted(found), id="tradeoff-fitted", className="tradeoff-more"),
            share.dialog("tradeoff"),
            dcc.Store(id="tradeoff-point", data=str(found.state.point or "")),
            dcc.Store(id="tradeoff-digests", data=found.digests),
            dcc.Store(id="tradeoff-figures", data=_figures(found)),
            dcc.Store(id="tradeoff-turn"),
            dcc.Store(id="tradeoff-benchmark"),
            dcc.Store(id="tradeoff-address"),
            dcc.Store(id="tradeoff-asked", data=links.TRADEOFF + (search or "")),
            html.Div(id="tradeoff-sink", hidden=True),
            shell.live("tradeoff"),
            shell.benchmark(*_benchmark(found)),
        ],
        className="page",
    )


def _head(found: Standing) -> Any:
    return html.Div(
        [
            dmc.Title("What do size and compute change about it?", order=1),
            html.Span(_badge(found), id="tradeoff-badge"),
            copied.button("tradeoff"),
            share.button(),
            dialog.menu(),
        ],
        className="head",
    )


def _badge(found: Standing) -> Any:
    return shell.synthetic_badge() if found.points and found.state.source == Source.MINI.value else None


def _benchmark(found: Standing) -> tuple[str | None, bool]:
    name = BENCHMARKS[Source(found.state.source)] if found.points else None
    return name, found.state.source == Source.MINI.value


# --- parts that change -------------------------------------------------------------------------------------------


def _summary(found: Standing) -> str:
    shown = weighing.looked_at(found.points, found.state)
    return words.tradeoff_summary(found.points, found.state) + beside.said_of_gains(found.published, shown, found.state)


def _body_class(found: Standing) -> str:
    return "body is-empty" if found.empty else "body"


def _view(found: Standing) -> dict[str, Any]:
    return {"data-view": found.state.view}


def _cells(found: Standing) -> dict[str, Any]:
    """Where each point leads."""
    return {"data-cells": _addresses(found)}


def _addresses(found: Standing) -> str:
    shown = weighing.looked_at(found.points, found.state)
    return json.dumps({weighing.key(p, found.state): weighing.cell_address(p, found.state) for p in shown})


def _figures(found: Standing) -> dict[str, Any] | None:
    if found.empty:
        return None
    return figures.schemes(
        lambda theme: figures.tradeoff(
            found.points, found.state, theme, published=found.published, trends=found.trends, portfolio=found.portfolio
        )
    )


def _ranked(found: Standing) -> list[Any]:
    return standing.ranked(found.points, found.state)


def _rows(found: Standing) -> list[dict[str, Any]]:
    return standing.rows(found.points, found.state)


# --- callbacks ------------------------------------------------------------------------------------------------------


@callback(
    Output("tradeoff-figures", "data"),
    Output("tradeoff-ranked", "children"),
    Output("tradeoff-grid", "rowData"),
    Output("tradeoff-summary", "children"),
    Output("tradeoff-nothing", "children"),
    Output("tradeoff-body", "className"),
    Output("tradeoff-body", "data-cells"),
    Output("tradeoff-badge", "children"),
    Output("tradeoff-benchmark", "data"),
    Output("tradeoff-target", "data"),
    Output("tradeoff-metric", "data"),
    Output("tradeoff-metric", "value"),
    Output("tradeoff-device", "data"),
    Output("tradeoff-device-box", "hidden"),
    Output("tradeoff-bought", "children"),
    Output("tradeoff-fitted", "children"),
    Output("tradeoff-hardware", "children"),
    Output("tradeoff-digests", "data"),
    *(Input(f"tradeoff-{name}", HOLDS[name]) for name in CONTROLS if name != "view"),
    Input("tradeoff-pulse", "children"),
    State("tradeoff-view", "value"),
    State("tradeoff-point", "data"),
    State("tradeoff-digests", "data"),
    prevent_initial_call=True,
)
async def draw(*given: Any) -> Any:
    """Everything that shows numbers; of that, what is not the same as before."""
    *said, _, view, point, last = given
    asked = state_of((*said, view), point)
    here = {str(i).removeprefix("tradeoff-") for i in context.triggered_prop_ids.values()}
    found = await find(client(), asked, fresh=not here <= DISPLAY)
    digests, before = found.digests, last if isinstance(last, dict) else {}
    if digests == before:
        return (no_update,) * PARTS

    def part(name: str, make: Callable[[], Any]) -> Any:
        return make() if digests[name] != before.get(name) else no_update

    name, synthetic = _benchmark(found)
    return (
        part("figure", lambda: _figures(found)),
        part("rows", lambda: _ranked(found)),
        part("rows", lambda: _rows(found)),
        part("words", lambda: _summary(found)),
        nothing(found),
        _body_class(found),
        part("links", lambda: _addresses(found)),
        part("words", lambda: _badge(found)),
        part("words", lambda: {"name": name, "synthetic": synthetic}),
        part("choices", lambda: target_options(found)),
        part("choices", lambda: metric_options(found)),
        no_update if metric(found) == said[2] else metric(found),
        part("choices", lambda: device_options(found)),
        one_device(found),
        part("bought", lambda: bought(found)),
        part("trends", lambda: fitted(found)),
        part("rows", lambda: hardware(found)),
        digests,
    )


@callback(
    Output("tradeoff-address", "data"),
    *(Input(f"tradeoff-{name}", HOLDS[name]) for name in CONTROLS),
    Input("tradeoff-point", "data"),
    State("tradeoff-digests", "data"),
)
async def tell(*given: Any) -> str:
    """The address of what is shown. The device class is said only where one has to be chosen."""
    *said, point, digests = given
    state = state_of(said, point)
    kinds = digests.get("devices") if isinstance(digests, dict) else None
    if state.device is not None and isinstance(kinds, list) and kinds and state.device == kinds[0]:
        state = state_of([None if name == "device" else v for name, v in zip(CONTROLS, said, strict=True)], point)
    return await left(client(), state)


def _in_browser(namespace: str, name: str, *arguments: Any, **options: Any) -> None:
    clientside_callback(ClientsideFunction(namespace, name), *arguments, **options)


_in_browser(
    "findings",
    "paint",
    Output("tradeoff-graph", "figure"),
    Output("tradeoff-graph", "style"),
    Input("tradeoff-figures", "data"),
    Input("tradeoff-scheme", "children"),
)
_in_browser("findings", "synthetic", Output("tradeoff-published-box", "hidden"), Input("tradeoff-source", "value"))
_in_browser("findings", "metric", Output("tradeoff-metric-box", "hidden"), Input("tradeoff-target", "value"))
_in_browser(
    "tradeoff",
    "boxes",
    Output("tradeoff-cost-box", "hidden"),
    Output("tradeoff-budget-box", "hidden"),
    Output("tradeoff-trend-box", "hidden"),
    Output("tradeoff-budget-unit", "children"),
    Input("tradeoff-x", "value"),
)
_in_browser(
    "tradeoff",
    "budget",
    Output("tradeoff-budget", "value"),
    Output("tradeoff-slide", "value"),
    Input("tradeoff-budget", "value"),
    Input("tradeoff-slide", "value"),
    Input("tradeoff-x", "value"),
    State("tradeoff-slide", "marks"),
    prevent_initial_call=True,
)
_in_browser(
    "tradeoff",
    "panels",
    Output("tradeoff-target", "value", allow_duplicate=True),
    Input("tradeoff-figures", "data"),
    State("tradeoff-panels", "value"),
    State("tradeoff-target", "value"),
    prevent_initial_call=True,
)
_in_browser(
    "crosslift",
    "tell",
    Output("tradeoff-sink", "children"),
    Input("tradeoff-address", "data"),
    State("tradeoff-asked", "data"),
)
_in_browser(
    "crosslift",
    "turn",
    Output("tradeoff-target", "value"),
    Input("tradeoff-turn", "data"),
    State("tradeoff-target", "data"),
    State("tradeoff-target", "value"),
    prevent_initial_call=True,
)
_in_browser("findings", "benchmark", Input("tradeoff-benchmark", "data"))
_in_browser("findings", "view", Output("tradeoff-body", "data-view"), Input("tradeoff-view", "value"))
copied.listen("tradeoff")
_in_browser(
    "findings",
    "follow",
    Input("tradeoff-graph", "clickData"),
    Input("tradeoff-grid", "cellClicked"),
    Input("tradeoff-grid", "eventData"),
    prevent_initial_call=True,
)
