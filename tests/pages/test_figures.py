"""Heatmaps: colours that mean the same on both sides of zero, marks that tell the kinds of missing apart."""

import copy
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import plotly.graph_objects as go
import pytest

from backend.domain.gains import Missing
from backend.domain.language import LANGUAGES
from backend.domain.schemas import Curve, GainCell, GainMatrix
from dashboard.bars import cost_bars, round_hours
from dashboard.evidence import Learning, learning_curves
from dashboard.figures import (
    gain_drawing,
    gain_heatmap,
    gain_range,
    languages,
    said,
    schemes,
    score_drawing,
    score_heatmap,
    score_matrix,
    unsaid,
)
from dashboard.heatmap import MAX_TEXT_CELLS, short_family
from dashboard.look import DARK, LIGHT, luminance

Make = Callable[..., GainMatrix]
SVG = "{http://www.w3.org/2000/svg}"


def trace(figure: go.Figure, name: str) -> Any:
    [found] = [t for t in figure.data if t.name == name]
    return found


def names(figure: go.Figure) -> list[str]:
    return [t.name for t in figure.data]


def legend(figure: go.Figure) -> list[str]:
    return [t.name for t in figure.data if t.type != "heatmap" and t.showlegend is not False]


def picture(figure: go.Figure, name: str) -> ElementTree.Element:
    """An image of the layout: it must be XML, which is more than browsers ask for."""
    [source] = [i.source for i in figure.layout.images if i.name == name]
    kind, _, content = source.partition(",")
    assert kind == "data:image/svg+xml" and content.isascii() and not set(content) & set('<>#"')
    return ElementTree.fromstring(unquote(content))


def said_in(figure: go.Figure, name: str) -> list[str]:
    """What is written over the cells, row by row and from the left."""
    if name not in [i.name for i in figure.layout.images]:
        return []
    places = []
    for text in picture(figure, name).iter(f"{SVG}text"):
        x, y = (float(text.attrib[axis].removesuffix("%")) for axis in "xy")
        places.append((y, x, float(text.attrib["dy"]), text.text or ""))
    return [text for *_, text in sorted(places)]


def paths(figure: go.Figure, name: str) -> list[ElementTree.Element]:
    return picture(figure, name).findall(f"{SVG}path")


def written(figure: go.Figure, name: str) -> str:
    return " ".join(t.text or "" for t in picture(figure, name).iter(f"{SVG}text")) + " "


def test_colours_are_symmetric_about_zero(matrix: Make):
    axis = gain_heatmap(matrix({"mnli": {"sw": 3.2, "de": -0.4}})).layout.coloraxis
    assert axis.cmin == -axis.cmax == -3.5
    assert axis.cmid == 0
    middle = next(c for at, c in axis.colorscale if at == 0.5)
    assert luminance(middle) > 0.7


def test_the_range_does_not_depend_on_the_order_or_the_theme(matrix: Make):
    made = matrix({"mnli": {"sw": 3.2, "de": -0.4}, "squad": {"sw": 1.0, "de": -7.1}})
    ranges = {
        gain_heatmap(made, order, theme).layout.coloraxis.cmax
        for order in ("family", "gain", "name")
        for theme in (LIGHT, DARK)
    }
    assert ranges == {7.5}


def test_the_largest_gains_are_clipped_and_the_legend_says_so(matrix: Make):
    row = dict.fromkeys(("de", "ar", "hi", "tr", "sw", "vi", "zh", "ru"), 1.0)
    many = {f"r{i}": dict(row) for i in range(10)}
    assert gain_range(matrix(many)) == (1.0, False)
    assert "clipped" not in written(gain_heatmap(matrix(many)), "colours")
    many["r0"]["de"] = 30.0
    assert gain_range(matrix(many)) == (1.0, True)
    assert "points clipped at ±1 " in written(gain_heatmap(matrix(many)), "colours")


