"""Pages where people sign in: nothing before, all of it afterwards, each with the rights of who asks; and share links without."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from backend.domain.account import LOCAL, Quota, Role
from backend.domain.schemas import SnapshotRequest
from backend.store import accounts, snapshots
from dashboard import links, visitor, words

pytestmark = pytest.mark.browser

PASSWORD = "a battery of correct horses"
ROUTER = ".._pages_content.children..._pages_store.data.."


@pytest.fixture(scope="module")
def guarded(serve: Callable[..., Any]) -> Any:
    def fill(lab: Any) -> None:
        with lab.store.write() as session:
            for role in Role:
                accounts.add(session, f"{role.value[:3]}-1", role, PASSWORD)
        lab.appears()
        lab.submit(seeds=[0], name="A secret of the lab")
        lab.work()

    return serve(fill, CROSSLIFT_ACCOUNTS="true")


@pytest.fixture(scope="module")
def token(guarded: Any) -> str:
    """Of a share link."""
    from backend.domain.address import read_address

    request = SnapshotRequest(view="/explore?model=mini-2&target=xnli", title="Shown to others")
    with guarded.lab.store.read() as session:
        frozen = snapshots.freeze(session, read_address(request.view), anonymous=False)
    with guarded.lab.store.write() as session:
        return snapshots.make(session, frozen, request)[1]


@pytest.fixture
def http(guarded: Any) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=guarded.url, timeout=60) as client:
        yield client


def sign_in(http: httpx.Client, name: str, onward: str = "/") -> httpx.Response:
    return http.post(f"/login?next={onward}", data={"name": name, "password": PASSWORD})


def callback(
    http: httpx.Client, output: str, *values: tuple[str, str, Any], state: tuple[Any, ...] = ()
) -> httpx.Response:
    """Call back as a page does."""
    outputs = [
        {"id": part.rsplit(".", 1)[0], "property": part.rsplit(".", 1)[1]} for part in output.strip(".").split("...")
    ]
    body = {
        "output": output,
        "outputs": outputs if output.startswith("..") else outputs[0],
        "inputs": [{"id": i, "property": p, "value": v} for i, p, v in values],
        "state": [{"id": i, "property": p, "value": v} for i, p, v in state],
        "changedPropIds": [f"{values[0][0]}.{values[0][1]}"],
    }
    return http.post(visitor.CALLBACKS, json=body, headers={"Origin": str(http.base_url).rstrip("/")})


def goto(http: httpx.Client, path: str) -> httpx.Response:
    where = (("_pages_location", "pathname", path), ("_pages_location", "search", ""))
    return callback(http, ROUTER, *where, state=(("_pages_location", "search", ""),))


def test_nobody_sees_a_page_or_its_data(http: httpx.Client):
    for path in ("/", "/explore", "/experiments/1", "/account", "/no/such/page", "/download/explore.html"):
        answer = http.get(path, headers={"Accept": "text/html"})
        assert (answer.status_code, answer.headers["location"].startswith("/login?next=")) == (303, True), path
    for path in ("/experiments/1", "/", "/explore", "/s", "/shares"):
        assert goto(http, path).status_code == 401, path
    for output in ("..status.children...progress.children...pulse.data..", "share-file.href", "", "explore-frozen-.x"):
        assert callback(http, output or "x.y", ("clock", "n_intervals", 1)).status_code == 401, output
    for body in (
        b"",
        b"[]",
        b"{",
        b'{"output": 1}',
        b'{"output": "' + ROUTER.encode() + b'", "inputs": []}',
        b"[" * 5000,
    ):
        answer = http.post(visitor.CALLBACKS, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"


VERSION = {"output": "version.children", "outputs": {"id": "version", "property": "children"}}
AT_START = {"id": "at-start", "property": "id", "value": "at-start"}


def as_sent(**parts: Any) -> bytes:
    return json.dumps({**VERSION, "inputs": [AT_START], "changedPropIds": [], **parts}).encode()


@pytest.mark.parametrize(
    "body",
    [b"[]", b"{}", b"{", b'"x"', b"null", b"[" * 100_000, b'{"output": "version.children"}', as_sent(output="nope.children"),
     as_sent(output=["version.children"]), as_sent(outputs=3), as_sent(outputs={"id": "version"}), as_sent(inputs=[]),
     as_sent(inputs=[3]), as_sent(inputs={"0": AT_START}), as_sent(inputs=[{**AT_START, "id": "clock"}]), as_sent(inputs=[[AT_START]]),
     as_sent(inputs=[{**AT_START, "property": "value"}]), as_sent(state=[AT_START]), as_sent(changedPropIds=[1]),
     as_sent(changedPropIds="x.y"), as_sent(inputs=[{**AT_START, "value": float("nan")}]), as_sent(inputs=[AT_START] * 5000),
     json.dumps({"output": ROUTER, "outputs": [], "inputs": [{"id": "_pages_location", "property": p, "value": {"a": 1}}
     for p in ("pathname", "search")], "state": [{"id": "_pages_location", "property": "search"}]}).encode()],
)  # fmt: skip
def test_what_is_no_callback_is_the_senders_fault(http: httpx.Client, guarded: Any, body: bytes):
    """Not an error of ours, which Dash would make of it, with a traceback in the log."""
    before = (guarded.home / "web.log").stat().st_size
    sign_in(http, "vie-1")
    headers = {"Content-Type": "application/json", "Origin": str(http.base_url).rstrip("/")}
    answer = http.post(visitor.CALLBACKS, content=body, headers=headers)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(answer.content) < 300
    with (guarded.home / "web.log").open("rb") as log:
        log.seek(before)
        assert b"Traceback" not in log.read()


def test_what_is_a_callback_is_let_through(http: httpx.Client):
    sign_in(http, "vie-1")
    headers = {"Content-Type": "application/json", "Origin": str(http.base_url).rstrip("/")}
    answer = http.post(visitor.CALLBACKS, content=as_sent(), headers=headers)
    assert answer.json()["response"]["version"]["children"].startswith("Crosslift ")
    assert http.post(visitor.CALLBACKS, content=as_sent(x="y" * (17 << 20)), headers=headers).status_code == 413


def test_an_input_may_be_all_that_match_a_pattern():
    declared = {"a.b": {"inputs": [{"id": '{"end":["ALL"]}', "property": "n_clicks"}], "state": []}}

    def asked(*inputs: Any) -> bytes:
        outputs = {"id": "a", "property": "b"}
        return json.dumps({"output": "a.b", "outputs": outputs, "inputs": [list(inputs)]}).encode()

    assert visitor.is_callback(asked(), declared)
    assert visitor.is_callback(asked({"id": {"end": 1}, "property": "n_clicks", "value": 2}), declared)
    assert not visitor.is_callback(asked({"id": "end", "property": "n_clicks", "value": 2}), declared)
    assert not visitor.is_callback(asked({"id": {"end": 1}, "property": "href", "value": 2}), declared)


def test_a_share_link_opens_for_everybody_and_leads_no_further(http: httpx.Client, token: str):
    assert http.get(f"/s/{token}").status_code == 200
    assert http.get(f"/s/{token}.json").json()["kind"] == "explore"
    shown = goto(http, f"/s/{token}")
    assert shown.status_code == 200
    assert "Shown to others" in shown.text
    # what a page reads is asked for with the rights of who looks: a second wall behind the first
    through = callback(
        http, ROUTER, ("_pages_location", "pathname", "/s/x"), ("_pages_location", "search", ""),
        state=(("_pages_location", "search", ""),),
    )  # fmt: skip
    assert "This link shows nothing" in through.text


def test_signing_in_leads_back_and_out_again(http: httpx.Client):
    entered = sign_in(http, "vie-1", "%2Fexperiments%2F1")
    assert (entered.status_code, entered.headers["location"]) == (303, "/experiments/1")
    assert "HttpOnly" in entered.headers["set-cookie"]
    assert "A secret of the lab" in goto(http, "/experiments/1").text
    assert http.get("/login?next=%2Fqueue").headers["location"] == "/queue"
    # one session of one visitor: the client that leads into the process keeps nothing of it for the next
    with httpx.Client(base_url=http.base_url) as other:
        assert goto(other, "/experiments/1").status_code == 401
        assert other.get("/api/v1/experiments/1").status_code == 401
    cookie = dict(http.cookies)
    left = http.post("/logout", headers={"Origin": str(http.base_url).rstrip("/")})
    assert (left.status_code, left.headers["location"]) == (303, "/login")
    http.cookies.clear()
    http.cookies.update(cookie)  # whoever kept it
    assert http.get("/api/v1/me").status_code == 401


def test_a_callback_may_do_what_its_visitor_may(http: httpx.Client, guarded: Any):
    """The rights are the API's to judge, not those of the process that pages and API share."""
    sign_in(http, "vie-1")
    confirm = "..exp-confirm.opened...exp-kept.children...exp-said.children...exp-live.data.."
    assert confirm  # the page's own callback would need its whole state: the client underneath is what counts
    answer = http.post("/api/v1/experiments/1:cancel", headers={"Origin": str(http.base_url).rstrip("/")})
    assert answer.status_code == 403
    assert "role submitter" in answer.json()["detail"]
    shown = goto(http, "/account").text
    assert "may read everything" in shown
    assert "Who did what" not in shown
    sign_in(http, "adm-1")
    assert "Who did what" in goto(http, "/account").text


