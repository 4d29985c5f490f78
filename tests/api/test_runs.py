"""Runs, the queue and the workers."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from backend.domain.run import DeviceClass
from backend.domain.schemas import Curve, LogLine, QueueView, RunDetail, RunView, ScoreView, WorkerView
from backend.store import runs
from backend.store.session import Store

V1 = "/api/v1"


@pytest.fixture
def experiment(client: TestClient, request_body: dict[str, Any]) -> int:
    made: int = client.post(V1 + "/experiments", json=request_body).json()["id"]
    return made


def test_filters_go_together(client: TestClient, experiment: int, worker: Any) -> None:
    worker.finish_all()
    every = client.get(V1 + "/runs").json()
    assert every["total"] == 6  # pretrain, intermediate, two fine-tunings, two evaluations
    assert client.get(V1 + "/runs?kind=evaluate").json()["total"] == 2
    assert client.get(V1 + "/runs?kind=evaluate&model=mini-2&target=xnli&state=done").json()["total"] == 2
    assert client.get(V1 + "/runs?kind=evaluate&state=queued").json()["total"] == 0
    assert client.get(f"{V1}/runs?experiment={experiment}").json()["total"] == 6
    assert client.get(f"{V1}/runs?experiment={experiment + 1}").json()["total"] == 0
    assert client.get(V1 + "/runs?model=one-that-was-removed").json()["total"] == 0  # not an error: it may have runs


def test_what_a_page_of_the_queue_asks(client: TestClient, experiment: int, worker: Any) -> None:
    worker.appears()
    claim = worker.claim()
    live = client.get(V1 + "/runs?state=live&order=queue").json()
    assert [r["state"] for r in live["items"]] == ["running", *["waiting"] * 5]
    assert "waiting for run 1 (pretrain" in live["items"][1]["why"]
    either = client.get(V1 + "/runs?state=running&state=done&limit=1")
    assert [r["id"] for r in either.json()["items"]] == [claim.run_id]
    (busy,) = client.get(V1 + "/workers").json()
    assert busy["running"] == [claim.run_id]
    worker.finish_all()
    queue = client.get(V1 + "/queue").json()
    assert (queue["waiting"], queue["queued"], queue["running"]) == (5, 0, 1)
    worker.finish(claim)
    worker.finish_all()
    page = client.get(V1 + "/runs?state=done&state=failed&limit=4")
    address = page.headers["link"].partition(">")[0].removeprefix("<")
    assert address.count("state=") == 2  # what is asked for twice is asked for on the next page too
    assert len(client.get(address).json()["items"]) == 2
    refused = client.get(V1 + "/runs?state=asleep")
    assert refused.status_code == 422 and refused.json()["errors"][0]["pointer"].startswith("query/state")


def test_a_run_and_what_belongs_to_it(client: TestClient, experiment: int, store: Store, worker: Any) -> None:
    claim = worker.claim()
    with store.write() as session:
        assert runs.record(
            session, claim.run_id, claim.attempt,
            curves=[("loss", step, 2.0 / (step + 1)) for step in range(50)], logs=[("info", f"line {i}") for i in range(5)],
        )  # fmt: skip
    address = f"{V1}/runs/{claim.run_id}"
    shown = RunView.model_validate(client.get(address).json())
    assert (shown.state, shown.phase, shown.experiments) == ("running", "starting", [experiment])
    detail = RunDetail.model_validate(client.get(address + "/detail").json())
    assert detail.spec["kind"] == "pretrain"
    assert [a.number for a in detail.attempts] == [1]
    curve = Curve.model_validate(client.get(address + "/curves").json()[0])
    assert (len(curve.steps), curve.values[0]) == (50, 2.0)
    assert len(client.get(address + "/curves?limit=10").json()[0]["steps"]) <= 10
    lines = [LogLine.model_validate(x) for x in client.get(address + "/logs").json()]
    assert [x.message for x in lines] == [f"line {i}" for i in range(5)]
    assert client.get(f"{address}/logs?after={lines[2].id}&limit=1").json()[0]["message"] == "line 3"
    assert client.get(address + "/scores").json() == []
    worker.finish(claim)
    worker.finish_all(lambda c: 70.0)
    evaluated = client.get(V1 + "/runs?kind=evaluate").json()["items"][0]["id"]
    scores = [ScoreView.model_validate(s) for s in client.get(f"{V1}/runs/{evaluated}/scores").json()]
    assert {s.value for s in scores} == {70.0}


def test_cancelling_a_run(client: TestClient, experiment: int, worker: Any) -> None:
    claim = worker.claim()
    first = client.post(f"{V1}/runs/{claim.run_id}:cancel")
    assert first.status_code == 202
    asked = first.json()["cancel_requested_at"]
    assert asked is not None
    assert client.post(f"{V1}/runs/{claim.run_id}:cancel").json()["cancel_requested_at"] == asked


def test_a_run_that_is_done_cannot_be_cancelled_or_done_again(client: TestClient, experiment: int, worker: Any) -> None:
    claim = worker.claim()
    worker.finish(claim)
    for action in ("cancel", "retry"):
        response = client.post(f"{V1}/runs/{claim.run_id}:{action}")
        assert response.status_code == 409
        assert response.headers["content-type"] == "application/problem+json"


def test_trying_a_run_again_makes_a_new_one(
    client: TestClient, experiment: int, worker: Any, rung: list[tuple[DeviceClass, int]]
) -> None:
    claim = worker.claim()
    worker.fail(claim, "no disk")
    shown = client.get(f"{V1}/runs/{claim.run_id}").json()
    assert (shown["state"], shown["error"]["message"]) == ("failed", "no disk")
    rung.clear()
    again = client.post(f"{V1}/runs/{claim.run_id}:retry")
    assert again.status_code == 202
    assert again.json()["id"] != claim.run_id
    assert again.json()["fingerprint"] == claim.fingerprint
    assert rung == [(DeviceClass.CPU, 1)]
    assert worker.finish_all() == 6


def test_a_run_is_moved_in_the_queue(client: TestClient, experiment: int, worker: Any) -> None:
    first = client.get(f"{V1}/runs", params={"state": "queued"}).json()["items"][0]["id"]
    assert client.post(f"{V1}/runs/{first}:move", json={"priority": 7}).json()["priority"] == 7
    assert client.post(f"{V1}/runs/{first}:move", json={"place": "last"}).json()["priority"] == -1
    for body, pointer in (
        ({}, ""), ({"priority": 1, "place": "first"}, ""), ({"place": "middle"}, "/place"), ({"priority": 1001}, "/priority"),
        ({"priority": 1.5}, "/priority"),
    ):  # fmt: skip
        refused = client.post(f"{V1}/runs/{first}:move", json=body)
        assert refused.status_code == 422, body
        assert [e["pointer"] for e in refused.json()["errors"]] == [pointer], body
    worker.claim()
    late = client.post(f"{V1}/runs/{first}:move", json={"place": "first"})
    assert (late.status_code, "runs already" in late.json()["detail"]) == (409, True)
    assert client.post(f"{V1}/runs/999:move", json={"place": "first"}).status_code == 404


def test_a_worker_is_drained_and_taken_back(
    client: TestClient, experiment: int, worker: Any, rung: list[tuple[DeviceClass, int]]
) -> None:
    worker.appears(slots=3)
    (listed,) = client.get(f"{V1}/workers").json()
    assert listed["drained_at"] is None
    drained = client.post(f"{V1}/workers/{listed['name']}:drain")
    assert (drained.status_code, drained.json()["drained_at"] is not None) == (200, True)
    queued = client.get(f"{V1}/runs", params={"state": "queued"}).json()["items"][0]
    assert "drained" in queued["why"]
    rung.clear()
    assert client.post(f"{V1}/workers/{listed['name']}:resume").json()["drained_at"] is None
    assert rung == [(DeviceClass.CPU, 3)]  # what was queued meanwhile is taken now
    assert client.post(f"{V1}/workers/nobody:drain").status_code == 404


def test_the_queue_and_its_workers(client: TestClient, experiment: int, worker: Any) -> None:
    found = QueueView.model_validate(client.get(V1 + "/queue").json())
    assert (found.waiting, found.queued, found.running, found.workers) == (5, 1, 0, [])
    worker.appears(slots=3)
    claim = worker.claim()
    found = QueueView.model_validate(client.get(V1 + "/queue").json())
    assert (found.waiting, found.queued, found.running) == (5, 0, 1)
    listed = [WorkerView.model_validate(w) for w in client.get(V1 + "/workers").json()]
    assert [(w.name, w.slots, w.running) for w in listed] == [("w1", 3, [claim.run_id])]