def test_cells_carry_their_sign_as_text(matrix: Make):
    figure = gain_heatmap(matrix({"mnli": {"sw": 1.24, "de": -0.3}}), "name")
    assert said_in(figure, "numbers") == ["−0.3", "+1.2"]
    assert [list(row) for row in trace(figure, "cells").z] == [[-0.3, 1.24]]


def test_text_gives_way_when_there_are_too_many_cells(matrix: Make):
    row = dict.fromkeys(("de", "ar", "hi", "tr", "sw", "vi", "zh", "ru", "et", "id"), 1.0)
    few, many = ({f"r{i}": row for i in range(n)} for n in (60, 61))
    assert len(row) * 60 == MAX_TEXT_CELLS
    assert said_in(gain_heatmap(matrix(few)), "numbers") == ["+1.0"] * MAX_TEXT_CELLS
    assert said_in(gain_heatmap(matrix(many)), "numbers") == []


def test_each_kind_of_missing_has_its_own_mark(matrix: Make, cell: Callable[..., GainCell]):
    row = {
        code: cell("mnli", code, None, missing=kind, why_missing=f"because {kind.value}")
        for code, kind in zip(("de", "ar", "hi", "tr"), Missing, strict=True)
    }
    figure = gain_heatmap(matrix({"mnli": {**row, "sw": 1.0}}), "name")
    bars = [t for t in figure.data if t.type == "bar"]
    shapes = {t.name: t.marker.pattern.shape for t in bars}
    assert set(shapes) == {"n/a: not applicable", "not run", "failed", "test labels withheld"}
    assert len(set(shapes.values())) == 4
    assert all(len(t.x) == 1 for t in bars)
    assert set(said_in(figure, "reasons")) == {"n/a", "not run", "failed", "withheld"}
    assert legend(figure) == [t.name for t in bars]
    hovers = " ".join(t for line in trace(figure, "cells").hovertext for t in line)
    for kind in Missing:
        assert f"because {kind.value}" in hovers


def test_missing_cells_are_not_coloured(matrix: Make):
    figure = gain_heatmap(matrix({"mnli": {"sw": 1.0, "de": None}}), "name")
    assert [list(row) for row in trace(figure, "cells").z] == [[None, 1.0]]


def test_a_dot_marks_a_finding_and_nothing_else(matrix: Make, cell: Callable[..., GainCell]):
    row = {"sw": cell("mnli", "sw", 2.0, q=0.049), "de": cell("mnli", "de", 2.0, q=0.05), "hi": cell("mnli", "hi", 2.0)}
    figure = gain_heatmap(matrix({"mnli": row}), "name")
    dots = trace(figure, "findings")
    assert [round(x) for x in dots.x] == [2]  # German, Hindi, Swahili
    assert "q < .05" in legend(figure)
    assert "findings" not in names(gain_heatmap(matrix({"mnli": {"sw": 2.0}})))


def test_the_tooltip_says_all(matrix: Make, cell: Callable[..., GainCell]):
    one = cell("mnli", "sw", 1.2, low=0.3, high=2.1, q=0.031, baseline=60.0, treated=61.2, detectable=0.9)
    [[text]] = trace(gain_heatmap(matrix({"mnli": {"sw": one}})), "cells").hovertext
    for part in (
        "mnli → Swahili (sw)",
        "+1.2 [0.3, 2.1]",
        "61.2 with, 60.0 without",
        "n=3",
        "q .031",
        "detectable 0.9",
    ):
        assert part in text


def test_tooltips_hold_no_markup_of_others(matrix: Make, cell: Callable[..., GainCell]):
    one = cell("mnli", "sw", None, missing=Missing.FAILED, why_missing="<img src=x onerror=alert(1)>")
    [[text]] = trace(gain_heatmap(matrix({"mnli": {"sw": one}})), "cells").hovertext
    assert "<img" not in text
    assert "&lt;img" in text


