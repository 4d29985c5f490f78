"""The sweep: ``python -m backend.sweep``. Mends, again and again, whatever was left undone.

Takes back runs whose worker fell silent, lets those begin whose parents are done, and rings for what is queued. Any number
of sweeps may run at once, and none loses anything while it is away: everything just takes longer.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict

from backend import logs, queue
from backend.domain.run import DeviceClass
from backend.errors import REFUSED, Conflict, Unavailable
from backend.settings import Settings, settings
from backend.store import migrate, runs, workers
from backend.store.session import Store

log = logging.getLogger("crosslift.sweep")
ALIVE_SECONDS = 60.0  # a worker not seen for longer is not rung for


class Sweeper:
    """``top_up(device, wanted)`` rings until that many rings wait in Redis; ``clock`` gives seconds of wall time."""

    def __init__(
        self, store: Store, chosen: Settings, *,
        top_up: Callable[[DeviceClass, int], int] = queue.top_up, clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self.store = store
        self.chosen = chosen
        self.top_up = top_up
        self.clock = clock
        self.away = False
        self._last: float | None = None  # when the database last answered
        self._not_before = 0.0

    def sweep(self) -> runs.Swept | None:
        """One sweep; None where there was none, because the database is away or has just come back.

        When it has been out of reach, or this machine asleep, every lease looks over. The living get two heartbeats to
        say that they are alive, before anything is taken back from them.
        """
        now = self.clock()
        gap = 0.0 if self._last is None else now - self._last
        try:
            with self.store.write() as session:
                migrate.check(session)
                listed = workers.listing(session)
                if self.away or gap > max(2 * self.chosen.sweep_seconds, self.chosen.lease_seconds / 2):
                    self._not_before = now + 2 * self.chosen.heartbeat_seconds
                waiting = now < self._not_before
                swept = None if waiting else runs.sweep(session, max_attempts=self.chosen.max_attempts)
        except Unavailable as error:
            if not self.away:
                log.warning("cannot sweep: %s", error.detail)
            self.away = True
            return None
        self._last = now
        if self.away:
            log.info("the database is back")
            self.away = False
        if swept is None:
            return None
        rung = {}
        for device, queued in ((DeviceClass.CPU, swept.queued_cpu), (DeviceClass.CUDA, swept.queued_cuda)):
            # A busy slot goes on with what is queued by itself; only idle ones need a ring.
            idle = sum(
                max(0, worker.slots - len(worker.running))
                for worker in listed
                if device.value in worker.queues
                and worker.seen_age_seconds <= ALIVE_SECONDS
                and worker.drained_at is None
            )
            if min(queued, idle):
                rung[device.value] = self.top_up(device, min(queued, idle))
        done = {name: ids for name, ids in asdict(swept).items() if isinstance(ids, list) and ids}
        if done or any(rung.values()):
            log.info("swept", extra={"fields": {**done, "rung": rung}})
        return swept

    def run(self, stop: threading.Event) -> None:
        """Sweep until told to stop.

        Raises:
            Conflict: a later version has changed the schema meanwhile.
        """
        while not stop.is_set():
            self.sweep()
            stop.wait(self.chosen.sweep_seconds)


def main() -> int:
    """Body of the process; ends cleanly on SIGTERM and SIGINT, and with 4 where the schema is newer than this program."""
    logs.set_up("sweep")
    chosen = settings()
    logs.hide(*chosen.passwords)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    store = Store(chosen.database)
    try:
        migrate.refuse_newer(chosen.database)
        Sweeper(store, chosen).run(stop)
    except Conflict as error:
        log.error("refused: %s", error.detail)
        return REFUSED
    finally:
        store.dispose()
    return 0


if __name__ == "__main__":
    sys.exit(main())
