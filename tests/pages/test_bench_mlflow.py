"""``make bench``: Explore and the list of runs beside MLflow's own table of runs, with the same scored runs, in the same browser.

MLflow is the command named in CROSSLIFT_BENCH_MLFLOW, or ``mlflow`` on the PATH or beside this Python; the whole package, since
``mlflow-skinny`` has no pages. CROSSLIFT_BENCH_MLFLOW_STORE names a database of it that an earlier round filled, or where to keep
it: filling takes a minute or more. A first sight is timed from the navigation to the first frame in which a row, or the figure,
stands; a change from the key or the control to the first frame with other ones. MLflow's pages go on asking, so what was transferred
is counted until a while after the first sight, on all sides alike.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page
from sqlalchemy import select

from backend.store import tables

pytestmark = [pytest.mark.bench, pytest.mark.browser, pytest.mark.timeout(3600)]

EXPERIMENTS = 200  # about a thousand runs with scores
ROUNDS = int(os.environ.get("CROSSLIFT_BENCH_ROUNDS", "5"))
PATIENCE = 120_000  # ms
SETTLED = 2.0  # seconds after the first sight
BENCH = Path(__file__).parents[1] / "bench"
FIGURE = "#explore-graph .heatmaplayer image, #explore-graph .imagelayer image"
LISTED = "#runs-content .run-table tbody tr"
ROWS = "[row-index='0'].ag-row"
THEIRS, OURS, LIST = "MLflow, table of runs", "Crosslift, Explore", "Crosslift, list of runs"
LANGUAGES: tuple[list[str], ...] = (["resource:low"], ["family:Turkic", "sw"], ["script:non-Latin"], [])

#: Until what ``now`` reads is not what it was: from the key that sends MLflow's search, else from the new value of a control.
CHANGED = """([css, id, value]) => { window.changed = new Promise(resolve => {
  const graph = document.querySelector('#explore-graph .js-plotly-plot');
  const now = () => graph ? graph.data[0] : [...document.querySelectorAll(css)].map(r => r.textContent).join();
  const before = now();
  function wait() {
    const began = performance.now();
    (function look() {
      const found = now();
      if (found && found !== before) requestAnimationFrame(() => resolve(performance.now() - began));
      else requestAnimationFrame(look);
    })();
  }
  if (!id) document.addEventListener('keydown', function sent(event) {
    if (event.key !== 'Enter') return;
    document.removeEventListener('keydown', sent, true);
    wait();
  }, true);
  else { wait(); window.dash_clientside.set_props(id, { value: value }); }
}); }"""


def _command() -> str:
    named = os.environ.get("CROSSLIFT_BENCH_MLFLOW")
    found = shutil.which(named or "mlflow") or shutil.which(str(Path(sys.executable).parent / "mlflow"))
    if found is None:
        pytest.skip(
            "no MLflow: `pip install mlflow` in an environment of its own, and name its command in CROSSLIFT_BENCH_MLFLOW"
        )
    there = (
        "import mlflow, pathlib; print((pathlib.Path(mlflow.__file__).parent / 'server/js/build/index.html').exists())"
    )
    done = subprocess.run([str(Path(found).parent / "python"), "-c", there], capture_output=True, text=True)
    if done.stdout.strip() != "True":
        pytest.skip(f"{found} has no pages: mlflow-skinny is not enough, install mlflow")
    return found


def _seeded(lab: Any) -> None:
    spec = importlib.util.spec_from_file_location("seed", BENCH / "seed.py")  # a program: ``tests`` is no package
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.fill(lab.store, EXPERIMENTS)


def _scored(store: Any) -> list[dict[str, dict[str, Any]]]:
    """Runs with scores, as MLflow is told of them."""
    run, score = tables.run.c, tables.score.c
    what = (run.id, run.model, run.recipe, run.target, run.seed, score.metric, score.language, score.value)
    tags: dict[int, dict[str, str]] = {}
    metrics: defaultdict[int, dict[str, float]] = defaultdict(dict)
    with store.read() as session:
        for id, model, recipe, target, seed, metric, language, value in session.execute(
            select(*what).join_from(tables.run, tables.score)
        ):
            tags[id] = {"model": model, "recipe": recipe, "target": target, "seed": str(seed)}
            metrics[id][f"{metric}.{language}"] = value
    return [{"tags": tags[id], "metrics": metrics[id]} for id in tags]


@pytest.fixture
def ours(serve: Callable[..., Any]) -> Any:
    return serve(_seeded)


@pytest.fixture
def mlflow(ours: Any, tmp_path: Path) -> Iterator[str]:
    """Its address, with the same runs."""
    command = _command()
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {"MLFLOW_DISABLE_TELEMETRY": "true"}
    file = Path(os.environ.get("CROSSLIFT_BENCH_MLFLOW_STORE") or tmp_path / "mlflow.db")
    scored = _scored(ours.lab.store)
    if not file.exists():
        fill = [str(Path(command).parent / "python"), str(BENCH / "mlflow_fill.py"), f"sqlite:///{file}"]
        lines = "\n".join(map(json.dumps, scored))
        subprocess.run(fill, input=lines, text=True, check=True, env=env, cwd=tmp_path, stdout=subprocess.DEVNULL)
    with sqlite3.connect(file) as there:
        told = there.execute("SELECT (SELECT count(*) FROM runs), (SELECT count(*) FROM latest_metrics)").fetchone()
    there.close()
    assert told == (len(scored), sum(len(each["metrics"]) for each in scored)), f"{file} holds other runs"
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    with (tmp_path / "mlflow.log").open("wb") as log:
        process = subprocess.Popen(
            [command, "ui", "--backend-store-uri", f"sqlite:///{file}", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"],
            env=env, cwd=tmp_path, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + 120
        while not _answers(address):
            assert time.monotonic() < deadline, (tmp_path / "mlflow.log").read_text()[-2000:]
            time.sleep(0.2)
        yield address
    finally:
        os.killpg(process.pid, 15)
        process.wait(30)


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/health", timeout=2).is_success
    except httpx.HTTPError:
        return False


def test_a_first_sight_and_a_change_beside_mlflow(
    ours: Any, mlflow: str, first_sight: Callable[..., Any], browser: Any
) -> None:
    sides = {
        THEIRS: (f"{mlflow}/#/experiments/1/runs", ROWS),
        OURS: (f"{ours.url}/explore?source=hub&model=xlmr-base&target=xnli", FIGURE),
        LIST: (f"{ours.url}/runs?kind=evaluate", LISTED),
    }
    seen: defaultdict[str, list[Any]] = defaultdict(list)
    for turn in range(ROUNDS + 1):
        for name, (address, css) in sides.items():
            sight = first_sight(address, css, settled=SETTLED)
            if turn:  # the first one warms the servers
                seen[name].append(sight)
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    pages: dict[str, Page] = {}
    for name, (address, css) in sides.items():
        pages[name] = page = context.new_page()
        page.goto(address)
        page.locator(css).first.wait_for(timeout=PATIENCE, state="attached")
        page.wait_for_timeout(1000 * SETTLED)
    changed: defaultdict[str, list[float]] = defaultdict(list)
    for turn in range(2 * ROUNDS):
        page = pages[THEIRS]
        page.bring_to_front()
        page.locator("[data-testid=search-box]").fill(f"metrics.`accuracy.sw` > {50 + turn}")
        changed[THEIRS].append(_changed(page, [".ag-row"], "Enter"))
        changed[OURS].append(_changed(pages[OURS], [FIGURE, "explore-languages", LANGUAGES[turn % 4]]))
        changed[LIST].append(_changed(pages[LIST], [LISTED, "runs-q", ("xlmr xnli", "mbert")[turn % 2]]))
    context.close()
    middle = {
        name: (median(s.shown for s in seen[name]), median(s.sent for s in seen[name]) / 1000, median(changed[name]))
        for name in sides
    }
    print(
        f"\n\n{len(_scored(ours.lab.store)):,} runs with scores in fifty languages; medians of {ROUNDS}, cold browser, loopback"
    )
    print("\n| | first sight, ms | | transferred, kB | | another filter, ms | |\n|---|---|---|---|---|---|---|")
    for name, numbers in middle.items():
        beside = zip(numbers, middle[THEIRS], strict=True)
        print(f"| {name} | " + " | ".join(f"{n:,.0f} | {n / peer:.2f}×" for n, peer in beside) + " |")
    assert middle[OURS][1] <= middle[THEIRS][1] / 3  # bytes are the same on every machine; times are only printed


def _changed(page: Page, what: list[Any], key: str | None = None) -> float:
    """ms until what ``what`` names is another; then a reader looks at it for a second."""
    page.bring_to_front()
    page.evaluate(CHANGED, (what + [None, None])[:3])
    if key is not None:
        page.keyboard.press(key)
    took = float(page.evaluate("() => window.changed"))
    page.wait_for_timeout(1000)
    return took
