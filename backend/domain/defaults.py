"""What a stage is trained with unless a request says otherwise, by task, model and source, and why."""

from __future__ import annotations

from dataclasses import dataclass

from backend.domain.model import Model
from backend.domain.task import Source, Task
from backend.domain.training import Training, TrainingOverrides

MINI = "set for the mini world's small encoders, which learn in hundreds of steps"
OWN_TASK = "as its task file says"
SAID = {
    "learning_rate": "learning rate", "batch_size": "batch size", "epochs": "epochs", "steps": "steps",
    "max_length": "longest input", "warmup": "warm-up", "weight_decay": "weight decay",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Default:
    training: Training
    reason: str  # whose settings these are, in a few words


def default(task: Task, model: Model, source: Source) -> Default | None:
    """A task's own settings for this model; None where it is not trained on.

    Only those on real data depend on the model: the papers' learning rates differ for base and large encoders.
    """
    if source is Source.MINI:
        return None if task.mini_training is None else Default(task.mini_training, MINI)
    if task.training is None:
        return None
    if task.published is None:
        return Default(task.training, OWN_TASK)
    differing, whom = task.published.differing(model.family.value, model.parameters_non_embedding)
    words = [task.published.source]
    if whom:
        words = [f"{_said(differing)}: {task.published.source} {whom}"]
    return Default(differing.applied_to(task.training), "; ".join([*words, *filter(None, [task.published.note])]))


def _said(overrides: TrainingOverrides) -> str:
    return ", ".join(f"{SAID.get(n, n)} {v:g}" for n, v in overrides.model_dump(exclude_none=True).items())
