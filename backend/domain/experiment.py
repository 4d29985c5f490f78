"""From what a user asks for to the runs that answer it.

An experiment is models × recipes × targets × seeds. ``plan`` expands it into the graph of runs, adds the baselines that
gains need, and gives every run its fingerprint, so that equal work is found and shared: across recipes, across targets
(XQuAD and MLQA share one SQuAD fine-tune) and across experiments.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from backend.domain import mini, translations
from backend.domain.defaults import default
from backend.domain.language import ENGLISH, LANGUAGES
from backend.domain.model import MODELS, Model, unusable
from backend.domain.oracle import developed
from backend.domain.recipe import BASELINE, Recipe, RecipeKind, trained_in
from backend.domain.run import (
    ENGINE_VERSION,
    DataSpec,
    DeviceClass,
    ModelSpec,
    Precision,
    RunKind,
    RunSpec,
    digest,
)
from backend.domain.task import WHOLE_BATCH, RetrievalOverrides, Source, Split, Task
from backend.domain.tasks import INTERMEDIATE, TARGETS, TASKS
from backend.domain.text import READER_VERSION
from backend.domain.text.spec import TextSpec
from backend.domain.training import Training, TrainingOverrides
from backend.domain.unset import off, one, unset
from backend.errors import FieldError, Invalid, shown, unknown

#: Architectures that MLM cannot be mixed into the training of, and why.
UNMASKED: Mapping[str, str] = {
    "mt5": "its tokenizer has no mask",
    "rembert": "its word embeddings are narrower than its layers, so that no head can be tied to them",
}
MAX_DEVICES = 64  # of one run; all of them are in one machine
_ON_SEVERAL = frozenset(
    {RunKind.INTERMEDIATE, RunKind.FINETUNE}
)  # kinds of runs that are done by as many devices as asked for
MAX_CELLS = 2_000  # models × recipes × targets × seeds of one experiment
BENCHMARKS: Mapping[Source, str] = {
    Source.MINI: "mini-XTREME-R",  # synthetic, never mixed with real scores
    Source.HUB: "XTREME-R",
    Source.FILES: "XTREME-R",
}


def _one_line(text: str) -> str:
    text = text.strip()
    if not text:
        raise ValueError("the name is empty")
    if any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or 0xD800 <= ord(c) <= 0xDFFF for c in text):
        raise ValueError("the name holds control characters")
    return text


def _read_recipe(value: Any) -> Any:
    return Recipe.parse(value) if isinstance(value, str) else value


RecipeField = Annotated[
    Recipe,
    BeforeValidator(_read_recipe),
    WithJsonSchema(
        {
            "anyOf": [
                {
                    "type": "string",
                    "maxLength": 200,
                    "examples": ["none", "mnli", "mnli+squad", "siqa>copa", "mnli@languages=en+de", "control:mnli"],
                },
                {"$ref": "#/components/schemas/Recipe"},
            ]
        }
    ),
]
Name = Annotated[str, Field(min_length=1, max_length=40)]
Folder = Annotated[str, Field(min_length=1, max_length=400)]
Seed = Annotated[int, Field(strict=True, ge=0, le=2**31 - 1)]  # strict: true and "1" are no seeds


class ExperimentRequest(BaseModel):
    """What form, API, command line and YAML file all submit. The baseline ``none`` is always added."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "name": "Does NLI help on the mini world?",
                    "source": "mini",
                    "models": ["mini-2", "mini-4"],
                    "recipes": ["mnli", "squad", "mnli+squad+hellaswag", "control-mlm:mnli"],
                    "targets": ["xnli", "tatoeba"],
                    "seeds": [0, 1, 2],
                }
            ]
        },
    )

    name: Annotated[str, Field(min_length=1, max_length=120), AfterValidator(_one_line)]
    source: Source = Source.MINI
    models: tuple[Name, ...] = Field(min_length=1, max_length=50)
    recipes: tuple[RecipeField, ...] = Field(min_length=1, max_length=100)
    targets: tuple[Name, ...] = Field(min_length=1, max_length=50)
    seeds: tuple[Seed, ...] = Field(default=(0,), min_length=1, max_length=100)
    languages: tuple[Name, ...] | None = Field(default=None, min_length=1, max_length=100)
    finetuning: TrainingOverrides = TrainingOverrides()
    translate_train: Annotated[tuple[Name, ...] | None, AfterValidator(trained_in)] = Field(
        default=None,
        min_length=1,
        max_length=60,
        exclude_if=unset,
        description="languages that targets are fine-tuned in, on translations of their English training set (with en: beside it)",
    )
    retrieval: RetrievalOverrides = RetrievalOverrides()
    text: tuple[Folder, ...] | None = Field(
        default=None,
        min_length=1,
        max_length=100,
        exclude_if=unset,
        description="folders of text under the data root, for recipes that mix MLM in; the mini world has its own",
    )
    oracle: bool = Field(
        default=False,
        strict=True,
        description="score the checkpoint that each language's own development data choose, too",
    )
    device: DeviceClass = DeviceClass.CPU
    precision: Precision = "fp32"
    activation_checkpointing: bool = Field(
        default=False, strict=True, exclude_if=off, description="less memory for more time; of no number"
    )
    devices: int = Field(
        default=1,
        strict=True,
        ge=1,
        le=MAX_DEVICES,
        exclude_if=one,
        description="devices of one worker that a run trains on at the same time, each with a part of every batch",
    )
    sharded: bool | None = Field(
        default=None,
        strict=True,
        exclude_if=unset,
        description="divide weights, gradients and moments over the devices of a run; null: where they do not fit one. Of no number",
    )
    priority: int = Field(default=0, ge=-10, le=10)
    stop_after: float | None = Field(
        default=None,
        gt=0,
        le=1e6,
        exclude_if=unset,
        description="device-hours: once its own finished runs have taken so much, nothing more of it begins. Of no number",
    )


