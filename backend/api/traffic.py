"""What passes the gate, counted: requests by route template and status, and how long until each answer began.

A template (``/api/v1/runs/{run_id}``) and never an address: there are as many rows as routes, whatever is asked for.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from backend.api.exposition import Exposition, Histogram

BOUNDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # seconds
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
NOWHERE: Final = "unmatched"
API: Final = "/api/"
PREFIX: Final = "/api/v1"


class Traffic:
    """Counters of one application. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: Counter[tuple[str, str, int]] = Counter()
        self._seconds: dict[tuple[str, str], Histogram] = {}
        self._open = 0

    def begins(self) -> None:
        with self._lock:
            self._open += 1

    def ends(self, scope: Mapping[str, Any], status: int, seconds: float) -> None:
        """An exchange is over. ``status`` 0: the client left before there was an answer, which counts as 499.

        Args:
            seconds: until the answer began: a stream lasts as long as somebody watches.
        """
        method = scope["method"] if scope["method"] in METHODS else "other"
        route = template(scope)
        with self._lock:
            self._open -= 1
            self._answers[method, route, status or 499] += 1
            if (method, route) not in self._seconds:
                self._seconds[method, route] = Histogram(BOUNDS)
            self._seconds[method, route].add(seconds)

    def expose(self, page: Exposition) -> None:
        with self._lock:
            page.family(
                "crosslift_http_requests_total", "counter", "Requests answered, by route and status.",
                [
                    ({"method": method, "route": route, "status": str(status)}, n)
                    for (method, route, status), n in sorted(self._answers.items())
                ],
            )  # fmt: skip
            page.family(
                "crosslift_http_request_seconds", "histogram", "Seconds until an answer began, by route.",
                [({"method": m, "route": r}, seconds) for (m, r), seconds in sorted(self._seconds.items())],
            )  # fmt: skip
            page.family(
                "crosslift_http_requests_open", "gauge", "Requests that are being answered, streams included.",
                [({}, self._open)],
            )  # fmt: skip


def template(scope: Mapping[str, Any]) -> str:
    """The template of the route that took a request, ``unmatched`` where none did (or the gate refused it)."""
    route = getattr(scope.get("route"), "path", None)
    if not isinstance(route, str) or route in ("/api", "/api/{rest:path}"):
        return NOWHERE
    inside = scope["path"].startswith(f"{PREFIX}/") and not route.startswith(API)
    return f"{PREFIX}{route}" if inside else route or "/"
