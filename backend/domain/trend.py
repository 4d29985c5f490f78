"""The fitted line on the trade-off: its schemas. ``backend.store.trend`` fills them in."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from backend.domain.schemas import View

Size = Literal["parameters", "non-embedding"]


class TrendPoint(View):
    x: float = Field(description="parameters")
    gain: float
    low: float = Field(description="95 % band of the mean")
    high: float


class Trend(View):
    """How the mean gain over recipes changes with model size on one target, or in one language of it. Where the data do not
    identify it: ``why``, and no numbers."""

    target: str
    language: str = Field(description="a code, or what the gains are over: mean_transfer, family:…, resource:…")
    estimate: float | None = Field(description="points of gain per ten-fold parameters")
    low: float | None
    high: float | None
    verdict: Literal["more", "less", "no evidence", "not enough evidence"]
    why: str | None
    line: list[TrendPoint]
    gains: int = Field(description="of single seeds, that it rests on")
    models: int
    seeds: int = Field(description="fewest seeds of any of these models")
    languages: int


class Trends(View):
    x: Size
    why: str | None = Field(description="why nothing is fitted at all; null where each trend says it for itself")
    trends: list[Trend]
