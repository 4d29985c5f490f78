"""One file for one experiment: a ZIP archive of YAML and Parquet, the same bytes for the same content.

::

    manifest.json       format, origin, and SHA-256 and size of every other member; its own SHA-256 names the content
    experiment.yaml     the request: `crosslift submit` takes it
    runs.parquet        a run a row; parents.parquet, scores.parquet and curves.parquet refer to its rows, from 0
    packages/<sha>.txt  what was installed where runs were computed

Tables are not compressed, the archive is: so what a member unpacks to is bounded before it is read, and text that stands in a
Parquet dictionary is never multiplied. Nothing is ever unpacked onto a disk. The manifest guards against damage, and is no signature.
"""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from backend.domain.run import canonical, digest
from backend.errors import Invalid, shown
from backend.exchange.content import CURVES, FORMAT, PARENTS, RUNS, SCORES, Content, Kind, Origin

MANIFEST: Final = "manifest.json"
REQUEST: Final = "experiment.yaml"
TABLES: Final[Mapping[str, Mapping[str, tuple[Kind, bool]]]] = {
    "runs.parquet": RUNS,
    "parents.parquet": PARENTS,
    "scores.parquet": SCORES,
    "curves.parquet": CURVES,
}
PACKAGES: Final = "packages/"

MOST_BYTES: Final = 64 << 20  # of the file
MOST_UNPACKED: Final = 512 << 20  # of all members together
MOST_SMALL: Final = 1 << 20  # of a member that is not a table
MOST_MEMBERS: Final = 100
MOST_ROWS: Final[Mapping[str, int]] = {
    "runs.parquet": 50_000,
    "parents.parquet": 200_000,
    "scores.parquet": 5_000_000,
    "curves.parquet": 10_000_000,
}
LONGEST: Final = 200_000  # characters of one text
BATCH: Final = 20_000  # rows that are decoded at a time
#: What the library raises for an archive that is damaged or made up: also what it does not mean to.
_DAMAGE: Final = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError, OverflowError,
)  # fmt: skip
EPOCH: Final = (1980, 1, 1, 0, 0, 0)  # the archive's earliest date: when it was written is none of its content


