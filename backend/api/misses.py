"""How many share links somebody may try that show nothing. Counted in this process: guessing 256 bits is hopeless anyway, and
this keeps it from being a load."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from typing import Final

from backend.errors import TooMany

MOST: Final = 30  # in a window, from one address
SECONDS: Final = 60.0
ADDRESSES: Final = 10_000  # remembered; the one that was longest quiet is forgotten first


class Misses:
    """Links that showed nothing, by the address that asked."""

    def __init__(self, most: int = MOST, seconds: float = SECONDS) -> None:
        self.most, self.seconds = most, seconds
        self._seen: OrderedDict[str, deque[float]] = OrderedDict()

    def check(self, address: str) -> None:
        """Raises:
        TooMany: this address has tried too many; says when it is heard again.
        """
        seen = self._recent(address)
        if len(seen) >= self.most:
            wait = max(1, round(seen[0] + self.seconds - time.monotonic()))
            raise TooMany("Too many links that show nothing were asked for. Try again in a minute.", after=wait)

    def count(self, address: str) -> None:
        self._seen.setdefault(address, deque(maxlen=self.most)).append(time.monotonic())
        self._seen.move_to_end(address)
        while len(self._seen) > ADDRESSES:
            self._seen.popitem(last=False)

    def _recent(self, address: str) -> deque[float]:
        seen = self._seen.get(address, deque())
        while seen and seen[0] < time.monotonic() - self.seconds:
            seen.popleft()
        return seen
