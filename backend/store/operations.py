"""Numbers for whoever runs an installation, counted where they are true for all its processes: in the store."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import case, func, or_, select
from sqlmodel import Session

from backend.domain.run import DeviceClass, RunState
from backend.store.endings import DIED, SILENT
from backend.store.session import now
from backend.store.tables import attempt, run


@dataclass(frozen=True, slots=True)
class Operations:
    """What there is at one moment.

    Attributes:
        runs: (device class, state) → how many; every pair is there.
        waited: device class → seconds that the oldest queued run has been queued; 0 where none is.
        attempts: how it ended → how many attempts; ``open`` for those that have not.
        expired: attempts whose lease ran out.
        taken_back: of these, those whose run was queued again.
    """

    runs: dict[tuple[str, str], int]
    waited: dict[str, float]
    attempts: dict[str, int]
    expired: int
    taken_back: int


def count(session: Session) -> Operations:
    """Count, by the database's clock."""
    runs = {(device.value, state.value): 0 for device in DeviceClass for state in RunState}
    by_state = select(run.c.device_class, run.c.state, func.count()).group_by(run.c.device_class, run.c.state)
    runs |= {(device, state): n for device, state, n in session.execute(by_state)}
    at = now(session)
    waited = {device.value: 0.0 for device in DeviceClass}
    oldest = (
        select(run.c.device_class, func.min(run.c.queued_at))
        .where(run.c.state == RunState.QUEUED.value)
        .group_by(run.c.device_class)
    )
    waited |= {device: max(0.0, (at - since).total_seconds()) for device, since in session.execute(oldest) if since}
    ended = select(func.coalesce(attempt.c.outcome, "open"), func.count()).group_by(attempt.c.outcome)
    silent = or_(
        attempt.c.detail.startswith(SILENT, autoescape=True),
        attempt.c.detail.startswith(DIED, autoescape=True)
        & attempt.c.detail.contains(f"(last: {SILENT}", autoescape=True),
    )
    expired, taken_back = session.execute(
        select(func.count(), func.coalesce(func.sum(case((attempt.c.outcome == "died", 1), else_=0)), 0)).where(
            attempt.c.outcome.in_(("died", "failed", "cancelled")), silent
        )
    ).one()
    attempts = {outcome: n for outcome, n in session.execute(ended)}  # noqa: C416 - rows are no pairs for a type checker
    return Operations(runs, waited, attempts, int(expired), int(taken_back))
