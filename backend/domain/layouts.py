"""Readers of original file formats, shared by the tasks that use them. Each yields rows as dictionaries of strings.

A row also says where it is: ``line``, its number from 0, and ``at``, in words for messages. A line that is not of the
format is a ``ValueError`` that begins with its number; ``backend.domain.reading`` adds the file.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from backend.domain.reading import MalformedData
from backend.errors import shown

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
            except RecursionError:
                raise ValueError(f"line {number + 1}: nested too deeply to be read") from None
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
                yield {**_flat(article, paragraph, question), "at": f"question {question['id']}"}


def _flat(article: Mapping[str, Any], paragraph: Mapping[str, Any], question: Mapping[str, Any]) -> dict[str, Any]:
    """One question with all that stands above it, as the hub has it."""
    answers = question.get("answers", [])
    return {
        "id": str(question["id"]),
        "title": article.get("title", ""),
        "context": paragraph["context"],
        "question": question["question"],
        "answers": {
            "text": [a["text"] for a in answers],
            "answer_start": [int(a["answer_start"]) for a in answers],
        },
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


# --- retrieval -----------------------------------------------------------------------------------------------------


class Malformed(MalformedData):
    """A file is not what its name says."""

    title = "A data file cannot be read"

    def __init__(self, path: Path, where: str, expected: str, found: object) -> None:
        super().__init__(f"{path}, {where}: expected {expected}, found {shown(found)}")


def xquad_r(path: Path, language: str) -> Iterator[dict[str, Any]]:
    """SQuAD's nested JSON, XQuAD-R's paragraphs with ``sentence_breaks`` ([first, last + 1] in characters).

    One row a question, as ``squad_json`` gives it, with the paragraph's running number and, where it has them, its breaks.

    Raises:
        Malformed: it is no JSON of that shape, or a sentence or an answer does not lie in its paragraph.
    """
    number = -1
    try:
        articles = json.loads(path.read_text(encoding="utf-8-sig"))["data"]
        for article in articles:
            for paragraph in article["paragraphs"]:
                number += 1
                context, breaks = paragraph["context"], paragraph.get("sentence_breaks")
                for pair in breaks or []:
                    if len(pair) != 2 or not 0 <= pair[0] < pair[1] <= len(context):
                        span = f"sentence_breaks [first, last + 1] within its {len(context)} characters"
                        raise Malformed(path, f"paragraph {number}", span, pair)
                for question in paragraph["qas"]:
                    for answer in question["answers"]:
                        if not 0 <= answer["answer_start"] < len(context):
                            where = f"answer_start within the {len(context)} characters of its context"
                            raise Malformed(path, f"question {question['id']}", where, answer["answer_start"])
                    row = {**_flat(article, paragraph, question), "paragraph": number}
                    yield row if breaks is None else {**row, "sentence_breaks": breaks}
    except json.JSONDecodeError as error:
        raise Malformed(path, f"line {error.lineno}", "JSON of SQuAD's shape", error.msg) from error
    except (KeyError, TypeError) as error:
        shape = "data[].paragraphs[].{context, qas[].{id, question, answers[].{text, answer_start}}}"
        raise Malformed(path, f"paragraph {max(0, number)}", shape, error) from error


def _records(path: Path, wanted: Sequence[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line numbers from 1 and objects of a JSONL file whose objects have these fields."""
    expected = "a JSON object with " + ", ".join(wanted)
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except json.JSONDecodeError as error:
                raise Malformed(path, f"line {number}", expected, error.msg) from error
            if not isinstance(record, dict) or any(field not in record for field in wanted):
                raise Malformed(path, f"line {number}", expected, list(record) if isinstance(record, dict) else record)
            yield number, record


