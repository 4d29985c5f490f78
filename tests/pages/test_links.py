"""Addresses: what is written can be read back, what cannot be read is dropped."""

import string
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.language import LANGUAGES
from backend.domain.tasks import TARGETS, TASKS
from dashboard import links
from dashboard.links import Cell, Explore

NAMES = st.text(string.ascii_lowercase + string.digits + "-_.", min_size=1, max_size=30).filter(
    lambda t: t[0].isalnum()
)
RECIPES = st.one_of(
    st.sampled_from(
        ["none", "mnli", "mnli+squad", "control:mnli", "mnli@steps=400", "a@learning_rate=2e-05,temperature=1.5"]
    ),
    NAMES,
)
STATES = st.builds(
    Explore,
    cell=st.none() | st.builds(Cell, RECIPES, st.sampled_from(list(LANGUAGES))),
    metric=st.none() | NAMES | st.sampled_from([m for t in TARGETS for m in TASKS[t].metrics]),
    model=st.none() | NAMES,
    order=st.sampled_from(["family", "gain", "name"]),
    source=st.sampled_from(["mini", "hub", "files"]),
    target=st.none() | NAMES | st.sampled_from(TARGETS),
    value=st.sampled_from(["gain", "score"]),
    view=st.sampled_from(["heatmap", "table"]),
)


@given(STATES)
def test_what_is_written_is_read_back(state: Explore):
    parts = urlsplit(state.address)
    assert parts.path == "/explore"
    assert Explore.of(parts.query) == state
    assert Explore.of("?" + parts.query) == state


@given(STATES)
def test_addresses_are_alphabetical_and_say_no_defaults(state: Explore):
    names = [name for name, _ in parse_qsl(urlsplit(state.address).query, keep_blank_values=True)]
    assert names == sorted(names)
    assert len(names) == len(set(names))
    for name in names:
        assert getattr(state, name) != getattr(Explore(), name)


@given(
    st.dictionaries(
        st.text(max_size=8) | st.sampled_from(list(Explore.__dataclass_fields__)),
        st.text() | st.lists(st.text()) | st.none(),
    )
)
def test_reading_never_fails_and_gives_a_state_that_can_be_written(query: dict[str, object]):
    state = Explore.read(query)
    assert Explore.of(urlsplit(state.address).query) == state


@pytest.mark.parametrize(
    "search",
    ["", "?", "?order=up", "?view=", "?cell=nothing", "?cell=.sw", "?cell=mnli.SW", "?cell=mn%00li.sw", "?model=%3Cscript%3E",
     "?model=../../etc", "?target=" + "x" * 500, "?order=gain&order=name", "?nobody=knows", "?source=MINI"],
)  # fmt: skip
def test_what_is_not_known_is_dropped(search: str):
    assert Explore.of(search) == Explore()


def test_the_headline_metric_is_a_default():
    assert Explore(target="xquad", metric="f1").address == "/explore?target=xquad"
    assert Explore(target="xquad", metric="exact_match").address == "/explore?metric=exact_match&target=xquad"
    assert Explore(metric="f1").address == "/explore?metric=f1"


def test_recipes_are_readable_in_an_address():
    state = Explore(cell=Cell("mnli+squad@steps=400", "sw"))
    assert state.address == "/explore?cell=mnli%2Bsquad@steps%3D400.sw"


def test_a_recipe_may_hold_dots():
    assert Cell.read("mnli@temperature=1.5.sw") == Cell("mnli@temperature=1.5", "sw")


def test_addresses_of_the_api():
    assert links.api("runs/7") == "/api/v1/runs/7"
