"""What a file of an experiment holds: its request, its runs with what they found, and where all of that comes from.

Runs are numbered from 0 in the order of the file, parents before children; nothing in it is numbered as a store numbers it.
Left out is what belongs to a machine: names of workers, addresses of artifacts, tracebacks, log lines and attempts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

FORMAT: Final = 1

Kind = Literal["text", "json", "whole", "real", "flag", "moment"]

#: Columns of the table of runs that are written and read as they stand, and whether one may be empty.
RUN: Final[Mapping[str, tuple[Kind, bool]]] = {
    "fingerprint": ("text", False),
    "kind": ("text", False),
    "source": ("text", False),
    "benchmark": ("text", False),
    "model": ("text", False),
    "recipe": ("text", False),
    "target": ("text", True),
    "seed": ("whole", True),
    "settings": ("text", False),
    "engine": ("whole", False),
    "device_class": ("text", False),
    "precision": ("text", False),
    "devices": ("whole", True),
    "spec": ("json", False),
    "planned_examples": ("whole", False),
    "planned_steps": ("whole", False),
    "state": ("text", False),
    "step": ("whole", False),
    "total_steps": ("whole", False),
    "attempt": ("whole", False),
    "preemptions": ("whole", False),
    "created_at": ("moment", False),
    "queued_at": ("moment", True),
    "started_at": ("moment", True),
    "finished_at": ("moment", False),
    "cancel_requested_at": ("moment", True),
    "error_type": ("text", True),
    "error_message": ("text", True),
    "error_cause": ("text", True),
    "artifact_digest": ("text", True),
    "artifact_bytes": ("whole", True),
    "parameters": ("whole", True),
    "parameters_non_embedding": ("whole", True),
    "environment": ("json", True),
    "extra": ("json", True),
    "device": ("text", True),
    "share": ("real", True),
    "wall_seconds": ("real", True),
    "device_seconds": ("real", True),
    "examples": ("whole", True),
    "tokens": ("whole", True),
    "flops_analytic": ("real", True),
    "flops_counted": ("real", True),
    "peak_memory_bytes": ("whole", True),
    "energy_joules": ("real", True),
}
#: What the file adds to them: the number of the run there, the run (of the file) because of which it was skipped, and how its
#: training ended.
BESIDE: Final[Mapping[str, tuple[Kind, bool]]] = {
    "run_there": ("whole", False),
    "skipped_because": ("whole", True),
    "loss": ("real", True),
    "guess": ("real", True),
    "did_not_learn": ("flag", True),
}
RUNS: Final = {**RUN, **BESIDE}
PARENTS: Final[Mapping[str, tuple[Kind, bool]]] = {"run": ("whole", False), "parent": ("whole", False)}
SCORES: Final[Mapping[str, tuple[Kind, bool]]] = {
    "run": ("whole", False),
    "metric": ("text", False),
    "language": ("text", False),
    "value": ("real", False),
    "n": ("whole", False),
}
CURVES: Final[Mapping[str, tuple[Kind, bool]]] = {
    "run": ("whole", False),
    "name": ("text", False),
    "step": ("whole", False),
    "value": ("real", False),
}


class Origin(BaseModel):
    """Where an experiment was computed. Passed on as it is by whoever brings it in and writes it out again."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    installation: str = Field(max_length=200, description="as it calls itself")
    program: str = Field(max_length=40, description="version that wrote the file")
    experiment: int = Field(ge=1, le=2**63 - 1, description="number of the experiment there")
    name: str = Field(min_length=1, max_length=120)
    created_at: datetime
    cancel_requested_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """An experiment with everything that pages show of it.

    Args:
        request: as it was submitted, JSON.
        not_applicable: ``[model, recipe, target, reason]``.
        runs: columns of ``RUNS``.
        parents: (run, parent), numbers of the file.
        scores: (run, metric, language, value, n).
        curves: (run, name, step, value).
        packages: SHA-256 → text, of the lists that runs name.
    """

    origin: Origin
    request: dict[str, Any]
    not_applicable: list[list[str]]
    runs: list[dict[str, Any]]
    parents: list[tuple[int, int]]
    scores: list[tuple[int, str, str, float, int]]
    curves: list[tuple[int, str, int, float]] = field(default_factory=list)
    packages: dict[str, str] = field(default_factory=dict)
