"""Who asks, as the pages know it: what their addresses need, and on whose behalf they read the API.

Pages have no rights of their own. Whatever a page or a callback reads or does goes through the API, with the session of the
visitor that it is for; the API judges each question again. ``Visitors`` remembers, for the time of a request, whose it is.

Somebody who is not signed in sees frozen results behind share links and nothing else: of Dash's one address for all
callbacks they may use those of such a page alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.domain.account import Role
from dashboard import links, opening, program

CALLBACKS: Final = "/_dash-update-component"
ROUTER: Final = ".._pages_content.children..._pages_store.data.."
#: The only callbacks for those who are not signed in: what a frozen page is made of, and the version in the footer.
OF_FROZEN_PAGES: Final = ("frozen-", "..frozen-", "version.children")
MOST_BYTES: Final = 1 << 20  # of what somebody who is not signed in may send to one
MOST_BYTES_KNOWN: Final = 16 << 20  # of what others may: the gate takes no more either

#: Addresses beyond the API's, by what they need; the application tells them to its gate. The files are code and style.
ANYBODY: Final = (
    "GET /assets/{path:path}",
    f"GET {opening.SUITES}",
    f"GET {opening.STYLE}",
    f"GET {opening.SCRIPT}",
    f"GET {program.PATH}",
    "GET /_dash-layout",  # the frame of every page, without one
    "GET /_dash-dependencies",
    "GET /_favicon.ico",
    f"POST {CALLBACKS}",  # of which ``Visitors`` lets those through who are not signed in to ``OF_FROZEN_PAGES`` alone
    f"GET {links.SIGN_IN}",
    f"POST {links.SIGN_IN}",
    f"GET {links.SIGN_IN_BEGIN}",
    f"GET {links.SIGN_IN_BACK}",
    f"GET {links.SHARED}{{token}}.html",
    *(f"GET {links.SHARED}{{token}}.{suffix}" for suffix in links.FILES),
    f"GET {links.SHARED}{{token}}",
)
VIEWERS: Final = (
    "GET /",
    f"POST {links.SIGN_OUT}",
    "GET /download/{kind}.html",
    f"GET {links.ANSWER}/report.{{suffix}}",
    f"GET {links.EXPLORE}/export.{{suffix}}",
    f"GET {links.TRADEOFF}/export.{{suffix}}",
    f"GET {links.LANGUAGE_LIST}/export.{{suffix}}",
    f"GET {links.LANGUAGE_LIST}/{{code}}/export.{{suffix}}",
    f"GET {links.COMPARE}/export.{{suffix}}",
    f"GET {links.FLIPS}/export.{{suffix}}",
    f"GET {links.CHECKLIST}/export.{{suffix}}",
    f"GET {links.SAVED}{{view_id}}",
    "GET /_reload-hash",
    "GET {path:path}",  # the pages, and the one that says that there is none
)


@dataclass(frozen=True, slots=True)
class Visitor:
    """``credentials`` are the headers that name this visitor to the API; ``role`` is empty for nobody."""

    name: str = ""
    role: str = ""
    how: str = ""
    address: str = ""
    credentials: Mapping[str, str] = field(default_factory=dict)


NOBODY: Final = Visitor()
_present: ContextVar[Visitor] = ContextVar("visitor", default=NOBODY)


def present() -> Visitor:
    """Whom this code runs for; ``NOBODY`` outside of a request."""
    return _present.get()


def lacks(needs: Role) -> str | None:
    """Why the visitor may not do what takes this role, in the words of the API, which judges again whatever a page offers; None
    where they may, and outside of a request."""
    who = present()
    if not who.role or Role(who.role).allows(needs):
        return None
    return f"This needs the role {needs.value}; {who.name} is {who.role} here."


class Visitors:
    """Pure ASGI, behind the gate, which has left in the scope who it is."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        who = scope.get("state", {}).get("who")
        if scope["path"] == CALLBACKS and scope["method"] == "POST":
            most = MOST_BYTES if who is None else MOST_BYTES_KNOWN
            body = await _whole(receive, most)
            refused = None
            if body is None:
                refused = _said(413, "The request is too large", f"At most {most:,} bytes are accepted here.")
            elif who is None and not for_anybody(body):
                refused = _said(401, "Not signed in", "Sign in first: this callback shows more than a frozen page.")
            elif not is_callback(body, scope["app"].state.pages.callback_map):
                refused = _said(400, "The request cannot be read", "No page of ours calls back like this.")
            if refused is not None:
                await refused(scope, receive, send)
                return
            assert body is not None
            receive = _again(body, receive)
        headers = Headers(scope=scope)
        carried = {name: headers[name] for name in ("cookie", "authorization") if name in headers}
        client = scope.get("client")
        visitor = Visitor(
            name=who.name if who else "",
            role=who.role.value if who else "",
            how=who.how if who else "",
            address=client[0] if client else "",
            credentials=carried,
        )
        token = _present.set(visitor)
        try:
            await self.app(scope, receive, send)
        finally:
            _present.reset(token)


def for_anybody(body: bytes) -> bool:
    """Whether a callback may be used by somebody who is not signed in. The page that a router is asked for is its first input,
    by place: that is how Dash reads it."""
    try:
        asked: Any = json.loads(body)
        output = asked["output"]
        if output == ROUTER:
            return str(asked["inputs"][0]["value"]).startswith(links.SHARED)
        return isinstance(output, str) and output.startswith(OF_FROZEN_PAGES)
    except (ValueError, LookupError, TypeError, RecursionError):
        return False


def is_callback(body: bytes, declared: Mapping[str, Any]) -> bool:
    """Whether this calls one of the declared callbacks, with its inputs and states in their order. Dash takes all of that for
    granted, and would make an error of ours of it.

    Args:
        declared: ``Dash.callback_map``.
    """
    try:
        asked: Any = orjson.loads(body)  # strict, and quick where a page sends a whole table along
        known = declared[asked["output"]]
        outputs, changed = asked["outputs"], asked.get("changedPropIds", [])
        single = outputs if isinstance(outputs, list) else [outputs]
        if asked["output"] == ROUTER and not all(isinstance(i.get("value", ""), str | None) for i in asked["inputs"]):
            return False
        return (
            isinstance(changed, list)
            and all(isinstance(name, str) for name in changed)
            and all(_named(each) for each in single)
            and all(
                len(asked.get(part, [])) == len(known[part]) and all(map(_is, asked.get(part, []), known[part]))
                for part in ("inputs", "state")
            )
        )
    except (ValueError, LookupError, TypeError, RecursionError, AttributeError):
        return False


def _named(each: Any) -> bool:
    if isinstance(each, list):  # of a pattern: all that match
        return all(map(_named, each))
    return isinstance(each["id"], str | dict) and isinstance(each["property"], str)


def _is(sent: Any, declared: Mapping[str, str]) -> bool:
    """Whether what was sent is in the place of what was declared, whose id is JSON where it is a pattern."""
    if isinstance(sent, list):
        return declared["id"].startswith("{") and all(_is(each, declared) for each in sent)
    alike = isinstance(sent["id"], dict) if declared["id"].startswith("{") else sent["id"] == declared["id"]
    return alike and bool(sent["property"] == declared["property"])


def _said(status: int, title: str, detail: str) -> JSONResponse:
    said = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return JSONResponse(said, status, media_type="application/problem+json")


async def _whole(receive: Receive, most: int) -> bytes | None:
    """The body; None where it is too large, or its sender has gone."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message.get("body", b""))
        if sum(map(len, parts)) > most:
            return None
        if not message.get("more_body"):
            return b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    """A body that was read, to be read."""
    sent = False

    async def replay() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
