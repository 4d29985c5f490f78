"""Files of what a page shows: the same numbers in each, safe for whatever opens them, and read back as they were.

Figures are looked into: areas, lines and letters, and no picture. LaTeX is read by a small checker, which knows braces, environments,
columns and the letters that mean something.
"""

from __future__ import annotations

import asyncio
import base64
import csv
import io
import json
import re
import threading
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import matplotlib
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml
from huggingface_hub.repocard_data import model_index_to_eval_results
from playwright.sync_api import expect
from typer.testing import CliRunner

from backend import cli
from backend.domain.gains import Missing, Verdict
from backend.domain.imports import ImportFile, ImportRequest
from backend.domain.portfolio import Portfolio
from backend.domain.schemas import GainMatrix, SnapshotContent, TradeoffPoint
from backend.domain.trend import Trends
from backend.errors import Invalid
from backend.importing.read import read
from backend.store import imported
from backend.store.session import Store
from dashboard import figures, links, look, standing
from dashboard.exports import cite, dialog, figure, files, frozen_files, grid, hub, latex, made, paper, schema
from dashboard.links import Explore, Tradeoff
from dashboard.standing import Standing

VIEW = "model=mini-2&order=name&target=xnli"
HOSTILE = "a_b%c&d$e#f{g}h~i^j\\k<l>m"


@pytest.fixture
def some(matrix: Callable[..., Any], cell: Callable[..., Any]) -> GainMatrix:
    """Two recipes and three languages: a finding, a tie, and two kinds of missing."""
    clear = {"q": 0.01, "p_t": 0.004, "low": 1.0, "high": 3.0, "verdict": Verdict.HELPS}
    seeds = {"treated_scores": [62.0, 62.1, 61.9], "baseline_scores": [60.0, 60.1, 59.9]}
    failed = {"missing": Missing.FAILED, "why_missing": "=run 7 failed"}
    return matrix({
        "mnli": {"de": cell("mnli", "de", 2.0, **clear, **seeds), "sw": 1.24, "tr": None},
        "squad": {"de": -0.5, "sw": 1.2, "tr": cell("squad", "tr", None, **failed)},
    })  # fmt: skip


def subject(some: GainMatrix, **changes: Any) -> made.Subject:
    known: dict[str, Any] = {
        "state": Explore(model="mini-2", target="xnli", order="name"), "view": f"/explore?{VIEW}", "url": f"http://lab/explore?{VIEW}",
        "at": datetime(2026, 11, 29, 12, tzinfo=UTC), "program": "Crosslift 9", "benchmark": some.benchmark, "synthetic": True,
        "matrix": some,
    }  # fmt: skip
    return made.Subject(**(known | changes))


# --- tables ----------------------------------------------------------------------------------------------------------


def test_every_table_holds_the_same_rows_in_the_order_of_the_figure(some: GainMatrix):
    table = subject(some).table
    from_json = json.loads(files.as_json(table))
    assert [(r["recipe"], r["language"]) for r in from_json["rows"]] == [
        (recipe, code) for recipe in ("mnli", "squad") for code in ("de", "sw", "tr")
    ]
    assert from_json["columns"].keys() == from_json["rows"][0].keys()
    parquet = pq.read_table(io.BytesIO(files.as_parquet(table)))
    assert parquet.to_pylist() == from_json["rows"]
    read_back = list(csv.DictReader(io.StringIO(files.as_csv(table))))
    assert [list(r) for r in read_back][:1] == [parquet.column_names]
    first = read_back[0]
    assert (first["gain"], first["q"], first["seeds"], first["scores"]) == ("2.0", "0.01", "0 1 2", "62.0 62.1 61.9")
    assert [r["missing"] for r in read_back] == ["", "", "not_run", "", "", "failed"]
    assert read_back[5]["why_missing"] == "'=run 7 failed"  # no formula, and the number above stays one
    assert read_back[3]["gain"] == "-0.5"


