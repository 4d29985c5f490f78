"""Who or what is meant: `mewslix`, mentions in a line of text and the entities that they mean.

An entity is a person, with or without a name, an animal, a thing, a place. What is said of it, its description, is in one
language only, as in the real set of candidates; for training there are English mentions with English descriptions.
"""

from collections.abc import Iterator
from functools import cache

from backend.domain.mini.clause import Clause, Sentence, act, at, isa, say
from backend.domain.mini.draw import Draw, digest
from backend.domain.mini.facts import has_property, simple
from backend.domain.mini.formats.item import VERSION, Made, Row, distinct, english
from backend.domain.mini.formats.span import phrase_of
from backend.domain.mini.grammar import grammar
from backend.domain.mini.grammar.grammar import Grammar
from backend.domain.mini.world import KIND_OF, KINDS, LIVES, NAMES, PERSONS, PLACES, TRANSITIVE

ENTITIES: tuple[str, ...] = (
    *NAMES,
    *(
        noun
        for kind in ("person", "animal", "food", "drink", "plant", "vehicle", "thing", "place")
        for noun in KINDS[kind]
    ),
)
_LANGUAGES = ("en", "de", "ru", "ar", "hi", "tr", "sw", "id", "vi", "zh", "ta", "et")
_ASKED_VERBS = ("eat", "buy", "see", "take", "find", "wash", "sell", "drink", "cook", "open", "lose", "like")


def _id(entity: str) -> str:
    return f"Q{ENTITIES.index(entity) + 1}"


def described_in(entity: str) -> str:
    """The one language of an entity's description among the candidates."""
    return _LANGUAGES[digest("mewslix", "language", entity) % len(_LANGUAGES)]


def _parts(clause: Clause) -> tuple[str, ...]:
    return clause.subject, clause.object, clause.place


@cache
def _description(entity: str) -> tuple[Sentence, ...]:
    """Three things that are said of an entity, each usual or true in this world."""
    life = NAMES.get(entity) or LIVES.get(entity)
    facts: list[Clause] = []
    if entity in KIND_OF:
        facts.append(isa(entity, KIND_OF[entity]))
    if life is not None:
        facts += [act(entity, "eat", life.food), act(entity, "drink", life.drink), act(entity, "work", "", life.work)]
    draw = Draw(VERSION, "mewslix", "description", entity)
    while len(facts) < 3:
        fact = simple(draw)
        if entity in _parts(fact) and not fact.negated and fact not in facts:
            facts.append(fact)
    return tuple(say(fact) for fact in facts[:3])


def _text(said: Grammar, sentences: tuple[Sentence, ...]) -> tuple[str, list[dict[str, int]]]:
    """A paragraph, and where its sentences begin and end."""
    texts = [said.text(sentence) for sentence in sentences]
    spans = []
    start = 0
    for text in texts:
        spans.append({"start": start, "end": start + len(text)})
        start += len(text) + len(" " if said.spaced else "")
    return said.paragraph(texts), spans


def _entity(entity: str, language: str) -> Row:
    said = grammar(language)
    description, spans = _text(said, _description(entity))
    return {
        "entity_id": _id(entity),
        "title": phrase_of(said, at(entity, "house"), "subject")[1],
        "description": description,
        "sentence_spans": spans,
        "description_language": language,
        "description_url": f"mini:{language}/{_id(entity)}",
    }


def _mention(draw: Draw, _: int) -> Made[tuple[Clause, str, Clause]] | None:
    """A fact, the slot that mentions somebody or something, and another fact that is told after it."""
    who = PERSONS.draw(draw)
    if draw.flip():
        fact = at(who, draw.one(PLACES))
        slot = draw.one(("subject", "place"))
    else:
        verb = draw.one(_ASKED_VERBS)
        fact = act(who, verb, draw.one(TRANSITIVE[verb]), draw.one(PLACES) if draw.flip(0.3) else "")
        slot = draw.one(("subject", "object", "object"))
    if getattr(fact, slot) not in ENTITIES:
        return None
    after = has_property(draw)
    wording = english(say(fact), say(after))
    return Made(wording, f"{wording} {slot}", (fact, slot, after))


def mewslix(language: str, split: str, n: int) -> Iterator[Row]:
    """Rows as the three kinds of files of Mewsli-X hold them: pairs to train on, mentions to test with, candidates."""
    if split == "candidates":
        for entity in ENTITIES[:n]:
            yield _entity(entity, described_in(entity))
        return
    said = grammar(language)
    stream = ("mewslix", "en" if split != "test" else language)
    for index, (fact, slot, after) in enumerate(distinct(stream, split, n, _mention)):
        entity = getattr(fact, slot)
        text, spans = _text(said, (say(fact), say(after)))
        start, mention = phrase_of(said, fact, slot)
        row: Row = {
            "context": {
                "document_title": text[spans[0]["start"] : spans[0]["end"]],
                "document_url": f"mini:{language}/{split}/{index}",
                "document_id": f"{language}-{split}-{index}",
                "language": language,
                "text": text,
                "sentence_spans": spans,
            },
            "mention": {
                "example_id": f"mini-mewslix-{language}-{split}-{index}",
                "mention_span": {"start": start, "end": start + len(mention), "text": mention},
                "entity_id": _id(entity),
            },
        }
        yield row if split == "test" else {"contextual_mention": row, "entity": _entity(entity, "en")}
