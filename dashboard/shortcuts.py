"""Short addresses of saved views: ``/v/3`` leads on to what is saved."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from backend.errors import CrossliftError
from dashboard import links
from dashboard.client import Client

LONGEST_ID = 18  # digits
_KEPT = {"Cache-Control": "no-store"}


def install(app: FastAPI, api: Client) -> None:
    """Add the route; before those of the pages, which answer whatever is left."""

    @app.get(links.SAVED + "{view_id}", include_in_schema=False)
    async def lead_on(view_id: str) -> Response:
        if not (view_id.isascii() and view_id.isdigit() and len(view_id) <= LONGEST_ID):
            return PlainTextResponse("There is no such saved view.", 404, _KEPT)
        try:
            found = await api.saved_view(int(view_id))
        except CrossliftError as error:
            return PlainTextResponse(error.detail, error.status, _KEPT)
        return RedirectResponse(links.within(found.address), 303, _KEPT)
