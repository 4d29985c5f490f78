"""What was ranked among the first twenty.

Sources: google-research/xtreme at 838c13b69d, ``third_party/utils_lareqa.py`` (``average_precision_at_k``) and
``third_party/utils_mewslix.py`` (``evaluate``, ``mean_reciprocal_rank``). XTREME-R calls both mAP@20; with the one gold
answer of Mewsli-X average precision *is* the reciprocal rank.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence

from backend.domain.metrics import mean

TOP = 20


def average_precision(ranked: Sequence[Hashable], relevant: Collection[Hashable], k: int = TOP) -> float:
    """AP@k of one query, in points: the sum of the precisions at the hits among the first k, over the most hits possible.

    A candidate that was ranked before counts once.

    Raises:
        ValueError: nothing is relevant, or k is not positive.
    """
    if k < 1:
        raise ValueError(f"k must be 1 or more, not {k}")
    right = set(relevant)
    most = min(len(right), k)
    if not most:
        raise ValueError("a query without a relevant answer cannot be scored")
    hits, score = 0, 0.0
    for place, one in enumerate(ranked[:k], start=1):
        if one in right:
            right.discard(one)
            hits += 1
            score += hits / place
    return score / most * 100


def mean_average_precision(
    ranked: Mapping[str, Sequence[Hashable]], relevant: Mapping[str, Collection[Hashable]], k: int = TOP
) -> float:
    """mAP@k over the queries of ``relevant``, in points; a query that was not ranked scores 0.

    Raises:
        ValueError: there is no query, or one without a relevant answer.
    """
    if not relevant:
        raise ValueError("nothing to score")
    return mean(average_precision(ranked.get(query, ()), right, k) for query, right in relevant.items())


def mean_reciprocal_rank(ranked: Mapping[str, Sequence[Hashable]], gold: Mapping[str, Hashable], k: int = TOP) -> float:
    """MRR@k over the queries of ``gold``, in points; a query that was not ranked scores 0.

    Raises:
        ValueError: there is no query.
    """
    if not gold:
        raise ValueError("nothing to score")
    return mean(reciprocal_rank(ranked.get(query, ()), right, k) for query, right in gold.items()) * 100


def reciprocal_rank(ranked: Sequence[Hashable], gold: Hashable, k: int = TOP) -> float:
    """1 divided by the place of the gold answer among the first k, which count from 1; 0 where it is not there."""
    for place, one in enumerate(ranked[:k], start=1):
        if one == gold:
            return 1 / place
    return 0.0
