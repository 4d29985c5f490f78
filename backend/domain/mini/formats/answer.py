"""Questions that are answered by a sentence of some paragraph: `lareqa`.

Trained on `squad`'s own rows, as in reality. The test paragraphs are drawn like `squad`'s, but such that no other sentence of
any of them answers a question that is asked: a question does not say which paragraph it is about.
"""

from collections.abc import Iterator
from functools import cache

from backend.domain.mini.clause import Clause, say
from backend.domain.mini.formats.item import Row, distinct
from backend.domain.mini.formats.span import Question, paragraph, question, squad
from backend.domain.mini.grammar import grammar


def _pattern(fact: Clause, slot: str) -> Clause:
    """The fact without the part that is asked for."""
    if slot == "subject":
        return fact._replace(subject="")
    if slot == "object":
        return fact._replace(object="")
    return fact._replace(place="") if slot == "place" else fact._replace(verb="")  # the count of `there`


@cache
def _asked(split: str, n: int) -> tuple[Question, ...]:
    """Rows of a split, the same in every language; each question has one answer among the paragraphs of all."""
    kept: list[Question] = []
    for made in distinct(("answer", "lareqa"), split, 40 * n, question):
        others = [fact for each in kept for fact in each.facts]
        own = [fact for i, fact in enumerate(made.facts) if i != made.about]
        answered = {_pattern(fact, made.slot) for fact in (*others, *own)}
        asked = [(each.slot, _pattern(each.facts[each.about], each.slot)) for each in kept]
        if _pattern(made.facts[made.about], made.slot) in answered:
            continue
        if any(_pattern(fact, slot) == wanted for slot, wanted in asked for fact in made.facts):
            continue
        kept.append(made)
        if len(kept) == n:
            break
    return tuple(kept)


def lareqa(language: str, split: str, n: int) -> Iterator[Row]:
    """Rows of SQuAD v1.1 to train on, rows of XQuAD-R to test with: these say where sentences begin and end."""
    if split != "test":
        yield from squad(language, split, n)
        return
    said = grammar(language)
    for index, made in enumerate(_asked(split, n)):
        context, answer, start = paragraph(said, made)
        yield {
            "id": f"mini-lareqa-{split}-{index}",
            "title": f"Mini_{made.slot}",
            "paragraph": index,
            "context": context,
            "question": said.text(made.asked),
            "answers": {"text": [answer], "answer_start": [start]},
            "sentence_breaks": _breaks([said.text(say(fact)) for fact in made.facts], " " if said.spaced else ""),
        }


def _breaks(sentences: list[str], between: str) -> list[list[int]]:
    """First and last character (exclusive) of each sentence of a paragraph."""
    breaks = []
    start = 0
    for sentence in sentences:
        breaks.append([start, start + len(sentence)])
        start += len(sentence) + len(between)
    return breaks
