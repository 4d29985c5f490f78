"""The answer page in a real browser, and both of its files: the HTML opened from disk without a network, the PDF parsed."""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.sync_api import expect

from backend.domain.answer import Answer
from dashboard import answer_figures, answer_tables, links, report, report_pdf
from dashboard.look import DARK, LIGHT

AT = datetime(2026, 11, 29, 12, tzinfo=UTC)
DRAWN = "name => !!document.querySelector(`#answer-${name}-graph .js-plotly-plot`)?.data?.length"


def made(**changes: Any) -> Answer:
    """An answer as the API gives it: one effect known, one not."""
    effect = {
        "name": "size", "title": "Model size, all languages", "unit": "per ten-fold parameters", "group": "all", "estimate": 1.5,
        "low": 0.5, "high": 2.5, "se": 0.4, "df": 7.0, "verdict": "more", "within_interest": False, "why": None, "variances": {},
        "share_of_languages": 0.1, "gains": 90, "models": 3, "seeds": 3, "languages": 10, "targets": 1,
    }  # fmt: skip
    unknown = {
        **effect, "group": "low", "title": "Model size, low-resource languages", "estimate": None, "low": None, "high": None, "se": None,
        "df": None, "verdict": "not enough evidence", "why": "there are no gains of it",
    }  # fmt: skip
    data = b"model,gain\r\nm,1.0\r\n"
    known: dict[str, Any] = {
        "source": "mini", "benchmark": "mini-XTREME-R", "synthetic": True, "format": None, "device_class": "cpu",
        "sentence": "Worth more: +1.50 points [0.50, 2.50] – ≥ naïve <b>.", "also": ["Mean gain: −0.30 points."],
        "effects": [effect, unknown],
        "points": [
            {"model": f"m{n}", "group": "all", "parameters": 3 * n, "parameters_non_embedding": n, "gain": g, "low": g - 1, "high": g + 1, "seeds": 3, "cells": 5, "of": 6}
            for n, g in ((10**5, 0.2), (10**6, 1.7))
        ],
        "line": [{"group": "all", "parameters_non_embedding": n, "gain": g, "low": g - 1, "high": g + 1} for n, g in ((1e5, 0.2), (1e6, 1.7))],
        "efficiency": [], "sensitivity": [{"left_out": "Without the target xnli", "effect": unknown}],
        "next_steps": [], "left_out": [{"what": "English", "gains": 9, "why": "transfer"}], "failed": [], "methods": ["By REML."],
        "formats": ["tagging"], "gains": 90, "data_sha256": hashlib.sha256(data).hexdigest(),
    }  # fmt: skip
    return Answer.model_validate(known | changes)


DATA = b"model,gain\r\nm,1.0\r\n"
ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}  # of a string in a PDF


# --- figures and tables are functions of the answer ------------------------------------------------------------------------


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_figures_show_what_is_known_and_say_what_is_not(theme: Any):
    answer = made()
    forest = answer_figures.forest(answer, theme)
    (marks,) = forest.data
    assert list(marks.x) == [1.5]
    assert list(marks.error_x.array) == [1.0]
    assert [note.text for note in forest.layout.annotations] == ["not enough evidence"]
    size = answer_figures.size(answer, theme)
    assert [t.name for t in size.data] == ["band, all", "line, all", "all languages but English"]
    assert answer_figures.efficiency(answer, theme).data == ()


def test_tables_give_a_reason_in_the_place_of_a_number():
    rows = answer_tables.effects(made()).rows
    assert rows[0][2] == "+1.50 [0.50, 2.50]"
    assert rows[1][2:5] == ("–", "–", "not enough evidence: there are no gains of it")


@pytest.mark.parametrize("state", [links.Answer(), links.Answer("span_qa", "hub"), links.Answer("tagging")])
def test_an_address_is_read_back(state: links.Answer):
    assert links.Answer.of(urlsplit(state.address).query) == state
    assert links.Answer.of(urlsplit(state.report("pdf")).query) == state
    assert links.Answer.of("format=poetry&source=disk") == links.Answer()


