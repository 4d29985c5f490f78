"""Addresses: the only file that builds or reads one. What a page shows is what its address says.

An address is short and stable: parameters in alphabetical order, those at their default left out. Reading never fails:
an unknown parameter, a value that is none of the allowed ones, or a parameter given twice counts as not given.

``model``, ``target`` and ``metric`` are checked for their shape here, and for their existence by whoever knows what the
store holds. Model and target have no default that would be the same next year, so a complete address names them; the
metric's is the headline metric of the target.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args, get_type_hints
from urllib.parse import parse_qsl, quote, urlencode

from backend.domain.tasks import TASKS

EXPLORE = "/explore"

Order = Literal["family", "gain", "name"]
Value = Literal["gain", "score"]
View = Literal["heatmap", "table"]
Source = Literal["mini", "hub", "files"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,79}")
_RECIPE = re.compile(r"[\w:+@=,.-]{1,200}", re.ASCII)
_LANGUAGE = re.compile(r"[a-z]{2,3}")


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the heatmap, written ``mnli.sw``."""

    recipe: str
    language: str

    def __str__(self) -> str:
        return f"{self.recipe}.{self.language}"

    @classmethod
    def read(cls, text: str) -> Cell | None:
        recipe, _, language = text.rpartition(".")
        return cls(recipe, language) if _RECIPE.fullmatch(recipe) and _LANGUAGE.fullmatch(language) else None


@dataclass(frozen=True, slots=True)
class Explore:
    """The state of ``/explore``. None: what the store has most to show for, and the target's headline metric."""

    cell: Cell | None = None
    metric: str | None = None
    model: str | None = None
    order: Order = "family"
    source: Source = "mini"
    target: str | None = None
    value: Value = "gain"
    view: View = "heatmap"

    def __post_init__(self) -> None:
        if self.target is not None and self.target in TASKS and self.metric == TASKS[self.target].headline:
            object.__setattr__(self, "metric", None)

    @property
    def address(self) -> str:
        return _address(EXPLORE, self)

    @classmethod
    def read(cls, query: Mapping[str, object]) -> Explore:
        """From a parsed query: what Dash hands to a layout (a text, or a list where a parameter comes twice)."""
        return cls(**_read(cls, query))

    @classmethod
    def of(cls, search: str) -> Explore:
        """From the query part of an address, with or without its question mark."""
        seen: dict[str, object] = {}
        for name, text in parse_qsl(search.removeprefix("?")):
            seen[name] = [] if name in seen else text
        return cls.read(seen)


def api(path: str) -> str:
    """The address of something of the API that a reader may open: ``api("runs/7")``."""
    return f"/api/v1/{quote(path)}"


def _read(cls: type[Explore], query: Mapping[str, object]) -> dict[str, Any]:
    hints = get_type_hints(cls)
    found: dict[str, Any] = {}
    for field in fields(cls):
        text = query.get(field.name)
        if not isinstance(text, str):
            continue
        if field.name == "cell":
            value: object = Cell.read(text)
        elif isinstance(field.default, str):
            value = text if text in get_args(hints[field.name]) else None
        else:
            value = text if _NAME.fullmatch(text) else None
        if value is not None:
            found[field.name] = value
    return found


def _address(path: str, state: Any) -> str:
    said = {f.name: str(getattr(state, f.name)) for f in fields(state) if getattr(state, f.name) != f.default}
    query = urlencode(sorted(said.items()), quote_via=quote, safe=":,@/")
    return f"{path}?{query}" if query else path
