"""Addresses: what is written can be read back, what cannot be read is dropped."""

import string
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.language import GROUPS, LANGUAGES
from backend.domain.tasks import TARGETS, TASKS
from dashboard import links
from dashboard.links import Cell, Explore, Point, Tradeoff
from dashboard.links.pins import MOST, Pin, Pins
from dashboard.subset import CHOICES, read

NAMES = st.text(string.ascii_lowercase + string.digits + "-_.", min_size=1, max_size=30).filter(
    lambda t: t[0].isalnum()
)
RECIPES = st.one_of(
    st.sampled_from(
        [
            "none",
            "mnli",
            "mnli+squad",
            "siqa>copa",
            "control:mnli",
            "mnli@steps=400",
            "a@learning_rate=2e-05,temperature=1.5",
        ]
    ),
    NAMES,
)
STATES = st.builds(
    Explore,
    cell=st.none() | st.builds(Cell, RECIPES, st.sampled_from([*LANGUAGES, "mean"])),
    below=st.sampled_from(["none", "languages", "family", "size"]),
    colours=st.sampled_from(["vik", "puor"]),
    fade=st.sampled_from(["none", "unsure", "small"]),
    layout=st.sampled_from(["recipe-language", "recipe-target", "target-language", "model-language"]),
    pins=st.lists(
        st.builds(
            Pin,
            st.sampled_from(["mini-4", "xlmr.base"]),
            RECIPES,
            st.sampled_from(TARGETS),
            st.none() | st.sampled_from(["sw", "de"]),
        ),
        max_size=6,
        unique=True,
    ).map(lambda pins: Pins(tuple(pins))),
    recipe=st.none() | RECIPES,
    languages=st.none()
    | st.sets(st.sampled_from([*LANGUAGES, *CHOICES]), min_size=1, max_size=6).map(lambda s: read(",".join(s))),
    metric=st.none() | NAMES | st.sampled_from([m for t in TARGETS for m in TASKS[t].metrics]),
    model=st.none() | NAMES,
    order=st.sampled_from(["family", "script", "resource", "gain", "cluster", "name"]),
    source=st.sampled_from(["mini", "hub", "files"]),
    target=st.none() | NAMES | st.sampled_from(TARGETS),
    value=st.sampled_from(["gain", "score", "cost"]),
    view=st.sampled_from(["heatmap", "table"]),
)


TRADEOFFS = st.builds(
    Tradeoff,
    budget=st.none() | st.sampled_from([20.0, 0.5, 1e6, 1e9, 0.001]),
    panels=st.sampled_from(["targets", "languages"]),
    seeds=st.integers(1, 99),
    trend=st.sampled_from(["off", "on"]),
    colour=st.sampled_from(["recipe", "model"]),
    cost=st.sampled_from(["marginal", "amortised"]),
    device=st.none() | st.sampled_from(["cpu", "cuda"]),
    languages=st.sampled_from(["mean_all", "mean_transfer", *LANGUAGES, *GROUPS]),
    metric=st.none() | NAMES,
    point=st.none() | st.builds(Point, NAMES, RECIPES, NAMES, st.none() | st.sampled_from([*LANGUAGES])),
    source=st.sampled_from(["mini", "hub", "files"]),
    target=st.none() | NAMES | st.sampled_from(TARGETS),
    view=st.sampled_from(["figure", "table"]),
    x=st.sampled_from(["parameters", "non-embedding", "hours", "energy", "flops", "flops-counted"]),
)


@given(STATES | TRADEOFFS)
def test_what_is_written_is_read_back(state: Explore | Tradeoff):
    parts = urlsplit(state.address)
    assert parts.path == ("/explore" if isinstance(state, Explore) else "/tradeoff")
    assert type(state).of(parts.query) == state
    assert type(state).of("?" + parts.query) == state


@given(STATES | TRADEOFFS)
def test_addresses_are_alphabetical_and_say_no_defaults(state: Explore | Tradeoff):
    names = [name for name, _ in parse_qsl(urlsplit(state.address).query, keep_blank_values=True)]
    assert names == sorted(names)
    assert len(names) == len(set(names))
    for name in names:
        assert getattr(state, name) != getattr(type(state)(), name)


