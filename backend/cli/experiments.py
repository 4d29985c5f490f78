"""``crosslift submit``, ``preview``, ``status``, ``cancel`` and ``retry``: experiments."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import typer

from backend.cli.arguments import AsJson, Experiment, Request, Url, read_request
from backend.cli.asking import FOLLOW_SECONDS, entries, remote
from backend.cli.endings import FAILED
from backend.cli.printing import hours, print_json, print_table, say

if TYPE_CHECKING:
    from backend.remote import Remote


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


def retry(experiment: Experiment, url: Url = None) -> None:
    """Do again what failed, diverged, was cancelled or skipped in an experiment."""
    from backend.domain.schemas import ExperimentView

    with remote(url) as there:
        view = ExperimentView.model_validate(there.post(f"/experiments/{experiment}:retry").json())
    say(f"Experiment {experiment} is {view.state}, {view.counts.done} of {view.runs} runs done")
