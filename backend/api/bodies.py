"""JSON bodies, read strictly: what two readers could understand differently is refused, with a pointer to it.

Python's reader accepts NaN, Infinity, 1e999 (as infinity), repeated keys (the last wins), lone surrogates (which
no database stores) and integers of any length (which take quadratic time). None of that is accepted here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any, Final

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from backend.api.problems import Refused, pointer
from backend.errors import FieldError

MAX_DEPTH: Final = 32
MAX_DIGITS: Final = 40
MAX_KEY: Final = 200
LARGE: Final = 16 * 1024  # bytes; above, a body is read in a thread so that others are answered meanwhile
_HARMLESS: Final = (int, float, bool, type(None))


class _Bad:
    """Stands for a value that is refused, until its place in the document is known."""

    __slots__ = ("why",)

    def __init__(self, why: str) -> None:
        self.why = why


class _Repeated(dict[str, Any]):
    """An object in which a key appears twice."""

    key: str = ""


def _integer(digits: str) -> object:
    return int(digits) if len(digits) <= MAX_DIGITS else _Bad(f"a number of at most {MAX_DIGITS} digits is accepted")


def _real(digits: str) -> object:
    value = float(digits)
    return value if abs(value) != float("inf") else _Bad("a finite number is accepted")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    repeated = _Repeated(found)
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            repeated.key = key
        seen.add(key)
    return repeated


def _surrogate(text: str) -> bool:
    return any(0xD800 <= ord(c) <= 0xDFFF for c in text)


def _faults(document: Any) -> list[FieldError]:
    """Everything in the document that is refused, in order. Without recursion: depth is what an attacker chooses."""
    found: list[FieldError] = []
    stack: list[tuple[tuple[object, ...], Any]] = [((), document)]
    while stack:
        path, value = stack.pop()
        if len(path) > MAX_DEPTH:
            raise Refused(400, f"The body is nested more than {MAX_DEPTH} levels deep.")
        if isinstance(value, _Bad):
            found.append(FieldError(pointer(path), value.why))
        elif isinstance(value, str):
            if _surrogate(value):
                found.append(FieldError(pointer(path), "the text holds half a character (a lone surrogate)"))
        elif isinstance(value, dict):
            if isinstance(value, _Repeated):
                found.append(FieldError(pointer((*path, value.key)), "this key appears twice"))
            for key in value:
                if _surrogate(key) or len(key) > MAX_KEY:
                    found.append(FieldError(pointer((*path, key)), f"keys are text of at most {MAX_KEY} characters"))
            stack.extend(
                ((*path, key), inner) for key, inner in reversed(value.items()) if type(inner) not in _HARMLESS
            )
        elif isinstance(value, list):
            inside = [(i, inner) for i, inner in enumerate(value) if type(inner) not in _HARMLESS]
            stack.extend(((*path, i), inner) for i, inner in reversed(inside))
    return found


def parse(body: bytes) -> Any:
    """A JSON document.

    Raises:
        Refused: 400, the bytes are no JSON (RFC 8259) in UTF-8, or nested too deeply; 422, a value is not acceptable,
            with pointers.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused(400, f"The body is not UTF-8 (byte {error.start}).") from None
    try:
        document = json.loads(
            text,
            parse_constant=lambda name: _Bad("a finite number is accepted"),
            parse_float=_real,
            parse_int=_integer,
            object_pairs_hook=_object,
        )
    except json.JSONDecodeError as error:
        raise Refused(400, f"The body is not JSON: line {error.lineno}, column {error.colno}: {error.msg}.") from None
    except RecursionError:
        raise Refused(400, f"The body is nested more than {MAX_DEPTH} levels deep.") from None
    found = _faults(document)
    if found:
        raise Refused(422, "The body holds values that are not acceptable.", errors=found)
    return document


def _is_json(content_type: str) -> bool:
    main = content_type.partition(";")[0].strip().lower()
    return main == "application/json" or (main.startswith("application/") and main.endswith("+json"))


class _StrictRequest(Request):
    async def json(self) -> Any:
        body = await self.body()
        return parse(body) if len(body) <= LARGE else await run_in_threadpool(parse, body)


class StrictRoute(APIRoute):
    """A route whose body, where it has one, is JSON by the rules above and says so in its content type."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        takes_body = self.body_field is not None

        async def strict(request: Request) -> Response:
            if takes_body:
                request = _StrictRequest(request.scope, request.receive)
                sent = request.headers.get("content-type", "")
                if not _is_json(sent) and (sent or await request.body()):
                    raise Refused(415, "The body must be JSON, with Content-Type: application/json.")
            return await handle(request)

        return strict
