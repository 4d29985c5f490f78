"""What is compared when a run was done again, and what is refused before it is; without doing anything again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backend.domain.run import ENGINE_VERSION, RunState
from backend.exchange import reproduce
from backend.remote import Remote
from backend.settings import Settings

V1 = "/api/v1"


@pytest.fixture
def stages(client, worker, request_body):
    """An evaluation and what it starts from, as the command reads them."""
    client.post(f"{V1}/experiments", json=request_body)
    worker.finish_all()
    there = Remote("http://testserver")
    there.client = client
    evaluated = [r["id"] for r in client.get(f"{V1}/runs", params={"kind": "evaluate"}).json()["items"]]
    return reproduce.read(there, max(evaluated))


def environment(stage, **values):
    return replace(stage, detail=stage.detail.model_copy(update={"environment": values}))


def test_what_it_starts_from_comes_first_and_keeps_its_fingerprint(stages):
    assert [s.detail.run.kind.value for s in stages] == ["pretrain", "intermediate", "finetune", "evaluate"]
    assert [f for _, f in reproduce.pinned(stages)] == [s.detail.run.fingerprint for s in stages]
    assert stages[-1].scores


def test_what_a_name_was_resolved_to_is_pinned_and_fingerprints_follow(stages):
    spec = {**stages[0].detail.spec, "model": {"checkpoint": "lab/encoder", "revision": None, "architecture": None}}
    first = replace(stages[0], detail=stages[0].detail.model_copy(update={"spec": spec}))
    found = reproduce.pinned([environment(first, revision="a" * 40), *stages[1:]])
    assert found[0][0].model.revision == "a" * 40
    assert found[1][0].parents == (found[0][1],)
    assert found[1][1] != stages[1].detail.run.fingerprint


def test_equal_is_equal_and_the_last_bit_is_told(stages):
    same = reproduce.compare(stages, stages)
    assert (same.same, same.exact, same.tolerance) == (True, True, 0.0)
    score = stages[-1].scores[0]
    other = [score.model_copy(update={"value": score.value + 1e-13}), *stages[-1].scores[1:]]
    found = reproduce.compare(stages, [*stages[:-1], replace(stages[-1], scores=other)])
    assert not found.same
    assert found.stages[-1].differing == [
        f"accuracy in {score.language}: {score.value!r}, and now {score.value + 1e-13!r} (+9.95e-14)"
    ]
    gone = reproduce.compare(stages, [*stages[:-1], replace(stages[-1], scores=stages[-1].scores[1:])])
    assert "there is none" in gone.stages[-1].differing[0]


@pytest.mark.parametrize(("off", "same"), [(0.5, True), (1.5, False)])
def test_another_device_is_given_a_tolerance(stages, off, same):
    before = [environment(s, device="a processor", threads="1") for s in stages]
    moved = [s.model_copy(update={"value": s.value + off}) for s in stages[-1].scores]
    after = [environment(s, device="another", threads="1") for s in stages]
    found = reproduce.compare(before, [*after[:-1], replace(after[-1], scores=moved)])
    assert (found.same, found.exact, found.tolerance) == (same, False, 1.0)
    assert found.notes == ["device was a processor, and is another"]


def test_other_data_are_never_the_same(stages):
    before = [environment(s, **{"xnli/de/test": "a" * 64}) for s in stages]
    after = [environment(s, **{"xnli/de/test": "b" * 64}) for s in stages]
    found = reproduce.compare(before, after)
    assert not found.same
    assert found.notes == ["the data are others: xnli/de/test was aaaaaaaaaaaa, and is bbbbbbbbbbbb"]


def test_what_cannot_be_done_again_is_said_before_anything_is_begun(stages):
    assert reproduce.refusals(stages, Settings()) == []
    last = stages[-1].detail

    def but(**spec):
        return [replace(stages[-1], detail=last.model_copy(update={"spec": {**last.spec, **spec}}))]

    (older,) = reproduce.refusals(but(engine=ENGINE_VERSION - 1), Settings())
    assert f"engine version {ENGINE_VERSION - 1}, and this program has {ENGINE_VERSION}" in older
    data = [{**last.spec["data"][0], "version": 99}]
    assert "used version 99 of xnli" in reproduce.refusals(but(data=data), Settings())[0]
    data = [{**last.spec["data"][0], "source": "files"}]
    assert "CROSSLIFT_DATA_ROOT is not set" in reproduce.refusals(but(data=data), Settings(data_root=None))[0]
    assert "cannot read what it computes" in reproduce.refusals(but(colour="red"), Settings())[0]
    assert "CROSSLIFT_DEVICE is cuda" in reproduce.refusals(stages[-1:], Settings(device="cuda"))[0]
    waiting = replace(
        stages[-1], detail=last.model_copy(update={"run": last.run.model_copy(update={"state": RunState.FAILED})})
    )
    assert "is failed; only what is done" in reproduce.refusals([waiting], Settings())[0]