def test_a_wrong_password_is_told_on_the_page_without_what_was_typed(http: httpx.Client):
    answer = http.post("/login?next=%2F", data={"name": "<b>adm-1", "password": "hunter2hunter2"})
    assert answer.status_code == 401
    assert "wrong" in answer.text
    assert "hunter2" not in answer.text
    assert "<b>" not in answer.text
    assert http.post("/login", json={"name": "a", "password": "b"}).status_code == 400
    assert (
        http.post("/login", data={"name": "a", "password": "b"}, headers={"Origin": "https://evil.example"}).status_code
        == 403
    )


@pytest.mark.parametrize(
    "onward",
    ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "/\t/evil.example", "", "/login?next=/", "/x\\y",
     "/\n/evil.example", "evil", "/é"],
)  # fmt: skip
def test_signing_in_leads_nowhere_else(onward: str):
    assert links.within(onward) == "/"


def test_addresses_of_ours_are_led_to():
    for address in ("/", "/explore?model=mini-2&target=xnli", "/runs/3", "/help#gain"):
        assert links.within(address) == address


def test_limits_are_said_in_words(http: httpx.Client):
    assert words.limits(Quota(experiments=3, experiments_most=20, runs=1234, runs_most=None)) == [
        ("Experiments not over", "3 of 20"),
        ("Runs not over", "1,234"),
    ]
    sign_in(http, "sub-1")
    assert '"0 of 20"' in goto(http, "/account").text
    sign_in(http, "adm-1")
    assert "Experiments not over" in goto(http, "/account").text
    assert " of 20" not in goto(http, "/account").text  # an admin has no limits


