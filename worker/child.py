"""The process that does one run. It has no secrets, an empty working directory, and ends when its supervisor does.

It is forked from a server that has torch loaded. Over the pipe goes JSON, as bytes: nothing is unpickled by the other side.
What it prints, also from native code and while it crashes, goes down a second pipe that the supervisor reads.
"""

from __future__ import annotations

import contextlib
import faulthandler
import fcntl
import json
import logging
import math
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NoReturn

from backend.domain.run import Phase, RunSpec
from worker import following
from worker.causes import LONGEST_MESSAGE, described, plain
from worker.journal import Journal
from worker.messages import (
    CheckpointSaid,
    CurvesSaid,
    DivergedSaid,
    LogSaid,
    Message,
    OutcomeSaid,
    PhaseSaid,
    ProgressSaid,
    RejectedSaid,
    ResumedSaid,
    StoppedSaid,
)
from worker.outcomes import Diverged, Job, Level, Outcome, Report, Stop, Stopped

EXECUTE = "worker.execute:execute"
SEND_SECONDS = 0.2  # between two reports of progress
CURVE_SECONDS = 0.5  # what points of curves wait for company
MOST_POINTS = 500  # in one message
MOST_REJECTED, MOST_OF_A_LINE = 20, 500  # checkpoints that are named, and characters of why
LOCK = ".lock"  # in a run's folder
LOCK_SECONDS = 30.0  # what an earlier attempt gets to be gone


# --- what it says -----------------------------------------------------------------------------------------------------