def test_a_parquet_file_says_what_it_is_of(some: GainMatrix):
    file = pq.ParquetFile(io.BytesIO(files.as_parquet(subject(some, snapshot="ab" * 32).table)))
    about = {k.decode(): v.decode() for k, v in file.schema_arrow.metadata.items() if k.startswith(b"crosslift.")}
    assert about == {
        "crosslift.schema_version": str(schema.SCHEMA_VERSION), "crosslift.sha256": "ab" * 32, "crosslift.frozen": "yes",
        "crosslift.view": f"/explore?{VIEW}", "crosslift.program": "Crosslift 9",
    }  # fmt: skip
    assert str(file.schema_arrow.field("scores").type) == "list<element: double>"
    assert file.schema_arrow.field("gain").metadata[b"means"] == b"score minus baseline, points"
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"


def test_only_the_languages_that_are_looked_at_are_written_and_hashed(some: GainMatrix):
    whole = subject(some).table
    part = subject(some, state=Explore(model="mini-2", target="xnli", languages="sw")).table
    assert {r["language"] for r in part.rows} == {"sw"}
    assert part.sha256 != whole.sha256 == subject(some).table.sha256


def point(model: str, gain: float, language: str = "mean_transfer", **changes: Any) -> TradeoffPoint:
    known: dict[str, Any] = {
        "model": model, "parameters": 1_000_000, "parameters_non_embedding": 400_000, "recipe": "mnli", "target": "xnli",
        "metric": "accuracy", "language": language, "gain": gain, "low": gain - 1, "high": gain + 1, "n": 3, "device_class": "cpu",
        "device": "a processor", "device_hours_marginal": 2.0, "device_hours_amortised": 1.0, "same_data_twice": False,
    }  # fmt: skip
    return TradeoffPoint(**(known | changes))


@pytest.fixture
def each() -> list[TradeoffPoint]:
    """Two models in two languages: the small one is on both fronts, the large one on that of German alone."""
    large = {
        "parameters": 4_000_000,
        "parameters_non_embedding": 2_000_000,
        "device_hours_marginal": 5.0,
        "device_hours_amortised": 3.0,
    }
    return [
        point("mini-2", 1.0, "de"), point("mini-4", 2.0, "de", **large), point("mini-2", 4.0, "sw"), point("mini-4", 3.0, "sw", **large),
    ]  # fmt: skip


def weighed(points: Sequence[TradeoffPoint], state: Tradeoff, **changes: Any) -> made.Subject:
    known: dict[str, Any] = {
        "view": state.address, "url": f"http://lab{state.address}", "at": datetime(2026, 11, 29, 12, tzinfo=UTC), "program": "Crosslift 9",
        "benchmark": "mini-XTREME-R", "synthetic": True, "points": points,
    }  # fmt: skip
    return made.Subject(state, **(known | changes))


def test_each_language_has_a_front_of_its_own_in_the_rows_too(each: list[TradeoffPoint]):
    apart = weighed(each, Tradeoff(panels="languages", target="xnli")).table.rows
    assert [(r["model"], r["languages"]) for r in apart if r["on_front"]] == [
        ("mini-2", "de"), ("mini-2", "sw"), ("mini-4", "de"),
    ]  # fmt: skip


def test_rows_hold_what_every_axis_counts():
    counted = {"flops_counted_marginal": 3e15, "flops_counted_amortised": 1e15}
    table = weighed([point("mini-2", 1.0, **counted), point("mini-4", 2.0)], Tradeoff()).table
    assert [(r["flops_counted_marginal"], r["flops_counted_amortised"]) for r in table.rows] == [
        (3e15, 1e15),
        (None, None),
    ]
    paid = {name for name in TradeoffPoint.model_fields if name.endswith(("_marginal", "_amortised"))}
    assert paid < {c.name for c in table.columns}
    columns = pq.read_table(io.BytesIO(files.as_parquet(table))).to_pydict()
    assert columns["flops_counted_amortised"] == [1e15, None]


# --- LaTeX -----------------------------------------------------------------------------------------------------------


