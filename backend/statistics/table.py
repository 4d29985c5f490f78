"""Sufficient statistics of stored predictions, unit by unit: what all resampling is done on.

A score that is a mean of example scores, and one that is not (F1 of chunks, F1 of mined pairs, error rate of cases), are both a
function of *sums over examples*: of points and their count; of right, predicted and gold chunks. So one array holds all there
is to know, and leaving out or repeating a unit is adding up again. A unit is what may be taken for independent: an example, or
all examples that share a paragraph or premise (``Rows.units``).

Units that several languages share (the test sets of XNLI, XQuAD and XCOPA are translations of one) are one unit in all of
them: resampling takes it or leaves it everywhere at once, so a mean over languages is not treated as if each had examples of
its own. A language that lacks a unit adds nothing for it.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from backend.statistics.interval import Array

Value = Callable[[Array], Array]  # sums [..., k] → points [...]


class Unusable(Exception):
    """Predictions cannot be compared. The message says why, in words for a page."""


@dataclass(frozen=True, slots=True)
class Counted:
    """The examples of one run in one language. ``names``: a name of each, unique; ``units``: what it shares; ``sums``: [n, k]."""

    names: Sequence[str]
    units: Sequence[str]
    sums: Array


@dataclass(frozen=True, slots=True)
class Table:
    """``sums`` is [seeds, units, languages, 2, k]: with the recipe, then without. ``examples``: different ones, of any language."""

    sums: Array
    value: Value
    languages: tuple[str, ...]
    examples: int
    units: tuple[str, ...]

    @property
    def seeds(self) -> int:
        return int(self.sums.shape[0])

    @property
    def totals(self) -> Array:
        """Over all units: [seeds, languages, 2, k]."""
        return np.asarray(self.sums.sum(axis=1))

    @property
    def scores(self) -> Array:
        """Points: [seeds, languages, 2]."""
        return self.value(self.totals)

    @property
    def differing(self) -> int:
        """Units whose sums are not the same with the recipe and without, in any seed and language."""
        return int((self.sums[..., 0, :] != self.sums[..., 1, :]).any(axis=(0, 2, 3)).sum())

    def without_each(self) -> Array:
        """The totals once without each unit: [units, seeds, languages, 2, k]."""
        return np.asarray(self.totals - np.moveaxis(self.sums, 1, 0))

    def random(self, purpose: str) -> np.random.Generator:
        """A generator that is seeded by the content alone: equal tables draw equal samples, in whatever order they were read."""
        content = hashlib.sha256(json.dumps([purpose, self.languages, self.sums.shape]).encode())
        content.update(np.ascontiguousarray(self.sums).tobytes())
        return np.random.default_rng(int.from_bytes(content.digest()[:16], "big"))


def table(value: Value, pairs: Mapping[str, Sequence[tuple[Counted, Counted]]], *, whole: bool = True) -> Table:
    """One table of everything given.

    Args:
        value: of the sums.
        pairs: language → one (with the recipe, without) a seed; every language has the same seeds, in the order of
            the seeds.
        whole: both sides of a pair, and all seeds, must have exactly the same examples. False where an example that nobody
            names counts nothing (mined pairs).

    Units are in the order of their names and languages in that of their codes, so the order of what was read changes nothing.

    Raises:
        Unusable: the examples of two runs differ, or there are none.
        ValueError: languages have different numbers of seeds, or none.
    """
    languages = tuple(sorted(pairs))
    counts = {len(pairs[code]) for code in languages}
    if len(counts) != 1 or 0 in counts:
        raise ValueError(f"pairs must have one number of seeds, at least 1, not {sorted(counts)}")
    place: dict[str, str] = {}  # example → unit, as the first language that has it says
    for code in languages:
        first = frozenset(pairs[code][0][0].names)
        for number, pair in enumerate(pairs[code]):
            for side in pair:
                if whole and (len(side.names) != len(first) or frozenset(side.names) != first):
                    raise Unusable(_differ(first, frozenset(side.names), code, number))
                for name, own in zip(side.names, side.units, strict=True):
                    place.setdefault(name, own)
    if not place:
        raise Unusable("there are no examples")
    units = tuple(sorted(set(place.values())))
    at = {name: i for i, name in enumerate(units)}
    k = pairs[languages[0]][0][0].sums.shape[1]
    sums = np.zeros((counts.pop(), len(units), len(languages), 2, k))
    for number, code in enumerate(languages):
        for seed, pair in enumerate(pairs[code]):
            for at_side, counted in enumerate(pair):
                rows = np.fromiter((at[place[name]] for name in counted.names), np.int64, len(counted.names))
                for column in range(k):
                    sums[seed, :, number, at_side, column] = np.bincount(
                        rows, weights=counted.sums[:, column], minlength=len(units)
                    )
    return Table(sums, value, languages, len(place), units)


def _differ(ours: frozenset[str], theirs: frozenset[str], language: str, number: int) -> str:
    missing, more = len(ours - theirs), len(theirs - ours)
    return (
        f"the test examples of the runs differ in {language}: of pair {number + 1}, one side lacks {missing} and has {more} others; "
        "only predictions on the same examples can be compared"
    )


def distinct(names: Sequence[str]) -> list[str]:
    """Names as they are, and where one comes again, with a number: a pool may name two lines alike."""
    seen: defaultdict[str, int] = defaultdict(int)
    found = []
    for name in names:
        seen[name] += 1
        found.append(name if seen[name] == 1 else f"{name}\0{seen[name]}")
    return found
