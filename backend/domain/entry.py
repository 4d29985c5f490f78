"""Whom of the people that another provider knows (OpenID Connect) this installation lets in, and as what. By default: nobody.

Two rules, both of the installation's own: which claim is the name of an account (``CROSSLIFT_OIDC_ACCOUNTS``), and, where roles
come from the provider too, which values of which claims stand for which role (``CROSSLIFT_OIDC_ROLES``). Without the second only
those enter who have an account already.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backend.domain.account import Role, bad_name

_DOMAIN = re.compile(r"@[a-z0-9-]+(\.[a-z0-9-]+)+", re.ASCII)
_CLAIM = re.compile(r"[A-Za-z0-9_./:-]{1,200}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Entry:
    """``accounts``: ``@lab.example`` (the part of a verified e-mail address before that) or the name of a claim. ``roles``: claim,
    value and role; empty: accounts have the roles that they were given here."""

    accounts: str
    roles: tuple[tuple[str, str, Role], ...] = ()

    @classmethod
    def read(cls, accounts: str, roles: str = "") -> Entry:
        """From the two settings. ``roles``: ``groups:lab-admins=admin, groups:lab=submitter``.

        Raises:
            ValueError: says what is accepted.
        """
        accounts = accounts.strip()
        if not (_DOMAIN.fullmatch(accounts) or _CLAIM.fullmatch(accounts)):
            raise ValueError(
                f"{accounts!r} is neither a domain of e-mail addresses (@lab.example) nor the name of a claim (preferred_username)"
            )
        found = []
        for part in filter(None, (p.strip() for p in roles.split(","))):
            left, equals, role = part.rpartition("=")
            claim, colon, value = left.rpartition(":")  # a claim may be an address
            if not (equals and colon and value and _CLAIM.fullmatch(claim)) or role not in list(Role):
                raise ValueError(f"{part!r} is not of the form claim:value=role, with role one of {', '.join(Role)}")
            found.append((claim, value, Role(role)))
        return cls(accounts, tuple(found))

    def name(self, claims: Mapping[str, Any]) -> str:
        """The name of the account.

        Raises:
            ValueError: these claims name none; says why.
        """
        if not self.accounts.startswith("@"):
            name = claims.get(self.accounts)
            if not isinstance(name, str):
                raise ValueError(f"the provider says no {self.accounts}")
        else:
            address = claims.get("email")
            if not isinstance(address, str) or claims.get("email_verified") is not True:
                raise ValueError("the provider says no e-mail address that it has verified")
            name, at, domain = address.lower().rpartition("@")
            if at + domain != self.accounts:
                raise ValueError(f"only e-mail addresses of {self.accounts[1:]} are let in")
        if bad_name(name) is not None:
            raise ValueError("the name that the provider says cannot be that of an account here")
        return name

    def role(self, claims: Mapping[str, Any]) -> Role | None:
        """The highest role that the claims stand for. None: they say nothing about it, and the account's counts.

        Raises:
            ValueError: roles come from the provider, and these claims have none.
        """
        if not self.roles:
            return None
        held = [role for claim, value, role in self.roles if _holds(claims.get(claim), value)]
        if not held:
            raise ValueError("the provider says no group that is let in here")
        return max(held, key=list(Role).index)


def _holds(claim: Any, value: str) -> bool:
    return value in [v for v in claim if isinstance(v, str)] if isinstance(claim, list) else claim == value
