"""What a page costs a reader who has nothing of it yet: bytes over the wire, compressed as they come."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.browser
MOST_BYTES = 1_500_000


@pytest.fixture
def weighed(browser: Browser) -> Iterator[tuple[Page, dict[str, float]]]:
    """A page of a browser that keeps nothing, and what it has fetched so far, by address."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    watched = context.new_cdp_session(page)
    watched.send("Network.enable")
    named: dict[str, str] = {}
    bytes_of: dict[str, float] = {}

    def asked(event: dict[str, Any]) -> None:
        named[event["requestId"]] = event["request"]["url"]

    def came(event: dict[str, Any]) -> None:
        bytes_of[named[event["requestId"]]] = event["encodedDataLength"]

    watched.on("Network.requestWillBeSent", asked)
    watched.on("Network.loadingFinished", came)
    yield page, bytes_of
    context.close()


def test_the_first_figure_of_explore_comes_without_what_draws_tables(site: Any, weighed: tuple[Page, dict[str, float]]):
    page, bytes_of = weighed
    page.goto(site.url + "/explore")
    expect(page.locator("#explore-graph .heatmaplayer image, #explore-graph .imagelayer image").first).to_be_attached()
    page.wait_for_load_state("networkidle")
    assert any("/program/plotly-" in url for url in bytes_of)
    assert not any("ag_grid" in url for url in bytes_of)
    assert 500_000 < sum(bytes_of.values()) < MOST_BYTES
    page.keyboard.press("t")
    expect(page.locator("#explore-grid .ag-row").first).to_be_visible()
    assert any("ag_grid" in url for url in bytes_of)


def test_a_table_whose_program_does_not_come_says_so_and_is_tried_again(
    site: Any, weighed: tuple[Page, dict[str, float]]
):
    page, _ = weighed
    page.route("**/dash_ag_grid/**", lambda route: route.abort())
    page.goto(site.url + "/explore?view=table")
    place = page.locator("#explore-grid")
    expect(place.get_by_role("alert")).to_have_text("The program that draws tables could not be loaded.")
    again = place.get_by_role("button", name="Try again")
    again.focus()
    page.keyboard.press("Enter")
    expect(place.get_by_role("alert")).to_contain_text("could not be loaded")
    expect(again).to_be_focused()
    page.unroute_all()
    page.keyboard.press("Enter")
    expect(page.locator("#explore-grid .ag-row").first).to_be_visible()
