"""Questions whose answer is a span of a paragraph: `squad`, `xquad`, `mlqa`, `tydiqa` and `squad_v2`.

A paragraph is three or four facts in random order; the question asks for one part of one of them. In about two thirds
another fact is of the same sort, so that a word of the right sort is not enough; in the others the sort tells. `which
animal`, `which food` ask for a member of a kind: the other fact then has a member of another kind in the same place, so the
kinds must be known.

`mlqa` is like `xquad`, with paragraphs of two facts more; `tydiqa` has other questions in each language. In `squad_v2` every
second question has no answer: in each paragraph one fact has given way to a property of whoever it was about, the one that
answers or another, so that neither the paragraph nor the question alone tells.
"""

from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

from backend.domain.language import LANGUAGES
from backend.domain.mini.clause import Clause, Sentence, act, at, say, state, there
from backend.domain.mini.draw import Draw
from backend.domain.mini.facts import has_property
from backend.domain.mini.formats.item import Made, Row, distinct, english
from backend.domain.mini.grammar import Phrase, grammar
from backend.domain.mini.grammar.grammar import Grammar
from backend.domain.mini.world import (
    COUNTED,
    DIGITS,
    INTRANSITIVE,
    KINDS,
    PERSONS,
    PLACES,
    TRANSITIVE,
    is_person,
    properties,
)


class Question(NamedTuple):
    """Facts, the number of the one asked about, the question and the slot that answers it."""

    facts: tuple[Clause, ...]
    about: int
    asked: Sentence
    slot: str


NOWHERE = -1
"""In place of the number of the fact that answers, where none does."""

_UNPERSONAL = (*KINDS["animal"], *KINDS["food"], *KINDS["vehicle"])
_ASKED_VERBS = ("eat", "buy", "see", "take", "find", "wash", "sell", "drink", "cook", "open", "lose", "like")
_KINDS_BOUGHT = {"food": ("bread", "apple", "egg"), "thing": ("book", "bag", "coat"),
                 "vehicle": ("car", "bicycle")}  # fmt: skip
_KINDS_SEEN = ("animal", "food", "plant", "vehicle", "drink")


def _located(draw: Draw) -> Question:
    people = draw.some(PERSONS.items, 3)
    places = draw.some(PLACES, 3)
    if draw.flip(0.3):
        verbs = draw.some(INTRANSITIVE, 3)
        facts = tuple(act(who, verb, "", place) for who, verb, place in zip(people, verbs, places, strict=True))
    else:
        facts = tuple(at(who, place) for who, place in zip(people, places, strict=True))
    slot = draw.one(("place", "subject"))
    return Question(facts, 0, Sentence(f"ask:{slot}", facts[0]), slot)


def _done(draw: Draw) -> Question:
    people = draw.some(PERSONS.items, 3)
    verb = draw.one(_ASKED_VERBS)
    things = draw.some(TRANSITIVE[verb], min(3, len(TRANSITIVE[verb])))
    facts = tuple(act(who, verb, thing) for who, thing in zip(people, things, strict=False))
    slot = draw.one(("object", "subject"))
    return Question(facts, 0, Sentence(f"ask:{slot}", facts[0]), slot)


def _counted(draw: Draw) -> Question:
    noun, other = draw.some(COUNTED, 2)
    places = draw.some(PLACES, 2)
    counts = draw.some(DIGITS, 3)
    facts = (
        there(counts[0], noun, places[0]),
        there(counts[1], noun, places[1]),
        there(counts[2], other, places[0]),
    )
    return Question(facts, 0, Sentence("ask:count", facts[0]), "count")


def _which_here(draw: Draw) -> Question:
    kinds = draw.some(_KINDS_SEEN, 2)
    place, elsewhere = draw.some(PLACES, 2)
    nouns = [draw.one(KINDS[kind]) for kind in kinds]
    another = draw.other(KINDS[kinds[0]], nouns[0])
    facts = (at(nouns[0], place), at(nouns[1], place), at(another, elsewhere))
    return Question(facts, 0, Sentence("ask:subject", at("?" + kinds[0], place)), "subject")


