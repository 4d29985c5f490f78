"""The settings that an experiment will use: of each stage of each recipe and of each target, with the reason of each.

They are read off the plan, so that what is shown is what runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from backend.domain.defaults import Default, default
from backend.domain.experiment import ExperimentRequest, Plan, PlannedRun, examples, mixed_training
from backend.domain.model import MODELS
from backend.domain.recipe import BASELINE, Recipe, RecipeKind
from backend.domain.run import RunKind
from backend.domain.schemas import SettingsView
from backend.domain.task import Split
from backend.domain.tasks import TASKS
from backend.domain.training import Training, TrainingOverrides

Number = int | float | None


@dataclass(frozen=True, slots=True)
class Resolved:
    """One stage, for all ``models`` that do it in the same way.

    ``epochs`` are those that the steps come to; ``changed`` names what the request sets, with what it would be without.
    """

    stage: Literal["intermediate", "target"]
    name: str  # of the recipe up to this stage, or of the target
    models: tuple[str, ...]
    training: Training
    epochs: float
    reason: str
    changed: tuple[tuple[str, Number], ...]


def resolved(request: ExperimentRequest, plan: Plan) -> list[Resolved]:
    """Intermediate stages first, each in the order of the plan; models that agree in everything share a row."""
    found: dict[tuple[str, str, Training, float, str, tuple[tuple[str, Number], ...]], list[str]] = {}

    def add(
        stage: Literal["intermediate", "target"], name: str, model: str, training: Training, count: int, of: Default,
        said: TrainingOverrides,
    ) -> None:  # fmt: skip
        epochs = training.steps_for(count) * training.batch_size / max(1, count)
        key = (stage, name, training, epochs, of.reason, _changed(said, of.training))
        models = found.setdefault(key, [])
        if model not in models:
            models.append(model)

    for run in plan.runs.values():
        if run.spec.kind is RunKind.INTERMEDIATE and run.spec.training is not None and run.spec.recipe is not None:
            recipe = run.spec.recipe
            said = TrainingOverrides() if recipe.kind is RecipeKind.CONTROL_MLM else recipe.training
            add("intermediate", run.recipe, run.model, run.spec.training, run.examples, _of_recipe(run, recipe), said)
    for cell in plan.cells:
        if cell.recipe != BASELINE.name or cell.evaluate is None:
            continue
        evaluated = plan.runs[cell.evaluate]
        training, trained = evaluated.spec.training, _trained(evaluated, plan)
        target = TASKS[cell.target]
        if training is not None and trained is not None and target.trained_on is not None:
            own = default(target, MODELS[cell.model], request.source)
            own = own or default(TASKS[target.trained_on], MODELS[cell.model], request.source)
            if own is not None:
                add("target", cell.target, cell.model, training, trained.examples, own, request.finetuning)
    rows = [Resolved(key[0], key[1], tuple(models), *key[2:]) for key, models in found.items()]  # type: ignore[arg-type]
    return sorted(rows, key=lambda r: r.stage)


def _trained(evaluated: PlannedRun, plan: Plan) -> PlannedRun | None:
    parents = (plan.runs[f] for f in evaluated.spec.parents)
    return next((run for run in parents if run.spec.kind is RunKind.FINETUNE), None)


def _of_recipe(run: PlannedRun, recipe: Recipe) -> Default:
    model = MODELS[run.model]
    if recipe.kind is RecipeKind.CONTROL_MLM and run.spec.training is not None:
        why = f"the steps of {recipe.body.partition(':')[2]}, at half the learning rate of the pretraining"
        return Default(run.spec.training, why)
    source = run.spec.data[0].source
    parts = [d for d in (default(TASKS[t], model, source) for t in recipe.tasks) if d is not None]
    if len(parts) == 1:
        return parts[0]
    reasons = "; ".join(dict.fromkeys(p.reason for p in parts))
    why = f"a mix has the steps of all its tasks, their lowest learning rate and their largest batch ({reasons})"
    counted = zip(parts, (examples(TASKS[t], Split.TRAIN, source) for t in recipe.tasks), strict=True)
    return Default(
        mixed_training([p.training.model_copy(update={"steps": p.training.steps_for(n)}) for p, n in counted]), why
    )


def _changed(said: TrainingOverrides, own: Training) -> tuple[tuple[str, Number], ...]:
    given: Sequence[tuple[str, Number]] = list(said.model_dump(exclude_none=True).items())
    return tuple((name, getattr(own, name)) for name, value in given if getattr(own, name) != value)


# --- in words --------------------------------------------------------------------------------------------------------


def epochs_in_words(epochs: float) -> str:
    """``5 epochs``, ``2.4 epochs``, ``0.03 epochs``."""
    text = f"{epochs:.1f}" if epochs >= 1 else f"{epochs:.2g}"
    return f"{text.removesuffix('.0')} {'epoch' if text == '1.0' else 'epochs'}"


def warmup_in_words(view: SettingsView) -> str:
    return f"{view.warmup_steps:,} steps" if view.warmup_steps is not None else f"{view.warmup * 100:.3g} %"


def weights_in_words(view: SettingsView) -> str:
    """Which weights are trained: ``all``, ``all but the embeddings``, ``LoRA, rank 8, …``."""
    if view.lora_rank is not None:
        dropout = f", dropout {view.lora_dropout:g}" if view.lora_dropout else ""
        above = f", above the lowest {view.frozen} blocks" if view.frozen > 1 else ""
        return f"LoRA of rank {view.lora_rank}, alpha {view.lora_alpha:g}{dropout}{above}"
    if view.frozen > 1:
        return f"all but the embeddings and the lowest {'layer' if view.frozen == 2 else f'{view.frozen - 1} layers'}"
    return "all but the embeddings" if view.frozen else "all"


def in_words(view: SettingsView) -> str:
    """One row on one line, for a terminal."""
    parts = [
        f"learning rate {view.learning_rate:g}",
        f"{view.steps:,} steps of {view.batch_size} ({epochs_in_words(view.epochs)})",
        f"{view.max_length} sub-words",
        f"warm-up {warmup_in_words(view)}",
        f"weight decay {view.weight_decay:g}",
        f"trains {weights_in_words(view)}",
    ]
    if view.examples is not None:
        parts.insert(2, f"the first {view.examples:,} examples")
    set_here = f"; set here: {', '.join(view.changed)}" if view.changed else ""
    return f"{', '.join(parts)} [{view.reason}{set_here}]"
