"""The command line: ``crosslift --help`` lists what it can do, in the order of README's table.

Reads and writes go through the HTTP API of the running installation, so that a shell and a browser see the same. Answers
go to standard output (``--json`` on every read), progress and messages to standard error. Exit codes: 0 done, 1 failed,
2 usage, 3 not found, 4 refused, 130 interrupted. The other parts are started as processes, never imported.

A module here holds commands that belong together, and each command imports what it needs: all of it takes half a second,
which is longer than most commands. Below the commands are ``asking``, ``arguments``, ``endings`` and ``printing``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import typer

from backend.cli import (
    carrying,
    catalogue,
    costing,
    experiments,
    imports,
    local,
    parts,
    people,
    pretraining,
    runs,
    submissions,
    upkeep,
)
from backend.cli.endings import Usage, guarded
from backend.errors import REFUSED

__all__ = ["REFUSED", "Usage", "app", "guarded", "main"]

COMMANDS: tuple[Callable[..., None], ...] = (
    local.demo, local.up, local.down,
    experiments.preview, experiments.submit, costing.plan,
    experiments.status, runs.logs, experiments.cancel, experiments.retry, submissions.export, runs.move, runs.drain,
    imports.import_results, local.doctor, submissions.score, carrying.pack, carrying.bring, carrying.reproduce, costing.forecast,
    pretraining.pretrain, catalogue.models, upkeep.backup, upkeep.restore, upkeep.gc, catalogue.catalogue,
    parts.migrate, parts.web, parts.worker, parts.sweep, parts.alive,
)  # fmt: skip

app = typer.Typer(
    name="crosslift",
    help="What model size and compute change about the worth of an intermediate task for cross-lingual transfer.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in COMMANDS:
    app.command(name="import" if command is imports.import_results else None)(command)
app.add_typer(people.users, name="user")
app.add_typer(people.tokens, name="token")


def main() -> None:
    sys.exit(guarded(lambda: app(prog_name="crosslift")))