# --- the files ------------------------------------------------------------------------------------------------------------


def test_the_file_escapes_what_it_says_and_carries_date_version_and_digest():
    answer = made()
    text = report.page(answer, DATA, version="9.9", at=AT)
    assert "naïve &lt;b&gt;" in text
    assert "<b>." not in text
    assert "Made 29 November 2026, 12:00 UTC by Crosslift 9.9 · mini-XTREME-R" in text
    assert answer.data_sha256 in text
    assert report.page(answer, DATA, version="9.9", at=AT) == text


def pdf_text(pdf: bytes) -> list[str]:
    """The text of each page, by the file's own tables of glyphs. Nothing but what fpdf2 writes is understood."""
    objects = {int(m[1]): m[2] for m in re.finditer(rb"(\d+) 0 obj\n(.*?)\nendobj", pdf, re.DOTALL)}

    def stream(body: bytes) -> bytes:
        raw = body.split(b"stream\n", 1)[1].rsplit(b"\nendstream", 1)[0]
        return zlib.decompress(raw) if b"/FlateDecode" in body else raw

    fonts: dict[bytes, dict[int, str]] = {}
    for body in objects.values():
        if b"/ToUnicode" in body and b"/BaseFont" in body and (ref := re.search(rb"/ToUnicode (\d+) 0 R", body)):
            table = stream(objects[int(ref[1])]).decode()
            font = {
                int(a, 16): bytes.fromhex(b).decode("utf-16-be")
                for a, b in re.findall(r"^<(\w+)> <(\w+)>$", table, re.M)
            }
            name = re.search(rb"/BaseFont /(\S+)", body)
            assert name
            fonts[name[1]] = font
    names: dict[bytes, dict[int, str]] = {}
    for body in objects.values():
        for short, ref in re.findall(rb"/(F\d+) (\d+) 0 R", body):
            base = re.search(rb"/BaseFont /(\S+)", objects[int(ref)])
            if base and base[1] in fonts:
                names[short] = fonts[base[1]]
    pages = []
    for body in objects.values():
        if re.search(rb"/Type /Page\b", body) and (ref := re.search(rb"/Contents (\d+) 0 R", body)):
            said, font = [], {}
            for use, text in re.findall(
                rb"/(F\d+) [\d.]+ Tf|\(((?:\\.|[^\\)])*)\) ?T?j?", stream(objects[int(ref[1])]), re.DOTALL
            ):
                if use:
                    font = names.get(use, {})
                else:
                    raw = re.sub(rb"\\(.)", lambda m: ESCAPES.get(m[1], m[1]), text, flags=re.DOTALL)
                    said.append("".join(font.get(int.from_bytes(raw[i : i + 2]), "?") for i in range(0, len(raw), 2)))
            pages.append(" ".join("".join(part) for part in said))
    return pages


def flat(text: str) -> str:
    return re.sub(r"\s+", "", text)


def test_the_pdf_says_the_same_in_any_letters():
    answer = made()
    pdf = report_pdf.pdf(answer, DATA, version="9.9", at=AT)
    pages = pdf_text(pdf)
    said = flat("".join(pages))
    assert len(pages) == int(re.search(rb"/Count (\d+)", pdf)[1])  # type: ignore[index]
    assert flat(answer.sentence) in said  # dash, ≥ and ï
    for text in (
        *answer.also,
        *answer.methods,
        answer.data_sha256,
        "Crosslift 9.9",
        "29 November 2026",
        "Without the target xnli",
    ):
        assert flat(text) in said
    assert report.file_name(answer, "csv").encode() in pdf  # the data are attached
    assert report_pdf.pdf(answer, DATA, version="9.9", at=AT) == pdf


