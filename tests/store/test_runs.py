"""The life of a run, from submission to its end, and what becomes of those that wait for it."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, update

from backend.domain.run import DeviceClass, Phase, RunKind, RunState
from backend.errors import Conflict, NotFound
from backend.store import experiments, history, runs, tables, workers
from backend.store.columns import db_now

W, Q, R, D = RunState.WAITING, RunState.QUEUED, RunState.RUNNING, RunState.DONE
F, S, C = RunState.FAILED, RunState.SKIPPED, RunState.CANCELLED


def test_runs_are_done_in_the_order_of_the_plan(lab):
    made = lab.submit()
    assert made.created and made.queued == [1]
    assert lab.states(made.id) == {1: Q, 2: W, 3: W, 4: W, 5: W, 6: W}
    kinds = {}
    order = []
    while (claim := lab.try_claim()) is not None:
        kinds[claim.run_id] = claim.kind
        order.append(claim.run_id)
        finished = lab.finish(claim.run_id, claim.attempt)
        assert finished.ok
        if claim.run_id == 1:
            assert finished.queued == [2, 4]
    assert order == [1, 2, 3, 4, 5, 6]  # the baseline's score before the recipe begins
    assert [k.value for k in kinds.values()] == [
        "pretrain",
        "finetune",
        "evaluate",
        "intermediate",
        "finetune",
        "evaluate",
    ]
    assert set(lab.states(made.id).values()) == {D}


def test_a_claim_brings_all_that_is_needed(lab):
    lab.submit()
    first = lab.claim("one")
    assert (first.run_id, first.attempt, first.tries, first.parents) == (1, 1, 1, {})
    assert first.title == "Pretrain mini-2"
    assert first.spec.fingerprint == first.fingerprint
    lab.finish(1, 1, artifact="file:///pretrained")
    second = lab.claim("one")
    assert second.kind is RunKind.FINETUNE
    assert second.parents == {first.fingerprint: "file:///pretrained"}
    assert second.title == "Fine-tune mini-2 on mnli, seed 0"
    assert lab.view(1).cost.device_seconds == 10.0
    assert lab.view(1).parameters == 900


def test_priority_goes_before_age_and_device_classes_apart(lab):
    lab.submit(name="early")
    lab.submit(name="urgent", models=["mini-4"], priority=5)
    assert lab.claim().title == "Pretrain mini-4"
    assert lab.try_claim(device=DeviceClass.CUDA) is None
    assert lab.claim().title == "Pretrain mini-2"
    assert lab.try_claim() is None


def test_sharing_a_run_raises_its_priority(lab):
    lab.submit(models=["mini-2"])
    lab.submit(models=["mini-4"], priority=1)
    lab.submit(models=["mini-2"], priority=2, name="the same, urgent")
    assert lab.claim().title == "Pretrain mini-2"


def test_scores_and_end_are_written_together_or_not_at_all(lab):
    lab.submit()
    for _ in range(2):
        claim = lab.claim()
        lab.finish(claim.run_id, claim.attempt)
    claim = lab.claim()
    assert claim.kind is RunKind.EVALUATE
    for bad, message in (
        ([("en", "accuracy", float("nan"), 10)], "score accuracy in en must be a finite number"),
        ([("en", "accuracy", float("inf"), 10)], "must be a finite number"),
        ([("en", "accuracy", 1.0, 10), ("en", "accuracy", 2.0, 10)], "score accuracy in en is there twice"),
        ([("en", "accuracy", 1.0, 0)], "at least one example"),
    ):
        with pytest.raises(ValueError, match=message):
            lab.finish(claim.run_id, claim.attempt, scores=bad)
    with pytest.raises(ValueError, match=r"run\.wall_seconds must be a finite number"):
        lab.finish(claim.run_id, claim.attempt, wall_seconds=float("inf"))
    assert lab.view(claim.run_id).state is R
    with lab.store.read() as session:
        assert runs.scores(session, claim.run_id) == []
    assert lab.finish(claim.run_id, claim.attempt, scores=[("en", "accuracy", 60.5, 10), ("de", "accuracy", 50, 10)]).ok
    with lab.store.read() as session:
        assert [(s.language, s.value, s.n) for s in runs.scores(session, claim.run_id)] == [
            ("de", 50, 10),
            ("en", 60.5, 10),
        ]


def test_the_commit_that_a_run_took_from_the_hub_is_recorded(lab):
    """The first one holds, and what is planned later asks for it."""
    lab.submit(source="hub", models=["xlmr-base"], recipes=["none"], targets=["xnli", "xquad"])
    for commit in ("a" * 40, "b" * 40):
        claim = lab.claim()
        assert claim.spec.model.revision is None
        assert lab.finish(claim.run_id, claim.attempt, environment={"revision": commit}).ok
    with lab.store.read() as session:
        assert experiments.pins(session).models == {"FacebookAI/xlm-roberta-base": "a" * 40}


def test_a_run_whose_lease_was_lost_records_no_commit(lab):
    lab.submit(source="hub", models=["xlmr-base"], recipes=["none"], targets=["xnli"])
    claim = lab.claim()
    assert not lab.finish(claim.run_id, claim.attempt + 1, environment={"revision": "a" * 40}).ok
    with lab.store.read() as session:
        assert experiments.pins(session).models == {}


def test_what_waits_for_a_failed_run_is_skipped_however_far_away(lab):
    made = lab.submit()
    claim = lab.claim()
    ended = lab.fail(claim.run_id, claim.attempt, "out of memory\nmore")
    assert ended.ok and ended.skipped == [2, 3, 4, 5, 6]
    assert lab.states(made.id) == {1: F, 2: S, 3: S, 4: S, 5: S, 6: S}
    assert lab.view(1).why == "failed: out of memory"
    assert lab.view(1).error.traceback == "…"
    assert lab.view(6).skipped_because == 1
    assert lab.view(6).why == "skipped: run 1 failed"
    assert lab.experiment(made.id).state == "done with failures"


def test_only_the_branch_below_is_skipped(lab):
    made = lab.submit()
    one = lab.claim()
    lab.finish(one.run_id, one.attempt)
    tuned, between = lab.claim(), lab.claim()
    assert between.kind is RunKind.INTERMEDIATE
    with lab.store.write() as session:
        ended = runs.diverge(session, between.run_id, between.attempt, step=17, message="loss is NaN at step 17")
    assert ended.ok and ended.skipped == [5, 6]
    lab.finish(tuned.run_id, tuned.attempt)
    assert lab.work() == [3]
    assert lab.states(made.id) == {1: D, 2: D, 3: D, 4: RunState.DIVERGED, 5: S, 6: S}
    assert lab.view(4).step == 17
    assert lab.view(4).why == "diverged: loss is NaN at step 17"
    assert lab.view(6).why == "skipped: run 4 diverged"


def test_texts_of_an_error_are_made_fit_to_be_stored(lab):
    lab.submit()
    claim = lab.claim()
    assert lab.fail(claim.run_id, claim.attempt, "a NUL \0 and half a pair \ud800 " + "x" * 50_000).ok
    message = lab.view(1).error.message
    assert message.startswith("a NUL \\x00 and half a pair \\ud800 xxx")
    assert "characters left out" in message and len(message) < 21_000


def test_why_says_in_words_where_a_run_stands(lab):
    lab.submit()
    lab.submit(models=["mini-4"], name="another")
    assert lab.view(1).why == "no worker is there for cpu runs"
    with lab.store.write() as session:
        workers.seen(session, "a worker", ["cpu"], 2, "a processor")
    assert lab.view(1).why == "queued, next"
    assert lab.view(7).why == "queued, 1 run ahead"
    assert lab.view(2).why == "waiting for run 1 (pretrain mini-2)"
    claim = lab.claim()
    assert lab.view(1).why.startswith("starting")
    lab.beat(1, claim.attempt, phase=Phase.TRAINING, step=120, total_steps=300)
    running = lab.view(1)
    assert running.why == "training, step 120 of 300"
    assert 0 <= running.heartbeat_age_seconds < 5
    assert (running.rate, running.eta_seconds_low, running.eta_seconds_high) == (2.0, 1.0, 2.0)
    lab.expire(1)
    assert "fallen silent" in lab.view(1).why
    lab.beat(1, claim.attempt)
    lab.finish(1, claim.attempt)
    assert lab.view(1).why == "done"
    assert lab.view(5).why == "waiting for run 4 (intermediate mnli, seed 0)"
    with lab.store.read() as session:
        assert [w.name for w in workers.listing(session)] == ["a worker"]


def appears(lab, name="a worker", slots=1):
    with lab.store.write() as session:
        workers.seen(session, name, ["cpu"], slots, "a processor")


def drain(lab, name="a worker", *, drained=True):
    with lab.store.write() as session:
        return workers.drain(session, name, drained=drained)


def test_why_says_what_keeps_a_queued_run(lab):
    """No worker, only drained ones, all busy, given back, died: each in words of its own."""
    lab.submit()
    lab.submit(models=["mini-4"], name="another")
    assert lab.view(7).why == "no worker is there for cpu runs"
    appears(lab)
    claim = lab.claim()
    assert lab.view(7).why == "queued, next; the one slot is busy"
    appears(lab, "second", slots=2)
    assert lab.view(7).why == "queued, next"
    drain(lab, "second")
    drain(lab)
    assert lab.view(7).why == "every worker for cpu runs is drained: none takes anything new"
    drain(lab, drained=False)
    with lab.store.write() as session:
        assert runs.release(session, 1, claim.attempt, reason="its worker was stopped; saved at step 12", counted=False)
    assert lab.view(1).why == "queued, next; attempt 1 was given back: its worker was stopped; saved at step 12"
    claim = lab.claim()
    assert lab.view(1).why == "starting, step 0 of 3600"  # to be given back is no restart
    with lab.store.write() as session:
        died = runs.died(session, 1, claim.attempt, reason="killed by signal 9, probably out of memory", max_attempts=3)
    assert died == "queued"
    assert lab.view(1).why == "queued, next; attempt 2 died: killed by signal 9, probably out of memory"
    claim = lab.claim()
    assert lab.view(1).why == "starting, step 0 of 3600; restarted once"


def test_why_tells_alive_from_getting_anywhere(lab):
    """Heartbeats without progress are two clocks, and the second one is told."""
    lab.submit()
    claim = lab.claim()
    lab.beat(1, claim.attempt, step=3)
    with lab.store.write() as session:
        session.execute(update(tables.run).values(progress_at=db_now(-300)))
    assert not lab.beat(1, claim.attempt, step=3, progressed=False).cancel_requested
    assert lab.view(1).why == "training, step 3 of 10; no progress for 5 minutes"
    lab.beat(1, claim.attempt, step=4)
    assert lab.view(1).why == "training, step 4 of 10"


def test_a_drained_worker_takes_nothing_new(lab):
    lab.submit()
    lab.submit(models=["mini-4"], name="another")
    appears(lab)
    claim = lab.claim()
    assert drain(lab).drained_at is not None
    since = drain(lab).drained_at
    assert since == drain(lab).drained_at  # asking twice changes nothing
    assert lab.try_claim() is None
    appears(lab)  # it says again that it is there: still drained
    assert lab.try_claim() is None
    assert lab.finish(claim.run_id, claim.attempt).ok  # what it works on goes on to its end
    assert lab.try_claim("another worker") is not None  # others take on
    assert drain(lab, drained=False).drained_at is None
    assert lab.try_claim() is not None
    with lab.store.write() as session, pytest.raises(NotFound, match="no worker 'nobody'"):
        workers.drain(session, "nobody")


def test_a_run_is_moved_in_the_queue_and_what_it_waits_for_with_it(lab):
    lab.submit()
    lab.submit(models=["mini-4"], name="another")
    lab.submit(models=["mini-1"], name="a third")

    def move(id, **to):
        with lab.store.write() as session:
            return runs.prioritise(session, id, **to)

    def order():
        with lab.store.read() as session:
            page = runs.page(session, limit=200, cursor=None, state=Q, order="queue")
        return [view.id for view in page.items]

    assert order() == [1, 7, 13]
    assert move(13, place="first") == 1
    assert order() == [13, 1, 7]
    assert move(12, priority=5) == 5  # the last one of the second experiment waits for 7, through others
    assert order() == [7, 13, 1]
    assert move(13, place="last") == -1
    assert order() == [7, 1, 13]
    assert move(12, priority=-9) == -9  # nothing is lowered with it
    assert order() == [7, 1, 13]
    assert lab.claim().run_id == 7
    with lab.store.write() as session, pytest.raises(Conflict, match="Run 7 runs already"):
        runs.prioritise(session, 7, place="first")
    with lab.store.write() as session, pytest.raises(NotFound, match="no run 99"):
        runs.prioritise(session, 99, place="first")


def test_a_run_is_cancelled_at_once_or_at_its_next_step(lab):
    made = lab.submit()
    claim = lab.claim()
    with lab.store.write() as session:
        assert runs.request_cancel(session, 1) is R
        assert runs.request_cancel(session, 1) is R
    assert lab.view(1).why == "stopping, as it was cancelled"
    assert lab.beat(1, claim.attempt).cancel_requested
    with lab.store.write() as session:
        ended = runs.cancelled(session, 1, claim.attempt)
    assert ended.ok and ended.state is C and ended.skipped == [2, 3, 4, 5, 6]
    assert lab.view(2).why == "skipped: run 1 was cancelled"
    assert lab.experiment(made.id).state == "done with failures"  # nobody cancelled the experiment
    with lab.store.write() as session:
        assert runs.request_cancel(session, 1) is C
    with lab.store.write() as session, pytest.raises(Conflict, match=r"Run 2 has ended \(skipped\)"):
        runs.request_cancel(session, 2)
    with lab.store.write() as session, pytest.raises(NotFound, match="no run 99"):
        runs.request_cancel(session, 99)


def test_a_queued_run_is_cancelled_without_a_worker(lab):
    lab.submit()
    with lab.store.write() as session:
        assert runs.request_cancel(session, 1) is C
    assert lab.try_claim() is None
    assert set(lab.states(1).values()) == {C, S}


def test_trying_a_run_again_makes_new_runs_in_its_place(lab):
    made = lab.submit()
    claim = lab.claim()
    lab.finish(1, claim.attempt)
    lab.claim()
    between = lab.claim()
    lab.fail(between.run_id, between.attempt)
    with lab.store.write() as session:
        again = runs.retry(session, 4)
    assert again == 7
    assert lab.states(made.id) == {1: D, 2: R, 3: W, 7: Q, 8: W, 9: W}
    assert [lab.view(i).state for i in (4, 5, 6)] == [F, S, S]
    assert lab.view(8).parents == [7] and lab.view(7).parents == [1]
    assert lab.view(7).fingerprint == lab.view(4).fingerprint
    with lab.store.write() as session:
        assert runs.retry(session, 4) == 7  # asked twice: the same
    with lab.store.write() as session, pytest.raises(Conflict, match="Run 7 is queued"):
        runs.retry(session, 7)
    lab.finish(2, 1)
    lab.work()
    assert lab.experiment(made.id).state == "done"


def test_trying_a_skipped_run_again_does_what_it_starts_from_again(lab):
    made = lab.submit()
    lab.fail(1, lab.claim().attempt)
    with lab.store.write() as session:
        again = runs.retry(session, 6)
    states = lab.states(made.id)
    # the failed pretraining, the intermediate stage, the fine-tuning and the evaluation; the baseline stays skipped
    assert sorted(states.values()) == sorted([S, S, Q, W, W, W])
    assert lab.view(again).kind is RunKind.EVALUATE
    assert len(lab.work()) == 4
    assert lab.view(again).state is D


def test_a_run_tried_again_is_wanted_with_all_that_it_starts_from(lab):
    """Two experiments share a pretraining that failed; one tries again, then one run of the other is tried again. If the
    first is then cancelled, the new pretraining must go on for the second."""
    first, second = lab.submit(), lab.submit(name="other", recipes=["squad"], targets=["tatoeba"])
    lab.fail(1, lab.claim().attempt)
    (anew,) = lab.retry(first.id)
    last = max(lab.states(second.id))
    with lab.store.write() as session:
        again = runs.retry(session, last)
    assert anew in lab.states(second.id) and 1 not in lab.states(second.id)
    assert lab.view(anew).experiments == [first.id, second.id]
    lab.cancel(first.id)
    assert lab.view(anew).state is Q
    lab.work()
    assert lab.view(again).state is D


def test_a_run_that_nobody_wants_is_not_tried_again(lab):
    made = lab.submit()
    lab.cancel(made.id)
    with lab.store.write() as session, pytest.raises(Conflict, match="No experiment wants run 1"):
        runs.retry(session, 1)


def test_curves_hold_each_step_once_and_are_thinned_evenly(lab):
    lab.submit()
    claim = lab.claim()
    points = [("loss", step, 1.0 / step) for step in range(1, 1002)] + [("dev/accuracy", 500, 40.0)]
    with lab.store.write() as session:
        assert runs.record(session, 1, claim.attempt, curves=points, logs=[("info", "a"), ("warning", "b\0")])
        assert runs.record(session, 1, claim.attempt, curves=points[:5], logs=[])
    with lab.store.read() as session:
        accuracy, loss = runs.curves(session, 1, limit=11)
        assert (accuracy.name, accuracy.steps, accuracy.values) == ("dev/accuracy", [500], [40.0])
        assert loss.steps == [1, 101, 201, 301, 401, 501, 601, 701, 801, 901, 1001]
        assert len(runs.curves(session, 1)[1].steps) == 500
        assert len(runs.curves(session, 1, limit=5000)[1].steps) == 1001
        first, second = runs.logs(session, 1)
        assert (first.message, second.level, second.message) == ("a", "warning", "b\\x00")
        assert [line.id for line in runs.logs(session, 1, after=first.id)] == [second.id]
        assert runs.logs(session, 1, limit=1) == [first]
    with lab.store.write() as session, pytest.raises(ValueError, match=r"curve_point\.value must be a finite number"):
        runs.record(session, 1, claim.attempt, curves=[("loss", 2000, 1.0), ("loss", 2001, float("nan"))])
    with lab.store.read() as session:
        assert session.scalar(select(func.max(tables.curve_point.c.step))) == 1001


def test_detail_has_the_spec_the_attempts_and_the_environment(lab):
    lab.submit()
    first = lab.claim("one")
    with lab.store.write() as session:
        assert runs.release(session, 1, first.attempt, reason="the machine is needed", counted=False)
    second = lab.claim("two")
    with lab.store.write() as session:
        assert runs.noted(session, 1, second.attempt, resumed=40)
        assert runs.noted(session, 1, second.attempt, saved=50, rejected=["step-50: a\nb", "step-45: c"])
        assert not runs.noted(session, 1, first.attempt, resumed=10, saved=10, rejected=["x"])
    lab.finish(1, second.attempt)
    with lab.store.read() as session:
        detail = runs.detail(session, 1)
    assert detail.spec == second.spec.model_dump(mode="json")
    assert detail.environment == {"python": "3"}
    assert [(a.number, a.worker, a.outcome, a.detail, a.resumed_from_step) for a in detail.attempts] == [
        (1, "one", "given back", "the machine is needed", None),
        (2, "two", "done", None, 40),
    ]
    assert all(a.ended_at >= a.started_at for a in detail.attempts)
    assert detail.run.preemptions == 1 and detail.run.attempt == 2


def test_pages_of_runs(lab):
    lab.submit(models=["mini-2", "mini-4"])
    with lab.store.read() as session:
        seen, cursor = [], None
        while True:
            page = history.page(session, limit=5, cursor=cursor)
            assert page.total == 12
            seen += [view.id for view in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert seen == list(range(12, 0, -1))
        only = history.page(session, limit=50, cursor=None, kind=RunKind.EVALUATE, model="mini-4")
        assert [view.title for view in only.items] == [
            "Evaluate mini-4 on xnli after mnli, seed 0",
            "Evaluate mini-4 on xnli, seed 0",
        ]
        assert history.page(session, limit=1, cursor=None, state=Q).total == 2
        assert history.page(session, limit=1, cursor=None, target="mnli").total == 4
        assert history.page(session, limit=1, cursor=None, experiment=2).items == []


def test_runs_in_the_order_in_which_workers_take_them(lab):
    lab.submit()
    lab.submit(models=["mini-4"], priority=5, name="urgent")
    lab.submit(models=["mini-1"], name="later")
    live = (RunState.WAITING, Q, RunState.RUNNING)
    with lab.store.read() as session:
        seen, cursor = [], None
        while True:
            page = history.page(session, limit=4, cursor=cursor, state=live, order="queue")
            assert page.total == 18
            seen += [view.id for view in page.items]
            if (cursor := page.next_cursor) is None:
                break
        assert seen == [*range(7, 13), *range(1, 7), *range(13, 19)]
        queued = history.page(session, limit=9, cursor=None, state=Q, order="queue").items
        assert history.counts(session, live) == {RunState.WAITING: 15, Q: 3, RunState.RUNNING: 0}
    assert [view.why for view in queued] == ["no worker is there for cpu runs"] * 3
    assert [lab.claim().run_id for _ in queued] == [view.id for view in queued]  # as they were listed


@pytest.mark.parametrize("id", [0, -1, 99, 2**63, 10**30])
def test_a_run_that_does_not_exist(lab, id):
    with lab.store.read() as session:
        for look in (runs.view, runs.detail):
            with pytest.raises(NotFound, match="no run"):
                look(session, id)


def test_a_run_is_put_right_before_another_and_all_else_keeps_its_order(lab):
    for model in ("mini-1", "mini-2", "mini-4"):
        lab.submit(name=model, models=[model], priority=3 if model == "mini-4" else 0)

    def order():
        with lab.store.read() as session:
            return [r.id for r in runs.page(session, limit=200, cursor=None, order="queue").items]

    first = order()
    queue = [id for id in first if lab.view(id).state is RunState.QUEUED]
    assert len(queue) == 3
    for moved, before in ((queue[2], queue[0]), (queue[1], queue[2]), (queue[0], queue[2]), (queue[0], queue[0])):
        was = order()
        with lab.store.write() as session:
            runs.prioritise(session, moved, before=before)
        now = order()
        assert now.index(before) - now.index(moved) == (1 if moved != before else 0)
        assert [id for id in now if id != moved] == [id for id in was if id != moved]
    with lab.store.write() as session, pytest.raises(NotFound):
        runs.prioritise(session, queue[0], before=9999)
    gone = lab.claim()
    with lab.store.write() as session, pytest.raises(Conflict):
        runs.prioritise(session, queue[2] if gone.run_id != queue[2] else queue[1], before=gone.run_id)


def test_room_is_made_only_where_there_is_none_and_only_for_one_class_of_device(lab):
    for place, model in enumerate(("mini-1", "mini-2", "mini-4")):
        lab.submit(name=model, models=[model], priority=5 * place)

    def priorities():
        with lab.store.read() as session:
            return {row.id: row.priority for row in session.execute(select(tables.run.c.id, tables.run.c.priority))}

    one, two, four = (min(id for id in priorities() if lab.view(id).model == m) for m in ("mini-1", "mini-2", "mini-4"))
    elsewhere = [id for id in priorities() if id > four]  # what starts from the last one
    with lab.store.write() as session:
        session.execute(update(tables.run).where(tables.run.c.id.in_(elsewhere)).values(device_class="cuda"))
    was = priorities()
    with lab.store.write() as session:
        assert runs.prioritise(session, four, before=one) == 1
    assert {id for id, at in priorities().items() if at != was[id]} == {four}  # between 0 and 5 there was room
    with lab.store.write() as session:
        assert runs.prioritise(session, two, before=one) == 1
    now = priorities()
    assert now[four] == 3 and now[two] == 1
    assert {id: now[id] for id in elsewhere} == {id: was[id] for id in elsewhere}
