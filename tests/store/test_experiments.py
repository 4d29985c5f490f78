"""Experiments: submitted once however often they are sent, sharing runs, cancelled and tried again without harm to others."""

from __future__ import annotations

import time
from collections import Counter

import pytest
from sqlalchemy import func, select

from backend.domain.experiment import plan
from backend.domain.run import RunState
from backend.errors import Invalid, NotFound
from backend.store import experiments, runs, tables
from backend.store.session import Store

W, Q, R, D = RunState.WAITING, RunState.QUEUED, RunState.RUNNING, RunState.DONE
F, S, C = RunState.FAILED, RunState.SKIPPED, RunState.CANCELLED


def counted(lab, table):
    with lab.store.read() as session:
        return session.scalar(select(func.count()).select_from(table))


def test_what_was_submitted_can_be_seen(lab):
    made = lab.submit(name="Does it help?", seeds=[0, 1], priority=3)
    view = lab.experiment(made.id)
    assert view.request == lab.request(name="Does it help?", seeds=[0, 1], priority=3)
    assert (view.id, view.name, view.state, view.benchmark, view.synthetic) == (
        1,
        "Does it help?",
        "waiting",
        "mini-XTREME-R",
        True,
    )
    assert view.runs == 11  # one pretraining; for each seed a baseline of two and a recipe of three
    assert (view.counts.queued, view.counts.waiting, view.reused, view.progress) == (1, 10, 0, 0.0)
    assert view.finished_at is None and view.cancel_requested_at is None


def test_the_state_follows_from_the_runs(lab):
    made = lab.submit()
    states = ["waiting"]
    while (claim := lab.try_claim()) is not None:
        states.append(lab.experiment(made.id).state)
        lab.finish(claim.run_id, claim.attempt)
        states.append(lab.experiment(made.id).state)
    assert states == ["waiting", *["running"] * 11, "done"]
    view = lab.experiment(made.id)
    assert view.progress == 1.0 and view.finished_at == lab.view(6).finished_at


def test_equal_work_is_shared_and_not_repeated(lab):
    first = lab.submit()
    lab.finish(1, lab.claim().attempt)
    second = lab.submit(name="more", recipes=["mnli", "squad"])
    assert second.queued == [7]  # only the other intermediate stage is new and has all that it needs
    assert lab.experiment(second.id).reused == 6
    assert lab.experiment(second.id).state == "waiting"  # nothing of its own has begun
    assert lab.view(1).experiments == [first.id, second.id]
    assert lab.view(7).parents == [1] and lab.view(7).experiments == [second.id]
    lab.work()
    assert lab.experiment(first.id).state == lab.experiment(second.id).state == "done"
    third = lab.submit(name="all there")
    assert third.queued == [] and lab.experiment(third.id).state == "done"
    assert counted(lab, tables.run) == 9


def test_existing_names_live_and_done_runs_only(lab):
    lab.submit()
    planned = plan(lab.request(recipes=["mnli", "squad"]))
    with lab.store.read() as session:
        found = experiments.existing(session, planned.runs)
    assert len(found) == 6 and Counter(s for _, s in found.values()) == {Q: 1, W: 5}
    lab.fail(1, lab.claim().attempt)
    with lab.store.read() as session:
        assert experiments.existing(session, planned.runs) == {}


def test_a_failed_run_is_not_shared_but_done_anew(lab):
    lab.submit()
    lab.fail(1, lab.claim().attempt)
    again = lab.submit(name="again")
    assert again.queued == [7]
    assert list(lab.states(again.id)) == [7, 8, 9, 10, 11, 12]
    assert [lab.view(i).state for i in (1, 2)] == [F, S]


def test_a_key_used_again_gives_the_same_experiment(lab):
    first = lab.submit(key="5f3c")
    assert first.created and first.queued == [1]
    again = lab.submit(key="5f3c")
    assert (again.id, again.created, again.queued) == (first.id, False, [])
    assert lab.submit(key="other").id != first.id
    with pytest.raises(Invalid, match="used with another body"):
        lab.submit(key="5f3c", seeds=[1])
    assert counted(lab, tables.experiment) == 2
    for bad in ("", "x" * 256, "a\nb", "clé"):
        with pytest.raises(Invalid, match="1 to 255 printable"):
            lab.submit(key=bad)


def test_one_of_twelve_submissions_with_one_key_counts(lab, in_processes, lab_at):
    url = lab.store.url.render_as_string(hide_password=False)

    def work(i):
        mine = lab_at(Store(url))
        made = mine.submit(key="the same")
        mine.store.dispose()
        return made

    made = in_processes(12, work)
    assert {m.id for m in made} == {1}
    assert [m.queued for m in made if m.created] == [[1]]
    assert counted(lab, tables.experiment) == 1 and counted(lab, tables.run) == 6


