"""Whether there are newer numbers than those that were frozen: said to whoever may read the live ones, beside what was frozen, which
stays as it is.

Numbers are compared, cell by cell and point by point, and nothing else: another version of the program that writes the same numbers
otherwise has no newer results.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from dash import Input, Output, callback, html

from backend.domain.schemas import SnapshotContent
from backend.errors import CrossliftError
from dashboard import share, visitor
from dashboard.client import client
from dashboard.look import count

Numbers = dict[tuple[str, ...], tuple[float | int | None, ...]]


@dataclass(frozen=True, slots=True)
class Changes:
    """From what was frozen to what is there now. ``of``: what there was."""

    new: int
    other: int
    gone: int
    of: int

    def __bool__(self) -> bool:
        return bool(self.new or self.other or self.gone)

    @property
    def in_words(self) -> str:
        """``4 of 36 numbers are others now, and 12 are new``."""
        said = []
        if self.other:
            said.append(
                f"{self.other:,} of {count(self.of, 'number')} {'is another' if self.other == 1 else 'are others'} now"
            )
        if self.new:
            said.append(f"{count(self.new, 'number')} {'is' if self.new == 1 else 'are'} new")
        if self.gone:
            said.append(f"{count(self.gone, 'number')} {'is' if self.gone == 1 else 'are'} gone")
        return ", ".join(said)


def compare(frozen: SnapshotContent, present: SnapshotContent) -> Changes:
    """What is not the same any more."""
    before, now = _numbers(frozen), _numbers(present)
    other = sum(now[key] != value for key, value in before.items() if key in now)
    return Changes(
        new=len(now.keys() - before.keys()), other=other, gone=len(before.keys() - now.keys()), of=len(before)
    )


def _numbers(content: SnapshotContent) -> Numbers:
    """Everything that has a number, by what it is of."""
    if content.matrix is not None:
        return {
            (c.recipe, c.language): (c.gain, c.treated, c.baseline, c.n)
            for c in content.matrix.cells
            if c.gain is not None or c.treated is not None
        }
    return {(p.model, p.recipe, p.target, p.language, p.device): (p.gain, p.n) for p in content.points or ()}


# --- on the frozen page ----------------------------------------------------------------------------------------------


def place() -> Any:
    """Where it is said, once it is known."""
    return html.Div(id="frozen-newer", role="status")


def said(changes: Changes, live: str) -> Any:
    """Nothing where the numbers are the same. ``live``: the address of the live view."""
    if not changes:
        return None
    return html.P(
        [
            html.B("Newer results exist: "),
            f"{changes.in_words}. What you see here stays as it was frozen. ",
            html.A("Open the live view", href=live),
        ],
        className="frozen-newer",
    )


@callback(Output("frozen-newer", "children"), Input("frozen-token", "data"))
async def tell(token: Any) -> Any:
    """For those alone who may read the live numbers: with their rights, and once the frozen ones are there."""
    if not visitor.present().role:
        return None
    try:
        shared, _text = await client().shared(str(token))
        now = await client().preview_snapshot(share.request(shared.content.view, "now", anonymous=True))
    except CrossliftError:
        return None
    changes = await asyncio.to_thread(compare, shared.content, now.content)
    return said(changes, shared.content.view)
