"""One run: where it stands, its curves and scores, its log, what it cost, and where its numbers come from.

It is kept live as an experiment's page is (``dashboard.live``). Tab, level and text of the log and whether it is followed
are in the address.
"""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import dash_mantine_components as dmc
import yaml
from dash import (
    ClientsideFunction,
    Input,
    Output,
    State,
    callback,
    clientside_callback,
    ctx,
    dcc,
    html,
    no_update,
    register_page,
)

from backend.domain.account import Role
from backend.domain.experiment import BENCHMARKS
from backend.domain.run import TERMINAL, RunKind, RunState
from backend.domain.schemas import Curve, LogLine, RunDetail, RunView, ScoreView
from backend.domain.task import Source
from backend.errors import CrossliftError, NotFound
from dashboard import curves, lineage, links, live, logbook, oracle, origin, shell, states, texts, words
from dashboard.client import client
from dashboard.links import Run
from dashboard.look import THEMES, count

register_page(__name__, path_template="/runs/<run_id>", title=f"Run · {shell.NAME}", name="Run")

TABS = {"progress": "Progress and scores", "log": "Log", "provenance": "Provenance"}
PARTS = ("state", "standing", "facts", "scores", "cost", "attempts", "pinned")
AGAIN = (RunState.FAILED, RunState.DIVERGED, RunState.CANCELLED, RunState.SKIPPED)


async def layout(run_id: str | None = None, search: str | None = None, **_: object) -> Any:
    id = int(run_id) if run_id and run_id.isdecimal() and len(run_id) < 19 else 0
    try:
        detail, found, scores, log, selected = await _read(id)
        family = await lineage.find(client(), detail.run)
    except CrossliftError as error:
        gone = isinstance(error, NotFound)
        return html.Div(
            [
                dmc.Title("There is no such run" if gone else "The run cannot be read", order=1),
                html.P(error.detail),
                dcc.Link("To the queue", href=links.QUEUE),
            ],
            className="page",
        )
    state, run = Run.of(search or ""), detail.run
    parts = _parts(detail, scores, log, selected)
    panels = {
        "progress": _progress(parts, found, run),
        "log": _log(state, log, parts),
        "provenance": _provenance(detail, family),
    }
    return html.Div(
        [
            html.Div(_trail(run), className="trail"),
            html.Div(
                [
                    dmc.Title(run.title, order=1),
                    html.Span(run.benchmark, className="soft"),
                    shell.synthetic_badge() if run.benchmark == BENCHMARKS[Source.MINI] else None,
                    origin.badge(run.brought),
                    html.Span(
                        [
                            dcc.Link("Clone", href=links.new({"from": f"run-{run.id}"}), title="A form with what this run is of"),
                            shell.lacking(Role.SUBMITTER, "To cancel it or try again"),
                            dmc.Button(
                                "Retry", id="run-retry", variant="default", size="xs", className=_retry(run),
                                **shell.guard(Role.SUBMITTER),
                            ),
                            dmc.Button(
                                "Cancel", id="run-cancel", variant="default", color="red", size="xs", className=_cancel(run),
                                **shell.guard(Role.SUBMITTER),
                            ),
                        ],
                        className="head-buttons",
                    ),
                ],
                className="head",
            ),
            html.Div(id="run-alert", role="alert", className="away"),
            html.Div(parts["state"], id="run-state", className="standing", role="status"),
            origin.note(detail.brought),
            html.Div(id="run-said", className="field-error", role="alert"),
            dmc.Tabs(
                [
                    dmc.TabsList([dmc.TabsTab(label, value=name) for name, label in TABS.items()]),
                    *(dmc.TabsPanel(children, value=name, pt="md") for name, children in panels.items()),
                ],
                id="run-tab",
                value=state.tab,
                keepMounted=True,
            ),
            dmc.Modal(
                [
                    html.P("It stops at its next step, for every experiment that shares it. A stopped run keeps no score; "
                           "what waits for it is skipped. What other runs have done is kept."),
                    html.Div(
                        [
                            dmc.Button("Go on running", id="run-keep", variant="default"),
                            dmc.Button("Cancel the run", id="run-stop", color="red"),
                        ],
                        className="confirm",
                    ),
                ],
                id="run-confirm",
                title="Cancel this run?",
                opened=False,
                closeButtonProps={"aria-label": "Close"},
            ),
            dcc.Store(id="run-id", data=run.id),
            shell.live("run", "clock", "scheme"),
            dcc.Store(id="run-seen"),
            dcc.Store(id="run-figures", data=_figures(found, run)),
            dcc.Store(id="run-address"),
            html.Div(id="run-sink", hidden=True),
            live.stream("run", events(run)),
        ],
        className="page",
    )  # fmt: skip


