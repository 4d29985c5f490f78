"""The Pareto front: what is worth its price."""

from __future__ import annotations

import math
from collections.abc import Sequence


def front(points: Sequence[tuple[float, float]]) -> frozenset[int]:
    """Places of the points that no other point dominates.

    A point is ``(cost, gain)``. One dominates another when it costs no more and gains no less, and is strictly better in
    one of the two. Equal points do not dominate each other: either all of them are on the front or none is. A point whose
    cost or gain is not finite cannot be compared: it is never on the front, and dominates nothing.
    """
    finite = [i for i, point in enumerate(points) if all(map(math.isfinite, point))]
    found: set[int] = set()
    best = -math.inf
    for i in sorted(finite, key=lambda i: (points[i][0], -points[i][1])):
        cost, gain = points[i]
        if gain > best:
            found.add(i)
            best, at = gain, cost
        elif gain == best and cost == at:  # the same point once more
            found.add(i)
    return frozenset(found)
