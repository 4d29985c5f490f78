"""Trade-off in a real browser. Its fixture fails a visit on an error in the console, a foreign request, an answer of 400 or
more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser]

READY = "() => document.querySelector('#tradeoff-graph .js-plotly-plot')?.data?.some(t => t.name === 'front')"
FIGURE = """() => {
  const plot = document.querySelector('#tradeoff-graph .js-plotly-plot');
  if (!plot || !plot.data.length) return '';
  return JSON.stringify([plot.data, plot.layout.xaxis.title.text, plot.layout.paper_bgcolor],
    (key, value) => key === 'uid' ? undefined : value);
}"""
CENTRE = """key => {
  const plot = document.querySelector('#tradeoff-graph .js-plotly-plot'), at = plot.getBoundingClientRect();
  for (const trace of plot._fullData) {
    const i = (trace.customdata || []).indexOf(key);
    if (i < 0) continue;
    const x = plot._fullLayout[trace.xaxis.replace('x', 'xaxis')], y = plot._fullLayout[trace.yaxis.replace('y', 'yaxis')];
    return [at.left + x._offset + x.c2p(trace.x[i]), at.top + y._offset + y.c2p(trace.y[i])];
  }
}"""


@pytest.fixture(scope="module")
def study(serve: Callable[..., Any]) -> Any:
    """Three sizes, two targets, three seeds."""

    def fill(lab: Any) -> None:
        lab.appears()
        models = ["mini-1", "mini-2", "mini-4"]
        lab.submit(models=models, recipes=["mnli", "squad"], targets=["xnli", "xquad"], seeds=[0, 1, 2])
        lab.work()

    return serve(fill)


def settled(page: Page) -> Page:
    page.wait_for_function(READY)
    return page


def figure(page: Page) -> str:
    return str(settled(page).evaluate(FIGURE))


def query(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def pick(page: Page, control: str, option: str) -> None:
    page.locator(f"#tradeoff-{control}").click()
    page.get_by_role("option", name=option, exact=True).click()


def press(page: Page, control: str, option: str) -> None:
    page.locator(f"#tradeoff-{control} label", has_text=option).click()


def until(page: Page, name: str, value: str | None) -> None:
    page.wait_for_function("([n, v]) => new URLSearchParams(location.search).get(n) === v", arg=[name, value])


@pytest.mark.slow
def test_every_control_changes_the_address_and_the_address_gives_the_same_page(study: Any, visit: Callable[..., Any]):
    page = settled(visit(study, "/tradeoff").page)
    expect(page).to_have_title("Trade-off · Crosslift")
    assert query(page) == {}
    seen: list[tuple[str, str, str]] = []

    def changed(name: str, value: str | None, before: str) -> None:
        page.wait_for_function(f"before => ![before, ''].includes(({FIGURE})())", arg=before)
        until(page, name, value)
        seen.append((page.url, figure(page), page.locator("#tradeoff-summary").inner_text()))

    before = figure(page)
    pick(page, "languages", "Low-resource")
    changed("languages", "resource:low", before)
    before = figure(page)
    pick(page, "languages", "German")
    changed("languages", "de", before)
    before = figure(page)
    pick(page, "target", "XQuAD")
    changed("target", "xquad", before)
    before = figure(page)
    pick(page, "metric", "exact match")
    changed("metric", "exact_match", before)
    before = figure(page)
    pick(page, "x", "Parameters without embeddings")
    changed("x", "non-embedding", before)
    before = figure(page)
    pick(page, "x", "Device time")
    changed("x", "hours", before)
    assert "device-hours (cpu), paid in full (log)" in seen[-1][1]
    before = figure(page)
    press(page, "cost", "Shared out")
    changed("cost", "amortised", before)
    before = figure(page)
    press(page, "colour", "Model")
    changed("colour", "model", before)
    before = figure(page)
    page.locator("#tradeoff-budget").fill("5")
    changed("budget", "5", before)
    expect(page.locator("#tradeoff-bought")).to_contain_text("With 5 h of a device (cpu) for 3 seeds")
    before = figure(page)
    press(page, "panels", "Language")
    changed("panels", "languages", before)
    before = figure(page)
    pick(page, "x", "Parameters, all")
    page.locator("#tradeoff-trend").check(force=True)
    changed("trend", "on", before)
    expect(page.locator("#tradeoff-fitted")).to_contain_text("lines are fitted to gains by a target's headline metric")
    press(page, "view", "Table")
    until(page, "view", "table")
    expect(page.locator("#tradeoff-figure")).to_be_hidden()
    pick(page, "source", "XTREME-R, hub")
    until(page, "source", "hub")
    expect(page.locator("#tradeoff-nothing h2")).to_have_text("No result for this choice")

    other = visit(study, urlsplit(page.url)._replace(scheme="", netloc="").geturl()).page
    expect(other.locator("#tradeoff-nothing h2")).to_have_text("No result for this choice")
    for url, picture, summary in seen:
        other.goto(url)
        assert figure(other) == picture
        assert other.locator("#tradeoff-summary").inner_text() == summary
        assert other.url == url


@pytest.mark.parametrize(
    "search", ["?x=weight&languages=elvish&target=%00&point=a&view=heatmap&colour=blue", "?target=nothing&metric=f1"]
)
def test_what_an_address_should_not_hold_is_dropped(search: str, study: Any, visit: Callable[..., Any]):
    page = settled(visit(study, "/tradeoff" + search).page)
    page.wait_for_function("() => location.search === ''")


def test_a_point_leads_to_its_cell_and_back_shows_it(study: Any, visit: Callable[..., Any]):
    page = settled(visit(study, "/tradeoff?languages=de").page)
    key = "mini-4/mnli/xquad"
    hovered = "() => document.querySelector('#tradeoff-graph .js-plotly-plot')._hoverdata?.[0]?.customdata"
    for i in range(100):
        x, y = page.evaluate(CENTRE, key)
        page.mouse.move(x + i % 3, y)
        page.wait_for_timeout(100)
        if page.evaluate(hovered) == key:
            break
    expect(page.locator("#tradeoff-graph .hovertext")).to_contain_text("on its own")
    page.mouse.click(x, y)
    expect(page.get_by_role("dialog")).to_contain_text("mnli → German")
    assert query(page) == {"cell": "mnli.de", "model": "mini-4", "target": "xquad"}
    page.go_back()
    settled(page)
    assert query(page) == {"languages": "de", "point": key}
    assert page.evaluate(
        "() => document.querySelector('#tradeoff-graph .js-plotly-plot').data.some(t => t.name === 'chosen')"
    )
    page.go_forward()
    page.get_by_role("link", name="Compare in trade-off").click()
    settled(page)
    assert query(page) == {"languages": "de", "point": key, "target": "xquad"}


def test_keys_alone_turn_targets_read_the_table_and_open_a_cell(study: Any, visit: Callable[..., Any]):
    page = settled(visit(study, "/tradeoff").page)
    page.keyboard.press("]")
    until(page, "target", "xnli")
    page.keyboard.press("]")
    until(page, "target", "xquad")
    page.keyboard.press("t")
    until(page, "view", "table")
    rows = page.locator("#tradeoff-grid [role=row][row-id]")
    expect(rows.first).to_be_visible()
    page.locator("#tradeoff-view input:checked").focus()
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('#tradeoff-grid') !== null"):
            break
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("mean of languages")
    assert query(page)["cell"].endswith(".mean")
    page.go_back()
    expect(page.locator("#tradeoff-table")).to_be_visible()
    until(page, "view", "table")


def test_an_address_with_a_budget_says_what_to_run_and_the_slider_changes_it(study: Any, visit: Callable[..., Any]):
    page = settled(visit(study, "/tradeoff?budget=0.5&seeds=1&x=hours").page)
    bought = page.locator("#tradeoff-bought")
    expect(bought).to_contain_text("With 30 min of a device (cpu) for 1 seed")
    expect(bought.get_by_role("region", name="Chosen cells")).to_be_visible()
    assert page.evaluate(
        "() => document.querySelector('#tradeoff-graph .js-plotly-plot').data.some(t => t.name === 'portfolio')"
    )
    page.locator("#tradeoff-slide [role=slider]").focus()
    page.keyboard.press("Home")
    page.wait_for_function("() => !location.search.includes('budget')")
    expect(bought).to_be_empty()
    page.keyboard.press("ArrowRight")
    until(page, "budget", "0.001")
    expect(page.locator("#tradeoff-budget")).to_have_value("0.001")
    expect(bought).to_contain_text("no cell can be run")
    assert query(page) == {"budget": "0.001", "seeds": "1", "x": "hours"}


def test_an_axis_that_nothing_was_measured_on_says_so(study: Any, visit: Callable[..., Any]):
    page = visit(study, "/tradeoff?x=energy").page
    expect(page.locator("#tradeoff-nothing")).to_contain_text("Not measured")
    pick(page, "x", "FLOPs, 6·N·D")
    until(page, "x", "flops")
    expect(page.locator("#tradeoff-nothing")).to_be_hidden()
    assert "10¹⁵ FLOPs (6·N·D)" in figure(page)


def test_a_panel_for_each_language_of_one_target(study: Any, visit: Callable[..., Any]):
    page = settled(visit(study, "/tradeoff?languages=resource:low&panels=languages&target=xnli&trend=on").page)
    said = figure(page)
    assert "Swahili" in page.evaluate(
        "() => document.querySelector('#tradeoff-graph .js-plotly-plot').layout.annotations.map(a => a.text).join()"
    )
    assert "xnli@sw" in said
    assert "band" in said  # three sizes, three seeds: a line can be fitted
    expect(page.locator("#tradeoff-fitted")).to_contain_text("Swahili:")
    assert query(page) == {"languages": "resource:low", "panels": "languages", "target": "xnli", "trend": "on"}


def test_dark_is_the_same_figure_on_another_ground(study: Any, visit: Callable[..., Any]):
    page = settled(visit(study, "/tradeoff?x=hours", color_scheme="dark").page)
    ground = "() => document.querySelector('#tradeoff-graph .js-plotly-plot').layout.paper_bgcolor"
    assert page.evaluate(ground) == "#16191d"
    expect(page.locator("#tradeoff-badge")).to_have_text("synthetic benchmark")
    expect(page.locator("#tradeoff-summary")).to_have_attribute("role", "status")
    page.get_by_role("button", name="Switch between light and dark").click()
    page.wait_for_function(f"() => ({ground})() === '#ffffff'")


def test_on_a_phone_it_is_a_ranked_list(study: Any, visit: Callable[..., Any]):
    page = visit(study, "/tradeoff?x=hours", width=390, height=844).page
    first = page.locator("#tradeoff-ranked details").first
    first.wait_for()
    expect(page.locator("#tradeoff-figure")).to_be_hidden()
    gains = [float(t.split()[0].replace("−", "-")) for t in first.locator(".rank-number").all_inner_texts()]
    assert gains == sorted(gains, reverse=True)
    assert len(gains) == 6
    for width in (768, 390, 320):
        page.set_viewport_size({"width": width, "height": 844})
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    first.locator("a").first.click()
    expect(page.get_by_role("dialog")).to_contain_text("mean of languages")


def test_an_empty_store_says_what_why_and_next(empty_site: Any, visit: Callable[..., Any]):
    page = visit(empty_site, "/tradeoff").page
    expect(page.locator("#tradeoff-nothing")).to_contain_text("Nothing has been run yet")
    expect(page.locator("#tradeoff-body")).to_be_hidden()


def test_it_fills_while_one_looks(young_site: Any, visit: Callable[..., Any]):
    page = visit(young_site, "/tradeoff?x=hours").page
    expect(page.locator("#tradeoff-nothing")).to_contain_text("No score yet")
    young_site.lab.work()
    expect(page.locator("#tradeoff-nothing")).to_be_hidden()
    expect(page.locator("#tradeoff-summary")).to_contain_text("1 point")
    assert query(page) == {"x": "hours"}


@pytest.mark.slow
def test_a_bare_address_is_of_the_benchmark_that_is_worked_on(serve: Callable[..., Any], visit: Callable[..., Any]):
    """A laboratory that never ran the mini world is not led to an empty page of it; and may still choose it."""

    def begin(lab: Any) -> None:
        lab.appears()
        lab.submit(source="hub", models=["mbert"], targets=["xnli"], recipes=["mnli"], seeds=[0])
        lab.work()

    site = serve(begin)
    for path, control in (
        ("/", "#overview-source"),
        ("/explore", "#explore-source"),
        ("/tradeoff", "#tradeoff-source"),
    ):
        visitor = visit(site, path)
        page = visitor.page
        expect(page.locator(control)).to_have_value("XTREME-R, hub")
        page.locator(control).click()
        page.get_by_role("option", name="mini-XTREME-R").click()
        page.wait_for_function(
            "() => location.search !== '' && !location.search.includes('hub')"
        )  # a bare one is hub's
        left = page.evaluate("location.pathname + location.search")
        expect(visit(site, left).page.locator(control)).to_have_value("mini-XTREME-R")
