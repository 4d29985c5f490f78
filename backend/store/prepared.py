"""Statements that are asked so often that building them costs more than their answer: built and compiled once, then handed to
the driver as they are.

::

    _HELD = Prepared(lambda: select(run.c.id).where(run.c.id == bindparam("of")))
    _HELD.rows(session, of=1)           # [(1,)]

Values go in and come out through the types of the columns, as with ``session.execute``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import CursorResult, Dialect
from sqlalchemy.sql import ClauseElement
from sqlalchemy.types import TypeEngine
from sqlmodel import Session

_Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Compiled:
    """``order`` is None where values go by name; ``fixed`` are those that are part of the statement."""

    text: str
    order: tuple[str, ...] | None
    fixed: Mapping[str, Any]
    into: Mapping[str, _Convert]
    names: tuple[str, ...]
    types: tuple[TypeEngine[Any], ...]

    def values(self, given: Mapping[str, Any]) -> Any:
        into = self.into
        every = {**self.fixed, **{name: into[name](v) if name in into else v for name, v in given.items()}}
        return every if self.order is None else tuple([every[name] for name in self.order])


class Prepared:
    """One statement. ``build`` is called once a dialect; what changes from call to call is in it as a ``bindparam``.

    Args:
        columns: of an INSERT, those that are given; None: what the statement says.
    """

    def __init__(self, build: Callable[[], Any], *, columns: Sequence[str] | None = None) -> None:
        self._build = build
        self._columns = columns
        self._compiled: dict[str, _Compiled] = {}
        self._out: dict[str, list[tuple[int, _Convert]]] = {}

    def rows(self, session: Session, /, **values: Any) -> list[tuple[Any, ...]]:
        """Run it; every row of the answer."""
        compiled, result = self._run(session, values)
        codes = [each[1] for each in result.cursor.description]
        found: list[tuple[Any, ...]] = list(result.cursor.fetchall())  # tuples, of which nothing else need be made
        result.close()
        if not found:
            return found
        dialect = session.get_bind().dialect
        out = self._out.get(dialect.name)
        if out is None:
            out = self._out[dialect.name] = _converters(compiled.types, dialect, codes)
        for place, convert in out:
            found = [(*row[:place], convert(row[place]), *row[place + 1 :]) for row in found]
        return found

    def maps(self, session: Session, /, **values: Any) -> list[dict[str, Any]]:
        """Run it; every row by the names of its columns."""
        names = self._of(session).names
        return [dict(zip(names, row, strict=True)) for row in self.rows(session, **values)]

    def run(self, session: Session, /, **values: Any) -> int:
        """Run it; how many rows it changed."""
        return int(self._run(session, values)[1].rowcount)

    def many(self, session: Session, rows: Sequence[tuple[Any, ...]]) -> None:
        """Run it once a row. ``rows`` are in the order of the ``columns`` and have what a driver takes: nothing is checked or
        converted."""
        compiled = self._of(session)
        columns = tuple(self._columns or ())
        given: Sequence[Any] = rows
        if compiled.order is None:
            given = [dict(zip(columns, row, strict=True)) for row in rows]
        elif compiled.order != columns:
            places = [columns.index(name) for name in compiled.order]
            given = [tuple([row[place] for place in places]) for row in rows]
        session.connection().exec_driver_sql(compiled.text, list(given))

    def _run(self, session: Session, values: Mapping[str, Any]) -> tuple[_Compiled, CursorResult[Any]]:
        compiled = self._of(session)
        return compiled, session.connection().exec_driver_sql(compiled.text, compiled.values(values))

    def _of(self, session: Session) -> _Compiled:
        dialect = session.get_bind().dialect
        found = self._compiled.get(dialect.name)
        if found is None:
            found = self._compiled[dialect.name] = _compile(self._build(), dialect, self._columns)
        return found


def _compile(statement: ClauseElement, dialect: Dialect, columns: Sequence[str] | None) -> _Compiled:
    compiled: Any = statement.compile(dialect=dialect, column_keys=None if columns is None else list(columns))
    asked = {name: None for name, bind in compiled.binds.items() if bind.required}
    state = compiled.construct_expanded_state(asked)
    processors: dict[str, _Convert] = {}
    for bind in compiled.binds.values():
        if (convert := bind.type.dialect_impl(dialect).bind_processor(dialect)) is not None:
            processors[compiled.bind_names[bind]] = convert
    fixed = {name: processors[name](value) if name in processors else value for name, value in state.parameters.items()}
    returned = [] if columns is not None else list(getattr(statement, "exported_columns", ()))
    order = tuple(state.positiontup) if state.positiontup is not None else None
    names = tuple(str(getattr(column, "name", "")) for column in returned)
    return _Compiled(state.statement, order, fixed, processors, names, tuple(c.type for c in returned))


def _converters(types: Sequence[TypeEngine[Any]], dialect: Dialect, codes: Sequence[Any]) -> list[tuple[int, _Convert]]:
    """What to do to which column of an answer; ``codes`` are the driver's names of their types."""
    found: list[tuple[int, _Convert]] = []
    for place, (kind, code) in enumerate(zip(types, codes, strict=True)):
        convert = kind.dialect_impl(dialect).result_processor(dialect, code)
        if convert is not None:
            found.append((place, convert))
    return found
