"""``crosslift user`` and ``crosslift token``, on a database of their own; and the command line with and without a token."""

from __future__ import annotations

import io
import json
import logging
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from backend import cli
from backend.domain.account import Role
from backend.settings import Settings, settings
from backend.store import accounts, audit, credentials, migrate
from backend.store.session import Store

PASSWORD = "a battery of correct horses"


@dataclass
class Done:
    returncode: int
    stdout: str
    stderr: str


class Shell:
    """The command line, in this process: starting one takes longer than what it does."""

    def __init__(self, home: Path) -> None:
        self.home = home
        migrate.upgrade(f"sqlite:///{home / 'crosslift.db'}")
        self.store = Store(f"sqlite:///{home / 'crosslift.db'}")

    def __call__(self, *arguments: str, stdin: str = "") -> Done:
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.setenv("CROSSLIFT_HOME", str(self.home))
            patch.setattr(sys, "stdin", io.StringIO(stdin))
            settings.cache_clear()
            try:
                code = cli.guarded(lambda: cli.app(arguments, prog_name="crosslift", standalone_mode=False))
            finally:
                settings.cache_clear()
        return Done(code, out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return Shell(tmp_path_factory.mktemp("home"))


def test_the_first_admin_a_token_and_the_end_of_both(shell: Shell) -> None:
    """From nothing, as the refusal to start says it."""
    made = shell("user", "add", "ada", "--role", "admin", stdin=PASSWORD + "\n")
    assert made.returncode == 0, made.stderr
    assert PASSWORD not in made.stdout + made.stderr
    with shell.store.read() as session:
        found = accounts.find(session, "ada")
        assert found is not None and found.role is Role.ADMIN and accounts.any_admin(session)
    token = shell("token", "create", "ada", "--role", "submitter", "--for", "nightly")
    assert token.returncode == 0, token.stderr
    [secret] = token.stdout.split()
    with shell.store.read() as session:
        who = credentials.who_of_token(session, secret)
    assert who is not None and (who[0].name, who[0].role) == ("ada", Role.SUBMITTER)
    listed = json.loads(shell("token", "list", "ada", "--json").stdout)
    assert [(t["id"], t["name"], t["role"]) for t in listed] == [(1, "nightly", "submitter")]
    assert shell("token", "revoke", "1").returncode == 0
    with shell.store.read() as session:
        assert credentials.who_of_token(session, secret) is None
    assert shell("user", "disable", "ada").returncode == 0
    with shell.store.read() as session:
        assert accounts.find(session, "ada") is None and not accounts.any_admin(session)
        said = [(e.who, e.action, e.subject) for e in reversed(audit.page(session, limit=9, cursor=None).items)]
    assert said == [
        ("(operator)", "made the account", "ada, admin"),
        ("(operator)", "made", "token 1 of ada, submitter"),
        ("(operator)", "revoked", "token 1"),
        ("(operator)", "disabled", "ada"),
    ]


def test_an_account_can_be_made_before_anything_was_started(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    # Tests before this one may have let records of level INFO through, and migrating writes some.
    caplog.set_level(logging.WARNING)
    shell = Shell.__new__(Shell)
    shell.home = tmp_path / "new"
    made = shell("user", "add", "ada", "--role", "admin", stdin=PASSWORD + "\n")
    assert (made.returncode, made.stdout, made.stderr) == (0, "", "Account ada may sign in as admin\n")
    assert shell.home.stat().st_mode & 0o077 == 0
    assert [a["name"] for a in json.loads(shell("user", "list", "--json").stdout)] == ["ada"]
    assert not caplog.records  # what may become wrong with a database is for the doctor


@pytest.mark.parametrize(
    ("arguments", "stdin", "code", "said"),
    [
        (("user", "add", "Bad Name"), PASSWORD, 4, "a name is 1 to 64"),
        (("user", "add", "local"), PASSWORD, 4, "is not 'local'"),
        (("user", "add", "bob"), "short", 4, "12 to 200 characters"),
        (("user", "add", "bob", "--role", "admn"), PASSWORD, 4, "did you mean admin"),
        (("user", "password", "nobody"), PASSWORD, 3, "no account 'nobody'"),
        (("user", "disable", "nobody"), "", 3, "no account 'nobody'"),
        (("token", "create", "nobody"), "", 3, "no account 'nobody'"),
        (("token", "revoke", "77"), "", 3, "no token 77"),
    ],
)
def test_what_cannot_be_done_is_said(
    shell: Shell, arguments: tuple[str, ...], stdin: str, code: int, said: str
) -> None:
    done = shell(*arguments, stdin=stdin)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert stdin == "" or stdin not in done.stderr


@pytest.mark.parametrize(
    ("environment", "verdict", "said"),
    [
        ({}, "ok", "this machine alone"),
        ({"CROSSLIFT_HOST": "0.0.0.0"}, "failed", "crosslift user add"),
        ({"CROSSLIFT_PUBLIC_URL": "https://lab.example"}, "warning", "may do everything"),
        ({"CROSSLIFT_ACCOUNTS": "true"}, "warning", "nobody can sign in as admin"),
    ],
)
def test_the_doctor_sees_who_could_come_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], verdict: str, said: str
) -> None:
    from backend.local import services

    migrate.upgrade(f"sqlite:///{tmp_path / 'crosslift.db'}")
    for name, value in {"CROSSLIFT_HOME": str(tmp_path), **environment}.items():
        monkeypatch.setenv(name, value)
    [check] = services.accounts(Settings())
    assert check.verdict == verdict
    assert said in check.detail
