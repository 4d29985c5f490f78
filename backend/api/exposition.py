"""Numbers as Prometheus reads them: its text format, version 0.0.4.

Source of the format: "Exposition formats", Prometheus documentation. Each family is named once with its help and type, its
samples stand together, a histogram's buckets are cumulative and end with ``+Inf``; the text ends with a line feed.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Final, Literal

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_NAME: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL: Final = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*")

Kind = Literal["counter", "gauge", "histogram"]
Labels = Mapping[str, str]


class Histogram:
    """How many observations there were up to each bound, and their sum. ``bounds`` ascend; +Inf is not among them."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


class Exposition:
    """A page of metrics, family by family."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._names: set[str] = set()

    def family(self, name: str, kind: Kind, help: str, samples: Sequence[tuple[Labels, float | Histogram]]) -> None:
        """Add a family; nothing where there are no samples.

        Raises:
            ValueError: the name or a label is not one, a counter's name does not end in ``_total``, or it is there already.
        """
        if not _NAME.fullmatch(name) or name in self._names:
            raise ValueError(f"{name!r} is no name for a metric, or is there already")
        if (kind == "counter") != name.endswith("_total"):
            raise ValueError(f"{name}: names of counters, and no others, end in _total")
        if not samples:
            return
        self._names.add(name)
        self._lines += [f"# HELP {name} {_escaped(help)}", f"# TYPE {name} {kind}"]
        for labels, value in samples:
            if isinstance(value, Histogram):
                self._histogram(name, labels, value)
            else:
                self._lines.append(f"{name}{_braces(labels)} {number(value)}")

    def _histogram(self, name: str, labels: Labels, value: Histogram) -> None:
        below = 0
        for bound, count in zip((*value.bounds, math.inf), value.counts, strict=True):
            below += count
            self._lines.append(f"{name}_bucket{_braces({**labels, 'le': number(bound)})} {below}")
        self._lines.append(f"{name}_sum{_braces(labels)} {number(value.total)}")
        self._lines.append(f"{name}_count{_braces(labels)} {below}")

    def text(self) -> str:
        return "".join(f"{line}\n" for line in self._lines)


def number(value: float) -> str:
    """A value as the format writes it: ``+Inf``, ``-Inf``, ``NaN``, whole numbers without a point."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if float(value).is_integer() and abs(value) < 2**53 else repr(float(value))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _braces(labels: Labels) -> str:
    for name in labels:
        if not _LABEL.fullmatch(name):
            raise ValueError(f"{name!r} is no name for a label")
    if not labels:
        return ""
    written = (name + '="' + _escaped(value).replace('"', '\\"') + '"' for name, value in labels.items())
    return "{" + ",".join(written) + "}"
