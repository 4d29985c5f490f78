"""The share dialog: freeze what a page shows, see exactly what would leave, take a link or a file.

A page puts ``button()`` into its head and ``dialog(kind)`` anywhere into its layout; ``assets/share.js`` hands in the
page's present address when the dialog opens. There is one dialog on a page, so its names are fixed.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Input, Output, State, callback, clientside_callback, dcc, html, no_update
from pydantic import ValidationError

from backend.domain.account import Role
from backend.domain.schemas import (
    FrozenRun,
    SnapshotContent,
    SnapshotKind,
    SnapshotMade,
    SnapshotPreview,
    SnapshotView,
)
from backend.domain.schemas import SnapshotRequest as Request
from backend.errors import CrossliftError
from dashboard import links, shell, titles, visitor, words
from dashboard.client import client
from dashboard.look import count, size_of
from dashboard.shell import aria

EXPIRY = {"never": "Never", "7": "7 days", "30": "30 days", "90": "90 days"}
SHOWN_RUNS = 200  # in the listing; the file holds all


def button() -> Any:
    """What opens the dialog."""
    return dmc.Button("Share", id="share-open", variant="default", size="xs", className="share-open")


def dialog(kind: SnapshotKind) -> Any:
    """The dialog of a page whose numbers can be frozen."""
    return html.Div(
        [
            dcc.Store(id="share-kind", data=kind),
            dcc.Store(id="share-view"),
            dcc.Store(id="share-seen"),  # the digest of what was previewed, and the title that was made up for it
            html.Div(id="share-sink", hidden=True),
            dmc.Modal(
                id="share-dialog",
                title="Share what this page shows",
                size="lg",
                opened=False,
                closeButtonProps={"aria-label": "Close"},
                children=[
                    html.P(
                        "The numbers are frozen as they are now. Whoever opens the link sees these numbers, whatever "
                        "happens to the runs later. Nobody can change anything through it.",
                        className="soft",
                    ),
                    html.Div(_form(), id="share-form"),
                    html.H3("What would leave", className="share-heading"),
                    html.Div(id="share-preview", className="share-preview", **aria(live="polite")),
                    html.P(
                        "The file opens from disk without a network, and holds all that a link would show. No link is made "
                        "for it, and it cannot be taken back.",
                        className="soft",
                    ),
                    html.Div(
                        [
                            html.Div(id="share-made", role="status"),
                            shell.lacking(Role.SUBMITTER, "To create a link"),
                            html.Div(
                                [
                                    dmc.Button(
                                        "Create link",
                                        id="share-create",
                                        **{**shell.guard(Role.SUBMITTER), "disabled": True},
                                    ),
                                    html.A(
                                        "Download single HTML file",
                                        id="share-file",
                                        className="button-link",
                                        download="",
                                        href="",
                                    ),
                                ],
                                className="share-actions",
                            ),
                        ],
                        className="share-foot",
                    ),
                ],
            ),
        ]
    )


def _form() -> list[Any]:
    return [
        dmc.TextInput(id="share-title", label="Title", value="", debounce=400, required=True),
        dmc.Textarea(
            id="share-note", label="Note, for whoever opens it", value="", debounce=400, autosize=True, minRows=2, maxRows=6,
        ),
        html.Div(
            [
                html.Span("Expires", className="pick-label", **aria(hidden="true")),
                dmc.SegmentedControl(
                    id="share-expiry", data=[{"value": v, "label": text} for v, text in EXPIRY.items()], value="never",
                    size="sm", **aria(label="Expires"),
                ),
            ],
            className="choose",
        ),
        dmc.Checkbox(
            id="share-anonymous", checked=False, label="Anonymous: leave out names of experiments, and the messages of errors",
            description="For double-blind review. Title and note leave as they are written, models of your own keep their names, and a link "
            "names this server: where nobody may know it, send the file.",
        ),
    ]  # fmt: skip


# --- what would leave ------------------------------------------------------------------------------------------------


def request(view: Any, title: Any, note: Any = "", anonymous: Any = False, expiry: Any = "never") -> Request:
    """What the form says.

    Raises:
        ValidationError: the title is empty, or a text holds what cannot be shown.
    """
    days = int(expiry) if isinstance(expiry, str) and expiry.isdigit() else None
    said = {"view": view or "", "title": title or "", "note": note or "", "expires_days": days}
    return Request.model_validate({**said, "anonymous": bool(anonymous)})


def title_of(content: SnapshotContent) -> str:
    """A title to begin with."""
    if content.matrix is not None:
        return titles.title(content.matrix, "gains")
    targets = sorted({words.task_title(p.target) for p in content.points or ()})
    where = targets[0] if len(targets) == 1 else count(len(targets), "target")
    return f"Gain against size and compute: {where}"


def contents(content: SnapshotContent) -> list[tuple[str, str]]:
    """What a snapshot holds, as names and values: for the dialog, the frozen page and the file alike."""
    said: list[tuple[str, str]] = []
    if content.matrix is not None:
        said = titles.contents(content.matrix)
    if content.points is not None:
        points = content.points
        said = [
            ("Points", f"{len(points):,}"),
            ("Models", ", ".join(dict.fromkeys(words.model_title(p.model) for p in points))),
            ("Recipes", ", ".join(dict.fromkeys(p.recipe for p in points))),
            ("Targets", ", ".join(dict.fromkeys(words.task_title(p.target) for p in points))),
            ("Mean over", ", ".join(dict.fromkeys(words.support_title(p.language) for p in points))),
        ]
    benchmark = content.benchmark + (f" ({words.SYNTHETIC})" if content.synthetic else "")
    names = ", ".join(content.experiments) if content.experiments else "none: left out"
    return [("Benchmark", benchmark), *said, ("Runs behind it", runs_in_words(content)), ("Experiments named", names)]


def runs_in_words(content: SnapshotContent) -> str:
    """``14 runs: 6 evaluate, 4 finetune, 3 intermediate, 1 pretrain``."""
    kinds = Counter(r.kind.value for r in content.runs)
    listed = ", ".join(f"{n} {kind}" for kind, n in kinds.most_common())
    return count(len(content.runs), "run") + (f": {listed}" if listed else "")


def listing(preview: SnapshotPreview) -> list[Any]:
    """Exactly what would leave: its outline, its address, and every run by name."""
    content = preview.content
    facts = [*contents(content), ("Size", size_of(preview.bytes)), ("SHA-256", preview.sha256)]
    return [
        html.Dl(
            [html.Div([html.Dt(n), html.Dd(html.Code(v) if n == "SHA-256" else v)]) for n, v in facts],
            className="facts share-facts",
        ),
        html.Details(
            [
                html.Summary(f"Everything in it: {count(_numbers(content), 'number')} and {count(len(content.runs), 'run')}"),
                html.P(
                    [
                        "Title and note travel with the link, not with the numbers. Names of workers, logs, checkpoints and "
                        "predictions are never in it. Each cell carries ",
                        "gain, interval, scores, seeds and p and q, and the ids of its runs." if content.matrix else
                        "gain, interval, seeds, parameters, device-hours, energy and FLOPs where they were measured.",
                    ],
                    className="soft",
                ),
                run_table(content.runs[:SHOWN_RUNS]),
                html.P(f"and {count(len(content.runs) - SHOWN_RUNS, 'more run')}", className="soft")
                if len(content.runs) > SHOWN_RUNS
                else None,
            ],
            className="share-all",
        ),
        html.P(preview.reach, className="share-reach"),
    ]  # fmt: skip


def _numbers(content: SnapshotContent) -> int:
    return len(content.matrix.cells) if content.matrix is not None else len(content.points or ())


def run_table(runs: list[FrozenRun]) -> Any:
    """Where frozen numbers come from."""
    head = ("Run", "What it did", "Device", "Precision", "Engine", "Fingerprint")
    lines = [
        html.Tr(
            [
                html.Th(f"#{r.id}", scope="row"),
                html.Td(r.title),
                html.Td(f"{r.device or 'not known'} ({r.device_class.value})"),
                html.Td(r.precision),
                html.Td(str(r.engine)),
                html.Td(html.Code(r.fingerprint[:12], title=r.fingerprint)),
            ]
        )
        for r in runs
    ]
    body = [html.Thead(html.Tr([html.Th(name, scope="col") for name in head])), html.Tbody(lines)]
    return html.Div(
        html.Table(body, className="plain-table"), className="scroll", role="region", tabIndex="0", **aria(label="Runs")
    )


def made(link: SnapshotMade, *, as_seen: bool) -> list[Any]:
    """The link, this once. ``as_seen``: it holds what the preview showed."""
    changed = "A run has ended since the preview was made: the link holds newer numbers than those above. Revoke it if it should not."
    return [
        None if as_seen else html.P(changed, className="alarm"),
        dmc.TextInput(id="share-url", label="The link", value=link.url, readOnly=True, className="share-url"),
        dmc.Button("Copy", id="share-copy", size="sm"),
        html.P(
            [
                "It is shown this once: only its digest is kept. ",
                dcc.Link("Shares", href=links.SHARES),
                " lists it, and takes it back at once.",
            ],
            className="soft",
        ),
    ]


def state_of(shared: SnapshotView, now: datetime) -> str:
    """``open``, ``expired`` or ``revoked``."""
    if shared.revoked_at is not None:
        return "revoked"
    return "expired" if shared.expires_at is not None and shared.expires_at <= now else "open"


def refused(error: Exception) -> list[Any]:
    """Why nothing was made, in the words of whoever refused."""
    if isinstance(error, ValidationError):
        texts = [
            f"{e['loc'][0] if e['loc'] else 'form'}: {e['msg'].removeprefix('Value error, ')}" for e in error.errors()
        ]
    elif isinstance(error, CrossliftError):
        texts = [error.detail, *(e.message for e in error.errors)]
    else:
        raise error
    return [html.P(text, className="alarm") for text in texts]


# --- callbacks ---------------------------------------------------------------------------------------------------------


@callback(
    Output("share-preview", "children"),
    Output("share-title", "value"),
    Output("share-create", "disabled"),
    Output("share-made", "children"),
    Output("share-seen", "data"),
    Input("share-view", "data"),
    Input("share-anonymous", "checked"),
    State("share-title", "value"),
    State("share-seen", "data"),
    prevent_initial_call=True,
)
async def preview(said: Any, anonymous: Any, title: Any, seen: Any) -> Any:
    """What would leave now. ``said``: the address, and when the dialog was opened."""
    if not said:
        return (no_update,) * 5
    try:
        found = await client().preview_snapshot(request(said["view"], "preview", anonymous=anonymous))
    except (CrossliftError, ValidationError) as error:
        return refused(error), no_update, True, None, None
    own = title and title != (seen or {}).get("title")
    made_up = title_of(found.content)
    may = visitor.lacks(Role.SUBMITTER) is None
    return listing(found), no_update if own else made_up, not may, None, {"sha256": found.sha256, "title": made_up}


@callback(
    Output("share-file", "href"),
    Input("share-view", "data"),
    Input("share-title", "value"),
    Input("share-note", "value"),
    Input("share-anonymous", "checked"),
    State("share-kind", "data"),
    prevent_initial_call=True,
)
async def address_of_file(said: Any, title: Any, note: Any, anonymous: Any, kind: Any) -> Any:
    view = said["view"] if said else ""
    return links.offline(str(kind), view=view, title=title or "", note=note or "", anonymous=bool(anonymous))


@callback(
    Output("share-made", "children", allow_duplicate=True),
    Input("share-create", "n_clicks"),
    State("share-view", "data"),
    State("share-title", "value"),
    State("share-note", "value"),
    State("share-anonymous", "checked"),
    State("share-expiry", "value"),
    State("share-seen", "data"),
    prevent_initial_call=True,
    running=[(Output("share-create", "loading"), True, False)],
)
async def create(clicks: Any, said: Any, title: Any, note: Any, anonymous: Any, expiry: Any, seen: Any) -> Any:
    if not clicks or not said:
        return no_update
    try:
        link = await client().make_snapshot(request(said["view"], title, note, anonymous, expiry))
        return made(link, as_seen=link.snapshot.sha256 == (seen or {}).get("sha256"))
    except (CrossliftError, ValidationError) as error:
        return refused(error)


clientside_callback(
    ClientsideFunction("share", "open"),
    Output("share-dialog", "opened"),
    Output("share-view", "data"),
    Input("share-open", "n_clicks"),
    prevent_initial_call=True,
)
clientside_callback(
    ClientsideFunction("share", "copy"),
    Output("share-copy", "children"),
    Input("share-copy", "n_clicks"),
    State("share-url", "value"),
    prevent_initial_call=True,
)
