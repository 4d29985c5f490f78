"""Put the API together: ``create_app(store, ring=backend.queue.ring)``.

The pages can be added to the same application afterwards; what they need of the content security policy they add to
``app.state.content_security``, and who may see them they declare to ``app.state.access``. Add them last: they answer whatever no route before them took.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute
from starlette.middleware.gzip import GZipMiddleware

from backend.api import (
    accounts,
    budget,
    catalogue,
    certainty,
    checks,
    compared,
    conclusion,
    crossed,
    exchange,
    experiments,
    flips,
    gains,
    health,
    imports,
    languages,
    metrics,
    models,
    problems,
    published,
    recommendations,
    reference,
    runs,
    saved,
    snapshots,
    submissions,
)
from backend.api.access import Access
from backend.api.answers import SMALL
from backend.api.deps import Door, Ring, Trouble
from backend.api.examples import examples
from backend.api.gate import ContentSecurity, Gate
from backend.api.identity import Identity
from backend.api.oidc import Provider
from backend.api.probes import Probe
from backend.api.traffic import Traffic
from backend.domain.schemas import Problem
from backend.settings import settings
from backend.store.session import Store

if TYPE_CHECKING:  # the broker's libraries are for whoever rings
    from backend.queue import Observed

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[Any]]

PREFIX: Final = "/api/v1"
METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE")
DESCRIPTION: Final = (
    "What an intermediate task is worth for zero-shot cross-lingual transfer, by model size and compute. "
    "Scores and gains are points from 0 to 100, times are UTC, a missing number is `null` with a reason beside it. "
    "Every error is problem+json (RFC 9457); its `errors` point at what is at fault: `/seeds/0` into the body, "
    "`query/target` at a query parameter. Lists come in pages: follow `next_cursor`, or the `Link` header."
)


class Api(FastAPI):
    """FastAPI, with the truth about errors in its description, problem+json, and with examples of every answer."""

    def openapi(self) -> dict[str, Any]:
        description = super().openapi()
        schemas = description.setdefault("components", {}).setdefault("schemas", {})
        if "Problem" not in schemas:
            problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(problem.pop("$defs", {}))
            schemas["Problem"] = problem
            for name, example in examples().items():
                schemas[name].setdefault("examples", []).append(example)
        return description


def create_app(
    store: Store,
    *,
    ring: Ring | None = None,
    trouble: Trouble | None = None,
    observe: Callable[[], Observed] | None = None,
    lifespan: Lifespan | None = None,
    trusted_hosts: Iterable[str] | None = None,
    public_url: str | None = None,
    metrics_token: str | None = None,
    with_accounts: bool | None = None,
) -> FastAPI:
    """The API as an application of its own.

    Args:
        store: where everything is; the caller disposes of it.
        ring: called after a commit with a device class and how many runs were queued for it (``backend.queue.ring``);
            None where there is no queue.
        trouble: says what is wrong with the broker, for ``/readyz`` (``backend.queue.trouble``).
        observe: asks it for numbers, for ``/metrics`` (``backend.queue.observed``).
        lifespan: entered when the server starts and left when it stops.
        trusted_hosts: host names that are answered; default: the settings.
        public_url: address that others reach this under; its host is trusted too. Default: the settings.
        metrics_token: shows ``/metrics`` to other machines. Default: the settings.
        with_accounts: people have to sign in. Default: the settings.
    """
    public = settings().public_url if public_url is None else public_url
    hosts = list(settings().trusted_hosts.split(",") if trusted_hosts is None else trusted_hosts)
    if public:
        hosts.append(urlsplit(public).hostname or "")
    app = Api(
        title="Crosslift",
        version=health.program_version(),
        description=DESCRIPTION,
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        telemetry={"auto_configure": False},
    )
    identity = None
    if settings().accounts if with_accounts is None else with_accounts:
        secure = urlsplit(public or "").scheme == "https"
        identity = Identity(store, settings().signing_key, hours=settings().session_hours, secure=secure)
    app.state.door = Door(
        store,
        ring,
        trouble,
        public_url=public,
        local_url=settings().local_url,
        metrics_token=settings().token_of_metrics if metrics_token is None else metrics_token,
        observing=None if observe is None else Probe(observe),
        identity=identity,
        provider=Provider.of(settings(), public or settings().local_url) if identity else None,
        most_experiments=settings().quota_experiments,
        most_runs=settings().quota_runs,
    )
    app.state.traffic = Traffic()
    app.state.content_security = ContentSecurity()
    app.state.access = Access(identity)
    app.add_middleware(GZipMiddleware, minimum_size=SMALL, compresslevel=6)
    app.add_middleware(  # added last: outermost
        Gate,
        trusted_hosts=hosts,
        origins=[f"{urlsplit(public).scheme}://{urlsplit(public).netloc}"] if public else [],
        policy=app.state.content_security,
        traffic=app.state.traffic,
        access=app.state.access,
    )
    problems.install(app)
    app.include_router(health.router)
    app.include_router(metrics.router)
    offered: list[Offered] = []
    for part in (
        catalogue,
        models,
        experiments,
        exchange,
        runs,
        gains,
        languages,
        budget,
        certainty,
        flips,
        crossed,
        checks,
        conclusion,
        recommendations,
        snapshots,
        accounts,
        published,
        imports,
        saved,
        submissions,
        compared,
    ):
        app.include_router(part.router, prefix=PREFIX)
        offered += [_offered(route) for route in part.router.routes if isinstance(route, APIRoute)]
    _add_reference(app)
    _add_guard(app, offered)
    return app


def _add_reference(app: FastAPI) -> None:
    @app.get("/api/docs", include_in_schema=False)
    def docs() -> HTMLResponse:
        return HTMLResponse(reference.page(app.openapi()))


@dataclass(frozen=True, slots=True)
class Offered:
    """One address of the API and what it answers to."""

    pattern: re.Pattern[str]
    methods: frozenset[str]


def _offered(route: APIRoute) -> Offered:
    pattern = re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(PREFIX + route.path))
    return Offered(re.compile(pattern), frozenset(route.methods or ()))


def _add_guard(app: FastAPI, offered: Sequence[Offered]) -> None:
    """Nothing under ``/api`` may fall through to the pages, which answer everything with 200 and HTML. What is there for
    another method only is 405: this route comes after the others and takes every method, so the router cannot tell."""

    @app.api_route("/api", methods=list(METHODS), include_in_schema=False)
    @app.api_route("/api/{rest:path}", methods=list(METHODS), include_in_schema=False)
    async def nothing_here(request: Request) -> Response:
        path = request.scope["path"]
        allowed = sorted({m for each in offered if each.pattern.fullmatch(path) for m in each.methods})
        if allowed:
            detail = f"This address answers {', '.join(allowed)} only."
            return problems.problem(405, detail, headers={"Allow": ", ".join(allowed)})
        detail = f"There is nothing at this address. {PREFIX}/openapi.json lists what there is, /api/docs explains it."
        return problems.problem(404, detail)

    @app.head("/", include_in_schema=False)
    async def head() -> Response:
        return Response(media_type="text/html")
