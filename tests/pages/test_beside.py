"""Published figures as open markers: where the same cell or point exists, told apart, switched in the address, in no number."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from backend.domain.model import MODELS
from backend.domain.run import DeviceClass
from backend.domain.schemas import GainMatrix, RecipeRow, TradeoffPoint
from backend.literature.differences import differences
from backend.literature.figures import figures
from dashboard import beside, overlay, words
from dashboard.figures import schemes, score_drawing
from dashboard.links import Explore, Tradeoff
from dashboard.look import DARK, LIGHT
from dashboard.scatter import tradeoff

TREATED = ("mnli", "squad")


def matrix(cell: Callable[..., Any]) -> GainMatrix:
    rows = [
        RecipeRow(
            recipe=r, title=r, same_data_twice=False, mean_all=1.0, mean_transfer=1.0, k=2, n=2, device_hours_marginal=None,
            device_hours_amortised=None,
        )
        for r in TREATED
    ]  # fmt: skip
    return GainMatrix(
        model="xlmr-large", target="xnli", metric="accuracy", benchmark="XTREME-R", synthetic=False, baseline="none",
        languages=["en", "de", "sw"], recipes=rows, cells=[cell(r, c) for r in TREATED for c in ("en", "de", "sw")],
        models=["xlmr-large"], targets=["xnli"], metrics=["accuracy"], runs_pending=0, updated_at=None,
    )  # fmt: skip


def published(**wanted: Any) -> list[Any]:
    every = {"model": "xlmr-large", "task": "xnli", "protocol": "zero-shot", "recipe": "none", **wanted}
    return [
        f.view()
        for f in figures()
        if all(getattr(f, name) == value for name, value in every.items()) and f.language != "avg"
    ]


def marks(figure: Any, name: str) -> list[Any]:
    return [t for t in figure["data"] if t["name"].startswith(name)]


def test_a_marker_is_in_the_cell_of_the_same_recipe_and_language(cell):
    shown = matrix(cell)
    drawn = overlay.mark_scores(score_drawing(shown, "name")(LIGHT), shown, published(), "name", None, LIGHT)
    trace, named = marks(drawn, "published")
    assert (named["x"], named["showlegend"], trace["showlegend"]) == ([None], True, False)
    assert {round(y) for y in trace["y"]} == {
        0
    }  # the row of the baseline: nothing with an intermediate stage was published
    assert len(trace["x"]) == 3
    assert trace["marker"]["symbol"].endswith("-open")
    (german,) = [h for h in trace["hovertext"] if "German" in h]
    (f,) = [f for f in published() if f.language == "de"]
    assert f"{f.value:.1f}, ours −{f.value - 60.0:.1f}" in german
    assert f.cite in german


def test_it_changes_no_number_of_the_heatmap(cell):
    shown = matrix(cell)
    plain = score_drawing(shown, "family")(LIGHT)
    drawn = overlay.mark_scores(score_drawing(shown, "family")(LIGHT), shown, published(), "family", None, LIGHT)
    assert [t for t in drawn["data"] if not t["name"].startswith("published")] == plain["data"]
    assert overlay.mark_scores(plain, shown, [], "family", None, LIGHT) is plain


def test_markers_follow_the_order_and_the_choice_of_languages(cell):
    shown = matrix(cell)
    drawing = score_drawing(shown, "name", choice="sw")
    made = schemes(lambda theme: overlay.mark_scores(drawing(theme), shown, published(), "name", "sw", theme))
    trace, _ = marks(made["light"], "published")
    assert (len(trace["x"]), "Swahili" in trace["hovertext"][0]) == (1, True)
    assert any(path[-1] == "color" and value == DARK.ink for path, value in made["dark"])
    white, black = matrix(cell).model_copy(update={"cells": [cell("mnli", "en", 1.0, treated=90.0)]}), LIGHT.ink
    assert overlay._inks(white, LIGHT)(None) == black


def test_when_they_are_wanted():
    assert beside.wants_scores(Explore(source="hub", value="score"))
    assert not beside.wants_scores(Explore(source="mini", value="score"))
    assert not beside.wants_scores(Explore(source="hub", value="gain"))
    assert not beside.wants_scores(Explore(source="hub", value="score", published="off"))
    assert (
        Explore(source="hub", value="score", published="off").address == "/explore?published=off&source=hub&value=score"
    )
    assert not beside.wants_gains(Tradeoff(source="hub", x="hours"))
    assert Tradeoff.of("?published=off") == Tradeoff(published="off")


# --- the trade-off -------------------------------------------------------------------------------------------------------


def point(**changes: Any) -> TradeoffPoint:
    known: dict[str, Any] = {
        "model": "xlmr-base", "parameters": 277453056, "parameters_non_embedding": 85054464, "recipe": "mnli", "target": "tydiqa",
        "metric": "f1", "language": "mean_all", "gain": 3.0, "low": None, "high": None, "n": 3, "device_class": DeviceClass.CUDA,
        "device": "a GPU", "device_hours_marginal": 1.0, "device_hours_amortised": 1.0, "same_data_twice": False,
    }  # fmt: skip
    return TradeoffPoint(**{**known, **changes})


def test_a_published_gain_stands_at_the_size_of_its_model():
    state = Tradeoff(source="hub", languages="mean_all")
    drawn = tradeoff([point()], state, published=differences()).to_plotly_json()
    trace, named = marks(drawn, "published")
    assert named["x"] == [None]  # of the legend
    assert set(trace["y"]) == {10.9}  # both tables print a difference of 76.0 and 65.1
    assert set(trace["x"]) == {MODELS["xlmr-large"].parameters}
    low, high = drawn["layout"]["yaxis"]["range"]
    assert low < 3.0 < 10.9 < high
    assert "no interval given" in trace["hovertext"][0]
    smaller = beside.place_gains(
        differences(), [point()], Tradeoff(source="hub", languages="mean_all", x="non-embedding")
    )
    assert {p.x for p in smaller} == {MODELS["xlmr-large"].parameters_non_embedding}


def test_it_is_beside_means_with_english_only_and_in_no_front():
    shown = [point()]
    assert beside.place_gains(differences(), shown, Tradeoff(source="hub")) == []
    assert "choose All, with English" in beside.said_of_gains(differences(), shown, Tradeoff(source="hub"))
    with_english = Tradeoff(source="hub", languages="mean_all")
    assert "drawn as open markers and in none of these numbers" in beside.said_of_gains(
        differences(), shown, with_english
    )
    assert words.tradeoff_summary(shown, with_english).count("10.9") == 0
    assert beside.place_gains(differences(), [point(metric="accuracy")], with_english) == []
    assert beside.place_gains(differences(), [point(target="xcopa", metric="accuracy")], with_english) == []


@pytest.mark.browser
def test_both_pages_show_and_hide_them(serve: Callable[..., Any], visit: Callable[..., Any]):
    def fill(lab: Any) -> None:
        lab.appears()
        lab.submit(source="hub", models=["xlmr-large"], recipes=["mnli"], targets=["xnli", "tydiqa"], seeds=[0])
        lab.work()

    site = serve(fill)
    page = visit(site, "/explore?source=hub&target=xnli&value=score").page
    said = page.locator("#explore-summary")
    expect(said).to_contain_text("Published scores are beside 15 of these cells")
    expect(page.locator("#explore-graph .legendtext", has_text="published")).to_be_visible()
    page.get_by_label("open markers").uncheck(force=True)
    expect(said).not_to_contain_text("Published")
    expect(page).to_have_url(re.compile("published=off"))
    page = visit(site, "/tradeoff?languages=mean_all&source=hub&target=tydiqa").page
    expect(page.locator("#tradeoff-summary")).to_contain_text("2 published gains are drawn as open markers")
    expect(page.locator("#tradeoff-graph .legendtext", has_text="published")).to_be_visible()
