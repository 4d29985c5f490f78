"""``crosslift pack``, ``bring`` and ``reproduce``: what makes a number worth believing somewhere else or once more."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backend.cli.arguments import AsJson, Url
from backend.cli.asking import remote, settings
from backend.cli.endings import FAILED, Usage
from backend.cli.printing import print_json, print_table, say
from backend.errors import Invalid

READING_SECONDS = 600.0  # that the API may take for a large file


def pack(
    experiment: Annotated[int, typer.Argument(min=1, metavar="ID", help="An experiment that has ended.")],
    file: Annotated[Path, typer.Argument(metavar="OUT.zip", help="File to write.")],
    installation: Annotated[
        str | None, typer.Option("--as", help="What this installation is called in it; default: its public address.")
    ] = None,
    url: Url = None,
) -> None:
    """Write an experiment with its runs, scores and curves into one file, for another installation to show."""
    with remote(url, timeout=READING_SECONDS) as there:
        query = {"installation": installation} if installation else {}
        data = there.send("GET", f"/experiments/{experiment}/file", params=query).content
    try:
        file.write_bytes(data)
    except OSError as error:
        raise Usage(f"{file} cannot be written: {error}") from None
    say(f"Wrote {file}: {len(data) / 2**20:,.2f} MiB")


def bring(
    file: Annotated[Path, typer.Argument(metavar="FILE.zip", help="What `crosslift pack` wrote.")],
    check: Annotated[bool, typer.Option("--check", help="Only judge the file; needs no installation.")] = False,
    keep_ours: Annotated[
        bool, typer.Option("--keep-ours", help="Where a run was done here and found other scores, show those of here.")
    ] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Show what another installation has computed. Everything in the file is judged before anything is written."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise Invalid(f"{file} cannot be read: {error}") from None
    if check:
        _judge(file, data)
        return
    from backend.domain.schemas import BroughtIn

    with remote(url, timeout=READING_SECONDS) as there:
        answer = there.send(
            "POST",
            "/experiments:bring",
            content=data,
            params={"keep_ours": keep_ours},
            headers={"Content-Type": "application/zip"},
        )
    made = BroughtIn.model_validate(answer.json())
    if as_json:
        print_json(made.model_dump(mode="json"))
        return
    view, came = made.experiment, made.experiment.brought
    origin = f", from {came.installation}, experiment {came.experiment_there} there" if came else ""
    if not made.created:
        say(f"This file was brought in before: experiment {view.id}{origin}")
    else:
        say(
            f"Experiment {view.id}, {view.name}{origin}: {made.runs} runs; {len(made.shared)} were done here with the same scores"
        )
        if made.ours:
            say(f"note: of {len(made.ours)} runs those of here are shown, which found other scores")
    typer.echo(f"{there.base}/experiments/{view.id}")


def _judge(file: Path, data: bytes) -> None:
    from backend.exchange import arriving, packed

    content, sha256 = packed.read(data)
    arriving.check(content)
    origin = content.origin
    say(
        f"{file} is whole: {origin.name}, experiment {origin.experiment} of {origin.installation}, written by version "
        f"{origin.program}: {len(content.runs)} runs, {len(content.scores)} scores"
    )
    typer.echo(sha256)


def reproduce(
    run: Annotated[int, typer.Argument(min=1, metavar="RUN", help="A run that is done.")],
    home: Annotated[
        Path | None, typer.Option("--in", help="Empty folder for the installation of its own, which then stays.")
    ] = None,
    tolerance: Annotated[
        float,
        typer.Option(
            min=0.0, max=100.0, help="Points that scores may differ by where the same bits cannot be asked for."
        ),
    ] = 1.0,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Do a run and all that it starts from again, in an installation of its own, and compare every score. Exit code 1: they differ."""
    from backend.exchange.reproduce import SAID
    from backend.exchange.reproduce import reproduce as do_again

    with remote(url) as there:
        report = do_again(there, run, settings(), say, home=home, tolerance=tolerance)
    if as_json:
        print_json(report.as_json())
    else:
        print_table(
            ("run", "what", "scores", "points of curves", "differing"),
            ((s.run, s.title, s.scores, s.points, len(s.differing) or "") for s in report.stages),
        )
        for stage in report.stages:
            for words in stage.differing[:SAID]:
                say(f"run {stage.run}: {words}")
        for note in report.notes:
            say(f"note: {note}")
        asked = "bit by bit" if report.exact else f"within {report.tolerance:g} points"
        say(f"Run {run} {'came out the same' if report.same else 'did NOT come out the same'}, {asked}")
    if not report.same:
        raise typer.Exit(FAILED)