# --- in the browser -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def study(serve: Callable[..., Any]) -> Any:
    """Three sizes, two targets, three seeds."""

    def fill(lab: Any) -> None:
        lab.appears()
        models = ["mini-1", "mini-2", "mini-4"]
        lab.submit(models=models, recipes=["mnli", "squad"], targets=["tatoeba", "xcopa"], seeds=[0, 1, 2])
        lab.work()

    return serve(fill)


@pytest.mark.browser
def test_the_page_is_its_address_and_both_files_hold_what_it_says(
    study: Any, visit: Callable[..., Any], browser: Any, tmp_path: Path
):
    found = Answer.model_validate(httpx.get(f"{study.url}/api/v1/answer", timeout=120).json())
    page = visit(study, "/answer").page
    expect(page).to_have_title("Answer · Crosslift")
    expect(page.locator("#answer-sentence")).to_have_text(found.sentence)
    for name in ("forest", "size", "efficiency"):
        page.wait_for_function(DRAWN, arg=name)
    expect(page.get_by_text(found.data_sha256)).to_be_visible()

    page.locator("#answer-format").click()
    page.get_by_role("option", name="Multiple choice", exact=True).click()
    page.wait_for_function("() => new URLSearchParams(location.search).get('format') === 'multiple_choice'")
    expect(page.locator("#answer-sentence")).not_to_have_text(found.sentence)
    narrowed = page.locator("#answer-sentence").inner_text()
    assert parse_qs(urlsplit(page.url).query) == {"format": ["multiple_choice"]}
    again = visit(study, "/answer?format=multiple_choice").page
    expect(again.locator("#answer-sentence")).to_have_text(narrowed)
    for path in (".html", ".pdf", ".csv"):
        expect(again.locator(f"a[href='/answer/report{path}?format=multiple_choice']")).to_be_visible()

    data = httpx.get(f"{study.url}/answer/report.csv", timeout=120)
    assert hashlib.sha256(data.content).hexdigest() == found.data_sha256
    pdf = httpx.get(f"{study.url}/answer/report.pdf", timeout=120)
    assert pdf.headers["content-type"] == "application/pdf"
    pages = pdf_text(pdf.content)
    assert len(pages) >= 3
    assert flat(found.sentence) in flat(pages[0])
    assert httpx.get(f"{study.url}/answer/report.docx", timeout=60).status_code == 404

    file = tmp_path / "report.html"
    answer = httpx.get(f"{study.url}/answer/report.html", timeout=120)
    assert "attachment" in answer.headers["content-disposition"]
    file.write_bytes(answer.content)
    context = browser.new_context()
    alone, asked, problems = context.new_page(), [], []
    context.set_offline(True)
    alone.on("request", lambda r: asked.append(r.url) if not r.url.startswith(("file:", "blob:", "data:")) else None)
    alone.on("console", lambda m: problems.append(m.text) if m.type in ("error", "warning") else None)
    alone.goto(file.as_uri())
    alone.locator("#forest .main-svg").first.wait_for()
    expect(alone.locator("#sentence")).to_have_text(found.sentence)
    expect(alone.locator("#checked")).to_have_text("✓ matches the data")
    with alone.expect_download() as download:
        alone.locator("#save").click()
    saved = tmp_path / "data.csv"
    download.value.save_as(saved)
    assert hashlib.sha256(saved.read_bytes()).hexdigest() == found.data_sha256
    assert (asked, problems) == ([], [])
    context.close()


@pytest.mark.browser
def test_where_nothing_was_run_it_says_what_to_do(empty_site: Any, visit: Callable[..., Any]):
    httpx.get(f"{empty_site.url}/api/v1/answer", timeout=120)  # what it is fitted with is loaded at the first question
    page = visit(empty_site, "/answer").page
    expect(page.locator("#answer-sentence")).to_contain_text("Not enough evidence")
    expect(page.get_by_role("region", name="What to run next")).to_contain_text("3 seeds")
