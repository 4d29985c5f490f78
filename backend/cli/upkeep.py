"""``crosslift backup``, ``restore`` and ``gc``: copies of an installation, and what nobody needs of it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from backend.cli.arguments import AsJson
from backend.cli.asking import settings
from backend.cli.endings import FAILED
from backend.cli.printing import print_json, print_table, say
from backend.errors import Conflict


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
