"""``crosslift doctor``: every way in which a set-up is broken is found, and said with what to do."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from backend import queue
from backend.domain.experiment import ExperimentRequest, plan
from backend.domain.run import DeviceClass, digest
from backend.local import doctor, machine, services
from backend.local.finding import GIB, Check
from backend.settings import Settings
from backend.store import experiments, migrate, runs, session, tables
from backend.store import workers as stored
from backend.store.columns import db_now
from backend.store.session import Store


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A HOME that is in order, but for a database."""
    for name in [n for n in os.environ if n.startswith("CROSSLIFT_")]:
        monkeypatch.delenv(name)
    made = tmp_path / "home"
    made.mkdir(mode=0o700)
    return made


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    migrate.upgrade(f"sqlite:///{home / 'crosslift.db'}")
    made = Store(f"sqlite:///{home / 'crosslift.db'}")
    yield made
    made.dispose()


def found(check: Callable[[Settings], Iterator[Check]], settings: Settings) -> dict[str, Check]:
    """What a check says, by name; whatever is not right has something to do about it."""
    said = list(check(settings))
    assert all(each.fix for each in said if each.verdict != "ok")
    return {each.name: each for each in said}


def submitted(store: Store) -> None:
    request = ExperimentRequest.model_validate(
        {"name": "x", "models": ["mini-2"], "recipes": ["mnli"], "targets": ["xnli"], "seeds": [0]}
    )
    with store.write() as each:
        experiments.submit(each, request, plan(request), key=None, body_digest=digest({}))


def test_nothing_is_wrong_with_a_place_that_is_in_order(home: Path, store: Store) -> None:
    chosen = Settings(home=home)
    for check in (
        services.permissions,
        services.database,
        services.redis,
        services.clock,
        services.workers,
        services.artifacts,
    ):
        assert {c.name for c in check(chosen) if c.verdict != "ok"} <= {"sqlite"}, check


def test_an_old_python() -> None:
    assert doctor.python((3, 11)).verdict == "ok"
    check = doctor.python((3, 10))
    assert check.verdict == "failed" and "older than 3.11" in check.detail and "make PYTHON" in str(check.fix)


