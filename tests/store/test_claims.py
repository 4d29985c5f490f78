"""Claims, leases and fences: a run is worked on by one worker at a time, and one that lost it can change nothing."""

from __future__ import annotations

import inspect
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text

from backend.domain.run import DeviceClass, RunState
from backend.store import endings, graph, history, runs, tables, workers
from backend.store.session import Store

Q, R, D, F, C = RunState.QUEUED, RunState.RUNNING, RunState.DONE, RunState.FAILED, RunState.CANCELLED


def queue_many(lab, count):
    """That many queued runs, without plans for each: copies of one row under other fingerprints."""
    lab.submit()
    columns = ", ".join(c.name for c in tables.run.c if c.name not in ("id", "fingerprint"))
    with lab.store.write() as session:
        session.execute(text("UPDATE run SET priority = -1"))
        for i in range(count):
            session.execute(
                text(f"INSERT INTO run (fingerprint, {columns}) SELECT :f, {columns} FROM run WHERE id = 1"),
                {"f": f"{i:064}"},
            )
        session.execute(text("UPDATE run SET priority = 0 WHERE id > 6"))


def test_no_two_of_eight_processes_claim_the_same_run(lab, in_processes):
    queue_many(lab, 200)

    def work(i, url):
        store, mine = Store(url), []
        while True:
            with store.write() as session:
                claim = runs.claim(session, worker=f"worker {i}", device=DeviceClass.CPU, lease_seconds=60)
            if claim is None:
                store.dispose()
                return mine
            mine.append((claim.run_id, claim.attempt))

    taken = in_processes(8, work, lab.store.url.render_as_string(hide_password=False))
    claims = Counter(claim for each in taken for claim in each)
    assert set(claims.values()) == {1}
    assert {id for id, _ in claims} == {1, *range(7, 207)}
    assert all(attempt == 1 for _, attempt in claims)
    assert sum(1 for each in taken if each) > 1, "one process did it all: nothing raced"
    for each in taken:
        ids = [id for id, _ in each]
        assert ids[:-1] == sorted(ids[:-1]), "the oldest comes first"
    with lab.store.read() as session:
        rows = session.execute(select(tables.attempt.c.run_id, tables.attempt.c.worker)).all()
    assert {(id, f"worker {i}") for i, each in enumerate(taken) for id, _ in each} == set(rows)


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)  # SQLite has one writer at a time
def test_a_slow_claim_does_not_hold_up_the_next(lab):
    queue_many(lab, 2)
    with lab.store.write() as slow:
        first = runs.claim(slow, worker="slow", device=DeviceClass.CPU, lease_seconds=60)
        second = lab.claim("quick")
    assert {first.run_id, second.run_id} == {7, 8}


def everything(session):
    return {
        name: session.execute(select(table)).all()
        for name, table in tables.metadata.tables.items()
        if name not in ("experiment", "experiment_run")
    }


def test_who_lost_the_lease_can_change_nothing(lab):
    lab.submit()
    old = lab.claim("old")
    lab.expire(1)
    assert lab.sweep().taken_back == [1]
    new = lab.claim("new")
    assert (new.run_id, new.attempt, new.tries) == (1, 2, 2)
    with lab.store.read() as session:
        before = everything(session)
    a = old.attempt
    assert lab.beat(1, a) == runs.Beat(alive=False, cancel_requested=False)
    assert lab.finish(1, a, scores=[("en", "accuracy", 1.0, 1)]) == runs.Finished(False, [])
    assert lab.fail(1, a) == runs.Ended(False, [])
    with lab.store.write() as session:
        assert not runs.record(session, 1, a, curves=[("loss", 1, 1.0)], logs=[("info", "still here")])
        assert not runs.noted(session, 1, a, resumed=3)
        assert runs.diverge(session, 1, a, step=1, message="NaN") == runs.Ended(False, [])
        assert runs.cancelled(session, 1, a) == runs.Ended(False, [])
        assert not runs.release(session, 1, a, reason="?", counted=False)
        assert runs.died(session, 1, a, reason="?", max_attempts=1) == "lost"
    with lab.store.read() as session:
        assert everything(session) == before
    assert lab.beat(1, new.attempt).alive
    assert lab.finish(1, new.attempt).ok
    for attempt in (old.attempt, new.attempt, 3):  # nor can anybody when it is done
        assert not lab.finish(1, attempt).ok
        assert not lab.beat(1, attempt).alive


