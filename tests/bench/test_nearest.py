"""Exact nearest neighbours in blocks, beside one product with ``torch.topk`` and, where it is installed, faiss's flat index.

One thread, processor time, alternated rounds, medians. All are exact: the same places but for ties, which random vectors do not have.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import time
from collections import defaultdict
from collections.abc import Callable
from statistics import median

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from worker.nearest import nearest

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]

ROUNDS = int(os.environ.get("CROSSLIFT_BENCH_ROUNDS", "5"))
QUERIES, INDEXED, WIDTH, K = 1_000, 100_000, 384, 20


def vectors(count: int, seed: int) -> NDArray[np.float32]:
    found = np.random.default_rng(seed).standard_normal((count, WIDTH), np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def at_once(queries: NDArray[np.float32], index: NDArray[np.float32]) -> NDArray[np.int64]:
    """All similarities in memory: 400 MB here."""
    return (torch.from_numpy(queries) @ torch.from_numpy(index).T).topk(K, dim=1).indices.numpy()


def flat(queries: NDArray[np.float32], index: NDArray[np.float32]) -> NDArray[np.int64]:
    faiss = importlib.import_module("faiss")
    faiss.omp_set_num_threads(1)
    made = faiss.IndexFlatIP(WIDTH)
    made.add(index)
    return np.asarray(made.search(queries, K)[1])


def test_a_thousand_queries_in_a_hundred_thousand_vectors(record: Callable[..., None]) -> None:
    torch.set_num_threads(1)
    queries, index = vectors(QUERIES, 0), vectors(INDEXED, 1)
    sides: dict[str, Callable[[], NDArray[np.int64]]] = {
        "in blocks": lambda: nearest(queries, index, K)[0],
        "`torch.topk` at once": lambda: at_once(queries, index),
    }
    there = importlib.util.find_spec("faiss") is not None
    if there:
        sides["faiss `IndexFlatIP`"] = lambda: flat(queries, index)
    taken: defaultdict[str, list[float]] = defaultdict(list)
    for turn in range(ROUNDS):
        found = {}
        for side in sides if turn % 2 == 0 else reversed(sides):
            began = time.process_time()
            found[side] = sides[side]()
            taken[side].append(time.process_time() - began)
        ours, *others = (found[side] for side in sides)
        for other in others:
            assert (ours == other).mean() > 0.999  # nearly equal ones may change places
    ours, *peers = sides
    for peer in peers:
        ratio = median(b / a for a, b in zip(taken[ours], taken[peer], strict=True))
        what = f"nearest {K} of {INDEXED:,} for {QUERIES:,} queries, {ours} / {peer}"
        record(what, f"{median(taken[ours]):.2f} s", f"{median(taken[peer]):.2f} s", ratio, rounds=ROUNDS)
    if not there:
        what = f"nearest {K} of {INDEXED:,} for {QUERIES:,} queries, {ours} / faiss"
        record(what, f"{median(taken[ours]):.2f} s", "not installed: pip install faiss-cpu", rounds=ROUNDS)
