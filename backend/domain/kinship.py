"""Which languages are near to one another, by what the table of languages knows: branch, family and script.

There is no distance in it. Word order and other typology are in no table of ours, so nothing is said about them.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from backend.domain.language import LANGUAGES, Language, language

MOST = 6
LATIN = "Latin"  # half of the languages are in it: it says little
NO_FAMILIES = frozenset({"Creole", "Isolate"})  # of ``Language.family``


@dataclass(frozen=True, slots=True)
class Near:
    """A language and what it shares with another one: a branch (which is in one family), a family, a script."""

    code: str
    shares: tuple[str, ...]  # in words: "branch Bantu", "family Niger-Congo", "script Latin"


def nearest(code: str, among: Collection[str] | None = None) -> tuple[Near, ...]:
    """The languages nearest to one, at most ``MOST``: first those of its branch, then of its family, then of its script.

    Within each, those in the same script come first, then those of the closest class of Joshi et al., then by name. Latin script
    alone makes nobody near, unless nothing else is shared with anybody.

    Args:
        among: the languages that are looked at; None: all.

    Raises:
        ValueError: the code is of no language.
    """
    one = language(code)
    every = [
        _near(one, other)
        for other in LANGUAGES.values()
        if other.code != code and (among is None or other.code in among)
    ]
    found = [near for near in every if near.shares]
    strong = [near for near in found if near.shares != (f"script {LATIN}",)]
    return tuple(sorted(strong or found, key=lambda near: _place(one, near))[:MOST])


def _near(one: Language, other: Language) -> Near:
    related = one.family == other.family and one.family not in NO_FAMILIES
    shares = [f"branch {one.branch}"] if related and one.branch == other.branch else []
    shares += [f"family {one.family}"] if related else []
    shares += [f"script {one.script}"] if one.script == other.script else []
    return Near(other.code, tuple(shares))


def _place(one: Language, near: Near) -> tuple[int, bool, int, str]:
    other = LANGUAGES[near.code]
    kinds = {text.partition(" ")[0] for text in near.shares}
    level = 0 if "branch" in kinds else 1 if "family" in kinds else 2
    return level, "script" not in kinds, abs(one.joshi_class - other.joshi_class), other.name
