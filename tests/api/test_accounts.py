"""Accounts over HTTP: signing in and out, roles, tokens, what is taken back, what is counted, and what is written down."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from argon2 import PasswordHasher, Type
from argon2.low_level import hash_secret_raw
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import insert, select, text, update
from starlette.datastructures import Headers

from backend.api import events
from backend.api.app import create_app
from backend.domain.account import Role, TokenRequest
from backend.settings import Settings
from backend.store import accounts, credentials, passwords, tables
from backend.store.columns import db_now
from backend.store.session import Store

V1 = "/api/v1"
PASSWORD = "a battery of correct horses"
HERE = {"Origin": "http://testserver"}


@pytest.fixture(scope="module")
def kept() -> str:
    return passwords.kept(PASSWORD)


@pytest.fixture
def people(store: Store, kept: str) -> dict[str, int]:
    """An account of each role, by name."""
    with store.write() as session:
        rows = [{"name": f"{r.value[:3]}", "role": r.value, "password": kept, "created_at": db_now()} for r in Role]
        for row in rows:
            session.execute(insert(tables.account).values(**row))
        return {a.name: a.id for a in accounts.listing(session)}


@pytest.fixture
def guarded(store: Store, people: dict[str, int]) -> FastAPI:
    return create_app(store, with_accounts=True)


@pytest.fixture
def signed_in(guarded: FastAPI) -> Callable[..., TestClient]:
    """``signed_in("sub")``: a browser in which this account is signed in."""

    def enter(name: str, address: str = "testclient") -> TestClient:
        browser = TestClient(guarded, headers=HERE, client=(address, 1))
        answer = browser.post(V1 + "/session", json={"name": name, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        return browser

    return enter


def token_of(store: Store, account: int, role: Role, **changes: Any) -> dict[str, str]:
    with store.write() as session:
        _, secret = credentials.make_token(session, account, Role.ADMIN, TokenRequest(name="t", role=role, **changes))
    return {"Authorization": f"Bearer {secret}"}


# --- passwords -------------------------------------------------------------------------------------------------------------------


def test_a_password_is_kept_as_a_salted_argon2id_of_known_parameters(kept: str) -> None:
    _, kind, version, parameters, salt, key = kept.split("$")
    assert (kind, version, parameters) == ("argon2id", "v=19", "m=65536,t=3,p=4")
    again = hash_secret_raw(PASSWORD.encode(), base64.b64decode(salt + "=="), 3, 65536, 4, 32, Type.ID)
    assert base64.b64decode(key + "=") == again
    assert passwords.kept(PASSWORD) != kept
    assert passwords.fits(PASSWORD, kept)
    assert not passwords.fits(PASSWORD + " ", kept)
    assert not passwords.fits(PASSWORD, None)
    assert not passwords.fits("\ud800", kept)


@pytest.mark.parametrize(
    "written",
    ["", "!", PASSWORD, "scrypt$15$8$3$c2FsdA==$a2V5", "$2b$12$" + "a" * 53, "$argon2id$", "$argon2id$v=19$m=65536,t=3,p=4$$",
     "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$", "$argon2i$v=19$m=65536,t=3,p=4$c2FsdHNhbHRzYWx0c2FsdA$" + "A" * 43],
)  # fmt: skip
def test_what_was_kept_in_another_way_fits_nothing_and_the_log_says_so(
    written: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert not passwords.fits(PASSWORD, written)
    assert "crosslift user password NAME" in caplog.text
    assert PASSWORD not in caplog.text


def test_nobodys_password_and_none_fit_nothing_quietly(caplog: pytest.LogCaptureFixture) -> None:
    for written in (None, passwords.NONE):
        assert not passwords.fits("", written)
    assert caplog.text == ""


def test_an_older_setting_is_replaced_at_the_next_sign_in(
    guarded: FastAPI, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    weaker = PasswordHasher(1, 8, 1).hash(PASSWORD)
    with store.write() as session:
        session.execute(update(tables.account).where(tables.account.c.name == "vie").values(password=weaker))
    assert TestClient(guarded).post(V1 + "/session", json={"name": "vie", "password": PASSWORD}).status_code == 200
    with store.read() as session:
        found = accounts.find(session, "vie")
    assert found is not None and "m=65536,t=3,p=4" in found.password
    assert passwords.fits(PASSWORD, found.password)


@pytest.mark.parametrize(
    "bad", ["short", "aaaaaaaaaaaaaaaa", "my name is ada, no?", "x" * 201, "nul \0 in the middle of it"]
)
def test_a_bad_password_is_refused_in_words(store: Store, bad: str) -> None:
    from backend.errors import Invalid

    with store.write() as session, pytest.raises(Invalid) as refused:
        accounts.add(session, "ada", Role.VIEWER, bad)
    assert refused.value.errors[0].pointer == "/password"
    assert bad not in str(refused.value.errors)


# --- signing in --------------------------------------------------------------------------------------------------------------------


def test_a_session_is_a_signed_cookie_that_scripts_cannot_read(signed_in: Any, store: Store) -> None:
    browser = signed_in("sub")
    assert browser.get(V1 + "/me").json() == {
        "name": "sub", "role": "submitter", "how": "session", "has_password": True,
        "quota": {"experiments": 0, "experiments_most": 20, "runs": 0, "runs_most": 5000},
    }  # fmt: skip
    [cookie] = browser.cookies.jar
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert str(cookie.get_nonstandard_attr("SameSite")).lower() == "lax"
    secret, _, signature = str(cookie.value).partition(".")
    with store.read() as session:
        [row] = session.execute(select(tables.account_session)).mappings()
    assert row["digest"] == hashlib.sha256(secret.encode()).hexdigest()
    assert secret not in str(dict(row)) and signature not in str(dict(row))


def test_under_https_the_cookie_is_bound_to_the_host(store: Store, people: dict[str, int]) -> None:
    app = create_app(store, with_accounts=True, public_url="https://lab.example")
    answer = TestClient(app).post(V1 + "/session", json={"name": "vie", "password": PASSWORD})
    header = answer.headers["set-cookie"]
    assert (
        header.startswith("__Host-crosslift=") and "Secure" in header and "Path=/" in header and "omain" not in header
    )


def test_without_the_signature_the_database_is_not_asked(signed_in: Any, guarded: FastAPI, monkeypatch: Any) -> None:
    [cookie] = signed_in("vie").cookies.jar
    secret, _, signature = str(cookie.value).partition(".")
    asked: list[str] = []
    monkeypatch.setattr(credentials, "who_of_session", lambda session, found: asked.append(found))

    def other(text: str) -> str:  # one letter in sixteen is an A already
        return text[:-1] + ("E" if text.endswith("A") else "A")

    for value in (
        secret,
        f"{secret}.",
        f"{secret}.{other(signature)}",
        f"{other(secret)}.{signature}",
        "x",
        ".",
        "é.é",
    ):
        answer = TestClient(guarded).get(V1 + "/runs", headers={"Cookie": f"crosslift={value}".encode()})
        assert answer.status_code == 401, value
    assert asked == []


def test_signing_in_again_is_another_session_and_ends_the_first(signed_in: Any, guarded: FastAPI) -> None:
    browser = signed_in("vie")
    [first] = browser.cookies.jar
    old = {"Cookie": f"{first.name}={first.value}"}
    browser.post(V1 + "/session", json={"name": "vie", "password": PASSWORD})
    [second] = browser.cookies.jar
    assert second.value != first.value
    assert TestClient(guarded).get(V1 + "/runs", headers=old).status_code == 401
    assert browser.get(V1 + "/runs").status_code == 200


def test_signing_out_ends_the_session_itself_not_only_the_cookie(signed_in: Any, guarded: FastAPI) -> None:
    browser = signed_in("vie")
    [cookie] = browser.cookies.jar
    assert browser.post(V1 + "/session:end").status_code == 204
    assert not list(browser.cookies.jar)
    assert TestClient(guarded).get(V1 + "/me", headers={"Cookie": f"{cookie.name}={cookie.value}"}).status_code == 401


def test_a_session_runs_out(signed_in: Any, store: Store) -> None:
    browser = signed_in("vie")
    assert browser.get(V1 + "/me").status_code == 200
    with store.write() as session:
        session.execute(text("UPDATE account_session SET expires_at = '2020-01-01 00:00:00.000000'"))
    assert browser.get(V1 + "/me").status_code == 401


@pytest.mark.parametrize("name", ["a\0b", "\ud99c", "\x9au\0\ud99c\udc3e", "local", "Ada"])
def test_what_cannot_be_a_name_is_a_wrong_one(guarded: FastAPI, name: str) -> None:
    body = json.dumps({"name": name, "password": "x"})
    answer = TestClient(guarded).post(V1 + "/session", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 401, 422), answer.text  # half a character is no JSON of ours


def test_wrong_name_wrong_password_and_disabled_cannot_be_told_apart(guarded: FastAPI, store: Store) -> None:
    with store.write() as session:
        accounts.disable(session, "adm")
    seen = set()
    for name, password in (("vie", "not the password"), ("nobody-here", PASSWORD), ("adm", PASSWORD)):
        client = TestClient(guarded, client=(name, 1))
        answer = client.post(V1 + "/session", json={"name": name, "password": password})
        assert "set-cookie" not in answer.headers
        seen.add((answer.status_code, answer.text))
    assert len(seen) == 1
    assert next(iter(seen))[0] == 401


def test_guessing_is_slowed_down_from_one_address_and_nobody_else_is_shut_out(
    guarded: FastAPI, store: Store, monkeypatch: Any
) -> None:
    monkeypatch.setattr(passwords, "fits", lambda password, written: password == PASSWORD)  # quick
    there, elsewhere = (TestClient(guarded, client=(a, 1)) for a in ("203.0.113.5", "203.0.113.6"))

    def enter(client: TestClient, name: str, password: str) -> Any:
        return client.post(V1 + "/session", json={"name": name, "password": password})

    assert [enter(there, "vie", "wrong").status_code for _ in range(accounts.TRIES_HERE)] == [401] * accounts.TRIES_HERE
    refused = enter(there, "vie", PASSWORD)  # the right one is not heard either
    assert refused.status_code == 429
    assert 800 < int(refused.headers["retry-after"]) <= 900
    assert enter(elsewhere, "vie", PASSWORD).status_code == 200
    assert [enter(there, f"n{i}", "wrong").status_code for i in range(40)].count(401) == accounts.TRIES_ADDRESS - 5
    with store.write() as session:  # a quarter of an hour later
        session.execute(text("UPDATE sign_in_attempt SET at = '2020-01-01 00:00:00.000000'"))
    assert enter(there, "vie", PASSWORD).status_code == 200
    with store.read() as session:
        assert session.execute(select(tables.sign_in_attempt)).all() == []
        assert "wrong" not in str(session.execute(select(tables.audit)).all())


# --- by cookie, nothing without the browser's word ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "done"),
    [({"Origin": "http://testserver"}, True), ({"Sec-Fetch-Site": "same-origin"}, True), ({}, False),
     ({"Origin": "https://evil.example"}, False), ({"Origin": "null"}, False), ({"Sec-Fetch-Site": "cross-site"}, False),
     ({"Sec-Fetch-Site": "same-site"}, False), ({"Sec-Fetch-Site": "none"}, False)],
)  # fmt: skip
def test_a_cookie_alone_changes_nothing(signed_in: Any, headers: dict[str, str], done: bool) -> None:
    browser = signed_in("sub")
    browser.headers.pop("origin")
    answer = browser.post(V1 + "/experiments/1:cancel", headers=headers)
    assert answer.status_code == (404 if done else 403)
    assert browser.get(V1 + "/runs").status_code == 200


# --- roles and what is taken back ------------------------------------------------------------------------------------------------------


def test_roles_are_held_to(signed_in: Any, request_body: dict[str, Any]) -> None:
    may = {name: signed_in(name) for name in ("vie", "sub", "adm")}
    assert {n: b.post(V1 + "/experiments:preview", json=request_body).status_code for n, b in may.items()} == {
        "vie": 200, "sub": 200, "adm": 200,
    }  # fmt: skip
    assert {n: b.post(V1 + "/experiments", json=request_body).status_code for n, b in may.items()} == {
        "vie": 403, "sub": 201, "adm": 201,
    }  # fmt: skip
    assert {n: b.get(V1 + "/audit").status_code for n, b in may.items()} == {"vie": 403, "sub": 403, "adm": 200}


def test_disabling_ends_everything_at_once(
    signed_in: Any, store: Store, people: dict[str, int], guarded: FastAPI
) -> None:
    browser, program = signed_in("sub"), TestClient(guarded, headers=token_of(store, people["sub"], Role.VIEWER))
    assert (browser.get(V1 + "/me").status_code, program.get(V1 + "/me").status_code) == (200, 200)
    with store.write() as session:
        accounts.disable(session, "sub")
    assert (browser.get(V1 + "/me").status_code, program.get(V1 + "/me").status_code) == (401, 401)
    with store.write() as session:
        accounts.enable(session, "sub")
    assert (browser.get(V1 + "/me").status_code, program.get(V1 + "/me").status_code) == (401, 401)


def test_another_role_counts_from_the_next_request(
    signed_in: Any, store: Store, people: dict[str, int], guarded: FastAPI
) -> None:
    browser = signed_in("adm")
    program = TestClient(guarded, headers=token_of(store, people["adm"], Role.ADMIN))
    assert (browser.get(V1 + "/audit").status_code, program.get(V1 + "/audit").status_code) == (200, 200)
    with store.write() as session:
        accounts.set_role(session, "adm", Role.VIEWER)
    assert (browser.get(V1 + "/audit").status_code, program.get(V1 + "/audit").status_code) == (403, 403)
    assert browser.get(V1 + "/me").json()["role"] == "viewer"


def test_changing_the_password_signs_out_everywhere_else(signed_in: Any) -> None:
    here, elsewhere = signed_in("vie"), signed_in("vie", "elsewhere")
    new = "horses of a correct battery"
    wrong = here.post(V1 + "/me/password", json={"old": "x", "new": new})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/old")
    short = here.post(V1 + "/me/password", json={"old": PASSWORD, "new": "short"})
    assert (short.status_code, short.json()["errors"][0]["pointer"]) == (422, "/new")
    assert here.post(V1 + "/me/password", json={"old": PASSWORD, "new": new}).status_code == 204
    assert here.get(V1 + "/me").status_code == 200
    assert elsewhere.get(V1 + "/me").status_code == 401
    assert elsewhere.post(V1 + "/session", json={"name": "vie", "password": PASSWORD}).status_code == 401
    assert elsewhere.post(V1 + "/session", json={"name": "vie", "password": new}).status_code == 200


def test_sessions_are_listed_and_ended_by_their_own(signed_in: Any) -> None:
    here, elsewhere, other = signed_in("vie"), signed_in("vie", "203.0.113.9"), signed_in("sub")
    listed = here.get(V1 + "/me/sessions").json()
    assert [(s["address"], s["this"]) for s in listed] == [("203.0.113.9", False), ("testclient", True)]
    assert other.post(f"{V1}/me/sessions/{listed[0]['id']}:end").status_code == 404
    assert elsewhere.get(V1 + "/me").status_code == 200
    assert here.post(f"{V1}/me/sessions/{listed[0]['id']}:end").status_code == 204
    assert elsewhere.get(V1 + "/me").status_code == 401


def test_a_stream_ends_with_the_right_to_watch(
    signed_in: Any, store: Store, guarded: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within ten looks of being disabled, with nothing new to say."""
    browser = signed_in("vie")
    [cookie] = browser.cookies.jar
    headers = Headers({"cookie": f"{cookie.name}={cookie.value}"})
    identity = guarded.state.door.identity
    monkeypatch.setattr(events, "POLL_SECONDS", 0)
    looks: list[int] = []

    def look() -> events.Look:
        looks.append(1)
        if len(looks) == 25:
            with store.write() as session:
                accounts.disable(session, "vie")
        assert len(looks) < 100
        return events.Look()

    async def follow() -> None:
        async for _ in events.watch(look, events.Streams(), lambda: identity(headers) is not None):
            pass

    anyio.run(follow)
    assert len(looks) == 29


