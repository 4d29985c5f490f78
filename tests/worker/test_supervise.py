"""The supervisor in this process, real children, a real database: every way in which a run can end."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from backend import logs
from backend.domain.run import DeviceClass, RunState
from backend.store import runs, session
from backend.store.session import Store
from worker.artifacts import Artifacts
from worker.process import Nursery, environment
from worker.supervise import Supervisor

HERE = Path(__file__).resolve().parent
Make = Callable[..., Supervisor]
HUNG = r"hung: nothing happened for \d+ s"  # 1.5, or the time of fifty steps on a machine that is busy


@pytest.fixture(scope="module")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", f"{HERE.parents[1]}{os.pathsep}{HERE}")
        patch.setenv("CROSSLIFT_DATABASE_URL", "postgresql://user:the-database-secret@host/name")
        made = Nursery(environment(tmp_path_factory.mktemp("cache"), threads=1, offline=True), "tiny:execute")
        made.warm()
        yield made


@pytest.fixture
def make(place: Any, nursery: Nursery) -> Make:
    """Makes a supervisor of the place; what it rings for is in ``rung``."""

    def made(**changes: Any) -> Supervisor:
        chosen = place.settings(**{k: v for k, v in changes.items() if k != "hung_seconds"})
        more = {"hung_seconds": changes["hung_seconds"]} if "hung_seconds" in changes else {}
        artifacts = Artifacts(f"file://{place.home}/artifacts", place.home / "cache")
        return Supervisor(
            place.store, artifacts, nursery, chosen, worker="here", device=DeviceClass.CPU,
            ring=lambda _device, count=1, run_ids=(): place.rung.append(list(run_ids)), **more,
        )  # fmt: skip

    place.rung = []
    return made


class Serving:
    """``serve`` in a thread."""

    def __init__(self, supervisor: Supervisor) -> None:
        self.supervisor = supervisor
        self.count = -1
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        self.count = self.supervisor.serve()

    def __enter__(self) -> Serving:
        return self

    def __exit__(self, *_: object) -> None:
        self.supervisor.stop(at_once=True)
        self._thread.join(30)
        assert not self._thread.is_alive()

    def wait(self, seconds: float = 30) -> int:
        self._thread.join(seconds)
        assert not self._thread.is_alive()
        return self.count


def test_a_run_and_what_starts_from_it(place: Any, make: Make) -> None:
    first, second, third = place.submit_chain(7, length=3)
    supervisor = make()
    supervisor.rates = {"fp32": 0.25}  # in one slot
    assert supervisor.serve() == 3  # one ring, three runs: each was queued by the one before

    done = [place.view(run) for run in (first, second, third)]
    assert [view.state for view in done] == [RunState.DONE] * 3
    assert place.rung == [[second], [third]]
    assert place.scores(first).keys() == {"en"}
    assert place.curve(first)[0] == list(range(1, 31))
    assert place.attempts(first) == [("done", None)]
    assert done[0].parameters == 10
    assert done[0].cost.device_seconds == 1.0
    with place.store.read() as session:
        assert runs.detail(session, first).utilisation == 1.0 / (0.25 * supervisor.slots)
    assert done[0].artifact is not None
    assert done[0].artifact.startswith(f"file://{place.home}/artifacts/{done[0].fingerprint[:2]}/")
    assert not list((place.home / "work").iterdir())  # nothing is left to go on from


def test_what_a_child_can_see(place: Any, make: Make) -> None:
    run = place.submit()
    make().serve()
    seen = place.notes(run)
    allowed = {
        "PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "HOME", "TMPDIR", "OMP_NUM_THREADS", "CUDA_DEVICE_ORDER",
        "HF_HOME", "HF_ENDPOINT", "HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE", "CROSSLIFT_TASKS",
        "HF_HUB_DISABLE_TELEMETRY", "HF_HUB_DISABLE_PROGRESS_BARS", "TQDM_DISABLE", "TOKENIZERS_PARALLELISM",
        "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
        "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
    }  # fmt: skip
    assert set(seen["environment"]) <= allowed
    assert seen["environment"]["HF_HUB_OFFLINE"] == "1"
    for where in (json.dumps(seen["environment"]), seen["initial"], seen["parent_initial"]):
        assert "secret" not in where
        assert "DATABASE" not in where
    assert seen["cwd_files"] == []
    assert seen["cwd"].startswith(str(place.home / "work"))
    assert seen["environment"]["HOME"].startswith(str(place.home / "work"))
    assert seen["session"] == seen["pid"]
    assert seen["umask"] == 0o077
    assert seen["threads"] == 1
    assert not seen["sqlalchemy"]
    assert not seen["celery"]
    assert seen["environment"].keys() - {"HOME", "TMPDIR"} <= {
        entry.partition("=")[0] for entry in seen["initial"].split("\0")
    }


@pytest.mark.parametrize(
    ("script", "state", "message", "cause"),
    [
        ({"raise_at": 7}, RunState.FAILED, "No such file or directory", "missing"),
        ({"diverge_at": 7}, RunState.DIVERGED, "diverged at step 7: loss nan", "smaller learning rate"),
        ({"end_at": 7}, RunState.FAILED, "(last: its process ended with code 3 and no result)", None),
        ({"kill_at": 7, "kill_attempts": 9}, RunState.FAILED, "(last: killed by signal 9, probably out of memory)", "memory"),
    ],
    ids=["raises", "diverges", "exits", "is killed each time"],
)  # fmt: skip
def test_a_run_that_goes_wrong(
    place: Any, make: Make, script: dict[str, Any], state: RunState, message: str, cause: str | None
) -> None:
    place.script(**script, checkpoint_every=100)
    run, child = place.submit_chain(3, length=2)
    good = place.submit(4)
    tries = 3 if "last" in message else 1
    supervisor = make()

    count = supervisor.serve()

    ended = place.view(run)
    assert ended.state is state
    assert ended.error is not None
    assert message in ended.error.message
    assert cause is None or cause in ended.error.cause
    assert ended.attempt == tries == len(place.attempts(run))
    assert place.view(child).state is RunState.SKIPPED
    assert place.scores(run) == {}
    steps = place.curve(run)[0]
    assert steps == list(range(1, len(steps) + 1))
    assert message.removeprefix("(last: ").removesuffix(")") in place.logged(run)
    assert count == tries + place.view(good).attempt  # the slot served on


def test_a_run_whose_process_dies_once_goes_on_from_its_checkpoint(place: Any, make: Make) -> None:
    undisturbed = place.submit(5, languages=("en", "de"))
    make().serve()
    expected = place.scores(undisturbed), place.curve(undisturbed)
    place.script(kill_at=17, kill_attempts=1)
    run = place.submit(5, languages=("de", "en"))  # the same numbers, another fingerprint
    assert make().serve() == 2

    assert place.view(run).state is RunState.DONE
    assert place.attempts(run) == [("died", None), ("done", 15)]
    assert {k: round(v) for k, v in place.scores(run).items()}.keys() == expected[0].keys()
    assert min(place.scores(run).values()) == min(expected[0].values())
    assert place.curve(run) == expected[1]


def test_a_run_page_has_what_was_saved_and_what_was_passed_over(place: Any, make: Make) -> None:
    place.script(rejected=["step-0000000020: state.json is missing", "step-0000000015: it has no manifest"])
    run = place.submit()
    make().serve()
    with place.store.read() as read:
        (attempt,) = runs.detail(read, run).attempts
    assert attempt.rejected == ["step-0000000020: state.json is missing", "step-0000000015: it has no manifest"]
    assert attempt.checkpoint_step == 30
    assert "warning: checkpoint passed over: step-0000000020: state.json is missing" in place.logged(run)


def test_a_run_that_hung_once_is_tried_again(place: Any, make: Make) -> None:
    place.script(hang_at=6, hang_attempts=1)
    run = place.submit()
    make(hung_seconds=1.5).serve()
    assert place.view(run).state is RunState.DONE
    assert place.attempts(run) == [("died", None), ("done", 5)]
    with place.store.read() as read:
        assert re.search(HUNG, str(runs.detail(read, run).attempts[0].detail))
    assert "misbehave" in place.logged(run)  # the stack of where it hung
    assert place.curve(run)[0] == list(range(1, 31))


def test_what_it_prints_is_kept_even_when_it_crashes(place: Any, make: Make) -> None:
    place.script(print="a line\rof native code\nlast words", kill_at=3, kill_attempts=9)
    run = place.submit()
    make(max_attempts=1).serve()
    logged = place.logged(run)
    for line in ("info: a line", "info: of native code", "info: last words"):
        assert line in logged


def test_a_hung_run_prints_where_and_dies(place: Any, make: Make) -> None:
    place.script(hang_at=6)
    run = place.submit()
    make(hung_seconds=1.5, max_attempts=1).serve()
    ended = place.view(run)
    assert ended.state is RunState.FAILED
    assert re.search(HUNG, ended.error.message)
    assert "tiny.py" in place.logged(run)  # the stack
    assert "misbehave" in place.logged(run)


def test_cancelled_is_said_when_the_process_is_gone(place: Any, make: Make) -> None:
    place.script(steps=400, deaf_until=150)  # about three seconds without listening
    run = place.submit()
    with Serving(make()) as serving:
        place.wait_step(run, 5)
        pid = place.notes(run)["pid"]
        with place.store.write() as session:
            runs.request_cancel(session, run)
        seen = []
        while (state := place.view(run).state) is RunState.RUNNING:
            seen.append(place.gone(pid))
            time.sleep(0.02)
        assert state is RunState.CANCELLED
        assert place.gone(pid)
        assert len(seen) > 20
        assert serving.wait() == 1
    assert place.scores(run) == {}
    assert place.attempts(run) == [("cancelled", None)]
    assert not list((place.home / "work").iterdir())


def test_cancel_in_the_middle_of_saving(place: Any, make: Make) -> None:
    place.script(steps=400, save_seconds=1.5)
    run = place.submit()
    with Serving(make()) as serving:
        place.until(lambda: place.view(run).phase == "saving", 20, "it saves")
        pid = place.notes(run)["pid"]
        with place.store.write() as session:
            runs.request_cancel(session, run)
        place.wait(run, RunState.CANCELLED)
        assert place.gone(pid)
        assert serving.wait() == 1


def test_one_that_will_not_stop_is_killed_after_its_grace(place: Any, make: Make) -> None:
    place.script(steps=4000, deaf_until=4000)
    run = place.submit()
    with Serving(make(grace_seconds=1.5)) as serving:
        place.wait_step(run, 5)
        pid = place.notes(run)["pid"]
        with place.store.write() as session:
            runs.request_cancel(session, run)
        began = time.monotonic()
        place.wait(run, RunState.CANCELLED)
        assert 1.4 < time.monotonic() - began < 6
        assert place.gone(pid)
        assert serving.wait() == 1


@pytest.mark.parametrize("way", ["saves", "has no time"])
def test_a_stopped_worker_gives_back_what_it_runs(place: Any, make: Make, way: str) -> None:
    place.script(steps=60, step_seconds=0.05, checkpoint_every=1000)
    run = place.submit()
    supervisor = make()
    with Serving(supervisor) as serving:
        place.wait_step(run, 10)
        supervisor.stop(at_once=way != "saves")
        assert serving.wait() == 1
    back = place.view(run)
    assert back.state is RunState.QUEUED
    assert (back.attempt, back.preemptions) == (1, 1)
    assert place.rung[-1] == [run]
    said = r"saved at step (\d+)" if way == "saves" else "it did not get to save"
    why = re.search(f"attempt 1 was given back: its worker was stopped; {said}$", back.why)
    assert why is not None, back.why
    place.script(steps=60)
    make().serve()
    assert place.view(run).state is RunState.DONE
    (_, began), (_, resumed) = place.attempts(run)
    assert began is None
    assert (resumed == int(why[1]) >= 10) if way == "saves" else resumed is None
    assert place.curve(run)[0] == list(range(1, 61))


def test_without_its_lease_nothing_is_written(place: Any, make: Make) -> None:
    place.script(steps=400)
    run = place.submit()
    with Serving(make()) as serving:
        place.wait_step(run, 5)
        pid = place.notes(run)["pid"]
        with place.store.write() as session:  # as a sweep that believes it dead, and another worker
            session.execute(text("UPDATE run SET lease_until = '2000-01-01 00:00:00.000000'"))
            assert runs.sweep(session, max_attempts=3).taken_back == [run]
            claim = runs.claim(session, worker="another", device=DeviceClass.CPU, lease_seconds=60)
        assert claim is not None
        before = place.view(run)
        assert serving.wait() == 1
        assert place.gone(pid)
    after = place.view(run)
    assert (after.state, after.attempt, after.worker, after.step) == (RunState.RUNNING, 2, "another", before.step)
    assert place.rung == []


@pytest.mark.parametrize("when", ["while it runs", "at its end"])
def test_a_database_that_is_away_loses_nothing(
    place: Any, make: Make, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    monkeypatch.setattr(session, "BUSY_MS", 200)
    place.store.dispose()
    place.store = Store(f"sqlite:///{place.home / 'crosslift.db'}")
    place.script(steps=100 if when == "while it runs" else 40, step_seconds=0.06)
    run = place.submit()
    with Serving(make()) as serving:
        place.wait_step(run, 5)
        other = sqlite3.connect(place.home / "crosslift.db", isolation_level=None, timeout=10)
        try:
            other.execute("BEGIN IMMEDIATE")
            time.sleep(4)  # longer than the lease
            other.execute("ROLLBACK")
        finally:
            other.close()
        assert serving.wait() == 1
    assert place.view(run).state is RunState.DONE
    assert place.attempts(run) == [("done", None)]
    assert place.curve(run)[0] == list(range(1, (100 if when == "while it runs" else 40) + 1))


def test_an_input_that_is_not_there_fails_the_run(place: Any, make: Make) -> None:
    first, second = place.submit_chain(2, length=2)
    supervisor = make()

    def damage(_device: DeviceClass, count: int = 1, run_ids: Any = ()) -> None:
        uri = place.view(first).artifact
        Path(uri.removeprefix("file://"), "weights.pt").unlink()

    supervisor.ring = damage
    supervisor.serve()
    ended = place.view(second)
    assert ended.state is RunState.FAILED
    assert "an input could not be had" in ended.error.message
    assert "missing" in ended.error.cause


def test_a_machine_that_cannot_begin_does_not_fail_the_queue(place: Any, make: Make) -> None:
    ids = [place.submit(seed) for seed in range(3)]
    (place.home / "work").write_text("in the way")
    supervisor = make()
    supervisor.pause_seconds = 0.3
    with Serving(supervisor) as serving:
        place.until(lambda: sum(place.view(id).preemptions for id in ids) >= 3, 20, "it tried a few times")
        (place.home / "work").unlink()
        serving.wait()
    for id in ids:
        assert place.view(id).state is RunState.DONE
    with place.store.read() as read:
        details = [attempt.detail for attempt in runs.detail(read, ids[0]).attempts]
    assert "worker here could not begin it" in str(details[0])


def test_a_terminated_child_saves_and_the_attempt_counts(place: Any, make: Make) -> None:
    place.script(steps=60, step_seconds=0.05, checkpoint_every=1000)
    run = place.submit()
    with Serving(make()) as serving:
        place.wait_step(run, 10)
        os.kill(place.notes(run)["pid"], signal.SIGTERM)
        place.wait(run, RunState.DONE)
        serving.wait()
    (first, _), (second, resumed) = place.attempts(run)
    assert (first, second) == ("died", "done")
    assert resumed >= 10


def test_run_after_run_leaves_nothing_behind(place: Any, make: Make) -> None:
    import psutil

    place.script(steps=2, step_seconds=0.0)
    this = psutil.Process()
    supervisor = make()
    place.submit(0)
    supervisor.serve()
    time.sleep(0.2)
    before = this.num_fds(), threading.active_count()
    for seed in range(1, 9):
        place.submit(seed)
    assert supervisor.serve() == 8
    time.sleep(0.5)
    assert this.num_fds() <= before[0] + 2
    assert threading.active_count() <= before[1] + 1
    assert "tiny" not in sys.modules  # all of it happened elsewhere
    with place.store.read() as read:
        times = read.execute(text("SELECT started_at, ended_at FROM attempt ORDER BY started_at")).all()
    assert all(ended <= began for (_, ended), (began, _) in pairwise(times))  # one slot: one at a time


def test_the_server_of_children_may_be_killed(place: Any, make: Make) -> None:
    place.script(steps=40, step_seconds=0.05)
    run, later = place.submit(1), place.submit(2)
    with Serving(make()) as serving:
        place.wait_step(run, 5)
        os.kill(place.notes(run)["parent"], signal.SIGKILL)
        assert serving.wait(90) == 2
    assert place.attempts(run) == [("done", None)]  # it noticed nothing
    assert place.view(later).state is RunState.DONE
    assert place.notes(later)["parent"] != place.notes(run)["parent"]


def test_every_log_line_of_a_run_names_it(place: Any, make: Make) -> None:
    """Also those of the threads that stage its inputs and store what it made."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(logs.JsonLines("worker"))
    logging.getLogger().addHandler(handler)
    logging.getLogger().setLevel(logging.INFO)
    first, second = place.submit_chain(11, length=2)
    supervisor = make()
    fetch = supervisor.artifacts.fetch

    def loud(uri: str) -> Path:
        logging.getLogger("a.library").warning("fetches")
        return fetch(uri)

    supervisor.artifacts.fetch = loud  # type: ignore[method-assign]
    try:
        assert supervisor.serve() == 2
    finally:
        logging.getLogger().removeHandler(handler)
    said = [json.loads(line) for line in text.getvalue().splitlines()]
    assert {(line["run"], line["attempt"]) for line in said} == {(first, 1), (second, 1)}
    assert [line["run"] for line in said if line["message"] == "fetches"] == [second]


