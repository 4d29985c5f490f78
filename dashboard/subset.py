"""Which languages are looked at: names of groups, what they hold, and a matrix narrowed to some of its languages.

A choice is written as it stands in an address: codes and groups, separated by commas, ``family:Turkic,sw``. A group is
one of the catalogue's (``family:Turkic``, ``resource:low``) or one by script (``script:Cyrillic``, ``script:non-Latin``). ``measured``
stands for the languages of which there is any score: what they are, a matrix says.

Narrowing changes what is shown and what is averaged. It changes no colour, and no q: the correction is over every recipe
and language of the model, target and metric, whatever is looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from backend.domain.language import GROUPS, LANGUAGES
from backend.domain.schemas import GainMatrix
from backend.domain.selection import select

NON_LATIN = "script:non-Latin"
LOW = "resource:low"
MEASURED = "measured"


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
    known = {part for part in text.split(",") if part in LANGUAGES or part in CHOICES or part == MEASURED}
    return ",".join(sorted(known, key=lambda part: (part != MEASURED, ":" not in part, part))) or None


def parts(choice: str | None) -> list[str]:
    return choice.split(",") if choice else []


def members(choice: str | None, measured: Iterable[str] = ()) -> frozenset[str] | None:
    """The languages of a choice, of which some have scores; None: all of them."""
    if not choice:
        return None
    known = {**CHOICES, MEASURED: tuple(measured)}
    return frozenset(code for part in parts(choice) for code in known.get(part, (part,)))


def measured(matrix: GainMatrix) -> frozenset[str]:
    """The languages in which some recipe has a score."""
    return frozenset(c.language for c in matrix.cells if c.treated is not None)


def title(part: str) -> str:
    """``Swahili``, ``Turkic``, ``low-resource``, ``non-Latin scripts``."""
    kind, colon, name = part.partition(":")
    if part == MEASURED:
        return "those with scores"
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
    """The matrix with the chosen languages alone, and its means over them (``selection.select``). Where columns are targets, means
    are over the chosen languages already."""
    if matrix.axes is not None and matrix.axes.columns == "target":
        return matrix
    wanted = members(choice, measured(matrix))
    return matrix if wanted is None else select(matrix, wanted)
