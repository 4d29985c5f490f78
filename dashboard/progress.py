"""How an experiment stands: bars, what runs now, what failed, and the grid of its cells. Schemas in, components out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from dash import dcc, html

from backend.domain.recipe import BASELINE
from backend.domain.run import RunKind, RunState
from backend.domain.schemas import ExperimentView, RunView
from dashboard import links, states, words
from dashboard.look import count
from dashboard.shell import aria

BROKEN = (RunState.FAILED, RunState.DIVERGED)
SHOWN_FAILURES = 20
SHOWN_RUNNING = 12


# --- the whole ------------------------------------------------------------------------------------------------


def sentence(view: ExperimentView, now: datetime) -> str:
    """``41 of 92 runs done, about 6–9 minutes left``, or how it ended."""
    if view.state in ("waiting", "running"):
        said = words.progress(view, now)
        if view.cancel_requested_at is not None:
            return f"Stopping: {count(view.counts.running, 'run')} still running, to stop at the next step. {said}."
        return f"{said}." if view.state == "running" else f"Nothing of it has begun. {said}."
    took = (view.finished_at - view.created_at).total_seconds() if view.finished_at else None
    after = f", {states.age(took)} after it was submitted" if took is not None and took >= 1 else ""
    c = view.counts
    if view.state == "done":
        return f"All {count(view.runs, 'run')} done{after}; {view.reused:,} of them existed before."
    if view.state == "cancelled" and out_of_hours(view):
        still = f", {count(c.running, 'run')} at work {'ends' if c.running == 1 else 'end'} yet" if c.running else ""
        return (
            f"Stopped{after}: its runs took {view.device_hours:.2g} of the {view.request.stop_after:g} device-hours that it may take. "
            f"What was done is kept: {count(c.done, 'run')} with scores and checkpoints{still}."
        )
    if view.state == "cancelled":
        return f"Cancelled{after}. What was done is kept: {count(c.done, 'run')} with scores and checkpoints."
    return f"Ended{after}, with failures: {states.tally(states.counted(c))}."


def out_of_hours(view: ExperimentView) -> bool:
    """Whether it has used up the device-hours that it may take."""
    return view.request.stop_after is not None and view.device_hours >= view.request.stop_after


def bars(view: ExperimentView, runs: Sequence[RunView]) -> list[Any]:
    """One bar for all its runs and one for each kind, in the order in which they follow each other."""
    counts = states.counted(view.counts)
    parts: list[Any] = [states.bar(counts, "All runs", size="lg"), states.legend(counts)]
    rows = []
    for kind, label in states.KINDS.items():
        found = [r for r in runs if r.kind is kind]
        if not found:
            continue
        by = states.by_state(found)
        rows.append(
            html.Li(
                [
                    html.Span(label, className="phase-name"),
                    states.bar(by, label, size="sm"),
                    html.Span(f"{by.get('done', 0):,} of {len(found):,}", className="number"),
                ]
            )
        )
    return [*parts, html.Ol(rows, className="phases", **aria(label="Runs by kind"))]


def results(view: ExperimentView) -> str:
    """Where the gains of an experiment are shown first."""
    said = {"model": view.request.models[0], "target": view.request.targets[0], "source": view.request.source.value}
    return links.Explore.read(said).address


# --- what runs ------------------------------------------------------------------------------------------------


def running(runs: Sequence[RunView], live: bool) -> list[Any]:
    """What runs now, with everything that says whether it is alive."""
    now = [r for r in runs if r.state is RunState.RUNNING]
    if not now:
        waits = next((r for r in runs if r.state is RunState.QUEUED), None)
        if not live:
            return []
        text = f"Nothing runs at this moment. First in line: {waits.why}." if waits else "Nothing runs at this moment."
        return [html.H2("Running now"), html.P(text, className="soft")]
    cards = [html.Li(card(r)) for r in now[:SHOWN_RUNNING]]
    more = [html.P(f"and {len(now) - SHOWN_RUNNING} more", className="soft")] if len(now) > SHOWN_RUNNING else []
    return [html.H2("Running now"), html.Ul(cards, className="run-cards"), *more]


def card(run: RunView) -> Any:
    """One running run: phase, bar, pace, time left, heartbeat, worker."""
    said = [s for s in (states.pace(run), states.eta(run)) if s]
    return html.Div(
        [
            html.Div(
                [
                    dcc.Link(run.title, href=links.run(run.id), className="run-title"),
                    states.chip(states.of_run(run)),
                ],
                className="run-head",
            ),
            states.steps_bar(run),
            html.Div(
                [
                    html.Span(run.phase.value if run.phase else "", className="phase"),
                    *(html.Span(s) for s in said),
                    states.heartbeat(run),
                    html.Span(f"on {run.worker}", className="soft") if run.worker else None,
                ],
                className="run-words",
            ),
        ],
        className="run-card",
    )


# --- what failed -------------------------------------------------------------------------------------------------


def failures(runs: Sequence[RunView]) -> list[Any]:
    """What failed, with its likely cause, and how much was skipped because of it."""
    broken = [r for r in runs if r.state in BROKEN]
    if not broken:
        return []
    skipped: dict[int, int] = {}
    for r in runs:
        if r.skipped_because is not None:
            skipped[r.skipped_because] = skipped.get(r.skipped_because, 0) + 1
    broken.sort(key=lambda r: (-skipped.get(r.id, 0), r.id))
    alike: dict[object, list[RunView]] = {}  # by what went wrong: forty runs with one cause are one thing to mend
    for r in broken:
        alike.setdefault((r.state, _first_line(r), r.error and r.error.cause), []).append(r)
    rows = [
        html.Li([*failure(some[0], sum(skipped.get(r.id, 0) for r in some)), *_the_same(some[1:])])
        for some in list(alike.values())[:SHOWN_FAILURES]
    ]
    left = sum(len(some) for some in list(alike.values())[SHOWN_FAILURES:])
    more = [html.P(f"and {left} more: see the grid", className="soft")] if left > 0 else []
    return [html.H2(f"{count(len(broken), 'run')} failed"), html.Ul(rows, className="failures"), *more]


def _first_line(run: RunView) -> str | None:
    return run.error.message.split("\n")[0][:300] if run.error else run.why


def _the_same(runs: Sequence[RunView]) -> list[Any]:
    if not runs:
        return []
    those = [html.Li(dcc.Link(r.title, href=links.run(r.id))) for r in runs]
    return [html.Details([html.Summary(f"{count(len(runs), 'more run')} with the same error"), html.Ul(those)])]


def failure(run: RunView, skipped: int = 0) -> list[Any]:
    error = run.error
    return [
        html.Div(
            [states.chip(run.state.value), dcc.Link(run.title, href=links.run(run.id), className="run-title")],
            className="run-head",
        ),
        html.P(_first_line(run), className="failure-message"),
        html.P([html.B("Likely cause: "), error.cause]) if error and error.cause else None,
        html.P(f"{count(skipped, 'run')} skipped because of it.", className="soft") if skipped else None,
    ]


# --- the grid --------------------------------------------------------------------------------------------------


def grid(view: ExperimentView, runs: Sequence[RunView]) -> list[Any]:
    """Models and recipes by targets and seeds: each cell is the state of its evaluate run, and leads to it."""
    request = view.request
    at: dict[tuple[str, str, str | None, int | None], RunView] = {
        (r.model, r.recipe, r.target, r.seed): r for r in runs if r.kind is RunKind.EVALUATE
    }
    recipes = list(dict.fromkeys([BASELINE.name, *(r.name for r in request.recipes)]))
    columns = [(target, seed) for target in request.targets for seed in request.seeds]

    def cell(model: str, recipe: str, target: str, seed: int) -> Any:
        run = at.get((model, recipe, target, seed)) or at.get((model, recipe, target, None))
        first = seed == request.seeds[0]
        if run is None:
            return html.Td("n/a", title="not applicable", className="na first" if first else "na")
        label = f"{model}, {recipe} → {words.task_title(target)}, seed {seed}: {run.state.value}"
        link = dcc.Link(
            [states.mark(run.state.value), html.Span(label, className="unseen")],
            href=links.run(run.id),
            title=f"{label}. {run.why}" if run.why != run.state.value else label,
        )
        return html.Td(link, className=f"at-{run.state.value}{' first' if first else ''}")

    seeds = len(request.seeds)
    heads = [
        html.Tr(
            [
                html.Th("Model", scope="col", rowSpan=2),
                html.Th("Recipe", scope="col", rowSpan=2),
                *(
                    html.Th(words.task_title(t), scope="colgroup", colSpan=seeds, className="first", title=t)
                    for t in request.targets
                ),
            ]
        ),
        html.Tr(
            [
                html.Th(str(seed), scope="col", className="first" if seed == request.seeds[0] else "", title=f"seed {seed}")
                for _ in request.targets
                for seed in request.seeds
            ]
        ),
    ]  # fmt: skip
    rows = [
        html.Tr(
            [
                *([html.Th(model, scope="rowgroup", rowSpan=len(recipes), className="model")] if i == 0 else []),
                html.Th(recipe, scope="row"),
                *(cell(model, recipe, target, seed) for target, seed in columns),
            ],
            className="group" if i == 0 else None,
        )
        for model in request.models
        for i, recipe in enumerate(recipes)
    ]
    table = html.Table([html.Thead(heads), html.Tbody(rows)], className="cells")
    return [
        html.H2("The grid"),
        html.P("Each cell is the evaluation of one model, recipe, target and seed. Choose one to see its run.", className="soft"),
        html.Div(table, className="scroll", tabIndex="0", role="region", **aria(label="The grid")),
        _legend(at.values()),
    ]  # fmt: skip


def _legend(runs: Any) -> Any:
    return states.legend(states.by_state(runs))
