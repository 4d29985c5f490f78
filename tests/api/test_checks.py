"""MultiCheckList over HTTP: error rates by test and language, and failing cases, on real cases of the mini world."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from backend.domain import mini, reading
from backend.domain.checks import CheckFailures, CheckMatrix
from backend.domain.metrics.checklist import TESTS, error_rates
from backend.domain.run import RunKind
from backend.domain.tasks import TASKS
from backend.store import runs
from backend.store.runs import Claim, Result
from backend.store.session import Store

URL = "/api/v1/checklist"
TASK = TASKS["multichecklist"]
COST = {
    "device": "a processor", "device_class": "cpu", "precision": "fp32", "share": 1.0, "wall_seconds": 1.0, "device_seconds": 1.0,
    "examples": 1, "tokens": 1, "flops_analytic": 1.0, "flops_counted": None, "peak_memory_bytes": None, "energy_joules": None,
}  # fmt: skip


def questions(language: str) -> list[Any]:
    return list(reading.examples(TASK, mini.rows("multichecklist", language, "test"), "mini"))


def wrong(claim: Claim, treated: bool, id: str, cases: int = 10) -> bool:
    """Without the recipe the first questions of the first cases of each test, with it of as many less as the seed says."""
    _, case, number = id.split("/")
    return number == "0" and int(case) < (cases - 2 - (claim.spec.seed or 0) if treated else cases)


@pytest.fixture
def answers(client: TestClient, request_body: dict[str, Any], worker: Any, store: Store, tmp_path: Path) -> TestClient:
    return evaluated(client, request_body, worker, store, tmp_path)


def evaluated(
    client: TestClient, request_body: dict[str, Any], worker: Any, store: Store, tmp_path: Path, *, cases: int = 10, **more: Any
) -> TestClient:  # fmt: skip
    import pyarrow
    from pyarrow import parquet

    body = {
        **request_body,
        "recipes": ["mnli"],
        "targets": ["multichecklist"],
        "seeds": [0, 1],
        "languages": ["en", "hi"],
        **more,
    }
    assert client.post("/api/v1/experiments", json=body).status_code == 201
    while (claim := worker.claim()) is not None:
        folder = tmp_path / "artifacts" / f"{claim.run_id}"
        scores: list[tuple[str, str, float, int]] = []
        if claim.kind is RunKind.EVALUATE:
            rows = []
            for code in claim.spec.languages:
                told = [(q, wrong(claim, "after" in claim.title, q.id, cases)) for q in questions(code)]
                rows += [
                    {"language": code, "id": q.id, "prediction": "nothing" if bad else q.answers[0].text,
                     "gold": json.dumps([q.answers[0].text]), "score": 100.0 * (not bad), "confidence": 0.5}
                    for q, bad in told
                ]  # fmt: skip
                rates = error_rates((q.id, not bad) for q, bad in told)
                scores += [(code, metric, value, n) for metric, (value, n) in rates.items()]
            folder.mkdir(parents=True)
            parquet.write_table(pyarrow.Table.from_pylist(rows), folder / "predictions.parquet")
            content = (folder / "predictions.parquet").read_bytes()
            entry = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
            (folder / "manifest.json").write_text(json.dumps({"predictions.parquet": entry}))
        result = Result(
            scores=scores, artifact=f"file://{folder}", artifact_digest="0" * 64, cost=COST, parameters=1, parameters_non_embedding=1,
            environment={}, extra={},
        )  # fmt: skip
        with store.write() as session:
            assert runs.finish(session, claim.run_id, claim.attempt, result).ok
    return client


def test_error_rates_and_what_was_won(answers: TestClient) -> None:
    """Of thirty cases ten fail without the recipe; with it eight and seven: 100 · 2.5 / 30 = 8.33 points won."""
    found = CheckMatrix.model_validate(answers.get(URL).json())
    assert (found.model, found.recipe, found.recipes) == ("mini-2", "mnli", ["none", "mnli"])
    assert found.tests == [*TESTS, "all"] and {"en", "hi"} <= set(found.languages)
    cells = {(c.test, c.language): c for c in found.cells}
    cases = len({q.id.rpartition("/")[0] for q in questions("hi") if q.id.startswith("properties/")})
    cell = cells["properties", "hi"]
    assert cell.baseline == pytest.approx(100 * 10 / cases) and cell.error == pytest.approx(100 * 7.5 / cases)
    assert cell.gain == pytest.approx(100 * 2.5 / cases) and cell.seeds == [0, 1]
    assert cell.low is not None and cell.high is not None and cell.low < cell.gain < cell.high
    assert cells["all", "hi"].error == pytest.approx(sum(cells[t, "hi"].error or 0 for t in TESTS) / 6)
    assert cells["properties", "ar"].error is None and cells["properties", "ar"].missing is not None
    base = CheckMatrix.model_validate(answers.get(URL, params={"recipe": "none"}).json())
    alone = {(c.test, c.language): c for c in base.cells}
    assert alone["properties", "hi"].error == pytest.approx(cell.baseline) and alone["properties", "hi"].gain is None


def test_settings_that_are_chosen_are_those_of_cells_and_baselines(
    answers: TestClient, request_body: dict[str, Any], worker: Any, store: Store, tmp_path: Path
) -> None:
    """Under the others, of one seed, four cases fail without the recipe and two with it; those with two seeds are shown unless asked."""
    evaluated(answers, request_body, worker, store, tmp_path, cases=4, seeds=[0], finetuning={"steps": 20})
    cases = len({q.id.rpartition("/")[0] for q in questions("hi") if q.id.startswith("properties/")})
    choices = answers.get("/api/v1/gains?model=mini-2&target=multichecklist").json()["choices"]
    seen = {}
    for choice in [{"name": None}, *choices]:
        for recipe in ("mnli", "none"):
            asked = {"recipe": recipe} | ({"settings": choice["name"]} if choice["name"] else {})
            found = CheckMatrix.model_validate(answers.get(URL, params=asked).json())
            cell = next(c for c in found.cells if (c.test, c.language) == ("properties", "hi"))
            seen[choice.get("seeds"), recipe] = (round((cell.error or 0) * cases / 100, 6), cell.seeds)
    assert seen == {
        (None, "mnli"): (7.5, [0, 1]), (2, "mnli"): (7.5, [0, 1]), (1, "mnli"): (2.0, [0]),
        (None, "none"): (10.0, [0, 1]), (2, "none"): (10.0, [0, 1]), (1, "none"): (4.0, [0]),
    }  # fmt: skip
    assert answers.get(URL, params={"settings": "00000000"}).status_code == 422


def test_cases_that_fail(answers: TestClient) -> None:
    asked = {"model": "mini-2", "recipe": "mnli", "language": "hi", "test": "properties", "limit": "3"}
    found = CheckFailures.model_validate(answers.get(f"{URL}/failures", params=asked).json())
    assert (found.failed, found.seed, found.seeds, len(found.items)) == (8, 0, [0, 1], 3)
    case = found.items[0]
    assert case.case == "properties/0" and not case.questions[0].right and all(q.right for q in case.questions[1:])
    told = next(q for q in questions("hi") if q.id == "properties/0/0")
    seen = case.questions[0]
    assert [t.text for t in seen.texts] == [told.question, told.context]
    assert (seen.expected, seen.answer) == (told.answers[0].text, "nothing")
    last = answers.get(f"{URL}/failures", params={**asked, "limit": "20"}).json()
    assert last["next_cursor"] is None and len(last["items"]) == 8
    onward = answers.get(f"{URL}/failures", params={**asked, "cursor": str(found.next_cursor)}).json()
    assert onward["items"] == last["items"][3:6]
    base = answers.get(f"{URL}/failures", params={**asked, "recipe": "none", "seed": "1"}).json()
    assert (base["failed"], base["seed"]) == (10, 1)


def test_what_there_is_not(answers: TestClient) -> None:
    asked = {"model": "mini-2", "recipe": "mnli", "language": "hi", "test": "properties"}
    for changes, status, said in (
        ({"test": "spelling"}, 422, "unknown test"),
        ({"language": "ar"}, 404, "no case"),
        ({"recipe": "squad"}, 404, "no finished evaluation"),
        ({"seed": "9"}, 404, "its seeds are 0, 1"),
        ({"model": "mini-9"}, 422, "unknown model"),
    ):
        response = answers.get(f"{URL}/failures", params={**asked, **changes})
        assert response.status_code == status and said in response.text
    assert answers.get(URL, params={"source": "hub"}).status_code == 404
    assert answers.get(URL, params={"recipe": "squad"}).status_code == 404
    assert answers.get(URL, params={"model": "mini-4"}).status_code == 404
