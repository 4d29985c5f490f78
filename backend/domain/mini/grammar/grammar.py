"""What all grammars share: looking words up, and saying a sentence whose word order is subject - verb - object - place.

A language overrides what it does otherwise. Every method returns tagged words; `Grammar.sentence` is the only one that
others call, with `join` to make running text of its words.
"""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from backend.domain.mini.clause import Clause, Sentence
from backend.domain.mini.lexicon import Lexicon, parse
from backend.domain.mini.lexicon.lexicon import WORD_TAGS
from backend.domain.mini.world import CITIES, MASS, NAMES, TIMES, is_person, sex

Word = tuple[str, str]
"""A token and its universal part-of-speech tag."""
Phrase = tuple[Word, ...]

NO_SPACE_BEFORE = frozenset(".,?।؟،。，？")
MAIN, AFTER, SUB = "main", "after", "sub"
"""Orders of a clause: by itself; after an adverb (German and Estonian put the verb first); after a conjunction (Arabic
puts the subject first)."""


def head(np: str) -> str:
    """The noun or name of a noun phrase: dog for red+dog, 3*dog, @dog and dog."""
    return np.rpartition("+")[2].rpartition("*")[2].lstrip("@?")


def prop(name: str) -> Phrase:
    """A name as a phrase."""
    return ((name, "PROPN"),)


