"""The mini world's words: every concept has one in every language, and the grammars say them as they should."""

from __future__ import annotations

import pytest

from backend.domain import mini
from backend.domain.mini import world
from backend.domain.mini.clause import Clause, Sentence, act, at, isa, say, state, there, weather
from backend.domain.mini.draw import Draw
from backend.domain.mini.facts import simple
from backend.domain.mini.grammar import grammar
from backend.domain.mini.lexicon import LEXICONS


@pytest.mark.parametrize("language", mini.LANGUAGES)
def test_every_concept_has_a_word(language: str):
    lexicon = LEXICONS[language]
    kinds = set(world.KINDS)
    nouns = {*world.KIND_OF, *world.THINGS, *kinds} - {*world.COLOURS, "colour"}
    assert set(lexicon.nouns) == nouns
    assert set(lexicon.places) == set(world.PLACES)
    assert {verb for verb in lexicon.verbs if ":" not in verb} == set(world.VERBS)
    assert set(lexicon.adjectives) == set(world.ADJECTIVES)
    assert set(lexicon.weather) == set(world.WEATHER)
    assert set(lexicon.predicates) == kinds


DECLARED: dict[str, set[frozenset[str]]] = {}
"""Concepts of one section that share their first form, on purpose."""


@pytest.mark.parametrize("language", mini.LANGUAGES)
def test_no_two_concepts_are_the_same_word(language: str):
    lexicon = LEXICONS[language]
    for section in (lexicon.nouns, lexicon.verbs, lexicon.adjectives):
        meant: dict[str, set[str]] = {}
        for concept, entry in section.items():
            if ":" not in concept:
                meant.setdefault(entry.split("|")[0], set()).add(concept)
        shared = {frozenset(concepts) for concepts in meant.values() if len(concepts) > 1}
        assert shared <= DECLARED.get(language, set())


def test_there_are_few_words():
    """So that a tiny vocabulary holds nearly all of them whole."""
    forms: set[str] = set()
    for language in mini.LANGUAGES:
        said = grammar(language)
        draw = Draw("forms", language)
        for _ in range(800):
            forms.update(token for token, _ in said.sentence(some_sentence(draw)))
    assert 1200 < len(forms) < 2700


def some_sentence(draw: Draw) -> Sentence:
    return say(simple(draw))


def test_causes_and_scripts_are_enough():
    assert len(world.SCHEMAS) >= 40
    assert len({(schema.cause, schema.effect) for schema in world.SCHEMAS}) >= 40
    assert all(3 <= len(script.steps) <= 5 for script in world.SCRIPTS)
    causes = {cause for _, cause, _ in world.links()}
    assert weather("rain") in causes and state("Anna", "hungry") in causes


def test_the_notation_of_causes():
    assert world.bind("X -eat", {"X": "dog"}) == act("dog", "eat", negated=True)
    assert world.bind("X go school", {"X": "Anna"}) == act("Anna", "go", "", "school")
    assert world.bind("T is -wet", {"T": "cup"}) == state("cup", "wet", negated=True)
    assert world.bind("rain", {}) == weather("rain")


def test_what_is_said_of_things_can_be_said_of_them():
    nouns = {*world.KIND_OF, *world.NAMES, "money"}
    for adjective, who in world.HAVE.items():
        assert set(who) <= nouns, adjective
    for verb, objects in world.TRANSITIVE.items():
        assert set(objects) <= nouns, verb
    for noun, adjective in world.USUALLY.items():
        assert noun in world.HAVE[adjective], noun


