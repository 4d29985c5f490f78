"""What a child and its supervisor say to each other: JSON, one object a message, checked where it arrives.

The child runs code and data from elsewhere, so the supervisor believes nothing that does not fit these shapes.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from backend.domain.run import Phase
from worker.outcomes import Level

Step = Annotated[int, Field(ge=0, le=2**53)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f]*$")]
Text = Annotated[str, Field(max_length=20_000)]
MOST_POINTS = 1_000


class Said(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PhaseSaid(Said):
    type: Literal["phase"] = "phase"
    phase: Phase


class ProgressSaid(Said):
    type: Literal["progress"] = "progress"
    step: Step
    total: Step


class CurvesSaid(Said):
    """Points of curves: name, step, value."""

    type: Literal["curves"] = "curves"
    points: Annotated[list[tuple[Name, Step, Finite]], Field(max_length=MOST_POINTS)]


class LogSaid(Said):
    type: Literal["log"] = "log"
    level: Level
    message: Text


class CheckpointSaid(Said):
    type: Literal["checkpoint"] = "checkpoint"
    step: Step


class RejectedSaid(Said):
    """Checkpoints that were passed over when an attempt began, and why."""

    type: Literal["rejected"] = "rejected"
    checkpoints: Annotated[list[Annotated[str, Field(max_length=500)]], Field(max_length=20)]


class ResumedSaid(Said):
    type: Literal["resumed"] = "resumed"
    step: Step


class OutcomeSaid(Said):
    """``worker.outcomes.Outcome``: the run is done and its artifact lies in ``out``."""

    type: Literal["outcome"] = "outcome"
    scores: Annotated[list[tuple[Name, Name, Finite, int]], Field(max_length=100_000)]
    cost: dict[str, Any]
    parameters: int
    parameters_non_embedding: int
    learning: tuple[Annotated[Finite, Field(ge=0)], Annotated[Finite, Field(ge=0)]] | None = None  # loss, guess
    parameters_trainable: Annotated[int, Field(ge=0, le=2**53)] | None = None
    environment: Annotated[dict[str, str], Field(max_length=1_000)]


class StoppedSaid(Said):
    type: Literal["stopped"] = "stopped"
    step: Step
    saved: bool


class DivergedSaid(Said):
    type: Literal["diverged"] = "diverged"
    step: Step
    message: Text
    good: Step | None = None


class ErrorSaid(Said):
    """The run raised ``error``; ``cause`` in plain words."""

    type: Literal["error"] = "error"
    error: Annotated[str, Field(min_length=1, max_length=255)]
    message: Text
    traceback: Text
    cause: Text


Last = OutcomeSaid | StoppedSaid | DivergedSaid | ErrorSaid
Message = PhaseSaid | ProgressSaid | CurvesSaid | LogSaid | CheckpointSaid | RejectedSaid | ResumedSaid | Last
_ANY: TypeAdapter[Message] = TypeAdapter(Annotated[Message, Field(discriminator="type")])


def read(data: bytes) -> Message | None:
    """A message as it came over the pipe; None for anything else."""
    try:
        return _ANY.validate_json(data)
    except ValidationError:
        return None
