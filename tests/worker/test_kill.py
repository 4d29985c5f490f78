"""Real workers, killed in every way. Whatever happens: one end for each run, every point and score once, nobody left over.

Nobody rings for these runs but the sweep, so each of them is one whose ring was lost, too.
"""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import psutil
import pytest
import redis
from pydantic import SecretStr

from backend import queue
from backend.domain.run import RunState
from backend.settings import Settings
from backend.store import runs, workers

SLOW: dict[str, Any] = {"steps": 60, "step_seconds": 0.05, "checkpoint_every": 10}
LEASE = 3.0


@pytest.fixture
def seed() -> int:
    """One for each test, so that no test finds the runs of another."""
    return time.monotonic_ns() % 2**31


@pytest.fixture(autouse=True)
def _show(shared: Any, request: pytest.FixtureRequest) -> Any:
    """Logs of all processes, where a test fails."""
    before = request.session.testsfailed
    yield
    if request.session.testsfailed > before:
        for process in shared.processes:
            print(f"--- {process.log.name}\n{process.log.read_text(errors='replace')[-6000:]}")


def in_order(place: Any, run: int, steps: int) -> None:
    assert place.curve(run)[0] == list(range(1, steps + 1))


def doorbell(place: Any) -> Any:
    return queue.doorbell(lambda: Settings(redis_url=SecretStr(f"redis+socket://{place.socket}")))


def test_a_worker_does_a_run_without_ever_loading_torch(shared: Any, seed: int) -> None:
    worker = shared.a_worker()
    shared.script(**{**SLOW, "steps": 240})  # works on while it is looked at, on a slow machine too
    run = shared.submit(seed)
    shared.wait_step(run, 5, 90)
    app = doorbell(shared)
    with app.connection_for_read() as connection:
        inspect = app.control.inspect(connection=connection, timeout=5, limit=1)
        (answer,) = (inspect.registered() or {}).values()  # it answers while it works
        (queues,) = (inspect.active_queues() or {}).values()
    assert "crosslift.run" in answer
    assert [q["name"] for q in queues] == ["cpu"]
    with shared.store.read() as session:
        (listed,) = workers.listing(session)
    assert (listed.queues, listed.slots, listed.running) == (["cpu"], 1, [run])
    assert listed.name == shared.view(run).worker
    with redis.Redis(unix_socket_path=str(shared.socket)) as client:
        left = client.llen("crosslift:cpu")  # of the sweep, which rings again for as long as nobody has taken the run
        for _ in range(3):
            app.send_task(queue.TASK, queue="cpu")
        time.sleep(1)
        assert client.llen("crosslift:cpu") == left + 3  # a busy worker takes no rings away from others

    done = shared.wait(run, RunState.DONE)
    in_order(shared, run, 240)
    assert done.attempt == 1
    assert len(shared.scores(run)) == 2
    process = psutil.Process(worker.pid)
    assert not [m.path for m in process.memory_maps() if "torch" in m.path]
    assert [m.path for child in process.children() for m in child.memory_maps() if "torch" in m.path]
    seen = shared.notes(run)
    assert seen["main"].endswith("tiny_worker.py")  # imported again, and with it nothing heavy
    assert not seen["celery"]
    assert "secret" not in str(seen)


def test_what_is_no_proper_message_is_dropped(shared: Any, seed: int) -> None:
    worker = shared.a_worker()
    shared.script()
    app = doorbell(shared)
    with app.connection_for_write(transport_options=queue.RINGER_OPTIONS) as connection:
        send = {"queue": "cpu", "connection": connection}
        app.send_task("crosslift.run", args=[{1, 2}], serializer="pickle", **send)
        app.send_task("crosslift.run", args=[1, "two", None], kwargs={"unknown": 3}, **send)
        app.send_task("os.system", args=["touch /tmp/never"], **send)
        app.send_task("crosslift.run", args=[10**9], **send)
    run = shared.submit(seed)
    shared.wait(run, RunState.DONE, seconds=60)
    assert worker.popen.poll() is None


def test_a_killed_child_costs_one_attempt(shared: Any, seed: int) -> None:
    shared.a_worker()
    shared.script(**SLOW)
    run = shared.submit(seed)
    shared.wait_step(run, 25)
    os.kill(shared.notes(run)["pid"], signal.SIGKILL)
    shared.wait(run, RunState.DONE)
    (first, _), (second, resumed) = shared.attempts(run)
    assert (first, second) == ("died", "done")
    assert resumed >= 20
    in_order(shared, run, 60)
    assert "killed by signal 9, probably out of memory" in shared.logged(run)


