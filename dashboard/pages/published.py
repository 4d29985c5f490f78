"""Published: what papers print, with where it stands; sets of it explored like own results; and how it compares with ours.

The address is the state. One callback reads the API for whatever the controls say and tells the address.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import dash_ag_grid as dag
import dash_mantine_components as dmc
from dash import ClientsideFunction, Input, Output, State, callback, clientside_callback, ctx, dcc, html, register_page

from backend.domain.literature import PublishedSet
from backend.domain.task import Source
from backend.errors import CrossliftError
from dashboard import controls, copied, links, literature, shell
from dashboard.client import client
from dashboard.links import Published
from dashboard.papers import FIRST_SET, Found, find
from dashboard.shell import aria

register_page(__name__, path=links.PUBLISHED, title=f"Published · {shell.NAME}", name="Published")

VIEWS = {"figures": "Figures", "explore": "Explore a set", "compare": "Beside ours"}
#: Name of a control, which is that of its parameter, and the property that holds what is chosen.
CONTROLS = {
    "view": "value", "paper": "value", "model": "value", "task": "value", "language": "value", "metric": "value",
    "protocol": "value", "q": "value", "set": "value", "value": "value", "source": "value", "run": "checked",
}  # fmt: skip
_SOURCES = [s for s in controls.SOURCES if s["value"] != Source.MINI.value]
#: The views in which a control has a meaning.
USED: dict[str, frozenset[str]] = {
    "paper": frozenset({"figures"}),
    "protocol": frozenset({"figures"}),
    "q": frozenset({"figures"}),
    "model": frozenset({"figures", "compare"}),
    "task": frozenset({"figures", "compare"}),
    "language": frozenset({"figures", "compare"}),
    "metric": frozenset({"figures", "compare", "explore"}),
    "set": frozenset({"explore"}),
    "value": frozenset({"explore"}),
    "source": frozenset({"compare"}),
    "run": frozenset({"compare"}),
}


async def layout(search: str | None = None, **_: object) -> Any:
    state = Published.of(search or "")
    try:
        sources, sets = await client().published_sources(), await client().published_sets()
    except CrossliftError as error:
        return html.Div(
            [
                dmc.Title("Published figures", order=1),
                html.Div([html.H2("They cannot be read"), html.P(error.detail)], className="nothing"),
            ],
            className="page",
        )
    found = await find(client(), state)
    offered = literature.options(sources)
    return html.Div(
        [
            html.Div(
                [
                    dmc.Title("What was published", order=1),
                    dmc.Badge(literature.NOT_OURS, variant="outline", color="gray", radius="sm", className="synthetic"),
                    dcc.Link("Imported results", href=links.IMPORTS, className="soft"),
                    copied.button("published"),
                ],
                className="head",
            ),
            html.P(
                [
                    "Figures of papers and of their authors' pages, each with the table that it was read in. They are compared with "
                    "own results and never mixed with them: no published score is a ",
                    shell.term("baseline", "baseline"),
                    " of any gain here, because those of one model differ from paper to paper by as much as an effect.",
                ],
                className="summary published-intro",
            ),
            _filters(state, offered, sets, found),
            html.P(found.summary, id="published-summary", role="status", className="summary"),
            html.P(found.said, id="published-said", className="soft note"),
            html.Div(_problem(found), id="published-nothing"),
            html.Div(
                shell.graph("published-graph"), id="published-figure", className="figure-box",
                hidden=found.figures is None,
            ),
            html.Div(_grid(found), id="published-table", className="published-box", hidden=found.problem is not None),
            html.P(_onward(found), id="published-onward", className="soft"),
            dcc.Store(id="published-figures", data=found.figures),
            dcc.Store(id="published-cursor", data=found.state.cursor),
            dcc.Store(id="published-address"),
            shell.live("published", "scheme"),
            html.Div(id="published-sink", hidden=True),
        ],
        className="page",
    )  # fmt: skip


def _filters(
    state: Published, offered: dict[str, list[dict[str, str]]], sets: Sequence[PublishedSet], found: Found
) -> Any:
    def box(name: str, control: Any) -> Any:
        return html.Div(control, id=f"published-{name}-box", className="pick-box", hidden=state.view not in USED[name])

    def pick(name: str, label: str, data: list[Any], value: str | None) -> Any:
        return box(name, controls.pick(f"published-{name}", label, data, value, searchable=len(data) > 12))

    protocols = [{"value": "any", "label": "Every protocol"}] + [
        {"value": v, "label": t} for v, t in literature.PROTOCOLS.items()
    ]
    named = {
        name: [*offered[name], *_chosen(offered[name], getattr(state, name))] if name != "metric" else offered[name]
        for name in literature.FILTERS
    }
    metrics = [*found.metrics] or [*named["metric"], *_chosen(named["metric"], state.metric)]
    return html.Div(
        [
            controls.choose("published-view", "Show", VIEWS, state.view),
            box("set", controls.pick("published-set", "Set", literature.set_options(sets), state.set or FIRST_SET, searchable=True)),
            pick("paper", "Paper", named["paper"], state.paper or "any"),
            pick("source", "Our runs of", _SOURCES, state.source),
            pick("model", "Model", named["model"], state.model or "any"),
            pick("task", "Task", named["task"], state.task or "any"),
            pick("language", "Language", named["language"], state.language or "any"),
            pick("metric", "Metric", metrics, _metric(found, state)),
            pick("protocol", "Protocol", protocols, state.protocol),
            box(
                "q",
                dmc.TextInput(
                    id="published-q", label="Text holds", value=state.q or "", placeholder="XLM-R, table, task …", size="sm",
                    className="pick", debounce=300,
                ),
            ),
            box("value", controls.choose("published-value", "Cells", {"gain": "Gain", "score": "Score"}, state.value)),
            box(
                "run",
                html.Div(
                    [
                        html.Span("Rows", className="pick-label", **aria(hidden="true")),
                        dmc.Switch(
                            id="published-run", checked=state.run == "1", size="md", label="only what was run here", className="fade",
                        ),
                    ],
                    className="choose",
                ),
            ),
        ],
        className="filters",
        role="group",
        **aria(label="What to show"),
    )  # fmt: skip


def _chosen(known: Sequence[dict[str, str]], value: str | None) -> list[dict[str, str]]:
    """What an address names although no figure has it: it stays in sight, so that it can be taken back."""
    return [{"value": value, "label": value}] if value and value not in {o["value"] for o in known} else []


def _metric(found: Found, state: Published) -> str:
    if found.metrics:
        names = [m["value"] for m in found.metrics]
        return state.metric if state.metric in names else names[0]
    return state.metric or "any"


def _grid(found: Found) -> Any:
    return dag.AgGrid(
        id="published-grid",
        rowData=list(found.rows),
        columnDefs=list(found.columns),
        getRowId="params.data.key",
        enableEnterpriseModules=False,
        defaultColDef={"sortable": True, "resizable": True, "suppressMovable": True},
        columnSize=None,
        eventListeners={"cellKeyDown": ["crossliftLink(params)"]},
        dashGridOptions={
            "theme": {"function": "crossliftTheme(themeQuartz)"},
            "animateRows": False,
            "tooltipShowDelay": 300,
            "suppressFieldDotNotation": True,
        },
        style={"width": "100%", "height": "min(70vh, 760px)"},
    )


def _problem(found: Found) -> list[Any]:
    if found.problem is None:
        return []
    said = [html.P(text) for text in (found.problem.detail, *(e.message for e in found.problem.errors))]
    return [
        html.Div(
            [html.H2("There is nothing to show"), *said, html.P(dcc.Link("Show everything", href=links.PUBLISHED))],
            className="nothing",
        )
    ]


def _onward(found: Found) -> list[Any]:
    """First and next page, each an address of its own."""
    parts: list[Any] = []
    if found.state.cursor is not None:
        parts.append(dcc.Link("First page", href=replace(found.state, cursor=None).address))
    if found.next_cursor is not None:
        parts.append(dcc.Link("Next page", href=replace(found.state, cursor=found.next_cursor).address))
    return [part for link in parts for part in (link, " ")]


def _state(values: Sequence[Any], cursor: Any = None) -> Published:
    """What the controls say; whatever a browser sends, reading gives a state. What a view has no use for is not said."""
    said: dict[str, Any] = {**dict(zip(CONTROLS, values, strict=True)), "cursor": cursor}
    said["run"] = "1" if said["run"] is True else None
    view = said["view"]
    for name, where in USED.items():
        if view not in where or said[name] == "any":
            said[name] = None
    if view == "explore":
        said["cursor"] = None
    return Published.read({name: value for name, value in said.items() if value})


@callback(
    Output("published-summary", "children"),
    Output("published-said", "children"),
    Output("published-nothing", "children"),
    Output("published-figure", "hidden"),
    Output("published-table", "hidden"),
    Output("published-figures", "data"),
    Output("published-grid", "columnDefs"),
    Output("published-grid", "rowData"),
    Output("published-onward", "children"),
    Output("published-cursor", "data"),
    Output("published-metric", "data"),
    Output("published-metric", "value"),
    *(Output(f"published-{name}-box", "hidden") for name in USED),
    Output("published-address", "data"),
    *(Input(f"published-{name}", holds) for name, holds in CONTROLS.items()),
    State("published-cursor", "data"),
    prevent_initial_call=True,
)
async def draw(*given: Any) -> Any:
    """Everything anew: another choice begins at its first page."""
    *said, _cursor = given
    here = {str(i).removeprefix("published-") for i in ctx.triggered_prop_ids.values()}
    state = _state(said)
    if here & {"view", "set"}:
        state = replace(state, metric=None)
    found = await find(client(), state)
    metrics = list(found.metrics) or literature.options(await client().published_sources())["metric"]
    return (
        found.summary,
        found.said,
        _problem(found),
        found.figures is None,
        found.problem is not None,
        found.figures,
        list(found.columns),
        list(found.rows),
        _onward(found),
        None,
        metrics,
        _metric(found, state),
        *(state.view not in where for where in USED.values()),
        found.state.address,
    )


clientside_callback(
    ClientsideFunction("findings", "paint"),
    Output("published-graph", "figure"),
    Output("published-graph", "style"),
    Input("published-figures", "data"),
    Input("published-scheme", "children"),
)
clientside_callback(
    ClientsideFunction("live", "tell"), Output("published-sink", "children"), Input("published-address", "data")
)
copied.listen("published")