def test_a_later_attempt_writes_over_a_curve_and_an_earlier_one_does_not(lab):
    lab.submit()
    first = lab.claim()
    with lab.store.write() as session:
        runs.record(session, 1, first.attempt, curves=[("loss", s, 1.0) for s in range(1, 11)], logs=[])
        runs.release(session, 1, first.attempt, reason="preempted", counted=False)
    second = lab.claim()
    with lab.store.write() as session:
        runs.record(session, 1, second.attempt, curves=[("loss", s, 2.0) for s in range(6, 16)], logs=[])
    with lab.store.read() as session:
        (curve,) = runs.curves(session, 1)
    assert curve.steps == list(range(1, 16))
    assert curve.values == [1.0] * 5 + [2.0] * 10
    points = tables.curve_point
    with lab.store.write() as session:  # a write that was on its way when the lease was lost
        session.execute(points.update().where(points.c.step == 3).values(attempt=9))
        runs.record(session, 1, second.attempt, curves=[("loss", 3, 7.0), ("loss", 4, 7.0)], logs=[])
    with lab.store.read() as session:
        assert runs.curves(session, 1)[0].values[2:4] == [1.0, 7.0]


def test_a_heartbeat_renews_the_lease_by_the_databases_clock(lab, monkeypatch):
    lab.submit()
    claim = lab.claim(lease=1000)
    lab.expire(1)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 7200)  # a worker whose clock is two hours fast
    assert lab.beat(1, claim.attempt, lease_seconds=50).alive  # late, but nobody had taken the run back
    monkeypatch.undo()
    assert lab.sweep().taken_back == []
    with lab.store.read() as session:
        until, beat, progress = session.execute(
            select(tables.run.c.lease_until, tables.run.c.heartbeat_at, tables.run.c.progress_at).where(
                tables.run.c.id == 1
            )
        ).one()
    assert until - beat == pytest.approx(timedelta(seconds=50), abs=timedelta(seconds=1))
    assert abs(beat - datetime.now(UTC)) < timedelta(seconds=30)
    lab.beat(1, claim.attempt, progressed=False)
    with lab.store.read() as session:
        row = session.execute(
            select(tables.run.c.heartbeat_at, tables.run.c.progress_at).where(tables.run.c.id == 1)
        ).one()
    assert row.heartbeat_at > beat and row.progress_at == progress  # alive and progressing are two clocks


def test_a_lease_is_over_when_its_seconds_are(lab):
    lab.submit()
    lab.claim(lease=0.2)
    assert lab.sweep().taken_back == []
    time.sleep(0.25)
    assert lab.sweep().taken_back == [1]


def test_a_run_whose_workers_keep_vanishing_fails_after_its_attempts(lab):
    made = lab.submit()
    for attempt in (1, 2, 3):
        claim = lab.claim(f"worker {attempt}")
        assert (claim.attempt, claim.tries) == (attempt, attempt)
        assert lab.sweep() == runs.Swept([], [], [], [], 0, 0)
        lab.expire(1)
        swept = lab.sweep(max_attempts=3)
        if attempt < 3:
            assert (swept.taken_back, swept.failed, swept.queued_cpu) == ([1], [], 1)
        else:
            assert (swept.taken_back, swept.failed, swept.skipped) == ([], [1], [2, 3, 4, 5, 6])
    error = lab.view(1).error
    assert error.message == (
        "the process of this run died 3 times (last: no heartbeat from worker worker 3; "
        "it is gone or cannot reach the database)"
    )
    assert lab.experiment(made.id).state == "done with failures"


def test_a_process_that_dies_is_tried_again_and_then_failed_with_its_signal(lab):
    lab.submit()
    said = []
    for _ in range(3):
        claim = lab.claim()
        with lab.store.write() as session:
            reason = "signal 9, probably out of memory"
            said.append(runs.died(session, 1, claim.attempt, reason=reason, max_attempts=3))
    assert said == ["queued", "queued", "failed"]
    error = lab.view(1).error
    assert error.message == "the process of this run died 3 times (last: signal 9, probably out of memory)"
    assert "ran out of memory" in error.cause
    with lab.store.read() as session:
        assert [a.outcome for a in runs.detail(session, 1).attempts] == ["died", "died", "failed"]


def test_being_preempted_does_not_count(lab):
    lab.submit()
    for _ in range(5):
        claim = lab.claim()
        assert claim.tries == 1
        with lab.store.write() as session:
            assert runs.release(session, 1, claim.attempt, reason="preempted", counted=False)
    claim = lab.claim()
    assert (claim.attempt, claim.tries) == (6, 1)
    with lab.store.write() as session:
        assert runs.release(session, 1, claim.attempt, reason="hung", counted=True)
    claim = lab.claim()
    assert (claim.attempt, claim.tries) == (7, 2)
    with lab.store.write() as session:
        assert runs.died(session, 1, claim.attempt, reason="signal 11", max_attempts=2) == "failed"
    assert lab.view(1).preemptions == 5


