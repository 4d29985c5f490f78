"""What to run for so much: the schemas of a portfolio under a budget. ``backend.statistics.portfolio`` chooses."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from backend.domain.run import DeviceClass
from backend.domain.schemas import View

Unit = Literal["hours", "kwh", "flops", "flops_counted"]


class PortfolioCell(View):
    """One model, recipe and target that was chosen."""

    model: str
    recipe: str
    target: str
    metric: str
    gain: float
    low: float | None
    high: float | None
    n: int = Field(description="seeds that the gain rests on")
    own: float = Field(description="of its evaluation, for all seeds")
    stages: list[str] = Field(description="names of the trainings that it needs")


class PortfolioStage(View):
    """A training that chosen cells need; it is paid once, however many of them use it."""

    name: str
    kind: Literal["intermediate", "finetune"]
    cost: float = Field(description="for all seeds")
    used_by: int = Field(description="chosen cells")


class Portfolio(View):
    unit: Unit
    device_class: DeviceClass | None = Field(description="whose hours or energy these are; null: FLOPs, of any device")
    budget: float
    seeds: int
    spent: float
    gain: float = Field(description="sum of the gains of the chosen cells, points")
    bound: float = Field(description="no choice within the budget has a larger sum")
    optimal: bool = Field(description="the sum is as large as any, to a ten-thousandth")
    cells: list[PortfolioCell]
    stages: list[PortfolioStage]
    considered: int = Field(description="cells that could be chosen")
    everything: float = Field(description="what the best recipe of every model and target would take together")
    not_considered: list[str] = Field(description="what was not, and why, in words")
    rule: str
