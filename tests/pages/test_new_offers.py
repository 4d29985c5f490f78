"""What the form offers by itself, in a real browser: what to run next, missing cells, copies of runs, the last draft; and files of others."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.sync_api import Page, expect

from backend.exchange import leaving, packed
from backend.store import migrate
from backend.store.session import Store

pytestmark = [pytest.mark.browser]


@pytest.fixture(scope="module")
def known_site(serve: Callable[..., Any]) -> Any:
    """Two models with three recipes on two targets, and one of each elsewhere since."""

    def fill(lab: Any) -> None:
        lab.appears()
        lab.submit(
            models=["mini-1", "mini-2"],
            recipes=["squad", "hellaswag", "siqa"],
            targets=["xnli", "pawsx"],
            seeds=[0, 1, 2],
        )
        lab.work()
        lab.submit(name="Since", recipes=["squad"], targets=["tatoeba"], seeds=[0, 1])
        lab.work()

    return serve(fill)


def query(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def until(page: Page, name: str, value: str | None) -> None:
    page.wait_for_function("([n, v]) => new URLSearchParams(location.search).get(n) === v", arg=[name, value])


def test_from_the_card_to_the_filled_form(known_site: Any, visit: Callable[..., Any]):
    """What stands there is what the API ranks first, marked as expected, and its link fills the form with its request."""
    first = httpx.get(f"{known_site.url}/api/v1/recommendations", timeout=60).json()["items"][0]
    page = visit(known_site, "/").page
    card = page.locator("#overview-next")
    expect(card).to_contain_text("points expected, not measured")
    expect(card).to_contain_text(f"{first['recipe']} → ")
    expect(card).to_contain_text("the plain mean of all rows")
    card.get_by_role("link", name="Open the filled form").click()
    until(page, "recipes", first["recipe"])
    assert query(page)["models"] == first["model"] and query(page)["targets"] == first["target"]
    panel = page.locator("#new-preview")
    expect(panel).to_contain_text(f"{first['runs_to_do']} to do")
    expected = page.locator("#new-expected")
    expect(expected).to_contain_text("Expected, not measured")
    expect(expected.locator(".expected-row")).to_have_count(1)
    offers = page.locator("#new-next")
    expect(offers.locator("li").first).to_contain_text("points of improvement to be expected")
    offers.get_by_text(re.compile("and how far to believe it$")).click()
    expect(offers).to_contain_text("Ordered by expected improvement per device-hour")
    expect(offers).to_contain_text("accuracy: with each of 13 known rows left out in turn")
    row = offers.locator("tbody tr")  # what was run after enough was known
    expect(row).to_have_count(1)
    expect(row).to_contain_text("squad → Tatoeba on Mini XLM-R, 2 layers")
    row.get_by_role("link", name="2").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Since")


def test_of_what_is_measured_nothing_is_expected(known_site: Any, visit: Callable[..., Any]):
    page = visit(known_site, "/new?models=mini-2&recipes=squad&targets=pawsx").page
    expect(page.locator("#new-expected")).to_contain_text("1 row of it has a gain already")
    expect(page.locator("#new-expected .expected-row")).to_have_count(0)
    page.get_by_role("link", name="View what is there").click()
    page.wait_for_url(re.compile("/explore"))
    assert query(page)["target"] == "pawsx"


def test_missing_cells_fill_the_form(known_site: Any, visit: Callable[..., Any]):
    page = visit(known_site, "/new?models=mini-2").page
    expect(page.locator("#new-gaps")).to_be_empty()
    page.get_by_role("button", name="Fill missing cells").click()
    until(page, "fill", "missing")
    offers = page.locator("#new-gaps li")
    expect(offers).to_have_count(1)  # of mini-2 all but squad on Tatoeba
    expect(offers).to_contain_text("hellaswag, siqa → Tatoeba on Mini XLM-R, 2 layers · 2 rows")
    page.reload()
    expect(offers).to_have_count(1)
    offers.get_by_role("link", name="Fill in").click()
    until(page, "targets", "tatoeba")
    assert query(page) == {"fill": "missing", "models": "mini-2", "recipes": "hellaswag,siqa", "targets": "tatoeba"}
    expect(page.locator("#new-preview .check-headline")).to_have_text(re.compile(r"^9 cells, .* to do"))
    page.get_by_role("button", name="Fill missing cells").click()
    until(page, "fill", None)
    expect(page.locator("#new-gaps")).to_be_empty()


def test_a_run_is_copied_as_what_it_is_of(known_site: Any, visit: Callable[..., Any]):
    runs = httpx.get(f"{known_site.url}/api/v1/runs?kind=evaluate&limit=200").json()["items"]
    run = next(r for r in runs if (r["model"], r["recipe"], r["target"], r["seed"]) == ("mini-1", "siqa", "pawsx", 2))
    page = visit(known_site, f"/runs/{run['id']}").page
    page.get_by_role("link", name="Clone").click()
    expect(page.locator("#new-diff")).to_contain_text(f"A copy of run {run['id']}, with no change yet")
    expect(page.locator("#new-yaml")).to_contain_text("seeds: [2]")
    expect(page.locator("#new-yaml")).to_contain_text("targets: [pawsx]")
    assert query(page) == {"from": f"run-{run['id']}"}
    page.get_by_label("Choose 3 seeds").click()
    until(page, "seeds", "0,1,2")
    expect(page.locator("#new-diff .changes td")).to_have_text(["2", "0, 1, 2"])
    page.goto(f"{known_site.url}/new?from=run-99999")
    expect(page.get_by_role("alert").first).to_contain_text("The form below is blank")


def test_the_last_draft_is_offered_and_never_filled_in_by_itself(known_site: Any, visit: Callable[..., Any]):
    page = visit(known_site, "/new", locale="en-GB").page  # a browser of its own
    expect(page.locator("#new-next li").first).to_be_visible()
    expect(page.locator("#new-draft")).not_to_be_visible()
    page.get_by_label("Name").fill("Half of a thought")
    until(page, "name", "Half of a thought")
    page.goto(f"{known_site.url}/new")
    offer = page.locator("#new-draft")
    expect(offer).to_contain_text("that was not submitted: Half of a thought.")
    expect(page.get_by_label("Name")).to_have_value("")
    offer.get_by_role("button", name="Restore it").click()
    until(page, "name", "Half of a thought")
    expect(page.get_by_label("Name")).to_have_value("Half of a thought")
    page.goto(f"{known_site.url}/new")
    offer.get_by_role("button", name="Discard it").click()
    expect(offer).not_to_be_visible()
    page.goto(f"{known_site.url}/new")
    expect(page.locator("#new-next li").first).to_be_visible()
    expect(offer).not_to_be_visible()
    # what was submitted is no draft any more
    page.goto(f"{known_site.url}/new?models=mini-2&recipes=squad&targets=pawsx")
    page.get_by_label("Choose 1 seeds").click()
    until(page, "seeds", "0")
    page.get_by_role("button", name=re.compile("^Submit")).click()
    page.wait_for_url(re.compile(r"/experiments/\d+$"))
    page.goto(f"{known_site.url}/new")
    expect(page.locator("#new-next li").first).to_be_visible()
    expect(offer).not_to_be_visible()


def test_a_file_of_another_installation_is_judged_and_then_brought_in(
    known_site: Any, visit: Callable[..., Any], new_lab: Callable[[Store], Any], tmp_path: Path
):
    address = f"sqlite:///{tmp_path}/there.db"
    migrate.upgrade(address)
    there = new_lab(Store(address))
    there.appears()
    id = there.submit(name="From the other lab", recipes=["snli"], targets=["tatoeba"], seeds=[0])
    there.work()
    with there.store.read() as session:
        content = packed.write(leaving.gather(session, id, installation="the other lab", program="9.9"))
    there.store.dispose()
    visitor = visit(known_site, "/experiments")
    page = visitor.page
    page.get_by_text("Bring in an experiment of another installation").click()
    said, go = page.locator("#bring-said"), page.get_by_role("button", name="Bring it in")
    expect(go).to_be_disabled()
    file = page.locator("#bring-file input[type=file]")
    file.set_input_files({"name": "half.zip", "mimeType": "application/zip", "buffer": content[: len(content) // 2]})
    expect(said).to_contain_text("half.zip cannot be brought in.")
    expect(go).to_be_disabled()
    visitor.broken.clear()  # a refusal is one
    visitor.console.clear()
    file.set_input_files({"name": "whole.zip", "mimeType": "application/zip", "buffer": content})
    expect(said).to_contain_text("whole.zip is whole: From the other lab, experiment 1 of the other lab")
    expect(said).to_contain_text("Nothing is written yet.")
    expect(page.locator("#experiments-list")).not_to_contain_text("From the other lab")
    go.click()
    expect(said).to_contain_text("whole.zip was brought in")
    expect(page.locator("#experiments-list")).to_contain_text("From the other lab")
    expect(go).to_be_disabled()
    said.get_by_role("link", name="From the other lab").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("From the other lab")
    expect(page.locator("#main")).to_contain_text("the other lab")
