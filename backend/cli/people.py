"""``crosslift user`` and ``crosslift token``: who may sign in, and the tokens of programs.

These speak to the database, not to the web process: whoever may read its address runs the installation. So the first account
can be made before there is one to sign in with. What they do is in the audit trail as the operator's.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from backend.cli.arguments import AsJson
from backend.cli.asking import settings
from backend.cli.printing import print_json, print_table, say
from backend.errors import Invalid

if TYPE_CHECKING:
    from sqlmodel import Session

    from backend.domain.account import Role

users = typer.Typer(help="Accounts: who may sign in, and as what.", no_args_is_help=True)
tokens = typer.Typer(help="API tokens: what programs and the command line sign in with.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="An account.")]
RoleName = Annotated[
    str, typer.Option("--role", help="viewer reads, submitter also changes, admin also sees who did what.")
]
PasswordFile = Annotated[
    Path | None, typer.Option(help="File with the password; default: asked for, or the first line of standard input.")
]


@contextmanager
def _store(*, writes: bool) -> Iterator[Session]:
    import logging

    from backend.local.home import prepare_home
    from backend.store import migrate
    from backend.store.session import Store

    # what is wrong is in the answer, and what may become wrong `crosslift doctor` says
    logging.getLogger("backend.store").setLevel(logging.ERROR)
    chosen = settings()
    if writes:  # an account comes before the first start
        if chosen.database_url is None:
            prepare_home(chosen.root)
        if migrate.state(chosen.database) == "empty":
            migrate.upgrade(chosen.database)
    store = Store(chosen.database)
    try:
        with store.write() if writes else store.read() as session:
            yield session
    finally:
        store.dispose()


def _role(name: str) -> Role:
    from backend.domain.account import Role
    from backend.errors import unknown

    if name not in list(Role):
        raise Invalid(f"--role: {unknown('role', name, [r.value for r in Role])}")
    return Role(name)


def _password(file: Path | None) -> str:
    """Never an argument: a list of processes would show it."""
    if file is not None:
        try:
            return file.read_text().removesuffix("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise Invalid(f"{file} cannot be read: {error}") from None
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    return sys.stdin.readline().removesuffix("\n")


def _note(session: Session, action: str, subject: str) -> None:
    from backend.store import audit

    audit.write(session, audit.OPERATOR, action, subject)


# --- accounts ------------------------------------------------------------------------------------------------------------------


@users.command("add")
def add(
    name: Name,
    role: RoleName = "viewer",
    password_file: PasswordFile = None,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="It signs in by the OpenID Connect provider alone.")
    ] = False,
) -> None:
    """Make an account."""
    from backend.store import accounts

    as_role, password = _role(role), None if no_password else _password(password_file)
    with _store(writes=True) as session:
        accounts.add(session, name, as_role, password)
        _note(session, "made the account", f"{name}, {as_role.value}")
    say(f"Account {name} may sign in as {as_role.value}")


@users.command("password")
def password(name: Name, password_file: PasswordFile = None) -> None:
    """Give an account another password. It is signed out everywhere."""
    from backend.store import accounts

    new = _password(password_file)
    with _store(writes=True) as session:
        accounts.set_password(session, name, new)
        _note(session, "changed the password of", name)
    say(f"Account {name} has another password, and is signed out everywhere")


@users.command("role")
def role(name: Name, role: Annotated[str, typer.Argument(help="viewer, submitter or admin.")]) -> None:
    """Give an account another role, at once."""
    from backend.store import accounts

    as_role = _role(role)
    with _store(writes=True) as session:
        accounts.set_role(session, name, as_role)
        _note(session, "changed the role of", f"{name}, {as_role.value}")
    say(f"Account {name} is {as_role.value}")


@users.command("disable")
def disable(name: Name) -> None:
    """Let an account do nothing any more: its sessions and tokens end at once."""
    from backend.store import accounts

    with _store(writes=True) as session:
        accounts.disable(session, name)
        _note(session, "disabled", name)
    say(f"Account {name} is disabled; its sessions and tokens no longer work")


@users.command("enable")
def enable(name: Name) -> None:
    """Let a disabled account sign in again. Its old sessions and tokens stay gone."""
    from backend.store import accounts

    with _store(writes=True) as session:
        accounts.enable(session, name)
        _note(session, "enabled", name)
    say(f"Account {name} may sign in again")


@users.command("list")
def list_users(as_json: AsJson = False) -> None:
    """Everybody who has an account."""
    from backend.store import accounts

    with _store(writes=False) as session:
        found = accounts.listing(session)
    if as_json:
        print_json([a.model_dump(mode="json") for a in found])
        return
    state = {True: "disabled", False: "may sign in"}
    print_table(
        ("name", "role", "since", "state"),
        ((a.name, a.role.value, f"{a.created_at:%Y-%m-%d}", state[a.disabled_at is not None]) for a in found),
    )


# --- tokens ----------------------------------------------------------------------------------------------------------------------


@tokens.command("create")
def create(
    name: Name,
    role: RoleName = "viewer",
    days: Annotated[int, typer.Option(min=1, max=366, help="How long it works.")] = 90,
    purpose: Annotated[str, typer.Option("--for", help="What it is for; shown in lists.")] = "command line",
) -> None:
    """Make an API token of an account and print it, this once. CROSSLIFT_TOKEN gives it to the command line."""
    from pydantic import ValidationError

    from backend.domain.account import TokenRequest
    from backend.errors import NotFound, shown
    from backend.store import accounts, credentials

    try:
        request = TokenRequest(name=purpose, role=_role(role), days=days)
    except ValidationError as error:
        raise Invalid(f"--for: {error.errors()[0]['msg']}") from None
    with _store(writes=True) as session:
        found = accounts.find(session, name)
        if found is None:
            raise NotFound(f"There is no account {shown(name)} that may sign in.")
        made, secret = credentials.make_token(session, found.id, found.role, request)
        _note(session, "made", f"token {made.id} of {name}, {made.role.value}")
    say(f"Token {made.id} of {name}, {made.role.value}, works until {made.expires_at:%Y-%m-%d}; it is not shown again")
    typer.echo(secret)


@tokens.command("revoke")
def revoke(
    token: Annotated[int, typer.Argument(min=1, metavar="ID", help="A token; `token list` has the ids.")],
) -> None:
    """Take a token back, at once and for good."""
    from backend.store import credentials

    with _store(writes=True) as session:
        credentials.revoke_token(session, token)
        _note(session, "revoked", f"token {token}")
    say(f"Token {token} no longer works")


@tokens.command("list")
def list_tokens(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Only those of this account.")] = None,
    as_json: AsJson = False,
) -> None:
    """The tokens that were made, without what they are."""
    from backend.store import accounts, credentials

    with _store(writes=False) as session:
        owner = accounts.view(session, name).id if name else None
        found = credentials.tokens(session, owner)
    if as_json:
        print_json([t.model_dump(mode="json") for t in found])
        return
    print_table(
        ("id", "for", "role", "until", "last used", "revoked"),
        (
            (t.id, t.name, t.role.value, f"{t.expires_at:%Y-%m-%d}", t.last_used_at and f"{t.last_used_at:%Y-%m-%d}",
             t.revoked_at and f"{t.revoked_at:%Y-%m-%d}")
            for t in found
        ),
    )  # fmt: skip