def _trail(run: RunView) -> list[Any]:
    """Which experiments want it."""
    parts: list[Any] = [dcc.Link("Queue", href=links.QUEUE), f" / run {run.id}"]
    if run.experiments:
        parts.append(" · of ")
        for i, experiment in enumerate(run.experiments[:6]):
            parts += [", " if i else "", dcc.Link(f"experiment {experiment}", href=links.experiment(experiment))]
    return parts


def events(run: RunView) -> str | None:
    return None if run.state in TERMINAL else links.api(f"runs/{run.id}/events")


def _retry(run: RunView) -> str:
    return "" if run.state in AGAIN else "is-hidden"


def _cancel(run: RunView) -> str:
    return "is-hidden" if run.state in TERMINAL or run.cancel_requested_at is not None else ""


# --- what is read ---------------------------------------------------------------------------------------------------


Found = tuple[RunDetail, list[Curve], list[ScoreView], list[LogLine], oracle.Chosen | None]


async def _read(id: int) -> Found:
    if id < 1:
        raise NotFound("The address names no run.")
    detail = await client().detail(id)
    found, scores, log = await asyncio.gather(client().curves(id), client().scores(id), logbook.read(client(), id))
    return detail, found, scores, log, await oracle.read(client(), detail, scores, found)


def _figures(found: list[Curve], run: RunView) -> dict[str, Any] | None:
    if not curves.panels(found):
        return None
    at = _diverged(run)
    return {name: curves.curves_figure(found, theme, diverged=at).to_plotly_json() for name, theme in THEMES.items()}


def _diverged(run: RunView) -> int | None:
    return run.step if run.state is RunState.DIVERGED else None


# --- parts -----------------------------------------------------------------------------------------------------------


def _parts(
    detail: RunDetail, scores: list[ScoreView], log: list[LogLine], selected: oracle.Chosen | None
) -> dict[str, Any]:
    """Everything that changes while it runs, by the names of ``PARTS``."""
    run = detail.run
    return {
        "state": _state(run),
        "standing": _standing(run),
        "facts": _facts(detail),
        "scores": [*_scores(run, scores), *oracle.part(selected)],
        "cost": lineage.cost(run, detail.utilisation),
        "attempts": lineage.attempts(detail),
        "pinned": logbook.pinned(run, log),
    }


def _state(run: RunView) -> list[Any]:
    why = run.why if run.why != run.state.value else states.MEANING.get(run.state.value, "")
    said: list[Any] = [states.chip(states.of_run(run)), html.Span(why, className="standing-words")]
    if run.state is RunState.RUNNING:
        said.append(states.heartbeat(run))
    if run.skipped_because is not None:
        said.append(dcc.Link(f"Run {run.skipped_because}", href=links.run(run.skipped_because)))
    return said


def _standing(run: RunView) -> list[Any]:
    if run.state is not RunState.RUNNING:
        return []
    said = [s for s in (run.phase.value if run.phase else None, states.pace(run), states.eta(run)) if s]
    return [states.steps_bar(run), html.Div([html.Span(s) for s in said], className="run-words")]


def _facts(detail: RunDetail) -> Any:
    run, trained = detail.run, detail.parameters_trainable
    worker = run.worker if run.worker and run.state is RunState.RUNNING else None
    counted = run.parameters is not None and run.parameters_non_embedding is not None
    return states.facts(
        [
            ("Model", words.model_title(run.model)),
            ("Recipe", run.recipe),
            ("Target", words.task_title(run.target) if run.target else None),
            ("Seed", "none: it is the same for every seed" if run.seed is None else str(run.seed)),
            ("Steps", states.pace(run) if run.state is not RunState.RUNNING else None),
            ("Worker", worker),
            ("Attempt", str(run.attempt) if run.attempt else None),
            ("Priority", str(run.priority) if run.priority else None),
            (
                "Parameters",
                f"{run.parameters:,}, {run.parameters_non_embedding:,} non-embedding" if counted else None,
            ),
            ("Trained weights", None if trained is None else f"{trained:,}, heads included{_how(detail.spec)}"),
            ("Loss at the end", _learnt(detail)),
            ("Submitted", states.moment(run.created_at)),
            ("Began", states.moment(run.started_at) if run.started_at else None),
            ("Ended", states.moment(run.finished_at) if run.finished_at else None),
        ]
    )


def _learnt(detail: RunDetail) -> str | None:
    """Beside what guessing gives, where that is known."""
    found = detail.learning
    if found is None:
        return None
    return f"{found.loss:.3g}; guessing gives {found.guess:.3g}" + (": it did not learn" if found.failed else "")


