"""Which candidate sentences answer a question of LAReQA, from XQuAD-R's own files.

Source: google-research/xtreme at 838c13b69d, ``third_party/utils_lareqa.py``. A candidate is a sentence of a paragraph; its id
is ``{language}_{paragraph}_{sentence}``, paragraphs counted from 1 through the file, sentences from 0 through the paragraph.
Right is, in every language, the sentence in which the answer begins, and any other of that paragraph with the same words.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from backend.errors import shown
from backend.submission.read import Unreadable, json_object, squad


def is_xquad_r(whole: Mapping[str, Any]) -> bool:
    """Whether a file of labels is XQuAD-R's own, not a mapping from questions to candidates."""
    data = whole.get("data")
    return isinstance(data, list) and any(isinstance(article, dict) for article in data)


def relevant(whole: Mapping[str, Any], language: str) -> dict[str, list[str]]:
    """Question id → ids of its right candidates in this language. Questions have one id in all languages.

    A question whose answer begins in no sentence is left out, as the script leaves it out.

    Raises:
        Unreadable: a paragraph has no sentence breaks, or a question not one answer with its place.
    """
    found: dict[str, list[str]] = {}
    for number, (paragraph, questions) in enumerate(squad(whole), start=1):
        try:
            context = str(paragraph["context"])
            spans = [(int(start), int(end)) for start, end in paragraph["sentence_breaks"]]
            starts = {entry["id"]: [int(answer["answer_start"]) for answer in entry["answers"]] for entry in questions}
        except (KeyError, TypeError, ValueError, OverflowError):
            raise Unreadable(
                f"paragraph {number} is not XQuAD-R's: expected context, sentence_breaks and answers with answer_start"
            ) from None
        for question, places in starts.items():
            if len(places) != 1:
                raise Unreadable(f"question {shown(question)} has {len(places)} answers; XQuAD-R's have one")
            holding = [context[start:end] for start, end in spans if start <= places[0] < end]
            if holding and holding[0]:
                found[question] = [
                    f"{language}_{number}_{at}"
                    for at, (start, end) in enumerate(spans)
                    if context[start:end] == holding[0]
                ]
    return found


@lru_cache(maxsize=32)
def relevant_in(path: Path, language: str, changed: int) -> Mapping[str, list[str]]:
    """``relevant`` of a file, read once for all the languages that need it; nothing where it cannot be read. ``changed``:
    when it last did, so that a file that was put right is read again."""
    try:
        return relevant(json_object(path), language)
    except Unreadable:
        return {}


def over_languages(by_language: Mapping[str, Mapping[str, list[str]]]) -> dict[str, set[str]]:
    """Question id → ids of its right candidates in all languages: one multilingual pool is searched."""
    found: dict[str, set[str]] = {}
    for each in by_language.values():
        for question, candidates in each.items():
            found.setdefault(question, set()).update(candidates)
    return found
