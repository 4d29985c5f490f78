"""What routes need: the store, the bell, page limits and ids.

A route opens its transaction itself and closes it before it returns::

    with door.store.write() as session:      # one transaction, begun and committed here
        ...
    door.announce(device, queued)            # after the commit

and not through a ``yield`` dependency. Both commit before the answer leaves, so that a commit that fails is an error
and not a success; but a dependency begins in one call of the thread pool, the route runs in another, and on SQLite forty
writers waiting for the lock then hold every thread that the one who has it needs to go on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from fastapi import Depends, Path, Query, Request

from backend.api.events import Streams
from backend.api.identity import Identity
from backend.api.misses import Misses
from backend.api.oidc import Provider
from backend.api.probes import Probe
from backend.domain.account import Role, Who
from backend.domain.run import DeviceClass
from backend.domain.schemas import WorkerView
from backend.store import operations, workers
from backend.store.operations import Operations
from backend.store.session import Store

if TYPE_CHECKING:  # the broker's libraries are for whoever rings
    from backend.queue import Observed

log = logging.getLogger("crosslift.api")

Ring = Callable[[DeviceClass, int], object]
Trouble = Callable[[], str | None]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Door:
    """What an application was made with, and what it counts. ``trouble`` says what is wrong with the broker; None: there
    is no broker. ``public_url``: where others reach it; None: nowhere. ``local_url``: where this machine does.
    ``metrics_token``: shows ``/metrics`` to others than this machine. ``observing`` asks the broker for numbers. ``identity``
    knows people; None: there are no accounts. ``provider``: one may also sign in by it. ``most_experiments`` and ``most_runs``: what an account that is no admin's may
    have that is not over; 0: any number."""

    store: Store
    ring: Ring | None
    trouble: Trouble | None
    public_url: str | None = None
    local_url: str = "http://127.0.0.1"
    streams: Streams = field(default_factory=Streams)
    misses: Misses = field(default_factory=Misses)
    identity: Identity | None = None
    provider: Provider | None = None
    most_experiments: int = 0
    most_runs: int = 0
    metrics_token: str | None = None
    observing: Probe[Observed] | None = None
    _probes: dict[str, Probe[Any]] = field(default_factory=dict)

    def limits(self, who: Who) -> dict[str, int | None]:
        """How much somebody may have, as ``backend.store.accounts.quota`` takes it."""
        free = who.role is Role.ADMIN
        return {
            "experiments": None if free else self.most_experiments or None,
            "runs": None if free else self.most_runs or None,
        }

    def probe(self, name: str, question: Callable[[], T]) -> Probe[T]:
        """The one probe of this name, made when it is first asked for."""
        return self._probes.setdefault(name, Probe(question))

    @property
    def counting(self) -> Probe[tuple[Operations, list[WorkerView]]]:
        """Asks the store for what ``/metrics`` shows."""
        return self.probe("counting", self._count)

    def _count(self) -> tuple[Operations, list[WorkerView]]:
        with self.store.read() as session:
            return operations.count(session), workers.listing(session)

    def announce(self, device: DeviceClass, queued: int) -> None:
        """Ring once for every run that was queued. Call after the commit. A bell that fails changes nothing: the sweep
        rings again for whatever is still queued."""
        if self.ring is None or queued < 1:
            return
        try:
            self.ring(device, queued)
        except Exception:
            log.warning("the bell for %s did not ring; the sweep will ring again", device.value, exc_info=True)


async def _door(request: Request) -> Door:
    found = request.app.state.door
    assert isinstance(found, Door)
    return found


AtDoor = Annotated[Door, Depends(_door)]


async def _who(request: Request) -> Who:
    """Whom the gate has let in."""
    found = request.scope["state"]["who"]
    assert isinstance(found, Who)
    return found


AtWho = Annotated[Who, Depends(_who)]


async def _allowed(request: Request, door: AtDoor) -> Callable[[], bool]:
    """Whether whom the gate has let in would still be let in."""
    identity = door.identity
    return lambda: identity is None or identity(request.headers) is not None


StillAllowed = Annotated[Callable[[], bool], Depends(_allowed)]


async def _address(request: Request) -> str:
    """Where a request comes from, as the server saw it."""
    return (request.client.host if request.client else "")[:64]


FromAddress = Annotated[str, Depends(_address)]

LARGEST_ID = 2**63 - 1  # beyond, a database refuses the number instead of not finding it
Limit = Annotated[int, Query(ge=1, le=200, description="entries of a page")]
Cursor = Annotated[
    str | None, Query(max_length=200, pattern=r"^[A-Za-z0-9_=.:-]+$", description="`next_cursor` of the page before")
]
ExperimentId = Annotated[int, Path(ge=1, le=LARGEST_ID, description="id of an experiment", examples=[1])]
SnapshotId = Annotated[int, Path(ge=1, le=LARGEST_ID, description="id of a snapshot", examples=[1])]
RunId = Annotated[int, Path(ge=1, le=LARGEST_ID, description="id of a run", examples=[1])]
