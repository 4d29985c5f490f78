"""What is said, before it is said in a language.

A **noun phrase** is a short string, so that clauses are small, hashable and readable in a test failure:

    dog         the dog (a concept)             Anna, Oslo    a name
    red+dog     the red dog                     @dog, @Anna   a pronoun that stands for it
    3*apple     3 apples                        ?who ?what ?animal   who, what, which animal

A **clause** is one predication; a **sentence** is one or two clauses and how they are linked. Grammars turn both into
words with part-of-speech tags; nothing else in the package knows any language.
"""

from typing import NamedTuple


class Clause(NamedTuple):
    """One predication.

    kind: act (subject does verb to object), state (subject is adjective), at (subject is in place), isa (subject is a
    kind, `every` subject when verb is "every"), there (there are `verb` of object in place), weather.
    """

    kind: str
    subject: str = ""
    verb: str = ""
    object: str = ""
    place: str = ""
    negated: bool = False


class Sentence(NamedTuple):
    """One or two clauses.

    link: "" (just the clause), a time word or "then" (said before the clause), because, so, but, and (between the two
    clauses), ask:<slot> (a question for subject, object, place or count), say:<slot> (the bare answer to it).
    """

    link: str
    first: Clause
    second: Clause | None = None


def act(subject: str, verb: str, object: str = "", place: str = "", negated: bool = False) -> Clause:
    """The subject does something; the place of `go` is where to."""
    return Clause("act", subject, verb, object, place, negated)


def state(subject: str, adjective: str, negated: bool = False) -> Clause:
    """The subject has a property."""
    return Clause("state", subject, adjective, "", "", negated)


def at(subject: str, place: str, negated: bool = False) -> Clause:
    """The subject is in a place."""
    return Clause("at", subject, "", "", place, negated)


def isa(subject: str, kind: str, every: bool = False) -> Clause:
    """A (or every) subject belongs to a kind."""
    return Clause("isa", subject, "every" if every else "", kind)


def there(count: str, noun: str, place: str) -> Clause:
    """There are so many of these in a place; the count is a digit, or "?" in a question."""
    return Clause("there", "", count, noun, place)


def weather(event: str, place: str = "") -> Clause:
    """It rains, perhaps somewhere."""
    return Clause("weather", "", event, "", place)


def say(clause: Clause) -> Sentence:
    """The clause as a sentence of its own."""
    return Sentence("", clause)


def refer(clause: Clause) -> Clause:
    """The clause with a pronoun for its subject."""
    return clause._replace(subject="@" + clause.subject.rpartition("+")[2])
