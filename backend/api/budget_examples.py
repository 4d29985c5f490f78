"""What a portfolio and a fitted line look like, for ``examples``."""

from __future__ import annotations

from pydantic import BaseModel

from backend.domain.portfolio import Portfolio, PortfolioCell, PortfolioStage
from backend.domain.run import DeviceClass
from backend.domain.trend import Trend, TrendPoint, Trends
from backend.store.portfolio import RULE


def budget(model: str) -> tuple[BaseModel, ...]:
    names = [f"intermediate squad, {model}", f"fine-tune on mnli after squad, {model}"]
    cell = PortfolioCell(
        model=model, recipe="squad", target="xnli", metric="accuracy", gain=3.1, low=0.4, high=5.8, n=3, own=0.01, stages=names
    )  # fmt: skip
    stages = [
        PortfolioStage(name=names[0], kind="intermediate", cost=0.03, used_by=1),
        PortfolioStage(name=names[1], kind="finetune", cost=0.02, used_by=1),
    ]
    chosen = Portfolio(
        unit="hours", device_class=DeviceClass.CPU, budget=0.1, seeds=3, spent=0.06, gain=3.1, bound=3.1, optimal=True, cells=[cell],
        stages=stages, considered=4, everything=0.2, not_considered=["1 cell (no gain above zero)"], rule=RULE,
    )  # fmt: skip
    point = TrendPoint(x=1.1e6, gain=2.9, low=1.8, high=4.0)
    trend = Trend(
        target="xnli", language="mean_transfer", estimate=1.4, low=-0.6, high=3.4, verdict="no evidence", why=None, line=[point],
        gains=72, models=3, seeds=3, languages=8,
    )  # fmt: skip
    return cell, *stages[:1], chosen, point, trend, Trends(x="parameters", why=None, trends=[trend])
