"""The door: FastAPI routes, nothing clever.

::

    request ──> gate ──> strict JSON ──> route ──> store (one transaction) ──> ring ──> answer
                 │           └───────────────┴──── anything wrong ──> problem+json
                 └─ host, origin, size, request id, security headers, one log line

Every error has one shape (RFC 9457), also those of the router and of the database. A route opens its own transaction,
which is committed before the answer leaves; the queue is rung after the commit.
"""
