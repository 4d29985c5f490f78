"""What a reader is shown of one test example: its texts by name, its tokens where it is a tagged sentence, and what its answers say.

Predictions keep the id of an example and not its text. Where the source can be read again (``backend.store.texts``) the text is
taken from there; an evaluation on data of the hub, which a web process cannot read, keeps it beside its predictions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from backend.domain.task import Bitext, Choice, Example, Line, Pair, Question, Search, Tokens

LONGEST = 4000  # characters of one text; the paragraphs of the benchmark are shorter
#: The file of an evaluation's artifact that keeps texts, and its columns; ``texts`` is JSON: a list of (name, text).
KEPT = "texts.parquet"
COLUMNS = ("language", "id", "texts", "tokens")


@dataclass(frozen=True, slots=True)
class Input:
    """``texts``: (name, text), in the order in which they are read. ``tokens``: of a tagged sentence, one a tag."""

    texts: tuple[tuple[str, str], ...]
    tokens: tuple[str, ...] = ()


def shown_input(example: Example) -> Input:
    """The texts of an example, each cut at ``LONGEST`` characters."""
    tokens: tuple[str, ...] = ()
    texts: list[tuple[str, str]]
    match example:
        case Pair(first=first, second=second):
            texts = [("Text", first)] if second is None else [("First text", first), ("Second text", second)]
        case Question(question=question, context=context):
            texts = [("Question", question), ("Paragraph", context)]
        case Choice(prompt=prompt, options=options):
            texts = [("Prompt", prompt), *((f"Option {i}", option) for i, option in enumerate(options))]
        case Tokens(tokens=tokens):
            texts = [("Sentence", " ".join(tokens))]
        case Bitext(sentence=sentence, english=english):
            texts = [("Sentence", sentence), ("English", english)]
        case Line(text=text):
            texts = [("Sentence", text)]
        case Search(query=query, answer=answer):
            texts = [("Query", query or "")]
            if answer is not None:
                texts.append(("Right passage", answer.text))
    return Input(tuple((name, text[:LONGEST]) for name, text in texts if text), tokens)


def answers_in_words(examples: Iterable[Example]) -> dict[str, str]:
    """Of what is retrieved: id → text, as far as these examples hold it. Ids that name two texts are left out."""
    found: dict[str, str] = {}
    twice: set[str] = set()
    for example in examples:
        named: list[tuple[str, str]] = []
        if isinstance(example, Bitext):
            named.append((example.id, example.sentence))
        elif isinstance(example, Line):
            named.append((example.id, example.text))
        elif isinstance(example, Search):
            named += [(p.id, p.text) for p in (example.answer, *example.others) if p is not None]
        for id, text in named:
            if found.setdefault(id, text[:LONGEST]) != text[:LONGEST]:
                twice.add(id)
    return {id: text for id, text in found.items() if id not in twice}
