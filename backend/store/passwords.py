"""Passwords, as they are kept: argon2id (RFC 9106), with its parameters and a salt beside each.

t = 3, m = 64 MiB, p = 4: the second of the two settings that RFC 9106 (section 4) recommends, for where the first one's 2 GiB a
try are too much. Another setting may be chosen later: what is kept says how it was made, and is made anew at a sign-in.
"""

from __future__ import annotations

import logging
import threading
from typing import Final

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

log = logging.getLogger("crosslift.accounts")

PASSES: Final = 3
KIB: Final = 64 * 1024
LANES: Final = 4
SALT_BYTES: Final = 16
KEY_BYTES: Final = 32
#: Of an account that signs in another way: no password is right.
NONE: Final = "none"
_KIND: Final = "$argon2id$"
_hasher: Final = PasswordHasher(PASSES, KIB, LANES, hash_len=KEY_BYTES, salt_len=SALT_BYTES, type=Type.ID)
#: At a time, of one process: each takes 64 MiB and a tenth of a second of several cores, and anybody may ask for one.
_turn = threading.BoundedSemaphore(2)


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")


def kept(password: str) -> str:
    """What is written down of a password: ``$argon2id$v=19$m=65536,t=3,p=4$salt$key``."""
    with _turn:
        return _hasher.hash(_bytes(password))


def fits(password: str, written: str | None) -> bool:
    """Whether this is the password. Takes as long where there is none (``written`` is None or ``NONE``), so that names cannot be
    told by time. What was kept in a way that this program does not know fits no password, and the log says so."""
    known = written is not None and written.startswith(_KIND)
    if not known and written not in (None, NONE):
        log.error("a password is not kept as argon2id, so nobody can sign in with it: `crosslift user password NAME`")
    with _turn:
        try:
            _hasher.verify(written if known and written else _NOBODY, _bytes(password))
        except VerifyMismatchError:
            return False
        except (InvalidHashError, VerificationError):
            log.error("a password is kept as argon2id that cannot be read: `crosslift user password NAME`")
            return False
    return known


def is_current(written: str) -> bool:
    """Whether it was made as it would be today."""
    return not _hasher.check_needs_rehash(written)


#: Nobody's: of the parameters above, and of bytes that no password was made into.
_NOBODY: Final = f"{_KIND}v=19$m={KIB},t={PASSES},p={LANES}$" + "A" * 22 + "$" + "A" * 43