def test_clicks_name_their_cell(matrix: Make):
    figure = gain_heatmap(matrix({"mnli+squad": {"sw": 1.0, "de": None}}), "name")
    assert [list(row) for row in trace(figure, "cells").customdata] == [["mnli+squad.de", "mnli+squad.sw"]]


def test_rows_that_train_on_the_same_data_twice_say_so(matrix: Make):
    figure = gain_heatmap(matrix({"mnli": {"sw": 1.0}, "squad": {"sw": 1.0}}, twice=("mnli",)))
    first, second = figure.layout.yaxis.ticktext
    assert "same data twice" in first
    assert "same data twice" not in second


def test_no_two_pictures_lie_at_the_same_place(matrix: Make, cell: Callable[..., GainCell]):
    """Of those that do, plotly shows one."""
    gone = cell("mnli", "de", None, missing=Missing.NOT_RUN)
    images = gain_heatmap(matrix({"mnli": {"sw": cell("mnli", "sw", 1.0, q=0.01), "de": gone}})).layout.images
    assert [i.name for i in images] == ["colours", "over cells", "numbers", "reasons", "over means", "mean text"]
    assert len({(i.xref, i.x, i.sizex, i.yref, i.y, i.sizey) for i in images}) == len(images)


def test_means_stand_beside_their_support(matrix: Make):
    figure = gain_heatmap(
        matrix({"mnli": {"sw": 1.0, "de": 2.0, "hi": None}, "squad": {"sw": None, "de": None, "hi": None}})
    )
    assert said_in(figure, "mean text") == ["+1.5", "2 of 3", "–", "0 of 3"]


def test_orders(matrix: Make):
    made = matrix(
        {"mnli": {"sw": 1.0, "de": 3.0, "en": 2.0, "ar": None}, "squad": {"sw": 9.0, "de": 0.0, "en": 0.0, "ar": None}}
    )
    assert languages(made, "name") == ["ar", "en", "de", "sw"]
    assert languages(made, "family") == ["ar", "en", "de", "sw"]
    assert languages(made, "gain") == ["sw", "de", "en", "ar"]


@pytest.mark.parametrize(
    ("order", "codes", "bands"),
    [("script", ["ar", "hi", "de", "sw"], ["Arabic", "Devanagari", "Latin"]),
     ("resource", ["ar", "de", "hi", "sw"], ["high-resource", "low-resource"])],
)  # fmt: skip
def test_bands_follow_the_order_and_are_named(order: Any, codes: list[str], bands: list[str], matrix: Make):
    figure = gain_heatmap(matrix({"mnli": {"sw": 1.0, "de": 1.0, "ar": 1.0, "hi": 1.0}}), order)
    assert [c.partition(".")[2] for c in trace(figure, "cells").customdata[0]] == codes
    assert trace(figure, "band").text == (order,)
    assert trace(figure, "bands").hovertext == tuple(bands)


def test_a_choice_of_languages_moves_no_colour_and_says_what_means_are_over(matrix: Make):
    made = matrix({"mnli": {"sw": 1.0, "de": 9.0, "hi": 2.0}, "squad": {"sw": 1.0, "de": -1.0, "hi": None}})
    every, some = gain_heatmap(made), gain_heatmap(made, choice="resource:low,hi")
    assert some.layout.coloraxis.cmax == every.layout.coloraxis.cmax == 9.0
    assert [list(row) for row in trace(some, "cells").z] == [[2.0, 1.0], [None, 1.0]]
    assert said_in(some, "mean text") == ["+1.0", "1 of 2", "+1.0", "1 of 2"]
    assert score_heatmap(made).layout.coloraxis.cmin == score_heatmap(made, choice="sw").layout.coloraxis.cmin


def test_fading_leaves_findings_alone(matrix: Make, cell: Callable[..., GainCell]):
    made = matrix({"mnli": {"sw": cell("mnli", "sw", 2.0, q=0.01), "de": 1.0, "hi": None}})
    veil = trace(gain_heatmap(made, "name", fade="unsure"), "veil")
    assert [list(row) for row in veil.z] == [[1, None, None]]  # German; Hindi is missing, which is not unsure
    assert "veil" not in names(gain_heatmap(made, "name"))


