"""Trade-off: what an intermediate task is worth against model size and device time.

The address is the state, as on Explore: ``layout`` builds the page from it, a control that changes asks ``draw`` for what
it shows and ``tell`` for the new address. A point leads to its cell on Explore; the address that is left names the point.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
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
from dash import ctx as context

from backend.domain.experiment import BENCHMARKS
from backend.domain.language import GROUPS, LANGUAGES
from backend.domain.task import Source
from dashboard import beside, controls, figures, links, panels, share, shell, standing, weighing, words
from dashboard.client import client
from dashboard.exports import dialog
from dashboard.findings import left, settled
from dashboard.links import Tradeoff
from dashboard.shell import aria
from dashboard.standing import Standing, find

register_page(__name__, path=links.TRADEOFF, title=f"Trade-off · {shell.NAME}", name="Trade-off")

#: Name of a control, which is that of its parameter. Those in ``DISPLAY`` show the same numbers otherwise.
CONTROLS = ("source", "target", "metric", "languages", "x", "cost", "device", "colour", "published", "view")
DISPLAY = frozenset({"target", "x", "cost", "device", "colour", "published"})
HOLDS = {name: "checked" if name == "published" else "value" for name in CONTROLS}
ALL = "all"  # targets
PARTS = 15


async def layout(search: str | None = None, **_: object) -> Any:
    found = await find(client(), await settled(client(), Tradeoff, search))
    return html.Div(
        [
            _head(found),
            _filters(found),
            html.P(_summary(found), id="tradeoff-summary", role="status", className="summary"),
            html.Div(_nothing(found), id="tradeoff-nothing", className="nothing"),
            html.Div(_body(found), id="tradeoff-body", className=_body_class(found), **_view(found), **_cells(found)),
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
            dmc.Button("Copy link", id="tradeoff-copy", variant="default", size="xs", className="copy"),
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


def _filters(found: Standing) -> Any:
    state = found.state
    across = {"parameters": "Parameters", "non-embedding": "Non-embedding", "hours": "Device time"}
    return html.Div(
        [
            controls.pick("tradeoff-source", "Benchmark", controls.SOURCES, state.source),
            controls.pick("tradeoff-target", controls.turning("Target"), _targets(found), state.target or ALL),
            html.Div(
                controls.pick("tradeoff-metric", "Metric", _metrics(found), _metric(found)),
                id="tradeoff-metric-box",
                hidden=state.target is None,
                className="pick-box",
            ),
            controls.pick("tradeoff-languages", "Gain over", _languages(), state.languages, searchable=True),
            controls.choose("tradeoff-x", "Against", across, state.x),
            html.Div(
                controls.choose(
                    "tradeoff-cost",
                    "Intermediate run",
                    {"marginal": "Paid in full", "amortised": "Shared out"},
                    state.cost,
                ),
                id="tradeoff-cost-box",
                hidden=state.x != "hours",
            ),
            html.Div(
                controls.pick("tradeoff-device", "Device", _devices(found), _device(found)),
                id="tradeoff-device-box",
                hidden=_one_device(found),
                className="pick-box",
            ),
            controls.choose("tradeoff-colour", "Colour", {"recipe": "Recipe", "model": "Model"}, state.colour),
            controls.published("tradeoff", state.source, state.published),
            controls.choose("tradeoff-view", "As", {"figure": "Figure", "table": controls.table_label()}, state.view),
        ],
        className="filters",
        role="group",
        **aria(label="What to show"),
    )


def _targets(found: Standing) -> list[Any]:
    names = sorted({p.target for p in found.points}, key=words.task_title)
    return [{"value": ALL, "label": "All targets"}, *controls.options(names, found.state.target, words.task_title)]


def _metrics(found: Standing) -> list[Any]:
    return controls.options(standing.metrics(found.state.target), _metric(found), words.metric_title)


def _metric(found: Standing) -> str | None:
    every = standing.metrics(found.state.target)
    return found.state.metric or (every[0] if every else None)


def _languages() -> list[dict[str, Any]]:
    means = [
        {"value": "mean_transfer", "label": "Transfer languages"},
        {"value": "mean_all", "label": "All, with English"},
    ]
    levels = [{"value": g, "label": f"{g.partition(':')[2].capitalize()}-resource"} for g in GROUPS if g[0] == "r"]
    families = [{"value": g, "label": g.partition(":")[2]} for g in GROUPS if g[0] == "f"]
    codes = [{"value": c, "label": words.language_name(c)} for c in sorted(LANGUAGES, key=words.language_name)]
    return [
        {"group": "Means", "items": means},
        {"group": "Levels", "items": levels},
        {"group": "Families", "items": families},
        {"group": "One language", "items": codes},
    ]


def _devices(found: Standing) -> list[Any]:
    return [{"value": d.value, "label": words.device_time(d)} for d in weighing.devices(found.points)]


def _device(found: Standing) -> str | None:
    one = weighing.device(found.points, found.state)
    return one.value if one is not None else None


def _one_device(found: Standing) -> bool:
    return found.state.x != "hours" or len(weighing.devices(found.points)) < 2


def _body(found: Standing) -> list[Any]:
    return [
        html.Div(shell.graph("tradeoff-graph"), className="figure-box", id="tradeoff-figure"),
        html.Div(_ranked(found), className="ranked", id="tradeoff-ranked"),
        html.Div(
            dag.AgGrid(
                id="tradeoff-grid",
                rowData=_rows(found),
                columnDefs=standing.columns(),
                getRowId="params.data.key",
                enableEnterpriseModules=False,
                defaultColDef={"sortable": True, "resizable": True, "suppressMovable": True},
                columnSize=None,
                eventListeners={"cellKeyDown": ["crossliftRow(params, setEventData)"]},
                dashGridOptions={
                    "theme": {"function": "crossliftTheme(themeQuartz)"},
                    "domLayout": "autoHeight",
                    "animateRows": False,
                    "tooltipShowDelay": 300,
                },
                style={"width": "100%"},
            ),
            className="table-box",
            id="tradeoff-table",
        ),
        html.P(
            [
                "A point is one model, recipe and target; it leads to its cell on Explore. Bars: ",
                shell.term("interval", "95 % interval"),
                " over seeds. Full marks are on the ",
                shell.term("front", "Pareto front"),
                " of their target: no other point costs as little and gains as much. On an axis of parameters lines join one "
                "recipe from model to model, and recipes of one model stand beside each other. ",
                shell.term("marginal", "Device time"),
                " is that of a recipe's intermediate, fine-tune and evaluate runs for one seed; times of different device "
                "classes are never put on one axis. Hollow marks: intermediate and target stage train on ",
                shell.term("same-data-twice", "one data set"),
                ".",
            ],
            className="soft note",
        ),
    ]


# --- parts that change -------------------------------------------------------------------------------------------


def _summary(found: Standing) -> str:
    shown = weighing.looked_at(found.points, found.state)
    return words.tradeoff_summary(found.points, found.state) + beside.said_of_gains(found.published, shown, found.state)


def _nothing(found: Standing) -> list[Any]:
    if not found.empty:
        return []
    return panels.nothing(
        found.state, found.problem, running=found.running, experiments=found.experiments, elsewhere=bool(found.points)
    )


def _body_class(found: Standing) -> str:
    return "body is-empty" if found.empty else "body"


def _view(found: Standing) -> dict[str, Any]:
    return {"data-view": found.state.view}


def _cells(found: Standing) -> dict[str, Any]:
    """Where each point leads."""
    return {"data-cells": _addresses(found)}


def _addresses(found: Standing) -> str:
    shown = weighing.looked_at(found.points, found.state)
    return json.dumps({weighing.key(p): weighing.cell_address(p, found.state) for p in shown})


def _figures(found: Standing) -> dict[str, Any] | None:
    if found.empty:
        return None
    return figures.schemes(lambda theme: figures.tradeoff(found.points, found.state, theme, published=found.published))


def _ranked(found: Standing) -> list[Any]:
    return standing.ranked(found.points, found.state)


def _rows(found: Standing) -> list[dict[str, Any]]:
    return standing.rows(found.points, found.state)


def _state(values: Sequence[Any], point: Any = None) -> Tradeoff:
    """What the controls say; whatever a browser sends, reading gives a state."""
    said: dict[str, Any] = {**dict(zip(CONTROLS, values, strict=True)), "point": point}
    if said["target"] == ALL:
        said["target"] = None
    said["published"] = "off" if said["published"] is False else None
    if said["x"] != "hours":
        said["device"] = None
    return Tradeoff.read({name: value for name, value in said.items() if value})


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
    asked = _state((*said, view), point)
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
        _nothing(found),
        _body_class(found),
        part("links", lambda: _addresses(found)),
        part("words", lambda: _badge(found)),
        part("words", lambda: {"name": name, "synthetic": synthetic}),
        part("choices", lambda: _targets(found)),
        part("choices", lambda: _metrics(found)),
        no_update if _metric(found) == said[2] else _metric(found),
        part("choices", lambda: _devices(found)),
        _one_device(found),
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
    state = _state(said, point)
    kinds = digests.get("devices") if isinstance(digests, dict) else None
    if state.device is not None and isinstance(kinds, list) and kinds and state.device == kinds[0]:
        state = _state([None if name == "device" else v for name, v in zip(CONTROLS, said, strict=True)], point)
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
_in_browser("findings", "cost", Output("tradeoff-cost-box", "hidden"), Input("tradeoff-x", "value"))
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
_in_browser(
    "crosslift",
    "copy",
    Output("tradeoff-copy", "children"),
    Input("tradeoff-copy", "n_clicks"),
    prevent_initial_call=True,
)
_in_browser(
    "findings",
    "follow",
    Input("tradeoff-graph", "clickData"),
    Input("tradeoff-grid", "cellClicked"),
    Input("tradeoff-grid", "eventData"),
    prevent_initial_call=True,
)
