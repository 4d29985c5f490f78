"""Explore in a real browser, against a real server on a real store.

Every visit is also watched by its fixture: no error in the console, no request to another origin, no answer of 400 or
more, and so nothing that the content security policy had to stop.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from dashboard.look import ROW_HEIGHT

pytestmark = [pytest.mark.browser]

SETTLED = """() => {
  const plot = document.querySelector('#explore-graph .js-plotly-plot');
  return plot && plot.data && plot.data.some(t => t.name === 'cells') && location.search.includes('target=');
}"""
FIGURE = """() => {
  const plot = document.querySelector('#explore-graph .js-plotly-plot');
  if (!plot || !plot.layout.coloraxis) return '';
  return JSON.stringify([plot.data, plot.layout.xaxis.ticktext, plot.layout.yaxis.ticktext, plot.layout.coloraxis.cmax,
    (plot.layout.shapes || []).length, plot.layout.paper_bgcolor, plot.layout.images.map(i => i.source)], (key, value) => key === 'uid' ? undefined : value);
}"""
NUMBERS = """() => {
  const plot = document.querySelector('#explore-graph .js-plotly-plot'), drawn = [...plot.querySelectorAll('.imagelayer image')];
  if (drawn.length !== plot.layout.images.length) throw new Error(`${drawn.length} of ${plot.layout.images.length} pictures are there`);
  const source = plot.layout.images.find(i => i.name === 'numbers').source;
  const there = drawn.map(i => i.getAttribute('xlink:href') || i.getAttribute('href')).find(h => h === source);
  const svg = decodeURIComponent(there.split(',').slice(1).join(','));
  return [...new DOMParser().parseFromString(svg, 'image/svg+xml').querySelectorAll('text')].map(t => t.textContent);
}"""
CENTRE = """([row, column]) => {
  const plot = document.querySelector('#explore-graph .js-plotly-plot'), at = plot.getBoundingClientRect();
  const {xaxis, yaxis} = plot._fullLayout;
  return [at.left + xaxis._offset + xaxis.d2p(column), at.top + yaxis._offset + yaxis.d2p(row)];
}"""


def settled(page: Page) -> Page:
    page.wait_for_function(SETTLED)
    return page


def figure(page: Page) -> str:
    return str(settled(page).evaluate(FIGURE))


def query(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def pick(page: Page, control: str, option: str) -> None:
    page.locator(f"#explore-{control}").click()
    page.get_by_role("option", name=option, exact=True).click()


def press(page: Page, control: str, option: str) -> None:
    page.locator(f"#explore-{control} label", has_text=option).click()


def until(page: Page, name: str, value: str | None) -> None:
    """Wait for a parameter of the address."""
    page.wait_for_function("([n, v]) => new URLSearchParams(location.search).get(n) === v", arg=[name, value])


def click_cell(page: Page, row: int, column: int) -> None:
    """Point at a cell until the figure has noticed, as a hand does, then click."""
    hovered = "() => document.querySelector('#explore-graph .js-plotly-plot')._hoverdata?.[0]?.pointNumber?.join()"
    for i in range(100):
        x, y = page.evaluate(CENTRE, [row, column])
        page.mouse.move(x + i % 3, y)
        page.wait_for_timeout(100)
        if page.evaluate(hovered) == f"{row},{column}":
            break
    page.mouse.click(x, y)


def callbacks(page: Page) -> list[str]:
    """What the page asks the server from now on."""
    seen: list[str] = []
    page.on("request", lambda r: seen.append(r.post_data or "") if "_dash-update-component" in r.url else None)
    return seen


# --- addresses ---------------------------------------------------------------------------------------------------


def test_a_cold_deep_link_has_its_title(serve: Callable[..., Any], visit: Callable[..., Any]):
    page = visit(serve(), "/explore?order=gain").page
    expect(page).to_have_title("Explore · Crosslift")


def test_the_front_door(site: Any, visit: Callable[..., Any]):
    page = settled(visit(site, "/explore").page)
    expect(page).to_have_title("Explore · Crosslift")
    expect(page.get_by_role("link", name="Explore", exact=True)).to_have_attribute("aria-current", "page")
    assert urlsplit(page.url).path == "/explore"
    assert query(page) == {"model": "mini-2", "target": "xnli"}  # pinned: the same link next year


def test_every_control_changes_the_address_and_the_address_gives_the_same_page(site: Any, visit: Callable[..., Any]):
    """Nine controls, one after the other; then each address that this gave, opened afresh."""
    page = settled(visit(site, "/explore?target=xnli").page)
    seen: list[tuple[str, str, str, bool]] = []

    def changed(name: str, value: str | None, *, redraws: bool = True) -> None:
        if redraws:
            page.wait_for_function(f"before => ![before, ''].includes(({FIGURE})())", arg=before)
        until(page, name, value)
        table = page.locator("#explore-table").is_visible()
        seen.append((page.url, figure(page), page.locator("#explore-summary").inner_text(), table))

    before = figure(page)
    pick(page, "model", "Mini XLM-R, 4 layers")
    changed("model", "mini-4")
    before = figure(page)
    pick(page, "model", "Mini XLM-R, 2 layers")
    changed("model", "mini-2")
    before = figure(page)
    pick(page, "target", "XQuAD")
    changed("target", "xquad")
    before = figure(page)
    pick(page, "metric", "exact match")
    changed("metric", "exact_match")
    before = figure(page)
    press(page, "order", "Script")
    changed("order", "script")
    before = figure(page)
    page.locator("#explore-languages").click()
    page.get_by_role("option", name="Non-Latin scripts", exact=True).click()
    changed("languages", "script:non-Latin")
    expect(page.locator("#explore-summary")).to_contain_text("Shown: non-Latin scripts, ")
    before = figure(page)
    page.locator("#explore-languages").fill("german")
    page.get_by_role("option", name="German", exact=True).click()
    page.keyboard.press("Escape")
    changed("languages", "script:non-Latin,de")
    before = figure(page)
    press(page, "fade", "Not q < .05")
    changed("fade", "unsure", redraws=False)
    before = figure(page)
    press(page, "colours", "PuOr")
    changed("colours", "puor")
    before = figure(page)
    press(page, "value", "Score")
    changed("value", "score")
    press(page, "view", "Table")
    changed("view", "table", redraws=False)
    pick(page, "source", "XTREME-R, hub")
    until(page, "source", "hub")
    expect(page.locator("#explore-nothing h2")).to_have_text("No result for this choice")

    other = visit(site, urlsplit(page.url)._replace(scheme="", netloc="").geturl()).page
    expect(other.locator("#explore-nothing h2")).to_have_text("No result for this choice")
    for url, picture, summary, table in seen:
        other.goto(url)
        assert figure(other) == picture
        assert other.locator("#explore-summary").inner_text() == summary
        assert other.locator("#explore-table").is_visible() == table
        assert other.url == url


@pytest.mark.parametrize(
    "search",
    [
        "?model=nobody&target=nothing&metric=beauty&order=up&value=&view=upside&source=moon&nobody=knows",
        "?target=xnli&target=xquad&cell=%00&model=" + "x" * 3000,
        "?cell=%3Cscript%3Ealert(1)%3C/script%3E.sw&metric=f1",
    ],
)
def test_what_an_address_should_not_hold_is_dropped(search: str, site: Any, visit: Callable[..., Any]):
    page = settled(visit(site, "/explore" + search).page)
    until(page, "model", "mini-2")
    assert query(page) == {"model": "mini-2", "target": "xnli"}
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_cell_that_does_not_exist_says_so(site: Any, visit: Callable[..., Any]):
    page = settled(visit(site, "/explore?target=xnli&cell=qqp.sw").page)
    expect(page.get_by_role("dialog")).to_contain_text("There is no cell qqp.sw")


def test_back_undoes_a_target_and_a_cell_but_not_a_filter(site: Any, visit: Callable[..., Any]):
    page = settled(visit(site, "/explore?target=xnli").page)
    first = figure(page)
    pick(page, "target", "XQuAD")
    until(page, "target", "xquad")
    page.wait_for_function(f"before => ![before, ''].includes(({FIGURE})())", arg=first)
    press(page, "order", "Name")
    until(page, "order", "name")
    click_cell(page, 0, 0)
    until(page, "cell", "squad.ar")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert query(page) == {"model": "mini-2", "order": "name", "target": "xquad"}
    page.go_back()
    expect(page.locator("#explore-target")).to_have_value("XNLI")
    page.wait_for_function(f"before => ({FIGURE})() === before", arg=first)
    assert query(page) == {"model": "mini-2", "target": "xnli"}
    page.go_forward()
    expect(page.locator("#explore-target")).to_have_value("XQuAD")
    expect(page.locator("#explore-order input:checked")).to_have_value("name")


def test_going_back_fast_ends_where_one_went(site: Any, visit: Callable[..., Any]):
    """Two steps back before the first page has arrived: what is late must not write its address over the other."""
    page = settled(visit(site, "/explore?target=xnli&model=mini-2").page)
    first = figure(page)
    pick(page, "target", "XQuAD")
    until(page, "target", "xquad")
    page.wait_for_function(f"before => ![before, ''].includes(({FIGURE})())", arg=first)
    click_cell(page, 0, 0)
    until(page, "cell", "squad.ar")
    page.evaluate("() => { history.back(); setTimeout(() => history.back(), 40); }")
    page.wait_for_function(f"before => ({FIGURE})() === before", arg=first)
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.wait_for_timeout(1_000)
    assert query(page) == {"model": "mini-2", "target": "xnli"}
    page.go_forward()
    expect(page.locator("#explore-target")).to_have_value("XQuAD")
    assert query(page) == {"model": "mini-2", "target": "xquad"}


def test_back_leaves_the_page_for_the_one_before(site: Any, visit: Callable[..., Any]):
    page = visit(site, "/no/such/page").page
    page.get_by_role("link", name="Go to Explore").click()
    settled(page)
    press(page, "value", "Score")
    until(page, "value", "score")
    page.go_back()
    expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()
    page.go_forward()
    settled(page)
    assert query(page)["value"] == "score"


# --- what it shows -----------------------------------------------------------------------------------------------------


def test_the_kinds_of_missing_are_told_apart(site: Any, visit: Callable[..., Any]):
    page = settled(visit(site, "/explore?target=xnli&model=mini-2").page)
    shown = page.locator("#explore-graph .legend").text_content() or ""
    assert "not run" in shown
    assert "failed" in shown
    page = settled(visit(site, "/explore?target=tatoeba").page)
    assert "n/a" in (page.locator("#explore-graph .legend").text_content() or "")


def test_a_figure_is_as_high_as_its_rows(site: Any, visit: Callable[..., Any]):
    """Not as its box: with many rows their text would run together."""
    page = settled(visit(site, "/explore?target=xnli&model=mini-2").page)
    height = "high => document.querySelector('#explore-graph .js-plotly-plot')._fullLayout.height === high"
    page.wait_for_function(height, arg=5 * ROW_HEIGHT + 120)
    pick(page, "target", "Tatoeba")
    page.wait_for_function(height, arg=3 * ROW_HEIGHT + 120)


def test_a_summary_a_label_and_no_button_that_sends_the_figure_away(site: Any, visit: Callable[..., Any]):
    page = settled(visit(site, "/explore?target=xnli").page)
    summary = page.locator("#explore-summary")
    expect(summary).to_have_attribute("role", "status")
    expect(summary).to_contain_text("Mini XLM-R, 2 layers on XNLI, accuracy, mini-XTREME-R (synthetic benchmark)")
    expect(page.locator("#explore-badge")).to_have_text("synthetic benchmark")
    expect(page.locator("#benchmark-badge")).to_have_text("mini-XTREME-R · synthetic benchmark")
    buttons = page.locator("#explore-graph .modebar-btn")  # nothing that sends the figure away
    assert [buttons.nth(i).get_attribute("data-title") for i in range(buttons.count())] == ["Download plot"]


def test_t_toggles_the_table_with_the_same_numbers(site: Any, visit: Callable[..., Any]):
    page = settled(visit(site, "/explore?target=xnli&order=name").page)
    texts = page.evaluate(NUMBERS)
    page.keyboard.press("t")
    until(page, "view", "table")
    expect(page.locator("#explore-figure")).to_be_hidden()
    cells = page.locator("#explore-grid [role=gridcell]:not([col-id=label]):not([col-id=mean]):not([col-id=support])")
    expect(cells.first).to_be_visible()
    found = [text.removeprefix("• ") for text in cells.all_inner_texts()]
    numbers = [text for text in found if re.fullmatch(r"[+−]?\d+\.\d", text)]
    assert sorted(numbers) == sorted(texts)
    assert {text for text in found if text not in numbers} == {"failed", "not run"}
    page.keyboard.press("T")
    until(page, "view", None)
    expect(page.locator("#explore-figure")).to_be_visible()
    page.locator("#explore-model").focus()  # here it is a letter
    page.keyboard.press("t")
    page.wait_for_timeout(500)
    expect(page.locator("#explore-figure")).to_be_visible()
    assert "view" not in query(page)


# --- one cell ------------------------------------------------------------------------------------------------------


def test_a_cell_opens_from_its_address_and_is_outlined(site: Any, visit: Callable[..., Any]):
    page = settled(visit(site, "/explore?target=xquad&cell=squad.ar").page)
    panel = page.get_by_role("dialog")
    expect(panel).to_contain_text("squad → Arabic")
    for words in (
        "Baseline (none)",
        "Score with squad",
        "n=3",
        "q in the whole grid",
        "Each seed",
        "a processor (cpu, fp32)",
        "not measured",
        "Learning curves of fine-tuning",
        "Provenance",
        "Fingerprint",
        "Fine-tuned with",
    ):
        expect(panel).to_contain_text(words)
    assert re.search(r"[+−]\d+\.\d \[−?\d+\.\d, −?\d+\.\d\] points", panel.inner_text())
    endonym = panel.locator("bdi")
    expect(endonym).to_have_attribute("lang", "ar")
    expect(endonym).to_have_attribute("dir", "rtl")
    link = panel.locator(".run-links a").first.get_attribute("href")
    assert link is not None
    assert re.fullmatch(r"/runs/\d+", link)
    assert page.request.get(f"{site.url}/api/v1{link}").json()["kind"] == "evaluate"
    drawn = "id => document.querySelector(`#${id} .js-plotly-plot`)?.data?.map(t => [t.name, t.x.length])"
    pairs = panel.locator(".pairs")
    for number, link in enumerate(pairs.locator("tbody tr").nth(1).locator("a").all()):  # without, with
        run = page.request.get(f"{site.url}/api/v1{link.get_attribute('href')}").json()
        assert (run["recipe"], run["seed"]) == (("none", "squad")[number], 1)
        scores = page.request.get(f"{site.url}/api/v1{link.get_attribute('href')}/scores").json()
        (value,) = [s["value"] for s in scores if (s["language"], s["metric"]) == ("ar", "f1")]
        assert link.inner_text() == f"{value:.1f}"
    expect(pairs.locator("tbody tr")).to_have_count(3)
    expect(pairs.locator("tbody .pair-with")).to_have_count(3)
    expect(pairs.locator("tfoot .pair-interval")).to_have_count(1)
    assert re.search(r"Mean gain [+−]\d+\.\d \[−?\d+\.\d, −?\d+\.\d\] points, n=3", panel.inner_text())
    page.wait_for_function("() => document.querySelector('#explore-curves .js-plotly-plot')?.data?.length")
    curves = page.evaluate(drawn, "explore-curves")
    assert sorted({name for name, _ in curves}) == ["baseline", "with the recipe"]
    assert len(curves) == 2 * 3 * 2  # loss and dev score, three seeds, with and without
    there = panel.get_by_role("link", name="Compare in trade-off")
    expect(there).to_have_attribute("href", "/tradeoff?languages=ar&point=mini-2/squad/xquad&target=xquad")
    chosen = """() => document.querySelector('#explore-graph .js-plotly-plot').layout.shapes
      .filter(s => s.name === 'chosen').length"""
    assert page.evaluate(chosen) == 1
    page.keyboard.press("Escape")
    until(page, "cell", None)
    expect(panel).to_have_count(0)
    page.wait_for_function(f"() => ({chosen})() === 0")


def test_the_same_cell_opens_again_and_the_page_comes_to_rest(site: Any, visit: Callable[..., Any]):
    page = settled(visit(site, "/explore?target=xnli").page)
    for _ in range(2):
        click_cell(page, 0, 0)
        expect(page.get_by_role("dialog")).to_be_visible()
        page.get_by_role("button", name="Close").click()
        expect(page.get_by_role("dialog")).to_have_count(0)
        until(page, "cell", None)
    page.wait_for_timeout(1_000)
    asked = callbacks(page)
    page.wait_for_timeout(3_000)
    assert [body for body in asked if "clock.n_intervals" not in body] == []


def test_a_mean_opens_and_leads_to_its_languages(site: Any, visit: Callable[..., Any]):
    page = visit(site, "/explore?target=xnli&languages=de,sw,en&value=cost").page
    panel = page.get_by_role("dialog")
    bar = page.locator("#explore-graph .bars .point path").first
    bar.click(force=True, position={"x": 20, "y": 4})
    expect(panel).to_contain_text("mean of languages")
    expect(panel).to_contain_text("1 of 2 languages")  # control:squad has none in Swahili
    press(page, "value", "Gain")
    until(page, "value", None)
    panel.get_by_role("link", name="Swahili (sw)").click()
    expect(panel).to_contain_text("→ Swahili")
    assert query(page)["languages"] == "de,en,sw"


def test_brackets_turn_to_the_next_target(site: Any, visit: Callable[..., Any]):
    page = settled(visit(site, "/explore?target=xnli").page)
    page.keyboard.press("]")
    until(page, "target", "xquad")
    page.keyboard.press("[")
    until(page, "target", "xnli")
    page.keyboard.press("[")
    until(page, "target", "tatoeba")
    page.go_back()
    until(page, "target", "xnli")


def test_costs_are_shown_by_recipe(site: Any, visit: Callable[..., Any]):
    page = visit(site, "/explore?target=xquad&value=cost").page
    page.wait_for_function("() => document.querySelector('#explore-graph .js-plotly-plot')?.data?.[0]?.type === 'bar'")
    expect(page.locator("#explore-summary")).to_contain_text("Device time of a recipe for one seed")
    order, fade = page.locator("#explore-order input").first, page.locator("#explore-fade input").first
    expect(order).to_be_disabled()  # costs are of recipes
    expect(fade).to_be_disabled()
    expect(page.locator("#explore-languages")).to_be_disabled()
    page.keyboard.press("t")
    until(page, "view", "table")
    first = page.locator("#explore-grid [role=gridcell][col-id=marginal]").first
    expect(first).to_contain_text("min")
    page.get_by_text("Score", exact=True).click()
    expect(order).to_be_enabled()
    expect(fade).to_be_enabled()


def test_what_is_only_shown_otherwise_is_not_asked_for_again(site: Any, visit: Callable[..., Any]):
    page = settled(visit(site, "/explore?target=xnli").page)
    page.wait_for_function(
        "() => document.querySelector('#explore-pulse').textContent !== ''"
    )  # the first one asks anew
    page.wait_for_load_state("networkidle")
    log = site.home / "web.log"

    def asked() -> int:
        return log.read_text().count("GET /api/v1/gains")

    before = -1
    while before != asked():  # what may be chosen next is read by itself, once
        before = asked()
        page.wait_for_timeout(4000)
    for control, option, name, value in (
        ("order", "Name", "order", "name"), ("value", "Score", "value", "score"), ("order", "Script", "order", "script"),
    ):  # fmt: skip
        was = figure(page)
        press(page, control, option)
        until(page, name, value)
        page.wait_for_function(f"before => ![before, ''].includes(({FIGURE})())", arg=was)
    assert asked() == before


def test_what_is_not_looked_at_is_not_asked_for(site: Any, visit: Callable[..., Any]):
    """Grid, lists and drawer, while they are not there: each question would take as long as the figure's."""
    page = settled(visit(site, "/explore?target=xnli").page)
    page.wait_for_load_state("networkidle")
    asked = callbacks(page)
    press(page, "order", "Script")
    until(page, "order", "script")
    page.wait_for_load_state("networkidle")
    hidden = ("explore-grid", "explore-ranked.", "explore-drawer.")
    assert asked and not [body for body in asked if any(name in body.split('"inputs"')[0] for name in hidden)]
    pick(page, "target", "Tatoeba")
    until(page, "target", "tatoeba")
    page.locator("#explore-view label", has_text="Table").click()
    page.locator("#explore-grid .ag-row").first.wait_for()
    assert any("explore-grid" in body for body in asked)


