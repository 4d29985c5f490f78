"""Examples that flipped, from stored predictions on real examples of the mini world, over HTTP."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi.testclient import TestClient

from backend.domain import mini, reading
from backend.domain.attributes import describe
from backend.domain.flips import FlippedExample, Flips
from backend.domain.run import RunKind
from backend.domain.schemas import Page
from backend.domain.tasks import TASKS
from backend.store import runs
from backend.store.flipped import exported
from backend.store.runs import Claim, Result
from backend.store.session import Store
from backend.store.texts import Texts

URL = "/api/v1/gains/flipped"
ASKED = {"model": "mini-2", "target": "xnli", "recipe": "squad", "language": "sw"}
COST = {
    "device": "a processor", "device_class": "cpu", "precision": "fp32", "share": 0.5, "wall_seconds": 2.0, "device_seconds": 1.0,
    "examples": 100, "tokens": 1000, "flops_analytic": 1e9, "flops_counted": None, "peak_memory_bytes": None, "energy_joules": None,
}  # fmt: skip
#: By seed: what is wrong without the recipe alone (fixed), and what is wrong with it alone (broken), by place.
FIXED = {0: {1, 2, 3, 4, 5, 6, 7, 8, 9}, 1: {1, 2, 3}}
BROKEN = {0: {10}, 1: {4, 11}}


def examples(language: str) -> list[Any]:
    rows = mini.rows("xnli", language, "test")
    return list(reading.examples(TASKS["xnli"], rows, "mini xnli"))


def lines(claim: Claim, treated: bool) -> list[dict[str, Any]]:
    made = []
    labels = TASKS["xnli"].labels
    for language in claim.spec.languages:
        for at, example in enumerate(examples(language)):
            wrong = at in (BROKEN if treated else FIXED)[claim.spec.seed or 0]
            told = describe(example)
            made.append(
                {
                    "language": language, "id": example.id, "prediction": labels[(example.label + wrong) % 3],
                    "gold": labels[example.label], "score": 100.0 * (not wrong), "confidence": 0.75 if treated else 0.5,
                    "unit": told.unit, "length": told.length, "overlap": told.overlap, "script": told.script,
                }
            )  # fmt: skip
    return made


def leave(folder: Path, rows: list[dict[str, Any]]) -> None:
    import pyarrow
    from pyarrow import parquet

    folder.mkdir(parents=True)
    parquet.write_table(pyarrow.Table.from_pylist(rows), folder / "predictions.parquet")
    content = (folder / "predictions.parquet").read_bytes()
    entry = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    (folder / "manifest.json").write_text(json.dumps({"predictions.parquet": entry}))


@pytest.fixture
def answers(client: TestClient, request_body: dict[str, Any], worker: Any, store: Store, tmp_path: Path) -> TestClient:
    """Two seeds on Swahili and English XNLI, done, with what their evaluations leave."""
    body = {**request_body, "recipes": ["squad"], "seeds": [0, 1], "languages": ["en", "sw"]}
    assert client.post("/api/v1/experiments", json=body).status_code == 201
    while (claim := worker.claim()) is not None:
        folder = tmp_path / "artifacts" / f"{claim.run_id}"
        scores = []
        if claim.kind is RunKind.EVALUATE:
            treated = "after" in claim.title
            rows = lines(claim, treated)
            leave(folder, rows)
            for code in claim.spec.languages:
                points = [row["score"] for row in rows if row["language"] == code]
                scores.append((code, "accuracy", sum(points) / len(points), len(points)))
        result = Result(
            scores=scores, artifact=f"file://{folder}", artifact_digest=hashlib.sha256(str(folder).encode()).hexdigest(),
            cost=COST, parameters=1000, parameters_non_embedding=500, environment={}, extra={},
        )  # fmt: skip
        with store.write() as session:
            assert runs.finish(session, claim.run_id, claim.attempt, result).ok
    return client


def ask(client: TestClient, **changes: Any) -> Flips:
    response = client.get(URL, params={**ASKED, **changes})
    assert response.status_code == 200, response.text
    return Flips.model_validate(response.json())


def listed(client: TestClient, direction: str, **changes: Any) -> Page[FlippedExample]:
    response = client.get(f"{URL}/examples", params={**ASKED, "direction": direction, **changes})
    assert response.status_code == 200, response.text
    return Page[FlippedExample].model_validate(response.json())


def test_the_tables_of_two_seeds(answers: TestClient) -> None:
    found = ask(answers)
    n = len(examples("sw"))
    first, second = found.tables
    assert (first.seed, first.both_right, first.fixed, first.broken, first.both_wrong) == (0, n - 10, 9, 1, 0)
    assert first.p == pytest.approx(22 / 1024) and first.examples == n  # 2 · (1 + 10) / 2^10
    assert (second.fixed, second.broken, second.p) == (3, 2, 1.0)
    # 1, 2, 3 twice and 5 to 9 once are fixed; 10 and 11 are broken; 4 is fixed by one seed and broken by the other
    assert (found.fixed, found.broken, found.both) == (8, 2, 1)
    assert found.right_when == "its label is the right one" and found.licence == TASKS["xnli"].licence
    alone = ask(answers, seed=1)
    assert [t.seed for t in alone.tables] == [1] and (alone.fixed, alone.broken, alone.seeds) == (3, 2, [0, 1])


def test_examples_with_what_they_say(answers: TestClient) -> None:
    page = listed(answers, "fixed", limit=3)
    assert page.total == 8 and [e.fixed for e in page.items] == [2, 2, 2]
    every = examples("sw")
    one = page.items[0]
    assert one.id == every[1].id and one.gold == TASKS["xnli"].labels[every[1].label]
    assert [t.text for t in one.texts] == [every[1].first, every[1].second]
    seen = one.seeds[0]
    assert (seen.baseline_right, seen.treated_right, seen.treated) == (False, True, one.gold)
    assert (seen.baseline_confidence, seen.treated_confidence) == (0.5, 0.75)
    rest = listed(answers, "fixed", limit=3, cursor=page.next_cursor)
    last = listed(answers, "fixed", limit=3, cursor=rest.next_cursor)
    assert [e.id for e in rest.items + last.items] == [
        every[at].id for at in (5, 6, 7, 8, 9)
    ] and last.next_cursor is None
    assert [e.id for e in listed(answers, "broken").items] == [every[10].id, every[11].id]


def test_kinds_narrow_lists_and_counts_and_not_the_tables(answers: TestClient) -> None:
    found = ask(answers)
    labels = next(k for k in found.kinds if k.key == "label")
    every = examples("sw")
    for kind in labels.kinds:
        gold = [TASKS["xnli"].labels[e.label] for e in every]
        assert kind.examples == 2 * gold.count(kind.name)
        assert kind.fixed == sum(gold[at] == kind.name for seed in FIXED for at in FIXED[seed])
    kind = labels.kinds[0]
    narrow = ask(answers, kind=f"label:{kind.key}")
    assert narrow.tables == found.tables
    page = listed(answers, "fixed", kind=f"label:{kind.key}")
    assert page.total == narrow.fixed and {e.gold for e in page.items} == {kind.name}
    both = listed(answers, "fixed", kind=f"label:{kind.key},length:1")
    assert both.total <= page.total and all(kind.name in e.kinds for e in both.items)
    refused = answers.get(URL, params={**ASKED, "kind": "label:nothing"})
    assert refused.status_code == 422 and "label:" in refused.text
    assert answers.get(URL, params={**ASKED, "kind": "<script>"}).status_code == 422


def test_as_a_table_that_no_spreadsheet_runs(answers: TestClient) -> None:
    response = answers.get(f"{URL}/export", params=ASKED)
    assert response.headers["content-type"].startswith("text/csv")
    assert "crosslift-flips-mini-mini-2-squad-xnli-sw.csv" in response.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(response.text)))
    assert (
        len(rows) == 3 * 2 + 5 + 1 + 1 + 2
    )  # an example and seed a row; the one that seeds disagree about is last, each way
    assert rows[-1]["id"] == rows[-2]["id"] and {row["direction"] for row in rows[-2:]} == {"fixed", "broken"}
    assert {row["direction"] for row in rows} == {"fixed", "broken"} and {row["licence"] for row in rows} == {
        TASKS["xnli"].licence
    }
    assert rows[0]["text"].startswith("First text: ")
    one = answers.get(f"{URL}/export", params={**ASKED, "direction": "broken", "format": "jsonl"})
    assert [json.loads(line)["direction"] for line in one.text.splitlines()] == ["broken", "broken"]


def test_one_direction_holds_no_seed_of_the_other() -> None:
    """Of three seeds two are fixed and one is broken: the example is fixed, and its broken seed is in no table of what was fixed."""
    right = ((True, False), (True, False), (False, True))
    rows = SimpleNamespace(id=["a"], gold=["x"], prediction=["y"])
    found: Any = SimpleNamespace(
        rows=rows, kinds=[], pairs=[(SimpleNamespace(right=[now], rows=rows, confidence={}), SimpleNamespace(right=[before], rows=rows, confidence={})) for now, before in right]
    )  # fmt: skip
    of: Any = SimpleNamespace(
        chosen=SimpleNamespace(cells=[SimpleNamespace(seeds=(0, 1, 2))], task=TASKS["xnli"]), seeds=(0, 1, 2)
    )
    seen = {
        way: [row["direction"] for row in exported(of, found, [], Texts(), way)] for way in (None, "fixed", "broken")
    }
    assert seen == {None: ["fixed", "fixed", "broken"], "fixed": ["fixed", "fixed"], "broken": []}


def test_what_is_gone_is_said(answers: TestClient, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "artifacts")
    found = ask(answers)
    assert "are not on this machine" in str(found.missing) and found.tables == [] and found.kinds == []
    response = answers.get(f"{URL}/examples", params={**ASKED, "direction": "fixed"})
    assert response.status_code == 404 and "are not on this machine" in response.text


def test_what_there_is_not(answers: TestClient) -> None:
    for changes, status, said in (
        ({"recipe": "mnli"}, 404, "no gain of mnli"),
        ({"seed": "7"}, 404, "its seeds are 0, 1"),
        ({"language": "mean_transfer"}, 422, "language"),
        ({"model": "mini-9"}, 422, "unknown model"),
        ({"seed": "-1"}, 422, "seed"),
    ):
        response = answers.get(URL, params={**ASKED, **changes})
        assert response.status_code == status and said in response.text
    assert answers.get(f"{URL}/examples", params=ASKED).status_code == 422  # no direction
