"""Column types that check every value on its way in, so that SQLite and PostgreSQL refuse the same ones.

Left alone, SQLite turns NaN into NULL, keeps NUL characters, strings in integer columns and texts longer than their
column, and drops the zone of a time; PostgreSQL does otherwise in each case.
"""

from __future__ import annotations

import json
import math
import zlib
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, BindParameter, Boolean, DateTime, Float, Integer, LargeBinary, String, Text, literal
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DontWrapMixin
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

from backend.domain.run import canonical
from backend.errors import shown

LONGEST = 1_000_000  # characters of a text without a length of its own
LONGEST_PACKED = 64_000_000  # of one that is kept compressed


class BadValue(ValueError, DontWrapMixin):
    """A value that no column may hold; the message names the column. SQLAlchemy passes it on as it is."""


class _Checked(TypeDecorator[Any]):
    """``label`` is ``table.column``, filled in when the tables are complete."""

    label = "a value"

    def refuse(self, value: object, why: str) -> BadValue:
        return BadValue(f"{self.label} {why}, not {shown(value)}")


class Whole(_Checked):
    """A 64-bit integer. SQLite's own ``INTEGER``, without which it would not number rows by itself."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return Integer() if dialect.name == "sqlite" else BigInteger()

    def process_bind_param(self, value: Any, dialect: Dialect) -> int | None:
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.refuse(value, "must be a whole number")
        if not -(2**63) <= value < 2**63:
            raise BadValue(f"{self.label} must fit into 64 bits; this number has {value.bit_length()}")
        return int(value)


class Real(_Checked):
    """A finite double."""

    impl = Float
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> float | None:
        if value is None:
            return None
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise self.refuse(value, "must be a number")
        try:
            number = float(value)
        except OverflowError:
            raise BadValue(f"{self.label} must be a finite number; this one is too large") from None
        if not math.isfinite(number):
            raise self.refuse(value, "must be a finite number")
        return number


def check_text(value: str, label: str) -> None:
    """Refuse what PostgreSQL cannot store (NUL) and what cannot be written as UTF-8 (lone surrogates).

    Raises:
        BadValue: names ``label`` and the character's place.
    """
    if "\0" in value:
        raise BadValue(f"{label} must not hold the character NUL; this text does, at {value.index(chr(0))}")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise BadValue(f"{label} must be Unicode text; this one holds half a surrogate pair at {error.start}") from None


def storable(text: str, limit: int = 20_000) -> str:
    """Make a text that a machine wrote (a log line, a traceback) fit for a column: odd characters escaped, the middle of
    too long a one left out. Never raises."""
    text = text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode()
    if len(text) > limit:
        kept = limit // 2 - 30
        text = f"{text[:kept]}\n… {len(text) - 2 * kept:,} characters left out …\n{text[-kept:]}"
    return text


class Words(_Checked):
    """Text of at most ``length`` characters."""

    impl = Text
    cache_ok = True

    def __init__(self, length: int | None = None) -> None:
        super().__init__()
        self.length = length

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return Text() if self.length is None else String(self.length)

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        if value is None:
            return None
        if not isinstance(value, str):
            raise self.refuse(value, "must be text")
        longest = self.length or LONGEST
        if len(value) > longest:
            raise BadValue(f"{self.label} must be at most {longest:,} characters long; this text has {len(value):,}")
        check_text(value, self.label)
        return str(value)  # of an enumeration its plain text


class Packed(_Checked):
    """Long text that is written once and read whole, compressed. It comes back as the very text that went in."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> bytes | None:
        if value is None:
            return None
        if not isinstance(value, str):
            raise self.refuse(value, "must be text")
        if len(value) > LONGEST_PACKED:
            raise BadValue(f"{self.label} must be at most {LONGEST_PACKED:,} characters long; this has {len(value):,}")
        check_text(value, self.label)
        return zlib.compress(value.encode(), 6)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:
        return None if value is None else zlib.decompress(value).decode()


class Flag(_Checked):
    """True or false."""

    impl = Boolean
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> bool | None:
        if value is not None and not isinstance(value, bool):
            raise self.refuse(value, "must be true or false")
        return value


class Json(_Checked):
    """A value as canonical JSON text: strict (no NaN), the same on both databases, comparable as text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        if value is None:
            return None
        self._check(value)
        try:
            return canonical(value)
        except (TypeError, ValueError) as error:
            raise BadValue(f"{self.label} must be JSON: {error}") from None

    def _check(self, value: Any) -> None:
        if isinstance(value, str):
            check_text(value, self.label)
        elif isinstance(value, dict):
            for key, item in value.items():
                self._check(key)
                self._check(item)
        elif isinstance(value, list | tuple):
            for item in value:
                self._check(item)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


class Moment(_Checked):
    """A point in time: aware going in, aware UTC coming out. SQLite keeps it as UTC text that sorts."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return DateTime(timezone=True)

    def process_bind_param(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if not isinstance(value, datetime):
            raise self.refuse(value, "must be a time")
        if value.utcoffset() is None:
            raise self.refuse(value, "must be a time with its zone")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else as_utc(value)


def as_utc(value: datetime | str) -> datetime:
    """A time as a database's driver gives it: SQLite's as text."""
    value = datetime.fromisoformat(value) if isinstance(value, str) else value
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class db_now(FunctionElement[datetime]):
    """The database's clock, ``seconds`` from now. Leases are told by it, so that no worker's clock matters."""

    inherit_cache = True
    name = "db_now"

    def __init__(self, seconds: float | BindParameter[float] = 0.0) -> None:
        super().__init__(literal(float(seconds), Float()) if isinstance(seconds, int | float) else seconds)
        self.type = Moment()


@compiles(db_now, "sqlite")
def _sqlite(element: db_now, compiler: SQLCompiler, **kw: Any) -> str:
    # milliseconds is what SQLite gives; the zeros make it the text that DateTime writes
    return f"(strftime('%Y-%m-%d %H:%M:%f', 'now', {compiler.process(element.clauses, **kw)} || ' seconds') || '000')"


@compiles(db_now, "postgresql")
def _postgresql(element: db_now, compiler: SQLCompiler, **kw: Any) -> str:
    return f"(clock_timestamp() + make_interval(secs => {compiler.process(element.clauses, **kw)}))"
