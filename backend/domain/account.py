"""Accounts: who may do what, what a name and a password may be, and what the API says about both.

Without accounts (an installation on loopback, the default) everybody who reaches it is ``LOCAL`` and may do everything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from backend.domain.schemas import View

NAME: Final = r"^[a-z0-9][a-z0-9._-]{0,63}$"
SHORTEST_PASSWORD: Final = 12
LONGEST_PASSWORD: Final = 200
LONGEST_TOKEN_DAYS: Final = 366

How = Literal["open", "session", "token"]


class Role(StrEnum):
    """What somebody may do; each may do what those before it may."""

    VIEWER = "viewer"  # read everything, freeze nothing
    SUBMITTER = "submitter"  # submit, cancel, retry, pretrain, share
    ADMIN = "admin"  # see users and the audit trail; no quota

    def allows(self, needed: Role) -> bool:
        order = list(Role)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True)
class Who:
    """Who a request is from. ``account`` is None where there are no accounts; ``credential`` is the id of the session or token."""

    name: str
    role: Role
    account: int | None = None
    how: How = "open"
    credential: int | None = None


LOCAL: Final = Who("local", Role.ADMIN)


def bad_name(name: str) -> str | None:
    """Why this cannot be the name of an account; None: it can."""
    if re.fullmatch(NAME, name, re.ASCII) and name != LOCAL.name:
        return None
    return "a name is 1 to 64 of a-z, 0-9, dot, dash and underscore, begins with a letter or digit, and is not 'local'"


def bad_password(password: str, name: str) -> str | None:
    """Why this cannot be the password of an account; None: it can. Length counts for more than kinds of characters (NIST SP
    800-63B, 5.1.1.2), so nothing is asked of those."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        return f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters"
    if len(set(password)) < 5:
        return "a password has at least five different characters"
    if name in password.lower():
        return "a password does not hold the name of its account"
    if any(0xD800 <= ord(c) <= 0xDFFF or c == "\0" for c in password):
        return "a password is Unicode text"
    return None


# --- what travels over HTTP ----------------------------------------------------------------------------------------------------


class SignIn(BaseModel):
    """Who one says to be. What a password may be is not checked here: it is right or wrong."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=64)]
    password: Annotated[str, Field(min_length=1, max_length=LONGEST_PASSWORD, repr=False)]


class SignInWays(View):
    """How one may sign in here."""

    accounts: bool = Field(description="false: nobody has to")
    provider: str | None = Field(description="an OpenID Connect provider that one may sign in by, as people call it")


class DetourRequest(BaseModel):
    """A sign-in by the provider, to begin. ``onward``: kept, and said again at its end."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    onward: Annotated[str, Field(max_length=1000, pattern=r"^[\x21-\x7e]*$")] = ""


class DetourBegun(View):
    url: str = Field(description="where to send the browser")


class DetourEnd(BaseModel):
    """What the provider sent the browser back with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: Annotated[str, Field(min_length=1, max_length=2000, pattern=r"^[\x21-\x7e]+$", repr=False)]
    state: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$", repr=False)]
    iss: Annotated[str | None, Field(max_length=500, description="RFC 9207: which provider that was")] = None


class PasswordChange(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    old: Annotated[str, Field(min_length=1, max_length=LONGEST_PASSWORD, repr=False)]
    new: Annotated[str, Field(min_length=1, max_length=LONGEST_PASSWORD, repr=False)]


class TokenRequest(BaseModel):
    """An API token to make. It may do what its role says, as long as its account may."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[
        str, Field(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f\x7f]+$", description="what it is for")
    ]
    role: Role = Role.VIEWER
    days: Annotated[int, Field(ge=1, le=LONGEST_TOKEN_DAYS, description="how long it works")] = 90


class AccountView(View):
    id: int
    name: str
    role: Role
    created_at: datetime
    disabled_at: datetime | None


class Quota(View):
    """Limits of an account; null: none."""

    experiments: int
    experiments_most: int | None
    runs: int
    runs_most: int | None


class Me(View):
    """Whom this request is from. ``how``: by a session of the pages, an API token, or *open*: there are no accounts."""

    name: str
    role: Role
    how: How
    quota: Quota
    has_password: bool = Field(description="false where one signs in by a provider alone")


class SignedIn(View):
    me: Me
    onward: str = Field(description="as it was said at the beginning")


class SessionView(View):
    """Somebody's being signed in, in one browser."""

    id: int
    created_at: datetime
    expires_at: datetime
    address: str
    this: bool = Field(description="the one that asks")


class TokenView(View):
    """An API token. What it is itself was shown once, when it was made."""

    id: int
    name: str
    role: Role
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None = Field(description="within a minute")


class TokenMade(View):
    token: TokenView
    secret: str


class AuditEntry(View):
    """Who did what to what, and when."""

    id: int
    at: datetime
    who: str
    action: str
    subject: str
