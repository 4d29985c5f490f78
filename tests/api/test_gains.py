"""Gains and trade-offs over HTTP; the numbers themselves are tested with ``domain.gains`` and ``store.gains``."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from backend.domain.schemas import GainMatrix, TradeoffPoint

V1 = "/api/v1"


@pytest.fixture
def results(client: TestClient, request_body: dict[str, Any], worker: Any) -> None:
    """Three seeds of XNLI on mini-2 with a gain of five points, and one of XQuAD on mini-4."""
    client.post(V1 + "/experiments", json={**request_body, "recipes": ["squad"], "seeds": [0, 1, 2]})

    def score(claim: Any) -> float:
        treated = "after squad" in claim.title
        return 50.0 + (5.0 + 0.1 * (claim.spec.seed or 0) if treated else 0.0)

    worker.finish_all(score)


def test_nothing_yet(client: TestClient) -> None:
    response = client.get(V1 + "/gains")
    assert response.status_code == 404
    assert "no runs of mini-XTREME-R" in response.json()["detail"]
    assert client.get(V1 + "/tradeoff").json() == []


@pytest.mark.usefixtures("results")
def test_what_is_left_out_is_chosen(client: TestClient) -> None:
    found = GainMatrix.model_validate(client.get(V1 + "/gains").json())
    assert (found.model, found.target, found.metric, found.synthetic) == ("mini-2", "xnli", "accuracy", True)
    named = client.get(V1 + "/gains?model=mini-2&target=xnli&metric=accuracy&source=mini")
    assert named.json() == client.get(V1 + "/gains").json()
    cells = [c for c in found.cells if c.recipe == "squad"]
    assert [c.language for c in cells] == found.languages
    assert all(c.gain == pytest.approx(5.1) and c.n == 3 for c in cells)


@pytest.mark.usefixtures("results")
def test_one_without_results_says_why(client: TestClient) -> None:
    found = GainMatrix.model_validate(client.get(V1 + "/gains?model=mini-4&target=xnli").json())
    assert found.model == "mini-4"
    assert all(c.gain is None and c.missing is not None for c in found.cells)


@pytest.mark.usefixtures("results")
def test_a_new_score_changes_the_tag(client: TestClient, request_body: dict[str, Any], worker: Any) -> None:
    tag = client.get(V1 + "/gains").headers["etag"]
    assert client.get(V1 + "/gains", headers={"If-None-Match": tag}).status_code == 304
    client.post(V1 + "/experiments", json={**request_body, "recipes": ["hellaswag"]})
    worker.finish_all(lambda claim: 40.0)
    assert client.get(V1 + "/gains", headers={"If-None-Match": tag}).status_code == 200


@pytest.mark.usefixtures("results")
@pytest.mark.parametrize("languages", ["mean_transfer", "mean_all", "sw"])
def test_tradeoff(client: TestClient, languages: str) -> None:
    points = [TradeoffPoint.model_validate(p) for p in client.get(f"{V1}/tradeoff?languages={languages}").json()]
    assert [(p.model, p.recipe, p.target, p.language) for p in points] == [("mini-2", "squad", "xnli", languages)]
    assert points[0].gain == pytest.approx(5.1)
    assert points[0].device_hours_marginal > 0
