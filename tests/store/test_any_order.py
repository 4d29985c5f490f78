"""Whatever is done in whatever order, by whoever, and wherever they die: a model in plain Python says what must come of it, and
the database agrees.

Beyond that, always: a run has one owner; attempts are counted; what has ended never changes in any column; its scores are those
of the attempt that finished it, each once; and in the end, with no more than workers and a sweep, nothing waits for ever.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import select

from backend.domain.experiment import plan
from backend.domain.run import FOLLOWS, TERMINAL, DeviceClass, RunState
from backend.errors import Conflict, Invalid
from backend.store import experiments, runs, tables

WAITING, QUEUED, RUNNING, DONE = RunState.WAITING, RunState.QUEUED, RunState.RUNNING, RunState.DONE
FAILED, SKIPPED, CANCELLED, DIVERGED = RunState.FAILED, RunState.SKIPPED, RunState.CANCELLED, RunState.DIVERGED
LIVE = (WAITING, QUEUED, RUNNING)
ANSWER = (*LIVE, DONE)
MAX_ATTEMPTS = 2
WORKERS = ("ant", "bee", "cat")
WISHES = (
    {"recipes": ["none"]},
    {"recipes": ["mnli"]},
    {"recipes": ["mnli", "squad"]},
    {"recipes": ["mnli"], "models": ["mini-4"]},
    {"recipes": ["squad"], "targets": ["tatoeba"]},
)


@dataclass
class Run:
    fingerprint: str
    parents: list[int]
    state: RunState
    attempt: int = 0
    preemptions: int = 0
    cancel: bool = False
    expired: bool = False
    because: int | None = None
    worker: str | None = None
    finished_by: int | None = None  # attempt


class PowerCut(Exception):
    """Whoever was at it is gone before the commit."""


def found_by(attempt):
    """The scores that an attempt finds: another one would have found others."""
    return [("de", "accuracy", 10.0 + attempt, 10), ("en", "accuracy", 50.0 + attempt, 10)]


@dataclass
class Experiment:
    cancelled: bool = False
    listed: set[int] = field(default_factory=set)  # not replaced


def machine(lab, emptied):
    postgresql = lab.store.engine.dialect.name == "postgresql"

    @cache
    def planned(i):
        request = lab.request(**WISHES[i])
        return request, plan(request)

    class Machine(RuleBasedStateMachine):
        def __init__(self):
            super().__init__()
            emptied(lab.store)
            self.runs: dict[int, Run] = {}
            self.experiments: dict[int, Experiment] = {}
            self.handles: list[tuple[int, int]] = []
            self.keys: dict[str, tuple[int, int]] = {}  # of a request: which wish, which experiment
            self.ended: dict[int, dict[str, Any]] = {}  # whole rows, as they were when they ended

        # --- the model --------------------------------------------------------------------------------------------

        def go(self, id, to):
            run = self.runs[id]
            assert to in FOLLOWS[run.state], (run.state, to)
            run.state, run.expired = to, False
            if to is QUEUED:
                run.worker = None

        def answers(self):
            return {r.fingerprint: id for id, r in self.runs.items() if r.state in ANSWER}

        def wanted(self, id):
            return any(id in e.listed and not e.cancelled for e in self.experiments.values())

        def promote(self):
            ready = [
                id
                for id, r in self.runs.items()
                if r.state is WAITING and all(self.runs[p].state is DONE for p in r.parents)
            ]
            for id in ready:
                self.go(id, QUEUED)
            return ready

        def skip(self, cause):
            gone, below = [], {cause}
            for id in sorted(self.runs):  # children have higher ids
                if below & set(self.runs[id].parents):
                    below.add(id)
                    if self.runs[id].state is WAITING:
                        self.go(id, SKIPPED)
                        self.runs[id].because = cause
                        gone.append(id)
            return gone

        def end(self, id, to):
            self.go(id, to)
            return self.skip(id)

        def give_back(self, id, *, counted):
            """Queue again or, if it was to be cancelled, cancel. What is skipped."""
            run = self.runs[id]
            if run.cancel:
                return self.end(id, CANCELLED)
            self.go(id, QUEUED)
            run.preemptions += not counted
            return []

        def die(self, id):
            run = self.runs[id]
            if not run.cancel and run.attempt - run.preemptions >= MAX_ATTEMPTS:
                return "failed", self.end(id, FAILED)
            cancelled = run.cancel
            return "cancelled" if cancelled else "queued", self.give_back(id, counted=True)

        def learn(self):
            """Take new rows into the model; each must be queued or wait just as its parents say."""
            with lab.store.read() as session:
                rows = session.execute(
                    select(tables.run.c.id, tables.run.c.fingerprint).order_by(tables.run.c.id)
                ).all()
                pairs = session.execute(select(tables.run_parent.c.run_id, tables.run_parent.c.parent_id)).all()
            new = [id for id, _ in rows if id not in self.runs]
            for id, fingerprint in rows:
                if id in new:
                    parents = [p for child, p in pairs if child == id]
                    ready = all(self.runs[p].state is DONE for p in parents)
                    self.runs[id] = Run(fingerprint, parents, QUEUED if ready else WAITING)
            return new

        def keep(self, ids):
            for id in ids:
                if self.runs[id].state is RUNNING:
                    self.runs[id].cancel = False

        def renewed(self, bad):
            """Fingerprints that must be done again: these, and what they start from where that is not there."""
            there, again = self.answers(), set()
            todo = [id for id in bad if self.runs[id].fingerprint not in there]
            while todo:
                id = todo.pop()
                if self.runs[id].fingerprint not in again | set(there):
                    again.add(self.runs[id].fingerprint)
                    newest = {self.runs[p].fingerprint: p for p in self.runs[id].parents}
                    todo += newest.values()
            return again

        def replace(self, experiment, bad):
            """The new runs, and what they start from, take the places of those that did not get done."""
            there = self.answers()
            new, todo = set(), [there[f] for f in bad]
            while todo:
                new.add(id := todo.pop())
                todo += self.runs[id].parents
            fingerprints = {self.runs[id].fingerprint for id in new}
            listed = {id: self.runs[id] for id in experiment.listed}
            places = {id for id, r in listed.items() if r.state not in ANSWER and r.fingerprint in fingerprints}
            new = {there[self.runs[id].fingerprint] for id in places}
            experiment.listed = (experiment.listed - places) | new
            self.keep(new)

        # --- what may happen --------------------------------------------------------------------------------------

        @rule(i=st.integers(0, len(WISHES) - 1), key=st.sampled_from([None, "a", "b"]))
        def submit(self, i, key):
            request, plan_ = planned(i)
            before = self.answers()
            if key in self.keys:
                of, id = self.keys[key]
                with lab.store.write() as session:
                    if of == i:
                        again = experiments.submit(session, request, plan_, key=key, body_digest=str(i))
                        assert (again.created, again.id, again.queued) == (False, id, [])
                    else:
                        with pytest.raises(Invalid):
                            experiments.submit(session, request, plan_, key=key, body_digest=str(i))
                assert self.learn() == []
                return
            if len(self.experiments) >= 6:
                return
            with lab.store.write() as session:
                made = experiments.submit(session, request, plan_, key=key, body_digest=str(i))
            if key is not None:
                self.keys[key] = (i, made.id)
            new = self.learn()
            assert {self.runs[id].fingerprint for id in new} == set(plan_.runs) - set(before)
            assert made.created and made.queued == [id for id in new if self.runs[id].state is QUEUED]
            listed = {self.answers()[f] for f in plan_.runs}
            self.experiments[made.id] = Experiment(listed=listed)
            self.keep(listed)

        def queue(self):
            return [id for id, r in sorted(self.runs.items()) if r.state is QUEUED]

        def claimed(self, found, worker):
            run = self.runs[found.run_id]
            self.go(found.run_id, RUNNING)
            run.attempt += 1
            run.worker = worker
            assert found.attempt == run.attempt
            assert len(found.parents) == len(run.parents)
            self.handles.append((found.run_id, found.attempt))

        @rule(worker=st.sampled_from(WORKERS))
        def claim(self, worker):
            queue = self.queue()
            found = lab.try_claim(worker)
            assert (found and found.run_id) == (queue[0] if queue else None)
            if found is not None:
                self.claimed(found, worker)

        @rule()
        def die_before_the_claim_is_committed(self):
            """Nobody has the run then, and no attempt was made."""
            with contextlib.suppress(PowerCut), lab.store.write() as session:
                runs.claim(session, worker="ant", device=DeviceClass.CPU, lease_seconds=60)
                raise PowerCut

        @precondition(lambda self: postgresql and len(self.queue()) >= 2)
        @rule(survives=st.booleans())
        def claim_at_the_same_moment(self, survives):
            """Two workers, neither of which waits for the other; the first may die before its commit."""
            first, second = self.queue()[:2]
            with contextlib.suppress(PowerCut), lab.store.write() as one:
                early = runs.claim(one, worker="ant", device=DeviceClass.CPU, lease_seconds=60)
                late = lab.claim("bee")
                assert (early.run_id, late.run_id) == (first, second)
                if not survives:
                    raise PowerCut
            self.claimed(late, "bee")
            if survives:
                self.claimed(early, "ant")

        @precondition(lambda self: self.handles)
        @rule(data=st.data(), what=st.sampled_from(["finish", "died", "cancel"]))
        def die_before_the_end_is_committed(self, data, what):
            id, attempt = data.draw(st.sampled_from(self.handles))
            with contextlib.suppress(PowerCut, Conflict), lab.store.write() as session:
                if what == "finish":
                    runs.finish(session, id, attempt, lab.result(scores=found_by(attempt)))
                elif what == "died":
                    runs.died(session, id, attempt, reason="signal 9", max_attempts=MAX_ATTEMPTS)
                else:
                    runs.request_cancel(session, id)
                raise PowerCut

        @precondition(lambda self: self.handles)
        @rule(
            data=st.data(),
            what=st.sampled_from(
                [
                    "finish",
                    "finish",
                    "finish",
                    "fail",
                    "diverge",
                    "cancelled",
                    "died",
                    "preempt",
                    "give back",
                    "beat",
                    "record",
                ]
            ),
        )
        def work(self, data, what):
            id, attempt = data.draw(st.sampled_from(self.handles))
            run = self.runs[id]
            held = run.state is RUNNING and run.attempt == attempt
            if what == "finish":
                done = lab.finish(id, attempt, scores=found_by(attempt))
                assert done.ok == held
                if held:
                    self.go(id, DONE)
                    run.finished_by = attempt
                    assert done.queued == self.promote()
                return
            if what == "beat":
                found = lab.beat(id, attempt)
                assert (found.alive, found.cancel_requested) == (held, held and run.cancel)
                run.expired = run.expired and not held
                return
            with lab.store.write() as session:
                if what == "record":
                    assert (
                        runs.record(session, id, attempt, curves=[("loss", attempt, 1.0)], logs=[("info", "x")]) == held
                    )
                elif what == "fail":
                    ended = runs.fail(session, id, attempt, type="Error", message="it broke")
                    assert (ended.ok, ended.skipped) == (held, self.end(id, FAILED) if held else [])
                elif what == "diverge":
                    ended = runs.diverge(session, id, attempt, step=3, message="NaN")
                    assert (ended.ok, ended.skipped) == (held, self.end(id, DIVERGED) if held else [])
                elif what == "cancelled":
                    ended = runs.cancelled(session, id, attempt)
                    assert (ended.ok, ended.skipped) == (held, self.give_back(id, counted=False) if held else [])
                elif what == "died":
                    said = runs.died(session, id, attempt, reason="signal 9", max_attempts=MAX_ATTEMPTS)
                    assert said == (self.die(id)[0] if held else "lost")
                else:
                    counted = what == "give back"
                    assert runs.release(session, id, attempt, reason="x", counted=counted) == held
                    if held:
                        self.give_back(id, counted=counted)

        @precondition(lambda self: any(r.state is RUNNING for r in self.runs.values()))
        @rule(data=st.data())
        def crash(self, data):
            """A worker falls silent with all it has: what it may still say, if it lives, counts until the next sweep."""
            worker = data.draw(st.sampled_from(sorted({r.worker for r in self.runs.values() if r.state is RUNNING})))
            for id, run in self.runs.items():
                if run.state is RUNNING and run.worker == worker:
                    lab.expire(id)
                    run.expired = True

        @rule()
        def sweep(self):
            found = lab.sweep(max_attempts=MAX_ATTEMPTS)
            told = {"queued": [], "failed": [], "cancelled": []}
            skipped = []
            for id in [id for id, r in sorted(self.runs.items()) if r.state is RUNNING and r.expired]:
                said, gone = self.die(id)
                told[said].append(id)
                skipped += gone
            assert (found.taken_back, found.failed, found.cancelled) == tuple(told.values())
            assert (found.skipped, found.promoted) == (sorted(skipped), [])
            assert found.queued_cpu == sum(r.state is QUEUED for r in self.runs.values())

        @precondition(lambda self: any(r.state is RUNNING for r in self.runs.values()))
        @rule(data=st.data(), other=st.sampled_from(WORKERS))
        def take_over(self, data, other):
            """A worker falls silent, the sweep takes back what it had, and others take it."""
            self.crash(data)
            self.sweep()
            for _ in range(2):
                self.claim(other)

        def late(self):
            """Attempts at runs that somebody else has by now."""
            return [(i, n) for i, n in self.handles if self.runs[i].state is RUNNING and self.runs[i].attempt > n]

        @precondition(lambda self: self.late())
        @rule(data=st.data())
        def say_something_late(self, data):
            """Whatever it is, it is refused, and changes nothing: the invariants see to that."""
            id, n = data.draw(st.sampled_from(self.late()))
            assert not lab.finish(id, n, scores=found_by(n)).ok
            assert not lab.beat(id, n).alive
            with lab.store.write() as session:
                assert not runs.fail(session, id, n, type="Error", message="late").ok
                assert not runs.diverge(session, id, n, step=3, message="late").ok
                assert not runs.cancelled(session, id, n).ok
                assert not runs.release(session, id, n, reason="late", counted=False)
                assert not runs.record(session, id, n, curves=[("loss", n, 1.0)])
                assert not runs.noted(session, id, n, resumed=3, saved=3, rejected=[])
                assert runs.died(session, id, n, reason="late", max_attempts=1) == "lost"

        @precondition(lambda self: self.experiments)
        @rule(data=st.data())
        def cancel_experiment(self, data):
            id = data.draw(st.sampled_from(sorted(self.experiments)))
            one = self.experiments[id]
            stopped = lab.cancel(id)
            expected = []
            if any(self.runs[i].state in LIVE for i in one.listed):
                one.cancelled = True
                for i in sorted(one.listed):
                    run = self.runs[i]
                    if self.wanted(i) or run.state not in LIVE or (run.state is RUNNING and run.cancel):
                        continue
                    run.cancel = True
                    if run.state is not RUNNING:
                        self.go(i, CANCELLED)
                    expected.append(i)
            assert stopped == expected

        @precondition(lambda self: self.runs)
        @rule(data=st.data())
        def cancel_run(self, data):
            id = data.draw(st.sampled_from(sorted(self.runs)))
            run = self.runs[id]
            try:
                with lab.store.write() as session:
                    runs.request_cancel(session, id)
            except Conflict:
                assert run.state in (DONE, FAILED, DIVERGED, SKIPPED)
                return
            assert run.state in (*LIVE, CANCELLED)
            if run.state in LIVE:
                run.cancel = True
                if run.state is not RUNNING:
                    self.end(id, CANCELLED)

        @precondition(lambda self: self.experiments)
        @rule(data=st.data())
        def retry_experiment(self, data):
            if len(self.runs) > 60:
                return
            id = data.draw(st.sampled_from(sorted(self.experiments)))
            one = self.experiments[id]
            bad = [i for i in one.listed if self.runs[i].state not in ANSWER]
            again = self.renewed(bad)
            queued = lab.retry(id)
            new = self.learn()
            assert {self.runs[i].fingerprint for i in new} == again
            assert queued == [i for i in new if self.runs[i].state is QUEUED]
            one.cancelled = False
            self.keep(one.listed)
            self.replace(one, {self.runs[i].fingerprint for i in bad})

        @precondition(lambda self: self.runs)
        @rule(data=st.data())
        def retry_run(self, data):
            bad = [i for i, r in self.runs.items() if r.state not in ANSWER and self.wanted(i)]
            if not bad or len(self.runs) > 60:
                return
            id = data.draw(st.sampled_from(bad))
            wanting = [e for e in self.experiments.values() if id in e.listed and not e.cancelled]
            below = {
                i for e in wanting for i in e.listed if self.runs[i].state is SKIPPED and self.runs[i].because == id
            }
            again = self.renewed([id, *below])
            with lab.store.write() as session:
                answer = runs.retry(session, id)
            new = self.learn()
            assert {self.runs[i].fingerprint for i in new} == again
            fingerprints = again | {self.runs[i].fingerprint for i in (id, *below)}
            assert answer == self.answers()[self.runs[id].fingerprint]
            for experiment in wanting:
                self.replace(experiment, fingerprints)

        # --- what always holds ------------------------------------------------------------------------------------

        @invariant()
        def the_database_agrees(self):
            t = tables.run.c
            with lab.store.read() as session:
                rows = session.execute(
                    select(
                        t.id,
                        t.state,
                        t.attempt,
                        t.preemptions,
                        t.cancel_requested_at,
                        t.skipped_because,
                        t.lease_until,
                        t.worker,
                    )
                ).all()
                tries = session.execute(
                    select(tables.attempt.c.run_id, tables.attempt.c.number, tables.attempt.c.ended_at)
                ).all()
                owners = session.execute(
                    select(tables.attempt.c.run_id, tables.attempt.c.worker).where(tables.attempt.c.ended_at.is_(None))
                ).all()
            found = {r.id: (r.state, r.attempt, r.preemptions, r.skipped_because) for r in rows}
            assert found == {id: (r.state, r.attempt, r.preemptions, r.because) for id, r in self.runs.items()}
            for row in rows:
                run = self.runs[row.id]
                assert (row.lease_until is not None) == (run.state is RUNNING)
                if run.state is RUNNING:
                    assert row.worker == run.worker
                if run.state in (RUNNING, QUEUED):
                    assert (row.cancel_requested_at is not None) == (run.state is RUNNING and run.cancel)
            assert Counter(id for id, _, _ in tries) == {id: r.attempt for id, r in self.runs.items() if r.attempt}
            under_way = {(id, n) for id, n, ended in tries if ended is None}
            assert under_way == {(id, r.attempt) for id, r in self.runs.items() if r.state is RUNNING}
            assert sorted(owners) == sorted((id, r.worker) for id, r in self.runs.items() if r.state is RUNNING)
            assert all(r.preemptions <= r.attempt for r in self.runs.values())

        @invariant()
        def every_score_is_there_once_and_of_the_attempt_that_finished(self):
            c = tables.score.c
            with lab.store.read() as session:
                rows = session.execute(select(c.run_id, c.language, c.metric, c.value, c.n)).all()
            expected = [
                (id, *score) for id, r in self.runs.items() if r.state is DONE for score in found_by(r.finished_by)
            ]
            assert sorted(rows) == sorted(expected)

        @invariant()
        def what_has_ended_never_changes(self):
            with lab.store.read() as session:
                rows = session.execute(select(tables.run)).mappings().all()
            now = {row["id"]: dict(row) for row in rows if RunState(row["state"]) in TERMINAL}
            for id, before in self.ended.items():
                assert now[id] == before
            self.ended = now

        @invariant()
        def the_graph_is_sound(self):
            assert max(Counter(r.fingerprint for r in self.runs.values() if r.state in ANSWER).values(), default=0) <= 1
            for run in self.runs.values():
                parents = [self.runs[p].state for p in run.parents]
                if run.state is WAITING:
                    assert any(p is not DONE for p in parents) and all(p in ANSWER for p in parents)
                elif run.state in (QUEUED, RUNNING, DONE):
                    assert all(p is DONE for p in parents)
                elif run.state is SKIPPED:
                    assert self.runs[run.because].state in (FAILED, DIVERGED, CANCELLED)

        @invariant()
        def an_experiment_wants_what_its_runs_start_from(self):
            for one in self.experiments.values():
                for id in one.listed:
                    if self.runs[id].state in ANSWER:
                        assert set(self.runs[id].parents) <= one.listed

        @invariant()
        def experiments_are_what_their_runs_are(self):
            for id, one in self.experiments.items():
                view = lab.experiment(id)
                states = Counter(self.runs[i].state for i in one.listed)
                assert {s: n for s in RunState if (n := getattr(view.counts, s.value))} == states
                live = sum(states[s] for s in LIVE)
                stopping = any(self.runs[i].state is RUNNING and self.runs[i].cancel for i in one.listed)
                if one.cancelled and not stopping:
                    assert view.state == "cancelled"
                elif live:
                    assert view.state in ("waiting", "running") and view.finished_at is None
                else:
                    assert view.state == ("done" if states[DONE] == len(one.listed) else "done with failures")

        def teardown(self):
            """Nothing waits for ever: every worker dies, and a sweep and a new worker bring everything to an end."""
            for id, run in list(self.runs.items()):
                if run.state is RUNNING:
                    lab.expire(id)
            lab.sweep(max_attempts=MAX_ATTEMPTS)
            lab.work()
            with lab.store.read() as session:
                assert not set(session.scalars(select(tables.run.c.state))) & set(LIVE)
                assert not session.scalars(
                    select(tables.attempt.c.run_id).where(tables.attempt.c.ended_at.is_(None))
                ).all()
            for id in self.experiments:
                assert lab.experiment(id).finished_at is not None

    return Machine


def explore(lab, emptied, *, examples, steps, derandomize):
    run_state_machine_as_test(
        machine(lab, emptied),
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=derandomize,
            database=None,
            print_blob=False,
        ),
    )


@pytest.mark.timeout(900)
def test_any_order_of_events(lab, emptied):
    explore(lab, emptied, examples=12, steps=30, derandomize=True)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_any_order_of_events_at_length(lab, emptied):
    """Other orders each time, and longer ones."""
    explore(lab, emptied, examples=150, steps=60, derandomize=False)