def _how(spec: dict[str, Any]) -> str:
    """Which of the encoder's, where not all."""
    training = spec.get("training") or {}
    if training.get("lora_rank"):
        return f": LoRA of rank {training['lora_rank']}, merged into the encoder when it was saved"
    return f"; the lowest {count(training['frozen'], 'block')} stayed frozen" if training.get("frozen") else ""


def _scores(run: RunView, scores: list[ScoreView]) -> list[Any]:
    if scores and run.kind is RunKind.EVALUATE:
        return [html.H2("Scores by language"), *lineage.scores(scores, run.target)]
    if run.kind is not RunKind.EVALUATE:
        return []
    return [html.H2("Scores by language"), html.P("There are none before it is done.", className="soft")]


def _progress(parts: dict[str, Any], found: list[Curve], run: RunView) -> Any:
    return html.Div(
        [
            html.Div(
                [
                    html.Div(parts["standing"], id="run-standing"),
                    html.Section(
                        [
                            html.H2("Curves"),
                            html.P(curves.summary(found, diverged=_diverged(run)), id="run-curves-said", className="unseen"),
                            html.Div(shell.graph("run-curves"), className="figure-plain"),
                        ],
                        id="run-curves-box",
                        className="part-of" if curves.panels(found) else "part-of is-hidden",
                    ),
                    html.Section(parts["scores"], id="run-scores", className="part-of"),
                ]
            ),
            html.Div(
                [
                    html.Section([html.H2("What it is"), html.Div(parts["facts"], id="run-facts")], className="step"),
                    html.Section([html.H2("Cost"), html.Div(parts["cost"], id="run-cost")], className="step"),
                    html.Section([html.H2("Attempts"), html.Div(parts["attempts"], id="run-attempts")], className="step"),
                ],
                className="run-aside",
            ),
        ],
        className="run-columns",
    )  # fmt: skip


def _log(state: Run, log: list[LogLine], parts: dict[str, Any]) -> list[Any]:
    shown = logbook.chosen(log, state.level, state.q)
    levels = [
        {"value": x, "label": "Everything" if x == "debug" else f"{x.capitalize()} and above"} for x in logbook.LEVELS
    ]
    return [
        html.Div(parts["pinned"], id="run-pinned"),
        html.Div(
            [
                dmc.Select(
                    id="run-level", label="Level", data=levels, value=state.level, size="sm", allowDeselect=False, className="pick",
                ),
                dmc.TextInput(
                    id="run-q", label="Line holds", value=state.q or "", size="sm", debounce=250, className="pick",
                    placeholder="any text",
                ),
                dmc.Switch(id="run-follow", label="Follow", checked=state.follow == "1", size="sm", className="follow"),
                html.Span(logbook.tally(log, shown), id="run-tally", className="soft", role="status"),
            ],
            className="filters",
        ),
        html.Div(logbook.lines(log, shown), id="run-lines", className="log", tabIndex="0", role="log", **shell.aria(label="Log")),
    ]  # fmt: skip


def _provenance(detail: RunDetail, family: lineage.Lineage) -> list[Any]:
    run = detail.run
    spec = {
        "YAML": yaml.safe_dump(detail.spec, sort_keys=False, allow_unicode=True, width=110),
        "JSON": json.dumps(detail.spec, indent=2, ensure_ascii=False),
    }
    return [
        html.H2("From data to scores", className="plain-head"),
        lineage.graph(detail, family),
        texts.section(detail.spec),
        html.Section(
            [
                html.H2("Fingerprint"),
                html.P(
                    [html.Code(run.fingerprint, id="run-fingerprint", className="digest"), " ", states.copy_button("run-fingerprint")]
                ),
                html.P("Everything that changes its numbers, digested: an equal fingerprint is the same run.", className="soft"),
            ],
            className="part-of",
        ),
        html.Section(
            [
                html.H2("What it computes, exactly"),
                dmc.Tabs(
                    [
                        dmc.TabsList([dmc.TabsTab(name, value=name) for name in spec]),
                        *(
                            dmc.TabsPanel(
                                [states.copy_button(f"run-{name}"), html.Pre(text, id=f"run-{name}", className="code", tabIndex="0")],
                                value=name,
                                className="code-panel",
                            )
                            for name, text in spec.items()
                        ),
                    ],
                    value="YAML",
                ),
            ],
            className="part-of",
        ),
        html.Section(
            [
                html.H2("Environment"),
                states.facts([(k, v) for k, v in sorted((detail.environment or {}).items())])
                if detail.environment
                else html.P("Written down when the run ends.", className="soft"),
                states.facts([("Artifact", run.artifact)]) if run.artifact else None,
                *(origin.packages(detail) if detail.environment else ()),
            ],
            className="part-of narrow",
        ),
        html.Section(origin.again(detail), className="part-of"),
    ]  # fmt: skip


