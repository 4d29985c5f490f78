"""Sessions and API tokens: 256 random bits each, of which only the SHA-256 is kept. Both go by what their account may at the
moment of a request, so that whatever is taken back is taken back at once."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import delete, insert, or_, select, update
from sqlmodel import Session

from backend.domain.account import Role, SessionView, TokenRequest, TokenView, Who
from backend.errors import Conflict, FieldError, Invalid, NotFound
from backend.store.columns import db_now
from backend.store.paging import check_id
from backend.store.session import now
from backend.store.tables import account, account_session, account_token

PREFIX: Final = "clt_"  # so that one that leaked is recognised for what it is
MOST_TOKENS: Final = 50  # of an account, that work
USED: Final = timedelta(minutes=1)


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


# --- sessions ------------------------------------------------------------------------------------------------------------------


def open_session(session: Session, account_id: int, *, hours: float, address: str, instead_of: str | None) -> str:
    """Sign somebody in; the secret of the new session. The one that the browser had (``instead_of``) ends."""
    at = now(session)
    ended = [account_session.c.expires_at < at]
    if instead_of is not None:
        ended.append(account_session.c.digest == digest(instead_of))
    session.execute(delete(account_session).where(or_(*ended)))
    secret = secrets.token_urlsafe(32)
    session.execute(
        insert(account_session).values(
            account_id=account_id, digest=digest(secret), address=address[:64], created_at=at,
            expires_at=at + timedelta(hours=hours),
        )
    )  # fmt: skip
    return secret


def who_of_session(session: Session, secret: str) -> Who | None:
    row = session.execute(
        select(account_session.c.id, account.c.id.label("account"), account.c.name, account.c.role)
        .join(account, account.c.id == account_session.c.account_id)
        .where(
            account_session.c.digest == digest(secret),
            account_session.c.expires_at > db_now(),
            account.c.disabled_at.is_(None),
        )
    ).one_or_none()
    return None if row is None else Who(row.name, Role(row.role), row.account, "session", row.id)


def sessions(session: Session, account_id: int, this: int | None) -> list[SessionView]:
    """Where somebody is signed in, newest first."""
    rows = session.execute(
        select(
            account_session.c.id, account_session.c.created_at, account_session.c.expires_at, account_session.c.address
        )
        .where(account_session.c.account_id == account_id, account_session.c.expires_at > db_now())
        .order_by(account_session.c.id.desc())
        .limit(200)
    ).mappings()
    return [SessionView(**row, this=row["id"] == this) for row in rows]


def end_session(session: Session, account_id: int, id: int) -> None:
    """Raises:
    NotFound: this account has no such session.
    """
    check_id("session", id)
    mine = (account_session.c.id == id, account_session.c.account_id == account_id)
    if not session.scalars(delete(account_session).where(*mine).returning(account_session.c.id)).all():
        raise NotFound(f"There is no session {id}.")


# --- tokens ---------------------------------------------------------------------------------------------------------------------


def make_token(session: Session, account_id: int, role: Role, request: TokenRequest) -> tuple[TokenView, str]:
    """A new token, and its secret: the only time that anybody sees it.

    Args:
        role: that of the account.

    Raises:
        Invalid: it would be allowed more than its account.
        Conflict: the account has too many.
    """
    if not role.allows(request.role):
        message = f"your account is {role.value}; a token of it can be no more than that"
        raise Invalid("The token cannot be made.", errors=[FieldError("/role", message)])
    at = now(session)
    if sum(t.revoked_at is None and t.expires_at > at for t in tokens(session, account_id)) >= MOST_TOKENS:
        raise Conflict(f"This account has {MOST_TOKENS} tokens that work; revoke one first.")
    secret = PREFIX + secrets.token_urlsafe(32)
    row = {
        "account_id": account_id, "digest": digest(secret), "name": request.name, "role": request.role.value,
        "created_at": at, "expires_at": at + timedelta(days=request.days),
    }  # fmt: skip
    id = session.scalars(insert(account_token).returning(account_token.c.id), [row]).one()
    return next(t for t in tokens(session, account_id) if t.id == id), secret


def who_of_token(session: Session, secret: str) -> tuple[Who, bool] | None:
    """Whom a token speaks for, and whether its last use should be written down."""
    row = session.execute(
        select(
            account_token.c.id,
            account_token.c.role,
            account_token.c.last_used_at,
            account.c.id.label("account"),
            account.c.name,
            account.c.role.label("most"),
        )
        .join(account, account.c.id == account_token.c.account_id)
        .where(
            account_token.c.digest == digest(secret),
            account_token.c.revoked_at.is_(None),
            account_token.c.expires_at > db_now(),
            account.c.disabled_at.is_(None),
        )
    ).one_or_none()
    if row is None:
        return None
    role, most = Role(row.role), Role(row.most)
    who = Who(row.name, role if most.allows(role) else most, row.account, "token", row.id)
    return who, row.last_used_at is None or now(session) - row.last_used_at > USED


def used(session: Session, id: int) -> None:
    session.execute(update(account_token).where(account_token.c.id == id).values(last_used_at=db_now()))


def tokens(session: Session, account_id: int | None = None) -> Sequence[TokenView]:
    """Newest first, also those that no longer work; of one account, or of all."""
    query: Any = select(*(account_token.c[name] for name in TokenView.model_fields)).order_by(account_token.c.id.desc())
    if account_id is not None:
        query = query.where(account_token.c.account_id == account_id)
    return [TokenView(**row) for row in session.execute(query.limit(1000)).mappings()]


def revoke_token(session: Session, id: int, account_id: int | None = None) -> TokenView:
    """From now on it does nothing. Asking twice changes nothing.

    Args:
        account_id: whose it must be; None: anybody's.

    Raises:
        NotFound: there is no such token.
    """
    check_id("token", id)
    found = next((t for t in tokens(session, account_id) if t.id == id), None)
    if found is None:
        raise NotFound(f"There is no token {id}.")
    session.execute(
        update(account_token)
        .where(account_token.c.id == id, account_token.c.revoked_at.is_(None))
        .values(revoked_at=db_now())
    )
    return next(t for t in tokens(session, account_id) if t.id == id)
