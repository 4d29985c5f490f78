"""Models that are pretrained here, in both databases: written once, known to whoever reads, their runs wanted by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from backend.domain.experiment import plan_pretraining
from backend.domain.model import MODELS, Model
from backend.domain.pretraining import PretrainRequest, model_of
from backend.domain.run import RunState
from backend.domain.text import collect
from backend.errors import Invalid
from backend.store import graph, pretrained, runs, tables
from backend.store.pretrained import Defined
from backend.store.session import Store


@pytest.fixture(autouse=True)
def text(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "text" / "sw").mkdir(parents=True)
    (tmp_path / "text" / "sw" / "a.txt").write_text("mbwa wa kijani\n" * 20)
    yield tmp_path / "text"
    MODELS.joined((), mark=())


def made(text: Path, **changes: object) -> tuple[PretrainRequest, Model]:
    request = PretrainRequest.model_validate({"name": "lab-1", "text": ["sw"], "steps": 5} | changes)
    return request, model_of(request, collect(text, request.text, request.languages), {})


def define(store: Store, request: PretrainRequest, model: Model) -> Defined:
    with store.write() as session:
        return pretrained.define(session, model, request, plan_pretraining(model))


def test_it_is_written_once_and_read_back_whole(store: Store, text: Path) -> None:
    request, model = made(text)
    first = define(store, request, model)
    assert (first.created, first.queued) == (True, [first.run])
    assert define(store, request, model) == Defined(first.run, False, [])
    MODELS.joined((), mark=())  # another process
    with store.read() as session:
        pretrained.take_up(session)
        assert pretrained.runs(session) == {"lab-1": (first.run, RunState.QUEUED)}
    assert MODELS["lab-1"] == model
    with pytest.raises(Invalid) as refused:
        define(store, *made(text, steps=6))
    assert refused.value.errors[0].pointer == "/name"
    assert "differs in pretraining" in refused.value.errors[0].message


def test_its_run_is_wanted_by_itself_and_can_be_done_again(store: Store, text: Path) -> None:
    request, model = made(text)
    run = define(store, request, model).run
    with store.write() as session:
        assert graph.let_go(session, [run]) == []  # as after the last experiment that listed it
        assert runs.request_cancel(session, run) is RunState.CANCELLED
    again = define(store, request, model)
    assert (again.created, again.run != run, again.queued) == (False, True, [again.run])


def test_a_model_that_goes_on_waits_for_the_one_before(store: Store, text: Path) -> None:
    first = define(store, *made(text))
    second = define(store, *made(text, name="lab-1-more", base="lab-1"))
    assert second.queued == []
    with store.read() as session:
        parent = session.scalars(
            select(tables.run_parent.c.parent_id).where(tables.run_parent.c.run_id == second.run)
        ).one()
    assert parent == first.run


def test_a_process_that_turns_to_an_empty_store_forgets(store: Store, text: Path) -> None:
    MODELS.joined((made(text)[1],), mark=(("lab-1", "x"),))
    with store.read() as session:
        pretrained.take_up(session)
    assert "lab-1" not in MODELS
    assert "xlmr-base" in MODELS