def test_cancelling_what_waits_and_what_runs(shared: Any, seed: int) -> None:
    shared.a_worker()
    shared.script(**SLOW)
    running, waiting, after = (shared.submit(seed + i) for i in range(3))
    shared.wait_step(running, 5)
    pid = shared.notes(running)["pid"]
    with shared.store.write() as session:
        assert runs.request_cancel(session, waiting) is RunState.CANCELLED
        assert runs.request_cancel(session, running) is RunState.RUNNING
    shared.script()
    shared.wait(running, RunState.CANCELLED)
    assert shared.gone(pid)
    shared.wait(after, RunState.DONE)
    assert shared.view(waiting).attempt == 0
    assert shared.view(running).attempt == 1


def test_redis_may_come_and_go(shared: Any, seed: int) -> None:
    shared.a_worker()
    shared.script(**SLOW)
    run = shared.submit(seed)
    shared.wait_step(run, 5)
    shared.restart_redis(pause=2)
    shared.wait(run, RunState.DONE)
    assert shared.view(run).attempt == 1
    in_order(shared, run, 60)
    shared.script()
    later = shared.submit(seed + 1)
    began = time.monotonic()
    shared.wait(later, RunState.DONE)
    assert time.monotonic() - began < 20


def test_a_killed_worker_leaves_nobody_and_loses_nothing(shared: Any, seed: int) -> None:
    worker = shared.a_worker()
    shared.script(**SLOW)
    undisturbed = shared.submit(seed, languages=("en", "de"))
    shared.wait(undisturbed, RunState.DONE)
    run = shared.submit(seed, languages=("de", "en"))  # the same numbers under another fingerprint
    shared.wait_step(run, 25)
    family = worker.family()
    assert {shared.notes(run)["pid"], shared.notes(run)["parent"]} <= {p.pid for p in family}

    worker.kill()
    killed = time.monotonic()
    shared.until(lambda: all(shared.gone(p.pid) for p in family), 5, "child and server of children are gone")
    gone = time.monotonic() - killed
    shared.worker()
    shared.until(lambda: shared.attempts(run)[0][0] == "died", 20, "the attempt is over")  # "queued" may pass unseen
    back = time.monotonic() - killed
    shared.until(lambda: shared.view(run).attempt == 2, 60, "another worker has it")
    shared.wait(run, RunState.DONE, seconds=60)
    done = time.monotonic() - killed

    print(f"children gone after {gone:.1f} s, queued again after {back:.1f} s, done after {done:.1f} s")
    assert back < LEASE + 7
    (first, _), (second, resumed) = shared.attempts(run)
    assert (first, second) == ("died", "done")
    assert resumed >= 20
    in_order(shared, run, 60)
    assert shared.curve(run)[1] == shared.curve(undisturbed)[1]
    assert sorted(shared.scores(run).values()) == sorted(shared.scores(undisturbed).values())


def test_a_stopped_worker_saves_first_and_the_attempt_does_not_count(shared: Any, seed: int) -> None:
    worker = shared.a_worker()
    shared.script(**{**SLOW, "checkpoint_every": 1000})
    run = shared.submit(seed)
    at = shared.wait_step(run, 12).step
    family = worker.family()
    took = worker.stop(signal.SIGTERM)
    print(f"stopped within {took:.1f} s")
    assert took < 5 + 3
    assert worker.popen.returncode == 0
    shared.until(lambda: all(shared.gone(p.pid) for p in family), 5, "its family is gone")
    back = shared.view(run)
    assert (back.state, back.attempt, back.preemptions) == (RunState.QUEUED, 1, 1)
    reached = shared.curve(run)[0][-1]
    assert reached >= at
    with shared.store.read() as session:
        assert workers.listing(session) == [] or worker.pid not in {
            int(w.name.split(":")[1].split("-")[0]) for w in workers.listing(session)
        }

    shared.a_worker()
    shared.wait(run, RunState.DONE, seconds=60)
    assert shared.attempts(run) == [("given back", None), ("done", reached)]  # not one step was lost
    in_order(shared, run, 60)


def test_a_worker_in_a_hurry_gives_back_at_once(shared: Any, seed: int) -> None:
    worker = shared.a_worker()
    shared.script(steps=4000, step_seconds=0.05, deaf_until=4000)
    run = shared.submit(seed)
    shared.wait_step(run, 5)
    pid = shared.notes(run)["pid"]
    assert worker.stop(signal.SIGQUIT) < 4
    assert shared.gone(pid)
    back = shared.view(run)
    assert (back.state, back.attempt, back.preemptions) == (RunState.QUEUED, 1, 1)

    worker = shared.a_worker()
    shared.until(lambda: shared.view(run).attempt == 2, 20, "the next one has it, and waits for torch to be loaded")
    worker.popen.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert worker.stop(signal.SIGINT) < 4
    back = shared.view(run)
    assert (back.state, back.attempt, back.preemptions) == (RunState.QUEUED, 2, 2)
