"""The dashboard's one HTTP client, against the real API and against answers that no API should give."""

from __future__ import annotations

import asyncio
import base64
import shutil
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from backend.api.app import create_app
from backend.domain.imports import ImportFile, ImportRequest
from backend.errors import CrossliftError, Invalid, NotFound, TooMany, Unavailable
from backend.importing import long
from backend.store import migrate
from backend.store.session import Store
from dashboard import elsewhere, findings, server
from dashboard.client import Client
from dashboard.findings import Shown, find
from dashboard.links import Explore

T = TypeVar("T")
Ask = Callable[[Callable[[Client], Awaitable[Any]]], Any]


def ask(transport: Any, question: Callable[[Client], Awaitable[T]]) -> T:
    async def go() -> T:
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
            return await question(Client(http))

    return asyncio.run(go())


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "crosslift.db"
    migrate.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def store(template: Path, tmp_path: Path) -> Iterator[Store]:
    shutil.copy(template, tmp_path / "crosslift.db")
    made = Store(f"sqlite:///{tmp_path / 'crosslift.db'}")
    yield made
    made.dispose()


@pytest.fixture
def real(store: Store) -> Ask:
    transport = httpx.ASGITransport(create_app(store), raise_app_exceptions=False)
    return lambda question: ask(transport, question)


def answering(status: int, content: bytes) -> httpx.MockTransport:
    return httpx.MockTransport(lambda request: httpx.Response(status, content=content))


def test_an_empty_store_is_not_found(real: Ask):
    with pytest.raises(NotFound, match="no runs"):
        real(lambda c: c.matrix(model=None, target=None, metric=None, source="mini"))


def test_a_name_that_is_not_known_keeps_its_field(real: Ask):
    with pytest.raises(Invalid) as caught:
        real(lambda c: c.matrix(model="nobody", target=None, metric=None, source="mini"))
    assert [e.pointer.rpartition("/")[2] for e in caught.value.errors] == ["model"]


def test_answers_are_schemas(real: Ask, lab: Any):
    lab.submit(seeds=[0])
    lab.work()
    matrix = real(lambda c: c.matrix(model=None, target=None, metric=None, source="mini"))
    assert (matrix.model, matrix.target, [r.recipe for r in matrix.recipes]) == ("mini-2", "xnli", ["mnli"])
    assert real(lambda c: c.experiments()).items[0].counts.done == 6
    assert real(lambda c: c.queue()).queued == 0
    assert real(lambda c: c.run(matrix.cells[0].runs[0])).cost.device == "a processor"
    assert real(lambda c: c.version())


@pytest.fixture
def lab(store: Store, new_lab: Callable[[Store], Any]) -> Any:
    return new_lab(store)


@pytest.mark.parametrize(
    ("status", "content", "error"),
    [
        (500, b"<html>", Unavailable),
        (502, b"", Unavailable),
        (200, b"<html>", Unavailable),
        (200, b'{"model": "only"}', Unavailable),
        (429, b'{"type":"about:blank","title":"t","status":429,"detail":"slowly"}', TooMany),
        (500, b'{"type":"about:blank","title":"t","status":500,"detail":"oh"}', CrossliftError),
        (418, b'{"type":"about:blank","title":"t","status":418,"detail":"tea"}', Unavailable),
    ],
)  # fmt: skip
def test_whatever_it_answers_is_an_error_of_ours(status: int, content: bytes, error: type[CrossliftError]):
    with pytest.raises(error):
        ask(answering(status, content), lambda c: c.queue())


def test_an_api_that_does_not_answer_is_unavailable():
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(Unavailable, match="does not answer"):
        ask(httpx.MockTransport(refuse), lambda c: c.queue())


# --- from a state to its numbers ------------------------------------------------------------------------------------


def test_names_that_are_not_known_count_as_not_given(real: Ask, lab: Any):
    lab.submit(seeds=[0])
    lab.work()
    shown = real(lambda c: find(c, Explore(model="nobody", target="xnli", metric="beauty", order="gain")))
    assert shown.matrix is not None
    assert shown.state == Explore(model="mini-2", target="xnli", order="gain")
    assert not shown.empty


