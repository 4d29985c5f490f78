"""What a reader can choose on Explore, and what there is to choose from."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import html

from backend.domain.experiment import BENCHMARKS
from backend.domain.task import Source
from dashboard import words
from dashboard.findings import Shown
from dashboard.shell import aria

NAMES = ("source", "model", "target", "metric", "value", "order", "view")
SOURCES = [{"value": s.value, "label": BENCHMARKS[s] + ("" if s is Source.MINI else f", {s.value}")} for s in Source]


def filters(shown: Shown) -> Any:
    state = shown.state
    models, targets, metrics = choices(shown)

    def pick(name: str, label: str, data: list[Any], value: str | None) -> Any:
        return dmc.Select(
            id=f"explore-{name}", label=label, data=data, value=value, allowDeselect=False, size="sm", className="pick",
            placeholder="none yet", comboboxProps={"withinPortal": True}, checkIconPosition="right",
        )  # fmt: skip

    def choose(name: str, label: str, options: dict[str, Any], value: str) -> Any:
        data = [{"value": v, "label": text} for v, text in options.items()]
        control = dmc.SegmentedControl(id=f"explore-{name}", data=data, value=value, size="sm", **aria(label=label))
        return html.Div([html.Span(label, className="pick-label", **aria(hidden="true")), control], className="choose")

    return html.Div(
        [
            pick("source", "Benchmark", SOURCES, state.source),
            pick("model", "Model", models, state.model),
            pick("target", "Target", targets, state.target),
            pick("metric", "Metric", metrics, metric(shown)),
            choose("value", "Show", {"gain": "Gain", "score": "Score"}, state.value),
            choose("order", "Languages by", {"family": "Family", "gain": "Gain", "name": "Name"}, state.order),
            choose(
                "view",
                "As",
                {"heatmap": "Figure", "table": ["Table", html.Kbd("T", **aria(hidden="true"))]},
                state.view,
            ),
        ],
        className="filters",
        role="group",
        **aria(label="What to show"),
    )


def choices(shown: Shown) -> tuple[list[Any], list[Any], list[Any]]:
    """Options of model, target and metric: what the store has, and what is chosen in any case."""
    matrix, state = shown.matrix, shown.state

    def options(names: list[str], chosen: str | None, title: Any) -> list[Any]:
        every = [*names, *([chosen] if chosen and chosen not in names else [])]
        return [{"value": n, "label": title(n)} for n in every]

    return (
        options(matrix.models if matrix else [], state.model, words.model_title),
        options(matrix.targets if matrix else [], state.target, words.task_title),
        options(matrix.metrics if matrix else [], metric(shown), words.metric_title),
    )


def metric(shown: Shown) -> str | None:
    return shown.matrix.metric if shown.matrix is not None else shown.state.metric