def check_latex(text: str) -> list[list[str]]:
    """The cells of its rows; fails where it could not be typeset."""
    plain = re.sub(r"(?m)^%.*$", "", text)
    assert plain.isascii()
    depth = 0
    for i, c in enumerate(plain):
        if plain[i - 1] != "\\" or plain[i - 2 : i] == "\\\\":
            depth += (c == "{") - (c == "}")
        assert depth >= 0
    assert depth == 0
    opened: list[str] = []
    for what, name in re.findall(r"\\(begin|end)\{(\w+)\}", plain):
        if what == "begin":
            opened.append(name)
        else:
            assert opened.pop() == name
    assert opened == []
    without_math = re.sub(r"(?<!\\)\$[^$]*(?<!\\)\$", "", plain)
    assert not re.search(r"(?<!\\)[\^$#~<>|_]", without_math)
    spec = re.search(r"\\begin\{tabular\}\{@\{\}(.*)@\{\}\}", plain)
    assert spec is not None
    columns = len(re.findall(r"S\[[^]]*\]|[lcr]", spec[1]))
    body = plain[plain.index(r"\toprule") : plain.index(r"\bottomrule")]
    found = [re.split(r"(?<!\\)&", line) for line in body.splitlines() if line.endswith(r"\\")]
    assert {len(cells) for cells in found} == {columns}
    return [[cell.strip().removesuffix(r"\\").strip() for cell in cells] for cells in found]


def test_a_latex_table_marks_the_best_the_next_and_what_is_significant(some: GainMatrix):
    text = made.tex(subject(some))
    head, mnli, squad = check_latex(text)
    assert head == ["", "{de}", "{sw}", "{tr}", "{mean}"]
    assert mnli == [
        "mnli",
        r"{\textbf{+2.0}\rlap{$^{\dagger}$}}",
        r"{\textbf{+1.2}}",
        r"{\textcolor{gray}{--}}",
        "+1.6",
    ]
    assert squad[1:4] == [
        r"{\underline{$-$0.5}}",
        r"{\textbf{+1.2}}",
        r"{\textcolor{gray}{$\times$}}",
    ]  # a tie as printed
    for words in (
        "3 a cell (0, 1, 2)",
        "paired t-test",
        "Benjamini--Hochberg",
        "same model, seeds and settings",
        "SHA-256",
        "synthetic",
    ):
        assert words in text
    assert r"\label{tab:crosslift-gain-mini-2-xnli-accuracy}" in text
    assert "booktabs,siunitx" in text


def test_a_table_of_panels_of_languages_is_ranked_language_by_language(each: list[TradeoffPoint]):
    said = weighed(each, Tradeoff(panels="languages", target="xnli"))
    head, *lines = check_latex(made.tex(said))
    assert head == [
        "target",
        "language",
        "recipe",
        "model",
        "{gain}",
        r"95\,\% interval",
        "seeds",
        "parameters",
        "w/o emb.",
        "front",
    ]
    assert [(line[1], line[4], line[-1]) for line in lines] == [
        ("German", r"{\underline{+1.0}}", r"$\bullet$"), ("German", r"{\textbf{+2.0}}", r"$\bullet$"),
        ("Swahili", r"{\textbf{+4.0}}", r"$\bullet$"), ("Swahili", r"{\underline{+3.0}}", ""),
    ]  # fmt: skip
    first, _, front = made.said(said)
    assert "against parameters on XNLI (accuracy), in points, each language by itself (transfer languages): " in first
    assert front == "Front: no other point of its language has as little parameters and gains as much."
    assert "in points, in Swahili: " in made.said(weighed(each, Tradeoff(languages="sw")))[0]


@pytest.mark.parametrize(
    ("x", "axis", "unit", "column"),
    [
        ("hours", "device time", "device-hours (cpu)", ["2.000", "5.000"]),
        ("energy", "energy", "kWh (cpu)", ["0.0500", "12.0"]),
        ("flops", "FLOPs (6·N·D)", "10¹⁵ FLOPs (6·N·D)", ["0.00200", "4.00"]),
        ("non-embedding", "parameters without embeddings", "", []),
    ],
)
def test_a_table_of_tradeoff_holds_what_is_on_its_axis(x: Any, axis: str, unit: str, column: list[str]):
    small = point("mini-2", 1.0, energy_kwh_marginal=0.05, flops_marginal=2e12)
    large = point("mini-4", 2.0, device_hours_marginal=5.0, energy_kwh_marginal=12.0, flops_marginal=4e15)
    state = Tradeoff(x=x)
    head, *lines = check_latex(text := made.tex(weighed([small, large], state)))
    last = head.index("w/o emb.") + 1
    assert [cell for line in lines for cell in line[last:-1]] == column
    assert head[last:-1] == [f"{{{latex.escape(unit)}}}"] * bool(unit)
    said = " ".join(made.said(weighed([small, large], state)))
    assert latex.escape(said) in text
    assert f"intermediate task against {axis} on" in said
    assert ("of one seed" in said) == (f"is in {unit}, of one seed, all runs paid in full." in said) == bool(unit)
    assert made.said(weighed([point("mini-2", 1.0)], Tradeoff(x="energy"))) == ["No point has a place on this axis."]


