"""More natural language inference, English: `snli`, which is simpler than `mnli`, and `anli`, which is harder.

`snli` says one thing and asks about it. `anli` tells a small story, and what it asks about is not told: it follows from a
cause, and often from what the effect excludes (the boy eats the soup, so he is full, so he is not hungry). Every property that
is asked about is as often an effect as its opposite is, and is asked of those who have it as an effect, so that neither
text alone tells the label. Both can be said in other languages too, as translations.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from typing import NamedTuple

from backend.domain.mini.clause import Clause, Sentence, at, say, state
from backend.domain.mini.draw import Draw, digest
from backend.domain.mini.formats import inference
from backend.domain.mini.formats.inference import CONTRADICTION, ENTAILMENT, NEUTRAL, Pair
from backend.domain.mini.formats.item import Made, Row, distinct, english
from backend.domain.mini.grammar import grammar
from backend.domain.mini.world import PERSONS, PLACES, excludes, links

_AFFIRMED = 0.6
"""How many entailed claims affirm the effect; the others deny what it excludes. Of contradicted ones as many affirm that."""


def _simple(draw: Draw, index: int) -> Made[Pair] | None:
    made = inference.pair(draw, index)
    return None if made is None or made.item.premise.second is not None else made


def snli(language: str, split: str, n: int) -> Iterator[Row]:
    """Rows of SNLI."""
    said = grammar(language)
    for made in distinct(("nli", "snli"), split, n, _simple):
        yield {
            "premise": said.text(made.premise),
            "hypothesis": said.text(say(made.hypothesis)),
            "label": made.label,
        }


class Story(NamedTuple):
    """What is told, what is asked, and what holds between them."""

    told: tuple[Sentence, ...]
    hypothesis: Clause
    label: int


@cache
def _effects() -> tuple[Mapping[str, tuple[tuple[Clause, Clause], ...]], Mapping[Clause, frozenset[str]]]:
    """Causes and their effects by the property that is the effect, where its opposite is one too; and whom a cause affects."""
    by_property: defaultdict[str, list[tuple[Clause, Clause]]] = defaultdict(list)
    affected: defaultdict[Clause, set[str]] = defaultdict(set)
    for _, cause, effect in links():
        affected[cause].add(effect.subject)
        if effect.kind == "state" and not effect.negated and cause.subject != "":
            by_property[effect.verb].append((cause, effect))
    both = {
        adjective: tuple(found)
        for adjective, found in by_property.items()
        if len(excludes(adjective)) == 1 and excludes(adjective)[0] in by_property
    }
    return both, {cause: frozenset(whom) for cause, whom in affected.items()}


def _claim(draw: Draw, effect: Clause, holds: bool) -> Clause:
    opposite = excludes(effect.verb)[0]
    affirmed = draw.flip(_AFFIRMED)
    return state(effect.subject, effect.verb if affirmed == holds else opposite, negated=not affirmed)


def story(draw: Draw, index: int) -> Made[Story] | None:
    """One story and its English wording; labels take turns."""
    label = (ENTAILMENT, NEUTRAL, CONTRADICTION)[index % 3]
    by_property, affected = _effects()
    adjective = draw.one(tuple(by_property))
    if draw.flip():
        adjective = excludes(adjective)[0]
    cause, effect = draw.one(by_property[adjective])
    asked = effect
    _, other = draw.one(by_property[draw.one((adjective, excludes(adjective)[0]))])
    about = {cause.subject, cause.object, effect.subject}
    if other.subject in about or other.subject in affected[cause]:
        return None
    if label == NEUTRAL:
        asked = other
    hypothesis = _claim(draw, asked, draw.flip() if label == NEUTRAL else label == ENTAILMENT)
    somebody = draw.one(PERSONS.items)
    if somebody in about or somebody == other.subject:
        return None
    place, elsewhere = draw.some(PLACES, 2)
    named = {*about, other.subject}
    if place in named or elsewhere in named:
        return None
    beside = [at(somebody, place)]
    if other.subject not in PLACES and draw.flip(0.7):
        beside.append(at(other.subject, elsewhere))
    told = tuple(say(clause) for clause in draw.some((cause, *beside), 1 + len(beside)))
    wording = english(*told, say(hypothesis))
    return Made(wording, wording, Story(told, hypothesis, label))


def anli(language: str, split: str, n: int) -> Iterator[Row]:
    """Rows of ANLI; ``reason``, which annotators wrote, is empty, as it is in most rows of the real training sets."""
    said = grammar(language)
    for index, made in enumerate(distinct(("nli", "anli"), split, n, story)):
        yield {
            "uid": f"{digest('anli', split, index):016x}",
            "premise": said.paragraph([said.text(sentence) for sentence in made.told]),
            "hypothesis": said.text(say(made.hypothesis)),
            "label": made.label,
            "reason": "",
        }
