"""A real server process on a store filled through the store's own functions, and a Chromium that visits it.

``site`` is a laboratory with results: two models, three seeds, every kind of missing cell. ``empty_site`` is one where
nothing was ever run, ``young_site`` one where a first experiment has just been submitted.

``visit`` opens an address in a browser of its own and, when the test ends, fails it if the console held an error or a
request left for another origin.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from backend.domain.experiment import ExperimentRequest, plan
from backend.domain.gains import Missing, Verdict
from backend.domain.model import MODELS
from backend.domain.run import DeviceClass, RunKind, digest
from backend.domain.schemas import GainCell, GainMatrix, RecipeRow
from backend.domain.tasks import TASKS
from backend.store import experiments, migrate, runs, workers
from backend.store.runs import Claim, Result
from backend.store.session import Store

WAIT_MILLISECONDS = 30_000  # for what takes one second on an idle machine
ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
COST = {
    "device": "a processor", "device_class": "cpu", "precision": "fp32", "share": 0.5, "wall_seconds": 30.0,
    "device_seconds": 15.0, "examples": 600, "tokens": 9000, "flops_analytic": 1e12, "flops_counted": None,
    "peak_memory_bytes": None, "energy_joules": None,
}  # fmt: skip
EFFECTS = {"mnli": 5.0, "squad": 1.5, "hellaswag": -2.5, "control:squad": 0.2, "mnli+squad": 3.0}


def _unit(*parts: object) -> float:
    """A number in [−1, 1) that depends on nothing but the parts."""
    return zlib.crc32(repr(parts).encode()) / 2**31 - 1


class Lab:
    """Submits and works as the real parts do, with made-up scores."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def submit(self, **changes: Any) -> int:
        body = {"name": "Does NLI help?", "models": ["mini-2"], "recipes": ["mnli"], "targets": ["xnli"], **changes}
        request = ExperimentRequest.model_validate(body)
        with self.store.write() as session:
            body_digest = digest(request.model_dump(mode="json"))
            return experiments.submit(session, request, plan(request), key=None, body_digest=body_digest).id

    def appears(self) -> None:
        with self.store.write() as session:
            workers.seen(session, "a worker", ["cpu"], 2, "a processor")

    def claim(self) -> Claim | None:
        with self.store.write() as session:
            return runs.claim(session, worker="a worker", device=DeviceClass.CPU, lease_seconds=600)

    def recipe(self, claim: Claim) -> str:
        with self.store.read() as session:
            return runs.view(session, claim.run_id).recipe

    def finish(self, claim: Claim) -> None:
        recipe, scores = self.recipe(claim), []
        if claim.kind is RunKind.EVALUATE:
            task = TASKS[claim.spec.data[0].task]
            for language in claim.spec.languages:
                for metric in task.metrics:
                    base = 58 + 14 * _unit(task.name, language, metric, claim.model)
                    effect = EFFECTS.get(recipe, 0.0) * (1 + 0.6 * _unit(recipe, language, task.name))
                    noise = 0.7 * _unit(recipe, language, task.name, metric, claim.spec.seed)
                    scores.append((language, metric, round(base + effect + noise, 3), 600))
        result = Result(
            scores=scores, artifact=f"file:///made/{claim.run_id}", artifact_digest="0" * 64, cost=self.cost(claim),
            parameters=MODELS[claim.model].parameters, environment={"python": "3"}, extra={},
            parameters_non_embedding=MODELS[claim.model].parameters_non_embedding,
        )  # fmt: skip
        with self.store.write() as session:
            assert runs.finish(session, claim.run_id, claim.attempt, result).ok

    def cost(self, claim: Claim) -> dict[str, Any]:
        """Dearer the larger the model and the more tasks; retrieval and evaluation cost little."""
        long = {RunKind.EVALUATE: 15.0, RunKind.FINETUNE: 120.0}.get(claim.kind, 200.0 * len(claim.spec.data or [0]))
        seconds = long * (1 + MODELS[claim.model].parameters_non_embedding / 4e5)
        return {**COST, "wall_seconds": 2 * seconds, "device_seconds": seconds}

    def train(self, claim: Claim, *, steps: int = 200) -> None:
        """Leave the curves of a training run behind."""
        task = TASKS[claim.spec.data[0].task] if claim.kind is not RunKind.PRETRAIN else None
        points = [("loss", s, 1.1 * 0.985 ** (s / 4) + 0.05 * _unit(claim.run_id, s)) for s in range(10, steps + 1, 10)]
        for metric in task.metrics if task else ():
            points += [(f"dev/{metric}", s, 70 - 30 * 0.97 ** (s / 3)) for s in range(50, steps + 1, 50)]
        with self.store.write() as session:
            assert runs.record(session, claim.run_id, claim.attempt, curves=points)

    def fail(self, claim: Claim) -> None:
        with self.store.write() as session:
            ended = runs.fail(
                session, claim.run_id, claim.attempt, type="FloatingPointError", message="the loss is not finite",
                traceback="…", cause=None,
            )  # fmt: skip
            assert ended.ok

    def work(self, *, at_most: int = 10_000, broken: str | None = None) -> int:
        """Do what is queued and what that makes ready; intermediate runs of the recipe ``broken`` fail."""
        done = 0
        while done < at_most and (claim := self.claim()) is not None:
            if broken is not None and claim.kind is RunKind.INTERMEDIATE and self.recipe(claim) == broken:
                self.fail(claim)
            else:
                if claim.kind is RunKind.FINETUNE:
                    self.train(claim)
                self.finish(claim)
            done += 1
        return done


