"""Answers that are more than a schema: tagged JSON, pages with a link to the next one, tables as a download."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Literal
from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from pydantic import TypeAdapter

from backend.domain.schemas import Page

Format = Literal["csv", "jsonl"]

ROWS_A_CHUNK: Final = 500
#: Of a request from this very process, in its scope: where to leave the object that the answer was written from, so that a large
#: one need not be read back from its own text. Nobody outside can set it.
HANDED: Final = "crosslift.handed"
SMALL: Final = 500  # bytes; less is not worth compressing
#: For ``responses=`` of routes that answer with a table.
TABLE: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "content": {
            "text/csv": {"schema": {"type": "string"}},
            "application/jsonl": {"schema": {"type": "string"}},
        }
    }
}
#: A cell that starts like this is a formula to a spreadsheet.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def tagged(request: Request, adapter: TypeAdapter[Any], value: Any) -> Response:
    """JSON with a strong ETag over its bytes; 304 when the client has them.

    Compressed here and not on the way out, because a strong tag names bytes: the compressed ones have another.
    """
    content = adapter.dump_json(value)
    if (handed := request.scope.get(HANDED)) is not None:
        handed["value"] = value
    tag = hashlib.sha256(content).hexdigest()[:32]
    # the middleware's own test, so that it never compresses what was tagged as plain
    plain = len(content) < SMALL or "gzip" not in request.headers.get("accept-encoding", "")
    etag = f'"{tag}"' if plain else f'"{tag}-gzip"'
    headers = {"ETag": etag, "Cache-Control": "no-cache"}
    varying = {**headers, "Vary": "Accept-Encoding"}
    asked = [t.strip().removeprefix("W/") for t in request.headers.get("if-none-match", "").split(",")]
    if "*" in asked or etag in asked:
        return Response(status_code=304, headers=varying)
    if plain:  # on its way out the middleware says what it varies with
        return Response(content, headers=headers if len(content) >= SMALL else varying, media_type="application/json")
    packed = gzip.compress(content, compresslevel=6, mtime=0)
    return Response(packed, headers={**varying, "Content-Encoding": "gzip"}, media_type="application/json")


def link_next(request: Request, response: Response, page: Page[Any]) -> None:
    """``Link: <…>; rel="next"`` with the same filters, where there is a next page."""
    if page.next_cursor is not None:
        query = [(k, v) for k, v in request.query_params.multi_items() if k != "cursor"]
        query.append(("cursor", page.next_cursor))
        response.headers["Link"] = f'<{request.scope["path"]}?{urlencode(sorted(query))}>; rel="next"'


def harmless(value: object) -> object:
    """Text that a spreadsheet would run as a formula, with an apostrophe before it. Numbers stay numbers."""
    return "'" + value if isinstance(value, str) and value.startswith(_FORMULA) else value


def as_csv(rows: Iterable[Mapping[str, Any]], columns: Iterable[str]) -> Iterator[bytes]:
    """RFC 4180 in UTF-8, in chunks; None is an empty cell."""
    names = list(columns)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(names)
    for i, row in enumerate(rows, start=1):
        writer.writerow([harmless(row[name]) for name in names])
        if i % ROWS_A_CHUNK == 0:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()


def as_jsonl(rows: Iterable[Mapping[str, Any]], columns: Iterable[str]) -> Iterator[bytes]:
    """One JSON object a line, with the same names and values as the CSV, without its guard."""
    names = list(columns)
    lines: list[str] = []
    for i, row in enumerate(rows, start=1):
        lines.append(json.dumps({n: row[n] for n in names}, ensure_ascii=False, allow_nan=False) + "\n")
        if i % ROWS_A_CHUNK == 0:
            yield "".join(lines).encode()
            lines.clear()
    yield "".join(lines).encode()


def download(rows: Iterable[Mapping[str, Any]], columns: Iterable[str], *, name: str, format: Format) -> Response:
    """A table as a file."""
    content = as_csv(rows, columns) if format == "csv" else as_jsonl(rows, columns)
    media = "text/csv; charset=utf-8" if format == "csv" else "application/jsonl"
    headers = {"Content-Disposition": f'attachment; filename="{name}.{format}"'}
    return StreamingResponse(content, media_type=media, headers=headers)