# --- tokens ----------------------------------------------------------------------------------------------------------------------


def test_a_token_is_shown_once_does_what_its_scope_says_and_is_taken_back_at_once(
    signed_in: Any, guarded: FastAPI, store: Store, request_body: dict[str, Any]
) -> None:
    browser = signed_in("sub")
    made = browser.post(V1 + "/me/tokens", json={"name": "nightly", "role": "viewer", "days": 2})
    assert made.status_code == 201
    secret, entry = made.json()["secret"], made.json()["token"]
    assert made.headers["cache-control"] == "no-store"
    assert len(base64.urlsafe_b64decode(secret.removeprefix("clt_") + "=")) == 32
    assert secret not in browser.get(V1 + "/me/tokens").text
    with store.read() as session:
        [row] = session.execute(select(tables.account_token)).mappings()
    assert secret not in str(dict(row)) and row["digest"] == hashlib.sha256(secret.encode()).hexdigest()
    program = TestClient(guarded, headers={"Authorization": f"Bearer {secret}"})
    assert program.get(V1 + "/me").json()["how"] == "token"
    assert browser.get(V1 + "/me/tokens").json()[0]["last_used_at"] is not None
    assert program.post(V1 + "/experiments", json=request_body).status_code == 403
    assert program.post(V1 + "/me/tokens", json={"name": "more"}).status_code == 403  # nor makes it others
    assert browser.post(f"{V1}/me/tokens/{entry['id']}:revoke").json()["revoked_at"] is not None
    assert program.get(V1 + "/me").status_code == 401


