"""What every interval here says of itself: its ends, its method by name, and how much it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

LEVEL = 0.95


class Method(StrEnum):
    """How an interval was made, in words that a page shows as they are."""

    PERCENTILE = "paired bootstrap over test examples, percentile"
    BCA = "paired bootstrap over test examples, BCa"
    BOTH = "seeds and test examples together, two-way variance components"
    SEEDS = "paired t over seeds"


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % interval, or why there is none.

    ``units`` are what is taken for independent (examples, or the paragraphs, premises or cases that hold several), ``differing``
    those of them on which the two sides differ in any seed. ``refused`` is None exactly where both ends are given; ``caution`` says
    what else to know.
    """

    low: float | None
    high: float | None
    method: Method
    units: int
    differing: int
    seeds: int
    refused: str | None = None
    caution: str | None = None

    def __post_init__(self) -> None:
        if (self.low is None) != (self.high is None) or (self.low is None) != (self.refused is not None):
            raise ValueError(f"an interval has two ends or a reason, not {self.low!r}, {self.high!r}, {self.refused!r}")
