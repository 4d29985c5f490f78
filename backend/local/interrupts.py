"""Ctrl-C and requests to stop, counted rather than thrown, so that nothing is left half started."""

from __future__ import annotations

import signal
from types import FrameType


class Interrupted(Exception):
    """Ctrl-C, or a request to stop, while starting."""


class Interrupts:
    """The first signal asks to stop, the second insists. Signals only count; nothing is torn apart half-way."""

    def __init__(self) -> None:
        self.count = 0

    def __enter__(self) -> Interrupts:
        self._before = {n: signal.signal(n, self._seen) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _seen(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1

    @property
    def insists(self) -> bool:
        return self.count > 1

    def check(self) -> None:
        if self.count:
            raise Interrupted
