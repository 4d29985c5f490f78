"""axe-core over every page in both themes: no serious and no critical violation, full and empty, wide and narrow."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import axe_playwright_python
import httpx
import pytest

from backend.domain.account import Role
from backend.store import accounts

pytestmark = [pytest.mark.browser]

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")
RUN = """() => axe.run(document, { resultTypes: ['violations'] }).then(found => found.violations
  .filter(v => ['serious', 'critical'].includes(v.impact))
  .map(v => [v.id, v.impact, v.nodes.slice(0, 5).map(n => n.html.slice(0, 200) + ' | ' + n.target.join(' '))]))"""
PAGES = {
    "/": ".answer",
    "/explore?model=mini-2&target=xnli": "#explore-graph .main-svg",
    "/explore?model=mini-2&target=xnli&view=table&cell=squad.ar": ".cell-panel",
    "/explore?below=family&model=mini-2&pins=mini-2/squad/xnli/ar&recipe=squad&target=xnli": "#explore-beneath .main-svg",
    "/tradeoff": "#tradeoff-graph .main-svg",
    "/answer": "#answer-forest-graph .main-svg",
    "/new": "#main h1",
    "/new?fill=missing&models=mini-2&recipes=hellaswag,squad&targets=xquad": "#new-gaps li",
    "/experiments": "#main h1",
    "/experiments/1": "#main h1",
    "/runs/6": "#main h1",
    "/queue": "#main h1",
    "/runs?open=4": ".run-table",
    "/compare?a=mini-2/none/xnli&b=mini-2/mnli/xnli&c=mini-2/squad/xnli": "#compare-graph .main-svg",
    "/shares": "#main h1",
    "/imports": "#main h1",
    "/explore/examples?language=ar&model=mini-2&recipe=squad&target=xnli": "#main h1",
    "/checklist": "#main h1",
    "/submit-check?experiment=3": "#main h1",
    "/published?model=xlmr-large&task=xnli": "#published-grid .ag-cell",
    "/published?view=explore&set=xlmv-xquad-test": "#published-grid .ag-cell",
    "/languages": "#languages-list tbody tr",
    "/languages/sw": "#language-graph .main-svg",
    "/help": "#gain",
    "/no/such/page": "#main h1",
}
EMPTY = (
    "/",
    "/explore",
    "/tradeoff",
    "/answer",
    "/languages",
    "/languages/sw",
    "/experiments",
    "/queue",
    "/runs",
    "/compare",
    "/shares",
)


#: Looked at by tests of their own below, where there is something to be shared or people sign in.
APART = ("/s/a-token", "/account", "/not-found-404")
PASSWORD = "a battery of correct horses"


def test_no_page_is_left_out(unvisited_by: Callable[..., list[str]]):
    assert unvisited_by([*PAGES, *APART]) == []
    assert unvisited_by([p for p in PAGES if not p.startswith("/runs")]) == [
        "/account",
        "/not-found-404",
        "/runs",
        "/runs/<run_id>",
        "/s/<token>",
    ]


def violations(page: Any, ready: str) -> str:
    page.locator(ready).first.wait_for()
    page.wait_for_timeout(700)  # what fades in has come
    page.evaluate(AXE)
    return json.dumps(page.evaluate(RUN), indent=1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_no_serious_violation(path: str, scheme: str, site: Any, visit: Callable[..., Any]):
    page = visit(site, path, color_scheme=scheme).page
    assert violations(page, PAGES[path]) == "[]"


@pytest.mark.slow  # minutes in all, as are the next ones
@pytest.mark.parametrize("path", PAGES)
def test_none_on_a_phone_in_either_theme(path: str, site: Any, visit: Callable[..., Any]):
    page = visit(site, path, width=390, height=844).page
    ready = "#main h1" if "graph" in PAGES[path] else PAGES[path]  # a list stands for the figure
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function(
            "s => document.documentElement.getAttribute('data-mantine-color-scheme') === s", arg=scheme
        )
        assert violations(page, ready) == "[]"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.fixture(scope="module")
def busy(serve: Callable[..., Any]) -> Any:
    """Some runs done, one failed, one at work, the rest waiting."""

    def fill(lab: Any) -> None:
        lab.appears()
        lab.submit(recipes=["mnli", "squad"], targets=["xnli"], seeds=[0, 1])
        lab.work(at_most=6, broken="squad")
        lab.claim()

    return serve(fill)


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/", "/explore", "/experiments", "/experiments/1", "/runs/1", "/queue"])
def test_none_while_runs_are_at_work(path: str, busy: Any, visit: Callable[..., Any]):
    page = visit(busy, path).page
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for width in (1440, 390):
            page.set_viewport_size({"width": width, "height": 900})
            assert violations(page, "#main h1") == "[]"


@pytest.mark.parametrize("path", EMPTY)
def test_none_where_there_is_nothing_and_on_a_phone(path: str, empty_site: Any, visit: Callable[..., Any]):
    page = visit(empty_site, path, width=390, height=844).page
    assert violations(page, "#main h1") == "[]"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_none_in_what_is_shared(scheme: str, site: Any, visit: Callable[..., Any], browser: Any, tmp_path: Path):
    """The dialogs, the frozen page with a cell open, the page of a link that is gone, the file, and the figure for a frame."""
    page = visit(site, "/explore?model=mini-2&target=xnli", color_scheme=scheme).page
    page.locator("#explore-graph .main-svg").first.wait_for()
    page.get_by_role("button", name="Share", exact=True).click()
    assert violations(page, ".share-facts") == "[]"
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Export", exact=True).click()
    assert violations(page, "#export-snippet") == "[]"
    asked = {"view": "/explore?model=mini-2&target=xnli&cell=squad.ar", "title": "A title", "note": "A note"}
    made = httpx.post(f"{site.url}/api/v1/snapshots", json=asked, timeout=30).json()
    assert violations(visit(site, f"/s/{made['token']}?view=table", color_scheme=scheme).page, ".cell-panel") == "[]"
    file = tmp_path / "file.html"
    file.write_bytes(httpx.get(f"{site.url}/s/{made['token']}.html", timeout=60).content)
    alone = browser.new_page(color_scheme=scheme)
    for address, ready in (
        (file.as_uri(), "#figure .main-svg"),
        (f"{site.url}/s/{made['token']}?embed=1", "#figure .main-svg"),
        (f"{site.url}/s/nothing", "#main h1"),
    ):
        alone.goto(address)
        assert violations(alone, ready) == "[]"
    alone.close()


@pytest.fixture(scope="module")
def guarded(serve: Callable[..., Any]) -> Any:
    def fill(lab: Any) -> None:
        with lab.store.write() as session:
            accounts.add(session, "adm-1", Role.ADMIN, PASSWORD)
        lab.appears()

    return serve(fill, CROSSLIFT_ACCOUNTS="true")


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_none_where_people_sign_in(scheme: str, guarded: Any, browser: Any):
    for width in (1440, 390):
        page = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 900})
        page.goto(f"{guarded.url}/login?next=/account")
        assert violations(page, "h1") == "[]"
        page.get_by_label("Name").fill("adm-1")
        page.get_by_label("Password").fill(PASSWORD)
        page.keyboard.press("Enter")
        assert violations(page, "#main h1") == "[]"
        assert page.url.endswith("/account")
        page.close()
