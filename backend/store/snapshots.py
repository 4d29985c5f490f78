"""Snapshots: numbers frozen whole under their SHA-256, and the links that show them.

A link's token is 256 random bits, shown once and never stored: what is stored is its SHA-256, by which it is looked up.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import RowMapping, false, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlmodel import Session

from backend.domain.address import PLAIN, Address, refused
from backend.domain.choice import of_means
from backend.domain.experiment import BENCHMARKS
from backend.domain.gains import Missing
from backend.domain.run import DeviceClass, RunKind, canonical
from backend.domain.schemas import (
    FrozenRun,
    GainCell,
    GainMatrix,
    Page,
    SnapshotContent,
    SnapshotRequest,
    SnapshotView,
    TradeoffPoint,
)
from backend.domain.task import Source
from backend.errors import CrossliftError, Invalid, NotFound
from backend.store import crossed, graph, words
from backend.store.columns import db_now
from backend.store.gains import matrix
from backend.store.paging import check_id, check_limit, read_cursor, write_cursor
from backend.store.session import now
from backend.store.tables import experiment, experiment_run, parent_run, run, run_parent, snapshot, snapshot_content
from backend.store.tradeoff import points

MOST_BYTES = 32_000_000  # of a content: a trade-off over everything that a large laboratory has
_HOW_IT_ENDED = re.compile(r"((?:no baseline, no gain: )?run \d+ (?:failed|diverged))\b.*", re.DOTALL)


# --- what is frozen ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Frozen:
    """A content and its canonical JSON, by which it is addressed."""

    content: SnapshotContent
    text: str
    sha256: str


def freeze(session: Session, address: Address, *, anonymous: bool) -> Frozen:
    """Everything that the page at this address shows, with the runs that it rests on. Writes nothing.

    Raises:
        Invalid: there is nothing to freeze at this address, or too much.
        NotFound: this benchmark has no runs yet.
    """
    found: GainMatrix | None = None
    shown: list[TradeoffPoint] | None = None
    if address.kind == "explore":
        found, evaluated = _matrix(session, address, anonymous)
        recipe = found.axes.recipe if found.axes is not None else None
        address = address.settled(model=found.model, target=found.target, metric=found.metric, recipe=recipe)
    else:
        each = address.target is not None and ("panels", "languages") in address.rest
        rows = points(
            session, target=address.target, metric=address.metric, source=address.source, languages=address.languages,
            each=each,
        )  # fmt: skip
        if not rows:
            raise refused("this view has no gain yet: there is nothing to freeze")
        shown, evaluated = [point for point, _ in rows], {id for _, runs in rows for id in runs}
    content = SnapshotContent(
        version=1,
        kind=address.kind,
        view=str(address),
        benchmark=BENCHMARKS[address.source],
        synthetic=address.source is Source.MINI,
        matrix=found,
        points=shown,
        runs=_runs(session, evaluated),
        experiments=[] if anonymous else _experiments(session, evaluated),
    )
    text = canonical(content.model_dump(mode="json"))
    if len(text) > MOST_BYTES:
        raise refused(
            f"this view holds {len(text) / 1e6:.0f} MB and at most {MOST_BYTES / 1e6:.0f} MB are frozen; name a target"
        )
    return Frozen(content, text, hashlib.sha256(text.encode()).hexdigest())


def _matrix(session: Session, address: Address, anonymous: bool) -> tuple[GainMatrix, set[int]]:
    """The matrix as it is frozen: nothing is pending in it, and there is nothing to pick but itself."""
    try:
        found = _asked(session, address)
    except Invalid as error:  # of a metric, settings or a recipe that there is not
        raise refused(*(e.message for e in error.errors)) from None
    cells = [_unnamed(c) for c in found.cells] if anonymous else found.cells
    frozen = found.model_copy(update={**_itself(found), "cells": cells, "runs_pending": 0})
    return frozen, {id for c in cells for id in (*c.runs, *c.baseline_runs)}


def _asked(session: Session, address: Address) -> GainMatrix:
    if address.layout == PLAIN:
        return matrix(
            session,
            model=address.model,
            target=address.target,
            metric=address.metric,
            settings=address.settings,
            source=address.source,
        )
    codes, said = of_means(address.over)
    return crossed.matrix(
        session,
        cast(crossed.Layout, address.layout),
        source=address.source,
        model=address.model,
        target=address.target,
        recipe=address.recipe,
        languages=codes,
        said=said,
    )


def _itself(found: GainMatrix) -> dict[str, Any]:
    """What there is to choose from in a matrix that is all there is: what it shows."""
    alone: dict[str, Any] = {"models": [found.model], "targets": [found.target], "metrics": [found.metric]}
    if (axes := found.axes) is None:
        return alone
    rows = [r.recipe for r in found.recipes]
    of_rows = {"target": {"targets": rows}, "model": {"models": rows}, "recipe": {"targets": found.languages}}[
        axes.rows
    ]
    recipes = rows if axes.rows == "recipe" else [str(axes.recipe)]
    return alone | of_rows | {"axes": axes.model_copy(update={"recipes": recipes})}


def _unnamed(cell: GainCell) -> GainCell:
    """Without the message of an error, which may name a machine, a folder or a worker."""
    if cell.missing is not Missing.FAILED:
        return cell
    return cell.model_copy(update={"why_missing": _HOW_IT_ENDED.sub(r"\1", cell.why_missing or "")})


def _runs(session: Session, evaluated: Collection[int]) -> list[FrozenRun]:
    """These runs and everything that they start from, oldest first."""
    same = ("id", "fingerprint", "model", "recipe", "target", "seed", "engine", "device", "precision")
    columns = [run.c[name] for name in (*same, "kind", "device_class", "device_seconds", "finished_at")]
    rows: dict[int, RowMapping] = {}
    parents: defaultdict[int, set[str]] = defaultdict(set)
    for part in graph.chunks(sorted(evaluated)):
        above = select(run.c.id).where(run.c.id.in_(part)).cte("above", recursive=True)
        above = above.union(select(run_parent.c.parent_id).where(run_parent.c.run_id == above.c.id))
        wanted = select(above.c.id)
        for row in session.execute(select(*columns).where(run.c.id.in_(wanted))).mappings():
            rows[row["id"]] = row
        links = (
            select(run_parent.c.run_id, parent_run.c.fingerprint)
            .join(parent_run, parent_run.c.id == run_parent.c.parent_id)
            .where(run_parent.c.run_id.in_(wanted))
        )
        for id, fingerprint in session.execute(links):
            parents[id].add(fingerprint)
    return [
        FrozenRun(
            **{name: row[name] for name in (*same, "device_seconds", "finished_at")},
            kind=RunKind(row["kind"]),
            title=words.title(row),
            device_class=DeviceClass(row["device_class"]),
            parents=sorted(parents[id]),
        )
        for id, row in sorted(rows.items())
    ]


def _experiments(session: Session, evaluated: Iterable[int]) -> list[str]:
    """Names of the experiments that these runs were made for. Who shares them later changes no content."""
    found: set[str] = set()
    for part in graph.chunks(sorted(evaluated)):
        names = (
            select(experiment.c.name)
            .join(experiment_run, experiment_run.c.experiment_id == experiment.c.id)
            .where(experiment_run.c.run_id.in_(part), experiment_run.c.reused == false())
            .distinct()
        )
        found.update(session.scalars(names))
    return sorted(found)


# --- links ---------------------------------------------------------------------------------------------------------------


def make(session: Session, frozen: Frozen, request: SnapshotRequest) -> tuple[SnapshotView, str]:
    """A new link to a content, which is written down unless it is there already. The link's entry, and its token: this is
    the only time that anybody sees it."""
    at = now(session)
    new = (postgres_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert)(snapshot_content)
    session.execute(
        new.values(
            sha256=frozen.sha256,
            content=frozen.text,
            bytes=len(frozen.text),
            runs=len(frozen.content.runs),
            created_at=at,
        ).on_conflict_do_nothing(index_elements=["sha256"])
    )
    token = secrets.token_urlsafe(32)
    id = session.scalars(
        insert(snapshot).returning(snapshot.c.id),
        [
            {
                "sha256": frozen.sha256,
                "token_digest": _digest(token),
                "kind": frozen.content.kind,
                "view": frozen.content.view,
                "title": request.title,
                "note": request.note,
                "anonymous": request.anonymous,
                "created_at": at,
                "expires_at": at + timedelta(days=request.expires_days) if request.expires_days else None,
                "opened": 0,
            }
        ],
    ).one()
    return view(session, id), token


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _query() -> Any:
    return select(
        *(c for c in snapshot.c if c.name != "token_digest"), snapshot_content.c.bytes, snapshot_content.c.runs
    ).join(snapshot_content, snapshot_content.c.sha256 == snapshot.c.sha256)


def view(session: Session, id: int) -> SnapshotView:
    """One entry of the list.

    Raises:
        NotFound: there is no such snapshot.
    """
    check_id("snapshot", id)
    row = session.execute(_query().where(snapshot.c.id == id)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"There is no snapshot {id}.")
    return SnapshotView(**row)


def page(session: Session, *, limit: int, cursor: str | None) -> Page[SnapshotView]:
    """Every link that was made, newest first, the revoked and expired ones too.

    Raises:
        Invalid: limit or cursor.
    """
    check_limit(limit)
    after = read_cursor(cursor)
    query = _query().order_by(snapshot.c.id.desc()).limit(limit + 1)
    if after is not None:
        query = query.where(snapshot.c.id < after)
    rows = session.execute(query).mappings().all()
    items = [SnapshotView(**row) for row in rows[:limit]]
    return Page(
        items=items,
        next_cursor=write_cursor(items[-1].id) if len(rows) > limit else None,
        total=session.scalars(select(func.count()).select_from(snapshot)).one(),
    )


def revoke(session: Session, id: int) -> SnapshotView:
    """From now on the link shows nothing to anybody. Asking twice changes nothing.

    Raises:
        NotFound: there is no such snapshot.
    """
    check_id("snapshot", id)
    session.execute(
        update(snapshot).where(snapshot.c.id == id, snapshot.c.revoked_at.is_(None)).values(revoked_at=db_now())
    )
    return view(session, id)


@dataclass(frozen=True, slots=True)
class Opened:
    """What a link leads to; ``text`` is the content as it was written down."""

    id: int
    title: str
    note: str
    frozen_at: datetime
    expires_at: datetime | None
    sha256: str
    text: str


def find(session: Session, token: str) -> Opened:
    """What this token opens.

    Raises:
        NotFound: nothing. Whether it never did, was revoked or has expired is not said.
    """
    query = (
        select(
            snapshot.c.id,
            snapshot.c.title,
            snapshot.c.note,
            snapshot.c.created_at,
            snapshot.c.expires_at,
            snapshot.c.sha256,
            snapshot_content.c.content,
        )
        .join(snapshot_content, snapshot_content.c.sha256 == snapshot.c.sha256)
        .where(
            snapshot.c.token_digest == _digest(token),
            snapshot.c.revoked_at.is_(None),
            or_(snapshot.c.expires_at.is_(None), snapshot.c.expires_at > db_now()),
        )
    )
    row = session.execute(query).one_or_none()
    if row is None:
        raise NotFound("This link shows nothing: it is not one of ours, has expired, or was taken back.")
    if hashlib.sha256(row.content.encode()).hexdigest() != row.sha256:
        raise CrossliftError("What was frozen under this link is no longer what it was; it is not shown.")
    return Opened(*row)


def count_opening(session: Session, id: int) -> None:
    """Note that somebody opened a link."""
    session.execute(
        update(snapshot).where(snapshot.c.id == id).values(opened=snapshot.c.opened + 1, last_opened_at=db_now())
    )
