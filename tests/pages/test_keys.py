"""With keys alone: from the blank form to a link that somebody else opens, and the single keys of lists and of sharing."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

pytestmark = [pytest.mark.browser]

HERE = "e => e === document.activeElement"
COLUMN = "() => document.activeElement.getAttribute('col-id')"


def tab_to(page: Page, wanted: Locator, *, at_most: int = 200) -> None:
    """Press Tab until it has the focus, as somebody does who cannot point at it."""
    expect(wanted).to_be_attached()  # a box of its own may be drawn for it
    for _ in range(at_most):
        page.keyboard.press("Tab")
        if wanted.evaluate(HERE):
            return
    pytest.fail(f"Tab does not lead to {wanted}")


def typed(page: Page, keys: str) -> None:
    for key in keys.split():
        page.keyboard.press(key)


def until(page: Page, name: str, value: str) -> None:
    page.wait_for_function("([n, v]) => new URLSearchParams(location.search).get(n) === v", arg=[name, value])


@pytest.mark.slow
def test_from_the_form_to_a_link_without_a_mouse(
    serve: Callable[..., Any], visit: Callable[..., Any], browser: Browser
):
    site = serve(lambda lab: lab.appears())
    page = visit(site, "/").page
    expect(page.locator("#main h1").first).to_be_visible()
    typed(page, "n")
    expect(page.locator("#new-curl")).to_contain_text("/api/v1/experiments")

    # the form
    def choose(field: str, label: str, parameter: str, value: str) -> None:
        group = page.get_by_role("group", name=re.compile(f"^{field}"))
        tab_to(page, group.get_by_role("checkbox", name=re.compile(f"^{label}")))
        page.keyboard.press("Space")
        until(page, parameter, value)

    choose("Models", "Mini XLM-R, 2 layers", "models", "mini-2")
    choose("Recipes", "squad$", "recipes", "squad")
    choose("Targets", "XNLI", "targets", "xnli")
    tab_to(page, page.get_by_label("Choose 5 seeds"))
    page.keyboard.press("Enter")
    until(page, "seeds", "0,1,2,3,4")
    expect(page.locator("#new-preview .check-headline")).to_contain_text("cells")
    submit = page.get_by_role("button", name=re.compile("^Submit"))
    expect(submit).to_be_enabled()
    tab_to(page, submit)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/experiments/\d+$"))

    # the experiment and the queue, then what came of it
    typed(page, "g q")
    expect(page).to_have_title("Queue · Crosslift")
    site.lab.work()
    typed(page, "g x")
    expect(page).to_have_title("Experiments · Crosslift")
    tab_to(page, page.locator("#experiments-list").get_by_role("link").first)
    page.keyboard.press("Enter")
    expect(page.locator("#exp-state")).to_contain_text(re.compile(r"All \d+ runs done"))
    typed(page, "g e")
    expect(page).to_have_title("Explore · Crosslift")
    page.locator("#explore-graph .main-svg").first.wait_for()

    # a cell: the table twin, arrows, Enter
    typed(page, "t")
    page.locator("#explore-grid [role=gridcell]").first.wait_for()
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('#explore-grid') !== null"):
            break
    page.keyboard.press("ArrowDown")
    for _ in range(30):
        if page.evaluate(COLUMN) == "sw":
            break
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    drawer = page.get_by_role("dialog")
    expect(drawer).to_contain_text("squad → Swahili")
    gain = drawer.locator(".pairs tfoot b").inner_text()

    # the share dialog, the link, and somebody else
    tab_to(page, drawer.get_by_role("button", name="Share this cell"))
    page.keyboard.press("Enter")
    expect(page.locator("#share-preview")).to_contain_text("XNLI, accuracy")
    create = page.get_by_role("button", name="Create link")
    expect(create).to_be_enabled()
    tab_to(page, create)
    page.keyboard.press("Enter")
    url = page.locator("#share-url").input_value()
    tab_to(page, page.get_by_role("dialog").get_by_role("button", name=re.compile("^Copy")).last)
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_text("Copied").last).to_be_visible()
    context = browser.new_context()
    other = context.new_page()
    other.goto(url)
    expect(other.get_by_role("dialog").locator(".pairs tfoot b")).to_have_text(gain)
    context.close()


def test_single_keys_search_go_from_row_to_row_and_share(site: Any, visit: Callable[..., Any]):
    page = visit(site, "/runs?kind=evaluate&model=mini-2").page
    rows = page.locator(".run-table tbody tr")
    expect(rows.nth(1)).to_be_visible()
    typed(page, "j")
    assert rows.nth(0).evaluate("e => e.contains(document.activeElement)")
    typed(page, "j")
    assert rows.nth(1).evaluate("e => e.contains(document.activeElement)")
    typed(page, "k")
    assert rows.nth(0).evaluate("e => e.contains(document.activeElement)")
    typed(page, "/")
    expect(page.locator("#runs-q")).to_be_focused()
    typed(page, "j s")  # here they are letters
    expect(page.locator("#runs-q")).to_have_value("js")
    page = visit(site, "/explore?model=mini-2&target=xnli").page
    page.locator("#explore-graph .main-svg").first.wait_for()
    preview = page.locator("#share-preview")
    typed(page, "s")
    expect(preview).to_contain_text("XNLI, accuracy")
    page.get_by_role("button", name="Close").focus()
    typed(page, "/ j c")  # of the page behind the dialog
    expect(page.get_by_role("button", name="Close")).to_be_focused()
    typed(page, "Escape")
    expect(preview).to_be_hidden()
