"""The official scores as pure functions of predictions and gold answers: one module a kind, the standard library alone.

=================  ================================================================================
classification     accuracy of labels (XNLI, PAWS-X, XCOPA) and of what was found first (Tatoeba)
tagging            chunks as seqeval 0.0.12 counts them (PAN-X, UD-POS)
span_qa            exact match and word overlap of SQuAD v1.1, SQuAD v2.0 and MLQA
retrieval          average precision (LAReQA) and reciprocal rank (Mewsli-X) among the first twenty
mining             sentence pairs found in two texts (BUCC 2018), with the threshold tuned on development data
=================  ================================================================================

All scores are points, 0 to 100. They are worked out in the order of the official scripts' own operations, so that they are
the same floating-point numbers, not only near ones.
"""

from collections.abc import Iterable


def mean(values: Iterable[float]) -> float:
    """Added from left to right and divided by their number, as XTREME's ``evaluate.py`` averages over languages and tasks.

    Not by ``sum``: since Python 3.12 it compensates for rounding, and would differ in the last digit from what is published.

    Raises:
        ValueError: there is no value.
    """
    total, n = 0.0, 0
    for value in values:
        total += value
        n += 1
    if not n:
        raise ValueError("nothing to average")
    return total / n
