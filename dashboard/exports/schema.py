"""What the columns of a table are: name, type and meaning, which never change without ``SCHEMA_VERSION``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

Kind = Literal["text", "whole", "number", "truth", "wholes", "numbers"]
Row = dict[str, Any]

SCHEMA_VERSION: Final = 1  # of every table: raised when a column changes its name, type or meaning


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    kind: Kind
    means: str


def columns(*each: tuple[str, Kind, str]) -> tuple[Column, ...]:
    return tuple(Column(*one) for one in each)


def described(columns: Sequence[Column]) -> Mapping[str, str]:
    """What each column holds: the header that a CSV has no place for."""
    return {c.name: c.means for c in columns}
