"""Readers of original file formats, shared by the tasks that use them. Each yields rows as dictionaries of strings.

A row also says where it is: ``line``, its number from 0, and ``at``, in words for messages. A line that is not of the
format is a ``ValueError`` that begins with its number; ``backend.domain.reading`` adds the file.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

Rows = Callable[[Path, str], Iterator[dict[str, Any]]]


def tsv(
    columns: Sequence[str] | None = None, *, quoted: bool, where_language: str | None = None, skip_short: bool = False
) -> Rows:
    """Tab-separated values; ``columns`` None means that the first line is a header.

    XTREME's processed files quote as Python's csv writer does and end their lines with CRLF, so splitting at tabs
    leaves a carriage return on the labels; GLUE's and XNLI's originals do not quote at all. ``where_language`` keeps
    only the rows whose column of that name holds the language asked for. ``skip_short`` leaves out rows with fewer cells
    than the header, as the hub's GLUE does with the few that QQP's and MNLI's files have; else such a row ends the reading.
    Where ``columns`` are given, the last may be missing: XTREME's test files have no label.
    """
    return _cells(columns, "\t", csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE, where_language, skip_short)


def comma_separated(path: Path, language: str) -> Iterator[dict[str, Any]]:
    """Comma-separated values with a header, quoted where needed."""
    return _cells(None, ",", csv.QUOTE_MINIMAL, None, False)(path, language)


def _cells(
    columns: Sequence[str] | None, delimiter: str, quoting: Any, where_language: str | None, skip_short: bool
) -> Rows:
    def rows(path: Path, language: str) -> Iterator[dict[str, Any]]:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=delimiter, quoting=quoting)
            header = list(columns) if columns is not None else next(reader, [])
            least = len(header) if columns is None else len(header) - 1
            for number, cells in enumerate(reader):
                if not cells:
                    continue
                if len(cells) < least:
                    if skip_short:
                        continue
                    raise ValueError(
                        f"line {reader.line_num}: {len(cells)} cells; expected {len(header)}: {', '.join(header)}"
                    )
                row: dict[str, Any] = dict(
                    zip(header, [*cells, None] if len(cells) < len(header) else cells, strict=False)
                )
                row["line"] = number
                row["at"] = f"line {reader.line_num}"
                if where_language is None or row.get(where_language) == language:
                    yield row

    return rows


def jsonl(path: Path, language: str) -> Iterator[dict[str, Any]]:
    """One JSON object a line."""
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                raise ValueError(f"line {number + 1}: not JSON: {error}") from error
            if not isinstance(row, dict):
                raise ValueError(f"line {number + 1}: a JSON object was expected, not {type(row).__name__}")
            yield {"line": number, "at": f"line {number + 1}", **row}


def squad_json(path: Path, language: str) -> Iterator[dict[str, Any]]:
    """SQuAD's nested JSON, one row a question in the hub's flat shape (``answers`` as two lists).

    SQuAD v2.0's ``plausible_answers`` are no answers and are left behind, as the hub does.
    """
    with path.open(encoding="utf-8-sig") as file:
        whole = json.load(file)
    if not isinstance(whole, dict) or not isinstance(whole.get("data"), list):
        raise ValueError('SQuAD\'s JSON was expected: an object with a list "data"')
    for article in whole["data"]:
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
                    "at": f"question {question['id']}",
                }


def squad_json_by_id(prefixes: Mapping[str, str]) -> Rows:
    """SQuAD's JSON of all languages in one file, where the beginning of a question's id tells its language (TyDiQA)."""

    def rows(path: Path, language: str) -> Iterator[dict[str, Any]]:
        return (row for row in squad_json(path, language) if row["id"].startswith(prefixes[language]))

    return rows


def tagged_tokens(column: str, separator: str = "\t", *, language_before: bool = False) -> Rows:
    """A token and its tag a line, a blank line after each sentence; ``tags`` are None where they were withheld.

    ``column`` is the name of the hub's column of tags. ``separator`` stands between token and tag, the last one of a
    line counts. ``language_before``: a token begins with ``xx:`` as in WikiANN's originals, cut at the first colon (XTREME
    utils_preprocess.py, panx_preprocess).
    """

    def rows(path: Path, language: str) -> Iterator[dict[str, Any]]:
        tokens: list[str] = []
        tags: list[str] = []
        begun = number = 0

        def sentence() -> dict[str, Any]:
            if tags and len(tags) != len(tokens):
                raise ValueError(f"line {begun}: {len(tags)} tags for {len(tokens)} tokens in one sentence")
            return {"tokens": list(tokens), column: list(tags) or None, "at": f"line {begun}"}

        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, 1):
                line = line.rstrip("\r\n")
                if not line.strip():
                    if tokens:
                        yield sentence()
                    tokens, tags = [], []
                    continue
                token, found, tag = line.rpartition(separator)
                if not found:
                    token, tag = line, ""
                if language_before:
                    _, found, token = token.partition(":")
                    if not found:
                        raise ValueError(f"line {number}: a token with its language was expected, as in en:Paris")
                begun = begun if tokens else number
                tokens.append(token)
                if tag:
                    tags.append(tag)
        if tokens:
            yield sentence()

    return rows


tagged_lines = tagged_tokens("pos_tags")
"""XTREME's UDPOS: ``token<TAB>tag``."""


def sentences_with_tags(path: Path, language: str) -> Iterator[dict[str, Any]]:
    """``words<TAB>tags``, both separated by spaces, with ``tags_to_id.json`` beside the file (jiant's CCG)."""
    mapping = path.parent / "tags_to_id.json"
    if not mapping.is_file():
        raise ValueError(f"its tags have numbers only in {mapping.name}, which was expected beside it")
    with mapping.open(encoding="utf-8") as file:
        numbers = {str(tag): int(number) for tag, number in json.load(file).items()}
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file):
            if not line.strip():
                continue
            words, _, tags = line.rstrip("\r\n").partition("\t")
            try:
                ids = [numbers[tag] for tag in tags.split()]
            except KeyError as error:
                raise ValueError(f"line {number + 1}: tag {error} is not in {mapping.name}") from None
            yield {"tokens": words.split(" "), "tags": ids or None, "line": number, "at": f"line {number + 1}"}
