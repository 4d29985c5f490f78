"""The processes of a run on several devices: the first one, which is the child that the supervisor knows, forks the others.

They are in its process group, so whatever ends the group ends them; each also ends when the first one does, by a pipe that only the
first one holds open. When one of them dies, the first one says why and ends as well: a run is whole or not there.
Without torch, as the worker's own process loads it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from backend.domain.run import Phase
from worker.causes import described
from worker.messages import ErrorSaid, LogSaid, Message
from worker.outcomes import Diverged, Followed, Level, RankLost, Stop, Stopped

REPORT_SECONDS = 20.0  # that the first process waits for the death of another to be told
#: The same, where it is not known that another died. Weights that are divided are asked for within a step, and torch has no type of its
#: own for what then fails: an error of the other's death alone would be told instead of it. A death is seen within milliseconds.
ECHO_SECONDS = 2.0


class Silent:
    """``worker.outcomes.Report`` of a process that only helps: the first one says all there is to say."""

    def phase(self, phase: Phase) -> None: ...
    def progress(self, step: int, total: int) -> None: ...
    def curve(self, name: str, step: int, value: float) -> None: ...
    def log(self, level: Level, message: str) -> None: ...
    def checkpoint(self, step: int) -> None: ...
    def rejected(self, checkpoints: Sequence[str]) -> None: ...
    def resumed(self, step: int) -> None: ...

    def should_stop(self) -> Stop | None:
        return None  # it stops when the first one does


@dataclass(frozen=True, slots=True)
class Place:
    """Which of the processes this is, and its ends of the pipes."""

    rank: int
    count: int
    lifeline: int  # the first one holds it open; the others see it end
    #: Of the first one: process id of each other, and where its last words come from.
    others: tuple[tuple[int, int], ...] = ()
    say: int = -1  # of another: where its last words go


def fork(count: int) -> Place:
    """Become ``count`` processes. Only before this one has threads; each of them gets its place."""
    ours, theirs = os.pipe()
    others: list[tuple[int, int]] = []
    for rank in range(1, count):
        hear, say = os.pipe()
        pid = os.fork()
        if pid == 0:
            for fd in (theirs, hear, *(fd for _, fd in others)):
                os.close(fd)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it is meant for the first one, which saves
            threading.Thread(target=_end_with_the_first, args=(ours,), name="lifeline", daemon=True).start()
            return Place(rank, count, ours, say=say)
        os.close(say)
        others.append((pid, hear))
    os.close(ours)
    return Place(0, count, theirs, tuple(others))


def _end_with_the_first(lifeline: int) -> None:
    with contextlib.suppress(OSError):
        os.read(lifeline, 1)
    os._exit(1)


def help_along(place: Place, work: Callable[[], object]) -> NoReturn:
    """Body of a process that is not the first one. What went wrong here goes to the first one, which tells the supervisor."""
    code = 0
    try:
        work()
    except (Followed, Stopped, Diverged, RankLost):
        pass  # the first one knows, or will
    except BaseException as error:
        code = 1
        await_the_cause(error)
        with contextlib.suppress(OSError):
            os.write(place.say, described(error).model_dump_json().encode())
    os._exit(code)


def await_the_cause(error: BaseException) -> None:
    """In a process of several, before it says what went wrong: if that is but an echo of another's end, who watches that one says so,
    which ends this process."""
    if isinstance(error, RuntimeError):
        time.sleep(REPORT_SECONDS if isinstance(error, RankLost) else ECHO_SECONDS)


def watch(place: Place, send: Callable[[Message], None]) -> None:
    """In the first process: see to it that it does not outlive any of the others."""
    for rank, (pid, hear) in enumerate(place.others, 1):
        threading.Thread(
            target=_watch, args=(rank, place.count, pid, hear, send), name=f"rank-{rank}", daemon=True
        ).start()


def _watch(rank: int, count: int, pid: int, hear: int, send: Callable[[Message], None]) -> None:
    said = b""
    with os.fdopen(hear, "rb") as words:
        said = words.read()
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    if code == 0:
        return
    if said:
        send(ErrorSaid.model_validate_json(said))
        os._exit(0)
    how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
    send(LogSaid(level="error", message=f"process {rank + 1} of the {count} of this run {how}"))
    if code == -signal.SIGKILL:  # ends alike, so that it is said what that is likely to mean
        os.kill(os.getpid(), signal.SIGKILL)
    os._exit(1)
