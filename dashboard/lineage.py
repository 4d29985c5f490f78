"""Where a run's numbers come from and where they go: data → pretrain → intermediate → fine-tune → evaluate; and what it
cost. Schemas in, components out."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dash import dcc, html

from backend.domain.run import RunKind
from backend.domain.schemas import RunDetail, RunView, ScoreView
from backend.domain.tasks import TASKS
from backend.errors import CrossliftError
from dashboard import links, states, words
from dashboard.client import Client
from dashboard.look import count, hours, score, size_of
from dashboard.shell import aria

GENERATIONS = 4
SHOWN_CHILDREN = 12


@dataclass(frozen=True, slots=True)
class Lineage:
    """``above``: from the earliest ancestor down to the parents; ``below``: some of what starts from it."""

    above: list[RunView]
    below: list[RunView]


async def find(client: Client, run: RunView) -> Lineage:
    """Ancestors and children; what cannot be read is left out."""

    async def one(id: int) -> RunView | None:
        try:
            return await client.run(id)
        except CrossliftError:
            return None

    above: dict[int, RunView] = {}
    wanted = list(run.parents)
    for _ in range(GENERATIONS):
        found = [r for r in await asyncio.gather(*(one(i) for i in wanted if i not in above)) if r is not None]
        above = {r.id: r for r in found} | above
        wanted = [p for r in found for p in r.parents]
        if not wanted:
            break
    below = await asyncio.gather(*(one(i) for i in run.children[:SHOWN_CHILDREN]))
    order = list(RunKind)
    return Lineage(
        sorted(above.values(), key=lambda r: (order.index(r.kind), r.id)), [r for r in below if r is not None]
    )


def graph(detail: RunDetail, lineage: Lineage) -> Any:
    """A chain of boxes, each one step nearer to the scores."""
    run = detail.run
    data = detail.spec.get("data") or []
    names = list(dict.fromkeys(str(d.get("task")) for d in data if isinstance(d, dict)))
    steps: list[tuple[str, list[Any]]] = [("Data of this run", [html.Span(", ".join(names) or "none")])]
    for kind, label in states.KINDS.items():
        here = [r for r in lineage.above if r.kind is kind]
        if here:
            steps.append((label, [_box(r) for r in here]))
        if run.kind is kind:
            steps.append(
                (f"{label}, this run", [html.B(run.title, **aria(current="page")), states.chip(run.state.value)])
            )
    if run.children:
        left = len(run.children) - len(lineage.below)
        more = [html.Span(f"and {left} more", className="soft")] if left > 0 else []
        steps.append(("Starts from it", [*(_box(r) for r in lineage.below), *more]))
    items = [
        html.Li([html.Span(label, className="soft"), html.Div(boxes, className="boxes")], className=_class(label))
        for label, boxes in steps
    ]
    return html.Ol(items, className="lineage", **aria(label="From data to scores"))


def _class(label: str) -> str:
    return "is-this" if label.endswith("this run") and not label.startswith("Data") else ""


def _box(run: RunView) -> Any:
    return html.Span([dcc.Link(run.title, href=links.run(run.id)), " ", states.chip(run.state.value)], className="box")


# --- cost ----------------------------------------------------------------------------------------------------------


def cost(run: RunView, utilisation: float | None = None) -> list[Any]:
    """What a run used; what the device does not report is said to be not measured."""
    c = run.cost
    if c is None:
        return [html.P("Written down when the run ends.", className="soft")]
    kind = "GPU-hours" if c.device_class.value == "cuda" else f"device-hours, {c.device_class.value}"
    counted = f", {flops(c.flops_counted)} counted" if c.flops_counted is not None else ""
    return [
        states.facts(
            [
                ("Device time", f"{hours(c.device_seconds / 3600)} ({c.device_seconds / 3600:.2g} {kind})"),
                ("Wall time", hours(c.wall_seconds / 3600)),
                ("Share of the device", f"{100 * c.share:.0f} %"),
                ("Device", f"{c.device} ({c.device_class.value}, {c.precision})"),
                ("Examples", f"{c.examples:,}"),
                ("Sub-words, without padding", f"{c.tokens:,}"),
                ("FLOPs", f"{flops(c.flops_analytic)} analytic{counted}"),
                ("Utilisation", "not measured" if utilisation is None else _attained(utilisation)),
                ("Peak memory", "not measured" if c.peak_memory_bytes is None else size_of(c.peak_memory_bytes)),
                ("Energy", "not measured" if c.energy_joules is None else f"{c.energy_joules / 3600:.2g} Wh"),
            ]
        )
    ]


def _attained(utilisation: float) -> str:
    share = 100 * utilisation
    return f"{share:.{0 if share >= 10 else 1}f} % of what a matrix product attains on this device"


def flops(value: float) -> str:
    """``1.2 TFLOP``."""
    for size, unit in ((1e15, "PFLOP"), (1e12, "TFLOP"), (1e9, "GFLOP")):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:,.0f} FLOP"


# --- scores ----------------------------------------------------------------------------------------------------------


def scores(found: Sequence[ScoreView], target: str | None) -> list[Any]:
    """Languages by metrics, the target's main one first, with how many examples each rests on."""
    known = TASKS[target].metrics if target is not None and target in TASKS else ()
    given = {s.metric for s in found}
    metrics = [m for m in known if m in given] + sorted(given.difference(known))
    at = {(s.language, s.metric): s for s in found}
    codes = sorted({s.language for s in found}, key=lambda c: (c != "en", words.language_name(c)))

    def bar(value: float) -> Any:
        return html.Span(html.Span(style={"width": f"{max(0.0, min(100.0, value)):.1f}%"}), className="kind-bar")

    rows = []
    for code in codes:
        cells = [at.get((code, m)) for m in metrics]
        first = next((s for s in cells if s is not None), None)
        rows.append(
            html.Tr(
                [
                    html.Th(f"{words.language_name(code)} ({code})", scope="row"),
                    *(html.Td(score(s.value) if s else "–", className="number") for s in cells),
                    html.Td(bar(first.value) if first else None, className="wide-bar"),
                    html.Td(f"{first.n:,}" if first else "–", className="number soft"),
                ]
            )
        )
    heads = [
        html.Th("Language", scope="col"),
        *(html.Th(words.metric_title(m), scope="col", className="number") for m in metrics),
        html.Th(words.metric_title(metrics[0]) + ", 0 to 100", scope="col", className="wide-bar"),
        html.Th("examples", scope="col", className="number"),
    ]
    table = html.Table([html.Thead(html.Tr(heads)), html.Tbody(rows)], className="score-table")
    return [html.Div(table, className="scroll", tabIndex="0", role="region", **aria(label="Scores by language"))]


# --- attempts --------------------------------------------------------------------------------------------------------


def attempts(detail: RunDetail) -> list[Any]:
    if not detail.attempts:
        return [html.P("No worker has tried it yet.", className="soft")]
    rows = []
    for a in detail.attempts:
        took = states.age((a.ended_at - a.started_at).total_seconds()) if a.ended_at else "still at it"
        went_on = f", went on from step {a.resumed_from_step:,}" if a.resumed_from_step else ""
        said = [
            html.B(f"Attempt {a.number}"),
            html.Span(f"{a.outcome or 'running'}{went_on}"),
            html.Span(["on ", a.worker], className="soft"),
            html.Span(["from ", states.moment(a.started_at), f", {took}"], className="soft"),
            html.Span(f"last checkpoint at step {a.checkpoint_step:,}", className="soft")
            if a.checkpoint_step is not None
            else None,
            html.Span(a.detail, className="soft") if a.detail else None,
            *(html.Span(f"passed over {line}", className="passed-over") for line in a.rejected),
        ]
        rows.append(html.Li(said))
    given = detail.run.preemptions
    note = [html.P(f"{count(given, 'attempt')} given back without counting.", className="soft")] if given else []
    return [html.Ol(rows, className="attempts"), *note]
