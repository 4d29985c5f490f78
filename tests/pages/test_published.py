"""The page of published figures: counted, with its sources, its state in its address; sets explored; ours beside them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from backend.domain.literature import Reproduction
from backend.literature.figures import figures
from backend.literature.protocol import differing
from backend.literature.sets import explore
from dashboard import literature
from dashboard.links import Published


def figure(**wanted: Any) -> Any:
    return next(f for f in figures() if all(getattr(f, name) == value for name, value in wanted.items()))


def test_an_address_says_what_a_view_has_a_use_for():
    assert Published().address == "/published"
    state = Published.of("?view=compare&run=1&model=xlmr-large&protocol=none")
    assert (state.view, state.run, state.model, state.protocol) == ("compare", "1", "xlmr-large", "none")
    assert Published.of("?view=nothing&protocol=zeroshot&run=yes&q=" + "x" * 500) == Published()


def test_a_row_leads_to_its_paper_and_to_where_it_was_read():
    f = figure(file="mt5_readme_xtreme_avg.csv", row="X-STILTs", task="xnli")
    (row,) = literature.rows([f.view()])
    assert row["value"] == 80.4
    assert row["protocol"] == "intermediate, then zero-shot"
    assert row["table"].endswith("](https://github.com/google-research/multilingual-t5/blob/9dcd60f/README.md)")
    assert "version is not stated" in row["differs"]


def test_markup_in_a_source_is_text():
    assert literature._link("a_b [x](y) *c*", "https://x") == r"[a\_b \[x\]\(y\) \*c\*](https://x)"


def test_what_was_not_run_here_says_so_and_is_no_number():
    f = figure(file="ernie_m_readme_xnli.csv", model="xlmr-large", language="de", protocol="zero-shot")
    beside = Reproduction(
        published=f.view(),
        ours=None,
        difference=None,
        sd=None,
        seeds=0,
        runs=[],
        why="not run here",
        notes=differing(f),
    )
    (row,) = literature.compared_rows([beside])
    assert (row["ours"], row["difference"], row["why"]["ours"]) == (None, None, "not run here")
    assert "none of the 1 shown was run here" in literature.compared_summary([beside], 1, "hub")


def test_a_set_of_tasks_has_their_names_for_columns_and_no_families():
    drawn = literature.set_figure(explore("vu2020-full-full-classification"), "gain")["light"]
    ticks = drawn["layout"]["xaxis"]["ticktext"]
    assert ticks[0] == "mean of<br>targets"
    assert "<b>CoLA</b>" in ticks
    assert not {"band", "bands"} & {t["name"] for t in drawn["data"]}
    cells = next(t for t in drawn["data"] if t["name"] == "cells")
    assert cells["customdata"][0][0] == "SST-2.CoLA"
    assert cells["z"][0][0] == pytest.approx(3.2)  # 54.2 − 51.0


@pytest.mark.browser
def test_figures_are_filtered_and_the_address_says_how(site: Any, visit: Callable[..., Any]):
    page = visit(site, "/published?task=xnli").page
    said = page.locator("#published-summary")
    count = len([f for f in figures() if f.task == "xnli"])
    expect(said).to_contain_text(f"{count:,} of 5,741 published figures from 54 tables of 20 sources; 100 shown.")
    link = page.locator("#published-grid a").first
    expect(link).to_have_attribute("href", re.compile("^https://"))
    # arrow keys move between cells, Enter follows a cell's link
    watch = "followed = ''; addEventListener('click', e => { const a = e.target.closest('a'); if (a) { e.preventDefault(); followed = a.href; } }, true)"
    page.evaluate(watch)
    page.locator("#published-grid [col-id=size].ag-cell").first.click()
    page.keyboard.press("ArrowRight")
    for _ in range(20):  # the table hears what is ours of its keys a moment after it is drawn
        page.keyboard.press("Enter")
        if page.evaluate("followed"):
            break
        page.wait_for_timeout(250)
    assert page.evaluate("followed").startswith("https://")
    page.reload()
    page.get_by_label("Text holds").fill("X-STILTs")
    expect(said).to_contain_text("1 of 5,741")
    expect(page).to_have_url(re.compile(r"/published\?q=X-STILTs&task=xnli$"))
    expect(page.locator("#published-grid [col-id=value].ag-cell")).to_have_text("80.4")
    page.reload()
    expect(said).to_contain_text("1 of 5,741")


@pytest.mark.browser
def test_a_set_is_explored_and_then_ours_stand_beside(site: Any, visit: Callable[..., Any]):
    page = visit(site, "/published").page
    page.get_by_text("Explore a set", exact=True).click()
    expect(page.locator("#published-graph .main-svg").first).to_be_visible()
    expect(page.locator("#published-summary")).to_contain_text("XLM-V base minus XLM-R base on WikiANN, test")
    expect(page).to_have_url(re.compile(r"set=xlmv-wikiann-test&view=explore$"))
    page.get_by_text("Beside ours", exact=True).click()
    expect(page.locator("#published-figure")).to_be_hidden()
    expect(page.locator("#published-grid [col-id=ours].ag-cell").first).to_have_text("not run here")
    expect(page).to_have_url(re.compile(r"/published\?view=compare$"))


@pytest.mark.browser
def test_a_name_that_no_figure_has_says_so(site: Any, visit: Callable[..., Any]):
    page = visit(site, "/published?model=no-such").page
    expect(page.locator("#published-nothing")).to_contain_text("unknown model 'no-such'")
    page.get_by_role("link", name="Show everything").click()
    expect(page.locator("#published-summary")).to_contain_text("5,741 published figures")
