"""What is answered besides pages: frozen results as files, and the honest status of a share link.

A link that is unknown, has expired or was revoked answers 404, whichever it is, with the page that says so. Nothing that
hangs on a token is kept by a cache or told to another site: ``backend.api.gate`` sees to the headers of ``/s/``.
"""

from __future__ import annotations

import asyncio
import hashlib
from datetime import UTC, datetime
from typing import Any

from fastapi import FastAPI
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from backend.domain.answer import Answer
from backend.domain.run import canonical
from backend.domain.schemas import Shared
from backend.errors import CrossliftError
from dashboard import embed, frozen, links, offline, report, share
from dashboard.client import Client

#: A file must not run with the pages' rights, wherever it is opened: it brings its own, stricter policy.
_REPORTS = {"html": "text/html; charset=utf-8", "pdf": "application/pdf", "csv": "text/csv; charset=utf-8"}
_KEPT = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}


def install(app: FastAPI, api: Client) -> None:
    """Add the routes. ``app.state.document`` is the document that every page lives in."""

    @app.get(links.SHARED + "{token}.html", include_in_schema=False)
    async def as_html(token: str) -> Response:
        found = await _shared(api, token)
        return found if isinstance(found, Response) else await _page(*found, link=True)

    @app.get(links.SHARED + "{token}.json", include_in_schema=False)
    async def as_json(token: str) -> Response:
        """Byte by byte what the digest is of."""
        found = await _shared(api, token)
        return found if isinstance(found, Response) else _file(found[0], found[1], ".json", "application/json")

    @app.get(links.SHARED + "{token}.csv", include_in_schema=False)
    async def as_csv(token: str, request: Request) -> Response:
        found = await _shared(api, token)
        if isinstance(found, Response):
            return found
        text = frozen.as_csv(found[0].content, found[0].sha256, frozen.sliced(found[0].content, request.url.query))
        return _file(found[0], text, ".csv", "text/csv; charset=utf-8")

    @app.get(links.SHARED + "{token}", include_in_schema=False)
    async def shared_page(token: str, request: Request) -> Response:
        """The same document as ever, with the status of what it will show; with ``?embed=1`` the figure alone."""
        framed, status = request.query_params.get("embed") == "1", 200
        try:
            found, _ = await api.shared(token, peek=not framed)
        except CrossliftError as error:
            if framed:
                return _refusal(error)
            status = error.status
        if framed:
            made = await asyncio.to_thread(embed.page, found, request.url.query, links.shared(token))
            headers = {**_KEPT, "Content-Security-Policy": embed.policy(app.state.embed)}
            return Response(made, media_type="text/html; charset=utf-8", headers=headers)
        return Response(request.app.state.document, media_type="text/html", status_code=status)

    @app.get(links.ANSWER + "/report.{suffix}", include_in_schema=False)
    async def answer_report(suffix: str, request: Request) -> Response:
        """The answer as a file: ``html``, ``pdf``, or its data as ``csv``."""
        if suffix not in _REPORTS:
            return PlainTextResponse(f"There is no report of this kind; {', '.join(_REPORTS)} are.", status_code=404)
        state = links.Answer.of(request.url.query)
        try:
            found, data = (
                await api.answer(state.source, state.format),
                await api.answer_data(state.source, state.format),
            )
            version = await api.version()
        except CrossliftError as error:
            return _refusal(error)
        if hashlib.sha256(data).hexdigest() != found.data_sha256:  # a run has ended between the two
            return PlainTextResponse(
                "Results arrived while this was written: ask again.", status_code=503, headers=_KEPT
            )
        made = await asyncio.to_thread(_written, suffix, found, data, version)
        headers = {**_KEPT, "Content-Disposition": f'attachment; filename="{report.file_name(found, suffix)}"'}
        if suffix == "html":
            headers["Content-Security-Policy"] = "sandbox allow-scripts"
        return Response(made, media_type=_REPORTS[suffix], headers=headers)

    @app.get("/download/{kind}.html", include_in_schema=False)
    async def without_link(
        kind: str, view: str = "", title: str = "", note: str = "", anonymous: bool = False
    ) -> Response:
        """The single file of a view as it is now; no link is made."""
        try:
            asked = share.request(view, title or "Untitled", note, anonymous)
            found = await api.preview_snapshot(asked)
        except ValidationError as error:
            return PlainTextResponse(f"This cannot be written: {error.errors()[0]['msg']}.", status_code=422)
        except CrossliftError as error:
            return _refusal(error)
        shared = Shared(
            title=asked.title,
            note=asked.note,
            frozen_at=datetime.now(UTC),
            expires_at=None,
            sha256=found.sha256,
            content=found.content,
        )
        return await _page(shared, canonical(found.content.model_dump(mode="json")), link=False)


def _written(suffix: str, found: Answer, data: bytes, version: str) -> bytes:
    at = datetime.now(UTC)
    if suffix == "html":
        return report.page(found, data, version=version, at=at).encode()
    if suffix == "pdf":
        from dashboard import report_pdf

        return report_pdf.pdf(found, data, version=version, at=at)
    return data


async def _shared(api: Client, token: str) -> tuple[Shared, str] | Response:
    try:
        return await api.shared(token)
    except CrossliftError as error:
        return _refusal(error)


def _refusal(error: CrossliftError) -> Response:
    said = " ".join([error.detail, *(e.message for e in error.errors)])
    return PlainTextResponse(said, status_code=error.status, headers=_KEPT)


async def _page(shared: Shared, text: str, *, link: bool) -> Response:
    made = await asyncio.to_thread(offline.page, shared, text, link=link)
    return _file(shared, made, ".html", "text/html; charset=utf-8")


def _file(shared: Shared, text: str, suffix: str, media: str) -> Response:
    headers: dict[str, Any] = {
        **_KEPT,
        "Content-Disposition": f'attachment; filename="{offline.file_name(shared, suffix)}"',
    }
    if suffix == ".html":
        headers["Content-Security-Policy"] = "sandbox allow-scripts"
    return Response(text, media_type=media, headers=headers)
