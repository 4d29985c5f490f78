"""Errors that carry their HTTP status and have one shape on the wire (RFC 9457 problem+json).

::

    CrossliftError          500
    ├── NotSignedIn         401
    ├── NotAllowed          403  signed in, but not for this
    ├── Invalid             422  the request names something that cannot be done; says field, value, remedy
    ├── NotFound            404
    ├── Conflict            409  the thing is in a state that forbids it
    ├── TooMany             429
    └── Unavailable         503  database or broker away; try again

Everybody may raise one: this module imports nothing of ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

REFUSED = 4  # exit code of a command or part that was refused


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field that was refused: JSON pointer into the request body, and what would be accepted."""

    pointer: str
    message: str


class CrossliftError(Exception):
    """Base of every error we raise on purpose."""

    status: int = 500
    title: str = "Something went wrong on our side"

    def __init__(self, detail: str, *, errors: Sequence[FieldError] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors)

    def problem(self, instance: str | None = None) -> dict[str, object]:
        """The RFC 9457 body. ``errors`` is present only where single fields are at fault."""
        body: dict[str, object] = {
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        if instance is not None:
            body["instance"] = instance
        if self.errors:
            body["errors"] = [{"pointer": e.pointer, "message": e.message} for e in self.errors]
        return body


class Invalid(CrossliftError):
    status = 422
    title = "The request cannot be carried out"


class NotSignedIn(CrossliftError):
    status = 401
    title = "Not signed in"


class NotAllowed(CrossliftError):
    status = 403
    title = "Not allowed"


class NotFound(CrossliftError):
    status = 404
    title = "Not found"


class Conflict(CrossliftError):
    status = 409
    title = "In conflict with the present state"


class TooMany(CrossliftError):
    """``after``: seconds until it is worth trying again."""

    status = 429
    title = "Too many requests"

    def __init__(self, detail: str, *, errors: Sequence[FieldError] = (), after: int = 2) -> None:
        super().__init__(detail, errors=errors)
        self.after = after


class Unavailable(CrossliftError):
    status = 503
    title = "Not available at the moment"


def shown(value: object, limit: int = 60) -> str:
    """``repr`` of user input, cut, with control characters escaped: fit for a message or a log line."""
    text = ascii(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def unknown(noun: str, value: str, known: Sequence[str]) -> str:
    """Say that ``value`` is no known ``noun``, with close matches, else what there is."""
    close = get_close_matches(value, known, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(close)}?" if close else f"known are {', '.join(sorted(known)[:20])}"
    return f"unknown {noun} {shown(value)}; {hint}"