def test_no_token_is_worth_more_than_its_account(signed_in: Any) -> None:
    refused = signed_in("vie").post(V1 + "/me/tokens", json={"name": "x", "role": "submitter"})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/role")


def test_a_token_runs_out(store: Store, people: dict[str, int], guarded: FastAPI) -> None:
    program = TestClient(guarded, headers=token_of(store, people["vie"], Role.VIEWER, days=1))
    assert program.get(V1 + "/me").status_code == 200
    with store.write() as session:
        session.execute(update(tables.account_token).values(expires_at=db_now()))
    time.sleep(0.01)
    assert program.get(V1 + "/me").status_code == 401


def test_a_bad_token_is_not_made_good_by_a_cookie(signed_in: Any) -> None:
    browser = signed_in("adm")
    for header in ("Bearer clt_" + "A" * 43, "Bearer", "Basic eDp5", "Bearer x" * 10):
        assert browser.get(V1 + "/audit", headers={"Authorization": header}).status_code == 401
    assert browser.get(V1 + "/audit").status_code == 200


def test_nobody_takes_back_what_is_anothers(signed_in: Any, store: Store, people: dict[str, int]) -> None:
    token_of(store, people["sub"], Role.VIEWER)
    assert signed_in("vie").post(V1 + "/me/tokens/1:revoke").status_code == 404