@dataclass(frozen=True, slots=True)
class Pins:
    """What was resolved before, by the store: commits of hub ids, digests of files. Missing means not yet resolved."""

    models: Mapping[str, str] = field(default_factory=dict)  # checkpoint → commit
    data: Mapping[tuple[Source, str], str] = field(default_factory=dict)  # (source, task) → commit or digest


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """A run before it exists. ``settings`` digests what a treated run and its baseline must have in common."""

    fingerprint: str
    spec: RunSpec
    model: str
    recipe: str
    target: str | None
    seed: int | None
    settings: str
    examples: int  # training examples, or test examples over all languages
    steps: int  # optimiser updates; 0 for evaluate


@dataclass(frozen=True, slots=True)
class Cell:
    """One asked-for combination: the fingerprint of its evaluate run, or why it does not apply."""

    model: str
    recipe: str
    target: str
    seed: int
    evaluate: str | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """``runs``: parents come first and gains appear early; ``cells``: in the order of the request."""

    runs: Mapping[str, PlannedRun]
    cells: tuple[Cell, ...]

    @property
    def not_applicable(self) -> tuple[Cell, ...]:
        return tuple(c for c in self.cells if c.evaluate is None)


# --- what is wrong with a request ------------------------------------------------------------------------


def problems(request: ExperimentRequest) -> list[FieldError]:
    """Everything that a schema cannot see, one entry a field: unknown names, repeats, too large a grid, what the source
    does not hold. Empty when the request can be planned."""
    found: list[FieldError] = []

    def refuse(pointer: str, message: str) -> None:
        found.append(FieldError(pointer, message))

    def each(name: str, values: tuple[str, ...], check: Callable[[str], str | None]) -> None:
        for i, value in enumerate(values):
            message = f"{shown(value)} is named twice" if value in values[:i] else check(value)
            if message:
                refuse(f"/{name}/{i}", message)

    def model(name: str) -> str | None:
        if (message := unusable(name)) is not None:
            return message
        if request.source not in MODELS[name].sources:
            allowed = [m.name for m in MODELS.values() if request.source in m.sources]
            return f"model {name} does not go with source {request.source.value}; those that do: {', '.join(allowed)}"
        return None

    def target(name: str) -> str | None:
        if name not in TARGETS:
            return unknown("target task", name, TARGETS)
        if not TASKS[name].available_in(request.source):
            return f"target {name} has no {request.source.value} source"
        return None

    each("models", request.models, model)
    each("targets", request.targets, target)
    each(
        "languages",
        request.languages or (),
        _unknown_language,
    )
    for i, seed in enumerate(request.seeds):
        if seed in request.seeds[:i]:
            refuse(f"/seeds/{i}", f"seed {seed} is named twice")
    names: set[str] = set()
    for i, recipe in enumerate(request.recipes):
        if recipe.name in names:
            refuse(f"/recipes/{i}", f"{shown(recipe.name)} is named twice")
        names.add(recipe.name)
        for task in dict.fromkeys(task for stage in recipe.stages for task in stage):
            if task not in INTERMEDIATE:
                refuse(f"/recipes/{i}", unknown("intermediate task", task, INTERMEDIATE))
            elif not TASKS[task].available_in(request.source):
                refuse(f"/recipes/{i}", f"intermediate task {task} has no {request.source.value} source")
        for message in _no_mlm(recipe, request):
            refuse(f"/recipes/{i}", message)
        for message in _untranslated(recipe, request.source):
            refuse(f"/recipes/{i}", message)
        if recipe.kind is RecipeKind.CONTROL_MLM and (without := _without_text(request)):
            refuse(
                f"/recipes/{i}",
                f"control-mlm needs a model's pretraining text, which is not here for {', '.join(without)}",
            )
    each("translate_train", request.translate_train or (), _unknown_language)
    for message in _not_translated(request):
        refuse("/translate_train", message)
    each("text", request.text or (), _no_folder)
    if request.text and not any(recipe.mlm is not None for recipe in request.recipes):
        refuse("/text", "no recipe reads it; those do that mix MLM in, such as mnli@mlm=0.5")
    elif request.text and request.source is Source.MINI:
        refuse("/text", "the mini world has text of its own, and real text is never mixed with it; leave it out")
    sizes = {
        "models": len(request.models),
        "recipes": len(request.recipes),
        "targets": len(request.targets),
        "seeds": len(request.seeds),
    }
    cells = sizes["models"] * sizes["recipes"] * sizes["targets"] * sizes["seeds"]
    if cells > MAX_CELLS:
        longest = max(sizes, key=lambda k: sizes[k])
        product = " × ".join(f"{n} {k}" for k, n in sizes.items())
        refuse(f"/{longest}", f"{product} = {cells:,} cells; at most {MAX_CELLS:,} in one experiment")
    if request.device is DeviceClass.CPU and request.precision != "fp32":
        refuse("/precision", "on a CPU only fp32 is accepted")
    for message in _not_divided(request):
        refuse("/devices", message)
    if request.sharded and request.devices == 1:
        refuse(
            "/sharded",
            "weights are divided over the devices of a run, and this asks for 1; set devices to 2 or more, or leave it out",
        )
    if request.retrieval.given and not any(TASKS[t].retrieval for t in request.targets if t in TARGETS):
        offered = ", ".join(t for t in TARGETS if TASKS[t].retrieval)
        refuse("/retrieval", f"none of the targets retrieves anything; those that do: {offered}")
    if request.oracle and not any(developed(TASKS[t], request.source) for t in request.targets if t in TARGETS):
        offered = ", ".join(t for t in TARGETS if developed(TASKS[t], request.source))
        refuse("/oracle", f"none of the targets has development data in its languages; those that do: {offered}")
    for pointer, said in (
        ("/finetuning/frozen", request.finetuning),
        *((f"/recipes/{i}", recipe.training) for i, recipe in enumerate(request.recipes)),
    ):
        if said.lora_rank is None or said.frozen is None:
            continue
        for name in request.models:
            if name in MODELS and said.frozen > (layers := MODELS[name].architecture.layers):
                refuse(pointer, f"frozen {said.frozen} leaves LoRA no layer of {name} to train; at most {layers}")
    if request.languages and not found:
        for i, name in enumerate(request.targets):
            if not set(request.languages) & set(TASKS[name].languages_in(request.source)):
                offered = ", ".join(TASKS[name].languages_in(request.source))
                refuse("/languages", f"none of these languages is in target {name} (/targets/{i}), which has {offered}")
    return found


