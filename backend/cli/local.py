"""``crosslift up``, ``down``, ``demo`` and ``doctor``: an installation on this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from backend.cli.arguments import AsJson
from backend.cli.asking import remote, settings
from backend.cli.endings import FAILED
from backend.cli.printing import err, out, print_json, print_markdown, print_table, say
from backend.errors import REFUSED, Conflict, CrossliftError

if TYPE_CHECKING:
    import psutil

    from backend.local.installation import Installation
    from backend.settings import Settings


def up(
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Go on in the background once it is up.")] = False,
) -> None:
    """Start everything on this machine, print its address and keep it up until Ctrl-C."""
    from backend.local.installation import serve

    if detach:
        typer.echo(start_detached(settings()))
        return
    shown = False

    def step(installation: Installation) -> None:
        nonlocal shown
        if not shown:
            shown = True
            typer.echo(installation.url)
            say("Crosslift is up. Ctrl-C stops it.")

    code = serve(settings(), say, step)
    raise typer.Exit(code)


def start_detached(chosen: Settings) -> str:
    """Start ``crosslift up`` in the background and wait until it is ready; returns its address.

    Raises:
        Conflict: it was refused; its own words.
        CrossliftError: it did not come up.
    """
    from backend.local.home import prepare_home, read_state

    prepare_home(chosen.root)
    log = chosen.root / "logs" / "up.log"
    with log.open("ab") as file:
        begun = file.tell()
        process = subprocess.Popen(
            [sys.executable, "-m", "backend.cli", "up"],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, "CROSSLIFT_HOME": str(chosen.root)},
        )
    while process.poll() is None:
        state = read_state(chosen.root)
        if state and state.get("pid") == process.pid and state.get("ready"):
            return str(state["url"])
        time.sleep(0.1)
    words = log.read_bytes()[begun:].decode(errors="replace").strip() or "no message"
    raise (Conflict if process.returncode == REFUSED else CrossliftError)(words)


def down(
    force: Annotated[bool, typer.Option("--force", help="Kill it if it does not stop in time.")] = False,
) -> None:
    """Stop what `up` started in this HOME."""
    import psutil

    from backend.local.home import running_pid

    chosen = settings()
    pid = running_pid(chosen.root)
    if pid is None:
        say(f"Nothing runs in {chosen.root}")
        return
    process = psutil.Process(pid)
    process.send_signal(signal.SIGTERM)
    say(f"Stopping the installation in {chosen.root} (process {pid})")
    end = time.monotonic() + chosen.grace_seconds + 30
    while running_pid(chosen.root) == pid or _there(process):
        if time.monotonic() > end:
            if not force:
                raise CrossliftError(f"Process {pid} does not stop; `crosslift down --force` kills it")
            process.kill()
        time.sleep(0.1)
    say("Stopped")


def _there(process: psutil.Process) -> bool:
    import psutil

    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def demo(
    seeds: Annotated[int, typer.Option(min=1, max=100, help="How many seeds; six show what one cannot.")] = 1,
    exit_when_done: Annotated[bool, typer.Option("--exit-when-done", help="Stop everything when it is done.")] = False,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Go on in the background.")] = False,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Open no browser.")] = False,
) -> None:
    """Pretrain, tune and evaluate small encoders here, up to a heatmap of gains."""
    from backend import demo as study
    from backend.local.home import read_state, running_pid

    chosen = settings()
    screen = err()
    if detach:
        url = str((read_state(chosen.root) or {}).get("url")) if running_pid(chosen.root) else start_detached(chosen)
        with remote(None) as there:
            view, words = study.submit(there, seeds)
        say(words)
        say(f"It goes on in the background: `crosslift status {view.id}` tells how far, `crosslift down` stops it.")
        typer.echo(f"{url}/experiments/{view.id}")
        return
    raise typer.Exit(study.run(chosen, screen, out(), seeds=seeds, stay=not exit_when_done, browser=not no_browser))


def doctor(
    as_json: AsJson = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Only the settings, as the table in backend/README.md.")
    ] = False,
) -> None:
    """List every setting with its value and origin, and check this machine."""
    from backend.local.doctor import examine, setting_rows
    from backend.settings import Settings

    if markdown:
        print_markdown(
            ("setting", "default", "what it is for"),
            (
                (f"`CROSSLIFT_{name.upper()}`", "" if f.default is None else f"`{f.default}`", f.description)
                for name, f in Settings.model_fields.items()
            ),
        )
        return
    chosen = settings()
    rows = setting_rows(chosen)
    if as_json:
        checks = list(examine(chosen))
        print_json({"settings": [asdict(r) for r in rows], "checks": [asdict(c) for c in checks]})
    else:
        print_table(("setting", "value", "origin"), ((r.variable, r.value, r.origin) for r in rows))
        typer.echo()
        checks = []
        for check in examine(chosen):
            checks.append(check)
            typer.echo(f"{check.verdict:8} {check.name:10} {check.detail}")
            if check.fix and check.verdict != "ok":
                typer.echo(f"{'':19} fix: {check.fix}")
    if any(c.verdict == "failed" for c in checks):
        raise typer.Exit(FAILED)
