"""Published figures over HTTP: filters, pages, sets, and ours beside them; the figures themselves are tested with ``literature``."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from backend.domain.literature import PublishedGain, PublishedView, Reproduction
from backend.domain.schemas import GainMatrix

V1 = "/api/v1/published"


def items(client: TestClient, path: str) -> list[dict[str, Any]]:
    """Of every page, by following the links."""
    found: list[dict[str, Any]] = []
    address: str | None = path
    while address:
        answer = client.get(address)
        assert answer.status_code == 200, answer.text
        found += answer.json()["items"]
        address = answer.links["next"]["url"] if "next" in answer.links else None
    return found


def test_filters_and_pages(idle: TestClient) -> None:
    first = idle.get(V1 + "?limit=2").json()
    assert first["total"] == 5741
    assert [f["id"] for f in first["items"]] == [1, 2]
    found = [PublishedView(**f) for f in items(idle, V1 + "?model=xlmr-large&task=xnli&protocol=zero-shot&limit=7")]
    assert {(f.model, f.task, f.protocol) for f in found} == {("xlmr-large", "xnli", "zero-shot")}
    assert len({f.id for f in found}) == len(found) == 18
    assert {f.metric for f in found} == {"accuracy"}
    none = idle.get(V1 + "?task=none&model=none&paper=vu2020&q=DROP&limit=1").json()
    assert none["total"] == 138  # 72 as a target, 66 before others


def test_a_name_that_no_figure_has_says_what_there_is(idle: TestClient) -> None:
    answer = idle.get(V1 + "?model=xlmr-larg&paper=phang&language=xx")
    assert answer.status_code == 422
    said = {e["pointer"]: e["message"] for e in answer.json()["errors"]}
    assert set(said) == {"query/model", "query/paper", "query/language"}
    assert "did you mean xlmr-large" in said["query/model"]
    assert "phang2020" in said["query/paper"]
    assert idle.get(V1 + "?protocol=zeroshot").status_code == 422


def test_sources_count_their_figures(idle: TestClient) -> None:
    sources = idle.get(V1 + "/sources").json()
    assert len(sources) == 54
    assert sum(s["figures"] for s in sources) == 5741
    one = next(s for s in sources if s["table"] == "rembert-table-16")
    assert (one["figures"], one["paper"], one["tasks"]) == (
        60, "rembert", ["mlqa", "none", "panx", "pawsx", "tydiqa", "udpos", "xnli", "xquad"],
    )  # fmt: skip


def test_gains_are_paged_and_can_be_of_the_catalogue_alone(idle: TestClient) -> None:
    found = [PublishedGain(**g) for g in items(idle, V1 + "/gains?catalogue=true&limit=5")]
    assert len(found) == 16
    assert {g.model for g in found} == {"xlmr-large"}
    assert idle.get(V1 + "/gains?limit=1").json()["total"] == 2502


def test_sets_are_gain_matrices(idle: TestClient) -> None:
    for each in idle.get(V1 + "/sets").json():
        found = GainMatrix.model_validate(idle.get(f"{V1}/sets/{each['name']}").json())
        assert found.metric == each["metrics"][0]
        assert found.benchmark.startswith("published")
    assert idle.get(V1 + "/sets/nothing").status_code == 404
    assert idle.get(V1 + "/sets/xlmv-xquad-test?metric=accuracy").status_code == 404


# --- ours beside them ----------------------------------------------------------------------------------------------------


@pytest.fixture
def ours(client: TestClient, request_body: dict[str, Any], worker: Any) -> None:
    """Two seeds of XLM-R large on XNLI: 80 points in every language with the first, 82 with the second."""
    asked = {**request_body, "source": "hub", "models": ["xlmr-large"], "recipes": ["mnli"], "seeds": [0, 1]}
    assert client.post("/api/v1/experiments", json=asked).status_code == 201
    worker.finish_all(lambda claim: 80.0 + 2 * (claim.spec.seed or 0))


@pytest.mark.usefixtures("ours")
def test_the_same_model_task_and_language_is_compared(client: TestClient) -> None:
    found = [Reproduction(**r) for r in items(client, V1 + "/reproduction?model=xlmr-large&task=xnli&language=en")]
    by_row = {(r.published.table, r.published.row): r for r in found}
    one = by_row["ernie-m", "XLM-R Large (zero-shot)"]
    assert one.ours == 81.0
    assert one.difference == pytest.approx(81.0 - one.published.value)
    assert (one.seeds, one.sd, len(one.runs), one.why) == (2, pytest.approx(2**0.5), 2, None)
    assert any("recipes differ" in note for note in one.notes)
    trained = by_row["ernie-m", "XLM-R Large (translate-train-all)"]
    assert (trained.ours, trained.why) == (None, "not run here")
    assert "not zero-shot" in trained.notes[0]


@pytest.mark.usefixtures("ours")
def test_a_printed_mean_is_compared_over_its_own_languages(client: TestClient) -> None:
    means = [Reproduction(**r) for r in items(client, V1 + "/reproduction?model=xlmr-large&task=xnli&language=avg")]
    tables = {r.published.table: r for r in means if r.published.protocol == "zero-shot"}
    assert tables["ernie-m"].ours == 81.0
    assert not any("taken to be" in note for note in tables["ernie-m"].notes)  # its row lists them
    assert any("taken to be the 15" in note for note in tables["mt5"].notes)


@pytest.mark.usefixtures("ours")
def test_only_what_was_run_here(client: TestClient) -> None:
    every = client.get(V1 + "/reproduction?limit=1").json()["total"]
    run = [Reproduction(**r) for r in items(client, V1 + "/reproduction?run=true&limit=10")]
    assert 0 < len(run) < every
    assert all(r.ours is not None and r.published.model == "xlmr-large" for r in run)
    assert items(client, V1 + "/reproduction?run=true&source=files") == []


def test_a_mean_with_a_missing_language_is_not_compared(
    client: TestClient, request_body: dict[str, Any], worker: Any
) -> None:
    asked = {**request_body, "source": "hub", "models": ["xlmr-large"], "languages": ["en", "de"]}
    assert client.post("/api/v1/experiments", json=asked).status_code == 201
    worker.finish_all(lambda claim: 80.0)
    means = [Reproduction(**r) for r in items(client, V1 + "/reproduction?model=xlmr-large&task=xnli&language=avg")]
    one = next(r for r in means if r.published.row == "XLM-R Large (zero-shot)")
    assert one.ours is None
    assert one.why is not None
    assert "no seed has all 15 languages here: missing are Arabic" in one.why


def test_synthetic_results_are_beside_nothing(idle: TestClient) -> None:
    answer = idle.get(V1 + "/reproduction?source=mini")
    assert answer.status_code == 422
    assert "synthetic" in answer.json()["errors"][0]["message"]
