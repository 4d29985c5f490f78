"""Gains and trade-offs over HTTP; the numbers themselves are tested with ``domain.gains`` and ``store.gains``."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from backend.domain.gains import Verdict
from backend.domain.schemas import GainMatrix, Overview, TradeoffPoint

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


@pytest.mark.usefixtures("results")
def test_tradeoff_over_a_group_of_languages(client: TestClient) -> None:
    (point,) = client.get(f"{V1}/tradeoff?languages=family:Turkic").json()
    assert (point["language"], point["n"]) == ("family:Turkic", 3) and point["gain"] == pytest.approx(5.1)
    assert client.get(f"{V1}/tradeoff?languages=family:Uralic").json() == []  # XNLI has none of them
    for value, accepted in (("family:Turk", "Turkic"), ("resource:none", "high, low, mid"), ("all", "mean_all")):
        response = client.get(f"{V1}/tradeoff?languages={value}")
        (error,) = response.json()["errors"]
        assert response.status_code == 422 and error["pointer"] == "query/languages" and accepted in error["message"]


@pytest.mark.usefixtures("results")
def test_overview(client: TestClient) -> None:
    found = Overview.model_validate(client.get(V1 + "/overview").json())
    assert (found.benchmark, found.synthetic, found.experiments, found.runs_done) == ("mini-XTREME-R", True, 1, 16)
    assert found.cells == found.cells_possible == sum(found.verdicts.values()) == 9
    (pair,) = found.pairs
    assert found.best == found.best_per_hour == pair
    assert (pair.recipe, pair.k, pair.n, pair.seeds, pair.verdict) == ("squad", 8, 8, 3, Verdict.HELPS)
    assert pair.gain == pytest.approx(5.1)
    response = client.get(V1 + "/overview?model=mini-1")
    assert response.json()["pairs"] == [] and response.json()["best"] is None
    tag = client.get(V1 + "/overview").headers["etag"]
    assert client.get(V1 + "/overview", headers={"If-None-Match": tag}).status_code == 304
    assert client.get(V1 + "/overview?source=hub").status_code == 404
    assert client.get(V1 + "/overview?target=xnl").json()["errors"][0]["pointer"] == "query/target"


@pytest.mark.usefixtures("results")
def test_gains_as_a_table(client: TestClient, request_body: dict[str, Any], worker: Any) -> None:
    client.post(V1 + "/experiments", json={**request_body, "recipes": ["hellaswag"]})
    response = client.get(V1 + "/gains/export?model=mini-2&target=xnli")
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert 'filename="crosslift-gains-mini-mini-2-xnli-accuracy.csv"' in response.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(response.text)))
    assert len(rows) == 2 * 9
    known = next(r for r in rows if r["recipe"] == "squad" and r["language"] == "sw")
    assert float(known["gain"]) == pytest.approx(5.1) and known["n_seeds"] == "3" and known["missing"] == ""
    assert int(known["parameters"]) == 1000  # as the worker counted
    empty = next(r for r in rows if r["recipe"] == "hellaswag")
    assert (empty["gain"], empty["missing"]) == ("", "not_run") and "is waiting" in empty["why_missing"]
    lines = client.get(V1 + "/gains/export?model=mini-2&target=xnli&format=jsonl").text.splitlines()
    assert [json.loads(line)["recipe"] for line in lines] == [r["recipe"] for r in rows]
    assert client.get(V1 + "/gains/export?target=xnl").status_code == 422


@pytest.mark.usefixtures("results")
def test_of_several_settings_one_can_be_chosen(client: TestClient, request_body: dict[str, Any], worker: Any) -> None:
    where = V1 + "/gains?model=mini-2&target=xnli"
    assert "choices" not in client.get(where).json()
    client.post(V1 + "/experiments", json={**request_body, "recipes": ["squad"], "translate_train": ["en", "de"]})
    worker.finish_all(lambda claim: 50.0 + (2.0 if "after squad" in claim.title else 0.0))
    every = GainMatrix.model_validate_json(client.get(where).content)
    assert [c.title for c in every.choices] == ["zero-shot", "trained in de too"]
    found = GainMatrix.model_validate_json(client.get(f"{where}&settings={every.choices[1].name}").content)
    assert {c.gain for c in found.cells} == {2.0}
    table = client.get(f"{where.replace('gains', 'gains/export')}&settings={every.choices[1].name}").text
    assert {float(r["gain"]) for r in csv.DictReader(io.StringIO(table))} == {2.0}
    for wrong in ("0123456789", "zero-shot"):
        refused = client.get(f"{where}&settings={wrong}")
        assert (refused.status_code, wrong in refused.text) == (422, True)
        assert refused.json()["errors"][0]["pointer"].endswith("/settings")