# --- how much, and who did what -------------------------------------------------------------------------------------------------------


def test_quotas_are_held_to_and_leave_nothing_behind(
    signed_in: Any, guarded: FastAPI, store: Store, request_body: dict[str, Any]
) -> None:
    guarded.state.door = type(guarded.state.door)(
        store, None, None, identity=guarded.state.door.identity, most_experiments=2, most_runs=9
    )
    browser, admin = signed_in("sub"), signed_in("adm")

    def submit(by: TestClient, **changes: Any) -> Any:
        return by.post(V1 + "/experiments", json={**request_body, **changes})

    assert submit(browser).status_code == 201
    assert browser.get(V1 + "/me").json()["quota"] == {
        "experiments": 1, "experiments_most": 2, "runs": 6, "runs_most": 9,
    }  # fmt: skip
    many = submit(browser, seeds=[0, 1, 2])
    assert many.status_code == 429 and "runs that are not over" in many.json()["detail"]
    assert int(many.headers["retry-after"]) >= 1
    assert submit(browser, name="the same runs again").status_code == 201
    assert submit(browser, name="once more").status_code == 429
    assert browser.get(V1 + "/experiments").json()["total"] == 2
    assert submit(admin, seeds=[0, 1, 2]).status_code == 201
    assert browser.post(V1 + "/experiments/1:cancel").status_code == 202
    assert browser.get(V1 + "/me").json()["quota"]["experiments"] == 1
    assert submit(browser, name="once more").status_code == 201


