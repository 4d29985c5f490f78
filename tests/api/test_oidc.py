"""Signing in by an OpenID Connect provider, against a real one on loopback: the whole way, and every way in which it must not work."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select, text

from backend.api import oidc
from backend.api.app import create_app
from backend.domain.account import Role
from backend.errors import Conflict
from backend.settings import Settings, settings
from backend.store import accounts, passwords, tables
from backend.store.session import Store

_spec = importlib.util.spec_from_file_location("openid", Path(__file__).resolve().parents[1] / "openid.py")
assert _spec is not None and _spec.loader is not None
openid: Any = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(openid)
CLIENT, SECRET = openid.CLIENT, openid.SECRET

V1 = "/api/v1"
HERE = {"Origin": "http://testserver"}
Make = Callable[..., FastAPI]


@pytest.fixture(scope="module")
def counterpart() -> Iterator[Any]:
    with openid.running() as party:
        yield party


@pytest.fixture
def party(counterpart: Any) -> Iterator[Any]:
    """The provider, as good as new."""
    kept = dict(counterpart.claims)
    yield counterpart
    counterpart.claims, counterpart.spoil, counterpart.fault = kept, {}, None
    counterpart.sign = counterpart.rs256
    counterpart.asked.clear()


@pytest.fixture
def make(store: Store, party: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Make]:
    def create(**changes: str) -> FastAPI:
        asked = {
            "home": str(tmp_path), "accounts": "true", "oidc_issuer": party.url, "oidc_client_id": CLIENT, "oidc_client_secret": SECRET,
            "oidc_accounts": "@lab.example", "oidc_name": "Lab account", **changes,
        }  # fmt: skip
        for name, value in asked.items():
            monkeypatch.setenv(f"CROSSLIFT_{name.upper()}", value)
        settings.cache_clear()
        return create_app(store)

    yield create
    settings.cache_clear()


@pytest.fixture
def ada(store: Store) -> None:
    """Has an account, and no password."""
    with store.write() as session:
        accounts.add(session, "ada", Role.SUBMITTER, None)


def browser(app: FastAPI) -> TestClient:
    return TestClient(app, headers=HERE, client=("192.0.2.7", 1))


def there(client: TestClient, onward: str = "/explore") -> dict[str, str]:
    """To the provider; what it sends the browser back with."""
    begun = client.post(V1 + "/session:begin", json={"onward": onward})
    assert begun.status_code == 200, begun.text
    back = httpx.get(begun.json()["url"], follow_redirects=False).headers["location"]
    assert back.startswith("http://127.0.0.1:8321/login/back?")
    return {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}


def finish(client: TestClient, sent: dict[str, str]) -> httpx.Response:
    return client.post(V1 + "/session:finish", json=sent)


def audited(store: Store) -> list[tuple[str, str, str]]:
    with store.read() as session:
        return [(r.who, r.action, r.subject) for r in session.execute(select(tables.audit).order_by(tables.audit.c.id))]


def test_the_whole_way(make: Make, ada: None, store: Store) -> None:
    client = browser(make())
    assert client.get(V1 + "/session").json() == {"accounts": True, "provider": "Lab account"}
    answer = finish(client, there(client))
    assert answer.status_code == 200, answer.text
    assert answer.json()["onward"] == "/explore"
    assert (answer.json()["me"]["name"], answer.json()["me"]["role"]) == ("ada", "submitter")
    assert client.get(V1 + "/me").json()["how"] == "session"
    assert [c.name for c in client.cookies.jar] == ["crosslift"]  # that of the detour is gone
    assert audited(store) == [("ada", "signed in", "by Lab account from 192.0.2.7")]
    assert client.post(V1 + "/session:end").status_code == 204
    assert client.get(V1 + "/me").status_code == 401


def test_what_goes_to_the_provider_holds_no_secret_and_each_time_others(make: Make, party: Any) -> None:
    client = browser(make())
    urls = [client.post(V1 + "/session:begin", json={}).json()["url"] for _ in range(2)]
    asked = [{k: v[0] for k, v in parse_qs(urlsplit(url).query).items()} for url in urls]
    for name in ("state", "nonce", "code_challenge"):
        assert len({a[name] for a in asked}) == 2
        assert len(asked[0][name]) == 43  # 256 bits
    assert SECRET not in urls[0] and "code_verifier" not in urls[0]
    assert urls[0].startswith(f"{party.url}/authorize?")
    assert asked[0]["redirect_uri"] == "http://127.0.0.1:8321/login/back"  # ours, whatever the Host header says


@pytest.mark.parametrize(
    ("spoil", "sign"),
    [({"nonce": "another"}, "rs256"), ({"nonce": None}, "rs256"), ({"aud": "another"}, "rs256"), ({"aud": None}, "rs256"),
     ({"aud": [CLIENT, "another"]}, "rs256"), ({"aud": [CLIENT, "another"], "azp": "another"}, "rs256"), ({"exp": 1_700_000_000}, "rs256"),
     ({"exp": None}, "rs256"), ({"iat": 4_000_000_000}, "rs256"), ({"iss": "https://another.example"}, "rs256"), ({"sub": None}, "rs256"),
     ({"at_hash": "AAAA"}, "rs256"), ({}, "unsigned"), ({}, "hs256_by_the_public_key"), ({}, "by_a_stranger")],
    ids=lambda value: str(value),
)  # fmt: skip
def test_an_id_token_that_cannot_be_believed_lets_nobody_in(
    make: Make, ada: None, party: Any, spoil: dict[str, Any], sign: str
) -> None:
    client = browser(make())
    party.spoil, party.sign = spoil, getattr(party, sign)
    answer = finish(client, there(client))
    assert answer.status_code == 401, answer.text
    assert "cannot be believed" in answer.json()["detail"]
    assert client.get(V1 + "/me").status_code == 401


def test_a_way_back_counts_once_in_the_browser_that_began(make: Make, ada: None, party: Any) -> None:
    app = make()
    client, other = browser(app), browser(app)
    sent = there(client)
    assert finish(other, sent).status_code == 401  # without the cookie
    there(other)
    assert finish(other, sent).status_code == 401  # with that of another detour
    assert finish(client, {**sent, "state": sent["state"][:-1] + "é"}).status_code == 422
    assert finish(client, {**sent, "iss": "https://another.example"}).status_code == 401
    cookie = {"Cookie": "; ".join(f"{c.name}={c.value}" for c in client.cookies.jar)}
    assert finish(client, sent).status_code == 200
    before = len(party.asked)
    again = browser(app).post(V1 + "/session:finish", json=sent, headers=cookie)  # whoever kept the cookie
    assert (again.status_code, "used already" in again.json()["detail"]) == (401, True)
    assert len(party.asked) == before  # the provider was not bothered


def test_a_code_of_another_sign_in_is_not_taken(make: Make, ada: None) -> None:
    """Injected from a sign-in that somebody else began: PKCE's verifier does not fit it."""
    app = make()
    client, victim = browser(app), browser(app)
    mine, theirs = there(client), there(victim)
    answer = finish(client, {**mine, "code": theirs["code"]})
    assert (answer.status_code, "does not stand by" in answer.json()["detail"]) == (401, True)


