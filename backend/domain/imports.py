"""What travels over HTTP about results that were made elsewhere: files in, checked rows and their origin out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from backend.domain.schemas import View

#: ``long``: a table, one score a row (CSV or Parquet). ``trainer``: result files of Hugging Face's Trainer. ``jiant``: what jiant
#: writes. ``xtreme``: scores of a folder of predictions, as ``crosslift score --json`` prints them.
ImportFormat = Literal["long", "trainer", "jiant", "xtreme"]

MOST_FILES = 60
NAME = r"^[A-Za-z0-9][A-Za-z0-9._ -]{0,59}$"


def _one_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("the text holds control characters or line breaks")
    return text.strip()


Line = Annotated[str, AfterValidator(_one_line)]


class ImportFile(View):
    """One file, whole."""

    name: Annotated[Line, Field(min_length=1, max_length=200, description="as it was called; a relative path")]
    content: str = Field(description="its bytes in base64", max_length=1 << 20)


class ImportRequest(View):
    """Files to import, and what they do not say themselves."""

    format: ImportFormat
    source: Annotated[Line, Field(pattern=NAME, description="who made them: gains are taken within one source only")]
    settings: Annotated[Line, Field(max_length=60, description="how: gains are taken within one of these only")] = ""
    note: Annotated[Line, Field(max_length=500)] = ""
    files: list[ImportFile] = Field(min_length=1, max_length=MOST_FILES)
    model: Annotated[Line, Field(max_length=60)] | None = None
    recipe: Annotated[Line, Field(max_length=200)] | None = None
    target: Annotated[Line, Field(max_length=60)] | None = None
    language: Annotated[Line, Field(max_length=8)] | None = None
    seed: int | None = Field(default=None, strict=True, ge=0, le=2**31 - 1)
    dry_run: bool = Field(default=False, strict=True, description="check everything and write nothing")


class FileOrigin(View):
    name: str
    sha256: str
    bytes: int


class ImportView(View):
    """One import: where its rows are from."""

    id: int
    source: str
    settings: str
    format: ImportFormat
    files: list[FileOrigin]
    sha256: str = Field(description="of everything that was asked for: the same twice is imported once")
    note: str
    who: str
    created_at: datetime
    rows: int


class ImportDone(View):
    """What an import did, or with `dry_run` would do."""

    made: ImportView | None = Field(description="null where nothing was added")
    added: int
    already: int = Field(description="rows that this source held before, with the same value")
    dry_run: bool
    said: str = Field(description="the same in words")
    notes: list[str]


class ImportedChoice(View):
    """What there is of imported scores: one source, model, target and metric."""

    source: str
    model: str
    target: str
    metric: str
    scores: int
