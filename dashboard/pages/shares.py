"""Shares: every link that was made, and how to take one back. The links themselves are not here: each was shown once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import dash_mantine_components as dmc
from dash import ALL, Input, Output, State, callback, ctx, dcc, html, no_update, register_page

from backend.domain.account import Role
from backend.domain.schemas import Page, SnapshotView
from backend.errors import CrossliftError
from dashboard import links, offline, share, shell
from dashboard.client import client
from dashboard.look import count, size_of
from dashboard.shell import aria, data

register_page(__name__, path=links.SHARES, title=f"Shares · {shell.NAME}", name="Shares")

KINDS = {"explore": "heatmap", "tradeoff": "trade-off"}


async def layout(search: str | None = None, **_: object) -> Any:
    cursor = links.parsed(search or "").get("cursor")
    return html.Div(
        [
            dmc.Title("Shares", order=1, className="help-title"),
            html.P(
                [
                    "Every link that was made to a frozen result. A link was shown once, when it was made, and only its digest is "
                    "kept: it cannot be copied from here. Make another from ",
                    dcc.Link("Explore", href=links.EXPLORE),
                    " or ",
                    dcc.Link("Trade-off", href=links.TRADEOFF),
                    "; equal numbers are kept once.",
                ],
                className="summary shares-intro",
            ),
            html.Div(await _list(cursor if isinstance(cursor, str) else None), id="shares-list"),
            html.Div(id="shares-said", role="status"),
            dcc.Store(id="shares-cursor", data=cursor if isinstance(cursor, str) else None),
            dcc.Store(id="shares-chosen"),
            dmc.Modal(
                [
                    html.P(id="shares-which"),
                    html.P("Whoever opens the link from now on sees that it shows nothing. This cannot be undone."),
                    html.Div(
                        [
                            dmc.Button("Revoke", id="shares-sure", color="red"),
                            dmc.Button("Keep it", id="shares-keep", variant="default"),
                        ],
                        className="share-actions",
                    ),
                ],
                id="shares-confirm",
                title="Revoke this link?",
                opened=False,
                closeButtonProps={"aria-label": "Close"},
            ),
        ],
        className="page shares",
    )


async def _list(cursor: str | None) -> Any:
    try:
        found = await client().snapshots(cursor=cursor)
    except CrossliftError as error:
        return html.Div([html.H2("The list cannot be read"), html.P(error.detail)], className="nothing")
    return listed(found, datetime.now(UTC), older=cursor is not None)


def listed(found: Page[SnapshotView], now: datetime, *, older: bool = False) -> Any:
    """The list, or what to do where there is none."""
    if not found.items:
        return html.Div(
            [
                html.H2("Nothing has been shared yet"),
                html.P("Explore and Trade-off have a button Share: it freezes what the page shows and makes a link to it."),
                html.P([dcc.Link("Go to Explore", href=links.EXPLORE), " · ", dcc.Link("What is frozen", href=links.help("snapshot"))]),
            ],
            className="nothing",
        )  # fmt: skip
    head = ("Title", "What", "Made", "Ends", "Opened", "SHA-256", "State", "")
    table = html.Table(
        [
            html.Thead(
                html.Tr([html.Th(name or html.Span("Revoke", className="unseen"), scope="col") for name in head])
            ),
            html.Tbody([_row(s, now) for s in found.items]),
        ],
        className="plain-table shares-table",
    )
    onward = []
    if older:
        onward.append(dcc.Link("Newest", href=links.SHARES))
    if found.next_cursor:
        onward.append(dcc.Link("Older", href=links.shares(found.next_cursor)))
    return [
        shell.lacking(Role.SUBMITTER, "To revoke a link"),
        html.Div(table, className="scroll"),
        html.P([count(found.total, "link"), *(part for link in onward for part in (" · ", link))], className="soft"),
    ]


def _row(s: SnapshotView, now: datetime) -> Any:
    state = share.state_of(s, now)
    opened = "never" if not s.opened else f"{s.opened:,} ×"
    last = f", last {offline.moment(s.last_opened_at)}" if s.last_opened_at else ""
    note = [html.Span(s.note.splitlines()[0][:120], className="soft share-note")] if s.note else []
    what: list[Any] = [
        f"{KINDS[s.kind]} · ",
        html.A("live view", href=s.view),
        f" · {count(s.runs, 'run')}, {size_of(s.bytes)}",
    ]
    if s.anonymous:
        what.append(" · anonymous")
    return html.Tr(
        [
            html.Th([html.Span(s.title), *note], scope="row"),
            html.Td(what, **data(label="What")),
            html.Td(offline.moment(s.created_at), **data(label="Made")),
            html.Td(offline.moment(s.expires_at) if s.expires_at else "never", **data(label="Ends")),
            html.Td(opened + last, **data(label="Opened")),
            html.Td(html.Code(s.sha256[:12], title=s.sha256), **data(label="SHA-256")),
            html.Td(html.Span(state, className=f"share-state {state}"), **data(label="State")),
            html.Td(
                dmc.Button(
                    "Revoke", id={"share-revoke": s.id}, size="compact-sm", variant="default", **shell.guard(Role.SUBMITTER),
                    **aria(label=f"Revoke {s.title}"),
                )
                if state == "open"
                else None
            ),
        ]
    )  # fmt: skip


@callback(
    Output("shares-confirm", "opened"),
    Output("shares-chosen", "data"),
    Output("shares-which", "children"),
    Input({"share-revoke": ALL}, "n_clicks"),
    State({"share-revoke": ALL}, "aria-label"),
    prevent_initial_call=True,
)
async def ask(clicks: list[Any], labels: list[Any]) -> Any:
    """Which one; nothing happens before it is confirmed."""
    chosen = ctx.triggered_id
    if not chosen or not any(clicks) or not ctx.triggered[0]["value"]:
        return no_update, no_update, no_update
    ids = [part["id"]["share-revoke"] for part in ctx.inputs_list[0]]
    label = labels[ids.index(chosen["share-revoke"])] or ""
    return True, chosen["share-revoke"], html.B(label.removeprefix("Revoke "))


@callback(
    Output("shares-confirm", "opened", allow_duplicate=True),
    Output("shares-list", "children"),
    Output("shares-said", "children"),
    Input("shares-sure", "n_clicks"),
    Input("shares-keep", "n_clicks"),
    State("shares-chosen", "data"),
    State("shares-cursor", "data"),
    prevent_initial_call=True,
)
async def revoke(sure: Any, keep: Any, chosen: Any, cursor: Any) -> Any:
    if not (sure or keep):
        return no_update, no_update, no_update
    if ctx.triggered_id != "shares-sure" or not isinstance(chosen, int):
        return False, no_update, no_update
    try:
        gone = await client().revoke_snapshot(chosen)
    except CrossliftError as error:
        return False, no_update, html.P(error.detail, className="alarm")
    return (
        False,
        await _list(cursor),
        html.P(f"Revoked: {gone.title}. The link answers 404 from now on.", className="soft"),
    )
