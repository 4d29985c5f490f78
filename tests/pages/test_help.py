"""Help: every word has its place, and every place its word; keys work, and can be switched off."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from backend.domain.gains import Missing, Verdict
from dashboard import glossary, links, shell

REQUIRED = (
    "task format model recipe experiment run attempt score gain snapshot seed fingerprint interval paired-t sign-flip bh "
    "detectable means marginal flops verdict same-data-twice control missing"
).split()


def test_every_word_of_the_design_is_explained_once():
    assert set(REQUIRED) <= glossary.WORDS.keys()
    assert sum(len(words) for _, _, words in glossary.SECTIONS) == len(glossary.WORDS)
    for name, word in glossary.WORDS.items():
        assert re.fullmatch(r"[a-z-]+", name)
        assert word.plain.endswith("."), name
        assert "\n" not in word.plain
        assert word.short in f"{word.plain}." and len(word.short) < 400
    assert links.help("gain") == "/help#gain"


def test_it_says_the_words_that_pages_use():
    for verdict in Verdict:
        assert verdict.value in glossary.WORDS["verdict"].plain
    for word in ("n/a", "not run", "failed", "withheld"):
        assert word in glossary.WORDS["missing"].plain
    assert len(Missing) == 4


def test_pages_link_to_words_that_exist():
    """Wherever ``links.help("…")`` or ``_what("…")`` is written."""
    folder = Path(inspect.getfile(shell)).parent
    found = [
        name
        for path in folder.rglob("*.py")
        for name in re.findall(r'(?:links\.help|_what)\("([\w-]+)"\)', path.read_text())
    ]
    assert found
    assert [name for name in found if name not in glossary.WORDS] == []


@pytest.mark.browser
def test_a_word_is_reached_by_its_address_and_keys_by_hand(site: Any, visit: Callable[..., Any]):
    page = visit(site, links.help("detectable")).page
    entry = page.locator("#detectable")
    expect(entry).to_be_in_viewport()
    assert page.evaluate("document.querySelectorAll('section[id]').length") == len(glossary.WORDS)
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(sheet).to_contain_text("New experiment")
    page.keyboard.press("Escape")
    expect(sheet).to_have_count(0)
    page.keyboard.press("g")
    page.keyboard.press("e")
    page.wait_for_function("() => location.pathname === '/explore'")
    page.wait_for_function("() => location.search.includes('target=')")
    page.locator("#explore-model").focus()  # here they are letters
    page.keyboard.press("g")
    page.keyboard.press("o")
    page.wait_for_timeout(300)
    assert "/explore" in page.url
    page.locator("#explore-model").blur()
    page.keyboard.press("g")
    page.keyboard.press("t")  # not the table of this page
    page.wait_for_function("() => location.pathname === '/tradeoff'")
    page.go_back()
    page.wait_for_function("() => location.pathname === '/explore' && !location.search.includes('view=table')")
    page.keyboard.press("?")
    sheet.get_by_role("switch").click()
    page.keyboard.press("Escape")
    expect(sheet).to_have_count(0)
    page.keyboard.press("g")
    page.keyboard.press("o")
    page.wait_for_timeout(300)
    assert "/explore" in page.url
    page.evaluate("localStorage.clear()")


@pytest.mark.browser
def test_the_page_one_is_on_is_marked_below_it_too(site: Any, visit: Callable[..., Any]):
    for path, name, value in (
        ("/experiments/1", "Experiments", "true"),
        ("/runs/1", "Runs", "true"),
        ("/languages/sw", "Languages", "true"),
        ("/queue", "Queue", "page"),
    ):
        page = visit(site, path).page
        nav = page.get_by_role("navigation", name="Pages")
        expect(nav.locator("[aria-current]")).to_have_text([name])
        group = nav.locator("details[data-here]")
        expect(group).to_have_count(1)
        group.locator("summary").click()
        expect(nav.get_by_role("link", name=name)).to_have_attribute("aria-current", value)


def test_a_group_of_the_header_is_shut_by_escape_by_the_next_and_by_going_elsewhere(
    site: Any, visit: Callable[..., Any]
):
    page = visit(site, "/help").page
    nav = page.get_by_role("navigation", name="Pages")
    opened = nav.locator("details[open]")
    results = nav.locator("summary", has_text="Results")
    results.focus()
    page.keyboard.press("Enter")
    expect(opened).to_have_count(1)
    page.keyboard.press("Tab")
    expect(opened.get_by_role("link").first).to_be_focused()
    page.keyboard.press("Escape")
    expect(opened).to_have_count(0)
    expect(results).to_be_focused()
    results.click()
    nav.locator("summary", has_text="Work").click()
    expect(opened).to_have_count(1)
    opened.get_by_role("link", name="Experiments").click()
    expect(page).to_have_url(site.url + "/experiments")
    expect(opened).to_have_count(0)


def test_the_foot_names_the_benchmark_of_this_page_not_of_the_last(site: Any, visit: Callable[..., Any]):
    page = visit(site, "/explore").page
    badge = page.locator("#benchmark-badge")
    expect(badge).to_contain_text("mini-XTREME-R")
    nav = page.get_by_role("navigation", name="Pages")
    nav.get_by_text("Work").click()
    nav.get_by_role("link", name="Queue").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Queue")
    expect(badge).to_have_text("")
    page.go_back()
    expect(badge).to_contain_text("mini-XTREME-R")
