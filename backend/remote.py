"""The API of a running installation, for the command line: where it is, and its answers as schemas or as our errors."""

from __future__ import annotations

import ipaddress
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel

from backend.errors import (
    Conflict,
    CrossliftError,
    FieldError,
    Invalid,
    NotAllowed,
    NotFound,
    NotSignedIn,
    TooMany,
    Unavailable,
)
from backend.local.home import read_state, running_pid
from backend.settings import Settings

API = "/api/v1"
ERRORS: dict[int, type[CrossliftError]] = {
    400: Invalid, 401: NotSignedIn, 403: NotAllowed, 404: NotFound, 409: Conflict, 413: Invalid, 415: Invalid, 422: Invalid, 429: TooMany, 503: Unavailable,
}  # fmt: skip
M = TypeVar("M", bound=BaseModel)


def address(settings: Settings, url: str | None) -> str:
    """Where to ask: the given address, else ``CROSSLIFT_API_URL``, else the installation that runs in this HOME.

    Raises:
        Unavailable: nothing runs there.
    """
    chosen = url or settings.api_url
    if chosen:
        if urlsplit(chosen).scheme not in ("http", "https"):
            raise Invalid(f"{chosen} is no address of an installation; one looks like http://127.0.0.1:8321")
        return chosen.rstrip("/").removesuffix(API)
    state = read_state(settings.root)
    if state is None or running_pid(settings.root) is None:
        raise Unavailable(
            f"Nothing runs in {settings.root}. Start it with `crosslift up`, or name a running one with --url."
        )
    return str(state["api"])


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Remote:
    """One installation, asked over HTTP. Every method raises one of ``backend.errors`` for an answer that is no success.

    ``token`` is sent with every request: an API token, where people sign in.
    """

    def __init__(self, base: str, *, timeout: float = 30, token: str | None = None) -> None:
        self.base = base
        named = {"Authorization": f"Bearer {token}"} if token else {}
        # a proxy of the environment must not stand between this machine and itself
        own = _loopback(urlsplit(base).hostname or "")
        # certificates take longer to be read than most answers, and http has none
        secure = urlsplit(base).scheme == "https"
        self.client = httpx.Client(
            base_url=base, timeout=timeout, trust_env=not own, follow_redirects=False, headers=named, verify=secure
        )

    def __enter__(self) -> Remote:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def get(self, path: str, **query: Any) -> Any:
        """The JSON of ``GET /api/v1{path}``; query entries that are None are left out."""
        return self.send("GET", path, params={k: v for k, v in query.items() if v is not None}).json()

    def view(self, schema: type[M], path: str, **query: Any) -> M:
        return schema.model_validate(self.get(path, **query))

    def post(self, path: str, body: Any = None, *, key: str | None = None) -> httpx.Response:
        headers = {"Idempotency-Key": key} if key else {}
        return (
            self.send("POST", path, json=body, headers=headers)
            if body is not None
            else self.send("POST", path, headers=headers)
        )

    def send(self, method: str, path: str, **more: Any) -> httpx.Response:
        try:
            answer = self.client.request(method, API + path, **more)
        except httpx.HTTPError as error:
            raise Unavailable(f"{self.base} does not answer: {str(error) or type(error).__name__}") from error
        if not answer.is_success:
            raise _error(answer)
        return answer


def _error(answer: httpx.Response) -> CrossliftError:
    """The error that an answer carries as problem+json; for anything else what can be said about it."""
    kind = ERRORS.get(answer.status_code, CrossliftError)
    try:
        body = answer.json()
        errors = [FieldError(str(e["pointer"]), str(e["message"])) for e in body.get("errors") or ()]
        return kind(str(body["detail"]), errors=errors)
    except (ValueError, KeyError, TypeError, AttributeError):
        return kind(
            f"{answer.request.url} answered {answer.status_code} {answer.reason_phrase}, which is no Crosslift answer"
        )
