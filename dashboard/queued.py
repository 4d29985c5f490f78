"""What can be done in the queue: moving a run by buttons and keys, and doing something to many at once.

The buttons say in their name what they do to which run (``before:12``: to stand right before run 12), so nothing rests on what the
queue looked like when the page was drawn but which run was above. Down is up for the run below; ``by`` tells the two buttons apart. ``assets/queue.js`` has the keys, and sees to it that the focus
stays with the run that was moved and not with its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import html

from backend.domain.account import Role
from backend.domain.run import TERMINAL
from backend.domain.schemas import RunView
from backend.errors import CrossliftError
from dashboard import shell
from dashboard.client import Client
from dashboard.look import count

MOST = 1000  # runs that something is done to at once
KEYS = "Alt and an arrow moves the run whose row has the focus; Alt and Home or End moves it to the front or the end."


def turn(run: RunView, above: RunView | None, below: RunView | None) -> Any:
    """The buttons that move a run: by one, to the front, to the end."""
    said = html.Span(f"priority {run.priority}", className="soft") if run.priority else None
    return html.Span(
        [
            said,
            _button(run, "up", "↑", f"Up: {run.title}", None if above is None else (run.id, f"before:{above.id}")),
            _button(run, "down", "↓", f"Down: {run.title}", None if below is None else (below.id, f"before:{run.id}")),
            _button(run, "first", "To the front", f"To the front: {run.title}", (run.id, "first")),
            _button(run, "last", "To the end", f"To the end: {run.title}", (run.id, "last")),
        ],
        className="turn",
    )


def _button(run: RunView, what: str, text: str, label: str, does: tuple[int, str] | None) -> Any:
    named: dict[str, Any] = {"id": {"queue-move": does[0], "to": does[1], "by": run.id}} if does is not None else {}
    allowed: dict[str, Any] = shell.guard(Role.SUBMITTER) if does is not None else {"disabled": True}
    return html.Button(
        text, type="button", className="button-link", title=KEYS, **named, **allowed, **shell.aria(label=label),
        **shell.data(row=str(run.id), turn=what),
    )  # fmt: skip


def box(run: RunView) -> Any:
    """Whether a run is chosen; the browser remembers it while the queue is drawn anew."""
    stand = "over" if run.state in TERMINAL else "waits" if run.state.value in ("queued", "waiting") else "runs"
    return dmc.Checkbox(
        id={"queue-pick": run.id, "state": stand}, checked=False, size="xs", persistence="queue", persistence_type="memory",
        className="tick-box", **shell.aria(label=f"Choose {run.title}"),
    )  # fmt: skip


def bar() -> Any:
    """What can be done with the runs that are chosen."""
    buttons = (("stop", "Cancel"), ("again", "Try again"), ("first", "To the front"), ("last", "To the end"))
    return html.Div(
        [
            html.Span("", id="queue-chosen", role="status"),
            *(
                html.Button(label, id=f"queue-{name}", type="button", className="button-link", n_clicks=0, **shell.guard(Role.SUBMITTER))
                for name, label in buttons
            ),
            html.Button("Choose none", id="queue-none", type="button", className="button-link", n_clicks=0),
            shell.lacking(Role.SUBMITTER, "To change the queue"),
        ],
        id="queue-bar",
        className="run-bar",
        hidden=True,
    )  # fmt: skip


async def act(api: Client, what: str, ids: Sequence[int]) -> str | None:
    """Do it to each, of ``MOST`` at most; what was refused or left out, in words. Moved to the front they keep their order among
    themselves, as to the end.

    Args:
        what: ``stop``, ``again``, ``first`` or ``last``.
    """
    done, refused = 0, list[str]()
    left, ids = max(0, len(ids) - MOST), ids[:MOST]
    for id in reversed(ids) if what == "first" else ids:
        try:
            if what == "stop":
                await api.cancel_run(id)
            elif what == "again":
                await api.retry_run(id)
            else:
                await api.move_run(id, "first" if what == "first" else "last")
            done += 1
        except CrossliftError as error:
            refused.append(error.detail)
    if not refused and not left:
        return None
    more = f"; and {len(refused) - 3} more" if len(refused) > 3 else ""
    not_done = f", {len(refused)} not: {'; '.join(refused[:3])}{more}" if refused else ""
    kept = f"; {left} left as they are: at most {MOST:,} at once" if left else ""
    return f"{count(done, 'run')} done{not_done}{kept}"
