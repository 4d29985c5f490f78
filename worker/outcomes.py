"""What goes into a run and what comes out of it, without torch: the words between the child that computes and the process
that supervises it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from backend.domain.learning import Learning
from backend.domain.run import Phase, RunSpec

Level = Literal["debug", "info", "warning", "error"]
Stop = Literal["cancel", "save"]


@dataclass(frozen=True, slots=True)
class Job:
    """One run, and where on this machine its inputs, outputs and caches are.

    ``workdir`` belongs to the fingerprint and outlives an attempt (checkpoints lie there); ``out`` is an empty folder that the
    run fills with its artifact; ``cache`` is shared by all runs of this machine and may be emptied at any time between runs.
    """

    spec: RunSpec
    fingerprint: str
    inputs: Mapping[str, Path]  # a parent's fingerprint → the folder of its artifact
    workdir: Path
    out: Path
    data_root: Path | None  # benchmark files in their original formats
    cache: Path
    threads: int
    device: str  # "cpu" or "cuda"
    attempt: int = 1
    checkpoint_seconds: float = 60.0
    offline: bool = False
    model_root: Path | None = None  # folders in it are models of this installation's own
    rank: int = 0  # of a run on several devices: which of its processes this is; 0 alone writes anything
    meeting: Path | None = None  # the file by which they find each other


class Report(Protocol):
    """How a run says where it is. Cheap to call at every step: the other side decides what is sent on.

    ``should_stop`` is asked at every step and between batches of evaluation. Curves are keyed by (name, step): a resumed run
    repeats the same points with the same values.
    """

    def phase(self, phase: Phase, /) -> None: ...
    def progress(self, step: int, total: int, /) -> None: ...
    def curve(self, name: str, step: int, value: float, /) -> None: ...
    def log(self, level: Level, message: str, /) -> None: ...
    def should_stop(self) -> Stop | None: ...
    def checkpoint(self, step: int, /) -> None: ...
    def rejected(self, checkpoints: Sequence[str], /) -> None: ...
    def resumed(self, step: int, /) -> None: ...


@dataclass(frozen=True, slots=True)
class Score:
    """One number: points 0 to 100 over ``n`` scored units (examples; tokens for tagging)."""

    language: str
    metric: str
    value: float
    n: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished run. ``cost`` has the fields of ``backend.domain.schemas.Cost``; the artifact lies in ``Job.out``."""

    scores: tuple[Score, ...]
    cost: Mapping[str, Any]
    parameters: int
    parameters_non_embedding: int
    environment: Mapping[str, str] = field(default_factory=dict)
    learning: Learning | None = None  # of a training whose loss can be held against guessing
    parameters_trainable: int | None = None  # heads included; None where nothing was trained


class Stopped(Exception):
    """The run was asked to stop and did. ``saved``: a checkpoint of exactly this step exists."""

    def __init__(self, step: int, saved: bool) -> None:
        super().__init__(step, saved)
        self.step = step
        self.saved = saved

    def __str__(self) -> str:
        return f"stopped at step {self.step}, {'saved' if self.saved else 'not saved'}"


class Diverged(Exception):
    """Loss, gradient or a weight stopped being a number at this step. The last good checkpoint is kept; ``good`` is its step,
    None where there is none yet."""

    def __init__(self, step: int, message: str, good: int | None = None) -> None:
        super().__init__(step, message, good)
        self.step = step
        self.message = message
        self.good = good

    def __str__(self) -> str:
        return f"diverged at step {self.step}: {self.message}"


class RankLost(RuntimeError):
    """Of a run on several devices: another of its processes is gone."""


class Followed(BaseException):
    """Of a run on several devices: training is over, and what is left is for its first process alone."""
