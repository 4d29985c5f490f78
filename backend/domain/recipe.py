"""Recipes: how the intermediate stage is done. Written and read as short names, the same everywhere.

======================  ===========================================================================================
name                    meaning
======================  ===========================================================================================
``none``                no intermediate stage: the baseline of every gain
``mnli``                one intermediate task
``mnli+squad``          several tasks mixed, each step of one of them: drawn in proportion to its training examples n
``…@temperature=2``     drawn by n^(1/temperature): the more even the higher
``…@cap=20000``         drawn by min(n, cap): examples-proportional mixing with an artificial limit on the size
``…@sampling=uniform``  drawn evenly, whatever the sizes
``siqa>copa``           one stage after the other; each may be a mix: ``mnli+squad>copa``
``…@languages=de+es``   trained on its translations into these languages instead of English; with ``en`` among them beside it
``…@mlm=0.5``           this share of the steps is multilingual masked language modelling, the task's own steps stay
``…@mlm_languages=…``   with ``mlm``: on text of these languages alone, ``de+sw``; else on all that there is
``control:mnli``        the steps that ``mnli`` costs, spent on more training on the target itself
``control-mlm:mnli``    the same steps, spent on more masked-language-model training on the pretraining text
======================  ===========================================================================================

The four rules of a mix are those of Raffel et al. 2020 ("Exploring the Limits of Transfer Learning with a Unified
Text-to-Text Transformer"), section 3.5.2; there the rate m of a task is min(n, K)^(1/T). One of them holds at a time.

Translated data and multilingual MLM beside the task are the two costlier variants that Phang et al. 2020 compare English
intermediate training with. A batch is of one kind or the other.

The controls tell a gain from the effect of more compute; that of a chain (``control:siqa>copa``) spends the steps of all its
stages. Where a request changes settings, the name ends in what was changed: ``mnli@steps=400,temperature=2``. What stands
after the ``@`` holds for **every** stage of a chain, so that ``siqa@steps=9`` and ``siqa>copa@steps=9`` share a run. The name
is for people; identity is the fingerprint.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from backend.domain.language import ENGLISH
from backend.domain.training import TrainingOverrides
from backend.domain.unset import unset


class RecipeKind(StrEnum):
    NONE = "none"
    SINGLE = "single"
    MIXED = "mixed"
    CHAIN = "chain"
    CONTROL_TARGET = "control"
    CONTROL_MLM = "control-mlm"


CONTROLS = (RecipeKind.CONTROL_TARGET, RecipeKind.CONTROL_MLM)
MOST_STAGES = 10  # of a chain
LONGEST_NAME = 1000  # as the store keeps it


class Sampling(StrEnum):
    """Rules that need no number; without one it is ``temperature`` or ``cap`` that rules."""

    PROPORTIONAL = "proportional"  # the default
    UNIFORM = "uniform"


SAMPLING = ("temperature", "cap", "sampling")  # fields that say how a mix is drawn
LANGUAGE_LISTS = ("languages", "mlm_languages")  # fields that are lists of languages, joined by + in a name
OPTIONS = (*SAMPLING, "languages", "mlm", "mlm_languages")  # fields that stand after the @ beside those of training

Code = Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]


def in_order(languages: tuple[str, ...]) -> tuple[str, ...]:
    """English first, then by code: one spelling, so that equal choices are equal.

    Raises:
        ValueError: a language is named twice.
    """
    if len(set(languages)) != len(languages):
        raise ValueError("a language is named twice")
    return tuple(sorted(languages, key=lambda code: (code != ENGLISH, code)))


def trained_in(languages: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Languages of training data as they are kept: in order, and None for English alone, which is the default."""
    ordered = in_order(languages) if languages is not None else None
    return None if ordered == (ENGLISH,) else ordered