def test_what_is_smaller_than_its_detectable_gain_can_be_faded(matrix: Make, cell: Callable[..., GainCell]):
    made = matrix(
        {
            "mnli": {
                "sw": cell("mnli", "sw", -2.0, detectable=1.9),
                "de": cell("mnli", "de", 2.0, detectable=2.1),
                "hi": 1.0,
            }
        }
    )
    veil = trace(gain_heatmap(made, "name", fade="small"), "veil")
    assert [list(row) for row in veil.z] == [[1, 1, None]]  # German; of Hindi nothing is known


def test_colours_of_gains_can_be_chosen(matrix: Make):
    made = matrix({"mnli": {"sw": 2.0, "de": -2.0}})
    vik, puor = (gain_heatmap(made, colours=name) for name in ("vik", "puor"))
    assert vik.layout.coloraxis.cmax == puor.layout.coloraxis.cmax
    assert [puor.layout.coloraxis.colorscale[i][1] for i in (0, -1)] == ["#7f3b08", "#2d004b"]
    assert vik.layout.coloraxis.colorscale != puor.layout.coloraxis.colorscale


def test_names_lead_to_pages_only_where_there_are_some(matrix: Make):
    made = matrix({"mnli": {"sw": 2.0, "de": -2.0}})
    frozen, live = (gain_drawing(made, "name", linked=source)(LIGHT) for source in (None, "hub"))
    assert "<a" not in str(frozen["layout"])
    (name,) = live["layout"]["yaxis"]["ticktext"]
    assert (
        name
        == '<a href="/explore?cell=mnli.mean&amp;layout=recipe-target&amp;model=mini-2&amp;source=hub" target="_self">mnli</a>'
    )
    assert '<a href="/languages/de" target="_self"><b>de</b></a>' in live["layout"]["xaxis"]["ticktext"][1]


def test_by_cluster_alike_rows_and_columns_are_neighbours(matrix: Make):
    made = matrix({
        "a": {"sw": 5.0, "de": -1.0, "hi": 4.8, "fr": -1.2}, "b": {"sw": -3.0, "de": 0.0, "hi": -3.0, "fr": 0.1},
        "c": {"sw": 5.1, "de": -1.0, "hi": 4.9, "fr": None},
    })  # fmt: skip
    figure = gain_heatmap(made, "cluster")
    rows = [str(row[0]).partition(".")[0] for row in trace(figure, "cells").customdata]
    columns = [str(key).partition(".")[2] for key in trace(figure, "cells").customdata[0]]
    assert rows in (["a", "c", "b"], ["c", "a", "b"], ["b", "a", "c"], ["b", "c", "a"])
    assert {frozenset(columns[:2]), frozenset(columns[2:])} == {frozenset(("sw", "hi")), frozenset(("de", "fr"))}
    assert gain_heatmap(made, "cluster") == figure


def test_the_dark_figure_is_the_light_one_with_its_differences(matrix: Make):
    made = matrix({"mnli": {"sw": 1.0, "de": None}, "squad": {"sw": -1.0, "de": 2.0}})
    sent = schemes(lambda theme: gain_heatmap(made, "family", theme))
    found = copy.deepcopy(sent["light"])
    for path, value in sent["dark"]:
        at = found
        for step in path[:-1]:
            at = at[step]
        at[path[-1]] = value
    assert found == gain_heatmap(made, "family", DARK).to_plotly_json()
    assert not any("hovertext" in path for path, _ in sent["dark"])


