"""The composition root: API and pages in one process, on one port, so that there is one address to share.

::

    python -m dashboard.server

The only file of the dashboard that knows the API's insides. Pages still read through HTTP: over a client that leads into
this very process. With ``CROSSLIFT_API_URL`` they read from an API that runs elsewhere, and this process serves pages
alone.
"""

from __future__ import annotations

import gc
import hashlib
import logging
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib import import_module
from typing import Any

import httpx
import uvicorn
from dash import Dash, State
from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.responses import RedirectResponse

from backend import logs, queue
from backend.api.access import ANYONE, Access, rules
from backend.api.answers import HANDED
from backend.api.app import create_app
from backend.api.gate import ContentSecurity, Gate
from backend.domain.account import LOCAL, Me, Role, Who
from backend.errors import REFUSED, Conflict, Unavailable
from backend.settings import Settings, settings
from backend.store import migrate
from backend.store.session import Store
from dashboard import downloads, embed, opening, program, shell, shortcuts, signing, visitor
from dashboard.client import Client, handed
from dashboard.exports import listed_files, routes

# The statistics of a cell load these in a thread when somebody first asks. Plotly looks whether they are there each time that
# it writes an answer, and breaks on one that is half loaded: so they are loaded before the first request.
for _name in ("numpy", "pandas"):
    with suppress(ImportError):
        import_module(_name)

API_TIMEOUT_SECONDS = 20.0
LATELY_SECONDS = 900.0  # that somebody is known for while the API does not answer
MOST_LATELY = 1000


def create(store: Store | None = None) -> FastAPI:
    """The application: the API, its 404 guard, then the pages, which answer whatever is left.

    Args:
        store: where everything is; None: as the settings say, closed when the server stops.
    """
    chosen = settings()
    if store is None and chosen.api_url:
        http = httpx.AsyncClient(base_url=chosen.api_url, timeout=API_TIMEOUT_SECONDS, cookies=_none_kept())
        return attach(_pages_alone(chosen, chosen.api_url), http)
    used = store or Store(chosen.database)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        if store is None:
            used.dispose()

    app = create_app(used, ring=queue.ring, trouble=queue.trouble, observe=queue.observed, lifespan=lifespan)
    return attach(app, _within(app))


def attach(app: FastAPI, http: httpx.AsyncClient) -> FastAPI:
    """Put the pages onto an application; ``http`` leads to the API that they read."""
    app.state.client = Client(http)
    app.state.access.declare(*rules(ANYONE, *visitor.ANYBODY), *rules(Role.VIEWER, *visitor.VIEWERS))

    program.leave_grid_out()
    opening.install(app)
    options: dict[str, Any] = {"server": app, "update_title": None}  # both are accepted, whatever Dash's types say
    pages = opening.Opening(
        "dashboard",
        **options,
        use_pages=True,
        use_async=True,
        compress=True,
        suppress_callback_exceptions=True,
        routing_callback_inputs={"search": State("_pages_location", "search")},  # a page knows what it was asked with
        include_pages_meta=False,
        title=shell.NAME,
        index_string=shell.INDEX,
        include_assets_files=False,  # they go out as two, see ``opening``
        meta_tags=[{"name": "viewport", "content": "width=device-width, initial-scale=1"}],
    )
    pages.backend.websocket_capability = False  # no callback uses one; else every tab keeps an idle connection open
    pages.layout = shell.layout
    shell.listen(pages)
    app.state.pages = pages
    # Dash has put itself ahead of everything: the gate comes before it, and then whose request it is
    app.add_middleware(visitor.Visitors)
    gate: Any = Gate  # compared with, whatever starlette's types say
    app.user_middleware.sort(key=lambda middleware: middleware.cls is not gate)
    program.install(app)
    app.state.url, app.state.embed = settings().url, embed.origins(settings().embed_origins)
    listed_files.install(app, app.state.client)
    routes.install(app, app.state.client)  # before the pages of share links, whose address fits these too
    downloads.install(app, app.state.client)
    signing.install(app, app.state.client)
    shortcuts.install(app, app.state.client)
    _warm_up(app, pages)
    return app


def _within(app: FastAPI) -> httpx.AsyncClient:
    """A client that leads into this process: no socket, no port, the same answers."""
    hosts = (h.strip() for h in settings().trusted_hosts.split(","))
    host = next((h for h in hosts if h not in ("", "*")), "localhost")

    async def on_behalf(scope: Any, receive: Any, send: Any) -> None:
        if (left := handed.get()) is not None:
            scope[HANDED] = left
        scope["client"] = (visitor.present().address or "127.0.0.1", 0)  # what is counted by address is the visitor's
        await app(scope, receive, send)

    return httpx.AsyncClient(
        transport=httpx.ASGITransport(on_behalf, raise_app_exceptions=False),
        base_url=f"http://{host}",
        headers={"accept-encoding": "identity"},
        timeout=API_TIMEOUT_SECONDS,
        cookies=_none_kept(),
    )


