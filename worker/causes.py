"""What went wrong, for people: an error with its cause in plain words."""

from __future__ import annotations

import errno
import sys
import traceback

from backend.errors import CrossliftError
from worker.messages import ErrorSaid

LONGEST_MESSAGE = 4_000  # characters
LONGEST_TRACEBACK = 20_000
_CPU_ALLOCATOR = ("can't allocate memory", "not enough memory")  # of torch, which has no type of its own for it
#: A smaller batch is no help where batches are computed in parts: down to one item that has been tried.
_HELPS = (
    "A smaller batch would not help, as batches are computed in parts already; what does: activation checkpointing, a smaller "
    "max_length, bf16 on a GPU, a smaller model, or fewer runs at a time on this machine."
)
_WHOLE = (
    "What helps: a smaller batch_size, activation checkpointing, a smaller max_length, bf16 on a GPU, a smaller model."
)


def plain(text: object, longest: int) -> str:
    """Text that can be written as UTF-8, at most this long."""
    return str(text).encode("utf-8", "backslashreplace").decode()[:longest]


def described(error: BaseException) -> ErrorSaid:
    """An error for people: type, message, traceback, and its cause in plain words."""
    message = error.detail if isinstance(error, CrossliftError) else str(error)
    trace = plain("".join(traceback.format_exception(error)), sys.maxsize)
    return ErrorSaid(
        error=type(error).__name__[:255],
        message=plain(message, LONGEST_MESSAGE) or type(error).__name__,
        traceback=trace[-LONGEST_TRACEBACK:],
        cause=cause_of(error),
    )


def cause_of(error: BaseException) -> str:
    """The likely cause in plain words, for the first error of the chain that one is known for."""
    each: BaseException | None = error
    seen: set[int] = set()
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        known = _known(each)
        if known is not None:
            return known
        each = each.__cause__ or each.__context__
    return "The cause is not known; the traceback shows where it happened."


def _known(error: BaseException) -> str | None:
    names = {kind.__name__ for kind in type(error).__mro__}
    text = str(error).lower()
    if "TooLarge" in names and "whole batch" in text:
        return f"{_where(error)} has too little memory for this run: its loss needs the whole batch at once. {_WHOLE}"
    if {"TooLarge", "MemoryError", "OutOfMemoryError"} & names or any(words in text for words in _CPU_ALLOCATOR):
        return f"{_where(error)} has too little memory for this run. {_HELPS}"
    number = getattr(error, "errno", None)
    if number in (errno.ENOSPC, errno.EDQUOT) or "no space left" in text or "disk quota exceeded" in text:
        return "The disk is full: make room on it, then run this again."
    hub = {
        "OfflineModeIsEnabled",
        "LocalEntryNotFoundError",
        "HfHubHTTPError",
        "RepositoryNotFoundError",
        "ConnectError",
    }
    if names & hub or "couldn't connect to" in text or "offline mode" in text:
        return "A model or data set is not on this machine and could not be fetched from the hub."
    if "MalformedData" in names:
        return "A data file or data set is not as its task expects; the message says where and what was expected."
    if names & {"MissingData", "BadArtifact", "FileNotFoundError"}:
        return "Data that this run needs are missing or incomplete."
    if names & {"FloatingPointError", "Diverged"} or "not finite" in text or "nan" in text.replace(",", " ").split():
        return "The loss stopped being a number: use a smaller learning rate or a longer warm-up."
    if "PermissionError" in names:
        return "A file or folder may not be read or written by this worker."
    if isinstance(error, CrossliftError):
        return "The run cannot be done as it was asked for."
    return None


def _where(error: BaseException) -> str:
    """What was full: torch says it in the error itself, or in the one that it was raised from."""
    each: BaseException | None = error
    while each is not None:
        if "cuda" in str(each).lower():
            return "The GPU"
        each = each.__cause__
    return "The machine"
