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
from backend.domain.portfolio import Portfolio
from backend.domain.schemas import TradeoffPoint
from backend.domain.tasks import TASKS
from backend.domain.trend import Trends
from backend.errors import CrossliftError, Invalid, NotFound
from dashboard import beside, budget, trend_line, weighing, words
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
    targets: Sequence[str] = ()
    trends: Trends | None = None
    portfolio: Portfolio | None = None
    unbought: str | None = None  # why there is no portfolio

    @property
    def empty(self) -> bool:
        return not weighing.looked_at(self.points, self.state)

    @property
    def digests(self) -> dict[str, Any]:
        """Of each part of the page: equal for equal parts. ``devices``: the classes there are, the default one first."""
        s = self.state
        what = self.numbers or f"{self.problem} {self.running} {self.experiments}"
        shown = replace(s, view="figure", point=None, colour="recipe", trend="off", budget=None)
        fitted = self.trends.model_dump_json() if self.trends is not None else ""
        bought = self.portfolio.model_dump_json() if self.portfolio is not None else str(self.unbought)
        parts: dict[str, object] = {
            "figure": (what, replace(s, view="figure"), fitted, bought),
            "rows": (what, shown),
            "words": (what, shown),
            "links": (what, s.target, s.x, s.device, s.languages, s.panels),
            "choices": (what, s.target, self.targets),
            "trends": (s.trend, s.x, s.panels, s.source, fitted),
            "bought": (s.budget, s.seeds, s.x, bought),
        }
        found: dict[str, Any] = {k: hashlib.sha256(repr(v).encode()).hexdigest()[:12] for k, v in parts.items()}
        ordered = weighing.device(self.points, replace(s, device=None))
        found["devices"] = [ordered.value] if ordered is not None else []
        return found


async def find(api: Client, state: Tradeoff, *, fresh: bool = True) -> Standing:
    """Ask the API for every point of a benchmark, averaged over what the state says; with panels of languages for those of one
    target, each language by itself. Then for what goes with them: lines, and what a budget buys.

    Args:
        fresh: False where the same points are only to be shown otherwise: an answer of the last minute will do.
    """
    if state.metric is not None and state.metric not in metrics(state.target):
        state = replace(state, metric=None)
    try:
        every, numbers = await _points(api, state, None, fresh)
    except (Invalid, NotFound) as error:
        return Standing(state, (), error, **await around(api, state.source))
    except CrossliftError as error:
        return Standing(state, (), error)
    targets = sorted({p.target for p in every}, key=words.task_title)
    if state.target is not None and state.target not in TASKS and state.target not in targets:
        state = replace(state, target=None, metric=None)
    points = every
    if state.panels == "languages" and targets:
        one = state.target or max(targets, key=lambda t: (sum(p.target == t for p in every), t))
        state = replace(state, target=one)
        try:
            points, numbers = await _points(api, state, one, fresh)
        except CrossliftError as error:
            return Standing(state, (), error, targets=targets)
    published = await beside.gains(api) if beside.wants_gains(state) else ()
    found = Standing(state, points, numbers=numbers, published=published, targets=targets)
    if found.empty:
        return replace(found, **await around(api, state.source))
    return replace(found, trends=await _trends(api, state), **await _bought(api, found))


async def _points(api: Client, state: Tradeoff, each_of: str | None, fresh: bool) -> tuple[list[TradeoffPoint], str]:
    """The points and a digest that is equal for equal ones; ``each_of``: a target, of which each language is a point."""
    key = ("points", state.source, state.languages, state.metric, each_of)
    kept = api.kept.get(key)
    if fresh or kept is None or time.monotonic() - kept[0] > KEPT_SECONDS:
        points = await api.tradeoff(
            source=state.source, languages=state.languages, metric=state.metric, each_of=each_of
        )
        numbers = hashlib.sha256(_POINTS.dump_json(points)).hexdigest()[:16]
        api.kept.pop(key, None)
        kept = api.kept[key] = (time.monotonic(), points, numbers)
        while len(api.kept) > KEPT:
            del api.kept[next(iter(api.kept))]
    return kept[1], kept[2]


