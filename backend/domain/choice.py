"""Which languages are looked at, as an address names them: codes and groups, separated by commas, ``family:Turkic,sw``.

A group is one of the catalogue's (``family:Turkic``, ``resource:low``) or one by script (``script:Cyrillic``, ``script:non-Latin``).
``measured`` stands for the languages of which there is any score: what they are, a matrix says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from backend.domain.language import GROUPS, LANGUAGES

NON_LATIN = "script:non-Latin"
LOW = "resource:low"
MEASURED = "measured"
TRANSFER = "transfer languages"  # what means are over where nothing is chosen


def _by_script() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for code, language in LANGUAGES.items():
        found.setdefault(f"script:{language.script}", []).append(code)
        if language.script != "Latin":
            found.setdefault(NON_LATIN, []).append(code)
    return {name: tuple(codes) for name, codes in sorted(found.items())}


#: Every group that can be chosen → its languages.
CHOICES: Mapping[str, tuple[str, ...]] = {**GROUPS, **_by_script()}


def known(part: str) -> bool:
    """Whether a part of a choice names anything."""
    return part in LANGUAGES or part in CHOICES or part == MEASURED


def read(text: str) -> str | None:
    """A choice as it is written: known names, each once, in one order; None where nothing is left."""
    found = {part for part in text.split(",") if known(part)}
    return ",".join(sorted(found, key=lambda part: (part != MEASURED, ":" not in part, part))) or None


def parts(choice: str | None) -> list[str]:
    return choice.split(",") if choice else []


def members(choice: str | None, measured: Iterable[str] = ()) -> frozenset[str] | None:
    """The languages of a choice, of which some have scores; None: all of them."""
    if not choice:
        return None
    groups = {**CHOICES, MEASURED: tuple(measured)}
    return frozenset(code for part in parts(choice) for code in groups.get(part, (part,)))


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


def of_means(choice: str | None) -> tuple[frozenset[str] | None, str]:
    """What means are over that are taken before anybody knows which languages have scores, and that in words. None: all but English,
    and so those with scores, since a mean holds no other."""
    codes = None if MEASURED in parts(choice) else members(choice)
    return (codes, described(choice)) if codes else (None, TRANSFER)
