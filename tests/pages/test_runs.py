"""The list of runs and saved views, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from dashboard.links import Compare, Runs

pytestmark = [pytest.mark.browser]


@pytest.fixture(scope="module")
def mixed(serve: Callable[..., Any]) -> Any:
    """Two seeds done of two recipes, one that failed, some that are queued."""

    def fill(lab: Any) -> None:
        lab.appears()
        lab.submit(recipes=["mnli", "squad"], targets=["xnli"], seeds=[0, 1])
        lab.work(broken="squad")
        lab.submit(models=["mini-1"], targets=["xnli"], seeds=[0])

    return serve(fill)


def test_seeds_are_one_row_that_opens_and_filters_and_columns_are_in_the_address(mixed: Any, visit: Callable[..., Any]):
    page = visit(mixed, "/runs?kind=evaluate&model=mini-2").page
    expect(page).to_have_title("Runs · Crosslift")
    rows = page.locator(".run-table tbody tr")
    expect(rows).to_have_count(3)  # none, mnli, squad
    mnli = rows.filter(has_text="mnli")
    expect(mnli).to_contain_text("0, 1")
    expect(mnli).to_contain_text(re.compile(r"\d\d\.\d ± \d\.\d \(\d+\)"))
    mnli.get_by_role("button", name="Show the runs of mini-2, mnli, xnli").click()
    page.wait_for_url("**/runs?kind=evaluate&model=mini-2&open=*")
    expect(rows).to_have_count(5)
    expect(page.locator(".run-table tr.within").first).to_contain_text("seed 0")
    page.locator("#runs-sort").click()
    page.get_by_role("option", name="By recipe").click()
    page.wait_for_url("**/runs?kind=evaluate&model=mini-2&sort=recipe")  # another order begins anew
    expect(rows.locator("td:nth-child(5)")).to_have_text(["mnli", "none", "squad"])
    page.locator("#runs-columns").click()
    page.get_by_role("option", name="Trouble").click()
    page.wait_for_url(re.compile("columns=trouble"))
    expect(page.locator(".run-table thead")).to_contain_text("Error")
    expect(page.locator(".run-table thead")).not_to_contain_text("Device time")
    page.wait_for_load_state("networkidle")
    page.get_by_label("Holds").fill("squad 1x")
    expect(page.locator("#runs-content")).to_contain_text("None fits")
    page.wait_for_url(re.compile("[?&]q="))
    again = visit(mixed, page.url.removeprefix(mixed.url)).page
    expect(again.locator("#runs-content")).to_contain_text("None fits")
    expect(again.get_by_label("Holds")).to_have_value("squad 1x")


def test_what_is_chosen_is_compared_tried_again_and_cancelled(mixed: Any, visit: Callable[..., Any]):
    page = visit(mixed, "/runs?kind=evaluate&model=mini-2&state=done").page
    rows = page.locator(".run-table tbody tr")
    expect(rows).to_have_count(2)
    for recipe in ("mnli", "none"):
        rows.filter(has_text=recipe).get_by_role("checkbox").check()
    expect(page.locator("#runs-chosen")).to_have_text("2 rows chosen")
    address = page.get_by_role("link", name="Compare", exact=True).get_attribute("href")
    assert set(Compare.of(str(address).partition("?")[2]).things) == {"mini-2/mnli/xnli", "mini-2/none/xnli"}
    page.get_by_role("button", name="Choose none").click()
    expect(page.locator("#runs-bar")).to_be_hidden()
    # what failed is tried again, what is queued is cancelled
    page.goto(f"{mixed.url}/runs?kind=intermediate&recipe=squad")
    rows.filter(has_text="failed").get_by_role("checkbox").check()
    page.get_by_role("button", name="Try again 2").click()
    expect(rows.first).to_contain_text(re.compile("queued|waiting"))
    expect(page.locator("#runs-chosen")).to_have_text("1 row chosen")  # it is still chosen
    page.get_by_role("button", name="Cancel 2").click()
    page.get_by_role("button", name="Cancel them").click()
    expect(rows.first).to_contain_text("2 cancelled")


def test_a_view_is_saved_opened_by_its_short_address_and_removed(mixed: Any, visit: Callable[..., Any]):
    page = visit(mixed, "/runs?columns=cost&kind=finetune").page
    expect(page.locator(".run-table tbody tr").first).to_be_visible()
    page.get_by_role("button", name="Save this view").click()
    page.get_by_label("Name").fill("What fine-tuning takes")
    page.get_by_role("button", name="Save", exact=True).click()
    tab = page.get_by_role("navigation", name="Saved views").get_by_role("link", name="What fine-tuning takes")
    expect(tab).to_have_attribute("aria-current", "page")
    page.get_by_role("navigation", name="Saved views").get_by_role("link", name="All").click()
    page.wait_for_url(re.compile(r"/runs$"))
    tab.click()
    page.wait_for_url("**/runs?columns=cost&kind=finetune")
    expect(page.locator("#runs-kind")).to_have_value("Fine-tune")
    (kept,) = httpx.get(f"{mixed.url}/api/v1/views?page=/runs").json()
    led = httpx.get(f"{mixed.url}{kept['short']}")
    assert (led.status_code, led.headers["location"]) == (303, "/runs?columns=cost&kind=finetune")
    assert httpx.get(f"{mixed.url}/v/99").status_code == httpx.get(f"{mixed.url}/v/x").status_code == 404
    page.get_by_role("button", name="Remove the saved view What fine-tuning takes").click()
    expect(tab).to_have_count(0)
    assert httpx.get(f"{mixed.url}/api/v1/views").json() == []


def test_runs_in_a_share_show_a_lock_until_it_is_taken_back(mixed: Any, visit: Callable[..., Any]):
    asked = {"view": "/explore?model=mini-2&target=xnli", "title": "For a colleague"}
    made = httpx.post(f"{mixed.url}/api/v1/snapshots", json=asked, timeout=60).json()
    page = visit(mixed, "/runs?kind=evaluate&model=mini-2&recipe=mnli").page
    expect(page.locator(".run-table .locked")).to_have_count(1)
    expect(page.locator(".run-table .locked")).to_contain_text("in a share")
    httpx.post(f"{mixed.url}/api/v1/snapshots/{made['snapshot']['id']}:revoke")
    page.reload()
    expect(page.locator(".run-table tbody tr")).to_have_count(1)
    expect(page.locator(".run-table .locked")).to_have_count(0)


@pytest.mark.parametrize(
    "address", ["/runs?state=done&kind=x&sort=none&cursor=%00&open=a", "/runs?open=1&open=2&columns=,,&device=tpu"]
)
def test_what_cannot_be_read_counts_as_not_given(address: str):
    assert Runs.of(address.partition("?")[2]) in (Runs(state="done"), Runs())


def test_what_was_clicked_while_an_answer_was_awaited_is_not_lost(mixed: Any, visit: Callable[..., Any]):
    """The list is asked for anew before the answer to a click is here, which then never arrives."""
    page = visit(mixed, "/runs?kind=evaluate&model=mini-2").page
    rows = page.locator(".run-table tbody tr")
    expect(rows).to_have_count(3)
    page.wait_for_load_state("networkidle")
    held: list[Any] = []

    def clicked(request: Any) -> bool:
        return '"runs-toggled.data"' in (request.post_data or "")

    def hold(route: Any) -> None:
        if clicked(route.request) and len(held) < 2:
            held.append(route)
        else:
            route.continue_()

    page.route(re.compile("_dash-update-component"), hold)
    for recipe in ("mnli", "none"):
        with page.expect_request(clicked):
            page.get_by_role("button", name=f"Show the runs of mini-2, {recipe}, xnli").click()
    page.evaluate("() => window.dash_clientside.set_props('runs-news', { data: 'later' })")
    expect(rows).to_have_count(7)
    for route in held:
        route.continue_()
    expect(rows).to_have_count(7)
    page.get_by_role("button", name="Hide the runs of mini-2, mnli, xnli").click()
    expect(rows).to_have_count(5)


def test_the_clock_draws_a_list_that_is_another_and_no_other(serve: Callable[..., Any], visit: Callable[..., Any]):
    """The names of the columns are said in the address as nothing on the page says them: it is the same list all the same."""
    site = serve(lambda lab: lab.submit(models=["mini-1"], targets=["xnli"], seeds=[0]))
    usual = "state,model,recipe,target,seeds,score,time,finished"
    page = visit(site, f"/runs?columns={usual}&q=mini-1%20%20xnli").page
    rows = page.locator(".run-table tbody tr")
    expect(rows.first).to_be_visible()
    before = rows.count()
    page.wait_for_load_state("networkidle")
    page.evaluate("() => dash_clientside.set_props('clock', { disabled: true })")
    drawn: list[str] = []
    page.on("request", lambda r: drawn.append(r.url) if '"output":"..runs-content.' in (r.post_data or "") else None)
    with page.expect_response(lambda r: "runs-news" in (r.request.post_data or "")):
        page.evaluate("() => dash_clientside.set_props('runs-clock', { children: 'later' })")
    page.wait_for_load_state("networkidle")
    assert drawn == []
    site.lab.submit(name="More", models=["mini-1"], targets=["xnli"], recipes=["squad"], seeds=[0])
    page.evaluate("() => dash_clientside.set_props('runs-clock', { children: 'later still' })")
    expect(rows).not_to_have_count(before)
    assert len(drawn) == 1
