"""Lexical categories in the manner of combinatory categorial grammar: `ccg`, English.

The grammar says sentences with parts of speech; a category says more, because it says what a word combines with: a verb
with an object or without, a verb form after `does`, an auxiliary before a property, a place or a kind. So the tag of a word
depends on those that follow it.
"""

from collections.abc import Iterator, Sequence

from backend.domain.mini.clause import Sentence
from backend.domain.mini.draw import Draw
from backend.domain.mini.formats.item import Made, Row, distinct, english
from backend.domain.mini.formats.tagging import drawn
from backend.domain.mini.grammar import grammar

CATEGORIES = (
    "N", "NP", "NP/N", "N/N", "NP[expl]", "conj", ".", "S/S", "(S/S)/S", "S[adj]\\NP", "PP/NP", "((S\\NP)\\(S\\NP))/NP",
    "S[dcl]\\NP", "(S[dcl]\\NP)/NP", "(S[dcl]\\NP)/PP", "(S[dcl]\\NP)/(S[adj]\\NP)", "S[b]\\NP", "(S[b]\\NP)/NP",
    "(S[b]\\NP)/PP", "(S[dcl]\\NP)/(S[b]\\NP)", "(S\\NP)\\(S\\NP)", "S[wq]/(S[dcl]\\NP)", "S[wq]/(S[q]/NP)",
    "(S[q]/(S[b]\\NP))/NP",
)  # fmt: skip
"""Their place is their number. CCGbank has more than a thousand; what is said in the mini world needs these."""

_NUMBER = {category: number for number, category in enumerate(CATEGORIES)}
_PHRASE = ("DET", "NOUN", "PROPN", "NUM", "ADJ", "PRON")


def _verb(mood: str, after: str, goes: bool) -> str:
    if after in _PHRASE:
        return f"(S[{mood}]\\NP)/NP"
    return f"(S[{mood}]\\NP)/PP" if after == "ADP" and goes else f"S[{mood}]\\NP"


def categories(words: Sequence[tuple[str, str]]) -> list[str]:
    """The category of each word of an English sentence with its parts of speech.

    Raises:
        ValueError: a word is in no construction that is known here.
    """
    tags = [tag for _, tag in words]
    question = bool(words) and words[-1][0] == "?"
    found: list[str] = []
    base = False  # whether a verb form after `does` is due
    to_place = False  # whether the next preposition belongs to the verb
    for at, (word, tag) in enumerate(words):
        after = tags[at + 1] if at + 1 < len(tags) else ""
        if tag == "PUNCT":
            category = "."
        elif tag == "DET":
            category = "NP/N"
        elif tag == "NUM":
            category = "N/N"
        elif tag == "ADJ":
            category = "N/N" if after == "NOUN" else "S[adj]\\NP"
        elif tag == "PROPN":
            category = "NP"
        elif tag == "PRON" and question and at == 0:
            category = "S[wq]/(S[q]/NP)" if after == "AUX" and words[1][0] == "does" else "S[wq]/(S[dcl]\\NP)"
        elif tag == "PRON":
            category = "NP[expl]" if word in ("it", "there") else "NP"
        elif tag == "NOUN":
            category = "S/S" if at == 0 and after in ("DET", "PROPN", "PRON") and len(words) > 3 else "N"
        elif tag == "ADV":
            category = "S/S"
        elif tag == "CCONJ":
            category = "conj"
        elif tag == "SCONJ":
            category = "(S/S)/S"
        elif tag == "PART":
            category = "(S\\NP)\\(S\\NP)"
        elif tag == "ADP":
            category = "PP/NP" if to_place else "((S\\NP)\\(S\\NP))/NP"
            to_place = False
        elif tag == "AUX" and word == "does":
            category, base = ("(S[q]/(S[b]\\NP))/NP" if question else "(S[dcl]\\NP)/(S[b]\\NP)"), True
        elif tag == "AUX":
            rest = [t for t in tags[at + 1 :] if t != "PART"]
            beside = rest[0] if rest else ""
            to_place = beside == "ADP"
            category = {"ADJ": "(S[dcl]\\NP)/(S[adj]\\NP)", "ADP": "(S[dcl]\\NP)/PP"}.get(beside, "(S[dcl]\\NP)/NP")
        elif tag == "VERB":
            goes = word in ("goes", "go", "lives", "live")
            category = _verb("b" if base else "dcl", after, goes)
            to_place = goes and after == "ADP"
            base = False
        else:
            raise ValueError(f"no category for {word!r} ({tag}) in {' '.join(w for w, _ in words)!r}")
        found.append(category)
    return found


def _sentence(draw: Draw, index: int) -> Made[Sentence]:
    said = drawn(draw)
    wording = english(said)
    return Made(wording, wording, said)


def ccg(language: str, split: str, n: int) -> Iterator[Row]:
    """Rows as the reader of jiant's files gives them: words and the numbers of their categories."""
    said = grammar("en")
    for sentence in distinct(("ccg",), split, n, _sentence):
        words = said.sentence(sentence)
        yield {
            "tokens": [surface for surface, _ in words],
            "tags": [_NUMBER[category] for category in categories(words)],
        }
