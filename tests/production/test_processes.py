"""Production as processes, and what it survives: every test kills something and starts it again, as a container engine would.

The tests run in the order of the file, on one installation.
"""

from __future__ import annotations

import itertools
import os
import signal
import time
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import pytest
import redis

from backend.errors import CrossliftError, Unavailable

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("logs"), pytest.mark.timeout(1200)]

LONG = 1500  # steps of a run that is killed in the middle
PATIENCE = 600.0  # seconds for a whole experiment; far less on a machine of one's own


@pytest.fixture(scope="module")
def model(production: Any) -> str:
    """An encoder of this installation's own."""
    production.pretrain("own-1", steps=30)
    return "own-1"


@pytest.fixture(autouse=True)
def _sound(production: Any) -> Any:
    yield
    production.sound()


def long_run(production: Any, model: str, seed: int) -> tuple[int, Any]:
    """An experiment of three runs of which the first two are long, and the one of them that is well under way."""
    made = production.submit(f"seed {seed}", model=model, steps=LONG, seeds=[seed], recipes=["none"])
    run = production.until(
        lambda: production.running(LONG // 5, experiment=made.id), PATIENCE, "its fine-tune is under way", every=0.3
    )
    return made.id, run


def worker_of(production: Any, run: Any) -> Any:
    """The part that has this run: its name says the process."""
    pid = int(run.worker.split(":")[1].split("-")[0])
    (found,) = [worker for worker in production.workers if worker.pid == pid]
    return found


def test_an_experiment_over_http_is_done_and_every_score_is_there_once(production: Any, model: str) -> None:
    made = production.submit("first", model=model, steps=20, key="first")
    assert production.submit("first", model=model, steps=20, key="first").id == made.id
    done = production.wait_done(made.id, PATIENCE)
    assert done.counts.done == done.runs == 6
    scores = production.scores(made.id)
    assert len(scores) == 2 * 2  # recipes × languages
    assert all(0 <= value <= 100 for value in scores.values())
    ready = production.get("/readyz").json()
    assert ready["status"] == "ok", ready
    assert ready["checks"]["workers"].startswith("2 seen")
    pages = production.get(f"/experiments/{made.id}")
    assert pages.status_code == 200


def test_it_listens_to_everybody_and_answers_who_signed_in(production: Any) -> None:
    """As the compose file has it: on every address of its container, behind accounts."""
    listening = [
        c.laddr.ip for c in psutil.Process(production.parts["web"].pid).net_connections() if c.status == "LISTEN"
    ]
    assert listening == ["0.0.0.0"]
    for path in ("/api/v1/experiments", "/api/v1/runs", "/metrics"):
        answer = httpx.get(production.url + path, trust_env=False, headers={"X-Forwarded-For": "192.0.2.1"})
        assert answer.status_code in (401, 403, 404), path
    page = httpx.get(f"{production.url}/", trust_env=False, headers={"Accept": "text/html"})
    assert (page.status_code, page.headers["location"].partition("?")[0]) == (303, "/login")
    assert production.get("/api/v1/experiments").status_code == 200
    wrong = {"Authorization": "Bearer " + "x" * 43}
    assert httpx.get(f"{production.url}/api/v1/experiments", trust_env=False, headers=wrong).status_code == 401


def test_database_and_broker_open_to_nobody_without_the_password(production: Any) -> None:
    for password in ("", "crosslift", "postgres"):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(
                host="127.0.0.1", port=production.database.port, user="crosslift", dbname="crosslift", password=password
            )
    for user, password in ((None, None), ("default", ""), ("crosslift", "crosslift")):
        with (
            pytest.raises(redis.AuthenticationError),
            redis.Redis(port=production.broker.port, username=user, password=password) as client,
        ):
            client.ping()
    password = (production.secrets / "broker_password").read_text()
    with redis.Redis(port=production.broker.port, username="crosslift", password=password) as client:
        assert client.ping()
        for command in ("FLUSHALL", "CONFIG GET *", "KEYS *", "EVAL x 0", "SET other x"):
            with pytest.raises(redis.ResponseError, match="no permissions"):
                client.execute_command(*command.split())


def test_secrets_are_in_no_environment_and_no_log(production: Any) -> None:
    secrets = [(production.secrets / name).read_text() for name in ("db_password", "broker_password")]
    for part in production.parts.values():
        assert not any(secret in part.log.read_text() for secret in secrets)
        if part.alive:
            whole = [psutil.Process(part.pid), *psutil.Process(part.pid).children(recursive=True)]
            for process in whole:
                assert not any(secret in str(process.environ()) + str(process.cmdline()) for secret in secrets)


def test_parts_write_nowhere_but_in_their_own_folders(production: Any) -> None:
    """They were started on a file system that is read only, as the compose file has it, and all that came before went well."""
    if not production.parts["web"].command[0].endswith("unshare"):
        pytest.skip("mounts of its own need Linux and root")
    for part in production.parts.values():
        if part.alive:
            mounts = [line.split() for line in Path(f"/proc/{part.pid}/mountinfo").read_text().splitlines()]
            assert {mount[5].split(",")[0] for mount in mounts if mount[4] == "/"} == {"ro"}


def test_a_killed_worker_is_replaced_by_the_other(production: Any, model: str) -> None:
    experiment, run = long_run(production, model, 1)
    worker = worker_of(production, run)
    family = psutil.Process(worker.pid).children(recursive=True)
    worker.kill()
    killed = time.monotonic()
    production.until(
        lambda: not any(p.is_running() and p.status() != "zombie" for p in family), 20, "its family is gone"
    )
    production.until(lambda: production.run(run.id).attempt == 2, 60, "somebody else has the run")
    assert time.monotonic() - killed < 60  # what is shown is true within a minute of any death
    worker.start()
    production.wait_done(experiment, PATIENCE)
    (first, _), (second, resumed) = production.attempts(run.id)
    assert (first, second) == ("died", "done")
    assert resumed is not None and resumed > 0
    assert len(production.scores(experiment)) == 2


def test_a_killed_child_is_tried_again_and_its_worker_goes_on(production: Any, model: str) -> None:
    experiment, run = long_run(production, model, 2)
    worker = worker_of(production, run)
    pid = worker.pid
    (child,) = worker.children()
    os.kill(child.pid, signal.SIGKILL)
    production.wait_done(experiment, PATIENCE)
    (first, _), (second, resumed) = production.attempts(run.id)
    assert (first, second) == ("died", "done")
    assert resumed is not None and resumed > 0
    assert worker.alive and worker.pid == pid
    assert len(production.scores(experiment)) == 2


def test_a_killed_web_process_takes_nothing_with_it(production: Any, model: str) -> None:
    experiment, run = long_run(production, model, 3)
    web = production.parts["web"]
    web.kill()
    with pytest.raises(Unavailable):
        production.run(run.id)
    time.sleep(3)
    web.start()
    production.until(production.answers, 120, "web answers again")
    again = production.submit("seed 3", model=model, steps=LONG, seeds=[3], recipes=["none"])
    assert again.reused == again.runs  # it knows what it was asked for
    production.wait_done(experiment, PATIENCE)
    assert production.attempts(run.id) == [("done", None)]
    assert production.scores(again.id) == production.scores(experiment)


def test_redis_comes_back_empty(production: Any, model: str) -> None:
    """What runs does not notice, what is queued is rung for again, and so is what comes later."""
    experiment, run = long_run(production, model, 4)
    queued = production.submit("behind", model=model, steps=20, seeds=[40, 41])
    production.broker.lose_everything()
    later = production.submit("later", model=model, steps=20, seeds=[42])
    for id in (experiment, queued.id, later.id):
        production.wait_done(id, PATIENCE)
    assert production.attempts(run.id) == [("done", None)]
    assert len(production.scores(queued.id)) == 2 * 2 * 2


def test_what_is_submitted_while_redis_is_away_waits_and_is_done(production: Any, model: str) -> None:
    """Nobody works, so nobody looks: only the sweep can ring for it when Redis is back."""
    production.until(lambda: not production.running(), 60, "nothing runs")
    production.broker.stop()
    try:
        began = time.monotonic()
        made = production.submit("unheard", model=model, steps=20, seeds=[43])
        took = time.monotonic() - began
        time.sleep(3)
        attempts = {run.attempt for run in production.runs(experiment=made.id) if run.seed == 43}
        ready = production.get("/readyz")
    finally:
        production.broker.start()
    assert took < 15  # two are the budget of a ring; the rest is for a busy machine
    assert attempts == {0}
    assert ready.status_code == 200 and ready.json()["status"] == "degraded"
    assert "Redis does not answer" in ready.json()["checks"]["broker"]
    production.wait_done(made.id, PATIENCE)
    assert len(production.scores(made.id)) == 2 * 2


def test_the_database_is_away_for_ten_seconds(production: Any, model: str) -> None:
    """The run goes on, web says what is wrong within seconds, and nothing is lost or doubled."""
    experiment, run = long_run(production, model, 5)
    production.database.stop()
    away = time.monotonic()
    while time.monotonic() - away < 10:
        began = time.monotonic()
        answer = production.get("/api/v1/experiments")
        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/problem+json"
        assert "database" in answer.json()["detail"]
        assert time.monotonic() - began < 8
        assert httpx.get(f"{production.url}/healthz", trust_env=False, timeout=5).status_code == 200
        assert production.get("/readyz").status_code == 503
        time.sleep(1)
    with pytest.raises(CrossliftError):
        production.submit("refused", model=model, steps=20, seeds=[50])
    production.database.start()
    production.until(production.answers, 30, "web answers again")
    production.wait_done(experiment, PATIENCE)
    assert production.attempts(run.id) == [("done", None)]
    steps = next(c["steps"] for c in production.remote.get(f"/runs/{run.id}/curves", limit=5000) if c["name"] == "loss")
    assert steps[-1] == LONG
    assert len({later - step for step, later in itertools.pairwise(steps)}) == 1  # no point is missing
    assert len(production.scores(experiment)) == 2


def test_a_worker_that_is_stopped_gives_its_run_back_uncounted(production: Any, model: str) -> None:
    """``docker compose stop``: SIGTERM, and well before the grace of the compose file is over it is gone."""
    experiment, run = long_run(production, model, 6)
    worker = worker_of(production, run)
    worker.process.terminate()
    assert worker.process.wait(40) == 0
    production.until(lambda: production.run(run.id).preemptions == 1, 30, "it is given back")
    worker.start()
    production.wait_done(experiment, PATIENCE)
    (first, _), (second, resumed) = production.attempts(run.id)
    assert (first, second) == ("given back", "done")
    assert resumed >= run.step