@dataclass
class Site:
    """A server process and the laboratory behind it."""

    lab: Lab
    home: Path
    port: int
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        env = {k: v for k, v in os.environ.items() if not k.startswith("CROSSLIFT_")} | self.environment
        with (self.home / "web.log").open("ab") as log:
            command = [sys.executable, "-m", "dashboard.server"]
            self.process = subprocess.Popen(command, env=env, cwd=self.home, stdout=log, stderr=log)
        deadline = time.monotonic() + 300  # of a machine that others use too
        while True:
            try:
                if httpx.get(f"{self.url}/healthz", timeout=2).is_success:
                    return
            except httpx.HTTPError:
                pass
            assert self.process.poll() is None, (self.home / "web.log").read_text()
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.2)

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)
            self.process = None


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Site]]:
    """Start a server process of its own on a new, migrated database."""
    sites: list[Site] = []

    def start(fill: Callable[[Lab], None] = lambda lab: None, **environment: str) -> Site:
        home = tmp_path_factory.mktemp("home")
        address = f"sqlite:///{home / 'crosslift.db'}"
        migrate.upgrade(address)
        lab, port = Lab(Store(address)), _free_port()
        own = {"CROSSLIFT_HOME": str(home), "CROSSLIFT_PORT": str(port), "PYTHONPATH": str(ROOT)}
        site = Site(lab, home, port, own | environment)
        sites.append(site)
        fill(lab)
        site.start()
        return site

    yield start
    for site in sites:
        site.stop()
        site.lab.store.dispose()


def _results(lab: Lab) -> None:
    lab.appears()
    seeds = [0, 1, 2]
    lab.submit(
        models=["mini-2", "mini-4"], recipes=["mnli", "squad", "mnli+squad", "hellaswag"], targets=["xnli"], seeds=seeds
    )
    lab.work(broken="mnli+squad")  # failed cells
    lab.submit(recipes=["squad", "control:squad"], targets=["xquad", "tatoeba"], seeds=seeds)  # no control in tatoeba
    lab.work()
    lab.submit(name="A part of it", recipes=["control:squad"], languages=["en", "de"], seeds=seeds)  # the rest: not run
    lab.work()


@pytest.fixture(scope="session")
def site(serve: Callable[..., Site]) -> Site:
    return serve(_results)


@pytest.fixture(scope="session")
def empty_site(serve: Callable[..., Site]) -> Site:
    return serve()


@pytest.fixture
def young_site(serve: Callable[..., Site]) -> Site:
    def begin(lab: Lab) -> None:
        lab.appears()
        lab.submit(seeds=[0])

    return serve(begin)


