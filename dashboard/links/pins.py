"""Cells that a reader keeps, to look at them side by side: how they stand in an address, of Explore and of what compares them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from backend.domain.comparison import MOST

__all__ = ["MOST", "NONE", "Pin", "Pins"]

#: No name but a recipe's holds a comma, and none a slash, so a list of cells can be read with commas in its recipes.
_PIN = re.compile(
    r"(?P<model>[A-Za-z0-9][\w.-]{0,79})/(?P<recipe>[\w:+@=>,.-]{1,200})/(?P<target>[\w.-]{1,80})(?:/(?P<language>[a-z]{2,3}))?(?:,|$)",
    re.ASCII,
)


@dataclass(frozen=True, slots=True, order=True)
class Pin:
    """The gain of a recipe, written ``mini-4/mnli/xnli/sw``; without a language the mean over transfer languages."""

    model: str
    recipe: str
    target: str
    language: str | None = None

    def __str__(self) -> str:
        return "/".join(part for part in (self.model, self.recipe, self.target, self.language) if part)


@dataclass(frozen=True, slots=True)
class Pins:
    """At most six, in the order in which they were kept, separated by commas."""

    all: tuple[Pin, ...] = ()

    def __str__(self) -> str:
        return ",".join(map(str, self.all))

    def __iter__(self) -> Iterator[Pin]:
        return iter(self.all)

    def __len__(self) -> int:
        return len(self.all)

    @classmethod
    def read(cls, text: str) -> Pins | None:
        """What can be read of a list; None where nothing can."""
        found: dict[Pin, None] = {}
        at = 0
        while (match := _PIN.match(text, at)) is not None:
            found[Pin(match["model"], match["recipe"], match["target"], match["language"])] = None
            at = match.end()
        return cls(tuple(found)[:MOST]) if found else None

    def toggled(self, pin: Pin) -> Pins:
        """Without it where it is among them, else with it, as far as there is room."""
        if pin in self.all:
            return Pins(tuple(p for p in self.all if p != pin))
        return Pins((*self.all, pin)[:MOST])


NONE = Pins()