def test_costs_are_bars_of_recipes_and_of_no_language(matrix: Make):
    figure = cost_bars(matrix({"mnli": {"sw": 1.0}, "squad": {"sw": 1.0}}))
    assert [t.name for t in figure.data] == ["on its own", "intermediate run shared out"]
    assert [list(t.x) for t in figure.data] == [[0.5, 0.5], [0.1, 0.1]]
    assert list(figure.data[0].text) == ["30 min", "30 min"]
    assert list(figure.data[0].customdata) == ["mnli.mean", "squad.mean"]


@pytest.mark.parametrize("longest", [0.004, 0.03, 0.5, 2.2, 31, 4000])
def test_axes_of_time_are_marked_at_round_times(longest: float):
    marks = round_hours(longest)
    assert 4 <= len(marks) <= 10
    assert marks[0] == 0
    assert marks[-1] <= longest * 1.1


def test_learning_curves_tell_with_from_without():
    curves = [Curve(name="loss", steps=[1, 2], values=[2.0, 1.0]), Curve(name="dev/f1", steps=[2], values=[50.0])]
    other = [Curve(name="loss", steps=[1, 2], values=[2.0, 1.5]), Curve(name="learning_rate", steps=[1], values=[0.1])]
    figure = learning_curves([Learning(7, 0, True, curves), Learning(8, 0, False, other)], "f1")
    assert [(t.name, t.yaxis, t.line.dash) for t in figure.data] == [
        ("with the recipe", "y", "solid"), ("with the recipe", "y2", "solid"), ("baseline", "y", "4px,3px"),
    ]  # fmt: skip
    assert [t.name for t in figure.data if t.showlegend] == ["with the recipe", "baseline"]


def test_rows_with_the_same_data_do_not_decide_the_order(matrix: Make):
    made = matrix({"mnli": {"sw": 1.0, "de": 30.0}, "squad": {"sw": 2.0, "de": 0.0}}, twice=("mnli",))
    assert languages(made, "gain") == ["sw", "de"]


def test_families_are_named_over_the_languages(matrix: Make):
    figure = gain_heatmap(matrix({"mnli": {"sw": 1.0, "de": 1.0, "en": 1.0, "ar": 1.0}}))
    assert trace(figure, "band").text == ("family",)
    assert trace(figure, "bands").hovertext == ("Afro-Asiatic", "Indo-European", "Niger-Congo")
    bands = [s for s in figure.layout.shapes if s.type == "rect"]
    assert [(s.x1 - s.x0) > 1.5 for s in bands] == [False, True, False]


def test_cells_are_parted_by_lines_so_that_they_can_be_painted_a_pixel_each(matrix: Make):
    """With a gap of its own a heatmap is painted dot by dot, several times as long: see plotly's ``heatmap/plot.js``."""
    figure = gain_heatmap(matrix({"mnli": {"sw": 1.0, "de": 1.0}, "squad": {"sw": 1.0, "de": 2.0}}))
    assert not any(t.xgap or t.ygap for t in figure.data if t.type == "heatmap")
    (cells,), (means,) = paths(figure, "over cells"), paths(figure, "over means")
    assert cells.get("d") == "M-50 -50H150M-50 50H150M-50 150H150M-50 -50V150M50 -50V150M150 -50V150"
    assert means.get("d", "").count("H") == 3 and "V" not in means.get("d", "")
    assert cells.get("stroke") == means.get("stroke") == figure.layout.paper_bgcolor
    over = next(i for i in figure.layout.images if i.name == "over cells")
    assert (over.x, over.y, over.sizex, over.sizey) == (-0.5, -0.5, 2, 2)


