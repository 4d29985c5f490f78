"""What a reader can choose on Trade-off, what there is to choose from, and the state that the choices make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import dash_mantine_components as dmc
from dash import html

from backend.domain.language import GROUPS, LANGUAGES
from backend.domain.schemas import TradeoffPoint
from dashboard import budget, controls, standing, weighing, words
from dashboard.links import Axis, Tradeoff
from dashboard.shell import aria
from dashboard.standing import Standing

#: Name of a control, which is that of its parameter. Those in ``DISPLAY`` show the same numbers otherwise.
CONTROLS = (
    "source", "target", "metric", "languages", "panels", "x", "cost", "device", "colour", "trend", "budget", "seeds", "published", "view",
)  # fmt: skip
DISPLAY = frozenset({"target", "panels", "x", "cost", "device", "colour", "trend", "budget", "seeds", "published"})
SWITCHES = frozenset({"published", "trend"})
HOLDS = {name: "checked" if name in SWITCHES else "value" for name in CONTROLS}
ALL = "all"  # targets
AXES: dict[Axis, str] = {
    x: ", ".join(filter(None, (name[0].upper() + name[1:], kind))) for x, (name, kind) in weighing.AXES.items()
}
UNITS = {"hours": "hours", "energy": "kWh", "flops": "10¹⁵ FLOPs", "flops-counted": "10¹⁵ FLOPs"}


def axes(points: Sequence[TradeoffPoint], state: Any) -> list[Any]:
    """Those on which one of these points has a place, and the one that is chosen in any case; none for what has no axis."""
    if not isinstance(state, Tradeoff):
        return []
    there = [name for name in AXES if weighing.looked_at(points, replace(state, x=name))]
    return controls.options(there, state.x, AXES.get)


def filters(found: Standing) -> Any:
    state = found.state
    return html.Div(
        [
            controls.pick("tradeoff-source", "Benchmark", controls.SOURCES, state.source),
            controls.pick("tradeoff-target", controls.turning("Target"), target_options(found), state.target or ALL),
            html.Div(
                controls.pick("tradeoff-metric", "Metric", metric_options(found), metric(found)),
                id="tradeoff-metric-box",
                hidden=state.target is None,
                className="pick-box",
            ),
            controls.pick("tradeoff-languages", "Gain over", languages(), state.languages, searchable=True),
            controls.choose(
                "tradeoff-panels", "A panel for each", {"targets": "Target", "languages": "Language"}, state.panels
            ),
            controls.pick("tradeoff-x", "Against", [{"value": v, "label": t} for v, t in AXES.items()], state.x),
            html.Div(
                controls.choose(
                    "tradeoff-cost",
                    "Intermediate run",
                    {"marginal": "Paid in full", "amortised": "Shared out"},
                    state.cost,
                ),
                id="tradeoff-cost-box",
                hidden=not weighing.spends(state),
            ),
            html.Div(
                controls.pick("tradeoff-device", "Device", device_options(found), _device(found)),
                id="tradeoff-device-box",
                hidden=one_device(found),
                className="pick-box",
            ),
            controls.choose("tradeoff-colour", "Colour", {"recipe": "Recipe", "model": "Model"}, state.colour),
            html.Div(_switch("tradeoff-trend", "Fitted line", "with its band", state.trend == "on"), id="tradeoff-trend-box", hidden=weighing.spends(state)),
            controls.published("tradeoff", state.source, state.published),
            controls.choose("tradeoff-view", "As", {"figure": "Figure", "table": controls.table_label()}, state.view),
            _budget(found),
        ],
        className="filters",
        role="group",
        **aria(label="What to show"),
    )  # fmt: skip


def _switch(id: str, label: str, says: str, checked: bool) -> Any:
    return html.Div(
        [html.Span(label, className="pick-label", **aria(hidden="true")), dmc.Switch(id=id, checked=checked, size="md", label=says, className="fade")],
        className="choose",
    )  # fmt: skip


def _budget(found: Standing) -> Any:
    """How much there is to spend, as a number and as a slider of round ones, and for how many seeds."""
    state = found.state
    marks = slider_marks()
    at = next((m["value"] for m in marks if state.budget is not None and m["amount"] >= state.budget), 0)
    return html.Div(
        [
            dmc.NumberInput(
                id="tradeoff-budget", label=["I have, in ", html.Span(UNITS.get(state.x, "hours"), id="tradeoff-budget-unit")],
                value=state.budget if state.budget is not None else "", placeholder="no budget", size="sm", min=0, allowNegative=False,
                hideControls=True, debounce=400, className="pick short",
            ),
            html.Div(
                [
                    html.Span("Budget", className="pick-label", **aria(hidden="true")),
                    dmc.Slider(
                        id="tradeoff-slide", value=at, min=0, max=max((m["value"] for m in marks), default=1), step=1, marks=marks,
                        thumbLabel="Budget", label=None, restrictToMarks=True, size="sm", className="budget-slider", updatemode="mouseup",
                    ),
                ],
                className="budget-slide",
            ),
            dmc.NumberInput(
                id="tradeoff-seeds", label="for seeds", value=state.seeds, size="sm", min=1, max=99, allowDecimal=False, debounce=400,
                className="pick seeds",
            ),
        ],
        id="tradeoff-budget-box",
        className="budget-box",
        hidden=not weighing.spends(state),
    )  # fmt: skip


def slider_marks() -> list[dict[str, Any]]:
    """Nothing, then round budgets; every other power of ten is named. ``amount`` is what the slider puts into the number."""
    marks: list[dict[str, Any]] = [{"value": 0, "label": "none", "amount": 0}]
    for i, amount in enumerate(budget.AMOUNTS, start=1):
        named = {"label": {1e4: "10 k", 1e6: "1 M"}.get(amount, f"{amount:g}")} if i % 6 == 4 else {}
        marks.append({"value": i, "amount": amount, **named})
    return marks


def target_options(found: Standing) -> list[Any]:
    return [
        {"value": ALL, "label": "All targets"},
        *controls.options(found.targets, found.state.target, words.task_title),
    ]


def metric_options(found: Standing) -> list[Any]:
    return controls.options(standing.metrics(found.state.target), metric(found), words.metric_title)


def metric(found: Standing) -> str | None:
    every = standing.metrics(found.state.target)
    return found.state.metric or (every[0] if every else None)


def languages() -> list[dict[str, Any]]:
    means = [
        {"value": "mean_transfer", "label": "Transfer languages"},
        {"value": "mean_all", "label": "All, with English"},
    ]
    levels = [{"value": g, "label": f"{g.partition(':')[2].capitalize()}-resource"} for g in GROUPS if g[0] == "r"]
    families = [{"value": g, "label": g.partition(":")[2]} for g in GROUPS if g[0] == "f"]
    codes = [{"value": c, "label": words.language_name(c)} for c in sorted(LANGUAGES, key=words.language_name)]
    return [
        {"group": "Means", "items": means},
        {"group": "Levels", "items": levels},
        {"group": "Families", "items": families},
        {"group": "One language", "items": codes},
    ]


def device_options(found: Standing) -> list[Any]:
    return [{"value": d.value, "label": words.device_time(d)} for d in weighing.devices(found.points)]


def _device(found: Standing) -> str | None:
    one = weighing.device(found.points, found.state)
    return one.value if one is not None else None


def one_device(found: Standing) -> bool:
    return not weighing.by_device(found.state) or len(weighing.devices(found.points)) < 2


def state_of(values: Sequence[Any], point: Any = None) -> Tradeoff:
    """What the controls say; whatever a browser sends, reading gives a state."""
    said: dict[str, Any] = {**dict(zip(CONTROLS, values, strict=True)), "point": point}
    if said["target"] == ALL:
        said["target"] = None
    said["published"] = "off" if said["published"] is False else None
    said["trend"] = "on" if said["trend"] is True else None
    if said["x"] not in ("hours", "energy"):
        said["device"] = None
    if said["x"] not in UNITS:
        said["budget"] = said["seeds"] = None
    for name in ("budget", "seeds"):
        if isinstance(said[name], (int, float)) and not isinstance(said[name], bool):
            said[name] = f"{said[name]:.9g}"
    return Tradeoff.read({name: value for name, value in said.items() if isinstance(value, str) and value})
