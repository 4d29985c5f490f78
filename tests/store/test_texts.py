"""The texts of test examples by source: generated again, read again once the digest agrees, or kept by the evaluation."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from backend.domain import mini, reading
from backend.domain.inputs import KEPT, LONGEST, shown_input
from backend.domain.run import DataSpec, digest
from backend.domain.task import Question, Source, Split
from backend.domain.tasks import TASKS
from backend.store.predicted import Kept
from backend.store.texts import Texts, texts
from worker.data import Door
from worker.evaluate import write_texts
from worker.formats import Prediction


def asked(
    source: Source, content: str | None = None, *, task: str = "xnli", version: int | None = None
) -> dict[str, Any]:
    spec = DataSpec(
        task=task,
        version=TASKS[task].version if version is None else version,
        source=source,
        split=Split.TEST,
        content=content,
    )
    return {"data": [spec.model_dump(mode="json")]}


def run(address: Path | None = None) -> Kept:
    return Kept(7, hashlib.sha256(str(address).encode()).hexdigest(), f"file://{address}", None)


def found(spec: dict[str, Any], environment: dict[str, str] | None = None, **given: Any) -> Texts:
    known: dict[str, Any] = {"root": "file:///nowhere", "data_root": None, **given}
    return texts(known.pop("kept", run()), spec, environment, known.pop("language", "en"), **known)


def test_rows_of_the_mini_world_are_generated_again() -> None:
    every = list(reading.examples(TASKS["xnli"], mini.rows("xnli", "en", "test"), "mini"))
    seen = found(asked(Source.MINI))
    assert seen.by_id[every[3].id].texts == (("First text", every[3].first), ("Second text", every[3].second))
    assert seen.how == "generated again" and seen.missing is None
    parameters = digest(mini.fingerprint_parameters("xnli"))
    assert found(asked(Source.MINI, parameters)).missing is None
    assert "has changed" in str(found(asked(Source.MINI, "0" * 64)).missing)
    assert "another version" in str(found(asked(Source.MINI, version=99)).missing)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Swahili XNLI in XTREME's own layout."""
    layout = next(each for each in TASKS["xnli"].files if "{language}" in each.pattern)
    path = tmp_path / layout.pattern.format(language="sw", split=layout.splits.get(Split.TEST, "test"))
    path.parent.mkdir(parents=True)
    path.write_text("mtoto analala\tmtoto halali\tcontradiction\n")
    return path


def test_files_are_read_again_once_they_are_those_that_were_evaluated(files: Path, tmp_path: Path) -> None:
    spec, key = asked(Source.FILES), "xnli/sw/test"
    data = DataSpec.model_validate(spec["data"][0])
    door = Door(tmp_path, tmp_path / "cache", offline=True)
    examples = door.load(data, "sw")  # as the worker reads them, and what it records of them
    recorded = {key: door._content(TASKS["xnli"], data, "sw")}
    seen = found(spec, recorded, language="sw", data_root=tmp_path)
    assert seen.by_id == {e.id: shown_input(e) for e in examples} and seen.how == "read again from the data files"
    assert "not recorded" in str(found(spec, {}, language="sw", data_root=tmp_path).missing)
    assert "CROSSLIFT_DATA_ROOT" in str(found(spec, recorded, language="sw").missing)
    assert "not under" in str(found(spec, recorded, language="sw", data_root=tmp_path / "elsewhere").missing)
    files.write_text("mtoto analala\tmtoto halali\tneutral\n")
    assert "have changed" in str(found(spec, recorded, language="sw", data_root=tmp_path).missing)


def test_hub_data_keep_their_texts_beside_their_predictions(tmp_path: Path) -> None:
    long = "x" * (LONGEST + 9)
    examples = [
        Question("a", "who?", long, ()),
        Question("b", "where?", "there", ()),
        Question("c", "not asked", "", ()),
    ]
    said = [Prediction(id, "", "", 0.0, 0.0) for id in ("a", "b")]
    write_texts(tmp_path / KEPT, {"en": said}, {"en": examples})
    content = (tmp_path / KEPT).read_bytes()
    manifest = {KEPT: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    seen = found(asked(Source.HUB), kept=run(tmp_path))
    assert seen.by_id["a"].texts == (("Question", "who?"), ("Paragraph", long[:LONGEST]))
    assert set(seen.by_id) == {"a", "b"} and seen.how == "kept with the predictions"


def test_evaluations_from_before_say_so(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("{}")
    missing = found(asked(Source.HUB), kept=run(tmp_path)).missing
    assert missing is not None and "was evaluated before texts were kept" in missing


def test_a_file_is_hashed_once_while_it_stands_as_it_did(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []
    true = hashlib.file_digest
    monkeypatch.setattr(hashlib, "file_digest", lambda file, name: hashed.append(file.name) or true(file, name))
    for _ in range(3):
        found(asked(Source.FILES), {"xnli/sw/test": "0" * 64}, language="sw", data_root=tmp_path)
    assert len(hashed) == 1
    files.write_text("mtoto analala\tmtoto halali\tneutral\n")
    found(asked(Source.FILES), {"xnli/sw/test": "0" * 64}, language="sw", data_root=tmp_path)
    assert len(hashed) == 2


def test_a_spec_of_another_version_has_no_texts_and_raises_nothing() -> None:
    later = asked(Source.MINI)["data"][0] | {"source": "elsewhere"}
    for data in ([later], [], None):
        assert "cannot read" in str(found({"data": data}).missing)
