"""Runs: their kinds, their states and which may follow which, and what exactly a run computes.

A ``RunSpec`` holds everything that changes a run's numbers and nothing else; its SHA-256 over canonical JSON is the
run's **fingerprint**. Equal fingerprint = same run, computed once and shared.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from backend.domain.model import Architecture
from backend.domain.recipe import Recipe
from backend.domain.task import RetrievalOverrides, Source, Split
from backend.domain.text.spec import TextSpec
from backend.domain.training import Training
from backend.domain.unset import off, one, unset

#: Raised when a change of the training or evaluation code changes numbers. Enters every fingerprint.
ENGINE_VERSION = 4


class RunKind(StrEnum):
    PRETRAIN = "pretrain"  # an encoder of our own, by MLM
    INTERMEDIATE = "intermediate"  # from the pretrained encoder, on a recipe's tasks
    FINETUNE = "finetune"  # on a target's English training set
    EVALUATE = "evaluate"  # one checkpoint, one target, its languages


class RunState(StrEnum):
    WAITING = "waiting"  # for parents
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    DIVERGED = "diverged"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"  # a parent did not finish


TERMINAL: frozenset[RunState] = frozenset(
    {RunState.DONE, RunState.FAILED, RunState.DIVERGED, RunState.CANCELLED, RunState.SKIPPED}
)

#: A run whose lease expired or whose worker was told to stop goes back to ``queued``. Terminal states never change.
FOLLOWS: Mapping[RunState, frozenset[RunState]] = {
    RunState.WAITING: frozenset({RunState.QUEUED, RunState.CANCELLED, RunState.SKIPPED}),
    RunState.QUEUED: frozenset({RunState.RUNNING, RunState.CANCELLED}),
    RunState.RUNNING: frozenset(
        {RunState.QUEUED, RunState.DONE, RunState.FAILED, RunState.DIVERGED, RunState.CANCELLED}
    ),
    **{state: frozenset() for state in TERMINAL},
}


class Phase(StrEnum):
    """What a running run is doing, in words that are shown."""

    STARTING = "starting"
    LOADING = "loading"
    TRAINING = "training"
    SAVING = "saving"
    EVALUATING = "evaluating"


class DeviceClass(StrEnum):
    CPU = "cpu"
    CUDA = "cuda"


Precision = Literal["fp32", "bf16"]


class Spec(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelSpec(Spec):
    """The pretrained encoder a run starts from, without its display name."""

    checkpoint: str | None  # hub id
    revision: str | None  # commit; None until it was resolved at first use
    architecture: Architecture | None  # of an encoder that we pretrain ourselves


class DataSpec(Spec):
    """One set of rows. ``content`` is what pins it: hub commit, digest of the files, digest of the generator.

    ``language`` is that of translated training rows; unset, training rows are English ones and test rows those of the run's languages.
    """

    task: str  # "text" is pretraining text: of the mini world, or that of the run's ``text``
    version: int
    source: Source
    split: Split
    content: str | None
    language: str | None = Field(default=None, exclude_if=unset)


class RunSpec(Spec):
    """Everything that changes the numbers of one run, and what only says how it is computed: that is in no fingerprint."""

    kind: RunKind
    engine: int
    model: ModelSpec
    data: tuple[DataSpec, ...]
    recipe: Recipe | None  # of an intermediate run
    training: Training | None  # None for evaluate
    languages: tuple[str, ...]
    seed: int | None
    precision: Precision
    device: DeviceClass
    parents: tuple[str, ...] = Field(description="fingerprints")
    retrieval: RetrievalOverrides | None = None  # of a retrieval target, where the request set any
    #: Of text under the data root, where MLM that is mixed in reads it from there.
    folders: tuple[str, ...] | None = Field(default=None, exclude_if=unset)
    activation_checkpointing: bool = Field(default=False, exclude_if=off)  # of no number: the gradients are the same
    #: Above one it is in the fingerprint: sums are rounded and masks of dropout drawn device by device.
    devices: int = Field(default=1, ge=1, exclude_if=one)
    #: Whether weights are divided over the devices; None: where they do not fit one. Of no number: sums are the same but for rounding.
    sharded: bool | None = Field(default=None, exclude_if=unset)
    #: Of a fine-tune with oracle selection: development and test rows of the target, in ``languages``.
    oracle: tuple[DataSpec, DataSpec] | None = Field(default=None, exclude_if=unset)
    #: What masked-language modelling reads, where not the mini world.
    text: TextSpec | None = Field(default=None, exclude_if=unset)

    @model_validator(mode="after")
    def _one_evaluates(self) -> Self:
        if self.devices > 1 and self.kind is RunKind.EVALUATE:
            raise ValueError("an evaluation runs on one device")
        if self.sharded and self.devices == 1:
            raise ValueError("weights are divided over several devices, and this run has one")
        return self

    @property
    def fingerprint(self) -> str:
        spec = self.model_dump(mode="json", exclude={"activation_checkpointing", "sharded"})
        if self.retrieval is None:  # runs from before there was this field keep their fingerprints
            del spec["retrieval"]
        return digest(spec)


def canonical(value: Any) -> str:
    """JSON with sorted keys, no white space, no NaN: one text for one value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def digest(value: Any) -> str:
    """SHA-256 over canonical JSON, as 64 hexadecimal digits."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()
