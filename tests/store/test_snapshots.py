"""Snapshots: what is frozen stays what it is; a link opens it until it is taken back; equal numbers are kept once."""

from __future__ import annotations

import hashlib
import json

import pytest
from sqlalchemy import delete, func, select, text, update

from backend.domain.address import read_address
from backend.domain.gains import Missing
from backend.domain.run import RunKind, canonical
from backend.domain.schemas import SnapshotContent, SnapshotRequest
from backend.domain.task import Source
from backend.errors import CrossliftError, Invalid, NotFound
from backend.store import crossed, snapshots, tables
from backend.store.columns import db_now

LANGUAGES = ["en", "de", "sw"]
BASE = {"en": 60.0, "de": 50.0, "sw": 40.0}
EXPLORE = "/explore?model=mini-2&target=xnli"


def work(lab, broken=None):
    while (claim := lab.try_claim()) is not None:
        view = lab.view(claim.run_id)
        if view.kind is RunKind.INTERMEDIATE and view.recipe == broken:
            lab.fail(claim.run_id, claim.attempt, "disk full on host seven")
            continue
        added = 0.0 if view.recipe == "none" else 3.0 + 0.5 * (view.seed or 0)
        scores = [(code, "accuracy", BASE[code] + added, 100) for code in LANGUAGES]
        lab.finish(claim.run_id, claim.attempt, scores=scores if view.kind is RunKind.EVALUATE else [])


@pytest.fixture
def measured(lab):
    lab.submit(name="Does NLI help?", recipes=["squad"], seeds=[0, 1, 2], languages=LANGUAGES)
    work(lab)
    return lab


def freeze(lab, view=EXPLORE, anonymous=False):
    with lab.store.read() as session:
        return snapshots.freeze(session, read_address(view), anonymous=anonymous)


def share(lab, view=EXPLORE, **changes):
    request = SnapshotRequest(**{"view": view, "title": "A figure", "anonymous": False, **changes})
    frozen = freeze(lab, view, request.anonymous)
    with lab.store.write() as session:
        return snapshots.make(session, frozen, request)


def shown(lab, token):
    with lab.store.read() as session:
        return snapshots.find(session, token)


def listed(lab, **which):
    with lab.store.read() as session:
        return snapshots.page(session, **{"limit": 50, "cursor": None, **which})


def test_what_is_frozen_is_the_matrix_and_every_run_behind_it(measured):
    frozen = freeze(measured)
    content = frozen.content
    assert (content.version, content.kind, content.benchmark, content.synthetic) == (
        1,
        "explore",
        "mini-XTREME-R",
        True,
    )
    assert content.points is None and content.experiments == ["Does NLI help?"]
    assert [c.gain for c in content.matrix.cells if c.gain is not None] == [3.5] * 3
    cells = {id for c in content.matrix.cells for id in (*c.runs, *c.baseline_runs)}
    by_id = {run.id: run for run in content.runs}
    assert cells < set(by_id) and len(by_id) == 1 + 3 * 5  # pretraining, and for each seed all that led to two cells
    assert {run.kind for run in content.runs} == set(RunKind)
    by_fingerprint = {run.fingerprint: run for run in content.runs}
    for run in content.runs:  # closed: every parent is there too
        assert (run.parents == []) == (run.kind is RunKind.PRETRAIN)
        assert all(parent in by_fingerprint for parent in run.parents)
        assert run.title and run.device == "a processor" and run.finished_at is not None
    assert frozen.text == canonical(content.model_dump(mode="json"))
    assert frozen.sha256 == hashlib.sha256(frozen.text.encode()).hexdigest()
    assert SnapshotContent.model_validate_json(frozen.text) == content


def test_chosen_settings_are_frozen_and_named(measured):
    measured.submit(
        name="Translated", recipes=["squad"], seeds=[0, 1], languages=LANGUAGES, translate_train=["en", LANGUAGES[1]]
    )
    work(measured)
    every = freeze(measured).content
    assert every.matrix is not None
    name = every.matrix.choices[1].name
    found = freeze(measured, f"{EXPLORE}{'&' if '?' in EXPLORE else '?'}settings={name}").content
    assert found.matrix is not None
    assert f"settings={name}" in found.view
    assert (found.matrix.settings, {c.n for c in found.matrix.cells if c.missing is None}) == (name, {2})
    assert not {r.id for r in found.runs if r.kind == "evaluate"} & {r.id for r in every.runs}
    with pytest.raises(Invalid, match="cannot be frozen"):
        freeze(measured, "/explore?settings=0123456789")


def test_freezing_writes_nothing(measured):
    freeze(measured)
    assert listed(measured).total == 0
    with measured.store.read() as session:
        assert session.scalar(select(func.count()).select_from(tables.snapshot_content)) == 0


