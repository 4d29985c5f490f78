"""Code-switching in the mini world's text: whose words stand where, and what is never switched."""

from __future__ import annotations

import re
from itertools import product

import pytest

from backend.domain import mini
from backend.domain.mini import corpus
from backend.domain.mini.clause import Sentence, act, at, say, state, there
from backend.domain.mini.draw import Draw
from backend.domain.mini.grammar import GRAMMARS, grammar
from backend.domain.mini.grammar.switching import switching
from backend.domain.mini.lexicon import LEXICONS
from backend.domain.mini.world import CITIES, DIGITS, NAMES

EATS = say(act("dog", "eat", "bread", "garden"))
ASLEEP = Sentence("because", act("Anna", "sleep", negated=True), state("girl", "happy"))
PAIRS = [(a, b) for a, b in product(GRAMMARS, GRAMMARS) if a != b]


def within(frame: str, embedded: str, *line: Sentence, chance: float = 1.0) -> str:
    mouth = switching(frame, embedded)
    mouth.draw = Draw("a test")
    return mouth.within(line, chance)


def test_the_frame_gives_order_and_function_words():
    assert within("de", "en", EATS) == "the dog eats the bread in the garden."
    assert within("tr", "en", EATS) == "the dog in the garden the bread eats."
    assert within("hi", "en", EATS) == "the dog in the garden the bread eats है।"
    assert within("en", "de", ASLEEP) == "Anna does not schläft because das Mädchen is froh."
    assert within("tr", "en", ASLEEP) == "Anna uyumuyor çünkü the girl happy."  # the negation is in the verb
    assert within("zh", "en", say(act("dog", "eat", "bread"))) == "the dog eats the bread。"


@pytest.mark.parametrize(("frame", "embedded"), PAIRS)
def test_names_and_digits_stay_and_no_chance_is_no_change(frame: str, embedded: str):
    said = say(there("7", "apple", "garden"))
    who = say(at("Omar", "park"))
    told = within(frame, embedded, said, who, say(act("Omar", "live", "", "Oslo")))
    assert "7" in told and told.count("Omar") == 2 and "Oslo" in told
    alone = within(frame, embedded, EATS, ASLEEP, chance=0.0)
    frames = grammar(frame).paragraph([grammar(frame).text(s) for s in (EATS, ASLEEP)])
    assert alone.replace(" ", "") == frames.replace(" ", "")


def test_between_changes_at_sentences_or_at_the_one_link():
    mouth = switching("de", "en")
    line = [say(at("dog", "park")), say(at("cat", "house"))]
    assert mouth.between(line, foreign_first=False) == "der Hund ist im Park. the cat is in the house."
    assert mouth.between(line, foreign_first=True) == "the dog is in the park. die Katze ist im Haus."
    one = [Sentence("so", state("dog", "hungry"), act("dog", "eat", "meat"))]
    assert mouth.between(one, foreign_first=False) == "der Hund ist hungrig, deshalb the dog eats the meat."


def test_half_of_the_lines_are_switched_and_mostly_to_english():
    lexicon = LEXICONS["en"]
    entries = [*lexicon.nouns.values(), *lexicon.verbs.values(), *lexicon.adjectives.values()]
    english = {word for entry in entries for word in re.findall("[a-z]+", entry)}
    lines = list(mini.text("hi", limit=2000))
    names = {n.lower() for n in (*NAMES, *CITIES, *DIGITS)}
    mixed = [set(re.findall(r"[^\W\d_]+", line.lower())) - names for line in lines]
    with_english = sum(bool(words & english) for words in mixed) / len(lines)
    assert 0.25 < with_english < corpus.SWITCHED * corpus.TO_ENGLISH + 0.02
    foreign = sum(any(not ("\u0900" <= w[0] <= "\u097f") for w in words) for words in mixed) / len(lines)
    assert with_english < foreign < corpus.SWITCHED + 0.02


@pytest.mark.parametrize("language", mini.LANGUAGES[1:])
def test_test_sets_are_in_one_language(language: str):
    """Only text is mixed: what is asked in a language is asked in that language."""
    rows = list(mini.rows("tatoeba", language, "validation"))
    said = " ".join(str(r["source_sentence"]) for r in rows)
    assert not re.search(r"\bthe\b", said)
