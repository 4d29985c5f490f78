"""Stored predictions to the files of a submission: the way back of ``read``.

The lines of a file stand in the order in which the examples were read for their evaluation, which is that of the source's own
file. Three things a stored prediction does not say, so that they cannot be put right here: the examples whose gold answer is
withheld (they were not evaluated, and have no line), the place of an English sentence in the *sorted* file that XTREME asks
Tatoeba's queries from (lines stand in the data set's own order), and which candidates came second to twentieth where only
the first was kept.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from backend.errors import shown
from backend.submission.benchmarks import Entry, Kind


@dataclass(frozen=True, slots=True)
class Stored:
    """One example as an evaluation keeps it. ``answer`` is what was predicted, or the gold answer: text, or JSON of a list."""

    id: str
    answer: str


def content(entry: Entry, rows: Sequence[Stored], *, gold: bool = False) -> str:
    """The text of one language's file; with ``gold`` that of its labels, so that ``score`` can be asked.

    Raises:
        ValueError: an answer is not of the shape that the task's files have; the message names the example.
    """
    if entry.kind is Kind.TAGS:
        return "".join("\n".join(_list(row, "tags")) + "\n\n" for row in rows)
    if entry.kind is Kind.CHOICES:
        return "".join(json.dumps({"idx": row.id, "label": int(_line(row))}) + "\n" for row in rows)
    if entry.kind is Kind.RANKED:
        return _json({row.id: _list(row, "candidates") for row in rows})
    if entry.kind is Kind.ANSWERS:
        if not gold:
            return _json({row.id: row.answer for row in rows})
        qas = [{"id": row.id, "answers": [{"text": text} for text in _list(row, "answers")]} for row in rows]
        return _json({"data": [{"paragraphs": [{"qas": qas}]}]})
    return "".join(f"{_line(row)}\n" for row in rows)


def _list(row: Stored, noun: str) -> list[str]:
    try:
        found = json.loads(row.answer)
    except ValueError:
        found = None
    if not isinstance(found, list) or not found or not all(isinstance(one, str) for one in found):
        raise ValueError(f"example {shown(row.id)} holds no list of {noun}: {shown(row.answer)}")
    return found


def _line(row: Stored) -> str:
    if not row.answer.strip() or len(row.answer.splitlines()) != 1:
        raise ValueError(f"example {shown(row.id)} holds no label: {shown(row.answer)}")
    return row.answer


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"