GRAMMARS: tuple[tuple[Sentence, dict[str, str]], ...] = (
    (
        say(act("boy", "eat", "apple", "garden")),
        {
            "en": "the boy eats the apple in the garden.",
            "de": "der Junge isst den Apfel im Garten.",
            "ru": "мальчик ест яблоко в саду.",
            "ar": "يأكل الولد التفاحة في الحديقة.",
            "hi": "लड़का बगीचे में सेब खाता है।",
            "tr": "oğlan bahçede elmayı yiyor.",
            "sw": "mvulana anakula tofaa bustanini.",
            "id": "bocah makan apel di kebun.",
            "vi": "cậu bé ăn táo ở vườn.",
            "zh": "男孩在花园里吃苹果。",
            "ta": "சிறுவர் தோட்டத்தில் ஆப்பிளை சாப்பிடுகிறார்.",
            "et": "poiss sööb õuna aias.",
        },
    ),
    (
        Sentence("because", state("girl", "hungry"), act("@girl", "eat", negated=True)),
        {
            "en": "the girl is hungry because she does not eat.",
            "de": "das Mädchen ist hungrig, denn es isst nicht.",
            "ru": "девочка голодная, потому что она не ест.",
            "ar": "البنت جائعة لأنها لا تأكل.",
            "hi": "लड़की भूखी है क्योंकि वह नहीं खाती है।",
            "tr": "kız aç çünkü yemiyor.",
            "sw": "msichana ana njaa kwa sababu hali.",
            "id": "gadis lapar karena dia tidak makan.",
            "vi": "cô bé đói vì cô ấy không ăn.",
            "zh": "女孩很饿，因为她不吃。",
            "ta": "சிறுமி பசியாக இருக்கிறார், ஏனெனில் அவர் சாப்பிடவில்லை.",
            "et": "tüdruk on näljane, sest ta ei söö.",
        },
    ),
    (
        Sentence("so", weather("rain"), state("street", "wet")),
        {
            "en": "it rains, so the street is wet.",
            "de": "es regnet, deshalb ist die Straße nass.",
            "ru": "идёт дождь, поэтому улица мокрая.",
            "ar": "ينزل المطر، لذلك الشارع مبلل.",
            "sw": "mvua inanyesha, hivyo barabara imelowa.",
            "et": "vihma sajab, seepärast on tänav märg.",
        },
    ),
    (
        Sentence("ask:count", there("3", "dog", "garden")),
        {
            "en": "how many dogs are in the garden?",
            "de": "wie viele Hunde sind im Garten?",
            "ru": "сколько собак в саду?",
            "ar": "كم عدد الكلاب في الحديقة؟",
            "hi": "बगीचे में कितने कुत्ते हैं?",
            "tr": "bahçede kaç köpek var?",
            "sw": "kuna mbwa wangapi bustanini?",
            "id": "ada berapa anjing di kebun?",
            "vi": "có bao nhiêu con chó ở vườn?",
            "zh": "花园里有多少只狗？",
            "ta": "தோட்டத்தில் எத்தனை நாய்கள் உள்ளன?",
            "et": "mitu koera on aias?",
        },
    ),
    (
        say(at("Anna", "school", negated=True)),
        {
            "en": "Anna is not in the school.",
            "ar": "Anna ليست في المدرسة.",
            "tr": "Anna okulda değil.",
            "sw": "Anna hayuko shuleni.",
            "zh": "Anna不在学校。",
            "ta": "Anna பள்ளியில் இல்லை.",
            "et": "Anna ei ole koolis.",
        },
    ),
    (
        say(isa("dog", "animal", every=True)),
        {"en": "every dog is an animal.", "de": "jeder Hund ist ein Tier.", "zh": "每只狗都是动物。"},
    ),
    (say(state("red+car", "dirty")), {"de": "das rote Auto ist schmutzig.", "sw": "gari jekundu ni chafu."}),
)


@pytest.mark.parametrize(("sentence", "said"), GRAMMARS, ids=[str(i) for i in range(len(GRAMMARS))])
def test_grammars(sentence: Sentence, said: dict[str, str]):
    for language, text in said.items():
        assert grammar(language).text(sentence) == text


def test_running_text_and_words_agree():
    for language in mini.LANGUAGES:
        said = grammar(language)
        draw = Draw("agree", language)
        for _ in range(200):
            words = said.sentence(some_sentence(draw))
            text, starts = said.spell(words)
            for (surface, _), start in zip(words, starts, strict=True):
                assert text[start : start + len(surface)] == surface


def test_clauses_are_small_and_equal_by_value():
    assert act("dog", "eat", "meat") == Clause("act", "dog", "eat", "meat")
    assert len({state("Anna", "sad"), state("Anna", "sad"), state("Anna", "sad", negated=True)}) == 2