class Grammar:
    """A language without inflection, in the order subject - verb - object - place."""

    spaced: ClassVar[bool] = True
    classed: ClassVar[bool] = False
    """Whether noun entries begin with a gender or class."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.classes: dict[str, str] = {}
        self.nouns: dict[str, tuple[Phrase, ...]] = {}
        for concept, entry in lexicon.nouns.items():
            if self.classed:
                self.classes[concept], _, entry = entry.partition(" ")
            self.nouns[concept] = self._slots(entry, "NOUN")
        self.places = {concept: self._slots(entry, "NOUN") for concept, entry in lexicon.places.items()}
        self.verbs = {concept: self._slots(entry, "VERB") for concept, entry in lexicon.verbs.items()}
        self.adjectives = {concept: self._slots(entry, "ADJ") for concept, entry in lexicon.adjectives.items()}
        self.events = {concept: self._slots(entry, "VERB") for concept, entry in lexicon.weather.items()}
        self.predicates = {concept: parse(entry, "NOUN") for concept, entry in lexicon.predicates.items()}
        self.which = {concept: self._slots(entry, "NOUN") for concept, entry in lexicon.which.items()}
        self.word = {key: self._slots(entry, WORD_TAGS.get(key, "X")) for key, entry in lexicon.words.items()}
        self._clauses: dict[tuple[Clause, str], Phrase] = {}
        self._subjects: dict[str, Phrase] = {}
        self._objects: dict[str, Phrase] = {}
        self._texts: dict[Sentence, str] = {}

    @staticmethod
    def _slots(entry: str, tag: str) -> tuple[Phrase, ...]:
        return tuple(parse(form, tag) for form in entry.split("|"))

    # --- words ---------------------------------------------------------------------------------------------------

    def w(self, key: str, slot: int = 0) -> Phrase:
        """A function word."""
        return self.word[key][slot]

    def noun(self, concept: str, slot: int = 0) -> Phrase:
        """A form of a noun; a form that is empty or not given is the first one."""
        forms = self.nouns[concept]
        return (forms[slot] if slot < len(forms) else ()) or forms[0]

    def verb_forms(self, c: Clause) -> tuple[Phrase, ...]:
        """The forms of the clause's verb, by what it is done to, by whom, or in general."""
        verbs = self.verbs
        subject = "person" if personal(c.subject) else head(c.subject)
        return verbs.get(f"{c.verb}:{head(c.object)}") or verbs.get(f"{c.verb}:{subject}") or verbs[c.verb]

    def adjective(self, adjective: str, np: str) -> Phrase:
        """A property as a predicate of this subject."""
        return self.adjectives[adjective][0]

    def class_of(self, np: str) -> str:
        """Gender or class of a noun phrase; of names their sex."""
        noun = head(np)
        return sex(noun) if noun in NAMES or noun == "who" else self.classes.get(noun, "")

    # --- noun phrases --------------------------------------------------------------------------------------------

    def subject(self, np: str) -> Phrase:
        """A noun phrase as a subject."""
        known = self._subjects.get(np)
        if known is None:
            known = self._subjects[np] = self._subject(np)
        return known

    def _subject(self, np: str) -> Phrase:
        if np[0] == "@":
            return self.pronoun(np[1:])
        if np[0] == "?":
            return self.w("who") if np == "?who" else self.which[np[1:]][0]
        if np in NAMES:
            return prop(np)
        adjective, plus, noun = np.partition("+")
        return self.modified(adjective, noun) if plus else self.definite(np)

    def object(self, np: str) -> Phrase:
        """A noun phrase as an object."""
        known = self._objects.get(np)
        if known is None:
            known = self._objects[np] = self._object(np)
        return known

    def _object(self, np: str) -> Phrase:
        if not np:
            return ()
        if np[0] == "?":
            return self.w("what") if np == "?what" else self.which[np[1:]][-1]
        if np in NAMES:
            return prop(np)
        count, star, noun = np.partition("*")
        return self.counted(count, noun) if star else self.accusative(np)

    def pronoun(self, np: str) -> Phrase:
        """he, she, it."""
        return self.w({"m": "he", "f": "she"}.get(sex(np), "it"))

    def definite(self, noun: str) -> Phrase:
        """the dog, as a subject."""
        return self.noun(noun)

    def accusative(self, noun: str) -> Phrase:
        """the dog, as an object."""
        return self.definite(noun)

    def modified(self, adjective: str, noun: str) -> Phrase:
        """the red dog, as a subject."""
        return self.adjectives[adjective][-1] + self.noun(noun)

    def counted(self, count: str, noun: str) -> Phrase:
        """3 dogs; how many dogs if the count is "?"."""
        return self.count(count, noun) + self.noun(noun, 1)

    def count(self, count: str, noun: str) -> Phrase:
        """3, or how many."""
        return self.w("how many") if count == "?" else ((count, "NUM"),)

    def where(self, place: str) -> Phrase:
        """in the garden, in Oslo, where."""
        if not place:
            return ()
        if place == "?":
            return self.w("where")
        return self.in_city(place) if place in CITIES else self.places[place][0]

    def to(self, place: str) -> Phrase:
        """to the garden."""
        return self.places[place][-1]

    def in_city(self, city: str) -> Phrase:
        """in Oslo."""
        return self.w("in") + prop(city)

    def place_of(self, c: Clause) -> Phrase:
        """The place of an act: where it is done, or where to."""
        return self.to(c.place) if c.verb == "go" and c.place else self.where(c.place)

    # --- clauses -------------------------------------------------------------------------------------------------

    def clause(self, c: Clause, order: str = MAIN) -> Phrase:
        """A clause in one of the three orders."""
        known = self._clauses.get((c, order))
        if known is None:
            if c.kind == "act":
                known = self.act(c, order)
            elif c.kind == "state":
                known = self.state(c, order)
            elif c.kind == "at":
                known = self.at(c, order)
            elif c.kind == "isa":
                known = self.isa(c)
            elif c.kind == "there":
                known = self.there(c)
            else:
                known = self.weather(c, order)
            self._clauses[c, order] = known
        return known

    def act(self, c: Clause, order: str) -> Phrase:
        """the dog does not eat the bread in the garden."""
        return self.subject(c.subject) + self.finite(c) + self.object(c.object) + self.place_of(c)

    def finite(self, c: Clause) -> Phrase:
        """The verb, with its negation."""
        return (self.w("not") if c.negated else ()) + self.verb_forms(c)[0]

    def state(self, c: Clause, order: str) -> Phrase:
        """the dog is not wet."""
        return self.subject(c.subject) + (self.w("not") if c.negated else ()) + self.adjective(c.verb, c.subject)

    def at(self, c: Clause, order: str) -> Phrase:
        """the dog is not in the garden."""
        return self.subject(c.subject) + (self.w("not") if c.negated else ()) + self.where(c.place)

    def isa(self, c: Clause) -> Phrase:
        """every dog is an animal."""
        return (self.every(c.subject) if c.verb else self.kind(c.subject)) + self.predicates[c.object]

    def every(self, noun: str) -> Phrase:
        """every dog."""
        return self.w("every") + self.noun(noun)

    def kind(self, noun: str) -> Phrase:
        """a dog, in general; a colour as a noun."""
        return self.noun(noun) if noun in self.nouns else self.colour(noun)

    def colour(self, colour: str) -> Phrase:
        """A colour named: the adjective used as a noun."""
        return tuple((surface, "NOUN") for surface, _ in self.adjectives[colour][0])

    def there(self, c: Clause) -> Phrase:
        """there are 3 dogs in the garden."""
        return self.where(c.place) + self.counted(c.verb, c.object)

    def weather(self, c: Clause, order: str) -> Phrase:
        """it rains in Oslo."""
        return self.events[c.verb][0] + self.where(c.place)

    def question(self, c: Clause, slot: str) -> Phrase:
        """Asks for one part of a clause; here the question word stands where the answer would."""
        return self.clause(asked(c, slot), SUB)

    # --- sentences -----------------------------------------------------------------------------------------------

    def sentence(self, s: Sentence) -> Phrase:
        """A sentence with its full stop or question mark."""
        link, first = s.link, s.first
        if not link:
            return self.clause(first) + self.w(".")
        if s.second is not None:
            return self.clause(first) + self.linked(link, s.second, order_after(link)) + self.w(".")
        if link in TIMES or link == "then":
            return self.linked(link, first, AFTER) + self.w(".")
        mode, _, slot = link.partition(":")
        if mode == "ask":
            return self.question(first, slot) + self.w("?")
        return self.answer(first, slot) + self.w(".")

    def linked(self, link: str, c: Clause, order: str) -> Phrase:
        """A conjunction or adverb and its clause."""
        return self.w(link) + self.clause(c, order)

    def answer(self, c: Clause, slot: str) -> Phrase:
        """The part of a clause that a question asks for."""
        if slot == "subject":
            return self.subject(c.subject)
        if slot == "object":
            return self.object(c.object)
        if slot == "count":
            return self.count(c.verb, c.object)
        return self.place_of(c)

    def text(self, s: Sentence) -> str:
        """A sentence as running text."""
        known = self._texts.get(s)
        if known is None:
            known = self._texts[s] = self.join(self.sentence(s))
        return known

    def join(self, words: Iterable[Word]) -> str:
        """Running text of words."""
        return self.spell(words)[0]

    def spell(self, words: Iterable[Word]) -> tuple[str, list[int]]:
        """Running text, and where in it each word starts."""
        text = ""
        starts = []
        for surface, _ in words:
            if text and self.spaced and surface not in NO_SPACE_BEFORE:
                text += " "
            starts.append(len(text))
            text += surface
        return text, starts

    def paragraph(self, sentences: Sequence[str]) -> str:
        """Sentences one after the other."""
        return (" " if self.spaced else "").join(sentences)


def order_after(link: str) -> str:
    """The order of a clause after this link."""
    return AFTER if link == "so" else SUB if link in ("because", "but") else MAIN


def asked(c: Clause, slot: str) -> Clause:
    """The clause with a question mark in the slot asked for; a subject or object may already ask for a kind."""
    if slot == "subject":
        return c if c.subject[0] == "?" else c._replace(subject="?who")
    if slot == "object":
        return c if c.object[0] == "?" else c._replace(object="?what")
    return c._replace(verb="?") if slot == "count" else c._replace(place="?")


def countable(noun: str) -> bool:
    """Whether one says a dog rather than just bread."""
    return noun not in MASS


def personal(np: str) -> bool:
    """Whether a noun phrase means a person."""
    return is_person(head(np)) or head(np) == "who"
