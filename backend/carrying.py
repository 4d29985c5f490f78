"""``crosslift pack`` and ``crosslift bring``: an experiment as one file, from one installation to another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from backend.errors import Invalid

Url = Annotated[str | None, typer.Option("--url", help="Address of the installation; default: the one in this HOME.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]

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
    from backend.cli import Usage, remote, say

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
    from backend.cli import print_json, remote, say

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
    from backend.cli import say
    from backend.exchange import arriving, packed

    content, sha256 = packed.read(data)
    arriving.check(content)
    origin = content.origin
    say(
        f"{file} is whole: {origin.name}, experiment {origin.experiment} of {origin.installation}, written by version "
        f"{origin.program}: {len(content.runs)} runs, {len(content.scores)} scores"
    )
    typer.echo(sha256)
