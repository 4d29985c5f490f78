"""Questions to what may never answer: a database or broker that is down, or that takes connections and says nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

from backend import logs

T = TypeVar("T")


class Probe(Generic[T]):
    """Asks in a thread, one question at a time: who comes while one is open waits for the same answer, so that health
    checks of a service that is away do not pile up."""

    def __init__(self, question: Callable[[], T]) -> None:
        self.question = question
        self._lock = threading.Lock()
        self._open: Future[T] | None = None

    def ask(self) -> Future[T]:
        """The answer to come. ``result(seconds)`` waits for it, and raises TimeoutError or what the question raised."""
        with self._lock:
            if self._open is not None and not self._open.done():
                return self._open
            answer: Future[T] = Future()
            self._open = answer

        def body() -> None:
            try:
                answer.set_result(self.question())
            except BaseException as error:
                answer.set_exception(error)

        threading.Thread(target=logs.carried(body), name="probe", daemon=True).start()
        return answer