def test_many_languages_become_rows(matrix: Callable[..., Any]):
    codes = ("ar bg de el en es fr hi ru sw th tr ur vi zh").split()
    wide = matrix({"mnli": dict.fromkeys(codes, 1.0), "squad": dict.fromkeys(codes, 2.0)}, twice=("squad",))
    lines = check_latex(made.tex(subject(wide)))
    assert lines[0] == ["", "{mnli}", r"{squad$^{\ddagger}$}"]
    assert len(lines) == 1 + len(codes) + 1
    assert all(not cell.startswith("{") for line in lines[1:] for cell in line[1:])  # alone, nothing is best


def test_scores_and_costs_are_tables_too(some: GainMatrix):
    scores = check_latex(
        made.tex(subject(some, state=Explore(model="mini-2", target="xnli", value="score", order="name")))
    )
    assert scores[1][:2] == ["none", r"{\underline{60.0}}"]
    costs = check_latex(made.tex(subject(some, state=Explore(model="mini-2", target="xnli", value="cost"))))
    assert costs[1] == ["mnli", "0.500", "0.100"]


def test_what_people_write_is_escaped(some: GainMatrix):
    assert latex.escape(HOSTILE) == (
        r"a\_b\%c\&d\$e\#f\{g\}h\textasciitilde{}i\textasciicircum{}j\textbackslash{}k\textless{}l\textgreater{}m"
    )
    assert latex.escape("a\nb\x00c") == "a b c"
    entry = made.bib(subject(some, snapshot="cd" * 32, named="}" + HOSTILE, url="http://lab/s/a}b"))
    assert r"title        = {{\}a\_b\%c" in entry
    assert r"\url{http://lab/s/a%7Db}" in entry
    assert "@misc{crosslift-cdcdcdcdcdcd," in entry
    depth = 0
    for i, c in enumerate(entry):
        depth += ((c == "{") - (c == "}")) if entry[i - 1] != "\\" else 0
    assert depth == 0
    assert "year         = {2026},\n  month        = nov," in entry


# --- figures ---------------------------------------------------------------------------------------------------------


def pdf_objects(content: bytes) -> bytes:
    """A PDF with its streams unpacked."""
    parts = [content]
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", content, re.DOTALL):
        try:
            parts.append(zlib.decompress(stream))
        except zlib.error:
            parts.append(stream)
    return b"\n".join(parts)


@pytest.mark.parametrize("value", ["gain", "score", "cost"])
def test_figures_are_areas_and_letters_and_hold_no_picture(some: GainMatrix, value: Any):
    state = Explore(model="mini-2", target="xnli", value=value)
    pdf = figure.explore(some, state, "pdf", "column", "colour")
    inside = pdf_objects(pdf)
    assert pdf.startswith(b"%PDF")
    assert b"/Subtype /Image" not in inside
    assert b"BI\n" not in inside
    width = float(re.search(rb"/MediaBox \[ 0 0 ([\d.]+)", inside)[1])  # type: ignore[index]
    assert width == pytest.approx(7.7 / 2.54 * 72, abs=0.1)
    svg = figure.explore(some, state, "svg", "page", "colour").decode()
    assert "<image" not in svg
    assert "<script" not in svg
    assert float(re.search(r'width="([\d.]+)pt"', svg)[1]) == pytest.approx(16 / 2.54 * 72, abs=0.1)  # type: ignore[index]
    assert figure.explore(some, state, "svg", "page", "colour").decode() == svg