def test_equal_numbers_have_equal_addresses_and_are_kept_once(measured):
    one, first = share(measured, title="one")
    other, second = share(measured, "/explore?target=xnli&source=mini&metric=accuracy&model=mini-2", title="other")
    assert one.sha256 == other.sha256 and first != second and one.id != other.id
    assert freeze(measured, "/explore").sha256 == one.sha256  # what the store chooses is named
    with measured.store.read() as session:
        assert session.scalars(select(tables.snapshot_content.c.sha256)).all() == [one.sha256]
    # who comes later and shares these runs, or runs something else, changes nothing
    measured.submit(name="another asks the same", recipes=["squad"], seeds=[0, 1, 2], languages=LANGUAGES)
    measured.submit(name="something else", models=["mini-4"], recipes=["squad"], languages=LANGUAGES)
    assert freeze(measured).sha256 == one.sha256
    work(measured)
    assert freeze(measured).sha256 == one.sha256
    measured.submit(name="a fourth seed", recipes=["squad"], seeds=[3], languages=LANGUAGES)
    work(measured)
    assert freeze(measured).sha256 != one.sha256
    assert freeze(measured, EXPLORE + "&order=gain").content.view == "/explore?model=mini-2&order=gain&target=xnli"


def test_nothing_pending_is_frozen(lab):
    lab.submit(recipes=["squad"], languages=LANGUAGES)
    content = freeze(lab).content
    assert content.matrix.runs_pending == 0 and content.runs == []
    assert (content.matrix.models, content.matrix.targets) == (["mini-2"], ["xnli"])


def test_a_trade_off_is_frozen_with_its_points(measured):
    content = freeze(measured, "/tradeoff?languages=resource:low&target=xnli&x=hours").content
    assert content.matrix is None and content.kind == "tradeoff"
    (point,) = content.points
    assert (point.recipe, point.language, point.gain) == ("squad", "resource:low", 3.5)  # Swahili
    assert content.view == "/tradeoff?languages=resource:low&target=xnli&x=hours"
    assert len(content.runs) == 16
    panels = freeze(measured, "/tradeoff?panels=languages&target=xnli").content.points
    assert sorted(p.language for p in panels) == sorted(
        set(LANGUAGES) - {"en"}
    )  # what is on the screen, language by language
    with pytest.raises(Invalid) as caught:
        freeze(measured, "/tradeoff?target=tatoeba")
    assert caught.value.errors[0].pointer == "/view" and "nothing to freeze" in caught.value.errors[0].message


