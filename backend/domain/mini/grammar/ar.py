"""Arabic: verb first, two genders, the article ال written together with its noun, no copula."""

from collections.abc import Iterable

from backend.domain.mini.clause import Clause
from backend.domain.mini.grammar.grammar import (
    NO_SPACE_BEFORE,
    SUB,
    Grammar,
    Phrase,
    Word,
    asked,
    prop,
)


class Arabic(Grammar):
    """Verb - subject - object - place; after لأن and لكن the subject first, a pronoun attached to them."""

    classed = True

    def fem(self, np: str) -> int:
        """0 for masculine, 1 for feminine: the slot of verbs and adjectives."""
        return int(self.class_of(np) == "f")

    def pronoun(self, np: str) -> Phrase:
        return self.w(("he", "she")[self.fem(np)])

    def definite(self, noun: str) -> Phrase:
        forms = self.nouns[noun]
        return forms[1] if len(forms) > 1 and forms[1] else (("ال" + forms[0][0][0], "NOUN"),)

    def modified(self, adjective: str, noun: str) -> Phrase:
        return (*self.definite(noun), ("ال" + self.adjectives[adjective][self.fem(noun)][0][0], "ADJ"))

    def adjective(self, adjective: str, np: str) -> Phrase:
        return self.adjectives[adjective][self.fem(np)]

    def counted(self, count: str, noun: str) -> Phrase:
        plural = self.noun(noun, 2)
        return self.count(count, noun) + ((("ال" + plural[0][0], "NOUN"),) if count == "?" else plural)

    def in_city(self, city: str) -> Phrase:
        return self.w("in") + prop(city)

    def finite(self, c: Clause) -> Phrase:
        return (self.w("not") if c.negated else ()) + self.verb_forms(c)[self.fem(c.subject)]

    def act(self, c: Clause, order: str) -> Phrase:
        rest = self.object(c.object) + self.place_of(c)
        if order == SUB or c.subject[0] == "?":
            return self.subject(c.subject) + self.finite(c) + rest
        if c.subject[0] == "@":
            return self.finite(c) + rest
        return self.finite(c) + self.subject(c.subject) + rest

    def state(self, c: Clause, order: str) -> Phrase:
        negation = self.w("not adjective") if c.negated else ()
        return self.subject(c.subject) + negation + self.adjective(c.verb, c.subject)

    def at(self, c: Clause, order: str) -> Phrase:
        negation = self.w("not there", self.fem(c.subject)) if c.negated else ()
        return self.subject(c.subject) + negation + self.where(c.place)

    def kind(self, noun: str) -> Phrase:
        return self.definite(noun) if noun in self.nouns else self.colour(noun)

    def colour(self, colour: str) -> Phrase:
        return (("ال" + self.adjectives[colour][0][0][0], "NOUN"),)

    def weather(self, c: Clause, order: str) -> Phrase:
        return self.events[c.verb][order == SUB] + self.where(c.place)

    def linked(self, link: str, c: Clause, order: str) -> Phrase:
        phrase = super().linked(link, c, order)
        if order != SUB or not c.subject or c.subject[0] != "@":
            return phrase
        suffix = self.w(("his", "her")[self.fem(c.subject)])
        before = self.w(link)
        return before + suffix + phrase[len(before) + 1 :]

    def question(self, c: Clause, slot: str) -> Phrase:
        q = asked(c, slot)
        if slot == "subject":
            return self.clause(q)
        if slot == "count":
            return self.counted("?", c.object) + self.where(c.place)
        if slot == "object":
            return self.object(q.object) + self.clause(c._replace(object=""))
        return self.w("where") + self.clause(c._replace(place=""))

    def spell(self, words: Iterable[Word]) -> tuple[str, list[int]]:
        text = ""
        starts = []
        glued = True
        for surface, tag in words:
            attached = surface in NO_SPACE_BEFORE or (tag == "PRON" and surface in ("ه", "ها"))
            if not glued and not attached:
                text += " "
            starts.append(len(text))
            text += surface
            glued = surface == "و"
        return text, starts