def test_packages_that_are_missing_or_of_another_version(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = ["httpx~=0.1.0", "no-such-package>=1", "packaging>=1", "left-out>=1; python_version < '3'"]
    monkeypatch.setattr(doctor, "requires", lambda _: given)
    check = found(doctor._packages, Settings(home=home))["packages"]
    assert check.verdict == "failed"
    assert "no-such-package is missing" in check.detail and "is not ~=0.1.0" in check.detail
    assert "packaging" not in check.detail and "left-out" not in check.detail


@pytest.mark.parametrize(
    ("cuda", "gpus", "device", "there", "verdict", "says", "do"),
    [
        ("13.0", ["H200"], "auto", True, "ok", "1 × H200", None),
        (None, [], "auto", False, "ok", "CPU with", None),
        (None, [], "auto", True, "warning", "which this build cannot use", "CUDA builds"),
        (None, [], "cuda", True, "failed", "which this build cannot use", "CUDA builds"),
        ("13.0", [], "auto", True, "warning", "torch does not see", "nvidia-smi"),
        ("13.0", [], "cuda", False, "failed", "there is no GPU", "CROSSLIFT_DEVICE=cpu"),
    ],
)
def test_the_build_of_torch(
    cuda: str | None, gpus: list[str], device: str, there: bool, verdict: str, says: str, do: str | None
) -> None:
    check = doctor.torch_build({"version": "2.13.0", "cuda": cuda, "gpus": gpus}, device=device, gpu_there=there)
    assert (check.verdict, says in check.detail) == (verdict, True)
    assert do is None or do in str(check.fix)


def test_torch_that_cannot_be_loaded(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "torch.py").write_text("raise OSError('libcudart.so.13: cannot open shared object file')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    check = found(doctor._device, Settings(home=home))["device"]
    assert check.verdict == "failed" and "libcudart.so.13" in check.detail


@pytest.mark.parametrize(("free", "verdict"), [(GIB // 8, "failed"), (GIB, "warning"), (5 * GIB, "ok")])
def test_disk(free: int, verdict: str) -> None:
    check = doctor.disk("artifacts", Path("/somewhere"), free)
    assert check.verdict == verdict
    assert check.fix is None or ("crosslift gc" in check.fix and "CROSSLIFT_ARTIFACTS" in check.fix)


def test_a_home_that_cannot_be_made(home: Path) -> None:
    (home / "file").write_text("")
    check = found(doctor._home, Settings(home=home / "file" / "below"))["home"]
    assert check.verdict == "failed" and "CROSSLIFT_HOME" in str(check.fix)


def test_state_and_secrets_that_are_open_to_others(
    home: Path, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "redis_url"
    secret.write_text("redis://:pw@127.0.0.1:1/0")
    secret.chmod(0o644)
    monkeypatch.setenv("CROSSLIFT_REDIS_URL_FILE", str(secret))
    home.chmod(0o755)
    (home / "crosslift.db").chmod(0o644)
    said = list(services.permissions(Settings(home=home)))
    assert {c.fix for c in said} == {f"chmod 700 {home}", f"chmod 600 {home / 'crosslift.db'}", f"chmod 600 {secret}"}
    home.chmod(0o700)  # nobody gets to what lies in it
    secret.chmod(0o600)
    assert [c.verdict for c in services.permissions(Settings(home=home))] == ["ok"]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
def test_state_of_another_user(home: Path) -> None:
    os.chown(home, 12345, -1)
    check = found(services.permissions, Settings(home=home))["permissions"]
    assert "belongs to user 12345" in check.detail and "chown" in str(check.fix)


def test_artifacts_that_cannot_be_written_or_reached(home: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    check = found(services.permissions, Settings(home=home, artifacts=f"file://{tmp_path}/file/x"))["permissions"]
    assert check.verdict == "failed" and "CROSSLIFT_ARTIFACTS" in str(check.fix)
    check = found(services.artifacts, Settings(home=home, artifacts="nosuch://user:pw@bucket/x"))["artifacts"]
    assert check.verdict == "failed" and "fsspec" in str(check.fix) and ":pw@" not in check.detail
    assert found(services.artifacts, Settings(home=home, artifacts="memory://doctor"))["artifacts"].verdict == "ok"


# --- database ---------------------------------------------------------------------------------------------------------


def test_sqlite_on_a_network_file_system(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "file_system", lambda path: "nfs4")
    check = found(services.database, Settings(home=home))["database"]
    assert check.verdict == "failed" and "network file system (nfs4)" in check.detail
    assert "CROSSLIFT_DATABASE_URL" in str(check.fix)


def test_an_old_sqlite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 51, 2))
    assert services._sqlite((3, 51, 3)).verdict == "warning"
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 51, 3))
    assert services._sqlite((3, 51, 3)).verdict == "ok"


@pytest.mark.parametrize(
    ("revision", "verdict", "says", "do"),
    [
        ("4dbeaf1341c5", "warning", "has schema 4dbeaf1341c5", "crosslift migrate"),
        ("f" * 12, "failed", "newer Crosslift", "update"),
    ],
)
def test_another_schema(home: Path, store: Store, revision: str, verdict: str, says: str, do: str) -> None:
    with store.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA query_only=OFF")
        connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{revision}'")
        connection.commit()
    check = found(services.database, Settings(home=home))["database"]
    assert (check.verdict, says in check.detail, do in str(check.fix)) == (verdict, True, True)
    assert list(services.workers(Settings(home=home))) == []  # not asked of tables that may be others


def test_a_damaged_database(home: Path, store: Store) -> None:
    store.dispose()
    path = home / "crosslift.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(path.read_bytes())
    content[8192 : 8192 + 4096 * 6] = b"\xff" * 4096 * 6
    path.write_bytes(content)
    check = found(services.database, Settings(home=home))["database"]
    assert check.verdict == "failed" and "is damaged" in check.detail and "crosslift restore" in str(check.fix)


def test_a_database_that_is_away_or_unknown(home: Path) -> None:
    chosen = Settings(home=home, database_url="postgresql://me:hunter2@127.0.0.1:1/x")
    check = found(services.database, chosen)["database"]
    assert check.verdict == "failed" and "hunter2" not in check.detail and "CROSSLIFT_DATABASE_URL" in str(check.fix)
    assert found(services.database, Settings(home=home, database_url="mysql://x/y"))["database"].verdict == "failed"
    assert list(services.workers(chosen)) == []
    assert found(services.clock, chosen)["clock"].verdict == "ok"


# --- broker and clocks ------------------------------------------------------------------------------------------------


def test_a_broker_that_evicts_or_is_away(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = home / "run" / "redis.sock"
    machine.private_folder(at.parent)
    chosen = Settings(home=home)
    monkeypatch.setattr(queue, "app", queue.doorbell(lambda: chosen))
    if len(os.fsencode(at)) > 100:
        at = chosen.redis_socket
        machine.private_folder(at.parent)
    binary, _ = machine.redis_binary()
    command = machine.redis_command(binary, at)
    command[command.index("noeviction")] = "allkeys-lru"

    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            end = time.monotonic() + 20
            while not machine.redis_answers(at):
                assert time.monotonic() < end
                time.sleep(0.05)
            check = found(services.redis, chosen)["redis"]
            assert check.verdict == "failed" and "allkeys-lru" in check.detail
            assert "maxmemory-policy noeviction" in str(check.fix)
        finally:
            process.kill()
    away = Settings(home=home, redis_url="redis://:the-secret@127.0.0.1:1/0")
    monkeypatch.setattr(queue, "app", queue.doorbell(lambda: away))
    check = found(services.redis, away)["redis"]
    assert check.verdict == "failed" and "does not answer" in check.detail and "the-secret" not in check.detail


def test_without_a_redis(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(home))
    monkeypatch.setattr(sys, "executable", str(home / "python"))
    monkeypatch.setattr(machine, "find_spec", lambda name: None)
    assert found(services.redis, Settings(home=home))["redis"].verdict == "failed"


def test_clocks_that_differ(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert services.skewed(1.5).verdict == "ok"
    for seconds, way in ((7200.0, "7200 s ahead of"), (-5.0, "5 s behind")):
        check = services.skewed(seconds)
        assert check.verdict == "warning" and way in check.detail and "set-ntp" in str(check.fix)
    monkeypatch.setattr(services.time, "time", lambda: 86_400.0)
    check = found(services.clock, Settings(home=home))["clock"]
    assert check.verdict == "failed" and "1970" in check.detail


# --- who is there -----------------------------------------------------------------------------------------------------


def test_workers_that_fell_silent_and_runs_that_nobody_does(home: Path, store: Store) -> None:
    chosen = Settings(home=home)
    submitted(store)
    with store.write() as each:
        stored.seen(each, "gone:1", ["cpu"], 2, "a processor")
        each.execute(update(tables.worker).values(seen_at=db_now(-600)))
        each.execute(update(tables.run).where(tables.run.c.state == "queued").values(queued_at=db_now(-300)))
    said = list(services.workers(chosen))
    assert [c.verdict for c in said] == ["warning", "warning"]
    assert "gone:1 was last seen 10 min ago" in said[0].detail and "crosslift worker" in str(said[0].fix)
    assert "waited up to 5 min for a cpu worker" in said[1].detail
    with store.write() as each:
        stored.seen(each, "here:1", ["cpu"], 2, "a processor")
        claim = runs.claim(each, worker="gone:1", device=DeviceClass.CPU, lease_seconds=60)
        assert claim is not None
        each.execute(update(tables.run).where(tables.run.c.id == claim.run_id).values(lease_until=db_now(-90)))
    said = list(services.workers(chosen))
    assert [(c.name, c.verdict) for c in said] == [("workers", "warning"), ("sweep", "failed"), ("workers", "ok")]
    assert "crosslift sweep" in str(said[1].fix)


def test_a_port_that_is_taken(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        chosen = Settings(home=home, port=taken.getsockname()[1])
        check = found(doctor._running, chosen)["port"]
    assert check.verdict == "failed"


# --- the command ------------------------------------------------------------------------------------------------------


def test_one_broken_check_does_not_end_the_others_and_is_an_exit_status(
    shell: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Settings) -> Iterator[Check]:
        raise RuntimeError("redis://:hunter2@h is odd")
        yield

    def fine(_: Settings) -> Iterator[Check]:
        yield Check("fine", "ok", "all is well")

    monkeypatch.setattr(doctor, "CHECKS", (broken, fine))
    done = shell.run("doctor", "--json")
    checks = {c["name"]: c for c in json.loads(done.out)["checks"]}
    assert done.code == 1
    assert checks["broken"]["verdict"] == "failed" and checks["broken"]["fix"] and "hunter2" not in done.out
    assert checks["fine"]["verdict"] == "ok"
    text = shell.run("doctor")
    assert text.code == 1 and "fix: " in text.out
    monkeypatch.setattr(doctor, "CHECKS", (fine,))
    assert shell.run("doctor", "--json").code == 0


def test_a_setting_that_is_misspelt(shell: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "CHECKS", ())
    shell.environment["CROSSLIFT_WORKER"] = "2"
    (check,) = json.loads(shell.run("doctor", "--json").out)["checks"]
    assert check["verdict"] == "warning" and "did you mean CROSSLIFT_WORKERS?" in check["fix"]
