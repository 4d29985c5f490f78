"""What the row makers share: which split an item belongs to, and drawing until there are enough.

An item is assigned to train, validation or test by the SHA-256 of its English wording, whatever task, language or
stream it came from. So nothing that is tested on in any language was trained on in English.
"""

from collections.abc import Callable, Iterator
from typing import Generic, NamedTuple, TypeVar

from backend.domain.mini.clause import Sentence
from backend.domain.mini.draw import Draw, digest
from backend.domain.mini.grammar import grammar

VERSION = 2
"""Part of the seed of every stream: raised when any text or row changes."""

Row = dict[str, object]
T = TypeVar("T")

_SHARES = (("train", 60), ("validation", 80), ("test", 100))


def split_of(wording: str) -> str:
    """The split of an item."""
    place = digest("split", wording) % 100
    return next(name for name, below in _SHARES if place < below)


def english(*sentences: Sentence) -> str:
    """The English wording of sentences."""
    said = grammar("en")
    return " ".join([said.text(sentence) for sentence in sentences])


class Made(NamedTuple, Generic[T]):
    """An item that was drawn."""

    fact: str
    """What decides its split: its English wording, or the part of it that must not be trained and tested on alike."""
    wording: str
    """Its whole English wording: no split has it twice."""
    item: T


def distinct(name: tuple[str, ...], split: str, n: int, make: Callable[[Draw, int], Made[T] | None]) -> Iterator[T]:
    """n different items of a split.

    `make` draws an item for a place in the list (so that labels can take turns), or gives None when the draw came to
    nothing.
    """
    draw = Draw(VERSION, *name, split)
    seen: set[str] = set()
    while len(seen) < n:
        made = make(draw, len(seen))
        if made is not None and made.wording not in seen and split_of(made.fact) == split:
            seen.add(made.wording)
            yield made.item
