"""A submission over HTTP: sent and checked, built from stored predictions, and what is refused."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from backend.api.gate import API_BODY_BYTES, LARGER
from backend.domain.run import RunKind
from backend.domain.submission import SubmissionCheck
from backend.settings import settings
from backend.store import runs
from backend.store.runs import Result
from backend.store.session import Store

URL = "/api/v1/submissions:check"
ZIP = {"Content-Type": "application/zip"}


def archive(members: dict[str, str]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in members.items():
            out.writestr(name, content)
    return made.getvalue()


def sent(client: TestClient, members: dict[str, str], **query: str) -> SubmissionCheck:
    response = client.post(URL, content=archive(members), headers=ZIP, params=query)
    assert response.status_code == 200, response.text
    return SubmissionCheck.model_validate(response.json())


def test_the_mock_submission_has_the_official_numbers(idle: TestClient, benchmark_files: Path) -> None:
    mock = benchmark_files / "xtreme_mock"
    files = [path for side in ("predictions", "labels") for path in (mock / side).rglob("*") if path.is_file()]
    members = {f"mock/{path.relative_to(mock)}": path.read_text("utf-8") for path in files}
    found = sent(idle, members, benchmark="xtreme")
    expected = json.loads((mock / "expected_scores.json").read_text())["official_test_constants_xtreme"]
    by_name = {task.name: task for task in found.tasks}
    for task, averages in expected.items():
        assert {name: by_name[task].average[name.removeprefix("avg_")] for name in averages} == averages
    assert found.labels == "upload" and found.folder == "mock/predictions"
    assert [g.name for g in found.official][-1] == "overall"
    there = {name: sum(f.status == "right" for f in task.files) for name, task in by_name.items()}
    assert there["xnli"] == len(by_name["xnli"].files)


def test_labels_of_the_data_root(idle: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    members = {"xnli/test-en.tsv": "neutral\nneutral\n", "xnli/test-de.tsv": "neutral\n"}
    assert sent(idle, members).labels is None
    folder = tmp_path / "labels" / "xnli"
    folder.mkdir(parents=True)
    for code in ("en", "de"):
        (folder / f"test-{code}.tsv").write_text("neutral\nentailment\n")
    monkeypatch.setattr(settings(), "data_root", tmp_path)
    found = sent(idle, members)
    status = {f.language: f for f in next(t for t in found.tasks if t.name == "xnli").files}
    assert found.labels == "data root"
    assert (
        status["en"].points == {"accuracy": 50.0}
        and status["de"].status == "wrong length"
        and status["fr"].status == "missing"
    )


def test_what_is_refused(idle: TestClient) -> None:
    whole = archive({"xnli/test-en.tsv": "neutral\n"})
    assert idle.post(URL, content=whole, headers={"Content-Type": "text/plain"}).status_code == 415
    assert idle.post(URL, content=b"nothing", headers=ZIP).status_code == 422
    assert idle.post(URL, content=archive({"../xnli/test-en.tsv": ""}), headers=ZIP).status_code == 422
    assert idle.post(URL, content=whole, headers=ZIP, params={"benchmark": "glue"}).status_code == 422
    assert idle.get(URL).status_code == 405


def test_this_address_reads_more_and_no_other_does(idle: TestClient) -> None:
    """Above what other addresses read it is looked at; above its own limit it is not, announced or not."""
    long = b"x" * (API_BODY_BYTES + 1)
    assert idle.post(URL, content=long, headers=ZIP).status_code == 422  # read, and no archive
    assert idle.post("/api/v1/imports", content=long, headers={"Content-Type": "application/json"}).status_code == 413
    announced = {**ZIP, "Content-Length": str(LARGER[URL] + 1)}
    assert idle.post(URL, content=b"x", headers=announced).status_code == 413


def test_only_submitters_send(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from backend.api.access import API
    from backend.domain.account import Role

    needs = {f"{rule.method} {rule.template}": rule.needs for rule in API}
    assert needs[f"POST {URL}"] is Role.SUBMITTER
    for name in ("submissions", "submission", "submission/check"):
        assert needs["GET /api/v1/experiments/{experiment_id}/" + name] is Role.VIEWER


@pytest.fixture
def experiment(client: TestClient, request_body: dict[str, Any], worker: Any, store: Store, tmp_path: Path) -> int:
    """One recipe and its baseline on XNLI in two languages, with predictions: every second one right."""
    import pyarrow
    from pyarrow import parquet

    body = {**request_body, "recipes": ["squad"], "seeds": [0], "languages": ["en", "sw"]}
    made = client.post("/api/v1/experiments", json=body).json()
    while (claim := worker.claim()) is not None:
        folder = tmp_path / "artifacts" / f"{claim.run_id}"
        folder.mkdir(parents=True)
        scores = []
        if claim.kind is RunKind.EVALUATE:
            rows = [
                {"language": code, "id": f"{i}", "prediction": "neutral", "gold": ("neutral", "entailment")[i % 2]}
                for code in claim.spec.languages
                for i in range(4)
            ]
            parquet.write_table(pyarrow.Table.from_pylist(rows), folder / "predictions.parquet")
            content = (folder / "predictions.parquet").read_bytes()
            entry = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
            (folder / "manifest.json").write_text(json.dumps({"predictions.parquet": entry}))
            scores = [(code, "accuracy", 50.0, 4) for code in claim.spec.languages]
        cost = {
            "device": "a processor", "device_class": "cpu", "precision": "fp32", "share": 1.0, "wall_seconds": 1.0, "device_seconds": 1.0,
            "examples": 1, "tokens": 1, "flops_analytic": 1.0, "flops_counted": None, "peak_memory_bytes": None, "energy_joules": None,
        }  # fmt: skip
        result = Result(
            scores=scores, artifact=f"file://{folder}", artifact_digest="0" * 64, cost=cost, parameters=1, parameters_non_embedding=1,
            environment={}, extra={},
        )  # fmt: skip
        with store.write() as session:
            assert runs.finish(session, claim.run_id, claim.attempt, result).ok
    return int(made["id"])


def test_a_submission_of_stored_predictions(client: TestClient, experiment: int) -> None:
    base = f"/api/v1/experiments/{experiment}/submission"
    choices = client.get(f"{base}s").json()
    assert {(c["recipe"], c["seed"]) for c in choices} == {("none", 0), ("squad", 0)}
    assert choices[0]["tasks"] == ["xnli"] and "xcopa" in choices[0]["missing"]
    of = {"model": "mini-2", "recipe": "squad", "seed": "0"}
    built = client.get(base, params=of)
    assert (
        built.headers["content-type"] == "application/zip"
        and "crosslift-xtreme-r-1.zip" in built.headers["content-disposition"]
    )
    with zipfile.ZipFile(io.BytesIO(built.content)) as whole:
        assert whole.read("xnli/test-sw.tsv") == b"neutral\n" * 4
    found = SubmissionCheck.model_validate(client.get(f"{base}/check", params=of).json())
    status = {f.language: f for f in next(t for t in found.tasks if t.name == "xnli").files}
    assert found.labels == "stored" and status["sw"].points == {"accuracy": 50.0} and status["ar"].status == "missing"
    assert client.post(URL, content=built.content, headers=ZIP).json()["labels"] is None  # what was built can be sent
    assert client.get(f"{base}/check", params={**of, "recipe": "mnli"}).status_code == 404
    assert client.get(base.replace(f"/{experiment}/", "/99/")).status_code == 404
    several = client.get(base)
    with zipfile.ZipFile(io.BytesIO(several.content)) as whole:
        assert "mini-2/squad/seed-0/xnli/test-sw.tsv" in whole.namelist()
