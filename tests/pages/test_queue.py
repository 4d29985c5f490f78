"""The queue in a real browser: what runs, what waits and why, and who is there."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from backend.domain.run import Phase
from backend.store import runs

pytestmark = [pytest.mark.browser]


@pytest.fixture(scope="module")
def busy(serve: Callable[..., Any]) -> Any:
    def fill(lab: Any) -> None:
        lab.appears()
        lab.submit(models=["mini-1", "mini-2"], recipes=["mnli", "squad"], targets=["xnli", "tatoeba"], seeds=[0, 1])
        lab.work(at_most=9, broken="squad")

    return serve(fill)


def test_the_queue_says_what_runs_and_why_the_rest_waits(busy: Any, visit: Callable[..., Any]):
    busy.lab.appears()
    claim = busy.lab.claim()
    with busy.lab.store.write() as session:
        runs.beat(
            session, claim.run_id, claim.attempt, lease_seconds=600, phase=Phase.LOADING, step=0, total_steps=0, rate=None,
            eta_low=None, eta_high=None, progressed=True,
        )  # fmt: skip
    page = visit(busy, "/queue").page
    expect(page).to_have_title("Queue · Crosslift")
    content = page.locator("#queue-content")
    expect(content).to_contain_text("1 of 2 slots busy")
    expect(content).to_contain_text("loading")
    expect(content).to_contain_text(re.compile(r"heartbeat \d+ s ago"))
    expect(content).to_contain_text("queued, next")
    expect(content).to_contain_text(re.compile(r"waiting for run \d+ \("))
    expect(content).to_contain_text("the loss is not finite")
    # it moves by itself
    with busy.lab.store.write() as session:
        runs.beat(
            session, claim.run_id, claim.attempt, lease_seconds=600, phase=Phase.TRAINING, step=7, total_steps=70, rate=None,
            eta_low=None, eta_high=None, progressed=True,
        )  # fmt: skip
    expect(content).to_contain_text("step 7 of 70")
    # what is listed is in the address, and the address lists it
    page.locator("#queue-show").click()
    page.get_by_role("option", name="Waiting").click()
    page.locator("#queue-kind").click()
    page.get_by_role("option", name="Evaluate").click()
    page.get_by_label("Title holds").fill("mini-2 tatoeba")
    page.wait_for_url("**/queue?kind=evaluate&q=mini-2%20tatoeba&show=waiting")
    expect(content.locator(".rows .row-title").first).to_contain_text("Evaluate mini-2 on tatoeba")
    titles = content.locator(".rows .row-title").all_inner_texts()
    assert titles and all(t.startswith("Evaluate mini-2 on tatoeba") for t in titles)
    other = visit(busy, "/queue?kind=evaluate&q=mini-2%20tatoeba&show=waiting", width=390, height=844).page
    expect(other.locator("#queue-content .rows .row-title")).to_have_count(len(titles))
    assert other.evaluate("document.documentElement.scrollWidth") <= 390
    other.get_by_label("Title holds").fill("nothing is called this")
    expect(other.locator("#queue-content")).to_contain_text("None matches")


def test_runs_are_moved_and_workers_drained(serve: Callable[..., Any], visit: Callable[..., Any]):
    """On a site of its own: the queue of others is not to change."""

    def fill(lab: Any) -> None:
        lab.appears()
        lab.submit(models=["mini-1", "mini-2"], targets=["xnli"])

    site = serve(fill)
    page = visit(site, "/queue?show=queued").page
    titles = page.locator("#queue-content .rows .row-title")
    expect(titles).to_have_count(2)
    first, second = titles.all_inner_texts()
    page.get_by_role("button", name=f"To the front: {second}").click()
    expect(titles.first).to_have_text(second)
    expect(page.locator("#queue-content")).to_contain_text("priority 1")
    page.get_by_role("button", name=f"To the front: {first}").click()
    expect(titles.first).to_have_text(first)
    page.get_by_role("button", name="Drain: a worker").click()
    content = page.locator("#queue-content")
    expect(content).to_contain_text("Every worker is drained: what is queued waits.")
    expect(content).to_contain_text("drained: it takes nothing new, and is idle")
    assert site.lab.claim() is None
    page.get_by_role("button", name="Take runs again: a worker").click()
    expect(content).not_to_contain_text("drained")
    site.lab.appears()
    assert site.lab.claim() is not None


def test_keys_move_a_run_and_the_focus_goes_with_it(serve: Callable[..., Any], visit: Callable[..., Any]):
    def fill(lab: Any) -> None:
        lab.appears()
        lab.submit(models=["mini-1", "mini-2", "mini-4"], targets=["xnli"], seeds=[0])

    site = serve(fill)
    page = visit(site, "/queue?show=queued").page
    titles = page.locator("#queue-content .rows .row-title")
    expect(titles).to_have_count(3)
    one, two, three = titles.all_inner_texts()
    first = page.locator("#queue-content .rows > li").first
    expect(first).to_have_css("grid-template-columns", re.compile("^134px "))  # room for the box beside the state
    page.evaluate("window.untouched = true")
    expect(page.locator("#status")).not_to_be_empty()  # the first beat has been, at which the list is drawn anew
    page.wait_for_load_state("networkidle")
    page.get_by_role("button", name=f"Down: {one}").focus()
    page.keyboard.press("Alt+ArrowDown")
    expect(titles).to_have_text([two, one, three])
    expect(page.get_by_role("button", name=f"Down: {one}")).to_be_focused()
    page.keyboard.press("Alt+ArrowDown")
    expect(titles).to_have_text([two, three, one])
    expect(page.get_by_role("button", name=f"Up: {one}")).to_be_focused()  # there is nothing below it any more
    page.keyboard.press("Alt+Home")
    expect(titles).to_have_text([one, two, three])
    page.get_by_role("button", name=f"Up: {three}").click()
    expect(titles).to_have_text([one, three, two])
    assert page.evaluate("window.untouched")  # it is the same document
    # many at once: to the end in their order, then cancelled
    for title in (one, three):
        page.get_by_role("checkbox", name=f"Choose {title}").check()
    page.locator("#queue-bar").get_by_role("button", name="To the end").click()
    expect(titles).to_have_text([two, one, three])
    expect(page.locator("#queue-bar")).to_be_hidden()
    page.get_by_role("checkbox", name=f"Choose {two}").check()
    page.locator("#queue-bar").get_by_role("button", name="Cancel").click()
    asked = page.get_by_role("dialog", name="Cancel 1 run?")
    asked.get_by_role("button", name="Go on").click()
    expect(asked).to_be_hidden()
    expect(titles).to_have_text([two, one, three])
    page.locator("#queue-bar").get_by_role("button", name="Cancel").click()
    asked.get_by_role("button", name="Cancel them").click()
    expect(titles).to_have_text([one, three])
    page.get_by_role("navigation", name="Presets").get_by_role("link", name="Failed in 24 h").click()
    page.wait_for_url("**/queue?show=failed&within=24h")
    expect(page.locator("#queue-content")).to_contain_text("None matches")
