"""What the answer page shows: "what do model size and compute do to transfer?", as numbers and as a sentence.

``backend.statistics.answer`` fills these in; API, page and report read them. An effect that the data do not identify has no
number and a reason: it is never zero.
"""

from __future__ import annotations

from typing import Final, Literal

from pydantic import Field

from backend.domain.run import DeviceClass
from backend.domain.schemas import Band, View

SMALLEST_OF_INTEREST: Final = 1.0
"""Points of gain per ten-fold parameters or device-hours: a smaller change is called no change that matters. One point is what
seeds alone move a benchmark's average by (0.2 to 1 point over five seeds of published encoders on WikiANN and XQuAD), and what two
published baselines of one model differ by."""

Group = Literal["all", "low"]
Verdict = Literal["more", "less", "no evidence", "not enough evidence"]


class Effect(View):
    """One coefficient of a mixed-effects model. Where the data do not identify it: ``why``, and no numbers."""

    name: str = Field(description="size, hours, size:low, or format:…, resource:…, family:… against a reference")
    title: str
    unit: str = Field(description="what one unit of it is, in words")
    group: Group = Field(description="all: every language but English; low: low-resource languages alone")
    estimate: float | None = Field(description="points of gain")
    low: float | None = Field(description="95 % interval")
    high: float | None
    se: float | None
    df: float | None = Field(description="of Student's t, by Satterthwaite's rule")
    verdict: Verdict
    within_interest: bool = Field(description="the whole interval lies within the smallest effect of interest")
    why: str | None = Field(description="why there is not enough evidence")
    variances: dict[str, float] = Field(description="of the random effects, points²")
    share_of_languages: float | None = Field(
        description="of the variance of the estimate; what more seeds cannot make smaller"
    )
    gains: int = Field(description="gains of single seeds that it rests on, or without an estimate those there are")
    models: int
    seeds: int = Field(description="fewest seeds of any of these models")
    languages: int
    targets: int


class SizePoint(View):
    """The mean gain of one model, over languages first, then targets, adjusted for which cells it has."""

    model: str
    group: Group
    parameters: int
    parameters_non_embedding: int
    gain: float
    low: float | None = Field(description="95 % interval over seeds")
    high: float | None
    seeds: int
    cells: int = Field(
        description="recipe × target × language with a gain of this model; the mean is adjusted for the others"
    )
    of: int = Field(description="such cells that two models have at least, which is what models are compared on")


class LinePoint(View):
    group: Group
    parameters_non_embedding: float
    gain: float
    low: float
    high: float


class Efficiency(View):
    """What a device-hour buys at one size: mean gain over the cells that all models have, by mean marginal hours."""

    model: str
    parameters_non_embedding: int
    device_class: DeviceClass
    device: str
    hours: float = Field(description="marginal device-hours of one recipe, target and seed, mean over the same cells")
    gain: float
    gain_low: float | None
    gain_high: float | None
    per_hour: float
    per_hour_low: float | None = Field(description="95 % interval over seeds; the hours are taken as known")
    per_hour_high: float | None
    seeds: int
    cells: int = Field(description="recipe × target × language that the gain is the mean of")
    of: int = Field(description="such cells that any model has on this class of device")


class Sensitivity(View):
    left_out: str = Field(description="in words: what is different from the effect of size over everything")
    effect: Effect


class NextStep(View):
    """What to run so that the data can say more."""

    what: str
    why: str
    device_class: DeviceClass
    device_hours: Band | None = Field(description="null where nothing has been measured on this class yet")
    runs: int = Field(description="that do not exist yet")
    rests_on: str
    request: dict[str, object] | None = Field(
        description="as POST /experiments takes it; null where it cannot be planned here"
    )


class LeftOut(View):
    what: str
    gains: int
    why: str


class FailedRun(View):
    run: int
    title: str
    why: str


class Answer(View):
    source: str
    benchmark: str
    synthetic: bool
    format: str | None = Field(description="only targets of this format; null: all")
    device_class: DeviceClass | None = Field(description="whose hours are looked at; null: none measured")
    sentence: str = Field(description="what the data support, and no more")
    also: list[str] = Field(description="sentences that go with it")
    effects: list[Effect]
    points: list[SizePoint]
    line: list[LinePoint]
    efficiency: list[Efficiency]
    sensitivity: list[Sensitivity]
    next_steps: list[NextStep]
    left_out: list[LeftOut]
    failed: list[FailedRun] = Field(
        description="trainings that did not learn, and runs that failed or diverged: in no number"
    )
    methods: list[str]
    formats: list[str] = Field(description="formats there are gains of, to choose from")
    gains: int = Field(description="of single seeds, that the size effect was looked for in")
    data_sha256: str = Field(description="of the CSV of these gains, /answer/data")
