"""What every request passes, of the API and of the pages on the same application alike.

Asks ``backend.api.access`` who may. Refuses hosts that are not ours (DNS rebinding), writes that another site's page started (a form can post without a
preflight, and cancelling has no body to check), and bodies that are too large, before they are read. Gives each request
an id, each answer its security headers and each exchange one log line. An exception that nobody took ends here: it is
logged with the id, and the client gets the id and nothing else.

Decisions use ``scope["path"]`` and the Host header, never the address that starlette builds from both.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import urlsplit
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend import logs
from backend.api.access import Access
from backend.api.problems import Refused, plain, problem
from backend.api.traffic import Traffic
from backend.errors import CrossliftError

log = logging.getLogger("crosslift.api")

API_BODY_BYTES: Final = 1 << 20
#: Where more is read: an experiment that comes as a file, a submission to be checked.
LARGER: Final[Mapping[str, int]] = {"/api/v1/experiments:bring": 64 << 20, "/api/v1/submissions:check": 64 << 20}
PAGE_BODY_BYTES: Final = 16 << 20  # callbacks send a page's state along, tables included
_HOST: Final = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?", re.ASCII)
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
#: Where a path holds the token of a share link, and all that comes after: a link that was mangled on its way holds one too.
_SHARED: Final = re.compile(r"(?P<before>/+(?:s|api/v1/shared)/).+", re.IGNORECASE | re.DOTALL)
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})

#: Plotly, Mantine and AG Grid set style attributes from script, and draw through data: and blob: images. Nothing needs
#: eval, and nothing comes from another origin.
CONTENT_SECURITY: Final[Mapping[str, tuple[str, ...]]] = {
    "default-src": ("'self'",),
    "script-src": ("'self'",),
    "style-src": ("'self'", "'unsafe-inline'"),
    "img-src": ("'self'", "data:", "blob:"),
    "font-src": ("'self'", "data:"),
    "connect-src": ("'self'",),
    "worker-src": ("'self'", "blob:"),
    "object-src": ("'none'",),
    "base-uri": ("'self'",),
    "form-action": ("'self'",),
    "frame-ancestors": ("'none'",),
}


class ContentSecurity:
    """The policy of this application. Pages add to it once, when they are put together: hashes of their own scripts."""

    def __init__(self) -> None:
        self.sources: dict[str, list[str]] = {k: list(v) for k, v in CONTENT_SECURITY.items()}
        self.header = ""
        self.allow("script-src")

    def allow(self, directive: str, *sources: str) -> None:
        """Let a directive also accept these sources, as ``allow("script-src", "'sha256-…'")``.

        Raises:
            ValueError: the directive is not one of the policy, a source holds a separator, or it is ``'unsafe-eval'``.
        """
        if directive not in self.sources:
            raise ValueError(f"unknown directive {directive!r}; known are {', '.join(self.sources)}")
        for source in sources:
            if source == "'unsafe-eval'" or not source or any(c in source for c in " ;,\r\n"):
                raise ValueError(f"{source!r} cannot be a source of {directive}")
            if source not in self.sources[directive]:
                self.sources[directive].append(source)
        self.header = "; ".join(f"{name} {' '.join(values)}" for name, values in self.sources.items())


class Gate:
    """Pure ASGI, so that streams stay streams.

    Args:
        app: what is behind it.
        trusted_hosts: host names that are answered; ``*`` for any.
        origins: scheme and host of the addresses others reach this installation under (behind a proxy the Host header
            may name another); requests from their pages may write.
        policy: sent with every answer.
        access: who may use which address.
        traffic: counts every exchange.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        trusted_hosts: Iterable[str],
        origins: Iterable[str],
        policy: ContentSecurity,
        access: Access,
        traffic: Traffic | None = None,
    ) -> None:
        self.app = app
        self.hosts = frozenset(h.strip().lower() for h in trusted_hosts if h.strip())
        self.origins = frozenset(o.rstrip("/").lower() for o in origins)
        self.secure = any(origin.startswith("https://") for origin in self.origins)
        self.policy = policy
        self.traffic = traffic or Traffic()
        self.access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        elif scope["type"] == "http":
            request_id = _request_id(Headers(scope=scope))
            scope.setdefault("state", {})["request_id"] = request_id
            with logs.about(request_id=request_id):  # in every line that this request causes
                await self._http(scope, receive, send, request_id)
        else:
            await self.app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        headers = Headers(scope=scope)
        began = time.monotonic()
        answered: float | None = None
        status = 0
        self.traffic.begins()

        async def answer(message: Message) -> None:
            nonlocal status, answered
            if message["type"] == "http.response.start":
                status, answered = message["status"], time.monotonic()
                self._label(MutableHeaders(scope=message), request_id, scope["path"])
            await send(message)

        path = scope["path"]
        limit = LARGER.get(path, API_BODY_BYTES) if path.startswith("/api/") else PAGE_BODY_BYTES
        try:
            refused = self._refusal(scope, headers, limit)
            if refused is not None:
                await problem(refused.status_code, str(refused.detail))(scope, receive, answer)
            elif (instead := await self.access.refusal(scope, headers)) is not None:
                await instead(scope, receive, answer)
            else:
                await self.app(scope, _limited(receive, limit), answer)
        except Refused as error:  # a body that grew too long for who reads it before there is a route
            if status:
                raise
            await problem(error.status_code, str(error.detail))(scope, receive, answer)
        except CrossliftError as error:  # the database that knows who it is; routes answer for themselves
            if status:
                raise
            await problem(error.status, error.detail, title=error.title)(scope, receive, answer)
        except Exception:
            log.exception("request %s failed", request_id)
            if status:
                raise  # the answer has begun: the server must cut the connection, so that nobody takes it for whole
            failed = problem(500, f"An unexpected error. It was logged under request id {request_id}.")
            await failed(scope, receive, answer)
        finally:
            ended = time.monotonic()
            self.traffic.ends(scope, status, (answered or ended) - began)
            milliseconds = round((ended - began) * 1000, 1)
            log.info(
                "%s %s %d",
                scope["method"],
                plain(_SHARED.sub(r"\g<before>[redacted]", scope["path"]), 200),
                status,
                extra={"fields": {"request_id": request_id, "milliseconds": milliseconds, "status": status}},
            )

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        scope.setdefault("state", {})
        if self._foreign_host(headers) or self._foreign_origin(headers) or await self.access.refusal(scope, headers):
            await send({"type": "websocket.close", "code": 1008})
        else:
            await self.app(scope, receive, send)

    def _refusal(self, scope: Scope, headers: Headers, limit: int) -> Refused | None:
        if self._foreign_host(headers):
            return Refused(400, "This host name is not one of ours; CROSSLIFT_TRUSTED_HOSTS lists those that are.")
        if scope["method"] not in _SAFE_METHODS and self._foreign_origin(headers):
            return Refused(403, "A page of another site may not do this; CROSSLIFT_PUBLIC_URL names our own address.")
        length = headers.get("content-length", "")
        if length.isascii() and length.isdigit() and (len(length) > 18 or int(length) > limit):
            return Refused(413, f"A body of at most {limit:,} bytes is accepted here.")
        return None

    def _foreign_host(self, headers: Headers) -> bool:
        if "*" in self.hosts:
            return False
        found = _HOST.fullmatch(headers.get("host", "").lower())
        return found is None or found["name"] not in self.hosts

    def _foreign_origin(self, headers: Headers) -> bool:
        """Browsers send ``Origin`` with everything that is not a plain GET; other clients send none."""
        origin = headers.get("origin")
        if origin is None:
            return headers.get("sec-fetch-site", "none") not in ("none", "same-origin")
        if origin.lower() in self.origins:
            return False
        try:
            return urlsplit(origin).netloc.lower() != headers.get("host", "").lower()
        except ValueError:
            return True

    def _label(self, headers: MutableHeaders, request_id: str, path: str) -> None:
        headers["X-Request-ID"] = request_id
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "same-origin"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        if "frame-ancestors" not in headers.get(
            "Content-Security-Policy", ""
        ):  # which says it better, where an answer has its own
            headers["X-Frame-Options"] = "DENY"
        headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
        if self.secure:  # whoever came by https once comes by it for a year
            headers["Strict-Transport-Security"] = "max-age=31536000"
        headers.setdefault("Content-Security-Policy", self.policy.header)
        if _SHARED.match(path):  # an address that is a key: told to no other site, kept by no cache, in no index
            headers["Referrer-Policy"] = "no-referrer"
            headers["X-Robots-Tag"] = "noindex"
            headers["Cache-Control"] = "no-store"
        if path.startswith("/api/"):
            headers.setdefault("Cache-Control", "no-store")  # where nothing else is said: it may have changed already


def _request_id(headers: Headers) -> str:
    """The one that was sent, if it can do no harm; that of the page whose reading of the API this is; or a new one."""
    sent = headers.get("x-request-id", "")
    if _REQUEST_ID.fullmatch(sent):
        return sent
    outer = logs.current("request_id")
    return outer if isinstance(outer, str) else uuid4().hex


def _limited(receive: Receive, limit: int) -> Receive:
    """The receive channel, ending in 413 when a body that did not announce its length passes the limit."""
    total = 0

    async def counted() -> Message:
        nonlocal total
        message = await receive()
        if message["type"] == "http.request":
            total += len(message.get("body", b""))
            if total > limit:
                raise Refused(413, f"A body of at most {limit:,} bytes is accepted here.")
        return message

    return counted