def test_a_great_many_marks_are_drawn_as_few_things(matrix: Make, cell: Callable[..., GainCell]):
    """What a browser draws one by one is what a reader waits for."""
    codes, recipes = list(LANGUAGES)[:40], ["a", "b", "c", "d"]
    found = {r: {c: cell(r, c, 2.0 if i % 2 else -9.0, q=0.01) for i, c in enumerate(codes)} for r in recipes[:2]}
    gone: dict[str, dict[str, Any]] = {r: dict.fromkeys(codes) for r in recipes[2:]}
    gone["d"][codes[7]] = cell("d", codes[7], 1.0)
    figure = gain_heatmap(matrix(found | gone), "name")
    assert "findings" not in names(figure)
    _, *dots = paths(figure, "over cells")
    assert sum(p.get("d", "").count("M") for p in dots) == 80 and len(dots) == len({p.get("fill") for p in dots}) == 2
    marks = trace(figure, "not run")
    at = languages(matrix(found), "name").index(codes[7])
    assert [round(w, 2) for w in marks.width] == [39.96, at - 0.04, 39 - at - 0.04]
    assert list(marks.x) == [19.5, (at - 1) / 2, (at + 1 + 39) / 2]


def test_what_is_said_of_a_cell_is_the_same_in_any_order(matrix: Make):
    made = matrix({"mnli": {"sw": 1.0, "de": 9.0, "hi": 2.0}})
    for order in ("family", "name", "gain"):
        cells = trace(gain_heatmap(made, order), "cells")
        for key, text in zip(cells.customdata[0], cells.hovertext[0], strict=True):
            assert f"({key.partition('.')[2]})" in text
    other = trace(gain_heatmap(matrix({"mnli": {"sw": -4.0}})), "cells").hovertext[0][0]
    assert "\u22124.0" in other


def test_the_colour_bar_says_what_the_colours_mean(matrix: Make):
    """One picture: plotly's own is 255 rectangles, drawn anew at every change."""
    figure = gain_heatmap(matrix({"mnli": {"sw": 3.2, "de": -0.4}}), theme=DARK)
    assert written(figure, "colours").split() == ["gain,", "points", *"−3 −2 −1 0 +1 +2 +3".split()]
    axis, bar = figure.layout.coloraxis, picture(figure, "colours")
    assert axis.showscale is False
    stops = [(float(e.get("offset", "")), e.get("stop-color")) for e in bar.iter(f"{SVG}stop")]
    assert stops == [(round(at, 5), c) for at, c in axis.colorscale]
    [box] = bar.iter(f"{SVG}rect")
    top, height = float(box.get("y", "")), float(box.get("height", ""))
    zero = next(t for t in bar.iter(f"{SVG}text") if t.text == "0")
    assert float(zero.get("y", "")) == pytest.approx(top + height / 2, abs=5)
    assert zero.get("fill") == DARK.ink
    scores = score_heatmap(matrix({"mnli": {"sw": 3.2}}))
    low, high = scores.layout.coloraxis.cmin, scores.layout.coloraxis.cmax
    assert {f"{low:g}", f"{high:g}"} <= set(written(scores, "colours").split())


def test_what_is_said_of_cells_can_travel_apart_from_the_figure(matrix: Make):
    made = matrix({"mnli": {"sw": 1.0, "de": -9.0}, "squad": {"sw": 2.0}})
    texts = said(made, None)
    for whole, drawing in (
        (gain_heatmap(made), gain_drawing(made, "family")),
        (gain_heatmap(made, "gain"), gain_drawing(made, "gain")),
        (score_heatmap(made), score_drawing(made, "family")),
    ):
        drawn = unsaid(schemes(drawing))
        cells = next(t for t in drawn["light"]["data"] if t["name"] == "cells")
        assert cells["hovertext"] is None
        complete = trace(whole, "cells").hovertext
        assert [[texts[of] for of in row] for row in cells["customdata"]] == [list(row) for row in complete]
    assert set(said(made, "sw")) == {key for key in texts if key.endswith(".sw")}


@pytest.mark.parametrize(
    ("name", "width", "columns", "text"),
    [("Indo-European", 9, 15, "Indo-European"), ("Niger-Congo", 1, 15, "Nig-Con"), ("Niger-Congo", 1, 40, "NC"),
     ("Sino-Tibetan", 1, 20, "Sin-Tib"), ("Austronesian", 1, 50, "Aust."), ("Trans-New Guinea", 1, 50, "TNG")],
)  # fmt: skip
def test_family_names_give_way(name: str, width: int, columns: int, text: str):
    assert short_family(name, width, columns) == text