class Pipe:
    """The child's side of the pipe: sends from any thread, listens in one of its own."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self.stop: Stop | None = None
        threading.Thread(target=self._listen, name="pipe", daemon=True).start()

    def send(self, message: Message) -> None:
        data = message.model_dump_json().encode()
        try:
            with self._lock:
                self._connection.send_bytes(data)
        except OSError:
            vanish()

    def ask(self, what: Stop) -> None:
        """Note a wish to stop; to cancel outranks to save."""
        if self.stop != "cancel":
            self.stop = what

    def _listen(self) -> None:
        try:
            while True:
                wish = json.loads(self._connection.recv_bytes()).get("type")
                if wish in ("cancel", "save"):
                    self.ask(wish)
        except (EOFError, OSError):
            vanish()  # the supervisor is gone: nobody would hear of what this process still does


def vanish() -> NoReturn:
    """End this process and those it started, at once."""
    with contextlib.suppress(OSError):
        if os.getpgrp() == os.getpid():
            os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)


class PipeReport:
    """``worker.outcomes.Report`` over the pipe. Progress is sent a few times a second, curves in batches."""

    def __init__(self, pipe: Pipe, journal: Journal) -> None:
        self._pipe = pipe
        self._journal = journal
        self._progress: tuple[int, int] | None = None
        self._points: list[tuple[str, int, float]] = []
        self._sent = 0.0
        self._points_since = 0.0
        self._unkept = False

    def phase(self, phase: Phase) -> None:
        self.flush()
        self._pipe.send(PhaseSaid(phase=phase))

    def progress(self, step: int, total: int) -> None:
        self._progress = (int(step), int(total))
        self._tick()

    def curve(self, name: str, step: int, value: float) -> None:
        value = float(value)
        if not math.isfinite(value):
            self.log("warning", f"{name} is {value} at step {step}: not a number, left out of the curve")
            return
        if not self._points:
            self._points_since = time.monotonic()
        point = (str(name), int(step), value)
        try:
            self._journal.add(point)
        except OSError as error:  # a full disk costs what a crash would have needed, not the run
            if not self._unkept:
                self.log("warning", f"points of curves cannot be kept on this machine: {error}")
            self._unkept = True
        self._points.append(point)
        self._tick()

    def log(self, level: Level, message: str) -> None:
        self._pipe.send(LogSaid(level=level, message=plain(message, LONGEST_MESSAGE)))

    def should_stop(self) -> Stop | None:
        self._tick()
        return self._pipe.stop

    def checkpoint(self, step: int) -> None:
        self.flush()
        self._pipe.send(CheckpointSaid(step=step))

    def rejected(self, checkpoints: Sequence[str]) -> None:
        for line in checkpoints:
            self.log("warning", f"checkpoint passed over: {line}")
        lines = [plain(line, MOST_OF_A_LINE) for line in checkpoints[:MOST_REJECTED]]
        self._pipe.send(RejectedSaid(checkpoints=lines))

    def resumed(self, step: int) -> None:
        self._points = self._journal.resume(step)
        self.flush()
        self._pipe.send(ResumedSaid(step=step))

    def flush(self) -> None:
        """Send what is waiting."""
        while self._points:
            batch, self._points = self._points[:MOST_POINTS], self._points[MOST_POINTS:]
            self._pipe.send(CurvesSaid(points=batch))
        if self._progress is not None:
            step, total = self._progress
            self._progress = None
            self._pipe.send(ProgressSaid(step=step, total=total))
        self._sent = time.monotonic()

    def _tick(self) -> None:
        now = time.monotonic()
        waited = bool(self._points) and (now - self._points_since >= CURVE_SECONDS or len(self._points) >= MOST_POINTS)
        if waited or (self._progress is not None and now - self._sent >= SEND_SECONDS):
            self.flush()


class _LogHandler(logging.Handler):
    """Warnings of libraries become log lines of the run."""

    def __init__(self, report: PipeReport) -> None:
        super().__init__(logging.WARNING)
        self._report = report

    def emit(self, record: logging.LogRecord) -> None:
        level: Level = "error" if record.levelno >= logging.ERROR else "warning"
        self._report.log(level, f"{record.name}: {record.getMessage()}")


# --- what it is -------------------------------------------------------------------------------------------------------


def job_from(data: Mapping[str, Any]) -> Job:
    """The job as the supervisor wrote it down: paths are strings, the spec is the JSON that its fingerprint is of."""
    paths = {name: Path(data[name]) for name in ("workdir", "out", "cache")}
    return Job(
        **{
            **data,
            **paths,
            "spec": RunSpec.model_validate(data["spec"]),
            "inputs": {fingerprint: Path(path) for fingerprint, path in data["inputs"].items()},
            **{name: None if data.get(name) is None else Path(data[name]) for name in ("data_root", "model_root")},
        }
    )


def main(connection: Connection, output: Connection, job_json: str, executor: str = EXECUTE) -> None:
    """Body of the process. ``job_json`` holds ``job``, the whole ``environment`` and the working ``directory``.

    Ends with one of the messages ``outcome``, ``stopped``, ``diverged``, ``error``; without one only if it is killed.
    """
    _stand_alone()
    _print_to(output)
    payload = json.loads(job_json)
    devices = int(payload["job"]["spec"].get("devices", 1))
    place = following.fork(devices) if devices > 1 else None  # before there are threads
    if place is None or place.rank == 0:
        pipe = Pipe(connection)  # the others hold it open, too: the supervisor sees its end when all are gone
        signal.signal(signal.SIGTERM, lambda *_: pipe.ask("save"))
    sys.path[:] = [str(Path(entry).absolute()) for entry in sys.path]  # before the working directory changes
    os.environ.clear()
    os.environ.update(payload["environment"])
    os.chdir(payload["directory"])
    job = job_from(payload["job"])
    job.workdir.mkdir(parents=True, exist_ok=True)
    if place is not None:
        job = _placed(job, place)
        if place.rank:
            following.help_along(place, lambda: _help(job, executor))
        following.watch(place, pipe.send)
    report = PipeReport(pipe, Journal(job.workdir / "curves.jsonl"))
    logging.basicConfig(handlers=[_LogHandler(report)], force=True)
    logging.captureWarnings(True)
    try:
        _run(job, executor, report, pipe)
    except BaseException as error:  # whatever it is, the supervisor hears of it
        if place is not None:
            following.await_the_cause(error)
        report.flush()
        pipe.send(described(error))
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(0)  # threads of libraries could hold up an orderly end


def gpus(connection: Connection, environment: str) -> None:
    """Body of a process that only says which GPUs torch sees, how much memory each has and what a matrix product attains on it."""
    os.environ.clear()
    os.environ.update(json.loads(environment))
    import torch

    from worker.capacity import gpu_rates

    found = []
    for i in range(torch.cuda.device_count()):
        gpu, rates = torch.cuda.get_device_properties(i), {}
        with contextlib.suppress(RuntimeError):  # somebody else has filled it: then its rate is not known
            rates = gpu_rates(i)
        found.append([gpu.name, gpu.total_memory, rates])
    connection.send_bytes(json.dumps(found).encode())


def _run(job: Job, executor: str, report: PipeReport, pipe: Pipe) -> None:
    with _alone_with(job.workdir):
        _use_threads(job.threads)
        execute = resolve(executor)
        try:
            outcome = execute(job, report)
        except Stopped as stopped:
            report.flush()
            pipe.send(StoppedSaid(step=stopped.step, saved=stopped.saved))
        except Diverged as diverged:
            report.flush()
            message = plain(diverged.message, LONGEST_MESSAGE)
            pipe.send(DivergedSaid(step=diverged.step, message=message, good=diverged.good))
        else:
            report.flush()
            pipe.send(
                OutcomeSaid(
                    scores=[(score.language, score.metric, score.value, score.n) for score in outcome.scores],
                    cost=dict(outcome.cost),
                    parameters=outcome.parameters,
                    parameters_non_embedding=outcome.parameters_non_embedding,
                    parameters_trainable=outcome.parameters_trainable,
                    learning=outcome.learning and (outcome.learning.loss, outcome.learning.guess),
                    environment=dict(outcome.environment),
                )
            )


def _placed(job: Job, place: following.Place) -> Job:
    """The job of one of several processes: each sees one of the GPUs, and they meet at a file of this attempt."""
    if (visible := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = visible.split(",")[place.rank]
    return replace(job, rank=place.rank, meeting=Path(os.environ["TMPDIR"]) / "ranks")


def _help(job: Job, executor: str) -> None:
    logging.basicConfig(handlers=[logging.NullHandler()], force=True)  # the first process says the same
    _use_threads(job.threads)
    resolve(executor)(job, following.Silent())


def resolve(executor: str) -> Callable[[Job, Report], Outcome]:
    """``"package.module:name"`` → what it names."""
    module, _, name = executor.partition(":")
    found: Callable[[Job, Report], Outcome] = getattr(import_module(module), name)
    return found


def _stand_alone() -> None:
    """A session of its own, so that it can be killed with everything it started and no Ctrl-C reaches it; private files;
    no core dumps; and if memory runs out, this is the process to go, not the one that serves others."""
    with contextlib.suppress(OSError):
        os.setsid()
    os.umask(0o077)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError):  # Linux only
        Path("/proc/self/oom_score_adj").write_text("500")


def _print_to(output: Connection) -> None:
    """Send everything printed, by Python or below it, down the pipe; and a stack where a signal ends the process."""
    for stream in (1, 2):
        os.dup2(output.fileno(), stream)
    output.close()
    sys.stdout, sys.stderr = (
        os.fdopen(fd, "w", buffering=1, errors="backslashreplace", closefd=False) for fd in (1, 2)
    )
    faulthandler.enable(sys.stderr)
    faulthandler.register(signal.SIGUSR1, sys.stderr, all_threads=True)  # asked for before a hung run is killed


def _use_threads(threads: int) -> None:
    import torch

    torch.set_num_threads(threads)


def is_free(workdir: Path) -> bool:
    """Whether no process of this machine works in a run's folder."""
    try:
        with (workdir / LOCK).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # nobody ever did
        return True
    return True


@contextlib.contextmanager
def _alone_with(workdir: Path) -> Iterator[None]:
    """Hold the run's folder against another attempt on this machine that is not quite gone."""
    descriptor = os.open(workdir / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        ends = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > ends:
                    raise RuntimeError(f"another process still works in {workdir}") from None
                time.sleep(0.1)
        yield
    finally:
        os.close(descriptor)
