"""How sure a gain is, from stored predictions as a worker leaves them, over HTTP."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from backend.domain.certainty import Buckets, Certainty
from backend.domain.gains import paired_t
from backend.domain.run import RunKind
from backend.store import runs
from backend.store.runs import Claim, Result
from backend.store.session import Store

V1 = "/api/v1"
EXAMPLES = 240
PREMISES = 80
ASKED = {"model": "mini-2", "target": "xnli", "recipe": "squad", "language": "sw"}
COST = {
    "device": "a processor", "device_class": "cpu", "precision": "fp32", "share": 0.5, "wall_seconds": 2.0, "device_seconds": 1.0,
    "examples": 100, "tokens": 1000, "flops_analytic": 1e9, "flops_counted": None, "peak_memory_bytes": None, "energy_joules": None,
}  # fmt: skip


def right(claim: Claim, treated: bool, language: str) -> Any:
    """Which examples a run gets right: half of them, and with the recipe one in ten more."""
    shared = np.random.default_rng(7).random(EXAMPLES)
    own = np.random.default_rng([claim.spec.seed or 0, treated, len(language), *language.encode()]).random(EXAMPLES)
    return 0.7 * shared + 0.3 * own < 0.5 + 0.1 * treated


def predictions(folder: Path, lines: list[dict[str, Any]]) -> None:
    """``predictions.parquet`` and its manifest."""
    import pyarrow
    from pyarrow import parquet

    folder.mkdir(parents=True)
    parquet.write_table(pyarrow.Table.from_pylist(lines), folder / "predictions.parquet")
    content = (folder / "predictions.parquet").read_bytes()
    entry = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    (folder / "manifest.json").write_text(json.dumps({"predictions.parquet": entry}))


Done = Callable[..., list[int]]


@pytest.fixture
def results(client: TestClient, request_body: dict[str, Any], worker: Any, store: Store, tmp_path: Path) -> Done:
    """Runs experiments on XNLI to their end; ``change`` may alter the lines that a run leaves. Returns its evaluate runs."""

    def run(
        change: Callable[[Claim, bool, list[dict[str, Any]]], None] = lambda claim, treated, lines: None, **body: Any
    ) -> list[int]:
        made = client.post(V1 + "/experiments", json={**request_body, "recipes": ["squad"], "seeds": [0, 1, 2], **body})
        assert made.status_code == 201
        evaluated = []
        while (claim := worker.claim()) is not None:
            folder = tmp_path / "artifacts" / f"{claim.run_id}"
            scores = []
            if claim.kind is RunKind.EVALUATE:
                treated = "after" in claim.title
                lines = []
                for language in claim.spec.languages:
                    got = right(claim, treated, language)
                    scores.append((language, "accuracy", 100 * float(got.mean()), EXAMPLES))
                    lines += [
                        {"language": language, "id": str(i), "prediction": "neutral" if hit else "entailment", "gold": "neutral",
                         "score": 100.0 * hit, "confidence": 0.5, "unit": f"p{i % PREMISES:02d}", "length": 10 + i % 30,
                         "overlap": (i % 10) / 10, "script": "Latin"}
                        for i, hit in enumerate(got)
                    ]  # fmt: skip
                change(claim, treated, lines)
                predictions(folder, lines)
                evaluated.append(claim.run_id)
            result = Result(
                scores=scores, artifact=f"file://{folder}", artifact_digest=hashlib.sha256(str(folder).encode()).hexdigest(),
                cost=COST, parameters=1000, parameters_non_embedding=500, environment={}, extra={},
            )  # fmt: skip
            with store.write() as session:
                assert runs.finish(session, claim.run_id, claim.attempt, result).ok
        return evaluated

    return run


def ask(client: TestClient, **changes: str) -> Certainty:
    response = client.get(V1 + "/gains/certainty", params={**ASKED, **changes})
    assert response.status_code == 200, response.text
    return Certainty.model_validate(response.json())


def test_every_interval_has_its_name_and_its_n(client: TestClient, results: Done):
    results()
    found = ask(client)
    per_seed = []
    for seed in range(3):
        claim: Any = type("Claim", (), {"spec": type("Spec", (), {"seed": seed})})
        per_seed.append(100 * float(right(claim, True, "sw").mean() - right(claim, False, "sw").mean()))
    t = paired_t(per_seed)
    assert found.gain == pytest.approx(t.mean, abs=1e-4) and found.seeds == 3
    assert (found.over_seeds.low, found.over_seeds.high) == pytest.approx((t.low, t.high), abs=1e-4)
    assert found.over_seeds.units is None and "over seeds" in found.over_seeds.method
    assert found.without_predictions is None and found.examples == EXAMPLES
    assert found.units_are == "first texts (premises)"
    for one in (found.over_examples, found.over_both, found.over_relative):
        assert one is not None and one.low is not None and one.high is not None
        assert (one.units, one.seeds) == (PREMISES, 3)
    assert found.over_examples is not None and "BCa" in found.over_examples.method
    assert found.over_examples.low < found.gain < found.over_examples.high  # type: ignore[operator]
    assert found.record is not None
    assert found.record.won + found.record.tied + found.record.lost == PREMISES
    assert found.record.won > found.record.lost
    assert found.relative == pytest.approx(100 * found.gain / 50, rel=0.2)
    assert found.gap is not None and found.gap.change == pytest.approx(found.gap.treated - found.gap.without)
    assert found.flags == [] and found.rank is None  # there is no other recipe
    assert ask(client, language="en").gap is None


def test_of_a_mean_the_languages_share_their_examples(client: TestClient, results: Done):
    results()
    found = ask(client, language="mean_transfer")
    matrix = client.get(V1 + "/gains", params={"model": "mini-2", "target": "xnli"}).json()
    assert found.gain == pytest.approx(next(r["mean_transfer"] for r in matrix["recipes"] if r["recipe"] == "squad"))
    assert found.over_both is not None and found.over_both.units == PREMISES and found.examples == EXAMPLES
    assert found.relative is None and found.over_relative is None and found.gap is None


def test_rank_among_recipes(client: TestClient, results: Done):
    results(recipes=["squad", "hellaswag"])
    found = ask(client).rank
    assert found is not None and (found.of, found.seeds) == (2, 3) and 0 <= found.best <= 1
    other = ask(client, recipe="hellaswag").rank
    assert other is not None and found.best + other.best == pytest.approx(1)


def test_predictions_that_are_gone_or_changed_are_said(client: TestClient, results: Done, tmp_path: Path):
    evaluated = results()
    shutil.rmtree(tmp_path / "artifacts" / str(evaluated[0]))
    found = ask(client)
    assert f"predictions of run {evaluated[0]} are not on this machine" in str(found.without_predictions)
    assert found.over_examples is None and found.over_both is None and found.record is None
    assert found.over_seeds.low is not None and found.relative is not None  # scores are enough for these
    folder = tmp_path / "artifacts" / str(evaluated[0])
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps({"predictions.parquet": {"sha256": "0" * 64, "bytes": 1}}))
    (folder / "predictions.parquet").write_bytes(b"x")
    assert "is not what was stored" in str(ask(client).without_predictions)


def _one_less(claim: Claim, treated: bool, lines: list[dict[str, Any]]) -> None:
    if treated and claim.spec.seed == 1:
        lines.pop()  # of the last language


def _other_answers(claim: Claim, treated: bool, lines: list[dict[str, Any]]) -> None:
    if treated and claim.spec.seed == 1:
        for line in lines[-50:]:
            line["score"] = 100.0


def _before(claim: Claim, treated: bool, lines: list[dict[str, Any]]) -> None:
    for line in lines:
        for name in ("unit", "length", "overlap", "script"):
            del line[name]


def test_predictions_that_differ_are_refused(client: TestClient, results: Done):
    results(_one_less)
    last = client.get(V1 + "/gains", params={"model": "mini-2", "target": "xnli"}).json()["languages"]
    said = [str(ask(client, language=code).without_predictions) for code in last]
    assert sum("only predictions on the same examples" in text for text in said) == 1
    assert said.count("None") == len(said) - 1


def test_a_score_that_predictions_do_not_give_is_refused(client: TestClient, results: Done):
    results(_other_answers)
    languages = client.get(V1 + "/gains", params={"model": "mini-2", "target": "xnli"}).json()["languages"]
    said = [str(ask(client, language=code).without_predictions) for code in languages]
    assert sum("where its score is" in text for text in said) == 1


def test_runs_from_before_examples_were_described(client: TestClient, results: Done):
    results(_before)
    found = ask(client)
    assert "was not kept" in str(found.units_are) and found.over_examples is not None
    assert found.over_examples.units == EXAMPLES


def test_runs_that_failed_are_flagged(client: TestClient, results: Done, request_body: dict[str, Any], worker: Any):
    results()
    client.post(V1 + "/experiments", json={**request_body, "recipes": ["squad"], "seeds": [3]})
    while (claim := worker.claim()) is not None:
        worker.fail(claim, "the loss is not finite")
    flags = ask(client).flags
    assert len(flags) == 2 and all("seed 3" in flag and "was skipped" in flag for flag in flags)


def test_an_answer_is_computed_once(client: TestClient, results: Done, monkeypatch: pytest.MonkeyPatch):
    from backend.store import certainty

    results()
    first = ask(client)
    asked = []
    monkeypatch.setattr(certainty, "table_of", lambda *given: asked.append(given))
    assert ask(client) == first and asked == []
    response = client.get(V1 + "/gains/certainty", params=ASKED)
    again = client.get(V1 + "/gains/certainty", params=ASKED, headers={"If-None-Match": response.headers["etag"]})
    assert again.status_code == 304


def test_what_there_is_not(client: TestClient, results: Done):
    results()
    for changes, status, said in (
        ({"recipe": "mnli"}, 404, "no gain of mnli"),
        ({"language": "xx"}, 404, "no gain of squad"),
        ({"target": "xquad"}, 404, "no score of mini-2 on xquad"),
        ({"model": "mini-9"}, 422, "unknown model"),
        ({"metric": "f1"}, 422, "unknown metric"),
        ({"settings": "nothing"}, 422, "settings"),
    ):
        for path in ("certainty", "buckets"):
            response = client.get(f"{V1}/gains/{path}", params={**ASKED, **changes})
            assert response.status_code == status and said in response.text


# --- by kind of example ------------------------------------------------------------------------------------------------------


def divided(client: TestClient, **changes: str) -> Buckets:
    response = client.get(V1 + "/gains/buckets", params={**ASKED, **changes})
    assert response.status_code == 200, response.text
    return Buckets.model_validate(response.json())


def test_the_gain_of_every_kind_of_example(client: TestClient, results: Done):
    results()
    found = divided(client)
    assert found.missing is None and found.examples == EXAMPLES
    by_key = {a.key: a for a in found.attributes}
    assert list(by_key) == ["length", "label", "overlap", "script"]
    assert "all examples are alike" in str(by_key["label"].missing) and "Latin" in str(by_key["script"].missing)
    for attribute in (by_key["length"], by_key["overlap"]):
        assert len(attribute.buckets) == 3 and sum(b.examples for b in attribute.buckets) == EXAMPLES
        whole = sum(b.gain * b.examples for b in attribute.buckets) / EXAMPLES
        assert whole == pytest.approx(found.gain, abs=1e-3)  # a mean of examples is made of its parts
        for bucket in attribute.buckets:
            assert bucket.gain == pytest.approx(bucket.treated - bucket.baseline)
            assert bucket.interval.seeds == 3 and "seeds and test examples" in bucket.interval.method
    assert [b.name for b in by_key["length"].buckets] == [
        "up to 19 characters",
        "20 to 29 characters",
        "30 and more characters",
    ]


def test_the_gain_of_every_kind_over_the_mean_of_the_languages(client: TestClient, results: Done):
    """Each language weighs the same, so a bucket of the mean is the mean of that bucket in each language; thirds are each language's
    own. Here lengths lie otherwise in each language, and overlap is 0.5 throughout in one of them: it has no thirds of it."""

    def otherwise(claim: Claim, treated: bool, lines: list[dict[str, Any]]) -> None:
        for line in lines:
            line["length"] *= 1 + len(line["language"]) + ord(line["language"][0]) % 3
            if line["language"] == "sw":
                line["overlap"] = 0.5

    results(otherwise)
    found = divided(client, language="mean_transfer")
    whole = ask(client, language="mean_transfer")
    assert (found.k, found.asked) == (whole.k, whole.asked) and found.k is not None and found.k > 2
    assert found.gain == pytest.approx(whole.gain)
    by_key = {a.key: a for a in found.attributes}
    length, overlap = by_key["length"], by_key["overlap"]
    assert [b.name for b in length.buckets] == ["lowest third", "middle third", "highest third"]
    assert len(length.languages) == found.k and set(overlap.languages) == set(length.languages) - {"sw"}
    assert "each language's own" in length.note
    for attribute in (length, overlap):
        each = [
            {a.key: a for a in divided(client, language=code).attributes}[attribute.key] for code in attribute.languages
        ]
        for place, bucket in enumerate(attribute.buckets):
            assert bucket.gain == pytest.approx(np.mean([a.buckets[place].gain for a in each]))
            assert bucket.examples == sum(a.buckets[place].examples for a in each)
            if bucket.interval.low is None:  # so many premises are as few as the same ones in one language
                assert "too few for an interval" in str(bucket.interval.refused) and bucket.units < 50
            else:
                assert bucket.interval.low < bucket.gain < bucket.interval.high  # type: ignore[operator]
    assert by_key["label"].missing is not None and "Latin" in str(by_key["script"].missing)


def test_what_was_not_kept_divides_nothing(client: TestClient, results: Done):
    results(_before)
    by_key = {a.key: a for a in divided(client).attributes}
    assert all("was not kept" in str(by_key[key].missing) for key in ("length", "overlap", "script"))


def test_without_predictions_nothing_is_divided(client: TestClient, results: Done, tmp_path: Path):
    results()
    shutil.rmtree(tmp_path / "artifacts")
    found = divided(client)
    assert found.attributes == [] and "are not on this machine" in str(found.missing)
