"""How a command ends: exit codes, and what went wrong on purpose in words."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from backend.cli.printing import say
from backend.errors import (
    REFUSED,
    Conflict,
    CrossliftError,
    Invalid,
    NotAllowed,
    NotFound,
    NotSignedIn,
    TooMany,
)

FAILED, USAGE, NOT_FOUND, INTERRUPTED = 1, 2, 3, 130
CODES: dict[type[CrossliftError], int] = {
    NotFound: NOT_FOUND, Conflict: REFUSED, Invalid: REFUSED, TooMany: REFUSED, NotSignedIn: REFUSED, NotAllowed: REFUSED,
}  # fmt: skip


class Usage(Exception):
    """The command line itself, or a setting, is wrong."""


def explain(error: CrossliftError) -> None:
    say(f"error: {error.detail}")
    for fault in error.errors:
        say(f"  {fault.pointer}: {fault.message}")


def guarded(command: Callable[[], object]) -> int:
    """Run it; what went wrong on purpose becomes a message and an exit code."""
    try:
        command()
    except Usage as error:
        say(f"error: {error}")
        return USAGE
    except CrossliftError as error:
        explain(error)
        return CODES.get(type(error), FAILED)
    except BrokenPipeError:  # `crosslift logs 3 | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return 0
