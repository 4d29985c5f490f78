"""Experiments from preview to export, on a real database."""

from __future__ import annotations

import csv
import io
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import update

from backend.api import experiments as routes
from backend.api.answers import as_csv, as_jsonl
from backend.api.app import create_app
from backend.domain.experiment import plan
from backend.domain.run import DeviceClass
from backend.domain.schemas import ExperimentView, Preview, RunView
from backend.store import experiments, runs, tables, workers
from backend.store.columns import db_now
from backend.store.session import Store

V1 = "/api/v1"


def submit(client: TestClient, body: dict[str, Any], **headers: str) -> dict[str, Any]:
    response = client.post(V1 + "/experiments", json=body, headers=headers)
    assert response.status_code == 201, response.text
    found: dict[str, Any] = response.json()
    return found


# --- preview ---------------------------------------------------------------------------------------------------


def test_preview_creates_nothing_and_tells_what_submitting_would_do(
    client: TestClient, request_body: dict[str, Any], rung: list[Any]
) -> None:
    response = client.post(V1 + "/experiments:preview", json={**request_body, "seeds": [0, 1, 2]})
    found = Preview.model_validate(response.json())
    assert (found.cells, found.runs_to_do, found.runs_reused) == (6, found.runs, 0)  # the baseline is added
    assert found.by_kind == {"pretrain": 1, "intermediate": 3, "finetune": 6, "evaluate": 6}
    assert found.runs == 16
    assert found.device_hours is None
    assert "Nothing has been measured" in found.forecast_from
    assert found.disk_bytes > 0
    assert found.seeds_can_show.startswith("3 seeds:")
    assert found.same_data_twice == ["mnli → xnli"]
    assert client.get(V1 + "/experiments").json()["total"] == 0
    assert client.get(V1 + "/runs").json()["total"] == 0
    assert rung == []


def test_preview_and_submission_agree(client: TestClient, request_body: dict[str, Any]) -> None:
    preview = client.post(V1 + "/experiments:preview", json=request_body).json()
    made = submit(client, request_body)
    assert (made["runs"], made["reused"]) == (preview["runs_to_do"], 0)
    again = client.post(V1 + "/experiments:preview", json=request_body).json()
    assert (again["runs_to_do"], again["runs_reused"]) == (0, preview["runs"])
    assert again["fingerprint"] == preview["fingerprint"]
    larger = client.post(V1 + "/experiments:preview", json={**request_body, "seeds": [0, 1]}).json()
    assert larger["runs_reused"] == preview["runs"]
    assert larger["fingerprint"] != preview["fingerprint"]


def test_the_preview_says_what_every_pair_by_itself_would_cost(
    client: TestClient, request_body: dict[str, Any], worker: Any
) -> None:
    submit(client, request_body)
    made = worker.finish_all(seconds=3600.0)
    body = {**request_body, "targets": [*request_body["targets"], "tatoeba"]}
    found = Preview.model_validate(client.post(V1 + "/experiments:preview", json=body).json()).cost
    assert found.all.reused_runs == made
    stages = {stage.stage: stage for stage in found.stages}
    assert (stages["intermediate"].naive_runs, stages["intermediate"].shared_runs) == (2, 1)
    assert stages["intermediate"].reused_hours == pytest.approx(0.5)  # an hour by the clock, half of the device
    assert stages["intermediate"].naive_hours == pytest.approx(1.0)


def test_what_does_not_apply_is_listed_with_the_reason(client: TestClient, request_body: dict[str, Any]) -> None:
    body = {**request_body, "targets": ["tatoeba"], "recipes": ["control:mnli"]}
    found = client.post(V1 + "/experiments:preview", json=body).json()
    assert [(c["recipe"], c["status"]) for c in found["not_applicable"]] == [("control:mnli", "not applicable")]
    assert "no training" in found["not_applicable"][0]["reason"]


