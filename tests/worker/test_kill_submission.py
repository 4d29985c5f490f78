"""What is submitted is done, whatever happens to the submission: no Redis, a web process killed between commit and ring, and
processes killed at any moment of their commits."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import socket
import sqlite3
import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from fastapi.testclient import TestClient
from pydantic import SecretStr

from backend import queue
from backend.api.app import create_app
from backend.domain.run import DeviceClass, RunState
from backend.settings import Settings
from backend.store import runs, workers
from backend.store.session import Store
from backend.sweep import Sweeper

CPU = DeviceClass.CPU
BODY: dict[str, Any] = {
    "name": "one cell",
    "models": ["mini-2"],
    "recipes": ["none"],
    "targets": ["xnli"],
    "source": "mini",
}
COST = {
    "device": "a processor", "device_class": "cpu", "precision": "fp32", "share": 1.0, "wall_seconds": 1.0,
    "device_seconds": 1.0, "examples": 1, "tokens": 1, "flops_analytic": 1.0, "flops_counted": None,
    "peak_memory_bytes": None, "energy_joules": None,
}  # fmt: skip
FORK = multiprocessing.get_context("fork")


@pytest.fixture
def broker(place: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Lets this process ring at an address; the place's own Redis at first."""

    def at(address: str) -> None:
        chosen = Settings(redis_url=SecretStr(address))
        monkeypatch.setattr(queue, "app", queue.doorbell(lambda: chosen))

    at(f"redis+socket://{place.socket}")
    return at


@pytest.fixture
def black_hole() -> Iterator[str]:
    """An address that accepts connections and never says a word."""
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        made.listen(64)
        yield f"redis://127.0.0.1:{made.getsockname()[1]}/0"


def waiting(place: Any) -> int:
    """Messages in Redis."""
    with redis.Redis(unix_socket_path=str(place.socket)) as client:
        return int(client.llen("crosslift:cpu"))


def the_sweep_rings(place: Any) -> int:
    """A worker is there, and one sweep: how often it rang for it."""
    with place.store.write() as session:
        workers.seen(session, "somebody", ["cpu"], 4, "a processor")
    swept = Sweeper(place.store, place.settings()).sweep()
    assert swept is not None
    return waiting(place)


@pytest.mark.parametrize("away", ["closed port", "black hole"])
def test_submitting_does_not_wait_for_redis(place: Any, broker: Any, black_hole: str, away: str) -> None:
    """It is accepted within the budget of a ring and says what it waits for; when Redis is back, the sweep rings."""
    app = create_app(place.store, ring=queue.ring)
    with TestClient(app) as client:
        client.get("/api/v1/experiments")  # all is imported
        broker("redis://127.0.0.1:1/0" if away == "closed port" else black_hole)
        began = time.monotonic()
        answer = client.post("/api/v1/experiments", json=BODY)
        took = time.monotonic() - began
        assert answer.status_code == 201
        runs_of_it = client.get(f"/api/v1/experiments/{answer.json()['id']}/runs").json()["items"]
    assert took < 10  # seconds: two are the budget of a ring, the rest is planning on a machine that is busy
    (queued,) = [run for run in runs_of_it if run["state"] == "queued"]
    assert "no worker" in queued["why"]
    assert waiting(place) == 0
    broker(f"redis+socket://{place.socket}")
    assert the_sweep_rings(place) == 1


def submit_and_die(url: str) -> None:
    """A web process whose last breath is the end of the commit."""

    def ring(device: DeviceClass, count: int) -> int:
        os.kill(os.getpid(), signal.SIGKILL)
        return 0

    with TestClient(create_app(Store(url), ring=ring)) as client:
        client.post("/api/v1/experiments", json=BODY)


def test_killed_between_commit_and_ring_the_run_is_done_all_the_same(place: Any, broker: Any) -> None:
    process = multiprocessing.get_context("spawn").Process(
        target=submit_and_die, args=(place.store.url.render_as_string(),)
    )
    process.start()
    process.join(120)
    assert process.exitcode == -signal.SIGKILL
    assert waiting(place) == 0
    assert the_sweep_rings(place) == 1
    with place.store.write() as session:
        claim = runs.claim(session, worker="somebody", device=CPU, lease_seconds=60)
    assert claim is not None


# --- killed at any moment of a commit ------------------------------------------------------------------------------------


def busy(place: Any, seed: int, committed: Any) -> None:
    """Submit, claim, write and finish, as fast as it goes, until killed."""
    while True:
        seed += 1
        place.submit_chain(seed, length=2)
        committed.release()
        for _ in range(2):
            with place.store.write() as session:
                claim = runs.claim(session, worker=f"process {os.getpid()}", device=CPU, lease_seconds=0.001)
            assert claim is not None
            committed.release()
            points(place, claim)
            committed.release()
            finish(place, claim)
            committed.release()


def points(place: Any, claim: runs.Claim) -> None:
    for step in range(1, 6):
        with place.store.write() as session:
            runs.record(session, claim.run_id, claim.attempt, curves=[("loss", step, 1.0 / step)], logs=[("info", "…")])


def finish(place: Any, claim: runs.Claim) -> None:
    result = runs.Result(
        scores=[(language, "accuracy", 50.0, 100) for language in claim.spec.languages], artifact="file:///a", artifact_digest="0" * 64,
        cost=COST, parameters=1, parameters_non_embedding=1, environment={},
    )  # fmt: skip
    with place.store.write() as session:
        runs.finish(session, claim.run_id, claim.attempt, result)


def test_thirty_kills_in_the_middle_of_commits_lose_nothing(place: Any) -> None:
    rng = random.Random(30)
    for kill in range(30):
        committed = FORK.Semaphore(0)
        process = FORK.Process(target=busy, args=(place, 1000 * kill, committed))
        process.start()
        for _ in range(rng.randrange(1, 8)):  # submitted, then claimed, written to and finished, twice
            assert committed.acquire(timeout=120)
        time.sleep(rng.uniform(0, 0.01))
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
    place.store.dispose()
    with sqlite3.connect(place.home / "crosslift.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        ids = [id for (id,) in database.execute("SELECT id FROM run ORDER BY id")]
    database.close()
    assert len(ids) >= 60 and len(ids) % 2 == 0  # of every submission both runs or none
    with place.store.write() as session:
        taken_back = runs.sweep(session, max_attempts=99).taken_back
    assert taken_back, "every kill came between two runs: nothing was hit"
    while True:
        with place.store.write() as session:
            claim = runs.claim(session, worker="the next one", device=CPU, lease_seconds=60)
        if claim is None:
            break
        points(place, claim)
        finish(place, claim)
    for id in ids:
        assert place.view(id).state is RunState.DONE
        assert place.scores(id) == {"en": 50.0}
        assert place.curve(id)[0] == [1, 2, 3, 4, 5]
        outcomes = [outcome for outcome, _ in place.attempts(id)]
        assert outcomes.count("done") == 1 and set(outcomes) <= {"done", "died"}
