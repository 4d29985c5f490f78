"""The trade-off: which points are compared, what is on the front, and what the figure shows of it."""

from collections.abc import Callable
from typing import Any

import pytest

from backend.domain.run import DeviceClass
from backend.domain.schemas import GainMatrix, TradeoffPoint
from backend.domain.task import Source
from backend.store import gains as stored
from backend.store import migrate
from backend.store.session import Store
from dashboard import standing, subset, weighing, words
from dashboard.links import Point, Tradeoff
from dashboard.look import CATEGORICAL, DARK, LIGHT, THEMES, contrast
from dashboard.scatter import tradeoff

SIZES = {"mini-1": 660_000, "mini-2": 790_000, "mini-4": 1_060_000}


def point(
    model: str = "mini-2", recipe: str = "mnli", target: str = "xquad", gain: float = 1.0, **changes: Any
) -> TradeoffPoint:
    known: dict[str, Any] = {
        "model": model, "parameters": SIZES[model], "parameters_non_embedding": SIZES[model] - 500_000, "recipe": recipe,
        "target": target, "metric": "f1", "language": "mean_transfer", "gain": gain, "low": gain - 1, "high": gain + 2, "n": 3,
        "device_class": DeviceClass.CPU, "device": "a processor", "device_hours_marginal": 0.5, "device_hours_amortised": 0.1,
        "same_data_twice": False,
    }  # fmt: skip
    return TradeoffPoint(**(known | changes))


def marks(figure: Any) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for t in figure.data:
        if t.x and t.x[0] is not None and t.name:
            found.setdefault(t.name, []).append(t)
    return found


def test_lines_join_one_recipe_from_small_to_large():
    points = [
        point("mini-4", gain=3.0),
        point("mini-1", gain=1.0),
        point("mini-2", gain=2.0),
        point("mini-1", "squad", gain=0.0),
    ]
    figure = tradeoff(points, Tradeoff(target="xquad"))
    [line] = marks(figure)["series"]  # squad has one model: no line
    assert list(line.y) == [1.0, 2.0, 3.0, None]
    assert list(line.x)[:3] == sorted(list(line.x)[:3])
    assert figure.layout.xaxis.type == "log"
    assert list(figure.layout.xaxis.ticktext) == ["660 k<br>mini-1", "790 k<br>mini-2", "1.1 M<br>mini-4"]
    assert "Pareto front" not in marks(figure)


def test_the_front_leaves_out_the_same_data_twice_and_other_targets():
    cheap, dear = point(gain=1.0, device_hours_marginal=0.1), point("mini-4", gain=2.0, device_hours_marginal=1.0)
    worse = point("mini-1", gain=0.5, device_hours_marginal=0.6)
    twice = point("mini-1", "squad", gain=9.0, device_hours_marginal=0.01, same_data_twice=True)
    elsewhere = point("mini-1", target="xnli", gain=8.0, device_hours_marginal=0.01)
    points = [cheap, dear, worse, twice, elsewhere]
    state = Tradeoff(x="hours")
    assert weighing.on_front(points, state) == {weighing.key(p, state) for p in (cheap, dear, elsewhere)}
    found = marks(tradeoff(points, state))
    assert [list(t.customdata) for t in found["dominated"]] == [["mini-1/mnli/xquad"]]
    assert found["dominated"][0].opacity < 0.5
    assert [t.marker.symbol[0].endswith("-open") for t in found["same data twice"]] == [True]
    assert len(found["Pareto front"]) == 2  # a panel each


def test_error_bars_are_the_interval():
    [front] = marks(tradeoff([point(gain=1.0)], Tradeoff(target="xquad")))["front"]
    assert (list(front.error_y.array), list(front.error_y.arrayminus)) == ([2.0], [1.0])


def test_times_of_two_device_classes_are_never_on_one_axis():
    cpu = [point("mini-1"), point("mini-2")]
    gpu = [point("mini-4", device_class=DeviceClass.CUDA, device="H100")]
    state = Tradeoff(x="hours", target="xquad")
    assert weighing.looked_at([*cpu, *gpu], state) == cpu
    assert weighing.looked_at([*cpu, *gpu], Tradeoff(x="hours", target="xquad", device="cuda")) == gpu
    assert weighing.looked_at([*cpu, *gpu], Tradeoff(target="xquad")) == [*cpu, *gpu]  # a size is a size
    assert tradeoff([*cpu, *gpu], state).layout.xaxis.title.text == "device-hours (cpu), paid in full (log)"
    assert tradeoff(gpu, state).layout.xaxis.title.text == "GPU-hours, paid in full (log)"


def test_sharing_out_the_intermediate_run_moves_points():
    state = Tradeoff(x="hours", target="xquad", cost="amortised")
    [front] = marks(tradeoff([point()], state))["front"]
    assert list(front.x) == [0.1]


def test_filtering_moves_no_colour():
    points = [
        point(recipe=r, target=t)
        for r in ("hellaswag", "mnli", "squad")
        for t in ("xquad", "xnli")
        if (r, t) != ("mnli", "xquad")
    ]
    every, some = (marks(tradeoff(points, Tradeoff(target=t))) for t in (None, "xquad"))
    colours = {
        c: m
        for t in every["front"] + every.get("dominated", [])
        for c, m in zip(t.customdata, t.marker.color, strict=True)
    }
    for t in (*some["front"], *some.get("dominated", [])):
        for key, colour in zip(t.customdata, t.marker.color, strict=True):
            assert colours[key] == colour