def test_preview_forecasts_from_what_was_measured(
    client: TestClient, request_body: dict[str, Any], worker: Any, store: Store
) -> None:
    submit(client, request_body)
    runs = worker.finish_all(seconds=3600.0)  # an hour by the clock, half an hour of the device
    body = {**request_body, "seeds": [1]}
    found = Preview.model_validate(client.post(V1 + "/experiments:preview", json=body).json())
    assert found.runs_to_do == runs - 1  # all but the pretraining
    assert found.device_hours is not None
    assert found.device_hours.median == pytest.approx((runs - 1) / 2, rel=0.01)
    assert found.device_hours.low < found.device_hours.median < found.device_hours.high
    assert found.hours_until_done is None
    assert "No worker for cpu is alive" in found.forecast_from
    with store.write() as session:  # neither one for other devices nor one that fell silent is counted on
        workers.seen(session, "gpus", ["cuda"], 8, "a GPU")
        workers.seen(session, "silent", ["cpu"], 8, "a processor")
        session.execute(update(tables.worker).where(tables.worker.c.name == "silent").values(seen_at=db_now(-61)))
    found = Preview.model_validate(client.post(V1 + "/experiments:preview", json=body).json())
    assert found.hours_until_done is None
    worker.appears(slots=2)
    found = Preview.model_validate(client.post(V1 + "/experiments:preview", json=body).json())
    assert found.hours_until_done is not None
    # intermediate → finetune → evaluate is a chain of three hours; the baseline's two fit beside it
    assert found.hours_until_done.median == pytest.approx(3.0, rel=0.01)


def test_before_anything_has_ended_the_preview_goes_by_what_workers_attain(
    client: TestClient, request_body: dict[str, Any], store: Store
) -> None:
    """A rate that was measured by a live worker of the class, in this precision; it is said to be assumed how much of it runs attain."""

    def ask() -> Preview:
        return Preview.model_validate(client.post(V1 + "/experiments:preview", json=request_body).json())

    assert ask().device_hours is None
    assert ask().energy_from == "Energy: not measured. No finished run on cpu has reported any."
    with store.write() as session:
        workers.seen(session, "gpus", ["cuda"], 1, "a GPU", None, {"fp32": 1e13})
        workers.seen(session, "mute", ["cpu"], 1, "a processor", None, {"bf16": 1e13})
    assert ask().device_hours is None
    with store.write() as session:
        workers.seen(session, "w", ["cpu"], 2, "a processor", None, {"fp32": 1e10})
    found = ask()
    assert (
        found.device_hours is not None and found.device_hours.low < found.device_hours.median < found.device_hours.high
    )
    assert "at an assumed 1 times" in found.forecast_from and found.hours_until_done is not None
    assert found.energy_kwh is None and "not measured" in found.energy_from
    # nothing is reused, so that the shared grid is what the forecast is of
    assert found.cost.all.shared_hours == pytest.approx(found.device_hours.median)
    assert sum(line.runs for line in found.by_run) == found.runs_to_do
    assert all(line.memory_bytes > 0 and line.done_after_hours is not None for line in found.by_run)


# --- submitting -----------------------------------------------------------------------------------------------


def test_submitting(client: TestClient, request_body: dict[str, Any], rung: list[Any]) -> None:
    response = client.post(V1 + "/experiments", json=request_body)
    assert response.status_code == 201
    made = ExperimentView.model_validate(response.json())
    assert response.headers["location"] == f"/api/v1/experiments/{made.id}"
    assert client.get(response.headers["location"]).json() == response.json()
    assert (made.state, made.synthetic, made.benchmark) == ("waiting", True, "mini-XTREME-R")
    assert made.counts.queued == 1  # the pretraining; all else waits for it
    assert rung == [(DeviceClass.CPU, 1)]


def test_submitting_twice_without_a_key_shares_every_run(client: TestClient, request_body: dict[str, Any]) -> None:
    first, second = submit(client, request_body), submit(client, request_body)
    assert first["id"] != second["id"]
    assert second["reused"] == second["runs"] == first["runs"]
    assert client.get(V1 + "/runs").json()["total"] == first["runs"]


