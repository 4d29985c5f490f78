"""Signing in by an OpenID Connect provider (Core 1.0): the authorization code flow, with PKCE (RFC 7636), state and nonce.

What must be the same at both ends of the detour through the browser (state, nonce, PKCE's verifier, where to go on to) travels in a
cookie that the browser cannot read or change: signed with the installation's key, HttpOnly, SameSite=Lax, ten minutes. A state counts
once. An identity is believed only from an ID token with a valid asymmetric signature of the issuer's own keys: neither ``none`` nor an
HMAC, for which the public key would do as the secret.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import secrets
import threading
import time
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import httpx
from starlette.datastructures import Headers
from starlette.responses import Response

from backend.domain.entry import Entry
from backend.errors import NotSignedIn, Unavailable
from backend.settings import Settings, is_loopback

log = logging.getLogger("crosslift.accounts")

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
KEY_TYPES: Final = ("RSA", "EC")
SECONDS: Final = 600  # for the way there and back
LEEWAY_SECONDS: Final = 60  # between two clocks
KEPT_SECONDS: Final = 3600  # what a provider says about itself
TIMEOUT_SECONDS: Final = 8.0
MOST_BYTES: Final = 1 << 20
BACK: Final = "/login/back"  # a page; the address to give to the provider is PUBLIC_URL and this


@dataclass(frozen=True, slots=True)
class Detour:
    """What is kept while somebody is at the provider."""

    state: str
    nonce: str
    verifier: str
    onward: str
    until: int


class Provider:
    """Args:
    issuer: as in its ID tokens, to the letter.
    back: the address that it leads back to.
    key: signs the cookie of a detour.
    """

    def __init__(
        self, issuer: str, client_id: str, client_secret: str, entry: Entry, *, name: str, back: str, key: bytes
    ) -> None:
        self.issuer, self.client_id, self.client_secret = issuer, client_id, client_secret
        self.entry, self.name, self.back, self.key = entry, name, back, key
        self.secure = back.startswith("https://")
        self.cookie = "__Host-crosslift-detour" if self.secure else "crosslift-detour"
        self.http = httpx.Client(timeout=TIMEOUT_SECONDS, follow_redirects=False)
        self._lock = threading.Lock()
        self._about: tuple[float, dict[str, Any], dict[str, Any]] | None = None

    @classmethod
    def of(cls, chosen: Settings, reached: str) -> Provider | None:
        """As the settings say; None: there is none. ``reached``: the address of the pages."""
        if chosen.oidc_issuer is None:
            return None
        chosen.check_provider()
        assert chosen.oidc_client_id and chosen.oidc_client_secret and chosen.oidc_accounts
        return cls(
            chosen.oidc_issuer,
            chosen.oidc_client_id,
            chosen.oidc_client_secret.get_secret_value(),
            Entry.read(chosen.oidc_accounts, chosen.oidc_roles or ""),
            name=chosen.oidc_name,
            back=reached.rstrip("/") + BACK,
            key=chosen.signing_key,
        )

    # --- there ----------------------------------------------------------------------------------------------------------

    def begin(self, onward: str) -> tuple[str, Detour]:
        """Where to send the browser.

        Raises:
            Unavailable: the provider does not say where that is.
        """
        from authlib.oauth2.rfc7636 import create_s256_code_challenge

        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        asked = {
            "response_type": "code", "client_id": self.client_id, "redirect_uri": self.back, "scope": "openid profile email",
            "state": state, "nonce": nonce, "code_challenge": create_s256_code_challenge(verifier), "code_challenge_method": "S256",
        }  # fmt: skip
        at = self._endpoint("authorization_endpoint")
        to = f"{at}{'&' if '?' in at else '?'}{urlencode(asked)}"
        return to, Detour(state, nonce, verifier, onward, int(time.time()) + SECONDS)

    def give(self, response: Response, detour: Detour) -> None:
        """Put the cookie of a detour into the browser."""
        text = json.dumps([detour.state, detour.nonce, detour.verifier, detour.onward, detour.until])
        body = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
        response.set_cookie(
            self.cookie, f"{body}.{self._sign(body)}", max_age=SECONDS, path="/", secure=self.secure, httponly=True, samesite="lax"
        )  # fmt: skip

    def take(self, response: Response) -> None:
        response.delete_cookie(self.cookie, path="/", secure=self.secure, httponly=True, samesite="lax")

    def _sign(self, body: str) -> str:
        made = hmac.digest(self.key, b"detour:" + body.encode(), hashlib.sha256)
        return base64.urlsafe_b64encode(made).decode().rstrip("=")

    # --- and back -------------------------------------------------------------------------------------------------------

    def detour(self, headers: Headers, state: str) -> Detour:
        """The detour that this browser is on.

        Raises:
            NotSignedIn: it is on none, or on another.
        """
        wrong = NotSignedIn("This sign-in was not begun in this browser, or too long ago. Begin again.")
        try:
            found = SimpleCookie(headers.get("cookie", "")).get(self.cookie)
        except CookieError:
            raise wrong from None
        body, _, signature = (found.value if found else "").partition(".")
        if not hmac.compare_digest(signature.encode(), self._sign(body).encode()):
            raise wrong
        detour = Detour(*json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))))
        if detour.until < time.time() or not hmac.compare_digest(
            detour.state.encode(), state.encode("utf-8", "replace")
        ):
            raise wrong
        return detour

    def redeem(self, code: str, detour: Detour) -> dict[str, Any]:
        """What the provider says about whoever it sent back with this code.

        Raises:
            NotSignedIn: it does not stand by the code, or what it says cannot be believed.
            Unavailable: it does not answer.
        """
        from authlib.oidc.core import CodeIDToken
        from joserfc import jwt
        from joserfc.errors import JoseError

        sent = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": self.back, "code_verifier": detour.verifier,
            "client_id": self.client_id,
        }  # fmt: skip
        answer = self._ask(
            "POST", self._endpoint("token_endpoint"), data=sent, auth=(self.client_id, self.client_secret)
        )
        token = answer.get("id_token")
        if not isinstance(token, str):
            log.warning("the provider of sign-ins answered %s", str(answer.get("error", "without an ID token"))[:200])
            raise NotSignedIn(f"{self.name} does not stand by this sign-in. Begin again.")
        try:
            decoded = jwt.decode(token, self._keys(token), algorithms=list(ALGORITHMS))
            claims = CodeIDToken(
                decoded.claims,
                decoded.header,
                {"iss": {"essential": True, "value": self.issuer}, "aud": {"essential": True, "value": self.client_id}},
                {"nonce": detour.nonce, "client_id": self.client_id, "access_token": answer.get("access_token")},
            )
            claims.validate(leeway=LEEWAY_SECONDS)
        except (JoseError, ValueError, TypeError) as error:
            log.warning("an ID token was not believed: %s: %s", type(error).__name__, str(error)[:200])
            raise NotSignedIn(f"What {self.name} said about you cannot be believed. Begin again.") from error
        return dict(claims)

    def _keys(self, token: str) -> Any:
        """The issuer's keys, asked for again where the token names one that is not among them."""
        from joserfc.jwk import KeySet
        from joserfc.jws import extract_compact

        wanted = extract_compact(token.encode()).headers().get("kid")
        for fresh in (False, True):
            _, jwks = self._known(fresh=fresh)
            usable = [k for k in jwks["keys"] if k.get("kty") in KEY_TYPES and k.get("use", "sig") == "sig"]
            if wanted is None or any(k.get("kid") == wanted for k in usable):
                break
        return KeySet.import_key_set({"keys": usable})

    # --- what it says about itself --------------------------------------------------------------------------------------

    def _endpoint(self, name: str) -> str:
        return str(self._known()[0][name])

    def _known(self, *, fresh: bool = False) -> tuple[dict[str, Any], dict[str, Any]]:
        """Its description and its keys."""
        with self._lock:
            if fresh or self._about is None or self._about[0] < time.monotonic() - KEPT_SECONDS:
                about = self._ask("GET", f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
                if about.get("issuer") != self.issuer:
                    raise Unavailable(f"What answers as {self.name} calls itself by another name (issuer).")
                for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                    if not safe(about.get(name)):
                        raise Unavailable(f"{self.name} names no https address as its {name}.")
                keys = self._ask("GET", about["jwks_uri"])
                if not isinstance(keys.get("keys"), list) or not all(isinstance(k, dict) for k in keys["keys"]):
                    raise Unavailable(f"{self.name} shows no keys.")
                self._about = time.monotonic(), about, keys
            return self._about[1:]

    def _ask(self, method: str, url: str, **options: Any) -> dict[str, Any]:
        try:
            answer = self.http.request(method, url, headers={"Accept": "application/json"}, **options)
            found = answer.json() if len(answer.content) <= MOST_BYTES else None
        except (httpx.HTTPError, ValueError) as error:
            log.warning("the provider of sign-ins does not answer: %s", type(error).__name__)
            raise Unavailable(f"{self.name} does not answer. Try again in a minute.") from error
        if not isinstance(found, dict) or answer.status_code >= 500 or (method == "GET" and not answer.is_success):
            raise Unavailable(f"{self.name} does not answer as a provider of OpenID Connect does.")
        return found


def safe(address: object) -> bool:
    """Whether something may be asked there: https, or this machine."""
    if not isinstance(address, str):
        return False
    try:
        parts = urlsplit(address)
        return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
    except ValueError:
        return False
