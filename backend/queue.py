"""The doorbell: Celery over Redis, with nothing in it that could be missed.

A message says "there is work for this device class" and may carry a run id as a hint for people who look at the queue;
which run is next is decided by the store, when it is claimed. So a message that is lost, late, doubled or out of order
changes nothing: the sweep rings again, and a ring too many claims nothing.

This file is named like a module of the standard library: it is only ever reached as ``backend.queue``.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

import kombu.transport.redis  # noqa: F401  # now, and not within the budget of the first ring
from celery import Celery
from kombu.connection import Connection
from kombu.entity import Queue

from backend import logs
from backend.domain.run import DeviceClass
from backend.errors import Unavailable, shown
from backend.settings import Settings, settings

log = logging.getLogger("crosslift.queue")
T = TypeVar("T")

TASK = "crosslift.run"
QUEUES: tuple[str, ...] = tuple(device.value for device in DeviceClass)
PREFIX = "crosslift:"  # of every key in Redis, so that one server can be shared
BUDGET_SECONDS = 2.0  # of one ring, however Redis behaves: a request of a user is waiting for it
COUNTED = "rung:"  # and a device class: a key of Redis
MOST_RINGS = 256  # at once; more than any machine has slots

#: A worker waits for messages: a timeout above kombu's polls of one second, and checks that notice a dead peer.
WORKER_OPTIONS: dict[str, Any] = {
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
    "health_check_interval": 25,
    "global_keyprefix": PREFIX,
}
#: Who rings does not wait: one try, short of the budget even where every reply is late.
RINGER_OPTIONS: dict[str, Any] = {
    **WORKER_OPTIONS,
    "socket_timeout": 0.6,
    "socket_connect_timeout": 0.6,
    "health_check_interval": 0,
    "max_retries": 0,  # kombu's default is to try for ever
}


def broker_url(chosen: Settings) -> str:
    """The broker's address as kombu reads it; a socket's path may hold any character."""
    if chosen.redis_url is None:
        return "redis+socket://" + quote(str(chosen.redis_socket))
    return chosen.broker


def configuration(chosen: Settings) -> dict[str, Any]:
    """Celery as a doorbell: plain data, no results, acknowledged when taken, nothing taken in advance."""
    return {
        "broker_url": broker_url(chosen),
        "broker_transport_options": WORKER_OPTIONS,
        "broker_connection_timeout": 2,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "task_serializer": "json",
        "accept_content": ["json"],
        "result_backend": None,
        "task_ignore_result": True,
        "task_acks_late": False,
        "task_queues": tuple(Queue(name) for name in QUEUES),
        "task_create_missing_queues": False,
        "task_default_queue": DeviceClass.CPU.value,
        "worker_prefetch_multiplier": 1,
        "worker_disable_prefetch": True,
        "worker_hijack_root_logger": False,
        "worker_send_task_events": False,
        "event_queue_ttl": 5,
        "enable_utc": True,
    }


def doorbell(read: Callable[[], Settings] = settings) -> Celery:
    """A Celery app; ``read`` gives the settings when they are first needed, not when this is imported."""
    made = Celery("crosslift", set_as_current=False)
    made.add_defaults(lambda: configuration(read()))
    return made


app = doorbell()


def ring(device: DeviceClass, count: int = 1, run_ids: Sequence[int] = ()) -> int:
    """Ring ``count`` times, or once for each of ``run_ids`` if those are more. Call it after the commit.

    Returns within ``BUDGET_SECONDS`` and never raises, whatever state Redis is in: the sweep rings again.

    Returns:
        how often it rang.
    """
    wanted = min(max(count, len(run_ids)), MOST_RINGS)
    return _within_budget(lambda late: _publish(device, wanted, run_ids, late), "ring") or 0 if wanted > 0 else 0


def top_up(device: DeviceClass, wanted: int) -> int:
    """Ring until ``wanted`` messages wait in Redis. As ``ring``, it is quick and never raises; returns how often it rang."""

    def fill(late: Callable[[], bool]) -> int:
        with _connection() as connection:
            missing = min(wanted, MOST_RINGS) - _length(connection, device)
        return _publish(device, missing, (), late)

    return _within_budget(fill, "top up") or 0


def trouble() -> str | None:
    """What is wrong with the broker, in words; None when it answers and is set up so that it drops no message."""

    def ask(_late: Callable[[], bool]) -> str:
        with _connection() as connection:
            client = _redis(connection)  # opening it pings
            policy = client.info("memory").get("maxmemory_policy", "noeviction")
        if policy != "noeviction":
            return f"Redis may drop queued messages: its maxmemory-policy is {policy}; set it to noeviction"
        return ""

    answer = _within_budget(ask, "check")
    return "Redis does not answer" if answer is None else answer or None


@dataclass(frozen=True, slots=True)
class Observed:
    """Numbers of the broker, by device class: messages that wait, and messages ever published since it began."""

    waiting: dict[str, int]
    rung: dict[str, int]


def observed() -> Observed:
    """Ask the broker for numbers.

    Raises:
        Unavailable: it does not answer within the budget.
    """

    def ask(_late: Callable[[], bool]) -> Observed:
        with _connection() as connection:
            client = _redis(connection)
            return Observed(
                {name: int(client.llen(name)) for name in QUEUES},
                {name: int(client.get(PREFIX + COUNTED + name) or 0) for name in QUEUES},
            )

    answer = _within_budget(ask, "observe the broker")
    if answer is None:
        raise Unavailable("Redis does not answer.")
    return answer


# --- one try, within the budget ---------------------------------------------------------------------------------------


def _connection() -> Connection:
    return app.connection_for_write(transport_options=RINGER_OPTIONS)


def _redis(connection: Connection) -> Any:
    """The client below a connection: it puts the prefix before every key."""
    channel: Any = connection.default_channel
    return channel.client


def _length(connection: Connection, device: DeviceClass) -> int:
    return int(_redis(connection).llen(device.value))


def _publish(device: DeviceClass, count: int, run_ids: Sequence[int], late: Callable[[], bool]) -> int:
    rung = 0
    with _connection() as connection:
        producer = app.amqp.Producer(connection, auto_declare=False)
        while rung < count and not late():
            hint = [run_ids[rung]] if rung < len(run_ids) else []
            app.send_task(TASK, args=hint, queue=device.value, producer=producer, retry=False, ignore_result=True)
            rung += 1
        _count(connection, device, rung)
    return rung


def _count(connection: Connection, device: DeviceClass, rung: int) -> None:
    """Add to the broker's own count, which is there for all processes that ring. Rung is rung, counted or not."""
    if rung:
        with suppress(Exception):
            _redis(connection).incrby(PREFIX + COUNTED + device.value, rung)


def _within_budget(work: Callable[[Callable[[], bool]], T], what: str) -> T | None:
    """Run ``work`` in a thread and wait no longer than the budget. Timeouts of sockets bound most of it; looking up a host
    name they do not bound. None where it failed or is late; why is in the log."""
    ends = time.monotonic() + BUDGET_SECONDS
    results: list[T] = []
    errors: list[Exception] = []

    def attempt() -> None:
        try:
            results.append(work(lambda: time.monotonic() >= ends))
        except Exception as error:  # the budget holds for every kind of failure
            errors.append(error)

    thread = threading.Thread(target=logs.carried(attempt), name=f"queue-{what}", daemon=True)
    thread.start()
    thread.join(BUDGET_SECONDS)
    if results:
        return results[0]
    why = shown(str(errors[0]) or type(errors[0]).__name__, 200) if errors else "no answer in time"
    log.warning("cannot %s: %s; the sweep rings again", what, why)
    return None
