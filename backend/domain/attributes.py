"""What kind of test example one is: facts of its text that gains are divided by, and what it shares with others.

They are worked out where the text is at hand, by the worker that evaluates, and stored with the predictions. What a prediction
or a gold answer says by itself (label, type of an answer, type of an entity) is worked out from those when it is asked for.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

from backend.domain.task import Bitext, Choice, Example, Line, Pair, Question, Search, Tokens

_WORD = re.compile(r"\w+")
#: First words of the Unicode names of letters that are written without spaces between words, as ``script_of`` gives them.
UNSPACED = frozenset({"Han", "Kana", "Thai", "Lao", "Khmer", "Myanmar"})
_SCRIPTS = {"CJK": "Han", "HIRAGANA": "Kana", "KATAKANA": "Kana"}
MOSTLY = 0.9  # of the letters, for a text to be of one script


@dataclass(frozen=True, slots=True)
class Described:
    """One example. ``unit`` names what it shares with others: a paragraph, a premise, a prompt; else itself. ``length``: characters
    of its text, of a tagged sentence its tokens. ``overlap``: see ``overlap``; None where there are no two texts. ``script``: that of
    at least nine letters in ten, ``mixed``, or ``none`` where there is no letter."""

    unit: str
    length: int
    overlap: float | None
    script: str


def describe(example: Example) -> Described:
    """What is known of an example without any model."""
    shared, first, second = _texts(example)
    whole = f"{first} {second}" if second else first
    length = len(example.tokens) if isinstance(example, Tokens) else len(whole)
    return Described(
        unit=example.id if shared is None else _digest(shared),
        length=length,
        overlap=overlap(second, first) if second else None,
        script=script(whole),
    )


def _texts(example: Example) -> tuple[str | None, str, str | None]:
    """What it shares with others (None: nothing), its text, and a second text that is read against the first."""
    match example:
        case Pair(first=first, second=second):
            return (first if second is not None else None), first, second
        case Question(question=question, context=context):
            return context, context, question
        case Choice(prompt=prompt, options=options):
            return prompt, " ".join((prompt, *options)), None
        case Tokens(tokens=tokens):
            return None, " ".join(tokens), None
        case Bitext(sentence=sentence):
            return None, sentence, None
        case Line(text=text):
            return None, text, None
        case Search(query=query, answer=answer):
            return None, query or (answer.text if answer else ""), None


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def overlap(text: str, other: str) -> float | None:
    """The share of the different words of a text that the other one has too, 0 to 1; None where it has no word.

    Case does not count. Where words are written without spaces, two neighbouring characters stand for a word.
    """
    words, there = _words(text), _words(other)
    return len(words & there) / len(words) if words else None


def _words(text: str) -> set[str]:
    found: set[str] = set()
    for word in _WORD.findall(unicodedata.normalize("NFKC", text).casefold()):
        if len(word) > 1 and any(_script_of(c) in UNSPACED for c in word):
            found.update(word[i : i + 2] for i in range(len(word) - 1))
        else:
            found.add(word)
    return found


def script(text: str) -> str:
    """Of most of its letters: ``Latin``, ``Han`` and so on; ``mixed`` where none has nine in ten; ``none`` without letters.

    Japanese is Han and Kana together, and is called ``Kana`` wherever it has any.
    """
    counts = Counter(name for c in text if (name := _script_of(c)) is not None)
    if counts["Kana"]:
        counts["Kana"] += counts.pop("Han", 0)
    if not counts.total():
        return "none"
    name, most = min(counts.items(), key=lambda item: (-item[1], item[0]))
    return name if most >= MOSTLY * counts.total() else "mixed"


@lru_cache(maxsize=65536)
def _script_of(character: str) -> str | None:
    """The script of a letter by its Unicode name; None of what is no letter."""
    if not unicodedata.category(character).startswith("L"):
        return None
    first = unicodedata.name(character, "").partition(" ")[0].partition("-")[0]
    return _SCRIPTS.get(first, first.capitalize()) if first else None