def test_a_choice_without_results_says_so(site: Any, visit: Callable[..., Any]):
    page = visit(site, "/explore?target=xnli&languages=ja,ko").page
    expect(page.locator("#explore-nothing h2")).to_have_text("No result in these languages")
    expect(page.locator("#explore-body")).to_be_hidden()


def test_a_missing_cell_says_why(site: Any, visit: Callable[..., Any]):
    page = settled(visit(site, "/explore?target=xnli&model=mini-2&cell=mnli%2Bsquad.sw").page)
    expect(page.get_by_role("dialog")).to_contain_text("No gain: failed")
    expect(page.get_by_role("dialog")).to_contain_text("the loss is not finite")


def test_keys_alone_open_a_cell(site: Any, visit: Callable[..., Any]):
    page = settled(visit(site, "/explore?target=xnli&view=table").page)
    page.locator("#explore-grid [role=gridcell][col-id=ar]").first.wait_for()
    page.locator("#explore-view input:checked").focus()
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('#explore-grid') !== null"):
            break
    page.keyboard.press("ArrowDown")
    for _ in range(4):
        if page.evaluate("document.activeElement.getAttribute('col-id')") == "ar":
            break
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert query(page)["cell"].endswith(".ar")


def test_the_skip_link_comes_first_and_focus_can_be_seen(site: Any, visit: Callable[..., Any]):
    page = settled(visit(site, "/explore").page)
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    settled(page)
    page.keyboard.press("Tab")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline not in ("none", "")


