"""What travels over HTTP: one set of shapes for API, dashboard, command line and export.

Answers have no defaults: what a schema names is always there, ``null`` where there is none. Times are UTC (RFC 3339),
scores points 0–100, missing numbers ``null`` with a reason, never NaN.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from backend.domain.experiment import ExperimentRequest
from backend.domain.gains import Missing, Verdict
from backend.domain.run import DeviceClass, Phase, RunKind, RunState

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


class ModelView(View):
    name: str
    title: str
    family: str
    checkpoint: str | None
    revision: str | None
    layers: int
    hidden: int
    parameters: int
    parameters_non_embedding: int
    sources: list[str]
    licence: str


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


class AttemptView(View):
    number: int
    worker: str
    started_at: datetime
    ended_at: datetime | None
    outcome: str | None
    resumed_from_step: int | None
    detail: str | None


class RunDetail(View):
    run: RunView
    spec: dict[str, Any]
    attempts: list[AttemptView]
    environment: dict[str, str] | None


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
    started_at: datetime
    seen_age_seconds: float
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
    forecast_from: str = Field(description="what the forecast rests on, in words")
    seeds_can_show: str
    same_data_twice: list[str] = Field(description="recipe → target pairs left out of headline means")
    fingerprint: str = Field(description="digest of the plan: equal for equal experiments")


# --- gains -------------------------------------------------------------------------------------------------


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


class RecipeRow(View):
    """A row of the heatmap. ``mean_transfer`` is over k of the n languages but English; ``mean_all`` takes English in."""

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


class TradeoffPoint(View):
    model: str
    parameters: int
    parameters_non_embedding: int
    recipe: str
    target: str
    metric: str
    language: str = Field(description="a code, or mean_all or mean_transfer")
    gain: float
    low: float | None
    high: float | None
    n: int
    device_class: DeviceClass
    device: str
    device_hours_marginal: float
    device_hours_amortised: float
    same_data_twice: bool


class Health(View):
    status: Literal["ok", "degraded"]
    version: str
    checks: dict[str, str]