def _none_kept() -> CookieJar:
    """For a client that all visitors share: the session that the API gives to one must not be sent for the next."""
    return CookieJar(policy=DefaultCookiePolicy(allowed_domains=[]))


def _known_to(api_url: str, accounts: bool) -> Callable[[Headers], Who | None]:
    """Ask an API that runs elsewhere who somebody is. Where accounts are wanted here and it has none, nobody is anybody.

    While it does not answer, whoever was here lately still is, so that an open page can say what is wrong and recover: it has no
    rights of its own, and there is nothing to be read or changed.
    """
    http = httpx.Client(base_url=api_url, timeout=API_TIMEOUT_SECONDS, cookies=_none_kept())
    lately: OrderedDict[bytes, tuple[float, Who]] = OrderedDict()
    lock = threading.Lock()

    def last_seen(key: bytes, problem: Unavailable) -> Who:
        with lock:
            at, who = lately.get(key, (0.0, None))
        if who is not None and time.monotonic() - at < LATELY_SECONDS:
            return who
        if not accounts and not key:
            return LOCAL
        raise problem

    def identify(headers: Headers) -> Who | None:
        carried = {name: headers[name] for name in ("cookie", "authorization") if name in headers}
        key = hashlib.sha256(repr(carried).encode()).digest() if carried else b""
        try:
            answer = http.get("/api/v1/me", headers=carried)
            me = Me.model_validate_json(answer.content) if answer.is_success else None
        except (httpx.HTTPError, ValueError) as error:
            return last_seen(key, Unavailable(f"The API does not answer ({type(error).__name__})."))
        if answer.is_server_error:
            return last_seen(key, Unavailable("The API cannot say who you are now."))
        who = None if me is None or (accounts and me.how == "open") else Who(me.name, me.role, how=me.how)
        with lock:
            lately.pop(key, None)
            if who is not None:
                lately[key] = (time.monotonic(), who)
            while len(lately) > MOST_LATELY:
                lately.popitem(last=False)
        return who

    return identify


def _warm_up(app: FastAPI, pages: Dash) -> None:
    """Ask for one page before the first visitor does.

    Dash registers its router, and the script that sets titles, at the first request to ``/`` or to one of its own
    addresses; a process whose first request is a deep link would answer it without them. Only then are the pages' inline
    scripts known, by whose hashes the content security policy lets them through.
    """
    inner = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[Any]:
        async with inner(app) as state:
            access: Access = app.state.access
            identify, access.identify = access.identify, None  # nobody is answered before this has run
            try:
                async with _within(app) as first:
                    app.state.document = (await first.get("/")).raise_for_status().text
            finally:
                access.identify = identify
            app.state.content_security.allow("script-src", *pages.csp_hashes())
            yield state
            await app.state.client.http.aclose()

    app.router.lifespan_context = lifespan


def _pages_alone(chosen: Settings, api_url: str) -> FastAPI:
    """An application without an API: the same gate, and addresses of the API lead to where it is."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.state.content_security = ContentSecurity()
    app.state.access = Access(
        _known_to(api_url, chosen.accounts), rules(ANYONE, "GET /healthz", "GET /api/{rest:path}")
    )
    origins = [chosen.public_url] if chosen.public_url else []
    app.add_middleware(
        Gate,
        trusted_hosts=chosen.trusted_hosts.split(","),
        origins=origins,
        policy=app.state.content_security,
        access=app.state.access,
    )

    @app.get("/healthz", include_in_schema=False)
    async def is_alive() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/api/{rest:path}", include_in_schema=False)
    async def elsewhere(rest: str) -> RedirectResponse:
        return RedirectResponse(f"{api_url.rstrip('/')}/api/{rest}", status_code=307)

    return app


def main() -> None:
    chosen = settings()
    logs.set_up("web")
    logs.hide(*chosen.passwords)
    try:
        chosen.check_exposure()
        if not chosen.api_url:
            migrate.refuse_newer(chosen.database)
    except Conflict as error:
        logging.getLogger("crosslift.web").error("refused: %s", error.detail)
        sys.exit(REFUSED)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # the gate has a line for each request already
    app = create()
    gc.collect()
    gc.freeze()  # what was loaded stays: collections need not look through it, a tenth of a second each time
    # Gains are computed in threads. The loop, which answers, waits for its turn at every step of an answer: at 5 ms each, the usual
    # interval, an answer beside such a thread takes four times as long.
    sys.setswitchinterval(0.001)
    uvicorn.run(
        app,
        host=chosen.host,
        port=chosen.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=3,
    )


if __name__ == "__main__":
    main()