# --- cancelled at every boundary: one end, and the process is gone before it is said -----------------------------------


def cancel(place: Any, run: int) -> RunState:
    with place.store.write() as write:
        return runs.request_cancel(write, run)


def ended_once(place: Any, run: int) -> RunState:
    """The state a run ended in: its one attempt is closed, and nothing of it is left on this machine."""
    with place.store.read() as read:
        found = runs.detail(read, run)
    assert found.run.finished_at is not None
    assert [a.ended_at is not None for a in found.attempts] == [True] * len(found.attempts)
    if found.run.state is RunState.CANCELLED:
        assert place.scores(run) == {}
        assert found.run.artifact is None
    assert not list((place.home / "work").glob("*"))
    return found.run.state


def test_cancelled_while_nobody_is_there_it_never_runs(place: Any, make: Make) -> None:
    run, below = place.submit_chain(1, length=2)
    assert cancel(place, run) is RunState.CANCELLED
    assert make().serve() == 0
    assert (place.view(run).attempt, place.view(below).state) == (0, RunState.SKIPPED)


def test_cancelled_while_its_process_starts(place: Any, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    run = place.submit()
    supervisor = make()
    start, began = supervisor.nursery.start, threading.Event()
    pids: list[int] = []

    def slowly(*args: Any, **more: Any) -> Any:
        began.set()
        time.sleep(1.5)  # as long as it takes to load torch the first time, or more
        child = start(*args, **more)
        pids.append(child.pid)
        return child

    place.script(steps=4000)
    monkeypatch.setattr(supervisor.nursery, "start", slowly)
    with Serving(supervisor) as serving:
        assert began.wait(30)
        assert cancel(place, run) is RunState.RUNNING
        while place.view(run).state is RunState.RUNNING:
            time.sleep(0.02)
        assert all(place.gone(pid) for pid in pids)
        assert serving.wait() == 1
    assert ended_once(place, run) is RunState.CANCELLED


def test_cancelled_while_its_inputs_are_fetched(place: Any, make: Make) -> None:
    first, second, third = place.submit_chain(4, length=3)
    supervisor = make()
    fetch = supervisor.artifacts.fetch

    def slowly(uri: str) -> Path:
        assert cancel(place, second) is RunState.RUNNING
        time.sleep(1.5)
        return fetch(uri)

    supervisor.artifacts.fetch = slowly  # type: ignore[method-assign]
    assert supervisor.serve() == 2
    assert place.view(first).state is RunState.DONE
    assert ended_once(place, second) is RunState.CANCELLED
    assert place.view(third).state is RunState.SKIPPED


def test_cancelled_between_two_stages(place: Any, make: Make) -> None:
    """The first is done and the second queued; it is stopped before anybody takes it."""
    first, second, third = place.submit_chain(5, length=3)
    supervisor = make()
    supervisor.ring = lambda _device, count=1, run_ids=(): cancel(place, second)
    assert supervisor.serve() == 1
    assert [place.view(r).state for r in (first, second, third)] == [
        RunState.DONE, RunState.CANCELLED, RunState.SKIPPED,
    ]  # fmt: skip
    assert place.view(second).attempt == 0


@pytest.mark.parametrize("when", ["before it is stored", "while it is stored", "after it was stored"])
def test_cancelled_at_the_final_write(place: Any, make: Make, when: str) -> None:
    """It is done or it is cancelled, with all of the one or nothing of the other."""
    run, below = place.submit_chain(6, length=2)
    supervisor = make()
    publish, this = supervisor.artifacts.publish, place.view(run).fingerprint

    def asked(out: Path, fingerprint: str) -> Any:
        if fingerprint != this:
            return publish(out, fingerprint)
        if when != "after it was stored":
            cancel(place, run)
        time.sleep(2.0 if when == "while it is stored" else 0)  # several heartbeats, which hear of it
        stored = publish(out, fingerprint)
        if when == "after it was stored":
            cancel(place, run)
        return stored

    supervisor.artifacts.publish = asked  # type: ignore[method-assign]
    supervisor.serve()
    state = ended_once(place, run)
    if when == "while it is stored":
        assert state is RunState.CANCELLED
    if state is RunState.CANCELLED:
        assert place.view(below).state is RunState.SKIPPED
    else:
        assert place.view(run).artifact is not None
        assert (state, place.view(below).state) == (RunState.DONE, RunState.DONE)
        assert place.scores(run).keys() == {"en"}
