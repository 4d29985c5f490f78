"""The state of ``/runs``: what is listed, as what, in which order."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from dashboard.links.reading import READERS, line, parsed, read, written

_WORDS = re.compile(r"[a-z]{2,20}(?:,[a-z]{2,20}){0,19}", re.ASCII)
_IDS = re.compile(r"[1-9][0-9]{0,17}(?:,[1-9][0-9]{0,17}){0,19}", re.ASCII)
_RECIPE = re.compile(r"[\w:+>@=,.-]{1,300}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Runs:
    """``columns`` is a preset or names of columns between commas, ``open`` the rows whose seeds are shown, by the id of their
    first run. ``q`` are words that are all somewhere in what a run is."""

    by: Literal["seeds", "run"] = "seeds"
    columns: str | None = None
    cursor: str | None = None
    device: Literal["any", "cpu", "cuda"] = "any"
    experiment: str | None = None
    kind: Literal["any", "pretrain", "intermediate", "finetune", "evaluate"] = "any"
    mine: Literal["0", "1"] = "0"
    model: str | None = None
    open: str | None = None
    q: str | None = None
    recipe: str | None = None
    sort: Literal["newest", "oldest", "finished", "longest", "model", "recipe", "target"] = "newest"
    source: Literal["any", "mini", "hub", "files"] = "any"
    state: Literal[
        "any", "live", "waiting", "queued", "running", "done", "failed", "diverged", "cancelled", "skipped"
    ] = "any"
    target: str | None = None

    @property
    def address(self) -> str:
        return written("/runs", self)

    @property
    def opened(self) -> list[int]:
        return [int(id) for id in (self.open or "").split(",") if id]

    def toggled(self, id: int) -> Runs:
        """With the seeds of this row shown, or hidden if they were."""
        rest = [each for each in self.opened if each != id]
        every = rest if len(rest) < len(self.opened) else [*rest, id][-20:]
        return replace(self, open=",".join(map(str, sorted(every))) or None)

    @classmethod
    def read(cls, query: Mapping[str, object]) -> Runs:
        return cls(**read(cls, query))

    @classmethod
    def of(cls, search: str) -> Runs:
        return cls.read(parsed(search))


def _matching(pattern: re.Pattern[str]) -> Callable[[str], object]:
    return lambda text: text if pattern.fullmatch(text) else None


READERS.update(
    {
        (Runs, "columns"): _matching(_WORDS),
        (Runs, "cursor"): lambda text: line(text, 200),
        (Runs, "experiment"): lambda text: text if re.fullmatch("[1-9][0-9]{0,17}", text) else None,
        (Runs, "open"): _matching(_IDS),
        (Runs, "q"): line,
        (Runs, "recipe"): _matching(_RECIPE),
    }
)
