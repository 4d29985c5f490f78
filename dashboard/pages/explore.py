"""Explore: what an intermediate task is worth, recipe by language.

The address is the state. ``layout`` builds the page from it, and with it everything the first paint shows. A control
that changes asks ``draw``, once, for the new address and for whatever of the page is not the same under it;
``assets/crosslift.js`` puts that where it belongs. The address goes into the address bar: a new entry of the history where a
target or a cell is opened, else in place of the old one. Going back or forward builds the page anew from the address.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import dash_mantine_components as dmc
from dash import (
    Input,
    Output,
    State,
    callback,
    ctx,
    dcc,
    html,
    no_update,
    register_page,
)

from backend.domain.task import Source
from dashboard import (
    below,
    controls,
    copied,
    crossed,
    explore_wires,
    links,
    panels,
    pinned,
    savedviews,
    share,
    shell,
    tables,
    telling,
    written,
)
from dashboard import explore_evidence as explore_evidence  # what the drawer asks for
from dashboard.client import client
from dashboard.explore_later import CONTROLS, cell_panel, grid_columns, grid_digests, grid_rows, of_one_recipe, state_of
from dashboard.exports import dialog
from dashboard.findings import Shown, find, left, look_ahead, noticed, settled
from dashboard.links import Explore
from dashboard.shell import aria

register_page(__name__, path=links.EXPLORE, title=f"Explore · {shell.NAME}", name="Explore")


# --- layout --------------------------------------------------------------------------------------------------------


async def layout(search: str | None = None, **_: object) -> Any:
    shown = await find(client(), await settled(client(), Explore, search))
    drawn = {
        "figures": written.figure(shown), "said": written.said(shown), "address": await left(client(), shown.state),
        "pinned": pinned.keys(shown.state.pins, shown.matrix),
    }  # fmt: skip
    look_ahead(client(), shown, written.ahead)
    state, matrix = shown.state, shown.matrix
    title, panel = await cell_panel(shown)
    return html.Div(
        [
            _head(shown),
            await savedviews.section(links.EXPLORE, "Default"),
            controls.filters(shown),
            html.P(telling.summary(shown), id="explore-summary", role="status", className="summary"),
            html.Div(_nothing(shown), id="explore-nothing", className="nothing"),
            html.Div(id="explore-pinned", className="kept", role="region", **aria(label="Pinned cells")),
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
            share.dialog("explore"),
            dcc.Store(id="explore-cell", data=str(state.cell or "")),
            dcc.Store(id="explore-pins", data=str(state.pins)),
            dcc.Store(id="explore-pin"),
            dcc.Store(id="explore-pin-done", data=0),
            dcc.Store(id="explore-digests", data=shown.digests),
            dcc.Store(id="explore-narrow"),
            *(dcc.Store(id=f"explore-{name}-due") for name in ("table", "lists", "drawer", "pinned", "below")),
            dcc.Store(id="explore-listed"),
            dcc.Store(id="explore-tabled", data=grid_digests(shown.digests) if state.view == "table" else None),
            dcc.Store(id="explore-numbers", data=shown.numbers),
            dcc.Store(id="explore-drawn", data=drawn | {"whole": True}),
            dcc.Store(id="explore-turn"),
            dcc.Store(id="explore-benchmark"),
            dcc.Store(id="explore-asked", data=links.EXPLORE + (search or "")),
            shell.live("explore"),
            shell.benchmark(
                matrix.benchmark if matrix else None, matrix.synthetic if matrix else state.source == Source.MINI.value
            ),
        ],
        className="page beside" if state.cell is not None else "page",
    )


def _head(shown: Shown) -> Any:
    return html.Div(
        [
            dmc.Title("What is an intermediate task worth?", order=1),
            html.Span(_badge(shown), id="explore-badge"),
            copied.button("explore"),
            share.button(),
            dialog.menu(),
        ],
        className="head",
    )


def _badge(shown: Shown) -> Any:
    return shell.synthetic_badge() if shown.matrix is not None and shown.matrix.synthetic else None


def _body(shown: Shown) -> list[Any]:
    return [
        html.Div(shell.graph("explore-graph"), className="figure-box", id="explore-figure"),
        html.Div(className="ranked", id="explore-ranked"),
        html.Div(
            tables.grid(
                "explore-grid",
                grid_rows(shown) if shown.state.view == "table" else [],
                grid_columns(shown) if shown.state.view == "table" else [],
                key="recipe",
                on_key="crossliftKey",
            ),
            className="table-box",
            id="explore-table",
        ),
        html.P(telling.note(shown), className="soft note", id="explore-note"),
        _below(shown),
    ]


def _below(shown: Shown) -> Any:
    """A section that is read only where somebody asks for it: the heatmap comes first."""
    return html.Section(
        [
            controls.choose("explore-below", "Below the heatmap", {**below.SHOWN}, shown.state.below),
            html.Div(id="explore-below-box", className="below-box"),
        ],
        className="below",
    )


# --- parts that change -------------------------------------------------------------------------------------------


def _nothing(shown: Shown) -> list[Any]:
    if not shown.empty:
        return []
    return panels.nothing(
        shown.state, shown.problem, running=shown.running, experiments=shown.experiments, elsewhere=shown.elsewhere
    )


def _body_class(shown: Shown) -> str:
    return "body is-empty" if shown.empty else "body"


def _view(state: Explore) -> dict[str, Any]:
    return {"data-view": state.view}


# --- callbacks ------------------------------------------------------------------------------------------------------


@callback(
    Output("explore-drawn", "data"),
    Output("explore-digests", "data"),
    Output("explore-numbers", "data"),
    *(Input(*control) for control in CONTROLS.values()),
    Input("explore-cell", "data"),
    Input("explore-pin", "data"),
    Input("explore-pulse", "children"),
    State("explore-pins", "data"),
    State("explore-pin-done", "data"),
    State("explore-digests", "data"),
    prevent_initial_call=True,
)
async def draw(*given: Any) -> Any:
    """The address of what is asked for, and of what shows numbers that which is not the same as before.

    It all goes into one store: what a callback names as its output is drawn twice more, for the time that the answer is awaited."""
    *said, cell, due, pulse, pins, since, last = given
    asked = state_of(said, cell, pins)
    here = {str(i).removeprefix("explore-") for i in ctx.triggered_prop_ids.values()}
    if here & {"source", "model", "target"}:
        asked = replace(asked, settings=None)  # those of one model and target are no others'
    if "layout" in here:
        asked = replace(asked, cell=None)  # its rows and columns are others
    if "pulse" in here:
        noticed(client(), pulse or "")  # this process may not be the one that the shell heard it from
    shown = await find(client(), asked, fresh=False)
    kept, at = pinned.done(shown, due, since)
    shown = replace(shown, state=replace(shown.state, pins=kept))
    if here & (controls.CHOICES | controls.DISPLAY):
        look_ahead(client(), shown, written.ahead, again=not here & controls.CHOICES)
    digests, before = shown.digests, last if isinstance(last, dict) else {}
    new = {name for name, digest in digests.items() if digest != before.get(name)}
    drawn: dict[str, Any] = {"address": await left(client(), shown.state), "props": _props(shown, said, new),
                             "pinned": pinned.keys(kept, shown.matrix), "pinned_at": at}  # fmt: skip
    if at != since:
        drawn["props"] |= {"explore-pins": {"data": str(kept)}, "explore-pin-done": {"data": at}}
    if "layout" in here and cell:
        drawn["props"]["explore-cell"] = {"data": ""}
    if "figure" in new:
        drawn["figures"] = written.figure(shown)
    if "said" in new:
        drawn["said"] = written.said(shown)
    return (drawn, digests, shown.numbers) if new else (drawn, no_update, no_update)


def _props(shown: Shown, said: Sequence[Any], new: set[str]) -> dict[str, dict[str, Any]]:
    """What is not the same as before, by the name of its component. ``said``: what the controls hold."""
    props: dict[str, dict[str, Any]] = {}

    def put(name: str, **held: Any) -> None:
        props.setdefault(f"explore-{name}", {}).update(held)

    if "words" in new:
        put("summary", children=telling.summary(shown))
        put("badge", children=_badge(shown))
        put("benchmark", data=_benchmark(shown))
    if "frame" in new:
        put("nothing", children=_nothing(shown))
        put("body", className=_body_class(shown))
        put("settings-box", hidden=not controls.several(shown))
        put("note", children=telling.note(shown))
    if "choices" in new:
        models, targets, metrics = controls.choices(shown)
        put("model", data=models)
        put("target", data=targets)
        put("metric", data=metrics)
        put("settings", data=controls.settings_options(shown))
        put("languages", data=controls.language_options(shown))
        put("recipe", data=controls.recipe_options(shown))
    # A control is set only to correct it: what is chosen while an answer is under way must not be taken back.
    held = dict(zip(controls.CONTROLS, said, strict=True))
    for name, value in (
        ("model", shown.state.model),
        ("target", shown.state.target),
        ("metric", controls.metric(shown) if shown.state.layout == crossed.PLAIN else held["metric"]),
        ("settings", controls.settings(shown)),
        ("recipe", controls.recipe(shown) if of_one_recipe(held) else held["recipe"]),
    ):
        if value != held[name]:
            put(name, value=value)
    return props


def _benchmark(shown: Shown) -> dict[str, Any]:
    matrix = shown.matrix
    if matrix is None:
        return {"name": None, "synthetic": shown.state.source == Source.MINI.value}
    return {"name": matrix.benchmark, "synthetic": matrix.synthetic}


explore_wires.listen()
