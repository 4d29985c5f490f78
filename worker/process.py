"""A child as its supervisor sees it: started clean, talked to, killed with all it started, and known to be gone."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import queue
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from backend.errors import shown
from worker import child, messages

#: What of this process's environment a child may see; everything else is somebody's secret until shown otherwise.
PASSED_ON = (
    "PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "CUDA_DEVICE_ORDER",
    # what the catalogues of tasks and models are built from
    "CROSSLIFT_TASKS", "CROSSLIFT_MODEL_ROOT", "CROSSLIFT_MODELS_ALLOWED",
    # how the hub is reached
    "HF_ENDPOINT", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
)  # fmt: skip
#: What only the interpreter of the server needs, to find the program and its libraries.
FOR_THE_SERVER = (
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONUNBUFFERED",
    "PYTHONDONTWRITEBYTECODE",
    "VIRTUAL_ENV",
    "LD_LIBRARY_PATH",
)
MOST_BYTES = 16 << 20  # of one message; more is not from a sane child
INBOX = 5_000  # messages; a child that talks faster has to wait
MOST_LINES = 1_000  # printed lines kept of one attempt, and this many of the last ones:
LAST_LINES = 50
LONGEST_LINE = 2_000


def environment(cache: Path, *, threads: int, offline: bool) -> dict[str, str]:
    """The environment that every child of this worker starts from."""
    passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return passed | {
        "OMP_NUM_THREADS": str(threads),
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HOME": str(cache / "hub"),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "TQDM_DISABLE": "1",
    } | ({"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"} if offline else {})  # fmt: skip


class Nursery:
    """The server that children are forked from, with torch loaded, so that each is ready at once.

    ``warm`` must be called before this process has other threads: for that moment its environment is the children's and
    it ignores SIGTERM, which the server inherits. The server ends when this process and all children have.
    """

    def __init__(self, base: Mapping[str, str], executor: str = child.EXECUTE) -> None:
        self.base = dict(base)
        self.executor = executor
        self.context = multiprocessing.get_context("forkserver")
        self._lock = threading.Lock()

    def warm(self) -> None:
        """Start the server; it goes on loading in the background."""
        # What the executor imports (torch and transformers, for the engine) and what its first optimizer will: torch._dynamo
        # takes a second or more, which no child should have to wait for again.
        executor = self.executor.partition(":")[0]
        self.context.set_forkserver_preload([executor, "torch._dynamo", "worker.child", "worker.preloaded"])
        # One thread: libraries that start theirs when they are loaded would lose them in every fork.
        with _environment(self.base | {"OMP_NUM_THREADS": "1"}), _ignoring(signal.SIGTERM, signal.SIGINT):
            forkserver.ensure_running()

    def gpus(self, visible: str | None) -> list[tuple[str, int, dict[str, float]]]:
        """Name, bytes of memory and rates of the GPUs that torch sees, asked in a child; empty if it sees none or cannot say."""
        ours, theirs = self.context.Pipe()
        own = {} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}
        process = self.context.Process(target=child.gpus, args=(theirs, json.dumps(self.base | own)))
        process.start()
        theirs.close()
        try:
            said = json.loads(ours.recv_bytes(MOST_BYTES))
            return [(str(name), int(memory), dict(rates)) for name, memory, rates in said]
        except (EOFError, OSError, ValueError, TypeError):
            return []
        finally:
            process.kill()
            process.join()
            ours.close()

    def start(self, job: Mapping[str, Any], *, directory: Path, visible: str | None = None) -> Child:
        """Start a child on this job. ``directory`` becomes its HOME, temporary and (empty) working directory;
        ``visible`` is the GPU it may use. Blocks until the server has loaded everything."""
        for name in ("cwd", "tmp", "home"):
            (directory / name).mkdir(parents=True, exist_ok=True, mode=0o700)
        own = {"HOME": str(directory / "home"), "TMPDIR": str(directory / "tmp")}
        if visible is not None:
            own["CUDA_VISIBLE_DEVICES"] = visible
        payload = {"job": dict(job), "environment": self.base | own, "directory": str(directory / "cwd")}
        ours, theirs = self.context.Pipe()
        printed, prints = self.context.Pipe(duplex=False)
        process = self.context.Process(
            target=child.main,
            args=(theirs, prints, json.dumps(payload), self.executor),
            name=f"run-{job['fingerprint'][:12]}",
        )
        try:
            with self._lock:
                process.start()
        except BaseException:
            ours.close()
            printed.close()
            raise
        finally:
            theirs.close()
            prints.close()
        return Child(process, ours, printed, self._lock)


@contextlib.contextmanager
def _environment(only: Mapping[str, str]) -> Iterator[None]:
    """Let what is started meanwhile inherit ``only`` these variables, and what the interpreter needs."""
    kept = dict(os.environ)
    os.environ.clear()
    os.environ.update({name: kept[name] for name in FOR_THE_SERVER if name in kept} | dict(only))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(kept)


@contextlib.contextmanager
def _ignoring(*signals: signal.Signals) -> Iterator[None]:
    before = {number: signal.signal(number, signal.SIG_IGN) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@dataclass(frozen=True, slots=True)
class Line:
    """A line that the child printed."""

    text: str


@dataclass(frozen=True, slots=True)
class Gone:
    """The process has ended, and so has everything it started. ``code`` is negative for a signal; None if unknown."""

    code: int | None


Heard = messages.Message | Line | Gone


class Child:
    """One child. ``hear`` gives what it says; the last thing is ``Gone``, and only then is it really gone.

    A thread reads both pipes, so that a child that is stopped in the middle of a message holds up nobody.
    """

    def __init__(self, process: Any, pipe: Connection, printed: Connection, lock: threading.Lock) -> None:
        self._process = process
        self._lock = lock
        self.pid: int = process.pid
        self._pipe = pipe
        self._printed = printed
        self._inbox: queue.Queue[Heard] = queue.Queue(INBOX)
        self._deaf = False
        self._lines = 0
        self._last: deque[str] = deque(maxlen=LAST_LINES)
        self._rest = b""
        self.gone = threading.Event()
        self._reader = threading.Thread(target=self._read, name=f"child-{self.pid}", daemon=True)
        self._reader.start()

    def hear(self, seconds: float) -> Heard | None:
        """The next thing it says; None if that takes longer."""
        try:
            return self._inbox.get(timeout=seconds)
        except queue.Empty:
            return None

    def tell(self, what: str) -> None:
        """Send ``cancel`` or ``save``. A child that is ending does not hear it."""
        with contextlib.suppress(OSError):
            self._pipe.send_bytes(json.dumps({"type": what}).encode())

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the child and everything it started."""
        if self.gone.is_set():
            return
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:  # it has not made its own group yet
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)
        except PermissionError:  # macOS, for a group that is ending
            pass

    def dump_stack(self) -> None:
        """Ask for a stack of every thread, which it prints. For the child alone: others would die of the signal."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGUSR1)

    def end(self) -> None:
        """Kill it unless it is gone, and wait until it is; what it still says is thrown away."""
        self._deaf = True
        while not self.gone.is_set():
            self.signal(signal.SIGKILL)
            self.gone.wait(0.5)
        self._reader.join(5)

    # --- the reading thread -----------------------------------------------------------------------------------------

    def _read(self) -> None:
        sentinel = self._process.sentinel
        listeners: dict[Any, Callable[[], bool]] = {
            self._pipe: self._message,
            self._printed: self._print,
            sentinel: self._sweep_up,
        }
        open_ends = list(listeners)
        while self._pipe in open_ends:
            for ready in wait(open_ends):
                if not listeners[ready]():
                    open_ends.remove(ready)
        # The child and all that could hold its end of the pipe are gone, unless it closed it itself.
        if sentinel in open_ends:
            while not wait([sentinel], 0.5):
                self.signal(signal.SIGKILL)
        ends = time.monotonic() + 1
        while self._printed in open_ends and wait([self._printed], max(0, ends - time.monotonic())) and self._print():
            pass
        self._put_line(self._rest)
        for text in self._last:
            self._put(Line(text))
        code = self._ended()
        with self._lock:
            self._process.close()
        self._pipe.close()
        self._printed.close()
        self.gone.set()
        self._put(Gone(code))

    def _sweep_up(self) -> bool:
        """The child has ended: what it started ends too, and with it both pipes."""
        if self._ended() is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
        return False

    def _ended(self) -> int | None:
        """The exit code; None if the server that would know is gone. Once for each, and never while a child starts: the
        standard library would read the code twice, and take the second, empty answer."""
        with self._lock:
            code: int | None = self._process.exitcode
        return None if code == 255 else code

    def _message(self) -> bool:
        try:
            data = self._pipe.recv_bytes(MOST_BYTES)
        except (EOFError, OSError):
            return False
        heard = messages.read(data)
        self._put(Line(f"… a message that makes no sense: {shown(data[:100])}") if heard is None else heard)
        return True

    def _print(self) -> bool:
        try:
            data = os.read(self._printed.fileno(), 1 << 16)
        except OSError:
            return False
        if not data:
            return False
        *lines, self._rest = (self._rest + data).replace(b"\r", b"\n").split(b"\n")
        if len(self._rest) > LONGEST_LINE:
            lines.append(self._rest)
            self._rest = b""
        for line in lines:
            self._put_line(line)
        return True

    def _put_line(self, line: bytes) -> None:
        text = line[:LONGEST_LINE].decode(errors="replace").rstrip()
        if not text:
            return
        self._lines += 1
        if self._lines <= MOST_LINES:
            self._put(Line(text))
            return
        if self._lines == MOST_LINES + 1:
            self._put(Line(f"… more than {MOST_LINES} lines; of what follows only the last {LAST_LINES} are kept"))
        self._last.append(text)

    def _put(self, heard: Heard) -> None:
        while not self._deaf:
            try:
                self._inbox.put(heard, timeout=0.5)
                return
            except queue.Full:
                continue
