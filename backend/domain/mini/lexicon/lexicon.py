"""The shape of a lexicon: concept -> surface forms, as plain strings.

Forms are separated by `|`; what each place means is said at the top of every language's file. A form may have several
words. A word may carry its tag (`it/PRON rains/VERB`); without one it has the tag of its section (NOUN, VERB, ADJ, or
for `words` the one in `WORD_TAGS`). `_` is a space inside a word (Vietnamese writes its syllables apart). An entry
`verb:noun` or `adjective:noun` holds for that subject or object only.
"""

from collections.abc import Mapping
from dataclasses import dataclass

WORD_TAGS: Mapping[str, str] = {
    "not": "PART", "because": "SCONJ", "so": "ADV", "then": "ADV", "but": "CCONJ", "and": "CCONJ", "every": "DET",
    "he": "PRON", "she": "PRON", "it": "PRON", "who": "PRON", "what": "PRON", "where": "ADV", "today": "ADV",
    "now": "ADV", "morning": "ADV", "evening": "ADV", "how many": "DET", "be": "AUX", ",": "PUNCT", ".": "PUNCT",
    "?": "PUNCT",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Lexicon:
    """All words of one language."""

    nouns: Mapping[str, str]
    """Everything that can be a subject or an object; kinds and places too."""
    places: Mapping[str, str]
    """in the place | to the place"""
    verbs: Mapping[str, str]
    adjectives: Mapping[str, str]
    weather: Mapping[str, str]
    """Whole clauses."""
    predicates: Mapping[str, str]
    """Kinds as one says them after `is`: an animal."""
    which: Mapping[str, str]
    """which animal, as a subject | as an object if it differs"""
    words: Mapping[str, str]
    """Function words, pronouns, question words, times; `so`, `but`, `because` may begin with a comma."""


def parse(form: str, tag: str) -> tuple[tuple[str, str], ...]:
    """The tagged words of a form."""
    words = []
    for word in form.split():
        surface, slash, own = word.rpartition("/")
        if not slash:
            surface, own = word, tag
        if surface in (",", "，", "،"):
            own = "PUNCT"
        words.append((surface.replace("_", " "), own))
    return tuple(words)
