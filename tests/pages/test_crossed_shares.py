"""Snapshots of the other matrices of Explore: the preview, the page, the file and the embedded figure show what was shared, and no more."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from backend.domain.gains import Missing
from backend.domain.run import canonical
from backend.domain.schemas import Axes, GainMatrix, SnapshotContent
from dashboard import frozen, frozen_cell, links, newer, share, titles
from dashboard.links import MEAN, Cell

LAYOUTS = ["recipe-target", "target-language", "model-language"]
DRAWN = """id => {
  const plot = document.querySelector(`#${id} .js-plotly-plot`) || document.querySelector(`#${id}.js-plotly-plot`);
  if (!plot || !plot.data || !plot.data.some(t => t.name === 'cells')) return '';
  return JSON.stringify([plot.data.map(t => [t.name, t.x, t.y, t.z, t.hovertext]), plot.layout.xaxis.ticktext,
    plot.layout.yaxis.ticktext, plot.layout.coloraxis.cmax]);
}"""


def frozen_of(found: GainMatrix, axes: Axes, query: str) -> SnapshotContent:
    found = found.model_copy(update={"axes": axes, "metric": "headline"})
    return SnapshotContent(
        version=1, kind="explore", view=f"/explore?{query}", benchmark=found.benchmark, synthetic=True, matrix=found, points=None, runs=[],
        experiments=[],
    )  # fmt: skip


@pytest.fixture
def means(matrix: Callable[..., GainMatrix], cell: Callable[..., Any]) -> SnapshotContent:
    failed = cell("mnli", "xquad", None, missing=Missing.FAILED, why_missing="run 7 failed")
    axes = Axes(
        rows="recipe", columns="target", recipe=None, recipes=["mnli", "squad"], over="German, Swahili",
        support={"mnli.xnli": "2 of 2 languages", "squad.xnli": "2 of 2 languages"}, family="f",
    )  # fmt: skip
    found = matrix({"mnli": {"xnli": 5.0, "xquad": failed}, "squad": {"xnli": 0.4, "xquad": None}})
    return frozen_of(found, axes, "languages=de,sw&layout=recipe-target&model=mini-2&order=name")


@pytest.fixture
def targets(matrix: Callable[..., GainMatrix]) -> SnapshotContent:
    axes = Axes(rows="target", columns="language", recipe="squad", recipes=["squad"], over=None, support={}, family="f")
    found = matrix({"xnli": {"sw": 1.0, "de": 2.0}, "xcopa": {"sw": None, "de": -1.0}}, twice={"xnli"})
    return frozen_of(found, axes, "layout=target-language&model=mini-2&order=name&recipe=squad")


def test_a_frozen_mean_says_what_it_is_over_whatever_an_address_says(means: SnapshotContent):
    state = frozen.state(means)
    assert state.layout == "recipe-target"
    sliced = frozen.sliced(means, "?languages=sw&order=gain&layout=target-language&recipe=siqa")
    assert (sliced.languages, sliced.layout, sliced.order, sliced.recipe) == ("de,sw", "recipe-target", "gain", None)
    table = frozen.table(means, state)
    assert table.head[:2] == ("Recipe", "Target, mean over languages")
    assert table.rows[0][:3] == ("mnli", "XNLI, over 2 of 2 languages (same data twice)", "+5.0")
    assert [row[table.head.index("Verdict")] for row in table.rows] == [
        "no evidence",
        "failed",
        "no evidence",
        "not run",
    ]
    assert "each cell is a mean over German, Swahili" in frozen.summary(means, state)
    said = dict(share.contents(means))
    assert said["Each cell"] == "a mean over German, Swahili, by the target's headline metric"
    assert (said["Recipes"], said["Targets"]) == ("mnli, squad", "XNLI, XQuAD") and "Languages" not in said
    assert share.title_of(means) == "Mini XLM-R, 2 layers: gains by recipe and target"
    panel = str(frozen_cell.shown(means, Cell("mnli", "xnli"), state.languages)[1])
    assert "2 of 2 languages" in panel and "in no mean over targets" in panel and "Mean gain of each seed" in panel
    over = frozen.means(means, state)
    assert over is not None and over.head == ("Recipe", "Mean gain over targets", "Over")
    for cell in (Cell("mnli", "xquad"), Cell("mnli", MEAN), Cell("nobody", "xnli"), Cell("mnli", "xcopa")):
        title, panel = frozen_cell.shown(means, cell, None)
        assert title is not None and "href" not in str(panel)


def test_a_frozen_cell_is_that_of_its_own_target(targets: SnapshotContent):
    state = frozen.state(targets)
    title, panel = frozen_cell.shown(targets, Cell("xcopa", "de"), state.languages)
    assert "squad → German" in str(title) and "XCOPA · Mini XLM-R" in str(title)
    assert "Score with squad" in str(panel) and "href" not in str(panel)
    narrowed = frozen.sliced(targets, "?languages=de")
    mean = str(frozen_cell.shown(targets, Cell("xnli", MEAN), narrowed.languages)[1])
    assert "Mean over German" in mean and "+2.0 points" in mean
    over = frozen.means(targets, narrowed)
    assert (
        over is not None
        and over.head[:2] == ("Target", "Mean gain over German")
        and over.rows[0] == ("XNLI (same data twice)", "+2.0", "1 of 1 language")
    )
    assert frozen.table(targets, state).keys == ("xnli.de", "xnli.sw", "xcopa.de", "xcopa.sw")
    assert dict(share.contents(targets))["Targets"] == "XNLI, XCOPA"
    drawn = frozen.draw(targets, state)["light"]
    assert drawn["layout"]["yaxis"]["ticktext"][1] == "XCOPA" and "href" not in json.dumps(drawn["layout"]["yaxis"])
    models = targets.matrix.model_copy(update={"axes": targets.matrix.axes.model_copy(update={"rows": "model"})})  # type: ignore[union-attr]
    assert [name for name, _ in titles.contents(models)] == ["Recipe", "Target", "Cells", "Models", "Languages"]


def test_newer_results_are_told_cell_by_cell(targets: SnapshotContent):
    assert targets.matrix is not None and not newer.compare(targets, targets)
    cells = [
        c.model_copy(update={"gain": 3.0}) if (c.recipe, c.language) == ("xcopa", "de") else c
        for c in targets.matrix.cells
    ]
    now = targets.model_copy(update={"matrix": targets.matrix.model_copy(update={"cells": cells})})
    assert newer.compare(targets, now).in_words == "1 of 3 numbers is another now"


# --- a laboratory ----------------------------------------------------------------------------------------------------


def address(layout: str) -> str:
    more = "&languages=de,en" if layout == "recipe-target" else ""
    return links.Explore.of(f"?layout={layout}&model=mini-2&order=gain&recipe=squad&target=xnli{more}").address


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_link_holds_exactly_what_its_preview_showed(site: Any, layout: str):
    with httpx.Client(base_url=site.url, timeout=60) as http:
        asked = {"view": address(layout), "title": "A matrix", "anonymous": True}
        shown = http.post("/api/v1/snapshots:preview", json=asked).raise_for_status().json()
        made = http.post("/api/v1/snapshots", json=asked)
        assert made.status_code == 201 and made.json()["snapshot"]["sha256"] == shown["sha256"]
        path = f"/s/{made.json()['token']}"
        content = http.get(f"{path}.json")
        assert content.content == canonical(shown["content"]).encode()
        assert hashlib.sha256(content.content).hexdigest() == shown["sha256"]
        assert shown["content"]["experiments"] == [] and shown["content"]["runs"]
        table = http.get(f"{path}.csv").text.splitlines()
        assert len(table) == 1 + len(shown["content"]["matrix"]["cells"]) and shown["sha256"] in table[1]
        for suffix in (".html", ".tex", ".parquet", ".pdf", "?embed=1", "?value=score&cell=squad.mean"):
            assert http.get(path + suffix).status_code == 200, suffix
        offline = http.get("/download/explore.html", params=asked)
        assert offline.status_code == 200 and shown["sha256"] in offline.text


def figure(page: Page, id: str) -> str:
    page.wait_for_function(f"id => ({DRAWN})(id) !== ''", arg=id)
    return re.sub(r'<a href=\\".*?>|</a>', "", str(page.evaluate(DRAWN, id)))


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_frozen_figure_is_the_live_one(
    site: Any, visit: Callable[..., Any], browser: Browser, tmp_path: Path, layout: str
):
    page = visit(site, address(layout)).page
    live = figure(page, "explore-graph")
    page.get_by_role("button", name="Share", exact=True).click()
    preview = page.locator("#share-preview")
    expect(preview).to_contain_text("a mean over German, English" if layout == "recipe-target" else "squad")
    page.get_by_role("button", name="Create link").click()
    url = page.locator("#share-url").input_value()
    seen = visit(site, url.removeprefix(site.url)).page
    assert figure(seen, "frozen-graph") == live
    expect(seen.get_by_text("Newer results exist")).to_have_count(0)
    seen.locator("#frozen-view label", has_text="Table").click()
    seen.locator(".cell-button").last.click()
    expect(seen.get_by_role("dialog")).to_contain_text("→")
    seen.wait_for_function("() => location.search.includes('cell=')")
    with httpx.Client(base_url=site.url, timeout=60) as http:
        (tmp_path / "one.html").write_bytes(http.get(url + ".html").content)
    alone = browser.new_context()
    alone.set_offline(True)
    problems: list[str] = []
    opened = alone.new_page()
    opened.on("console", lambda m: problems.append(m.text) if m.type in ("error", "warning") else None)
    opened.on(
        "request", lambda r: problems.append(r.url) if not r.url.startswith(("file:", "data:", "blob:")) else None
    )
    opened.goto((tmp_path / "one.html").as_uri())
    assert figure(opened, "figure") == live
    expect(opened.locator("#checked")).to_have_text("✓ matches the content")
    alone.close()
    assert problems == []
