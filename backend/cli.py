"""The command line: ``crosslift demo | up | down | submit | preview | status | logs | cancel | retry | export | import | doctor``.

Reads and writes go through the HTTP API of the running installation, so that a shell and a browser see the same. Answers
go to standard output (``--json`` on every read), progress and messages to standard error. Exit codes: 0 done, 1 failed,
2 usage, 3 not found, 4 refused, 130 interrupted. The other parts are started as processes, never imported.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn
from urllib.parse import quote
from uuid import uuid4

import typer
from rich.console import Console
from rich.markup import escape

from backend import carrying, costing, people
from backend.errors import (
    REFUSED,
    Conflict,
    CrossliftError,
    Invalid,
    NotAllowed,
    NotFound,
    NotSignedIn,
    TooMany,
    unknown,
)

# Each command imports what it needs: all of it takes half a second, which is longer than most commands.
if TYPE_CHECKING:
    import psutil

    from backend.domain.schemas import LogLine, RunView
    from backend.remote import Remote
    from backend.settings import Settings
    from backend.submission.benchmarks import Benchmark
    from backend.submission.score import Report as ScoreReport

FAILED, USAGE, NOT_FOUND, INTERRUPTED = 1, 2, 3, 130
CODES: dict[type[CrossliftError], int] = {
    NotFound: NOT_FOUND, Conflict: REFUSED, Invalid: REFUSED, TooMany: REFUSED, NotSignedIn: REFUSED, NotAllowed: REFUSED,
}  # fmt: skip
LARGEST_FILE = 2**20  # bytes of a request; the API takes no more either
FOLLOW_SECONDS = 1.0
READING_SECONDS = 900.0  # that the API may take to read a folder of text
ALIVE_SECONDS = 60.0  # a worker says every ten seconds that it is there

app = typer.Typer(
    name="crosslift",
    help="What model size and compute change about the worth of an intermediate task for cross-lingual transfer.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command()(carrying.pack)
app.command()(carrying.bring)
app.command()(carrying.reproduce)
app.command()(carrying.forecast)
app.command()(costing.plan)
app.add_typer(people.users, name="user")
app.add_typer(people.tokens, name="token")

Url = Annotated[str | None, typer.Option("--url", help="Address of the installation; default: the one in this HOME.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
Experiment = Annotated[int, typer.Argument(min=1, metavar="ID", help="An experiment.")]
Request = Annotated[
    Path, typer.Argument(metavar="FILE.yaml", help="The experiment as YAML or JSON; - is standard input.")
]


class Usage(Exception):
    """The command line itself, or a setting, is wrong."""


# --- saying things -------------------------------------------------------------------------------------------


def out() -> Console:
    return Console(highlight=False, soft_wrap=True)


def err() -> Console:
    return Console(stderr=True, highlight=False, soft_wrap=True)


def say(message: str) -> None:
    """One line of progress, for a person."""
    err().print(escape(message))


def print_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table on a terminal; lines of tab-separated values into a pipe or file."""
    cells = [["" if v is None else str(v) for v in row] for row in rows]
    if not sys.stdout.isatty():
        for line in ([*columns], *cells):
            sys.stdout.write("\t".join(line) + "\n")
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for line in cells:
        table.add_row(*(escape(v) for v in line))
    out().print(table)


