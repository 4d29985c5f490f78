"""Signing in by an OpenID Connect provider, as a browser goes: from the page to a real provider on loopback, and back."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from backend.domain.account import Role
from backend.store import accounts

_spec = importlib.util.spec_from_file_location("openid", Path(__file__).resolve().parents[1] / "openid.py")
assert _spec is not None and _spec.loader is not None
openid: Any = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(openid)


@pytest.fixture(scope="module")
def provided(serve: Callable[..., Any]) -> Iterator[Any]:
    with openid.running() as party:
        site = serve(
            lambda lab: _made(lab),
            CROSSLIFT_ACCOUNTS="true",
            CROSSLIFT_OIDC_ISSUER=party.url,
            CROSSLIFT_OIDC_CLIENT_ID=openid.CLIENT,
            CROSSLIFT_OIDC_CLIENT_SECRET=openid.SECRET,
            CROSSLIFT_OIDC_ACCOUNTS="@lab.example",
            CROSSLIFT_OIDC_NAME="Lab <b>account",
        )
        site.party = party
        yield site


def _made(lab: Any) -> None:
    with lab.store.write() as session:
        accounts.add(session, "ada", Role.VIEWER, None)


@pytest.fixture
def http(provided: Any) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=provided.url, timeout=60) as client:
        yield client


def there(http: httpx.Client, onward: str = "%2Fqueue%3Fkind%3Dfinetune") -> str:
    """To the provider, where one agrees; the address that it leads back to."""
    begun = http.get(f"/login/with?next={onward}")
    assert begun.status_code == 303, begun.text
    return httpx.get(begun.headers["location"]).headers["location"]


def test_there_and_back(http: httpx.Client, provided: Any):
    page = http.get("/login?next=%2Fqueue").text
    assert 'href="/login/with?next=%2Fqueue"' in page
    assert "Sign in with Lab &lt;b&gt;account" in page
    back = there(http)
    assert back.startswith(provided.url + "/login/back?")
    entered = http.get(back)
    assert (entered.status_code, entered.headers["location"]) == (303, "/queue?kind=finetune")
    assert entered.headers["cache-control"] == "no-store"
    assert http.get("/api/v1/me").json()["name"] == "ada"
    again = http.get(back)
    assert (again.status_code, "Sign in" in again.text) == (401, True)
    assert "code=" not in (provided.home / "web.log").read_text()  # nor in a line of the log


@pytest.mark.browser
def test_an_account_without_a_password_is_not_asked_for_one(browser: Any, provided: Any):
    context = browser.new_context()
    page = context.new_page()
    page.goto(provided.url + "/login/with?next=%2Faccount")
    page.get_by_text("this account has no password").wait_for()
    assert page.url == provided.url + "/account"
    assert page.get_by_label("Present password").count() == 0
    context.close()


@pytest.mark.parametrize(
    "onward", ["%2F%2Fevil.example", "https%3A%2F%2Fevil.example", "%2F%5Cevil.example", "%2Flogin%2Fback"]
)
def test_the_way_back_leads_nowhere_else(http: httpx.Client, onward: str):
    assert http.get(there(http, onward)).headers["location"] == "/"


@pytest.mark.parametrize(
    "query",
    ["", "error=access_denied&state=x", "code=x&state=y", "code=&state=", "code=" + "x" * 3000, "state=%00&code=%00"],
)
def test_what_is_no_way_back_is_told_on_the_page(http: httpx.Client, query: str):
    answer = http.get(f"/login/back?{query}")
    assert answer.status_code == 401
    assert "Begin again" in answer.text
    assert "access_denied" not in answer.text and "xxxx" not in answer.text
    assert "set-cookie" not in answer.headers


def test_who_is_not_let_in_is_told_why(http: httpx.Client, provided: Any):
    provided.party.claims["email_verified"] = False
    try:
        answer = http.get(there(http))
    finally:
        provided.party.claims["email_verified"] = True
    assert answer.status_code == 403
    assert "you are not let in here" in answer.text
