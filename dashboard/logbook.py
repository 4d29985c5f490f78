"""The log of a run: which lines are shown, and the first error with its likely cause."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import html

from backend.domain.schemas import LogLine, RunView
from dashboard import states
from dashboard.client import Client
from dashboard.look import count
from dashboard.shell import aria

LEVELS = ("debug", "info", "warning", "error")
ICONS = {"debug": "·", "info": "i", "warning": "△", "error": "✕"}
SHOWN = 400  # lines, the last ones
READ = 1000  # a request
MOST = 20  # requests


async def read(client: Client, run: int) -> list[LogLine]:
    """The whole log, or as much of it as so many requests give."""
    lines: list[LogLine] = []
    for _ in range(MOST):
        page = await client.logs(run, after=lines[-1].id if lines else 0, limit=READ)
        lines += page
        if len(page) < READ:
            break
    return lines


def chosen(lines: Sequence[LogLine], level: str, q: str | None) -> list[LogLine]:
    """Lines of at least this level that hold this text."""
    least = LEVELS.index(level) if level in LEVELS else 0
    text = (q or "").lower()
    return [x for x in lines if LEVELS.index(x.level) >= least and text in x.message.lower()]


def pinned(run: RunView, lines: Sequence[LogLine]) -> Any:
    """What went wrong first, above everything else; None where nothing did."""
    first = next((x for x in lines if x.level == "error"), None)
    if run.error is None and first is None:
        return None
    message = run.error.message if run.error is not None else first.message if first is not None else ""
    kind = f"{run.error.type}: " if run.error is not None else ""
    parts: list[Any] = [
        html.Div([states.chip(run.state.value), html.B("What went wrong first")], className="run-head"),
        html.P(f"{kind}{message}"[:600], className="failure-message"),
    ]
    if run.error is not None and run.error.cause:
        parts.append(html.P([html.B("Likely cause: "), run.error.cause]))
    if first is not None and run.error is not None and first.message != run.error.message:
        parts.append(html.P(["First error of the log: ", html.Span(first.message[:400], className="failure-message")]))
    if run.error is not None and run.error.traceback:
        trace = html.Pre(run.error.traceback, className="code", tabIndex="0")
        parts.append(html.Details([html.Summary("Traceback"), trace]))
    return html.Div(parts, className="pinned")


def lines(every: Sequence[LogLine], shown: Sequence[LogLine]) -> list[Any]:
    if not every:
        return [html.P("Nothing was written yet.", className="soft")]
    if not shown:
        return [html.P("No line matches.", className="soft")]
    last = shown[-SHOWN:]
    rows = [
        html.Li(
            [
                html.Time(x.at.strftime("%H:%M:%S"), dateTime=x.at.isoformat(), title=x.at.strftime("%Y-%m-%d %H:%M:%S UTC")),
                html.Span([html.Span(ICONS[x.level], **aria(hidden="true")), f" {x.level}"], className="log-level"),
                html.Span(x.message, className="log-message"),
            ],
            className=f"log-{x.level}",
        )
        for x in last
    ]  # fmt: skip
    return [html.Ol(rows, className="log-lines")]


def tally(every: Sequence[LogLine], shown: Sequence[LogLine]) -> str:
    """``Last 400 of 612 lines that match, of 2,310``."""
    said = f"{count(len(shown), 'line')} of {len(every):,}" if len(shown) < len(every) else count(len(every), "line")
    return f"The last {SHOWN} of {said}" if len(shown) > SHOWN else said
