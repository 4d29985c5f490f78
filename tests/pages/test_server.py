"""API and pages in one process: what answers which address, and that nothing blocks the event loop."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from plotly.offline import get_plotlyjs_version

from dashboard import pages as pages_package


@pytest.fixture(scope="module")
def http(site: Any) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=site.url, timeout=30) as client:
        yield client


def test_the_front_door_is_a_page(http: httpx.Client):
    answer = http.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert http.head("/").status_code == 200


def test_a_link_that_shows_nothing_is_a_404_with_a_page(http: httpx.Client):
    answer = http.get("/s/" + "A" * 43)
    assert answer.status_code == 404
    assert "_dash-config" in answer.text  # the document that every page lives in
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-robots-tag"] == "noindex"


@pytest.mark.parametrize(
    "path",
    ["/", "/?model=%00&source=moon", "/explore", "/explore?target=nothing&order=up&cell=%00", "/help", "/no/such/page"],
)
def test_pages_are_html_in_english_and_never_a_500(http: httpx.Client, path: str):
    answer = http.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert '<html lang="en" dir="ltr">' in answer.text


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_nothing_under_api_falls_through_to_the_pages(http: httpx.Client, method: str):
    answer = http.request(method, "/api/v1/nope")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_pages_need_nothing_unsafe(http: httpx.Client):
    answer = http.get("/explore")
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert "unsafe" not in policy["script-src"]
    assert "'self'" in policy["script-src"]
    assert policy["frame-ancestors"] == "'none'"
    assert not re.search(r'(?:src|href)="(?:https?:)?//', answer.text)


def test_what_is_served_is_compressed_and_kept(http: httpx.Client):
    script = re.search(r'src="(/_dash-component-suites/dash_mantine_components/[^"]+)"', http.get("/explore").text)
    assert script is not None
    answer = http.get(script[1], headers={"accept-encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert "max-age=31536000" in answer.headers["cache-control"]


def test_a_page_begins_with_few_files_that_are_compressed_once_and_kept(http: httpx.Client):
    document = http.get("/explore").text
    named = re.findall(r'<(?:script src|link rel="stylesheet" href)="([^"]+)"', document)
    assert len(named) <= 8
    assert len([each for each in named if each.startswith("/program/")]) == 2
    for address in named:
        small = http.get(address, headers={"accept-encoding": "gzip"})
        whole = http.get(address, headers={"accept-encoding": "identity"})
        assert small.text == whole.text
        if not address.startswith("/assets/"):
            assert small.headers["content-encoding"] == "gzip"
            assert "max-age=31536000" in small.headers["cache-control"]
    style, script = (next(a for a in named if a.endswith(end) and "/program/" in a) for end in (".css", ".js"))
    assert ".filters" in http.get(style).text
    assert "polyfill" not in document
    assert all(part in http.get(script).text for part in ("regeneratorRuntime", "react-dom", "dash_clientside"))
    assert http.get("/program/style-000000000000.css").status_code == 404
    assert http.get("/program/pages-000000000000.js").status_code == 404
    assert http.get("/_dash-component-suites/dash/deps/nothing.v1_0m1.js").status_code >= 400


def test_the_program_that_draws_is_of_the_version_that_figures_are_made_for(http: httpx.Client):
    named = re.search(r'data-plotly="([^"]+)"', http.get("/explore").text)
    assert named is not None
    answer = http.get(named[1], headers={"accept-encoding": "gzip"})
    assert answer.headers["content-type"].startswith("text/javascript")
    assert (answer.headers["content-encoding"], answer.headers["vary"]) == ("gzip", "Accept-Encoding")
    assert "immutable" in answer.headers["cache-control"]
    assert len(answer.content) > 1_000_000
    assert f"v{get_plotlyjs_version().split('.')[0]}." in answer.text[:200]
    assert http.get(named[1], headers={"accept-encoding": "identity"}).text == answer.text
    assert http.get("/program/plotly-000000000000.js").status_code == 404


def test_the_program_that_draws_tables_is_named_and_not_begun_with(http: httpx.Client):
    document = http.get("/explore").text
    named = re.search(r'data-grid="([^"]+)"', document)
    assert named is not None
    assert f'src="{named[1]}"' not in document
    answer = http.get(named[1])
    assert "dash_ag_grid" in answer.text
    assert "max-age=31536000" in answer.headers["cache-control"]


def test_no_callback_blocks_the_event_loop(tmp_path: Path):
    """In a process of its own: an application is put together once."""
    code = """
import inspect, json, sys
from starlette.testclient import TestClient
from plotly.offline import get_plotlyjs_version

from backend.store.session import Store
from dashboard.server import create
app = create(Store("sqlite:///here.db"))
with TestClient(app, base_url="http://127.0.0.1") as client:
    client.get("/")
pages = app.state.pages
kinds = {k: inspect.iscoroutinefunction(c["callback"]) for k, c in pages.callback_map.items() if "callback" in c}
json.dump({"callbacks": kinds, "torch": "torch" in sys.modules, "transformers": "transformers" in sys.modules}, sys.stdout)
"""
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(root), "PATH": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    import json

    found = json.loads(done.stdout)
    assert len(found["callbacks"]) >= 5
    assert {k: v for k, v in found["callbacks"].items() if not v} == {}
    assert not found["torch"]
    assert not found["transformers"]


def test_pages_can_be_served_apart_from_the_api(serve: Callable[..., Any], site: Any):
    apart = serve(CROSSLIFT_API_URL=site.url)
    with httpx.Client(base_url=apart.url, timeout=30) as http:
        assert http.get("/explore").status_code == 200
        assert http.get("/api/v1/queue").headers["location"] == f"{site.url}/api/v1/queue"
        body = {
            "output": "version.children", "outputs": {"id": "version", "property": "children"},
            "inputs": [{"id": "at-start", "property": "id", "value": "at-start"}], "changedPropIds": ["at-start.id"],
        }  # fmt: skip
        answer = http.post("/_dash-update-component", json=body)
        assert answer.json()["response"]["version"]["children"].startswith("Crosslift ")


def test_a_page_of_another_site_may_not_call_back(http: httpx.Client):
    answer = http.post("/_dash-update-component", json={}, headers={"origin": "http://evil.example"})
    assert answer.status_code == 403


def test_every_page_is_a_file():
    """Pages stay thin: the folder holds pages and nothing else."""
    folder = Path(inspect.getfile(pages_package)).parent
    for path in folder.glob("[!_]*.py"):
        assert "register_page(" in path.read_text()
