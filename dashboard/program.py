"""The programs that draw in a browser, which are most of what a page weighs.

Figures are drawn by plotly.js, as its makers publish it for what has two axes. That is a third of the whole program, which the Python package brings along and no figure here needs. ``plotly/`` holds the npm
package ``plotly.js-cartesian-dist-min``, unchanged, in the version that the Python package was made for.

Tables are drawn by AG Grid, which is fetched when the first one comes into sight: ``assets/grid.js``.
"""

from __future__ import annotations

import gzip
import hashlib
from functools import lru_cache
from pathlib import Path

import dash_ag_grid
from dash.fingerprint import build_fingerprint
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

PATH = "/program/{name}.js"
_FILE = Path(__file__).parent / "plotly" / "plotly-cartesian.min.js"


@lru_cache(maxsize=1)
def text() -> str:
    return _FILE.read_text("utf-8")


@lru_cache(maxsize=1)
def address() -> str:
    """Another one for another content, so that a browser keeps what it has."""
    return PATH.format(name=f"plotly-{hashlib.sha256(_FILE.read_bytes()).hexdigest()[:12]}")


@lru_cache(maxsize=1)
def _compressed() -> bytes:
    return gzip.compress(_FILE.read_bytes(), 9, mtime=0)


def grid_address() -> str:
    """Of the program that draws tables."""
    name = str(dash_ag_grid._js_dist[0]["relative_package_path"])
    made = (Path(dash_ag_grid.__file__).parent / name).stat().st_mtime
    return f"/_dash-component-suites/dash_ag_grid/{build_fingerprint(name, dash_ag_grid.__version__, int(made))}"


def leave_grid_out() -> None:
    """Tell the pages' framework, which would have every page begin with the program that draws tables, that it is fetched later."""
    dash_ag_grid._js_dist[0]["dynamic"] = True


def install(app: FastAPI) -> None:
    """Add its route. ``assets/scheme.js`` tells the pages' framework where it is."""

    @app.get(PATH, include_in_schema=False)
    async def program(name: str, request: Request) -> Response:
        if PATH.format(name=name) != address():
            return Response("There is no such program.", 404, media_type="text/plain")
        kept = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
        if "gzip" in request.headers.get("accept-encoding", ""):
            body, kept["Content-Encoding"] = _compressed(), "gzip"
        else:
            body = text().encode()
        return Response(body, headers=kept, media_type="text/javascript")