def test_the_link_is_copied(site: Any, visit: Callable[..., Any]):
    page = settled(visit(site, "/explore?target=xnli", permissions=["clipboard-read", "clipboard-write"]).page)
    page.get_by_role("button", name="Copy link").click()
    expect(page.locator("#explore-copy")).to_have_text("Copied (works on this machine)")
    assert page.evaluate("navigator.clipboard.readText()") == page.url
    expect(page.locator("#explore-copy")).to_have_text("Copy link")


# --- light, dark, narrow ---------------------------------------------------------------------------------------------


def test_the_scheme_changes_without_asking_and_is_remembered(site: Any, visit: Callable[..., Any]):
    page = settled(visit(site, "/explore?target=xnli", locale="en-GB").page)  # a profile of its own
    ground = "() => document.querySelector('#explore-graph .js-plotly-plot').layout.paper_bgcolor"
    assert page.evaluate(ground) == "#ffffff"
    expect(page.locator("#status")).not_to_be_empty()  # the first beat has been
    page.wait_for_load_state("networkidle")
    asked = callbacks(page)
    page.get_by_role("button", name="Switch between light and dark").click()
    page.wait_for_function(f"() => ({ground})() === '#16191d'")
    assert not [body for body in asked if "explore" in body]
    page.reload()
    settled(page)
    assert page.evaluate(ground) == "#16191d"


