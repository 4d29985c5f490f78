"""What travels over HTTP: one set of shapes for API, dashboard, command line and export.

Answers have no defaults: what a schema names is always there, ``null`` where there is none. Times are UTC (RFC 3339),
scores points 0–100, missing numbers ``null`` with a reason, never NaN.
"""

from __future__ import annotations

import operator
from datetime import datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from backend.domain.experiment import ExperimentRequest
from backend.domain.gains import Missing, Verdict
from backend.domain.model import Architecture, Family, Model
from backend.domain.run import DeviceClass, Phase, RunKind, RunState
from backend.domain.task import Source
from backend.domain.text.spec import TextSpec
from backend.domain.training import Training

T = TypeVar("T")


class View(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Page(View, Generic[T]):
    """One page of a list; ``next_cursor`` is opaque and null on the last page."""

    items: list[T]
    next_cursor: str | None
    total: int


class FieldProblem(View):
    pointer: str
    message: str


class Problem(BaseModel):
    """RFC 9457. ``errors`` names the fields at fault, where there are any."""

    type: str
    title: str
    status: int
    detail: str
    instance: str | None = None
    errors: list[FieldProblem] | None = None


# --- catalogue -------------------------------------------------------------------------------------------


class LanguageView(View):
    code: str
    name: str
    endonym: str
    family: str
    branch: str | None
    script: str
    direction: Literal["ltr", "rtl"]
    resource: Literal["high", "mid", "low"]


class TaskView(View):
    name: str
    title: str
    summary: str
    version: int
    format: str
    roles: list[str]
    languages: list[str]
    mini_languages: list[str]
    metrics: list[str]
    trained_on: str | None
    sources: list[str]
    train_examples: int | None
    licence: str
    citation: str


class PretrainedView(View):
    """How a model is pretrained here: on what, and the run that does it (None: none is live or done)."""

    architecture: Architecture
    training: Training
    text: TextSpec
    lines: dict[str, int] = Field(description="of each language")
    base: str | None = Field(description="the model that it goes on from")
    run: int | None
    state: RunState | None

    @classmethod
    def of(cls, model: Model, run: tuple[int, RunState] | None) -> PretrainedView:
        assert model.text is not None and model.pretraining is not None
        return cls(
            architecture=model.architecture, training=model.pretraining, text=model.text, lines=model.text.lines,
            base=model.base, run=run[0] if run else None, state=run[1] if run else None,
        )  # fmt: skip


class ModelView(View):
    name: str
    title: str
    family: str
    checkpoint: str | None
    revision: str | None
    layers: int
    heads: int
    hidden: int
    vocabulary: int = Field(description="rows of the word embeddings")
    parameters: int
    parameters_non_embedding: int
    sources: list[str]
    licence: str
    citation: str
    note: str = Field(description="what one must know to read its sizes or its scores; often empty")
    pretrained: PretrainedView | None = Field(description="of a model that is pretrained here on text of one's own")

    def model(self) -> Model:
        """The model of the catalogue, where it is one that is pretrained here."""
        own = self.pretrained
        assert own is not None
        return Model(
            name=self.name, title=self.title, family=Family.OWN, architecture=own.architecture, revision=self.revision,
            pretraining=own.training, text=own.text, base=own.base, sources=tuple(Source(s) for s in self.sources),
            licence=self.licence, citation=self.citation, note=self.note,
        )  # fmt: skip


# --- experiments and runs --------------------------------------------------------------------------------


class Counts(View):
    """Runs of an experiment by state."""

    waiting: int
    queued: int
    running: int
    done: int
    failed: int
    diverged: int
    cancelled: int
    skipped: int


ExperimentState = Literal["waiting", "running", "done", "done with failures", "cancelled"]


class BroughtView(View):
    """Where something was computed that came in a file of another installation."""

    installation: str = Field(description="what it calls itself")
    program: str = Field(description="version of the program that wrote the file")
    experiment_there: int = Field(description="number of the experiment there")
    sha256: str = Field(description="of what was in the file")
    brought_at: datetime


class ExperimentView(View):
    id: int
    name: str
    state: ExperimentState
    benchmark: str
    synthetic: bool
    request: ExperimentRequest
    counts: Counts
    runs: int
    reused: int = Field(description="runs that existed before this experiment was submitted")
    progress: float = Field(description="share of its runs that ended, 0 to 1")
    created_at: datetime
    finished_at: datetime | None
    cancel_requested_at: datetime | None
    device_hours: float = Field(
        default=0.0, description="that those of its finished runs took which did not exist before it"
    )
    brought: BroughtView | None = Field(default=None, description="null where it was submitted here")


class BroughtIn(View):
    """What came of bringing a file in."""

    experiment: ExperimentView
    created: bool = Field(description="false where this very file was brought in before")
    runs: int = Field(description="new ones")
    shared: list[int] = Field(description="runs of here that stand in for those of the file: they found the same")
    ours: list[int] = Field(
        description="runs of here that found something else and are shown instead, as was asked for"
    )


class Cost(View):
    """What a run used. ``device_seconds`` is wall time × share of the device the run was given."""

    device: str
    device_class: DeviceClass
    precision: str
    share: float
    wall_seconds: float
    device_seconds: float
    examples: int
    tokens: int = Field(description="real sub-words, without padding")
    flops_analytic: float = Field(description="6·N·D for training, 2·N·D for inference, N non-embedding")
    flops_counted: float | None
    peak_memory_bytes: int | None
    energy_joules: float | None = Field(description="null where the device does not report it: not measured")


class RunError(View):
    type: str
    message: str
    cause: str | None = Field(description="the likely cause in plain words")
    traceback: str | None


class RunView(View):
    id: int
    fingerprint: str
    kind: RunKind
    title: str
    model: str
    recipe: str
    target: str | None
    seed: int | None
    benchmark: str
    state: RunState
    why: str = Field(description="in words: what it waits for, what it does, how it ended")
    phase: Phase | None
    step: int
    total_steps: int
    rate: float | None = Field(description="steps per second over the last while")
    eta_seconds_low: float | None
    eta_seconds_high: float | None
    heartbeat_age_seconds: float | None
    attempt: int
    preemptions: int
    priority: int
    worker: str | None
    created_at: datetime
    queued_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    cancel_requested_at: datetime | None
    error: RunError | None
    skipped_because: int | None
    parents: list[int]
    children: list[int]
    experiments: list[int]
    parameters: int | None = Field(description="counted from the checkpoint it loaded")
    parameters_non_embedding: int | None
    cost: Cost | None
    artifact: str | None
    brought: bool = Field(default=False, description="it was computed elsewhere and came in a file")


class Turn(View):
    """When a run's turn is: a priority, a place among all that wait for the same class of device, or right before another run."""

    model_config = ConfigDict(extra="forbid")

    priority: int | None = Field(default=None, ge=-1000, le=1000, description="higher ones come first")
    place: Literal["first", "last"] | None = None
    before: int | None = Field(default=None, ge=1, lt=2**63, description="id of a run that waits or is queued")

    @model_validator(mode="after")
    def _one_of_them(self) -> Turn:
        if [self.priority, self.place, self.before].count(None) != 2:
            raise ValueError("exactly one of priority, place and before is required")
        return self


class AttemptView(View):
    number: int
    worker: str
    started_at: datetime
    ended_at: datetime | None
    outcome: str | None
    resumed_from_step: int | None
    detail: str | None
    checkpoint_step: int | None = Field(default=None, description="of the last checkpoint that it saved")
    rejected: list[str] = Field(default=[], description="checkpoints that it passed over on resuming, and why")


class LearningView(View):
    """How a training ended. One that failed never got below guessing: what starts from it is in no gain."""

    loss: float = Field(description="mean training loss over its last steps, in nats")
    guess: float = Field(description="of the best answer that does not look at the text, in nats")
    failed: bool


class RunDetail(View):
    run: RunView
    spec: dict[str, Any]
    attempts: list[AttemptView]
    environment: dict[str, str] | None
    brought: BroughtView | None = Field(default=None, description="null where it was computed here")
    packages: list[str] | None = Field(
        default=None,
        description="name==version of all that was installed where it ran; null of runs from before it was kept",
    )
    learning: LearningView | None = Field(
        default=None,
        description="of a fine-tune or an intermediate run on one task of labels, options or spans, once it is done",
    )
    parameters_trainable: int | None = Field(
        description="weights that it trained, heads included; null where it trained none, and of runs from before they were counted"
    )
    utilisation: float | None = Field(
        default=None,
        description="model FLOPs a second over the whole run, as a share of what a matrix product was measured to attain on the device; "
        "null where that was not measured in this precision",
    )


class ScoreView(View):
    run: int
    language: str
    metric: str
    value: float
    n: int


class Curve(View):
    """One curve of a run: ``loss``, ``learning_rate``, ``dev/accuracy`` …; at most ``limit`` points, evenly thinned."""

    name: str
    steps: list[int]
    values: list[float]


class LogLine(View):
    id: int
    at: datetime
    level: Literal["debug", "info", "warning", "error"]
    attempt: int
    message: str


class WorkerView(View):
    name: str
    queues: list[str]
    slots: int
    device: str
    memory_bytes: int | None = Field(description="of its smallest GPU, or of the host; null: not known")
    rates: dict[str, float] | None = Field(
        default=None,
        description="FLOP/s of a matrix product of this precision in one slot, as measured when it started",
    )
    started_at: datetime
    seen_age_seconds: float
    drained_at: datetime | None = Field(
        default=None, description="since when it takes nothing new; what it works on goes on to its end"
    )
    running: list[int]


class QueueView(View):
    """How many runs are not done yet, and who is there to do them."""

    waiting: int = Field(description="runs that wait for other runs")
    queued: int = Field(description="runs that wait for a worker")
    running: int
    workers: list[WorkerView]


# --- preview ----------------------------------------------------------------------------------------------


class Band(View):
    """A forecast: median with the range that should hold four times out of five."""

    low: float
    median: float
    high: float


class CellView(View):
    model: str
    recipe: str
    target: str
    seed: int
    status: Literal["to run", "reused", "not applicable"]
    reason: str | None


class SettingsView(View):
    """What one stage will be trained with. ``models`` are those that do it in this way; ``changed``: what the request sets, with
    what it would be without."""

    stage: Literal["intermediate", "target"]
    name: str = Field(description="of the recipe up to this stage, or of the target")
    models: list[str]
    learning_rate: float
    batch_size: int
    steps: int
    epochs: float = Field(description="what the steps come to")
    examples: int | None = Field(description="null: all")
    max_length: int
    warmup: float = Field(description="share of the steps; `warmup_steps` wins where it is not null")
    warmup_steps: int | None
    weight_decay: float
    frozen: int
    lora_rank: int | None = Field(description="null: every weight that is not frozen is trained")
    lora_alpha: float | None
    lora_dropout: float | None
    reason: str = Field(description="whose settings these are")
    changed: dict[str, float | None]


class MemoryView(View):
    """The peak of a model's most demanding run."""

    model: str
    run: str = Field(description="which run that is, in words")
    whole_bytes: int = Field(description="its batches computed as a whole")
    least_bytes: int = Field(
        description="one item at a time, its layers computed twice; weights divided, where they may be"
    )
    sharded_bytes: int | None = Field(
        default=None, description="with weights divided over the devices of the run; null where they may not be"
    )
    weights_bytes: int = Field(description="of these: weights, gradients and the optimizer's moments")
    how: str = Field(description="in words: how it will be computed where the known workers are")


class RunForecast(View):
    """What each of the runs to do that differ in their seed alone will take."""

    kind: RunKind
    model: str
    recipe: str
    target: str | None
    runs: int = Field(description="how many these are")
    device_hours: Band | None = Field(description="of one of them; null: nothing measured yet to forecast from")
    energy_kwh: Band | None = Field(description="of one of them; null: not measured")
    memory_bytes: int = Field(description="at the peak, its batches computed as a whole")
    done_after_hours: Band | None = Field(
        description="until the last of them is done; null: no worker is alive, or no forecast"
    )
    rests_on: str | None = Field(description="what the forecast rests on, in words")


class ForecastRecord(View):
    """How good forecasts of some runs were."""

    name: str = Field(description="all, what the forecast rested on, or a kind of run")
    runs: int = Field(description="that had a forecast when they began")
    without: int = Field(description="that began before anything like it had ended, and so had none")
    error: float | None = Field(description="median of |forecast − taken| / taken, in device-seconds")
    coverage: float | None = Field(description="share that took what the band said")


class ForecastCheck(View):
    """Finished runs of here, each forecast again from what had ended when it began, beside what it took."""

    said: str
    nominal: float = Field(description="share that the band should hold at least")
    all: ForecastRecord
    by: list[ForecastRecord]


class StageCost(View):
    """What runs of one kind cost, or all of them: each pair by itself, and shared. ``reused``: those of the shared that are done."""

    stage: str = Field(description="a kind of run, or all")
    naive_runs: int
    shared_runs: int
    reused_runs: int
    naive_flops: float = Field(description="analytic, of rows padded to their longest allowed length")
    shared_flops: float
    reused_flops: float
    naive_hours: float | None = Field(description="device-hours; null: nothing measured to forecast from")
    shared_hours: float | None
    reused_hours: float | None


class GridCost(View):
    """What a grid costs where every pair is trained from the base model by itself, and where equal work is done once."""

    stages: list[StageCost]
    all: StageCost
    ratio: float | None = Field(description="shared / naive, in FLOPs; null where nothing is to be computed")
    ratio_hours: float | None = Field(description="the same in device-hours")
    said: str


class Preview(View):
    """What submitting would do, without doing it."""

    cells: int
    runs: int
    runs_to_do: int
    runs_reused: int
    by_kind: dict[RunKind, int]
    not_applicable: list[CellView]
    device_hours: Band | None = Field(description="null: nothing measured yet to forecast from")
    hours_until_done: Band | None
    disk_bytes: int
    memory: list[MemoryView] = Field(description="one entry a model, in the order of the request")
    notes: list[str] = Field(description="what else there is to know before it is submitted")
    cost: GridCost
    energy_kwh: Band | None = Field(
        default=None, description="of the devices alone; null: not measured, which is not zero"
    )
    energy_from: str = Field(default="", description="what the energy rests on, in words, or why it is not known")
    by_run: list[RunForecast] = Field(
        default=[], description="runs to do, those that differ in their seed alone as one"
    )
    forecast_from: str = Field(description="what the forecast rests on, in words")
    forecast_record: str = Field(description="how good such forecasts were here, in words")
    settings: list[SettingsView] = Field(description="what each stage and target will be trained with, and why")
    oracle: str | None = Field(description="what oracle selection costs, in words; null where it is not asked for")
    seeds_can_show: str
    same_data_twice: list[str] = Field(description="recipe → target pairs left out of headline means")
    fingerprint: str = Field(description="digest of the plan: equal for equal experiments")


# --- what is to be expected ---------------------------------------------------------------------------------


class ExpectedGain(View):
    """Of a cell that was not run. No result: it is in no mean and no test."""

    recipe: str
    language: str
    expected: float = Field(description="points, from neighbours in size, family, tasks, target and language")
    low: float = Field(description="four out of five expectations that were checked lay within low and high")
    high: float
    neighbours: list[str] = Field(description="known rows with most weight, and their share of all of it")


class ExpectedGains(View):
    said: str = Field(description="how wrong such expectations are, beside the plain mean, in words")
    error: float | None = Field(
        description="mean absolute error over known cells, each left out with its row; null: too few"
    )
    error_of_mean: float | None = Field(description="the same of the mean of all other rows")
    cells: list[ExpectedGain]


# --- gains -------------------------------------------------------------------------------------------------


NotZeroShot = Annotated[
    list[str],
    Field(
        exclude_if=operator.not_,
        description="languages but English in which the shown runs were trained on (translated) rows",
    ),
]


PerSeed = Annotated[
    list[float],
    Field(exclude_if=operator.not_, description="scores in points, one for each of ``seeds``, in their order"),
]


class GainCell(View):
    """One cell of the heatmap: a gain with its uncertainty, or the reason why there is none."""

    recipe: str
    language: str
    missing: Missing | None
    why_missing: str | None
    gain: float | None
    low: float | None
    high: float | None
    sd: float | None
    baseline: float | None
    treated: float | None
    n: int
    seeds: list[int | None]
    differences: list[float]
    p_t: float | None
    p_sign_flip: float | None
    q: float | None
    detectable: float | None
    verdict: Verdict | None
    examples: int | None
    runs: list[int]
    baseline_runs: list[int]
    left_out: list[str] = Field(default=[], description="runs that are done and in no gain, and why, in words")
    treated_scores: PerSeed = []
    baseline_scores: PerSeed = []
    settings: Annotated[str | None, Field(exclude_if=operator.not_)] = Field(
        default=None, description="under which of the matrix's ``choices`` it was taken"
    )
    others: Annotated[list[str], Field(exclude_if=operator.not_)] = Field(
        default=[], description="``choices`` under which this cell has a gain too"
    )


class SettingsChoice(View):
    """Settings of fine-tuning, data, precision and device that gains of one model and target were taken under: a gain is a
    difference within one of them."""

    name: str
    title: str = Field(description="what they have that the others have not")
    gains: int
    seeds: int = Field(description="most seeds of any of these gains")
    shown: int = Field(description="cells that show them where none is chosen")


class RecipeRow(View):
    """A row of the heatmap. ``mean_transfer`` is over k of the n languages but English; ``mean_all`` is over these k and English,
    and null where English is not among the languages that are averaged."""

    recipe: str
    title: str
    same_data_twice: bool
    mean_all: float | None
    mean_transfer: float | None
    k: int
    n: int
    device_hours_marginal: float | None = Field(description="this recipe's intermediate, fine-tune and evaluate runs")
    device_hours_amortised: float | None = Field(
        description="the intermediate run shared out over the targets using it"
    )
    not_zero_shot: NotZeroShot = []


class Axes(View):
    """What rows and columns of a matrix are, where they are not recipes and languages. ``RecipeRow.recipe`` and ``GainCell.recipe`` are
    names of rows then, ``GainCell.language`` of columns."""

    rows: Literal["recipe", "target", "model"]
    columns: Literal["language", "target"]
    recipe: str | None = Field(description="that every cell is of, where rows are no recipes")
    recipes: list[str] = Field(description="recipes with any run here, to choose from")
    over: str | None = Field(description="which languages each cell is a mean over, in words; null: cells are of one")
    support: dict[str, str] = Field(description="of means, ``recipe.target`` → over how many languages, in words")
    family: str = Field(description="the cells that each q is corrected over, in words")


class GainMatrix(View):
    """Everything the heatmap of one model, target and metric shows. No figure computes anything."""

    model: str
    target: str
    metric: str
    benchmark: str
    synthetic: bool
    baseline: str
    languages: list[str]
    recipes: list[RecipeRow]
    cells: list[GainCell]
    models: list[str] = Field(description="models with any run of this benchmark, for the picker")
    targets: list[str]
    metrics: list[str]
    runs_pending: int = Field(description="runs of this model and target that have not ended")
    updated_at: datetime | None
    settings: Annotated[str | None, Field(exclude_if=operator.not_)] = Field(
        default=None,
        description="what was chosen of ``choices``; null: each cell shows those with most seeds, then the latest run",
    )
    choices: Annotated[list[SettingsChoice], Field(exclude_if=operator.not_)] = Field(
        default=[], description="where gains were taken under several settings"
    )
    axes: Annotated[Axes | None, Field(exclude_if=operator.not_)] = Field(
        default=None, description="what rows and columns are, where they are not recipes and languages"
    )


def _absent(value: object) -> bool:
    return value is None


#: None where a run that belongs to it was not measured; older snapshots have none of these.
Measured = Annotated[float | None, Field(exclude_if=_absent, description="absent: not measured of every run")]


class TradeoffPoint(View):
    model: str
    parameters: int
    parameters_non_embedding: int
    recipe: str
    target: str
    metric: str
    language: str = Field(description="a code, mean_all or mean_transfer, or a group: family:Turkic, resource:low")
    gain: float
    low: float | None
    high: float | None
    n: int
    device_class: DeviceClass
    device: str
    device_hours_marginal: float
    device_hours_amortised: float
    same_data_twice: bool
    not_zero_shot: NotZeroShot = []
    energy_kwh_marginal: Measured = None
    energy_kwh_amortised: Measured = None
    flops_marginal: Measured = None
    flops_amortised: Measured = None
    flops_counted_marginal: Measured = None
    flops_counted_amortised: Measured = None
    k: int | None = Field(default=None, description="languages that the gain is the mean of; null of one language")
    asked: int | None = Field(default=None, description="languages that it was asked for; null of one language")


# --- overview ----------------------------------------------------------------------------------------------


class PairView(View):
    """One model, recipe and target: the mean gain over the transfer languages, and what it cost."""

    model: str
    recipe: str
    target: str
    metric: str
    gain: float
    low: float | None
    high: float | None
    k: int = Field(description="languages in the mean, of n")
    n: int
    seeds: int
    verdict: Verdict | None = Field(description="of the mean, by its interval over seeds; null where it has none")
    device_class: DeviceClass
    device_hours_marginal: float
    gain_per_device_hour: float | None = Field(description="null where the gain is not positive, or nothing was spent")
    same_data_twice: bool
    not_zero_shot: NotZeroShot = []


class Overview(View):
    """What has been learnt so far from one benchmark, in one screen."""

    source: str
    benchmark: str
    synthetic: bool
    verdicts: dict[Verdict, int] = Field(description="cells by verdict: model × recipe × target × language")
    cells: int = Field(description="cells with a gain")
    cells_possible: int = Field(description="cells of every model, recipe and target that was asked for")
    best: PairView | None = Field(description="largest mean gain, same data twice and controls left out")
    best_per_hour: PairView | None = Field(description="largest mean gain per device-hour, by the same rule")
    pairs: list[PairView]
    models: list[str]
    recipes: list[str]
    targets: list[str]
    device_hours: dict[DeviceClass, float] = Field(description="spent by all done runs of the benchmark")
    runs_done: int
    experiments: int


# --- snapshots ---------------------------------------------------------------------------------------------

SnapshotKind = Literal["explore", "tradeoff"]


def _printable(text: str) -> str:
    """What people wrote for people: lines of characters that can be seen."""
    text = text.strip()
    for line in text.split("\n"):
        if not line.replace("\t", " ").isprintable():
            raise ValueError("the text holds control characters")
    return text


def _one_line(text: str) -> str:
    text = _printable(text)
    if not text or "\n" in text:
        raise ValueError("one line of text is required")
    return text


class SnapshotRequest(View):
    """What to freeze. ``view`` is the address of the page as it stands, such as ``/explore?model=mini-4&target=xnli``;
    it says what is frozen and how it is shown first."""

    view: str = Field(min_length=1, max_length=2000)
    title: Annotated[str, Field(min_length=1, max_length=120), AfterValidator(_one_line)]
    note: Annotated[str, Field(max_length=2000), AfterValidator(_printable)] = ""
    anonymous: bool = Field(default=False, strict=True, description="leave out names of experiments and workers")
    expires_days: int | None = Field(default=None, strict=True, ge=1, le=3650, description="null: never")


class FrozenRun(View):
    """Where a frozen number comes from."""

    id: int
    fingerprint: str
    kind: RunKind
    title: str
    model: str
    recipe: str
    target: str | None
    seed: int | None
    engine: int
    device: str | None
    device_class: DeviceClass
    precision: str
    device_seconds: float | None
    finished_at: datetime | None
    parents: list[str] = Field(description="fingerprints")


class SnapshotContent(View):
    """What is frozen, whole; its SHA-256 over canonical JSON is the snapshot's address. No title, no date: equal numbers
    have equal addresses."""

    version: Literal[1]
    kind: SnapshotKind
    view: str
    benchmark: str
    synthetic: bool
    matrix: GainMatrix | None
    points: list[TradeoffPoint] | None
    runs: list[FrozenRun]
    experiments: list[str] = Field(description="names; empty where anonymous")


class SnapshotPreview(View):
    """Exactly what would leave."""

    content: SnapshotContent
    sha256: str
    bytes: int
    reach: str = Field(description="in words: who can open the link that would be made")


class SnapshotView(View):
    """One entry of the list of shares. The token is not in it: it is shown once, when the link is made."""

    id: int
    sha256: str
    kind: SnapshotKind
    view: str
    title: str
    note: str
    anonymous: bool
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    opened: int
    last_opened_at: datetime | None
    bytes: int
    runs: int


class SnapshotMade(View):
    snapshot: SnapshotView
    token: str
    url: str = Field(description="whole address where a public one is set, else the address on this machine")
    reach: str


class Shared(View):
    """What a share link shows."""

    title: str
    note: str
    frozen_at: datetime
    expires_at: datetime | None
    sha256: str
    content: SnapshotContent


class Health(View):
    status: Literal["ok", "degraded"]
    version: str
    checks: dict[str, str]
