"""Points of curves, kept beside the checkpoints until the run is done.

A point is reported, sent and written to the store a little later each time. If everything is killed in between, the next
attempt goes on from a checkpoint that may lie behind points that were never stored; it says them again from here.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

Point = tuple[str, int, float]  # name, step, value


class Journal:
    """Appends to a file that survives the process. Lines that a crash cut off are left out."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: int | None = None
        self._cut = False  # whether the last line may be half there

    def add(self, point: Point) -> None:
        """Keep a point: it has left this process when this returns.

        Raises:
            OSError: it could not be written, as on a full disk. The next one is tried all the same.
        """
        if self._file is None:  # nothing was resumed: what is there belongs to an attempt that left no checkpoint
            self._begin([])
        assert self._file is not None  # just opened
        line = ("\n" if self._cut else "") + json.dumps(point) + "\n"
        self._cut = True
        self._cut = os.write(self._file, line.encode()) < len(line)

    def resume(self, step: int) -> list[Point]:
        """The points up to ``step``, which earlier attempts reported; those after it will come again."""
        found: dict[tuple[str, int], float] = {}
        try:
            lines = self.path.read_bytes().splitlines()
        except FileNotFoundError:
            lines = []
        for line in lines:
            try:
                name, at, value = json.loads(line)
            except ValueError:
                continue
            if at <= step:
                found[name, at] = value
        points = [(name, at, value) for (name, at), value in found.items()]
        self._begin(points)
        return points

    def _begin(self, points: list[Point]) -> None:
        making = self.path.with_suffix(".making")
        making.write_text("".join(json.dumps(point) + "\n" for point in points))
        making.replace(self.path)
        self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