LAYOUTS = {
    "recipe-target": "/explore?languages=de,sw&layout=recipe-target&model=mini-2",
    "target-language": "/explore?layout=target-language&model=mini-2&recipe=squad",
    "model-language": "/explore?layout=model-language&recipe=squad&target=xnli",
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_other_matrices_are_frozen_with_every_run_behind_them(measured, layout):
    view = LAYOUTS[layout]
    frozen = freeze(measured, view)
    content = frozen.content
    assert content.view == view and content.matrix is not None and content.matrix.axes is not None
    with measured.store.read() as session:
        live = crossed.matrix(
            session, layout, source=Source.MINI, model="mini-2", target="xnli",
            recipe=None if layout == "recipe-target" else "squad",
            languages={"de", "sw"} if layout == "recipe-target" else None, said="German, Swahili",
        )  # fmt: skip
    assert content.matrix.cells == live.cells and content.matrix.recipes == live.recipes  # exactly what is shown
    assert content.matrix.runs_pending == 0
    assert content.matrix.axes.over == ("German, Swahili" if layout == "recipe-target" else None)
    assert content.matrix.axes.recipes == ["squad"]
    with_gain = [c for c in content.matrix.cells if c.gain is not None]
    assert with_gain and all(c.runs and c.baseline_runs for c in with_gain)  # a mean has runs too
    kinds = {run.kind for run in content.runs}
    assert {id for c in with_gain for id in (*c.runs, *c.baseline_runs)} < {run.id for run in content.runs}
    assert kinds == set(RunKind)
    assert SnapshotContent.model_validate_json(frozen.text) == content
    assert freeze(measured, f"{view}&order=name&source=mini").content.matrix == content.matrix
    _, token = share(measured, view)
    with measured.store.write() as session:
        session.execute(update(tables.score).values(value=1.0))
    assert freeze(measured, view).sha256 != frozen.sha256  # the live view did change
    delete_all(measured)
    opened = shown(measured, token)
    assert (opened.text, opened.sha256) == (frozen.text, frozen.sha256)


def test_one_view_of_another_matrix_has_one_address(measured):
    one = freeze(measured, "/explore?layout=target-language&recipe=squad&target=xnli&metric=accuracy")
    other = freeze(measured, "/explore?model=mini-2&layout=target-language")  # what the store chooses is named
    assert (
        one.sha256 == other.sha256 and one.content.view == "/explore?layout=target-language&model=mini-2&recipe=squad"
    )
    with pytest.raises(Invalid, match="cannot be frozen") as error:
        freeze(measured, "/explore?layout=target-language&recipe=siqa")
    assert error.value.errors[0].pointer == "/view" and "unknown recipe 'siqa'" in error.value.errors[0].message


def delete_all(lab):
    """Everything but what is frozen."""
    with lab.store.write() as session:
        if lab.store.engine.dialect.name == "sqlite":
            session.execute(text("PRAGMA defer_foreign_keys=ON"))
        for table in reversed(tables.metadata.sorted_tables):
            if table.name not in {"snapshot", "snapshot_content"}:
                session.execute(delete(table))


def test_too_much_is_not_frozen(measured, monkeypatch):
    monkeypatch.setattr(snapshots, "MOST_BYTES", 1000)
    with pytest.raises(Invalid) as caught:
        freeze(measured)
    assert caught.value.errors[0].pointer == "/view" and "name a target" in caught.value.errors[0].message


def test_a_benchmark_without_runs_cannot_be_frozen(lab):
    with pytest.raises(NotFound, match="no runs of mini-XTREME-R"):
        freeze(lab)


def test_anonymous_leaves_out_names_and_messages_of_errors(lab):
    lab.submit(name="Ada's study", recipes=["squad", "hellaswag"], seeds=[0], languages=LANGUAGES)
    work(lab, broken="hellaswag")
    named, unnamed = freeze(lab), freeze(lab, anonymous=True)
    assert "Ada's study" in named.text and "host seven" in named.text
    for word in ("Ada", "host seven", "a worker"):
        assert word not in unnamed.text
    assert unnamed.content.experiments == []
    failed = [c for c in unnamed.content.matrix.cells if c.missing is Missing.FAILED]
    assert failed and all(c.why_missing.endswith("failed") for c in failed)
    assert named.sha256 != unnamed.sha256


def test_content_survives_the_deletion_of_everything_it_came_from(measured):
    made, token = share(measured)
    before = shown(measured, token)
    with measured.store.write() as session:
        session.execute(update(tables.score).values(value=1.0))
        session.execute(update(tables.experiment).values(name="renamed"))
    assert shown(measured, token) == before
    assert freeze(measured).sha256 != made.sha256  # the live view did change
    delete_all(measured)
    after = shown(measured, token)
    assert after == before and after.sha256 == made.sha256
    assert hashlib.sha256(after.text.encode()).hexdigest() == made.sha256
    assert json.loads(after.text)["experiments"] == ["Does NLI help?"]


def test_the_token_is_stored_nowhere(measured):
    made, token = share(measured, title="secret", note="two\nlines")
    assert len(token) == 43 and made.title == "secret" and made.note == "two\nlines"
    with measured.store.read() as session:
        for table in tables.metadata.sorted_tables:
            for row in session.execute(select(table)):
                assert token not in repr(row)
        digest = session.scalar(select(tables.snapshot.c.token_digest))
    assert digest == hashlib.sha256(token.encode()).hexdigest()
    _, other = share(measured)
    assert other != token


def test_a_revoked_link_shows_nothing_at_once(measured):
    made, token = share(measured)
    _, kept = share(measured, title="another link to the same")
    with measured.store.write() as session:
        first = snapshots.revoke(session, made.id)
    with measured.store.write() as session:
        again = snapshots.revoke(session, made.id)
    assert first.revoked_at is not None and again.revoked_at == first.revoked_at
    with pytest.raises(NotFound) as revoked:
        shown(measured, token)
    with pytest.raises(NotFound) as unknown:
        shown(measured, "A" * 43)
    with pytest.raises(NotFound) as odd:
        shown(measured, "\udc80\0 ' OR 1=1 --")
    assert revoked.value.detail == unknown.value.detail == odd.value.detail
    assert shown(measured, kept).sha256 == made.sha256
    with pytest.raises(NotFound, match="There is no snapshot 99"), measured.store.write() as session:
        snapshots.revoke(session, 99)


def test_an_expired_link_shows_nothing(measured):
    made, token = share(measured, expires_days=7)
    assert (made.expires_at - made.created_at).days == 7
    assert shown(measured, token).expires_at == made.expires_at
    with measured.store.write() as session:
        session.execute(update(tables.snapshot).values(expires_at=db_now(-0.001)))
    with pytest.raises(NotFound, match="shows nothing"):
        shown(measured, token)
    assert listed(measured).items[0].expires_at is not None  # still listed


def test_openings_are_counted(measured):
    made, _ = share(measured)
    assert (made.opened, made.last_opened_at) == (0, None)
    for _ in range(3):
        with measured.store.write() as session:
            snapshots.count_opening(session, made.id)
    (entry,) = listed(measured).items
    assert entry.opened == 3 and entry.last_opened_at is not None


def test_the_list_is_in_pages_newest_first(measured):
    ids = [share(measured, title=f"link {i}")[0].id for i in range(5)]
    found, cursor = [], None
    while True:
        page = listed(measured, limit=2, cursor=cursor)
        assert page.total == 5
        found += [entry.id for entry in page.items]
        if (cursor := page.next_cursor) is None:
            break
    assert found == sorted(ids, reverse=True)
    entry = listed(measured).items[0]
    assert entry.runs == 16 and entry.bytes == len(freeze(measured).text)


def test_content_that_was_tampered_with_is_not_shown(measured):
    _, token = share(measured)
    with measured.store.write() as session:
        session.execute(update(tables.snapshot_content).values(content='{"version":1}'))
    with pytest.raises(CrossliftError, match="no longer what it was"):
        shown(measured, token)
