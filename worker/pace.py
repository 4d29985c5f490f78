"""How fast a run goes, when it should end, and whether it still moves. Pure: it is told the time."""

from __future__ import annotations

import statistics
from collections import deque
from itertools import pairwise

from backend.domain.run import Phase

WINDOW_SECONDS = 60.0  # what the rate is taken over
WARM_UP = 20  # steps seen in this attempt before an end is foretold
PIECES = 10  # of the window, whose rates give the range
FEWEST = 2 * PIECES  # points that the window holds, however long ago they were
HUNG_SECONDS = 600.0  # without any sign, whatever the pace
HUNG_STEPS = 50  # or as long as this many steps take
LOADING_SECONDS = 3600.0  # before the first step: a large checkpoint over a slow line


class Pace:
    """Fed with (step, total) as they arrive. Times are seconds of one monotonic clock."""

    def __init__(
        self, at: float, *, total: int = 0, hung_seconds: float = HUNG_SECONDS, loading_seconds: float = LOADING_SECONDS
    ) -> None:
        self.step = 0
        self.total = total
        self.hung_seconds = hung_seconds
        self.loading_seconds = max(hung_seconds, loading_seconds)
        self._first: int | None = None  # step at the start of this attempt, after resuming
        self._moved = at
        self._loading = True
        self._points: deque[tuple[float, int]] = deque()  # over the window

    def saw(self, step: int, total: int, at: float) -> bool:
        """A step was reported; returns whether it is a new one."""
        self.total = total
        moved = self._first is None or step != self.step
        if self._points and step < self.step:  # another stage counts from its own beginning
            self._points.clear()
            self._first = None
        if self._first is None:
            self._first = step
        self.step = step
        if moved:
            self._moved = at
            self._points.append((at, step))
        while len(self._points) > FEWEST and at - self._points[0][0] > WINDOW_SECONDS:
            self._points.popleft()
        return moved

    def sign(self, at: float, phase: Phase | None = None) -> None:
        """Anything else that shows that it moves: a phase, a checkpoint, a point of a curve."""
        self._moved = at
        if phase is not None:
            self._loading = phase in (Phase.STARTING, Phase.LOADING)

    @property
    def rate(self) -> float | None:
        """Steps per second over the window; None before there are two points."""
        if len(self._points) < 2:
            return None
        (t0, s0), (t1, s1) = self._points[0], self._points[-1]
        return (s1 - s0) / (t1 - t0) if t1 > t0 and s1 > s0 else None

    @property
    def eta(self) -> tuple[float, float] | None:
        """Seconds until the last step, as a range; None until ``WARM_UP`` steps of this attempt were seen.

        The ends come from the slower and the faster fifth of the window's pieces, so a steady run has a narrow range.
        """
        rate = self.rate
        if rate is None or self._first is None or self.step - self._first < WARM_UP:
            return None
        left = max(0, self.total - self.step)
        pieces = sorted(self._piece_rates()) or [rate]
        slow, fast = pieces[len(pieces) // 5], pieces[-1 - len(pieces) // 5]
        return left / max(fast, rate), left / min(slow, rate)

    def hung_after(self) -> float:
        """Seconds without a sign after which the run counts as hung."""
        if self._loading:
            return self.loading_seconds
        times = self._step_times()
        return max(self.hung_seconds, HUNG_STEPS * statistics.median(times)) if times else self.hung_seconds

    def still(self, at: float) -> float:
        """Seconds since the last sign."""
        return at - self._moved

    def _step_times(self) -> list[float]:
        pairs = pairwise(self._points)
        return [(t1 - t0) / (s1 - s0) for (t0, s0), (t1, s1) in pairs if s1 > s0]

    def _piece_rates(self) -> list[float]:
        """Rates over about ten equal pieces of the window."""
        points = list(self._points)
        size = max(1, (len(points) - 1) // PIECES)
        ends = points[::size]
        pairs = pairwise(ends)
        return [(s1 - s0) / (t1 - t0) for (t0, s0), (t1, s1) in pairs if t1 > t0 and s1 > s0]
