"""Explore: what was clicked while an answer was awaited is not lost, and the page as it stands by itself is marked as such."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser]

PINS = "mini-2/mnli/xnli/sw,mini-2/squad/xnli/sw,mini-2/mnli/xnli/ar"


def test_cells_let_go_while_an_answer_is_awaited_stay_away(site: Any, visit: Callable[..., Any]):
    """The pulse asks anew before the answer to a click is here, which then never arrives."""
    page = visit(site, f"/explore?model=mini-2&pins={PINS}&target=xnli").page
    cards = page.locator("#explore-pinned li")
    expect(cards).to_have_count(3)
    page.wait_for_load_state("networkidle")
    held: list[Any] = []

    def clicked(request: Any) -> bool:
        return '"explore-pin.data"' in (request.post_data or "")

    page.route(
        "**/_dash-update-component",
        lambda route: held.append(route) if len(held) < 2 and clicked(route.request) else route.continue_(),
    )
    for name in ("Unpin mnli → Swahili", "Unpin squad → Swahili"):
        with page.expect_request(clicked):
            page.get_by_role("button", name=name).click()
    page.evaluate("() => window.dash_clientside.set_props('explore-pulse', { children: 'later' })")
    expect(cards).to_have_count(1)
    for route in held:
        route.continue_()
    page.wait_for_load_state("networkidle")
    expect(cards).to_have_count(1)
    expect(cards).to_contain_text("mnli → Arabic")
    # what was done is not done again when the page asks for something else
    page.locator("#explore-order label", has_text="Script").click()
    page.wait_for_url("**/explore?model=mini-2&order=script&pins=mini-2/mnli/xnli/ar&target=xnli")
    page.get_by_role("button", name="Unpin all").click()
    expect(cards).to_have_count(0)
    page.wait_for_url("**/explore?model=mini-2&order=script&target=xnli")


def test_the_page_as_it_stands_by_itself_is_marked(site: Any, visit: Callable[..., Any]):
    page = visit(site, "/explore").page
    page.wait_for_url("**/explore?model=mini-2&target=xnli")
    tab = page.get_by_role("navigation", name="Saved views").get_by_role("link", name="Default")
    expect(tab).to_have_attribute("aria-current", "page")
    page.locator("#explore-order label", has_text="Script").click()
    expect(tab).not_to_have_attribute("aria-current", "page")
    tab.click()
    page.wait_for_url("**/explore?model=mini-2&target=xnli")
    expect(tab).to_have_attribute("aria-current", "page")
