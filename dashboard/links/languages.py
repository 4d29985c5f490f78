"""The addresses of ``/languages`` and ``/languages/{code}``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from backend.domain.language import LANGUAGES
from dashboard.links.reading import READERS, line, parsed, read, written

LANGUAGE_LIST = "/languages"
FAMILIES = tuple(sorted({x.family for x in LANGUAGES.values()}))
SCRIPTS = tuple(sorted({x.script for x in LANGUAGES.values()}))

Sort = Literal["family", "name", "resource", "gain", "best", "tasks", "runs"]


@dataclass(frozen=True, slots=True)
class Languages:
    """The state of ``/languages``: which are listed, in what order. None: all; the model with most results."""

    family: str | None = None
    level: Literal["any", "high", "mid", "low"] = "any"
    model: str | None = None
    q: str | None = None
    script: str | None = None
    shown: Literal["all", "measured"] = "all"
    sort: Sort = "family"
    source: Literal["mini", "hub", "files"] = "mini"

    @property
    def address(self) -> str:
        return written(LANGUAGE_LIST, self)

    @classmethod
    def read(cls, query: Mapping[str, object]) -> Languages:
        return cls(**read(cls, query))

    @classmethod
    def of(cls, search: str) -> Languages:
        return cls.read(parsed(search))


@dataclass(frozen=True, slots=True)
class OneLanguage:
    """The state of ``/languages/{code}``."""

    model: str | None = None
    source: Literal["mini", "hub", "files"] = "mini"

    def address(self, code: str) -> str:
        return written(language(code), self)

    @classmethod
    def read(cls, query: Mapping[str, object]) -> OneLanguage:
        return cls(**read(cls, query))

    @classmethod
    def of(cls, search: str) -> OneLanguage:
        return cls.read(parsed(search))


def language(code: str) -> str:
    """Of the page of one language."""
    return f"{LANGUAGE_LIST}/{quote(code, safe='')}"


READERS.update(
    {
        (Languages, "family"): lambda text: text if text in FAMILIES else None,
        (Languages, "q"): line,
        (Languages, "script"): lambda text: text if text in SCRIPTS else None,
    }
)