@pytest.fixture(scope="session")
def pages_there_are(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Addresses of all pages, as they are registered: ``/runs/<run_id>``."""
    program = """
import json, dash
from backend.store.session import Store
from dashboard.server import create
create(Store("sqlite:///here.db"))
print(json.dumps(sorted(p["path_template"] or p["path"] for p in dash.page_registry.values())))
"""
    env = {k: v for k, v in os.environ.items() if not k.startswith("CROSSLIFT_")} | {"PYTHONPATH": str(ROOT)}
    home = tmp_path_factory.mktemp("registered")
    done = subprocess.run(
        [sys.executable, "-c", program], env=env, cwd=home, capture_output=True, text=True, check=True
    )
    return list(json.loads(done.stdout.splitlines()[-1]))


def unvisited(pages: list[str], addresses: Iterable[str]) -> list[str]:
    """Pages to which none of the addresses leads."""
    visited = {a.partition("?")[0] for a in addresses}
    shapes = {page: re.compile(re.sub(r"<\w+>", "[^/]+", page)) for page in pages}
    exact = visited & set(pages)
    return [p for p, shape in shapes.items() if p not in exact and not any(shape.fullmatch(v) for v in visited - exact)]


@pytest.fixture
def unvisited_by(pages_there_are: list[str]) -> Callable[[Iterable[str]], list[str]]:
    return lambda addresses: unvisited(pages_there_are, addresses)


@pytest.fixture
def new_lab() -> Callable[[Store], Lab]:
    """For tests that have a store of their own."""
    return Lab


# --- browser ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """One Chromium a file. Closed with it: playwright keeps an event loop in this thread that other tests would meet."""
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM)
        yield made
        made.close()


@dataclass
class Visitor:
    """A page and what it did that a page must not do."""

    page: Page
    origin: str
    console: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", lambda m: self.console.append(m.text) if m.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda e: self.console.append(str(e)))
        self.page.on("request", lambda r: None if self._own(r.url) else self.foreign.append(r.url))
        self.page.on("response", lambda r: self.broken.append(f"{r.status} {r.url}") if r.status >= 400 else None)

    def _own(self, url: str) -> bool:
        return url.startswith((self.origin + "/", "data:", "blob:"))

    def goto(self, path: str) -> Visitor:
        self.page.goto(self.origin + path)
        return self

    def assert_clean(self) -> None:
        assert (self.console, self.foreign, self.broken) == ([], [], [])


@pytest.fixture(scope="module")
def profiles(browser: Browser) -> Iterator[dict[str, BrowserContext]]:
    """Browser profiles by what was asked of them; they keep their caches from test to test, as a visitor's does."""
    made: dict[str, BrowserContext] = {}
    yield made
    for context in made.values():
        context.close()


@pytest.fixture
def visit(browser: Browser, profiles: dict[str, BrowserContext]) -> Iterator[Callable[..., Visitor]]:
    """``visit(site, "/explore")``: that page in a tab of its own, watched until the test ends."""
    expect.set_options(timeout=WAIT_MILLISECONDS)
    visitors: list[Visitor] = []

    def open_page(to: Site, path: str, *, width: int = 1440, height: int = 900, **options: Any) -> Visitor:
        wanted = {"viewport": {"width": width, "height": height}, "color_scheme": "light", **options}
        key = repr(sorted(wanted.items()))
        if key not in profiles:
            profiles[key] = browser.new_context(**wanted)
            profiles[key].set_default_timeout(WAIT_MILLISECONDS)
        visitor = Visitor(profiles[key].new_page(), to.url)
        visitors.append(visitor)
        return visitor.goto(path)

    yield open_page
    for visitor in visitors:
        visitor.page.close()
    for visitor in visitors:
        visitor.assert_clean()


@dataclass
class Sight:
    """A page as somebody sees it who had nothing of it. ``shown``: ms until what is waited for stood there; ``ready``: until the browser
    had nothing more to do; ``sent``: bytes over the wire until the network was idle, or until it had settled."""

    shown: float
    ready: float
    sent: float


LOOK_OUT = """css => {
  function look() {
    if (!document.querySelector(css)) return requestAnimationFrame(look);
    window.firstShown = performance.now();
    requestIdleCallback(() => { window.firstReady = performance.now(); });
  }
  requestAnimationFrame(look);
}"""


@pytest.fixture
def first_sight(browser: Browser) -> Callable[..., Sight]:
    """``first_sight(address, css)``: that address in a browser of its own, until there is what ``css`` names. ``settled``: seconds that
    are watched from then on, in place of waiting for an idle network, which some pages never leave."""

    def see(address: str, css: str, *, megabits: float | None = None, settled: float | None = None) -> Sight:
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        context.add_init_script(f"({LOOK_OUT})({json.dumps(css)})")
        page = context.new_page()
        watched = context.new_cdp_session(page)
        watched.send("Network.enable")
        if megabits is not None:
            through = megabits * 1e6 / 8
            slow = {"offline": False, "latency": 20, "downloadThroughput": through, "uploadThroughput": through}
            watched.send("Network.emulateNetworkConditions", slow)
        sent: list[float] = []
        watched.on("Network.loadingFinished", lambda event: sent.append(event["encodedDataLength"]))
        page.goto(address)
        page.wait_for_function("() => window.firstReady", timeout=120_000)
        if settled is None:
            page.wait_for_load_state("networkidle")
        else:
            page.wait_for_timeout(1000 * settled)
        shown, ready = page.evaluate("[window.firstShown, window.firstReady]")
        context.close()
        return Sight(shown, ready, sum(sent))

    return see


# --- schemas -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def cell() -> Callable[..., GainCell]:
    return make_cell


def make_cell(recipe: str = "mnli", language: str = "sw", gain: float | None = 1.2, **changes: Any) -> GainCell:
    """A cell with a gain, or with ``gain=None`` one that was not run."""
    known: dict[str, Any] = {
        "recipe": recipe, "language": language, "missing": None if gain is not None else Missing.NOT_RUN,
        "why_missing": None if gain is not None else "no run of it yet", "gain": gain, "low": None, "high": None, "sd": None,
        "baseline": None if gain is None else 60.0, "treated": None if gain is None else 60.0 + gain, "n": 0 if gain is None else 3,
        "seeds": [] if gain is None else [0, 1, 2], "differences": [] if gain is None else [gain] * 3, "p_t": None,
        "p_sign_flip": None, "q": None, "detectable": None, "verdict": None if gain is None else Verdict.NO_EVIDENCE,
        "examples": None, "runs": [], "baseline_runs": [],
    }  # fmt: skip
    return GainCell(**(known | changes))


@pytest.fixture
def matrix() -> Callable[..., GainMatrix]:
    """``matrix({"mnli": {"sw": 1.2, "de": None}})``: recipe → language → gain, None for not run, or a whole cell."""

    def make(gains: dict[str, dict[str, Any]], **changes: Any) -> GainMatrix:
        languages = list(dict.fromkeys(code for row in gains.values() for code in row))
        cells = [
            value if isinstance(value, GainCell) else make_cell(recipe, code, value)
            for recipe, row in gains.items()
            for code, value in row.items()
        ]
        rows = []
        for recipe in gains:
            found = [c.gain for c in cells if c.recipe == recipe and c.gain is not None and c.language != "en"]
            mean = sum(found) / len(found) if found else None
            rows.append(
                RecipeRow(
                    recipe=recipe,
                    title=recipe,
                    same_data_twice=recipe in changes.get("twice", ()),
                    mean_all=mean,
                    mean_transfer=mean,
                    k=len(found),
                    n=len(languages),
                    device_hours_marginal=0.5,
                    device_hours_amortised=0.1,
                )
            )
        known: dict[str, Any] = {
            "model": "mini-2", "target": "xnli", "metric": "accuracy", "benchmark": "mini-XTREME-R", "synthetic": True,
            "baseline": "none", "languages": languages, "recipes": rows, "cells": cells, "models": ["mini-2"],
            "targets": ["xnli"], "metrics": ["accuracy"], "runs_pending": 0, "updated_at": None,
        }  # fmt: skip
        return GainMatrix(**(known | {k: v for k, v in changes.items() if k != "twice"}))

    return make
