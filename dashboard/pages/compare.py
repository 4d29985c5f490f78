"""Compare: up to six runs, recipes over their seeds, or cells: what tells them apart, and what that did.

Whatever can be chosen is a link, so each choice is an address and a step that Back takes back.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
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

from backend.domain.comparison import Comparison
from backend.errors import CrossliftError
from dashboard import besides, copied, links, savedviews, shell
from dashboard.client import client
from dashboard.dumbbells import dumbbells, summary, tracks
from dashboard.exports import listed_files
from dashboard.links import Compare
from dashboard.links.compare import thing
from dashboard.look import THEMES, count

register_page(__name__, path=links.COMPARE, title=f"Compare · {shell.NAME}", name="Compare")

DRAWN = 3  # trainings of a thing whose curves are drawn
POINTS = 150  # of a curve


async def layout(search: str | None = None, **_: object) -> Any:
    state = Compare.of(search or "")
    found, problem = await _read(state)
    drawn = await _curves(found) if found is not None else []
    return html.Div(
        [
            html.Div(
                [dmc.Title("Compare", order=1), shell.synthetic_badge() if found is not None and found.synthetic else None, *_buttons(state, found)],
                className="head",
            ),
            await savedviews.section(links.COMPARE, "New"),
            besides.adding(state),
            html.Div(id="compare-said", className="field-error", role="alert"),
            html.Div(await _body(state, found, problem, drawn), id="compare-body"),
            dcc.Store(id="compare-seen", data=_digest(found, problem, drawn)),
            dcc.Store(id="compare-go"),
            dcc.Store(id="compare-now", data=state.address),
            html.Div(id="compare-sink", hidden=True),
            shell.live("compare", "pulse", "scheme"),
            shell.benchmark(found.benchmark, found.synthetic) if found is not None else None,
        ],
        className="page",
    )  # fmt: skip


async def _read(state: Compare) -> tuple[Comparison | None, str | None]:
    if not state.things:
        return None, None
    try:
        return await client().compare(state.things, source=state.source, metric=state.metric), None
    except CrossliftError as error:
        return None, "; ".join(e.message for e in error.errors) or error.detail


async def _body(state: Compare, found: Comparison | None, problem: str | None, drawn: Sequence[Any]) -> list[Any]:
    """Everything below what is written in, with its figures."""
    if found is None:
        return [besides.nothing(state, problem)]
    return await asyncio.to_thread(_found, found, state, drawn)


def _digest(found: Comparison | None, problem: str | None, drawn: Sequence[Any]) -> str:
    """Equal for equal answers: what is the same is not drawn again."""
    said = found.model_dump_json() if found is not None else problem
    return hashlib.sha256(repr((said, drawn)).encode()).hexdigest()[:16]


async def _curves(found: Comparison) -> list[list[Any]]:
    """(name, steps, values) of each curve of the newest trainings of each thing."""

    async def of(ids: Sequence[int]) -> list[Any]:
        try:
            every = await asyncio.gather(*(client().curves(id, limit=POINTS) for id in list(ids)[-DRAWN:]))
        except CrossliftError:
            return []
        return [(c.name, c.steps, c.values) for curves in every for c in curves if c.steps]

    return list(await asyncio.gather(*(of(side.trained) for side in found.sides)))


def _buttons(state: Compare, found: Comparison | None) -> list[Any]:
    if found is None:
        return []
    swap = (
        [dcc.Link("Swap A and B", href=state.swapped().address, className="button-link swap")]
        if len(state.things) > 1
        else []
    )
    return [
        *swap,
        listed_files.beside("compare", state.address),
        copied.button("compare"),
    ]


def _found(found: Comparison, state: Compare, drawn: Sequence[Any]) -> list[Any]:
    parts: list[Any] = [besides.cards(found, state)]
    parts += [html.P(note, className="soft note") for note in found.notes]
    parts.append(besides.apart(found, state))
    parts.append(besides.means(found))
    parts.append(
        html.Section(
            [
                html.H2("Language by language"),
                html.P(summary(found), className="summary"),
                *([besides.orders(state), html.Div(shell.graph("compare-graph"), className="compare-figure"), besides.table(found, state)] if found.languages else []),
            ],
            className="part-of",
        )
    )  # fmt: skip
    if found.languages:
        figures = {name: dumbbells(found, state.order, theme) for name, theme in THEMES.items()}
        parts.append(dcc.Store(id="compare-figures", data={name: f.to_plotly_json() for name, f in figures.items()}))
    parts.append(_learning(found, drawn))
    return parts


def _learning(found: Comparison, drawn: Sequence[Any]) -> Any:
    trained = sum(len(side.trained) for side in found.sides)
    shown = sum(min(DRAWN, len(side.trained)) for side in found.sides)
    if not any(drawn):
        return html.Section(
            [html.H2("Learning curves"), html.P("Not reported yet.", className="soft")], className="part-of"
        )
    more = f", the newest {DRAWN} of each" if shown < trained else ""
    curves = {name: tracks(drawn, theme).to_plotly_json() for name, theme in THEMES.items()}
    return html.Section(
        [
            html.H2("Learning curves"),
            html.P(f"Of {count(shown, 'training')}{more}; each seed is a line of its own.", className="soft"),
            html.Div(shell.graph("compare-tracks"), className="compare-figure"),
            dcc.Store(id="compare-curves", data=curves),
        ],
        className="part-of",
    )


@callback(
    Output("compare-said", "children"),
    Output("compare-go", "data"),
    Input("compare-put", "n_clicks"),
    Input("compare-add", "n_submit"),
    State("compare-add", "value"),
    State("compare-now", "data"),
    prevent_initial_call=True,
)
async def add(_: Any, __: Any, text: Any, now: Any) -> Any:
    """One more, if it can be read."""
    wanted = str(text or "").strip()
    state = Compare.of(str(now or "").partition("?")[2])
    if thing(wanted) is None:
        return "Write the number of a run, model/recipe/target, or model/recipe/target/language.", None
    if wanted in state.things:
        return "This one is there already.", None
    return None, {"address": Compare.beside([*state.things, wanted], source=state.source, metric=state.metric).address}


@callback(
    Output("compare-body", "children"),
    Output("compare-seen", "data"),
    Input("compare-pulse", "children"),
    State("compare-now", "data"),
    State("compare-seen", "data"),
    prevent_initial_call=True,
)
async def again(_: Any, now: Any, seen: Any) -> Any:
    """Runs have ended since: what they changed. What the address names is the same, and so is where one reads."""
    state = Compare.of(str(now or "").partition("?")[2])
    if not state.things:
        return no_update, no_update
    found, problem = await _read(state)
    if found is None:  # what was read before says more than that it cannot be read now
        return no_update, no_update
    drawn = await _curves(found)
    if (digest := _digest(found, problem, drawn)) == seen:
        return no_update, no_update
    return await _body(state, found, problem, drawn), digest


clientside_callback(
    ClientsideFunction("live", "go"),
    Output("compare-sink", "children"),
    Input("compare-go", "data"),
    prevent_initial_call=True,
)
copied.listen("compare")
clientside_callback(
    ClientsideFunction("live", "paint"),
    Output("compare-graph", "figure"),
    Output("compare-graph", "style"),
    Input("compare-figures", "data"),
    Input("compare-scheme", "children"),
)
clientside_callback(
    ClientsideFunction("live", "paint"),
    Output("compare-tracks", "figure"),
    Output("compare-tracks", "style"),
    Input("compare-curves", "data"),
    Input("compare-scheme", "children"),
)