def test_an_empty_store_says_so(real: Ask):
    shown = real(lambda c: find(c, Explore()))
    assert shown.empty
    assert (shown.running, shown.experiments, type(shown.problem)) == (0, 0, NotFound)


def test_what_is_on_the_way_is_counted_for_its_benchmark_only(real: Ask, lab: Any):
    lab.submit(seeds=[0])
    assert real(lambda c: find(c, Explore())).running == 6
    assert real(lambda c: find(c, Explore(source="hub"))).running == 0


def test_in_one_process_a_matrix_is_handed_over_and_is_what_its_text_says(
    store: Store, lab: Any, monkeypatch: pytest.MonkeyPatch
):
    """Thousands of cells take longer to read from their own text than to make."""
    lab.submit(seeds=[0])
    lab.work()
    asked = {"model": None, "target": "xnli", "metric": None, "source": "mini"}

    async def both() -> tuple[Any, Any]:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(create_app(store)), base_url="http://127.0.0.1"
        ) as http:
            told = await Client(http).numbers(**asked)
        monkeypatch.setattr(Client, "_read", staticmethod(lambda *_: pytest.fail("it was read from its text")))
        async with server._within(create_app(store)) as http:
            return told, await Client(http).numbers(**asked)

    told, handed_over = asyncio.run(both())
    assert handed_over == told
    assert handed_over[0].model_dump_json() == told[0].model_dump_json()


def test_nothing_is_read_ahead_while_somebody_waits(real: Ask, lab: Any, monkeypatch: pytest.MonkeyPatch):
    """It would run on the cores that answer them; and what was looked at last is read first."""
    monkeypatch.setattr(findings, "AHEAD_AFTER", 0.2)
    lab.submit(models=["mini-1", "mini-2"], targets=["xnli", "xquad"], seeds=[0])
    lab.work()

    prepared: list[Explore] = []

    def prepare(shown: Shown) -> None:
        prepared.append(shown.state)

    async def go(c: Client) -> tuple[int, int, list[Any]]:
        first = await find(c, Explore(model="mini-1", target="xnli"))
        findings.look_ahead(c, first, prepare)
        assert c.ahead is not None
        c.asking += 1  # somebody waits
        await asyncio.sleep(0.5)
        while_waiting = len(c.likely)
        other = findings.Shown(replace(first.state, model="mini-2"), first.matrix)
        findings.look_ahead(c, other, prepare)  # the same task goes on with what is now looked at
        wanted = list(c.likely)
        c.asking -= 1
        await c.ahead
        return while_waiting, len(c.likely), wanted

    while_waiting, left, wanted = real(go)
    again, others = wanted[:9], wanted[9:]
    assert (while_waiting, left) == (11, 0)
    assert {(w.model, w.target) for w in again} == {("mini-2", "xnli")}  # the same numbers, otherwise
    assert len({(w.order, w.fade, w.value) for w in again}) == 9
    assert [(w.model, w.target) for w in others] == [("mini-2", "xquad"), ("mini-1", "xnli")]
    assert [(s.model, s.target, s.order, s.fade, s.value) for s in prepared] == [
        (w.model, w.target, w.order, w.fade, w.value) for w in wanted
    ]


def test_the_digest_tells_pictures_apart(real: Ask, lab: Any):
    lab.submit(seeds=[0])
    lab.work()
    one, same, other = (
        real(lambda c, s=s: find(c, s)) for s in (Explore(), Explore(view="table"), Explore(order="gain"))
    )
    assert one.numbers == same.numbers == other.numbers
    assert one.digests["figure"] == same.digests["figure"] != other.digests["figure"]
    assert one.digests["rows"] == other.digests["rows"]


def test_another_view_of_the_same_numbers_asks_for_nothing(real: Ask, lab: Any):
    lab.submit(seeds=[0])
    lab.work()

    async def twice(c: Client) -> tuple[Shown, Shown, Shown]:
        first = await find(c, Explore())
        lab.submit(recipes=["squad"], seeds=[0])  # what comes meanwhile is seen with the next fresh look
        lab.work()
        return first, await find(c, replace(first.state, order="name"), fresh=False), await find(c, first.state)

    first, again, fresh = real(twice)
    assert again.matrix is first.matrix
    assert again.state.order == "name"
    assert len(fresh.matrix.recipes) == 2


