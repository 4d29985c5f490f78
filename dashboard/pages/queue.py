"""The queue: what runs, what waits and why, what failed lately, and who is there to do it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
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
    register_page,
)

from backend.domain.account import Role
from backend.domain.schemas import QueueView, RunView, WorkerView
from backend.errors import CrossliftError
from dashboard import foretold, links, live, progress, queued, shell, states, stopping, visitor
from dashboard.client import client
from dashboard.links import Queue
from dashboard.look import count, size_of
from dashboard.panels import DEMO

register_page(__name__, path=links.QUEUE, title=f"Queue · {shell.NAME}", name="Queue")

MANY = 200  # runs of a state that are read
SHOWN = 50  # and shown; where text is looked for, those that hold it
SHOWN_FAILED = 10
SHOWN_FIRST = 12  # queued and waiting ones, where everything is shown
SHOW = {"all": "Everything", "running": "Running", "queued": "Queued", "waiting": "Waiting", "failed": "Failed"}
SECTIONS = ("running", "queued", "waiting", "failed")
HEADS = {
    "running": "Running",
    "queued": "Queued, in the order in which workers take them",
    "waiting": "Waiting for other runs",
    "failed": "Failed, newest first",
}


async def layout(search: str | None = None, **_: object) -> Any:
    state = Queue.of(search or "")
    kinds = [
        {"value": "any", "label": "All kinds"},
        *({"value": k.value, "label": label} for k, label in states.KINDS.items()),
    ]
    return html.Div(
        [
            html.Div(dmc.Title("Queue", order=1), className="head"),
            html.Nav(_presets(), id="queue-presets", className="view-tabs", **shell.aria(label="Presets")),
            html.Div(
                [
                    dmc.Select(
                        id="queue-show", label="Show", data=[{"value": v, "label": t} for v, t in SHOW.items()],
                        value=state.show, size="sm", allowDeselect=False, className="pick", checkIconPosition="right",
                    ),
                    dmc.Select(
                        id="queue-kind", label="Kind", data=kinds, value=state.kind, size="sm", allowDeselect=False,
                        className="pick", checkIconPosition="right",
                    ),
                    dmc.TextInput(
                        id="queue-q", label="Title holds", value=state.q or "", placeholder="mini-2, mnli, seed 0 …", size="sm",
                        className="pick", debounce=250,
                    ),
                ],
                className="filters",
                role="group",
                **shell.aria(label="What to show"),
            ),
            html.Div(id="queue-said", className="field-error", role="alert"),
            queued.bar(),
            stopping.dialog("queue"),
            html.Div(await _content(state), id="queue-content"),
            dcc.Store(id="queue-fixed", data={"mine": state.mine, "within": state.within}),
            dcc.Store(id="queue-targets"),
            dcc.Store(id="queue-bulk"),
            await _foretold(),
            shell.live("queue", "clock"),
            dcc.Store(id="queue-asked"),
            dcc.Store(id="queue-done"),
            dcc.Store(id="queue-seen"),
            dcc.Store(id="queue-address"),
            html.Div(id="queue-sink", hidden=True),
        ],
        className="page",
    )  # fmt: skip


def _presets() -> list[Any]:
    """Views that are asked for often; each is an address."""
    found = {
        "Everything": Queue(),
        "Running": Queue(show="running"),
        "Failed in 24 h": Queue(show="failed", within="24h"),
    }
    if visitor.present().how not in ("", "open"):
        found["Mine"] = Queue(mine="1")
    return [dcc.Link(title, href=of.address, className="view-tab") for title, of in found.items()]


async def _foretold() -> Any:
    """It changes slowly: as of when the page was opened."""
    try:
        return foretold.section(await client().forecasts())
    except CrossliftError:
        return None  # what stands above says that nothing can be read


async def _content(state: Queue) -> list[Any]:
    kind = None if state.kind == "any" else state.kind
    wanted = SECTIONS if state.show == "all" else (state.show,)
    try:
        queue = await client().queue()
        pages = await asyncio.gather(*(_section(s, kind, state) for s in wanted))
    except CrossliftError as error:
        return [html.Div([html.H2("The queue cannot be read"), html.P(error.detail)], className="nothing")]
    found = {name: [r for r in runs if _holds(r, state.q)] for name, (runs, _) in zip(wanted, pages, strict=True)}
    totals = {name: total for name, (_, total) in zip(wanted, pages, strict=True)}
    return content(queue, found, totals, state, datetime.now(UTC))


async def _section(name: str, kind: str | None, state: Queue) -> tuple[list[RunView], int]:
    mine = state.mine == "1"
    if name == "failed":
        hours = 24 if state.within == "24h" else None
        limit = SHOWN if state.show == "failed" else SHOWN_FAILED * 3
        page = await client().runs("failed", "diverged", kind=kind, limit=limit, mine=mine, hours=hours)
    else:
        page = await client().runs(name, kind=kind, order="queue", limit=MANY, mine=mine)
    return page.items, page.total


def _holds(run: RunView, q: str | None) -> bool:
    text = f"{run.title} {run.model} {run.recipe} {run.target or ''} {run.worker or ''}".lower()
    return all(part in text for part in (q or "").lower().split())


# --- what is shown ---------------------------------------------------------------------------------------------------


def content(
    queue: QueueView, found: dict[str, list[RunView]], totals: dict[str, int], state: Queue, now: datetime
) -> list[Any]:
    parts: list[Any] = [_standing(queue), _workers(queue, found.get("running", []))]
    narrowed = state.q is not None or state.kind != "any" or state.mine == "1" or state.within != "any"
    for name, runs in found.items():
        if not runs and not narrowed and state.show == "all":
            continue
        parts.append(_list(name, runs, totals[name], state, now))
    if len(parts) == 2:
        parts.append(_nothing())
    return parts


def _standing(queue: QueueView) -> Any:
    counts = {"running": queue.running, "queued": queue.queued, "waiting": queue.waiting}
    if not any(counts.values()):
        return html.P("Nothing runs and nothing waits.", className="standing", role="status")
    text = None
    if not queue.workers:
        text = "No worker is there: what is queued waits."
    elif all(w.drained_at is not None for w in queue.workers):
        text = "Every worker is drained: what is queued waits."
    return html.Div(
        [
            *(html.Span([states.chip(name), f" {n:,}"], className="standing-words") for name, n in counts.items() if n),
            html.Span(text, className="alarm") if text else None,
        ],
        className="standing",
        role="status",
    )


def _workers(queue: QueueView, running: Sequence[RunView]) -> Any:
    if not queue.workers:
        return html.Section([html.H2("Workers"), html.P(["None is there. Start one with ", html.Code("make up"), "."])])
    titles = {r.id: r.title for r in running}
    return html.Section(
        [
            html.H2("Workers"),
            shell.lacking(Role.ADMIN, "To drain a worker"),
            html.Ul([html.Li(_worker(w, titles)) for w in queue.workers], className="run-cards workers"),
        ],
        className="part-of",
    )


def _worker(worker: WorkerView, titles: dict[int, str]) -> Any:
    silent = worker.seen_age_seconds > 60
    busy = len(worker.running)
    seen = f"seen {states.age(worker.seen_age_seconds)} ago"
    return html.Div(
        [
            html.Div([html.B(worker.name), html.Span(worker.device, className="soft")], className="run-head"),
            html.Div(
                [
                    html.Span(f"{busy} of {count(worker.slots, 'slot')} busy"),
                    html.Span(f"{size_of(worker.memory_bytes)} of memory", className="soft")
                    if worker.memory_bytes
                    else None,
                    html.Span(f"serves {', '.join(worker.queues)}", className="soft"),
                    html.Span(f"✕ {seen}: silent" if silent else seen, className="alarm" if silent else "soft"),
                    _drain(worker, busy),
                ],
                className="run-words",
            ),
            html.Ul(
                [html.Li(dcc.Link(titles.get(i, f"Run {i}"), href=links.run(i))) for i in worker.running],
                className="doing",
            )
            if worker.running
            else None,
        ],
        className="run-card",
    )


def _drain(worker: WorkerView, busy: int) -> Any:
    """Whether it takes runs, and the button that changes that."""
    drained = worker.drained_at is not None
    said = (
        "drained: it takes nothing new" + (" and ends what it works on" if busy else ", and is idle")
        if drained
        else None
    )
    label = "Take runs again" if drained else "Drain"
    return html.Span(
        [
            html.B(said) if said else None,
            html.Button(
                label,
                id={"queue-drain": worker.name, "on": not drained},
                type="button",
                className="button-link",
                title="It takes nothing new; what it works on goes on to its end." if not drained else None,
                **shell.guard(Role.ADMIN),
                **shell.aria(label=f"{label}: {worker.name}"),
            ),
        ],
        className="turn",
    )


def _list(name: str, runs: list[RunView], total: int, state: Queue, now: datetime) -> Any:
    limit = SHOWN if state.show != "all" or name == "running" else SHOWN_FAILED if name == "failed" else SHOWN_FIRST
    shown = runs[:limit]
    head = html.H2([HEADS[name], html.Span(f" {len(runs) if state.q else total:,}", className="soft")])
    if not shown:
        return html.Section([head, html.P("None matches what is chosen above.", className="soft")], className="part-of")
    turns = name in ("queued", "waiting")
    around = zip(shown, [None, *shown[:-1]], [*shown[1:], None], strict=True)
    rows = [html.Li(_row(name, r, now, queued.turn(r, above, below) if turns else None)) for r, above, below in around]
    css = {"running": "run-cards", "failed": "failures"}.get(name, "rows")
    left = (len(runs) if state.q else total) - len(shown)
    more = None
    if left > 0:
        narrower = replace(state, show=name).address  # type: ignore[arg-type]
        link = dcc.Link(f"and {left:,} more", href=narrower) if state.show == "all" else f"and {left:,} more"
        more = html.P(link, className="soft")
    moved = shell.lacking(Role.SUBMITTER, "To move a run in the queue") if turns else None
    return html.Section([head, moved, html.Ul(rows, className=css), more], className="part-of")


def _row(name: str, run: RunView, now: datetime, turn: Any) -> Any:
    if name == "running":
        return html.Div([queued.box(run), progress.card(run)], className="picked-card")
    if name == "failed":
        ended = states.since(run.finished_at, now) if run.finished_at else ""
        return [queued.box(run), *progress.failure(run), html.P(ended, className="soft")]
    return [
        html.Span([queued.box(run), states.chip(run.state.value)], className="row-state"),
        dcc.Link(run.title, href=links.run(run.id), className="row-title"),
        html.Span(run.why, className="soft row-why"),
        turn,
    ]


def _nothing() -> Any:
    return html.Div(
        [
            html.H2("The queue is empty"),
            html.P("Runs appear here when an experiment is submitted, and go when they are done."),
            html.P([dcc.Link("New experiment", href=links.NEW), ", or the demo study:"]),
            dmc.Code(DEMO, block=True, className="command"),
        ],
        className="nothing",
    )


# --- callbacks -------------------------------------------------------------------------------------------------------


@callback(
    Output("queue-content", "children"),
    Output("queue-seen", "data"),
    Output("queue-address", "data"),
    Input("queue-show", "value"),
    Input("queue-kind", "value"),
    Input("queue-q", "value"),
    Input("queue-clock", "children"),
    Input("queue-done", "data"),
    State("queue-fixed", "data"),
    State("queue-seen", "data"),
    State("queue-address", "data"),
    prevent_initial_call=True,
)
async def draw(show: Any, kind: Any, q: Any, _: Any, __: Any, fixed: Any, seen: Any, told: Any) -> Any:
    """The queue anew; the shell's clock stands still while the page is hidden."""
    text = " ".join(q.split()) if isinstance(q, str) else None
    state = Queue.read({**(fixed if isinstance(fixed, dict) else {}), "show": show, "kind": kind, "q": text or None})
    (children,), now = live.fresh({"content": await _content(state)}, seen)
    address = no_update if told == state.address else state.address
    return children, now if children is not no_update else no_update, address


