"""A table of scores, one a row, as CSV (UTF-8, a header) or Parquet. ``rows.SCHEMA`` says which columns there are. A table of gains
that Explore exported is taken too."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping

from backend.errors import shown, unknown
from backend.importing import exported, parquet
from backend.importing.rows import COLUMNS, SCHEMA, Errors, Row, check_row

REQUIRED = tuple(name for name, (required, _) in SCHEMA.items() if required)

EXAMPLE = (
    ("xlmr-base", "none", "xnli", "en", "accuracy", 0, 84.9, 5010, ""),
    ("xlmr-base", "none", "xnli", "sw", "accuracy", 0, 64.2, 5010, ""),
    ("xlmr-base", "squad", "xnli", "en", "accuracy", 0, 85.1, 5010, ""),
    ("xlmr-base", "squad", "xnli", "sw", "accuracy", 0, 65.8, 5010, ""),
)


def example() -> str:
    """A table that can be imported as it is. Its numbers are made up."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(EXAMPLE)
    return text.getvalue()


def read(
    name: str, content: bytes, errors: Errors, settings: str, done: set[tuple[object, ...]] | None = None
) -> list[Row]:
    """The rows of one file. What cannot be taken is said in ``errors``.

    Args:
        done: what ``exported.rows`` knows of files before this one.
    """
    if content.startswith(parquet.MARK):
        lines = parquet.rows(name, content, errors, lambda columns: _header(name, columns, errors))
    else:
        lines = _csv(name, content, errors)
    done = set() if done is None else done
    found = []
    for number, cells in lines:
        for one in exported.rows(cells, done) if exported.is_one(cells) else (cells,):
            row = check_row(one, errors, file=name, line=number, settings=settings)
            if row is not None:
                found.append(row)
    return found


def _header(name: str, columns: list[str], errors: Errors) -> bool:
    """Whether the columns are those of the schema; else each that is not is said."""
    before = errors.count
    if exported.is_one(columns):
        return True
    if all(column in columns for column in exported.MEANS):
        errors.say(
            name,
            "means over languages, as Trade-off and recipes by targets are exported, hold no score of a seed; export Explore's matrices "
            "of languages",
            line=1,
        )
        return False
    for column in columns:
        if column not in SCHEMA:
            errors.say(name, unknown("column", column, COLUMNS), line=1)
        elif columns.count(column) > 1:
            errors.say(name, f"column {shown(column)} is there twice", line=1)
    for column in REQUIRED:
        if column not in columns:
            errors.say(name, f"column {column} is missing: {SCHEMA[column][1]}", line=1)
    return errors.count == before


def _csv(name: str, content: bytes, errors: Errors) -> Iterator[tuple[int, Mapping[str, object]]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        errors.say(name, "not UTF-8; accepted are CSV in UTF-8 and Parquet", line=line)
        return
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        head = [cell.strip() for cell in next(reader, [])]
        if not _header(name, head, errors):
            return
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(head):
                errors.say(name, f"{len(cells)} cells; the header has {len(head)}", line=reader.line_num)
                continue
            yield reader.line_num, dict(zip(head, cells, strict=True))
    except csv.Error as error:
        errors.say(name, f"not CSV: {error}", line=reader.line_num)
