"""The processes of one installation: started in order, watched, started again when they die, stopped in reverse order."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import httpx
import psutil

from backend.errors import CrossliftError
from backend.local import guard
from backend.local.home import Say, locked, prepare_home, read_state
from backend.local.interrupts import Interrupted, Interrupts
from backend.local.machine import private_folder, reachable, redis_answers, redis_binary, redis_command, usable_port
from backend.settings import Settings

RESTARTS, WITHIN_SECONDS = 5, 300.0  # a part that dies more often than this stays down, and `up` ends
READY_SECONDS = 90.0  # until the web process answers; importing everything on a slow disk takes a while
LOG_BYTES = 16 * 2**20  # a log longer than this is put aside when its part starts


class Failed(CrossliftError):
    """A part could not be started, or died too often."""

    title = "The installation could not be kept up"


@dataclass
class Part:
    """One process that is kept running. ``grace`` is what it gets to stop by itself, in seconds."""

    name: str
    command: list[str]
    grace: float
    process: subprocess.Popen[bytes] | None = None
    deaths: list[float] = field(default_factory=list)
    again_at: float | None = None  # monotonic time of its next start, while it is down

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None


def how_it_ended(code: int) -> str:
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"


def tail(path: Path, lines: int = 12) -> str:
    try:
        text = path.read_bytes()[-8192:].decode(errors="replace")
    except OSError:
        return ""
    return "\n".join("    " + line for line in text.splitlines()[-lines:])


class Installation:
    """The parts of one HOME. ``start``, then ``check`` now and then, then ``stop``."""

    def __init__(self, settings: Settings, say: Say, interrupts: Interrupts, lock: int) -> None:
        self.settings, self.say, self.interrupts, self.lock = settings, say, interrupts, lock
        self.root = settings.root
        self.parts: list[Part] = []
        self.watcher: subprocess.Popen[bytes] | None = None
        self.port = 0
        self.ready = False

    @property
    def url(self) -> str:
        """The address to show."""
        return (self.settings.public_url or self.api).rstrip("/")

    @property
    def api(self) -> str:
        """Where this machine itself reaches it."""
        return reachable(self.settings.host, self.port)

    def log(self, name: str) -> Path:
        return self.root / "logs" / f"{name}.log"

    # starting

    def start(self) -> None:
        """Start everything, in order, and wait until the web process answers.

        Raises:
            Conflict: the port is taken, or there is no Redis server.
            Failed: a part does not come up; its log's last lines are in the message.
            Interrupted: a signal came meanwhile. What was started is stopped by ``stop``.
        """
        self._clear_leftovers()
        self.port = usable_port(self.settings.host, self.settings.port)
        self._start_watcher()
        module = [sys.executable, "-m"]
        if self.settings.redis_url is None:
            at = self.settings.redis_socket
            binary, _ = redis_binary()
            private_folder(at.parent)
            redis = self._add(Part("redis", redis_command(binary, at), grace=5))
            self._wait(redis, lambda: redis_answers(at), 15, "Redis does not answer")
        self._migrate()
        web = self._add(Part("web", [*module, "dashboard.server"], grace=8))
        self._add(Part("sweep", [*module, "backend.sweep"], grace=5))
        self._add(Part("worker", [*module, "worker.app"], grace=self.settings.grace_seconds + 10))
        self._wait(web, self._answers, READY_SECONDS, "The web process does not answer")
        self.ready = True
        self._write_state()

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "CROSSLIFT_HOME": str(self.root),
            "CROSSLIFT_PORT": str(self.port),
            "PYTHONUNBUFFERED": "1",
        }

    def _add(self, part: Part) -> Part:
        self.parts.append(part)
        self._spawn(part)
        return part

    def _open_log(self, name: str) -> IO[bytes]:
        path = self.log(name)
        with suppress(OSError):
            if path.stat().st_size > LOG_BYTES:
                path.replace(path.with_suffix(".log.1"))
        return path.open("ab")

    def _spawn(self, part: Part) -> None:
        self.interrupts.check()
        with self._open_log(part.name) as log:
            part.process = subprocess.Popen(
                part.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment(),
                start_new_session=True,
            )
        part.again_at = None
        self._tell_watcher(f"+ {part.process.pid} {part.grace}")
        self._write_state()

    def _migrate(self) -> None:
        """Bring the schema up to date, in a process of its own: ``up`` keeps no database library in memory."""
        self.interrupts.check()
        with self._open_log("migrate") as log:
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
            raise Failed(f"The database could not be brought up to date (exit code {code}):\n{tail(self.log('migrate'))}")

    def _wait(self, part: Part, answers: Callable[[], bool], seconds: float, complaint: str) -> None:
        end = time.monotonic() + seconds
        while not answers():
            self.interrupts.check()
            assert part.process is not None  # it was just started
            code = part.process.poll()
            if code is not None:
                raise Failed(f"{part.name} {how_it_ended(code)} while starting:\n{tail(self.log(part.name))}")
            if time.monotonic() > end:
                raise Failed(f"{complaint} after {seconds:.0f} s:\n{tail(self.log(part.name))}")
            time.sleep(0.1)

    def _answers(self) -> bool:
        try:
            # the host name is one that every installation answers to, whatever it listens on
            answer = httpx.get(f"{self.api}/healthz", headers={"Host": "localhost"}, timeout=2, trust_env=False)
        except httpx.HTTPError:
            return False
        return answer.status_code == 200

    # what clears up after a kill

    def _start_watcher(self) -> None:
        with self._open_log("up") as log:
            self.watcher = subprocess.Popen(
                [sys.executable, "-m", "backend.local.guard"],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=log,
                pass_fds=(self.lock,),
                start_new_session=True,
            )

    def _tell_watcher(self, line: str) -> None:
        assert self.watcher is not None  # started first of all
        assert self.watcher.stdin is not None
        with suppress(BrokenPipeError):
            self.watcher.stdin.write(f"{line}\n".encode())
            self.watcher.stdin.flush()

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
        """
        if self.watcher is None or self.watcher.poll() is not None:
            self._start_watcher()
            for part in self.parts:
                if part.alive and part.process is not None:
                    self._tell_watcher(f"+ {part.process.pid} {part.grace}")
        for part in self.parts:
            if part.again_at is not None:
                if time.monotonic() >= part.again_at:
                    self._spawn(part)
                continue
            code = part.process.poll() if part.process else None
            if code is None or part.process is None:
                continue
            guard.kill(part.process.pid)  # what it left in its group
            self._tell_watcher(f"- {part.process.pid}")
            now = time.monotonic()
            part.deaths = [at for at in part.deaths if now - at < WITHIN_SECONDS] + [now]
            if len(part.deaths) > RESTARTS:
                raise Failed(
                    f"{part.name} {how_it_ended(code)}, for the {len(part.deaths)}th time within "
                    f"{WITHIN_SECONDS / 60:.0f} minutes; giving up. Its log, {self.log(part.name)}, ends:\n"
                    f"{tail(self.log(part.name))}"
                )
            part.again_at = now + min(10.0, 0.5 * 2 ** (len(part.deaths) - 1))
            self.say(f"{part.name} {how_it_ended(code)}; starting it again ({len(part.deaths)} of {RESTARTS})")

    # stopping

    def stop(self) -> bool:
        """Stop all parts, last started first. Returns whether nothing had to be killed; a second signal kills at once."""
        clean = True
        for part in reversed(self.parts):
            if part.process is None:
                continue
            if part.alive:
                part.process.terminate()
                if part.name == "worker" and part.grace > 3:
                    self._say_if_slow(part)
                clean &= self._await_end(part, part.grace)
            self._kill(part)
        self._tell_watcher("bye") if self.watcher else None
        if self.watcher and self.watcher.stdin:
            with suppress(BrokenPipeError):
                self.watcher.stdin.close()
            self.watcher.wait()
        with suppress(OSError):
            (self.root / "run" / "up.json").unlink()
        return clean

    def _say_if_slow(self, part: Part) -> None:
        if not self._await_end(part, 2):
            self.say("Waiting for the worker to save what it trains (Ctrl-C again to kill it)")

    def _await_end(self, part: Part, seconds: float) -> bool:
        end = time.monotonic() + seconds
        while part.alive:
            if time.monotonic() > end or self.interrupts.insists:
                return False
            time.sleep(0.05)
        return True

    def _kill(self, part: Part) -> None:
        assert part.process is not None  # asked by the caller
        family: list[psutil.Process] = []
        with suppress(psutil.Error):
            family = psutil.Process(part.process.pid).children(recursive=True)
        if part.alive:
            self.say(f"{part.name} did not stop; killing it")
        guard.kill(part.process.pid)
        for process in family:  # those in groups of their own
            with suppress(psutil.Error):
                process.kill()
        part.process.wait()

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
            "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
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
        began = True
        try:
            installation.start()
            while not interrupts.count:
                installation.check()
                code = step(installation)
                if code is not None:
                    return code
                time.sleep(0.2)
        except Interrupted:
            began = False
        finally:
            if interrupts.count:
                say("Stopping")
            clean = installation.stop()
        return 0 if clean and began else 130
