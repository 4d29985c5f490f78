"""Gains by language, portfolios and fitted lines over HTTP; the numbers themselves are tested with ``store``."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from backend.domain.by_language import LanguageDetail, LanguageTable
from backend.domain.portfolio import Portfolio
from backend.domain.trend import Trends

V1 = "/api/v1"


@pytest.fixture
def results(client: TestClient, request_body: dict[str, Any], worker: Any) -> None:
    """Three seeds of XNLI with a gain of five points."""
    client.post(V1 + "/experiments", json={**request_body, "recipes": ["squad"], "seeds": [0, 1, 2]})
    worker.finish_all(lambda claim: 55.0 + 0.1 * (claim.spec.seed or 0) if "after squad" in claim.title else 50.0)


def test_nothing_yet_is_an_answer(client: TestClient) -> None:
    found = LanguageTable.model_validate(client.get(V1 + "/gains/languages").json())
    assert (found.model, {row.gain for row in found.languages}) == (None, {None})
    assert LanguageDetail.model_validate(client.get(V1 + "/gains/languages/sw").json()).cells == []
    bought = Portfolio.model_validate(client.get(V1 + "/tradeoff/portfolio?budget=20").json())
    assert (bought.considered, bought.cells, bought.device_class) == (0, [], None)
    assert Trends.model_validate(client.get(V1 + "/tradeoff/trend").json()).trends == []


@pytest.mark.usefixtures("results")
def test_one_language_and_what_a_budget_buys(client: TestClient) -> None:
    found = LanguageDetail.model_validate(client.get(V1 + "/gains/languages/sw").json())
    assert [c.gain for c in found.cells if c.gain is not None] == [pytest.approx(5.1)]
    tag = client.get(V1 + "/gains/languages").headers["etag"]
    assert client.get(V1 + "/gains/languages", headers={"If-None-Match": tag}).status_code == 304
    bought = Portfolio.model_validate(client.get(V1 + "/tradeoff/portfolio?budget=20&seeds=1").json())
    assert [(c.recipe, c.target) for c in bought.cells] == [("squad", "xnli")]
    (line,) = Trends.model_validate(client.get(V1 + "/tradeoff/trend").json()).trends
    assert line.why == "gains at 1 size of models, and a line takes 3"
    points = client.get(V1 + "/tradeoff?target=xnli&each=true").json()
    assert {p["language"] for p in points} >= {"de", "sw"}


def test_a_language_that_is_none_is_not_found(client: TestClient) -> None:
    response = client.get(V1 + "/gains/languages/elvish")
    assert response.status_code == 404
    assert "unknown language" in response.json()["detail"]
