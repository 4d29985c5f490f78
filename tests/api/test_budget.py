"""An experiment that may take so many device-hours: what has not begun is let go, what is at work ends, what others want goes on."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from backend.domain.schemas import ExperimentView

V1 = "/api/v1"
RUN = 720.0  # seconds, of half a device: 0.1 device-hours


def view(client: TestClient, id: int = 1) -> ExperimentView:
    return ExperimentView.model_validate_json(client.get(f"{V1}/experiments/{id}").content)


def states(client: TestClient, id: int) -> list[str]:
    return [r["state"] for r in client.get(f"{V1}/experiments/{id}/runs?limit=200").json()["items"]]


@pytest.mark.parametrize("wrong", [0, -1, "a lot"])
def test_what_it_may_take_is_a_number_above_nothing(
    idle: TestClient, request_body: dict[str, Any], wrong: object
) -> None:
    answer = idle.post(f"{V1}/experiments:preview", json={**request_body, "stop_after": wrong})
    assert answer.status_code == 422 and answer.json()["errors"][0]["pointer"] == "/stop_after"


def test_what_has_not_begun_is_let_go(client: TestClient, request_body: dict[str, Any], worker: Any) -> None:
    client.post(f"{V1}/experiments", json={**request_body, "seeds": [0, 1], "stop_after": 0.15})
    worker.finish(worker.claim(), seconds=RUN)  # 0.1 of 0.15
    assert view(client).device_hours == pytest.approx(0.1) and view(client).state == "running"
    second, third = worker.claim(), worker.claim()
    worker.finish(second, seconds=RUN)  # 0.2
    stopped = view(client)
    assert stopped.state == "cancelled" and (stopped.counts.done, stopped.counts.running) == (2, 1)
    assert stopped.counts.waiting == stopped.counts.queued == 0
    assert stopped.device_hours == pytest.approx(0.2)
    assert worker.claim() is None
    worker.finish(third, seconds=RUN)  # what was at work ends, and counts
    assert view(client).counts.done == 3 and worker.claim() is None
    again = client.post(f"{V1}/experiments/1:retry")
    assert again.status_code == 409 and "may take more: what is done is reused" in again.json()["detail"]
    # a copy that may take more goes on where this one stopped, and pays for what it computes alone
    client.post(f"{V1}/experiments", json={**request_body, "seeds": [0, 1], "stop_after": 50})
    worker.finish_all(seconds=RUN)
    copy = view(client, 2)
    assert (copy.state, copy.reused) == ("done", 3)
    assert copy.device_hours == pytest.approx(0.1 * (copy.runs - 3))


def test_what_another_experiment_wants_goes_on(client: TestClient, request_body: dict[str, Any], worker: Any) -> None:
    client.post(f"{V1}/experiments", json={**request_body, "seeds": [0, 1], "stop_after": 0.05})
    client.post(f"{V1}/experiments", json={**request_body, "seeds": [0]})
    worker.finish_all(seconds=RUN)
    assert view(client, 1).state == "cancelled"
    assert view(client, 2).state == "done" and set(states(client, 2)) == {"done"}
    assert "cancelled" in states(client, 1)  # of the second seed


def test_one_that_is_done_within_it_is_done(client: TestClient, request_body: dict[str, Any], worker: Any) -> None:
    """The last run may use it up: nothing is left to stop."""
    runs = client.post(f"{V1}/experiments:preview", json=request_body).json()["runs"]
    client.post(f"{V1}/experiments", json={**request_body, "stop_after": 0.1 * runs - 0.05})
    worker.finish_all(seconds=RUN)
    assert view(client).state == "done" and view(client).device_hours == pytest.approx(0.1 * runs)


def test_the_preview_says_that_it_would_be_stopped(
    client: TestClient, request_body: dict[str, Any], worker: Any
) -> None:
    client.post(f"{V1}/experiments", json=request_body)
    worker.finish_all(seconds=RUN)

    def notes(stop_after: float) -> str:
        body = {**request_body, "seeds": [1], "stop_after": stop_after}
        return " ".join(client.post(f"{V1}/experiments:preview", json=body).json()["notes"])

    assert "It will be stopped before it is done" in notes(0.01)
    assert "stopped before" not in notes(1000.0)
