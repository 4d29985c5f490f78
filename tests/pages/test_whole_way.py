"""What a user does, from the blank form to a link in somebody else's browser, in one go; the parts have tests of their own."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import delete, update

from backend.store import tables

pytestmark = [pytest.mark.browser]

FIGURE = """id => {
  const plot = document.querySelector(`#${id} .js-plotly-plot`) || document.querySelector(`#${id}.js-plotly-plot`);
  if (!plot || !plot.data || !plot.data.some(t => t.name === 'cells')) return '';
  return JSON.stringify([plot.data, plot.layout.xaxis.ticktext, plot.layout.yaxis.ticktext],
    (key, value) => key === 'uid' ? undefined : value);
}"""
CENTRE = """([row, column]) => {
  const plot = document.querySelector('#explore-graph .js-plotly-plot'), at = plot.getBoundingClientRect();
  const {xaxis, yaxis} = plot._fullLayout;
  return [at.left + xaxis._offset + xaxis.d2p(column), at.top + yaxis._offset + yaxis.d2p(row)];
}"""
HOVERED = "() => document.querySelector('#explore-graph .js-plotly-plot')._hoverdata?.[0]?.customdata || ''"


def figure(page: Page, id: str) -> str:
    page.wait_for_function(f"id => ({FIGURE})(id) !== ''", arg=id)
    return str(page.evaluate(FIGURE, id))


def unlinked(live: str) -> str:
    """As it is frozen: names lead nowhere."""
    assert "<a href" in live
    return re.sub(r'<a href=\\".*?>|</a>', "", live)


def press(page: Page, field: str, label: str) -> None:
    page.get_by_role("group", name=re.compile(f"^{field}")).locator("label", has_text=re.compile(f"^{label}$")).click()


def test_from_the_form_to_a_link_in_another_browser(
    serve: Callable[..., Any], visit: Callable[..., Any], browser: Browser, tmp_path: Path
):
    site = serve(lambda lab: lab.appears())
    # form, preview, submit
    page = visit(site, "/new").page
    page.wait_for_selector("#new-form")
    expect(page.locator("#new-curl")).to_contain_text("/api/v1/experiments")
    press(page, "Models", "Mini XLM-R, 2 layers · 794 k")
    press(page, "Targets", "XNLI")
    press(page, "Recipes", "squad")
    page.get_by_label("Choose 3 seeds").click()
    expect(page.locator("#new-preview .check-headline")).to_contain_text("cells")
    expect(page.locator("#new-preview")).to_contain_text("3 seeds: paired t can reach")
    page.wait_for_function("() => new URLSearchParams(location.search).get('recipes') === 'squad'")
    page.get_by_role("button", name=re.compile("^Submit")).click()
    # progress
    page.wait_for_url(re.compile(r"/experiments/\d+$"))
    site.lab.work(at_most=4)
    expect(page.locator("#exp-bars")).to_contain_text(re.compile(r"[1-9]\d* done"))
    page.reload()
    expect(page.locator("#exp-bars")).to_contain_text(re.compile(r"[1-9]\d* done"))
    site.lab.work()
    expect(page.locator("#exp-state")).to_contain_text(re.compile(r"All \d+ runs done"))
    # heatmap, cell, drawer
    page.goto(f"{site.url}/explore?target=xnli")
    live = unlinked(figure(page, "explore-graph"))
    keys = page.evaluate(
        "() => document.querySelector('#explore-graph .js-plotly-plot').data.find(t => t.name === 'cells').customdata"
    )
    row, column = next((i, j) for i, line in enumerate(keys) for j, key in enumerate(line) if key == "squad.sw")
    for i in range(100):
        x, y = page.evaluate(CENTRE, [row, column])
        page.mouse.move(x + i % 3, y)
        page.wait_for_timeout(100)
        if page.evaluate(HOVERED) == "squad.sw":
            break
    page.mouse.click(x, y)
    panel = page.get_by_role("dialog")
    expect(panel).to_contain_text("squad → Swahili")
    expect(panel.locator(".pairs tbody tr")).to_have_count(3)
    gain = panel.locator(".pairs tfoot b").inner_text()
    # share, as it stands with the cell open
    panel.get_by_role("button", name="Share this cell").click()
    expect(page.locator("#share-preview")).to_contain_text("XNLI, accuracy")
    page.locator("#share-title").fill("The whole way")
    page.wait_for_timeout(600)
    page.get_by_role("button", name="Create link").click()
    url = page.locator("#share-url").input_value()
    file = tmp_path / "alone.html"
    file.write_bytes(page.request.get(f"{url}.html").body())
    # everything behind it goes
    with site.lab.store.write() as session:
        session.execute(update(tables.score).values(value=1.0))
    with site.lab.store.write() as session:
        for table in reversed(tables.score.metadata.sorted_tables):
            if not table.name.startswith(("snapshot", "alembic")):
                session.execute(delete(table))
    fresh = browser.new_context()
    other = fresh.new_page()
    other.goto(url)
    assert figure(other, "frozen-graph") == live
    shown = other.get_by_role("dialog")
    expect(shown.locator(".pairs tfoot b")).to_have_text(gain)
    expect(shown.locator(".pairs a")).to_have_count(0)
    # taken back
    mine = page.request.get(f"{site.url}/api/v1/snapshots").json()["items"][0]["id"]
    origin = {"Origin": site.url}
    assert page.request.post(f"{site.url}/api/v1/snapshots/{mine}:revoke", headers=origin).ok
    answer = other.goto(url)
    assert answer is not None and answer.status == 404
    fresh.close()
    # the file that was taken away before stays, without a network
    alone = browser.new_context()
    alone.set_offline(True)
    opened = alone.new_page()
    opened.goto(file.as_uri())
    assert figure(opened, "figure") == live
    expect(opened.locator("#checked")).to_have_text("✓ matches the content")
    alone.close()