def _not_divided(request: ExperimentRequest) -> Iterable[str]:
    """What stands against more than one device: training whose loss needs its whole batch at once, batches too small."""
    if request.devices == 1:
        return
    trained = {t: TASKS[str(TASKS[t].trained_on)] for t in request.targets if t in TARGETS and TASKS[t].trained_on}
    staged = {t: TASKS[t] for recipe in request.recipes for stage in recipe.stages for t in stage if t in INTERMEDIATE}
    whole = [name for name, task in {**staged, **trained}.items() if task.format in WHOLE_BATCH]
    if whole:
        yield (
            f"{', '.join(whole)} cannot be trained on {request.devices} devices: in its loss every row of a batch is a wrong answer "
            "for the others, so a batch cannot be shared out; leave it out, or set devices to 1"
        )


def _unknown_language(code: str) -> str | None:
    return None if code in LANGUAGES else unknown("language", code, tuple(LANGUAGES))


def _untranslated(recipe: Recipe, source: Source) -> Iterable[str]:
    """What stands against the languages of a recipe: unknown ones, and tasks that are not translated into them."""
    if recipe.languages is None:
        return
    if (wrong := next(filter(None, map(_unknown_language, recipe.languages)), None)) is not None:
        yield wrong
        return
    offered = {name: found for name in INTERMEDIATE if (found := translated_into(TASKS[name], source))}
    for name in dict.fromkeys(task for stage in recipe.stages for task in stage):
        if name in INTERMEDIATE and (gone := translations.missing(_parts(TASKS[name]), recipe.languages, source)):
            yield translations.refusal(name, gone, offered)


