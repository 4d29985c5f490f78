"""Who is there: worker processes say so themselves, again and again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlmodel import Session

from backend.domain.run import RunState
from backend.domain.schemas import WorkerView
from backend.errors import NotFound, shown
from backend.store.columns import db_now
from backend.store.session import now
from backend.store.tables import run, worker

FORGET_SECONDS = 86_400.0  # one that died without a word is listed this long


def seen(
    session: Session, name: str, queues: Sequence[str], slots: int, device: str, memory_bytes: int | None = None,
    rates: Mapping[str, float] | None = None,
) -> None:  # fmt: skip
    """A worker says that it is there.

    Args:
        queues: the device classes it serves.
        slots: runs it can do at a time.
        device: its processor or GPU, for people.
        memory_bytes: of its smallest GPU, or of the host; None: not known.
        rates: precision → FLOP/s of a matrix product in one slot; None: not measured.
    """
    at = now(session)
    dialect = session.get_bind().dialect.name
    new = postgres_insert(worker) if dialect == "postgresql" else sqlite_insert(worker)
    row = {
        "name": name, "queues": list(queues), "slots": slots, "device": device, "memory_bytes": memory_bytes,
        "rates": None if rates is None else dict(rates), "started_at": at, "seen_at": at,
    }  # fmt: skip
    told = {key: value for key, value in row.items() if key not in ("name", "started_at")}
    session.execute(new.values(row).on_conflict_do_update(index_elements=["name"], set_=told))
    session.execute(delete(worker).where(worker.c.seen_at < db_now(-FORGET_SECONDS)))


def gone(session: Session, name: str) -> None:
    """A worker says good-bye."""
    session.execute(delete(worker).where(worker.c.name == name))


def drain(session: Session, name: str, *, drained: bool = True) -> WorkerView:
    """Let a worker take nothing new: what it works on goes on to its end, and then it is idle. ``drained`` False: it takes runs
    again. The claim itself looks at this, so nothing is taken after the commit. Asking twice changes nothing.

    Raises:
        NotFound: no worker of this name has been seen, or it has said good-bye.
    """
    change = update(worker).where(worker.c.name == name)
    change = change.where(worker.c.drained_at.is_(None)) if drained else change
    session.execute(change.values(drained_at=db_now() if drained else None))
    found = next((w for w in listing(session) if w.name == name), None)
    if found is None:
        raise NotFound(f"There is no worker {shown(name)}; those that are there are listed by GET /workers.")
    return found


def listing(session: Session) -> list[WorkerView]:
    """Every worker that has not said good-bye, by name, with the runs it is working on."""
    at = now(session)
    doing: defaultdict[str, list[int]] = defaultdict(list)
    for id, name in session.execute(
        select(run.c.id, run.c.worker).where(run.c.state == RunState.RUNNING.value).order_by(run.c.id)
    ):
        doing[name].append(id)
    return [
        WorkerView(
            name=row["name"],
            queues=row["queues"],
            slots=row["slots"],
            device=row["device"],
            memory_bytes=row["memory_bytes"],
            rates=row["rates"],
            started_at=row["started_at"],
            seen_age_seconds=max(0.0, (at - row["seen_at"]).total_seconds()),
            drained_at=row["drained_at"],
            running=doing[row["name"]],
        )
        for row in session.execute(select(worker).order_by(worker.c.name)).mappings()
    ]
