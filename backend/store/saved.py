"""Saved views: everybody's, and one's own. Where there are no accounts all are everybody's."""

from __future__ import annotations

from typing import Any

from sqlalchemy import RowMapping, delete, func, insert, or_, select, true
from sqlmodel import Session

from backend.domain.account import Role, Who
from backend.domain.saved import SavedView, SavedViewRequest, check_address
from backend.errors import Conflict, NotAllowed, NotFound
from backend.store.columns import db_now
from backend.store.paging import check_id
from backend.store.tables import account, saved_view

MOST = 200  # of one account, or of everybody where there are none


def _seen(who: Who) -> Any:
    return or_(saved_view.c.shared == true(), saved_view.c.account_id == who.account)


def _query(who: Who) -> Any:
    query = select(*saved_view.c, account.c.name.label("owner"))
    return query.outerjoin(account, account.c.id == saved_view.c.account_id).where(_seen(who))


def listing(session: Session, who: Who, *, page: str | None = None) -> list[SavedView]:
    """Those that this person sees, in the order in which they were saved.

    Args:
        page: only those of this page, named by its path.
    """
    query = _query(who).order_by(saved_view.c.id)
    if page is not None:
        query = query.where(
            or_(saved_view.c.address == page, saved_view.c.address.startswith(f"{page}?", autoescape=True))
        )
    return [_view(row, who) for row in session.execute(query).mappings()]


def find(session: Session, who: Who, id: int) -> SavedView:
    """One of them.

    Raises:
        NotFound: there is none, or it is somebody else's own.
    """
    check_id("saved view", id)
    row = session.execute(_query(who).where(saved_view.c.id == id)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"There is no saved view {id}.")
    return _view(row, who)


def keep(session: Session, request: SavedViewRequest, who: Who) -> SavedView:
    """Save one. Where there are no accounts it is everybody's, whatever was asked.

    Raises:
        Invalid: the address is of no page that holds a view.
        NotAllowed: it is to be everybody's, which takes the role submitter.
        Conflict: there is one of this name that this person sees, or there are too many.
    """
    address = check_address(request.address)
    shared = request.shared or who.account is None
    if shared and not who.role.allows(Role.SUBMITTER):
        raise NotAllowed(f"A view for everybody needs the role submitter; {who.name} is {who.role.value} here.")
    if (
        session.scalars(select(saved_view.c.id).where(_seen(who), saved_view.c.name == request.name)).first()
        is not None
    ):
        raise Conflict(f"There is a saved view {request.name!r} already; take another name, or remove that one first.")
    own = saved_view.c.account_id == who.account if who.account is not None else saved_view.c.account_id.is_(None)
    if session.scalars(select(func.count()).select_from(saved_view).where(own)).one() >= MOST:
        raise Conflict(f"{MOST} views are saved already; remove one first.")
    values = {"name": request.name, "address": address, "account_id": who.account, "shared": shared}
    made = insert(saved_view).values(**values, created_at=db_now()).returning(saved_view.c.id)
    return find(session, who, session.scalars(made).one())


def remove(session: Session, who: Who, id: int) -> SavedView:
    """Take one out: one's own, or as an admin any that one sees.

    Raises:
        NotFound: there is none, or it is somebody else's own.
        NotAllowed: it is everybody's, and somebody else saved it.
    """
    found = find(session, who, id)
    if not found.own:
        raise NotAllowed(f"{found.owner or 'Somebody else'} saved this view; they or an admin can remove it.")
    session.execute(delete(saved_view).where(saved_view.c.id == id))
    return found


def _view(row: RowMapping, who: Who) -> SavedView:
    same = {name: row[name] for name in ("id", "name", "address", "shared", "owner", "created_at")}
    mine = row["account_id"] is not None and row["account_id"] == who.account
    return SavedView(**same, short=f"/v/{row['id']}", own=mine or who.role is Role.ADMIN)
