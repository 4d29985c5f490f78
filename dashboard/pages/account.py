"""One's account: role and limits, password, where one is signed in, API tokens; for admins who there is and who did what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import ALL, Input, Output, State, callback, ctx, dcc, html, no_update, register_page
from pydantic import ValidationError

from backend.domain.account import (
    LONGEST_TOKEN_DAYS,
    AccountView,
    AuditEntry,
    Me,
    Role,
    SessionView,
    TokenRequest,
    TokenView,
)
from backend.domain.schemas import Page
from backend.errors import CrossliftError
from dashboard import links, offline, shell, visitor, words
from dashboard.client import client
from dashboard.look import count
from dashboard.shell import aria, data

register_page(__name__, path=links.ACCOUNT, title=f"Account · {shell.NAME}", name="Account")

MAY = {
    Role.VIEWER: "may read everything",
    Role.SUBMITTER: "may read, submit, move, cancel, retry, pretrain and share",
    Role.ADMIN: "may do everything, drain workers too, sees who did what, and has no limits",
}


async def layout(search: str | None = None, **_: object) -> Any:
    if visitor.present().how == "open":
        return _open()
    cursor = links.parsed(search or "").get("cursor")
    try:
        me = await client().me()
        parts: list[Any] = [_me(me)]
        if me.how == "session":
            parts += [
                *(
                    _password()
                    if me.has_password
                    else [html.P("You sign in by the provider: this account has no password.")]
                ),
                *_sessions_part(await client().sessions()),
                *_tokens_part(me, await client().tokens()),
            ]
        if me.role is Role.ADMIN:
            older = cursor if isinstance(cursor, str) else None
            parts += _admins_part(await client().accounts(), await client().audit(older), older=older is not None)
    except CrossliftError as error:
        parts = [html.Div([html.H2("The account cannot be read"), html.P(error.detail)], className="nothing")]
    return html.Div([dmc.Title("Account", order=1, className="help-title"), *parts], className="page account")


def _open() -> Any:
    return html.Div(
        [
            dmc.Title("Account", order=1, className="help-title"),
            html.Div(
                [
                    html.H2("Nobody has to sign in here"),
                    html.P(
                        "This installation answers its own machine alone, and whoever uses it may do everything. To let others "
                        "in, make an account, then start it with accounts and with an address that they reach:"
                    ),
                    html.P(html.Code("crosslift user add NAME --role admin", className="command")),
                    html.P(
                        html.Code("CROSSLIFT_ACCOUNTS=true CROSSLIFT_HOST=0.0.0.0 crosslift up", className="command")
                    ),
                ],
                className="nothing",
            ),
        ],
        className="page account",
    )


def _fact(name: str, value: Any) -> Any:
    return html.Div([html.Dt(name), html.Dd(value)])


def _me(me: Me) -> Any:
    return html.Div(
        [
            html.Dl(
                [
                    _fact("Name", me.name),
                    _fact("Role", f"{me.role.value}: {MAY[me.role]}"),
                    *(_fact(*line) for line in words.limits(me.quota)),
                ],
                className="facts account-me",
            ),
            html.Form(html.Button("Sign out", type="submit"), action=links.SIGN_OUT, method="post", className="account-out"),
        ]
    )  # fmt: skip


def _password() -> list[Any]:
    return [
        html.H2("Password"),
        html.Div(
            [
                dmc.PasswordInput(id="account-old", label="Present password", persistence=False),
                dmc.PasswordInput(id="account-new", label="New password, 12 characters or more", persistence=False),
                dmc.Button("Change", id="account-change", variant="default"),
            ],
            className="account-form",
        ),
        html.Div(id="account-changed", role="status"),
    ]


# --- sessions ---------------------------------------------------------------------------------------------------------------------


def _sessions_part(found: Sequence[SessionView]) -> list[Any]:
    return [
        html.H2("Signed in"),
        html.Div(sessions(found), id="account-sessions"),
        html.Div(id="account-ended", role="status"),
    ]


def sessions(found: Sequence[SessionView]) -> Any:
    rows = [
        html.Tr(
            [
                html.Th(f"{s.address}{' (here)' if s.this else ''}", scope="row"),
                html.Td(offline.moment(s.created_at), **data(label="Since")),
                html.Td(offline.moment(s.expires_at), **data(label="Until")),
                html.Td(
                    None
                    if s.this
                    else dmc.Button(
                        "End",
                        id={"account-end": s.id},
                        size="compact-sm",
                        variant="default",
                        **aria(label=f"End the session from {s.address}"),
                    )
                ),
            ]
        )
        for s in found
    ]
    return _table(("From", "Since", "Until", ""), rows)


# --- tokens -----------------------------------------------------------------------------------------------------------------------


def _tokens_part(me: Me, found: Sequence[TokenView]) -> list[Any]:
    roles = [r.value for r in Role if me.role.allows(r)]
    return [
        html.H2("API tokens"),
        html.P(
            [
                "What a program signs in with: ",
                html.Code("Authorization: Bearer …"),
                ", and the command line with ",
                html.Code("CROSSLIFT_TOKEN"),
                ". One may do what its role says, and never more than you.",
            ],
            className="summary",
        ),
        html.Div(
            [
                dmc.TextInput(id="account-token-name", label="What it is for", persistence=False),
                dmc.Select(id="account-token-role", label="Role", data=roles, value=roles[0], allowDeselect=False),
                dmc.NumberInput(
                    id="account-token-days", label="Days that it works", value=90, min=1, max=LONGEST_TOKEN_DAYS,
                    allowDecimal=False,
                ),
                dmc.Button("Make a token", id="account-make", variant="default"),
            ],
            className="account-form",
        ),
        html.Div(id="account-made", role="status"),
        html.Div(tokens(found), id="account-tokens"),
    ]  # fmt: skip


def tokens(found: Sequence[TokenView]) -> Any:
    if not found:
        return html.P("None yet.", className="soft")
    rows = [
        html.Tr(
            [
                html.Th(t.name, scope="row"),
                html.Td(t.role.value, **data(label="Role")),
                html.Td(offline.moment(t.expires_at), **data(label="Until")),
                html.Td(offline.moment(t.last_used_at) if t.last_used_at else "never", **data(label="Last used")),
                html.Td(
                    "revoked"
                    if t.revoked_at
                    else dmc.Button(
                        "Revoke",
                        id={"account-revoke": t.id},
                        size="compact-sm",
                        variant="default",
                        **aria(label=f"Revoke the token {t.name}"),
                    )
                ),
            ]
        )
        for t in found
    ]
    return _table(("For", "Role", "Until", "Last used", ""), rows)


# --- for admins ---------------------------------------------------------------------------------------------------------------------


def _admins_part(accounts: Sequence[AccountView], audit: Page[AuditEntry], *, older: bool) -> list[Any]:
    people = [
        html.Tr(
            [
                html.Th(a.name, scope="row"),
                html.Td(a.role.value, **data(label="Role")),
                html.Td(offline.moment(a.created_at), **data(label="Since")),
                html.Td("disabled" if a.disabled_at else "may sign in", **data(label="State")),
            ]
        )
        for a in accounts
    ]
    done = [
        html.Tr(
            [
                html.Th(offline.moment(e.at), scope="row"),
                html.Td(e.who, **data(label="Who")),
                html.Td(f"{e.action} {e.subject}", **data(label="Did")),
            ]
        )
        for e in audit.items
    ]
    onward: list[Any] = [count(audit.total, "entry", "entries")]
    if older:
        onward += [" · ", dcc.Link("Newest", href=links.ACCOUNT)]
    if audit.next_cursor:
        onward += [" · ", dcc.Link("Older", href=links.audited(audit.next_cursor))]
    return [
        html.H2("Accounts"),
        html.P(["Made and changed on the machine itself: ", html.Code("crosslift user"), "."], className="summary"),
        _table(("Name", "Role", "Since", "State"), people),
        html.H2("Who did what"),
        _table(("When", "Who", "Did"), done),
        html.P(onward, className="soft"),
    ]


def _table(head: Sequence[str], rows: Sequence[Any]) -> Any:
    names = [html.Th(name or html.Span("Do", className="unseen"), scope="col") for name in head]
    table = html.Table([html.Thead(html.Tr(names)), html.Tbody(rows)], className="plain-table account-table")
    return html.Div(table, className="scroll")


# --- what is done -----------------------------------------------------------------------------------------------------------------


def said(error: CrossliftError) -> Any:
    """What was refused, in the API's words."""
    return html.P(" ".join([error.detail, *(f"{e.message}." for e in error.errors)]), className="alarm")


