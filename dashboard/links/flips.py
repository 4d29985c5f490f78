"""The state of ``/explore/examples``: examples that a recipe turned, in one language."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from backend.domain.address import SETTINGS
from backend.domain.language import LANGUAGES
from dashboard.links.reading import READERS, line, parsed, read, written

FLIPS = "/explore/examples"
KIND = re.compile(r"[a-z]{1,12}:[A-Za-z0-9_+-]{1,60}(,[a-z]{1,12}:[A-Za-z0-9_+-]{1,60}){0,5}")
RECIPE = re.compile(r"[\w:+@=,.>-]{1,200}", re.ASCII)
#: What the API is asked by; the rest says how it is shown.
ASKED = ("model", "target", "recipe", "language", "metric", "settings", "source", "seed", "kind")


@dataclass(frozen=True, slots=True)
class Flips:
    """None: what there is most of, the first recipe and language with a gain, all seeds. ``kind``: only examples of these kinds,
    ``length:3,label:neutral``. ``fixed`` and ``broken``: where each of the two lists begins."""

    broken: str | None = None
    direction: Literal["both", "fixed", "broken"] = "both"
    fixed: str | None = None
    kind: str | None = None
    language: str | None = None
    metric: str | None = None
    model: str | None = None
    recipe: str | None = None
    seed: str | None = None
    settings: str | None = None
    source: Literal["mini", "hub", "files"] = "mini"
    target: str | None = None

    @property
    def address(self) -> str:
        return written(FLIPS, self)

    @property
    def asked(self) -> dict[str, str]:
        """Of the API."""
        said = {name: getattr(self, name) for name in ASKED}
        return {name: str(value) for name, value in said.items() if value is not None}

    def toggled(self, key: str, kind: str) -> dict[str, Any]:
        """What changes where examples are narrowed to this kind of ``key``, or no longer are."""
        kinds = dict(each.split(":", 1) for each in self.kind.split(",")) if self.kind else {}
        if kinds.get(key) == kind:
            del kinds[key]
        else:
            kinds[key] = kind
        said = ",".join(f"{k}:{v}" for k, v in sorted(kinds.items()))
        return {"kind": said or None, "fixed": None, "broken": None}

    @classmethod
    def read(cls, query: Mapping[str, object]) -> Flips:
        return cls(**read(cls, query))

    @classmethod
    def of(cls, search: str) -> Flips:
        return cls.read(parsed(search))


READERS.update(
    {
        (Flips, "broken"): line,
        (Flips, "fixed"): line,
        (Flips, "kind"): lambda text: text if KIND.fullmatch(text) else None,
        (Flips, "language"): lambda text: text if text in LANGUAGES else None,
        (Flips, "recipe"): lambda text: text if RECIPE.fullmatch(text) else None,
        (Flips, "seed"): lambda text: text if re.fullmatch(r"\d{1,9}", text, re.ASCII) else None,
        (Flips, "settings"): lambda text: text if SETTINGS.fullmatch(text) else None,
    }
)
