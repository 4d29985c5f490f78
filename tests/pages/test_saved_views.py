"""Saved views on the pages of figures: saved as the page stands, marked while it stands so, and led to."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect


@pytest.mark.browser
@pytest.mark.parametrize(
    ("path", "control", "option", "said"),
    [
        (
            "/explore?layout=target-language&model=mini-2&recipe=squad&target=xnli",
            "#explore-order label",
            "Script",
            "order=script",
        ),
        pytest.param("/tradeoff?target=xnli", "#tradeoff-view label", "Table", "view=table", marks=pytest.mark.slow),
    ],
)
def test_a_view_is_marked_while_it_is_the_one_that_is_shown(
    site: Any, visit: Callable[..., Any], path: str, control: str, option: str, said: str
):
    page = visit(site, path).page
    page.wait_for_function("() => document.querySelector('.js-plotly-plot .main-svg')")
    page.locator(control, has_text=option).click()
    page.wait_for_url(f"**{said}*")
    page.get_by_role("button", name="Save this view").click()
    page.get_by_label("Name").last.fill("As I look at it")
    page.get_by_role("button", name="Save", exact=True).click()
    tab = page.get_by_role("navigation", name="Saved views").get_by_role("link", name="As I look at it")
    expect(tab).to_have_attribute("aria-current", "page")
    kept = page.url
    page.get_by_role("navigation", name="Saved views").get_by_role("link", name="Default").click()
    page.wait_for_url(lambda url: said not in url)
    expect(tab).not_to_have_attribute("aria-current", "page")
    tab.click()
    page.wait_for_url(kept)
    expect(tab).to_have_attribute("aria-current", "page")
    page.get_by_role("button", name=re.compile("Remove the saved view As I look")).click()
    expect(tab).to_have_count(0)
    assert httpx.get(f"{site.url}/api/v1/views?page={path.partition('?')[0]}").json() == []