class Member(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    bytes: int = Field(ge=0)


class Manifest(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int
    origin: Origin
    not_applicable: list[list[str]] = Field(max_length=100_000)
    files: dict[str, Member] = Field(max_length=MOST_MEMBERS)


# --- writing ----------------------------------------------------------------------------------------------------------


def write(content: Content) -> bytes:
    """The file of this content; the same bytes whenever and wherever this version of the program and its libraries write it.

    Raises:
        Invalid: it would be larger than what is read back.
    """
    members: dict[str, bytes] = {
        REQUEST: yaml.safe_dump(content.request, sort_keys=True, allow_unicode=True, width=110).encode(),
        "runs.parquet": _table("runs.parquet", content.runs),
        "parents.parquet": _table("parents.parquet", _named(PARENTS, content.parents)),
        "scores.parquet": _table("scores.parquet", _named(SCORES, content.scores)),
        "curves.parquet": _table("curves.parquet", _named(CURVES, content.curves)),
        **{f"{PACKAGES}{sha}.txt": text.encode() for sha, text in content.packages.items()},
    }
    manifest = Manifest(
        format=FORMAT,
        origin=content.origin,
        not_applicable=content.not_applicable,
        files={
            name: Member(sha256=hashlib.sha256(data).hexdigest(), bytes=len(data)) for name, data in members.items()
        },
    )
    text = canonical(manifest.model_dump(mode="json")).encode()
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, data in [(MANIFEST, text), *sorted(members.items())]:
            info = zipfile.ZipInfo(name, EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3  # whatever system writes it
            info.external_attr = 0o644 << 16
            archive.writestr(info, data, compresslevel=6)
    found = made.getvalue()
    if len(found) > MOST_BYTES:
        raise Invalid(
            f"The file would have {len(found) / 2**20:.0f} MiB, and at most {MOST_BYTES >> 20} MiB are read back; write "
            "several smaller experiments out."
        )
    return found


def _named(columns: Mapping[str, object], rows: Sequence[tuple[Any, ...]]) -> list[dict[str, Any]]:
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _schema(name: str) -> Any:
    import pyarrow as pa

    kinds = {
        "text": pa.string(),
        "json": pa.string(),
        "whole": pa.int64(),
        "real": pa.float64(),
        "flag": pa.bool_(),
        "moment": pa.timestamp("us", tz="UTC"),
    }
    return pa.schema([pa.field(c, kinds[kind], nullable=empty) for c, (kind, empty) in TABLES[name].items()])


def _table(name: str, rows: Sequence[Mapping[str, Any]]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {
        column: [canonical(r[column]) if kind == "json" and r[column] is not None else r[column] for r in rows]
        for column, (kind, _) in TABLES[name].items()
    }
    sink = io.BytesIO()
    table = pa.table(columns, schema=_schema(name))
    pq.write_table(table, sink, compression="none", write_statistics=False, store_schema=False)
    return sink.getvalue()


# --- reading ----------------------------------------------------------------------------------------------------------


def read(data: bytes) -> tuple[Content, str]:
    """The content of a file, and the SHA-256 that names it. What the numbers in it mean is not judged here.

    Raises:
        Invalid: it is damaged, was changed, is too large, or is no such file; says where.
    """
    if len(data) > MOST_BYTES:
        raise Invalid(f"The file has {len(data):,} bytes; at most {MOST_BYTES:,} are accepted.")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _read(archive)
    except _DAMAGE as error:
        raise Invalid(
            f"The file is damaged, or no file that `crosslift pack` wrote: {shown(str(error), 200)}."
        ) from None


def _read(archive: zipfile.ZipFile) -> tuple[Content, str]:
    infos = _members(archive)
    text = _take(archive, infos, MANIFEST)
    manifest = _manifest(text)
    strange = sorted(infos.keys() - manifest.files.keys() - {MANIFEST})
    if strange:
        raise Invalid(f"{shown(strange[0])} is in the file and not in its {MANIFEST}.")
    for name in (REQUEST, *TABLES):
        if name not in manifest.files:
            raise Invalid(f"The {MANIFEST} does not list {name}; the file is no whole experiment.")
    parts: dict[str, bytes] = {}
    for name, said in sorted(manifest.files.items()):
        if name not in infos:
            raise Invalid(f"{shown(name)} is missing: the {MANIFEST} lists it.")
        part = _take(archive, infos, name)
        if len(part) != said.bytes or hashlib.sha256(part).hexdigest() != said.sha256:
            raise Invalid(f"{name} was changed: it is not what the {MANIFEST} says (SHA-256 {said.sha256[:12]}…).")
        parts[name] = part
    packages = {}
    for name, part in parts.items():
        if name.startswith(PACKAGES):
            sha = name.removeprefix(PACKAGES).removesuffix(".txt")
            if hashlib.sha256(part).hexdigest() != sha:
                raise Invalid(f"{name} is not named for its own SHA-256.")
            packages[sha] = _utf8(name, part)
    content = Content(
        origin=manifest.origin,
        request=_yaml(parts[REQUEST]),
        not_applicable=manifest.not_applicable,
        runs=list(_rows("runs.parquet", parts)),
        parents=[(r["run"], r["parent"]) for r in _rows("parents.parquet", parts)],
        scores=[(r["run"], r["metric"], r["language"], r["value"], r["n"]) for r in _rows("scores.parquet", parts)],
        curves=[(r["run"], r["name"], r["step"], r["value"]) for r in _rows("curves.parquet", parts)],
        packages=packages,
    )
    return content, digest(manifest.model_dump(mode="json"))


def _members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """By name, once it is known that reading all of them is harmless."""
    infos = archive.infolist()
    if len(infos) > MOST_MEMBERS:
        raise Invalid(f"The file has {len(infos):,} members; at most {MOST_MEMBERS} are accepted.")
    total = 0
    found: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        name = info.filename
        if not _ours(name):
            raise Invalid(f"The file holds {shown(name)}, which is no part of an experiment.")
        if name in found:
            raise Invalid(f"{name} is in the file twice.")
        if info.flag_bits & 1:
            raise Invalid(f"{name} is encrypted.")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise Invalid(f"{name} is compressed in a way that is not accepted; deflate is.")
        if name not in TABLES and info.file_size > MOST_SMALL:
            raise Invalid(f"{name} has {info.file_size:,} bytes; at most {MOST_SMALL:,} are accepted.")
        total += info.file_size
        found[name] = info
    if total > MOST_UNPACKED:
        raise Invalid(f"The file unpacks to {total:,} bytes; at most {MOST_UNPACKED:,} are accepted.")
    return found


def _ours(name: str) -> bool:
    if name.startswith(PACKAGES) and name.endswith(".txt"):
        sha = name.removeprefix(PACKAGES).removesuffix(".txt")
        return len(sha) == 64 and set(sha) <= set("0123456789abcdef")
    return name in (MANIFEST, REQUEST, *TABLES)


def _take(archive: zipfile.ZipFile, infos: Mapping[str, zipfile.ZipInfo], name: str) -> bytes:
    if name not in infos:
        raise Invalid(f"The file has no {name}: it is none that `crosslift pack` wrote.")
    with archive.open(infos[name]) as member:
        found = member.read(infos[name].file_size + 1)  # what was announced, whatever is in there
    if len(found) != infos[name].file_size:
        raise Invalid(f"{name} has another size than the archive says.")
    return found


def _manifest(text: bytes) -> Manifest:
    try:
        raw: Any = json.loads(text)
    except (ValueError, RecursionError):
        raise Invalid(f"{MANIFEST} is not JSON.") from None
    if isinstance(raw, dict) and isinstance(raw.get("format"), int) and raw["format"] > FORMAT:
        raise Invalid(f"The file was written by a later version of the program (format {raw['format']}): use that one.")
    try:
        return Manifest.model_validate(raw)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise Invalid(f"{MANIFEST}: {'/'.join(map(str, first['loc']))}: {first['msg']}") from None


def _utf8(name: str, data: bytes) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise Invalid(f"{name} is not UTF-8 (byte {error.start}).") from None
    if "\0" in text:
        raise Invalid(f"{name} holds the character NUL.")
    return text


def _yaml(data: bytes) -> dict[str, Any]:
    text = _utf8(REQUEST, data)
    try:
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text, Loader=yaml.SafeLoader)):
            raise Invalid(f"{REQUEST} refers to itself (*alias), which is not accepted.")
        found = yaml.safe_load(text)
        if not isinstance(found, dict):
            raise Invalid(f"{REQUEST} holds no request: keys such as name, models and recipes are expected.")
        canonical(found)  # what JSON cannot carry is no request
    except (yaml.YAMLError, RecursionError, TypeError, ValueError) as error:
        raise Invalid(f"{REQUEST} is not acceptable: {shown(' '.join(str(error).split()), 200)}") from None
    return found


def _rows(name: str, parts: Mapping[str, bytes]) -> Iterator[dict[str, Any]]:
    """Rows of a table as dictionaries, with every column checked."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = TABLES[name]
    texts = [c for c, (kind, _) in columns.items() if kind in ("text", "json")]
    try:
        file = pq.ParquetFile(
            pa.BufferReader(parts[name]),
            read_dictionary=texts,
            thrift_string_size_limit=MOST_SMALL,
            thrift_container_size_limit=MOST_SMALL,
        )
        _check_table(name, file)
        row = 0
        for batch in file.iter_batches(batch_size=BATCH, use_threads=False):
            batch.validate(full=True)
            values = [_values(name, column, batch.column(column), row) for column in columns]
            for one in zip(*values, strict=True):
                yield dict(zip(columns, one, strict=True))
            row += batch.num_rows
            if row > MOST_ROWS[name]:
                raise Invalid(f"{name} has more rows than it says.")
    except (pa.ArrowException, OSError, UnicodeDecodeError, OverflowError) as error:
        raise Invalid(f"{name} is no readable Parquet: {shown(str(error), 200)}") from None


def _check_table(name: str, file: Any) -> None:
    meta = file.metadata
    if meta.num_rows > MOST_ROWS[name]:
        raise Invalid(f"{name} has {meta.num_rows:,} rows; at most {MOST_ROWS[name]:,} are accepted.")
    found = {f.name: f.type for f in file.schema.to_arrow_schema()}
    wanted = {f.name: f.type for f in _schema(name)}
    if list(found) != list(wanted):
        odd = sorted(set(found) ^ set(wanted)) or ["in another order"]
        raise Invalid(f"{name} has other columns than expected: {shown(', '.join(odd), 200)}.")
    import pyarrow as pa

    for column, kind in wanted.items():
        of = found[column].value_type if pa.types.is_dictionary(found[column]) else found[column]
        if of != kind:
            raise Invalid(f"{name}, column {column}: the type is {of}, and {kind} is expected.")
    for group in range(meta.num_row_groups):
        for i in range(meta.num_columns):
            if meta.row_group(group).column(i).compression != "UNCOMPRESSED":
                raise Invalid(f"{name} is compressed inside, which is not accepted; the archive compresses it.")


def _values(name: str, column: str, found: Any, first: int) -> list[Any]:
    import pyarrow as pa

    kind, empty = TABLES[name][column]
    if not empty and found.null_count:
        raise Invalid(f"{name}, column {column}: a value is missing in rows {first} to {first + len(found) - 1}.")
    if pa.types.is_dictionary(found.type):
        words = [_cell(name, column, kind, word) for word in found.dictionary.to_pylist()]
        return [None if i is None else words[i] for i in found.indices.to_pylist()]
    return [None if value is None else _cell(name, column, kind, value) for value in found.to_pylist()]


def _cell(name: str, column: str, kind: Kind, value: Any) -> Any:
    where = f"{name}, column {column}"
    if kind in ("text", "json"):
        if len(value) > LONGEST:
            raise Invalid(f"{where}: a text has {len(value):,} characters; at most {LONGEST:,} are accepted.")
        if "\0" in value:
            raise Invalid(f"{where}: {shown(value)} holds the character NUL.")
    if kind == "json":
        try:
            return json.loads(value, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            raise Invalid(f"{where}: {shown(value)} is not JSON.") from None
    if kind == "real" and not abs(value) < float("inf"):
        raise Invalid(f"{where}: {value} is not a finite number.")
    if kind == "whole" and value < 0:
        raise Invalid(f"{where}: {value} is below zero.")
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(name)
