"""From a folder of text to scores of a model of one's own, through a real installation that is never started again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

TEXT = {
    "en": "The dog sees a green house.\nA house is near the old river.\nThe river sings to the dog.\n",
    "de": "Der Hund sieht ein grünes Haus.\nEin Haus steht am alten Fluss.\nDer Fluss singt dem Hund.\n",
}
SIZES = [
    "--layers",
    "1",
    "--hidden",
    "32",
    "--heads",
    "2",
    "--vocabulary",
    "300",
    "--positions",
    "66",
    "--max-length",
    "32",
]


@pytest.fixture(scope="module")
def lab(installed_with: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """An installation whose data root holds some text and a few rows of PAWS-X."""
    root = tmp_path_factory.mktemp("data")
    for code, lines in TEXT.items():
        (root / "text" / code).mkdir(parents=True)
        (root / "text" / code / "lines.txt").write_text(lines * 30)
    rows = [line.split(" ", 1) for line in TEXT["en"].splitlines()]
    pairs = "".join(f"{a} {b}\t{b} {a}\t{n % 2}\n" for n, (a, b) in enumerate(rows * 6))
    (root / "pawsx" / "xtreme_processed").mkdir(parents=True)
    for name in ("train-en", "dev-en", "dev-de"):
        (root / "pawsx" / "xtreme_processed" / f"{name}.tsv").write_text(pairs)
    return installed_with({"CROSSLIFT_DATA_ROOT": str(root)})


def test_a_model_of_ones_own_is_pretrained_and_used_without_a_restart(lab: Any, tmp_path: Path) -> None:
    made = lab.run("pretrain", "own-1", "--text", "text", "--steps", "6", *SIZES, "--wait")
    assert made.code == 0, made.err
    assert "lines: de 90, en 90" in made.err
    listed = {m["name"]: m for m in json.loads(lab.run("models", "--json").out)}
    assert listed["own-1"]["parameters"] > listed["own-1"]["parameters_non_embedding"] > 0
    asked = {
        "name": "Own", "source": "files", "models": ["own-1"], "recipes": ["none"], "targets": ["pawsx"],
        "finetuning": {"steps": 2, "batch_size": 4, "max_length": 32},
    }  # fmt: skip
    file = tmp_path / "own.json"
    file.write_text(json.dumps(asked | {"languages": ["en", "de"]}))
    done = lab.run("submit", str(file), "--wait", "--json")
    assert done.code == 0, done.err
    view = json.loads(done.out)
    assert (view["runs"], view["reused"], view["counts"]["done"]) == (3, 1, 3)
    table = tmp_path / "scores.jsonl"
    assert lab.run("export", str(view["id"]), "--json", "-o", str(table)).code == 0
    scores = [json.loads(line) for line in table.read_text().splitlines()]
    assert {s["language"] for s in scores if s["metric"] == "accuracy"} == {"en", "de"}
    # going on from it is a model too
    onward = lab.run(
        "pretrain",
        "own-1-de",
        "--text",
        "text/de",
        "--from",
        "own-1",
        "--steps",
        "3",
        "--max-length",
        "32",
        "--wait",
        "--json",
    )
    assert onward.code == 0, onward.err
    assert json.loads(onward.out)["pretrained"]["base"] == "own-1"


def test_what_is_wrong_is_said_by_field(lab: Any) -> None:
    refused = lab.run("pretrain", "own-9", "--text", "nowhere", *SIZES)
    assert refused.code == 4
    assert "/text: there is no folder 'nowhere' in the data root" in refused.err
    assert lab.run("pretrain", "own-9").code == 2
