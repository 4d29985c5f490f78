"""The page of imports: a file comes in by the form, with every error said; its source is listed; its gains are marked as not ours."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from backend.importing import long
from dashboard.links import Imports

pytestmark = [pytest.mark.browser]


def test_an_address_says_what_is_looked_at():
    state = Imports(lab="another lab", target="xnli", value="score")
    assert state.address == "/imports?lab=another%20lab&target=xnli&value=score"
    assert Imports.of(state.address.partition("?")[2]) == state
    assert Imports.of("?value=nothing") == Imports()


def test_a_table_comes_in_is_looked_at_and_taken_out(empty_site: Any, visit: Callable[..., Any], tmp_path: Path):
    (tmp_path / "wrong.csv").write_text(long.example().replace("64.2", "642"))
    (tmp_path / "scores.csv").write_text(long.example())
    page = visit(empty_site, "/imports").page
    said = page.locator("#imports-said")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(said).to_contain_text("Source is required")
    page.get_by_label("Source: who made them").fill("another lab")
    page.locator("#imports-upload input[type=file]").set_input_files(tmp_path / "wrong.csv")
    expect(page.locator("#imports-chosen")).to_have_text("Chosen: wrong.csv")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(said).to_contain_text("wrong.csv, line 3, column value: '642'; points from 0 to 100 are accepted")
    expect(page.locator("#imports-list")).to_contain_text("Nothing was imported yet")
    page.locator("#imports-upload input[type=file]").set_input_files(tmp_path / "scores.csv")
    expect(page.locator("#imports-chosen")).to_have_text("Chosen: scores.csv")
    page.get_by_role("button", name="Only check").click()
    expect(said).to_contain_text("4 scores of another lab would be added; nothing was written")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(said).to_contain_text("4 scores of another lab added as import 1")
    expect(page.locator("#imports-list")).to_contain_text(re.compile(r"scores\.csv 240 bytes, sha256 [0-9a-f]{12}"))
    look = page.locator("#imports-look")
    expect(look).to_contain_text("imported, not ours")
    expect(page.locator("#imports-graph .main-svg").first).to_be_visible()
    look.get_by_text("Score", exact=True).first.click()
    expect(page).to_have_url(re.compile(r"/imports\?lab=another%20lab&.*value=score$"))
    page.get_by_role("button", name="Remove import 1 of another lab").click()
    expect(said).to_contain_text("Import 1 of another lab was removed, with its 4 scores")
    expect(page.locator("#imports-list")).to_contain_text("Nothing was imported yet")