def _which_bought(draw: Draw) -> Question:
    kinds = draw.some(tuple(_KINDS_BOUGHT), 2)
    who, other = draw.some(PERSONS.items, 2)
    bought = [draw.one(_KINDS_BOUGHT[kind]) for kind in kinds]
    another = draw.other(_KINDS_BOUGHT[kinds[0]], bought[0])
    facts = (act(who, "buy", bought[0]), act(who, "buy", bought[1]), act(other, "buy", another))
    return Question(facts, 0, Sentence("ask:object", act(who, "buy", "?" + kinds[0])), "object")


_SORTS = (_located,) * 4 + (_done,) * 4 + (_counted,) * 2 + (_which_here,) * 2 + (_which_bought,)


_OTHER_SORTS: dict[str, Callable[[Draw], Clause]] = {
    "place": lambda draw: act(draw.one(PERSONS.items), "see", draw.one(KINDS["animal"])),
    "subject": lambda draw: at(draw.one(_UNPERSONAL), draw.one(PLACES)),
    "object": lambda draw: at(draw.one(PERSONS.items), draw.one(PLACES)),
    "count": lambda draw: at(draw.one(_UNPERSONAL), draw.one(PLACES)),
}
"""Facts that cannot be mistaken for one that answers with this slot."""


def _told_apart(draw: Draw, made: Question) -> Question | None:
    """The question among facts of other sorts, which its answer cannot be in."""
    asked = made.facts[made.about]
    others = [_OTHER_SORTS[made.slot](draw), has_property(draw)]
    named = [part for fact in (asked, *others) for part in (fact.subject, fact.object, fact.place) if part]
    personal = made.slot == "subject" and is_person(others[1].subject)
    return None if personal or len(set(named)) < len(named) else made._replace(facts=(asked, *others), about=0)


def question(draw: Draw, _: int) -> Made[Question] | None:
    """One row and its English wording."""
    sort = draw.one(_SORTS)
    made = sort(draw)
    if sort in (_located, _done, _counted) and draw.flip(0.4):
        apart = _told_apart(draw, made)
        if apart is None:
            return None
        made = apart
    facts = list(made.facts)
    extra = has_property(draw)
    if draw.flip(0.25) and all(extra.subject not in (fact.subject, fact.object) for fact in facts):
        facts.append(extra)
    order = draw.some(range(len(facts)), len(facts))
    made = Question(tuple(facts[i] for i in order), order.index(made.about), made.asked, made.slot)
    wording = english(*map(say, made.facts), made.asked)
    return Made(wording, wording, made)


def longer(draw: Draw, index: int) -> Made[Question] | None:
    """A question on a paragraph with two properties more, of nobody that it is about."""
    made = question(draw, index)
    if made is None:
        return None
    facts = list(made.item.facts)
    for extra in (has_property(draw), has_property(draw)):
        if any(extra.subject in (fact.subject, fact.object, fact.place) for fact in facts):
            return None
        facts.insert(draw.below(len(facts) + 1), extra)
    asked = made.item.facts[made.item.about]
    item = made.item._replace(facts=tuple(facts), about=facts.index(asked))
    wording = english(*map(say, item.facts), item.asked)
    return Made(wording, wording, item)


def perhaps(draw: Draw, index: int) -> Made[Question] | None:
    """A question that its paragraph answers or, every second time, does not (then ``about`` is NOWHERE)."""
    made = draw.one(_SORTS)(draw)
    lost = made.about if index % 2 else draw.other(range(len(made.facts)), made.about)
    whose = [part for part in (made.facts[lost].subject, made.facts[lost].object) if part and properties(part)]
    if not whose:
        return None
    instead = state(whose[0], draw.one(properties(whose[0])))
    facts = [instead if number == lost else fact for number, fact in enumerate(made.facts)]
    order = draw.some(range(len(facts)), len(facts))
    about = NOWHERE if lost == made.about else order.index(made.about)
    made = Question(tuple(facts[i] for i in order), about, made.asked, made.slot)
    wording = english(*map(say, made.facts), made.asked)
    return Made(wording, wording, made)


