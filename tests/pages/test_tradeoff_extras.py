"""Trade-off beyond points: what was not measured, panels of languages, a budget and fitted lines, as functions of an answer."""

from __future__ import annotations

import math
from typing import Any

import pytest
from dash.development.base_component import Component

from backend.domain.portfolio import Portfolio, PortfolioCell, PortfolioStage
from backend.domain.run import DeviceClass
from backend.domain.schemas import SnapshotContent, TradeoffPoint
from backend.domain.trend import Trend, TrendPoint, Trends
from dashboard import budget, figures, frozen, trend_line, weighing, words
from dashboard.links import Point, Tradeoff
from dashboard.standing import rows
from dashboard.tradeoff_controls import CONTROLS, slider_marks, state_of

pytestmark = [pytest.mark.filterwarnings("error")]


def point(model: str = "mini-2", recipe: str = "mnli", gain: float = 2.0, **changes: Any) -> TradeoffPoint:
    known: dict[str, Any] = {
        "model": model, "parameters": 1_000_000, "parameters_non_embedding": 400_000, "recipe": recipe, "target": "xnli",
        "metric": "accuracy", "language": "mean_transfer", "gain": gain, "low": gain - 1, "high": gain + 1, "n": 3,
        "device_class": "cpu", "device": "a processor", "device_hours_marginal": 2.0, "device_hours_amortised": 1.0,
        "same_data_twice": False,
    }  # fmt: skip
    return TradeoffPoint(**(known | changes))


def text(parts: Any) -> str:
    if isinstance(parts, (list, tuple)):
        return " ".join(text(p) for p in parts)
    return (
        text(getattr(parts, "children", None)) if isinstance(parts, Component) else "" if parts is None else str(parts)
    )


def names(figure: Any) -> list[str]:
    return [t["name"] for t in figure.to_plotly_json()["data"] if t.get("x") and t["x"][0] is not None]


def test_what_was_not_measured_has_no_place_and_is_said():
    measured, other = point(energy_kwh_marginal=0.5, energy_kwh_amortised=0.2), point(recipe="squad", gain=9.0)
    state = Tradeoff(x="energy")
    assert weighing.looked_at([measured, other], state) == [measured]
    assert weighing.cost(measured, state) == 0.5
    assert weighing.cost(measured, Tradeoff(x="energy", cost="amortised")) == 0.2
    assert math.isnan(weighing.cost(other, state))
    assert "1 point not drawn: their energy was not measured." in words.tradeoff_summary([measured, other], state)
    row = next(r for r in rows([measured, other], Tradeoff()) if r["recipe"].startswith("squad"))
    assert (row["kwh"], row["counted"]) == ("not measured", "not measured")
    assert weighing.looked_at([other], state) == []


def test_flops_are_of_any_device_and_energy_of_one():
    cpu = point(flops_marginal=2e15, energy_kwh_marginal=1.0)
    gpu = point(recipe="squad", flops_marginal=4e15, energy_kwh_marginal=0.1, device_class="cuda", device="a GPU")
    assert weighing.looked_at([cpu, gpu], Tradeoff(x="flops")) == [cpu, gpu]
    assert weighing.cost(cpu, Tradeoff(x="flops")) == 2.0  # 10¹⁵
    assert weighing.looked_at([cpu, gpu], Tradeoff(x="energy")) == [cpu]
    assert weighing.looked_at([cpu, gpu], Tradeoff(x="energy", device="cuda")) == [gpu]
    drawn = figures.tradeoff([cpu, gpu], Tradeoff(x="energy", device="cuda")).to_plotly_json()
    assert drawn["layout"]["xaxis"]["title"]["text"] == "kWh (GPU), paid in full (log)"
    assert "Pareto front" in names(figures.tradeoff([cpu, gpu], Tradeoff(x="flops")))


def test_panels_of_languages_have_fronts_of_their_own():
    cheap, dear = {"device_hours_marginal": 1.0}, {"device_hours_marginal": 3.0}
    points = [point(language="sw", gain=1.0, **cheap), point(recipe="squad", language="sw", gain=0.5, **dear),
              point(language="de", gain=1.0, **cheap), point(recipe="squad", language="de", gain=4.0, **dear)]  # fmt: skip
    state = Tradeoff(x="hours", panels="languages", target="xnli")
    assert weighing.panels(points) == [("xnli", "de"), ("xnli", "sw")]
    assert weighing.on_front(points, state) == {"mini-2/mnli/xnli@sw", "mini-2/mnli/xnli@de", "mini-2/squad/xnli@de"}
    assert Point.read("mini-2/squad/xnli@de") == Point("mini-2", "squad", "xnli", "de")
    assert "cell=squad.de" in weighing.cell_address(points[3], state)
    drawn = figures.tradeoff(points, state).to_plotly_json()
    assert [n["text"] for n in drawn["layout"]["annotations"]] == ["<b>German</b>", "<b>Swahili</b>"]


def test_no_more_panels_than_can_be_drawn_and_the_rest_is_said():
    codes = ["af", "ar", "az", "bg", "bn", "de", "el", "es", "et", "eu", "fa", "fi", "fr", "gu", "ha", "he", "hi", "hu"]
    points = [point(language=code) for code in codes]
    state = Tradeoff(panels="languages", target="xnli")
    assert len(weighing.looked_at(points, state)) == 16
    assert "2 languages not drawn: choose a group of languages" in words.tradeoff_summary(points, state)