def mewslix_mentions(path: Path, language: str) -> Iterator[dict[str, Any]]:
    """Mewsli-X's ``wikinews_mentions-*.jsonl``: a document and its mentions a line, all languages in one file.

    One row a mention of the language asked for: its ``context`` and the ``mention``, as the pairs of the training set have them.

    Raises:
        Malformed: a line is no such object, or a mention is not where it is said to be.
    """
    for number, record in _records(path, ("context", "mentions")):
        context = record["context"]
        try:
            if context["language"] != language:
                continue
            for mention in record["mentions"]:
                span = mention["mention_span"]
                if context["text"][span["start"] : span["end"]] != span["text"]:
                    raise Malformed(
                        path,
                        f"line {number}, mention {mention['example_id']}",
                        f"{shown(span['text'])} at characters {span['start']} to {span['end']} of its text",
                        context["text"][span["start"] : span["end"]],
                    )
                yield {"context": context, "mention": mention}
        except (KeyError, TypeError) as error:
            shape = "context {language, text, sentence_spans} and mentions [{example_id, mention_span, entity_id}]"
            raise Malformed(path, f"line {number}", shape, error) from error


def mewslix_pairs(path: Path, language: str) -> Iterator[dict[str, Any]]:
    """Mewsli-X's ``wikipedia_pairs-*.jsonl``: an English mention in its context and the entity it means, a pair a line."""
    yield from (record for _, record in _records(path, ("contextual_mention", "entity")))


def mewslix_entities(path: Path, language: str) -> Iterator[dict[str, Any]]:
    """Mewsli-X's ``candidate_set_entities.jsonl``: an entity a line, described in one of 50 languages."""
    yield from (record for _, record in _records(path, ("entity_id", "description", "sentence_spans")))


def bucc_text(path: Path, language: str) -> Iterator[dict[str, Any]]:
    """BUCC 2018 of a language and English, named by the language's text: ``de-en.dev.de``; ``.en`` and ``.gold`` lie beside it.

    Texts are ``id<TAB>sentence`` lines, the gold standard ``id<TAB>English id`` lines. One row a sentence of either text.

    Raises:
        Malformed: a line has another shape, an id comes twice in a text, or the gold standard names one that neither has.
    """
    english = path.with_suffix(".en")
    gold_file = path.with_suffix(".gold")
    texts = {of: list(_two_columns(of, "id<TAB>sentence")) for of in (path, english)}
    for of, lines in texts.items():
        seen: set[str] = set()
        for number, (key, _) in enumerate(lines, start=1):
            if key in seen:
                raise Malformed(of, f"line {number}", "an id that no earlier line has", key)
            seen.add(key)
    ours, theirs = ({key for key, _ in texts[of]} for of in (path, english))
    gold: dict[str, list[str]] = {}
    for number, (foreign, translation) in enumerate(_two_columns(gold_file, "id<TAB>English id"), start=1):
        if foreign not in ours or translation not in theirs:
            of, key = (path, foreign) if foreign not in ours else (english, translation)
            raise Malformed(gold_file, f"line {number}", f"an id of {of.name}", key)
        gold.setdefault(foreign, []).append(translation)
    for key, sentence in texts[path]:
        yield {"id": key, "sentence": sentence, "english": False, "gold": gold.get(key, [])}
    for key, sentence in texts[english]:
        yield {"id": key, "sentence": sentence, "english": True, "gold": []}


def aligned_text(path: Path, language: str) -> Iterator[dict[str, Any]]:
    """A text and its English translation, line by line: ``tatoeba.deu-eng.deu``, beside which lies ``tatoeba.deu-eng.eng``.

    Raises:
        Malformed: one of the two has a line that the other lacks, or one is empty.
    """
    english = path.with_suffix(".eng")
    with (
        path.open(encoding="utf-8-sig", newline="\n") as ours,
        english.open(encoding="utf-8-sig", newline="\n") as theirs,
    ):
        for number, (line, translation) in enumerate(zip_longest(ours, theirs, fillvalue="")):
            for of, text in ((path, line), (english, translation)):
                if not text.strip():
                    raise Malformed(of, f"line {number + 1}", "a sentence, as the other text has there", text)
            yield {"line": number, "source_sentence": line, "target_sentence": translation}


def _two_columns(path: Path, expected: str) -> Iterator[tuple[str, str]]:
    with path.open(encoding="utf-8-sig", newline="\n") as file:
        for number, line in enumerate(file, start=1):
            first, tab, second = line.rstrip("\r\n").partition("\t")
            if not (first and tab and second):
                raise Malformed(path, f"line {number}", expected, line)
            yield first, second
