"""The answer over HTTP: from scores in the store to the sentence, its data as CSV, and what is kept in memory."""

from __future__ import annotations

import csv
import hashlib
import io
import math
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from backend.domain.answer import Answer
from backend.domain.model import MODELS
from backend.domain.run import RunKind
from backend.domain.task import Source
from backend.store import answer, runs
from backend.store.runs import Claim, Result
from backend.store.session import Store

V1 = "/api/v1"
BODY = {
    "name": "Sizes", "source": "mini", "models": ["mini-1", "mini-2", "mini-4"], "recipes": ["mnli", "squad", "control-mlm:mnli"],
    "targets": ["tatoeba"], "seeds": [0, 1, 2],
}  # fmt: skip


def ask(client: TestClient, query: str = "") -> Answer:
    response = client.get(f"{V1}/answer{query}")
    assert response.status_code == 200, response.text
    return Answer.model_validate(response.json())


COST = {
    "device": "a processor", "device_class": "cpu", "precision": "fp32", "share": 0.5, "wall_seconds": 2.0, "examples": 100,
    "tokens": 1000, "flops_analytic": 1e9, "flops_counted": None, "peak_memory_bytes": None, "energy_joules": None,
}  # fmt: skip


@pytest.fixture
def finish(store: Store) -> Callable[[Claim], None]:
    """Finish a run, with scores by which a gain grows by 6 points per ten-fold parameters; seeds and languages differ somewhat."""

    def end(claim: Claim) -> None:
        model = MODELS[claim.model]
        scores = []
        if claim.kind is RunKind.EVALUATE:
            with store.read() as session:
                treated = runs.view(session, claim.run_id).recipe != "none"
            size, seed = math.log10(model.parameters_non_embedding) - 5, claim.spec.seed or 0
            for i, language in enumerate(claim.spec.languages):
                luck = 0.4 * math.sin(7 * seed + 3 * model.architecture.layers) + 0.3 * math.sin(
                    5 * i + 11 * seed + 2 * size
                )
                scores.append((language, "accuracy", 40 + i + treated * (6 * size + luck), 100))
        result = Result(
            scores=scores, artifact=f"file:///a/{claim.run_id}", artifact_digest="0" * 64, environment={"torch": "x"}, extra={},
            cost={**COST, "device_seconds": 1.0 + model.parameters_non_embedding / 1e5}, parameters=model.parameters,
            parameters_non_embedding=model.parameters_non_embedding,
        )  # fmt: skip
        with store.write() as session:
            assert runs.finish(session, claim.run_id, claim.attempt, result).ok

    return end


def finish_all(worker: Any, finish: Callable[[Claim], None]) -> None:
    while (claim := worker.claim()) is not None:
        finish(claim)


def submit(client: TestClient, **changes: Any) -> None:
    assert client.post(V1 + "/experiments", json={**BODY, **changes}).is_success


def test_an_empty_store_has_not_enough_evidence(client: TestClient) -> None:
    found = ask(client)
    assert found.sentence.startswith("Not enough evidence")
    assert (found.gains, found.points, found.line, found.efficiency) == (0, [], [], [])
    (step,) = found.next_steps
    assert "3 seeds" in step.what
    assert step.device_hours is None


def test_from_scores_to_the_sentence(client: TestClient, worker: Any, finish: Callable[[Claim], None]) -> None:
    submit(client)
    finish_all(worker, finish)
    found = ask(client)
    size = found.effects[0]
    assert size.name == "size"
    assert size.low is not None
    assert size.low < 6 < size.high  # type: ignore[operator]
    assert "worth more to larger ones" in found.sentence
    assert "synthetic" in found.also[-1]
    assert [p.model for p in found.points if p.group == "all"] == ["mini-1", "mini-2", "mini-4"]
    assert found.device_class == "cpu"
    assert [e.model for e in found.efficiency] == ["mini-1", "mini-2", "mini-4"]
    out = {entry.what: entry for entry in found.left_out}
    assert out["control-mlm:mnli"].gains > 0
    assert "control" in out["control-mlm:mnli"].why

    table = client.get(V1 + "/answer/data")
    assert hashlib.sha256(table.content).hexdigest() == found.data_sha256
    rows = list(csv.DictReader(io.StringIO(table.text)))
    assert len(rows) == found.gains
    assert {r["recipe"] for r in rows} == {"mnli", "squad"}
    assert "en" not in {r["language"] for r in rows}
    assert ask(client, "?task_format=tagging").gains == 0


def test_too_few_seeds_say_what_to_run_and_what_it_takes(
    client: TestClient, worker: Any, finish: Callable[[Claim], None]
) -> None:
    submit(client, seeds=[0])
    finish_all(worker, finish)
    found = ask(client)
    assert "1 seed of a model" in found.sentence
    (step,) = found.next_steps
    assert step.what == "3 seeds of every model"
    assert step.runs > 0
    assert step.device_hours is not None
    assert step.device_hours.low <= step.device_hours.median <= step.device_hours.high
    assert step.request is not None
    assert step.request["seeds"] == [0, 1, 2]
    again = client.post(V1 + "/experiments:preview", json=step.request)  # it can be submitted as it is
    assert again.is_success, again.text
    assert again.json()["runs_to_do"] == step.runs


def test_two_sizes_ask_for_a_third(client: TestClient, worker: Any, finish: Callable[[Claim], None]) -> None:
    submit(client, models=["mini-1", "mini-2"], recipes=["mnli"])
    finish_all(worker, finish)
    found = ask(client)
    assert "2 sizes" in found.sentence
    (step,) = found.next_steps
    assert step.request is not None
    (more,) = set(step.request["models"]) - {"mini-1", "mini-2"}  # type: ignore[call-overload]
    sizes = {MODELS[m].parameters_non_embedding for m in ("mini-1", "mini-2")}
    assert MODELS[more].parameters_non_embedding not in sizes


def test_a_fit_is_kept_until_a_run_has_ended(
    client: TestClient, store: Store, worker: Any, finish: Callable[[Claim], None]
) -> None:
    def kept() -> Any:
        with store.read() as session:
            return answer.fitted(session, source=Source.MINI)

    submit(client, seeds=[0], recipes=["mnli"])
    finish_all(worker, finish)
    before = kept()
    assert kept() is before
    submit(client, seeds=[1], recipes=["mnli"])
    assert kept() is before  # what waits changes no gain
    finish_all(worker, finish)
    after = kept()
    assert after is not before
    assert len(after.observations) == 2 * len(before.observations)


def test_a_failed_run_is_flagged_and_in_no_number(
    client: TestClient, worker: Any, finish: Callable[[Claim], None]
) -> None:
    submit(client, recipes=["mnli"])
    while (claim := worker.claim()) is not None:
        if claim.kind is RunKind.INTERMEDIATE and claim.model == "mini-4":
            worker.fail(claim)
        else:
            finish(claim)
    found = ask(client)
    assert len(found.failed) == 3
    assert all("failed" in f.why for f in found.failed)
    assert "3 runs failed" in " ".join(found.also)
    assert {p.model for p in found.points} == {"mini-1", "mini-2"}
    assert "2 sizes" in found.sentence


def test_a_source_or_format_that_there_is_not_is_refused(client: TestClient) -> None:
    assert client.get(V1 + "/answer?source=disk").status_code == 422
    assert client.get(V1 + "/answer?task_format=poetry").status_code == 422
