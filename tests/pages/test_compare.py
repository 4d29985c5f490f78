"""Things beside one another: the page in a real browser, and its figure by hand."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from backend.domain.comparison import ComparedCell, ComparedSide, Comparison
from backend.domain.run import RunKind, RunState
from dashboard.dumbbells import dumbbells, ordered, summary
from dashboard.links import Compare
from dashboard.look import DARK, LIGHT


def _comparison(scores: dict[str, list[float | None]]) -> Comparison:
    """Language → the score of each of two things."""
    sides = [
        ComparedSide(
            thing=f"m/{recipe}/xnli", title=f"m, {recipe}", kind=RunKind.EVALUATE, model="m", recipe=recipe, target="xnli",
            language=None, metric="accuracy", settings="a" * 10, runs=[1], seeds=[0], states=[RunState.DONE], left_out=[], trained=[],
            parameters=None, device_class=None, device_hours_marginal=None, device_hours_amortised=None, energy_joules=None,
            mean=None, difference=None, unpaired=None, record=None, letters=None,
        )
        for recipe in ("none", "mnli")
    ]  # fmt: skip
    cells = [
        [
            ComparedCell(
                language=code, score=each[n], low=None if each[n] is None else each[n] - 1, high=None if each[n] is None else each[n] + 2,
                per_seed=[] if each[n] is None else [each[n]], seeds=[] if each[n] is None else [0],
                missing="not reported yet" if each[n] is None else None, difference=None, difference_low=None, difference_high=None,
                pairs=0, p=None, q=None, verdict=None,
            )
            for code, each in scores.items()
        ]
        for n in (0, 1)
    ]  # fmt: skip
    return Comparison(
        benchmark="mini-XTREME-R",
        synthetic=True,
        sides=sides,
        languages=list(scores),
        common=[],
        cells=cells,
        fields=[],
        notes=[],
    )


def test_the_figure_has_a_point_for_each_score_and_none_for_what_is_missing():
    found = _comparison({"de": [50.0, 52.0], "sw": [40.0, None], "ar": [30.0, 39.0]})
    for theme in (LIGHT, DARK):
        joined, first, second = dumbbells(found, "family", theme).data
        assert list(first.x) == [50.0, 40.0, 30.0]
        assert list(second.x) == [52.0, 39.0]
        assert [round(y) for y in second.y] == [0, 2]  # in the lines of German and Arabic
        assert list(joined.x) == [50.0, 52.0, None, 30.0, 39.0, None]  # one score alone is joined to nothing
        assert (list(first.error_x.array), list(first.error_x.arrayminus)) == ([2.0] * 3, [1.0] * 3)
    assert ordered(found, "difference") == ["ar", "de", "sw"]
    assert ordered(found, "name") == ["ar", "de", "sw"]
    assert "B (m, mnli): from 39.0 in Arabic to 52.0 in German" in summary(found)


def test_an_address_is_read_back_and_repeats_are_taken_in_order():
    for things in (["12"], ["mini-2/mnli/xnli", "mini-2/siqa>copa@steps=4,cap=2/xcopa/sw", "3"]):
        state = Compare.beside(things, source="hub")
        assert Compare.of(state.address.partition("?")[2]) == state
        assert state.things == things
    by_hand = Compare.of("?c=mini-2/none/xnli&c=mini-2/mnli/xnli&metric=accuracy")
    assert (by_hand.things, by_hand.metric) == (["mini-2/none/xnli", "mini-2/mnli/xnli"], "accuracy")
    assert by_hand.swapped().things == ["mini-2/mnli/xnli", "mini-2/none/xnli"]
    assert Compare.of("?a=1&b=2&c=3").against("3").things == ["3", "1", "2"]
    assert Compare.of("?a=1&b=2&c=3").without("2").things == ["1", "3"]
    for bad in (
        "?a=../..&b=%00",
        "?a=0&b=a b",
        "?source=x&fields=y&order=z",
        "?" + "&".join(f"a={i}x" for i in range(99)),
    ):
        assert Compare.of(bad) == Compare()


@pytest.mark.browser
def test_what_differs_what_it_did_and_every_choice_an_address(site: Any, visit: Callable[..., Any]):
    page = visit(
        site, "/compare?a=mini-2/none/xnli&b=mini-2/mnli/xnli&c=mini-2/squad/xnli&d=mini-2/mnli%2Bsquad/xnli"
    ).page
    expect(page).to_have_title("Compare · Crosslift")
    facts = page.locator(".compare-facts")
    expect(facts).to_contain_text("training batch size")
    expect(facts).not_to_contain_text("weight decay")  # it is the same in all
    expect(page.get_by_text(re.compile(r"\d+ equal fields are hidden"))).to_be_visible()
    page.get_by_role("link", name="Show everything").click()
    page.wait_for_url("**&fields=all")
    expect(facts).to_contain_text("weight decay")
    page.go_back()
    expect(facts).not_to_contain_text("weight decay")
    means = page.locator(".compare-means tbody tr")
    expect(means.nth(1)).to_contain_text(re.compile(r"\+5\.\d \[\d\.\d, \d\.\d\]"))
    expect(means.nth(1)).to_contain_text("9 better")
    expect(means.nth(3)).to_contain_text("failed")  # its intermediate stage did
    expect(page.locator("#compare-graph .main-svg").first).to_be_visible()
    expect(page.locator("#compare-tracks .main-svg").first).to_be_visible()
    page.get_by_role("link", name="Swap A and B").click()
    page.wait_for_url("**/compare?a=mini-2/mnli/xnli&b=mini-2/none/xnli&**")
    expect(means.nth(1)).to_contain_text(re.compile(r"−5\.\d"))
    page.get_by_role("link", name="Make baseline").nth(1).click()
    page.wait_for_url("**/compare?a=mini-2/squad/xnli&**")
    page.get_by_role("link", name="by how far apart").click()
    page.wait_for_url("**&order=difference")
    for left in (3, 2, 1):
        page.locator(".compare-cards").get_by_role("link", name="Remove").first.click()
        expect(page.locator(".compare-cards > li")).to_have_count(left)
    page.get_by_label("Add a run, a recipe or a cell").fill("mini-4/mnli/xnli/sw")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator(".compare-cards > li")).to_have_count(2)
    page.get_by_label("Add a run, a recipe or a cell").fill("no such thing")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("#compare-said")).to_contain_text("Write the number of a run")


@pytest.mark.browser
def test_what_is_not_there_is_said(site: Any, visit: Callable[..., Any]):
    page = visit(site, "/compare?a=99999&b=mini-2/none/xnli", width=390, height=844).page
    expect(page.locator(".nothing")).to_contain_text("there is no run 99999")
    page.goto(f"{site.url}/compare?a=mini-2/mnli/xnli&b=mini-2/snli/xnli")
    expect(page.locator(".compare-means")).to_contain_text("not run")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.slow
@pytest.mark.browser
def test_what_ends_meanwhile_is_drawn_by_itself(serve: Callable[..., Any], visit: Callable[..., Any]):
    def begin(lab: Any) -> None:
        lab.appears()
        lab.submit(recipes=["mnli"], targets=["xnli"], seeds=[0])
        lab.work()

    site = serve(begin)
    page = visit(site, "/compare?a=mini-2/none/xnli&b=mini-2/mnli/xnli").page
    rows = page.locator(".compare-means tbody tr")
    expect(rows.nth(1)).to_contain_text("too few seeds")
    page.get_by_label("Add a run, a recipe or a cell").fill("mini-2/squad")
    site.lab.submit(name="More seeds", recipes=["mnli"], targets=["xnli"], seeds=[1, 2])
    site.lab.work()
    expect(rows.nth(1)).to_contain_text(re.compile(r"\+5\.\d \["), timeout=30_000)
    expect(page.locator("#compare-graph .main-svg").first).to_be_visible()
    expect(page.get_by_label("Add a run, a recipe or a cell")).to_have_value("mini-2/squad")  # what is written stays