def test_what_was_read_holds_until_the_pulse_is_another(real: Ask, lab: Any):
    """Every page that opens hears the pulse, which is no news by itself."""
    lab.submit(seeds=[0])
    lab.work()

    async def go(c: Client) -> list[Shown]:
        findings.noticed(c, "one")
        first = await find(c, Explore(), fresh=False)
        findings.noticed(c, "one")
        again = await find(c, Explore(), fresh=False)
        lab.submit(recipes=["squad"], seeds=[0])
        lab.work()
        findings.noticed(c, "two")
        other = await find(c, Explore(), fresh=False)
        under_way = asyncio.create_task(find(c, Explore()))
        await asyncio.sleep(0)
        findings.noticed(c, "three")  # runs have ended while it is read
        return [first, again, other, await under_way, await find(c, Explore(), fresh=False)]

    first, again, other, under_way, last = real(go)
    assert again.matrix is first.matrix
    assert len(other.matrix.recipes) == 2
    assert last.matrix is not under_way.matrix


def test_what_is_one_choice_away_is_read_before_it_is_chosen(real: Ask, lab: Any, monkeypatch: pytest.MonkeyPatch):
    """And known by the name that a page asks for: that of a target with the metric of the target before."""
    monkeypatch.setattr(findings, "AHEAD_AFTER", 0.0)
    lab.submit(models=["mini-1", "mini-2"], targets=["xnli", "xquad"], seeds=[0])
    lab.work()
    asked: list[str] = []

    async def read(c: Client) -> tuple[Shown, Shown, Shown]:
        async def note(request: httpx.Request) -> None:
            asked.append(str(request.url))

        first = await find(c, Explore(model="mini-1", target="xnli"))
        findings.look_ahead(c, first, lambda _: None)
        assert c.ahead is not None
        await c.ahead
        c.http.event_hooks["request"].append(note)
        target = await find(c, replace(first.state, target="xquad", metric="accuracy"), fresh=False)
        return first, target, await find(c, replace(first.state, model="mini-2"), fresh=False)

    first, target, model = real(read)
    assert asked == []
    assert first.matrix.metric == "accuracy"
    assert (target.matrix.target, target.matrix.metric) == ("xquad", "f1")
    assert model.matrix.model == "mini-2" and model.digests["choices"] == first.digests["choices"]
    assert target.digests["choices"] != first.digests["choices"]  # other metrics


def test_scores_are_prepared_with_what_is_published_beside_them(real: Ask, lab: Any, monkeypatch: pytest.MonkeyPatch):
    """Without, another figure would be prepared than the one that is then asked for."""
    monkeypatch.setattr(findings, "AHEAD_AFTER", 0.0)
    lab.submit(source="hub", models=["xlmr-base"], targets=["xnli"], seeds=[0])
    lab.work()
    prepared: dict[str, Shown] = {}

    async def go(c: Client) -> Shown:
        first = await find(c, Explore(source="hub", model="xlmr-base", target="xnli"))
        findings.look_ahead(c, first, lambda shown: prepared.update({shown.state.value: shown}))
        assert c.ahead is not None
        await c.ahead
        return await find(c, replace(first.state, value="score"), fresh=False)

    chosen = real(go)
    assert chosen.published
    assert prepared["score"].digests["figure"] == chosen.digests["figure"]


def test_what_was_made_elsewhere_stands_beside_a_cell(real: Ask):
    """With its distance from ours, which is of scores: imported ones are in no gain of ours."""
    content = base64.b64encode(long.example().encode()).decode()
    request = ImportRequest(format="long", source="another lab", files=[ImportFile(name="scores.csv", content=content)])

    async def go(c: Client) -> tuple[str, list[Any]]:
        await c.import_results(request)
        imported = await c.imported_gains()
        cell = next(one for one in imported.cells if one.gain is not None)
        asked = {"model": imported.model, "target": imported.target, "metric": imported.metric, "recipe": cell.recipe,
                 "language": cell.language, "treated": (cell.treated or 0.0) + 1.0}  # fmt: skip
        return str(await elsewhere.read(c, asked)), await elsewhere.read(c, {**asked, "model": "mini-2"})

    found, none = real(go)
    assert "another lab" in found and ", ours +1.0" in found and "/imports?model=" in found
    assert none == []