# --- callbacks -----------------------------------------------------------------------------------------------------


def _asked(tab: Any, level: Any, q: Any, follow: Any) -> Run:
    text = q.strip() if isinstance(q, str) else ""
    return Run.read({"tab": tab, "level": level, "q": text or None, "follow": "1" if follow else "0"})


@callback(
    Output("run-alert", "children"),
    *(Output(f"run-{name}", "children") for name in PARTS),
    Output("run-figures", "data"),
    Output("run-curves-said", "children"),
    Output("run-curves-box", "className"),
    Output("run-retry", "className"),
    Output("run-cancel", "className"),
    Output("run-lines", "children"),
    Output("run-tally", "children"),
    Output("run-seen", "data"),
    Output("run-watch", "data"),
    Input("run-live", "data"),
    Input("run-clock", "children"),
    Input("run-level", "value"),
    Input("run-q", "value"),
    State("run-tab", "value"),
    State("run-follow", "checked"),
    State("run-id", "data"),
    State("run-seen", "data"),
    State("run-watch", "data"),
    prevent_initial_call=True,
)
async def draw(_: Any, __: Any, level: Any, q: Any, tab: Any, follow: Any, id: Any, seen: Any, watched: Any) -> Any:
    """Every part that has changed. While the API is away, what was shown stays, and the page says so."""
    width = len(PARTS) + 9
    if ctx.triggered_id == "clock" and isinstance(watched, dict) and watched.get("url") is None and seen:
        return (no_update,) * (width + 1)  # it has ended: nothing changes by waiting
    try:
        detail, found, scores, log, selected = await _read(int(id))
    except CrossliftError as error:
        text = f"{error.detail} What is shown is what was last known; the run goes on, and this page tries again."
        return text, *(no_update,) * width
    state, run = _asked(tab, level, q, follow), detail.run
    shown = logbook.chosen(log, state.level, state.q)
    parts = {
        **_parts(detail, scores, log, selected),
        "figures": _figures(found, run),
        "lines": logbook.lines(log, shown),
    }
    changed, now = live.fresh(parts, seen)
    *changed, figures, lines = changed
    address = events(run)
    same = isinstance(watched, dict) and watched.get("url") == address
    return (
        None,
        *changed,
        figures,
        curves.summary(found, diverged=_diverged(run)),
        "part-of" if curves.panels(found) else "part-of is-hidden",
        _retry(run),
        _cancel(run),
        lines,
        logbook.tally(log, shown),
        now,
        no_update if same else live.watched("run", address),
    )


@callback(
    Output("run-address", "data"),
    Input("run-tab", "value"),
    Input("run-level", "value"),
    Input("run-q", "value"),
    Input("run-follow", "checked"),
    State("run-id", "data"),
    prevent_initial_call=True,
)
async def tell(tab: Any, level: Any, q: Any, follow: Any, id: Any) -> str:
    """The address of what is shown."""
    return _asked(tab, level, q, follow).address(int(id))


@callback(
    Output("run-confirm", "opened"),
    Output("run-said", "children"),
    Output("run-live", "data"),
    Output("run-go", "data"),
    Input("run-cancel", "n_clicks"),
    Input("run-keep", "n_clicks"),
    Input("run-stop", "n_clicks"),
    Input("run-retry", "n_clicks"),
    State("run-id", "data"),
    prevent_initial_call=True,
    running=[(Output("run-stop", "loading"), True, False), (Output("run-retry", "loading"), True, False)],
)
async def act(_: Any, __: Any, ___: Any, ____: Any, id: Any) -> Any:
    """Ask before cancelling; cancel; do again, as a new run, which is gone to."""
    poke = datetime.now(UTC).timestamp()
    try:
        if ctx.triggered_id == "run-cancel":
            return True, None, no_update, no_update
        if ctx.triggered_id == "run-stop":
            await client().cancel_run(int(id))
            return False, None, poke, no_update
        if ctx.triggered_id == "run-retry":
            again = await client().retry_run(int(id))
            return False, None, no_update, {"address": links.run(again.id)}
    except CrossliftError as error:
        return False, error.detail, poke, no_update
    return False, None, no_update, no_update


live.listen("run")
clientside_callback(
    ClientsideFunction("live", "paint"),
    Output("run-curves", "figure"),
    Output("run-curves", "style"),
    Input("run-figures", "data"),
    Input("run-scheme", "children"),
)
clientside_callback(ClientsideFunction("live", "tell"), Output("run-sink", "children"), Input("run-address", "data"))
clientside_callback(
    ClientsideFunction("live", "follow"),
    Output("run-sink", "title"),
    Input("run-lines", "children"),
    Input("run-follow", "checked"),
)
