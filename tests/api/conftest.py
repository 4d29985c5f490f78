"""The real application on a real database, and a worker reduced to what it writes: claims, scores, ends."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from backend.api.app import create_app
from backend.domain.run import DeviceClass, RunKind
from backend.store import migrate, runs, workers
from backend.store.runs import Claim, Result
from backend.store.session import Store

REQUEST: dict[str, Any] = {
    "name": "Does NLI help?",
    "source": "mini",
    "models": ["mini-2"],
    "recipes": ["mnli"],
    "targets": ["xnli"],
    "seeds": [0],
}


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database with the schema, to copy: migrating takes longer than most tests."""
    path = tmp_path_factory.mktemp("template") / "crosslift.db"
    migrate.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def store(migrated: Path, tmp_path: Path) -> Iterator[Store]:
    path = tmp_path / "crosslift.db"
    shutil.copy(migrated, path)
    made = Store(f"sqlite:///{path}")
    yield made
    made.dispose()


@pytest.fixture
def rung() -> list[tuple[DeviceClass, int]]:
    """What the bell was told, in order."""
    return []


@pytest.fixture
def app(store: Store, rung: list[tuple[DeviceClass, int]]) -> FastAPI:
    return create_app(store, ring=lambda device, count: rung.append((device, count)))


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app) as made:
        yield made


@pytest.fixture
def request_body() -> dict[str, Any]:
    return {**REQUEST}


@pytest.fixture
def worker(store: Store) -> Worker:
    return Worker(store)


@pytest.fixture(scope="session")
def worker_of() -> type[Worker]:
    """For tests that have a store of their own."""
    return Worker


class Worker:
    """Claims through the store, as the real one does, and writes what it is told to."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def appears(self, slots: int = 2) -> None:
        with self.store.write() as session:
            workers.seen(session, "w1", ["cpu"], slots, "a processor")

    def claim(self) -> Claim | None:
        with self.store.write() as session:
            return runs.claim(session, worker="w1", device=DeviceClass.CPU, lease_seconds=60)

    def finish(self, claim: Claim, score: float = 50.0, seconds: float = 2.0) -> None:
        scores = []
        if claim.kind is RunKind.EVALUATE:
            scores = [(language, "accuracy", score, 100) for language in claim.spec.languages]
        cost = {
            "device": "a processor", "device_class": "cpu", "precision": "fp32", "share": 0.5, "wall_seconds": seconds,
            "device_seconds": seconds / 2, "examples": 100, "tokens": 1000, "flops_analytic": 1e9, "flops_counted": None,
            "peak_memory_bytes": None, "energy_joules": None,
        }  # fmt: skip
        result = Result(
            scores=scores, artifact=f"file:///a/{claim.run_id}", artifact_digest="0" * 64, cost=cost, parameters=1000,
            parameters_non_embedding=500, environment={"torch": "x"}, extra={},
        )  # fmt: skip
        with self.store.write() as session:
            assert runs.finish(session, claim.run_id, claim.attempt, result).ok

    def fail(self, claim: Claim, message: str = "it broke") -> None:
        with self.store.write() as session:
            assert runs.fail(
                session, claim.run_id, claim.attempt, type="ValueError", message=message, traceback="…", cause=None
            ).ok

    def finish_all(self, score: Callable[[Claim], float] = lambda claim: 50.0, seconds: float = 2.0) -> int:
        """Do everything that is queued, and what that makes ready; how many runs that was."""
        done = 0
        while (claim := self.claim()) is not None:
            self.finish(claim, score(claim), seconds)
            done += 1
        return done


@pytest.fixture(scope="module")
def idle(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """One application on an empty database for tests that leave it empty."""
    path = tmp_path_factory.mktemp("idle") / "crosslift.db"
    shutil.copy(migrated, path)
    store = Store(f"sqlite:///{path}")
    with TestClient(create_app(store)) as client:
        yield client
    store.dispose()
