"""Hyper-parameters of one training stage, and what may be overridden in a request."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from backend.domain.unset import unset

Finite = Annotated[float, Field(allow_inf_nan=False)]


class Training(BaseModel):
    """Everything about a training stage that changes its numbers.

    ``steps`` wins over ``epochs`` where both are set; one step is one optimiser update on ``batch_size`` examples
    (multiple choice counts questions, not options). The schedule is linear warm-up over ``warmup`` of the steps, then
    linear decay to zero; AdamW without weight decay on biases and layer norms; gradients clipped at ``clip``.
    ``examples`` keeps the first so many training examples of each task, in the order of its file (of a task that joins others,
    after its own come theirs); epochs are then counted over those. Of a task that is trained on in several
    languages, so many of each. None: all.
    The checkpoint with the best English development score is kept, looked at ``evaluations`` times per stage.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    learning_rate: Finite = Field(gt=0, le=1)
    batch_size: int = Field(ge=1, le=65536)
    epochs: Finite | None = Field(default=None, gt=0, le=1000)
    steps: int | None = Field(default=None, ge=1, le=10_000_000)
    examples: int | None = Field(default=None, ge=1, le=1_000_000_000, exclude_if=unset)
    max_length: int = Field(default=128, ge=8, le=8192)
    stride: int = Field(default=0, ge=0, le=4096)  # overlap of QA windows, in sub-words
    warmup: Finite = Field(default=0.1, ge=0, le=1)
    weight_decay: Finite = Field(default=0.01, ge=0, le=10)
    clip: Finite = Field(default=1.0, gt=0, le=1e6)
    evaluations: int = Field(default=4, ge=1, le=1000)
    frozen: int = Field(
        default=0, ge=0, le=200
    )  # lowest blocks that stay as they are: 1 the embeddings, 2 layer 1 too, …

    def steps_for(self, examples: int) -> int:
        """Optimiser updates for a training set of this many examples."""
        if self.steps is not None:
            return self.steps
        per_epoch = max(1, -(-examples // self.batch_size))
        return max(1, round(per_epoch * (self.epochs or 1.0)))


class TrainingOverrides(BaseModel):
    """The part of ``Training`` a request may set; what is left out keeps the task's own value."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    learning_rate: Finite | None = Field(default=None, gt=0, le=1)
    batch_size: int | None = Field(default=None, ge=1, le=65536)
    epochs: Finite | None = Field(default=None, gt=0, le=1000)
    steps: int | None = Field(default=None, ge=1, le=10_000_000)
    examples: int | None = Field(default=None, ge=1, le=1_000_000_000, exclude_if=unset)
    max_length: int | None = Field(default=None, ge=8, le=8192)
    warmup: Finite | None = Field(default=None, ge=0, le=1)
    weight_decay: Finite | None = Field(default=None, ge=0, le=10)
    frozen: int | None = Field(default=None, ge=0, le=200)

    def applied_to(self, base: Training) -> Training:
        """``base`` with the set fields replaced. Setting ``epochs`` drops a default ``steps`` and the reverse."""
        changed = self.model_dump(exclude_none=True)
        if "epochs" in changed and "steps" not in changed:
            changed["steps"] = None
        if "steps" in changed and "epochs" not in changed:
            changed["epochs"] = None
        return Training.model_validate({**base.model_dump(), **changed})
