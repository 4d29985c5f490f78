"""Server-sent events: what changed, as it changes, from the store alone.

The store is looked at once a second, in a thread. Nothing is remembered between two connections: an event's id holds
all that is needed to go on from it, so that any process can serve the reconnection, also after a restart. Events carry
whole states, not differences: one that arrives twice does no harm.

When what is watched has ended, the last event is ``end`` and the stream closes. A browser reconnects to a closed
stream by itself; it then gets 204, which by the standard makes it stop.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Annotated, Final

import anyio
from fastapi import Header
from fastapi.sse import ServerSentEvent
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from backend.errors import TooMany

POLL_SECONDS: Final = 1.0
RETRY_MILLISECONDS: Final = 2000
LOOKS_A_CHECK: Final = 10
MAX_STREAMS: Final = 50  # of one process; each costs a few queries a second

LastEventId = Annotated[
    str | None, Header(max_length=200, description="id of the last event received: only what changed since is sent")
]


@dataclass(slots=True)
class Streams:
    """How many streams are open, of this application in this process."""

    open: int = 0
    limit: int = MAX_STREAMS

    @contextmanager
    def one(self) -> Iterator[None]:
        self.open += 1
        try:
            yield
        finally:
            self.open -= 1

    def check(self) -> None:
        """Raises:
        TooMany: no stream can be added; polling the address without ``/events`` still works.
        """
        if self.open >= self.limit:
            raise TooMany(f"{self.limit} streams are open already. Ask for the state itself, or try again later.")


@dataclass(frozen=True, slots=True)
class Event:
    name: str
    body: BaseModel


@dataclass(slots=True)
class Look:
    """What one look at the store found: events in order, the id to go on from after all of them, and whether all is
    over. Only the last event carries the id: a connection that breaks among them gets them all again."""

    events: list[Event] = field(default_factory=list)
    id: str = ""
    ended: bool = False


class Ended(BaseModel):
    """The last event of a stream."""

    state: str


def digest_of(view: BaseModel) -> str:
    """Eight bytes of a state, to tell whether it changed."""
    return hashlib.sha256(view.model_dump_json().encode()).hexdigest()[:16]


async def watch(
    look: Callable[[], Look], streams: Streams, allowed: Callable[[], bool]
) -> AsyncIterator[ServerSentEvent]:
    """Look every second until it has ended or the client is gone (which cancels this at the next pause).

    Args:
        allowed: whether who watches still may, asked now and then: signing out and being disabled end a stream too.
    """
    with streams.one():
        yield ServerSentEvent(comment="watching", retry=RETRY_MILLISECONDS)
        for n in count(1):
            if n % LOOKS_A_CHECK == 0 and not await run_in_threadpool(allowed):
                return
            seen = await run_in_threadpool(look)
            for event in seen.events:
                last = seen.id if event is seen.events[-1] else None
                yield ServerSentEvent(event=event.name, id=last, raw_data=event.body.model_dump_json())
            if seen.ended:
                return
            await anyio.sleep(POLL_SECONDS)
