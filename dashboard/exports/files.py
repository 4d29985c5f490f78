"""Rows as bytes: CSV, Parquet, JSON. The same numbers in each; equal rows give equal bytes."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backend.domain.run import canonical
from dashboard.exports.schema import SCHEMA_VERSION, Column, Row, described

#: A cell that begins like this is a formula to a spreadsheet.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
NO_SEED = "none"  # in a list of seeds


@dataclass(frozen=True, slots=True)
class Table:
    """Rows with what a reader of the file has to know of them: the address of the view, and which program wrote it down."""

    columns: tuple[Column, ...]
    rows: Sequence[Row]
    view: str
    program: str
    snapshot: str = ""

    @property
    def sha256(self) -> str:
        """Of the frozen result where it is one, else of the rows: equal for equal numbers."""
        return self.snapshot or hashlib.sha256(canonical(list(self.rows)).encode()).hexdigest()

    @property
    def about(self) -> Mapping[str, str]:
        return {
            "schema_version": str(SCHEMA_VERSION),
            "sha256": self.sha256,
            "frozen": "yes" if self.snapshot else "no",
            "view": self.view,
            "program": self.program,
        }


def as_csv(table: Table) -> str:
    """RFC 4180. Lists stand in one cell, with spaces between; nothing is an empty cell; numbers stay numbers."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([c.name for c in table.columns])
    for row in table.rows:
        writer.writerow([_cell(c, row[c.name]) for c in table.columns])
    return out.getvalue()


def _cell(column: Column, value: Any) -> Any:
    if column.kind in ("wholes", "numbers"):
        return " ".join(NO_SEED if v is None else str(v) for v in value)
    if column.kind == "truth":
        return "true" if value else "false"
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def as_json(table: Table) -> str:
    """Rows as objects, with what each column holds."""
    said = {**table.about, "columns": described(table.columns), "rows": table.rows}
    return json.dumps(said, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def as_parquet(table: Table) -> bytes:
    """Typed, compressed with zstd; what the file is of is in its metadata, what a column holds in that of its field. pyarrow is
    imported here: it takes long."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {
        "text": pa.string(),
        "whole": pa.int64(),
        "number": pa.float64(),
        "truth": pa.bool_(),
        "wholes": pa.list_(pa.int64()),
        "numbers": pa.list_(pa.float64()),
    }
    fields = [pa.field(c.name, types[c.kind], metadata={"means": c.means}) for c in table.columns]
    schema = pa.schema(fields, metadata={f"crosslift.{name}": text for name, text in table.about.items()})
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(table.rows), schema=schema), out, compression="zstd")
    return out.getvalue()
