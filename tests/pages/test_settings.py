"""Several settings of one model and target: a reader sees that there are, which are shown, and chooses; the choice is in the
address, in the drawer, and in what is frozen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from backend.domain.schemas import GainCell, GainMatrix, SettingsChoice
from dashboard import drawer, words
from dashboard.links import Cell, Explore

ZERO, TRANSLATED = "0123456789", "abcdef0123"
CELLS = """() => {
  const plot = document.querySelector('#explore-graph .js-plotly-plot');
  const cells = plot && plot.data && plot.data.find(t => t.name === 'cells');
  return cells ? JSON.stringify([cells.customdata, cells.z]) : '';
}"""


def two(lab: Any) -> None:
    """XNLI zero-shot with three seeds; with two after translate-train, ``mnli`` alone."""
    lab.appears()
    lab.submit(recipes=["mnli", "squad"], seeds=[0, 1, 2], targets=["xnli", "xquad"])
    lab.work()
    lab.submit(name="Translated", recipes=["mnli"], seeds=[0, 1], translate_train=["en", "de"])
    lab.work()


@pytest.fixture(scope="module")
def translated_site(serve: Callable[..., Any]) -> Any:
    return serve(two)


def cells(page: Page, but: str = "") -> str:
    page.wait_for_function(f"was => ![was, ''].includes(({CELLS})())", arg=but)
    return str(page.evaluate(CELLS))


@pytest.mark.browser
def test_a_reader_chooses_among_settings_and_the_address_says_which(
    translated_site: Any, visit: Callable[..., Any], browser: Any
):
    page = visit(translated_site, "/explore?target=xnli&cell=mnli.de").page
    every = cells(page)
    summary = page.locator("#explore-summary")
    expect(summary).to_contain_text("Taken under 2 settings, which no gain mixes")
    control = page.locator("#explore-settings")
    expect(control).to_be_visible()
    panel = page.get_by_role("dialog")
    expect(panel).to_contain_text("zero-shot: of several those with most seeds")
    expect(panel.get_by_role("link", name="trained in de too")).to_be_visible()
    control.click()
    page.get_by_role("option", name="trained in de too (").click()
    chosen = cells(page, every)
    page.wait_for_function("() => new URLSearchParams(location.search).has('settings')")
    assert "squad." not in chosen  # nothing of it was run so
    expect(summary).to_contain_text("Shown: trained in de too, one of 2 settings")
    expect(panel).to_contain_text("trained in de too: chosen above")
    expect(panel.locator(".pairs tbody tr")).to_have_count(2)

    afresh = browser.new_context().new_page()
    try:
        afresh.goto(page.url)
        assert cells(afresh) == chosen
        expect(afresh.locator("#explore-summary")).to_contain_text("Shown: trained in de too")
    finally:
        afresh.context.close()

    was = page.url
    panel.get_by_role("link", name="zero-shot").click()
    page.wait_for_function("was => location.href !== was", arg=was)
    expect(summary).to_contain_text("Shown: zero-shot, one of 2 settings")
    assert cells(page, chosen) == every
    page.locator("#explore-settings").click()
    page.get_by_role("option", name="2 settings: in each cell most seeds").click()
    expect(summary).to_contain_text("Taken under 2 settings")
    page.wait_for_function("() => !new URLSearchParams(location.search).has('settings')")


@pytest.mark.browser
def test_another_target_has_other_settings(translated_site: Any, visit: Callable[..., Any]):
    page = visit(translated_site, "/explore?target=xnli").page
    every = cells(page)
    page.locator("#explore-settings").click()
    page.get_by_role("option", name="trained in de too (").click()
    chosen = cells(page, every)
    page.locator("#explore-target").click()
    page.get_by_role("option", name="XQuAD", exact=True).click()
    cells(page, chosen)
    page.wait_for_function(
        "() => new URLSearchParams(location.search).get('target') === 'xquad' && !location.search.includes('settings')"
    )
    expect(page.locator("#explore-settings")).to_be_hidden()


@pytest.mark.browser
def test_settings_that_are_gone_count_as_not_given(translated_site: Any, visit: Callable[..., Any]):
    page = visit(translated_site, f"/explore?settings={ZERO}&target=xnli").page
    expect(page.locator("#explore-summary")).to_contain_text("Taken under 2 settings")
    page.wait_for_function("() => !location.search.includes('settings')")


@pytest.mark.browser
def test_what_is_frozen_says_under_which_settings(translated_site: Any, visit: Callable[..., Any]):
    page = visit(translated_site, "/explore?target=xnli").page
    found = page.request.get(f"{translated_site.url}/api/v1/gains?target=xnli").json()
    name = found["choices"][1]["name"]
    view = f"/explore?model=mini-2%26settings={name}%26target=xnli"
    file = page.request.get(f"{translated_site.url}/download/explore.html?view={view}&title=Translated").text()
    assert "Shown: trained in de too, one of 2 settings" in file
    assert "0: " in file and " → " in file  # both scores of each seed


def several(matrix: Callable[..., GainMatrix], cell: Callable[..., GainCell], **changes: Any) -> GainMatrix:
    choices = [
        SettingsChoice(name=ZERO, title="zero-shot", gains=2, seeds=3, shown=1),
        SettingsChoice(name=TRANSLATED, title="trained in de too", gains=1, seeds=2, shown=1),
    ]
    row = {
        "sw": cell("mnli", "sw", 1.0, settings=ZERO, others=[TRANSLATED]),
        "de": cell("mnli", "de", 2.0, settings=TRANSLATED),
    }
    return matrix({"mnli": row}, choices=choices, **changes)


def test_a_mean_over_cells_of_different_settings_is_said_to_be_one(
    matrix: Callable[..., GainMatrix], cell: Callable[..., GainCell]
):
    mixed = several(matrix, cell)
    assert "The mean of mnli is over cells of different settings" in words.summary(mixed)
    alike = mixed.model_copy(update={"cells": [c.model_copy(update={"settings": ZERO}) for c in mixed.cells]})
    assert "different settings" not in words.summary(alike)
    assert "settings" not in words.summary(mixed.model_copy(update={"choices": []}))


def test_the_drawer_names_the_settings_and_leads_to_the_others(
    matrix: Callable[..., GainMatrix], cell: Callable[..., GainCell]
):
    found = several(matrix, cell)
    live = str(drawer.cell_panel(Cell("mnli", "sw"), found, state=Explore(target="xnli", cell=Cell("mnli", "sw"))))
    assert f"/explore?cell=mnli.sw&settings={TRANSLATED}&target=xnli" in live
    frozen = str(drawer.cell_panel(Cell("mnli", "sw"), found))
    assert "trained in de too" in frozen and "href" not in frozen
    assert "no other has a gain here" in str(drawer.cell_panel(Cell("mnli", "de"), found))
