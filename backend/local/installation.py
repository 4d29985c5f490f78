"""The processes of one installation: started in order, watched, started again when they die, stopped in reverse order."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil

from backend.errors import CrossliftError
from backend.local import guard
from backend.local.home import Say, locked, prepare_home, read_state
from backend.local.interrupts import Interrupted, Interrupts
from backend.local.machine import private_folder, reachable, redis_answers, redis_binary, redis_command, usable_port
from backend.local.part import RESTARTS, WITHIN_SECONDS, Guard, Part, how_it_ended, open_log, tail
from backend.settings import Settings

READY_SECONDS = 180.0  # until the web process answers; importing everything on a slow or busy machine takes a while
REDIS_SECONDS = 30.0
SLOW_SECONDS = 2.0  # a worker that takes longer to stop is worth a word


class Failed(CrossliftError):
    """A part could not be started, or died too often."""

    title = "The installation could not be kept up"


class Installation:
    """The parts of one HOME. ``start``, then ``check`` now and then, then ``stop``."""

    def __init__(self, settings: Settings, say: Say, interrupts: Interrupts, lock: int) -> None:
        self.settings, self.interrupts, self.lock = settings, interrupts, lock
        self._say = say
        self.root = settings.root
        self.parts: list[Part] = []
        self.guard: Guard | None = None
        self.port = 0
        self.ready = False
        self.started_at = datetime.now(UTC)

    @property
    def url(self) -> str:
        """The address to show."""
        return (self.settings.public_url or self.api).rstrip("/")

    @property
    def api(self) -> str:
        """Where this machine itself reaches it."""
        return reachable(self.settings.host, self.port)

    def say(self, words: str) -> None:
        """Tell the terminal, if it is still there: nothing here may end because nobody listens."""
        with suppress(OSError):
            self._say(words)

    def log(self, name: str) -> Path:
        return self.root / "logs" / f"{name}.log"

    # starting

    def start(self) -> None:
        """Start everything, in order, and wait until the web process answers.

        Raises:
            Conflict: the port is taken, there is no Redis server, or other machines could come in without signing in.
            Failed: a part does not come up; its log's last lines are in the message.
            Interrupted: a signal came meanwhile. What was started is stopped by ``stop``.
        """
        self.settings.check_exposure()
        self.say(f"Starting, with state in {self.root} and logs in {self.root / 'logs'}")
        self._clear_leftovers()
        self.port = usable_port(self.settings.host, self.settings.port)
        self.guard = Guard(self.lock, self.log("up"))
        if self.settings.redis_url is None:
            at = self.settings.redis_socket
            binary, _ = redis_binary()
            private_folder(at.parent)
            redis = self._add("redis", redis_command(binary, at), grace=5)
            self._wait(redis, lambda: redis_answers(at), REDIS_SECONDS, "Redis does not answer")
        self._migrate()
        module = [sys.executable, "-m"]
        web = self._add("web", [*module, "dashboard.server"], grace=8)
        self._add("sweep", [*module, "backend.sweep"], grace=5)
        self._add("worker", [*module, "worker.app"], grace=self.settings.grace_seconds + 10)
        self._wait(web, self._answers, READY_SECONDS, "The web process does not answer")
        self.ready = True
        self._write_state()

    def _environment(self) -> dict[str, str]:
        own = ("127.0.0.1", "localhost", "[::1]", urlsplit(self.api).netloc.rpartition(":")[0])  # this machine may ask
        return {
            **os.environ,
            "CROSSLIFT_HOME": str(self.root),
            "CROSSLIFT_PORT": str(self.port),
            "CROSSLIFT_TRUSTED_HOSTS": ",".join((self.settings.trusted_hosts, *own)),
            "PYTHONUNBUFFERED": "1",
        }

    def _add(self, name: str, command: list[str], *, grace: float) -> Part:
        part = Part(name, command, self.log(name), grace)
        self.parts.append(part)
        self._start(part)
        return part

    def _start(self, part: Part) -> None:
        self.interrupts.check()
        part.start(self._environment())
        assert self.guard is not None  # the first process of all
        self.guard.watch(part)
        self._write_state()

    def _migrate(self) -> None:
        """Bring the schema up to date, in a process of its own: ``up`` keeps no database library in memory."""
        self.interrupts.check()
        path = self.log("migrate")
        with open_log(path) as log:
            code = subprocess.run(
                [sys.executable, "-m", "backend.cli", "migrate"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment(),
                start_new_session=True,  # a Ctrl-C does not leave a schema half changed
                check=False,
            ).returncode
        if code:
            raise Failed(f"The database could not be brought up to date (exit code {code}):\n{tail(path)}")

    def _wait(self, part: Part, answers: Callable[[], bool], seconds: float, complaint: str) -> None:
        end = time.monotonic() + seconds
        while not answers():
            self.interrupts.check()
            assert part.process is not None  # it was just started
            code = part.process.poll()
            if code is not None:
                raise Failed(f"{part.name} {how_it_ended(code)} while starting:\n{part.end()}")
            if time.monotonic() > end:
                raise Failed(f"{complaint} after {seconds:.0f} s:\n{part.end()}")
            time.sleep(0.1)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.api}/healthz", timeout=2, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def _clear_leftovers(self) -> None:
        """End what an earlier ``up`` left although it had a guard: both of them were killed."""
        for name, entry in ((read_state(self.root) or {}).get("parts") or {}).items():
            with suppress(psutil.Error, KeyError, TypeError):
                process = psutil.Process(entry["pid"])
                if abs(process.create_time() - entry["created"]) < 1:
                    self.say(f"Stopping {name}, left over from an installation that was killed (process {process.pid})")
                    guard.clear_up({process.pid: 2.0})

    # running

    def check(self) -> None:
        """Start again what died.

        Raises:
            Failed: a part died too often.
            Interrupted: a signal came.
        """
        if self.guard is None or not self.guard.alive:
            self.guard = Guard(self.lock, self.log("up"))
            for part in self.parts:
                self.guard.watch(part)
        for part in self.parts:
            if part.again_at is not None:
                if time.monotonic() >= part.again_at:
                    self._start(part)
            elif part.process is not None and (code := part.process.poll()) is not None:
                guard.kill(part.process.pid)  # what it left in its group
                self.guard.forget(part.process.pid)
                self._mourn(part, how_it_ended(code))

    def _mourn(self, part: Part, how: str) -> None:
        part.died()
        if part.hopeless:
            raise Failed(
                f"{part.name} {how}, for the {len(part.deaths)}th time within {WITHIN_SECONDS / 60:.0f} minutes; giving up. "
                f"Its log, {part.log}, ends:\n{part.end()}"
            )
        self.say(f"{part.name} {how}; starting it again ({len(part.deaths)} of {RESTARTS})")

    # stopping

    def stop(self) -> bool:
        """Stop all parts, last started first. Returns whether nothing had to be killed; a second signal kills at once."""
        clean = True
        for part in reversed(self.parts):
            if part.alive and part.process is not None:
                part.process.terminate()
                if part.name == "worker" and not self._await_end(part, SLOW_SECONDS):
                    self.say("Waiting for the worker to save what it trains (Ctrl-C again to kill it)")
                if not self._await_end(part, part.grace):
                    clean = False
                    self.say(f"{part.name} did not stop; killing it")
            part.kill()
        if self.guard is not None:
            self.guard.dismiss()
        with suppress(OSError):
            (self.root / "run" / "up.json").unlink()
        return clean

    def _await_end(self, part: Part, seconds: float) -> bool:
        end = time.monotonic() + seconds
        while part.alive:
            if time.monotonic() > end or self.interrupts.insists:
                return False
            time.sleep(0.05)
        return True

    # what others may know

    def _write_state(self) -> None:
        parts = {}
        for part in self.parts:
            if part.process is not None:
                with suppress(psutil.Error):
                    created = psutil.Process(part.process.pid).create_time()
                    parts[part.name] = {"pid": part.process.pid, "created": created, "deaths": len(part.deaths)}
        state = {
            "pid": os.getpid(),
            "ready": self.ready,
            "url": self.url,
            "api": self.api,
            "started_at": self.started_at.isoformat(timespec="seconds"),
            "parts": parts,
        }
        path = self.root / "run" / "up.json"
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(state, indent=1))
        fresh.replace(path)


def serve(settings: Settings, say: Say, step: Callable[[Installation], int | None]) -> int:
    """Bring an installation up and keep it up until ``step``, called some times a second, returns an exit code.

    Returns 0 after a signal, once everything has stopped; 130 where it came before everything was up, or a second one
    made it kill.

    Raises:
        Conflict: HOME, port or Redis cannot be had, or an installation runs there already.
        Failed: a part does not start, or died too often. Everything else was stopped.
    """
    prepare_home(settings.root)
    with Interrupts() as interrupts, locked(settings.root, say) as lock:
        installation = Installation(settings, say, interrupts, lock)
        came_up = False
        try:
            installation.start()
            came_up = True
            while not interrupts.count:
                installation.check()
                code = step(installation)
                if code is not None:
                    return code
                time.sleep(0.2)
        except Interrupted:
            pass
        finally:
            if interrupts.count:
                installation.say("Stopping")
            clean = installation.stop()
        return 0 if clean and came_up else 130