NAMES = ["intermediate mnli, mini-2", "fine-tune on mnli after mnli, mini-2"]
BOUGHT = Portfolio(
    unit="hours", device_class=DeviceClass.CPU, budget=20.0, seeds=3, spent=6.0, gain=2.0, bound=2.0, optimal=True,
    cells=[PortfolioCell(model="mini-2", recipe="mnli", target="xnli", metric="accuracy", gain=2.0, low=1.0, high=3.0, n=3, own=0.3, stages=NAMES)],
    stages=[PortfolioStage(name=NAMES[0], kind="intermediate", cost=3.0, used_by=1), PortfolioStage(name=NAMES[1], kind="finetune", cost=2.7, used_by=1)],
    considered=4, everything=40.0, not_considered=["1 cell (no gain above zero)"], rule="The rule.",
)  # fmt: skip


def test_a_budget_shades_what_it_pays_for_and_rings_what_was_chosen():
    points = [point(), point(recipe="squad", device_hours_marginal=40.0)]
    state = Tradeoff(x="hours", budget=20.0)
    drawn = figures.tradeoff(points, state, portfolio=BOUGHT)
    assert "portfolio" in names(drawn)
    (ring,) = [t for t in drawn.data if t.name == "portfolio"]
    assert (list(ring.x), list(ring.y)) == ([2.0], [2.0])
    area = next(s for s in drawn.layout.shapes if s.name == "within the budget")
    assert area.x1 == pytest.approx(20 / 3)  # for three seeds
    assert area.x0 == pytest.approx(10 ** drawn.layout.xaxis.range[0])
    said = text(budget.said(BOUGHT, state))
    assert (
        "With 20 h of a device (cpu) for 3 seeds the largest sum of gains is 2.0 points: 1 cell of 4, for 6 h." in said
    )
    assert "+2.0 [1.0, 3.0]" in said
    assert "2 trainings, each paid once" in said
    assert "Not considered: 1 cell (no gain above zero)." in said
    rough = BOUGHT.model_copy(update={"optimal": False, "bound": 2.4})
    assert "none is above 2.4" in budget.sentence(rough)
    assert budget.said(BOUGHT, Tradeoff()) == []  # an axis of sizes spends nothing


def test_the_slider_goes_from_none_through_round_budgets():
    amounts = [m["amount"] for m in slider_marks()]
    assert amounts[:5] == [0, 0.001, 0.002, 0.005, 0.01]
    assert amounts == sorted(amounts)
    assert [m["label"] for m in slider_marks() if "label" in m] == ["none", "0.01", "1", "100", "10 k", "1 M"]


def trend(estimate: float | None) -> Trends:
    line = [TrendPoint(x=1e6, gain=1.0, low=0.0, high=2.0), TrendPoint(x=1e7, gain=3.0, low=-9.0, high=15.0)]
    one = Trend(
        target="xnli", language="mean_transfer", estimate=estimate, low=None if estimate is None else 1.0,
        high=None if estimate is None else 3.0, verdict="more" if estimate else "not enough evidence",
        why=None if estimate else "gains at 2 sizes of models, and a line takes 3", line=line if estimate else [], gains=72, models=3,
        seeds=3, languages=8,
    )  # fmt: skip
    return Trends(x="parameters", why=None, trends=[one])


def test_a_fitted_line_with_its_band_and_why_there_is_none():
    state = Tradeoff(trend="on")
    drawn = figures.tradeoff([point()], state, trends=trend(2.0))
    assert names(drawn).index("band") < names(drawn).index(trend_line.NAME) < names(drawn).index("front")
    low, high = drawn.layout.yaxis.range
    assert low < -9 and high > 15  # the band is in sight
    assert "XNLI : +2.0 [1.0, 3.0] points, more (3 models, n=3, 8 languages, 72 gains)." in text(
        trend_line.said(trend(2.0), state)
    )
    assert "not enough evidence, gains at 2 sizes" in text(trend_line.said(trend(None), state))
    assert "band" not in names(figures.tradeoff([point()], state, trends=trend(None)))
    assert "No line is fitted on an axis of what is used up" in text(
        trend_line.said(None, Tradeoff(trend="on", x="hours"))
    )
    assert trend_line.said(trend(2.0), Tradeoff()) == []


def test_what_controls_say_is_a_state():
    said: dict[str, Any] = dict.fromkeys(CONTROLS) | {
        "source": "mini",
        "target": "all",
        "x": "hours",
        "budget": 20,
        "seeds": 5,
        "trend": True,
    }
    state = state_of([said[name] for name in CONTROLS])
    assert (state.budget, state.seeds, state.trend, state.target) == (20.0, 5, "on", None)
    assert state.address == "/tradeoff?budget=20&seeds=5&trend=on&x=hours"
    sizes = state_of([(said | {"x": "parameters"})[name] for name in CONTROLS])
    assert (sizes.budget, sizes.seeds) == (None, 3)
    odd = state_of([(said | {"budget": "-3", "seeds": "many"})[name] for name in CONTROLS])
    assert (odd.budget, odd.seeds) == (None, 3)


def test_a_snapshot_of_before_has_no_energy_and_its_rows_are_as_wide_as_their_head():
    content = SnapshotContent(
        version=1, kind="tradeoff", view="/tradeoff?panels=languages&budget=5&x=hours", benchmark="mini-XTREME-R", synthetic=True, matrix=None,
        points=[point(), point(recipe="squad", not_zero_shot=["sw"], flops_marginal=1e15)], runs=[], experiments=[],
    )  # fmt: skip
    head, *lines = frozen.as_csv(content, "ab").splitlines()
    assert {line.count(",") for line in lines} == {head.count(",")}
    assert "flops_marginal" in head
    assert frozen.draw(content, frozen.state(content))["light"]["data"]
