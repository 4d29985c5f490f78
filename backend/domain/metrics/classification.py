"""Accuracy, and F1 of one label.

Source: google-research/xtreme at 838c13b69d, ``evaluate.py`` (XNLI, PAWS-X, XCOPA and Tatoeba compare line by line).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence


def accuracy(predictions: Sequence[Hashable], gold: Sequence[Hashable]) -> float:
    """Share of equal pairs, in points. For Tatoeba a line is the number of the sentence that was found first.

    Raises:
        ValueError: the two differ in length, or there is nothing to score.
    """
    _comparable(predictions, gold)
    return sum(p == g for p, g in zip(predictions, gold, strict=True)) / len(gold) * 100


def binary_f1(predictions: Sequence[Hashable], gold: Sequence[Hashable], positive: Hashable) -> float:
    """F1 of one label, in points: 0 where it is neither predicted rightly nor to be found. GLUE's second metric of QQP (Wang et
    al. 2019), where the label is that two questions are the same.

    Raises:
        ValueError: the two differ in length, or there is nothing to score.
    """
    _comparable(predictions, gold)
    both = sum(p == g == positive for p, g in zip(predictions, gold, strict=True))
    either = sum(p == positive for p in predictions) + sum(g == positive for g in gold)
    return 200 * both / either if either else 0.0


def _comparable(predictions: Sequence[Hashable], gold: Sequence[Hashable]) -> None:
    if len(predictions) != len(gold):
        raise ValueError(f"{len(predictions)} predictions for {len(gold)} gold answers")
    if not gold:
        raise ValueError("nothing to score")
