"""Gain against what it costs: which points are looked at, what each costs, and which of them are on the front.

What a point costs is its place on the axis: parameters; device time or energy, of one device class alone; or FLOPs. What was not
measured has no place: it is counted and said, never put at zero. Points of two panels are never compared: each target, and each
language where panels are of languages, has a front of its own. Same data twice is shown and in no front.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from backend.domain.front import front
from backend.domain.language import GROUPS, LANGUAGES, order_by_family
from backend.domain.run import DeviceClass
from backend.domain.schemas import TradeoffPoint
from dashboard.links import MEAN, Axis, Cell, Explore, Point, Tradeoff

PETA = 1e15  # FLOPs are counted in these on the axis, and in a budget
MOST_PANELS = 16  # of languages

#: Axis → the fields of a point that say it, paid in full and shared out, and what one unit of the axis is.
_SPENT: Mapping[Axis, tuple[str, str, float]] = {
    "hours": ("device_hours_marginal", "device_hours_amortised", 1.0),
    "energy": ("energy_kwh_marginal", "energy_kwh_amortised", 1.0),
    "flops": ("flops_marginal", "flops_amortised", PETA),
    "flops-counted": ("flops_counted_marginal", "flops_counted_amortised", PETA),
}
#: Axis → what it counts, and of which kind.
AXES: Mapping[Axis, tuple[str, str]] = {
    "parameters": ("parameters", "all"),
    "non-embedding": ("parameters without embeddings", ""),
    "hours": ("device time", ""),
    "energy": ("energy", ""),
    "flops": ("FLOPs", "6·N·D"),
    "flops-counted": ("FLOPs", "counted"),
}


def axis(state: Tradeoff) -> str:
    """What the axis counts, in a sentence: ``parameters``, ``FLOPs (counted)``."""
    name, kind = AXES[state.x]
    return f"{name} ({kind})" if kind and spends(state) else name


def key(point: TradeoffPoint, state: Tradeoff) -> str:
    """By which a point is found again; with its language where panels are of languages."""
    apart = state.panels == "languages" and point.language in LANGUAGES
    language = point.language if apart else None
    return str(Point(point.model, point.recipe, point.target, language))


def one_by_one(points: Sequence[TradeoffPoint], state: Tradeoff) -> bool:
    """Whether panels are of single languages. Of what was frozen without a target they are of its means."""
    return state.panels == "languages" and any(p.language in LANGUAGES for p in points)


def spends(state: Tradeoff) -> bool:
    """Whether the axis counts something that is used up, not the size of a model."""
    return state.x in _SPENT


def by_device(state: Tradeoff) -> bool:
    """Whether the axis counts what differs from device to device: FLOPs do not."""
    return state.x in ("hours", "energy")


def devices(points: Sequence[TradeoffPoint]) -> list[DeviceClass]:
    """Device classes, the one with most points first."""
    counts = Counter(p.device_class for p in points)
    return sorted(counts, key=lambda d: (-counts[d], d.value))


def device(points: Sequence[TradeoffPoint], state: Tradeoff) -> DeviceClass | None:
    """The device class that is shown: the chosen one where it has points, else the one with most of them."""
    of_target = _of_target(points, state)
    measured = [p for p in of_target if _has(p, state)]
    found = devices(measured or of_target)
    return next((d for d in found if d.value == state.device), found[0] if found else None)


def looked_at(points: Sequence[TradeoffPoint], state: Tradeoff) -> list[TradeoffPoint]:
    """The points of the chosen target, or of all, that were measured in what the axis counts; of one device class where that
    matters. Of panels of languages no more than can be drawn."""
    found = [p for p in _of_target(points, state) if not spends(state) or _has(p, state)]
    if by_device(state):
        one = device(points, state)
        found = [p for p in found if p.device_class is one]
    if state.panels == "languages":
        kept = set(panels(found)[:MOST_PANELS])
        found = [p for p in found if (p.target, p.language) in kept]
    return found


def unmeasured(points: Sequence[TradeoffPoint], state: Tradeoff) -> int:
    """Points of the target that have no place on the axis."""
    return sum(not _has(p, state) for p in _of_target(points, state)) if spends(state) else 0


def not_drawn(points: Sequence[TradeoffPoint], state: Tradeoff) -> int:
    """Languages that there are no more panels for."""
    return max(0, len(panels(_of_target(points, state))) - MOST_PANELS) if state.panels == "languages" else 0


def panels(points: Sequence[TradeoffPoint]) -> list[tuple[str, str]]:
    """Target and language of every panel, by target, then by family."""
    targets = sorted({p.target for p in points})
    found = []
    for target in targets:
        here = {p.language for p in points if p.target == target}
        known = order_by_family(code for code in here if code in LANGUAGES)
        found += [(target, code) for code in (*sorted(here - set(known)), *known)]
    return found


def _of_target(points: Sequence[TradeoffPoint], state: Tradeoff) -> list[TradeoffPoint]:
    return [p for p in points if state.target in (None, p.target)]


def _has(point: TradeoffPoint, state: Tradeoff) -> bool:
    return cost(point, state) > 0


def cost(point: TradeoffPoint, state: Tradeoff) -> float:
    """Where a point stands on the axis; NaN where nobody measured it."""
    if state.x in _SPENT:
        marginal, amortised, unit = _SPENT[state.x]
        value = getattr(point, amortised if state.cost == "amortised" else marginal)
        return math.nan if value is None else value / unit
    return point.parameters if state.x == "parameters" else point.parameters_non_embedding


def spent(point: TradeoffPoint, state: Tradeoff) -> float:
    """Device-hours, as the state counts them."""
    return point.device_hours_amortised if state.cost == "amortised" else point.device_hours_marginal


def on_front(points: Sequence[TradeoffPoint], state: Tradeoff) -> frozenset[str]:
    """Keys of the points that nothing cheaper equals, panel by panel."""
    by_panel: defaultdict[tuple[str, str], list[TradeoffPoint]] = defaultdict(list)
    for p in looked_at(points, state):
        if not p.same_data_twice:
            by_panel[p.target, p.language].append(p)
    return frozenset(
        key(some[i], state) for some in by_panel.values() for i in front([(cost(p, state), p.gain) for p in some])
    )


def series(points: Sequence[TradeoffPoint], state: Tradeoff) -> list[list[TradeoffPoint]]:
    """One recipe in one panel across models, from small to large."""
    lines: defaultdict[tuple[str, str, str], list[TradeoffPoint]] = defaultdict(list)
    for p in points:
        lines[p.recipe, p.target, p.language].append(p)
    return [sorted(line, key=lambda p: (cost(p, state), p.model)) for line in lines.values()]


def cell_address(point: TradeoffPoint, state: Tradeoff) -> str:
    """Of the cell that a point is made of: one language's, or the mean over those of the state."""
    language = next((name for name in (point.language, state.languages) if name in LANGUAGES), MEAN)
    there = Explore(
        cell=Cell(point.recipe, language),
        languages=state.languages if state.languages in GROUPS else None,
        metric=point.metric,
        model=point.model,
        source=state.source,
        target=point.target,
    )
    return there.address