class Recipe(BaseModel):
    """One recipe. ``tasks`` are intermediate tasks; for a control, those whose steps it spends; for a chain, those of its last
    stage, and ``before`` those of the stages before it, first to last. ``training``, the sampling, the languages and the MLM go
    to every stage, the sampling where a stage is a mix. ``languages`` are those of the training rows (None: English); rows that
    are not English are translations. ``mlm``: the share of a stage's steps that are masked language modelling, on text of
    ``mlm_languages`` (None: of all there is)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: RecipeKind
    tasks: tuple[str, ...] = Field(default=(), max_length=20)
    before: tuple[tuple[str, ...], ...] | None = Field(
        default=None, min_length=1, max_length=MOST_STAGES - 1, exclude_if=unset
    )
    temperature: float = Field(default=1.0, ge=1, le=100, allow_inf_nan=False)
    cap: int | None = Field(default=None, ge=1, le=10**12, exclude_if=unset)
    sampling: Sampling | None = Field(default=None, exclude_if=unset)
    languages: tuple[Code, ...] | None = Field(default=None, min_length=1, max_length=60, exclude_if=unset)
    mlm: float | None = Field(default=None, ge=0.01, le=0.99, allow_inf_nan=False, exclude_if=unset)
    mlm_languages: tuple[Code, ...] | None = Field(default=None, min_length=1, max_length=60, exclude_if=unset)
    training: TrainingOverrides = TrainingOverrides()

    @field_validator("languages")
    @classmethod
    def _english_is_the_default(cls, languages: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return trained_in(languages)

    @field_validator("mlm_languages")
    @classmethod
    def _one_order(cls, languages: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return None if languages is None else in_order(languages)

    @field_validator("sampling")
    @classmethod
    def _said_once(cls, sampling: Sampling | None) -> Sampling | None:
        """The default has one spelling, so that equal recipes are equal."""
        return None if sampling is Sampling.PROPORTIONAL else sampling

    @field_validator("tasks")
    @classmethod
    def _no_repeats(cls, tasks: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(tasks)) != len(tasks):
            raise ValueError("an intermediate task is named twice")
        return tasks

    @field_validator("before")
    @classmethod
    def _each_a_stage(cls, before: tuple[tuple[str, ...], ...] | None) -> tuple[tuple[str, ...], ...] | None:
        for stage in before or ():
            if not 1 <= len(stage) <= 20:
                raise ValueError(f"a stage of a chain takes 1 to 20 tasks, not {len(stage)}")
            cls._no_repeats(stage)
        return before

    @model_validator(mode="after")
    def _enough_tasks(self) -> Recipe:
        wanted = {RecipeKind.NONE: (0, 0), RecipeKind.SINGLE: (1, 1), RecipeKind.MIXED: (2, 20)}.get(self.kind, (1, 20))
        if not wanted[0] <= len(self.tasks) <= wanted[1]:
            raise ValueError(
                f"a recipe of kind {self.kind.value} takes {wanted[0]} to {wanted[1]} tasks, not {len(self.tasks)}"
            )
        if self.kind is RecipeKind.CHAIN and self.before is None:
            raise ValueError("a recipe of kind chain takes two or more stages; before holds all but the last")
        if self.before is not None and self.kind not in (RecipeKind.CHAIN, *CONTROLS):
            raise ValueError(f"a recipe of kind {self.kind.value} has one stage; only a chain or a control has before")
        return self

    @model_validator(mode="after")
    def _one_rule(self) -> Recipe:
        given = [n for n in SAMPLING if getattr(self, n) != type(self).model_fields[n].default]
        if len(given) > 1:
            raise ValueError(f"a mix is drawn by one rule, not by {' and '.join(given)}")
        if given and given != ["temperature"] and not any(len(stage) > 1 for stage in self.stages):
            raise ValueError(f"{given[0]} says how tasks are mixed, and no stage of this recipe mixes any")
        return self

    @model_validator(mode="after")
    def _has_a_stage(self) -> Recipe:
        given = next((n for n in ("languages", "mlm", "mlm_languages") if getattr(self, n) is not None), None)
        if given and self.kind is RecipeKind.NONE:
            raise ValueError(f"{given} says how the intermediate stage is trained, and this recipe has none")
        if self.mlm_languages is not None and self.mlm is None:
            raise ValueError(
                "mlm_languages says on which text the share mlm is trained; give that share too, as in mlm=0.5"
            )
        return self

    @model_validator(mode="after")
    def _has_a_stage_to_adapt(self) -> Recipe:
        if self.training.lora_rank is not None and self.kind in (RecipeKind.NONE, *CONTROLS):
            raise ValueError(
                f"lora_rank says how an intermediate stage is trained, and a recipe of kind {self.kind.value} has none; the "
                "stage on the target has finetuning.lora_rank"
            )
        return self

    @model_validator(mode="after")
    def _fits_its_column(self) -> Recipe:
        if (length := len(self.name)) > LONGEST_NAME:
            raise ValueError(f"its name would have {length} characters; at most {LONGEST_NAME}: fewer stages or tasks")
        return self

    @classmethod
    def parse(cls, text: str) -> Recipe:
        """Read a name: ``parse(recipe.name) == recipe``. Changes after the ``@`` may stand between commas or semicolons.

        Raises:
            ValueError: the text is no such name.
        """
        body, at, rest = text.strip().partition("@")
        said: dict[str, Any] = _body(body.strip())
        if at:
            said |= _changes(rest)
        return cls.model_validate(said)

    @property
    def stages(self) -> tuple[tuple[str, ...], ...]:
        """The tasks of each stage, first to last; none for the baseline."""
        return (*(self.before or ()), *((self.tasks,) if self.tasks else ()))

    def stage(self, number: int) -> Recipe:
        """What the stage of this number (from 0) is on its own: ``copa`` of ``siqa>copa``. It is the recipe of that stage's run,
        which is thereby the same whatever comes after it."""
        return self._of((self.stages[number],))

    def up_to(self, number: int) -> Recipe:
        """The recipe that ends with the stage of this number: ``siqa`` of ``siqa>copa`` for 0."""
        return self._of(self.stages[: number + 1])

    def _of(self, stages: tuple[tuple[str, ...], ...]) -> Recipe:
        if stages == self.stages:
            return self
        sampled = SAMPLING if any(len(stage) > 1 for stage in stages) else ()
        kept = self.model_dump(include={"training", "languages", "mlm", "mlm_languages", *sampled})
        return Recipe.model_validate(
            {**kept, "kind": _kind(stages), "before": stages[:-1] or None, "tasks": stages[-1]}
        )

    @property
    def body(self) -> str:
        """The name without what was changed."""
        if self.kind is RecipeKind.NONE:
            return "none"
        body = ">".join("+".join(stage) for stage in self.stages)
        return f"{self.kind.value}:{body}" if self.kind in CONTROLS else body

    @property
    def changes(self) -> dict[str, Any]:
        """What was changed, by the name that it has after the ``@``."""
        changed = self.training.model_dump(exclude_none=True)
        if self.temperature != 1.0:
            changed["temperature"] = self.temperature
        if self.cap is not None:
            changed["cap"] = self.cap
        if self.sampling is not None:
            changed["sampling"] = self.sampling.value
        if self.languages is not None:
            changed["languages"] = "+".join(self.languages)
        if self.mlm is not None:
            changed["mlm"] = self.mlm
        if self.mlm_languages is not None:
            changed["mlm_languages"] = "+".join(self.mlm_languages)
        return changed

    def with_mlm(self, steps: int) -> int:
        """Steps of a stage whose tasks take so many: those of MLM come on top, so that they are the share ``mlm`` of all."""
        return steps if self.mlm is None else max(steps + 1, round(steps / (1 - self.mlm)))

    def mlm_steps(self, total: int) -> int:
        """How many of a stage's steps are MLM: at least one, and not all of two or more."""
        return 0 if self.mlm is None else min(max(1, round(total * self.mlm)), max(1, total - 1))

    def weights(self, sizes: Sequence[int]) -> list[float]:
        """How likely a step is to train each task of a mix, from their training examples; the sum is 1.

        By min(n, cap)^(1/temperature), or evenly (Raffel et al. 2020, section 3.5.2).
        """
        if self.sampling is Sampling.UNIFORM:
            return [1 / len(sizes)] * len(sizes)
        rates = [float(n if self.cap is None else min(n, self.cap)) ** (1 / self.temperature) for n in sizes]
        return [rate / sum(rates) for rate in rates]

    @property
    def name(self) -> str:
        changed = [f"{k}={_printed(k, v)}" for k, v in self.changes.items()]
        return f"{self.body}@{','.join(changed)}" if changed else self.body

    @property
    def title(self) -> str:
        """In words, for a row header or a tooltip."""
        tasks = ", then ".join(" + ".join(stage) for stage in self.stages)
        return {
            RecipeKind.NONE: "No intermediate task",
            RecipeKind.SINGLE: tasks,
            RecipeKind.MIXED: f"{tasks}, mixed",
            RecipeKind.CHAIN: tasks,
            RecipeKind.CONTROL_TARGET: f"Control: the steps of {tasks} on the target",
            RecipeKind.CONTROL_MLM: f"Control: the steps of {tasks} on MLM",
        }[self.kind]