@callback(
    Output("account-changed", "children"),
    Output("account-old", "value"),
    Output("account-new", "value"),
    Output("account-sessions", "children"),
    Input("account-change", "n_clicks"),
    State("account-old", "value"),
    State("account-new", "value"),
    prevent_initial_call=True,
)
async def change(clicks: Any, old: Any, new: Any) -> Any:
    if not clicks or not old or not new:
        return html.P("Both passwords are needed.", className="alarm"), no_update, no_update, no_update
    try:
        await client().change_password(str(old), str(new))
        left = await client().sessions()
    except CrossliftError as error:
        return said(error), no_update, no_update, no_update
    return html.P("Changed. You are signed out everywhere else.", className="soft"), "", "", sessions(left)


@callback(
    Output("account-sessions", "children", allow_duplicate=True),
    Output("account-ended", "children"),
    Input({"account-end": ALL}, "n_clicks"),
    prevent_initial_call=True,
)
async def end(clicks: list[Any]) -> Any:
    chosen = ctx.triggered_id
    if not chosen or not any(clicks):
        return no_update, no_update
    try:
        await client().end_session(chosen["account-end"])
        return sessions(await client().sessions()), html.P("Signed out there.", className="soft")
    except CrossliftError as error:
        return no_update, said(error)


@callback(
    Output("account-tokens", "children"),
    Output("account-made", "children"),
    Input("account-make", "n_clicks"),
    Input({"account-revoke": ALL}, "n_clicks"),
    State("account-token-name", "value"),
    State("account-token-role", "value"),
    State("account-token-days", "value"),
    prevent_initial_call=True,
)
async def make_or_revoke(make: Any, revoke: list[Any], name: Any, role: Any, days: Any) -> Any:
    chosen = ctx.triggered_id
    if not chosen or not ctx.triggered[0]["value"]:
        return no_update, no_update
    try:
        if chosen == "account-make":
            request = TokenRequest(name=(name or "").strip(), role=role, days=days)
            made = await client().make_token(request)
            shown: Any = html.Div(
                [
                    html.P("This is the token. It is shown this once: copy it now."),
                    html.Code(made.secret),
                ],
                className="account-secret",
            )
        else:
            gone = await client().revoke_token(chosen["account-revoke"])
            shown = html.P(f"Revoked: {gone.name}. It does nothing from now on.", className="soft")
        return tokens(await client().tokens()), shown
    except ValidationError as error:
        fault = error.errors()[0]
        return no_update, html.P(f"{str(fault['loc'][0]).capitalize()}: {fault['msg']}.", className="alarm")
    except CrossliftError as error:
        return no_update, said(error)
