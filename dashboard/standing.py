"""From the state of Trade-off to the points it names, or to why there are none; and the points as a table and as lists."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from dash import dcc, html
from pydantic import TypeAdapter

from backend.domain.literature import PublishedGain
from backend.domain.schemas import TradeoffPoint
from backend.domain.tasks import TASKS
from backend.errors import CrossliftError, Invalid, NotFound
from dashboard import beside, weighing, words
from dashboard.client import Client
from dashboard.findings import KEPT, KEPT_SECONDS, around
from dashboard.links import Tradeoff
from dashboard.look import DIVERGING, colour, hours, interval, parameters

_POINTS = TypeAdapter(list[TradeoffPoint])


@dataclass(frozen=True, slots=True)
class Standing:
    """What a state leads to: every point of the benchmark, or why there is none. ``numbers`` is equal for equal answers."""

    state: Tradeoff
    points: Sequence[TradeoffPoint] = ()
    problem: CrossliftError | None = None
    running: int = 0
    experiments: int = 0
    numbers: str = ""
    published: Sequence[PublishedGain] = ()

    @property
    def empty(self) -> bool:
        return not weighing.looked_at(self.points, self.state)

    @property
    def digests(self) -> dict[str, Any]:
        """Of each part of the page: equal for equal parts. ``devices``: the classes there are, the default one first."""
        s = self.state
        what = self.numbers or f"{self.problem} {self.running} {self.experiments}"
        shown = replace(s, view="figure", point=None, colour="recipe")
        parts: dict[str, object] = {
            "figure": (what, replace(s, view="figure")),
            "rows": (what, shown),
            "words": (what, shown),
            "links": (what, s.target, s.x, s.device, s.languages),
            "choices": (what, s.target),
        }
        found: dict[str, Any] = {k: hashlib.sha256(repr(v).encode()).hexdigest()[:12] for k, v in parts.items()}
        ordered = weighing.device(self.points, replace(s, device=None))
        found["devices"] = [ordered.value] if ordered is not None else []
        return found


async def find(api: Client, state: Tradeoff, *, fresh: bool = True) -> Standing:
    """Ask the API for every point of a benchmark, averaged over what the state says.

    Args:
        fresh: False where the same points are only to be shown otherwise: an answer of the last minute will do.
    """
    if state.metric is not None and state.metric not in metrics(state.target):
        state = replace(state, metric=None)
    key = ("points", state.source, state.languages, state.metric)
    kept = api.kept.get(key)
    if fresh or kept is None or time.monotonic() - kept[0] > KEPT_SECONDS:
        try:
            points = await api.tradeoff(source=state.source, languages=state.languages, metric=state.metric)
        except (Invalid, NotFound) as error:
            return Standing(state, (), error, **await around(api, state.source))
        except CrossliftError as error:
            return Standing(state, (), error)
        numbers = hashlib.sha256(_POINTS.dump_json(points)).hexdigest()[:16]
        api.kept.pop(key, None)
        kept = api.kept[key] = (time.monotonic(), points, numbers)
        while len(api.kept) > KEPT:
            del api.kept[next(iter(api.kept))]
    if state.target is not None and state.target not in TASKS and all(p.target != state.target for p in kept[1]):
        state = replace(state, target=None, metric=None)
    published = await beside.gains(api) if beside.wants_gains(state) else ()
    found = Standing(state, kept[1], numbers=kept[2], published=published)
    return replace(found, **await around(api, state.source)) if found.empty else found


def metrics(target: str | None) -> tuple[str, ...]:
    """The metrics of a target, its headline metric first."""
    if target is None or target not in TASKS:
        return ()
    task = TASKS[target]
    return tuple(sorted(task.metrics, key=lambda m: m != task.headline))


# --- the points in rows ----------------------------------------------------------------------------------------------


def columns() -> list[dict[str, Any]]:
    """Columns of the grid twin. How a number is written is said in ``assets/crosslift.js``, as ``look`` says it."""
    number = {"type": "rightAligned", "sortingOrder": ["desc", "asc", None]}
    spent = {**number, "valueFormatter": {"function": "crossliftHours(params)"}, "sortingOrder": ["asc", "desc", None]}
    size = {**number, "valueFormatter": {"function": "params.value.toLocaleString('en')"}}
    return [
        {"field": "recipe", "headerName": "Recipe", "pinned": "left", "width": 150, "minWidth": 96, "tooltipField": "note"},
        {"field": "target", "headerName": "Target", "width": 110},
        {"field": "model", "headerName": "Model", "flex": 1, "minWidth": 150},
        {"field": "gain", "headerName": "Gain", **number, "width": 90, "valueFormatter": {"function": "crossliftGain(params)"}},
        {"field": "interval", "headerName": "95 % interval", "type": "rightAligned", "width": 120, "sortable": False},
        {"field": "n", "headerName": "Seeds", **number, "width": 80},
        {"field": "front", "headerName": "Front", "width": 84},
        {"field": "parameters", "headerName": "Parameters", **size, "width": 130},
        {"field": "rest", "headerName": "Without embeddings", **size, "width": 165},
        {"field": "marginal", "headerName": "Paid in full", **spent, "width": 116},
        {"field": "amortised", "headerName": "Shared out", **spent, "width": 116},
        {"field": "device", "headerName": "Device", "width": 150},
    ]  # fmt: skip


def rows(points: Sequence[TradeoffPoint], state: Tradeoff) -> list[dict[str, Any]]:
    """One row a point that is looked at."""
    front = weighing.on_front(points, state)
    return [
        {
            "key": weighing.key(p),
            "recipe": p.recipe + (" ‡" if p.same_data_twice else "") + (f" {words.TRAINED}" if p.not_zero_shot else ""),
            "note": p.recipe
            + (f" ‡ {words.SAME_DATA_TWICE}" if p.same_data_twice else "")
            + (f" {words.TRAINED} {words.not_zero_shot(p)}" if p.not_zero_shot else ""),
            "target": words.task_title(p.target),
            "model": words.model_title(p.model),
            "gain": p.gain,
            "interval": interval(p.gain, p.low, p.high).partition(" ")[2] or "too few seeds",
            "n": p.n,
            "front": "yes" if weighing.key(p) in front else "",
            "parameters": p.parameters,
            "rest": p.parameters_non_embedding,
            "marginal": p.device_hours_marginal,
            "amortised": p.device_hours_amortised,
            "device": f"{p.device} ({p.device_class.value})",
            "why": {},
            "found": {},
        }
        for p in sorted(weighing.looked_at(points, state), key=lambda p: (p.target, p.recipe, p.parameters, p.model))
    ]


def ranked(points: Sequence[TradeoffPoint], state: Tradeoff) -> list[Any]:
    """A list a target, points from the largest gain to the smallest: the figure of a narrow screen."""
    shown, front = weighing.looked_at(points, state), weighing.on_front(points, state)
    end = max((abs(p.gain) for p in shown), default=1.0) or 1.0
    lists = []
    for i, target in enumerate(sorted({p.target for p in shown}, key=words.task_title)):
        some = sorted((p for p in shown if p.target == target), key=lambda p: -p.gain)
        head = [html.Span(words.task_title(target), className="rank-recipe")]
        head.append(
            html.Span(
                f"{len([p for p in some if weighing.key(p) in front])} of {len(some)} on the front", className="soft"
            )
        )
        items = [_rank_item(p, state, end, weighing.key(p) in front) for p in some]
        lists.append(
            html.Details([html.Summary(head), html.Ol(items, className="ranks points")], open=i == 0, className="rank")
        )
    return lists


def _rank_item(p: TradeoffPoint, state: Tradeoff, end: float, front: bool) -> Any:
    at = 50 + 50 * p.gain / end
    style = {
        "left": f"{min(50, at):.1f}%",
        "width": f"{max(1.0, abs(at - 50)):.1f}%",
        "background": colour(DIVERGING, p.gain, -end, end),
    }
    size = p.parameters_non_embedding if state.x == "non-embedding" else p.parameters
    said = [
        f"{words.model_title(p.model)}, {parameters(size)}",
        f"{hours(weighing.spent(p, state))} ({p.device_class.value})",
    ]
    if front:
        said.append("Pareto front")
    if p.same_data_twice:
        said.append(words.SAME_DATA_TWICE)
    if p.not_zero_shot:
        said.append(words.not_zero_shot(p))
    parts = [
        html.Span(p.recipe, className="rank-name"),
        html.Span(html.Span(className="rank-fill", style=style), className="rank-bar rank-zero"),
        html.Span(interval(p.gain, p.low, p.high), className="rank-number"),
        html.Span(" · ".join(said), className="rank-more soft"),
    ]
    return html.Li(dcc.Link(parts, href=weighing.cell_address(p, state)), className=None if front else "behind")
