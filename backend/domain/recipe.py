"""Recipes: how the intermediate stage is done. Written and read as short names, the same everywhere.

======================  ===========================================================================================
name                    meaning
======================  ===========================================================================================
``none``                no intermediate stage: the baseline of every gain
``mnli``                one intermediate task
``mnli+squad``          several tasks mixed, sampled by size (``temperature`` 1) or more evenly (above 1)
``control:mnli``        the steps that ``mnli`` costs, spent on more training on the target itself
``control-mlm:mnli``    the same steps, spent on more masked-language-model training on the pretraining text
======================  ===========================================================================================

The controls tell a gain from the effect of more compute. Where a request changes a stage's settings, the name ends in
what was changed: ``mnli@steps=400``. The name is for people; identity is the fingerprint.
"""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from backend.domain.training import TrainingOverrides


class RecipeKind(StrEnum):
    NONE = "none"
    SINGLE = "single"
    MIXED = "mixed"
    CONTROL_TARGET = "control"
    CONTROL_MLM = "control-mlm"


class Recipe(BaseModel):
    """One recipe. ``tasks`` are intermediate tasks; for a control, those whose steps it spends."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: RecipeKind
    tasks: tuple[str, ...] = Field(default=(), max_length=20)
    temperature: float = Field(default=1.0, ge=1, le=100, allow_inf_nan=False)
    training: TrainingOverrides = TrainingOverrides()

    @field_validator("tasks")
    @classmethod
    def _no_repeats(cls, tasks: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(tasks)) != len(tasks):
            raise ValueError("an intermediate task is named twice")
        return tasks

    @model_validator(mode="after")
    def _enough_tasks(self) -> Recipe:
        wanted = {RecipeKind.NONE: (0, 0), RecipeKind.SINGLE: (1, 1), RecipeKind.MIXED: (2, 20)}.get(self.kind, (1, 20))
        if not wanted[0] <= len(self.tasks) <= wanted[1]:
            raise ValueError(
                f"a recipe of kind {self.kind.value} takes {wanted[0]} to {wanted[1]} tasks, not {len(self.tasks)}"
            )
        return self

    @classmethod
    def parse(cls, text: str) -> Recipe:
        """Read a short name (the table above, without ``@``).

        Raises:
            ValueError: the text is no such name.
        """
        text = text.strip()
        if text == "none":
            return cls(kind=RecipeKind.NONE)
        for kind in (RecipeKind.CONTROL_TARGET, RecipeKind.CONTROL_MLM):
            if text.startswith(kind.value + ":"):
                return cls(kind=kind, tasks=tuple(text.removeprefix(kind.value + ":").split("+")))
        tasks = tuple(text.split("+"))
        return cls(kind=RecipeKind.SINGLE if len(tasks) == 1 else RecipeKind.MIXED, tasks=tasks)

    @property
    def name(self) -> str:
        body = "+".join(self.tasks)
        if self.kind is RecipeKind.NONE:
            body = "none"
        elif self.kind in (RecipeKind.CONTROL_TARGET, RecipeKind.CONTROL_MLM):
            body = f"{self.kind.value}:{body}"
        changed = [f"{k}={v}" for k, v in self.training.model_dump(exclude_none=True).items()]
        if self.temperature != 1.0:
            changed.append(f"temperature={self.temperature:g}")
        return f"{body}@{','.join(changed)}" if changed else body

    @property
    def title(self) -> str:
        """In words, for a row header or a tooltip."""
        tasks = " + ".join(self.tasks)
        return {
            RecipeKind.NONE: "No intermediate task",
            RecipeKind.SINGLE: tasks,
            RecipeKind.MIXED: f"{tasks}, mixed",
            RecipeKind.CONTROL_TARGET: f"Control: the steps of {tasks} on the target",
            RecipeKind.CONTROL_MLM: f"Control: the steps of {tasks} on MLM",
        }[self.kind]


BASELINE = Recipe(kind=RecipeKind.NONE)
