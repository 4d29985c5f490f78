"""Equal rows of sub-words, so that an encoder reads each once: English sides of bitext, passages that answer several questions."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from worker.formats import Features


def distinct(features: Features) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first row of each kind, in their order, and of every row which of these it equals: ``first[of]`` are rows of the same
    sub-words and segments. Without repetition both are just all rows."""
    parts = [features.tokens] + ([features.token["types"]] if "types" in features.token else [])
    kinds: dict[bytes, int] = {}
    first: list[int] = []
    of = np.empty(len(features.rows) - 1, np.int64)
    bounds = features.rows.tolist()
    for row, (start, end) in enumerate(pairwise(bounds)):
        kind = kinds.setdefault(b"".join(p[start:end].tobytes() for p in parts), len(first))
        if kind == len(first):
            first.append(row)
        of[row] = kind
    return np.array(first, np.int64), of
