"""What was installed where runs were computed: lists of packages, each kept once under its SHA-256."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from sqlalchemy import insert, select
from sqlmodel import Session

from backend.store.session import now
from backend.store.tables import package_list


def digest(text: str) -> str:
    """What names a list: SHA-256 over its UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()


def keep(session: Session, lists: Mapping[str, str]) -> None:
    """Keep lists under their digests, those that are not there yet. Call under the lock of the graph: two may bring the same."""
    there = set(session.scalars(select(package_list.c.sha256).where(package_list.c.sha256.in_(list(lists)))))
    at = now(session)
    rows = [{"sha256": sha, "content": text, "created_at": at} for sha, text in lists.items() if sha not in there]
    if rows:
        session.execute(insert(package_list), rows)


def find(session: Session, sha256: str | None) -> list[str] | None:
    """``name==version`` of each package, by name; None where no such list was kept."""
    if sha256 is None:
        return None
    text = session.scalars(select(package_list.c.content).where(package_list.c.sha256 == sha256)).one_or_none()
    return None if text is None else text.splitlines()