def _kind(stages: Sequence[tuple[str, ...]]) -> RecipeKind:
    """Of a recipe that is no control."""
    if len(stages) > 1:
        return RecipeKind.CHAIN
    return RecipeKind.MIXED if len(stages[0]) > 1 else RecipeKind.SINGLE


def _body(text: str) -> dict[str, Any]:
    """Kind and tasks of a name without changes."""
    if text == "none":
        return {"kind": RecipeKind.NONE}
    kind = next((k for k in CONTROLS if text.startswith(k.value + ":")), None)
    stages = [
        tuple(task.strip() for task in stage.split("+"))
        for stage in (text.removeprefix(kind.value + ":") if kind else text).split(">")
    ]
    if not all(all(stage) for stage in stages):
        raise ValueError("a task is missing before or after a + or >")
    return {
        "kind": kind or _kind(stages),
        "tasks": stages[-1],
        **({"before": tuple(stages[:-1])} if len(stages) > 1 else {}),
    }


def _changes(text: str) -> dict[str, Any]:
    """Fields of a recipe from ``steps=400,temperature=2``; their values are read by the fields."""
    said: dict[str, Any] = {}
    training: dict[str, str] = {}
    for pair in text.replace(";", ",").split(","):
        name, equals, value = (part.strip() for part in pair.partition("="))
        if not equals or name not in (*OPTIONS, *TrainingOverrides.model_fields):
            offered = ", ".join((*OPTIONS, *TrainingOverrides.model_fields))
            raise ValueError(f"after the @ of a recipe stand changes such as steps=400, not {pair!r}; known: {offered}")
        place: dict[str, Any] = said if name in OPTIONS else training
        if name in place:
            raise ValueError(f"{name} is changed twice")
        place[name] = [code.strip() for code in value.split("+")] if name in LANGUAGE_LISTS else value
    return said | ({"training": training} if training else {})


def _printed(name: str, value: Any) -> str:
    """Short where that loses nothing."""
    short = f"{value:g}" if name == "temperature" else str(value)
    return short if not isinstance(value, float) or float(short) == value else repr(value)


BASELINE = Recipe(kind=RecipeKind.NONE)
