"""Whether recipes would come in the same order with other seeds.

**Agreement**: Kendall's τ_b (Kendall 1945, Biometrika 33:239–251) between the orders of every two seeds, and its mean: 1 where
all seeds order the recipes alike, 0 where the orders have nothing to do with each other.

**Chance of being best**: seeds are drawn with replacement, as many as there are, and each time the recipe with the best mean
wins; recipes that tie share. With S seeds there are S^S equally likely draws; up to ``EXACT`` of them are listed, so the answer
is exact for up to six seeds, beyond it is drawn. This is how much the seeds at hand disagree, no probability that a recipe is
truly best: with three seeds it cannot fall below what three numbers allow, and below ``MIN_SEEDS`` none is given.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from backend.domain.gains import MIN_SEEDS, RESOLUTION
from backend.statistics.interval import Array

EXACT = 6**6
DRAWS = 20_000


@dataclass(frozen=True, slots=True)
class Stability:
    """``order``: recipes, best mean first. ``best``: recipe → share of resampled seeds in which it is best; they add up to 1.
    ``tau``: mean over pairs of seeds, −1 to 1; None where every seed ties everything. ``seeds``: how many are common to all."""

    order: tuple[str, ...]
    best: Mapping[str, float]
    tau: float | None
    seeds: int


def stability(values: Mapping[str, Mapping[int | None, float]]) -> Stability | None:
    """Of recipe → seed → value, more is better, over the seeds that all recipes have.

    None where there are fewer than two recipes or three common seeds.

    Raises:
        ValueError: a value is not finite.
    """
    names = sorted(values)
    if len(names) < 2:
        return None
    common = set.intersection(*(set(values[name]) for name in names))
    seeds = sorted(common, key=lambda s: (s is not None, s or 0))
    if len(seeds) < MIN_SEEDS:
        return None
    found = np.array([[values[name][seed] for seed in seeds] for name in names], np.float64)
    if not np.isfinite(found).all():
        raise ValueError("values must be finite")
    means = found.mean(axis=1)
    order = tuple(names[i] for i in sorted(range(len(names)), key=lambda i: (-means[i], names[i])))
    taus = [
        t for a, b in itertools.combinations(range(len(seeds)), 2) if (t := tau_b(found[:, a], found[:, b])) is not None
    ]
    return Stability(
        order, dict(zip(names, _best(found), strict=True)), float(np.mean(taus)) if taus else None, len(seeds)
    )


def tau_b(first: Sequence[float] | Array, second: Sequence[float] | Array) -> float | None:
    """Kendall's τ_b of two lists; None where one of them ties everything."""
    a, b = (np.sign(np.subtract.outer(np.asarray(x), np.asarray(x))) for x in (first, second))
    norm = np.sqrt(np.sum(a * a) * np.sum(b * b))
    return float(np.sum(a * b) / norm) if norm > 0 else None


def _best(values: Array) -> list[float]:
    """Of [recipes, seeds] the share of draws that each recipe wins."""
    seeds = values.shape[1]
    if seeds**seeds <= EXACT:
        times = np.array([np.bincount(draw, minlength=seeds) for draw in itertools.product(range(seeds), repeat=seeds)])
    else:
        content = hashlib.sha256(np.ascontiguousarray(values).tobytes()).digest()
        random = np.random.default_rng(int.from_bytes(content[:16], "big"))
        times = random.multinomial(seeds, [1 / seeds] * seeds, size=DRAWS)
    means = values @ times.T / seeds  # [recipes, draws]
    winners = means >= means.max(axis=0) - RESOLUTION
    return [float(share) for share in (winners / winners.sum(axis=0)).mean(axis=1)]
