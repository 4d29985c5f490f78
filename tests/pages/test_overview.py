"""Overview: what it says of constructed numbers, and that the page is what it says."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from backend.domain.gains import Verdict
from backend.domain.run import DeviceClass
from backend.domain.schemas import Overview, PairView
from dashboard import learnt, pairs
from dashboard.look import DARK, LIGHT


def pair(recipe: str = "mnli", target: str = "xcopa", gain: float = 1.5, **changes: Any) -> PairView:
    known: dict[str, Any] = {
        "model": "mini-2", "recipe": recipe, "target": target, "metric": "accuracy", "gain": gain, "low": gain - 1,
        "high": gain + 1, "k": 7, "n": 8, "seeds": 3, "verdict": Verdict.NO_EVIDENCE, "device_class": DeviceClass.CPU,
        "device_hours_marginal": 0.5, "gain_per_device_hour": gain / 0.5 if gain > 0 else None, "same_data_twice": False,
    }  # fmt: skip
    return PairView(**(known | changes))


def overview(helps: int = 0, hurts: int = 0, none: int = 0, few: int = 0, **changes: Any) -> Overview:
    known: dict[str, Any] = {
        "source": "mini", "benchmark": "mini-XTREME-R", "synthetic": True,
        "verdicts": dict(zip(Verdict, (helps, hurts, none, few), strict=True)), "cells": helps + hurts + none + few,
        "cells_possible": 100, "best": None, "best_per_hour": None, "pairs": [], "models": ["mini-2"], "recipes": ["mnli"],
        "targets": ["xcopa"], "device_hours": {}, "runs_done": 3, "experiments": 1,
    }  # fmt: skip
    return Overview(**(known | changes))


@pytest.mark.parametrize(
    ("counts", "says", "never"),
    [
        ((0, 0, 0, 0), "Nothing can be said yet", "help"),
        ((0, 0, 0, 1), "Too early to say: the only cell has fewer than the three seeds", "helps"),
        ((0, 0, 0, 9), "Too early to say: all 9 cells have fewer", "helps"),
        ((0, 0, 8, 0), "No effect has been found in 8 tested cells, which does not show that there is none.", "seeds"),
        ((0, 0, 1, 2), "No effect has been found in 1 tested cell, which does not show", "helps"),
        ((3, 0, 5, 1), "In 3 of 8 tested cells an intermediate task helps; in the other 5 there is no evidence; 1 more has", "hurts"),
        ((0, 2, 5, 0), "In 2 of 7 tested cells an intermediate task hurts; in the other 5", "helps"),
        ((3, 2, 5, 4), "Of 10 tested cells, an intermediate task helps in 3 and hurts in 2; in 5 there is no evidence; 4 more have", "all"),
    ],
)  # fmt: skip
def test_the_answer_is_no_stronger_than_the_data(counts: tuple[int, ...], says: str, never: str):
    said = learnt.answer(overview(*counts))
    assert said.startswith(says)
    assert never not in said
    assert said.endswith(".")


def test_best_is_of_what_was_tested_and_counts():
    seen = overview(
        few=4, helps=4, recipes=["mnli", "squad", "control:mnli"], targets=["xcopa", "xquad"],
        pairs=[
            pair("mnli", "xcopa", 9.0, seeds=1, verdict=Verdict.TOO_FEW),
            pair("squad", "xquad", 8.0, same_data_twice=True),
            pair("control:mnli", "xcopa", 7.0),
            pair("squad", "xcopa", 2.0, device_hours_marginal=4.0, gain_per_device_hour=0.5),
            pair("mnli", "xquad", 1.0, gain_per_device_hour=2.0),
        ],
        best=pair("mnli", "xcopa", 9.0, seeds=1), best_per_hour=pair("mnli", "xcopa", 9.0, seeds=1),
    )  # fmt: skip
    best, worth = learnt.best(seen), learnt.best_per_hour(seen)
    assert best is not None and (best.recipe, best.target) == ("squad", "xcopa")
    assert worth is not None and (worth.recipe, worth.target) == ("mnli", "xquad")
    untested = overview(few=4, pairs=[pair(seeds=1)], best=pair(seeds=1))
    assert learnt.best(untested) == pair(seeds=1)  # said to have too few seeds, where it is shown


def test_size_is_compared_over_common_pairs_and_called_untested():
    both = [pair(gain=1.0), pair(gain=3.0, model="mini-4"), pair("squad", "xquad", 50.0, model="mini-4")]
    said = learnt.by_size(overview(pairs=both))
    assert said is not None
    assert (
        "1 pair of recipe and target" in said and "+1.0 with" in said and "+3.0 with" in said and "Not tested." in said
    )
    assert "50" not in said
    assert learnt.by_size(overview(pairs=[pair()])) is None


def test_hours_are_a_gpu_s_only_where_a_gpu_spent_them():
    assert learnt.spent(overview(device_hours={DeviceClass.CPU: 7.1})) == ["7.1 device-hours (cpu)"]
    assert learnt.spent(overview(device_hours={DeviceClass.CUDA: 2.0, DeviceClass.CPU: 0.5})) == [
        "30 min of a device (cpu)",
        "2.0 GPU-hours",
    ]
    assert "GPU" not in learnt.per_hour(pair())


def test_each_verdict_leads_to_where_it_can_be_seen():
    seen = overview(
        1,
        1,
        pairs=[pair(gain=2.0, verdict=Verdict.HELPS), pair("squad", "xquad", -2.0, verdict=Verdict.HURTS, metric="f1")],
    )
    assert learnt.where(seen, Verdict.HELPS) == "/explore?model=mini-2&target=xcopa"
    assert learnt.where(seen, Verdict.HURTS) == "/explore?model=mini-2&target=xquad"
    assert learnt.where(overview(), Verdict.HELPS) == "/explore"


def test_the_small_heatmap_marks_what_must_not_be_taken_for_a_result():
    seen = overview(
        recipes=["mnli", "squad"], targets=["xcopa", "xnli"],
        pairs=[pair(gain=2.0, verdict=Verdict.HELPS), pair("mnli", "xnli", 6.0, same_data_twice=True)],
    )  # fmt: skip
    for theme in (LIGHT, DARK):
        figure = pairs.heatmap(seen, "mini-2", theme).to_plotly_json()
        assert list(figure["data"][1]["text"]) == ["+2.0 •", "+6.0‡"]
        assert figure["data"][0]["customdata"][0][0] == "/explore?model=mini-2&target=xcopa"
        assert figure["layout"]["paper_bgcolor"] == theme.paper
        assert figure["layout"]["coloraxis"]["cmin"] == -6.0
    assert pairs.heatmap(seen, "mini-4", LIGHT).to_plotly_json()["data"] == []


# --- in a browser --------------------------------------------------------------------------------------------------


@pytest.mark.browser
def test_the_front_door_says_what_has_been_learnt(site: Any, visit: Callable[..., Any]):
    page = visit(site, "/").page
    expect(page).to_have_title("Overview · Crosslift")
    expect(page.locator(".answer")).to_contain_text(
        re.compile(r"Of \d+ tested cells, an intermediate task helps in \d+")
    )
    expect(page.get_by_role("link", name="Overview", exact=True)).to_have_attribute("aria-current", "page")
    expect(page.locator("#overview-badge")).to_have_text("synthetic benchmark")
    expect(page.locator("#overview-now")).to_contain_text("Nothing runs.")
    page.wait_for_function("() => new URLSearchParams(location.search).get('model') === 'mini-2'")
    plot = "() => document.querySelector('#overview-graph .js-plotly-plot')?.data?.[1]?.text.join() || ''"
    page.wait_for_function(plot)
    before = page.evaluate(plot)
    page.locator("#overview-model").click()
    page.get_by_role("option", name="Mini XLM-R, 4 layers").click()
    page.wait_for_function("() => new URLSearchParams(location.search).get('model') === 'mini-4'")
    page.wait_for_function(f"before => ({plot})() !== before", arg=before)
    after = page.evaluate(plot)
    other = visit(site, "/?model=mini-4").page
    other.wait_for_function(plot)
    assert other.evaluate(plot) == after
    other.get_by_text("As a table").click()
    table = other.locator("#overview-pairs table")
    expect(table.get_by_role("row")).to_have_count(1 + len([t for t in after.split(",") if t != "–"]))
    table.get_by_role("link", name="squad → XNLI").click()
    other.wait_for_function("() => location.pathname === '/explore' && location.search.includes('model=mini-4')")
    other.go_back()
    expect(other.locator(".answer")).to_be_visible()


@pytest.mark.browser
def test_an_empty_store_says_what_to_do_first(empty_site: Any, visit: Callable[..., Any]):
    page = visit(empty_site, "/?model=nobody&source=moon", width=390, height=844).page
    expect(page.get_by_role("heading", name="Nothing has been run on this benchmark yet")).to_be_visible()
    expect(page.locator(".command")).to_have_text("make demo")
    expect(page.locator("#overview-top").get_by_role("link", name="New experiment")).to_have_attribute("href", "/new")
    page.get_by_role("button", name="Pages").click()
    menu = page.get_by_role("dialog", name="Pages")
    expect(menu.get_by_role("link")).to_have_text(
        [
            "Overview",
            "Explore",
            "Trade-off",
            "Answer",
            "Compare",
            "Languages",
            "MultiCheckList",
            "Published",
            "Imports",
            "Experiments",
            "Runs",
            "Queue",
            "Submission check",
            "Shares",
            "Help",
        ]
    )
    expect(menu.get_by_role("link", name="Overview")).to_have_attribute("aria-current", "page")
    menu.get_by_role("link", name="Help").click()
    expect(page).to_have_title("Help · Crosslift")
    expect(menu).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