def test_a_figure_is_as_wide_as_the_names_over_its_columns_need(matrix: Make):
    def width(*languages: str, order: Any = "name") -> int:
        made = gain_heatmap(matrix({"mnli": dict.fromkeys(languages, 1.0)}), order)
        return int(made.layout.meta["width"])

    latin = ("de", "fr", "et", "fi", "tr")
    assert width(*latin, "sw", order="script") < width(*latin, "id", order="script")  # Swahili, Indonesian
    assert width(*latin, "sw", order="script") < width(*latin, "sw", order="family")  # Niger-Congo
    codes = [code for code in LANGUAGES if code != "en"]
    assert width(*codes[:15]) < width(*codes[:14])  # codes stand alone from fifteen on


def test_scores_begin_with_the_baseline(matrix: Make, cell: Callable[..., GainCell]):
    one = cell("mnli", "sw", 1.0, baseline=50.0, treated=51.0, n=3, baseline_runs=[1, 2, 3])
    more = cell("squad", "sw", 1.0, baseline=52.0, treated=53.0, n=5)
    figure = score_heatmap(matrix({"mnli": {"sw": one, "de": None}, "squad": {"sw": more, "de": None}}), "name")
    assert figure.layout.yaxis.ticktext[0] == "none"
    assert [list(row) for row in trace(figure, "cells").z] == [[None, 52.0], [None, 51.0], [None, 53.0]]
    assert said_in(figure, "numbers") == ["52.0", "51.0", "53.0"]
    assert figure.layout.coloraxis.cmin == 50
    assert figure.layout.coloraxis.cmax == 55


def test_a_score_without_a_baseline_is_shown_as_a_score_and_not_as_a_gain(matrix: Make, cell: Callable[..., GainCell]):
    lonely = cell("mnli", "sw", None, treated=51.0, why_missing="no baseline run")
    made = matrix({"mnli": {"sw": lonely}})
    assert said_in(score_heatmap(made), "numbers") == ["51.0"]
    assert said_in(gain_heatmap(made), "numbers") == []


def test_the_baseline_keeps_its_runs(matrix: Make, cell: Callable[..., GainCell]):
    made = score_matrix(matrix({"mnli": {"sw": cell("mnli", "sw", 1.0, baseline_runs=[4, 5])}}))
    assert made.cells[0].recipe == "none"
    assert made.cells[0].runs == [4, 5]


@pytest.mark.parametrize("draw", [gain_heatmap, score_heatmap])
@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_figures_are_pure_and_can_be_sent(draw: Any, theme: Any, matrix: Make):
    made = matrix({"mnli": {"sw": 1.0, "de": None}})
    before = made.model_dump_json()
    assert draw(made, "family", theme).to_json() == draw(made, "family", theme).to_json()
    assert made.model_dump_json() == before
    assert draw(made, "family", theme).layout.paper_bgcolor == theme.paper


@pytest.mark.parametrize("draw", [gain_heatmap, score_heatmap])
def test_nothing_can_be_drawn_too(draw: Any, matrix: Make):
    for gains in ({}, {"mnli": {}}, {"mnli": {"sw": None}}):
        figure = draw(matrix(gains))
        assert not any(v is not None for t in figure.data if t.name == "cells" for row in t.z for v in row)
        assert figure.to_json()


def test_zoom_stays_while_the_same_thing_is_shown(matrix: Make):
    one, two = matrix({"mnli": {"sw": 1.0}}), matrix({"mnli": {"sw": 2.0}})
    other = matrix({"mnli": {"sw": 1.0}}, target="xquad")
    assert (
        gain_heatmap(one).layout.uirevision
        == gain_heatmap(two).layout.uirevision
        != gain_heatmap(other).layout.uirevision
    )