def test_only_callbacks_of_frozen_pages_are_for_anybody():
    def asked(output: Any, *inputs: Any) -> bytes:
        return json.dumps({"output": output, "inputs": [{"property": "pathname", "value": v} for v in inputs]}).encode()

    assert visitor.for_anybody(asked("..frozen-figures.data...frozen-table.children.."))
    assert visitor.for_anybody(asked(ROUTER, "/s/abc", "/explore"))
    assert not visitor.for_anybody(asked(ROUTER, "/explore", "/s/abc"))
    assert not visitor.for_anybody(asked("..exp-said.children...frozen-x.y.."))
    assert not visitor.for_anybody(asked(None))
    assert LOCAL.role is Role.ADMIN


def test_an_account_is_used_in_a_browser(guarded: Any, visit: Callable[..., Any]):
    """Signed in by the form, a token made and revoked, the password changed, signed out."""
    visitor = visit(guarded, "/account", color_scheme="light")
    tab = visitor.page
    expect(tab.get_by_role("heading", name="Sign in")).to_be_visible()
    tab.fill("#name", "sub-1")
    tab.fill("#password", PASSWORD)
    tab.get_by_role("button", name="Sign in").click()
    expect(tab.get_by_role("heading", name="API tokens")).to_be_visible()
    assert tab.url == guarded.url + "/account"
    expect(tab.locator(".top > .account-link")).to_have_text("sub-1")
    tab.fill("#account-token-name", "nightly")
    tab.click("#account-make")
    secret = tab.locator(".account-secret code").inner_text()
    with httpx.Client(base_url=guarded.url, headers={"Authorization": f"Bearer {secret}"}, timeout=60) as program:
        assert program.get("/api/v1/me").json()["name"] == "sub-1"
        tab.get_by_role("button", name="Revoke the token nightly").click()
        expect(tab.locator("#account-made")).to_contain_text("Revoked: nightly")
        assert program.get("/api/v1/me").status_code == 401
    tab.fill("#account-old", PASSWORD)
    tab.fill("#account-new", "short")
    tab.click("#account-change")
    expect(tab.locator("#account-changed")).to_contain_text("12 to 200 characters")
    tab.get_by_role("button", name="Sign out").click()
    expect(tab.get_by_role("heading", name="Sign in")).to_be_visible()