@pytest.mark.parametrize(
    "path", ["/explore?target=xnli", "/explore?target=xnli&view=table", "/explore?target=xnli&cell=squad.ar"]
)
def test_nothing_is_wider_than_the_page(path: str, site: Any, visit: Callable[..., Any]):
    page = settled(visit(site, path).page)
    page.locator(".rank, .ag-row, #explore-figure .xtick").first.wait_for(state="attached")
    for width in (1024, 768, 390, 360, 320):
        page.set_viewport_size({"width": width, "height": 844})
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_on_a_phone_the_heatmap_is_a_ranked_list(site: Any, visit: Callable[..., Any]):
    page = settled(visit(site, "/explore?target=xnli", width=390, height=844).page)
    expect(page.locator("#explore-figure")).to_be_hidden()
    first = page.locator("details.rank").first
    gains = [float(t.split()[0].replace("−", "-")) for t in first.locator(".rank-number").all_inner_texts()]
    assert gains == sorted(gains, reverse=True)
    first.locator("a").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert query(page)["cell"]
    page.go_back()
    expect(page.get_by_role("dialog")).to_have_count(0)


# --- nothing yet, and more by and by ------------------------------------------------------------------------------


def test_an_empty_store_says_what_why_and_next(empty_site: Any, visit: Callable[..., Any]):
    page = visit(empty_site, "/explore").page
    nothing = page.locator("#explore-nothing")
    expect(nothing).to_contain_text("Nothing has been run yet")
    expect(nothing.get_by_text("make demo", exact=True)).to_be_visible()
    expect(page.locator("#explore-body")).to_be_hidden()
    expect(page.locator("#status")).to_have_text("0 running · 0 queued · no worker")
    expect(page).to_have_title("Explore · Crosslift")


