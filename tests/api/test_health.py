"""Alive, ready, degraded."""

from __future__ import annotations

import shutil
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.script import ScriptDirectory
from fastapi import FastAPI
from fastapi.testclient import TestClient

from backend import queue
from backend.api.app import create_app
from backend.domain.schemas import Health
from backend.settings import Settings
from backend.store import migrate
from backend.store.session import Store

V1 = "/api/v1"


def ready(client: TestClient) -> tuple[int, Health]:
    response = client.get("/readyz")
    return response.status_code, Health.model_validate(response.json())


def head() -> str:
    (one,) = ScriptDirectory.from_config(migrate.configuration()).get_heads()
    return one


def test_alive_asks_nobody(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'nothing.db'}")
    with TestClient(create_app(store)) as client:
        assert client.get("/healthz").json()["status"] == "ok"
    assert not (tmp_path / "nothing.db").exists()


def test_degraded_without_a_worker_and_ready_with_one(client: TestClient, worker: Any) -> None:
    status, found = ready(client)
    assert (status, found.status) == (200, "degraded")
    assert "none was seen in the last 60 s" in found.checks["workers"]
    assert "broker" not in found.checks  # there is none
    worker.appears(slots=2)
    status, found = ready(client)
    assert (status, found.status) == (200, "ok")
    assert found.checks == {
        "database": "answers, schema is current", "schema": head(), "workers": "1 seen in the last 60 s, 2 slots",
    }  # fmt: skip


def test_a_worker_that_fell_silent_does_not_count(client: TestClient, worker: Any, store: Store) -> None:
    from sqlalchemy import update

    from backend.store import tables
    from backend.store.columns import db_now

    worker.appears()
    with store.write() as session:
        session.execute(update(tables.worker).values(seen_at=db_now(-61)))
    assert ready(client)[1].status == "degraded"


def test_degraded_without_a_broker(store: Store, worker: Any) -> None:
    worker.appears()
    trouble: list[str | None] = ["Redis does not answer"]
    with TestClient(create_app(store, trouble=lambda: trouble[0])) as client:
        status, found = ready(client)
        assert (status, found.status) == (200, "degraded")
        assert found.checks["broker"] == "Redis does not answer; the sweep rings again when it is back"
        trouble[0] = None
        assert ready(client)[1].checks["broker"] == "answers"


def test_a_database_without_tables_is_not_ready(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'empty.db'}")
    with TestClient(create_app(store)) as client:
        status, found = ready(client)
        assert (status, found.status) == (503, "degraded")
        assert found.checks == {
            "database": "has no tables yet; run `crosslift migrate`", "schema": f"none; this program's is {head()}",
        }  # fmt: skip
    store.dispose()


def test_a_database_that_is_away_is_not_ready() -> None:
    store = Store("postgresql://nobody:hunter2@127.0.0.1:1/none")
    app: FastAPI = create_app(store)
    with TestClient(app) as client:
        status, found = ready(client)
        assert status == 503
        response = client.get(V1 + "/experiments")
        assert response.status_code == 503
        assert response.headers["content-type"] == "application/problem+json"
        assert "hunter2" not in response.text + str(found)
    store.dispose()


# --- what never answers -------------------------------------------------------------------------------------------


@pytest.fixture
def black_hole() -> Iterator[int]:
    """A port that accepts connections and never says a word."""
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        made.listen(64)
        yield made.getsockname()[1]


@pytest.mark.parametrize("way", ["closed port", "black hole", "no such host"])
def test_ready_within_two_seconds_whatever_the_broker_does(
    store: Store, worker: Any, black_hole: int, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = {"closed port": "127.0.0.1:1", "black hole": f"127.0.0.1:{black_hole}", "no such host": "host.invalid"}[way]
    chosen = Settings(redis_url=f"redis://user:the-secret@{port}/0")
    monkeypatch.setattr(queue, "app", queue.doorbell(lambda: chosen))
    worker.appears()
    with TestClient(create_app(store, trouble=queue.trouble)) as client:
        ready(client)  # whatever is imported first
        began = time.monotonic()
        status, found = ready(client)
        assert time.monotonic() - began < 2
    assert (status, found.status) == (200, "degraded")
    assert found.checks["broker"] == "Redis does not answer; the sweep rings again when it is back"
    assert found.checks["database"] == "answers, schema is current"


def test_ready_within_two_seconds_with_a_database_that_says_nothing(black_hole: int) -> None:
    store = Store(f"postgresql://nobody:hunter2@127.0.0.1:{black_hole}/none")
    with TestClient(create_app(store, trouble=lambda: time.sleep(3))) as client:
        began = time.monotonic()
        status, found = ready(client)
        assert time.monotonic() - began < 2
        assert (status, found.status) == (503, "degraded")
        assert found.checks == {
            "database": "does not answer within 1.5 s",
            "broker": "Redis does not answer; the sweep rings again when it is back",
        }
        before = threading.active_count()
        for _ in range(3):
            assert ready(client)[0] == 503
        assert threading.active_count() <= before + 2  # no thread for each that asks
    store.dispose()


def test_a_locked_database_is_no_reason_to_wait(tmp_path: Path, migrated: Path) -> None:
    """SQLite in WAL mode: readers go on while somebody writes for long."""
    path = tmp_path / "x.db"
    shutil.copy(migrated, path)
    store = Store(f"sqlite:///{path}")
    with TestClient(create_app(store)) as client:
        assert ready(client)[0] == 200
        writer = sqlite3.connect(path, isolation_level=None)
        writer.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        assert ready(client)[0] == 200
        assert time.monotonic() - began < 1
        writer.close()
    store.dispose()


@pytest.mark.parametrize(("revision", "says"), [("4dbeaf1341c5", "older"), ("ffffffffffff", "newer")])
def test_another_schema_is_not_ready_and_named(tmp_path: Path, migrated: Path, revision: str, says: str) -> None:
    path = tmp_path / "x.db"
    shutil.copy(migrated, path)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    store = Store(f"sqlite:///{path}")
    with TestClient(create_app(store)) as client:
        status, found = ready(client)
    assert status == 503
    assert f"schema is {says} than this program" in found.checks["database"]
    assert found.checks["schema"] == f"{revision}; this program's is {head()}"
    store.dispose()
