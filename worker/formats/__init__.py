"""The formats: one module per member of ``Format``, all with the same small interface (``Behaviour``).

A format turns examples into ragged arrays of sub-words (``Features``), says what its head is and what it reads of the
encoder's last layer, and turns the head's outputs into predictions and scores. Heads are fresh for every task; only the
encoder is carried from one stage to the next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from typing import Any, NamedTuple, Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from transformers import PreTrainedTokenizerFast

from backend.domain.task import Format, Split, Task

IGNORED = -100  # what cross entropy skips


class Reads(StrEnum):
    """Which positions of the last layer a head looks at; nothing else of it is computed."""

    FIRST = "first"  # the first token of a row
    MARKED = "marked"  # the tokens whose ``labels`` are not IGNORED
    EVERY = "every"


class Level(StrEnum):
    """What one line of a head's output belongs to."""

    ROW = "row"
    TOKEN = "token"  # noqa: S105


@dataclass(frozen=True)
class Features:
    """Sub-words of many rows in one flat array, without padding.

    A *row* is one sequence for the encoder, an *item* the unit that is shuffled and counted: one example, which has several
    rows where it has several options, windows or pieces. ``rows`` and ``items`` are offsets (length + 1 entries): row r is
    ``tokens[rows[r]:rows[r + 1]]``, item i has rows ``items[i]`` to ``items[i + 1]``.
    """

    tokens: NDArray[np.int32]
    rows: NDArray[np.int64]
    items: NDArray[np.int64]
    token: Mapping[str, NDArray[Any]]  # one entry per token
    row: Mapping[str, NDArray[Any]]
    item: Mapping[str, NDArray[Any]]

    @classmethod
    def build(
        cls,
        rows: Sequence[Sequence[int]],
        rows_per_item: Sequence[int] | None = None,
        *,
        token: Mapping[str, Sequence[Sequence[int]]] | None = None,
        row: Mapping[str, Sequence[int]] | None = None,
        item: Mapping[str, Sequence[int]] | None = None,
    ) -> Features:
        """Flatten rows of ids; ``rows_per_item`` None means one row an item."""
        lengths = np.fromiter((len(r) for r in rows), np.int64, len(rows))
        per_item = np.ones(len(rows), np.int64) if rows_per_item is None else np.asarray(rows_per_item, np.int64)
        return cls(
            tokens=_flat(rows, int(lengths.sum())),
            rows=_offsets(lengths),
            items=_offsets(per_item),
            token={k: _flat(v, int(lengths.sum())) for k, v in (token or {}).items()},
            row={k: np.asarray(v, np.int32) for k, v in (row or {}).items()},
            item={k: np.asarray(v, np.int32) for k, v in (item or {}).items()},
        )

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each row."""
        return np.diff(self.rows)

    @property
    def item_lengths(self) -> NDArray[np.int64]:
        """Tokens of the longest row of each item: what an item is bucketed by."""
        return (
            cast(NDArray[np.int64], np.maximum.reduceat(self.lengths, self.items[:-1])) if len(self) else self.items[:0]
        )

    def __len__(self) -> int:
        """Items."""
        return len(self.items) - 1

    def first(self, count: int) -> Features:
        """The first so many items, as views; all where there are no more."""
        items = self.items[: count + 1]
        rows = self.rows[: items[-1] + 1]
        tokens = int(rows[-1])
        return Features(
            self.tokens[:tokens],
            rows,
            items,
            {k: v[:tokens] for k, v in self.token.items()},
            {k: v[: items[-1]] for k, v in self.row.items()},
            {k: v[: len(items) - 1] for k, v in self.item.items()},
        )

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Flat names to arrays, for a cache file; ``from_arrays`` is the way back."""
        named: dict[str, NDArray[Any]] = {"tokens": self.tokens, "rows": self.rows, "items": self.items}
        for level in ("token", "row", "item"):
            named |= {f"{level}.{k}": v for k, v in getattr(self, level).items()}
        return named

    @classmethod
    def from_arrays(cls, named: Mapping[str, NDArray[Any]]) -> Features:
        levels: dict[str, dict[str, NDArray[Any]]] = {"token": {}, "row": {}, "item": {}}
        for key, array in named.items():
            level, _, name = key.partition(".")
            if name:
                levels[level][name] = array
        return cls(named["tokens"], named["rows"], named["items"], **levels)

    @classmethod
    def joined(cls, parts: Sequence[Features]) -> Features:
        """One after the other; all parts have the same names."""
        first = parts[0]

        def offsets(arrays: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
            return _offsets(np.concatenate([np.diff(a) for a in arrays]))

        return cls(
            tokens=np.concatenate([p.tokens for p in parts]),
            rows=offsets([p.rows for p in parts]),
            items=offsets([p.items for p in parts]),
            token={k: np.concatenate([p.token[k] for p in parts]) for k in first.token},
            row={k: np.concatenate([p.row[k] for p in parts]) for k in first.row},
            item={k: np.concatenate([p.item[k] for p in parts]) for k in first.item},
        )


@dataclass(frozen=True)
class Batch:
    """Rows as padded tensors. ``mask`` is None where no row is shorter than the others: then nothing has to be masked."""

    ids: torch.Tensor  # [rows, length], int64
    mask: torch.Tensor | None  # [rows, length], bool, True = real
    types: torch.Tensor | None  # [rows, length], segment ids for encoders that have them
    token: Mapping[str, torch.Tensor]  # [rows, length], IGNORED on padding
    row: Mapping[str, torch.Tensor]  # [rows]
    item: Mapping[str, torch.Tensor]  # [items]
    row_item: torch.Tensor  # [rows]: which item of the batch a row belongs to
    row_place: torch.Tensor  # [rows]: which row of its item it is
    items: int
    tokens: int  # real ones
    source: NDArray[np.int64]  # [tokens]: where each real token stood in the features

    def to(self, device: torch.device) -> Batch:
        if device.type == "cpu":
            return self

        def move(t: torch.Tensor | None) -> torch.Tensor | None:
            return None if t is None else t.to(device, non_blocking=True)

        def each(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
            return {k: t.to(device, non_blocking=True) for k, t in tensors.items()}

        return Batch(
            cast(torch.Tensor, move(self.ids)), move(self.mask), move(self.types),
            each(self.token), each(self.row), each(self.item),
            self.row_item.to(device), self.row_place.to(device), self.items, self.tokens, self.source,
        )  # fmt: skip


def collate(features: Features, items: NDArray[np.int64], pad: int, multiple: int = 1) -> Batch:
    """The rows of these items, padded to the longest of them (rounded up to ``multiple``)."""
    counts = features.items[items + 1] - features.items[items]
    row_item = np.repeat(np.arange(len(items)), counts)
    row_place = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return _padded(features, features.items[items][row_item] + row_place, pad, multiple, items, row_item, row_place)


def collate_rows(features: Features, rows: NDArray[np.int64], pad: int) -> Batch:
    """These rows, whatever items they belong to (evaluation: rows of one item may be in different batches)."""
    nothing = np.zeros(len(rows), np.int64)
    return _padded(features, rows, pad, 1, np.zeros(0, np.int64), nothing, nothing)


def _padded(
    features: Features,
    rows: NDArray[np.int64],
    pad: int,
    multiple: int,
    items: NDArray[np.int64],
    row_item: NDArray[np.int64],
    row_place: NDArray[np.int64],
) -> Batch:
    starts = features.rows[rows]
    lengths = features.rows[rows + 1] - starts
    longest = -(-int(lengths.max()) // multiple) * multiple
    columns = np.arange(longest)
    real = columns < lengths[:, None]
    at = np.where(real, starts[:, None] + columns, 0)
    full = bool(real.all())

    def padded(array: NDArray[Any], filler: int) -> torch.Tensor:
        values = array[at].astype(np.int64)
        if not full:
            values[~real] = filler
        return torch.from_numpy(values)

    return Batch(
        ids=padded(features.tokens, pad),
        mask=None if full else torch.from_numpy(real),
        types=padded(features.token["types"], 0) if "types" in features.token else None,
        token={k: padded(v, IGNORED) for k, v in features.token.items() if k != "types"},
        row={k: torch.from_numpy(v[rows].astype(np.int64)) for k, v in features.row.items()},
        item={k: torch.from_numpy(v[items].astype(np.int64)) for k, v in features.item.items()},
        row_item=torch.from_numpy(row_item),
        row_place=torch.from_numpy(row_place),
        items=len(items),
        tokens=int(lengths.sum()),
        source=at[real],
    )


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model said of one example. ``score`` is the example's own share of the headline metric, 0 to 100."""

    id: str
    prediction: Any  # label, tags, answer text or the id of what was retrieved
    gold: Any
    score: float
    confidence: float  # 0 to 1
    language: str | None = None  # where the score depends on it


Values = dict[str, tuple[float, int]]  # metric → (points 0 to 100, scored units)


class Behaviour(Protocol):
    """What every module of this package offers."""

    READS: Reads
    LEVEL: Level

    def head(self, hidden: int, task: Task, dropout: float) -> nn.Module:
        """Maps what ``READS`` says of the last layer, and the batch, to one line of numbers per row or token."""

    def encode(
        self, examples: Sequence[Any], tokenizer: PreTrainedTokenizerFast, max_length: int, stride: int
    ) -> Features: ...

    def loss(self, output: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Mean loss of a training batch."""

    def guess(self, features: Features) -> float | None:
        """Training loss of the best answer that does not look at the text, in nats; None where there is no such number."""

    def decode(
        self, task: Task, examples: Sequence[Any], features: Features, outputs: NDArray[np.float32]
    ) -> list[Prediction]:
        """One prediction per example. ``outputs`` has one line per row or per token of ``features``."""

    def score(self, task: Task, predictions: Sequence[Prediction]) -> Values: ...


class Read(NamedTuple):
    """A set of examples, and what an encoder made of them."""

    examples: Sequence[Any]
    features: Features
    outputs: NDArray[np.float32]


Beside = Mapping[Split, Mapping[str, Read]]  # by split and language


def decode_all(
    behaviour: Behaviour, task: Task, sets: Mapping[str, Read], beside: Beside, scored: Sequence[str]
) -> dict[str, list[Prediction]]:
    """Predictions of the scored languages.

    A format whose predictions of a language depend on more than that language's examples has a ``decode_all`` of its own, with
    all these arguments but the first; of the others each language is decoded alone.
    """
    together = getattr(behaviour, "decode_all", None)
    if together is not None:
        return cast(dict[str, list[Prediction]], together(task, sets, beside, scored))
    return {code: behaviour.decode(task, *sets[code]) for code in scored}


def of(format: Format) -> Behaviour:
    return cast(Behaviour, import_module(f"{__name__}.{format.value}"))


def spread(hidden: int) -> float:
    """Standard deviation that weights are drawn with: BERT's 0.02 is made for widths from 768 on, and at a width of 128 leaves
    every layer's output a fifth of its size, which costs a short training dear."""
    return max(0.02, 0.02 * (768 / hidden) ** 0.5)


class FirstTokenHead(nn.Module):
    """XLM-R's classification head: dropout, dense, tanh, dropout, projection, on the first token's state."""

    def __init__(self, hidden: int, outputs: int, dropout: float) -> None:
        super().__init__()
        self.dense = nn.Linear(hidden, hidden)
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Linear(hidden, outputs)
        for linear in (self.dense, self.out):
            nn.init.normal_(linear.weight, std=spread(hidden))
            nn.init.zeros_(linear.bias)

    def forward(self, states: torch.Tensor, batch: Batch) -> torch.Tensor:
        """[rows, hidden] → [rows, outputs]"""
        return cast(torch.Tensor, self.out(self.dropout(torch.tanh(self.dense(self.dropout(states))))))


class TokenHead(nn.Module):
    """Dropout and a projection of every state it is given."""

    def __init__(self, hidden: int, outputs: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Linear(hidden, outputs)
        nn.init.normal_(self.out.weight, std=spread(hidden))
        nn.init.zeros_(self.out.bias)

    def forward(self, states: torch.Tensor, batch: Batch) -> torch.Tensor:
        """[…, hidden] → […, outputs]"""
        return cast(torch.Tensor, self.out(self.dropout(states)))


class Pooling(nn.Module):
    """No weights: the mean over all tokens, special ones included, or the first token's state."""

    def __init__(self, mean: bool) -> None:
        super().__init__()
        self.mean = mean

    def forward(self, states: torch.Tensor, batch: Batch) -> torch.Tensor:
        """[rows, length, hidden] → [rows, hidden], each of length 1"""
        if not self.mean:
            pooled = states[:, 0]
        elif batch.mask is None:
            pooled = states.mean(dim=1)
        else:
            real = batch.mask.unsqueeze(-1).to(states.dtype)
            pooled = (states * real).sum(dim=1) / real.sum(dim=1)
        return nn.functional.normalize(pooled.float(), dim=-1)


def pooling_head(hidden: int, task: Task, dropout: float) -> nn.Module:
    """The head of all retrieval."""
    assert task.retrieval is not None  # the catalogue admits no retrieval task without
    return Pooling(task.retrieval.pooling == "mean")


def segments(encoding: Mapping[str, Any]) -> dict[str, Any]:
    """Segment ids of a tokenizer's answer, where its encoder has segments (mBERT), as a ``token`` entry."""
    return {"types": encoding["token_type_ids"]} if "token_type_ids" in encoding else {}


def entropy(labels: NDArray[Any]) -> float:
    """Of the labels' own frequencies, in nats; those that are to be ignored do not count."""
    counts = np.unique(labels[labels != IGNORED], return_counts=True)[1]
    shares = counts / counts.sum()
    return float(-(shares * np.log(shares)).sum())


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Over the last axis."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return cast(NDArray[np.float32], shifted / shifted.sum(axis=-1, keepdims=True))


def _offsets(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64)])


def _flat(rows: Sequence[Sequence[int]], total: int) -> NDArray[np.int32]:
    return np.fromiter((value for row in rows for value in row), np.int32, total)
