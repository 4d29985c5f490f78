"""Examples that flipped, MultiCheckList and the submission check in a browser, on one site whose runs have left predictions."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import axe_playwright_python
import httpx
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Page, expect

from backend.domain import mini, reading
from backend.domain.attributes import describe
from backend.domain.metrics import checklist
from backend.domain.run import RunKind
from backend.domain.tasks import TASKS
from backend.store import runs
from backend.store.runs import Claim, Result
from dashboard.links import Checklist, Flips, Submit

SEEN = "/explore/examples?language=ar&model=mini-2&recipe=squad&target=xnli"


# --- without a browser -------------------------------------------------------------------------------------------------


def test_addresses_are_short_and_bad_ones_are_defaults() -> None:
    state = Flips(
        kind="label:neutral,length:2", language="ar", model="mini-2", recipe="siqa>copa", seed="1", target="xcopa"
    )
    assert state.address == (
        "/explore/examples?kind=label:neutral,length:2&language=ar&model=mini-2&recipe=siqa%3Ecopa&seed=1&target=xcopa"
    )
    assert Flips.of(state.address.partition("?")[2]) == state
    assert Flips.of("kind=<b>&language=xx&seed=-1&direction=up&fixed=%0A&source=web&recipe=a b") == Flips()
    assert Flips.of("seed=1&seed=2") == Flips()
    shown = Checklist(language="hi", recipe="none", test="properties", seed="0")
    assert (
        Checklist.of(shown.address.partition("?")[2]) == shown
        and Checklist.of("test=spelling&language=1") == Checklist()
    )
    sent = Submit(benchmark="xtreme", experiment="3", model="mini-2", recipe="none")
    assert Submit.of(sent.address.partition("?")[2]) == sent and Submit.of("experiment=x&benchmark=glue") == Submit()
    assert (
        sent.archive(gold=True)
        == "/api/v1/experiments/3/submission?benchmark=xtreme&gold=true&model=mini-2&recipe=none"
    )


def test_a_kind_is_chosen_and_let_go() -> None:
    one = Flips(kind="label:neutral", fixed="abc")
    assert one.toggled("length", "2") == {"kind": "label:neutral,length:2", "fixed": None, "broken": None}
    assert (
        one.toggled("label", "neutral")["kind"] is None
        and one.toggled("label", "entailment")["kind"] == "label:entailment"
    )


# --- in one ------------------------------------------------------------------------------------------------------------


@cache
def examples(task: str, language: str, split: str) -> list[Any]:
    return list(reading.examples(TASKS[task], mini.rows(str(TASKS[task].mini), language, split), "mini"))


def lines(claim: Claim, treated: bool) -> list[dict[str, Any]]:
    """Two of seven wrong without the recipe, one of eleven with it."""
    task = TASKS[claim.spec.data[0].task]
    made = []
    for language in claim.spec.languages:
        for at, e in enumerate(examples(task.name, language, claim.spec.data[0].split.value)):
            wrong = (at + (claim.spec.seed or 0)) % 11 == 0 if treated else at % 7 in (1, 2)
            if task.diagnostic:
                gold, said = json.dumps([e.answers[0].text]), "nothing" if wrong else e.answers[0].text
            else:
                gold, said = task.labels[e.label], task.labels[(e.label + wrong) % 3]
            told = describe(e)
            made.append(
                {"language": language, "id": e.id, "prediction": said, "gold": gold, "score": 100.0 * (not wrong), "confidence": 0.5,
                 "unit": told.unit, "length": told.length, "overlap": told.overlap, "script": told.script}
            )  # fmt: skip
    return made


@pytest.fixture(scope="module")
def flipped(serve: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    import pyarrow
    from pyarrow import parquet

    made = tmp_path_factory.mktemp("artifacts")

    def finish(lab: Any, claim: Claim) -> None:
        folder = made / str(claim.run_id)
        scores: list[tuple[str, str, float, int]] = []
        if claim.kind is RunKind.EVALUATE:
            rows = lines(claim, "after" in claim.title)
            for code in claim.spec.languages:
                mine = [r for r in rows if r["language"] == code]
                if TASKS[claim.spec.data[0].task].diagnostic:
                    rates = checklist.error_rates((r["id"], r["score"] > 0) for r in mine)
                    scores += [(code, metric, value, n) for metric, (value, n) in rates.items()]
                else:
                    scores.append((code, "accuracy", sum(r["score"] for r in mine) / len(mine), len(mine)))
            folder.mkdir()
            parquet.write_table(pyarrow.Table.from_pylist(rows), folder / "predictions.parquet")
            content = (folder / "predictions.parquet").read_bytes()
            entry = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
            (folder / "manifest.json").write_text(json.dumps({"predictions.parquet": entry}))
        result = Result(
            scores=scores, artifact=f"file://{folder}", artifact_digest="0" * 64, cost=lab.cost(claim), parameters=1000,
            parameters_non_embedding=500, environment={"python": "3"}, extra={},
        )  # fmt: skip
        with lab.store.write() as session:
            assert runs.finish(session, claim.run_id, claim.attempt, result).ok

    def fill(lab: Any) -> None:
        lab.appears()
        for targets, languages in ((["xnli"], ["en", "ar"]), (["multichecklist"], ["en", "hi"])):
            lab.submit(recipes=["squad"], targets=targets, languages=languages, seeds=[0, 1])
            while (claim := lab.claim()) is not None:
                finish(lab, claim)

    return serve(fill)


def pick(page: Page, id: str, text: str) -> None:
    page.locator(f"#{id}").click()
    page.get_by_role("option", name=text, exact=True).click()


@pytest.mark.browser
def test_examples_with_their_texts_in_their_own_direction(flipped: Any, visit: Callable[..., Any]) -> None:
    page = visit(flipped, SEEN).page
    expect(page.locator(".answer")).to_contain_text("In 2 seeds, squad fixed")
    expect(page.locator(".flips-seeds tbody tr")).to_have_count(2)
    first = page.locator(".flips-fixed-column .flips-example").first
    expect(first.locator("p[lang=ar][dir=rtl]").first).to_be_visible()
    expect(first).to_contain_text("fixed by 2 of 2 seeds")
    expect(page.locator("body")).to_contain_text(TASKS["xnli"].licence)
    with page.expect_download() as saved:
        page.locator("#flips-files").get_by_role("link", name="Parquet").click()
    assert saved.value.suggested_filename == "crosslift-examples.parquet"
    page.get_by_role("button", name="Copy link").click()
    expect(page.locator("#flips-copy")).to_contain_text("Copied")


def test_files_hold_the_examples_of_the_page_and_what_they_are_of(flipped: Any) -> None:
    with httpx.Client(base_url=flipped.url, timeout=60) as http:
        address = SEEN.replace("/examples", "/examples/export.{}")
        found = http.get(address.format("json")).raise_for_status().json()
        rows = found["rows"]
        assert found["view"] == SEEN
        assert {tuple(r[n] for n in ("source", "model", "recipe", "target", "language")) for r in rows} == {
            ("mini", "mini-2", "squad", "xnli", "ar")
        }
        asked = SEEN.partition("?")[2]
        counted = http.get(f"/api/v1/gains/flipped?{asked}").json()["tables"]
        for direction in ("fixed", "broken"):
            assert [r["direction"] for r in rows].count(direction) == sum(t[direction] for t in counted) > 0
        table = list(csv.DictReader(io.StringIO(http.get(address.format("csv")).text)))
        assert [(r["id"], int(r["seed"])) for r in table] == [(r["id"], r["seed"]) for r in rows]
        assert pq.read_table(io.BytesIO(http.get(address.format("parquet")).content)).to_pylist() == rows
        only = http.get(address.format("json") + "&direction=fixed&seed=1&kind=label:neutral").json()["rows"]
        assert only
        assert {(r["direction"], r["seed"], r["gold"]) for r in only} == {("fixed", 1, "neutral")}
        left_open = http.get("/explore/examples/export.json").json()  # as the page chooses
        assert left_open["rows"] and "recipe=squad" in left_open["view"]
        assert http.get("/explore/examples/export.csv?recipe=mnli&language=de").status_code == 404


@pytest.mark.browser
def test_every_control_is_an_address_and_back_undoes_it(flipped: Any, visit: Callable[..., Any]) -> None:
    page = visit(flipped, SEEN).page
    page.locator(".flips-columns.flips-2").wait_for()
    page.locator("#flips-direction").get_by_text("Broken").click()
    page.wait_for_url("**direction=broken**")
    expect(page.locator(".flips-fixed-column")).to_have_count(0)
    pick(page, "flips-seed", "Seed 1")
    page.wait_for_url("**seed=1**")
    expect(page.locator(".flips-square")).to_be_visible()
    page.locator(".flips-by-kind summary").click()
    page.locator(".flips-kind", has_text="neutral").click()
    page.wait_for_url("**kind=label:neutral**")
    expect(page.locator(".flips-out")).to_contain_text("Right label: neutral")
    said = page.locator(".flips-broken-column h2").inner_text()
    again = visit(flipped, page.url.removeprefix(flipped.url)).page  # the same in a fresh tab
    expect(again.locator(".flips-broken-column h2")).to_have_text(said)
    pick(page, "flips-language", "English")
    page.wait_for_url("**language=en**")
    page.go_back()
    page.wait_for_url("**kind=label:neutral**")
    expect(page.locator(".flips-broken-column h2")).to_have_text(said)
    page.locator(".flips-out").click()
    expect(page.locator(".flips-out")).to_have_count(0)


@pytest.mark.browser
@pytest.mark.parametrize(
    ("bare", "said"),
    [
        (Flips().address, Flips(language="hi", model="mini-2", recipe="squad", target="multichecklist").address),
        (Checklist().address, Checklist(model="mini-2", recipe="squad").address),
        (
            Checklist(language="hi", test="properties").address,
            Checklist(language="hi", model="mini-2", recipe="squad", seed="0", test="properties").address,
        ),
    ],
)
def test_what_an_address_leaves_open_is_in_the_link_that_is_copied(
    bare: str, said: str, flipped: Any, visit: Callable[..., Any]
) -> None:
    page = visit(flipped, "/help").page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("#gain").wait_for()
    for _ in range(2):  # the second time from the page itself, which its address then names otherwise
        page.evaluate("to => window.crossliftGo(to)", bare)
        page.wait_for_url(flipped.url + said)
    page.locator(".copy", has_text="Copy link").click()
    expect(page.locator("button.copy")).to_contain_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == flipped.url + said
    shown = page.locator("#main .answer").inner_text()
    page.go_back()  # one step an address that was gone to: what was left open is no step
    page.wait_for_url(flipped.url + said)
    expect(page.locator("#main .answer")).to_have_text(shown)
    page.go_back()
    page.wait_for_url(flipped.url + "/help")
    expect(page.locator("#gain")).to_be_attached()


@pytest.mark.browser
def test_more_of_one_direction(flipped: Any, visit: Callable[..., Any]) -> None:
    page = visit(flipped, SEEN).page
    column = page.locator(".flips-fixed-column")
    first = column.locator(".flips-id").first.inner_text()
    column.get_by_role("link", name="Next").click()
    page.wait_for_url("**fixed=**")
    expect(column.get_by_role("link", name="First")).to_be_visible()
    assert column.locator(".flips-id").first.inner_text() != first


@pytest.mark.browser
def test_the_way_from_a_cell_and_back(flipped: Any, visit: Callable[..., Any]) -> None:
    page = visit(flipped, "/explore?model=mini-2&target=xnli&cell=squad.ar").page
    page.get_by_role("link", name="Examples that flipped").click()
    page.wait_for_url("**/explore/examples?**")
    expect(page.locator("#flips-language")).to_have_value("Arabic")
    page.get_by_role("link", name="The cell in Explore").click()
    expect(page.locator(".cell-panel")).to_be_visible()


@pytest.mark.browser
@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/explore/examples?model=mini-2&target=xnli&recipe=mnli&language=ar", "no gain of mnli"),
        ("/explore/examples?seed=9&model=mini-2&target=xnli&recipe=squad&language=ar", "its seeds are 0, 1"),
        ("/explore/examples?source=hub", "There is nothing to show"),
        (
            "/explore/examples?kind=label:nothing&model=mini-2&target=xnli&recipe=squad&language=ar",
            "no kind of example",
        ),
        ("/checklist?recipe=mnli", "There is nothing to show"),
        ("/checklist?source=hub", "was not evaluated"),
        ("/submit-check?experiment=99", "experiment 99"),
    ],
)
def test_what_is_not_there_is_said(path: str, said: str, flipped: Any, visit: Callable[..., Any]) -> None:
    page = visit(flipped, path).page
    expect(page.locator("#main")).to_contain_text(said)


@pytest.mark.browser
def test_the_checklist(flipped: Any, visit: Callable[..., Any]) -> None:
    page = visit(flipped, "/checklist").page
    expect(page.locator(".answer")).to_contain_text("Less is better")
    expect(page.locator(".check-matrix tbody tr", has_text="Hindi").locator("td a")).to_have_count(6)
    expect(page.locator(".check-matrix tbody tr", has_text="Arabic").locator("td").first).to_have_text("not run")
    page.get_by_role("link", name="Failing cases of Properties in Hindi").click()
    page.wait_for_url("**language=hi**test=properties**")
    expect(page.get_by_role("heading", name="Properties in Hindi: what fails")).to_be_visible()
    expect(page.locator(".check-cases article").first).to_contain_text("Expected")
    expect(page.locator(".check-cases p[lang=hi]").first).to_be_visible()
    pick(page, "checklist-seed", "Seed 1")
    page.wait_for_url("**seed=1**")
    expect(page.locator(".check-failing")).to_contain_text("seed 1")
    pick(page, "checklist-recipe", "none (the baseline)")
    page.wait_for_url("**recipe=none**")
    expect(page.locator(".answer")).to_contain_text("These are the baseline's")
    page.go_back()
    page.wait_for_url("**recipe=squad**")


@pytest.mark.browser
def test_a_submission_is_checked(flipped: Any, visit: Callable[..., Any], tmp_path: Path) -> None:
    """A folder, which the browser puts into an archive; then an archive; then one that means harm."""
    page = visit(flipped, "/submit-check").page
    folder = tmp_path / "mine"
    for side, text in (("", "neutral\nneutral\n"), ("labels/", "neutral\nentailment\n")):
        for code in ("en", "de"):
            path = folder / side / "xnli" / f"test-{code}.tsv"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text if code == "en" or side else "neutral\n")
    (folder / "xnli" / "test-fr.txt").write_text("neutral\n")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a folder").click()
    chooser.value.set_files(folder)
    expect(page.locator("#submit-result .answer")).to_contain_text("scored against the labels in the upload")
    tree = page.locator("#submit-result .submit-task", has_text="XNLI")
    expect(tree.locator(".submit-right")).to_have_count(1)
    expect(tree.locator(".submit-wrong-length")).to_have_count(1)
    expect(tree.locator(".submit-wrong-suffix")).to_have_count(1)
    expect(tree).to_contain_text("wrong length: 1 lines, the labels have 2")

    def send(members: dict[str, str]) -> None:
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as out:
            for name, content in members.items():
                out.writestr(name, content)
        with page.expect_file_chooser() as chooser:
            page.get_by_role("button", name="Choose a ZIP").click()
        chooser.value.set_files({"name": "sent.zip", "mimeType": "application/zip", "buffer": made.getvalue()})

    send({"xcopa/test-et.jsonl": '{"label": 0}\n'})
    expect(page.locator("#submit-result .answer")).to_contain_text("there are no labels")


@pytest.mark.browser
def test_an_archive_that_is_refused(flipped: Any, visit: Callable[..., Any]) -> None:
    visitor = visit(flipped, "/submit-check")
    page = visitor.page
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a ZIP").click()
    chooser.value.set_files({"name": "sent.zip", "mimeType": "application/zip", "buffer": b"nothing of the kind"})
    expect(page.locator("#submit-result")).to_contain_text("no ZIP archive")
    assert [line.partition(" ")[0] for line in visitor.broken] == ["422"]
    visitor.broken.clear()  # the refusal itself, which a browser also writes to its console
    visitor.console[:] = [text for text in visitor.console if "422" not in text]


@pytest.mark.browser
def test_one_is_built_from_these_runs(flipped: Any, visit: Callable[..., Any]) -> None:
    page = visit(flipped, "/submit-check").page
    pick(page, "submit-experiment", "1: Does NLI help?")
    page.wait_for_url("**experiment=1**")
    row = page.locator(".submit-own tbody tr", has_text="squad").first
    with page.expect_download() as saved:
        row.get_by_role("link", name="Build zip").click()
    with zipfile.ZipFile(saved.value.path()) as built:
        assert "xnli/test-ar.tsv" in built.namelist()
    row.get_by_role("link", name="Check").click()
    page.wait_for_url("**recipe=squad**")
    expect(page.locator(".submit-own .answer")).to_contain_text("gold answers that were stored")
    page.locator("#submit-benchmark").get_by_text("XTREME", exact=True).click()
    page.wait_for_url("**benchmark=xtreme&**")
    page.go_back()
    page.wait_for_url(lambda url: "benchmark" not in url)


AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")
WRONG = """() => axe.run(document, { resultTypes: ['violations'] }).then(found => found.violations
  .filter(v => ['serious', 'critical'].includes(v.impact)).map(v => [v.id, v.nodes.slice(0, 3).map(n => n.html.slice(0, 160))]))"""


@pytest.mark.browser
@pytest.mark.slow  # the pages without predictions are in test_accessibility
@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize(
    ("path", "ready"),
    [
        (SEEN, ".flips-example"),
        (SEEN + "&seed=0&kind=length:1&direction=fixed", ".flips-square"),
        ("/checklist?recipe=squad&language=hi&test=properties", ".check-cases article"),
        ("/submit-check?experiment=1&model=mini-2&recipe=squad&seed=0", ".submit-tree"),
    ],
)
def test_nothing_serious_in_what_they_show(
    path: str, ready: str, width: int, flipped: Any, visit: Callable[..., Any]
) -> None:
    page = visit(flipped, path, width=width).page
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.locator(ready).first.wait_for()
        page.wait_for_timeout(700)
        page.evaluate(AXE)
        assert page.evaluate(WRONG) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