def _no_mlm(recipe: Recipe, request: ExperimentRequest) -> Iterable[str]:
    """What stands against the MLM that a recipe mixes in: no text of its languages, an encoder that cannot do it."""
    if recipe.mlm is None:
        return
    asked = recipe.mlm_languages or ()
    if (wrong := next(filter(None, map(_unknown_language, asked)), None)) is not None:
        yield wrong
    elif request.text is None:
        for name in request.models:
            if name in MODELS and (wrong := _no_text_of_its_own(MODELS[name], asked)) is not None:
                yield wrong
    unfit = [m for m in request.models if m in MODELS and MODELS[m].architecture.kind in UNMASKED]
    if unfit:
        yield f"mlm cannot be mixed into the training of {', '.join(unfit)}: {UNMASKED[MODELS[unfit[0]].architecture.kind]}"


def _no_text_of_its_own(model: Model, asked: Iterable[str]) -> str | None:
    """What stands against going on with the text that a model was pretrained on, in these languages."""
    if model.pretraining is None:
        return (
            f"mlm needs text to train {model.name} on: name folders of it under the data root, as in text: [bible]; what it was "
            "pretrained on is not here"
        )
    there = tuple(mini.LANGUAGES) if model.text is None else model.text.languages
    gone = [code for code in asked if code not in there]
    if not gone:
        return None
    whose = "the mini world" if model.text is None else f"the text that {model.name} was pretrained on"
    return f"{whose} has no text of {', '.join(gone)}; it has of {', '.join(there)}"


def _no_folder(folder: str) -> str | None:
    """Folders are named from the data root on, and stay below it."""
    parts = folder.replace("\\", "/").split("/")
    if folder.startswith(("/", "\\", "~")) or ".." in parts or any(not c.isprintable() for c in folder):
        return f"{shown(folder)} is no folder below the data root; name it from there on, as in bible or tatoeba/v1"
    return None


def _not_translated(request: ExperimentRequest) -> Iterable[str]:
    """What stands against translate-train: targets whose training set is not translated into these languages."""
    languages = request.translate_train
    if languages is None or any(code not in LANGUAGES for code in languages):
        return
    trained = {t: TASKS[str(TASKS[t].trained_on)] for t in TARGETS if TASKS[t].trained_on is not None}
    offered = {t: found for t, trainer in trained.items() if (found := translated_into(trainer, request.source))}
    asked = [t for t in dict.fromkeys(request.targets) if t in TARGETS]
    if asked and not any(t in trained for t in asked):
        yield "none of the targets is trained on anything; translate-train says in which languages they are"
    for name in asked:
        if name in trained and (gone := translations.missing(_parts(trained[name]), languages, request.source)):
            yield translations.refusal(f"target {name}", gone, {f"target {t}": codes for t, codes in offered.items()})


def _parts(task: Task) -> tuple[Task, ...]:
    """A task and those whose training rows it joins."""
    return (task, *(TASKS[name] for name in task.joins))


def translated_into(task: Task, source: Source) -> tuple[str, ...]:
    """The languages that all of a task's training rows are there in, beside English; none where it is not trained on."""
    offered = [translations.into(part, source) for part in _parts(task)]
    return tuple(code for code in offered[0] if all(code in each for each in offered))


def _without_text(request: ExperimentRequest) -> list[str]:
    """Models whose pretraining text nobody here has: those that were not pretrained here."""
    return [name for name in request.models if name in MODELS and MODELS[name].pretraining is None]


# --- the run graph ------------------------------------------------------------------------------------------


@cache
def mini_content(task: str | None = None) -> str:
    """Digest of the mini world's generator: its version and every parameter of its text, or of a task's rows."""
    return digest(mini.fingerprint_parameters(task))