def print_markdown(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    lines = [columns, ["---"] * len(columns), *rows]
    sys.stdout.writelines("| " + " | ".join(str(v) for v in line) + " |\n" for line in lines)


def hours(value: float) -> str:
    minutes = value * 60
    if minutes < 1:
        return f"{minutes * 60:.0f} s"
    return f"{minutes:.0f} min" if minutes < 90 else f"{value:.1f} h"


# --- where to ask ---------------------------------------------------------------------------------------------


def settings() -> Settings:
    """This process's settings.

    Raises:
        Usage: one of the variables has a value that is not acceptable.
    """
    from pydantic import ValidationError

    from backend.settings import settings as read_settings

    try:
        return read_settings()
    except ValidationError as error:
        faults = "; ".join(
            f"CROSSLIFT_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors(include_input=False)
        )
        raise Usage(f"A setting cannot be used. {faults}") from None
    except ValueError as error:
        raise Usage(str(error)) from None


def remote(url: str | None, *, timeout: float = 30) -> Remote:
    from backend.remote import Remote, address

    return Remote(address(settings(), url), timeout=timeout, token=settings().token_shown)


def read_request(path: Path) -> dict[str, Any]:
    """The experiment in a YAML file (JSON is YAML too), for the API to judge.

    Raises:
        Usage: there is no such file, or it is no YAML object.
    """
    import yaml

    try:
        raw = sys.stdin.buffer.read(LARGEST_FILE + 1) if str(path) == "-" else path.read_bytes()
        if len(raw) > LARGEST_FILE:
            raise Usage(f"{path} is larger than {LARGEST_FILE:,} bytes")
        body = yaml.safe_load(raw.decode("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise Usage(f"{path} cannot be read: {error}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise Usage(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(body, dict):
        raise Usage(f"{path} holds no experiment: expected keys such as name, models, recipes, targets, seeds")
    try:
        json.dumps(body, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise Usage(f"{path} holds a value that JSON cannot carry: {error}") from None
    return body


# --- an installation on this machine -----------------------------------------------------------------------------


@app.command()
def up(
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Go on in the background once it is up.")] = False,
) -> None:
    """Start everything on this machine, print its address and keep it up until Ctrl-C."""
    from backend.local.installation import Installation, serve

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


@app.command()
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


@app.command()
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


@app.command()
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


@app.command()
def migrate() -> None:
    """Bring the database to this program's schema; `up` does it by itself."""
    from backend.store.migrate import upgrade

    before = upgrade(settings().database)
    say(
        {"current": "The database is current", "empty": "The database was made"}.get(
            before, "The database was upgraded"
        )
    )


@app.command()
def backup(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that is not there yet, or an empty one.")],
    as_json: AsJson = False,
) -> None:
    """Copy store and artifacts into a folder, and compare the copy with its manifest; runs may go on meanwhile."""
    from backend.backup.whole import back_up

    chosen = settings()
    made = back_up(chosen.database, chosen.artifact_root, folder, say=say)
    if as_json:
        print_json(made.model_dump(mode="json", exclude={"files"}))
    else:
        typer.echo(
            f"{folder}: {made.rows.get('run', 0)} runs, {made.artifacts} artifacts, {made.bytes / 2**20:,.1f} MiB"
        )
    if made.missing:
        say(
            f"error: {len(made.missing)} artifacts are not in it; their runs are computed again when something needs them"
        )
        raise typer.Exit(FAILED)


@app.command()
def restore(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="What `crosslift backup` made.")],
    check: Annotated[bool, typer.Option("--check", help="Only compare the backup with its manifest.")] = False,
    as_json: AsJson = False,
) -> None:
    """Put a backup into an empty place: CROSSLIFT_HOME, or CROSSLIFT_DATABASE_URL and CROSSLIFT_ARTIFACTS."""
    from backend.backup import whole
    from backend.local.home import running_pid

    chosen = settings()
    if check:
        found = whole.check(folder)
    else:
        if running_pid(chosen.root) is not None:
            raise Conflict(
                f"An installation runs in {chosen.root}; stop it with `crosslift down`, or name another place."
            )
        found = whole.restore(folder, chosen.database, chosen.artifact_root, say=say)
    if as_json:
        print_json(found.model_dump(mode="json", exclude={"files"}))
    else:
        done = "is whole" if check else "was put back"
        typer.echo(
            f"{folder}, made {found.made_at} by {found.program}, {done}: {found.rows.get('run', 0)} runs, "
            f"{found.artifacts} artifacts"
        )


@app.command()
def gc(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go, and how much.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove what lies on the disk and nobody needs; never what a run that waits or runs may need."""
    from backend import leftovers
    from backend.store import migrate
    from backend.store.session import Store

    chosen = settings()
    if migrate.is_bare(chosen.database) or migrate.state(chosen.database) != "current":
        raise Conflict(
            "What is needed is in the database, which is not there or of another version; run `crosslift migrate`."
        )
    store = Store(chosen.database)
    try:
        found = leftovers.find(chosen, store)
        gone = [] if dry_run else leftovers.remove(chosen, store, found)
    finally:
        store.dispose()
    shown = found if dry_run else gone
    if as_json:
        print_json({"dry_run": dry_run, "bytes": sum(e.bytes for e in shown), "items": [asdict(e) for e in shown]})
        return
    if shown:
        print_table(
            ("what", "MiB", "why", "where"), ((e.kind, f"{e.bytes / 2**20:,.1f}", e.why, e.place) for e in shown)
        )
    verb = "would go" if dry_run else "are gone"
    say(f"{len(shown)} things with {sum(e.bytes for e in shown) / 2**20:,.1f} MiB {verb}")


def _become(module: str) -> NoReturn:
    os.execv(sys.executable, [sys.executable, "-m", module])  # noqa: S606 - no shell, and that is the point


@app.command()
def web() -> None:
    """Serve API and pages, as one part of an installation of many machines."""
    _become("dashboard.server")


@app.command()
def worker() -> None:
    """Work on queued runs, as one part of an installation of many machines."""
    _become("worker.app")


@app.command()
def sweep() -> None:
    """Ring again for queued runs and take back expired ones, as one part of an installation of many machines."""
    _become("backend.sweep")


@app.command()
def alive() -> None:
    """Tell whether a worker of this machine was seen in the last minute; for the health check of its container."""
    from backend.store import migrate, workers
    from backend.store.session import Store

    migrate.refuse_newer(settings().database)
    here = f"{socket.gethostname()}:"
    store = Store(settings().database)
    try:
        with store.read() as session:
            seen = [
                w for w in workers.listing(session) if w.name.startswith(here) and w.seen_age_seconds < ALIVE_SECONDS
            ]
    finally:
        store.dispose()
    if not seen:
        raise NotFound(f"No worker of this machine ({here[:-1]}) was seen in the last {ALIVE_SECONDS:.0f} s")
    say("; ".join(f"{w.name}: {len(w.running)} of {w.slots} slots busy" for w in seen))


# --- experiments and runs -------------------------------------------------------------------------------------------


@app.command()
def submit(
    file: Request,
    url: Url = None,
    as_json: AsJson = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it would do, as `preview`.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for its end; exit code 1 if a run failed.")] = False,
    key: Annotated[str | None, typer.Option(help="Idempotency key: the same key submits once.")] = None,
) -> None:
    """Submit an experiment."""
    if dry_run:
        preview(file, url, as_json)
        return
    from backend.domain.schemas import ExperimentView

    body = read_request(file)
    with remote(url) as there:
        view = ExperimentView.model_validate(there.post("/experiments", body, key=key or str(uuid4())).json())
        while wait and view.state in ("waiting", "running"):
            time.sleep(FOLLOW_SECONDS)
            view = there.view(ExperimentView, f"/experiments/{view.id}")
    if as_json:
        print_json(view.model_dump(mode="json"))
    else:
        say(f"Experiment {view.id}, {view.name}: {view.runs} runs, {view.reused} of them reused; {view.state}")
        typer.echo(f"{there.base}/experiments/{view.id}")
    if wait and view.state != "done":
        raise typer.Exit(FAILED)


@app.command()
def preview(file: Request, url: Url = None, as_json: AsJson = False) -> None:
    """Say what submitting a file would do, without doing it."""
    from backend.domain import fitting
    from backend.domain.resolved import in_words
    from backend.domain.schemas import Preview

    body = read_request(file)
    with remote(url) as there:
        answer = there.post("/experiments:preview", body).json()
    if as_json:
        print_json(answer)
        return
    plan = Preview.model_validate(answer)
    kinds = ", ".join(f"{n} {kind.value}" for kind, n in plan.by_kind.items())
    lines = [
        ("cells", f"{plan.cells}"),
        ("runs", f"{plan.runs}: {plan.runs_to_do} to do, {plan.runs_reused} reused ({kinds})"),
        ("device-hours", _band(plan.device_hours)),
        ("done in", _band(plan.hours_until_done)),
        ("energy", "not measured" if plan.energy_kwh is None else _energy(plan.energy_kwh)),
        ("disk", f"{plan.disk_bytes / 2**20:,.0f} MiB"),
        *((f"memory: {each.model}", fitting.in_words(each)) for each in plan.memory),
        *(("note", note) for note in plan.notes),
        ("forecast", plan.forecast_from),
        ("its record", plan.forecast_record),
        ("seeds", plan.seeds_can_show),
        *([("oracle", plan.oracle)] if plan.oracle else []),
    ]
    lines += [(f"{row.stage}: {row.name} on {', '.join(row.models)}", in_words(row)) for row in plan.settings]
    lines += [("same data", pair) for pair in plan.same_data_twice]
    lines += [("left out", f"{c.model}, {c.recipe}, {c.target}: {c.reason}") for c in plan.not_applicable]
    print_table(("what", "how much"), lines)


def _energy(band: Any) -> str:
    return f"{band.median:.2g} kWh ({band.low:.2g} to {band.high:.2g})"


def _band(band: Any) -> str:
    return "nothing measured yet" if band is None else f"{hours(band.median)} ({hours(band.low)} to {hours(band.high)})"


@app.command()
def status(
    experiment: Annotated[
        int | None, typer.Argument(min=1, metavar="[ID]", help="An experiment; default: all.")
    ] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Show the experiments and the queue, or one experiment and its runs."""
    with remote(url) as there:
        if experiment is None:
            _all(there, as_json)
        else:
            _one(there, experiment, as_json)


# What it shows is read from the answers as they come: the schemas take longer to be loaded than the rest of `status` takes.


def _all(there: Remote, as_json: bool) -> None:
    listed, queue = there.get("/experiments", limit=50), there.get("/queue")
    if as_json:
        print_json({"experiments": listed["items"], "queue": queue})
        return
    print_table(
        ("id", "state", "done", "reused", "failed", "name"),
        (
            (v["id"], v["state"], f"{counts['done']}/{v['runs']}", v["reused"], counts["failed"] + counts["diverged"], v["name"])
            for v in listed["items"]
            for counts in (v["counts"],)
        ),
    )  # fmt: skip
    state, workers = " ".join(f"{queue[n]} {n}," for n in ("running", "queued", "waiting")), len(queue["workers"])
    say(f"{state.rstrip(',')}; {workers} workers")


def _one(there: Remote, experiment: int, as_json: bool) -> None:
    view = there.get(f"/experiments/{experiment}")
    runs = list(entries(there, f"/experiments/{experiment}/runs"))
    if as_json:
        print_json({"experiment": view, "runs": runs})
        return
    done = view["counts"]["done"]
    say(
        f"{view['name']} ({view['benchmark']}): {view['state']}, {done} of {view['runs']} runs done, {view['reused']} reused"
    )
    shown = [r for r in runs if r["state"] != "done"] or runs
    columns = ("id", "state", "kind", "title", "why")
    print_table(("run", "state", "kind", "what", "why"), ([r[name] for name in columns] for r in shown))


def entries(there: Remote, path: str, **query: Any) -> Iterable[dict[str, Any]]:
    """Everything of a list, page by page."""
    cursor: str | None = None
    while True:
        page = there.get(path, limit=200, cursor=cursor, **query)
        yield from page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return


def pages(there: Remote, path: str, **query: Any) -> Iterable[RunView]:
    """Every run of a list."""
    from backend.domain.schemas import RunView

    yield from (RunView.model_validate(each) for each in entries(there, path, **query))


@app.command()
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


@app.command()
def cancel(
    experiment: Experiment,
    url: Url = None,
    run: Annotated[bool, typer.Option("--run", help="ID is a run: stop it for everybody who wants it.")] = False,
) -> None:
    """Ask an experiment to stop. Runs that others want too go on."""
    noun = "run" if run else "experiment"
    with remote(url) as there:
        answer = there.post(f"/{noun}s/{experiment}:cancel").json()
    say(f"{noun.capitalize()} {experiment} was asked to stop; it is {answer['state']}")


@app.command()
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


@app.command()
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


@app.command()
def retry(experiment: Experiment, url: Url = None) -> None:
    """Do again what failed, diverged, was cancelled or skipped in an experiment."""
    from backend.domain.schemas import ExperimentView

    with remote(url) as there:
        view = ExperimentView.model_validate(there.post(f"/experiments/{experiment}:retry").json())
    say(f"Experiment {experiment} is {view.state}, {view.counts.done} of {view.runs} runs done")


@app.command()
def export(
    what: Annotated[str, typer.Argument(metavar="ID|xtreme|xtreme-r", help="An experiment; or a layout and the rest.")],
    experiment: Annotated[int | None, typer.Argument(min=1, metavar="EXPERIMENT", help="After a layout.")] = None,
    archive: Annotated[Path | None, typer.Argument(metavar="OUT.zip", help="After a layout: file to write.")] = None,
    url: Url = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line instead of CSV.")] = False,
    output: Annotated[Path, typer.Option("-o", "--output", help="File to write; - is standard output.")] = Path("-"),
    model: Annotated[str | None, typer.Option(help="Of a submission: only this model.")] = None,
    recipe: Annotated[str | None, typer.Option(help="Of a submission: only this recipe.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of a submission: only this seed.")] = None,
    gold: Annotated[bool, typer.Option("--gold", help="Of a submission: the labels instead of predictions.")] = False,
) -> None:
    """Write every score of an experiment, one a row; or its predictions as a submission to XTREME-R."""
    from backend.submission.benchmarks import BENCHMARKS

    if what in BENCHMARKS:
        if experiment is None or archive is None:
            raise Usage(f"expected an experiment and a file: crosslift export {what} 3 {what}.zip")
        _submission(BENCHMARKS[what], experiment, archive, url, gold, {"model": model, "recipe": recipe, "seed": seed})
        return
    if not (what.isascii() and what.isdigit() and int(what)):
        raise Usage(f"{what}: expected the number of an experiment, or {' or '.join(BENCHMARKS)} and an experiment")
    if experiment is not None:
        raise Usage(f"{experiment} is one argument too many; the file of scores is named with --output")
    with remote(url) as there:
        answer = there.send("GET", f"/experiments/{what}/export", params={"format": "jsonl" if as_json else "csv"})
    if str(output) == "-":
        sys.stdout.buffer.write(answer.content)
        return
    try:
        output.write_bytes(answer.content)
    except OSError as error:
        raise Usage(f"{output} cannot be written: {error}") from None
    say(f"Wrote {output}")


def _submission(
    benchmark: Benchmark, experiment: int, archive: Path, url: str | None, gold: bool, only: dict[str, Any]
) -> None:
    from backend.domain.schemas import ExperimentView
    from backend.submission.stored import submissions, write_zip

    with remote(url) as there:
        view = there.view(ExperimentView, f"/experiments/{experiment}")
        chosen = submissions(pages(there, f"/experiments/{experiment}/runs"), benchmark, **only)
    about = {"experiment": view.id, "name": view.name, "benchmark": view.benchmark, "synthetic": view.synthetic}
    try:
        missing = write_zip(archive, chosen, benchmark, root=settings().artifact_root, about=about, gold=gold)
    except OSError as error:
        raise Usage(f"{archive} cannot be written: {error}") from None
    if view.synthetic:
        say(f"note: {view.benchmark} is synthetic: these are no predictions for {benchmark.title}'s own data")
    for words in missing:
        say(f"note: {words}")
    say(f"Wrote {archive}: {len(chosen)} submission{'s' if len(chosen) > 1 else ''}")


@app.command()
def score(
    predictions: Annotated[
        Path, typer.Argument(metavar="PREDICTIONS_DIR", help="A submission: {task}/test-{language}.{tsv,json,jsonl}.")
    ],
    labels: Annotated[Path, typer.Argument(metavar="LABELS_DIR", help="The gold answers, in the same layout.")],
    benchmark: Annotated[
        str, typer.Option("--benchmark", "-b", help="xtreme or xtreme-r.", metavar="xtreme|xtreme-r")
    ] = "xtreme-r",
    languages: Annotated[bool, typer.Option("--languages", help="Every language instead of the averages.")] = False,
    as_json: AsJson = False,
) -> None:
    """Score a submission to XTREME or XTREME-R; needs no running installation. Exit code 1 if it has problems."""
    from backend.submission.benchmarks import BENCHMARKS
    from backend.submission.score import score as score_folders

    if benchmark not in BENCHMARKS:
        raise Usage(f"--benchmark: {unknown('benchmark', benchmark, tuple(BENCHMARKS))}")
    try:
        report = score_folders(predictions, labels, BENCHMARKS[benchmark])
    except OSError as error:
        raise Usage(str(error)) from None
    if as_json:
        print_json(report.as_json())
    elif languages:
        print_table(
            ("task", "language", "metric", "points"),
            (
                (name, code, metric, f"{points:.2f}")
                for name, task in report.tasks.items()
                for code, values in task.languages.items()
                for metric, points in values.items()
            ),
        )
    else:
        _score_table(report, BENCHMARKS[benchmark])
    for note in report.notes:
        say(f"note: {note}")
    for problem in report.problems:
        say(f"problem: {problem}")
    if report.problems:
        raise typer.Exit(FAILED)


@app.command(name="import")
def import_results(
    path: Annotated[
        Path, typer.Argument(metavar="FILE|FOLDER", help="Results: a table, or what a trainer left behind.")
    ],
    source: Annotated[str, typer.Option(help="Who made them; gains are taken within one source only.")],
    settings: Annotated[str, typer.Option(help="How; gains are taken within one of these only.")] = "",
    format: Annotated[
        str | None,
        typer.Option(help="Default: by the names of the files.", metavar="long|trainer|jiant|xtreme"),
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help="FOLDER holds predictions in XTREME's layout; score them by these.")
    ] = None,
    benchmark: Annotated[str, typer.Option(help="Of predictions.", metavar="xtreme|xtreme-r")] = "xtreme-r",
    model: Annotated[str | None, typer.Option(help="Where the files do not say it; so are those below.")] = None,
    recipe: Annotated[str | None, typer.Option(help="As in mnli or mnli+squad; default: none.")] = None,
    target: Annotated[str | None, typer.Option()] = None,
    language: Annotated[str | None, typer.Option()] = None,
    seed: Annotated[int | None, typer.Option(min=0)] = None,
    note: Annotated[str, typer.Option(help="For people.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything and write nothing.")] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Bring in results that were made elsewhere: kept apart from own ones, marked with their source."""
    from typing import get_args

    from backend.domain.imports import ImportDone, ImportFormat
    from backend.importing.gather import NotGathered, gather, guess, scored
    from backend.submission.benchmarks import BENCHMARKS

    if format is not None and format not in get_args(ImportFormat):
        raise Usage(f"--format: {unknown('format', format, get_args(ImportFormat))}")
    if benchmark not in BENCHMARKS:
        raise Usage(f"--benchmark: {unknown('benchmark', benchmark, tuple(BENCHMARKS))}")
    try:
        if labels is not None:
            files, notes = scored(path, labels, BENCHMARKS[benchmark])
            chosen: Any = "xtreme"
            for words in notes:
                say(f"note: {words}")
        else:
            chosen = format or guess(path)
            files = gather(path, chosen)
    except (NotGathered, OSError) as error:
        raise Usage(str(error)) from None
    asked = {
        "format": chosen, "source": source, "settings": settings, "note": note, "files": [f.model_dump() for f in files],
        "model": model, "recipe": recipe, "target": target, "language": language, "seed": seed, "dry_run": dry_run,
    }  # fmt: skip
    with remote(url, timeout=120) as there:
        done = ImportDone.model_validate(there.post("/imports", asked).json())
    if as_json:
        print_json(done.model_dump(mode="json"))
    for words in done.notes:
        say(f"note: {words}")
    say(done.said)


def _score_table(report: ScoreReport, benchmark: Benchmark) -> None:
    """Averages over languages, then groups, then the whole. Of tags, accuracy is said beside what makes the score."""
    found = {metric for task in report.tasks.values() for metric in task.average}
    metrics = [m for m in ("accuracy", "precision", "recall", "f1", "exact_match", "map@20") if m in found]
    rows: list[tuple[object, ...]] = []
    for name, task in report.tasks.items():
        averages = (f"{task.average[m]:.2f}" if m in task.average else "" for m in metrics)
        of = f"{len(task.languages)} of {len(benchmark.tasks[name].languages)}"
        rows.append((name, of, *averages, "" if task.score is None else f"{task.score:.2f}"))
    blank = [""] * (1 + len(metrics))
    rows += [(f"group {name}", *blank, f"{points:.2f}") for name, points in report.groups.items()]
    rows.append((benchmark.title, *blank, "" if report.overall is None else f"{report.overall:.2f}"))
    print_table(("task", "languages", *metrics, "score"), rows)


@app.command()
def catalogue(
    as_json: AsJson = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="As the table that stands in README.md.")] = False,
) -> None:
    """List the tasks; needs no running installation."""
    from backend.domain.experiment import examples
    from backend.domain.task import Source, Split
    from backend.domain.tasks import TASKS

    if as_json:
        print_json([t.model_dump(mode="json", exclude={"read", "files"}) for t in TASKS.values()])
        return
    columns = (
        "task", "what it asks", "format", "role", "trained on", "languages", "in mini", "train", "headline", "sources",
        "licence",
    )  # fmt: skip
    rows = [
        (
            t.name, t.summary, t.format.value.replace("_", " "), ", ".join(sorted(r.value for r in t.roles)),
            t.trained_on or "nothing", len(t.languages), len(t.languages_in(Source.MINI)),
            examples(t, Split.TRAIN, Source.HUB) or "", t.headline,
            " ".join(s.value for s in Source if t.available_in(s)), t.licence,
        )
        for t in TASKS.values()
    ]  # fmt: skip
    if not markdown:
        print_table(columns, rows)
        return
    print_markdown(columns, ((f"`{name}`", *rest) for name, *rest in rows))


@app.command()
def pretrain(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the model is called from then on.")],
    text: Annotated[
        list[str], typer.Option("--text", help="A folder or file of text under CROSSLIFT_DATA_ROOT; may be repeated.")
    ],
    languages: Annotated[
        str | None, typer.Option(help="Only these, as in en,sw; default: all that the text is in.")
    ] = None,
    base: Annotated[str | None, typer.Option("--from", help="A model to go on from, instead of sizes.")] = None,
    layers: Annotated[int | None, typer.Option(help="Default: 4.")] = None,
    hidden: Annotated[int | None, typer.Option(help="Default: 256.")] = None,
    heads: Annotated[int | None, typer.Option(help="Default: one for every 64 of hidden.")] = None,
    feed_forward: Annotated[int | None, typer.Option(help="Default: 4 x hidden.")] = None,
    vocabulary: Annotated[int | None, typer.Option(help="Sub-words; default: 8000.")] = None,
    positions: Annotated[int | None, typer.Option(help="Longest row + 2; default: 514.")] = None,
    steps: Annotated[int | None, typer.Option(help="Default: 10000.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Default: 64.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Default: 1e-3, from a model 5e-5.")] = None,
    max_length: Annotated[int | None, typer.Option(help="Sub-words of a row; default: 128.")] = None,
    exponent: Annotated[float | None, typer.Option(help="Languages are drawn by lines^exponent; default: 0.3.")] = None,
    masked: Annotated[float | None, typer.Option(help="Share hidden; default: 0.3, from a model 0.15.")] = None,
    device: Annotated[str | None, typer.Option(help="cpu or cuda; default: cpu.")] = None,
    precision: Annotated[str | None, typer.Option(help="fp32 or bf16; default: fp32.")] = None,
    url: Url = None,
    as_json: AsJson = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for its end; exit code 1 if it failed.")] = False,
) -> None:
    """Pretrain an encoder on text of your own; experiments may use it at once, and wait for it."""
    from backend.domain.run import TERMINAL, RunState
    from backend.domain.schemas import ModelView, RunView

    given = {
        "name": name, "text": text, "languages": languages.split(",") if languages else None, "base": base,
        "layers": layers, "hidden": hidden, "heads": heads, "feed_forward": feed_forward, "vocabulary": vocabulary,
        "positions": positions, "steps": steps, "batch_size": batch_size, "learning_rate": learning_rate,
        "max_length": max_length, "exponent": exponent, "masked": masked, "device": device, "precision": precision,
    }  # fmt: skip
    with remote(url, timeout=READING_SECONDS) as there:
        body = {key: value for key, value in given.items() if value is not None}
        view = ModelView.model_validate(there.post("/models", body).json())
        own = view.pretrained
        assert own is not None
        run = there.view(RunView, f"/runs/{own.run}")
        while wait and run.state not in TERMINAL:
            time.sleep(FOLLOW_SECONDS)
            run = there.view(RunView, f"/runs/{run.id}")
    if as_json:
        print_json(view.model_dump(mode="json"))
    else:
        lines = ", ".join(f"{code} {n:,}" for code, n in own.lines.items())
        say(
            f"{name}: {view.parameters:,} parameters, {view.parameters_non_embedding:,} of them not embeddings; run {run.id}, {run.state}"
        )
        say(f"text: {len(own.text.files)} files; lines: {lines}")
        typer.echo(f"{there.base}/runs/{run.id}")
    if wait and run.state is not RunState.DONE:
        raise typer.Exit(FAILED)


@app.command()
def models(
    url: Url = None,
    as_json: AsJson = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="The built-in ones, as the table that stands in README.md.")
    ] = False,
) -> None:
    """List the models with their sizes; those that were pretrained here where an installation runs in this HOME, or at --url."""
    from backend.domain.model import BUILT_IN, MODELS

    if not markdown:
        _learn(url)
    if as_json:
        sizes = ("parameters", "parameters_non_embedding")
        print_json([{**m.model_dump(mode="json"), **{n: getattr(m, n) for n in sizes}} for m in MODELS.values()])
        return
    columns = (
        "model", "family", "layers", "heads", "hidden", "vocabulary", "parameters", "non-embedding", "checkpoint",
        "licence",
    )  # fmt: skip
    rows = [
        (
            m.name, m.family.value, m.architecture.layers, m.architecture.heads, m.architecture.hidden,
            m.architecture.vocabulary, m.parameters, m.parameters_non_embedding, m.checkpoint or "pretrained here",
            m.licence,
        )
        for m in (BUILT_IN if markdown else MODELS.values())
    ]  # fmt: skip
    if not markdown:
        print_table(columns, rows)
        return
    print_markdown(columns, ((f"`{name}`", *rest) for name, *rest in rows))


def _learn(url: str | None) -> None:
    """Let the models that an installation has pretrained join the catalogue of this process; none where none runs and none is
    named."""
    from backend.domain.model import MODELS
    from backend.domain.schemas import ModelView
    from backend.errors import Unavailable

    try:
        with remote(url) as there:
            views = [ModelView.model_validate(each) for each in there.get("/models")]
    except Unavailable:
        if url:
            raise
        return
    MODELS.joined((v.model() for v in views if v.pretrained), mark=())


# --- the way in -------------------------------------------------------------------------------------------------------


def explain(error: CrossliftError) -> None:
    say(f"error: {error.detail}")
    for fault in error.errors:
        say(f"  {fault.pointer}: {fault.message}")


def guarded(command: Callable[[], object]) -> int:
    """Run it; what went wrong on purpose becomes a message and an exit code."""
    try:
        command()
    except Usage as error:
        say(f"error: {error}")
        return USAGE
    except CrossliftError as error:
        explain(error)
        return CODES.get(type(error), FAILED)
    except BrokenPipeError:  # `crosslift logs 3 | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return 0


def main() -> None:
    sys.exit(guarded(lambda: app(prog_name="crosslift")))


if __name__ == "__main__":
    from backend.cli import main as as_module  # so that there is one of each class, whoever imports this file too

    as_module()