def test_the_cookie_of_a_detour_cannot_be_written_and_runs_out(
    make: Make, ada: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make()
    client = browser(app)
    sent = there(client)
    [cookie] = client.cookies.jar
    assert cookie.has_nonstandard_attr("HttpOnly")
    value = str(cookie.value)
    for spoilt in (value[:-2] + "AA", "e30." + value.partition(".")[2], ".", "", value.partition(".")[0]):
        header = {"Cookie": f"{cookie.name}={spoilt}"}
        assert browser(app).post(V1 + "/session:finish", json=sent, headers=header).status_code == 401
    later = time.time() + oidc.SECONDS + 1
    monkeypatch.setattr(oidc.time, "time", lambda: later)
    assert finish(client, sent).status_code == 401


# --- who ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "claims",
    [{"email_verified": False}, {"email_verified": None}, {"email_verified": "true"}, {"email": "ada@evil.example"}, {"email": None},
     {"email": "ada@lab.example.evil.example"}, {"email": "grace@lab.example"}, {"email": "a b@lab.example"}, {"email": "local@lab.example"},
     {"email": "ada@evil.example@lab.example"}],
    ids=str,
)  # fmt: skip
def test_who_is_not_said_to_be_let_in_is_not(
    make: Make, ada: None, party: Any, store: Store, claims: dict[str, Any]
) -> None:
    client = browser(make())
    party.claims |= claims
    answer = finish(client, there(client))
    assert answer.status_code == 403
    assert "Lab account knows you" in answer.json()["detail"]
    assert client.get(V1 + "/me").status_code == 401
    [(_, action, subject)] = audited(store)
    assert action == "was not let in" and "by Lab account from 192.0.2.7" in subject
    with store.read() as session:
        assert [a.name for a in accounts.listing(session)] == ["ada"]


def test_a_disabled_account_stays_out(make: Make, ada: None, store: Store) -> None:
    with store.write() as session:
        accounts.disable(session, "ada")
    for roles in ("", "groups:lab=viewer"):
        client = browser(make(oidc_roles=roles))
        assert finish(client, there(client)).status_code == 403


