"""What every page begins with: one style sheet, and the fewest programs that a browser can be given.

A browser asks for six files at a time, and each one that it asks for takes this process a turn. So ``assets/`` goes out as one style
sheet and one program, React and what else Dash's own programs stand on at the head of it. Left out is what no page uses: Dash's tables,
and a polyfill for browsers that could not show these pages either. Of that, Dash's programs need one part, the npm package
``regenerator-runtime``, which ``regenerator/`` holds unchanged.

Programs of components go out under the addresses that Dash gives them, by which they find their own parts, and are compressed
once and not for each visitor: that took longer than everything else that a visitor waited for.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import dash
from dash import Dash
from dash._dash_renderer import _js_dist_dependencies
from dash.fingerprint import check_fingerprint
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

HERE: Final = Path(__file__).parent
STYLE, SCRIPT = "/program/style-{digest}.css", "/program/pages-{digest}.js"
SUITES: Final = "/_dash-component-suites/{package_name}/{fingerprinted_path:path}"
FOREVER: Final = {"Cache-Control": "public, max-age=31536000, immutable"}
_APART: Final = "scheme.js"  # named in the document, ahead of everything else
_IN_SCRIPT: Final = re.compile(r"<script src=\"/_dash-component-suites/dash/(?:deps|dash_table)/[^\"]*\"></script>\n?")


@lru_cache(maxsize=1)
def style() -> bytes:
    """All style sheets, in the order of their names, as Dash would name them."""
    return b"\n".join(path.read_bytes() for path in sorted((HERE / "assets").glob("*.css")))


@lru_cache(maxsize=1)
def script() -> bytes:
    """React, and all that is in ``assets/``: a line feed and a semicolon end what a file leaves open."""
    below = Path(dash.__file__).parent
    named = _js_dist_dependencies[0]["relative_package_path"]["prod"]
    files = [HERE / "regenerator" / "runtime.js", *(below / name for name in named if "polyfill" not in name)]
    files += [path for path in sorted((HERE / "assets").glob("*.js")) if path.name != _APART]
    return b"\n;\n".join(path.read_bytes() for path in files)


def _address(shape: str, content: Callable[[], bytes]) -> str:
    return shape.format(digest=hashlib.sha256(content()).hexdigest()[:12])


@lru_cache(maxsize=1)
def style_address() -> str:
    """Another one for another content, so that a browser keeps what it has."""
    return _address(STYLE, style)


@lru_cache(maxsize=1)
def script_address() -> str:
    return _address(SCRIPT, script)


class Opening(Dash):
    """Dash, with this in place of a file for each. What it would read anew for each visitor it reads once."""

    def interpolate_index(self, **parts: Any) -> str:  # type: ignore[override]  # Dash gives each by its name
        parts["css"] = f'<link rel="stylesheet" href="{style_address()}">\n' + parts.get("css", "")
        others = _IN_SCRIPT.sub("", parts.get("scripts", ""))
        parts["scripts"] = f'<script src="{script_address()}"></script>\n{others}'
        return str(super().interpolate_index(**parts))


# --- compressed once ----------------------------------------------------------------------------------------------------------


class Packed:
    """A file as it goes out, for who reads gzip and for who does not."""

    def __init__(self, body: bytes, media_type: str, headers: dict[str, str]) -> None:
        self.body, self.media_type = body, media_type
        self.headers = {**headers, "Vary": "Accept-Encoding"}
        self.small = gzip.compress(body, 9, mtime=0)

    def answer(self, request: Request) -> Response:
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(self.small, headers=self.headers | {"Content-Encoding": "gzip"}, media_type=self.media_type)
        return Response(self.body, headers=self.headers, media_type=self.media_type)


def install(app: FastAPI) -> None:
    """Add the routes: before those of the pages' framework, which answers for its own files too."""
    kept: dict[tuple[str, str], Packed] = {}

    async def packed(key: tuple[str, str], body: bytes, media_type: str, headers: dict[str, str]) -> Packed:
        if key not in kept:
            kept[key] = await asyncio.to_thread(Packed, body, media_type, headers)
        return kept[key]

    @app.get(STYLE, include_in_schema=False)
    async def style_sheet(digest: str, request: Request) -> Response:
        if STYLE.format(digest=digest) != style_address():
            return Response("There is no such style sheet.", 404, media_type="text/plain")
        return (await packed(("", "style"), style(), "text/css", FOREVER)).answer(request)

    @app.get(SCRIPT, include_in_schema=False)
    async def pages_script(digest: str, request: Request) -> Response:
        if SCRIPT.format(digest=digest) != script_address():
            return Response("There is no such program.", 404, media_type="text/plain")
        return (await packed(("", "script"), script(), "text/javascript", FOREVER)).answer(request)

    @app.get(SUITES, include_in_schema=False)
    async def suite(package_name: str, fingerprinted_path: str, request: Request) -> Response:
        """What Dash answers, which is the same for as long as this process runs; whether it is there, Dash says."""
        path, named = check_fingerprint(fingerprinted_path)
        found = kept.get((package_name, path)) if named else None
        if found is None:
            pages: Any = app.state.pages
            answer: Response = pages.backend.serve_component_suites(pages, package_name, fingerprinted_path, request)
            if not named or answer.status_code != 200:
                return answer
            headers = {"Cache-Control": answer.headers["cache-control"]}
            media_type = answer.media_type or "application/octet-stream"
            found = await packed((package_name, path), bytes(answer.body), media_type, headers)
        return found.answer(request)