def test_submissions_at_once_share_their_runs(lab, in_processes, lab_at):
    url = lab.store.url.render_as_string(hide_password=False)
    wishes = [{"recipes": ["mnli"]}, {"recipes": ["squad"]}, {"recipes": ["squad", "mnli"]}, {"models": ["mini-4"]}]

    def work(i):
        mine = lab_at(Store(url))
        for _ in range(2):
            mine.submit(**wishes[i % 4])
            if (claim := mine.try_claim(f"worker {i}")) is not None:
                mine.finish(claim.run_id, claim.attempt)
        mine.store.dispose()

    in_processes(8, work)
    with lab.store.read() as session:
        fingerprints = session.scalars(select(tables.run.c.fingerprint)).all()
    assert len(fingerprints) == len(set(fingerprints)) == 15
    assert counted(lab, tables.experiment) == 16
    lab.work()
    assert lab.sweep() == runs.Swept([], [], [], [], 0, 0)
    assert {lab.experiment(i).state for i in range(1, 17)} == {"done"}


def test_cancelling_stops_what_nobody_else_wants(lab):
    first, second = lab.submit(), lab.submit(name="other", recipes=["squad"])
    lab.finish(1, lab.claim().attempt)
    tuned, mnli = lab.claim(), lab.claim()
    assert (tuned.run_id, mnli.run_id) == (2, 4)
    assert lab.cancel(first.id) == [4, 5, 6]
    assert lab.states(first.id) == {1: D, 2: R, 3: W, 4: R, 5: C, 6: C}
    assert lab.experiment(first.id).state == "running"  # until its last run has stopped
    assert lab.experiment(first.id).cancel_requested_at is not None
    assert not lab.beat(2, tuned.attempt).cancel_requested
    assert lab.beat(4, mnli.attempt).cancel_requested
    assert lab.cancel(first.id) == []
    with lab.store.write() as session:
        assert runs.cancelled(session, 4, mnli.attempt).ok
    view = lab.experiment(first.id)
    assert view.state == "cancelled" and view.finished_at is not None  # although shared runs go on
    assert view.runs == 6
    lab.finish(2, tuned.attempt)
    lab.work()
    assert lab.experiment(second.id).state == "done"
    assert lab.experiment(first.id).state == "cancelled"


def test_cancelling_all_who_share_a_run_stops_it(lab):
    first, second = lab.submit(), lab.submit(name="the same")
    claim = lab.claim()
    assert lab.cancel(first.id) == []
    assert lab.cancel(second.id) == [1, 2, 3, 4, 5, 6]
    assert lab.beat(1, claim.attempt).cancel_requested


def test_cancelling_what_has_ended_changes_nothing(lab):
    made = lab.submit()
    lab.work()
    assert lab.cancel(made.id) == []
    assert lab.experiment(made.id).state == "done" and lab.experiment(made.id).cancel_requested_at is None
    with pytest.raises(NotFound, match="no experiment 99"):
        lab.cancel(99)


def test_a_run_that_is_wanted_again_is_not_cancelled(lab):
    first = lab.submit()
    claim = lab.claim()
    lab.cancel(first.id)
    assert lab.beat(1, claim.attempt).cancel_requested
    second = lab.submit(name="wanted again")
    assert not lab.beat(1, claim.attempt).cancel_requested
    with lab.store.write() as session:  # but its process is gone already
        ended = runs.cancelled(session, 1, claim.attempt)
    assert ended.ok and ended.state is Q and ended.skipped == []
    assert lab.view(1).preemptions == 1
    assert list(lab.states(second.id)) == [1, 7, 8, 9, 10, 11]
    lab.work()
    assert lab.experiment(second.id).state == "done"
    assert lab.experiment(first.id).state == "cancelled"


def test_trying_again_repeats_what_failed_and_keeps_what_is_done(lab):
    made = lab.submit(seeds=[0, 1])
    lab.finish(1, lab.claim().attempt)
    lab.fail(2, lab.claim().attempt)
    lab.work()
    before = lab.states(made.id)
    assert Counter(before.values()) == {D: 9, F: 1, S: 1}
    queued = lab.retry(made.id)
    assert queued == [12]
    after = lab.states(made.id)
    assert {i: s for i, s in after.items() if i < 12} == {i: s for i, s in before.items() if s is D}
    assert {i: s for i, s in after.items() if i >= 12} == {12: Q, 13: W}
    assert lab.experiment(made.id).counts.failed == 0 and lab.experiment(made.id).runs == 11
    assert lab.view(2).state is F and lab.view(2).experiments == [made.id]
    assert lab.retry(made.id) == []  # nothing is left to try again
    lab.work()
    assert lab.experiment(made.id).state == "done"


