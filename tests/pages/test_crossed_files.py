"""Files of the other matrices of Explore: what is on the screen, each row naming its own model, target and recipe, and no mean that
looks like a score."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml

from backend.domain.gains import Missing
from backend.domain.imports import ImportFile, ImportRequest
from backend.domain.schemas import Axes, GainMatrix
from backend.errors import Invalid
from backend.importing.read import read
from backend.store import imported, migrate
from backend.store.session import Store
from dashboard import apart, figures, orders
from dashboard.exports import caption, files, grid, latex, made, means, rows
from dashboard.links import Explore
from dashboard.look import LIGHT

SUFFIXES = [s for s in made.MEDIA if s != "yaml"]
OF_TARGETS = Axes(
    rows="target", columns="language", recipe="squad", recipes=["squad"], over=None, support={},
    family="all recipes and languages of the cell's own model, target and metric",
)  # fmt: skip
OF_RECIPES = Axes(
    rows="recipe", columns="target", recipe=None, recipes=["mnli", "squad"], over="transfer languages",
    support={"mnli.xnli": "8 of 9 languages", "squad.xnli": "8 of 9 languages", "squad.xquad": "7 of 7 languages"},
    family="all recipes and targets of this model, each a mean over transfer languages",
)  # fmt: skip


def subject(matrix: GainMatrix, layout: Any, **said: Any) -> made.Subject:
    state = Explore(layout=layout, model="mini-2", **said)
    return made.Subject(
        state, view=state.address, url=f"http://lab{state.address}", at=datetime(2026, 11, 29, tzinfo=UTC), program="Crosslift 9",
        benchmark=matrix.benchmark, synthetic=True, matrix=matrix,
    )  # fmt: skip


@pytest.fixture
def of_targets(matrix: Callable[..., GainMatrix], cell: Callable[..., Any]) -> GainMatrix:
    failed = cell("xcopa", "sw", None, missing=Missing.FAILED, why_missing="run 7 failed")
    none = cell("xcopa", "de", None, missing=Missing.NOT_APPLICABLE, why_missing="xcopa has no data in German")
    found = matrix({"xnli": {"sw": 1.0, "de": 2.0, "tr": None}, "xcopa": {"sw": failed, "de": none, "tr": -1.0}})
    return found.model_copy(update={"axes": OF_TARGETS, "metric": "headline"})


@pytest.fixture
def of_recipes(matrix: Callable[..., GainMatrix], cell: Callable[..., Any]) -> GainMatrix:
    failed = cell("mnli", "xquad", None, missing=Missing.FAILED, why_missing="run 7 failed")
    found = matrix(
        {"mnli": {"xnli": cell("mnli", "xnli", 5.0, q=0.01), "xquad": failed}, "squad": {"xnli": 0.4, "xquad": 1.5}}
    )
    return found.model_copy(update={"axes": OF_RECIPES, "metric": "headline"})


def test_each_row_names_its_own_model_target_recipe_and_metric(of_targets: GainMatrix):
    table = subject(of_targets, "target-language", order="name").table
    assert table.columns == rows.CELLS
    named = [(r["model"], r["recipe"], r["target"], r["metric"], r["language"]) for r in table.rows]
    assert named[0] == ("mini-2", "squad", "xnli", "accuracy", "de") and len(named) == 6
    assert {r["target"]: r["metric"] for r in table.rows} == {"xnli": "accuracy", "xcopa": "accuracy"}
    assert [r["missing"] for r in table.rows] == [None, None, "not_run", "not_applicable", "failed", None]
    of_models = of_targets.model_copy(
        update={"axes": OF_TARGETS.model_copy(update={"rows": "model"}), "metric": "accuracy"}
    )
    first = subject(of_models, "model-language").table.rows[0]
    assert (first["model"], first["target"], first["recipe"]) == (
        "xnli",
        of_targets.target,
        "squad",
    )  # a row's name is its model


def test_a_mean_is_no_score_of_a_language(of_recipes: GainMatrix):
    of = subject(of_recipes, "recipe-target", order="name")
    table = of.table
    assert table.columns == means.MEANS and "language" not in {c.name for c in table.columns}
    assert [(r["recipe"], r["target"], r["metric"], r["languages_in_mean"]) for r in table.rows] == [
        ("mnli", "xnli", "accuracy", "8 of 9 languages"), ("mnli", "xquad", "f1", None),
        ("squad", "xnli", "accuracy", "8 of 9 languages"), ("squad", "xquad", "f1", "7 of 7 languages"),
    ]  # fmt: skip
    assert [r["same_data_twice"] for r in table.rows] == [True, False, False, True]
    assert table.rows[1]["missing"] == "failed" and table.rows[1]["gain"] is None
    assert pq.read_table(io.BytesIO(files.as_parquet(table))).to_pylist() == json.loads(files.as_json(table))["rows"]
    assert "yaml" not in of.suffixes and made.file(of, "py", "page", "colour").count(b'columns="target"') == 1


def test_files_stand_in_the_order_of_the_figure_by_cluster_too(matrix: Callable[..., GainMatrix]):
    found = matrix({
        "a": {"sw": 5.0, "de": -1.0}, "b": {"sw": None, "de": None}, "c": {"sw": -4.0, "de": 1.0}, "d": {"sw": 5.1, "de": -1.1},
    })  # fmt: skip
    state = Explore(order="cluster")
    drawn = figures.gain_drawing(found, "cluster")(LIGHT)["layout"]["yaxis"]["ticktext"]
    assert drawn != ["a", "b", "c", "d"]
    assert list(dict.fromkeys(r["recipe"] for r in rows.cells(found, state))) == drawn
    assert (
        [name.key for name in grid.of(found, state).rows] == drawn == [r.recipe for r in orders.rows(found, "cluster")]
    )


def test_marks_and_caption_say_what_numbers_are_of(of_recipes: GainMatrix, of_targets: GainMatrix):
    state = Explore(layout="recipe-target", order="name")
    laid = grid.of(of_recipes, state)
    assert [name.short for name in laid.columns] == ["XNLI", "XQuAD"]
    assert laid.columns[0].band == "classification"
    assert laid.items[0][0].text == "+5.0‡" and laid.items[0][0].rank == 0  # the same data twice is best of nothing
    assert laid.items[0][1].missing is Missing.FAILED
    text = latex.heatmap(laid, of_recipes, state, "Crosslift.")
    assert r"{+5.0\rlap{$^{\dagger\ddagger}$}}" in text and r"{\textcolor{gray}{$\times$}}" in text
    said = " ".join(caption.heatmap(laid, of_recipes, state))
    assert (
        "each a mean over transfer languages" in said and "Languages of each mean: XNLI 8 of 9, XQuAD 7 of 7." in said
    )
    assert "over all recipes and targets of this model" in said and "in no mean over targets" in said
    state = Explore(layout="target-language", order="name", languages="sw,tr")
    laid = grid.of(of_targets, state)
    assert all(item.rank == 0 for line in laid.items for item in line)  # targets have metrics of their own
    assert [[item.text or item.missing for item in line] for line in laid.items] == [
        ["+1.0", Missing.NOT_RUN],
        [Missing.FAILED, "−1.0"],
    ]
    said = " ".join(caption.heatmap(laid, of_targets, state))
    assert (
        said.startswith("Gains of squad as intermediate task on every target") and "XNLI 1 of 2, XCOPA 1 of 2" in said
    )


def test_a_model_card_has_an_entry_for_each_model(of_targets: GainMatrix):
    index = yaml.safe_load(made.file(subject(of_targets, "target-language"), "yaml", "page", "colour"))["model-index"]
    assert [e["name"] for e in index] == ["mini-2 after squad"]
    assert {r["task"]["name"] for r in index[0]["results"]} == {"XNLI", "XCOPA"} and len(index[0]["results"]) == 3
    of_models = of_targets.model_copy(update={"axes": OF_TARGETS.model_copy(update={"rows": "model"})})
    index = yaml.safe_load(made.file(subject(of_models, "model-language"), "yaml", "page", "colour"))["model-index"]
    assert [e["name"] for e in index] == ["xnli after squad", "xcopa after squad"]


def test_means_cannot_be_taken_apart(of_recipes: GainMatrix):
    with pytest.raises(ValueError, match="recipes by targets cannot be taken apart"):
        apart.part(of_recipes, of_recipes.recipes[0])


# --- a laboratory ----------------------------------------------------------------------------------------------------


def address(layout: str, suffix: str, more: str = "") -> str:
    return f"/explore/export.{suffix}?layout={layout}&model=mini-2&recipe=squad&target=xnli{more}"


def request(name: str, content: bytes) -> ImportRequest:
    file = ImportFile(name=name, content=base64.b64encode(content).decode())
    return ImportRequest(format="long", source="back", files=[file])


@pytest.mark.parametrize("layout", ["recipe-target", "target-language", "model-language"])
def test_every_file_of_every_matrix_can_be_had(site: Any, layout: str):
    with httpx.Client(base_url=site.url, timeout=60) as http:
        live = GainMatrix.model_validate(
            http.get(f"/api/v1/gains/crossed?layout={layout}&model=mini-2&recipe=squad&target=xnli").json()
        )
        names: set[str] = set()
        for suffix in SUFFIXES:
            answer = http.get(address(layout, suffix, "&order=gain&value=gain"))
            assert answer.status_code == 200 and answer.headers["content-type"] == made.MEDIA[suffix], suffix
            names.add(answer.headers["content-disposition"].rpartition(".")[0])
        assert len(names) == 1  # what is inside is of one view
        table = http.get(address(layout, "json")).json()["rows"]
        assert len(table) == len(live.cells)
        assert {(r["recipe"], r["target"], r["model"]) for r in table} == {
            (c.recipe, c.language, "mini-2") if layout == "recipe-target"
            else ("squad", c.recipe, "mini-2") if layout == "target-language" else ("squad", "xnli", c.recipe)
            for c in live.cells
        }  # fmt: skip
        for value in ("score", "cost"):
            for suffix in ("tex", "svg"):
                assert http.get(address(layout, suffix, f"&value={value}")).status_code == 200
        card = http.get(address(layout, "yaml"))
        assert card.status_code == (404 if layout == "recipe-target" else 200)
        if layout == "recipe-target":
            assert "a mean over languages is none" in card.text
        snippet = http.get(address(layout, "py")).text
    found: dict[str, Any] = {}
    exec(snippet, found)
    assert isinstance(found["gains"], pd.DataFrame) and len(found["gains"]) == len(live.cells)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_cells_of_several_targets_and_models_come_back_with_their_gains(site: Any, suffix: str, tmp_path: Path):
    with httpx.Client(base_url=site.url, timeout=60) as http:
        content = {
            one: http.get(address(one, suffix)).raise_for_status().content
            for one in ("target-language", "model-language")
        }
        means_of = http.get(address("recipe-target", suffix)).raise_for_status().content
        live = {
            (model, target): GainMatrix.model_validate(http.get(f"/api/v1/gains?model={model}&target={target}").json())
            for model, target in (("mini-2", "xnli"), ("mini-2", "xquad"), ("mini-4", "xnli"))
        }
    migrate.upgrade(f"sqlite:///{tmp_path / 'back.db'}")
    store = Store(f"sqlite:///{tmp_path / 'back.db'}")
    with store.write() as session:
        for one, bytes_ in content.items():
            asked = request(f"{one}.{suffix}", bytes_)
            imported.keep(session, asked, read(asked), "somebody")
    with store.read() as session:
        for (model, target), there in live.items():
            back = imported.matrix(session, source="back", model=model, target=target, metric=there.metric)
            assert gains(back) == gains(there) != {}, (model, target)
    store.dispose()
    with pytest.raises(Invalid) as error:
        read(request(f"means.{suffix}", means_of))
    assert "hold no score of a seed" in error.value.errors[0].message


def gains(m: GainMatrix) -> dict[str, Any]:
    found = [c for c in m.cells if c.recipe == "squad" and c.gain is not None and c.missing is None]
    return {c.language: (c.gain, c.low, c.high, c.p_t, c.n, c.seeds, c.treated_scores) for c in found}
