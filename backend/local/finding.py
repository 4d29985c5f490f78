"""What a check of ``crosslift doctor`` says: what it found, and what to do about it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

Verdict = Literal["ok", "warning", "failed"]
GIB: Final = 2**30


@dataclass(frozen=True, slots=True)
class Check:
    """``failed``: it cannot work like this. ``warning``: it works, and something will be missing or lost. Both have a fix."""

    name: str
    verdict: Verdict
    detail: str
    fix: str | None = None


def masked(address: str) -> str:
    """An address without its password."""
    return re.sub(r"(://[^:/@\s]*):[^@\s]*@", r"\1:***@", address)
