"""Log lines of the processes without a terminal: one JSON object a line, whatever a message holds.

Every line says what it is about: ``with about(request_id=…)`` puts the id into each line that is written inside, by
whatever library, and ``carried`` takes it along into a thread. Control characters, line breaks and right-to-left marks
arrive escaped, so that no text of a user can forge a line. Passwords, tokens and share links never arrive.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from datetime import UTC, datetime
from functools import partial
from types import TracebackType
from typing import Any, Final, TypeVar
from urllib.parse import quote

T = TypeVar("T")

LONGEST_MESSAGE: Final = 8_000  # characters; a traceback may have four times as many
SHORTEST_SECRET: Final = 4  # characters: a shorter one would black out half of every line

_TOKEN = re.compile(r"clt_[A-Za-z0-9_-]{20,}")  # of the API, wherever it stands
_SHARED = re.compile(r"(/s/+|/shared/+)[^\s\"'<>?#&]{12,}", re.IGNORECASE)
_USER_AND_PASSWORD = re.compile(r"(://[^:/@\s]*):[^@\s]*@")
_CREDENTIALS = re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{6,}", re.IGNORECASE)
_NAMED = re.compile(
    r"(?P<name>\b[\w-]*(?:password|passwd|secret|api[_-]?key|authorization|cookie)\"?'?\s*[=:]\s*|[?&][\w-]*token=)"
    r"(?P<value>\"[^\"]*\"|'[^']*'|[^\s,;&)}\]\"']+)",
    re.IGNORECASE,
)

_about: ContextVar[Mapping[str, object]] = ContextVar("about")
_hidden: list[str] = []  # longest first


# --- what a line is about ---------------------------------------------------------------------------------------------


@contextmanager
def about(**ids: object) -> Iterator[None]:
    """Put these into every line that is logged inside."""
    token = _about.set({**_about.get({}), **ids})
    try:
        yield
    finally:
        _about.reset(token)


def current(name: str) -> object | None:
    """What the lines that are written here say of ``name``."""
    return _about.get({}).get(name)


def carried(work: Callable[[], T]) -> Callable[[], T]:
    """``work`` for another thread, whose lines are about the same as those written here."""
    return partial(copy_context().run, work)


# --- what no line holds -----------------------------------------------------------------------------------------------


def hide(*secrets: str) -> None:
    """Keep these values, as they are and as an address would write them, out of every line of this process."""
    spelled = {form for secret in secrets for form in (secret, quote(secret, safe=""))}
    fresh = {form for form in spelled if len(form) >= SHORTEST_SECRET} | set(_hidden)
    _hidden[:] = sorted(fresh, key=lambda form: (-len(form), form))


def redacted(text: str) -> str:
    """A text without the tokens of the share links in it (``/s/…`` and ``/api/v1/shared/…``), without API
    tokens, without passwords in addresses or after their names, without credentials of a request, and without what was hidden by its value."""
    for secret in _hidden:
        text = text.replace(secret, "[redacted]")
    text = _TOKEN.sub("clt_[redacted]", text)
    text = _SHARED.sub(r"\1[redacted]", text)
    text = _USER_AND_PASSWORD.sub(r"\1:[redacted]@", text)
    text = _CREDENTIALS.sub(r"\1 [redacted]", text)
    return _NAMED.sub(r"\g<name>[redacted]", text)


def _clean(value: object) -> object:
    """A field's value, redacted all the way down."""
    if isinstance(value, str):
        return redacted(_cut(value, LONGEST_MESSAGE))
    if isinstance(value, Mapping):
        return {redacted(str(key)): _clean(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(entry) for entry in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return redacted(_cut(str(value), LONGEST_MESSAGE))


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text) - limit} more characters)"


# --- lines ------------------------------------------------------------------------------------------------------------


class JsonLines(logging.Formatter):
    """``{"at", "level", "part", "logger", "message"}``, then what the line is about, then what the caller gave as
    ``extra={"fields": {…}}``, and ``traceback`` where there is one."""

    def __init__(self, part: str) -> None:
        super().__init__()
        self.part = part

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "part": self.part,
            "logger": record.name,
            "message": redacted(_cut(record.getMessage(), LONGEST_MESSAGE)),
        }
        fields = getattr(record, "fields", None)
        more = {**_about.get({}), **(fields if isinstance(fields, dict) else {})}
        line.update({name: _clean(value) for name, value in more.items() if name not in line})
        if record.exc_info:
            line["traceback"] = redacted(_cut(self.formatException(record.exc_info), 4 * LONGEST_MESSAGE))
        return json.dumps(line, ensure_ascii=True, default=str)


def set_up(part: str, level: int = logging.INFO) -> None:
    """Send everything that this process logs to stderr, as lines of ``part``; also what nobody caught, in any thread."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(part))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    logging.getLogger("crosslift").critical("ends: nobody caught this", exc_info=(kind, error, trace))


def _uncaught_in_thread(given: Any) -> None:
    if given.exc_type is SystemExit or given.exc_value is None:
        return
    name = given.thread.name if given.thread is not None else "unknown"
    logging.getLogger("crosslift").critical(
        "thread %s ends: nobody caught this", name, exc_info=(given.exc_type, given.exc_value, given.exc_traceback)
    )
