"""The other matrices of Explore, cells that are kept, and what stands below the heatmap, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser]

ROWS = """() => {
  const plot = document.querySelector('#explore-graph .js-plotly-plot'), cells = plot?.data?.find(t => t.name === 'cells');
  return cells ? cells.customdata.map(row => row[0].split('.')[0]) : [];
}"""
FIGURE = """() => {
  const plot = document.querySelector('#explore-graph .js-plotly-plot');
  return plot?.data?.length ? JSON.stringify([plot.data, plot.layout.yaxis.ticktext], (key, value) => key === 'uid' ? undefined : value) : '';
}"""
BORDERS = "() => document.querySelector('#explore-graph .js-plotly-plot').layout.shapes.filter(s => s.name === 'pinned').length"
CENTRE = """([row, column]) => {
  const plot = document.querySelector('#explore-graph .js-plotly-plot'), at = plot.getBoundingClientRect();
  const {xaxis, yaxis} = plot._fullLayout;
  return [at.left + xaxis._offset + xaxis.d2p(column), at.top + yaxis._offset + yaxis.d2p(row)];
}"""


def shows(page: Page, *rows: str) -> Page:
    page.wait_for_function(
        f"wanted => JSON.stringify(({ROWS})()) === wanted", arg=str(list(rows)).replace("'", '"').replace(", ", ",")
    )
    return page


def query(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def until(page: Page, name: str, value: str | None) -> None:
    page.wait_for_function("([n, v]) => new URLSearchParams(location.search).get(n) === v", arg=[name, value])


def pick(page: Page, control: str, option: str) -> None:
    page.locator(f"#explore-{control}").click()
    page.get_by_role("option", name=option, exact=True).click()


def click_cell(page: Page, row: int, column: int, **how: Any) -> None:
    hovered = "() => document.querySelector('#explore-graph .js-plotly-plot')._hoverdata?.[0]?.pointNumber?.join()"
    for i in range(100):
        x, y = page.evaluate(CENTRE, [row, column])
        page.mouse.move(x + i % 3, y)
        page.wait_for_timeout(100)
        if page.evaluate(hovered) == f"{row},{column}":
            break
    for key in how.get("modifiers", ()):
        page.keyboard.down(key)
    page.mouse.click(x, y)
    for key in how.get("modifiers", ()):
        page.keyboard.up(key)


RECIPES = ("hellaswag", "mnli", "squad", "mnli+squad", "control:squad")


def test_every_matrix_has_an_address_that_gives_it_again(site: Any, visit: Callable[..., Any]):
    page = shows(visit(site, "/explore?model=mini-2&target=xnli").page, *RECIPES)
    seen = []
    for option, layout, rows in (
        ("Recipes × targets", "recipe-target", RECIPES),
        ("Targets × languages", "target-language", ("tatoeba", "xnli", "xquad")),
        ("Models × languages", "model-language", ("mini-2", "mini-4")),
    ):
        pick(page, "layout", option)
        until(page, "layout", layout)
        shows(page, *rows)
        page.wait_for_load_state("networkidle")
        seen.append((page.url, page.evaluate(FIGURE), page.locator("#explore-summary").inner_text()))
    expect(page.locator("#explore-target")).to_be_visible()
    expect(page.locator("#explore-model")).to_be_hidden()  # all of them are there
    expect(page.locator("#explore-metric")).to_be_hidden()
    page.go_back()
    until(page, "layout", "target-language")
    other = visit(site, "/help").page
    for url, figure, summary in seen:
        other.goto(url)
        other.wait_for_function(f"wanted => ({FIGURE})() === wanted", arg=figure)
        assert other.locator("#explore-summary").inner_text() == summary and other.url == url


def test_a_cell_of_another_matrix_opens_where_its_numbers_stand(site: Any, visit: Callable[..., Any]):
    page = visit(site, "/explore?model=mini-2&target=xnli&layout=target-language&recipe=squad&cell=xquad.ar").page
    drawer = page.get_by_role("dialog")
    expect(drawer).to_contain_text("squad → Arabic")
    expect(drawer).to_contain_text("XQuAD")
    expect(drawer).to_contain_text("q in the whole grid")
    page.goto(site.url + "/explore?model=mini-2&layout=recipe-target&cell=squad.tatoeba")
    expect(drawer).to_contain_text("squad → mean of languages")
    expect(drawer).to_contain_text("Tatoeba")
    page.goto(site.url + "/explore?model=mini-2&layout=recipe-target&cell=squad.mean")
    expect(drawer).to_contain_text("squad → targets")
    shows(page, *RECIPES).wait_for_load_state("networkidle")
    drawer.get_by_role("link", name="XQuAD").click()
    shows(page, "squad", "control:squad")
    assert query(page) == {"cell": "squad.mean", "model": "mini-2", "target": "xquad"}


def test_names_of_rows_and_columns_lead_on_by_hand_and_by_key(site: Any, visit: Callable[..., Any]):
    page = shows(visit(site, "/explore?model=mini-2&target=xnli").page, *RECIPES)
    page.locator("#explore-graph .ytick a", has_text="hellaswag").click()
    until(page, "layout", "recipe-target")
    assert query(page)["cell"] == "hellaswag.mean"
    shows(page, *RECIPES)
    name = page.locator("#explore-graph .xtick a", has_text="Tatoeba").first
    name.focus()
    page.keyboard.press("Enter")
    until(page, "target", "tatoeba")
    assert "layout" not in query(page)
    page.go_back()
    until(page, "layout", "recipe-target")
    language = page.goto(site.url + "/explore?model=mini-2&target=xnli") and shows(page, *RECIPES)
    assert language.locator("#explore-graph .xtick a").first.get_attribute("xlink:href") == "/languages/ar"


def test_cells_are_kept_side_by_side(site: Any, visit: Callable[..., Any]):
    page = shows(visit(site, "/explore?model=mini-2&target=xnli").page, *RECIPES)
    click_cell(page, 2, 0, modifiers=["Shift"])
    until(page, "pins", "mini-2/squad/xnli/ar")
    expect(page.get_by_role("dialog")).to_have_count(0)
    kept = page.locator("#explore-pinned li")
    expect(kept).to_contain_text(["squad → Arabic"])
    expect(kept).to_contain_text(["+0.5"])
    assert page.evaluate(BORDERS) == 1
    pick(page, "target", "XQuAD")  # what is kept stays
    until(page, "target", "xquad")
    page.wait_for_function(f"() => ({BORDERS})() === 0")
    page.locator("#explore-view label", has_text="Table").click()
    page.locator("#explore-grid [role=gridcell][col-id=de]").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.locator("#explore-grid [role=gridcell][col-id=hi]").first.focus()
    page.keyboard.press("p")
    until(page, "pins", "mini-2/squad/xnli/ar,mini-2/squad/xquad/hi")
    expect(kept).to_have_count(2)
    page.get_by_role("dialog").get_by_role("button", name="Pin to compare").click()
    until(page, "pins", "mini-2/squad/xnli/ar,mini-2/squad/xquad/hi,mini-2/squad/xquad/de")
    link = page.locator("#explore-compare")
    expect(link).to_have_attribute(
        "href", "/compare?a=mini-2/squad/xnli/ar&b=mini-2/squad/xquad/hi&c=mini-2/squad/xquad/de"
    )
    values = kept.all_inner_texts()
    other = visit(site, urlsplit(page.url)._replace(scheme="", netloc="").geturl()).page
    expect(other.locator("#explore-pinned li")).to_have_count(3)
    assert other.locator("#explore-pinned li").all_inner_texts() == values
    other.get_by_role("button", name="Unpin squad → Arabic", exact=False).click()
    until(other, "pins", "mini-2/squad/xquad/hi,mini-2/squad/xquad/de")
    other.get_by_role("button", name="Unpin all").click()
    until(other, "pins", None)
    expect(other.locator("#explore-pinned li")).to_have_count(0)


def test_what_stands_below_is_asked_for_only_then(site: Any, visit: Callable[..., Any]):
    page = shows(visit(site, "/explore?model=mini-2&target=xnli").page, *RECIPES)
    expect(page.locator("#status")).not_to_be_empty()  # the first beat has been
    page.wait_for_load_state("networkidle")
    asked: list[str] = []
    page.on("request", lambda r: asked.append(r.post_data or "") if "_dash-update-component" in r.url else None)
    page.locator("#explore-order label", has_text="Script").click()
    until(page, "order", "script")
    page.wait_for_load_state("networkidle")
    assert len([body for body in asked if '"clock.' not in body]) == 1
    page.locator("#explore-below label", has_text="By family").click()
    until(page, "below", "family")
    drawn = "() => document.querySelector('#explore-beneath .js-plotly-plot')?.data?.[0]?.y?.length"
    page.wait_for_function(f"() => ({drawn})() === 6")  # families of XNLI's languages here, English in no mean
    expect(page.locator("#explore-below-box")).to_contain_text("hellaswag: gain with its 95 % interval")
    pick(page, "recipe", "squad")
    until(page, "recipe", "squad")
    expect(page.locator("#explore-below-box")).to_contain_text("squad: gain with")
    page.locator("#explore-below label", has_text="Against resources").click()
    until(page, "below", "size")
    page.wait_for_function(
        "() => document.querySelector('#explore-beneath .js-plotly-plot')?.data?.[0]?.x?.length === 9"
    )
    page.locator("#explore-below label", has_text="Nothing").click()
    until(page, "below", None)
    expect(page.locator("#explore-beneath")).to_have_count(0)


@pytest.mark.parametrize(
    "layout",
    [
        "recipe-target",
        pytest.param("target-language", marks=pytest.mark.slow),
        pytest.param("model-language", marks=pytest.mark.slow),
    ],
)
def test_on_a_phone_every_matrix_is_a_list(layout: str, site: Any, visit: Callable[..., Any]):
    page = visit(
        site, f"/explore?model=mini-2&target=xnli&layout={layout}&pins=mini-2/squad/xnli/ar", width=360, height=740
    ).page
    page.locator("#explore-ranked .ranks a").first.wait_for()
    expect(page.locator("#explore-figure")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.locator("#explore-ranked .ranks a").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert query(page)["pins"] == "mini-2/squad/xnli/ar"
