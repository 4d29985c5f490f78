"""Backups: all of an installation, checked, put back where nothing is, on both databases."""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import fsspec
import pytest
from alembic import command
from sqlalchemy import select, text

from backend.backup import manifest, whole
from backend.errors import Conflict, Invalid, NotFound
from backend.store import migrate, tables
from backend.store.columns import db_now
from backend.store.session import Store, checked, connect
from worker.artifacts import Artifacts

said: list[str] = []


def quiet(words: str) -> None:
    said.append(words)


class Place:
    """An installation without processes: a database, and artifacts as workers store them."""

    def __init__(self, url: str, root: str, scratch: Path) -> None:
        self.url, self.root, self.scratch = url, root, scratch
        self.artifacts = Artifacts(root, scratch / "cache")

    def back_up(self, folder: Path) -> manifest.Manifest:
        return whole.back_up(self.url, self.root, folder, say=quiet)

    def restore(self, folder: Path) -> manifest.Manifest:
        return whole.restore(folder, self.url, self.root, say=quiet)

    def content(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every table but workers, and artifacts by what is in them instead of where they are."""
        store = Store(self.url)
        found: dict[str, list[tuple[Any, ...]]] = {}
        with store.read() as session:
            for table in tables.metadata.sorted_tables:
                if table.name != "worker":
                    columns = [c for c in table.c if c.name != "artifact"]
                    found[table.name] = sorted(map(tuple, session.execute(select(*columns))), key=repr)
            for address in session.scalars(select(tables.run.c.artifact).where(tables.run.c.artifact.is_not(None))):
                folder = self.artifacts.fetch(address)
                found.setdefault("artifacts", []).append(tuple(p.read_text() for p in sorted(folder.iterdir())))
        store.dispose()
        return found


Database = Callable[..., str]


@pytest.fixture(scope="module")
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Database:
    """Makes databases: with nothing in them, or with what is in another."""

    def made(kind: str, like: str | None = None) -> str:
        name = f"backup_{uuid4().hex[:8]}"
        if kind == "sqlite":
            path = tmp_path_factory.mktemp(name) / "crosslift.db"
            if like is not None:
                shutil.copy(like.removeprefix("sqlite:///"), path)
            return f"sqlite:///{path}"
        server = request.getfixturevalue("postgres_server")
        maker = Store(server)
        with maker.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.execute(
                text(f"CREATE DATABASE {name} TEMPLATE {checked(like).database if like else 'template1'}")
            )
        maker.dispose()
        return checked(server).set(database=name).render_as_string(hide_password=False)

    return made


@pytest.fixture
def bare(database: Database, tmp_path: Path) -> Callable[..., Place]:
    """Makes places where nothing is."""

    def made(kind: str, root: str = "") -> Place:
        scratch = tmp_path / uuid4().hex[:8]
        return Place(database(kind), root or f"file://{scratch / 'artifacts'}", scratch)

    return made


@pytest.fixture(scope="module")
def filled(
    database: Database, lab_at: Callable[[Store], Any], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Place]:
    """A place with an experiment: three runs done, one failed; awkward text in its rows. Made once of each kind."""
    there: dict[str, Place] = {}

    def made(kind: str) -> Place:
        if kind not in there:
            scratch = tmp_path_factory.mktemp("filled")
            there[kind] = Place(database(kind), f"file://{scratch / 'artifacts'}", scratch)
            fill(there[kind], lab_at)
        return there[kind]

    return made


def fill(place: Place, lab_at: Callable[[Store], Any]) -> None:
    migrate.upgrade(place.url)
    store = Store(place.url)
    lab = lab_at(store)
    lab.submit(name="\\N \\. „ä“ 'quote' ✓")
    for n in range(3):
        claim = lab.claim()
        out = place.scratch / "out"
        out.mkdir(parents=True)
        (out / "weights.txt").write_text(f"weights {n}\n" * 1000)
        published = place.artifacts.publish(out, claim.fingerprint)
        assert lab.finish(
            claim.run_id, claim.attempt, scores=[("en", "accuracy", 1 / 3, 10)], artifact=published.uri,
            artifact_digest=published.digest, artifact_bytes=published.bytes, energy_joules=0.1,
        ).ok  # fmt: skip
    claim = lab.claim()
    lab.fail(claim.run_id, claim.attempt, "line\nbreak\t\\x")
    with store.write() as session:
        session.execute(
            tables.worker.insert().values(
                name="old", queues=["cpu"], slots=1, device="x", started_at=db_now(), seen_at=db_now()
            )
        )
    store.dispose()
    if place.url.startswith("sqlite"):
        with closing(sqlite3.connect(place.url.removeprefix("sqlite:///"))) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def used(kind: str, filled: Callable[[str], Place], database: Database, tmp_path: Path) -> Place:
    """A copy of the filled place, to do with what one likes."""
    original = filled(kind)
    scratch = tmp_path / "used"
    shutil.copytree(original.scratch, scratch)
    made = Place(database(kind, original.url), f"file://{scratch / 'artifacts'}", scratch)
    engine = connect(checked(made.url)).execution_options(crosslift_write=True)
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE run SET artifact = replace(artifact, :old, :new)"), {"old": original.root, "new": made.root}
        )
    engine.dispose()
    return made


def test_all_of_it_comes_back_where_nothing_was(
    used: Place, kind: str, bare: Callable[..., Place], tmp_path: Path
) -> None:
    before = used.content()
    made = used.back_up(tmp_path / "backup")
    assert made.database == kind and made.artifacts == 3 and made.missing == []
    assert made.rows["run"] == 6 and made.rows["score"] == 3
    assert (tmp_path / "backup").stat().st_mode & 0o077 == 0
    assert used.content() == before
    other = bare(kind)
    shutil.rmtree(used.scratch)  # nothing of the first place is needed
    other.restore(tmp_path / "backup")
    assert other.content() == before
    store = Store(other.url)
    with store.read() as session:
        assert session.scalars(select(tables.worker.c.name)).all() == []
        (address, *_) = session.scalars(select(tables.run.c.artifact).where(tables.run.c.artifact.is_not(None)))
        assert address.startswith(other.root)
    store.dispose()
    assert migrate.state(other.url) == "current"
    other.back_up(tmp_path / "again")  # as whole as the first


def test_work_goes_on_where_it_was_put_back(
    used: Place, kind: str, bare: Callable[..., Place], lab_at: Callable[[Store], Any], tmp_path: Path
) -> None:
    """Numbers go on after the highest; a run that was worked on is taken back."""
    store = Store(used.url)
    running = lab_at(store).submit(seeds=[7]) and lab_at(store).claim(lease=2).run_id
    store.dispose()
    used.back_up(tmp_path / "backup")
    other = bare(kind)
    other.restore(tmp_path / "backup")
    store = Store(other.url)
    lab = lab_at(store)
    lab.expire(running)
    assert lab.sweep().taken_back == [running]
    highest = max(lab.states(1).keys() | lab.states(2).keys())
    made = lab.submit(seeds=[8])
    assert max(lab.states(made.id)) > highest
    assert lab.work()
    store.dispose()


def test_a_backup_is_of_one_moment_while_others_write(
    used: Place, lab_at: Callable[[Store], Any], tmp_path: Path
) -> None:
    store = Store(used.url)
    lab, stop = lab_at(store), threading.Event()

    def write() -> None:
        seed = 10
        while not stop.is_set():
            lab.submit(seeds=[seed])
            seed += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        made = used.back_up(tmp_path / "backup")
    finally:
        stop.set()
        writer.join()
    store.dispose()
    assert made.rows["experiment_run"] >= made.rows["experiment"] * 3  # none without its runs
    whole.check(tmp_path / "backup")


# --- refused ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("harm", ["cut", "flipped", "gone", "added", "unfinished", "outside"])
@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
def test_a_damaged_backup_is_refused_and_nothing_is_touched(
    used: Place, kind: str, bare: Callable[..., Place], tmp_path: Path, harm: str
) -> None:
    folder = tmp_path / "backup"
    used.back_up(folder)
    victim = next(folder.glob("artifacts/*/*/weights.txt"))
    if harm == "cut":
        victim.write_bytes(victim.read_bytes()[:-1])
    elif harm == "flipped":
        content = bytearray(victim.read_bytes())
        content[5] ^= 1
        victim.write_bytes(content)
    elif harm == "gone":
        victim.unlink()
    elif harm == "added":
        (folder / "artifacts" / "more").write_text("x")
    elif harm == "unfinished":
        (folder / "manifest.json").unlink()
    else:
        told = json.loads((folder / "manifest.json").read_text())
        told["files"]["../x"] = {"sha256": "0" * 64, "bytes": 1}
        (folder / "manifest.json").write_text(json.dumps(told))
    other = bare(kind)
    with pytest.raises(NotFound if harm == "unfinished" else Invalid):
        other.restore(folder)
    with pytest.raises(NotFound if harm == "unfinished" else Invalid):
        whole.check(folder)
    assert migrate.is_bare(other.url)
    assert not Path(other.root.removeprefix("file://")).exists()


def test_a_place_where_something_is_stays_as_it_is(
    used: Place, kind: str, bare: Callable[..., Place], tmp_path: Path
) -> None:
    folder = tmp_path / "backup"
    used.back_up(folder)
    before = used.content()
    with pytest.raises(Conflict, match="tables in this database already"):
        used.restore(folder)
    assert used.content() == before
    tables_there = bare(kind)
    migrate.upgrade(tables_there.url)
    with pytest.raises(Conflict, match="tables in this database already"):
        tables_there.restore(folder)
    artifacts_there = bare(kind)
    stray = Path(artifacts_there.root.removeprefix("file://")) / "something"
    stray.mkdir(parents=True)
    with pytest.raises(Conflict, match="artifacts at"):
        artifacts_there.restore(folder)
    assert stray.is_dir() and migrate.is_bare(artifacts_there.url)
    with pytest.raises(Conflict, match="is not empty"):
        used.back_up(folder)


def test_a_newer_schema_or_format_and_the_other_database_are_refused(
    used: Place, kind: str, bare: Callable[..., Place], tmp_path: Path
) -> None:
    folder = tmp_path / "backup"
    used.back_up(folder)
    other = bare(kind)
    told = json.loads((folder / "manifest.json").read_text())
    for change, words in (
        ({"schema_revision": "f" * 12}, "newer than this program"),
        ({"format": 2, "something": "new"}, "later version"),
        ({"database": "postgresql" if kind == "sqlite" else "sqlite"}, "set CROSSLIFT_DATABASE_URL"),
    ):
        (folder / "manifest.json").write_text(json.dumps({**told, **change}))
        with pytest.raises(Conflict, match=words):
            other.restore(folder)
        assert migrate.is_bare(other.url)
    engine = connect(checked(used.url)).execution_options(crosslift_write=True)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'ffffffffffff'"))
    engine.dispose()
    with pytest.raises(Conflict, match="newer than this program"):
        used.back_up(tmp_path / "another")
    assert not (tmp_path / "another").exists()
    with pytest.raises(Conflict, match="nothing to back up"):
        bare(kind).back_up(tmp_path / "another")


def test_an_older_backup_is_brought_up_to_date(
    kind: str, bare: Callable[..., Place], lab_at: Callable[[Store], Any], tmp_path: Path
) -> None:
    place = bare(kind)
    migrate.upgrade(place.url)
    store = Store(place.url)
    lab_at(store).submit()
    store.dispose()
    engine = connect(checked(place.url), foreign_keys=False).execution_options(crosslift_write=True)
    config = migrate.configuration()
    with engine.connect() as connection:  # as an older version would have it
        config.attributes["connection"] = connection
        command.downgrade(config, "4dbeaf1341c5")
    engine.dispose()
    made = place.back_up(tmp_path / "backup")
    assert made.schema_revision == "4dbeaf1341c5" and "snapshot" not in made.rows
    other = bare(kind)
    other.restore(tmp_path / "backup")
    assert migrate.state(other.url) == "current"
    assert len(other.content()["run"]) == 6 and other.content()["snapshot"] == []


def test_nothing_stays_of_a_restore_that_fails(
    used: Place, kind: str, bare: Callable[..., Place], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "backup"
    used.back_up(folder)
    told = json.loads((folder / "manifest.json").read_text())
    told["rows"]["run"] += 1  # found out when everything has been loaded
    (folder / "manifest.json").write_text(json.dumps(told))
    other = bare(kind)
    with pytest.raises(Invalid, match="Table run has 6 rows where the backup says 7"):
        other.restore(folder)
    assert migrate.is_bare(other.url)
    assert not any(Path(other.root.removeprefix("file://")).iterdir())
    told["rows"]["run"] -= 1
    (folder / "manifest.json").write_text(json.dumps(told))
    other.restore(folder)  # and now it can be
    assert other.content()["run"] == used.content()["run"]


# --- what is not whole ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
def test_artifacts_that_are_not_whole_are_said_and_left_out(
    used: Place, kind: str, bare: Callable[..., Place], tmp_path: Path
) -> None:
    one, two, three = sorted(Path(used.root.removeprefix("file://")).glob("*/*"))
    shutil.rmtree(one)
    (two / "weights.txt").chmod(0o644)
    (two / "weights.txt").write_text("others")
    (three / "manifest.json").chmod(0o644)
    (three / "manifest.json").write_text("{}")
    made = used.back_up(tmp_path / "backup")
    assert made.artifacts == 0 and {m.fingerprint for m in made.missing} == {p.name for p in (one, two, three)}
    other = bare(kind)
    other.restore(tmp_path / "backup")
    assert "artifacts" not in other.content()  # they are not named any more, so that they are made again


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
def test_a_damaged_database_makes_no_backup(used: Place, kind: str, tmp_path: Path) -> None:
    path = Path(used.url.removeprefix("sqlite:///"))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA foreign_keys=OFF")
        connection.execute("DELETE FROM run WHERE id = 1")
        connection.commit()
    with pytest.raises(Invalid, match="without what they refer to"):
        used.back_up(tmp_path / "backup")
    assert list(tmp_path.glob("*backup*")) == []


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
def test_a_full_disk_is_said_before(used: Place, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 1000))
    with pytest.raises(Conflict, match="needs about"):
        used.back_up(tmp_path / "backup")
    assert list(tmp_path.glob("*backup*")) == []


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
def test_artifacts_go_to_another_kind_of_place(
    used: Place, kind: str, bare: Callable[..., Place], tmp_path: Path
) -> None:
    """From a folder to what is none, and back: an object store has another layout."""
    before = used.content()
    used.back_up(tmp_path / "backup")
    elsewhere = bare(kind, root=f"memory://{uuid4().hex}")
    elsewhere.restore(tmp_path / "backup")
    assert elsewhere.content() == before
    elsewhere.back_up(tmp_path / "second")
    home = bare(kind)
    home.restore(tmp_path / "second")
    assert home.content() == before
    fs, base = fsspec.core.url_to_fs(elsewhere.root)
    fs.rm(base, recursive=True)


def test_a_newer_program_of_the_same_schema_may_read_it(used: Place, tmp_path: Path) -> None:
    used.back_up(tmp_path / "backup")
    found = whole.check(tmp_path / "backup")
    assert found.bytes > 0 and found.program.startswith("crosslift")
    assert migrate.knows(found.schema_revision) and not migrate.knows("f" * 12)


@pytest.mark.parametrize("kind", ["sqlite"], indirect=True)
def test_a_database_that_was_put_back_is_closed_to_others(
    used: Place, kind: str, bare: Callable[..., Place], tmp_path: Path
) -> None:
    used.back_up(tmp_path / "backup")
    other = bare(kind)
    other.restore(tmp_path / "backup")
    assert Path(other.url.removeprefix("sqlite:///")).stat().st_mode & 0o077 == 0
