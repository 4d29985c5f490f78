"""An experiment's page in a real browser, while its runs are done: what changes arrives by itself."""

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
    """Nothing of it has begun; tests do its runs, and others'."""

    def fill(lab: Any) -> None:
        lab.appears()
        lab.submit(name="Watched", recipes=["mnli", "squad"], targets=["xnli", "tatoeba"], seeds=[0, 1])

    return serve(fill)


def beat(lab: Any, claim: Any, step: int) -> None:
    with lab.store.write() as session:
        runs.beat(
            session, claim.run_id, claim.attempt, lease_seconds=600, phase=Phase.TRAINING, step=step, total_steps=300,
            rate=4.0, eta_low=40, eta_high=130, progressed=True,
        )  # fmt: skip


def test_progress_arrives_by_itself_and_survives_a_reload_and_an_api_that_is_away(busy: Any, visit: Callable[..., Any]):
    visitor = visit(busy, "/experiments/1")
    page, lab = visitor.page, busy.lab
    expect(page).to_have_title("Experiment · Crosslift")
    expect(page.locator("#exp-state")).to_contain_text("waiting")
    page.wait_for_function("() => document.documentElement.getAttribute('data-live') === 'on'")
    page.evaluate("() => dash_clientside.set_props('clock', { disabled: true })")  # only the stream is left to tell
    claim = lab.claim()
    beat(lab, claim, 120)
    now = page.locator("#exp-now")
    expect(now).to_contain_text("step 120 of 300, 4 steps a second")
    expect(now).to_contain_text("about 1–2 minutes left")
    expect(now).to_contain_text(re.compile(r"heartbeat \d+ s ago"))
    expect(page.locator("#exp-state")).to_contain_text("running")
    lab.finish(claim)
    lab.work(at_most=4)
    expect(page.locator("#exp-bars .legend")).to_contain_text("5 done")
    # another browser, and this one anew, show the same
    second = visit(busy, "/experiments/1", locale="de-DE")
    other = second.page
    page.reload()
    for each in (page, other):
        expect(each.locator("#exp-bars .legend")).to_contain_text("5 done")
    # the API goes away and comes back; what was shown stays
    busy.stop()
    lab.work(broken="squad")
    expect(page.locator("#exp-bars .legend")).to_contain_text("5 done")
    busy.start()
    for each in (page, other):
        expect(each.locator("#exp-state")).to_contain_text("done with failures")
        expect(each.locator("#exp-alert")).to_be_empty()
    # failures first, and each cell leads to its run
    failures = page.locator("#exp-failures")
    expect(failures).to_contain_text("2 runs failed")
    expect(failures).to_contain_text("the loss is not finite")
    expect(failures).to_contain_text("skipped because of it")
    cell = page.get_by_role("link", name="mini-2, squad → XNLI, seed 0: skipped")
    expect(cell).to_be_visible()
    page.get_by_role("link", name="mini-2, mnli → XNLI, seed 0: done").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Evaluate mini-2 on xnli after mnli, seed 0")
    page.go_back()
    expect(page.locator("#exp-yaml")).to_be_attached()
    expect(page.get_by_role("link", name="See results")).to_have_attribute("href", "/explore?model=mini-2&target=xnli")
    expect(page.get_by_role("link", name="Clone")).to_have_attribute("href", "/new?from=1")
    with page.expect_download() as saved:
        page.get_by_role("link", name="Scores as CSV").click()
    assert saved.value.suggested_filename == "crosslift-experiment-1.csv"
    # what failed is done again, live
    page.get_by_role("button", name="Retry").click()
    expect(page.locator("#exp-state")).to_contain_text("running")
    expect(page.get_by_role("button", name="Retry")).to_be_hidden()
    lab.work()
    expect(page.locator("#exp-state")).to_contain_text("All 22 runs done")
    for each in (visitor, second):  # a server that is away is an error of the network; nothing else may be there
        each.console[:] = [line for line in each.console if "net::ERR_" not in line and "did not respond" not in line]


def test_cancelling_says_so_until_it_is_true(serve: Callable[..., Any], visit: Callable[..., Any]):
    def fill(lab: Any) -> None:
        lab.appears()
        lab.submit(name="To be stopped", seeds=[0])

    site = serve(fill)
    claim = site.lab.claim()
    page = visit(site, "/experiments/1").page
    expect(page.locator("#exp-state")).to_contain_text("running")
    page.get_by_role("button", name="Cancel", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Kept: 0 runs")
    expect(dialog).to_contain_text("Stopped: 1 running run")
    dialog.get_by_role("button", name="Go on running").click()
    expect(dialog).to_be_hidden()
    page.get_by_role("button", name="Cancel", exact=True).press("Enter")
    page.get_by_role("button", name="Cancel the experiment").press("Enter")
    expect(page.locator("#exp-state .chip")).to_have_text("⊘cancelling")
    expect(page.get_by_role("button", name="Cancel", exact=True)).to_be_hidden()
    with site.lab.store.write() as session:
        runs.cancelled(session, claim.run_id, claim.attempt)
    expect(page.locator("#exp-state .chip")).to_have_text("⊘cancelled")
    expect(page.locator("#exp-state")).to_contain_text("What was done is kept")
    # the list knows it, and its filter is in the address
    page.get_by_role("link", name="Experiments", exact=True).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Experiments")
    expect(page.locator("#experiments-list")).to_contain_text("To be stopped")
    page.locator("#experiments-state").click()
    page.get_by_role("option", name="Running").click()
    page.wait_for_url("**/experiments?state=running")
    expect(page.locator("#experiments-list")).to_contain_text("No such experiment")
    page.reload()
    expect(page.locator("#experiments-list")).to_contain_text("No such experiment")


def test_what_is_not_there_says_so(empty_site: Any, visit: Callable[..., Any]):
    page = visit(empty_site, "/experiments").page
    expect(page.locator("#experiments-list")).to_contain_text("Nothing has been asked for yet")
    for address in ("/experiments/7", "/experiments/x", "/experiments/" + "9" * 30):
        page.goto(empty_site.url + address)
        expect(page.get_by_role("heading", level=1)).to_have_text("There is no such experiment")
    for address in ("/runs/7", "/runs/0", "/runs/1/2"):
        page.goto(empty_site.url + address)
        expect(page.get_by_role("heading", level=1)).to_have_text("There is no such run")
    page.goto(empty_site.url + "/queue")
    expect(page.locator("#queue-content")).to_contain_text("The queue is empty")
