"""Saved views of a page as tabs, and the dialog that saves one. Any page can have them: ``await section(links.RUNS)`` in its layout;
one whose address changes by itself marks them anew (``views.mark`` in ``assets/runlist.js``).

What is saved is the address as the browser shows it, so a page needs to know nothing of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import (
    ALL,
    ClientsideFunction,
    Input,
    Output,
    State,
    callback,
    clientside_callback,
    dcc,
    html,
    no_update,
)
from pydantic import ValidationError

from backend.domain.account import Role
from backend.domain.saved import SavedView, SavedViewRequest
from backend.errors import CrossliftError
from dashboard import visitor
from dashboard.client import client
from dashboard.shell import aria, data


async def section(page: str, first: str = "All") -> Any:
    """The tabs of a page, by its path; ``first`` is what it shows by itself."""
    return html.Div(
        [
            html.Nav(await _tabs(page, first), id="views-tabs", className="view-tabs", **aria(label="Saved views")),
            dcc.Store(id="views-page", data=[page, first]),
            dcc.Store(id="views-asked"),
            dcc.Store(id="views-done"),
            html.Div(id="views-sink", hidden=True),
            _dialog(),
        ]
    )


async def _tabs(page: str, first: str) -> list[Any]:
    try:
        found = await client().views(page)
    except CrossliftError:
        return [dcc.Link(first, href=page, className="view-tab")]  # the page says what is wrong
    return tabs(page, first, found)


def tabs(page: str, first: str, found: Sequence[SavedView]) -> list[Any]:
    return [
        dcc.Link(first, href=page, className="view-tab"),
        *(_tab(view) for view in found),
        html.Button("+ Save this view", id="views-open", type="button", className="view-save", n_clicks=0),
    ]


def _tab(view: SavedView) -> Any:
    whose = "" if view.shared else " (only yours)"
    by = f"Saved by {view.owner}. " if view.owner else ""
    gone = html.Button(
        "×", id={"views-remove": view.id}, type="button", className="view-remove", n_clicks=0,
        **aria(label=f"Remove the saved view {view.name}"),
    )  # fmt: skip
    return html.Span(
        [
            dcc.Link(view.name, href=view.address, className="view-tab", title=f"{by}{view.short} leads here{whose}"),
            html.Span("◦", className="soft", title="Only yours") if not view.shared else None,
            gone if view.own else None,
        ],
        className="view-one",
    )


def _dialog() -> Any:
    everybody = visitor.present().how in ("", "open")
    why = visitor.lacks(Role.SUBMITTER)
    return dmc.Modal(
        [
            html.P("A saved view is a name for the address of this page as it stands now. It is live: it shows what is there when it is opened."),
            dmc.TextInput(id="views-name", label="Name", value="", **data(autofocus="")),
            html.Div(
                dmc.Switch(id="views-shared", label="Everybody sees it", checked=everybody, disabled=why is not None, mt="md"),
                hidden=everybody,
            ),
            html.P(why, className="soft") if why and not everybody else None,
            html.Div(id="views-said", className="field-error", role="alert"),
            html.Div(dmc.Button("Save", id="views-save", n_clicks=0), className="confirm"),
        ],
        id="views-dialog",
        title="Save this view",
        opened=False,
        closeButtonProps={"aria-label": "Close"},
        keepMounted=True,
    )  # fmt: skip


@callback(
    Output("views-said", "children"),
    Output("views-tabs", "children"),
    Output("views-dialog", "opened"),
    Output("views-name", "value"),
    Input("views-asked", "data"),
    State("views-page", "data"),
    prevent_initial_call=True,
)
async def act(asked: Any, page: Any) -> Any:
    """Save or remove one, then show what there is."""
    try:
        if "remove" in asked:
            await client().remove_view(int(asked["remove"]))
        else:
            request = SavedViewRequest(
                name=str(asked["name"]).strip(), address=str(asked["address"]), shared=bool(asked["shared"])
            )
            await client().save_view(request)
    except ValidationError:
        return "Give it a name: one line of at most 60 characters.", no_update, True, no_update
    except CrossliftError as error:
        said = "; ".join(e.message for e in error.errors) or error.detail
        return said, no_update, no_update, no_update
    return None, await _tabs(*map(str, page)), False, ""


clientside_callback(
    ClientsideFunction("views", "open"),
    Output("views-dialog", "opened", allow_duplicate=True),
    Input("views-open", "n_clicks"),
    prevent_initial_call=True,
)
clientside_callback(
    ClientsideFunction("views", "asked"),
    Output("views-asked", "data"),
    Input("views-save", "n_clicks"),
    Input({"views-remove": ALL}, "n_clicks"),
    State("views-name", "value"),
    State("views-shared", "checked"),
    prevent_initial_call=True,
)
clientside_callback(
    ClientsideFunction("views", "mark"), Output("views-sink", "children"), Input("views-tabs", "children")
)
