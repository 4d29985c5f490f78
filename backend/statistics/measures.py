"""From stored predictions to sums that a score is a function of, metric by metric.

A metric that is a mean of example scores is counted as points and examples. One that is not is counted as what it is made of,
so that a resample gives exactly the score that the official rule would:

- F1 of chunks (PAN-X, UD-POS; seqeval's chunks): right, predicted, gold. Sentences never share a chunk, so their counts add up.
- precision, recall and F1 of mined pairs (BUCC): the same three of pairs; the threshold is taken as tuned.
- error rates (MultiCheckList): failed cases and cases, test by test; a unit is a case. A sample without a case of a test leaves
  that test out of its mean.

What is given back is checked against the stored score by whoever asks (``agrees``): a metric whose rule changed is refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backend.domain.metrics import checklist, span_qa
from backend.domain.metrics.retrieval import reciprocal_rank
from backend.domain.metrics.tagging import OUTSIDE, chunks
from backend.domain.task import Format, Task
from backend.statistics.interval import Array
from backend.statistics.table import Counted, Unusable, Value, distinct

TOLERANCE = (
    0.01  # points between a stored score and the one from stored predictions, whose scores are kept as 32-bit numbers
)


@dataclass(frozen=True, slots=True)
class Rows:
    """The stored predictions of one run in one language, column by column, as ``worker.evaluate.write_predictions`` wrote them.

    ``prediction`` and ``gold`` are texts, lists as JSON; ``score`` points. ``unit``, ``length``, ``overlap`` and ``script`` are None
    where the run was evaluated before they were kept.
    """

    language: str
    id: Sequence[str]
    prediction: Sequence[str]
    gold: Sequence[str]
    score: Sequence[float]
    unit: Sequence[str] | None = None
    length: Sequence[int] | None = None
    overlap: Sequence[float | None] | None = None
    script: Sequence[str] | None = None

    def __len__(self) -> int:
        return len(self.id)


@dataclass(frozen=True, slots=True)
class Measure:
    """How a metric is counted. ``count``: rows → sums [n, k]; ``value``: sums → points; ``unit``: what an example is called."""

    count: Callable[[Rows], Array]
    value: Value
    whole: bool = True  # both sides name every example
    cases: bool = False  # units are cases, which the ids name


def mean_of_points(sums: Array) -> Array:
    """Of (points, examples); 0 where there is none."""
    return _ratio(sums[..., 0], sums[..., 1])


def f1_of_counts(sums: Array) -> Array:
    """2 · right / (predicted + gold) of (right, predicted, gold), in points: the harmonic mean of precision and recall."""
    return 100 * _ratio(2 * sums[..., 0], sums[..., 1] + sums[..., 2])


def _ratio(top: Array, bottom: Array) -> Array:
    return np.divide(top, bottom, out=np.zeros_like(top), where=bottom != 0)


def measure(task: Task, metric: str) -> Measure:
    """How this metric of this task is counted.

    Raises:
        Unusable: it is not a function of sums over examples that are known here.
    """
    if task.diagnostic:
        return _error_rates(metric)
    if task.format is Format.TAGGING:
        counted = {"f1": Measure(_chunks, f1_of_counts), "accuracy": Measure(_tokens, mean_of_points)}
    elif task.format is Format.BITEXT_MINING:
        counted = {
            "f1": Measure(_pairs, f1_of_counts, whole=False),
            "precision": Measure(_pairs, lambda sums: 100 * _ratio(sums[..., 0], sums[..., 1]), whole=False),
            "recall": Measure(_pairs, lambda sums: 100 * _ratio(sums[..., 0], sums[..., 2]), whole=False),
        }
    else:
        means: Mapping[str, Callable[[Rows], Sequence[float]]] = {
            "accuracy": lambda rows: rows.score,
            "map_at_20": lambda rows: rows.score,
            "mrr_at_20": lambda rows: [_reciprocal(p, g) for p, g in zip(rows.prediction, rows.gold, strict=True)],
        }
        if task.format is Format.SPAN_QA:
            means = {"f1": lambda rows: rows.score, "exact_match": lambda rows: exact(task, rows)}
        counted = {name: Measure(_points(of), mean_of_points) for name, of in means.items()}
    if metric not in counted or metric not in task.metrics:
        raise Unusable(f"{metric} of {task.name} cannot be worked out from examples one by one")
    return counted[metric]


def counted(measure: Measure, rows: Rows) -> Counted:
    """The examples of a run in a language, with what they share."""
    names = distinct(rows.id)
    if measure.cases:
        units: Sequence[str] = [_case(name) for name in rows.id]
    else:
        units = names if rows.unit is None else rows.unit
    return Counted(names, units, measure.count(rows))


def agrees(value: float, stored: float) -> bool:
    """Whether a score from stored predictions is the one that was stored."""
    return abs(value - stored) <= TOLERANCE


# --- counting ------------------------------------------------------------------------------------------------------------


def _points(of: Callable[[Rows], Sequence[float]]) -> Callable[[Rows], Array]:
    def count(rows: Rows) -> Array:
        return np.column_stack([np.asarray(of(rows), np.float64), np.ones(len(rows))])

    return count


def exact(task: Task, rows: Rows) -> list[float]:
    found = []
    for prediction, text in zip(rows.prediction, rows.gold, strict=True):
        gold = listed(text)
        if task.by_language:
            found.append(span_qa.mlqa_exact(prediction, gold, rows.language))
        else:
            found.append(span_qa.squad_exact(prediction, gold or ("",)))
    return found


def _reciprocal(prediction: str, gold: str) -> float:
    ranked = listed(prediction)
    return max((100 * reciprocal_rank(ranked, one) for one in listed(gold)), default=0.0)


def _tokens(rows: Rows) -> Array:
    pairs = [(listed(p), listed(g)) for p, g in zip(rows.prediction, rows.gold, strict=True)]
    right = [100.0 * sum(a == b for a, b in zip(p, g, strict=True)) for p, g in pairs]
    return np.column_stack([np.asarray(right), np.array([float(len(g)) for _, g in pairs])])


def chunks_of(text: str) -> set[tuple[str, int, int]]:
    """The chunks of a sentence's tags, written as JSON."""
    return chunks([*listed(text), OUTSIDE])


