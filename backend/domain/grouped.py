"""Mean gains of one row of a matrix over groups of its languages: by family, by script, by resource level."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from backend.domain.gains import Missing, paired_t
from backend.domain.language import ENGLISH
from backend.domain.schemas import GainCell


@dataclass(frozen=True, slots=True)
class GroupMean:
    """A mean in points over k of the n languages of a group, English left out. The interval (95 %, paired t over seeds) is None where
    the languages do not share their seeds, as with every mean."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    languages: tuple[str, ...]
    n: int

    @property
    def k(self) -> int:
        return len(self.languages)


def by_group(cells: Iterable[GainCell], group: Callable[[str], str]) -> list[GroupMean]:
    """The groups of one recipe's cells, one a language, best mean first; those without a gain last. A cell that does not apply is of
    no group's n."""
    groups: dict[str, list[GainCell]] = {}
    for c in cells:
        if c.language != ENGLISH and c.missing is not Missing.NOT_APPLICABLE:
            groups.setdefault(group(c.language), []).append(c)
    found = [_mean(name, own) for name, own in groups.items()]
    return sorted(found, key=lambda m: (m.value is None, -(m.value or 0.0), m.name))


def _mean(name: str, cells: Sequence[GainCell]) -> GroupMean:
    used = [c for c in cells if c.gain is not None and c.missing is None]
    if not used:
        return GroupMean(name, None, None, None, (), len(cells))
    value = math.fsum(c.gain or 0.0 for c in used) / len(used)
    low = high = None
    if len({tuple(c.seeds) for c in used}) == 1 and used[0].differences:
        t = paired_t([math.fsum(column) / len(used) for column in zip(*(c.differences for c in used), strict=True)])
        low, high = t.low, t.high
    return GroupMean(name, value, low, high, tuple(c.language for c in used), len(cells))