@given(
    st.dictionaries(
        st.text(max_size=8) | st.sampled_from([*Explore.__dataclass_fields__, *Tradeoff.__dataclass_fields__]),
        st.text() | st.lists(st.text()) | st.none(),
    )
)
def test_reading_never_fails_and_gives_a_state_that_can_be_written(query: dict[str, object]):
    for page in (Explore, Tradeoff):
        state = page.read(query)
        assert page.of(urlsplit(state.address).query) == state


@pytest.mark.parametrize(
    "search",
    ["", "?", "?order=up", "?view=", "?cell=nothing", "?cell=.sw", "?cell=mnli.SW", "?cell=mn%00li.sw", "?model=%3Cscript%3E",
     "?model=../../etc", "?target=" + "x" * 500, "?order=gain&order=name", "?nobody=knows", "?source=MINI"],
)  # fmt: skip
def test_what_is_not_known_is_dropped(search: str):
    assert Explore.of(search) == Explore()


@pytest.mark.parametrize(
    "search",
    ["?x=weight", "?point=mini-2", "?point=a/b", "?languages=sw,de", "?languages=family:Elvish", "?target=%00", "?view=heatmap",
     "?metric=f1"],
)  # fmt: skip
def test_what_the_trade_off_does_not_know_is_dropped(search: str):
    assert Tradeoff.of(search) == Tradeoff()


def test_languages_are_written_once_and_in_one_order():
    state = Explore.of("?languages=sw,family:Turkic,xx,de,sw,family:Elvish,script:non-Latin")
    assert state.address == "/explore?languages=family:Turkic,script:non-Latin,de,sw"


def test_points_are_readable_in_an_address():
    state = Tradeoff(point=Point("mini-2", "mnli+squad@steps=400", "xquad"), x="hours")
    assert state.address == "/tradeoff?point=mini-2/mnli%2Bsquad@steps%3D400/xquad&x=hours"


def test_the_headline_metric_is_a_default():
    assert Explore(target="xquad", metric="f1").address == "/explore?target=xquad"
    assert Explore(target="xquad", metric="exact_match").address == "/explore?metric=exact_match&target=xquad"
    assert Explore(metric="f1").address == "/explore?metric=f1"


def test_settings_are_named_by_ten_digits():
    assert Explore.of("?settings=0123456789&target=xnli").address == "/explore?settings=0123456789&target=xnli"
    assert Explore.of("?settings=best") == Explore.of("?settings=0123456789a") == Explore()


def test_recipes_are_readable_in_an_address():
    state = Explore(cell=Cell("mnli+squad@steps=400", "sw"))
    assert state.address == "/explore?cell=mnli%2Bsquad@steps%3D400.sw"


def test_a_recipe_may_hold_dots():
    assert Cell.read("mnli@temperature=1.5.sw") == Cell("mnli@temperature=1.5", "sw")


def test_addresses_of_the_api():
    assert links.api("runs/7") == "/api/v1/runs/7"


def test_pins_are_read_with_commas_in_their_recipes():
    text = "mini-4/mnli@examples=1000,steps=400/xnli/sw,mini-4/mnli@examples=1000,steps=400/xnli,m/siqa>copa/xcopa"
    pins = Pins.read(text)
    assert pins is not None and str(pins) == text
    assert [(p.recipe, p.target, p.language) for p in pins] == [
        ("mnli@examples=1000,steps=400", "xnli", "sw"), ("mnli@examples=1000,steps=400", "xnli", None), ("siqa>copa", "xcopa", None),
    ]  # fmt: skip
    beside = links.Compare.of(links.compare(pins, "hub").partition("?")[2])
    assert (beside.things, beside.source, beside.metric) == ([str(pin) for pin in pins], "hub", None)
    assert links.compare(Pins(pins.all[1:2]), metric="f1").endswith("/xnli&metric=f1")
    assert Pins.read("nothing that can be read") is None


def test_no_more_than_six_are_pinned_and_one_twice_is_none():
    many = [Pin("m", "mnli", "xnli", code) for code in ("de", "en", "es", "fr", "hi", "sw", "zh")]
    pins = Pins()
    for pin in many:
        pins = pins.toggled(pin)
    assert len(pins) == MOST and many[-1] not in pins.all
    assert pins.toggled(many[0]).all == tuple(many[1:6])
