"""Gain against what it costs: which points are looked at, what each costs, and which of them are on the front.

What a point costs is its place on the axis: parameters, or device time, of one device class alone. Points of two targets
are never compared: each target has a front of its own. Same data twice is shown and in no front.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from backend.domain.front import front
from backend.domain.language import GROUPS, LANGUAGES
from backend.domain.run import DeviceClass
from backend.domain.schemas import TradeoffPoint
from dashboard.links import MEAN, Cell, Explore, Point, Tradeoff


def key(point: TradeoffPoint) -> str:
    return str(Point(point.model, point.recipe, point.target))


def devices(points: Sequence[TradeoffPoint]) -> list[DeviceClass]:
    """Device classes, the one with most points first."""
    counts = Counter(p.device_class for p in points)
    return sorted(counts, key=lambda d: (-counts[d], d.value))


def device(points: Sequence[TradeoffPoint], state: Tradeoff) -> DeviceClass | None:
    """The device class whose hours are shown: the chosen one where it has points, else the one with most of them."""
    found = devices(_of_target(points, state))
    return next((d for d in found if d.value == state.device), found[0] if found else None)


def looked_at(points: Sequence[TradeoffPoint], state: Tradeoff) -> list[TradeoffPoint]:
    """The points of the chosen target, or of all; on an axis of hours, of one device class that took any time."""
    found = _of_target(points, state)
    if state.x != "hours":
        return found
    one = device(points, state)
    return [p for p in found if p.device_class is one and cost(p, state) > 0]


def _of_target(points: Sequence[TradeoffPoint], state: Tradeoff) -> list[TradeoffPoint]:
    return [p for p in points if state.target in (None, p.target)]


def cost(point: TradeoffPoint, state: Tradeoff) -> float:
    """Where a point stands on the axis."""
    if state.x == "hours":
        return spent(point, state)
    return point.parameters if state.x == "parameters" else point.parameters_non_embedding


def spent(point: TradeoffPoint, state: Tradeoff) -> float:
    """Device-hours, as the state counts them."""
    return point.device_hours_amortised if state.cost == "amortised" else point.device_hours_marginal


def on_front(points: Sequence[TradeoffPoint], state: Tradeoff) -> frozenset[str]:
    """Keys of the points that nothing cheaper equals, target by target."""
    by_target: defaultdict[str, list[TradeoffPoint]] = defaultdict(list)
    for p in looked_at(points, state):
        if not p.same_data_twice:
            by_target[p.target].append(p)
    return frozenset(
        key(some[i]) for some in by_target.values() for i in front([(cost(p, state), p.gain) for p in some])
    )


def series(points: Sequence[TradeoffPoint], state: Tradeoff) -> list[list[TradeoffPoint]]:
    """One recipe on one target across models, from small to large."""
    lines: defaultdict[tuple[str, str], list[TradeoffPoint]] = defaultdict(list)
    for p in points:
        lines[p.recipe, p.target].append(p)
    return [sorted(line, key=lambda p: (cost(p, state), p.model)) for line in lines.values()]


def cell_address(point: TradeoffPoint, state: Tradeoff) -> str:
    """Of the cell that a point is made of: one language's, or the mean over those of the state."""
    one = state.languages in LANGUAGES
    there = Explore(
        cell=Cell(point.recipe, state.languages if one else MEAN),
        languages=state.languages if state.languages in GROUPS else None,
        metric=point.metric,
        model=point.model,
        source=state.source,
        target=point.target,
    )
    return there.address
