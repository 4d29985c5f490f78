"""The list of runs: seeds in one row, filters, orders, pages, and what is locked."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from sqlalchemy import insert, update

from backend.domain.listed import RunSort
from backend.domain.run import DeviceClass, RunKind, RunState
from backend.errors import Invalid, NotFound
from backend.store import listed, tables
from backend.store.columns import db_now
from backend.store.listed import Wanted
from backend.store.session import Store


@pytest.fixture
def add(store: Store) -> Any:
    """``add("mnli", seed=0)``: an evaluate run that is done, with a score a language; its id."""

    def one(
        recipe: str, seed: int | None = 0, state: str = "done", scores: dict[str, float] | None = None, **more: Any
    ) -> int:
        values: dict[str, Any] = {
            "kind": "evaluate", "source": "mini", "benchmark": "mini-XTREME-R", "model": "mini-2", "target": "xnli",
            "settings": "a" * 64, "engine": 1, "device_class": "cpu", "precision": "fp32", "spec": {}, "planned_examples": 1,
            "planned_steps": 1, "priority": 0, "step": 0, "total_steps": 1, "attempt": 1, "preemptions": 0, "device_seconds": 10.0,
        }  # fmt: skip
        values |= {"recipe": recipe, "seed": seed, "state": state} | more
        ended = state in ("done", "failed")
        with store.write() as session:
            known = insert(tables.run).values(
                **values, fingerprint=f"{recipe}{seed}{state}{more}"[:64], created_at=db_now(), finished_at=db_now() if ended else None
            )  # fmt: skip
            id: int = session.scalars(known.returning(tables.run.c.id)).one()
            for language, value in (scores or {}).items():
                row = {"run_id": id, "metric": "accuracy", "language": language, "value": value, "n": 10}
                session.execute(insert(tables.score).values(**row))
        return id

    return one


def page(store: Store, wanted: Wanted | None = None, **more: Any) -> Any:
    with store.read() as session:
        return listed.rows(session, wanted or Wanted(), **{"limit": 50, "cursor": None} | more)


def test_runs_that_differ_by_the_seed_alone_are_one_row(store: Store, add: Any):
    a = add("mnli", 0, scores={"en": 70, "sw": 50})
    b = add("squad", 0, scores={"en": 80})
    c = add("mnli", 1, scores={"en": 74, "sw": 54})
    d = add("mnli", 0, settings="b" * 64)
    e = add("mnli", 2, "failed", error_message="out of memory\nin line 3", device_seconds=None)
    found = page(store)
    assert [(r.id, r.newest, r.runs, r.seeds) for r in found.items] == [
        (a, e, [a, c, e], [0, 1, 2]), (d, d, [d], [0]), (b, b, [b], [0]),
    ]  # fmt: skip
    mnli = found.items[0]
    # means over languages are 60 and 64: their mean is 62, and √((4 + 4) / 1) apart
    assert (mnli.score.value, round(mnli.score.sd, 4), mnli.score.languages, mnli.score.runs) == (62.0, 2.8284, 2, 2)
    assert (mnli.counts.done, mnli.counts.failed, mnli.error, mnli.device_seconds) == (2, 1, "out of memory", 20.0)
    assert found.items[2].score.sd is None
    assert found.total == 3
    each = page(store, by="run")
    assert [r.runs for r in each.items] == [[e], [d], [c], [b], [a]]
    assert page(store, Wanted(alike=c), by="run").total == 3


def test_a_mean_is_of_runs_in_the_same_languages_or_of_none(store: Store, add: Any):
    add("mnli", 0, scores={"en": 70, "sw": 50})
    add("mnli", 1, scores={"en": 70, "de": 50})
    (row,) = page(store).items
    assert row.score is None


def test_what_was_not_measured_is_no_zero(store: Store, add: Any):
    add("mnli", 0, device_seconds=None, state="failed")
    add("squad", 0, energy_joules=None)
    squad, mnli = page(store).items
    assert (mnli.device_seconds, squad.energy_joules) == (None, None)


def test_filters_go_together(store: Store, add: Any):
    add("mnli", 0)
    add("mnli", 1, "running", lease_until=db_now(60))
    add("squad", 0, kind="intermediate", target=None, model="mini-4", worker="the gpu box")
    assert page(store, Wanted(states=[RunState.RUNNING])).items[0].seeds == [1]
    assert page(store, Wanted(kind=RunKind.INTERMEDIATE, model="mini-4", recipe="squad")).total == 1
    assert page(store, Wanted(kind=RunKind.INTERMEDIATE, target="xnli")).total == 0
    assert page(store, Wanted(device=DeviceClass.CUDA)).total == 0
    assert page(store, Wanted(q="MINI-4 squad")).total == 1
    assert page(store, Wanted(q="gpu mnli")).total == 0
    assert page(store, Wanted(q="100%")).total == 0  # no wildcard
    assert page(store, Wanted(hours=1)).total == 2
    with store.write() as session:
        session.execute(update(tables.run).where(tables.run.c.state == "done").values(finished_at=db_now(-7200)))
    assert page(store, Wanted(hours=1)).total == 0
    assert page(store, Wanted(experiment=1)).total == 0
    with pytest.raises(NotFound):
        page(store, Wanted(alike=99))


@pytest.mark.parametrize("by", ["seeds", "run"])
def test_pages_in_any_order_hold_each_row_once(store: Store, add: Any, by: str):
    for i in range(5):
        took: dict[str, Any] = {"state": "failed", "device_seconds": None} if i == 3 else {"device_seconds": float(i)}
        for seed in (0, 1):
            add(f"r{i % 3}", seed, model=f"m{i % 2}", target=None if i == 4 else f"t{i}", **took)
    add("r9", 0, "queued", device_seconds=None)
    for sort in get_args(RunSort):
        whole = page(store, sort=sort, by=by).items
        assert len(whole) == (6 if by == "seeds" else 11)
        seen: list[int] = []
        cursor = None
        while True:
            part = page(store, sort=sort, by=by, limit=2, cursor=cursor)
            seen += [r.id for r in part.items]
            if (cursor := part.next_cursor) is None:
                break
        assert seen == [r.id for r in whole], sort
        if sort == "longest":
            known = [r.device_seconds for r in whole if r.device_seconds is not None]
            assert known == sorted(known, reverse=True) and [r.device_seconds for r in whole[: len(known)]] == known
        if sort in ("model", "recipe"):
            assert [getattr(r, sort) for r in whole] == sorted(getattr(r, sort) for r in whole)
        if sort == "finished":
            assert whole[-1].finished_at is None


def test_a_row_that_comes_meanwhile_hides_none_and_repeats_none(store: Store, add: Any):
    ids = [add(f"r{i}") for i in range(4)]
    first = page(store, limit=2)
    add("r0", 1)  # the oldest row becomes the newest
    rest = page(store, limit=9, cursor=first.next_cursor)
    assert [r.id for r in first.items] + [r.id for r in rest.items] == [ids[3], ids[2], ids[1]]


@pytest.mark.parametrize(
    "cursor", ["x", "aWQ6NQ", "WyJuZXdlc3QiLDEsMF0", "WyJuZXdlc3QiLDFlOTk5LDFd", "W1tbW1tbW1tb", "é"]
)
def test_a_cursor_of_another_kind_is_refused(store: Store, cursor: str):
    with pytest.raises(Invalid) as refused:
        page(store, cursor=cursor)
    assert refused.value.errors[0].pointer == "/cursor"


def test_a_cursor_of_another_order_is_refused(store: Store, add: Any):
    add("a")
    add("b")
    with pytest.raises(Invalid):
        page(store, sort="model", cursor=page(store, limit=1).next_cursor)
