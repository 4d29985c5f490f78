"""What a process keeps in memory of what it has computed: under a name, with everything that it was computed from.

What it was computed from is read anew every time; what is kept is given out only while that is equal.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Memory(Generic[T]):
    """The things used last, up to so much of them. Safe to share between threads.

    Args:
        weight: how much a thing counts; ``most`` is in the same unit. The newest stays, however much it is.
    """

    def __init__(self, most: int, weight: Callable[[T], int] = lambda _: 1) -> None:
        self.most = most
        self.weight = weight
        self.total = 0
        self._things: OrderedDict[object, tuple[object, T]] = OrderedDict()
        self._lock = Lock()

    def get(self, name: object, rests_on: object) -> T | None:
        """What is kept under the name, if it was computed from this."""
        with self._lock:
            found = self._things.get(name)
            if found is None or found[0] != rests_on:
                return None
            self._things.move_to_end(name)
            return found[1]

    def put(self, name: object, rests_on: object, thing: T) -> None:
        with self._lock:
            if name in self._things:
                self.total -= self.weight(self._things.pop(name)[1])
            self._things[name] = rests_on, thing
            self.total += self.weight(thing)
            while self.total > self.most and len(self._things) > 1:
                _, (_, gone) = self._things.popitem(last=False)
                self.total -= self.weight(gone)

    def forget(self) -> None:
        """Everything, as in a process that has just begun."""
        with self._lock:
            self._things.clear()
            self.total = 0
