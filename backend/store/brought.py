"""What came in files of other installations: where it was computed, and when it is shown."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, exists, or_, select
from sqlmodel import Session

from backend.domain.run import RunState
from backend.domain.schemas import BroughtView
from backend.store.tables import brought, run

_own = run.alias("own")  # made once: an alias of a table this wide takes longer than most queries


def shown() -> ColumnElement[bool]:
    """Whether a run counts among results: it was computed here, or was brought in and has not been done here since."""
    done_here = exists().where(
        _own.c.fingerprint == run.c.fingerprint,
        # not the bare column, so that no index of states is taken: there are few of one fingerprint
        _own.c.state + "" == RunState.DONE.value,
        _own.c.brought.is_(None),
    )
    return or_(run.c.brought.is_(None), ~done_here)


def of_experiments(session: Session, ids: Collection[int]) -> dict[int, BroughtView]:
    """Experiment → where it came from, of those that were brought in."""
    rows = session.execute(select(brought).where(brought.c.experiment_id.in_(list(ids)))).mappings()
    return {row["experiment_id"]: _view(row) for row in rows}


def of_run(session: Session, mark: int | None) -> BroughtView | None:
    """Where the file came from that a run was brought in with; ``mark`` is the run's."""
    if mark is None:
        return None
    return _view(session.execute(select(brought).where(brought.c.id == mark)).mappings().one())


def _view(row: Any) -> BroughtView:
    origin = row["origin"]
    return BroughtView(
        installation=origin["installation"],
        program=origin["program"],
        experiment_there=origin["experiment"],
        sha256=row["sha256"],
        brought_at=row["brought_at"],
    )