def examples(task: Task, split: Split, source: Source) -> int:
    """Examples of one language in a split: exact for the mini world, as published for the real data.

    Those of training include the tasks that it joins.
    """
    if split is Split.TRAIN and task.joins:
        parts = (task.model_copy(update={"joins": ()}), *(TASKS[name] for name in task.joins))
        return sum(examples(part, split, source) for part in parts)
    if source is Source.MINI and task.mini is not None:
        return mini.SIZES[task.mini].get(split.value, 0)
    return task.sizes.get(split, 0)


def mixed_training(parts: Iterable[Training]) -> Training:
    """Settings of a mixed intermediate stage: the steps of all its tasks, the gentlest rate, the roomiest batch."""
    parts = tuple(parts)
    return Training(
        learning_rate=min(p.learning_rate for p in parts),
        batch_size=max(p.batch_size for p in parts),
        steps=sum(p.steps or 0 for p in parts),
        max_length=max(p.max_length for p in parts),
        stride=max(p.stride for p in parts),
        warmup=max(p.warmup for p in parts),
        weight_decay=max(p.weight_decay for p in parts),
        evaluations=max(p.evaluations for p in parts),
        frozen=min(p.frozen for p in parts),
    )


def lines_of(model: Model) -> int:
    """Lines that a model of ours is pretrained on."""
    return sum((mini.TEXT_SENTENCES if model.text is None else model.text.lines).values())


Languages = tuple[str, ...] | None  # of training rows; None: English


