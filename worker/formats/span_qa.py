"""The span of a context that answers a question, or that none does (SQuAD v2.0).

A context that does not fit is read in overlapping windows (``stride`` sub-words of overlap); in training a window without
the answer points at its first token, at evaluation the best span of all windows of a question wins. Spans are at most
``LONGEST`` sub-words, questions are cut at ``QUESTION``: both as in XTREME's third_party/run_squad.py.

Where a task has questions without an answer, the first token of a window stands for none: its start and end logits add up to
the window's null score, the lowest of all windows is the question's, and the answer is empty where that is above the best
span's (BERT's run_squad.py, null threshold 0). Scores are those of SQuAD's evaluate-v2.0.py at that threshold: an
unanswerable question counts where nothing was answered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from transformers import PreTrainedTokenizerFast

from backend.domain.metrics import checklist
from backend.domain.task import Question, Task
from worker import metrics
from worker.formats import Batch, Beside, Features, Level, Prediction, Read, Reads, TokenHead, Values, entropy, segments

READS = Reads.EVERY
LEVEL = Level.TOKEN
LONGEST = 30
QUESTION = 64
BLOCK = 256  # windows decoded at a time
OUTSIDE = -1  # start and end of sub-words that are not of the context


def head(hidden: int, task: Task, dropout: float) -> nn.Module:
    return TokenHead(hidden, 2, 0.0)  # start and end; XLM-R's has no dropout


def encode(examples: Sequence[Question], tokenizer: PreTrainedTokenizerFast, max_length: int, stride: int) -> Features:
    questions = _cut([e.question for e in examples], tokenizer, min(QUESTION, max_length // 2))
    encoding = tokenizer(
        questions,
        [e.context for e in examples],
        truncation="only_second",
        max_length=max_length,
        stride=min(stride, max_length // 4),  # a window must advance, however long its question
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
    )
    owner = encoding["overflow_to_sample_mapping"]
    rows_per_item = np.bincount(owner, minlength=len(examples))
    begins: list[list[int]] = []
    ends: list[list[int]] = []
    first: list[int] = []
    last: list[int] = []
    for row, example in enumerate(examples[o] for o in owner):
        context = example.context
        sides = encoding.sequence_ids(row)
        begin = [OUTSIDE] * len(sides)
        end = [OUTSIDE] * len(sides)
        for at, (side, (b, e)) in enumerate(zip(sides, encoding["offset_mapping"][row], strict=True)):
            if side == 1:
                while b < e and context[b].isspace():  # a sub-word may own the space before it
                    b += 1
                begin[at], end[at] = b, e
        begins.append(begin)
        ends.append(end)
        span = _span(begin, end, example)
        first.append(span[0])
        last.append(span[1])
    return Features.build(
        encoding["input_ids"],
        rows_per_item.tolist(),
        token={"begin": begins, "end": ends, **segments(encoding)},
        row={"first": first, "last": last},
    )


def _cut(texts: list[str], tokenizer: PreTrainedTokenizerFast, limit: int) -> list[str]:
    """Each text up to its ``limit``-th sub-word."""
    offsets = tokenizer(texts, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
    return [t if len(o) <= limit else t[: o[limit - 1][1]] for t, o in zip(texts, offsets, strict=True)]


def _span(begin: list[int], end: list[int], example: Question) -> tuple[int, int]:
    """The sub-words that hold the first answer, or (0, 0) where this window does not hold all of it."""
    if not example.answers or not example.answers[0].text:
        return 0, 0
    start = example.answers[0].start
    stop = start + len(example.answers[0].text)
    inside = [at for at, (b, e) in enumerate(zip(begin, end, strict=True)) if b != OUTSIDE and e > start and b < stop]
    if not inside or begin[inside[0]] > start or end[inside[-1]] < stop:
        return 0, 0
    return inside[0], inside[-1]


def loss(output: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Mean of the cross entropies of start and end over the real sub-words of each window."""
    logits = output.float()
    if batch.mask is not None:
        logits = logits.masked_fill(~batch.mask.unsqueeze(-1), float("-inf"))
    start = nn.functional.cross_entropy(logits[..., 0], batch.row["first"])
    end = nn.functional.cross_entropy(logits[..., 1], batch.row["last"])
    return (start + end) / 2


def guess(features: Features) -> float | None:
    """Of where answers start and end in a window, whatever is in it."""
    return (entropy(features.row["first"]) + entropy(features.row["last"])) / 2


