"""Sharing, as people do it: a cell, the dialog, a link, somebody else's browser; then the live numbers go, and the link stays.

The file that opens without a network is opened without one. What people wrote stays text wherever it is shown.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import delete, update

from backend.domain.run import canonical
from backend.domain.schemas import FrozenRun, Shared, SnapshotContent, SnapshotView, TradeoffPoint
from backend.store import tables
from dashboard import controls, frozen, links, offline, share, tradeoff_controls

FIGURE = """id => {
  const plot = document.querySelector(`#${id} .js-plotly-plot`) || document.querySelector(`#${id}.js-plotly-plot`);
  if (!plot || !plot.data || !plot.data.some(t => t.name === 'cells')) return '';
  return JSON.stringify([plot.data, plot.layout.xaxis.ticktext, plot.layout.yaxis.ticktext, plot.layout.coloraxis.cmax,
    plot.layout.paper_bgcolor], (key, value) => key === 'uid' ? undefined : value);
}"""
NASTY = "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"


def figure(page: Page, id: str) -> str:
    page.wait_for_function(f"id => ({FIGURE})(id) !== ''", arg=id)
    return str(page.evaluate(FIGURE, id))


def unlinked(live: str) -> str:
    """As it is frozen: names lead nowhere."""
    assert "<a href" in live
    return re.sub(r'<a href=\\".*?>|</a>', "", live)


def spoil(lab: Any) -> None:
    """Change every live score, then delete what they are of."""
    with lab.store.write() as session:
        session.execute(update(tables.score).values(value=1.0))
    with lab.store.write() as session:
        for table in reversed(tables.score.metadata.sorted_tables):
            if not table.name.startswith(("snapshot", "alembic")):
                session.execute(delete(table))


@pytest.mark.browser
def test_a_link_shows_what_was_frozen_whatever_becomes_of_the_runs(
    serve: Callable[..., Any], visit: Callable[..., Any], browser: Browser, tmp_path: Path
):
    def fill(lab: Any) -> None:
        lab.appears()
        lab.submit(recipes=["mnli", "squad"], targets=["xnli"], seeds=[0, 1, 2])
        lab.work()

    site = serve(fill)
    page = visit(site, "/explore?model=mini-2&order=name&target=xnli&cell=squad.sw").page
    live = unlinked(figure(page, "explore-graph"))
    panel = page.get_by_role("dialog")
    expect(panel).to_contain_text("squad → Swahili")
    gain = re.search(r"[+−]\d+\.\d \[[^\]]+\] points", panel.inner_text())
    assert gain is not None
    page.get_by_role("button", name="Close").click()
    expect(panel).to_have_count(0)

    page.get_by_role("button", name="Share", exact=True).click()
    preview = page.locator("#share-preview")
    for words in (
        "XNLI, accuracy",
        "mnli, squad",
        "Swahili",
        "25 runs",
        "Does NLI help?",
        "works on this machine only",
    ):
        expect(preview).to_contain_text(words)
    preview.locator("summary").click()
    expect(preview.get_by_role("region", name="Runs")).to_contain_text("Evaluate mini-2 on xnli after squad, seed 0")
    page.get_by_text("Anonymous").click()
    expect(preview).not_to_contain_text("Does NLI help?")
    page.locator("#share-title").fill("What SQuAD is worth")
    page.locator("#share-note").fill("Look at Swahili.")
    page.wait_for_timeout(600)
    page.get_by_text("30 days").click()
    page.get_by_role("button", name="Create link").click()
    url = page.locator("#share-url").input_value()
    assert re.fullmatch(re.escape(site.url) + r"/s/[\w-]{43}", url)
    path = urlsplit(url).path

    spoil(site.lab)
    other = visit(site, path, width=1300)  # a browser of its own
    seen = other.page
    assert figure(seen, "frozen-graph") == live
    expect(seen).to_have_title("Shared result · Crosslift")
    expect(seen.get_by_role("heading", name="What SQuAD is worth")).to_be_visible()
    expect(seen.locator("#frozen-banner")).to_contain_text(
        re.compile(r"Frozen .* UTC · from 25 runs · sha256 [0-9a-f]{64}")
    )
    expect(seen.get_by_text("Look at Swahili.")).to_be_visible()
    expect(seen.get_by_role("navigation")).to_have_count(0)

    seen.locator("#frozen-value label", has_text="Score").click()
    seen.wait_for_function("() => new URLSearchParams(location.search).get('value') === 'score'")
    seen.wait_for_function(f"before => ({FIGURE})('frozen-graph') !== before", arg=live)
    seen.locator("#frozen-view label", has_text="Table").click()
    seen.locator(".cell-button[data-cell='squad.sw']").click()
    drawer = seen.get_by_role("dialog")
    expect(drawer).to_contain_text(gain[0])
    expect(drawer).to_contain_text("Where it comes from")
    seen.wait_for_function("() => new URLSearchParams(location.search).get('cell') === 'squad.sw'")
    sliced = seen.url
    assert "cell=squad.sw" in sliced and "view=table" in sliced
    scores = figure(seen, "frozen-graph")
    again = visit(site, sliced.removeprefix(site.url)).page  # the address is the state
    expect(again.get_by_role("dialog")).to_contain_text(gain[0])
    assert figure(again, "frozen-graph") == scores

    with httpx.Client(base_url=site.url, timeout=30) as http:
        content = http.get(f"{path}.json")
        said = seen.locator("#frozen-banner code").inner_text()
        assert hashlib.sha256(content.content).hexdigest() == said
        assert "Does NLI help?" not in content.text
        table = http.get(f"{path}.csv").text
        assert len(table.splitlines()) == 1 + len(content.json()["matrix"]["cells"])
        headers = http.get(path).headers
        assert (headers["referrer-policy"], headers["x-robots-tag"]) == ("no-referrer", "noindex")
        assert headers["cache-control"] == "no-store"

    again.keyboard.press("Escape")
    with again.expect_download() as download:
        again.get_by_role("link", name="Single HTML file").click()
    file = tmp_path / "shared.html"
    download.value.save_as(file)
    alone = browser.new_context()
    alone.set_offline(True)
    problems: list[str] = []
    opened = alone.new_page()
    opened.on("console", lambda m: problems.append(m.text) if m.type in ("error", "warning") else None)
    opened.on("pageerror", lambda e: problems.append(str(e)))
    opened.on(
        "request", lambda r: problems.append(r.url) if not r.url.startswith(("file:", "data:", "blob:")) else None
    )
    opened.goto(file.as_uri())
    assert figure(opened, "figure") == live
    expect(opened.locator("#checked")).to_have_text("✓ matches the content")
    assert gain[0].removesuffix(" points") in opened.get_by_role("region", name="Every number").inner_text()
    alone.close()
    assert problems == []

    mine = visit(site, "/shares").page
    row = mine.get_by_role("row", name=re.compile("What SQuAD is worth"))
    expect(row).to_contain_text("2 ×")  # two visits; files are no openings
    expect(row).to_contain_text("anonymous")
    row.get_by_role("button", name="Revoke").click()
    expect(mine.get_by_role("dialog")).to_contain_text("What SQuAD is worth")
    mine.get_by_role("button", name="Revoke", exact=True).last.click()
    expect(mine.locator("#shares-said")).to_contain_text("Revoked")
    expect(row).to_contain_text("revoked")
    expect(mine.get_by_role("button", name=re.compile("^Revoke What"))).to_have_count(0)

    with httpx.Client(base_url=site.url, timeout=30) as http:
        statuses = [
            http.get(p).status_code for p in (path, f"{path}.html", f"{path}.json", f"{path}.csv", "/s/unknown")
        ]
        assert statuses == [404] * 5
    again.locator("#frozen-value label", has_text="Gain").click()  # an open page shows nothing more either
    expect(again.locator("#frozen-summary")).to_have_text("This link shows nothing any more.")
    gone = browser.new_page()
    assert gone.goto(url).status == 404  # type: ignore[union-attr]
    expect(gone.get_by_role("heading", name="This link shows nothing")).to_be_visible()
    gone.close()
    log = (site.home / "web.log").read_text()
    assert "/s/[redacted]" in log
    assert path.removeprefix("/s/") not in log


@pytest.mark.browser
def test_what_people_write_stays_text(site: Any, visit: Callable[..., Any], browser: Browser, tmp_path: Path):
    asked = {"view": "/explore?model=mini-2&target=xnli", "title": NASTY[:120], "note": NASTY}
    with httpx.Client(base_url=site.url, timeout=30) as http:
        made = http.post("/api/v1/snapshots", json=asked)
        assert made.status_code == 201, made.text
        file = tmp_path / "nasty.html"
        direct = http.get("/download/explore.html", params=asked)
        file.write_bytes(direct.content)
    assert "attachment" in direct.headers["content-disposition"]
    assert "nosniff" in direct.headers["x-content-type-options"]
    token = made.json()["token"]
    page = visit(site, f"/s/{token}").page
    expect(page.get_by_role("heading", level=1)).to_have_text(NASTY[:120])
    figure(page, "frozen-graph")
    expect(page).to_have_title("Shared result · Crosslift")
    listed = visit(site, "/shares").page
    expect(listed.get_by_role("rowheader").first).to_contain_text("</script>")
    expect(listed).to_have_title("Shares · Crosslift")
    opened = browser.new_page()
    opened.goto(file.as_uri())
    figure(opened, "figure")
    expect(opened.get_by_role("heading", level=1)).to_contain_text(NASTY[:120])
    assert opened.title() == f"{NASTY[:120]} · Crosslift"
    opened.close()


def test_a_view_that_cannot_be_frozen_says_so_and_leaves_no_file(site: Any):
    with httpx.Client(base_url=site.url, timeout=30) as http:
        for view, status in (("/nowhere", 422), ("/explore?model=nobody", 422), ("", 422)):
            answer = http.get("/download/explore.html", params={"view": view, "title": "x"})
            assert answer.status_code == status, answer.text
            assert answer.headers["content-type"].startswith("text/plain")


# --- pure ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def content(matrix: Callable[..., Any]) -> SnapshotContent:
    run = FrozenRun(
        id=7, fingerprint="5a" * 32, kind="evaluate", title="Evaluate", model="mini-2", recipe="mnli", target="xnli", seed=0,
        engine=1, device="=cmd()", device_class="cpu", precision="fp32", device_seconds=3.0, finished_at=None, parents=[],
    )  # fmt: skip
    return SnapshotContent(
        version=1, kind="explore", view="/explore?model=mini-2&order=name&target=xnli&cell=mnli.sw", benchmark="mini-XTREME-R",
        synthetic=True, matrix=matrix({"mnli": {"de": 2.0, "sw": 1.2, "tr": None}}), points=None, runs=[run], experiments=[],
    )  # fmt: skip


def test_a_file_holds_its_content_and_forbids_every_request(content: SnapshotContent):
    text = canonical(content.model_dump(mode="json"))
    digest = hashlib.sha256(text.encode()).hexdigest()
    shared = Shared(
        title=NASTY[:120], note=NASTY, frozen_at=datetime(2026, 11, 22, 14, 3, tzinfo=UTC), expires_at=None, sha256=digest,
        content=content,
    )  # fmt: skip
    made = offline.page(shared, text, link=True)
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', made)
    assert policy is not None
    assert policy[1].startswith("default-src &#x27;none&#x27;;")
    assert "unsafe-eval" not in policy[1]
    assert not re.search(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=", made)
    assert "<img" not in made
    assert made.count("<script") == made.count("</script>") == 4  # figures, content, the program, ours
    assert "Frozen 22 November 2026, 14:03 UTC · from 1 run" in made
    assert digest in made
    assert len(made) < 6_000_000


def test_a_slice_says_only_what_differs_and_reads_back(content: SnapshotContent):
    base = frozen.state(content)
    assert (base.order, str(base.cell)) == ("name", "mnli.sw")
    assert links.slice("t", base, base) == "/s/t"
    for search in ("?order=family", "?cell=-", "?cell=mnli.de&value=score&view=table"):
        state = links.sliced(base, search)
        assert state != base
        assert links.slice("t", state, base) == "/s/t" + search
    assert links.sliced(base, "?model=mini-4&target=xquad&metric=f1&source=hub&order=up") == base  # never which numbers


def test_whatever_can_be_frozen_is_a_choice_of_the_frozen_page():
    assert get_args(links.Order) == tuple(controls.ORDERS)
    assert get_args(links.Value) == tuple(controls.VALUES)
    assert set(get_args(links.Axis)) == set(tradeoff_controls.AXES)
    point = TradeoffPoint(
        model="mini-2", parameters=790_000, parameters_non_embedding=290_000, recipe="mnli", target="xnli", metric="accuracy",
        language="mean_transfer", gain=1.0, low=0.0, high=2.0, n=3, device_class="cpu", device="a processor",
        device_hours_marginal=0.5, device_hours_amortised=0.1, same_data_twice=False, flops_marginal=2e15, flops_amortised=1e15,
    )  # fmt: skip
    offered = [o["value"] for o in tradeoff_controls.axes([point], links.Tradeoff())]
    assert offered == ["parameters", "non-embedding", "hours", "flops"]  # energy nobody measured
    assert "energy" in [o["value"] for o in tradeoff_controls.axes([point], links.Tradeoff(x="energy"))]


def test_numbers_are_kept_apart_from_formulas(content: SnapshotContent, matrix: Callable[..., Any]):
    bad = content.model_copy(update={"matrix": matrix({"=1+1": {"sw": -1.5}, "-x": {"de": None}})})
    head, first, second = frozen.as_csv(bad, "ab").splitlines()
    assert dict(zip(head.split(","), first.split(","), strict=True))["gain"] == "-1.5"
    assert ",'=1+1," in first
    assert ",'-x," in second


def test_the_table_has_every_cell_with_its_reason(content: SnapshotContent):
    table = frozen.table(content, frozen.state(content))
    assert table.keys == ("mnli.de", "mnli.sw", "mnli.tr")
    assert [row[table.head.index("Verdict")] for row in table.rows] == ["no evidence", "no evidence", "not run"]


def test_what_the_form_says():
    asked = share.request("/explore", " A title ", "a\nnote", True, "30")
    assert (asked.title, asked.expires_days, asked.anonymous) == ("A title", 30, True)
    assert share.request("/explore", "A", expiry="never").expires_days is None
    with pytest.raises(ValueError):
        share.request("/explore", "")


def test_the_list_says_what_can_still_be_opened():
    now = datetime(2026, 11, 28, tzinfo=UTC)
    known: dict[str, Any] = {
        "id": 1, "sha256": "9c" * 32, "kind": "explore", "view": "/explore", "title": "A", "note": "", "anonymous": False,
        "created_at": now - timedelta(days=40), "expires_at": None, "revoked_at": None, "opened": 0, "last_opened_at": None,
        "bytes": 10, "runs": 1,
    }  # fmt: skip

    def state(**changes: Any) -> str:
        return share.state_of(SnapshotView(**(known | changes)), now)

    assert state() == "open"
    assert state(expires_at=now - timedelta(days=1)) == "expired"
    assert state(expires_at=now + timedelta(days=1)) == "open"
    assert state(revoked_at=now, expires_at=now - timedelta(days=1)) == "revoked"
