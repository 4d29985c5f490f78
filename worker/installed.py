"""What this worker computes with: the packages that are installed, and its own code. Read once; neither changes while it runs."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from importlib.metadata import distributions
from pathlib import Path

#: Code that changes numbers. ``ENGINE_VERSION`` is raised on purpose; this tells too where that was forgotten.
CODE = ("worker", "backend/domain")
ROOT = Path(__file__).resolve().parents[1]


@cache
def packages() -> str:
    """``name==version`` of every distribution, a line each, by normalised name (PEP 503)."""
    found = {
        re.sub(r"[-_.]+", "-", d.metadata["Name"]).lower(): d.version for d in distributions() if d.metadata["Name"]
    }
    return "".join(f"{name}=={found[name]}\n" for name in sorted(found))


@cache
def code() -> str:
    """SHA-256 over the names and contents of all Python files of ``CODE``, in order."""
    digest = hashlib.sha256()
    for folder in CODE:
        for path in sorted((ROOT / folder).rglob("*.py")):
            content = path.read_bytes()
            digest.update(f"{path.relative_to(ROOT).as_posix()}\0{len(content)}\0".encode())
            digest.update(content)
    return digest.hexdigest()
