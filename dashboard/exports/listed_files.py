"""Files of pages that are tables: their links, which follow what the page shows, and the routes that answer them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final, TypeVar

from dash import Input, Output, callback, html
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from backend.errors import CrossliftError, Invalid, NotFound
from dashboard import findings, links, turned
from dashboard.client import Client
from dashboard.exports import comparisons, examples, files, listings, made
from dashboard.exports.files import Table
from dashboard.links import Checklist, Compare, Flips, Languages, OneLanguage
from dashboard.shell import aria

DATA: Final = {"csv": "CSV", "parquet": "Parquet", "json": "JSON"}
T = TypeVar("T")
_KEPT = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}


def beside(page: str, address: str) -> Any:
    """Links to the files of what a page shows, for its head; ``listen`` lets them follow the page's address."""
    return html.Span(
        _links(address), id=f"{page}-files", className="head-buttons", role="group", **aria(label="As a file")
    )


def listen(page: str) -> None:
    """Once for each page whose address changes by itself, in its store ``{page}-address``."""

    @callback(Output(f"{page}-files", "children"), Input(f"{page}-address", "data"), prevent_initial_call=True)
    async def follow(address: Any) -> Any:
        return _links(str(address))


def _links(address: str) -> list[Any]:
    return [
        html.A(label, href=links.exported(address, s), download="", className="button-link")
        for s, label in DATA.items()
    ]


def install(app: FastAPI, api: Client) -> None:
    """Add the routes."""

    @app.get(links.LANGUAGE_LIST + "/export.{suffix}", include_in_schema=False)
    async def of_languages(suffix: str, request: Request) -> Response:
        async def table(program: str) -> Table:
            state = await findings.settled(api, Languages, request.url.query)
            found = await _known(lambda model: api.language_gains(state.source, model), state.model)
            return listings.languages(found, replace(state, model=found.model), program=program)

        return await _file(api, table, suffix, "languages")

    @app.get(links.LANGUAGE_LIST + "/{code}/export.{suffix}", include_in_schema=False)
    async def of_language(code: str, suffix: str, request: Request) -> Response:
        async def table(program: str) -> Table:
            state = OneLanguage.of(request.url.query)
            found = await _known(lambda model: api.language(code, state.source, model), state.model)
            return listings.language(found, replace(state, model=found.model).address(code), program=program)

        return await _file(api, table, suffix, f"language-{code}")

    @app.get(links.COMPARE + "/export.{suffix}", include_in_schema=False)
    async def of_comparison(suffix: str, request: Request) -> Response:
        async def table(program: str) -> Table:
            state = Compare.of(request.url.query)
            if not state.things:
                raise NotFound("Nothing is chosen yet: name a run, or model/recipe/target, as a=…&b=….")
            found = await api.compare(state.things, source=state.source, metric=state.metric)
            return comparisons.compared(found, state, program=program)

        return await _file(api, table, suffix, "compare")

    @app.get(links.FLIPS + "/export.{suffix}", include_in_schema=False)
    async def of_examples(suffix: str, request: Request) -> Response:
        async def table(program: str) -> Table:
            state = Flips.of(request.url.query)
            state = turned.filled(state, await turned.matrix_of(api, state))
            if state.recipe is None or state.language is None:
                raise NotFound("There is no gain yet whose examples could be listed.")
            rows = await api.every_flipped(state.asked, None if state.direction == "both" else state.direction)
            return examples.flipped(rows, replace(state, fixed=None, broken=None), program=program)

        return await _file(api, table, suffix, "examples")

    @app.get(links.CHECKLIST + "/export.{suffix}", include_in_schema=False)
    async def of_checklist(suffix: str, request: Request) -> Response:
        async def table(program: str) -> Table:
            state = Checklist.of(request.url.query)
            found = await api.checklist(model=state.model, recipe=state.recipe, source=state.source)
            shown = Checklist(model=found.model, recipe=found.recipe, source=state.source)
            return listings.checks(found, shown.address, program=program)

        return await _file(api, table, suffix, "multichecklist")


async def _known(ask: Callable[[str | None], Awaitable[T]], model: str | None) -> T:
    """The answer, without the model where nobody knows it, as on the page."""
    try:
        return await ask(model)
    except Invalid:
        return await ask(None)


async def _file(api: Client, table: Callable[[str], Awaitable[Table]], suffix: str, name: str) -> Response:
    if suffix not in DATA:
        return PlainTextResponse(f"There is no such file of this page; {', '.join(DATA)} are.", 404, _KEPT)
    try:
        found = await table(f"Crosslift {await api.version()}")
    except CrossliftError as error:
        return PlainTextResponse(" ".join([error.detail, *(e.message for e in error.errors)]), error.status, _KEPT)
    makers: dict[str, Callable[[Table], str | bytes]] = {
        "csv": files.as_csv,
        "parquet": files.as_parquet,
        "json": files.as_json,
    }
    content = await asyncio.to_thread(makers[suffix], found)
    headers = {**_KEPT, "Content-Disposition": f'attachment; filename="crosslift-{name}.{suffix}"'}
    return Response(content, media_type=made.MEDIA[suffix], headers=headers)
