"""When runs that wait for each other are done, on so many slots."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Collection, Mapping


def makespan(
    seconds: Mapping[str, float],
    parents: Mapping[str, Collection[str]],
    slots: int,
    takes: Mapping[str, int] | None = None,
) -> float:
    """Seconds until all runs are done on this many equal slots: the last of ``ends_of``."""
    return max(ends_of(seconds, parents, slots, takes).values(), default=0.0)


def ends_of(
    seconds: Mapping[str, float],
    parents: Mapping[str, Collection[str]],
    slots: int,
    takes: Mapping[str, int] | None = None,
) -> dict[str, float]:
    """Seconds until each run is done on this many equal slots, each slot taking the first run that is ready.

    Args:
        seconds: of each run, in the order in which they are taken.
        parents: of each run, all of them among ``seconds``.
        slots: at least 1.
        takes: slots of each run, 1 unless given; more than there are count as all.

    Raises:
        ValueError: fewer than one slot, or the runs wait for each other in a circle.
    """
    if slots < 1:
        raise ValueError(f"slots must be at least 1, not {slots}")
    order = {run: i for i, run in enumerate(seconds)}
    missing = {run: len(parents[run]) for run in seconds}
    children: defaultdict[str, list[str]] = defaultdict(list)
    for run in seconds:
        for parent in parents[run]:
            children[parent].append(run)
    ready = [(order[run], run) for run in seconds if not missing[run]]
    heapq.heapify(ready)
    running: list[tuple[float, int, str]] = []
    wide = {run: min(slots, (takes or {}).get(run, 1)) for run in seconds}
    clock, free = 0.0, slots
    ends: dict[str, float] = {}
    while ready or running:
        while ready and wide[ready[0][1]] <= free:
            place, run = heapq.heappop(ready)
            free -= wide[run]
            heapq.heappush(running, (clock + seconds[run], place, run))
        clock, _, ended = heapq.heappop(running)
        free += wide[ended]
        ends[ended] = clock
        for child in children[ended]:
            missing[child] -= 1
            if not missing[child]:
                heapq.heappush(ready, (order[child], child))
    if len(ends) < len(seconds):
        raise ValueError("runs wait for each other in a circle")
    return ends
