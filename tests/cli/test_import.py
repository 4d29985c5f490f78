"""``crosslift import``: files of a folder found by their names, predictions scored here, errors before anything is sent."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from backend import cli
from backend.domain.imports import ImportDone, ImportRequest
from backend.importing import long
from backend.importing.gather import NotGathered, gather, guess, scored
from backend.importing.read import read
from backend.importing.xtreme import digest
from backend.submission.benchmarks import XTREME_R

MADE = {
    "id": 1, "source": "a lab", "settings": "", "format": "long", "files": [], "sha256": "0" * 64, "note": "", "who": "ada",
    "created_at": "2026-03-01T09:30:00Z", "rows": 4,
}  # fmt: skip
DONE = ImportDone.model_validate(
    {
        "made": MADE,
        "added": 4,
        "already": 0,
        "dry_run": False,
        "said": "4 scores of a lab added as import 1.",
        "notes": ["look"],
    }
)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the API is asked; the answer is as it gives it."""
    found: list[dict[str, Any]] = []

    class There:
        def __enter__(self) -> There:
            return self

        def __exit__(self, *_: object) -> None: ...

        def post(self, path: str, asked: dict[str, Any]) -> httpx.Response:
            assert path == "/imports"
            found.append(asked)
            return httpx.Response(201, json=DONE.model_dump(mode="json"))

    monkeypatch.setattr("backend.cli.imports.remote", lambda url, timeout=30: There())
    return found


def call(*arguments: str) -> Any:
    return CliRunner().invoke(cli.app, ["import", *arguments])


def test_a_table_is_sent_and_the_answer_said(tmp_path: Path, sent: list[dict[str, Any]]):
    (tmp_path / "t.csv").write_text(long.example())
    result = call(str(tmp_path / "t.csv"), "--source", "a lab", "--dry-run")
    assert result.exit_code == 0, result.output
    assert "4 scores of a lab added" in result.stderr
    assert "note: look" in result.stderr
    (asked,) = sent
    assert (asked["format"], asked["dry_run"], asked["files"][0]["name"]) == ("long", True, "t.csv")
    assert len(read(ImportRequest.model_validate(asked)).rows) == 4


def test_what_a_trainer_left_behind_is_found_in_its_folder(tmp_path: Path):
    for code in ("en", "sw"):
        (tmp_path / "out" / code).mkdir(parents=True)
        (tmp_path / "out" / code / "eval_results.json").write_text(json.dumps({"eval_accuracy": 0.5}))
        (tmp_path / "out" / code / "config.json").write_text("{}")
    assert guess(tmp_path / "out") == "trainer"
    assert [f.name for f in gather(tmp_path / "out", "trainer")] == ["en/eval_results.json", "sw/eval_results.json"]
    (tmp_path / "out" / "val_metrics.json").write_text("{}")
    assert guess(tmp_path / "out") == "jiant"
    assert [f.name for f in gather(tmp_path / "out", "jiant")] == ["val_metrics.json"]


def test_nothing_to_send_says_what_would_be(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(NotGathered, match=r"accepted are tables"):
        guess(tmp_path)
    with pytest.raises(NotGathered, match=r"no such file"):
        guess(tmp_path / "nowhere")
    with pytest.raises(NotGathered, match=r"no file of the format jiant"):
        gather(tmp_path, "jiant")
    (tmp_path / "large.csv").write_bytes(b"x" * 800_000)
    with pytest.raises(NotGathered, match=r"800,000 bytes; at most 700,000"):
        gather(tmp_path, "long")


def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Predictions and labels of XCOPA: half of them right."""
    for side, said in (("predictions", [0, 1]), ("labels", [0, 0])):
        folder = tmp_path / side / "xcopa"
        folder.mkdir(parents=True)
        for code in XTREME_R.tasks["xcopa"].languages:
            (folder / f"test-{code}.jsonl").write_text("".join(json.dumps({"label": v}) + "\n" for v in said))
    return tmp_path / "predictions", tmp_path / "labels"


def test_predictions_are_scored_here_and_their_report_is_sent(tmp_path: Path, sent: list[dict[str, Any]]):
    predictions, labels = folders(tmp_path)
    result = call(
        str(predictions), "--labels", str(labels), "--source", "a lab", "--model", "xlmr-large", "--seed", "2"
    )
    assert result.exit_code == 0, result.output
    found = read(ImportRequest.model_validate(sent[0]))
    assert {(r.target, r.metric, r.value, r.seed, r.model) for r in found.rows} == {
        ("xcopa", "accuracy", 50.0, 2, "xlmr-large")
    }
    assert {r.language for r in found.rows} == set(XTREME_R.tasks["xcopa"].languages)
    files, _ = scored(predictions, labels, XTREME_R)
    assert digest(predictions) in base64.b64decode(files[0].content).decode()


def test_predictions_that_cannot_be_scored_whole_are_not_sent(tmp_path: Path, sent: list[dict[str, Any]]):
    predictions, labels = folders(tmp_path)
    (predictions / "xcopa" / "test-sw.jsonl").unlink()
    result = call(str(predictions), "--labels", str(labels), "--source", "a lab", "--model", "xlmr-large")
    assert isinstance(result.exception, cli.Usage)
    assert "could not be scored whole" in str(result.exception)
    assert "test-sw.jsonl: missing (Swahili)" in str(result.exception)
    assert sent == []


def test_a_format_that_is_none(tmp_path: Path, sent: list[dict[str, Any]]):
    (tmp_path / "t.csv").write_text(long.example())
    result = call(str(tmp_path / "t.csv"), "--source", "a lab", "--format", "excel")
    assert isinstance(result.exception, cli.Usage)
    assert sent == []
