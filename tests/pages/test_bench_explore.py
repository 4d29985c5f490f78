"""``make bench``: how long a reader of Explore waits, with 500 experiments in fifty languages.

Prints, and judges nothing; the figures of a shared machine say little. A change is timed in the browser from the moment
a control has its new value to the first frame in which the new figure stands.
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


def _p(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def _ready(page: Page) -> None:
    page.locator("#explore-graph .js-plotly-plot .hm").first.wait_for()
    page.wait_for_load_state("networkidle")


def test_changing_a_filter(serve: Callable[..., Any], visit: Callable[..., Any]):
    site = serve(_seed)
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
    for name, (id, prop, values) in CHANGES.items():
        took = []
        for turn in range(ROUNDS):
            took.append(page.evaluate(CHANGE, [id, prop, values[turn % len(values)]]))
            page.wait_for_timeout(LOOK)
        # leave it as it was
        if took and values[(ROUNDS - 1) % len(values)] != values[-1]:
            page.evaluate(CHANGE, [id, prop, values[-1]])
        every += took
        print([round(t) for t in took])
        print(f"{name:28} p50 {_p(took, 0.5):6.0f}   p95 {_p(took, 0.95):6.0f} ms")
    print(f"{'all of them':28} p50 {_p(every, 0.5):6.0f}   p95 {_p(every, 0.95):6.0f} ms")
