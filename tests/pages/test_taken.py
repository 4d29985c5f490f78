"""What leaves by a share link: its files and its frame hold what the preview showed and no more, stay what they are while the live numbers
change, and whoever may read those is told that there are newer ones."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import delete, update

from backend.domain.run import canonical
from backend.domain.schemas import SnapshotContent
from backend.store import tables
from dashboard import embed, newer, program
from dashboard.exports import made

VIEW = "/explore?model=mini-2&order=name&target=xnli"
SECRETS = ("Does NLI help?", "the loss is not finite", "a worker")


class Blog(ThreadingHTTPServer):
    """Somebody else's site, whatever it is asked for."""

    content = b""

    @property
    def friend(self) -> str:
        return f"http://localhost:{self.server_port}"

    @property
    def stranger(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        assert isinstance(self.server, Blog)
        self.wfile.write(self.server.content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def blog() -> Iterator[Blog]:
    server = Blog(("127.0.0.1", 0), _Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def shop(serve: Callable[..., Any], blog: Blog) -> Any:
    """A laboratory of this file's own, which lets one friend frame its figures."""

    def fill(lab: Any) -> None:
        lab.appears()
        lab.submit(recipes=["mnli", "squad", "mnli+squad"], targets=["xnli"], seeds=[0, 1, 2])
        lab.work(broken="mnli+squad")

    return serve(fill, CROSSLIFT_EMBED_ORIGINS=f"{blog.friend}, not an origin;")


@pytest.fixture
def http(shop: Any) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=shop.url, timeout=60) as client:
        yield client


def share(http: httpx.Client, **changes: Any) -> tuple[dict[str, Any], str]:
    """What the preview showed, and the path of the link."""
    asked = {"view": VIEW, "title": "A result", **changes}
    shown = http.post("/api/v1/snapshots:preview", json=asked).raise_for_status().json()["content"]
    made_of = http.post("/api/v1/snapshots", json=asked).raise_for_status().json()
    return shown, f"/s/{made_of['token']}"


def values(value: Any) -> Iterator[Any]:
    """Everything that is in a content, however deep."""
    if isinstance(value, dict):
        for part in value.values():
            yield from values(part)
    elif isinstance(value, list):
        for part in value:
            yield from values(part)
    else:
        yield value


@pytest.mark.parametrize("anonymous", [False, True])
def test_a_share_never_holds_more_than_its_preview_showed(http: httpx.Client, anonymous: bool):
    shown, path = share(http, anonymous=anonymous)
    known = set(values(shown))
    whole = http.get(f"{path}.json")
    assert whole.json() == shown
    assert whole.text == canonical(shown)
    digest = hashlib.sha256(whole.content).hexdigest()
    assert http.get(f"/api/v1/shared/{path.removeprefix('/s/')}").json().keys() == {
        "title", "note", "frozen_at", "expires_at", "sha256", "content",
    }  # fmt: skip
    html = http.get(f"{path}.html").text
    inside = re.search(r'id="content">([^<]+)<', html)
    assert inside is not None
    assert json.loads(base64.b64decode(inside[1])) == shown
    table = pq.read_table(io.BytesIO(http.get(f"{path}.parquet").content)).to_pylist()
    said = {v for row in table for v in values(row)}
    derived = {
        digest,
        True,
        False,
        None,
    }  # whether a cell is zero-shot or of the same data twice is in the rows of the preview
    assert said - known - derived == set()
    index = http.get(f"{path}.yaml").text
    numbers = {float(n) for n in re.findall(r"(?m)^\s+value: (-?[\d.]+(?:e-?\d+)?)$", index)}
    assert numbers
    assert numbers <= {v for v in known if isinstance(v, float)}
    files = [
        http.get(f"{path}.{s}").raise_for_status().text
        for s in ("csv", "html", "json", "tex", "bib", "yaml", "py", "svg")
    ]
    files += [http.get(f"{path}?embed=1").raise_for_status().text]
    if anonymous:
        assert [secret for secret in SECRETS for text in files if secret in text] == []
    else:
        assert any(SECRETS[0] in text for text in files)  # the test can see them


def test_files_of_a_link_do_not_change_when_the_live_numbers_do(shop: Any, http: httpx.Client):
    _, path = share(http)
    stable = ("json", "csv", "parquet", "tex", "pdf", "yaml", "bib")
    before = {s: http.get(f"{path}.{s}?order=gain").content for s in stable}
    with shop.lab.store.write() as session:
        session.execute(update(tables.score).values(value=tables.score.c.value / 2))
    assert {s: http.get(f"{path}.{s}?order=gain").content for s in stable} == before
    with shop.lab.store.write() as session:
        session.execute(update(tables.score).values(value=tables.score.c.value * 2))
    assert hashlib.sha256(before["json"]).hexdigest().encode() in before["csv"]


def test_a_file_shows_what_the_link_shows(http: httpx.Client):
    _, path = share(http)
    by_name, by_gain = (http.get(f"{path}.csv{q}").text.splitlines() for q in ("", "?order=gain"))
    assert by_name != by_gain
    assert sorted(by_name) == sorted(by_gain)
    assert http.get(f"{path}.csv?model=mini-4&target=xquad").text.splitlines() == by_name  # never which numbers
    assert "Scores with and without" in http.get(f"{path}.tex?value=score").text
    for suffix in made.MEDIA:
        assert http.get(f"/s/unknown.{suffix}").status_code == 404, suffix
        headers = http.get(f"{path}.{suffix}").headers
        assert (headers["referrer-policy"], headers["x-robots-tag"], headers["cache-control"]) == (
            "no-referrer",
            "noindex",
            "no-store",
        )


def test_a_frozen_tradeoff_has_files_and_a_frame_too(http: httpx.Client):
    shown, path = share(http, view="/tradeoff?target=xnli")
    rows = http.get(f"{path}.csv").text.splitlines()
    assert len(rows) == 1 + len(shown["points"])
    assert http.get(f"{path}.svg?x=non-embedding&width=column").text.count("<svg") == 1
    assert http.get(f"{path}.yaml").status_code == 404  # a mean over languages is no result of a data set
    assert '"figures"' in http.get(f"{path}?embed=1").text


# --- the frame -------------------------------------------------------------------------------------------------------


@pytest.mark.browser
def test_only_pages_that_were_named_may_frame_the_figure(shop: Any, blog: Blog, http: httpx.Client, browser: Browser):
    _, path = share(http, title='Look "here" <b>')
    blog.content = embed.snippet(f"{shop.url}{path}?embed=1&order=gain", 'Look "here" <b>', 400).encode()
    context = browser.new_context()
    page, asked, said = context.new_page(), [], []
    page.on("request", lambda r: asked.append(r.url))
    page.on(
        "console", lambda m: said.append(m.text) if m.type == "error" and "favicon" not in m.location["url"] else None
    )
    page.goto(f"{blog.friend}/")
    frame = page.frame_locator("iframe")
    frame.locator(".js-plotly-plot .main-svg").first.wait_for()
    expect(frame.get_by_role("navigation")).to_have_count(0)
    expect(frame.get_by_role("link")).to_have_text('Look "here" <b>')
    assert page.locator("iframe").get_attribute("title") == 'Look "here" <b>'
    elsewhere = [u for u in asked if not u.startswith((shop.url, blog.friend, "data:", "blob:"))]
    assert (elsewhere, said) == ([], [])
    page.goto(f"{blog.stranger}/")
    page.wait_for_timeout(500)
    assert any("frame-ancestors" in text for text in said)
    assert page.frames[1].url.startswith("chrome-error:")
    context.close()


@pytest.mark.browser
@pytest.mark.parametrize("shown", ["?embed=1&order=family", "?order=family"])
def test_names_in_a_narrow_figure_do_not_run_into_one_another(
    shop: Any, http: httpx.Client, browser: Browser, shown: str
):
    _, path = share(http)
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(f"{shop.url}{path}{shown}")
    page.locator(".js-plotly-plot .xtick text").first.wait_for()
    over = page.evaluate("""() => ['.xtick text', '.textpoint text'].map(kind => {
        const all = [...document.querySelectorAll('.js-plotly-plot ' + kind)].map(t => t.getBoundingClientRect());
        return [all.length, all.filter((a, i) => all.some((b, j) => i < j && a.left < b.right && b.left < a.right)).length];
    })""")
    assert [(many > 3, overlapping) for many, overlapping in over] == [(True, 0), (True, 0)]
    assert page.evaluate("document.documentElement.scrollWidth") == 390  # the figure scrolls, the page does not
    context.close()


def test_nobody_may_frame_anything_unless_an_operator_says_so(blog: Blog, http: httpx.Client):
    assert embed.origins(None) == embed.origins("") == ()
    assert embed.origins("https://a.example, b; script-src *,*.b.example") == ("https://a.example", "*.b.example")
    assert embed.policy(()).endswith("frame-ancestors 'none'")
    _, path = share(http)
    framed, whole = http.get(f"{path}?embed=1"), http.get(path)
    assert framed.headers["content-security-policy"] == embed.policy((blog.friend,))
    assert "x-frame-options" not in framed.headers
    assert re.findall(r'<script src="([^"]+)"', framed.text) == [
        program.address()
    ]  # the small one, as the pages load it
    assert (whole.headers["x-frame-options"], "frame-ancestors 'none'" in whole.headers["content-security-policy"]) == (
        "DENY",
        True,
    )
    assert http.get("/s/unknown?embed=1").status_code == 404


# --- newer results ---------------------------------------------------------------------------------------------------


@pytest.mark.browser
def test_who_may_read_the_live_numbers_is_told_of_newer_ones(shop: Any, http: httpx.Client, visit: Callable[..., Any]):
    _, path = share(http)
    before = http.get(f"{path}.json").content
    same = visit(shop, path).page
    expect(same.get_by_role("link", name="Parquet")).to_be_visible()
    same.wait_for_timeout(500)
    expect(same.locator("#frozen-newer")).to_be_empty()
    with shop.lab.store.write() as session:
        session.execute(
            update(tables.score).where(tables.score.c.language == "sw").values(value=tables.score.c.value - 1)
        )
    there = visit(shop, path).page
    expect(there.locator("#frozen-newer")).to_contain_text("Newer results exist: 2 of 18 numbers are others now.")
    there.get_by_text("Score", exact=True).click()  # files are of what is shown
    there.wait_for_function(
        "() => document.querySelector('#frozen-files a[href*=\".pdf\"]').href.includes('value=score')"
    )
    there.get_by_text("The figure in another page").click()
    expect(there.locator("#frozen-frame")).to_contain_text("embed=1&amp;value=score")
    assert http.get(f"{path}.json").content == before
    with shop.lab.store.write() as session:
        session.execute(delete(tables.score))
    gone = visit(shop, path).page
    expect(gone.get_by_role("link", name="Parquet")).to_be_visible()
    assert http.get(f"{path}.json").content == before


def test_only_numbers_are_compared(matrix: Callable[..., Any]):
    def content(**gains: Any) -> SnapshotContent:
        return SnapshotContent(
            version=1, kind="explore", view="/explore", benchmark="mini-XTREME-R", synthetic=True, matrix=matrix({"mnli": gains}),
            points=None, runs=[], experiments=[],
        )  # fmt: skip

    frozen = content(de=1.0, sw=2.0, tr=None)
    assert not newer.compare(frozen, frozen.model_copy(update={"view": "/explore?x=1", "experiments": ["another"]}))
    changes = newer.compare(frozen, content(de=1.0, sw=2.5, tr=0.5))
    assert (changes.new, changes.other, changes.gone, changes.of) == (1, 1, 0, 2)
    assert changes.in_words == "1 of 2 numbers is another now, 1 number is new"
    assert newer.compare(frozen, content(de=1.0)).in_words == "1 number is gone"
