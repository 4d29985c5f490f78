"""``crosslift logs``, ``move`` and ``drain``: runs, their turn, and the workers that do them."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from backend.cli.arguments import AsJson, Url
from backend.cli.asking import FOLLOW_SECONDS, remote
from backend.cli.endings import FAILED, Usage
from backend.cli.printing import print_json, print_table, say

if TYPE_CHECKING:
    from backend.domain.schemas import LogLine


def logs(
    run: Annotated[int, typer.Argument(min=1, metavar="RUN", help="A run.")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the run has ended.")] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Print the log of a run; with --json one object a line."""
    from backend.domain.run import TERMINAL, RunState
    from backend.domain.schemas import LogLine, RunView

    with remote(url) as there:
        after = 0
        while True:
            view = there.view(RunView, f"/runs/{run}")  # before its lines: those of its end are not missed
            while lines := there.get(f"/runs/{run}/logs", after=after, limit=1000):
                after = lines[-1]["id"]
                for entry in lines:
                    typer.echo(
                        json.dumps(entry, ensure_ascii=False) if as_json else _log_line(LogLine.model_validate(entry))
                    )
            if not follow:
                return
            if view.state in TERMINAL:
                say(f"Run {run}: {view.why}")
                raise typer.Exit(0 if view.state is RunState.DONE else FAILED)
            time.sleep(FOLLOW_SECONDS)


def _log_line(line: LogLine) -> str:
    text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line.message)
    return f"{line.at:%Y-%m-%d %H:%M:%S} {line.level:7} {text}"


def move(
    run: Annotated[int, typer.Argument(min=1, metavar="RUN", help="A run that waits or is queued.")],
    place: Annotated[str, typer.Argument(metavar="first|last|PRIORITY", help="Its place, or a whole number.")],
    url: Url = None,
) -> None:
    """Change when a run's turn is; what it waits for moves up with it."""
    if place in ("first", "last"):
        turn: dict[str, Any] = {"place": place}
    else:
        try:
            turn = {"priority": int(place)}
        except ValueError:
            raise Usage(f"{place} is no place in the queue: expected first, last or a whole number") from None
    with remote(url) as there:
        answer = there.post(f"/runs/{run}:move", turn).json()
    say(f"Run {run} has priority {answer['priority']}: {answer['why']}")


def drain(
    worker: Annotated[
        str | None, typer.Argument(metavar="[WORKER]", help="Its name, or how that begins; default: list them.")
    ] = None,
    url: Url = None,
    undo: Annotated[bool, typer.Option("--undo", help="Let it take runs again.")] = False,
    as_json: AsJson = False,
) -> None:
    """Let a worker take nothing new: what it works on goes on to its end. Without a name: list the workers."""
    with remote(url) as there:
        listed: list[dict[str, Any]] = there.get("/workers")
        if worker is not None:
            names = [w["name"] for w in listed if w["name"].startswith(worker)]
            if worker in names:
                names = [worker]
            if len(names) != 1:
                among = ", ".join(w["name"] for w in listed) or "none is there"
                many = f"begins {len(names)} names of workers" if names else "is no worker's name"
                raise Usage(f"{worker} {many}: {among}")
            listed = [there.post(f"/workers/{quote(names[0], safe='')}:{'resume' if undo else 'drain'}").json()]
    if as_json:
        print_json(listed)
        return
    rows = (
        (
            w["name"],
            ", ".join(w["queues"]),
            f"{len(w['running'])}/{w['slots']}",
            "drained" if w["drained_at"] else "takes runs",
        )
        for w in listed
    )
    print_table(("worker", "serves", "busy", "state"), rows)
