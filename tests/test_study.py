"""The study on real files: what `make study-real` prepares can be planned and read, and nothing is both learned and tested."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from backend.domain.experiment import ExperimentRequest, plan
from backend.domain.language import ENGLISH
from backend.domain.run import RunKind
from backend.domain.task import Split
from backend.domain.text import collect
from worker.data import Door

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, benchmark_files: Path) -> Path:
    made = tmp_path_factory.mktemp("study")
    command = [sys.executable, ROOT / ".ci" / "study-real", "--data", benchmark_files, "--home", made, "--prepare-only"]
    subprocess.run(command, check=True, capture_output=True)
    return made


def test_every_run_of_it_finds_its_rows(home: Path) -> None:
    """Each split in each language, through the door that workers use; with a model that is in every catalogue."""
    body = json.loads((home / "study-real.yaml").read_text())
    assert len(body["models"]) == 2
    planned = plan(
        ExperimentRequest.model_validate(
            body | {"models": ["xlmr-base"], "recipes": [r for r in body["recipes"] if "mlm" not in r]}
        )
    )
    door = Door(home / "data", home / "cache", offline=True)
    languages: set[str] = set()
    read = set()
    for run in planned.runs.values():
        trained = run.spec.kind is not RunKind.EVALUATE
        languages.update(run.spec.languages)
        for data in run.spec.data:
            for code in (ENGLISH,) if trained else run.spec.languages:
                if (data, code) not in read:
                    read.add((data, code))
                    assert door.load(data, code)
    assert len(languages) >= 10
    assert {data.split for data, _ in read} >= {Split.TRAIN, Split.VALIDATION, Split.TEST}


def test_no_row_is_both_trained_and_tested_on(home: Path) -> None:
    def pairs(name: str) -> set[frozenset[str]]:
        with (home / "data" / "pawsx" / "xtreme_processed" / name).open(encoding="utf-8", newline="") as file:
            return {frozenset(row[:2]) for row in csv.reader(file, delimiter="\t") if row[0] != "NS"}

    def numbers(path: str) -> set[int]:
        return {json.loads(line)["idx"] for line in (home / "data" / path).read_text().splitlines()}

    assert len(pairs("train-en.tsv")) > 1000
    assert not pairs("train-en.tsv") & pairs("dev-en.tsv")
    assert len(numbers("copa/train.jsonl")) == 300
    assert not numbers("copa/train.jsonl") & numbers("xcopa/sw/test.sw.jsonl")


def test_its_text_is_in_more_languages_than_it_is_tested_in(home: Path) -> None:
    body = json.loads((home / "study-real.yaml").read_text())
    text = collect(home / "data", ["text"], list(body["languages"]))
    assert set(text.languages) == set(body["languages"])
    assert min(text.lines.values()) >= 80