def test_figures_that_are_drawn_at_once_are_the_same_and_leave_no_setting_behind(some: GainMatrix):
    before = dict(matplotlib.rcParams)
    with ThreadPoolExecutor(4) as pool:
        drawn = list(pool.map(lambda _: figure.explore(some, Explore(), "svg", "column", "colour"), range(4)))
    assert len(set(drawn)) == 1
    assert dict(matplotlib.rcParams) == before


def test_each_cell_of_a_figure_is_an_area_of_its_own_colour(some: GainMatrix):
    svg = figure.explore(some, Explore(), "svg", "page", "colour").decode()
    laid = grid.of(some, Explore())
    mesh = re.search(r'<g id="QuadMesh_1">(.*?)</g>', svg, re.DOTALL)
    assert mesh is not None
    assert len(re.findall(r"fill: #", mesh[1])) == sum(item.value is not None for line in laid.items for item in line)


def test_a_figure_has_the_colours_and_the_fading_of_its_page(matrix: Callable[..., Any], cell: Callable[..., Any]):
    found = {"q": 0.01, "verdict": Verdict.HELPS}
    gains = matrix({"mnli": {
        "de": cell("mnli", "de", 2.0, **found, detectable=1.5), "sw": cell("mnli", "sw", 1.0, detectable=0.5),
        "tr": cell("mnli", "tr", -1.0, **found, detectable=1.5), "fi": 3.0, "ru": None,
    }})  # fmt: skip

    def pale(fade: Any) -> set[str]:
        laid = grid.of(gains, Explore(fade=fade))
        return {name.key for name, item in zip(laid.columns, laid.items[0], strict=True) if item.pale}

    assert (pale("none"), pale("unsure"), pale("small")) == (set(), {"sw", "fi"}, {"tr", "fi"})

    def fills(colours: Any) -> set[str]:
        svg = figure.explore(gains, Explore(colours=colours), "svg", "page", "colour").decode()
        mesh = re.search(r'<g id="QuadMesh_1">(.*?)</g>', svg, re.DOTALL)
        assert mesh is not None
        return set(re.findall(r"fill: (#[0-9a-f]{6})", mesh[1]))

    assert fills("vik") <= set(look.DIVERGING)
    assert fills("puor") <= set(look.PUOR)


def test_a_grey_figure_has_no_colour_and_tells_more_from_less(some: GainMatrix):
    svg = figure.explore(some, Explore(), "svg", "page", "grey").decode()
    fills = set(re.findall(r"fill: (#[0-9a-f]{6})", svg))
    mesh = re.search(r'<g id="QuadMesh_1">(.*?)</g>', svg, re.DOTALL)
    assert mesh is not None
    assert fills
    assert all(c[1:3] == c[3:5] == c[5:7] for c in re.findall(r"fill: (#[0-9a-f]{6})", mesh[1]))
    shades = [int(c[1:3], 16) for c in paper.greys(33)]
    assert shades == sorted(shades, reverse=True)
    assert len(set(shades)) == 33


def test_the_sign_of_every_cell_can_be_read_however_narrow(matrix: Callable[..., Any]):
    from dashboard.exports import heatmap

    codes = list(links.LANGUAGES)[:50]
    recipes = [f"mnli@examples={n}" for n in range(1, 31)]
    crowded = grid.of(
        matrix({r: {c: (-1.0 if i % 2 else 1.0) for i, c in enumerate(codes)} for r in recipes}), Explore()
    )
    with paper.settings():
        drawn = heatmap.draw(crowded, "column", "grey")
        signs = [t.get_text() for t in drawn.axes[0].texts if t.get_text() in ("+", "−")]
        assert len(signs) == len(codes) * len(recipes)
        edge = drawn.bbox.width
        assert all(t.get_window_extent().x0 >= 0 and t.get_window_extent().x1 <= edge for t in drawn.axes[0].texts)


