"""``make bench``: how long a reader of Explore and of the list of runs waits, with 500 experiments in fifty languages.

Prints, and judges nothing but bytes; the times of a shared machine say little. A change is timed in the browser from the moment
a control has its new value to the first frame in which the new figure, or the new list, stands.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

pytestmark = [pytest.mark.bench, pytest.mark.browser]

EXPERIMENTS = 500
ROUNDS = 20
LOOK = 1000  # ms that a reader looks at what has come, at least, before the next change; what may be asked for next is read meanwhile
OPENED = "/explore?source=hub&model=xlmr-base&target=xnli"

CHANGE = """([id, prop, value]) => new Promise((resolve, reject) => {
  const graph = document.querySelector('#explore-graph .js-plotly-plot');
  const before = graph.data && graph.data[0];
  const began = performance.now();
  const late = setTimeout(() => reject(new Error('no new figure for ' + id)), 20000);
  graph.on('plotly_afterplot', () => {
    if (!graph.data || graph.data[0] === before) return;
    clearTimeout(late);
    graph.removeAllListeners('plotly_afterplot');
    requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now() - began)));
  });
  window.dash_clientside.set_props(id, { [prop]: value });
})"""

#: What a reader changes: the control, and values that follow one another.
CHANGES: dict[str, tuple[str, str, list[Any]]] = {
    "order of the languages": ("explore-order", "value", ["script", "resource", "gain", "cluster", "name", "family"]),
    "languages": ("explore-languages", "value", [["resource:low"], ["family:Turkic", "sw"], ["script:non-Latin"], []]),
    "gain or score": ("explore-value", "value", ["score", "gain"]),
    "fading what is unsure": ("explore-fade", "value", ["unsure", "none"]),
    "target": ("explore-target", "value", ["xquad", "xcopa", "tatoeba", "xnli"]),
    "model": ("explore-model", "value", ["mbert", "xlmr-large", "xlmr-base"]),
}


def _seed(lab: Any) -> None:
    path = Path(__file__).parents[1] / "bench" / "seed.py"  # a program: ``tests`` is no package
    spec = importlib.util.spec_from_file_location("seed", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.fill(lab.store, EXPERIMENTS)


LISTED = "#runs-content .run-table tbody tr"
LIST_CHANGE = """([id, prop, value]) => new Promise((resolve, reject) => {
  const box = document.getElementById('runs-content');
  const began = performance.now();
  const late = setTimeout(() => reject(new Error('no new list for ' + id)), 20000);
  new MutationObserver((_, watch) => {
    clearTimeout(late);
    watch.disconnect();
    requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now() - began)));
  }).observe(box, { childList: true, subtree: true, characterData: true });
  window.dash_clientside.set_props(id, { [prop]: value });
})"""
#: Of the list of runs.
LIST_CHANGES: dict[str, tuple[str, str, list[Any]]] = {
    "text": ("runs-q", "value", ["xlmr xnli", "mbert", ""]),
    "kind": ("runs-kind", "value", ["finetune", "evaluate", "any"]),
    "order": ("runs-sort", "value", ["recipe", "longest", "newest"]),
}
BUDGET_BYTES = 1_500_000


@pytest.fixture(scope="module")
def large(serve: Callable[..., Any]) -> Any:
    return serve(_seed)


def _line(what: str, values: list[float], budget: str, unit: str = "ms") -> None:
    print(f"| {what} | {_p(values, 0.5):,.0f} | {_p(values, 0.95):,.0f} {unit} | {budget} |")


def test_the_first_sight(large: Any, first_sight: Callable[..., Any]):
    """Cold: a browser that has nothing of it. The server has answered once."""
    figure = "#explore-graph .heatmaplayer image, #explore-graph .imagelayer image"
    pages = (("Explore", OPENED, figure, "3,000"), ("list of runs", "/runs", LISTED, "500"))
    print("\n\n| first sight, cold | median | p95 | budget |\n|---|---|---|---|")
    for name, path, css, budget in pages:
        first_sight(large.url + path, css)
        for link, megabits in (("", None), (", 10 Mbit/s", 10.0)):
            seen = [first_sight(large.url + path, css, megabits=megabits) for _ in range(5)]
            _line(f"{name}{link}: shown", [s.shown for s in seen], budget)
            _line(f"{name}{link}: interactive", [s.ready for s in seen], budget)
        _line(f"{name}: transferred", [s.sent / 1000 for s in seen], "1,500", "kB")
        assert max(s.sent for s in seen) < BUDGET_BYTES


def test_the_list_of_runs_from_within_and_changing_it(large: Any, visit: Callable[..., Any]):
    """Reached by a link from another page, as it is mostly, and with another choice."""
    page = visit(large, "/help").page
    took: list[float] = []
    for _ in range(10):
        page.locator("#gain").wait_for()
        page.wait_for_load_state("networkidle")
        took.append(page.evaluate("""css => new Promise(resolve => {
          const began = performance.now();
          (function look() {
            if (document.querySelector(css)) requestAnimationFrame(() => resolve(performance.now() - began));
            else requestAnimationFrame(look);
          })();
          window.crossliftGo('/runs');
        })""", LISTED))  # fmt: skip
        page.go_back()
    print("\n\n| list of runs | median | p95 | budget |\n|---|---|---|---|")
    _line("by a link from another page", took, "500")
    visitor = visit(large, "/runs")
    page = visitor.page
    page.locator(LISTED).first.wait_for()
    page.wait_for_load_state("networkidle")
    for name, (id, prop, values) in LIST_CHANGES.items():
        took = []
        for turn in range(ROUNDS - ROUNDS % len(values)):
            took.append(page.evaluate(LIST_CHANGE, [id, prop, values[turn % len(values)]]))
            page.wait_for_timeout(LOOK / 2)
        _line(f"another {name}", took, "500")


def _p(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def _ready(page: Page) -> None:
    page.locator("#explore-graph .js-plotly-plot .hm").first.wait_for()
    page.wait_for_load_state("networkidle")


def test_changing_a_filter(large: Any, visit: Callable[..., Any]):
    site = large
    sent: list[int] = []
    visitor = visit(site, "/help")
    visitor.page.on("response", lambda r: sent.append(int(r.headers.get("content-length") or 0)))
    visitor.goto(OPENED)
    page = visitor.page
    _ready(page)
    first = page.evaluate("performance.now()")
    size = page.evaluate("document.querySelector('#explore-graph .js-plotly-plot').data[0].z.map(row => row.length)")
    print(
        f"\n{len(size)} recipes × {size[0]} languages; first figure after {first:.0f} ms (caches warm, until the network is idle)"
    )
    every: list[float] = []
    print("\n| another | median | p95 | budget |\n|---|---|---|---|")
    for name, (id, prop, values) in CHANGES.items():
        took = []
        for turn in range(ROUNDS):
            took.append(page.evaluate(CHANGE, [id, prop, values[turn % len(values)]]))
            page.wait_for_timeout(LOOK)
        # leave it as it was
        if took and values[(ROUNDS - 1) % len(values)] != values[-1]:
            page.evaluate(CHANGE, [id, prop, values[-1]])
        every += took
        _line(name, took, "300")
    _line("all of them", every, "300")
