"""What holds of every page alike: its place in the history, its address in a fresh browser, and that keys reach all of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

pytestmark = [pytest.mark.browser]

PAGES = {
    "Overview": "Overview · Crosslift",
    "Explore": "Explore · Crosslift",
    "Trade-off": "Trade-off · Crosslift",
    "Answer": "Answer · Crosslift",
    "Published": "Published · Crosslift",
    "Experiments": "Experiments · Crosslift",
    "Queue": "Queue · Crosslift",
    "Shares": "Shares · Crosslift",
    "New experiment": "New experiment · Crosslift",
}
#: An address with a state, and what shows it.
STATES = {
    "/?model=mini-4": ("#overview-model", "Mini XLM-R, 4 layers"),
    "/?model=mini-2&source=hub": ("#overview-source", "XTREME-R, hub"),
    "/experiments?state=done": ("#experiments-state", "Done"),
    "/queue?kind=evaluate&show=waiting": ("#queue-show", "Waiting"),
    "/runs?by=run&kind=finetune&sort=recipe": ("#runs-kind", "Fine-tune"),
    "/runs/6?level=warning&tab=log": ("#run-level", "Warning and above"),
    "/new?models=mini-2&name=Again": ("#new-name", "Again"),
    "/new?fill=missing&models=mini-2&targets=xquad": ("#new-source", "mini-XTREME-R"),
    "/answer?format=span_qa": ("#answer-format", "Span qa"),
    "/tradeoff?target=xquad": ("#tradeoff-target", "XQuAD"),
    "/published?model=xlmr-large&task=xnli": ("#published-model", "XLM-R large"),
    "/languages?model=mini-4&sort=gain": ("#languages-sort", "Mean gain"),
    "/languages/sw?model=mini-4": ("#language-model", "Mini XLM-R, 4 layers"),
    "/explore/examples?language=ar&model=mini-2&recipe=squad&target=xnli": ("#flips-language", "Arabic"),
    "/checklist?source=hub": ("#checklist-source", "XTREME-R, hub"),
    "/submit-check?experiment=3": ("#submit-experiment", "3: A part of it"),
    "/explore?order=script&target=xquad": ("#explore-target", "XQuAD"),
    "/explore?layout=model-language&target=xnli": ("#explore-layout", "Models × languages"),
}
#: Pages whose address has nothing to say but where they are, and those whose state files of their own look at.
APART = ("/compare", "/experiments/1", "/shares", "/imports", "/help", "/account", "/s/a-token", "/not-found-404")
FOCUSABLE = """() => [...document.querySelectorAll('main a[href], main button, main input, main textarea, main summary, main [tabindex="0"]')]
  .filter(e => !e.disabled && e.tabIndex >= 0 && e.type !== 'radio' && e.checkVisibility({visibilityProperty: true})
    && !e.closest('[hidden], [inert], .js-plotly-plot'))
  .map((e, i) => { e.dataset.reach = e.dataset.reach || String(i); return e.dataset.reach; })"""
NOW = "() => document.activeElement && document.activeElement.dataset.reach || ''"


def titled(page: Page, title: str) -> None:
    expect(page).to_have_title(title)


def test_no_page_is_left_out(unvisited_by: Callable[..., list[str]]):
    assert unvisited_by([*STATES, *APART]) == []
    assert unvisited_by(STATES) != []


def test_back_returns_to_the_page_before_from_every_page(site: Any, visit: Callable[..., Any]):
    page = visit(site, "/help").page
    titled(page, "Help · Crosslift")
    for name, title in PAGES.items():
        banner = page.get_by_role("banner")
        group = banner.locator("details.nav-group").filter(has=page.locator(".nav-link", has_text=name))
        if group.count():
            group.locator("summary").click()
        banner.get_by_role("link", name=name, exact=True).first.click()
        titled(page, title)
        page.wait_for_load_state("networkidle")  # it has told its address: no step of its own
        page.go_back()
        titled(page, "Help · Crosslift")
        expect(page.locator("#gain")).to_be_visible()
        page.go_forward()
        titled(page, title)
        page.go_back()
        titled(page, "Help · Crosslift")


@pytest.mark.parametrize("path", STATES)
def test_an_address_in_a_fresh_browser_shows_its_state(path: str, site: Any, browser: Browser):
    where, shows = STATES[path]
    context = browser.new_context()
    problems: list[str] = []
    page = context.new_page()
    page.on("console", lambda m: problems.append(m.text) if m.type in ("error", "warning") else None)
    page.goto(site.url + path)
    expect(page.locator(where)).to_have_value(shows)
    page.wait_for_load_state("networkidle")
    for part in path.partition("?")[2].split("&"):  # and it stays
        assert part in page.url
    assert problems == []
    context.close()


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/experiments",
        "/experiments/1",
        "/runs/6",
        "/queue",
        "/compare?a=6&b=12",
        "/imports",
        "/new",
        "/shares",
        "/help",
        "/languages/sw",
        "/explore/examples",
        "/checklist",
        "/submit-check",
    ],
)
def test_keys_reach_everything_that_can_be_used(path: str, site: Any, visit: Callable[..., Any]):
    page = visit(site, path).page
    page.locator("#main h1").first.wait_for()
    page.wait_for_load_state("networkidle")
    gone = "ids => ids.filter(i => !document.querySelector(`[data-reach='${i}']`))"
    what = "ids => ids.map(i => document.querySelector(`[data-reach='${i}']`)?.outerHTML.slice(0, 160)).filter(Boolean)"
    for _ in range(5):
        page.evaluate("() => document.querySelectorAll('[data-reach]').forEach(e => delete e.dataset.reach)")
        wanted, reached = set(page.evaluate(FOCUSABLE)), set[str]()
        for _ in range(3 * len(wanted) + 60):
            page.keyboard.press("Tab")
            reached.add(page.evaluate(NOW))
            if wanted <= reached:
                return
        if not page.evaluate(gone, sorted(wanted - reached)):
            break  # nothing was drawn anew meanwhile
    assert page.evaluate(what, sorted(wanted - reached)) == []
    assert wanted <= reached