def test_what_was_done_is_written_down_with_who_did_it(
    signed_in: Any, worker: Any, request_body: dict[str, Any], guarded: FastAPI
) -> None:
    browser, admin = signed_in("sub"), signed_in("adm")
    body = {**request_body, "recipes": ["squad"], "name": "Ada's"}
    assert browser.post(V1 + "/experiments", json=body, headers={"Idempotency-Key": "once"}).status_code == 201
    assert browser.post(V1 + "/experiments", json=body, headers={"Idempotency-Key": "once"}).status_code == 200
    worker.finish_all()
    share = {"view": "/explore?model=mini-2&target=xnli", "title": "T"}
    shared = browser.post(V1 + "/snapshots", json=share).json()
    assert browser.post(V1 + "/snapshots/1:revoke").status_code == 200
    assert browser.post(V1 + "/experiments", json={**body, "seeds": [7], "name": "live"}).status_code == 201
    run = browser.get(V1 + "/experiments/2/runs", params={"state": "queued"}).json()["items"][0]["id"]
    assert browser.post(f"{V1}/runs/{run}:cancel").status_code == 202
    assert browser.post(V1 + "/experiments/2:cancel").status_code == 202
    assert browser.post(V1 + "/experiments/2:retry").status_code == 202
    assert browser.post(V1 + "/experiments/99:cancel").status_code == 404  # nothing was done
    page = admin.get(V1 + "/audit", params={"limit": 100})
    assert shared["token"] not in page.text
    found = [(e["who"], e["action"], e["subject"]) for e in reversed(page.json()["items"])]
    assert found == [
        ("sub", "signed in", "from testclient"),
        ("adm", "signed in", "from testclient"),
        ("sub", "submitted", "experiment 1, Ada's"),
        ("sub", "shared", "snapshot 1, T"),
        ("sub", "took back", "snapshot 1"),
        ("sub", "submitted", "experiment 2, live"),
        ("sub", "cancelled", f"run {run}"),
        ("sub", "cancelled", "experiment 2"),
        ("sub", "retried", "experiment 2"),
    ]
    mine = admin.get(V1 + "/audit", params={"who": "adm"}).json()
    assert [e["action"] for e in mine["items"]] == ["signed in"] and mine["total"] == 1
    first = admin.get(V1 + "/audit", params={"limit": 3})
    assert first.json()["next_cursor"] and 'rel="next"' in first.headers["link"]


def test_without_accounts_all_is_done_by_local_and_there_is_nothing_to_sign_in_to(
    client: TestClient, request_body: dict[str, Any]
) -> None:
    assert client.get(V1 + "/me").json()["how"] == "open"
    assert client.post(V1 + "/experiments", json=request_body).status_code == 201
    assert [(e["who"], e["action"]) for e in client.get(V1 + "/audit").json()["items"]] == [("local", "submitted")]
    for path, body in (("/session", {"name": "a", "password": "b"}), ("/me/tokens", {"name": "a"})):
        assert client.post(V1 + path, json=body).status_code == 409


# --- the key ------------------------------------------------------------------------------------------------------------------------


def test_the_key_is_made_once_and_closed_to_others(tmp_path: Any) -> None:
    first = Settings(home=tmp_path / "home").signing_key
    assert len(first) >= 43
    assert Settings(home=tmp_path / "home").signing_key == first
    assert (tmp_path / "home" / "session.key").stat().st_mode & 0o077 == 0
    assert [p.name for p in (tmp_path / "home").iterdir()] == ["session.key"]
    assert Settings(home=tmp_path, session_key="k" * 32).signing_key == b"k" * 32
    with pytest.raises(ValueError, match="session_key"):
        Settings(session_key="short")
