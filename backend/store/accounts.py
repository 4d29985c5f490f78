"""Accounts: add, change, disable; how often one may try to sign in; how much one may have in the queue."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import delete, func, insert, or_, select, update
from sqlmodel import Session

from backend.domain.account import AccountView, Quota, Role, bad_name, bad_password
from backend.errors import Conflict, FieldError, Invalid, NotFound, NotSignedIn, TooMany, shown
from backend.store.columns import db_now
from backend.store.passwords import NONE, kept
from backend.store.session import now
from backend.store.tables import (
    LIVE,
    account,
    account_experiment,
    account_session,
    account_token,
    experiment_run,
    run,
    sign_in_attempt,
)

WINDOW: Final = timedelta(minutes=15)
#: Sign-ins within the window that did not succeed: for a name from one address, for a name, from an address. The first stops
#: guessing; the others are wider, so that nobody can lock somebody else out at once.
TRIES_HERE: Final = 5
TRIES_NAME: Final = 50
TRIES_ADDRESS: Final = 30


@dataclass(frozen=True, slots=True)
class Found:
    """An account with how its password is kept."""

    id: int
    name: str
    role: Role
    password: str


def _checked(name: str, password: str | None) -> None:
    wrong = [FieldError("/name", found)] if (found := bad_name(name)) else []
    if password is not None and (found := bad_password(password, name)):
        wrong.append(FieldError("/password", found))
    if wrong:
        raise Invalid("The account cannot be like that.", errors=wrong)


def add(session: Session, name: str, role: Role, password: str | None) -> int:
    """A new account. Without a password it signs in by a provider alone.

    Raises:
        Invalid: what a name or password may be.
        Conflict: there is an account of this name.
    """
    _checked(name, password)
    if session.scalars(select(account.c.id).where(account.c.name == name)).one_or_none() is not None:
        raise Conflict(f"There is an account {name} already.")
    id: int = session.scalars(
        insert(account).returning(account.c.id),
        [
            {
                "name": name,
                "role": role.value,
                "password": NONE if password is None else kept(password),
                "created_at": now(session),
            }
        ],
    ).one()
    return id


def find(session: Session, name: str) -> Found | None:
    """The account of this name that may sign in. What cannot be a name is none, and is not asked for: of half a character or a
    NUL a database would only complain."""
    if bad_name(name):
        return None
    row = session.execute(
        select(account.c.id, account.c.name, account.c.role, account.c.password).where(
            account.c.name == name, account.c.disabled_at.is_(None)
        )
    ).one_or_none()
    return None if row is None else Found(row.id, row.name, Role(row.role), row.password)


def view(session: Session, name: str) -> AccountView:
    """Raises:
    NotFound: there is no account of this name.
    """
    row = session.execute(_query().where(account.c.name == name)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"There is no account {shown(name)}.")
    return AccountView(**row)


def listing(session: Session) -> list[AccountView]:
    return [AccountView(**row) for row in session.execute(_query().order_by(account.c.name)).mappings()]


def _query() -> Any:
    return select(account.c.id, account.c.name, account.c.role, account.c.created_at, account.c.disabled_at)


def set_password(session: Session, name: str, password: str, *, but: int | None = None) -> None:
    """Another password. Every session of the account ends, except ``but``.

    Raises:
        NotFound: there is no account of this name.
        Invalid: what a password may be.
    """
    found = view(session, name)
    _checked(name, password)
    session.execute(update(account).where(account.c.id == found.id).values(password=kept(password)))
    ended = delete(account_session).where(account_session.c.account_id == found.id)
    session.execute(ended if but is None else ended.where(account_session.c.id != but))


def keep_anew(session: Session, id: int, password: str) -> None:
    """The same password, kept as one would be today."""
    session.execute(update(account).where(account.c.id == id).values(password=kept(password)))


def set_role(session: Session, name: str, role: Role) -> None:
    """At once: sessions and tokens go by it at their next request.

    Raises:
        NotFound: there is no account of this name.
    """
    session.execute(update(account).where(account.c.id == view(session, name).id).values(role=role.value))


def disable(session: Session, name: str) -> None:
    """From now on nothing of this account works; its sessions and tokens are gone for good.

    Raises:
        NotFound: there is no account of this name.
    """
    id = view(session, name).id
    session.execute(
        update(account).where(account.c.id == id, account.c.disabled_at.is_(None)).values(disabled_at=db_now())
    )
    session.execute(delete(account_session).where(account_session.c.account_id == id))
    session.execute(
        update(account_token)
        .where(account_token.c.account_id == id, account_token.c.revoked_at.is_(None))
        .values(revoked_at=db_now())
    )


def enable(session: Session, name: str) -> None:
    """Raises:
    NotFound: there is no account of this name.
    """
    session.execute(update(account).where(account.c.id == view(session, name).id).values(disabled_at=None))


def enter(session: Session, name: str, role: Role | None) -> Found | None:
    """The account of somebody whom a provider vouches for. With a role it has that role from now on, and is made where there is
    none; without, it must be there. None: it is not, or it is disabled."""
    if role is not None:
        row = session.execute(select(account.c.role).where(account.c.name == name)).one_or_none()
        if row is None:
            add(session, name, role, None)
        elif row.role != role.value:
            set_role(session, name, role)
    return find(session, name)


def any_admin(session: Session) -> bool:
    """Whether somebody could sign in and see everything."""
    query = select(account.c.id).where(account.c.role == Role.ADMIN.value, account.c.disabled_at.is_(None)).limit(1)
    return session.scalars(query).one_or_none() is not None


# --- trying to sign in -----------------------------------------------------------------------------------------------------------


def begin_attempt(session: Session, name: str, address: str) -> int:
    """Count a try to sign in before it is looked at, so that many at once are no way around the limit. Its id, for
    ``succeeded``.

    Raises:
        TooMany: says when the next is heard.
    """
    typed = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    since = now(session) - WINDOW
    session.execute(delete(sign_in_attempt).where(sign_in_attempt.c.at < since))
    tries = session.execute(
        select(sign_in_attempt.c.name, sign_in_attempt.c.address, sign_in_attempt.c.at)
        .where(or_(sign_in_attempt.c.name == typed, sign_in_attempt.c.address == address))
        .order_by(sign_in_attempt.c.at)
    ).all()
    for most, of in (
        (TRIES_HERE, [t.at for t in tries if t.name == typed and t.address == address]),
        (TRIES_NAME, [t.at for t in tries if t.name == typed]),
        (TRIES_ADDRESS, [t.at for t in tries if t.address == address]),
    ):
        if len(of) >= most:
            wait = max(1, round((of[-most] - since).total_seconds()))
            raise TooMany(f"Too many sign-ins that did not succeed. Try again in {wait // 60 + 1} minutes.", after=wait)
    id: int = session.scalars(
        insert(sign_in_attempt).returning(sign_in_attempt.c.id),
        [{"name": typed, "address": address, "at": now(session)}],
    ).one()
    return id


def succeeded(session: Session, attempt: int) -> None:
    """It was no failure, and is not counted as one."""
    session.execute(delete(sign_in_attempt).where(sign_in_attempt.c.id == attempt))


def once(session: Session, secret: str) -> None:
    """Note that something of one use was used.

    Raises:
        NotSignedIn: it had been, in this window.
    """
    mark = hashlib.sha256(f"once:{secret}".encode("utf-8", "surrogatepass")).hexdigest()
    if session.scalars(select(sign_in_attempt.c.id).where(sign_in_attempt.c.name == mark).limit(1)).first() is not None:
        raise NotSignedIn("This sign-in has been used already. Begin again.")
    session.execute(insert(sign_in_attempt).values(name=mark, address="once", at=now(session)))


# --- how much ----------------------------------------------------------------------------------------------------------------------


def submitted(session: Session, account_id: int, experiment_id: int) -> None:
    """Note whose experiment it is."""
    session.execute(insert(account_experiment).values(experiment_id=experiment_id, account_id=account_id))


def quota(session: Session, account_id: int, *, experiments: int | None, runs: int | None) -> Quota:
    """What an account has that is not over: experiments, and runs that wait, are queued or running in them."""
    row = session.execute(
        select(
            func.count(func.distinct(experiment_run.c.experiment_id)),
            func.count(func.distinct(experiment_run.c.run_id)),
        )
        .join(account_experiment, account_experiment.c.experiment_id == experiment_run.c.experiment_id)
        .join(run, run.c.id == experiment_run.c.run_id)
        .where(
            account_experiment.c.account_id == account_id,
            experiment_run.c.detached_at.is_(None),
            experiment_run.c.replaced_by.is_(None),
            run.c.state.in_([s.value for s in LIVE]),
        )
    ).one()
    return Quota(experiments=row[0], experiments_most=experiments, runs=row[1], runs_most=runs)


def check_quota(found: Quota) -> None:
    """Call in the transaction that has added to it, which ends with this.

    Raises:
        TooMany: one of the limits is passed.
    """
    for name, have, most in (
        ("experiments that are not over", found.experiments, found.experiments_most),
        ("runs that are not over", found.runs, found.runs_most),
    ):
        if most is not None and have > most:
            raise TooMany(
                f"You would have {have:,} {name}; your account may have {most:,}. Wait for some to end, or cancel some.",
                after=60,
            )