def test_published_scores_are_open_markers_and_no_number(some: GainMatrix):
    beside = [SimpleNamespace(recipe="mnli", language="de"), SimpleNamespace(recipe="none", language="sw")]
    state = Explore(model="mini-2", target="xnli", value="score")
    laid = grid.of(some, state, beside)  # type: ignore[arg-type]
    assert {(r.key, c.key) for r, line in zip(laid.rows, laid.items, strict=True) for c, i in zip(laid.columns, line, strict=True) if i.beside} == {
        ("mnli", "de"), ("none", "sw"),
    }  # fmt: skip
    plain, marked = (figure.explore(some, state, "svg", "page", "colour", p) for p in ((), beside))  # type: ignore[arg-type]
    assert plain != marked
    assert made.tex(subject(some, state=state, published=beside)) == made.tex(subject(some, state=state))


def test_a_fitted_line_and_what_a_budget_buys_are_drawn_as_on_the_page():
    points = [point("mini-2", 1.0), point("mini-4", 2.0, parameters=4_000_000, device_hours_marginal=5.0)]
    line = [{"x": 1e6, "gain": 1.0, "low": 0.0, "high": 2.0}, {"x": 4e6, "gain": 2.0, "low": 1.0, "high": 3.0}]
    fitted = {
        "target": "xnli", "language": "mean_transfer", "estimate": 2.0, "low": 1.0, "high": 3.0, "verdict": "more", "why": None, "line": line,
        "gains": 12, "models": 2, "seeds": 3, "languages": 2,
    }  # fmt: skip
    trends = Trends.model_validate({"x": "parameters", "why": None, "trends": [fitted]})
    chosen = {
        "model": "mini-2",
        "recipe": "mnli",
        "target": "xnli",
        "metric": "accuracy",
        "gain": 1.0,
        "low": 0.0,
        "high": 2.0,
        "n": 3,
        "own": 6.0,
        "stages": [],
    }
    bought = Portfolio.model_validate({
        "unit": "hours", "device_class": "cpu", "budget": 9.0, "seeds": 3, "spent": 6.0, "gain": 1.0, "bound": 1.0, "optimal": True,
        "cells": [chosen], "stages": [], "considered": 2, "everything": 21.0, "not_considered": [], "rule": "",
    })  # fmt: skip

    def drawn(state: Tradeoff, **more: Any) -> str:
        found = made.live(
            Standing(state, points, **more), url="http://lab", at=datetime.now(UTC), program="", signs=False
        )
        assert found is not None
        return made.file(found, "svg", "page", "colour").decode()

    accent, panel = look.LIGHT.accent, look.LIGHT.panel
    with_line = drawn(Tradeoff(trend="on"), trends=trends)
    assert f"fill: {accent}; opacity: 0.13" in with_line
    assert len(re.findall(f"stroke: {accent}", with_line)) == 2  # and its entry in the legend
    assert accent not in drawn(Tradeoff(), trends=trends)
    state = Tradeoff(x="hours", budget=9.0)
    ringed, bare = drawn(state, portfolio=bought), drawn(state)
    assert f"fill: {panel}" in bare and f"fill: {panel}" not in drawn(Tradeoff(x="hours"))
    strokes = [len(re.findall(f"stroke: {accent}", svg)) for svg in (bare, ringed)]
    assert strokes[0] == 1  # the budget's line
    assert strokes[1] > strokes[0]


# --- round trip ------------------------------------------------------------------------------------------------------


def request(name: str, content: bytes, **more: Any) -> ImportRequest:
    file = ImportFile(name=name, content=base64.b64encode(content).decode())
    return ImportRequest(format="long", source="back", files=[file], **more)