def test_an_experiment_fills_the_page_while_one_looks(young_site: Any, visit: Callable[..., Any]):
    page = visit(young_site, "/explore?order=name").page
    expect(page.locator("#explore-nothing")).to_contain_text("No score yet")
    expect(page.locator("#progress")).to_contain_text("0 of 6 runs done")
    expect(page.locator("#status")).to_have_text("0 running · 1 queued · 1 worker")
    assert young_site.lab.work(at_most=5) == 5
    expect(page.locator("#progress")).to_contain_text("5 of 6 runs done")
    expect(page.locator("#explore-nothing")).to_contain_text("No score yet")
    assert young_site.lab.work() == 1
    settled(page)
    expect(page.locator("#explore-nothing")).to_be_hidden()
    expect(page.locator("#progress")).to_be_empty()
    assert query(page) == {"model": "mini-2", "order": "name", "target": "xnli"}
    assert len(page.evaluate(NUMBERS)) == 9
    # a second recipe arrives while a cell is open: a new row, and the drawer stays
    click_cell(page, 0, 0)
    expect(page.get_by_role("dialog")).to_contain_text("mnli → Arabic")
    young_site.lab.submit(recipes=["squad"], seeds=[0])
    young_site.lab.work()
    page.wait_for_function(f"() => ({NUMBERS})().length === 18")
    expect(page.get_by_role("dialog")).to_contain_text("mnli → Arabic")
    assert query(page)["cell"] == "mnli.ar"


