"""Things beside one another: paired as gains are, and never where they cannot be."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from backend.api.app import create_app
from backend.domain.comparison import Comparison
from backend.domain.run import RunKind
from backend.store.runs import Claim
from backend.store.session import Store

V1 = "/api/v1"
#: Points of each recipe and seed, in every language alike.
SCORES = {
    "none": {0: 50.0, 1: 60.0, 2: 70.0}, "mnli": {0: 53.0, 1: 64.0, 2: 75.0}, "squad": {0: 49.5, 1: 60.0, 2: 70.3},
}  # fmt: skip


@pytest.fixture(scope="module")
def filled(
    migrated: Path, worker_of: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[TestClient, Store]]:
    """One store for all: two recipes and the baseline with three seeds, a second model that has not begun."""
    path = tmp_path_factory.mktemp("compared") / "crosslift.db"
    shutil.copy(migrated, path)
    store = Store(f"sqlite:///{path}")
    with TestClient(create_app(store)) as client:
        body = {
            "name": "x",
            "source": "mini",
            "models": ["mini-2"],
            "recipes": ["mnli", "squad"],
            "targets": ["xnli"],
            "seeds": [0, 1, 2],
        }
        assert client.post(V1 + "/experiments", json=body).status_code == 201
        recipes = {r["id"]: (r["recipe"], r["seed"]) for r in client.get(V1 + "/runs?limit=200").json()["items"]}

        def points(claim: Claim) -> float:
            recipe, seed = recipes[claim.run_id]
            return SCORES[recipe][seed] if claim.kind is RunKind.EVALUATE else 50.0

        worker_of(store).finish_all(points)
        assert (
            client.post(V1 + "/experiments", json=body | {"models": ["mini-4"], "recipes": ["mnli"]}).status_code == 201
        )
        yield client, store
    store.dispose()


def ask(client: TestClient, *things: str, **more: Any) -> Comparison:
    answer = client.get(V1 + "/compare", params={"c": list(things), **more})
    assert answer.status_code == 200, answer.text
    return Comparison.model_validate(answer.json())


def test_differences_are_paired_by_seed_against_the_first(filled: Any) -> None:
    client, _ = filled
    found = ask(client, "mini-2/none/xnli", "mini-2/mnli/xnli", "mini-2/squad/xnli")
    none, mnli, squad = found.sides
    # 3, 4 and 5 points: 4 ± t(2) · 1 / √3 = 4 ± 4.3027 · 0.57735
    assert mnli.difference is not None and mnli.mean is not None
    assert (
        round(mnli.difference.value, 4),
        round(mnli.difference.low or 0, 4),
        round(mnli.difference.high or 0, 4),
    ) == (4.0, 1.5159, 6.4841)
    assert mnli.mean.value == pytest.approx(64.0)
    assert (none.difference, none.unpaired, none.record) == (None, None, None)
    swahili = found.cells[1][found.languages.index("sw")]
    assert (swahili.pairs, swahili.seeds, round(swahili.difference or 0, 6)) == (3, [0, 1, 2], 4.0)
    assert squad.record is not None and squad.record.tied == len(found.languages)
    assert mnli.record is not None and mnli.record.won + mnli.record.tied == len(found.languages)
    # every cell of both recipes is in the family: the same q as Explore's, and the same with one of them out of sight
    gains = client.get(V1 + "/gains?model=mini-2&target=xnli").json()
    shown = next(c for c in gains["cells"] if (c["recipe"], c["language"]) == ("mnli", "sw"))
    assert (swahili.p, swahili.q, swahili.verdict) == (shown["p_t"], shown["q"], shown["verdict"])
    alone = ask(client, "mini-2/none/xnli", "mini-2/mnli/xnli").cells[1][found.languages.index("sw")]
    assert alone.q == swahili.q


def test_another_first_turns_the_sign(filled: Any) -> None:
    client, _ = filled
    _, none = ask(client, "mini-2/mnli/xnli", "mini-2/none/xnli").sides
    assert none.difference is not None and round(none.difference.value, 6) == -4.0


def test_what_differs_is_the_recipe_and_its_stage(filled: Any) -> None:
    client, _ = filled
    found = ask(client, "mini-2/none/xnli", "mini-2/mnli/xnli")
    apart = {(f.stage, f.name): f.values for f in found.fields if not f.equal}
    assert apart["Result", "recipe"] == ["none", "mnli"]
    assert apart["Result", "stages"] == ["pretrain, fine-tune, evaluate", "pretrain, intermediate, fine-tune, evaluate"]
    assert len(apart) == 2
    assert sum(f.equal for f in found.fields) > 30


def test_what_cannot_be_paired_is_said_and_has_no_difference(filled: Any) -> None:
    client, _ = filled
    runs = client.get(V1 + "/runs?kind=evaluate&recipe=mnli&model=mini-2").json()["items"]
    first, second = (str(r["id"]) for r in runs[:2])
    for things, why in (
        (("mini-2/mnli/xnli", "mini-4/mnli/xnli"), "not reported yet"),
        ((first, second), "the same recipe"),
        (("mini-2/none/xnli", "mini-2/hellaswag/xnli"), "no scores"),
        (("1", first), "only evaluations"),
    ):
        side = ask(client, *things).sides[1]
        assert side.difference is None and side.record is None
        assert why in str(side.unpaired)
    later = ask(client, "mini-2/mnli/xnli", "mini-4/mnli/xnli")
    assert {c.missing for c in later.cells[1]} == {"not reported yet"}
    assert {c.missing for c in ask(client, "mini-2/mnli/xnli", "mini-2/hellaswag/xnli").cells[1]} == {"not run"}


def test_two_runs_of_one_seed_have_a_difference_and_no_test(filled: Any) -> None:
    client, _ = filled

    def run(recipe: str) -> str:
        found = client.get(f"{V1}/runs?kind=evaluate&model=mini-2&recipe={recipe}").json()["items"]
        return str(next(r["id"] for r in found if r["seed"] == 1))

    found = ask(client, run("none"), run("mnli"))
    cell = found.cells[1][0]
    assert (cell.difference, cell.pairs, cell.p, cell.difference_low) == (4.0, 1, None, None)
    assert found.sides[1].record is not None and found.sides[1].record.too_few == len(found.languages)


def test_cells_are_of_one_language(filled: Any) -> None:
    client, _ = filled
    assert ask(client, "mini-2/none/xnli/sw", "mini-2/mnli/xnli/sw").languages == ["sw"]


def test_the_table_holds_what_is_shown(filled: Any) -> None:
    client, _ = filled
    asked = {"c": ["mini-2/none/xnli", "mini-2/mnli/xnli"]}
    rows = list(csv.DictReader(client.get(V1 + "/compare/export", params=asked).text.splitlines()))
    shown = ask(client, *asked["c"])
    assert len(rows) == 2 * len(shown.languages)
    row = next(r for r in rows if r["recipe"] == "mnli" and r["language"] == "sw")
    assert (float(row["difference"]), row["against"], row["pairs"]) == (pytest.approx(4.0), "mini-2/none/xnli", "3")


@pytest.mark.parametrize(
    ("asked", "said"),
    [({"c": ["a b"]}, "neither"), ({"c": ["99999"]}, "no run 99999"), ({"c": ["1"], "source": "hub"}, "another benchmark"), ({}, ""), ({"c": ["1"] * 7}, "")],
)  # fmt: skip
def test_what_cannot_be_compared_is_refused(filled: Any, asked: dict[str, Any], said: str) -> None:
    client, _ = filled
    refused = client.get(V1 + "/compare", params=asked)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"].startswith("query/c") and said in refused.text


def test_what_was_asked_is_not_echoed_whole_and_an_unknown_metric_is_refused(filled: Any) -> None:
    client, _ = filled
    long = client.get(V1 + "/compare", params={"c": ["a b" * 500]})
    assert long.status_code == 422 and len(long.json()["errors"][0]["message"]) < 200
    for where in ("/compare", "/compare/export"):
        refused = client.get(V1 + where, params={"c": ["mini-2/none/xnli"], "metric": "acuracy"})
        assert refused.status_code == 422 and refused.json()["errors"][0]["pointer"] == "query/metric"
        assert "did you mean accuracy" in refused.json()["errors"][0]["message"]


def test_two_settings_are_compared_under_those_that_both_have_as_explore_shows_them(client: Any, worker: Any) -> None:
    body = {"name": "x", "source": "mini", "models": ["mini-2"], "recipes": ["mnli"], "targets": ["xnli"]}
    assert client.post(V1 + "/experiments", json=body | {"seeds": [0, 1, 2]}).status_code == 201
    worker.finish_all()
    again = body | {"seeds": [0, 1, 2, 3], "finetuning": {"steps": 300}}
    assert client.post(V1 + "/experiments", json=again).status_code == 201
    while (claim := worker.claim()) is not None:  # of the baseline only one seed is there in the end
        run = client.get(f"{V1}/runs/{claim.run_id}").json()
        if claim.kind is RunKind.EVALUATE and run["recipe"] == "none" and run["seed"] > 0:
            worker.fail(claim)
        else:
            worker.finish(claim, 60.0)
    found = ask(client, "mini-2/none/xnli", "mini-2/mnli/xnli")
    assert found.sides[1].unpaired is None and found.sides[0].settings == found.sides[1].settings
    cells = {c["language"]: c for c in client.get(f"{V1}/gains?model=mini-2&target=xnli").json()["cells"]}
    assert {c.language: (c.pairs, c.difference) for c in found.cells[1]} == {
        code: (cell["n"], cell["gain"]) for code, cell in cells.items()
    }
    assert {c.pairs for c in found.cells[1]} == {3}
    assert found.sides[1].seeds == [0, 1, 2]


def test_a_metric_that_one_target_lacks_is_its_headline_there(filled: Any) -> None:
    client, _ = filled
    found = ask(client, "mini-2/none/xnli", "mini-2/none/squad", "mini-2/mnli/xnli", metric="f1")
    assert [s.metric for s in found.sides] == ["accuracy", "f1", "accuracy"]
    assert found.sides[2].difference is not None