def test_the_bell_rings_after_the_commit_and_its_failure_is_no_error(
    store: Store, request_body: dict[str, Any]
) -> None:
    seen: list[int] = []

    def ring(device: DeviceClass, count: int) -> None:
        with store.read() as session:  # another connection: sees only what is committed
            seen.append(runs.page(session, limit=200, cursor=None).total)
        raise ConnectionError("no broker")

    with TestClient(create_app(store, ring=ring)) as client:
        made = submit(client, request_body)
    assert seen == [made["runs"]]


def test_the_same_key_and_body_give_the_same_experiment(
    client: TestClient, request_body: dict[str, Any], rung: list[Any]
) -> None:
    first = client.post(V1 + "/experiments", json=request_body, headers={"Idempotency-Key": "k1"})
    reordered = dict(reversed(request_body.items()))
    second = client.post(V1 + "/experiments", json=reordered, headers={"Idempotency-Key": "k1"})
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]
    assert first.headers["location"] == second.headers["location"]
    assert len(rung) == 1
    other = client.post(V1 + "/experiments", json={**request_body, "seeds": [1]}, headers={"Idempotency-Key": "k1"})
    assert other.status_code == 422
    assert "another body" in other.json()["detail"]
    assert client.get(V1 + "/experiments").json()["total"] == 1


def test_twenty_at_once_with_one_key_make_one_experiment(
    app: FastAPI, client: TestClient, request_body: dict[str, Any]
) -> None:
    barrier = threading.Barrier(20)

    def post(_: int) -> tuple[int, int]:
        barrier.wait()
        response = client.post(V1 + "/experiments", json=request_body, headers={"Idempotency-Key": "once"})
        return response.status_code, response.json()["id"]

    with ThreadPoolExecutor(20) as pool:
        found = list(pool.map(post, range(20)))
    assert {id for _, id in found} == {found[0][1]}
    assert sorted(status for status, _ in found) == [200] * 19 + [201]
    assert client.get(V1 + "/experiments").json()["total"] == 1


def test_sixty_writers_at_once_do_not_starve_each_other(client: TestClient, request_body: dict[str, Any]) -> None:
    """More than there are threads: nobody may hold the database while waiting for one."""

    def post(i: int) -> int:
        return client.post(V1 + "/experiments", json={**request_body, "name": f"n{i}"}).status_code

    with ThreadPoolExecutor(60) as pool:
        assert set(pool.map(post, range(60))) == {201}
    assert client.get(V1 + "/experiments").json()["total"] == 60


