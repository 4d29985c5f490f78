"""The audit trail: who did what and when. Written in the transaction of what was done, so that neither is there without the
other. Entries are never changed."""

from __future__ import annotations

from sqlalchemy import func, insert, select
from sqlmodel import Session

from backend.domain.account import AuditEntry
from backend.domain.schemas import Page
from backend.store.columns import db_now, storable
from backend.store.paging import check_limit, read_cursor, write_cursor
from backend.store.tables import audit

OPERATOR = "(operator)"  # the command line on the installation's own machine, which needs no account; no name of one


def write(session: Session, who: str, action: str, subject: str) -> None:
    """Note that ``who`` did ``action`` to ``subject``, both in words: *submitted*, *experiment 12*."""
    session.execute(insert(audit).values(at=db_now(), who=who, action=action, subject=storable(subject, 300)[:300]))


def page(session: Session, *, limit: int, cursor: str | None, who: str | None = None) -> Page[AuditEntry]:
    """Newest first.

    Raises:
        Invalid: limit or cursor.
    """
    check_limit(limit)
    after = read_cursor(cursor)
    query = select(audit).order_by(audit.c.id.desc()).limit(limit + 1)
    count = select(func.count()).select_from(audit)
    if who is not None:
        query, count = query.where(audit.c.who == who), count.where(audit.c.who == who)
    if after is not None:
        query = query.where(audit.c.id < after)
    rows = session.execute(query).mappings().all()
    items = [AuditEntry(**row) for row in rows[:limit]]
    return Page(
        items=items,
        next_cursor=write_cursor(items[-1].id) if len(rows) > limit else None,
        total=session.scalars(count).one(),
    )
