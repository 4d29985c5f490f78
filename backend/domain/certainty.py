"""How sure a gain is, as it travels over HTTP: its intervals by name, and what else bears on it."""

from __future__ import annotations

from pydantic import Field

from backend.domain.schemas import View


class IntervalView(View):
    """A 95 % interval in points (of a relative gain in percent), or why there is none."""

    method: str = Field(description="how it was made, in words")
    low: float | None
    high: float | None
    refused: str | None = Field(description="why there is none; null exactly where both ends are given")
    caution: str | None = Field(description="what else to know of it")
    units: int | None = Field(description="independent test examples; null where examples have no part in it")
    seeds: int


class RecordView(View):
    """Independent test examples that score better with the recipe, the same, and worse, on the mean over seeds."""

    won: int
    tied: int
    lost: int


class GapView(View):
    """English minus the language, points: without the recipe, with it, and the change with its interval over seeds."""

    without: float
    treated: float
    change: float
    interval: IntervalView


class RankView(View):
    """Where a recipe stands among those of the same model, target and language, and how firmly."""

    place: int = Field(description="by mean gain, 1 is best")
    of: int = Field(description="recipes compared: those with a gain here and the same seeds")
    best: float = Field(description="share of resampled seeds in which it is best, 0 to 1")
    agreement: float | None = Field(
        description="Kendall's tau-b between the orders of two seeds, mean over all pairs; -1 to 1"
    )
    seeds: int


class Certainty(View):
    """How sure one cell, or the mean of one recipe, is. What needs stored predictions is null where ``without_predictions`` says why."""

    model: str
    target: str
    metric: str
    recipe: str
    language: str
    gain: float
    k: int | None = Field(default=None, description="languages that the gain is the mean of; null of one language")
    asked: int | None = Field(default=None, description="languages that it was asked for; null of one language")
    seeds: int
    over_seeds: IntervalView
    over_examples: IntervalView | None
    over_both: IntervalView | None
    without_predictions: str | None
    examples: int | None = Field(description="different test examples, of any language")
    units_are: str | None = Field(description="what is taken for independent, in words")
    from_seeds: float | None = Field(description="share of the mean's variance that more seeds would lessen, 0 to 1")
    record: RecordView | None
    relative: float | None = Field(
        description="percent of the baseline score (Vu et al. 2020); null of a mean over languages"
    )
    over_relative: IntervalView | None
    gap: GapView | None = Field(description="zero-shot gap to English; null of English and of a mean")
    detectable: float | None
    rank: RankView | None
    flags: list[str] = Field(
        description="runs that failed, diverged or were left out, in words: they are in no number here"
    )


class Bucket(View):
    """The gain on a part of the test examples."""

    name: str
    examples: int
    units: int
    seeds: int
    baseline: float
    treated: float
    gain: float
    interval: IntervalView


class Attribute(View):
    """One way to divide the test examples of a cell. ``missing``: why it cannot be done; then there are no buckets."""

    key: str
    title: str
    note: str = Field(description="what it is, and how its buckets were made")
    buckets: list[Bucket]
    missing: str | None
    languages: list[str] = Field(default=[], description="that all its buckets are over; each weighs the same")


class Buckets(View):
    """The gain of one cell or mean by attributes of its examples."""

    model: str
    target: str
    metric: str
    recipe: str
    language: str
    gain: float
    k: int | None = Field(default=None, description="languages that the gain is the mean of; null of one language")
    asked: int | None = Field(default=None, description="languages that it was asked for; null of one language")
    seeds: int
    examples: int | None
    attributes: list[Attribute]
    missing: str | None = Field(description="why nothing can be divided")