def test_roles_by_claim_make_accounts_and_change_them_and_keep_others_out(make: Make, party: Any, store: Store) -> None:
    app = make(oidc_roles="groups:lab=submitter, groups:lab-admins=admin", oidc_accounts="preferred_username")

    def enter(**claims: Any) -> tuple[int, str]:
        client = browser(app)
        party.claims |= claims
        answer = finish(client, there(client))
        return answer.status_code, answer.json().get("me", {}).get("role", "")

    assert enter(groups=["chess"]) == (403, "")
    assert enter(groups="lab-adminsX") == (403, "")
    assert enter(groups={"lab": 1}) == (403, "")
    with store.read() as session:
        assert accounts.listing(session) == []
    assert enter(groups=["chess", "lab"]) == (200, "submitter")
    assert enter(groups=["lab", "lab-admins"]) == (200, "admin")
    assert enter(groups="lab") == (200, "submitter")
    assert enter(groups=[]) == (403, "")
    with store.read() as session:
        found = accounts.find(session, "ada")
    assert found is not None and (found.role, found.password) == (Role.SUBMITTER, passwords.NONE)
    assert browser(app).post(V1 + "/session", json={"name": "ada", "password": "none"}).status_code == 401


# --- the provider ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["issuer", "insecure", "broken"])
def test_what_does_not_answer_as_the_provider_is_not_asked_further(make: Make, party: Any, fault: str) -> None:
    party.fault = fault
    answer = browser(make()).post(V1 + "/session:begin", json={})
    assert answer.status_code == 503
    assert "Lab account" in answer.json()["detail"]
    assert "POST /token" not in party.asked


def test_a_provider_that_is_away_is_said_and_passwords_go_on(make: Make, store: Store) -> None:
    with store.write() as session:
        accounts.add(session, "grace", Role.VIEWER, "a battery of correct horses")
    client = browser(make(oidc_issuer="http://127.0.0.1:9"))
    assert client.post(V1 + "/session:begin", json={}).status_code == 503
    typed = {"name": "grace", "password": "a battery of correct horses"}
    assert client.post(V1 + "/session", json=typed).status_code == 200


def test_new_keys_are_fetched_when_a_token_names_one(make: Make, ada: None, party: Any) -> None:
    app = make()
    client = browser(app)
    assert finish(client, there(client)).status_code == 200
    old = party.key
    try:
        party.key = type(old).generate_key(2048, {"kid": "two", "use": "sig"})
        from joserfc import jwt

        party.sign = lambda claims: jwt.encode({"alg": "RS256", "kid": "two"}, claims, party.key)
        client = browser(app)
        assert finish(client, there(client)).status_code == 200
    finally:
        party.key = old


def test_without_a_provider_there_is_none(store: Store, tmp_path: Path) -> None:
    client = TestClient(create_app(store, with_accounts=True), headers=HERE)
    assert client.get(V1 + "/session").json() == {"accounts": True, "provider": None}
    assert client.post(V1 + "/session:begin", json={}).status_code == 409
    assert finish(client, {"code": "x", "state": "y"}).status_code == 409


def test_state_of_use_is_forgotten_with_the_detour(make: Make, ada: None, store: Store) -> None:
    """What marks a state as used is swept away, with the attempts of passwords, once no detour could still have it."""
    client = browser(make())
    finish(client, there(client))
    with store.write() as session:
        assert len(session.execute(select(tables.sign_in_attempt)).all()) == 1
        session.execute(text("UPDATE sign_in_attempt SET at = '2020-01-01 00:00:00.000000'"))
        accounts.begin_attempt(session, "x", "y")
        assert [r.address for r in session.execute(select(tables.sign_in_attempt))] == ["y"]
    assert accounts.WINDOW.total_seconds() > oidc.SECONDS


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"oidc_issuer": "http://id.example"}, "https"), ({"accounts": False}, "CROSSLIFT_ACCOUNTS"), ({"oidc_client_id": None}, "CLIENT_ID"),
     ({"oidc_client_secret": None}, "CLIENT_SECRET"), ({"oidc_accounts": None}, "OIDC_ACCOUNTS"), ({"oidc_accounts": "@"}, "domain"),
     ({"oidc_roles": "lab=submitter"}, "claim:value=role"), ({"oidc_roles": "groups:lab=root"}, "viewer, submitter, admin")],
)  # fmt: skip
def test_half_a_provider_is_refused_at_the_start(changes: dict[str, Any], said: str) -> None:
    whole: dict[str, Any] = {
        "accounts": True, "oidc_issuer": "https://id.example", "oidc_client_id": "x", "oidc_client_secret": "y", "oidc_accounts": "@lab.example",
    }  # fmt: skip
    Settings(**whole).check_exposure()
    with pytest.raises(Conflict, match=said):
        Settings(**{**whole, **changes}).check_exposure()


def test_the_secret_may_come_from_a_file_and_is_in_no_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_text("from a file\n")
    monkeypatch.setenv("CROSSLIFT_OIDC_CLIENT_SECRET_FILE", str(tmp_path / "secret"))
    assert "from a file" in Settings().passwords
