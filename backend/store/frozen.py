"""Which runs share links show. A content never changes, so what is in it is read once and kept by its SHA-256."""

from __future__ import annotations

import json
from collections import OrderedDict
from threading import Lock

from sqlalchemy import or_, select
from sqlmodel import Session

from backend.store.columns import db_now
from backend.store.tables import snapshot, snapshot_content

MOST = 2_000  # contents whose runs are kept
TOGETHER = 50  # contents that are read at a time, of at most some hundred kilobytes each
_kept: OrderedDict[str, frozenset[tuple[int, str]]] = OrderedDict()
_lock = Lock()


def runs(session: Session) -> frozenset[tuple[int, str]]:
    """Id and fingerprint of every run in a share link that works: neither taken back nor expired."""
    works = (snapshot.c.revoked_at.is_(None), or_(snapshot.c.expires_at.is_(None), snapshot.c.expires_at > db_now()))
    live = set(session.scalars(select(snapshot.c.sha256).where(*works)))
    with _lock:
        found = {sha256: _kept[sha256] for sha256 in live if sha256 in _kept}
    new = sorted(live - set(found))
    for start in range(0, len(new), TOGETHER):
        content = snapshot_content.c
        asked = select(content.sha256, content.content).where(content.sha256.in_(new[start : start + TOGETHER]))
        for sha256, text in session.execute(asked).all():
            found[sha256] = frozenset((each["id"], each["fingerprint"]) for each in json.loads(text)["runs"])
            with _lock:
                _kept[sha256] = found[sha256]
                while len(_kept) > MOST:
                    _kept.popitem(last=False)
    return frozenset().union(*found.values())
