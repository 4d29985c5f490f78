"""What to run next, through the API: what is looked at, what is left out, by what it is ordered, and what came of it."""

from __future__ import annotations

import zlib
from typing import Any

import pytest
from fastapi.testclient import TestClient

from backend.domain.recommendation import ExpectedRows, Recommendations
from backend.store import promising

V1 = "/api/v1"
EFFECT = {"squad": 4.0, "siqa": -3.0, "hellaswag": 0.5}


def ask(client: TestClient) -> Recommendations:
    return Recommendations.model_validate_json(client.get(f"{V1}/recommendations").content)


def score(claim: Any) -> float:
    """Gains that follow the recipe, but for a little that depends on the run."""
    recipe = next((r for r in EFFECT if f"after {r}" in claim.title), None)
    return 50.0 + EFFECT.get(recipe or "", 0.0) + zlib.crc32(claim.title.encode()) % 100 / 200


def test_of_an_empty_store_it_says_that_too_little_is_known(idle: TestClient, request_body: dict[str, Any]) -> None:
    found = ask(idle)
    assert (found.items, found.records, found.acted_on) == ([], [], [])
    assert "Too little has been measured" in found.said
    expected = idle.post(f"{V1}/experiments:expect", json=request_body).json()
    assert expected["rows"] == [] and "Too little" in expected["said"]
    assert idle.get(f"{V1}/recommendations?source=nowhere").status_code == 422
    wrong = idle.post(f"{V1}/experiments:expect", json={**request_body, "models": ["nobody"]})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/models/0")


@pytest.fixture
def laboratory(client: TestClient, request_body: dict[str, Any], worker: Any) -> None:
    worker.appears()
    body = {**request_body, "models": ["mini-1", "mini-2"], "recipes": list(EFFECT), "targets": ["xnli", "pawsx"]}
    assert client.post(f"{V1}/experiments", json=body).status_code == 201
    worker.finish_all(score, seconds=7.0)


@pytest.mark.usefixtures("laboratory")
def test_what_nobody_has_run_is_ordered_by_what_it_promises_an_hour(
    client: TestClient, request_body: dict[str, Any], worker: Any
) -> None:
    found = ask(client)
    assert len(found.items) == promising.SHOWN and found.candidates > 20
    tried = {(m, r, t) for m in ("mini-1", "mini-2") for r in EFFECT for t in ("xnli", "pawsx")}
    for item in found.items:
        assert (item.model, item.recipe, item.target) not in tried
        assert (item.recipe, item.target) != ("mnli", "xnli")  # the same data twice
        assert item.low < item.high and item.improvement >= 0 and item.runs_to_do > 0
        assert item.device_hours is not None
        assert item.per_device_hour == pytest.approx(item.improvement / item.device_hours.median)
        assert item.best is None or item.best_recipe in EFFECT
    rates = [item.per_device_hour for item in found.items]
    assert rates == sorted(rates, reverse=True)
    assert "expected improvement per device-hour" in found.said
    (record,) = found.records
    assert (record.metric, record.rows) == ("accuracy", 12) and record.error < record.error_of_mean
    # the whole request can be asked about as it is, and what the preview forecasts is what stands beside it
    first = found.items[0]
    preview = client.post(f"{V1}/experiments:preview", json=first.request.model_dump(mode="json")).json()
    assert preview["runs_to_do"] == first.runs_to_do
    assert preview["device_hours"]["median"] == pytest.approx(first.device_hours.median)


@pytest.mark.usefixtures("laboratory")
def test_more_seeds_come_before_anything_new_while_most_gains_have_too_few(
    client: TestClient, request_body: dict[str, Any], worker: Any
) -> None:
    repeat = ask(client).repeat
    assert repeat is not None
    assert repeat.cells == repeat.of > 0  # one seed each
    assert (repeat.request.models, repeat.request.seeds) == (("mini-1", "mini-2"), (0, 1, 2))
    body = repeat.request.model_dump(mode="json")
    preview = client.post(f"{V1}/experiments:preview", json=body).json()
    assert preview["runs_to_do"] == repeat.runs_to_do > 0
    assert repeat.device_hours is not None
    assert preview["device_hours"]["median"] == pytest.approx(repeat.device_hours.median)
    assert client.post(f"{V1}/experiments", json=body).status_code == 201
    assert ask(client).repeat is None  # it is being done
    worker.finish_all(score)
    assert ask(client).repeat is None


@pytest.mark.usefixtures("laboratory")
def test_what_was_run_since_is_held_against_what_was_expected(
    client: TestClient, request_body: dict[str, Any], worker: Any
) -> None:
    before = ask(client)
    assert before.acted_on == [] and "No row that could have been recommended" in before.acted_on_said
    body = {**request_body, "models": ["mini-2"], "recipes": ["squad", "control:squad"], "targets": ["xcopa"]}
    asked = ExpectedRows.model_validate_json(client.post(f"{V1}/experiments:expect", json=body).content)
    (row,) = asked.rows  # the control is there to be compared with
    assert (row.recipe, row.target, asked.known) == ("squad", "xcopa", 0) and row.low < row.expected < row.high
    id = client.post(f"{V1}/experiments", json=body).json()["id"]
    under_way = ask(client)  # what is being looked for is recommended to nobody
    assert all((i.model, i.recipe, i.target) != ("mini-2", "squad", "xcopa") for i in under_way.items)
    worker.finish_all(score)
    (acted,) = ask(client).acted_on
    assert (acted.experiment, acted.recipe, acted.target) == (id, "squad", "xcopa")
    assert (acted.expected, acted.low, acted.high) == pytest.approx((row.expected, row.low, row.high))
    assert acted.found == pytest.approx(EFFECT["squad"], abs=0.6)
    again = ExpectedRows.model_validate_json(client.post(f"{V1}/experiments:expect", json=body).content)
    assert again.rows == [] and again.known == 1 and "has a gain already" in again.said


@pytest.mark.usefixtures("laboratory")
def test_it_is_computed_once_until_a_run_ends(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, request_body: dict[str, Any]
) -> None:
    computed: list[None] = []
    real = promising._recommendations
    monkeypatch.setattr(promising, "_recommendations", lambda *a: (computed.append(None), real(*a))[1])
    assert ask(client) == ask(client)
    assert len(computed) == 1
    client.post(f"{V1}/experiments", json={**request_body, "targets": ["tatoeba"]})
    ask(client)
    assert len(computed) == 2