@callback(
    Output("queue-said", "children"),
    Output("queue-done", "data"),
    Input("queue-asked", "data"),
    prevent_initial_call=True,
)
async def act(asked: Any) -> Any:
    """Move a run in the queue, drain a worker or let it take runs again; then what is shown is drawn anew."""
    chosen = asked["id"]
    try:
        if "queue-move" in chosen:
            to = str(chosen["to"])
            place = int(to.partition(":")[2]) if to.startswith("before:") else to
            await client().move_run(int(chosen["queue-move"]), place)
        else:
            await client().drain_worker(str(chosen["queue-drain"]), drained=bool(chosen["on"]))
    except CrossliftError as error:
        return error.detail, asked["at"]
    return None, asked["at"]


@callback(
    Output("queue-said", "children", allow_duplicate=True),
    Output("queue-done", "data", allow_duplicate=True),
    Input("queue-bulk", "data"),
    prevent_initial_call=True,
)
async def act_on_many(asked: Any) -> Any:
    """Cancel, try again or move those that are chosen, one by one; what was refused is said."""
    return await queued.act(client(), asked["what"], [int(id) for id in asked["ids"]]), asked["at"]


clientside_callback(
    ClientsideFunction("live", "asked"),
    Output("queue-asked", "data"),
    Input({"queue-move": ALL, "to": ALL, "by": ALL}, "n_clicks"),
    Input({"queue-drain": ALL, "on": ALL}, "n_clicks"),
    prevent_initial_call=True,
)
clientside_callback(
    ClientsideFunction("live", "tell"), Output("queue-sink", "children"), Input("queue-address", "data")
)
clientside_callback(
    ClientsideFunction("queue", "picked"),
    Output("queue-bar", "hidden"),
    Output("queue-chosen", "children"),
    Output("queue-targets", "data"),
    Output("queue-stop", "hidden"),
    Output("queue-again", "hidden"),
    Output("queue-first", "hidden"),
    Output("queue-last", "hidden"),
    Input({"queue-pick": ALL, "state": ALL}, "checked"),
    State({"queue-pick": ALL, "state": ALL}, "id"),
)
clientside_callback(
    ClientsideFunction("queue", "bulk"),
    Output("queue-bulk", "data"),
    Output({"queue-pick": ALL, "state": ALL}, "checked"),
    Output("queue-confirm", "opened"),
    Output("queue-confirm", "title"),
    Input("queue-stop", "n_clicks"),
    Input("queue-again", "n_clicks"),
    Input("queue-first", "n_clicks"),
    Input("queue-last", "n_clicks"),
    Input("queue-none", "n_clicks"),
    Input("queue-keep", "n_clicks"),
    Input("queue-sure", "n_clicks"),
    State("queue-targets", "data"),
    State({"queue-pick": ALL, "state": ALL}, "id"),
    prevent_initial_call=True,
)
clientside_callback(
    ClientsideFunction("queue", "drawn"), Output("queue-sink", "title"), Input("queue-content", "children")
)
