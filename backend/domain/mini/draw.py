"""Random numbers that are the same on every machine, in every process and in every Python.

Only `random.Random.random()` is documented to give the same sequence in all versions, so everything here is built on
it; `choice`, `shuffle` and `sample` of the standard library are not used. A stream is named by strings, and its seed is
the SHA-256 of that name: no stream depends on another, nor on the order in which they are opened.
"""

import random
from bisect import bisect
from collections.abc import Sequence
from hashlib import sha256
from typing import TypeVar

T = TypeVar("T")


def digest(*name: object) -> int:
    """The first 64 bits of the SHA-256 of a name, as a number."""
    return int.from_bytes(sha256("\x1f".join(map(str, name)).encode()).digest()[:8], "big")


class Draw:
    """One named stream of random choices."""

    __slots__ = ("unit",)

    def __init__(self, *name: object) -> None:
        self.unit = random.Random(digest(*name)).random

    def below(self, n: int) -> int:
        """A number in 0..n-1."""
        return int(self.unit() * n)

    def flip(self, chance: float = 0.5) -> bool:
        """True with this chance."""
        return self.unit() < chance

    def one(self, items: Sequence[T]) -> T:
        """One of the items, all equally likely."""
        return items[int(self.unit() * len(items))]

    def other(self, items: Sequence[T], *taken: T) -> T:
        """One of the items that is none of those taken."""
        return self.one([item for item in items if item not in taken])

    def some(self, items: Sequence[T], n: int) -> list[T]:
        """n different items in random order."""
        pool = list(items)
        for i in range(n):
            j = i + self.below(len(pool) - i)
            pool[i], pool[j] = pool[j], pool[i]
        return pool[:n]


class Zipf(Sequence[T]):
    """Items of which the first are the most frequent: weight 1 / (rank + 2), a flattened Zipf law."""

    __slots__ = ("items", "sums")

    def __init__(self, items: Sequence[T]) -> None:
        self.items = tuple(items)
        total = 0.0
        self.sums: list[float] = []
        for rank in range(len(self.items)):
            total += 1 / (rank + 3)
            self.sums.append(total)

    def __getitem__(self, index):  # type: ignore[no-untyped-def]
        return self.items[index]

    def __len__(self) -> int:
        return len(self.items)

    def draw(self, draw: Draw) -> T:
        """One item by its weight."""
        return self.items[bisect(self.sums, draw.unit() * self.sums[-1])]
