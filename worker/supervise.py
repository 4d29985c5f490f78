"""The supervisor: what the slots of one worker share, and how each goes from run to run.

A ring is worth one claim, and after it the slot goes on with whatever is queued: so rings may be lost, and Redis may be
away for hours, and only idle slots wait for it. A child computes and knows nothing; all that is in SQL is written here,
under the attempt's number. Three rules hold everything together: without a lease nothing is written; a run is only said to
have stopped when its process is gone; and while the database is away the child goes on.
"""

from __future__ import annotations

import logging
import math
import shutil
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import Protocol

from backend import logs
from backend.domain.run import DeviceClass
from backend.errors import Unavailable
from backend.settings import Settings
from backend.store import runs
from backend.store.session import Store
from worker import child
from worker.artifacts import Artifacts
from worker.attempt import Attempt
from worker.pace import HUNG_SECONDS
from worker.process import Nursery

log = logging.getLogger("crosslift.worker")

PAUSE_SECONDS = 30.0  # of a slot that could not even begin a run: a full disk, no processes left
FORGET_SECONDS = 14 * 86_400.0  # without a checkpoint, after which nobody is expected to go on


class Ring(Protocol):
    def __call__(self, device: DeviceClass, count: int = ..., run_ids: Sequence[int] = ...) -> object: ...


class Supervisor:
    """What the slots of one worker process share.

    Args:
        worker: the name of this process, for people.
        gpus: of a CUDA worker, what CUDA_VISIBLE_DEVICES is for each slot.
        ring: told of runs that were queued.
        hung_seconds: a run that gives no sign for longer, or for 50 steps' time, counts as hung.
    """

    def __init__(
        self, store: Store, artifacts: Artifacts, nursery: Nursery, settings: Settings, *,
        worker: str, device: DeviceClass, ring: Ring, gpus: Sequence[str] = (), hung_seconds: float = HUNG_SECONDS,
    ) -> None:  # fmt: skip
        self.store = store
        self.artifacts = artifacts
        self.nursery = nursery
        self.settings = settings
        self.worker = worker
        self.device = device
        self.ring = ring
        self.hung_seconds = hung_seconds
        self.pause_seconds = PAUSE_SECONDS
        self.stopping = threading.Event()  # take nothing new; what runs is to save and stop
        self.at_once = threading.Event()  # do not wait for that either
        self._stopping_since = math.inf
        self._gpus: SimpleQueue[str] = SimpleQueue()
        for gpu in gpus:
            self._gpus.put(gpu)

    def stop(self, *, at_once: bool = False) -> None:
        """Take nothing new and let every run save and stop; ``at_once``: stop them without saving."""
        if not self.stopping.is_set():
            self._stopping_since = time.monotonic()
            self.stopping.set()
        if at_once:
            self.at_once.set()

    def hurry(self) -> bool:
        """Whether the time to save is over."""
        return self.at_once.is_set() or time.monotonic() - self._stopping_since > self.settings.grace_seconds

    def serve(self) -> int:
        """Do queued runs, one after the other, until there are none or this worker stops. Returns how many."""
        count = 0
        while not self.stopping.is_set():
            try:
                with self.store.write() as session:
                    claim = runs.claim(
                        session, worker=self.worker, device=self.device, lease_seconds=self.settings.lease_seconds
                    )
            except Unavailable as error:
                log.warning("cannot look for work: %s", error.detail)
                return count
            if claim is None:
                return count
            visible = self._gpus.get() if self.device is DeviceClass.CUDA else None
            attempt = Attempt(self, claim, visible)
            try:
                with logs.about(run=claim.run_id, attempt=claim.attempt):
                    attempt.run()
            finally:
                if visible is not None:
                    self._gpus.put(visible)
            count += 1
            if attempt.unable:  # not to go through the whole queue like this
                self.stopping.wait(self.pause_seconds)
        return count

    def tidy(self) -> None:
        """Remove what runs of long ago left: checkpoints of those that failed, or were done elsewhere in the end."""
        work = self.settings.root / "work"
        for folder in work.iterdir() if work.is_dir() else ():
            state = folder / "state"
            newest = max(path.stat().st_mtime for path in (folder, state) if path.exists())
            if time.time() - newest > FORGET_SECONDS and child.is_free(state):
                shutil.rmtree(folder, ignore_errors=True)

    def folder(self, fingerprint: str) -> Path:
        """Where a run's checkpoints and attempts lie on this machine. Short, as sockets below it have short names."""
        return self.settings.root / "work" / fingerprint[:20]
