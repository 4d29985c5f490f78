"""The state of ``/compare``: two to six things beside one another.

A thing is written as what it is of::

    12                        run 12
    mini-2/mnli/xnli          a model, recipe and target: all its seeds
    mini-2/mnli/xnli/sw       the same in one language: a cell of Explore

The first is what the others are measured against. An address names them by a letter each (``a=…&b=…`` to ``f``), so that no name
comes twice. Somebody who writes an address by hand may repeat one instead (``c=…&c=…``): they are read in alphabetical order of their
names, equal ones in the order in which they stand. ``Compare.beside([...])`` makes such an address.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal
from urllib.parse import parse_qsl

from backend.domain.comparison import MOST, Thing
from dashboard.links.reading import READERS, parsed, read, written

COMPARE = "/compare"
LETTERS = "abcdef"


def thing(text: str) -> str | None:
    """The text, if it can be of a thing to compare."""
    return text if Thing.read(text) is not None else None


@dataclass(frozen=True, slots=True)
class Compare:
    """``fields``: only those in which the things differ, or all. None as metric: the target's headline metric."""

    a: str | None = None
    b: str | None = None
    c: str | None = None
    d: str | None = None
    e: str | None = None
    f: str | None = None
    fields: Literal["differing", "all"] = "differing"
    metric: str | None = None
    order: Literal["family", "difference", "name"] = "family"
    source: Literal["mini", "hub", "files"] = "mini"

    @property
    def things(self) -> list[str]:
        return [each for each in (getattr(self, letter) for letter in LETTERS) if each is not None]

    @property
    def address(self) -> str:
        return written(COMPARE, self)

    def swapped(self) -> Compare:
        """The first two in each other's place."""
        first, second, *rest = [*self.things, None, None][: max(2, len(self.things))]
        return self._with([each for each in (second, first, *rest) if each])

    def against(self, thing: str) -> Compare:
        """This one first: what the others are measured against."""
        return self._with([thing, *(each for each in self.things if each != thing)])

    def without(self, thing: str) -> Compare:
        return self._with([each for each in self.things if each != thing])

    def _with(self, things: Iterable[str]) -> Compare:
        kept = list(dict.fromkeys(things))[: len(LETTERS)]
        letters: Any = dict.fromkeys(LETTERS) | dict(zip(LETTERS, kept, strict=False))
        return replace(self, **letters)

    @classmethod
    def beside(cls, things: Iterable[str], *, source: str = "mini", metric: str | None = None) -> Compare:
        """These beside one another; of one benchmark."""
        return cls.read({"source": source, "metric": metric})._with(things)

    @classmethod
    def read(cls, query: Mapping[str, object]) -> Compare:
        found = cls(**read(cls, query))
        return found._with(found.things)

    @classmethod
    def of(cls, search: str) -> Compare:
        query = parsed(search)
        pairs = sorted((p for p in parse_qsl(search.removeprefix("?")) if p[0] in LETTERS), key=lambda p: p[0])
        things = [found for _, text in pairs if (found := thing(text)) is not None]
        others = {name: value for name, value in query.items() if name not in LETTERS}
        return cls.read(others)._with(things)


READERS.update({(Compare, letter): thing for letter in LETTERS})
assert len(LETTERS) == MOST and set(LETTERS) < {each.name for each in fields(Compare)}
