"""Find what answers a query, by the cosine of two vectors: a dual encoder that shares its weights (LAReQA, Mewsli-X).

Trained with in-batch sampled softmax: of the passages of a batch, which is the query's own (Roy et al. 2020, LAReQA, section 4;
Ruder et al. 2021, XTREME-R, appendix). The pool holds each passage once; all of it is searched, in blocks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from transformers import PreTrainedTokenizerFast

from backend.domain.task import Passage, Search, Split, Task
from worker import metrics
from worker.formats import Batch, Beside, Features, Level, Prediction, Read, Reads, Values, pooling_head, segments
from worker.nearest import nearest

READS = Reads.EVERY
LEVEL = Level.ROW
QUERY = 96  # sub-words of a query, XTREME-R's for LAReQA; Mewsli-X has 64 for queries and passages alike
SCALE = 20.0  # cosines are within -1 and 1, too flat for a softmax; a temperature of 0.05
ASKS, ANSWERS, OTHER = range(3)  # what a row is

head = pooling_head


def encode(examples: Sequence[Search], tokenizer: PreTrainedTokenizerFast, max_length: int, stride: int) -> Features:
    """Rows of an item: its query, its answer, and those of its other passages that have no row yet.

    A passage with a context is a pair, whose longer text is cut. ``row.passage`` numbers passages by their ids (-1: a query).

    Raises:
        ValueError: an example has neither query nor passage.
    """
    texts, roles, passages = [], [], []
    numbers: dict[str, int] = {}
    rows_per_item = [0] * len(examples)
    for item, role, passage in _rows(examples):
        query = examples[item].query or ""
        texts.append((query, "") if passage is None else (passage.text, passage.context))
        roles.append(role)
        passages.append(-1 if passage is None else numbers.setdefault(passage.id, len(numbers)))
        rows_per_item[item] += 1
    if 0 in rows_per_item:
        raise ValueError(f"example {examples[rows_per_item.index(0)].id} has neither a query nor a passage")
    rows, types = _sub_words(texts, roles, tokenizer, max_length)
    return Features.build(rows, rows_per_item, token=types, row={"role": roles, "passage": passages})


def _rows(examples: Sequence[Search]) -> Iterator[tuple[int, int, Passage | None]]:
    """Item, role and passage (None: the query) of each row, in order."""
    shown = {e.answer.id for e in examples if e.answer is not None}
    for item, example in enumerate(examples):
        if example.query is not None:
            yield item, ASKS, None
        if example.answer is not None:
            yield item, ANSWERS, example.answer
        for passage in example.others:
            if passage.id not in shown:
                shown.add(passage.id)
                yield item, OTHER, passage


def _sub_words(
    texts: Sequence[tuple[str, str]], roles: Sequence[int], tokenizer: PreTrainedTokenizerFast, max_length: int
) -> tuple[list[list[int]], dict[str, list[list[int]]]]:
    """Sub-words of each text, and segments where the tokenizer has them."""
    rows: list[list[int]] = [[] for _ in texts]
    types: dict[str, list[list[int]]] = {}
    kinds = {
        min(QUERY, max_length): [i for i, role in enumerate(roles) if role == ASKS],
        max_length: [i for i, role in enumerate(roles) if role != ASKS],
    }
    if max_length <= QUERY:
        kinds = {max_length: list(range(len(texts)))}
    for limit, of_kind in kinds.items():
        for paired in (False, True):
            chosen = [i for i in of_kind if bool(texts[i][1]) == paired]
            if not chosen:
                continue
            encoding = tokenizer(
                [texts[i][0] for i in chosen],
                [texts[i][1] for i in chosen] if paired else None,
                truncation="longest_first",
                max_length=limit,
            )
            for i, ids in zip(chosen, encoding["input_ids"], strict=True):
                rows[i] = ids
            for name, values in segments(encoding).items():
                of_all = types.setdefault(name, [[] for _ in texts])
                for i, value in zip(chosen, values, strict=True):
                    of_all[i] = value
    return rows, types


def loss(output: torch.Tensor, batch: Batch) -> torch.Tensor:
    """In-batch softmax from queries to passages; the same passage of another query of the batch is no wrong answer.

    Raises:
        ValueError: an example has no query or no answer.
    """
    role, passage = batch.row["role"], batch.row["passage"]
    asks, answers = role == ASKS, role == ANSWERS
    if not (int(asks.sum()) == int(answers.sum()) == batch.items):
        raise ValueError("to train on, every example needs a query and an answer")
    logits = SCALE * output[asks] @ output[answers].T  # rows are in the order of their items
    own = passage[answers]
    same = (own[:, None] == own[None, :]) & ~torch.eye(len(own), dtype=torch.bool, device=own.device)
    return nn.functional.cross_entropy(
        logits.masked_fill(same, float("-inf")), torch.arange(len(own), device=own.device)
    )


def guess(features: Features) -> float | None:
    """It would depend on the passages of each batch."""
    return None


def decode(
    task: Task, examples: Sequence[Search], features: Features, outputs: NDArray[np.float32]
) -> list[Prediction]:
    """Among the passages of these examples alone: a development set."""
    return decode_all(task, {"": Read(examples, features, outputs)}, {}, [""])[""]


def decode_all(
    task: Task, sets: Mapping[str, Read], beside: Beside, scored: Sequence[str]
) -> dict[str, list[Prediction]]:
    """The twenty nearest passages of each query in the scored languages; ``confidence`` is the cosine of the nearest.

    ``gold`` are the right passages of the pool, ``score`` is the average precision. A query without any right passage in the
    pool scores 0, as Mewsli-X's missing entities do. In a pool of several languages a passage's id begins with its language.
    """
    pools = beside.get(Split.CANDIDATES) or sets
    names: list[str] = []
    vectors: list[NDArray[np.float32]] = []
    right: dict[str, dict[str, None]] = defaultdict(dict)  # what is sought → passages, each once
    for code, pool in pools.items():
        prefix = f"{code}:" if task.pooled and code else ""
        first: dict[str, int] = {}
        for row, (item, role, passage) in enumerate(_rows(pool.examples)):
            if passage is not None:
                first.setdefault(prefix + passage.id, row)
                if role == ANSWERS:
                    right[pool.examples[item].sought].setdefault(prefix + passage.id)
        names += first
        vectors.append(pool.outputs[list(first.values())])
    index = np.concatenate(vectors)
    found: dict[str, list[Prediction]] = {}
    for code in scored:
        examples, features, outputs = sets[code]
        asked = [e for e in examples if e.query is not None]
        places, cosines = nearest(outputs[np.flatnonzero(features.row["role"] == ASKS)], index, metrics.TOP)
        found[code] = []
        for example, near, cosine in zip(asked, places, cosines, strict=True):
            ranked, gold = [names[i] for i in near], list(right.get(example.sought, ()))
            points = metrics.average_precision(ranked, gold) if gold else 0.0
            found[code].append(Prediction(example.id, ranked, gold, points, float(np.clip(cosine[0], 0, 1))))
    return found


def score(task: Task, predictions: Sequence[Prediction]) -> Values:
    n = len(predictions)
    rank = sum(metrics.reciprocal_rank(p.prediction, p.gold) for p in predictions)
    return {"map_at_20": (sum(p.score for p in predictions) / max(1, n), n), "mrr_at_20": (rank / max(1, n), n)}
