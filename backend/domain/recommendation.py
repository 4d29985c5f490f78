"""What an answer about the next best experiment holds. Nothing in here is a result: it is in no mean, no test and no export."""

from __future__ import annotations

from pydantic import Field

from backend.domain.experiment import ExperimentRequest
from backend.domain.run import DeviceClass
from backend.domain.schemas import Band, View


class Expected(View):
    """What a row promises: points of gain over the baseline, the mean over its languages but English."""

    model: str
    recipe: str
    target: str
    metric: str
    expected: float
    low: float = Field(description="four out of five expectations that were checked lay within low and high")
    high: float


class Recommended(Expected):
    """A row that nobody has run, as an experiment."""

    languages: int = Field(description="but English: what the mean is over")
    best: float | None = Field(description="largest known mean gain of this model on this target; null: none is known")
    best_recipe: str | None
    improvement: float = Field(
        description="points above `best` to be expected (above 0 where that is lower or unknown); falling short counts as 0"
    )
    device_hours: Band | None = Field(
        description="of what would have to be computed, the baseline included; null: nothing to forecast from"
    )
    per_device_hour: float | None = Field(description="`improvement` per device-hour: what the list is ordered by")
    runs_to_do: int
    neighbours: list[str] = Field(description="known rows with most weight, and their share of all of it")
    request: ExperimentRequest = Field(description="to preview or submit as it is")


class Repetition(View):
    """The largest experiment again with as many seeds as a verdict takes: until then more rows would be more of what cannot be told from chance."""

    cells: int = Field(description="gains over fewer seeds than a verdict takes")
    of: int = Field(description="all gains that recommendations rest on")
    device_hours: Band | None = Field(description="of what would have to be computed; null: nothing to forecast from")
    runs_to_do: int
    request: ExperimentRequest = Field(description="to preview or submit as it is")


class TrackRecord(View):
    """How wrong expectations of whole rows are, in one metric: mean absolute errors in points."""

    metric: str
    rows: int
    error: float = Field(description="each known row left out in turn, expected from its neighbours")
    error_of_mean: float = Field(description="the same by the plain mean of all other rows")
    said: str


class ActedOn(Expected):
    """A row that an experiment asked for when it was unknown and that has a gain now. The expectation is that of then."""

    experiment: int
    found: float
    mean_then: float = Field(description="the mean of all rows that were known then, the plainest expectation")


class Recommendations(View):
    """What to run next, best first."""

    said: str = Field(description="what the order is by and how far it can be believed, in words")
    repeat: Repetition | None = Field(
        description="what comes before all of them, where most gains are over too few seeds for a verdict"
    )
    items: list[Recommended]
    candidates: int = Field(description="rows that were looked at")
    seeds: list[int] = Field(description="that every experiment of the list has")
    device_class: DeviceClass
    records: list[TrackRecord]
    acted_on: list[ActedOn] = Field(description="the latest first")
    acted_on_said: str


class ExpectedRows(View):
    """Of an experiment that was asked about: its rows without a gain."""

    said: str = Field(description="how wrong such expectations are, in words; or why there is none")
    rows: list[Expected]
    known: int = Field(description="rows of it that have a gain already")
