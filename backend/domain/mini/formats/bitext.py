"""Sentences and their translations: `tatoeba`.

Every language has its own English sentences, as in reality. No two sentences of a language have the same content words,
so each has exactly one translation in the pool.
"""

from collections.abc import Iterator

from backend.domain.mini.clause import Clause, Sentence
from backend.domain.mini.draw import Draw
from backend.domain.mini.facts import contrast, is_somewhere, person_acts, simple, timed
from backend.domain.mini.formats.item import Made, Row, distinct, english
from backend.domain.mini.grammar import grammar


def _content(clause: Clause | None) -> tuple[str, ...]:
    return () if clause is None else tuple(part for part in clause[1:5] if part and isinstance(part, str))


def _sentence(draw: Draw, _: int) -> Made[Sentence]:
    sort = draw.unit()
    if sort < 0.4:
        said = timed(draw, simple(draw))
    elif sort < 0.6:
        said = Sentence("and", person_acts(draw), is_somewhere(draw))
    elif sort < 0.8:
        said = Sentence("because", simple(draw), simple(draw))
    else:
        said = contrast(draw)
    wording = english(said)
    return Made(wording, wording, said)


def tatoeba(language: str, split: str, n: int) -> Iterator[Row]:
    """Rows of Tatoeba: the other language is the source, English the target."""
    said, target = grammar(language), grammar("en")
    for sentence in translatable(("tatoeba", language), split, n):
        yield {
            "source_sentence": said.text(sentence),
            "target_sentence": target.text(sentence),
            "source_lang": language,
            "target_lang": "en",
        }


def translatable(name: tuple[str, ...], split: str, n: int) -> Iterator[Sentence]:
    """n sentences, no two of the same content words."""
    seen: set[frozenset[str]] = set()
    for sentence in distinct(name, split, 4 * n, _sentence):
        content = frozenset(_content(sentence.first) + _content(sentence.second))
        if len(content) < 2 or content in seen:
            continue
        seen.add(content)
        yield sentence
        if len(seen) == n:
            return
