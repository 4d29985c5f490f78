"""Words with their parts of speech: `udpos`.

Sentences of the same sorts as the pretraining text, each language drawing its own, tagged by the grammar that said them.
"""

from collections.abc import Iterator

from backend.domain.mini.clause import Sentence, say
from backend.domain.mini.draw import Draw
from backend.domain.mini.facts import belongs, contrast, exclusion, person_acts, simple, timed
from backend.domain.mini.formats.item import Made, Row, distinct, english
from backend.domain.mini.grammar import grammar

TAGS = ("ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM", "PART", "PRON", "PROPN", "PUNCT", "SCONJ", "SYM",
        "VERB", "X")  # fmt: skip
"""The classes of `google/xtreme` udpos, in their order."""

_NUMBER = {tag: number for number, tag in enumerate(TAGS)}


def drawn(draw: Draw) -> Sentence:
    """A sentence of one of the sorts that the pretraining text has."""
    sort = draw.unit()
    if sort < 0.5:
        said = timed(draw, simple(draw))
    elif sort < 0.62:
        said = Sentence(draw.one(("and", "but")), simple(draw), simple(draw))
    elif sort < 0.74:
        said = contrast(draw)
    elif sort < 0.84:
        said = exclusion(draw)
    elif sort < 0.9:
        said = say(belongs(draw))
    else:
        clause = person_acts(draw)
        slot = "object" if clause.object and "*" not in clause.object and draw.flip() else "subject"
        said = Sentence(f"ask:{slot}", clause)
    return said


def _sentence(draw: Draw, _: int) -> Made[Sentence]:
    said = drawn(draw)
    wording = english(said)
    return Made(wording, wording, said)


def udpos(language: str, split: str, n: int) -> Iterator[Row]:
    """Rows of XTREME's POS: tokens and the numbers of their tags."""
    said = grammar(language)
    for sentence in distinct(("udpos", language), split, n, _sentence):
        words = said.sentence(sentence)
        yield {"tokens": [surface for surface, _ in words], "pos_tags": [_NUMBER[tag] for _, tag in words]}
