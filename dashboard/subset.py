"""Which languages are looked at: names of groups, what they hold, and a matrix narrowed to some of its languages.

A choice is written as it stands in an address: codes and groups, separated by commas, ``family:Turkic,sw``. A group is
one of the catalogue's (``family:Turkic``, ``resource:low``) or one by script (``script:Cyrillic``, ``script:non-Latin``).

Narrowing changes what is shown and what is averaged. It changes no colour, and no q: the correction is over every recipe
and language of the model, target and metric, whatever is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping

from backend.domain.language import GROUPS, LANGUAGES
from backend.domain.schemas import GainMatrix
from backend.domain.selection import select

NON_LATIN = "script:non-Latin"
LOW = "resource:low"


def _by_script() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for code, language in LANGUAGES.items():
        found.setdefault(f"script:{language.script}", []).append(code)
        if language.script != "Latin":
            found.setdefault(NON_LATIN, []).append(code)
    return {name: tuple(codes) for name, codes in sorted(found.items())}


#: Every group that can be chosen → its languages.
CHOICES: Mapping[str, tuple[str, ...]] = {**GROUPS, **_by_script()}


def read(text: str) -> str | None:
    """A choice as it is written: known names, each once, in one order; None where nothing is left."""
    known = {part for part in text.split(",") if part in LANGUAGES or part in CHOICES}
    return ",".join(sorted(known, key=lambda part: (":" not in part, part))) or None


def parts(choice: str | None) -> list[str]:
    return choice.split(",") if choice else []


def members(choice: str | None) -> frozenset[str] | None:
    """The languages of a choice; None: all of them."""
    if not choice:
        return None
    return frozenset(code for part in parts(choice) for code in CHOICES.get(part, (part,)))


def title(part: str) -> str:
    """``Swahili``, ``Turkic``, ``low-resource``, ``non-Latin scripts``."""
    kind, colon, name = part.partition(":")
    if not colon:
        return LANGUAGES[part].name if part in LANGUAGES else part
    if kind == "resource":
        return f"{name}-resource"
    if kind == "script":
        return "non-Latin scripts" if part == NON_LATIN else f"{name} script"
    return name


def described(choice: str | None) -> str:
    """``Turkic, Swahili``: a choice in words."""
    return ", ".join(title(part) for part in parts(choice))


def narrow(matrix: GainMatrix, choice: str | None) -> GainMatrix:
    """The matrix with the chosen languages alone, and its means over them (``selection.select``)."""
    wanted = members(choice)
    return matrix if wanted is None else select(matrix, wanted)
