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
from collections.abc import Mapping, Sequence
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
        rates: precision → FLOP/s of a matrix product in one slot, as far as it was measured.
        slots: devices that runs may take at the same time: GPUs, or shares of the cores; None: as the settings say.
        ring: told of runs that were queued.
        hung_seconds: a run that gives no sign for longer, or for 50 steps' time, counts as hung.
    """

    def __init__(
        self, store: Store, artifacts: Artifacts, nursery: Nursery, settings: Settings, *,
        worker: str, device: DeviceClass, ring: Ring, gpus: Sequence[str] = (), slots: int | None = None,
        rates: Mapping[str, float] | None = None, hung_seconds: float = HUNG_SECONDS,
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
        self.slots = slots or settings.slots
        self.rates = dict(rates or {})
        self._taken = 0
        self._taking = threading.Condition()

    def stop(self, *, at_once: bool = False) -> None:
        """Take nothing new and let every run save and stop; ``at_once``: stop them without saving."""
        if not self.stopping.is_set():
            self._stopping_since = time.monotonic()
            self.stopping.set()
        if at_once:
            self.at_once.set()

    def matrix_rate(self, precision: str) -> float | None:
        """FLOP/s of a matrix product on one whole device: a GPU, or all cores of the host. None: not measured."""
        slots = 1 if self.device is DeviceClass.CUDA else self.slots
        return self.rates[precision] * slots if precision in self.rates else None

    def hurry(self) -> bool:
        """Whether the time to save is over."""
        return self.at_once.is_set() or time.monotonic() - self._stopping_since > self.settings.grace_seconds

    def serve(self) -> int:
        """Do queued runs, one after the other, until there are none or this worker stops. Returns how many."""
        count = 0
        while self._has_room():
            try:
                claim = self._claim()
            except Unavailable as error:
                log.warning("cannot look for work: %s", error.detail)
                return count
            if claim is None:
                return count
            devices = claim.spec.devices
            gpus = [self._gpus.get() for _ in range(devices)] if self.device is DeviceClass.CUDA else []
            attempt = Attempt(self, claim, ",".join(gpus) if gpus else None)
            try:
                with logs.about(run=claim.run_id, attempt=claim.attempt):
                    attempt.run()
            finally:
                for gpu in gpus:
                    self._gpus.put(gpu)
                with self._taking:
                    self._taken -= devices
                    self._taking.notify_all()
            if devices > 1 and not self.stopping.is_set():  # slots whose rings came to nothing meanwhile
                self.ring(self.device, devices - 1)
            count += 1
            if attempt.unable:  # not to go through the whole queue like this
                self.stopping.wait(self.pause_seconds)
        return count

    def _has_room(self) -> bool:
        """Wait while other runs have all slots, this one's too: idle it would take rings away from other workers. False once this
        worker stops."""
        with self._taking:
            while self._taken >= self.slots and not self.stopping.is_set():
                self._taking.wait(1.0)
        return not self.stopping.is_set()

    def _claim(self) -> runs.Claim | None:
        """The next run, and as many slots as it takes. None where there is none, or where the next one takes more than are free:
        then this slot stays idle, and whichever ends its run last takes it."""
        with self._taking:
            free = self.slots - self._taken
            if free < 1:
                return None
            with self.store.write() as session:
                claim = runs.claim(
                    session, worker=self.worker, device=self.device, lease_seconds=self.settings.lease_seconds,
                    devices=self.slots, free=free,
                )  # fmt: skip
            if claim is not None:
                self._taken += claim.spec.devices
            return claim

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