class _Planner:
    def __init__(self, request: ExperimentRequest, pins: Pins) -> None:
        self.request = request
        self.pins = pins
        self.runs: dict[str, PlannedRun] = {}
        self.started: dict[tuple[str, str, int], str | None] = {}

    def count(self, task: Task, budget: int | None, languages: Languages = None) -> int:
        """Training examples of a task that a stage with this budget of examples, of each language, sees."""
        found = examples(task, Split.TRAIN, self.request.source)
        return (found if budget is None else min(found, budget)) * len(languages or (ENGLISH,))

    def training_of(self, task: Task, model: Model, budget: int | None = None, languages: Languages = None) -> Training:
        """The task's own settings for this model and source, with the number of steps worked out."""
        found = default(task, model, self.request.source)
        if found is None:
            raise Invalid(f"task {task.name} has no training settings for source {self.request.source.value}")
        chosen = found.training
        return chosen.model_copy(
            update={"steps": chosen.steps_for(self.count(task, budget, languages)), "epochs": None}
        )

    def data(self, task: Task, split: Split, language: str = ENGLISH) -> DataSpec:
        """Rows of a split; in a language other than English the translations of its training rows."""
        source = self.request.source
        if language != ENGLISH:
            task = translations.translated(task)
        pinned = task.name if language == ENGLISH else f"{task.name}/{language}"
        content = mini_content(task.mini) if source is Source.MINI else self.pins.data.get((source, pinned))
        if content is None and source is Source.HUB and task.hub is not None:
            content = task.hub.revision
        return DataSpec(
            task=task.name,
            version=task.version,
            source=source,
            split=split,
            content=content,
            language=None if language == ENGLISH else language,
        )

    def training_data(self, task: Task, languages: Languages = None) -> tuple[DataSpec, ...]:
        """Its training rows and those of the tasks that it joins, language by language, and last its English development rows:
        one head's data."""
        trained = [(t, code) for code in languages or (ENGLISH,) for t in _parts(task)]
        return (*(self.data(t, Split.TRAIN, code) for t, code in trained), self.data(task, Split.VALIDATION))

    def text(self, model: Model) -> DataSpec:
        if model.text is not None:  # the files are in the run's own ``text``
            return DataSpec(
                task="text", version=model.text.reader, source=Source.FILES, split=Split.TRAIN,
                content=digest(model.text.model_dump(mode="json")),
            )  # fmt: skip
        return DataSpec(
            task="text", version=mini.GENERATOR_VERSION, source=Source.MINI, split=Split.TRAIN, content=mini_content()
        )

    def model_spec(self, model: Model) -> ModelSpec:
        if model.base is not None:  # as it was when the model was written down, else it would be pretrained once more
            return self.model_spec(MODELS[model.base]).model_copy(update={"revision": model.revision})
        if model.checkpoint is None:
            return ModelSpec(checkpoint=None, revision=None, architecture=model.architecture)
        revision = self.pins.models.get(model.checkpoint, model.revision)
        return ModelSpec(checkpoint=model.checkpoint, revision=revision, architecture=None)

    def add(
        self,
        kind: RunKind,
        model: Model,
        *,
        data: tuple[DataSpec, ...],
        training: Training | None,
        parents: tuple[str, ...],
        recipe: Recipe | None = None,
        languages: tuple[str, ...] = (),
        seed: int | None,
        label: str,
        target: str | None = None,
        settings: str = "",
        retrieval: RetrievalOverrides | None = None,
        folders: tuple[str, ...] | None = None,
        oracle: tuple[DataSpec, DataSpec] | None = None,
        text: TextSpec | None = None,
        count: int,
    ) -> str:
        # one checkpoint, wherever it is used: a model of ours may say how it is made
        pretrain = kind is RunKind.PRETRAIN
        spec = RunSpec(
            kind=kind,
            engine=ENGINE_VERSION,
            model=self.model_spec(model),
            data=data,
            recipe=recipe,
            training=training,
            languages=languages,
            seed=seed,
            precision=(pretrain and model.precision) or self.request.precision,
            device=DeviceClass((pretrain and model.device) or self.request.device),
            parents=parents,
            retrieval=retrieval,
            folders=folders,
            activation_checkpointing=self.request.activation_checkpointing and kind is not RunKind.EVALUATE,
            # pretraining is one checkpoint, wherever it is used; an evaluation is done by one device
            devices=self.request.devices if kind in _ON_SEVERAL else 1,
            sharded=self.request.sharded if self.request.devices > 1 and kind in _ON_SEVERAL else None,
            oracle=oracle,
            text=text,
        )
        fingerprint = spec.fingerprint
        steps = 0 if kind is RunKind.EVALUATE or training is None else training.steps_for(count)
        if fingerprint not in self.runs:
            self.runs[fingerprint] = PlannedRun(
                fingerprint, spec, model.name, label, target, seed, settings, count, steps
            )
        return fingerprint

    # each of the four kinds; each returns the fingerprint that the next one starts from, None for a hub checkpoint

    def pretrain(self, model: Model) -> str | None:
        if model.pretraining is None:
            return None
        start = self.pretrain(MODELS[model.base]) if model.base else None
        return self.add(
            RunKind.PRETRAIN,
            model,
            data=(self.text(model),),
            training=model.pretraining,
            parents=(start,) if start else (),
            languages=model.text.languages if model.text else (),
            seed=None,  # one checkpoint a model, as with a published encoder: seeds drive what comes after it
            label="none",
            text=model.text,
            count=lines_of(model),
        )

    def intermediate_training(self, model: Model, recipe: Recipe, stage: int) -> Training:
        own = [
            self.training_of(TASKS[t], model, recipe.training.examples, recipe.languages) for t in recipe.stages[stage]
        ]
        chosen = own[0] if len(own) == 1 else mixed_training(own)
        training = recipe.training.applied_to(chosen)
        if recipe.mlm is None or recipe.training.steps is not None:
            return training  # a number of steps that is asked for is that of both
        tasks = (TASKS[t] for t in recipe.stages[stage])
        steps = training.steps_for(sum(self.count(t, recipe.training.examples, recipe.languages) for t in tasks))
        return training.model_copy(update={"steps": recipe.with_mlm(steps), "epochs": None})

    def text_beside(self, model: Model, recipe: Recipe) -> tuple[DataSpec, ...]:
        """The text of a stage that MLM is mixed into: that of the request's folders, of which what they hold shows when it is
        read, and is recorded then; else that the model was pretrained on."""
        if recipe.mlm is None:
            return ()
        if self.request.text is None:
            return (self.text(model),)
        return (DataSpec(task="text", version=READER_VERSION, source=Source.FILES, split=Split.TRAIN, content=None),)

    def intermediate_steps(self, model: Model, recipe: Recipe) -> int:
        """What a control spends: the steps of all stages."""
        return sum(self.intermediate_training(model, recipe, i).steps_for(0) for i in range(len(recipe.stages)))

    def intermediate(self, model: Model, recipe: Recipe, seed: int) -> str | None:
        """The encoder after the recipe's intermediate stages; the pretrained one where it has none."""
        key = (model.name, recipe.name, seed)
        if key not in self.started:  # asked for once a target
            self.started[key] = self._intermediate(model, recipe, seed)
        return self.started[key]

    def _intermediate(self, model: Model, recipe: Recipe, seed: int) -> str | None:
        if recipe.kind in (RecipeKind.NONE, RecipeKind.CONTROL_TARGET):
            return self.pretrain(model)
        if recipe.kind is RecipeKind.CONTROL_MLM:
            assert model.pretraining is not None  # problems() admits this recipe for models pretrained here only
            training = model.pretraining.model_copy(
                update={
                    "steps": self.intermediate_steps(model, recipe),
                    "learning_rate": model.pretraining.learning_rate / 2,
                }
            )
            start = self.pretrain(model)
            return self.add(
                RunKind.INTERMEDIATE,
                model,
                data=(self.text(model),),
                training=training,
                parents=(start,) if start else (),
                recipe=recipe,
                languages=model.text.languages if model.text else (),
                seed=seed,
                label=recipe.name,
                text=model.text,
                count=lines_of(model),
            )
        last = len(recipe.stages) - 1
        # each stage is a run of its own, which starts from the one before: recipes that begin the same share those runs
        start = self.intermediate(model, recipe.up_to(last - 1), seed) if last else self.pretrain(model)
        tasks = [TASKS[t] for t in recipe.tasks]
        return self.add(
            RunKind.INTERMEDIATE,
            model,
            data=(
                *(spec for t in tasks for spec in self.training_data(t, recipe.languages)),
                *self.text_beside(model, recipe),
            ),
            folders=self.request.text if recipe.mlm is not None else None,
            text=model.text if recipe.mlm is not None and self.request.text is None else None,
            training=self.intermediate_training(model, recipe, last),
            parents=(start,) if start else (),
            recipe=recipe.stage(last),
            seed=seed,
            label=recipe.name,
            count=sum(self.count(t, recipe.training.examples, recipe.languages) for t in tasks),
        )

    def cell(self, model: Model, recipe: Recipe, target: Task, seed: int) -> Cell:
        source = self.request.source
        offered = target.languages_in(source)
        languages = tuple(code for code in offered if self.request.languages is None or code in self.request.languages)
        start = (
            self.intermediate(model, recipe, seed)
            if target.trained_on or recipe.kind is not RecipeKind.CONTROL_TARGET
            else None
        )
        test = tuple(self.data(target, split) for split in (target.evaluated_on, *target.evaluated_with))
        retrieval = self.request.retrieval if target.retrieval and self.request.retrieval.given else None
        base: Training | None = None
        train: tuple[DataSpec, ...] = ()
        if target.trained_on is not None:
            trainer, budget = TASKS[target.trained_on], self.request.finetuning.examples
            languages_trained = self.request.translate_train
            if not trainer.available_in(source):
                return Cell(
                    model.name, recipe.name, target.name, seed, None, f"{trainer.name} has no {source.value} source"
                )
            # the target's own settings, on the training set it borrows
            own = default(target, model, source)
            base = self.request.finetuning.applied_to(
                own.training if own else self.training_of(trainer, model, budget, languages_trained)
            )
            count = self.count(trainer, budget, languages_trained)
            base = base.model_copy(update={"steps": base.steps_for(count), "epochs": None})
            train = self.training_data(trainer, languages_trained)
        elif recipe.kind is RecipeKind.CONTROL_TARGET:
            return Cell(
                model.name,
                recipe.name,
                target.name,
                seed,
                None,
                f"{target.name} has no training that could be prolonged",
            )
        settings = digest(
            {
                "engine": ENGINE_VERSION,
                "model": self.model_spec(model).model_dump(mode="json"),
                "training": base.model_dump(mode="json") if base else None,
                "data": [d.model_dump(mode="json") for d in (*train, *test)],
                "precision": self.request.precision,
                "device": self.request.device.value,
                **({"retrieval": retrieval.model_dump(mode="json")} if retrieval else {}),
                **({"devices": self.request.devices} if self.request.devices > 1 else {}),
            }
        )
        checkpoint = start
        if base is not None:
            training = base
            if recipe.kind is RecipeKind.CONTROL_TARGET:
                extra = self.intermediate_steps(model, recipe)
                training = base.model_copy(update={"steps": (base.steps or 0) + extra})
            oracle = None
            if self.request.oracle and developed(target, source):
                oracle = (self.data(target, Split.VALIDATION), self.data(target, target.evaluated_on))
            checkpoint = self.add(
                RunKind.FINETUNE,
                model,
                data=train,
                training=training,
                parents=(start,) if start else (),
                seed=seed,
                label=recipe.name,
                # what it is trained on: XQuAD and MLQA share one such run; with oracle selection it is of one target alone
                target=target.name if oracle else target.trained_on,
                languages=languages if oracle else (),
                settings=settings,
                retrieval=retrieval,
                oracle=oracle,
                count=self.count(TASKS[str(target.trained_on)], training.examples, self.request.translate_train),
            )
        # Retrieval from the pretrained encoder has no training of its own, hence no seed.
        untrained = base is None and recipe.kind is RecipeKind.NONE
        evaluate = self.add(
            RunKind.EVALUATE,
            model,
            data=test,
            training=base,
            parents=(checkpoint,) if checkpoint else (),
            languages=languages,
            seed=None if untrained else seed,
            label=recipe.name,
            target=target.name,
            settings=settings,
            retrieval=retrieval,
            count=sum(
                examples(target, d.split, source) * (1 if d.split is Split.CANDIDATES else len(languages)) for d in test
            ),
        )
        return Cell(model.name, recipe.name, target.name, seed, evaluate)


