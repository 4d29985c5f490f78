"""The same values are refused by both databases, with a message that names the column, and the rest comes back as it was."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import insert, select, text, update

from backend.domain.task import Source
from backend.store import experiments, tables, workers
from backend.store.columns import storable
from backend.store.session import now

run, worker, pin = tables.run, tables.worker, tables.pin
NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        (run.c.rate, NAN, "run.rate must be a finite number, not nan"),
        (run.c.device_seconds, INF, "run.device_seconds must be a finite number, not inf"),
        (run.c.flops_analytic, -INF, "run.flops_analytic must be a finite number, not -inf"),
        (run.c.rate, "fast", "run.rate must be a number, not 'fast'"),
        (run.c.rate, True, "run.rate must be a number, not True"),
        (run.c.rate, 10**400, "run.rate must be a finite number; this one is too large"),
        (run.c.environment, {"x": NAN}, "run.environment must be JSON: "),
        (run.c.extra, {"x": [INF]}, "run.extra must be JSON: "),
        (run.c.extra, {"x": object()}, "run.extra must be JSON: "),
        (run.c.extra, {"a\0": 1}, "run.extra must not hold the character NUL"),
        (run.c.extra, {"a": ["\udfff"]}, "run.extra must be Unicode text"),
        (run.c.error_message, "a\0b", "run.error_message must not hold the character NUL; this text does, at 1"),
        (run.c.worker, "ab\ud800", "run.worker must be Unicode text; this one holds half a surrogate pair at 2"),
        (run.c.model, "x" * 65, "run.model must be at most 64 characters long; this text has 65"),
        (run.c.error_message, "x" * 1_000_001, "run.error_message must be at most 1,000,000 characters long"),
        (run.c.model, 7, "run.model must be text, not 7"),
        (run.c.step, "abc", "run.step must be a whole number, not 'abc'"),
        (run.c.step, 1.0, "run.step must be a whole number, not 1.0"),
        (run.c.step, True, "run.step must be a whole number, not True"),
        (run.c.step, 2**63, "run.step must fit into 64 bits; this number has 64"),
        (run.c.step, -(2**63) - 1, "run.step must fit into 64 bits"),
        (run.c.started_at, datetime(2026, 1, 1), "run.started_at must be a time with its zone"),  # noqa: DTZ001
        (run.c.started_at, "2026-01-01", "run.started_at must be a time, not '2026-01-01'"),
    ],
)
def test_a_bad_value_is_refused(lab, column, value, message):
    lab.submit()
    with pytest.raises(ValueError) as caught, lab.store.write() as session:
        session.execute(update(run).where(run.c.id == 1).values({column.name: value}))
    assert str(caught.value).startswith(message)
    with lab.store.read() as session:
        assert session.scalar(select(column).where(run.c.id == 1)) != value


def test_a_bad_value_among_good_ones_stops_all_of_them(store):
    rows = [
        {"run_id": 1, "name": "loss", "step": 1, "attempt": 1, "value": 1.0},
        {"run_id": 1, "name": "loss", "step": 2, "attempt": 1, "value": NAN},
    ]
    with pytest.raises(ValueError, match=r"curve_point\.value"), store.write() as session:
        session.execute(insert(tables.curve_point), rows)


@pytest.mark.parametrize("value", [0, -1, 2**31, 2**63 - 1, -(2**63)])
def test_whole_numbers_of_64_bits_come_back(lab, value):
    lab.submit()
    with lab.store.write() as session:
        session.execute(update(run).where(run.c.id == 1).values(seed=value))
    with lab.store.read() as session:
        assert session.scalar(select(run.c.seed).where(run.c.id == 1)) == value


@pytest.mark.parametrize(
    "value", ["", "żółw 乌龟 ෴ 🐢", "a\tb\r\nc", "\u202e\x1b[2J", "'; DROP TABLE run; --", "\ufffe"]
)
def test_odd_text_comes_back(lab, value):
    lab.submit()
    with lab.store.write() as session:
        session.execute(update(run).where(run.c.id == 1).values(error_message=value, extra={value: [value, None, 1.5]}))
    with lab.store.read() as session:
        row = session.execute(select(run.c.error_message, run.c.extra).where(run.c.id == 1)).one()
        assert tuple(row) == (value, {value: [value, None, 1.5]})


@pytest.mark.parametrize("value", ["", "żółw 🐢\r\n" * 1000, "x" * 3_000_000])
def test_packed_text_comes_back(store, value):
    row = {"sha256": "0" * 64, "content": value, "bytes": len(value), "runs": 0, "created_at": datetime.now(UTC)}
    with store.write() as session:
        session.execute(insert(tables.snapshot_content), row)
    with store.read() as session:
        assert session.scalar(select(tables.snapshot_content.c.content)) == value
    for bad in (b"bytes", "a\0b", "\ud800", "x" * 64_000_001):
        with pytest.raises(ValueError, match=r"snapshot_content\.content must"), store.write() as session:
            session.execute(insert(tables.snapshot_content), {**row, "sha256": "1" * 64, "content": bad})


@pytest.mark.parametrize("value", [0.1, 1e-300, 1.7976931348623157e308, 33, 2**53])
def test_numbers_come_back_to_the_last_bit(lab, value):
    lab.submit()
    with lab.store.write() as session:
        session.execute(update(run).where(run.c.id == 1).values(rate=value))
    with lab.store.read() as session:
        found = session.scalar(select(run.c.rate).where(run.c.id == 1))
    assert found == value and isinstance(found, float)


def test_times_are_utc_whatever_zone_they_came_in(lab):
    lab.submit()
    there = datetime(2026, 11, 23, 1, 30, 0, 123456, tzinfo=timezone(timedelta(hours=5, minutes=45)))
    with lab.store.write() as session:
        session.execute(update(run).where(run.c.id == 1).values(started_at=there))
    with lab.store.read() as session:
        found = session.scalar(select(run.c.started_at).where(run.c.id == 1))
        earlier = session.scalars(select(run.c.id).where(run.c.started_at < there + timedelta(microseconds=1))).all()
    assert found == there and found.tzinfo is UTC and found.hour == 19
    assert earlier == [1]


def test_the_clock_is_the_databases_and_in_utc(store):
    with store.read() as session:
        found = now(session)
    assert found.tzinfo is UTC
    assert abs(found - datetime.now(UTC)) < timedelta(minutes=1)


def test_storable_makes_any_text_fit(store):
    with store.write() as session:
        workers.seen(session, storable("a\0\ud83dz", 255), ["cpu"], 1, storable("\0" * 200, 255))
    with store.read() as session:
        (found,) = workers.listing(session)
    assert found.name == "a\\x00\\ud83dz"
    assert len(found.device) <= 255 and "characters left out" in found.device


def test_workers_come_again_and_go(lab):
    with lab.store.write() as session:
        workers.seen(session, "b", ["cpu"], 2, "a processor")
        workers.seen(session, "a", ["cuda", "cpu"], 1, "an H200")
    lab.submit()
    lab.claim("b")
    with lab.store.write() as session:
        workers.seen(session, "b", ["cpu"], 3, "a processor")
    with lab.store.read() as session:
        a, b = workers.listing(session)
    assert (a.name, a.queues, a.running) == ("a", ["cuda", "cpu"], [])
    assert (b.name, b.slots, b.running) == ("b", 3, [1])
    assert 0 <= b.seen_age_seconds < 10
    with lab.store.write() as session:
        workers.gone(session, "b")
        workers.gone(session, "nobody")
        session.execute(update(worker).values(seen_at=datetime(2020, 1, 1, tzinfo=UTC)))
    with lab.store.write() as session:
        workers.seen(session, "c", ["cpu"], 1, "a processor")  # who comes clears away who died long ago
        assert [w.name for w in workers.listing(session)] == ["c"]


def test_a_pin_is_set_once(store):
    with store.write() as session:
        assert experiments.pin_model(session, "FacebookAI/xlm-roberta-base", "abc") == "abc"
        assert experiments.pin_model(session, "FacebookAI/xlm-roberta-base", "other") == "abc"
        assert experiments.pin_data(session, Source.FILES, "xnli", "d1") == "d1"
        assert experiments.pin_data(session, Source.HUB, "xnli", "d2") == "d2"
    with store.read() as session:
        pins = experiments.pins(session)
    assert pins.models == {"FacebookAI/xlm-roberta-base": "abc"}
    assert pins.data == {(Source.FILES, "xnli"): "d1", (Source.HUB, "xnli"): "d2"}


@pytest.mark.parametrize("state", ["paused", "RUNNING", ""])
def test_a_state_that_there_is_not_is_refused_by_the_database_itself(lab, state):
    lab.submit()
    with pytest.raises(Exception, match="ck_run_state"), lab.store.write() as session:
        session.execute(text("UPDATE run SET state = :state WHERE id = 1"), {"state": state})


@pytest.mark.parametrize("state", ["waiting", "queued", "running", "done"])
def test_the_database_itself_refuses_a_second_run_that_would_be_the_same_answer(lab, state):
    lab.submit()
    lab.work()
    columns = ", ".join(c.name for c in run.c if c.name not in ("id", "state", "lease_until", "finished_at"))

    def copy(to):
        lease = "created_at" if to == "running" else "NULL"
        end = "created_at" if to in ("done", "failed") else "NULL"
        with lab.store.write() as session:
            session.execute(
                text(
                    f"INSERT INTO run ({columns}, state, lease_until, finished_at) "
                    f"SELECT {columns}, '{to}', {lease}, {end} FROM run WHERE id = 1"
                )
            )

    with pytest.raises(Exception, match="(?i)unique"):
        copy(state)
    copy("failed")
    copy("failed")
