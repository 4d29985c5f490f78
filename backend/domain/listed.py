"""Runs as a list shows them: those that differ by their seed alone as one row, or each by itself."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from backend.domain.run import DeviceClass, RunKind, RunState
from backend.domain.schemas import Counts, View
from backend.domain.task import Source

RowsBy = Literal["seeds", "run"]
RunSort = Literal["newest", "oldest", "finished", "longest", "model", "recipe", "target"]


class RunScore(View):
    """The mean over languages of the target's headline metric, in points; over runs, where a row holds several."""

    metric: str
    value: float
    sd: float | None = Field(description="between the runs, n − 1 in the denominator; null for one run")
    languages: int
    runs: int = Field(description="that have scores")


class RunRow(View):
    """Runs that are alike but for their seed: same kind, benchmark, model, recipe, target, settings and class of device.
    Or one run, where each is listed by itself."""

    id: int = Field(description="of its first run")
    newest: int = Field(description="of its last run")
    kind: RunKind
    source: Source
    benchmark: str
    model: str
    recipe: str
    target: str | None
    settings: str = Field(description="what its numbers were taken under, as addresses name it")
    device_class: DeviceClass
    precision: str
    runs: list[int] = Field(description="those that the filters let through, oldest first")
    seeds: list[int | None] = Field(description="of each of them")
    states: list[RunState] = Field(description="of each of them")
    counts: Counts
    created_at: datetime = Field(description="when the first was asked for")
    finished_at: datetime | None = Field(description="when the last ended; null while one has not")
    device_seconds: float | None = Field(description="of all of them; null where nothing was measured")
    energy_joules: float | None
    peak_memory_bytes: int | None
    parameters: int | None
    error: str | None = Field(description="first line of what the newest one that failed or diverged said")
    score: RunScore | None = Field(
        description="null without scores, and where its runs were scored in different languages"
    )
    locked: bool = Field(description="a share link that works shows one of them")
