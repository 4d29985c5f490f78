"""A table of scores in Parquet, held to limits before it is read and read a part at a time: a small file may hold very much.

What a file says of itself, its rows, its columns with their types, and what they unpack to, is checked first. A text that many
rows share is in the file once, and stays so until its length is known.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from backend.importing import exported
from backend.importing.rows import MOST_ROWS, Errors

MARK: Final = b"PAR1"  # how such a file begins and ends
MOST_COLUMNS: Final = 100
MOST_UNPACKED: Final = 64 << 20  # bytes, of all columns that are read
MOST_TEXT: Final = 1000  # bytes of a cell
MOST_NUMBERS: Final = 100  # of a cell that is a list: as many as there may be seeds
_BATCH: Final = 1000
_FOOTER: Final = 1 << 20  # bytes, and entries, of what a file says of itself
_PLAIN: Final = "text, whole numbers and numbers"


def rows(
    name: str, content: bytes, errors: Errors, known: Callable[[list[str]], bool]
) -> Iterator[tuple[int, Mapping[str, object]]]:
    """Its rows, counted from 1. What cannot be taken is said in ``errors``, and nothing more is read then.

    Args:
        known: whether these columns are those of a table of scores or of gains; else it has said why not.
    """
    import pyarrow as pa  # takes longer than everything else the web process loads
    import pyarrow.parquet as pq

    limits = {"thrift_string_size_limit": _FOOTER, "thrift_container_size_limit": _FOOTER}
    try:
        file = pq.ParquetFile(io.BytesIO(content), **limits)
        fields = list(file.schema_arrow)
        if len(fields) > MOST_COLUMNS:
            errors.say(name, f"{len(fields):,} columns; at most {MOST_COLUMNS} are accepted")
            return
        columns = [field.name for field in fields]
        if not known(columns):
            return
        if exported.is_one(columns):
            fields = [field for field in fields if field.name in exported.READ]
        if (wrong := _too_much(file.metadata, fields)) is not None:
            errors.say(name, wrong[1], column=wrong[0])
            return
        texts = [
            field.name for field in fields if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)
        ]
        file = pq.ParquetFile(io.BytesIO(content), read_dictionary=texts, **limits)
        number = 0
        for batch in file.iter_batches(_BATCH, columns=[field.name for field in fields], use_threads=False):
            for column in batch.schema.names:
                if (why := _too_long(batch.column(column))) is not None:
                    errors.say(name, f"{why}, in lines {number + 1} to {number + batch.num_rows}", column=column)
                    return
            yield from enumerate(batch.to_pylist(), start=number + 1)
            number += batch.num_rows
            if number > MOST_ROWS:
                errors.say(name, f"more rows than it says; at most {MOST_ROWS:,} are accepted at a time")
                return
    except (pa.ArrowException, OSError, ValueError) as error:
        errors.say(name, f"not Parquet that can be read: {(str(error).splitlines() or [''])[0][:120]}")


def _too_much(said: Any, fields: list[Any]) -> tuple[str | None, str] | None:
    """What is wrong by what the file says of itself, with the column that it is about."""
    if said.num_rows > MOST_ROWS:
        return None, f"{said.num_rows:,} rows; at most {MOST_ROWS:,} are accepted at a time"
    for field in fields:
        if (accepted := _accepted(field)) is not None:
            return field.name, f"holds {str(field.type)[:60]}; accepted are {accepted}"
    read = {field.name for field in fields}
    unpacked: dict[str, int] = {}
    for group in map(said.row_group, range(said.num_row_groups)):
        for chunk in map(group.column, range(group.num_columns)):
            column = chunk.path_in_schema.partition(".")[0]
            if column in read:
                unpacked[column] = unpacked.get(column, 0) + max(0, chunk.total_uncompressed_size)
    if sum(unpacked.values()) > MOST_UNPACKED:
        largest = max(unpacked, key=lambda column: unpacked[column])
        return largest, (
            f"{unpacked[largest]:,} bytes unpacked; at most {MOST_UNPACKED:,} are accepted in all columns that are read"
        )
    return None


def _accepted(field: Any) -> str | None:
    """What a column may hold, if it holds anything else."""
    from pyarrow import types

    def plain(of: Any) -> bool:
        return bool(
            types.is_string(of) or types.is_large_string(of) or types.is_integer(of) or types.is_floating(of) or types.is_null(of)
        )  # fmt: skip

    of = field.type
    if types.is_dictionary(of):
        of = of.value_type
    if field.name in exported.NAMES:
        number = (types.is_list(of) or types.is_large_list(of)) and (
            types.is_integer(of.value_type) or types.is_floating(of.value_type) or types.is_null(of.value_type)
        )
        return None if number or plain(of) else f"a list of numbers, or {_PLAIN}"
    return None if plain(of) else _PLAIN


def _too_long(column: Any) -> str | None:
    """What is wrong with the cells of a part of a column, before they become texts and lists of Python."""
    import pyarrow.compute as pc
    from pyarrow import types

    if types.is_list(column.type) or types.is_large_list(column.type):
        longest = pc.max(pc.list_value_length(column)).as_py() or 0
        return f"{longest:,} numbers in a cell; at most {MOST_NUMBERS} are accepted" if longest > MOST_NUMBERS else None
    texts = column.dictionary if types.is_dictionary(column.type) else column
    if types.is_string(texts.type) or types.is_large_string(texts.type):
        longest = pc.max(pc.binary_length(texts)).as_py() or 0
        return f"{longest:,} bytes in a cell; at most {MOST_TEXT:,} are accepted" if longest > MOST_TEXT else None
    return None
