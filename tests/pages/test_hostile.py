"""Text of users that means to be more than text, in every place where one can write some, on every page that shows it.

``visit`` fails a page whose console has an error: what the content security policy stops is one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from backend.domain.account import Role, TokenRequest
from backend.domain.address import read_address
from backend.domain.schemas import SnapshotRequest
from backend.store import accounts, audit, credentials, snapshots

pytestmark = pytest.mark.browser

PASSWORD = "a battery of correct horses"
NASTY = (
    "</script><script>window.owned=1</script>",
    "<img src=x onerror=window.owned=1>",
    "<svg onload=window.owned=1>",
    "javascript:window.owned=1",
    "[x](javascript:window.owned=1)",
    "{{constructor.constructor('window.owned=1')()}}",
    "data:text/html,<script>window.owned=1</script>",
    "\\u202e\\u2066gnp.x",
)
ALL = " ".join(NASTY)


@pytest.fixture(scope="module")
def hostile(serve: Callable[..., Any]) -> Any:
    def fill(lab: Any) -> None:
        lab.appears()
        for name in (*NASTY, ALL):
            lab.submit(name=name[:120])
        lab.work()
        lab.submit(name="=HYPERLINK(1)", seeds=[7])
        with lab.store.write() as session:
            id = accounts.add(session, "adm-1", Role.ADMIN, PASSWORD)
            for text in NASTY:
                credentials.make_token(session, id, Role.ADMIN, TokenRequest(name=text[:60]))
                audit.write(session, "adm-1", "submitted", text)
            frozen_of = SnapshotRequest(view="/explore?model=mini-2&target=xnli", title=ALL[:120], note=ALL[:500])
            frozen = snapshots.freeze(session, read_address(frozen_of.view), anonymous=False)
            lab.token = snapshots.make(session, frozen, frozen_of)[1]

    return serve(fill, CROSSLIFT_ACCOUNTS="true")


@pytest.mark.slow
def test_nothing_that_was_typed_runs(hostile: Any, visit: Callable[..., Any]):
    tab = visit(hostile, "/login?next=javascript%3Awindow.owned%3D1").page
    dialogs: list[str] = []
    tab.on("dialog", lambda d: (dialogs.append(d.message), d.dismiss()))
    tab.fill("#name", "adm-1")
    tab.fill("#password", PASSWORD)
    tab.get_by_role("button", name="Sign in").click()
    tab.wait_for_url(hostile.url + "/")
    pages = {
        "/experiments": "h1", "/experiments/1": "h1", "/experiments/2": "h1", "/experiments/9": "h1", "/queue": "h1", "/runs/1": "h1",
        "/account": "h1", "/shares": "h1",
        "/explore?model=mini-2&target=xnli": "h1", "/tradeoff": "h1", "/new": "h1", "/": "h1", f"/s/{hostile.lab.token}": "h1",
    }  # fmt: skip
    for path, there in pages.items():
        tab.goto(hostile.url + path)
        expect(tab.locator(there).first).to_be_visible()
        tab.wait_for_timeout(1500)  # what a page reads when it is there, and draws
        assert tab.evaluate("window.owned") is None, path
        assert [
            h for h in tab.eval_on_selector_all("[href]", "e => e.map(x => x.href + '')") if not ours(h, hostile.url)
        ] == [], path
    tab.goto(hostile.url + "/experiments/1")
    expect(tab.get_by_text(NASTY[0]).first).to_be_visible()  # as it was typed
    assert dialogs == []


def ours(address: Any, url: str) -> bool:
    return str(address).startswith((url + "/", "https://", "http://", "data:image/")) or str(address) in (
        "",
        "[object Object]",
    )


@pytest.fixture
def signed_in(hostile: Any) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=hostile.url, timeout=60) as http:
        http.post("/login", data={"name": "adm-1", "password": PASSWORD})
        yield http


def test_every_answer_says_what_a_browser_may_do_with_it(hostile: Any, signed_in: httpx.Client):
    token = hostile.lab.token
    for path in ("/", "/login", "/explore", "/account", "/no/such/page", "/assets/crosslift.css", "/_dash-layout", "/api/v1/runs",
                 "/api/docs", f"/s/{token}", f"/s/{token}.html", "/healthz", "/metrics", "/assets/../pyproject.toml"):  # fmt: skip
        found = signed_in.get(path).headers
        assert found["x-content-type-options"] == "nosniff", path
        assert found["x-frame-options"] == "DENY", path
        policy = dict(part.strip().partition(" ")[::2] for part in found["content-security-policy"].split(";"))
        assert "unsafe-eval" not in str(policy), path
        if not path.endswith(".html"):  # a file that carries its own scripts, and may do nothing else
            assert "'unsafe-inline'" not in policy["script-src"], path
            assert policy["frame-ancestors"] == policy["object-src"] == "'none'", path
        shared = path.startswith("/s/")
        assert found["referrer-policy"] == ("no-referrer" if shared else "same-origin"), path
        assert ("no-store" in found.get("cache-control", "")) or not shared, path
    assert signed_in.get("/console").status_code in (200, 404)  # no debugger: a page that says that nothing is there
    assert "Traceback" not in signed_in.get("/console").text
    assert "werkzeug" not in json.dumps(dict(signed_in.get("/").headers)).lower()
