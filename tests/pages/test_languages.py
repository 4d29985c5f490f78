"""Languages: tables and figure as functions of an answer, and both pages in a real browser."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from dash.development.base_component import Component
from playwright.sync_api import Page, expect

from backend.api.catalogue import language_view
from backend.domain.by_language import BestRecipe, LanguageCell, LanguageDetail, LanguageRow, LanguageTable
from backend.domain.gains import Missing, Verdict
from backend.domain.language import LANGUAGES
from dashboard import language_figures, language_tables, links
from dashboard.links import Languages, OneLanguage

pytestmark = [pytest.mark.filterwarnings("error")]


def row(code: str, gain: float | None = None, **changes: Any) -> LanguageRow:
    known: dict[str, Any] = {
        "code": code, "targets": ["xnli"], "gain": gain, "low": None, "high": None, "k": 0 if gain is None else 1, "n": 1,
        "cells": 0 if gain is None else 2, "seeds": 3, "missing": Missing.NOT_RUN if gain is None else None,
        "why_missing": "no recipe was run on a target that has it" if gain is None else None, "best": None, "runs": 0,
    }  # fmt: skip
    return LanguageRow(**(known | changes))


def cell(recipe: str, gain: float | None, **changes: Any) -> LanguageCell:
    known: dict[str, Any] = dict.fromkeys(LanguageCell.model_fields)
    known |= {
        "recipe": recipe, "target": "xnli", "metric": "accuracy", "missing": None if gain is not None else Missing.NOT_RUN,
        "why_missing": None if gain is not None else f"no run of {recipe} yet", "gain": gain, "n": 0 if gain is None else 3,
        "verdict": None if gain is None else Verdict.NO_EVIDENCE, "same_data_twice": False, "not_zero_shot": False, "control": False,
    }  # fmt: skip
    return LanguageCell(**(known | changes))


TABLE = LanguageTable(
    source="mini", benchmark="mini-XTREME-R", synthetic=True, model="mini-2", models=["mini-2"],
    languages=[
        row("de", 1.0),
        row("sw", 2.5, low=1.0, high=4.0, best=BestRecipe(recipe="mnli", target="xnli", gain=4.0, low=2.0, high=6.0, n=3, verdict=Verdict.HELPS, of=2)),
        row("tr", None),
        row("yo", None, targets=[], n=0, missing=Missing.NOT_APPLICABLE, why_missing="no target of mini-XTREME-R has it"),
    ],
)  # fmt: skip
DETAIL = LanguageDetail(
    source="mini", benchmark="mini-XTREME-R", synthetic=True, language=language_view(LANGUAGES["sw"]), model="mini-2",
    models=["mini-2"], row=TABLE.languages[1], near=[],
    cells=[cell("squad", -1.0, low=-2.0, high=0.0), cell("mnli", 4.0, low=2.0, high=6.0, q=0.01), cell("hellaswag", None),
           cell("ccg", None, missing=Missing.FAILED, why_missing="run 7 failed: the loss is not finite")],
)  # fmt: skip


def text(parts: Any) -> str:
    """Every word of some components."""
    if isinstance(parts, (list, tuple)):
        return " ".join(text(p) for p in parts)
    if isinstance(parts, Component):
        return text(getattr(parts, "children", None))
    return "" if parts is None else str(parts)


def codes(**state: Any) -> list[str]:
    return [r.code for r in language_tables.chosen(TABLE, Languages(**state))]


def test_filters_and_orders():
    assert codes() == ["de", "sw", "yo", "tr"]  # by family: Indo-European, Niger-Congo (Bantu, Volta-Niger), Turkic
    assert codes(sort="gain") == ["sw", "de", "yo", "tr"]  # without a number last, not as zero
    assert codes(sort="name") == ["de", "sw", "tr", "yo"]
    assert codes(family="Niger-Congo") == ["sw", "yo"]
    assert codes(level="low", shown="measured") == ["sw"]
    assert codes(script="Latin", q="turk") == ["tr"]
    assert codes(q="kiswahili") == ["sw"]


def test_what_is_missing_is_said_and_never_a_zero():
    said = text(language_tables.listing(TABLE, Languages()))
    assert "+2.5 [1.0, 4.0]" in said
    assert "not run" in said
    assert "n/a" in said
    assert "mnli +4.0 [2.0, 6.0]" in said
    assert "largest of 2" in said
    summary = language_tables.summary(TABLE, Languages())
    assert "4 languages" in summary
    assert "mean gain in 2, above zero in 2; largest in Swahili, +2.5 [1.0, 4.0]" in summary
    assert "1 not applicable, 1 not run" in summary


def test_the_bars_of_a_language():
    figure = language_figures.bars(DETAIL).to_plotly_json()
    (bars,) = figure["data"]
    assert list(bars["customdata"]) == ["mnli", "squad"]  # the largest first, and no bar where there is no gain
    assert list(bars["x"]) == [4.0, -1.0]
    assert list(bars["error_x"]["array"]) == [2.0, 1.0]
    assert list(figure["layout"]["yaxis"]["ticktext"]) == ["mnli •", "squad", "ccg", "hellaswag"]
    words = [note["text"] for note in figure["layout"]["annotations"]]
    assert {"failed", "not run"} <= set(words)


def test_what_was_not_run_leads_to_a_form_that_runs_it():
    said = str(language_tables.missing(DETAIL))
    assert "/new?models=mini-2&recipes=hellaswag&source=mini&targets=xnli" in said
    assert "run 7 failed" in said


@pytest.mark.parametrize(
    "search", ["?sort=colour&family=Elvish&script=Runes&level=none&source=x&model=%00", "?q=", "?shown=some"]
)
def test_bad_parameters_are_dropped(search: str):
    assert Languages.of(search) == Languages()


def test_addresses_are_read_back():
    state = Languages(
        family="Niger-Congo",
        level="low",
        model="mini-2",
        q="bantu",
        script="Latin",
        shown="measured",
        sort="gain",
        source="hub",
    )
    assert Languages.of(urlsplit(state.address).query) == state
    assert OneLanguage(model="mini-2", source="files").address("sw") == "/languages/sw?model=mini-2&source=files"
    assert links.language("../x") == "/languages/..%2Fx"


# --- in a browser ------------------------------------------------------------------------------------------------------


def query(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def until(page: Page, name: str, value: str | None) -> None:
    page.wait_for_function("([n, v]) => new URLSearchParams(location.search).get(n) === v", arg=[name, value])


@pytest.mark.browser
def test_controls_are_the_address_and_a_language_opens_and_back_returns(site: Any, visit: Callable[..., Any]):
    page = visit(site, "/languages?model=mini-2").page
    rows = page.locator("#languages-list tbody tr")
    expect(rows).to_have_count(len(LANGUAGES))
    page.locator("#languages-shown label", has_text="With a gain").click()
    until(page, "shown", "measured")
    page.locator("#languages-sort").click()
    page.get_by_role("option", name="Mean gain", exact=True).click()
    until(page, "sort", "gain")
    page.locator("#languages-level label", has_text="Low").click()
    until(page, "level", "low")
    kept, seen = page.url, page.locator("#languages-list").inner_text()
    assert query(page) == {"level": "low", "model": "mini-2", "shown": "measured", "sort": "gain"}

    other = visit(site, urlsplit(kept)._replace(scheme="", netloc="").geturl()).page
    expect(other.locator("#languages-list tbody tr").first).to_be_visible()
    assert other.locator("#languages-list").inner_text() == seen

    page.get_by_role("link", name="Swahili", exact=True).click()
    expect(page.locator("h1")).to_contain_text("Swahili")
    expect(page).to_have_title("Swahili · Crosslift")
    expect(page.locator("#language-graph .main-svg").first).to_be_visible()
    expect(page.locator("#language-rest")).to_contain_text("Nearest languages")
    expect(page.locator("#main")).to_contain_text("figures of papers, not ours")
    page.go_back()
    expect(page.locator("#languages-list")).to_be_visible()
    until(page, "sort", "gain")
    assert page.locator("#languages-list").inner_text() == seen


@pytest.mark.browser
def test_a_page_has_its_address_and_numbers_with_its_layout_and_reads_nothing_twice(
    site: Any, visit: Callable[..., Any]
):
    page = visit(site, "/languages").page
    until(page, "model", "mini-2")
    expect(page.locator("#languages-pulse")).not_to_have_text("")  # the first beat, which has every page look again
    page.wait_for_load_state("networkidle")
    asked: list[str] = []
    page.on("request", lambda r: asked.append(r.post_data or "") if "_dash-update-component" in r.url else None)
    for path, there in (("/languages/sw", "#language-graph .main-svg"), ("/languages", "#languages-list")):
        page.evaluate("path => window.crossliftGo(path)", path)
        expect(page.locator(there).first).to_be_visible()
        until(page, "model", "mini-2")
        page.wait_for_load_state("networkidle")
    outputs = [json.loads(text)["output"] for text in asked]
    assert [output for output in outputs if "_pages_content" in output]
    assert not [output for output in outputs if "-address.data" in output]


@pytest.mark.browser
def test_a_language_page_by_itself_on_a_phone_and_one_that_is_none(site: Any, visit: Callable[..., Any]):
    page = visit(site, "/languages/sw?model=mini-4", width=390, height=844).page
    expect(page.locator("#language-model")).to_have_value("Mini XLM-R, 4 layers")
    expect(page.locator("#language-graph .main-svg").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    until(page, "model", "mini-4")
    page = visit(site, "/languages/elvish").page
    expect(page.locator("#main")).to_contain_text("No such language")
    expect(page.locator("#main")).to_contain_text("unknown language")
