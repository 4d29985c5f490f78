"""Sentence pairs that were mined from two texts.

Sources: google-research/xtreme at 838c13b69d, ``evaluate.py`` (``bucc_f1``) and ``third_party/utils_retrieve.py``
(``bucc_optimize``, ``bucc_extract``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

Pair = tuple[str, str]  # ids of a sentence and of its translation


class Mined(NamedTuple):
    """Points, 0 to 100."""

    precision: float
    recall: float
    f1: float


def mined(predictions: Collection[Pair], gold: Collection[Pair]) -> Mined:
    """Precision, recall and F1 of a set of pairs; a pair named twice counts once.

    Raises:
        ValueError: there is no gold pair.
    """
    ours, theirs = set(predictions), set(gold)
    if not theirs:
        raise ValueError("nothing to score")
    right = len(ours & theirs)
    if not right:
        return Mined(0.0, 0.0, 0.0)
    precision, recall = right / len(ours), right / len(theirs)
    return Mined(precision * 100, recall * 100, 2 * precision * recall / (precision + recall) * 100)


def best_threshold(scores: Mapping[Pair, float], gold: Collection[Pair]) -> float:
    """The threshold that gives the best F1 on development data: half way between the last pair to keep and the next one.

    Of equally good ones the highest. Where no gold pair is a candidate it is 0, as in the official script; where the best is
    to keep all, it is the lowest score (the script ends with an error there).

    Raises:
        ValueError: there is no gold pair.
    """
    theirs = set(gold)
    if not theirs:
        raise ValueError("nothing to tune on")
    ranked = sorted(scores.items(), key=lambda item: -item[1])
    right, best, threshold = 0, 0.0, 0.0
    for kept, (pair, score) in enumerate(ranked, start=1):
        right += pair in theirs
        if right:
            precision, recall = right / kept, right / len(theirs)
            f1 = 2 * precision * recall / (precision + recall)
            if f1 > best:
                best = f1
                threshold = score if kept == len(ranked) else (score + ranked[kept][1]) / 2
    return threshold


def above(scores: Mapping[Pair, float], threshold: float) -> set[Pair]:
    """The candidates that are kept: those that score at least the threshold."""
    return {pair for pair, score in scores.items() if score >= threshold}
