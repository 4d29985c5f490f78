"""Everything that goes wrong, in one shape: RFC 9457 problem+json.

What a client sent is never sent back, except as a name in a sentence of ours, cut and escaped: echoing it is how a
validation error becomes a 500 (a NaN or a lone surrogate cannot be encoded) or a megabyte.

``errors`` points at what is at fault: ``/seeds/0`` is a JSON pointer into the body, ``query/target`` a query
parameter, ``path/run_id`` a part of the path, ``header/idempotency-key`` a header.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from pydantic import ValidationError as PydanticError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from backend.errors import Conflict, CrossliftError, FieldError, NotAllowed, NotSignedIn, TooMany, Unavailable

MAX_ERRORS: Final = 20
MAX_MESSAGE: Final = 300

TITLES: Final[Mapping[int, str]] = {
    400: "The request cannot be read",
    401: NotSignedIn.title,
    403: NotAllowed.title,
    404: "Not found",
    405: "This method is not offered here",
    409: Conflict.title,
    413: "The request is too large",
    415: "This content type is not accepted",
    422: "The request cannot be carried out",
    429: TooMany.title,
    500: CrossliftError.title,
    503: Unavailable.title,
}


class Refused(HTTPException):
    """A request refused before it reaches a route, with the fields at fault."""

    def __init__(self, status: int, detail: str, *, errors: Sequence[FieldError] = ()) -> None:
        super().__init__(status, detail)
        self.errors = tuple(errors)


def plain(text: str, limit: int = MAX_MESSAGE) -> str:
    """One line that any log and any encoding can hold: control characters and surrogates escaped, cut to ``limit``."""
    line = "".join(
        c if c.isprintable() and not 0xD800 <= ord(c) <= 0xDFFF else c.encode("unicode_escape", "replace").decode()
        for c in text[: limit + 1]
    )
    return line if len(line) <= limit else line[: limit - 1] + "…"


def pointer(parts: Sequence[object]) -> str:
    """RFC 6901: ``("seeds", 0)`` → ``/seeds/0``."""
    return "".join("/" + plain(str(p), 60).replace("~", "~0").replace("/", "~1") for p in parts)


def problem(
    status: int,
    detail: str,
    *,
    title: str | None = None,
    errors: Sequence[FieldError] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The one error response. ASCII on the wire, so that nothing in it can fail to be encoded."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": title or TITLES.get(status, "The request was not carried out"),
        "status": status,
        "detail": plain(detail, 1000),
    }
    if errors:
        body["errors"] = [
            {"pointer": plain(e.pointer, 200), "message": plain(e.message)} for e in list(errors)[:MAX_ERRORS]
        ]
        if len(errors) > MAX_ERRORS:
            body["detail"] = f"{body['detail']} The first {MAX_ERRORS} of {len(errors)} errors are listed."
    content = json.dumps(body, ensure_ascii=True).encode()
    return Response(content, status, headers, media_type="application/problem+json")


# --- what pydantic found ------------------------------------------------------------------------------------


def _fields(model: object, path: Sequence[object]) -> list[str]:
    """Names of the fields that the schema has at this place of the body; empty where it is no object of ours."""
    for part in path:
        if not (isinstance(model, type) and issubclass(model, BaseModel)) or part not in model.model_fields:
            return []
        model = model.model_fields[str(part)].annotation
    return list(model.model_fields) if isinstance(model, type) and issubclass(model, BaseModel) else []


def message_of(error: Mapping[str, Any], body: object = None) -> str:
    """What is accepted, for one of pydantic's errors, without what was sent.

    Pydantic's own sentences name what is accepted; only those of the types below can hold input.
    """
    kind = str(error["type"])
    if kind == "value_error":  # a sentence of ours
        cause = error.get("ctx", {}).get("error")
        if isinstance(cause, PydanticError):
            return "; ".join(message_of(inner) for inner in cause.errors(include_url=False, include_input=False)[:3])
        return str(cause)
    if kind == "missing":
        return "this field is required"
    if kind == "extra_forbidden":
        known = _fields(body, error["loc"][1:-1])
        return "unknown field" + (f"; accepted here are {', '.join(known)}" if known else "")
    if kind in ("model_attributes_type", "model_type", "dict_type"):
        return "a JSON object is required here"
    if kind in ("tuple_type", "list_type"):
        return "a list is required here"
    if kind == "too_short":
        return f"at least {error['ctx']['min_length']} entry is required"
    if kind == "too_long":
        return f"at most {error['ctx']['max_length']} entries are accepted"
    return str(error["msg"]).replace("Input should be", "should be", 1)


def field_errors(errors: Sequence[Mapping[str, Any]], body: object = None) -> list[FieldError]:
    """Pydantic's errors as ours. ``body`` is the model of the request body, to name its fields."""
    found: dict[tuple[str, str], None] = {}
    inside = {tuple(error["loc"][:-1]) for error in errors}
    for error in errors:
        if error["type"] == "too_short" and tuple(error["loc"]) in inside:
            continue  # only because its entries were refused
        where, *rest = error["loc"] or ("body",)
        names = [p for p in rest if not (isinstance(p, str) and p.startswith("function-"))]
        if where == "query":
            names = names[:1]  # of a parameter that may come several times, which time it was is not said
        at = pointer(names) if where == "body" else f"{where}{pointer(names)}"
        found[at, message_of(error, body)] = None
    return [FieldError(*pair) for pair in found]


# --- handlers ------------------------------------------------------------------------------------------------


async def _ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, CrossliftError)
    headers = {"Retry-After": str(getattr(error, "after", 2))} if error.status in (429, 503) else None
    errors = error.errors
    if request.method == "GET":  # there is no body to point into: a layer below names the parameter
        errors = tuple(
            FieldError(f"query{e.pointer}" if e.pointer[:1] == "/" else e.pointer, e.message) for e in errors
        )
    return problem(error.status, error.detail, title=error.title, errors=errors, headers=headers)


async def _validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    field = getattr(request.scope.get("route"), "body_field", None)
    model = getattr(getattr(field, "field_info", None), "annotation", None)
    found = field_errors(error.errors(), model)
    return problem(422, "Some fields are not acceptable.", errors=found)


async def _http(request: Request, error: Exception) -> Response:
    """From the router and from starlette: their detail is a fixed phrase, replaced by a sentence where we have one."""
    assert isinstance(error, HTTPException)
    sentences = {
        404: "There is nothing at this address.",
        405: "There is something at this address, but not for this method.",
        413: "The body is larger than this address accepts.",
    }
    if isinstance(error, Refused):
        return problem(error.status_code, str(error.detail), errors=error.errors, headers=error.headers)
    if error.status_code < 400:  # 204: nothing to explain
        return Response(status_code=error.status_code, headers=error.headers)
    return problem(error.status_code, sentences.get(error.status_code, str(error.detail)), headers=error.headers)


def install(app: FastAPI) -> None:
    """Register the handlers. What none of them takes becomes a 500 in the gate, which logs it. (A database that is away
    is an ``Unavailable`` already when it leaves the store.)"""
    app.add_exception_handler(CrossliftError, _ours)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)


#: For ``responses=`` of every router, so that the schema of the API tells the truth about errors.
RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    status: {
        "description": TITLES[status],
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for status in (400, 401, 403, 404, 409, 413, 415, 422, 429, 500, 503)
}
