"""Code-switching: one language with words, phrases or whole clauses of another in it, as people who share two speak and write.

One language is the **frame**: it gives word order, function words, agreement and negation. What is put into it comes from
the other one as that language would say it by itself (Myers-Scotton 1993, *Duelling Languages*: matrix and embedded
language). Names, digits, pronouns and question words are always the frame's.
"""

from collections.abc import Iterable
from functools import cache
from typing import ClassVar, cast

from backend.domain.mini.clause import Clause, Sentence
from backend.domain.mini.draw import Draw
from backend.domain.mini.grammar.grammar import MAIN, NO_SPACE_BEFORE, Grammar, Phrase, Word, order_after
from backend.domain.mini.world import CITIES, NAMES

AFFIXING = frozenset(("sw", "ta"))  # verbs are stems that need endings of the language itself
NEGATING_VERBS = frozenset(("tr", "zh"))  # a negated verb is another form, which a foreign verb does not have


class Switching(Grammar):
    """Put before a grammar in the order of bases, it takes some of the phrases from ``other``.

    Nothing is remembered: the same clause comes out differently each time. ``chance`` 0 is the frame alone.
    """

    frame: ClassVar[str]
    embedded: ClassVar[str]
    other: Grammar
    draw: Draw
    chance: float = 0.0

    def switches(self, np: str) -> bool:
        """Whether to say this noun phrase or place in the other language, where that can be done at all."""
        foreign = bool(np) and np[0] not in "@?" and np not in NAMES and np not in CITIES
        return foreign and self.chance > 0 and self.draw.flip(self.chance)

    def clause(self, c: Clause, order: str = MAIN) -> Phrase:
        self._clauses.clear()
        return super().clause(c, order)

    def subject(self, np: str) -> Phrase:
        return self.other.subject(np) if self.switches(np) else self._subject(np)

    def object(self, np: str) -> Phrase:
        return self.other.object(np) if self.switches(np) else self._object(np)

    def where(self, place: str) -> Phrase:
        # Chinese clauses take the place apart
        return self.other.where(place) if self.frame != "zh" and self.switches(place) else super().where(place)

    def to(self, place: str) -> Phrase:
        return self.other.to(place) if self.switches(place) else super().to(place)

    def adjective(self, adjective: str, np: str) -> Phrase:
        if self.embedded != "sw" and self.switches(adjective):  # a Swahili one begins with the word that names its sort
            return self.other.adjective(adjective, np)
        return super().adjective(adjective, np)

    def verb_forms(self, c: Clause) -> tuple[Phrase, ...]:
        fits = not {self.frame, self.embedded} & AFFIXING and not (c.negated and self.frame in NEGATING_VERBS)
        if fits and self.switches(c.verb):
            form = self.other.verb_forms(c)[0]
            return (form,) if self.frame == "zh" else (form, form, form)  # whichever form the frame asks for
        return super().verb_forms(c)

    def spell(self, words: Iterable[Word]) -> tuple[str, list[int]]:
        """Spaces everywhere but between two Chinese words."""
        text, last, starts = "", "", []
        for surface, _ in words:
            if text and surface not in NO_SPACE_BEFORE and not (_han(surface) and _han(last)):
                text += " "
            starts.append(len(text))
            text += surface
            last = surface
        return text, starts

    # --- lines -------------------------------------------------------------------------------------------------------

    def within(self, line: Iterable[Sentence], chance: float) -> str:
        """A line in the frame, each phrase that can be switched with this chance."""
        self.chance = chance
        return " ".join([self.join(self.sentence(s)) for s in line])

    def between(self, line: list[Sentence], foreign_first: bool) -> str:
        """A line whose sentences take turns, or whose one sentence has its two clauses in the two languages."""
        self.chance = 0.0
        if len(line) > 1:
            return " ".join(
                [(self.other if (i % 2 == 0) is foreign_first else self).text(s) for i, s in enumerate(line)]
            )
        (s,) = line
        assert s.second is not None  # what has one clause only has nothing between which to switch
        first, second = (self.other, self) if foreign_first else (self, self.other)
        words = first.clause(s.first) + self.w(s.link) + second.clause(s.second, order_after(s.link)) + self.w(".")
        return self.join(words)


def _han(text: str) -> bool:
    return all("一" <= letter <= "鿿" or letter in "。，？" for letter in text)


@cache
def switching(frame: str, embedded: str) -> Switching:
    """The frame's grammar with another language to switch to; whoever uses it gives it a ``draw``."""
    from backend.domain.mini.grammar import GRAMMARS, grammar
    from backend.domain.mini.lexicon import LEXICONS

    facts = {"frame": frame, "embedded": embedded, "other": grammar(embedded)}
    kind = type(f"{frame}_{embedded}", (Switching, GRAMMARS[frame]), facts)
    return cast(Switching, kind(LEXICONS[frame]))
