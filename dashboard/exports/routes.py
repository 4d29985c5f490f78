"""The addresses of files: a page's own address with ``/export.csv`` (or another ending) in its path, and for what is frozen the link's
own with the ending. Of a figure ``width`` is ``column`` or ``page``, ``ink`` is ``colour`` or ``grey``. What is left out or not known is
at its default, as on the pages.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any, cast

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from backend.errors import CrossliftError
from dashboard import findings, links, standing
from dashboard.client import Client
from dashboard.exports import made
from dashboard.exports.paper import INKS, WIDTHS, Ink, Width

_KEPT = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
#: An SVG may hold programs, wherever it is opened: ours has none, and may run none.
_INERT = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"
FROZEN = tuple(
    suffix for suffix in links.FILES if suffix not in ("csv", "json")
)  # those beside ``dashboard.downloads``


def install(app: FastAPI, api: Client) -> None:
    """Add the routes. ``app.state.url`` is the address that others reach this under."""

    @app.get(links.EXPLORE + "/export.{suffix}", include_in_schema=False)
    async def of_explore(suffix: str, request: Request) -> Response:
        state = await findings.settled(api, links.Explore, request.url.query)
        return await _live(app, api, await findings.find(api, state), suffix, request)

    @app.get(links.TRADEOFF + "/export.{suffix}", include_in_schema=False)
    async def of_tradeoff(suffix: str, request: Request) -> Response:
        state = await findings.settled(api, links.Tradeoff, request.url.query)
        return await _live(app, api, await standing.find(api, state), suffix, request)

    async def of_frozen(token: str, request: Request) -> Response:
        suffix = request.scope["path"].rpartition(".")[2]
        try:
            what, _ = await api.shared(token)
            program = f"Crosslift {await api.version()}"
        except CrossliftError as error:
            return _refused(error)
        subject = made.shared(what, request.url.query, token=token, url=app.state.url, program=program)
        return await _file(subject, suffix, request)

    for suffix in FROZEN:
        app.get(f"{links.SHARED}{{token}}.{suffix}", include_in_schema=False)(of_frozen)


async def _live(app: FastAPI, api: Client, found: Any, suffix: str, request: Request) -> Response:
    try:
        program = f"Crosslift {await api.version()}"
        subject = made.live(
            found, url=app.state.url, at=datetime.now(UTC), program=program, signs=not app.state.access.open
        )
    except CrossliftError as error:
        return _refused(error)
    if subject is None:
        problem = found.problem
        if problem is not None:
            return _refused(problem)
        return PlainTextResponse("This view shows no number yet: there is nothing to write down.", 404, _KEPT)
    return await _file(subject, suffix, request)


async def _file(subject: made.Subject, suffix: str, request: Request) -> Response:
    if suffix not in subject.suffixes:
        why = f" ({made.MEANT})" if suffix == "yaml" else ""
        return PlainTextResponse(
            f"There is no such file of this view{why}; {', '.join(subject.suffixes)} are.", 404, _KEPT
        )
    content = await asyncio.to_thread(made.file, subject, suffix, *looks(request.query_params))
    headers = {**_KEPT, "Content-Disposition": f'attachment; filename="{subject.name}.{suffix}"'}
    if suffix == "svg":
        headers["Content-Security-Policy"] = _INERT
    return Response(content, media_type=made.MEDIA[suffix], headers=headers)


def looks(said: Any) -> tuple[Width, Ink]:
    """How a figure is drawn."""
    width, ink = said.get("width"), said.get("ink")
    return cast(Width, width if width in WIDTHS else "page"), cast(Ink, ink if ink in INKS else "colour")


def _refused(error: CrossliftError) -> Response:
    return PlainTextResponse(" ".join([error.detail, *(e.message for e in error.errors)]), error.status, _KEPT)