@pytest.fixture
def exported(site: Any) -> dict[str, bytes]:
    with httpx.Client(base_url=site.url, timeout=60) as http:
        return {s: http.get(f"/explore/export.{s}?{VIEW}").raise_for_status().content for s in ("csv", "parquet")}


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_what_is_exported_can_be_imported_with_the_same_gains(
    site: Any, exported: dict[str, bytes], suffix: str, tmp_path: Path
):
    with httpx.Client(base_url=site.url, timeout=60) as http:
        live = GainMatrix.model_validate(http.get("/api/v1/gains?model=mini-2&target=xnli").json())
    store = Store(f"sqlite:///{tmp_path / 'back.db'}")
    from backend.store import migrate

    migrate.upgrade(f"sqlite:///{tmp_path / 'back.db'}")
    asked = request(f"t.{suffix}", exported[suffix])
    with store.write() as session:
        imported.keep(session, asked, read(asked), "somebody")
    with store.read() as session:
        back = imported.matrix(session, source="back", model="mini-2", target="xnli", metric="accuracy")
    store.dispose()

    def gains(m: GainMatrix) -> dict[tuple[str, str], Any]:
        found = [c for c in m.cells if c.gain is not None and c.missing is None]
        return {(c.recipe, c.language): (c.gain, c.low, c.high, c.p_t, c.n, c.seeds, c.treated_scores) for c in found}

    assert len(gains(live)) > 10
    assert gains(back) == gains(live)
    file = tmp_path / f"gains.{suffix}"
    file.write_bytes(exported[suffix])
    said = CliRunner().invoke(cli.app, ["import", str(file), "--source", "back", "--dry-run", "--url", site.url])
    assert said.exit_code == 0, said.output
    assert "would be added; nothing was written" in said.output


def test_means_cannot_be_taken_apart_and_say_so(site: Any):
    content = httpx.get(f"{site.url}/tradeoff/export.csv", timeout=60).raise_for_status().content
    with pytest.raises(Invalid) as error:
        read(request("t.csv", content))
    assert "hold no score of a seed; export Explore" in error.value.errors[0].message


# --- addresses -------------------------------------------------------------------------------------------------------


def test_every_file_has_the_address_of_its_page(site: Any):
    with httpx.Client(base_url=site.url, timeout=60) as http:
        for page, suffixes in (("explore", made.MEDIA), ("tradeoff", [s for s in made.MEDIA if s != "yaml"])):
            for suffix in suffixes:
                answer = http.get(f"/{page}/export.{suffix}?{VIEW}&width=column&ink=grey&nonsense=1")
                assert answer.status_code == 200, (page, suffix, answer.text)
                assert answer.headers["content-type"] == made.MEDIA[suffix]
                assert answer.headers["content-disposition"].startswith('attachment; filename="crosslift-')
                assert answer.content
        assert "sandbox" in http.get(f"/explore/export.svg?{VIEW}").headers["content-security-policy"]
        for address in ("/explore/export.exe", "/tradeoff/export.yaml", "/explore/export.csv?source=hub"):
            assert http.get(address).status_code == 404, address
        # what cannot be is dropped, as on the page
        assert http.get("/explore/export.csv?model=../x&width=9&ink=red&order=").status_code == 200


def test_the_six_lines_run(site: Any):
    text = httpx.get(f"{site.url}/explore/export.py?{VIEW}", timeout=60).text
    lines = text.strip().splitlines()
    assert len(lines) == 6
    found: dict[str, Any] = {}
    exec("\n".join(lines), found)
    assert isinstance(found["gains"], pd.DataFrame)
    assert {"mnli", "squad"} <= set(found["gains"]["recipe"])
    signed = cite.notebook("http://lab/tradeoff/export.parquet", token=True, lines=("recipe", "model"))
    assert 'os.environ["CROSSLIFT_TOKEN"]' in signed
    compile(signed, "snippet", "exec")


def test_a_model_index_is_what_the_hub_reads(some: GainMatrix):
    text = hub.model_index(some, Explore(order="name"), url="http://lab/explore", source="Crosslift")
    entries = yaml.safe_load(text)["model-index"]
    assert [e["name"] for e in entries] == ["mini-2", "mini-2 after mnli", "mini-2 after squad"]
    name, results = model_index_to_eval_results([entries[1]])
    assert name == "mini-2 after mnli"
    assert [(r.dataset_config, r.metric_type, r.metric_value) for r in results[:2]] == [
        ("de", "accuracy", 62.0),
        ("de", "accuracy_gain", 2.0),
    ]
    real = some.model_copy(update={"synthetic": False, "benchmark": "XTREME-R"})
    first = yaml.safe_load(hub.model_index(real, Explore(), url="u", source="s"))["model-index"][0]["results"][0]
    assert first["dataset"]["type"] == "facebook/xnli"