def _chunks(rows: Rows) -> Array:
    found = [(chunks_of(p), chunks_of(g)) for p, g in zip(rows.prediction, rows.gold, strict=True)]
    return np.array([[len(p & g), len(p), len(g)] for p, g in found], np.float64).reshape(-1, 3)


def _pairs(rows: Rows) -> Array:
    found = [(set(listed(p)), set(listed(g))) for p, g in zip(rows.prediction, rows.gold, strict=True)]
    return np.array([[len(p & g), len(p), len(g)] for p, g in found], np.float64).reshape(-1, 3)


def listed(text: str) -> list[Any]:
    """A stored list.

    Raises:
        Unusable: it is none.
    """
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, list):
        raise Unusable(f"a stored prediction should be a list and is {text[:40]!a}")
    return found


# --- error rates -----------------------------------------------------------------------------------------------------------


def _case(name: str) -> str:
    return "/".join(name.split("/")[:2])


def _error_rates(metric: str) -> Measure:
    if metric == checklist.ERROR_RATE:
        return Measure(_failures, _mean_rate, cases=True)
    test = metric.removeprefix(f"{checklist.ERROR_RATE}_")
    if test in checklist.TESTS:
        at = 2 * checklist.TESTS.index(test)
        return Measure(lambda rows: _failures(rows)[:, at : at + 2], mean_of_points, cases=True)
    raise Unusable(f"{metric} is no error rate of MultiCheckList")


def _failures(rows: Rows) -> Array:
    """(100 · failed, cases) of each test, side by side; the first question of a case stands for all of it."""
    found = np.zeros((len(rows), 2 * len(checklist.TESTS)))
    first: dict[str, int] = {}
    for row, (name, score) in enumerate(zip(rows.id, rows.score, strict=True)):
        test = name.partition("/")[0]
        if test not in checklist.TESTS:
            raise Unusable(f"question {name[:40]!a} is of no test")
        at = first.setdefault(_case(name), row)
        column = 2 * checklist.TESTS.index(test)
        found[at, column + 1] = 1
        if score <= 0:
            found[at, column] = 100
    return found


def _mean_rate(sums: Array) -> Array:
    failed, cases = sums[..., 0::2], sums[..., 1::2]
    there = cases > 0
    return _ratio(np.where(there, _ratio(failed, cases), 0).sum(axis=-1), there.sum(axis=-1).astype(np.float64))
