"""Alive, ready, degraded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient

from backend.api.app import create_app
from backend.domain.schemas import Health
from backend.store.session import Store

V1 = "/api/v1"


def ready(client: TestClient) -> tuple[int, Health]:
    response = client.get("/readyz")
    return response.status_code, Health.model_validate(response.json())


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
    assert found.checks == {"database": "answers, schema is current", "workers": "1 seen in the last 60 s, 2 slots"}


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
        assert found.checks == {"database": "has no tables yet; run `crosslift migrate`"}
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
