"""Log lines of the processes without a terminal: one JSON object a line, whatever a message holds.

Control characters, line breaks and right-to-left marks arrive escaped, so that no text of a user can forge a line. Tokens
of share links never arrive.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime

_SHARED = re.compile(r"(/s/+|/shared/+)[^\s\"'<>?#&]{12,}", re.IGNORECASE)


def redacted(text: str) -> str:
    """A text without the tokens of the share links in it (``/s/…`` and ``/api/v1/shared/…``)."""
    return _SHARED.sub(r"\1[redacted]", text)


class JsonLines(logging.Formatter):
    """``{"at", "level", "part", "message"}``, then what the caller gave as ``extra={"fields": {…}}``."""

    def __init__(self, part: str) -> None:
        super().__init__()
        self.part = part

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "part": self.part,
            "logger": record.name,
            "message": redacted(record.getMessage()),
        }
        fields = getattr(record, "fields", None)
        if isinstance(fields, dict):
            line.update(fields)
        if record.exc_info:
            line["traceback"] = redacted(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=True, default=str)


def set_up(part: str, level: int = logging.INFO) -> None:
    """Send everything that this process logs to stderr, as lines of ``part``."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(part))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(True)
