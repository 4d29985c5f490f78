"""Results that were made elsewhere: kept with where they are from, apart from own ones, and their gains among themselves.

A gain is within one source and its settings: the same model, target, language, metric and seed. No own run is in any of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from sqlalchemy import delete, func, insert, select, text
from sqlmodel import Session

from backend.domain.experiment import same_data_twice
from backend.domain.gains import Measurement, Missing
from backend.domain.imports import FileOrigin, ImportDone, ImportedChoice, ImportRequest, ImportView
from backend.domain.language import order_by_family
from backend.domain.matrices import About, matrix_of
from backend.domain.run import canonical
from backend.domain.schemas import GainMatrix, Page
from backend.errors import FieldError, Invalid, NotFound, unknown
from backend.importing.read import Import
from backend.importing.rows import MOST_ERRORS, Row
from backend.store import graph
from backend.store.columns import db_now
from backend.store.paging import check_id, check_limit, read_cursor, write_cursor
from backend.store.reasons import NONE
from backend.store.recipes import place
from backend.store.tables import import_batch, imported_score

UNKNOWN_N = 1  # examples behind a score that does not say: not shown; a measurement needs a number


def keep(session: Session, request: ImportRequest, found: Import, who: str) -> ImportDone:
    """Keep what was read, whole or not at all. The same again adds nothing and says so; so does a row that its source holds with
    the same value.

    Raises:
        Invalid: the source holds another value for the same score.
    """
    if session.get_bind().dialect.name == "postgresql":  # SQLite lets one write at a time anyway
        session.execute(text("LOCK TABLE import_batch IN EXCLUSIVE MODE"))
    before = session.execute(select(import_batch).where(import_batch.c.sha256 == found.sha256)).mappings().one_or_none()
    if before is not None:
        said = (
            f"Nothing was added: this was imported before, as import {before['id']} on {before['created_at']:%Y-%m-%d}."
        )
        return ImportDone(
            made=None, added=0, already=len(found.rows), dry_run=request.dry_run, said=said, notes=list(found.notes)
        )  # fmt: skip
    keys = {_key(request.source, row): row for row in found.rows}
    there = _there(session, list(keys))
    _contradictions(keys, there)
    fresh = {key: row for key, row in keys.items() if key not in there}
    already = len(keys) - len(fresh)
    made = None
    if fresh and not request.dry_run:
        made = _write(session, request, found, fresh, who)
    return ImportDone(
        made=made, added=len(fresh), already=already, dry_run=request.dry_run, said=_said(fresh, already, request, made),
        notes=list(found.notes),
    )  # fmt: skip


def _said(fresh: dict[str, Row], already: int, request: ImportRequest, made: ImportView | None) -> str:
    rows = f"{len(fresh):,} score{'s' if len(fresh) != 1 else ''}"
    held = f" {already:,} more were held already, with the same value." if already else ""
    if not fresh:
        return f"Nothing was added: all {already:,} scores are held already, with the same value."
    if request.dry_run:
        return f"{rows} of {request.source} would be added; nothing was written.{held}"
    return f"{rows} of {request.source} added as import {made.id if made else ''}.{held}"


def _key(source: str, row: Row) -> str:
    return hashlib.sha256(canonical([source, *row.key]).encode()).hexdigest()


def _there(session: Session, keys: Sequence[str]) -> dict[str, tuple[float, int]]:
    """Of these keys those that are held: value and import."""
    found: dict[str, tuple[float, int]] = {}
    for part in graph.chunks(keys):
        query = select(imported_score.c.key, imported_score.c.value, imported_score.c.import_id)
        for key, value, id in session.execute(query.where(imported_score.c.key.in_(part))):
            found[key] = value, id
    return found


def _contradictions(keys: dict[str, Row], there: dict[str, tuple[float, int]]) -> None:
    wrong = [(row, *there[key]) for key, row in keys.items() if key in there and there[key][0] != row.value]
    if not wrong:
        return
    errors = [
        FieldError(
            "/files",
            f"{row.file}, line {row.line}, column value: {row.value!r}; import {id} of this source holds {value!r} for the same "
            "model, recipe, target, language, metric, seed and settings: give other settings, or remove that import first",
        )
        for row, value, id in wrong[:MOST_ERRORS]
    ]
    raise Invalid(f"Nothing was imported: {len(wrong):,} scores contradict what is held.", errors=errors)


def _write(session: Session, request: ImportRequest, found: Import, fresh: dict[str, Row], who: str) -> ImportView:
    id = session.execute(
        insert(import_batch)
        .returning(import_batch.c.id)
        .values(
            sha256=found.sha256, source=request.source, settings=request.settings, format=request.format,
            files=[f.model_dump(mode="json") for f in found.files], note=request.note, who=who, created_at=db_now(),
            rows=len(fresh),
        )
    ).scalar_one()  # fmt: skip
    session.execute(
        insert(imported_score),
        [
            {
                "key": key, "import_id": id, "source": request.source, "settings": row.settings, "model": row.model,
                "recipe": row.recipe, "target": row.target, "language": row.language, "metric": row.metric, "seed": row.seed,
                "value": row.value, "n": row.n, "file": row.file, "line": row.line,
            }
            for key, row in fresh.items()
        ],
    )  # fmt: skip
    return view(session, id)


# --- the list --------------------------------------------------------------------------------------------------------


def view(session: Session, id: int) -> ImportView:
    """One import.

    Raises:
        NotFound: there is none of this number.
    """
    check_id("import", id)
    row = session.execute(select(import_batch).where(import_batch.c.id == id)).mappings().one_or_none()
    if row is None:
        raise NotFound(f"There is no import {id}.")
    return _view(dict(row))


def _view(row: dict[str, object]) -> ImportView:
    files = row.pop("files")
    assert isinstance(files, list)
    return ImportView.model_validate({**row, "files": [FileOrigin(**f) for f in files]})


def page(session: Session, *, limit: int, cursor: str | None) -> Page[ImportView]:
    """Newest first.

    Raises:
        Invalid: limit or cursor.
    """
    check_limit(limit)
    after = read_cursor(cursor)
    query = select(import_batch).order_by(import_batch.c.id.desc()).limit(limit + 1)
    if after is not None:
        query = query.where(import_batch.c.id < after)
    rows = session.execute(query).mappings().all()
    items = [_view(dict(row)) for row in rows[:limit]]
    return Page(
        items=items,
        next_cursor=write_cursor(items[-1].id) if len(rows) > limit else None,
        total=session.scalars(select(func.count()).select_from(import_batch)).one(),
    )


def remove(session: Session, id: int) -> ImportView:
    """Take an import out, with every score that came with it; what it was is the answer.

    Raises:
        NotFound: there is none of this number.
    """
    gone = view(session, id)
    session.execute(delete(imported_score).where(imported_score.c.import_id == id))
    session.execute(delete(import_batch).where(import_batch.c.id == id))
    return gone


# --- gains -----------------------------------------------------------------------------------------------------------


def choices(session: Session) -> list[ImportedChoice]:
    """What there is to look at, by source, model, target and metric."""
    c = imported_score.c
    query = (
        select(c.source, c.model, c.target, c.metric, func.count().label("scores"))
        .group_by(c.source, c.model, c.target, c.metric)
        .order_by(c.source, c.model, c.target, c.metric)
    )
    return [ImportedChoice(**row) for row in session.execute(query).mappings()]


def matrix(
    session: Session, *, source: str | None, model: str | None, target: str | None, metric: str | None
) -> GainMatrix:
    """The gains of one source, model, target and metric, among imported scores alone. What is None is chosen: what has most scores.

    Raises:
        NotFound: nothing was imported, or nothing that fits; says what there is.
    """
    every = choices(session)
    if not every:
        raise NotFound("Nothing was imported yet.")
    asked = {"source": source, "model": model, "target": target, "metric": metric}
    fitting = [c for c in every if all(value in (None, getattr(c, name)) for name, value in asked.items())]
    if not fitting:
        strange = [n for n, v in asked.items() if v is not None and all(getattr(c, n) != v for c in every)]
        name = strange[0] if strange else next(n for n in reversed(asked) if asked[n] is not None)
        raise NotFound(
            unknown(f"{name} of imported scores", str(asked[name]), sorted({getattr(c, name) for c in every}))
        )
    chosen = max(fitting, key=lambda c: c.scores)
    c = imported_score.c
    rows = session.execute(
        select(imported_score)
        .where(c.source == chosen.source, c.model == chosen.model, c.target == chosen.target, c.metric == chosen.metric)
        .order_by(c.import_id, c.line)
    ).all()
    measured = [
        Measurement(
            r.model, r.recipe, r.target, r.language, r.metric, r.seed, r.value, r.n or UNKNOWN_N, r.settings, r.import_id
        )
        for r in rows
    ]  # fmt: skip
    here = [c for c in every if c.source == chosen.source]
    about = About(
        chosen.model,
        chosen.target,
        chosen.metric,
        f"imported: {chosen.source}",
        models=sorted({c.model for c in here}),
        targets=sorted({c.target for c in here}),
        metrics=sorted({c.metric for c in here if c.target == chosen.target}),
    )
    recipes = sorted({r.recipe for r in rows} - {NONE}, key=place)
    return matrix_of(
        measured,
        about,
        languages=order_by_family({r.language for r in rows}),
        recipes=recipes,
        titles={},
        baseline=NONE,
        same_data=same_data_twice,
        missing=lambda _recipe, _language: (Missing.NOT_RUN, "not in what was imported"),
        examples=all(r.n is not None for r in rows),
    )
