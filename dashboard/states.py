"""States as pages show them: an icon and a word, never a colour alone; ages, shares and times left in words.

A run that is running is never shown without the age of its heartbeat: without one, "running" is only what was once
written down.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import dash_mantine_components as dmc
from dash import html

from backend.domain.run import RunKind, RunState
from backend.domain.schemas import Counts, ExperimentView, RunView
from dashboard import words
from dashboard.look import count
from dashboard.shell import aria

SILENT_SECONDS = 30.0  # a heartbeat older than this is said loudly

ICONS: Mapping[str, str] = {
    "waiting": "○",
    "queued": "◔",
    "running": "▶",
    "done": "✓",
    "done with failures": "✓!",
    "failed": "✕",
    "diverged": "↯",
    "cancelling": "⊘",
    "cancelled": "⊘",
    "skipped": "↷",
}
MEANING: Mapping[str, str] = {
    "waiting": "waits for other runs",
    "queued": "waits for a worker",
    "running": "a worker is at it",
    "done": "finished, with everything it was to make",
    "failed": "ended by an error",
    "diverged": "its loss was no longer a number",
    "cancelled": "stopped by request",
    "skipped": "a run that it needs did not finish",
}
KINDS: Mapping[RunKind, str] = {
    RunKind.PRETRAIN: "Pretrain",
    RunKind.INTERMEDIATE: "Intermediate",
    RunKind.FINETUNE: "Fine-tune",
    RunKind.EVALUATE: "Evaluate",
}
#: In the order in which a bar shows them.
ORDER = ("done", "running", "queued", "waiting", "skipped", "cancelled", "diverged", "failed")


# --- chips -----------------------------------------------------------------------------------------------------


def chip(state: str, title: str | None = None) -> Any:
    """``✓ done``."""
    parts: list[Any] = [html.Span(ICONS.get(state, "•"), className="chip-icon", **aria(hidden="true")), state]
    return html.Span(parts, className=f"chip chip-{_class(state)}", title=title or MEANING.get(state))


def mark(state: str) -> Any:
    """The icon alone, for where a title or a label says the word."""
    return html.Span(ICONS.get(state, "•"), className=f"mark-{_class(state)} cell-mark", **aria(hidden="true"))


def of_run(run: RunView) -> str:
    """The word for a run: its state, or *cancelling* while a running one has not stopped."""
    stopping = run.state is RunState.RUNNING and run.cancel_requested_at is not None
    return "cancelling" if stopping else run.state.value


def of_experiment(experiment: ExperimentView) -> str:
    """The word for an experiment: *cancelling* until nothing of it is left to stop."""
    stopping = experiment.cancel_requested_at is not None and experiment.state in ("waiting", "running")
    return "cancelling" if stopping else experiment.state


def _class(state: str) -> str:
    return state.replace(" ", "-")


# --- words -------------------------------------------------------------------------------------------------------


def age(seconds: float) -> str:
    """``3 s``, ``4 min``, ``2 h``, ``3 days``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 172_800 else f"{seconds / 86_400:.0f} days"


def since(at: datetime, now: datetime) -> str:
    """``4 min ago``."""
    return f"{age(max(0.0, (now - at).total_seconds()))} ago"


def moment(at: datetime | None) -> Any:
    """A time, in UTC, to the minute."""
    if at is None:
        return "–"
    at = at.astimezone(UTC)
    return html.Time(at.strftime("%Y-%m-%d %H:%M UTC"), dateTime=at.isoformat(timespec="seconds"))


def heartbeat(run: RunView) -> Any:
    """``heartbeat 3 s ago``; loud when it is old."""
    if run.state is not RunState.RUNNING:
        return None
    seconds = run.heartbeat_age_seconds
    silent = seconds is None or seconds > SILENT_SECONDS
    text = "no heartbeat yet" if seconds is None else f"heartbeat {age(seconds)} ago"
    return html.Span(f"{text}: silent" if silent else text, className="alarm" if silent else "soft")


def eta(run: RunView) -> str | None:
    """``about 2–3 minutes left``."""
    low, high = run.eta_seconds_low, run.eta_seconds_high
    if run.state is not RunState.RUNNING or low is None or high is None:
        return None
    return f"{words.band(low / 60, high / 60)} left"


def pace(run: RunView) -> str | None:
    """``step 120 of 300, 4.1 steps a second``."""
    if not run.total_steps:
        return None
    said = f"step {run.step:,} of {run.total_steps:,}"
    return f"{said}, {run.rate:.2g} steps a second" if run.rate and run.state is RunState.RUNNING else said


def tally(counts: Mapping[str, int]) -> str:
    """``41 done, 2 running, 3 failed``; what is zero is left out."""
    return ", ".join(f"{counts[s]:,} {s}" for s in ORDER if counts.get(s)) or "no runs"


def counted(counts: Counts) -> dict[str, int]:
    return {name: int(getattr(counts, name)) for name in Counts.model_fields}


def by_state(runs: Iterable[RunView]) -> dict[str, int]:
    found: dict[str, int] = {}
    for run in runs:
        found[run.state.value] = found.get(run.state.value, 0) + 1
    return found


# --- bars ----------------------------------------------------------------------------------------------------------


def bar(counts: Mapping[str, int], label: str, *, size: str = "md") -> Any:
    """One bar with a part for each state; its label says the same in words."""
    total = sum(counts.values()) or 1
    parts = [
        html.Span(className=f"part part-{s}", style={"width": f"{100 * counts[s] / total:.2f}%"})
        for s in ORDER
        if counts.get(s)
    ]
    return html.Div(parts, className=f"parts parts-{size}", role="img", **aria(label=f"{label}: {tally(counts)}"))


def steps_bar(run: RunView) -> Any:
    """How far one run is."""
    share = 100 * run.step / run.total_steps if run.total_steps else 0
    label = f"Progress of {run.title}"
    return dmc.Progress(value=round(min(100.0, share), 1), size="sm", className="steps", **aria(label=label))


def legend(counts: Mapping[str, int]) -> Any:
    """What the parts of a bar are: icon, number and word of each state."""
    return html.Ul(
        [
            html.Li([mark(s), f" {counts[s]:,} {s}"], className=f"legend-{s}", title=MEANING.get(s))
            for s in ORDER
            if counts.get(s)
        ],
        className="legend",
    )


def facts(pairs: Sequence[tuple[str, Any]]) -> Any:
    """Names and values; what has no value is left out."""
    lines = [html.Div([html.Dt(name), html.Dd(value)]) for name, value in pairs if value is not None]
    return html.Dl(lines, className="facts")


def copy_button(id: str, label: str = "Copy") -> Any:
    """Copies the text of the component of this id; ``assets/new.js`` does it."""
    copies: dict[str, Any] = {"data-copy": id}
    return html.Button(label, className="copy-code", **copies)


def runs(n: int) -> str:
    return count(n, "run")