# --- buttons that take a role ---------------------------------------------------------------------------------------------


@pytest.fixture
def as_viewer(guarded: Any, browser: Any) -> Iterator[Any]:
    """A tab of somebody who may look."""
    context = browser.new_context(base_url=guarded.url)
    yield entered(context.new_page(), "vie-1")
    context.close()


def entered(tab: Any, name: str) -> Any:
    tab.goto("/login?next=%2Fqueue")
    tab.fill("#name", name)
    tab.fill("#password", PASSWORD)
    tab.get_by_role("button", name="Sign in").click()
    tab.wait_for_url("**/queue")
    return tab


NEEDS = "needs the role {}; vie-1 is viewer here."


def test_a_viewer_sees_why_a_button_cannot_be_pressed(guarded: Any, as_viewer: Any):
    guarded.lab.appears()
    made = guarded.lab.submit(seeds=[5], name="To be cancelled")
    seen = as_viewer
    seen.reload()
    drain = seen.get_by_role("button", name="Drain: a worker")
    expect(drain).to_be_disabled()
    expect(seen.locator("#queue-content")).to_contain_text(f"To drain a worker: this {NEEDS.format('admin')}")
    expect(seen.get_by_role("button", name="To the front").first).to_be_disabled()
    expect(seen.locator("#queue-content")).to_contain_text(
        f"To move a run in the queue: this {NEEDS.format('submitter')}"
    )
    seen.goto(f"{guarded.url}/experiments/{made}")
    expect(seen.locator("#exp-cancel")).to_be_disabled()
    expect(seen.locator(".actions .lacking")).to_have_text(
        f"To cancel it or try again: this {NEEDS.format('submitter')}"
    )
    with httpx.Client(base_url=guarded.url) as http:
        sign_in(http, "sub-1")
        runs = http.get(f"/api/v1/experiments/{made}/runs").json()["items"]
    waits = next(r["id"] for r in runs if r["state"] in ("queued", "waiting"))
    seen.goto(f"{guarded.url}/runs/{waits}")
    expect(seen.locator("#run-cancel")).to_be_disabled()
    expect(seen.locator(".head-buttons .lacking")).to_contain_text(NEEDS.format("submitter"))
    seen.goto(f"{guarded.url}/new")
    expect(seen.locator("#new-submit")).to_be_disabled()
    expect(seen.locator(".check .lacking")).to_have_text(f"To submit: this {NEEDS.format('submitter')}")
    seen.goto(f"{guarded.url}/explore?target=xnli")
    seen.locator("#share-open").click()
    expect(seen.locator("#share-preview")).to_contain_text("XNLI")  # what would leave is shown all the same
    expect(seen.locator("#share-create")).to_be_disabled()
    expect(seen.locator(".share-foot .lacking")).to_have_text(f"To create a link: this {NEEDS.format('submitter')}")
    with seen.expect_download() as file:
        seen.locator("#share-file").click()
    assert file.value.suggested_filename.endswith(".html")


def test_who_has_the_role_can_press_them(guarded: Any, browser: Any):
    guarded.lab.appears()
    context = browser.new_context(base_url=guarded.url)
    try:
        seen = entered(context.new_page(), "adm-1")
        drain = seen.get_by_role("button", name="Drain: a worker")
        expect(drain).to_be_enabled()
        expect(seen.locator(".lacking")).to_have_count(0)
        drain.click()
        expect(seen.get_by_role("button", name="Take runs again: a worker")).to_be_enabled()
    finally:
        context.close()


def test_a_role_that_was_taken_away_meanwhile_is_answered_at_the_control(http: httpx.Client):
    """What a page offers is one thing; the API judges each press again, and its answer is shown."""
    sign_in(http, "vie-1")
    asked = {"id": {"queue-drain": "a worker", "on": True}, "at": 1}
    answer = callback(http, "..queue-said.children...queue-done.data..", ("queue-asked", "data", asked))
    assert answer.json()["response"]["queue-said"]["children"] == f"This {NEEDS.format('admin')}"
