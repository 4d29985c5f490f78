"""The drawer of Explore where runs have left predictions: how sure a gain is, by kind of test example, and what to expect of a cell
that was not run. What it says is what the API answers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from playwright.sync_api import expect

from backend.domain.model import MODELS
from backend.domain.run import RunKind
from backend.store import runs
from backend.store.runs import Result
from dashboard.links import MEAN, Cell, Explore
from dashboard.look import gain, interval, plain

EXAMPLES = 120
EFFECTS = {"squad": 0.15, "hellaswag": -0.1, "siqa": 0.05, "squad+siqa": 0.12}
COST = {
    "device": "a processor", "device_class": "cpu", "precision": "fp32", "share": 0.5, "wall_seconds": 30.0, "device_seconds": 15.0,
    "examples": 600, "tokens": 9000, "flops_analytic": 1e12, "flops_counted": None, "peak_memory_bytes": None, "energy_joules": None,
}  # fmt: skip


def lines(recipe: str, seed: int, language: str) -> list[dict[str, Any]]:
    """Predictions of a run in a language: three labels, of which the recipe helps with the first most."""
    hard = np.random.default_rng([7, *language.encode()]).random(EXAMPLES)
    own = np.random.default_rng([seed, *recipe.encode(), *language.encode()]).random(EXAMPLES)
    made = []
    for i, luck in enumerate(0.8 * hard + 0.2 * own):
        hit = luck < 0.5 + EFFECTS.get(recipe, 0.0) * (2 if i % 3 == 0 else 0.5)
        label = ("entailment", "neutral", "contradiction")[i % 3]
        made.append(
            {"language": language, "id": str(i), "prediction": label if hit else "none", "gold": label, "score": 100.0 * hit,
             "confidence": 0.5, "unit": f"p{i // 2:02d}", "length": 10 + i % 40, "overlap": (i % 10) / 10, "script": "Latin"}
        )  # fmt: skip
    return made


def kept(folder: Path, rows: list[dict[str, Any]]) -> None:
    """As a worker leaves them."""
    import pyarrow
    from pyarrow import parquet

    folder.mkdir(parents=True)
    parquet.write_table(pyarrow.Table.from_pylist(rows), folder / "predictions.parquet")
    content = (folder / "predictions.parquet").read_bytes()
    entry = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    (folder / "manifest.json").write_text(json.dumps({"predictions.parquet": entry}))


def fill(lab: Any) -> None:
    """Two models, four recipes, three seeds; of one recipe and model one language was not run."""
    root = Path(str(lab.store.engine.url.database)).parent / "artifacts"
    lab.appears()
    everything = {"models": ["mini-2", "mini-4"], "seeds": [0, 1, 2], "languages": ["en", "de", "sw"]}
    lab.submit(recipes=["squad", "hellaswag", "squad+siqa"], **everything)
    lab.submit(recipes=["siqa"], **{**everything, "models": ["mini-2"]}, name="more")
    lab.submit(recipes=["siqa"], **{**everything, "models": ["mini-4"], "languages": ["en", "de"]}, name="and less")
    while (claim := lab.claim()) is not None:
        scores, folder = [], root / str(claim.run_id)
        if claim.kind is RunKind.EVALUATE:
            recipe = lab.recipe(claim)
            rows = [line for code in claim.spec.languages for line in lines(recipe, claim.spec.seed or 0, code)]
            kept(folder, rows)
            for code in claim.spec.languages:
                own = [line["score"] for line in rows if line["language"] == code]
                scores.append((code, "accuracy", sum(own) / len(own), len(own)))
        result = Result(
            scores=scores, artifact=f"file://{folder}", artifact_digest=hashlib.sha256(str(folder).encode()).hexdigest(), cost=COST,
            parameters=MODELS[claim.model].parameters, parameters_non_embedding=MODELS[claim.model].parameters_non_embedding,
            environment={"python": "3"}, extra={},
        )  # fmt: skip
        with lab.store.write() as session:
            assert runs.finish(session, claim.run_id, claim.attempt, result).ok


@pytest.fixture(scope="module")
def predicted(serve: Callable[..., Any]) -> Any:
    return serve(fill)


def ask(site: Any, what: str, **asked: str) -> Any:
    answer = httpx.get(f"{site.url}/api/v1/gains/{what}", params={"target": "xnli", **asked}, timeout=120)
    assert answer.status_code == 200, answer.text
    return answer.json()


def cell(recipe: str, language: str, model: str = "mini-2") -> str:
    return Explore(model=model, target="xnli", metric="accuracy", source="mini", cell=Cell(recipe, language)).address


def test_how_sure_a_cell_is_and_its_kinds_of_example(predicted: Any, visit: Callable[..., Any]):
    page = visit(predicted, cell("squad", "sw")).page
    sure = page.locator("#explore-sure")
    expect(sure).to_contain_text("Over new test examples")
    found = ask(predicted, "certainty", model="mini-2", recipe="squad", language="sw")
    for one in ("over_seeds", "over_examples", "over_both"):
        assert found[one]["refused"] is None
        expect(sure).to_contain_text(f"{gain(found['gain'])} [{plain(found[one]['low'])}, {plain(found[one]['high'])}]")
    expect(sure).to_contain_text("60 paragraphs" if "paragraphs" in found["units_are"] else found["units_are"])
    expect(sure).to_contain_text(f"{found['rank']['place']} of {found['rank']['of']}")

    divided = ask(predicted, "buckets", model="mini-2", recipe="squad", language="sw")
    page.get_by_text("Gain by kind of test example").click()
    kinds = page.locator("#explore-parts")
    expect(kinds).to_contain_text("All 120 examples")
    (label,) = [a for a in divided["attributes"] if a["key"] == "label"]
    assert [b["name"] for b in label["buckets"]] == ["contradiction", "entailment", "neutral"]
    for bucket in label["buckets"]:
        row = kinds.locator("tr", has=page.get_by_role("rowheader", name=bucket["name"]))
        expect(row).to_contain_text(interval(bucket["gain"], bucket["interval"]["low"], bucket["interval"]["high"]))
    expect(kinds).to_contain_text("Not divided: all examples are alike in it (Latin).")


def test_how_sure_a_mean_is_and_its_kinds_of_example(predicted: Any, visit: Callable[..., Any]):
    page = visit(predicted, cell("squad", MEAN), width=390).page
    found = ask(predicted, "certainty", model="mini-2", recipe="squad", language="mean_transfer")
    assert (found["k"], found["asked"]) == (2, 8)  # German and Swahili
    expect(page.locator("#explore-sure")).to_contain_text(f"{gain(found['gain'])} [{plain(found['over_both']['low'])}")
    page.get_by_text("Gain by kind of test example").click()
    kinds = page.locator("#explore-parts")
    expect(kinds).to_contain_text("mean over 2 of 8 languages")
    expect(kinds).to_contain_text("lowest third")
    divided = ask(predicted, "buckets", model="mini-2", recipe="squad", language="mean_transfer")
    (label,) = [a for a in divided["attributes"] if a["key"] == "label"]
    row = kinds.locator("tr", has=page.get_by_role("rowheader", name="entailment"))
    (bucket,) = [b for b in label["buckets"] if b["name"] == "entailment"]
    expect(row).to_contain_text(interval(bucket["gain"], bucket["interval"]["low"], bucket["interval"]["high"]))


def test_what_to_expect_of_a_cell_that_was_not_run(predicted: Any, visit: Callable[..., Any]):
    """It is said to be no result, with the error of such expectations; and there is nothing to be sure of."""
    page = visit(predicted, cell("siqa", "sw", "mini-4")).page
    found = ask(predicted, "expected", model="mini-4", metric="accuracy")
    (hoped,) = [c for c in found["cells"] if (c["recipe"], c["language"]) == ("siqa", "sw")]
    drawer = page.locator(".cell-panel")
    expect(drawer).to_contain_text("Expected, not measured")
    expect(drawer).to_contain_text(f"about {interval(hoped['expected'], hoped['low'], hoped['high'])} points")
    expect(drawer).to_contain_text(found["said"])
    expect(drawer).to_contain_text("Nobody has run this")
    expect(drawer).not_to_contain_text("can no longer be read")  # there is nothing of which to tell a provenance
    expect(page.locator("#explore-sure")).to_have_count(0)
    expect(page.locator("#explore-parts")).to_have_count(0)