def test_trying_again_takes_what_another_experiment_has_done_meanwhile(lab):
    first, second = lab.submit(), lab.submit(name="the same")
    lab.fail(1, lab.claim().attempt)
    assert lab.experiment(second.id).state == "done with failures"
    assert lab.retry(second.id) == [7]
    lab.work()
    assert lab.experiment(first.id).state == "done with failures"
    assert lab.retry(first.id) == []
    assert lab.experiment(first.id).state == "done"
    assert list(lab.states(first.id)) == [7, 8, 9, 10, 11, 12]


def test_a_cancelled_experiment_is_taken_up_again(lab):
    made = lab.submit()
    lab.finish(1, lab.claim().attempt)
    running = lab.claim()
    lab.cancel(made.id)
    queued = lab.retry(made.id)
    states = lab.states(made.id)
    assert states == {1: D, 2: R, 7: W, 8: Q, 9: W, 10: W} and queued == [8]
    assert not lab.beat(2, running.attempt).cancel_requested
    assert lab.experiment(made.id).state == "running" and lab.experiment(made.id).cancel_requested_at is None
    lab.finish(2, running.attempt)
    lab.work()
    assert lab.experiment(made.id).state == "done"
    assert lab.cancel(made.id) == []


def test_pages_of_experiments(lab):
    ids = [lab.submit(name=f"number {i}", key=str(i)).id for i in range(5)]
    lab.submit(name="other", models=["mini-4"])
    lab.cancel(ids[0])
    with lab.store.read() as session:
        first = experiments.page(session, limit=4, cursor=None)
        assert [e.id for e in first.items] == [6, 5, 4, 3] and first.total == 6
        with lab.store.write() as other:  # what arrives meanwhile is neither repeated nor in the way
            experiments.submit(other, lab.request(), plan(lab.request()), key=None, body_digest="x")
        rest = experiments.page(session, limit=4, cursor=first.next_cursor)
        assert [e.id for e in rest.items] == [2, 1] and rest.next_cursor is None
        found = experiments.page(session, limit=4, cursor=None, state="cancelled")
        assert [e.id for e in found.items] == [1] and found.total == 1
        waiting = experiments.page(session, limit=2, cursor=None, state="waiting")
        assert [e.id for e in waiting.items] == [6, 5] and waiting.total == 5
        more = experiments.page(session, limit=9, cursor=waiting.next_cursor, state="waiting")
        assert [e.id for e in more.items] == [4, 3, 2]


@pytest.mark.parametrize(
    "cursor", ["", "x", "aWQ6", "aWQ6LTE", "aWQ6MA", "eHg6MQ", "aWQ6OTIyMzM3MjAzNjg1NDc3NTgwOA", "é", "a" * 500]
)
def test_a_bad_cursor_is_refused_by_name(store, cursor):
    for page in (experiments.page, runs.page):
        with store.read() as session, pytest.raises(Invalid) as caught:
            page(session, limit=5, cursor=cursor)
        assert [e.pointer for e in caught.value.errors] == ["/cursor"]


@pytest.mark.parametrize("limit", [0, -1, 201])
def test_a_bad_limit_is_refused_by_name(store, limit):
    for page in (experiments.page, runs.page):
        with store.read() as session, pytest.raises(Invalid) as caught:
            page(session, limit=limit, cursor=None)
        assert [e.pointer for e in caught.value.errors] == ["/limit"]


@pytest.mark.parametrize("id", [0, -5, 7, 2**63, 10**40])
def test_an_experiment_that_does_not_exist(lab, id):
    with lab.store.read() as session, pytest.raises(NotFound, match="no experiment"):
        experiments.view(session, id)
    with pytest.raises(NotFound):
        lab.retry(id)


def test_an_experiment_of_which_nothing_applies_is_done(lab):
    request = lab.request()
    empty = plan(request)
    object.__setattr__(empty, "runs", {})
    with lab.store.write() as session:
        made = experiments.submit(session, request, empty, key=None, body_digest="x")
        view = experiments.view(session, made.id)
    assert (view.state, view.runs, view.progress) == ("done", 0, 1.0)
    assert view.finished_at == view.created_at


def test_a_large_experiment_is_submitted_in_seconds(lab):
    seeds = list(range(60))
    started = time.process_time()
    made = lab.submit(seeds=seeds, recipes=["mnli", "squad", "hellaswag", "control:mnli"], targets=["xnli", "tatoeba"])
    assert time.process_time() - started < 10
    view = lab.experiment(made.id)
    assert view.runs == 962 and view.counts.queued == 1