@cache
def questions(name: str, split: str, n: int) -> tuple[Question, ...]:
    """The rows of a split, the same in every language."""
    return tuple(distinct(("span", name), split, n, _MAKERS.get(name.partition(" ")[0], question)))


_MAKERS = {"mlqa": longer, "squad_v2": perhaps}


def _answer(said: Grammar, fact: Clause, slot: str) -> Phrase:
    """The nouns, names or number of the part that answers."""
    tags = ("NUM",) if slot == "count" else ("NOUN", "PROPN")
    return tuple(word for word in said.answer(fact, slot) if word[1] in tags)


def phrase_of(said: Grammar, fact: Clause, slot: str) -> tuple[int, str]:
    """Where in its sentence the part of a fact stands that a slot asks for, in characters, and its text."""
    words = said.sentence(say(fact))
    text, starts = said.spell(words)
    wanted = _answer(said, fact, slot)
    at_word = next(i for i in range(len(words)) if words[i : i + len(wanted)] == wanted)
    last = at_word + len(wanted) - 1
    return starts[at_word], text[starts[at_word] : starts[last] + len(words[last][0])]


def paragraph(said: Grammar, made: Question) -> tuple[str, str, int]:
    """The running text, the answer and the number of characters before it."""
    texts: list[str] = []
    start = 0
    answer = ""
    for number, fact in enumerate(made.facts):
        if number == made.about:
            start, answer = phrase_of(said, fact, made.slot)
            start += len(said.paragraph([*texts, ""]))
        texts.append(said.text(say(fact)))
    return said.paragraph(texts), answer, start


def squad(language: str, split: str, n: int) -> Iterator[Row]:
    """Rows of SQuAD v1.1; the title is the sort of thing that is asked for."""
    for made, row in zip(questions("squad", split, n), _rows("squad", language, split, n), strict=True):
        yield {"id": row["id"], "title": f"Mini_{made.slot}", **row}


def xquad(language: str, split: str, n: int) -> Iterator[Row]:
    """Rows of XQuAD: row i means the same in every language."""
    return _rows("xquad", language, "test" if split == "validation" else split, n)


def mlqa(language: str, split: str, n: int) -> Iterator[Row]:
    """Rows of XTREME's MLQA: row i means the same in every language."""
    for row in _rows("mlqa", language, split, n):
        yield {"id": row["id"], "title": "Mini", **row}


def tydiqa(language: str, split: str, n: int) -> Iterator[Row]:
    """Rows of TyDiQA-GoldP: each language has its own questions, and their ids begin with its name."""
    return _named(f"tydiqa {language}", language, split, n)


def tydiqa_translated(language: str, split: str, n: int) -> Iterator[Row]:
    """The English questions of TyDiQA-GoldP in another language."""
    return _named("tydiqa en", language, split, n)


def _named(name: str, language: str, split: str, n: int) -> Iterator[Row]:
    begin = LANGUAGES[language].name.lower()
    for index, row in enumerate(_rows(name, language, split, n)):
        row["id"] = f"{begin}-{split}-{index}"
        yield {"id": row["id"], "title": "Mini", **row}


def squad_v2(language: str, split: str, n: int) -> Iterator[Row]:
    """Rows of SQuAD v2.0: no answer is two empty lists."""
    for row in _rows("squad_v2", language, split, n):
        yield {"id": row["id"], "title": "Mini", **row}


def _rows(name: str, language: str, split: str, n: int) -> Iterator[Row]:
    said = grammar(language)
    for index, made in enumerate(questions(name, split, n)):
        context, answer, start = paragraph(said, made)
        yield {
            "id": f"mini-{name}-{split}-{index}",
            "context": context,
            "question": said.text(made.asked),
            "answers": {"text": [answer], "answer_start": [start]} if answer else {"text": [], "answer_start": []},
        }