async def _trends(api: Client, state: Tradeoff) -> Trends | None:
    if not trend_line.asked(state):
        return None
    try:
        return await api.trend(
            source=state.source, target=state.target, metric=state.metric, languages=state.languages, x=state.x,
            each="true" if state.panels == "languages" else None,
        )  # fmt: skip
    except CrossliftError:
        return None


async def _bought(api: Client, found: Standing) -> dict[str, Any]:
    """What the budget buys; of the device class that is shown."""
    state = found.state
    if state.budget is None or not weighing.spends(state):
        return {}
    one = weighing.device(found.points, state) if weighing.by_device(state) else None
    try:
        bought = await api.portfolio(
            source=state.source, target=state.target, metric=state.metric, languages=state.languages,
            unit=budget.UNITS[state.x], device=one.value if one is not None else None, budget=budget.in_units(state),
            seeds=state.seeds,
        )  # fmt: skip
    except CrossliftError as error:
        return {"unbought": error.detail}
    return {"portfolio": bought}


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
        {"field": "marginal", "headerName": "Time, paid in full", **spent, "width": 130},
        {"field": "amortised", "headerName": "Time, shared out", **spent, "width": 130},
        {"field": "kwh", "headerName": "Energy", "type": "rightAligned", "width": 112, "sortable": False},
        {"field": "flops", "headerName": "FLOPs, 6·N·D", "type": "rightAligned", "width": 120, "sortable": False},
        {"field": "counted", "headerName": "FLOPs, counted", "type": "rightAligned", "width": 130, "sortable": False},
        {"field": "device", "headerName": "Device", "width": 150},
    ]  # fmt: skip


def rows(points: Sequence[TradeoffPoint], state: Tradeoff) -> list[dict[str, Any]]:
    """One row a point that is looked at."""
    front = weighing.on_front(points, state)
    return [
        {
            "key": weighing.key(p, state),
            "recipe": p.recipe + (" ‡" if p.same_data_twice else "") + (f" {words.TRAINED}" if p.not_zero_shot else ""),
            "note": p.recipe
            + (f" ‡ {words.SAME_DATA_TWICE}" if p.same_data_twice else "")
            + (f" {words.TRAINED} {words.not_zero_shot(p)}" if p.not_zero_shot else ""),
            "target": words.task_title(p.target)
            + (f", {words.language_name(p.language)}" if state.panels == "languages" else ""),
            "model": words.model_title(p.model),
            "gain": p.gain,
            "interval": interval(p.gain, p.low, p.high).partition(" ")[2] or "too few seeds",
            "n": p.n,
            "front": "yes" if weighing.key(p, state) in front else "",
            "parameters": p.parameters,
            "rest": p.parameters_non_embedding,
            "marginal": p.device_hours_marginal,
            "amortised": p.device_hours_amortised,
            "kwh": words.energy(_paid(p, state, "energy_kwh")),
            "flops": words.flops(_paid(p, state, "flops")),
            "counted": words.flops(_paid(p, state, "flops_counted")),
            "device": f"{p.device} ({p.device_class.value})",
            "why": {},
            "found": {},
        }
        for p in sorted(weighing.looked_at(points, state), key=lambda p: (p.target, p.recipe, p.parameters, p.model))
    ]


def _paid(p: TradeoffPoint, state: Tradeoff, what: str) -> float | None:
    found: float | None = getattr(p, f"{what}_{state.cost}")
    return found


def ranked(points: Sequence[TradeoffPoint], state: Tradeoff) -> list[Any]:
    """A list a target, points from the largest gain to the smallest: the figure of a narrow screen."""
    shown, front = weighing.looked_at(points, state), weighing.on_front(points, state)
    end = max((abs(p.gain) for p in shown), default=1.0) or 1.0
    lists = []
    for i, (target, language) in enumerate(
        sorted(weighing.panels(shown), key=lambda panel: words.task_title(panel[0]))
    ):
        some = sorted((p for p in shown if (p.target, p.language) == (target, language)), key=lambda p: -p.gain)
        title = words.language_name(language) if state.panels == "languages" else words.task_title(target)
        head = [html.Span(title, className="rank-recipe")]
        head.append(
            html.Span(
                f"{len([p for p in some if weighing.key(p, state) in front])} of {len(some)} on the front",
                className="soft",
            )
        )
        items = [_rank_item(p, state, end, weighing.key(p, state) in front) for p in some]
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