def decode(
    task: Task, examples: Sequence[Question], features: Features, outputs: NDArray[np.float32]
) -> list[Prediction]:
    """``confidence`` is the probability of start times that of end within the winning window, over its context.

    Where nothing is answered though an answer would have been possible, it is the odds of that against the best span.
    """
    first, last, total, sure = _best_spans(features, outputs)
    nulls = outputs[features.rows[:-1]].sum(axis=1)
    predictions = []
    for i, example in enumerate(examples):
        windows = slice(features.items[i], features.items[i + 1])
        row = int(features.items[i] + np.argmax(total[windows]))
        confidence = float(sure[row])
        text = ""
        above = float(nulls[windows].min() - total[row]) if np.isfinite(total[row]) else np.inf
        if task.unanswerable and above > 0:
            confidence = float(1 / (1 + np.exp(-above)))
        elif np.isfinite(total[row]):
            begin = features.token["begin"][features.rows[row] + first[row]]
            end = features.token["end"][features.rows[row] + last[row]]
            text = example.context[begin:end].strip()
        gold = tuple(a.text for a in example.answers)
        predictions.append(Prediction(example.id, text, gold, f1(text, gold), confidence))
    return predictions


def decode_all(
    task: Task, sets: Mapping[str, Read], beside: Beside, scored: Sequence[str]
) -> dict[str, list[Prediction]]:
    """Predictions of each language; of a task whose answers are compared by language, with scores of that comparison.

    The score of a check's question is 100 where it is answered rightly, as everywhere: error rates are of whole cases.
    """
    found = {code: decode(task, *sets[code]) for code in scored}

    def points(p: Prediction, code: str) -> float:
        if task.diagnostic:
            return 100.0 * any(checklist.right(p.prediction, gold, code) for gold in p.gold)
        return f1(p.prediction, p.gold, code)

    if not (task.by_language or task.diagnostic):
        return found
    return {code: [replace(p, score=points(p, code), language=code) for p in each] for code, each in found.items()}


def exact(text: str, gold: Sequence[str], language: str | None = None) -> float:
    """An unanswerable question has the empty text for its only gold answer. With a language by MLQA's comparison."""
    return metrics.squad_exact(text, gold or ("",)) if language is None else metrics.mlqa_exact(text, gold, language)


def f1(text: str, gold: Sequence[str], language: str | None = None) -> float:
    """Word overlap; with no gold answer all or nothing. With a language by MLQA's comparison."""
    if language is not None:
        return metrics.mlqa_f1(text, gold, language)
    return metrics.squad_f1(text, gold) if gold else exact(text, gold)


def _best_spans(
    features: Features, outputs: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
    """Per window: first and last sub-word of its best span, the sum of their logits, and its probability.

    Every span of up to LONGEST sub-words is looked at, not an n-best list. A window without any context scores -inf.
    """
    windows = len(features.rows) - 1
    first = np.zeros(windows, np.int64)
    last = np.zeros(windows, np.int64)
    total = np.full(windows, -np.inf, np.float32)
    sure = np.zeros(windows, np.float32)
    lengths = features.lengths
    order = np.argsort(lengths, kind="stable")
    for block in (order[i : i + BLOCK] for i in range(0, windows, BLOCK)):
        columns = np.arange(int(lengths[block].max()))
        real = columns < lengths[block][:, None]
        at = np.where(real, features.rows[block][:, None] + columns, 0)
        context = real & (features.token["begin"][at] != OUTSIDE)
        start, end = (np.where(context, outputs[at, k], -np.inf) for k in (0, 1))
        best = np.full(start.shape, -np.inf, np.float32)
        reach = np.zeros(start.shape, np.int64)
        for k in range(min(LONGEST, len(columns))):
            sums = start[:, : len(columns) - k] + end[:, k:]
            better = sums > best[:, : len(columns) - k]
            best[:, : len(columns) - k][better] = sums[better]
            reach[:, : len(columns) - k][better] = k
        lines = np.arange(len(block))
        first[block] = best.argmax(axis=1)
        last[block] = first[block] + reach[lines, first[block]]
        total[block] = best[lines, first[block]]
        some = context.any(axis=1)
        mass = _log_sum(start[some]) + _log_sum(end[some])
        sure[block[some]] = np.exp(total[block][some] - mass)
    return first, last, total, sure


def _log_sum(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    top = logits.max(axis=1, keepdims=True)
    return np.asarray(top[:, 0] + np.log(np.exp(logits - top).sum(axis=1)), np.float32)


def score(task: Task, predictions: Sequence[Prediction]) -> Values:
    if task.diagnostic:
        return checklist.error_rates((p.id, p.score > 0) for p in predictions)
    n = len(predictions)
    exactly = sum(exact(p.prediction, p.gold, p.language) for p in predictions) / max(1, n)
    overlap = sum(p.score for p in predictions) / max(1, n)
    return {"f1": (overlap, n), "exact_match": (exactly, n)}
