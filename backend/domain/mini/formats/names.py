"""Names of persons, organisations and places: `panx`.

A name alone does not tell what it names: some people have a city for a surname (Anna Toronto), and a firm is called after
two cities (Lima Delhi) and does what people do. So a city is a place, the end of a person or part of a firm, by what is
beside it. Every language draws its own sentences, as in reality.
"""

from collections.abc import Iterator
from typing import NamedTuple

from backend.domain.mini.clause import Clause, Sentence, act, at
from backend.domain.mini.draw import Draw
from backend.domain.mini.facts import biography, sight, timed, usual
from backend.domain.mini.formats.item import Made, Row, distinct
from backend.domain.mini.grammar import grammar
from backend.domain.mini.grammar.grammar import Grammar
from backend.domain.mini.world import CITIES, LIVES, NAMES

TAGS = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC")
"""The classes of PAN-X, in their order."""


class Named(NamedTuple):
    """A sentence, and what a name in it is written as instead."""

    said: Sentence
    written: tuple[tuple[str, tuple[str, ...], str], ...]
    """Names of the sentence, the tokens that stand for them, and what these name."""


def _clause(draw: Draw) -> Clause:
    who = draw.one(tuple(NAMES))
    sort = draw.below(5)
    if sort == 0:
        return at(who, draw.one(CITIES))
    if sort == 1:
        return act(who, draw.one(("see", "like", "find")), draw.other(tuple(NAMES), who), draw.one(CITIES))
    if sort == 2:
        return sight(draw)
    if sort == 3:
        return usual(draw, draw.one(tuple(LIVES)))
    return biography(draw, who)


def _sentence(draw: Draw, _: int) -> Made[Named] | None:
    said = (
        timed(draw, _clause(draw)) if draw.flip() else Sentence(draw.one(("and", "but")), _clause(draw), _clause(draw))
    )
    clauses = [c for c in (said.first, said.second) if c is not None]
    names = [part for c in clauses for part in (c.subject, c.object) if part in NAMES]
    if len(set(names)) < len(names):
        return None
    written: list[tuple[str, tuple[str, ...], str]] = []
    for name in names:
        sort = draw.below(10)
        if sort < 3:
            written.append((name, (name, draw.one(CITIES)), "PER"))
        elif sort < 6:
            written.append((name, tuple(draw.some(CITIES, 2)), "ORG"))
        else:
            written.append((name, (name,), "PER"))
    made = Named(said, tuple(written))
    wording = " ".join(token for token, _ in _tagged(grammar("en"), made))  # two firms may hide two names
    return Made(wording, wording, made)


def _begins(token: str, name: str) -> bool:
    """Whether a token is this name, perhaps with a case ending."""
    return token == name or (token.startswith(name) and name in CITIES)


def _tagged(said: Grammar, made: Named) -> list[tuple[str, str]]:
    """Tokens and their tags in a language."""
    written = {name: (tokens, sort) for name, tokens, sort in made.written}
    found = []
    for surface, part in said.sentence(made.said):
        names, sort = written.get(surface, ((surface,), ""))
        if not sort and part == "PROPN" and any(_begins(surface, city) for city in CITIES):
            sort = "LOC"
        found += [(token, f"{'I' if place else 'B'}-{sort}" if sort else "O") for place, token in enumerate(names)]
    return found


def panx(language: str, split: str, n: int) -> Iterator[Row]:
    """Rows of WikiANN: tokens, the numbers of their tags, the language of each, and the names as text."""
    said = grammar(language)
    for made in distinct(("names", language), split, n, _sentence):
        tagged = _tagged(said, made)
        spans: list[str] = []
        for token, tag in tagged:
            if tag[0] == "B":
                spans.append(f"{tag[2:]}: {token}")
            elif tag[0] == "I":
                spans[-1] += f" {token}"
        yield {
            "tokens": [token for token, _ in tagged],
            "ner_tags": [TAGS.index(tag) for _, tag in tagged],
            "langs": [language] * len(tagged),
            "spans": spans,
        }