def plan(request: ExperimentRequest, pins: Pins | None = None) -> Plan:
    """Expand a request into its graph of runs, baselines included.

    The order is depth first, so that the first gain appears as soon as it can: per model and seed, target by target,
    the baseline before the recipes. Only what unblocks most comes right after the runs of the first model and seed: the pretraining
    of all models, then every intermediate run that several runs start from. Left where they are first needed, the last of them
    would keep some workers busy and the others idle.

    Raises:
        Invalid: the request names something that cannot be done (``problems`` says what, field by field).
    """
    errors = problems(request)
    if errors:
        raise Invalid("The experiment cannot be planned.", errors=errors)
    planner = _Planner(request, pins or Pins())
    recipes = (BASELINE, *(r for r in request.recipes if r != BASELINE))
    cells = [
        planner.cell(MODELS[model], recipe, TASKS[target], seed)
        for seed in request.seeds
        for model in request.models
        for target in request.targets
        for recipe in recipes
    ]
    first = request.models[0]

    waited = _waited_for(planner.runs)

    def turn(run: PlannedRun) -> int:
        if run.model == first and run.seed in (None, request.seeds[0]):
            return 0
        if run.spec.kind is RunKind.PRETRAIN:
            return 1
        return 2 if run.spec.kind is RunKind.INTERMEDIATE and run.fingerprint in waited else 3

    ordered = sorted(planner.runs.items(), key=lambda item: turn(item[1]))
    return Plan(dict(ordered), tuple(cells))