def test_the_chosen_point_has_a_ring():
    chosen = Tradeoff(target="xquad", point=Point("mini-2", "mnli", "xquad"))
    assert len(marks(tradeoff([point()], chosen))["chosen"]) == 1
    assert "chosen" not in marks(tradeoff([point()], Tradeoff(target="xquad")))


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("n", [0, 1, 2, 7])
def test_any_number_of_targets_can_be_drawn(n: int, theme: Any):
    targets = ["xquad", "xnli", "udpos", "xcopa", "tatoeba", "mine", "other"][:n]
    figure = tradeoff([point(target=t) for t in targets], Tradeoff(), theme)
    assert figure.to_json() == tradeoff([point(target=t) for t in targets], Tradeoff(), theme).to_json()
    domains = [
        (tuple(figure.layout[f"xaxis{i or ''}"].domain), tuple(figure.layout[f"yaxis{i or ''}"].domain))
        for i in [0, *range(2, n + 1)]
    ]
    assert all(0 <= a < b <= 1 for d in domains for a, b in d)
    assert len(set(domains)) == max(1, n)


def test_names_of_others_are_no_markup():
    figure = tradeoff([point(recipe="mnli", device="<b>x</b>")], Tradeoff())
    assert "&lt;b&gt;" in marks(figure)["front"][0].hovertext[0]


def test_a_point_leads_to_its_cell():
    p = point(target="xquad")
    assert weighing.cell_address(p, Tradeoff(languages="sw")) == "/explore?cell=mnli.sw&model=mini-2&target=xquad"
    mean = weighing.cell_address(p, Tradeoff(languages="resource:low"))
    assert mean == "/explore?cell=mnli.mean&languages=resource:low&model=mini-2&target=xquad"


def test_the_summary_says_how_gains_move_with_size():
    points = [
        point("mini-1", gain=1.0),
        point("mini-4", gain=3.0),
        point("mini-1", "squad", gain=1.0),
        point("mini-4", "squad", gain=0.0),
    ]
    text = words.tradeoff_summary(points, Tradeoff(target="xquad"))
    assert "the gain grows for 1 of 2 recipes and targets" in text
    assert "Largest gain: mnli on XQuAD with Mini XLM-R, 4 layers, +3.0 [2.0, 5.0], n=3" in text
    assert "(synthetic benchmark)" in text
    assert "front" in words.tradeoff_summary(points, Tradeoff(target="xquad", x="hours"))
    assert words.tradeoff_summary([], Tradeoff()) == ""


def test_the_table_has_the_numbers_of_the_figure():
    points = [point("mini-1"), point("mini-4", gain=3.0, low=None, high=None)]
    rows = standing.rows(points, Tradeoff(x="hours"))
    assert [(r["key"], r["gain"], r["interval"], r["front"]) for r in rows] == [
        ("mini-1/mnli/xquad", 1.0, "[0.0, 3.0]", ""), ("mini-4/mnli/xquad", 3.0, "too few seeds", "yes"),
    ]  # fmt: skip


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
def test_categorical_colours_can_be_seen_and_told_apart(theme: Any):
    colours = CATEGORICAL[theme.name]
    assert len(set(colours)) == len(colours) >= 8
    for colour in colours:
        assert contrast(colour, theme.paper) >= 3


# --- languages -------------------------------------------------------------------------------------------------------


def test_choices_are_unions_of_groups():
    assert subset.members("family:Turkic,sw") == {"az", "kk", "tr", "sw"}
    assert subset.members(None) is None
    assert {"en", "sw"}.isdisjoint(subset.members("script:non-Latin") or ())
    assert subset.described("resource:low,script:non-Latin,sw") == "low-resource, non-Latin scripts, Swahili"


def test_those_with_scores_are_what_a_matrix_says(matrix: Callable[..., GainMatrix]):
    found = matrix({"mnli": {"sw": 1.0, "th": None, "tr": None}, "squad": {"sw": None, "th": 2.0, "tr": None}})
    made = subset.narrow(found, "measured")
    assert (made.languages, len(made.cells)) == (["sw", "th"], 4)
    assert subset.narrow(matrix({"mnli": {"sw": None, "tr": None}}), "measured,tr").languages == ["tr"]
    assert subset.read("tr,measured,nonsense") == "measured,tr"
    assert subset.described("measured,tr") == "those with scores, Turkish"


def test_narrowing_to_nothing_leaves_rows_without_cells(matrix: Callable[..., GainMatrix]):
    made = subset.narrow(matrix({"mnli": {"sw": 1.0}}), "th")
    assert (made.languages, made.cells, made.recipes[0].mean_transfer, made.recipes[0].n) == ([], [], None, 0)


def test_narrowing_to_everything_gives_the_means_of_the_api(tmp_path: Any, new_lab: Callable[[Store], Any]):
    """Two places average the same gains: over the same languages they must agree."""
    address = f"sqlite:///{tmp_path / 'lab.db'}"
    migrate.upgrade(address)
    lab = new_lab(Store(address))
    lab.submit(recipes=["mnli", "squad", "hellaswag"], targets=["xnli"], seeds=[0, 1, 2])
    lab.submit(recipes=["control:squad"], languages=["en", "de", "sw"], seeds=[0, 1])
    lab.work()
    with lab.store.read() as session:
        found = stored.matrix(session, source=Source.MINI)
    lab.store.dispose()
    assert len(found.recipes) == 4
    every = subset.narrow(found, ",".join(found.languages))
    for ours, theirs in zip(every.recipes, found.recipes, strict=True):
        assert ours.model_dump(exclude={"mean_all", "mean_transfer"}) == theirs.model_dump(
            exclude={"mean_all", "mean_transfer"}
        )
        assert ours.mean_transfer == pytest.approx(theirs.mean_transfer)
        assert ours.mean_all == pytest.approx(theirs.mean_all)
