"""The state of ``/checklist``: whose error rates, and which cell's failing cases."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from backend.domain.language import LANGUAGES
from backend.domain.metrics.checklist import TESTS
from dashboard.links.flips import RECIPE
from dashboard.links.reading import READERS, line, parsed, read, written

CHECKLIST = "/checklist"


@dataclass(frozen=True, slots=True)
class Checklist:
    """``language`` and ``test`` together: the failing cases of that cell, of one seed (None: the first), from ``cursor`` on."""

    cursor: str | None = None
    language: str | None = None
    model: str | None = None
    recipe: str | None = None
    seed: str | None = None
    source: Literal["mini", "hub", "files"] = "mini"
    test: str | None = None

    @property
    def address(self) -> str:
        return written(CHECKLIST, self)

    @classmethod
    def read(cls, query: Mapping[str, object]) -> Checklist:
        return cls(**read(cls, query))

    @classmethod
    def of(cls, search: str) -> Checklist:
        return cls.read(parsed(search))


READERS.update(
    {
        (Checklist, "cursor"): line,
        (Checklist, "language"): lambda text: text if text in LANGUAGES else None,
        (Checklist, "recipe"): lambda text: text if RECIPE.fullmatch(text) else None,
        (Checklist, "seed"): lambda text: text if re.fullmatch(r"\d{1,9}", text, re.ASCII) else None,
        (Checklist, "test"): lambda text: text if text in TESTS else None,
    }
)
