"""Passwords, as they are kept: scrypt (RFC 7914), with its parameters and a salt beside each.

n = 2^15, r = 8, p = 3: one of the settings that OWASP's password storage sheet holds to be of equal strength, with 32 MiB a
try instead of 128. Another setting may be chosen later: what is kept says how it was made, and is made anew at a sign-in.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import threading
from typing import Final

LOG_N: Final = 15
R: Final = 8
P: Final = 3
SALT_BYTES: Final = 16
KEY_BYTES: Final = 32
#: At a time, of one process: each takes 32 MiB and a core for a fifth of a second, and anybody may ask for one.
_turn = threading.BoundedSemaphore(2)


def _derive(password: str, salt: bytes, log_n: int, r: int, p: int) -> bytes:
    with _turn:
        return hashlib.scrypt(
            password.encode("utf-8", "surrogatepass"),
            salt=salt, n=1 << log_n, r=r, p=p, dklen=KEY_BYTES, maxmem=2 * 128 * r * (1 << log_n),
        )  # fmt: skip


def kept(password: str) -> str:
    """What is written down of a password: ``scrypt$15$8$3$salt$key``."""
    salt = secrets.token_bytes(SALT_BYTES)
    parts = (LOG_N, R, P, _text(salt), _text(_derive(password, salt, LOG_N, R, P)))
    return "scrypt$" + "$".join(str(part) for part in parts)


def fits(password: str, written: str | None) -> bool:
    """Whether this is the password. Takes as long where there is none (``written`` is None), so that names cannot be told by time."""
    kind, log_n, r, p, salt, key = (written or _NONE).split("$")
    if kind != "scrypt":
        raise ValueError(f"a password is kept as {kind!r}; this program knows scrypt")
    found = _derive(password, base64.b64decode(salt), int(log_n), int(r), int(p))
    return hmac.compare_digest(found, base64.b64decode(key)) and written is not None


def is_current(written: str) -> bool:
    """Whether it was made as it would be today."""
    return written.startswith(f"scrypt${LOG_N}${R}${P}$")


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


_NONE: Final = f"scrypt${LOG_N}${R}${P}${_text(bytes(SALT_BYTES))}${_text(bytes(KEY_BYTES))}"
