"""How an address is read and written, whatever page it is of.

Reading never fails: an unknown parameter, a value that is none of the allowed ones, or a parameter given twice counts as not given.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, get_args, get_type_hints
from urllib.parse import parse_qsl, quote, urlencode

#: Of a name in an address: a model, a target, a metric.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,79}")

#: Parameters with a grammar of their own, by class and name. The others are one of the words that their type allows, or a name.
READERS: dict[tuple[type, str], Callable[[str], object]] = {}


def parsed(search: str) -> dict[str, object]:
    """The query part of an address, with or without its question mark. A parameter given twice is a list: not given."""
    seen: dict[str, object] = {}
    for name, text in parse_qsl(search.removeprefix("?")):
        seen[name] = [] if name in seen else text
    return seen


def line(text: str, limit: int = 100) -> str | None:
    return text if text.isprintable() and 0 < len(text) <= limit else None


def read(cls: type, query: Mapping[str, object]) -> dict[str, Any]:
    hints = get_type_hints(cls)
    found: dict[str, Any] = {}
    for field in fields(cls):
        text = query.get(field.name)
        if not isinstance(text, str):
            continue
        reader = READERS.get((cls, field.name))
        if reader is not None:
            value: object = reader(text)
        elif isinstance(field.default, str):
            value = text if text in get_args(hints[field.name]) else None
        else:
            value = text if NAME.fullmatch(text) else None
        if value is not None:
            found[field.name] = value
    return found


def _text(value: object) -> str:
    return f"{value:.9g}" if isinstance(value, float) else str(value)


def written(path: str, state: Any) -> str:
    said = {f.name: _text(getattr(state, f.name)) for f in fields(state) if getattr(state, f.name) != f.default}
    query = urlencode(sorted(said.items()), quote_via=quote, safe=":,@/")
    return f"{path}?{query}" if query else path
