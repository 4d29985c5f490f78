"""``crosslift gc``: what nobody needs goes, and nothing that somebody may need."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from backend import cli, leftovers
from backend.errors import Conflict
from backend.leftovers import DAY, Leftover
from backend.settings import Settings
from backend.settings import settings as read_settings
from backend.store import tables
from backend.store.session import Store
from worker.artifacts import Artifacts

LATER = time.time() + 2 * DAY  # when nothing of these tests is young any more


class Place:
    def __init__(self, home: Path, lab_at: Any, template: Path, root: str | None = None) -> None:
        home.mkdir()
        shutil.copy(template, home / "crosslift.db")
        self.settings = Settings(home=home, artifacts=root)
        self.home = home
        self.store = Store(self.settings.database)
        self.lab = lab_at(self.store)
        self.artifacts = Artifacts(self.settings.artifact_root, home / "cache" / "artifacts")

    def publish(self, fingerprint: str, content: str = "weights") -> Any:
        out = self.home / "out"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        (out / "weights.txt").write_text(content)
        return self.artifacts.publish(out, fingerprint)

    def work(self, fingerprint: str) -> Path:
        folder = self.home / "work" / fingerprint[:20]
        (folder / "state").mkdir(parents=True)
        (folder / "state" / "checkpoint").write_text("x" * 1000)
        return folder

    def do(self) -> Any:
        """Do the next run, artifact included; its claim."""
        claim = self.lab.claim()
        made = self.publish(claim.fingerprint)
        self.lab.finish(
            claim.run_id, claim.attempt, artifact=made.uri, artifact_digest=made.digest, artifact_bytes=made.bytes
        )
        return claim

    def find(self, now: float = LATER) -> dict[str, Leftover]:
        return {Path(each.place).name: each for each in leftovers.find(self.settings, self.store, now=now)}

    def remove(self, now: float = LATER) -> set[str]:
        found = leftovers.find(self.settings, self.store, now=now)
        return {Path(each.place).name for each in leftovers.remove(self.settings, self.store, found, now=now)}


@pytest.fixture
def place(tmp_path: Path, lab_at: Any, sqlite_template: Path) -> Iterator[Place]:
    made = Place(tmp_path / "home", lab_at, sqlite_template)
    yield made
    made.store.dispose()


def test_what_no_run_names_goes_and_what_one_names_stays(place: Place) -> None:
    place.lab.submit()
    done = [place.do().fingerprint for _ in range(2)]
    stray = "ab" + "0" * 62
    place.publish(stray)
    found = place.find()
    assert set(found) == {stray}
    assert found[stray].bytes > 0 and found[stray].why == "no run names it"
    assert place.find(now=time.time()) == {}  # young: a worker may be about to name it
    assert place.remove() == {stray}
    shelf = Path(place.settings.artifact_root.removeprefix("file://"))
    assert {p.name for p in shelf.glob("*/*")} == set(done)
    assert place.find() == {}


def test_what_a_live_run_is_storing_or_starts_from_stays(place: Place) -> None:
    """Stored, and not named yet: the end of the run is not written."""
    place.lab.submit()
    first = place.do()
    running = place.lab.claim()
    place.publish(running.fingerprint)
    kept = place.work(running.fingerprint)
    with place.store.read() as session:
        states = dict(
            session.execute(tables.run.select().with_only_columns(tables.run.c.fingerprint, tables.run.c.state)).all()
        )
    waiting = next(f for f, state in states.items() if state == "waiting")
    place.work(waiting)
    place.work(first.fingerprint)
    assert set(place.find()) == {first.fingerprint[:20]}  # done: its checkpoints are of no use
    assert place.remove() == {first.fingerprint[:20]}
    assert kept.exists()


def test_a_download_that_something_live_starts_from_stays(place: Place) -> None:
    place.lab.submit()
    first = place.do()
    other = "cd" + "0" * 62
    for fingerprint in (first.fingerprint, other):
        copy = place.home / "cache" / "artifacts" / fingerprint[:2] / fingerprint / "0123456789ab"
        copy.mkdir(parents=True)
        (copy / "weights.txt").write_text("x")
    assert place.remove() == {other}


def test_checkpoints_of_failed_runs_stay_two_weeks(place: Place) -> None:
    place.lab.submit()
    claim = place.lab.claim()
    folder = place.work(claim.fingerprint)
    place.lab.fail(claim.run_id, claim.attempt)
    assert place.find() == {}
    found = place.find(now=time.time() + 15 * DAY)
    assert set(found) == {folder.name} and "two weeks" in found[folder.name].why
    strange = place.home / "work" / "unknown"
    strange.mkdir()
    assert set(place.find()) == {"unknown"}


def test_a_folder_that_a_process_works_in_stays(place: Place) -> None:
    folder = place.work("e" * 64)
    with (folder / "state" / ".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert place.find() == {}
    assert set(place.find()) == {"e" * 20}


def test_the_lock_is_the_one_that_workers_hold() -> None:
    from worker.child import LOCK

    assert LOCK == ".lock"


def test_what_was_needed_again_meanwhile_stays(place: Place) -> None:
    """Found, and then submitted, claimed and stored before it is removed."""
    place.lab.submit()
    place.do()
    with place.store.read() as session:
        later = session.scalar(
            tables.run.select()
            .with_only_columns(tables.run.c.fingerprint)
            .where(tables.run.c.state == "queued")
            .limit(1)
        )
    with place.store.write() as session:  # as if nobody had wanted it
        session.execute(
            update(tables.run)
            .where(tables.run.c.fingerprint == later)
            .values(state="cancelled", finished_at=tables.run.c.created_at)
        )
    place.publish(later)
    place.work(later)
    found = leftovers.find(place.settings, place.store, now=LATER)
    assert {e.kind for e in found} == {"artifact", "work"}
    with place.store.write() as session:
        session.execute(
            update(tables.run).where(tables.run.c.fingerprint == later).values(state="queued", finished_at=None)
        )
    assert leftovers.remove(place.settings, place.store, found, now=LATER) == []
    assert (Path(place.settings.artifact_root.removeprefix("file://")) / later[:2] / later / "weights.txt").exists()
    assert (place.home / "work" / later[:20]).exists()


def test_unfinished_ones_and_old_copies_go_and_what_is_not_ours_stays(place: Place) -> None:
    shelf = Path(place.settings.artifact_root.removeprefix("file://")) / "ab"
    (shelf / (f".{'ab' * 32}-0123abcd")).mkdir(parents=True)
    (shelf / "notes").mkdir()
    (shelf.parent / "else").mkdir()
    for n in range(4):
        (place.home / f"crosslift.db.before-2026010{n}T000000000000Z").write_text("x")
    assert place.remove() == {
        f".{'ab' * 32}-0123abcd", "crosslift.db.before-20260100T000000000000Z", "crosslift.db.before-20260101T000000000000Z",
    }  # fmt: skip
    assert (shelf / "notes").is_dir() and (shelf.parent / "else").is_dir()


def test_artifacts_of_another_installation_are_left_alone(place: Place) -> None:
    for n in range(3):
        place.publish(f"{n:02}" + "0" * 62)
    with pytest.raises(Conflict, match="another installation"):
        place.find()


def test_artifacts_that_are_no_folder(tmp_path: Path, lab_at: Any, sqlite_template: Path) -> None:
    place = Place(tmp_path / "home", lab_at, sqlite_template, root="memory://leftovers")
    place.lab.submit()
    done = place.do()
    place.publish("ab" + "0" * 62)
    place.publish(done.fingerprint, "others, of a second upload that differs")
    found = place.find()
    assert len(found) == 2
    assert len(place.remove()) == 2
    assert place.find() == {}
    with place.store.read() as session:
        address = session.scalar(
            tables.run.select().with_only_columns(tables.run.c.artifact).where(tables.run.c.id == done.run_id)
        )
    assert (place.artifacts.fetch(address) / "weights.txt").read_text() == "weights"
    place.artifacts.fs.rm("/leftovers", recursive=True)
    place.store.dispose()


def test_the_command_says_what_and_how_much_and_a_dry_run_removes_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place.lab.submit()
    place.do()
    stray = Path(place.publish("ab" + "0" * 62).uri.removeprefix("file://"))
    old = time.time() - 2 * DAY
    for path in (stray, *stray.iterdir()):
        os.utime(path, (old, old))
    monkeypatch.setenv("CROSSLIFT_HOME", str(place.home))

    def run(*arguments: str) -> tuple[int, str]:
        read_settings.cache_clear()
        try:
            code = cli.guarded(lambda: cli.app([*arguments], prog_name="crosslift"))
        except SystemExit as ended:
            code = int(ended.code or 0)
        finally:
            read_settings.cache_clear()
        return code, capsys.readouterr().out

    code, text = run("gc", "--dry-run", "--json")
    told = json.loads(text)
    assert code == 0 and told["dry_run"] and told["bytes"] > 0
    assert [item["place"] for item in told["items"]] == [str(stray)] and stray.exists()
    code, text = run("gc", "--json")
    assert json.loads(text)["items"] == told["items"] and not stray.exists()
    monkeypatch.setenv("CROSSLIFT_HOME", str(place.home / "nothing"))
    assert run("gc")[0] == 4