def test_a_tradeoff_is_written_as_it_is_shown(site: Any):
    with httpx.Client(base_url=site.url, timeout=60) as http:
        table = http.get("/tradeoff/export.json?target=xnli&x=hours").json()["rows"]
        text = http.get("/tradeoff/export.tex?target=xnli&x=hours").text
        pdf = http.get("/tradeoff/export.pdf?target=xnli&x=hours").content
    assert table
    assert {r["target"] for r in table} == {"xnli"}
    assert any(r["on_front"] for r in table)
    lines = check_latex(text)
    assert len(lines) == 1 + len(table)
    assert sum(cell[-1] == r"$\bullet$" for cell in lines) == sum(r["on_front"] for r in table)
    assert b"/Subtype /Image" not in pdf_objects(pdf)
    assert standing.metrics("xnli") == ("accuracy",)
    assert Tradeoff.of("?x=hours").x == "hours"


# --- the menu --------------------------------------------------------------------------------------------------------


def test_what_looks_through_all_cells_holds_up_no_other_page(some: GainMatrix, monkeypatch: pytest.MonkeyPatch):
    where: list[Any] = []

    def seen(module: Any, name: str) -> None:
        real = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *a, **k: (where.append(threading.current_thread()), real(*a, **k))[1])

    seen(grid, "of")
    seen(figures, "gain_drawing")
    said, snippet = asyncio.run(dialog.texts(subject(some)))
    content = SnapshotContent(
        version=1, kind="explore", view=f"/explore?{VIEW}", benchmark=some.benchmark, synthetic=True, matrix=some, points=None, runs=[],
        experiments=[],
    )  # fmt: skip
    height = asyncio.run(frozen_files.height(content, ""))
    assert len(where) == 2 and threading.main_thread() not in where  # drawn once
    assert (said, snippet) == (made.said(subject(some)), made.snippet(subject(some)))
    assert height == figures.gain_heatmap(some, "name").layout.height


@pytest.mark.browser
def test_the_menu_is_of_what_the_page_shows(site: Any, visit: Callable[..., Any]):
    page = visit(site, f"/explore?{VIEW}").page
    page.wait_for_function("() => document.querySelector('#explore-graph .js-plotly-plot')")
    page.locator("#explore-order label", has_text="Script").click()
    page.wait_for_function("() => location.search.includes('order=script')")
    address = page.url
    page.get_by_role("button", name="Export", exact=True).press("Enter")
    menu = page.get_by_role("dialog")
    query = "?model=mini-2&order=script&target=xnli"
    for name, suffix in (
        ("CSV", "csv"),
        ("Parquet", "parquet"),
        ("LaTeX table", "tex"),
        ("PDF", "pdf"),
        ("SVG", "svg"),
    ):
        link = menu.get_by_role("link", name=name, exact=True)
        expect(link).to_have_attribute("href", f"/explore/export.{suffix}{query}")
    seen = "() => { const i = document.querySelector('.export-preview'); return i && i.complete && i.naturalWidth }"
    wide = page.wait_for_function(seen).json_value()
    assert wide == pytest.approx(16 / 2.54 * paper.PIXELS, abs=2)
    menu.get_by_text("One column, 7.7 cm").click()
    menu.get_by_text("Grey").click()
    pdf = menu.get_by_role("link", name="PDF", exact=True)
    expect(pdf).to_have_attribute(
        "href", "/explore/export.pdf?ink=grey&model=mini-2&order=script&target=xnli&width=column"
    )
    expect(menu.locator("#export-caption")).to_contain_text("paired t-test over seeds")
    with page.expect_download() as download:
        pdf.click()
    assert Path(download.value.path()).read_bytes().startswith(b"%PDF")
    page.keyboard.press("Escape")
    expect(menu).to_have_count(0)
    assert page.url == address


@pytest.mark.browser
def test_a_view_without_numbers_says_that_there_is_nothing_to_export(site: Any, visit: Callable[..., Any]):
    page = visit(site, "/explore?source=hub", width=390).page
    page.get_by_role("button", name="Export", exact=True).click()
    expect(page.locator("#export-files")).not_to_be_empty()
    expect(page.locator("#export-files").get_by_role("link")).to_have_count(0)
    expect(page.locator("#export-figure")).to_have_text("There is no figure.")
