"""A small OpenID Connect provider on loopback: discovery, authorize, token and keys, over real sockets with real RSA signatures.

It is the counterpart of ours, and strict about what a relying party must send: client authentication, PKCE, the same redirect
address, each code once. Tests say who comes (``claims``) and how the ID token is spoilt.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "crosslift", "a secret / with: signs"


def _by_hand(header: dict[str, str], claims: dict[str, Any], key: bytes | None) -> str:
    """What no library would write."""

    def text(raw: bytes) -> str:
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")

    body = f"{text(json.dumps(header).encode())}.{text(json.dumps(claims).encode())}"
    return f"{body}.{text(hmac.digest(key, body.encode(), hashlib.sha256)) if key else ''}"


class Counterpart:
    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
        self.claims: dict[str, Any] = {
            "sub": "248",
            "preferred_username": "ada",
            "email": "ada@lab.example",
            "email_verified": True,
        }
        self.spoil: dict[str, Any] = {}  # claims of the ID token that are other than they should be
        self.sign: Callable[[dict[str, Any]], str] = self.rs256
        self.codes: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []
        self.fault: str | None = None
        self.url = ""

    def rs256(self, claims: dict[str, Any]) -> str:
        return jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.key)

    def by_a_stranger(self, claims: dict[str, Any]) -> str:
        return jwt.encode({"alg": "RS256", "kid": "one"}, claims, RSAKey.generate_key(2048, {"kid": "one"}))

    def unsigned(self, claims: dict[str, Any]) -> str:
        return _by_hand({"alg": "none", "kid": "one"}, claims, None)

    def hs256_by_the_public_key(self, claims: dict[str, Any]) -> str:
        """What an HMAC verifier that takes whatever key there is would believe."""
        return _by_hand({"alg": "HS256", "kid": "one"}, claims, self.key.as_pem(private=False))

    # --- endpoints --------------------------------------------------------------------------------------------------------

    def discovery(self) -> tuple[int, Any]:
        at = "http://evil.example" if self.fault == "insecure" else self.url
        return 200, {
            "issuer": "https://another.example" if self.fault == "issuer" else self.url,
            "authorization_endpoint": f"{self.url}/authorize", "token_endpoint": f"{at}/token", "jwks_uri": f"{self.url}/keys",
            "id_token_signing_alg_values_supported": ["RS256"], "subject_types_supported": ["public"],
            "response_types_supported": ["code"],
        }  # fmt: skip

    def authorize(self, query: dict[str, str]) -> str:
        """Whoever it is agrees at once; where the browser goes back to."""
        assert query["response_type"] == "code" and query["client_id"] == CLIENT and "openid" in query["scope"].split()
        assert query["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self.codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state'], 'iss': self.url})}"

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, Any]:
        kind, _, secret = authorization.partition(" ")
        user, _, password = base64.b64decode(secret).decode().partition(":")
        if kind != "Basic" or (user, password) not in ((CLIENT, SECRET), (CLIENT, unquote(SECRET))):
            return 401, {"error": "invalid_client"}
        begun = self.codes.pop(form.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if (
            begun is None
            or form["grant_type"] != "authorization_code"
            or form["redirect_uri"] != begun["redirect_uri"]
            or challenge.decode().rstrip("=") != begun["code_challenge"]
        ):
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {
            "iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": begun["nonce"], **self.claims, **self.spoil,
        }  # fmt: skip
        claims = {k: v for k, v in claims.items() if v is not None}
        return 200, {"access_token": "opaque", "token_type": "Bearer", "id_token": self.sign(claims)}

    def answer(
        self, method: str, path: str, query: dict[str, str], form: dict[str, str], headers: Any
    ) -> tuple[int, Any]:
        self.asked.append(f"{method} {path}")
        if self.fault == "broken":
            return 200, "<html>"
        if path == "/.well-known/openid-configuration":
            return self.discovery()
        if path == "/keys":
            return 200, {"keys": [self.key.as_dict(private=False)]}
        if path == "/authorize":
            return 303, self.authorize(query)
        if (method, path) == ("POST", "/token"):
            return self.token(form, headers.get("Authorization", ""))
        return 404, {}


@contextmanager
def running() -> Iterator[Counterpart]:
    party = Counterpart()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            at = urlsplit(self.path)
            form = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            query, sent = ({k: v[0] for k, v in parse_qs(t, keep_blank_values=True).items()} for t in (at.query, form))
            status, body = party.answer(self.command, at.path, query, sent, self.headers)
            content = b"" if status == 303 else json.dumps(body).encode()
            self.send_response(status)
            if status == 303:
                self.send_header("Location", body)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    party.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield party
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
