"""How the API knows people: the session cookie of a browser, or the token of a program.

The cookie holds the session's secret and a signature (HMAC-SHA256 with the installation's key), so that made-up ones end here
without a question to the database. It is HttpOnly, SameSite=Lax, and under an https address Secure with the prefix ``__Host-``.
A program sends ``Authorization: Bearer clt_…``; where it does, a cookie beside it counts for nothing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers
from starlette.responses import Response

from backend.domain.account import Who
from backend.store import credentials
from backend.store.session import Store

_SECRET = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_TOKEN = re.compile(rf"{credentials.PREFIX}[A-Za-z0-9_-]{{43}}", re.ASCII)


class Identity:
    """Args:
    key: signs cookies; every web process of an installation has the same.
    hours: how long a session lasts.
    secure: the installation is reached by https.
    """

    def __init__(self, store: Store, key: bytes, *, hours: float, secure: bool) -> None:
        self.store, self.key, self.hours, self.secure = store, key, hours, secure
        self.cookie = "__Host-crosslift" if secure else "crosslift"

    def __call__(self, headers: Headers) -> Who | None:
        """Raises:
        Unavailable: the database does not answer.
        """
        if "authorization" in headers:
            return self._token(headers["authorization"])
        secret = self.secret(headers)
        if secret is None:
            return None
        with self.store.read() as session:
            return credentials.who_of_session(session, secret)

    def secret(self, headers: Headers) -> str | None:
        """The secret in a cookie that we signed."""
        try:
            found = SimpleCookie(headers.get("cookie", "")).get(self.cookie)
        except CookieError:
            return None
        secret, _, signature = (found.value if found else "").partition(".")
        if not _SECRET.fullmatch(secret) or not hmac.compare_digest(signature.encode(), self._sign(secret).encode()):
            return None
        return secret

    def _token(self, header: str) -> Who | None:
        kind, _, secret = header.partition(" ")
        if kind.lower() != "bearer" or not _TOKEN.fullmatch(secret):
            return None
        with self.store.read() as session:
            found = credentials.who_of_token(session, secret)
        if found is None:
            return None
        who, note = found
        if note and who.credential is not None:
            with self.store.write() as session:
                credentials.used(session, who.credential)
        return who

    def _sign(self, secret: str) -> str:
        made = hmac.digest(self.key, b"session:" + secret.encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(made).decode().rstrip("=")

    def give(self, response: Response, secret: str) -> None:
        """Put a session into the browser."""
        response.set_cookie(
            self.cookie, f"{secret}.{self._sign(secret)}", max_age=round(self.hours * 3600), path="/",
            secure=self.secure, httponly=True, samesite="lax",
        )  # fmt: skip

    def take(self, response: Response) -> None:
        """Take the session out of the browser."""
        response.delete_cookie(self.cookie, path="/", secure=self.secure, httponly=True, samesite="lax")
