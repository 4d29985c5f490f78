"""What a clean-up must leave alone."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlmodel import Session

from backend.domain.run import RunState
from backend.store.tables import LIVE, parent_run, run, run_parent


@dataclass(frozen=True, slots=True)
class Needed:
    """Everything that somebody may still want.

    Attributes:
        named: fingerprint → address of every artifact that a run names.
        live: fingerprints of runs that wait, are queued or run, which may be storing what nothing names yet.
        inputs: fingerprints of what these start from.
        stopped: fingerprints of runs that failed or diverged: their last checkpoint is worth keeping for a while.
    """

    named: dict[str, str]
    live: set[str]
    inputs: set[str]
    stopped: set[str]


def needed(session: Session) -> Needed:
    """Everything that somebody may still want, as of now."""
    named = select(run.c.fingerprint, run.c.artifact).where(run.c.artifact.is_not(None))
    alive = run.c.state.in_([state.value for state in LIVE])
    live = set(session.scalars(select(run.c.fingerprint).where(alive)))
    begun_from = (
        select(parent_run.c.fingerprint)
        .join(run_parent, run_parent.c.parent_id == parent_run.c.id)
        .join(run, run.c.id == run_parent.c.run_id)
        .where(alive)
    )
    inputs = set(session.scalars(begun_from))
    ended = [RunState.FAILED.value, RunState.DIVERGED.value]
    stopped = set(session.scalars(select(run.c.fingerprint).where(run.c.state.in_(ended)))) - live
    return Needed({fingerprint: address for fingerprint, address in session.execute(named)}, live, inputs, stopped)  # noqa: C416