def _waited_for(runs: Mapping[str, PlannedRun]) -> set[str]:
    """Those that several runs start from, and what these start from; parents come first in ``runs``."""
    starting = Counter(parent for run in runs.values() for parent in run.spec.parents)
    found = {fingerprint for fingerprint, times in starting.items() if times > 1}
    for fingerprint in reversed(list(runs)):
        if fingerprint in found:
            found.update(runs[fingerprint].spec.parents)
    return found


def plan_pretraining(model: Model, pins: Pins | None = None) -> Plan:
    """The pretrain run of a model of ours, last, after those of what it goes on from: as every experiment with it has them."""
    assert model.text is not None
    request = ExperimentRequest(
        name=model.name, source=Source.FILES, models=(model.name,), recipes=(BASELINE,), targets=("xnli",),
        device=DeviceClass(model.device or "cpu"), precision=model.precision or "fp32",
    )  # fmt: skip
    planner = _Planner(request, pins or Pins())
    planner.pretrain(model)
    return Plan(planner.runs, ())


def same_data_twice(recipe: str, target: str) -> bool:
    """Whether the target's training set is also an intermediate task of any stage of the recipe, or part of one (MNLI → XNLI,
    SQuAD → XQuAD and MLQA, ANLI+ → XNLI), or made of that of one (SQuAD → LAReQA).

    Such cells run and are labelled, and are left out of headline means.
    """
    body = recipe.split("@")[0]
    if body == "none" or body.startswith("control") or target not in TASKS:
        return False
    trainer = TASKS[target].trained_on
    drawn_from = TASKS[trainer].drawn_from if trainer else None
    used = set(body.replace(">", "+").split("+"))
    for name in tuple(used & TASKS.keys()):
        used.update(TASKS[name].joins, TASKS[name].contains)
    return not {trainer, drawn_from}.isdisjoint(used)
