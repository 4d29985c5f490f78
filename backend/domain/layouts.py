"""Readers of original file formats, shared by the tasks that use them. Each yields rows as dictionaries of strings."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

Rows = Callable[[Path, str], Iterator[dict[str, Any]]]


def tsv(columns: Sequence[str] | None = None, *, quoted: bool, where_language: str | None = None) -> Rows:
    """Tab-separated values; ``columns`` None means that the first line is a header.

    XTREME's processed files quote as Python's csv writer does and end their lines with CRLF, so splitting at tabs
    leaves a carriage return on the labels; GLUE's and XNLI's originals do not quote at all. ``where_language`` keeps
    only the rows whose column of that name holds the language asked for.
    """

    def rows(path: Path, language: str) -> Iterator[dict[str, Any]]:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE)
            header = list(columns) if columns is not None else next(reader, [])
            for number, cells in enumerate(reader):
                row: dict[str, Any] = dict(zip(header, cells, strict=False))
                row["line"] = number
                if where_language is None or row.get(where_language) == language:
                    yield row

    return rows


def jsonl(path: Path, language: str) -> Iterator[dict[str, Any]]:
    """One JSON object a line."""
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file):
            if line.strip():
                yield {"line": number, **json.loads(line)}


def squad_json(path: Path, language: str) -> Iterator[dict[str, Any]]:
    """SQuAD's nested JSON, one row a question in the hub's flat shape (``answers`` as two lists)."""
    with path.open(encoding="utf-8-sig") as file:
        data = json.load(file)["data"]
    for article in data:
        for paragraph in article["paragraphs"]:
            for question in paragraph["qas"]:
                answers = question.get("answers", [])
                yield {
                    "id": str(question["id"]),
                    "title": article.get("title", ""),
                    "context": paragraph["context"],
                    "question": question["question"],
                    "answers": {
                        "text": [a["text"] for a in answers],
                        "answer_start": [int(a["answer_start"]) for a in answers],
                    },
                }


def tagged_lines(path: Path, language: str) -> Iterator[dict[str, Any]]:
    """``token<TAB>tag`` lines, a blank line after each sentence; the tag is missing where it was withheld."""
    tokens: list[str] = []
    tags: list[str] = []
    with path.open(encoding="utf-8-sig") as file:
        for line in file:
            line = line.rstrip("\r\n")
            if not line.strip():
                if tokens:
                    yield {"tokens": tokens, "pos_tags": tags or None}
                tokens, tags = [], []
                continue
            token, _, tag = line.partition("\t")
            tokens.append(token)
            if tag:
                tags.append(tag)
    if tokens:
        yield {"tokens": tokens, "pos_tags": tags or None}
