"""``make bench``: how long the things take that users wait for, at the size the design allows. Records, and fails
only far outside of what is promised; the figures of a shared machine say little."""

import gc
import importlib.util
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from backend.api.app import create_app
from backend.domain.experiment import MAX_CELLS, ExperimentRequest, plan
from backend.domain.run import DeviceClass, RunKind, digest
from backend.domain.task import Source
from backend.domain.tasks import TASKS
from backend.store import experiments, gains, migrate, runs
from backend.store.session import Store

pytestmark = pytest.mark.bench

COST = {
    "device": "a processor", "device_class": "cpu", "precision": "fp32", "share": 0.5, "wall_seconds": 20.0,
    "device_seconds": 10.0, "examples": 100, "tokens": 1000, "flops_analytic": 1e12, "flops_counted": None,
    "peak_memory_bytes": None, "energy_joules": None,
}  # fmt: skip


def timed(record: Callable[..., None], what: str, most: float, work: Callable[[], object], times: int = 1) -> None:
    """Record the best of ``times`` and fail above ``most`` seconds."""
    best = float("inf")
    for _ in range(times):
        began = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - began)
    record(what, f"{best * 1000:.1f} ms", rounds=times, asked=f"< {most:g} s")
    assert best < most


@pytest.fixture
def store(tmp_path: Path) -> Store:
    url = f"sqlite:///{tmp_path / 'crosslift.db'}"
    migrate.upgrade(url)
    return Store(url)


def largest() -> ExperimentRequest:
    """A grid of the most cells that one experiment may have: 3 × 4 × 5 × 33 = 1,980."""
    return ExperimentRequest(
        name="the largest", models=("mini-2", "mini-4", "mini-1"),
        recipes=("mnli", "squad", "hellaswag", "mnli+squad"), targets=("tatoeba", "xnli", "xcopa", "udpos", "xquad"),
        seeds=tuple(range(MAX_CELLS // 60)), source=Source.MINI,
    )  # fmt: skip


def test_the_largest_grid(store: Store, record: Callable[..., None]):
    request = largest()
    timed(record, "plan 1,980 cells", 10, lambda: plan(request))
    planned = plan(request)

    def submit(key: str) -> None:
        with store.write() as session:
            body = digest(request.model_dump(mode="json"))
            experiments.submit(session, request, planned, key=key, body_digest=body)

    timed(record, f"submit its {len(planned.runs):,} runs", 20, lambda: submit("one"))
    timed(record, "submit them again: all reused", 20, lambda: submit("two"))

    def work() -> None:
        with store.write() as session:
            claim = runs.claim(session, worker="w", device=DeviceClass.CPU, lease_seconds=60)
        assert claim is not None
        scores = []
        if claim.kind is RunKind.EVALUATE:
            metrics = TASKS[claim.spec.data[0].task].metrics
            scores = [(language, metric, 50.0, 100) for language in claim.spec.languages for metric in metrics]
        with store.write() as session:
            done = runs.Result(scores, "file:///a", "0" * 64, COST, 900, 400, {"python": "3"})
            assert runs.finish(session, claim.run_id, claim.attempt, done).ok

    timed(record, "claim and finish one run of them", 1, work, times=50)
    for _ in range(550):
        work()

    def matrix() -> None:
        with store.read() as session:
            found = gains.matrix(session, model="mini-2", target="xnli", metric=None, source=Source.MINI)
            assert found.recipes

    timed(record, "gains of one model and target, 600 runs done", 5, matrix, times=5)
    store.dispose()


QUESTIONS = (
    "gains?source=hub&model=xlmr-base&target=xnli",
    "gains?source=hub&model=mbert&target=tatoeba",
    "tradeoff?source=hub&target=xnli",
    "tradeoff?source=hub&target=xnli&languages=resource:low",
    "tradeoff?source=hub",
    "tradeoff/portfolio?source=hub&budget=500&seeds=5",
    "tradeoff/trend?source=hub&target=xnli",
    "gains/languages?source=hub",
    "gains/languages/sw?source=hub",
    "overview?source=hub",
    "experiments",
    "experiments?state=running",
    "runs?state=live&order=queue",
    "queue",
)


def seeding() -> Any:
    """``tests/bench/seed.py``, which is a program: ``tests`` is no package."""
    spec = importlib.util.spec_from_file_location("seed", Path(__file__).parent / "bench" / "seed.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_reading_a_large_laboratory(store: Store, record: Callable[..., None]):
    """What the pages ask for, of 500 experiments in fifty languages. Judges nothing."""
    rows = seeding().fill(store, 500)
    assert rows["experiments"] == 500 and rows["scores"] > 100_000
    print("\n" + ", ".join(f"{count:,} {name}" for name, count in rows.items()))
    gc.collect()
    gc.freeze()  # as the server does
    with TestClient(create_app(store)) as client:
        for question in QUESTIONS:
            took = []
            for _ in range(31):
                began = time.perf_counter()
                answer = client.get(f"/api/v1/{question}", headers={"accept-encoding": "identity"})
                took.append((time.perf_counter() - began) * 1000)
                assert answer.status_code == 200
            cold, warm = took[0], sorted(took[1:])
            record(
                f"GET {question}",
                f"p50 {warm[15]:.1f} ms, p95 {warm[28]:.1f}, first {cold:.1f}, {len(answer.content) / 1000:.1f} kB",
                rounds=len(warm),
            )
    gc.unfreeze()
    store.dispose()
