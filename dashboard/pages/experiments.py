"""Experiments: everything that was asked for, newest first."""

from __future__ import annotations

from datetime import UTC, datetime
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

from backend.domain.schemas import ExperimentView, Page
from backend.errors import CrossliftError
from dashboard import bringing, links, live, origin, progress, shell, states, words
from dashboard.client import client
from dashboard.links import Experiments
from dashboard.look import count
from dashboard.panels import DEMO

register_page(__name__, path=links.EXPERIMENTS, title=f"Experiments · {shell.NAME}", name="Experiments")

SHOWN = 30
STATES = ("any", "waiting", "running", "done", "done with failures", "cancelled")


async def layout(search: str | None = None, **_: object) -> Any:
    state = Experiments.of(search or "")
    options = [{"value": s, "label": "All" if s == "any" else s.capitalize()} for s in STATES]
    return html.Div(
        [
            html.Div(
                [dmc.Title("Experiments", order=1), dcc.Link("New experiment", href=links.NEW, className="button-link copy")],
                className="head",
            ),
            html.Div(
                dmc.Select(
                    id="experiments-state", label="State", data=options, value=state.state, size="sm", allowDeselect=False,
                    className="pick", checkIconPosition="right",
                ),
                className="filters",
            ),
            html.Div(await _list(state), id="experiments-list"),
            bringing.control(),
            dcc.Store(id="experiments-cursor", data=state.cursor),
            shell.live("experiments", "clock"),
            dcc.Store(id="experiments-seen"),
            dcc.Store(id="experiments-address"),
            html.Div(id="experiments-sink", hidden=True),
        ],
        className="page",
    )  # fmt: skip


async def _list(state: Experiments) -> list[Any]:
    chosen = None if state.state == "any" else state.state
    try:
        page = await client().experiments(SHOWN, state.cursor, chosen)
    except CrossliftError as error:
        return [html.Div([html.H2("The list cannot be read"), html.P(error.detail)], className="nothing")]
    return listing(page, state, datetime.now(UTC))


def listing(page: Page[ExperimentView], state: Experiments, now: datetime) -> list[Any]:
    if not page.items:
        return [_nothing(state)]
    parts: list[Any] = [
        html.P(f"{count(page.total, 'experiment')}, newest first.", className="soft"),
        html.Ul([html.Li(_row(e, now)) for e in page.items], className="experiments"),
    ]
    if page.next_cursor is not None:
        older = Experiments(cursor=page.next_cursor, state=state.state).address
        parts.append(html.P(dcc.Link("Older experiments", href=older)))
    return parts


def _row(e: ExperimentView, now: datetime) -> list[Any]:
    counts = states.counted(e.counts)
    request = e.request
    asked = " · ".join(
        (
            ", ".join(request.models),
            ", ".join(r.name for r in request.recipes),
            ", ".join(words.task_title(t) for t in request.targets),
            count(len(request.seeds), "seed"),
        )
    )
    return [
        html.Div(
            [
                dcc.Link(e.name, href=links.experiment(e.id), className="run-title"),
                origin.badge(e.brought is not None),
                states.chip(states.of_experiment(e)),
                html.Span(f"#{e.id}", className="soft"),
            ],
            className="run-head",
        ),
        html.Div(
            [states.bar(counts, f"Runs of {e.name}", size="sm"), html.Span(progress.sentence(e, now))], className="row-bar"
        ),
        html.Div(
            [
                html.Span(asked, className="soft asked", title=asked),
                html.Span(["submitted ", states.moment(e.created_at)], className="soft"),
                html.Span(
                    [
                        dcc.Link("Results", href=progress.results(e), title=f"Results of {e.name}"),
                        dcc.Link("Clone", href=links.new({"from": str(e.id)}), title=f"Clone {e.name}"),
                    ],
                    className="quick-actions",
                ),
            ],
            className="row-words",
        ),
    ]  # fmt: skip


def _nothing(state: Experiments) -> Any:
    if state.state != "any" or state.cursor is not None:
        return html.Div(
            [
                html.H2("No such experiment"),
                html.P([f"None is {state.state}. " if state.state != "any" else "", dcc.Link("Show all", href=links.EXPERIMENTS)]),
            ],
            className="nothing",
        )  # fmt: skip
    return html.Div(
        [
            html.H2("Nothing has been asked for yet"),
            html.P(
                "An experiment is models × recipes × targets × seeds. Its runs are shared with every other experiment "
                "that needs the same ones."
            ),
            html.P([dcc.Link("Write one in the browser", href=links.NEW), ", or let the demo study run:"]),
            dmc.Code(DEMO, block=True, className="command"),
        ],
        className="nothing",
    )


@callback(
    Output("experiments-list", "children"),
    Output("experiments-seen", "data"),
    Output("experiments-address", "data"),
    Output("experiments-cursor", "data"),
    Input("experiments-state", "value"),
    Input("experiments-clock", "children"),
    State("experiments-cursor", "data"),
    State("experiments-address", "data"),
    State("experiments-seen", "data"),
    prevent_initial_call=True,
)
async def draw(chosen: Any, _: Any, cursor: Any, told: Any, seen: Any) -> Any:
    """The list anew, where it has changed. Another state begins at its first page."""
    state = Experiments.read({"state": chosen, "cursor": cursor})
    if told is not None and Experiments.of(told.partition("?")[2]).state != state.state:
        state = Experiments(state=state.state)
    (children,), now = live.fresh({"list": await _list(state)}, seen)
    address = no_update if told == state.address else state.address
    return children, now if children is not no_update else no_update, address, state.cursor


clientside_callback(
    ClientsideFunction("bring", "send"),
    Output("bring-answer", "data"),
    Input("bring-file", "contents"),
    Input("bring-keep", "checked"),
    Input("bring-go", "n_clicks"),
    State("bring-file", "filename"),
    prevent_initial_call=True,
)
clientside_callback(ClientsideFunction("bring", "label"), Output("bring-file", "title"), Input("bring-file", "id"))


@callback(
    Output("bring-said", "children"),
    Output("bring-go", "disabled"),
    Output("experiments-list", "children", allow_duplicate=True),
    Input("bring-answer", "data"),
    State("experiments-address", "data"),
    prevent_initial_call=True,
)
async def brought(answer: Any, told: Any) -> Any:
    """What became of a file; and the list anew, where it is in it now."""
    done = isinstance(answer, dict) and answer.get("judged") is not True and answer.get("status") in (200, 201)
    state = Experiments.of(str(told or "").partition("?")[2])
    return bringing.told(answer), not bringing.may(answer), await _list(state) if done else no_update


clientside_callback(
    ClientsideFunction("live", "tell"), Output("experiments-sink", "children"), Input("experiments-address", "data")
)
