"""What a person or a program reads: answers on standard output, progress and messages on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape


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
