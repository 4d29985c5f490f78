"""Languages, one language and MultiCheckList as files: the lines of the page, in its order, with what is missing told apart."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import expect

from backend.domain.checks import CheckCell, CheckMatrix
from backend.domain.gains import Missing
from dashboard.exports import files, listings
from dashboard.links import Languages


def test_the_list_of_languages_is_that_of_the_page(site: Any):
    address = "/languages/export.{}?family=Turkic&level=low&model=mini-2&sort=name"
    with httpx.Client(base_url=site.url, timeout=60) as http:
        found = http.get(address.format("json")).raise_for_status().json()
        rows = found["rows"]
        assert found["view"] == "/languages?family=Turkic&level=low&model=mini-2&sort=name"
        assert rows and {(r["family"], r["resources"], r["model"]) for r in rows} == {("Turkic", "low", "mini-2")}
        assert [r["name"] for r in rows] == sorted(r["name"] for r in rows)
        assert all((r["gain"] is None) == (r["missing"] is not None) for r in rows)
        table = list(csv.DictReader(io.StringIO(http.get(address.format("csv")).text)))
        assert [r["language"] for r in table] == [r["language"] for r in rows]
        parquet = pq.read_table(io.BytesIO(http.get(address.format("parquet")).content)).to_pylist()
        assert parquet == rows
        assert http.get("/languages/export.csv?model=gpt-9").status_code == 200  # dropped, as on the page
        assert "csv, parquet, json are" in http.get("/languages/export.pdf").text
        one = http.get("/languages/sw/export.json?model=mini-2").json()["rows"]
        live = http.get("/api/v1/gains/languages/sw?model=mini-2").json()["cells"]
        assert [(r["target"], r["recipe"], r["gain"], r["missing"]) for r in one] == [
            (c["target"], c["recipe"], c["gain"], c["missing"]) for c in live
        ]
        assert {r["missing"] for r in one} >= {None, "failed"}
        assert http.get("/languages/xx/export.csv").status_code == 404
        assert http.get("/checklist/export.csv").status_code == 404  # this laboratory has none


def test_error_rates_stand_in_the_order_of_the_page():
    known: dict[str, Any] = {
        "baseline": 40.0,
        "gain": 5.0,
        "low": 1.0,
        "high": 9.0,
        "q": None,
        "seeds": [0, None],
        "missing": None,
        "why_missing": None,
    }
    gone = known | {
        "error": None,
        "baseline": None,
        "gain": None,
        "low": None,
        "high": None,
        "seeds": [],
        "missing": Missing.FAILED,
        "why_missing": "=run 7",
    }
    found = CheckMatrix(
        model="mini-2", recipe="mnli", benchmark="mini-XTREME-R", synthetic=True, models=["mini-2"], recipes=["mnli"], tests=["size", "all"],
        languages=["sw", "de"],
        cells=[
            CheckCell(test=test, language=code, **(gone if (test, code) == ("size", "de") else known | {"error": 35.0}))
            for test in ("all", "size") for code in ("de", "sw")
        ],
    )  # fmt: skip
    table = listings.checks(found, "/checklist", program="Crosslift 9")
    rows = json.loads(files.as_json(table))["rows"]
    assert [(r["language"], r["test"], r["error"], r["missing"]) for r in rows] == [
        ("sw", "size", 35.0, None), ("sw", "all", 35.0, None), ("de", "size", None, "failed"), ("de", "all", 35.0, None),
    ]  # fmt: skip
    text = files.as_csv(table)
    assert "0 none" in text and "'=run 7" in text  # a run without a seed; and no formula
    assert pq.read_table(io.BytesIO(files.as_parquet(table))).to_pylist() == rows


def test_what_is_compared_stands_language_by_language_as_on_the_page(site: Any):
    things = "a=mini-2/none/xnli&b=mini-2/mnli/xnli&d=mini-2/mnli%2Bsquad/xnli"
    with httpx.Client(base_url=site.url, timeout=60) as http:
        address = "/compare/export.{}?" + things + "&order=difference"
        rows = (found := http.get(address.format("json")).raise_for_status().json())["rows"]
        assert (
            found["view"]
            == "/compare?a=mini-2/none/xnli&b=mini-2/mnli/xnli&c=mini-2/mnli%2Bsquad/xnli&order=difference"
        )
        live = http.get("/api/v1/compare?c=mini-2/none/xnli&c=mini-2/mnli/xnli&c=mini-2/mnli%2Bsquad/xnli").json()
        cells = {(side, c["language"]): c for side, of in zip("ABC", live["cells"], strict=True) for c in of}
        assert [r["letter"] for r in rows] == ["A", "B", "C"] * len(live["languages"])
        for r in rows:
            c = cells[r["letter"], r["language"]]
            assert (r["score"], r["score_low"], r["missing"], r["q"]) == (c["score"], c["low"], c["missing"], c["q"])
            assert (r["difference"], r["seeds"], r["score_per_seed"]) == (c["difference"], c["seeds"], c["per_seed"])
            assert (r["score"] is None) == (r["missing"] is not None)
        assert {r["missing"] is None for r in rows} == {True, False}  # an intermediate stage failed
        apart = [r["difference"] for r in rows if r["letter"] == "B"]
        assert apart == sorted(apart, reverse=True)
        by_name = http.get(f"/compare/export.json?{things}&order=name").json()["rows"]
        assert [r["language"] for r in by_name] != [r["language"] for r in rows]
        table = list(csv.DictReader(io.StringIO(http.get(address.format("csv")).text)))
        assert [(r["letter"], r["language"]) for r in table] == [(r["letter"], r["language"]) for r in rows]
        parquet = pq.read_table(io.BytesIO(http.get(address.format("parquet")).content)).to_pylist()
        assert parquet == rows
        nothing, unknown = http.get("/compare/export.csv"), http.get("/compare/export.csv?a=999999")
        assert (nothing.status_code, unknown.status_code // 100) == (404, 4)
        assert "Nothing is chosen yet" in nothing.text
        assert "999999" in unknown.text


@pytest.mark.browser
def test_links_follow_what_is_listed(site: Any, visit: Callable[..., Any]):
    page = visit(site, "/languages?model=mini-2").page
    files_of = page.get_by_role("group", name="As a file")
    expect(files_of.get_by_role("link", name="CSV")).to_have_attribute("href", "/languages/export.csv?model=mini-2")
    page.locator("#languages-level label", has_text="Low").click()
    state = Languages(model="mini-2", level="low").address
    expect(files_of.get_by_role("link", name="JSON")).to_have_attribute("href", state.replace("?", "/export.json?"))
    with page.expect_download() as download:
        files_of.get_by_role("link", name="Parquet").click()
    assert download.value.suggested_filename == "crosslift-languages.parquet"
