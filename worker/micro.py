"""A batch in parts that fit into memory: the same step, computed piece by piece.

A step's loss is a mean, over tokens, windows or items. Of parts, each weighted with its share of what the mean is over, the
gradients add up to those of the whole batch, within the rounding of sums (accumulated gradients, as in Goyal et al. 2017,
section 3). Only where dropout is on do the masks differ, as they are drawn part by part.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch

from worker.formats import IGNORED, Batch

_CPU_ALLOCATOR = ("can't allocate memory", "not enough memory")  # torch has no type of its own for these


class TooLarge(MemoryError):
    """What is needed at the least does not fit; the message says what that is."""


@dataclass
class Room:
    """What fitted so far of an evaluation's batches, so that what did not fit is not tried again. One for a run."""

    places: int | None = None  # positions of a batch, padding included; None: nothing was too large yet

    def cut(self, tried: int) -> None:
        """Memory ran out with this many positions."""
        self.places = max(1, tried // 2)

    def holds(self, places: int) -> bool:
        return self.places is None or places <= self.places


def out_of_memory(error: BaseException) -> bool:
    """Whether this says that GPU or host had no memory left."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _CPU_ALLOCATOR)


def counted(batch: Batch) -> int | None:
    """How many things the loss of this batch is the mean over: marked tokens (tagging, masked words), items (one label each) or
    windows (spans). None for retrieval, whose wrong answers are the other rows of the batch: a part would be another loss."""
    if "labels" in batch.token:
        return int((batch.token["labels"] != IGNORED).sum())
    if "labels" in batch.item:
        return batch.items
    if "first" in batch.row:
        return len(batch.ids)
    return None


def parts(batch: Batch, size: int) -> Iterator[tuple[Batch, float]]:
    """The batch in parts of at most ``size`` items, each with its share of the loss; whole if it is no larger or cannot be split.

    Parts without anything that counts are left out. Padding stays as it is, so that every row is computed on as before.
    """
    total = counted(batch)
    if total is None or batch.items <= size:
        yield batch, 1.0
        return
    owner = _owner(batch)
    row_of_token = _row_of_each_token(batch)
    for start in range(0, batch.items, size):
        stop = min(start + size, batch.items)
        rows = torch.nonzero((owner >= start) & (owner < stop))[:, 0]
        part = _part(batch, rows, owner, row_of_token, start, stop)
        share = (counted(part) or 0) / total
        if share:
            yield part, share


def portion(batch: Batch, which: int, of: int) -> tuple[Batch, float]:
    """The ``which``-th of ``of`` portions of the items, as even as they can be, and its share of the loss: 0 where nothing in it
    counts, or where there are fewer items than portions.

    Raises:
        ValueError: this loss cannot be divided.
    """
    if counted(batch) is None:
        raise ValueError(
            "this loss compares the rows of a batch with each other, which cannot be shared out over devices"
        )
    start, stop = batch.items * which // of, batch.items * (which + 1) // of
    owner = _owner(batch)
    rows = torch.nonzero((owner >= start) & (owner < stop))[:, 0]
    own = _part(batch, rows, owner, _row_of_each_token(batch), start, stop)
    return own, (counted(own) or 0) / (counted(batch) or 1)


def _owner(batch: Batch) -> torch.Tensor:
    """Which item each row is of. Batches of lines (masked words) say nothing of items: there, a row is one."""
    return torch.arange(batch.items) if len(batch.row_item) == batch.items else batch.row_item.cpu()


def _row_of_each_token(batch: Batch) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    rows, length = batch.ids.shape
    real = np.ones((rows, length), np.bool_) if batch.mask is None else batch.mask.cpu().numpy()
    return np.asarray(np.nonzero(real)[0], np.int64)


def _part(
    batch: Batch,
    rows: torch.Tensor,
    owner: torch.Tensor,
    row_of_token: np.ndarray[tuple[int], np.dtype[np.int64]],
    start: int,
    stop: int,
) -> Batch:
    """The given rows, which are those of items ``start`` to ``stop``."""
    there = rows.to(batch.ids.device)

    def each(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {name: tensor[there] for name, tensor in tensors.items()}

    source = batch.source[np.isin(row_of_token, rows.numpy())]
    return replace(
        batch,
        ids=batch.ids[there],
        mask=None if batch.mask is None else batch.mask[there],
        types=None if batch.types is None else batch.types[there],
        token=each(batch.token),
        row=each(batch.row),
        item={name: tensor[start:stop] for name, tensor in batch.item.items()},
        row_item=(owner[rows] - start).to(batch.row_item.device),
        row_place=batch.row_place[there],
        items=stop - start,
        tokens=len(source),
        source=source,
    )
