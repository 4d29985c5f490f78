"""Lists in pages: by key, not by offset, so that rows which arrive while somebody reads neither repeat nor hide."""

from __future__ import annotations

import base64
import binascii

from backend.errors import FieldError, Invalid, NotFound, shown

MOST = 200  # items of a page


def check_limit(limit: int) -> None:
    """Raises: Invalid: a page cannot have this many items."""
    if not 1 <= limit <= MOST:
        raise Invalid(
            "The page cannot be given.", errors=[FieldError("/limit", f"must be 1 to {MOST}, not {shown(limit)}")]
        )


def write_cursor(last: int) -> str:
    """A cursor for what comes after the row with this id. Its reader need not know what is in it."""
    return base64.urlsafe_b64encode(b"id:%d" % last).decode().rstrip("=")


def read_cursor(cursor: str | None) -> int | None:
    """The id in a cursor.

    Raises:
        Invalid: this is no cursor that we wrote.
    """
    if cursor is None:
        return None
    try:
        if len(cursor) > 64:
            raise ValueError
        text = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        kind, _, digits = text.partition(b":")
        if kind != b"id" or not digits.isdigit() or not 0 < int(digits) < 2**63:
            raise ValueError
    except (ValueError, UnicodeEncodeError, binascii.Error):
        message = f"{shown(cursor)} is no cursor of ours; take next_cursor of the page before, or leave it out"
        raise Invalid("The page cannot be given.", errors=[FieldError("/cursor", message)]) from None
    return int(digits)


def check_id(noun: str, id: int) -> None:
    """Raises: NotFound: no row can have this id."""
    if not 0 < id < 2**63:
        raise NotFound(f"There is no {noun} {shown(id)}.")