def test_a_name_that_is_resolved_meanwhile_enters_the_plan(
    client: TestClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker resolves the checkpoint after the plan was made and before it is written down."""
    commit = "a" * 40
    planned: list[Any] = []

    def slow_plan(*arguments: Any) -> Any:
        planned.append(plan(*arguments))
        if len(planned) == 1:
            with store.write() as session:
                experiments.pin_model(session, "FacebookAI/xlm-roberta-base", commit)
        return planned[-1]

    monkeypatch.setattr(routes, "plan", slow_plan)
    body = {"name": "x", "source": "hub", "models": ["xlmr-base"], "recipes": ["none"], "targets": ["xnli"]}
    made = submit(client, body)
    for each in client.get(f"{V1}/experiments/{made['id']}/runs").json()["items"]:
        assert client.get(f"{V1}/runs/{each['id']}/detail").json()["spec"]["model"]["revision"] == commit


# --- looking ----------------------------------------------------------------------------------------------------


def test_pages_follow_their_links_to_the_end(client: TestClient, request_body: dict[str, Any]) -> None:
    made = [submit(client, {**request_body, "name": f"n{i}"})["id"] for i in range(5)]
    path: str | None = V1 + "/experiments?limit=2&state=waiting"
    seen: list[int] = []
    while path is not None:
        response = client.get(path)
        body = response.json()
        assert body["total"] == 5
        seen += [e["id"] for e in body["items"]]
        link = response.headers.get("link")
        assert (link is None) == (body["next_cursor"] is None)
        assert link is None or ("limit=2" in link and "state=waiting" in link and link.endswith('; rel="next"'))
        path = link and link[1 : link.index(">")]
    assert seen == made[::-1]


def test_runs_of_an_experiment(client: TestClient, request_body: dict[str, Any]) -> None:
    made = submit(client, request_body)
    page = client.get(f"{V1}/experiments/{made['id']}/runs").json()
    assert page["total"] == made["runs"]
    for entry in page["items"]:
        assert made["id"] in RunView.model_validate(entry).experiments
    queued = client.get(f"{V1}/experiments/{made['id']}/runs?state=queued").json()
    assert [r["kind"] for r in queued["items"]] == ["pretrain"]


# --- cancel and retry ---------------------------------------------------------------------------------------------


def test_cancelling_stops_what_has_not_begun_and_asking_twice_changes_nothing(
    client: TestClient, request_body: dict[str, Any], worker: Any
) -> None:
    made = submit(client, request_body)
    first = client.post(f"{V1}/experiments/{made['id']}:cancel")
    assert first.status_code == 202
    assert first.json()["state"] == "cancelled"
    assert first.json()["counts"]["cancelled"] == made["runs"]
    second = client.post(f"{V1}/experiments/{made['id']}:cancel")
    assert (second.status_code, second.json()) == (202, first.json())
    assert worker.claim() is None


def test_cancelling_leaves_what_another_experiment_wants(
    client: TestClient, request_body: dict[str, Any], worker: Any
) -> None:
    first, second = submit(client, request_body), submit(client, {**request_body, "name": "other"})
    client.post(f"{V1}/experiments/{first['id']}:cancel")
    assert worker.finish_all() == second["runs"]
    assert client.get(f"{V1}/experiments/{second['id']}").json()["state"] == "done"


def test_trying_again_what_failed(
    client: TestClient, request_body: dict[str, Any], worker: Any, rung: list[Any]
) -> None:
    made = submit(client, request_body)
    worker.fail(worker.claim())
    failed = client.get(f"{V1}/experiments/{made['id']}").json()
    assert failed["state"] == "done with failures"
    assert failed["counts"]["skipped"] == made["runs"] - 1
    rung.clear()
    again = client.post(f"{V1}/experiments/{made['id']}:retry")
    assert again.status_code == 202
    assert again.json()["counts"]["queued"] == 1
    assert rung == [(DeviceClass.CPU, 1)]
    assert worker.finish_all() == made["runs"]
    assert client.get(f"{V1}/experiments/{made['id']}").json()["state"] == "done"


def test_trying_again_what_is_done_changes_nothing(
    client: TestClient, request_body: dict[str, Any], worker: Any, rung: list[Any]
) -> None:
    made = submit(client, request_body)
    worker.finish_all()
    rung.clear()
    response = client.post(f"{V1}/experiments/{made['id']}:retry")
    assert (response.status_code, response.json()["state"]) == (202, "done")
    assert rung == []
    assert worker.claim() is None


# --- export -----------------------------------------------------------------------------------------------------------


def test_export_is_one_score_a_row_in_both_formats(
    client: TestClient, request_body: dict[str, Any], worker: Any
) -> None:
    made = submit(client, request_body)
    worker.finish_all(lambda claim: 61.5)
    address = f"{V1}/experiments/{made['id']}/export"
    response = client.get(address)
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert f"crosslift-experiment-{made['id']}.csv" in response.headers["content-disposition"]
    assert "\r\n" in response.text
    rows = list(csv.DictReader(io.StringIO(response.text)))
    languages = {row["language"] for row in rows}
    assert len(rows) == 2 * len(languages)  # the baseline and the recipe
    assert {"en", "de", "sw"} <= languages
    assert {row["recipe"] for row in rows} == {"none", "mnli"}
    assert {row["score"] for row in rows} == {"61.5"}
    lines = [json.loads(line) for line in client.get(address + "?format=jsonl").text.splitlines()]
    assert [{k: "" if v is None else str(v) for k, v in line.items()} for line in lines] == rows


def test_export_of_one_without_scores_is_a_header(client: TestClient, request_body: dict[str, Any]) -> None:
    made = submit(client, request_body)
    text = client.get(f"{V1}/experiments/{made['id']}/export").text
    assert text.count("\r\n") == 1
    assert client.get(f"{V1}/experiments/{made['id']}/export?format=jsonl").text == ""


def test_a_text_that_a_spreadsheet_would_run_is_made_harmless(
    client: TestClient, request_body: dict[str, Any], worker: Any
) -> None:
    rows = [{"name": text, "value": -1.5} for text in ("=1+1", "+1", "-1", "@x", "\tx", "\rx", "＝1", "mnli", 'a"b,c')]
    text = b"".join(as_csv(rows, ["name", "value"])).decode()
    found = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [r["name"] for r in found] == ["'=1+1", "'+1", "'-1", "'@x", "'\tx", "'\rx", "'＝1", "mnli", 'a"b,c']
    assert {r["value"] for r in found} == {"-1.5"}  # numbers stay numbers
    assert json.loads(b"".join(as_jsonl(rows, ["name", "value"])).splitlines()[0]) == {"name": "=1+1", "value": -1.5}


def test_a_long_export_comes_in_chunks() -> None:
    rows = [{"i": i} for i in range(1201)]
    chunks = list(as_csv(rows, ["i"]))
    assert len(chunks) == 3
    assert b"".join(chunks).decode().split() == ["i", *map(str, range(1201))]
    assert len(list(as_jsonl(rows, ["i"]))) == 3


# --- memory -----------------------------------------------------------------------------------------------------


def test_memory_is_forecast_and_held_against_the_workers(
    client: TestClient, store: Store, request_body: dict[str, Any]
) -> None:
    body = {**request_body, "seeds": [7]}
    found = Preview.model_validate(client.post(V1 + "/experiments:preview", json=body).json())
    (needed,) = found.memory
    assert needed.model == request_body["models"][0]
    assert needed.weights_bytes < needed.least_bytes <= needed.whole_bytes
    assert "no worker for it is there" in found.notes[0]
    with store.write() as session:
        workers.seen(session, "small", ["cpu"], 1, "a processor", needed.least_bytes - 1)
        workers.seen(session, "of another class", ["cuda"], 1, "a GPU", 1 << 40)
    for path in ("/experiments:preview", "/experiments"):
        refused = client.post(V1 + path, json=body)
        assert refused.status_code == 422
        (error,) = refused.json()["errors"]
        assert error["pointer"] == "/models/0"
        assert f"needs at least {needed.least_bytes / 1e9:.1f} GB" in error["message"]
    with store.write() as session:
        workers.seen(session, "large", ["cpu"], 1, "a processor", needed.whole_bytes)
    found = Preview.model_validate(client.post(V1 + "/experiments:preview", json=body).json())
    assert found.memory[0].how == "whole batches fit"
    assert not found.notes
    assert client.post(V1 + "/experiments", json=body).status_code == 201
    shown = {w["name"]: w["memory_bytes"] for w in client.get(V1 + "/workers").json()}
    assert shown["large"] == needed.whole_bytes


def test_the_preview_says_that_a_run_waits_for_a_worker_with_two_devices(
    client: TestClient, request_body: dict[str, Any], worker: Any
) -> None:
    body = {**request_body, "devices": 2}

    def notes() -> list[str]:
        found: list[str] = client.post("/api/v1/experiments:preview", json=body).json()["notes"]
        return [note for note in found if "devices" in note]

    assert notes() == ["Training waits for a cpu worker with 2 devices; none is there."]
    worker.appears(slots=1)
    assert notes() == ["Training waits for a cpu worker with 2 devices; of those that are there the largest has 1."]
    worker.appears(slots=2)
    assert notes() == []
    refused = client.post("/api/v1/experiments", json={**body, "targets": ["lareqa"]})
    assert refused.status_code == 422
    assert [e["pointer"] for e in refused.json()["errors"]] == ["/devices"]
