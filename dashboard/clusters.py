"""Rows and columns of a heatmap side by side where their gains are alike: an order, and no result.

Average linkage on the root mean square of the differences between two profiles of gains, over the cells that both have; leaves stand
so that neighbours are as near as the tree allows. Two profiles without a common cell count as far apart as the farthest two that have
one. What has no gain at all is in no tree and stands last, in the order it had. The same gains give the same order.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

from backend.domain.schemas import GainMatrix

Profile = Sequence[float | None]
FEWEST = 3  # below, there is nothing to group

_KNOWN: deque[tuple[GainMatrix, tuple[list[str], list[str], int]]] = deque(maxlen=16)


def clustered(matrix: GainMatrix) -> tuple[list[str], list[str], int]:
    """Rows and columns by cluster, and how many of both have no gain and stand last. The very same for the very same matrix."""
    for known, found in tuple(_KNOWN):
        if known is matrix:
            return found
    at = {(c.recipe, c.language): c.gain for c in matrix.cells if c.missing is None}
    rows, columns = [r.recipe for r in matrix.recipes], list(matrix.languages)
    by_row = [[at.get((r, c)) for c in columns] for r in rows]
    by_column = [[at.get((r, c)) for r in rows] for c in columns]
    bare = sum(all(v is None for v in line) for line in (*by_row, *by_column))
    found = [rows[i] for i in order(by_row)], [columns[i] for i in order(by_column)], bare
    _KNOWN.append((matrix, found))
    return found


def order(profiles: Sequence[Profile]) -> list[int]:
    """Where each profile stands."""
    some = [i for i, line in enumerate(profiles) if any(v is not None for v in line)]
    none = [i for i in range(len(profiles)) if i not in some]
    if len(some) < FEWEST:
        return some + none
    from scipy.cluster.hierarchy import leaves_list, linkage  # here: it takes as long to load as a page

    between = [_distance(profiles[a], profiles[b]) for i, a in enumerate(some) for b in some[i + 1 :]]
    farthest = max((d for d in between if d is not None), default=1.0)
    tree = linkage([farthest if d is None else d for d in between], "average", optimal_ordering=True)
    return [some[i] for i in leaves_list(tree)] + none


def _distance(a: Profile, b: Profile) -> float | None:
    both = [(x - y) ** 2 for x, y in zip(a, b, strict=True) if x is not None and y is not None]
    return math.sqrt(math.fsum(both) / len(both)) if both else None
