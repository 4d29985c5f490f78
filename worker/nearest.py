"""Exact nearest neighbours by inner product, in blocks: memory stays bounded whatever the sizes of query set and index."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

QUERIES = 1024
INDEXED = 16384  # a block of similarities takes 64 MiB


def nearest(
    queries: NDArray[np.float32],
    index: NDArray[np.float32],
    k: int,
    *,
    rows: int = QUERIES,
    columns: int = INDEXED,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Places in the index, [queries, k], best first, and their inner products; of equal ones the first in the index.

    Nothing is approximated: every query meets every vector. ``k`` is at most the size of the index. For vectors of length 1 the
    inner product is the cosine.

    Raises:
        ValueError: the index is empty, or its vectors have another width than the queries.
    """
    if not len(index):
        raise ValueError("there is nothing to search in: the index is empty")
    if queries.shape[1:] != index.shape[1:]:
        raise ValueError(f"queries of width {queries.shape[1:]} cannot search an index of width {index.shape[1:]}")
    k = min(k, len(index))
    asked, searched = torch.from_numpy(np.ascontiguousarray(queries)), torch.from_numpy(np.ascontiguousarray(index))
    places, values = [], []
    for block in asked.split(rows):
        best = torch.empty(len(block), 0)
        where = torch.empty(len(block), 0, dtype=torch.int64)
        for start in range(0, len(searched), columns):
            near, value = _top(block @ searched[start : start + columns].T, k)
            best, where = torch.cat([best, value], 1), torch.cat([where, near + start], 1)
            order = best.argsort(dim=1, descending=True, stable=True)[:, :k]  # stable: earlier blocks come first
            best, where = best.gather(1, order), where.gather(1, order)
        places.append(where)
        values.append(best)
    if not places:
        return np.zeros((0, k), np.int64), np.zeros((0, k), np.float32)
    return torch.cat(places).numpy(), torch.cat(values).numpy()


def _top(similarities: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The k best columns of each row, of equal ones the first; ``topk`` alone leaves open which of equal ones it takes."""
    k = min(k, similarities.shape[1])
    values, near = similarities.topk(min(k + 1, similarities.shape[1]), dim=1)  # one more says whether the last is tied
    tied, near = values[:, k - 1] == values[:, -1], near[:, :k]
    if values.shape[1] > k and tied.any():
        near[tied] = similarities[tied].argsort(dim=1, descending=True, stable=True)[:, :k]
    near = near.sort(dim=1).values
    values = similarities.gather(1, near)
    order = values.argsort(dim=1, descending=True, stable=True)
    return near.gather(1, order), values.gather(1, order)