def test_a_run_to_be_cancelled_is_not_queued_again(lab):
    made = lab.submit()

    def begin_and_cancel():
        claim = lab.claim()
        with lab.store.write() as session:
            runs.request_cancel(session, claim.run_id)
        return claim.run_id, claim.attempt

    id, attempt = begin_and_cancel()
    lab.expire(id)
    swept = lab.sweep()
    assert (swept.cancelled, swept.taken_back, swept.skipped) == ([1], [], [2, 3, 4, 5, 6])
    lab.retry(made.id)
    id, attempt = begin_and_cancel()
    with lab.store.write() as session:
        assert runs.died(session, id, attempt, reason="signal 15", max_attempts=3) == "cancelled"
    lab.retry(made.id)
    id, attempt = begin_and_cancel()
    with lab.store.write() as session:
        assert runs.release(session, id, attempt, reason="preempted", counted=False)
    assert lab.view(id).state is C
    assert lab.try_claim() is None


def test_a_sweep_mends_what_waits_for_nothing(lab):
    """Nothing leaves such rows behind; but if anything ever did, runs would wait for ever."""
    made = lab.submit()
    lab.work()
    again = lab.submit(models=["mini-4"], name="another")
    with lab.store.write() as session:
        session.execute(text("UPDATE run SET state = 'waiting', finished_at = NULL WHERE id IN (3, 6)"))
        session.execute(text("UPDATE run SET state = 'failed', finished_at = created_at WHERE id = 7"))
    swept = lab.sweep()
    assert swept.promoted == [3, 6]
    assert swept.skipped == [8, 9, 10, 11, 12]
    assert swept.queued_cpu == 2
    assert {lab.view(i).skipped_because for i in (8, 12)} == {7}
    assert lab.sweep() == runs.Swept([], [], [], [], 2, 0)
    assert lab.states(made.id)[3] is Q and lab.experiment(again.id).state == "done with failures"


def test_two_parents_that_end_at_once_do_not_miss_each_other(lab, in_processes):
    """Both transactions change a parent of the same child; the second must see the first."""
    lab.submit()
    lab.finish(1, lab.claim().attempt)
    with lab.store.write() as session:  # the last evaluation waits for both branches
        session.execute(tables.run_parent.insert(), {"run_id": 6, "parent_id": 2})
        session.execute(tables.run_parent.insert(), {"run_id": 6, "parent_id": 4})
        session.execute(
            tables.run_parent.delete().where(tables.run_parent.c.run_id == 6, tables.run_parent.c.parent_id == 5)
        )
    claims = [lab.claim(), lab.claim()]
    result, url = lab.result(), lab.store.url.render_as_string(hide_password=False)

    def work(i):
        store = Store(url)
        with store.write() as session:
            queued = runs.finish(session, claims[i].run_id, claims[i].attempt, result).queued
        store.dispose()
        return queued

    queued = in_processes(2, work)
    assert sorted(id for each in queued for id in each) == [3, 5, 6]


def test_a_run_that_this_version_cannot_read_does_not_block_the_queue(lab):
    lab.submit()
    lab.submit(models=["mini-4"], name="another")
    with lab.store.write() as session:
        session.execute(tables.run.update().where(tables.run.c.id == 1).values(spec={"kind": "of long ago"}))
    assert lab.claim().run_id == 7
    failed = lab.view(1)
    assert failed.state is F and failed.why.startswith("failed: This version of the program cannot read the run")
    assert set(lab.states(1).values()) == {F, RunState.SKIPPED}
    with lab.store.read() as session:
        assert [a.outcome for a in runs.detail(session, 1).attempts] == ["failed"]


def test_a_run_for_two_devices_is_for_a_worker_with_two_that_are_free(lab):
    """And it is not passed over: what comes after it waits, or it would wait for ever."""
    queue_many(lab, 2)
    with lab.store.write() as session:
        session.execute(text("UPDATE run SET devices = 2 WHERE id = 7"))
        session.execute(text("UPDATE run SET devices = NULL WHERE id = 8"))  # from before there was this column

    def claim(**of):
        with lab.store.write() as session:
            return runs.claim(session, worker="w", device=DeviceClass.CPU, lease_seconds=60, **of)

    assert claim(devices=2, free=1) is None
    assert lab.view(7).why == "no worker is there for cpu runs"
    with lab.store.write() as session:
        workers.seen(session, "small", ["cpu"], 1, "a processor")
    assert lab.view(7).why == "waits for a cpu worker with 2 devices"
    with lab.store.write() as session:
        workers.seen(session, "large", ["cpu"], 2, "a processor")
    assert lab.view(7).why == "queued, next"
    assert claim(devices=1).run_id == 8
    assert claim(devices=2, free=2).run_id == 7
    assert claim(devices=1).run_id == 1  # what asks for nothing takes one


def test_leases_go_by_the_databases_clock_alone(lab, monkeypatch):
    """A process whose clock is two hours ahead, as its ``time`` says, steals no lease; and nothing in the life of a run asks
    the process for the time."""
    lab.submit()
    lab.claim(lease=60.0)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 7200)
    assert lab.sweep().taken_back == []
    for module in (runs, endings, graph, workers, history):
        source = inspect.getsource(module)
        assert "time.time" not in source and "datetime.now" not in source and "utcnow" not in source, module.__name__
