"""What rows, columns and cells of other matrices are called, and what stands below a heatmap; as numbers, without a browser."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from backend.domain.schemas import Axes, GainCell, GainMatrix
from dashboard import below, clusters, crossed, orders, panels, pinned, subset, tables
from dashboard.figures import gain_drawing, score_matrix
from dashboard.findings import Shown
from dashboard.links import MEAN, Cell, Explore
from dashboard.links.pins import Pin, Pins
from dashboard.look import LIGHT

Make = Callable[..., GainMatrix]
OF_TARGETS = Axes(
    rows="target", columns="language", recipe="squad", recipes=["mnli", "squad"], over=None, support={}, family="f"
)
OF_RECIPES = Axes(
    rows="recipe", columns="target", recipe=None, recipes=["mnli"], over="transfer languages", support={"mnli.xnli": "8 of 9 languages"},
    family="f",
)  # fmt: skip
OF_MODELS = OF_TARGETS.model_copy(update={"rows": "model"})


@pytest.fixture
def by_target(matrix: Make) -> GainMatrix:
    made = matrix({"xnli": {"sw": 1.0, "de": 2.0}, "xcopa": {"sw": -1.0, "de": None}})
    return made.model_copy(update={"axes": OF_TARGETS})


@pytest.fixture
def by_recipe(matrix: Make) -> GainMatrix:
    return matrix({"mnli": {"xnli": 1.0, "xcopa": -0.5}}).model_copy(update={"axes": OF_RECIPES})


def test_a_cell_is_found_where_its_numbers_stand(by_target: GainMatrix, by_recipe: GainMatrix):
    there = crossed.place(Cell("xnli", "sw"), by_target)
    assert there is not None and (there.model, there.target, str(there.cell)) == ("mini-2", "xnli", "squad.sw")
    assert str(there.pin) == "mini-2/squad/xnli/sw"
    mean = crossed.place(Cell("mnli", "xcopa"), by_recipe)
    assert mean is not None and (mean.target, str(mean.cell), str(mean.pin)) == (
        "xcopa",
        "mnli.mean",
        "mini-2/mnli/xcopa",
    )
    assert crossed.place(Cell("mnli", MEAN), by_recipe) is None
    of_model = crossed.place(Cell("mini-4", "sw"), by_target.model_copy(update={"axes": OF_MODELS}))
    assert of_model is not None and (of_model.model, of_model.target) == ("mini-4", "xnli")


def test_tooltips_say_what_a_mean_is_over_and_mark_the_same_data_twice(by_recipe: GainMatrix):
    cell = by_recipe.cells[0]
    said = crossed.lines(cell, by_recipe.recipes[0], by_recipe)
    assert said[0] == "mnli → XNLI, mean over transfer languages"
    assert "over 8 of 9 languages in which every recipe has a gain" in said
    assert said[-1] == "same data twice: in no mean over targets"  # XNLI trains on MNLI
    drawn = gain_drawing(by_recipe, "family")(LIGHT)
    assert drawn["layout"]["xaxis"]["ticktext"] == ["mean of<br>targets", "XNLI", "XCOPA"]
    assert [t["text"] for t in drawn["data"] if t["name"] == "bands"] == [["classification", "multiple choice"]]


def test_rows_of_targets_have_means_of_their_own_languages(by_target: GainMatrix):
    shown = subset.narrow(by_target, "sw,de")
    xnli, xcopa = shown.recipes
    assert (xnli.mean_transfer, xnli.k, xnli.n) == (1.5, 2, 2) and (xcopa.mean_transfer, xcopa.k, xcopa.n) == (
        -1.0,
        1,
        2,
    )
    assert score_matrix(by_target) is by_target  # each row has its own baseline, so there is no row of one
    lines = tables.rows(by_target, Explore(layout="target-language"))
    assert [line["label"] for line in lines] == ["XNLI", "XCOPA"] and lines[1]["why"] == {"de": "not run"}
    assert tables.columns(by_target, Explore(layout="target-language"))[0]["headerName"] == "Target"
    ranked = str(panels.ranked(by_target, Explore(layout="target-language")))
    assert "XCOPA" in ranked and "cell=xnli.sw" in ranked


def test_clusters_leave_what_has_no_gain_at_the_end(matrix: Make):
    made = matrix({
        "a": {"sw": 5.0, "de": -1.0, "hi": None}, "b": {"sw": None, "de": None, "hi": None}, "c": {"sw": -4.0, "de": 1.0, "hi": None},
        "d": {"sw": 5.1, "de": -1.1, "hi": None},
    })  # fmt: skip
    rows, columns, bare = clusters.clustered(made)
    assert rows[-1] == "b" and columns[-1] == "hi" and bare == 2
    assert abs(rows.index("a") - rows.index("d")) == 1
    assert [r.recipe for r in orders.rows(made, "cluster")] == rows
    assert (
        clusters.order([[1.0, None], [None, 2.0], [1.0, None], [None, None]])[-1] == 3
    )  # without a common cell: far apart


def test_a_kept_cell_keeps_the_metric_that_is_looked_at_where_its_target_has_it():
    state = Explore(model="mini-2", target="xquad", metric="exact_match", order="gain")
    assert pinned.at(Pin("mini-4", "mnli", "xquad", "sw"), state).metric == "exact_match"
    assert pinned.at(Pin("mini-4", "mnli", "xnli"), state).metric is None


def test_toggling_a_pin_takes_cells_and_pins_but_never_the_baseline(matrix: Make):
    shown: Any = type("Shown", (), {})()
    shown.matrix, shown.state = matrix({"mnli": {"sw": 1.0}}), Explore(model="mini-2", target="xnli")
    once = pinned.toggled(shown, {"cell": "mnli.sw"})
    assert str(once) == "mini-2/mnli/xnli/sw" and pinned.keys(once, shown.matrix) == ["mnli.sw"]
    shown.state = replace(shown.state, pins=once)
    assert pinned.toggled(shown, {"pin": "mini-2/mnli/xnli/sw"}) == Pins()
    for wrong in ({"cell": "none.sw"}, {"cell": "%"}, {"pin": 7}, None, []):
        assert pinned.toggled(shown, wrong) == once
    real = Shown(Explore(pins=once), shown.matrix)
    mean, off = {"cell": "mnli.mean", "at": 9}, {"none": True, "at": 7}
    assert pinned.done(real, [off, mean], 0) == (Pins((Pin("mini-2", "mnli", "xnli"),)), 9.0)
    assert pinned.done(real, [off, mean], 9) == (once, 9.0)
    assert pinned.done(real, [{"none": True}, 3, {"none": True, "at": "x"}], "?") == (once, 0.0)
    assert pinned.keys(Pins((Pin("other", "mnli", "xnli"),)), shown.matrix) == []


def test_bars_are_means_of_groups_and_say_what_is_not_drawn(matrix: Make, cell: Callable[..., GainCell]):
    made = matrix({"a": {"sw": 1.0}, "mnli": {"sw": 4.0, "de": 1.0, "nl": 2.0, "en": 9.0, "tr": None}})
    state = Explore(recipe="mnli", below="family")
    drawing = below.drawing(made, state)
    assert drawing is not None
    bars, numbers = drawing["light"]["data"]
    assert bars["x"] == [4.0, 1.5] and numbers["text"] == ["  +4.0 1 of 1", "  +1.5 2 of 2"]
    assert (
        below.said(made, state)
        == "mnli: gain with its 95 % interval over seeds. English is in no mean. Not drawn: 1 not run."
    )
    scattered = below.drawing(made, replace(state, below="size"))
    assert scattered is not None and len(scattered["light"]["data"][0]["x"]) == 4
    assert below.drawing(matrix({"a": {"sw": None}}), Explore(below="languages")) is None