def test_a_page_outlives_its_api(serve: Callable[..., Any], young_site: Any, visit: Callable[..., Any]):
    """Pages served apart: the API goes away and comes back, and the page says so and recovers by itself."""
    young_site.lab.work()
    apart = serve(CROSSLIFT_API_URL=young_site.url)
    page = settled(visit(apart, "/explore").page)
    young_site.stop()
    expect(page.locator("#status")).to_contain_text("The API does not answer")
    expect(page.locator("#explore-nothing")).to_contain_text("The numbers cannot be read")
    young_site.start()
    expect(page.locator("#explore-nothing")).to_be_hidden()
    expect(page.locator("#status")).to_have_text("0 running · 0 queued · 1 worker")
    settled(page)


def test_a_hidden_page_asks_nothing(site: Any, visit: Callable[..., Any]):
    page = settled(visit(site, "/explore?target=xnli").page)
    hide = """hidden => {
      Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden });
      document.dispatchEvent(new Event('visibilitychange'));
    }"""
    page.evaluate(hide, True)
    page.wait_for_timeout(1_000)  # what was under way arrives
    asked = callbacks(page)
    page.wait_for_timeout(11_000)  # two beats and more
    assert asked == []
    page.evaluate(hide, False)
    with page.expect_request(lambda r: "_dash-update-component" in r.url, timeout=20_000):
        pass
