"""One experiment: how it stands while it runs, what failed, and where its results are.

The page listens to the API's stream of events (``dashboard.live``) and to the shell's clock. Both only say that there may
be something new: ``draw`` then asks the API, and gives the browser the parts that differ from what it shows. So a reload,
a second browser and an API that was away for a while all show the same.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import dash_mantine_components as dmc
from dash import Input, Output, State, callback, ctx, dcc, html, no_update, register_page

from backend.domain.account import Role
from backend.domain.schemas import ExperimentView, RunView
from backend.errors import CrossliftError, NotFound
from dashboard import draft, links, live, origin, progress, shell, states
from dashboard.client import client
from dashboard.look import count

register_page(
    __name__,
    path_template=f"{links.EXPERIMENTS}/<experiment_id>",
    title=f"Experiment · {shell.NAME}",
    name="Experiment",
)

PARTS = ("state", "actions", "bars", "failures", "now", "grid")


async def layout(experiment_id: str | None = None, **_: object) -> Any:
    id = int(experiment_id) if experiment_id and experiment_id.isdecimal() and len(experiment_id) < 19 else 0
    try:
        view, runs = await _read(id)
    except CrossliftError as error:
        return _unread(experiment_id, error)
    parts = _parts(view, runs)
    return html.Div(
        [
            html.Div([dcc.Link("Experiments", href=links.EXPERIMENTS), f" / {view.id}"], className="trail"),
            html.Div([dmc.Title(view.name, order=1), _benchmark(view)], className="head"),
            origin.note(view.brought),
            html.Div(id="exp-alert", role="alert", className="away"),
            html.Div(parts["state"], id="exp-state", className="standing", role="status"),
            html.Div(
                [
                    html.Span(parts["actions"], id="exp-actions", className="links"),
                    dmc.Button(
                        "Retry", id="exp-retry", variant="default", size="xs", className=_hidden(not bad(view)),
                        **shell.guard(Role.SUBMITTER),
                    ),
                    dmc.Button(
                        "Cancel", id="exp-cancel", variant="default", color="red", size="xs",
                        className=_hidden(not stoppable(view)), **shell.guard(Role.SUBMITTER),
                    ),
                    shell.lacking(Role.SUBMITTER, "To cancel it or try again"),
                ],
                className="actions",
            ),
            html.Div(id="exp-said", className="field-error", role="alert"),
            html.Section(parts["failures"], id="exp-failures", className="part-of"),
            html.Section(parts["bars"], id="exp-bars", className="part-of"),
            html.Section(parts["now"], id="exp-now", className="part-of"),
            html.Section(parts["grid"], id="exp-grid", className="part-of"),
            html.Details(
                [
                    html.Summary("The request, as YAML"),
                    html.Div(
                        [
                            states.copy_button("exp-yaml"),
                            html.Pre(draft.request_yaml(view.request), id="exp-yaml", className="code", tabIndex="0"),
                        ],
                        className="code-panel",
                    ),
                ],
                className="part-of more",
            ),
            dmc.Modal(
                [
                    html.Div(id="exp-kept"),
                    html.Div(
                        [
                            dmc.Button("Go on running", id="exp-keep", variant="default"),
                            dmc.Button("Cancel the experiment", id="exp-stop", color="red"),
                        ],
                        className="confirm",
                    ),
                ],
                id="exp-confirm",
                title="Cancel this experiment?",
                opened=False,
                closeButtonProps={"aria-label": "Close"},
            ),
            dcc.Store(id="exp-id", data=view.id),
            shell.live("exp", "clock"),
            dcc.Store(id="exp-seen"),
            live.stream("exp", events(view), runs=view.runs),
        ],
        className="page",
    )  # fmt: skip


def _unread(asked: str | None, error: CrossliftError) -> Any:
    gone = isinstance(error, NotFound)
    return html.Div(
        [
            dmc.Title("There is no such experiment" if gone else "The experiment cannot be read", order=1),
            html.P(error.detail),
            dcc.Link("All experiments", href=links.EXPERIMENTS),
        ],
        className="page",
    )


def _benchmark(view: ExperimentView) -> Any:
    return html.Span(
        [
            html.Span(view.benchmark, className="soft"),
            " ",
            shell.synthetic_badge() if view.synthetic else None,
            " ",
            origin.badge(view.brought is not None),
        ]
    )


def events(view: ExperimentView) -> str | None:
    """The stream to watch; None where nothing will change."""
    ended = view.state not in ("waiting", "running")
    return None if ended else links.api(f"experiments/{view.id}/events")


# --- parts -------------------------------------------------------------------------------------------------------


async def _read(id: int) -> tuple[ExperimentView, list[RunView]]:
    if id < 1:
        raise NotFound("The address names no experiment.")
    view, runs = await asyncio.gather(client().experiment(id), client().experiment_runs(id))
    return view, runs


def _parts(view: ExperimentView, runs: list[RunView]) -> dict[str, Any]:
    """Everything that changes while it runs, by the names of ``PARTS``."""
    now = datetime.now(UTC)
    return {
        "state": [
            states.chip(states.of_experiment(view)),
            html.Span(progress.sentence(view, now), className="standing-words"),
            html.Span(["submitted ", states.moment(view.created_at)], className="soft"),
        ],
        "actions": _actions(view),
        "bars": [html.H2("Progress"), *progress.bars(view, runs)],
        "failures": progress.failures(runs),
        "now": progress.running(runs, view.state in ("waiting", "running")),
        "grid": progress.grid(view, runs),
    }


def _actions(view: ExperimentView) -> list[Any]:
    ended = events(view) is None
    return [
        dcc.Link("See results", href=progress.results(view)),
        dcc.Link("Clone", href=links.new({"from": str(view.id)})),
        html.A("Scores as CSV", href=links.export(view.id, "csv"), download=""),
        html.A("as JSON lines", href=links.export(view.id, "jsonl"), download=""),
        html.A(
            "All of it as one file", href=links.packed(view.id), download="",
            title="Request, runs, scores and curves, for another installation: crosslift bring FILE",
        )
        if ended
        else None,
    ]  # fmt: skip


def bad(view: ExperimentView) -> int:
    """Runs that would be tried again."""
    c = view.counts
    return c.failed + c.diverged + c.cancelled + c.skipped


def stoppable(view: ExperimentView) -> bool:
    return view.state in ("waiting", "running") and view.cancel_requested_at is None


def _hidden(hide: bool) -> str:
    return "is-hidden" if hide else ""


def kept(view: ExperimentView) -> list[Any]:
    """What cancelling keeps and what it stops."""
    c = view.counts
    left = c.waiting + c.queued
    return [
        html.Ul(
            [
                html.Li(f"Kept: {count(c.done, 'run')} that {'is' if c.done == 1 else 'are'} done, with scores and checkpoints."),
                html.Li(f"Stopped: {count(c.running, 'running run')}, at the next step; a stopped run keeps no score."),
                html.Li(f"Dropped: {count(left, 'run')} that {'has' if left == 1 else 'have'} not begun."),
                html.Li("Runs that another experiment wants as well go on for that one."),
            ],
            className="plain",
        ),
        html.P("It can be taken up again later with Retry.", className="soft"),
    ]  # fmt: skip


# --- callbacks -----------------------------------------------------------------------------------------------------


@callback(
    Output("exp-alert", "children"),
    *(Output(f"exp-{name}", "children") for name in PARTS),
    Output("exp-retry", "className"),
    Output("exp-cancel", "className"),
    Output("exp-seen", "data"),
    Output("exp-watch", "data"),
    Input("exp-live", "data"),
    Input("exp-clock", "children"),
    State("exp-id", "data"),
    State("exp-seen", "data"),
    State("exp-watch", "data"),
    prevent_initial_call=True,
)
async def draw(_: Any, __: Any, id: Any, seen: Any, watched: Any) -> Any:
    """Every part that has changed. While the API is away, what was shown stays, and the page says so."""
    ended = isinstance(watched, dict) and watched.get("url") is None
    try:
        if ended and seen and ctx.triggered_id == "clock" and events(await client().experiment(int(id))) is None:
            return None, *(no_update,) * (len(PARTS) + 4)  # and nobody has taken it up again
        view, runs = await _read(int(id))
    except CrossliftError as error:
        text = f"{error.detail} What is shown is what was last known; the runs go on, and this page tries again."
        return text, *(no_update,) * (len(PARTS) + 4)
    changed, now = live.fresh(_parts(view, runs), seen)
    address = events(view)
    same = isinstance(watched, dict) and watched.get("url") == address
    return (
        None,
        *changed,
        _hidden(not bad(view)),
        _hidden(not stoppable(view)),
        now,
        no_update if same else live.watched("exp", address, runs=view.runs),
    )


@callback(
    Output("exp-confirm", "opened"),
    Output("exp-kept", "children"),
    Output("exp-said", "children"),
    Output("exp-live", "data"),
    Input("exp-cancel", "n_clicks"),
    Input("exp-keep", "n_clicks"),
    Input("exp-stop", "n_clicks"),
    Input("exp-retry", "n_clicks"),
    State("exp-id", "data"),
    prevent_initial_call=True,
    running=[(Output("exp-stop", "loading"), True, False), (Output("exp-retry", "loading"), True, False)],
)
async def act(_: Any, __: Any, ___: Any, ____: Any, id: Any) -> Any:
    """Ask before cancelling; cancel; take up again. What is then true comes from the API, as ever."""
    poke = datetime.now(UTC).timestamp()
    try:
        if ctx.triggered_id == "exp-cancel":
            return True, kept(await client().experiment(int(id))), None, no_update
        if ctx.triggered_id == "exp-stop":
            await client().cancel_experiment(int(id))
            return False, no_update, None, poke
        if ctx.triggered_id == "exp-retry":
            await client().retry_experiment(int(id))
            return False, no_update, None, poke
    except CrossliftError as error:
        return False, no_update, error.detail, no_update
    return False, no_update, None, no_update


live.listen("exp")
