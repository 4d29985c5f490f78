"""Choices that need what everybody in the world knows: `cosmosqa`, `siqa` and `commonsenseqa`, English.

- `cosmosqa`: a story of two facts, and why one of them is so, or what comes of it; four options, each the cause or effect
  of something else, about the same sort of subject where one can be found.
- `siqa`: two steps of what somebody does, and what comes next or came before; three options from other scripts.
- `commonsenseqa`: what is of a kind, what eats what, where one finds it, what is the opposite; five options of one sort.

Which option is right takes turns. Wrong ones are drawn as right ones are, so that an option alone does not tell. A fact that
is asked about in training is not asked about in validation.
"""

from bisect import bisect
from collections.abc import Callable, Iterator
from functools import cache

from backend.domain.mini.clause import Clause, Sentence, at, say
from backend.domain.mini.draw import Draw, digest
from backend.domain.mini.formats.choice import side_of, unlike
from backend.domain.mini.formats.ending import verb_phrase
from backend.domain.mini.formats.item import Made, Row, distinct, english
from backend.domain.mini.grammar import grammar
from backend.domain.mini.world import (
    ANIMALS,
    DIET,
    DRINKS,
    FOODS,
    HOME,
    KIND_OF,
    KINDS,
    NAMES,
    OPPOSITE,
    PERSONS,
    PLACES,
    SCRIPTS,
    bind,
)

Asked = tuple[tuple[str, ...], str, tuple[str, ...], int]
"""What is told, the question, the options and the number of the right one."""


def _made(draw: Draw, told: tuple[str, ...], question: str, right: str, wrong: list[str], label: int) -> Made[Asked]:
    options = (*wrong[:label], right, *wrong[label:])
    fact = " ".join((*told, question, right))
    return Made(fact, f"{fact} {' '.join(sorted(wrong))}", (told, question, options, label))


# --- causes and effects ----------------------------------------------------------------------------------------------

_WHY = {"cause": "why is it so?", "effect": "what comes of it?"}


def _cosmos(draw: Draw, index: int) -> Made[Asked] | None:
    asks = ("effect", "cause")[index % 2]
    side = side_of(asks)
    premise, right = draw.one(draw.one(side.by_schema))
    clauses, sums = side.by_subject[right.subject]
    wrong: list[Clause] = []
    for attempt in range(24):
        if attempt >= 8:  # nobody else fits: about somebody else then
            clauses, sums = side.by_subject[draw.one(tuple(side.by_subject))]
        found = clauses[bisect(sums, draw.unit() * sums[-1])]
        if found not in wrong and found != right and unlike(premise, right, found, side):
            wrong.append(found)
        if len(wrong) == 3:
            break
    else:
        return None
    somebody = draw.one(PERSONS.items)
    beside = at(somebody, draw.one(PLACES))
    parts = {p for clause in (premise, right, *wrong) for p in (clause.subject, clause.object, clause.place)}
    if parts & {beside.subject, beside.place}:
        return None
    told = (english(say(beside)), english(say(premise)))
    return _made(
        draw, told, _WHY[asks], english(say(right)), [english(say(c)) for c in wrong], index // 2 % 4
    )  # fmt: skip


def cosmosqa(language: str, split: str, n: int) -> Iterator[Row]:
    """Rows of CosmosQA."""
    for index, (told, question, options, label) in enumerate(distinct(("cosmosqa",), split, n, _cosmos)):
        yield {
            "id": f"mini##{digest('cosmosqa', split, index):016x}##q1_a1",
            "context": " ".join(told),
            "question": question,
            **{f"answer{number}": option for number, option in enumerate(options)},
            "label": label,
        }


# --- what people do next ---------------------------------------------------------------------------------------------


@cache
def _lives() -> tuple[tuple[tuple[Clause, ...], str], ...]:
    """What each person with a name does, script by script, told to the end."""
    told = []
    for script in SCRIPTS:
        for who in NAMES:
            domains = {name: choices for name, choices in script.domains.items() if name != "X"}
            if "X" not in script.domains or who not in script.domains["X"]:
                continue
            for number in range(max((len(c) for c in domains.values()), default=1)):
                values = {name: choices[number % len(choices)] for name, choices in domains.items()}
                told.append((tuple(bind(step, {**values, "X": who}) for step in script.steps), who))
    return tuple(told)


@cache
def _neighbours(after: bool) -> dict[tuple[Clause, Clause], set[str]]:
    """What can come after (or before) two steps."""
    found: dict[tuple[Clause, Clause], set[str]] = {}
    for steps, _ in _lives():
        for first, second, third in zip(steps, steps[1:], steps[2:], strict=False):
            if after:
                found.setdefault((first, second), set()).add(verb_phrase(third) if third.subject else "")
            else:
                found.setdefault((second, third), set()).add(verb_phrase(first) if first.subject else "")
    return found


def _social(draw: Draw, index: int) -> Made[Asked] | None:
    after = index % 2 == 0
    steps, who = draw.one(_lives())
    start = draw.below(len(steps) - 2)
    three = steps[start : start + 3]
    shown, right = (three[:2], three[2]) if after else (three[1:], three[0])
    if right.subject != who or all(step.subject != who for step in shown):
        return None
    fitting = _neighbours(after)[shown[0], shown[1]]
    right_said = verb_phrase(right)
    said_already = {verb_phrase(step) for step in steps if step.subject}
    wrong: list[str] = []
    for _ in range(20):
        others, other = draw.one(_lives())
        at_step = draw.below(len(others) - 2) + (2 if after else 0)
        step = others[at_step]
        if step.subject != other:
            continue
        phrase = verb_phrase(step)
        if phrase not in fitting and phrase not in said_already and phrase not in wrong:
            wrong.append(phrase)
        if len(wrong) == 2:
            break
    else:
        return None
    told = (english(say(shown[0])), english(Sentence("then", shown[1])))
    question = f"what does {who} do then?" if after else f"what does {who} do before?"
    return _made(draw, told, question, right_said, wrong, index // 2 % 3)


def siqa(language: str, split: str, n: int) -> Iterator[Row]:
    """Rows of SIQA; the label is a digit from 1 as text."""
    for told, question, options, label in distinct(("siqa",), split, n, _social):
        yield {
            "context": " ".join(told),
            "question": question,
            "answerA": options[0],
            "answerB": options[1],
            "answerC": options[2],
            "label": str(label + 1),
        }


# --- what everybody knows --------------------------------------------------------------------------------------------

_KINDS = ("animal", "food", "drink", "plant", "vehicle", "place", "colour")


def _noun(noun: str) -> str:
    """The word for it, without article."""
    said = grammar("en")
    if noun in KIND_OF and KIND_OF[noun] == "colour":
        return said.join(said.colour(noun))
    words = said.predicates[noun] if noun in said.predicates else said.noun(noun)
    return said.join([word for word in words if word[1] not in ("DET", "ADP")])


def _place(place: str) -> str:
    return grammar("en").join([word for word in grammar("en").where(place) if word[1] == "NOUN"])


Fact = tuple[str, str, str, list[str]]
"""The question, its concept, the right option and everything that is wrong."""


def _of_a_kind(draw: Draw) -> Fact:
    kind = draw.one(_KINDS)
    member = draw.one(KINDS[kind])
    others = [noun for noun, its in KIND_OF.items() if its in _KINDS and its != kind]
    picked = [draw.one([noun for noun in others if KIND_OF[noun] == its]) for its in _KINDS if its != kind]
    return (
        f"which is {'an' if kind == 'animal' else 'a'} {_noun(kind)}?",
        _noun(kind),
        _noun(member),
        [*map(_noun, picked)],
    )


def _eaten(draw: Draw) -> Fact:
    eater = draw.one(ANIMALS)
    wrong = [food for food in (*FOODS, *DRINKS, "grass") if food not in DIET[eater]]
    return f"what does the {_noun(eater)} eat?", _noun(eater), _noun(draw.one(DIET[eater])), [*map(_noun, wrong)]


def _found(draw: Draw) -> Fact:
    noun = draw.one([noun for noun in HOME if noun in KIND_OF and KIND_OF[noun] != "person"])
    wrong = [place for place in PLACES if place not in HOME[noun]]
    return f"where is the {_noun(noun)}?", _noun(noun), _place(draw.one(HOME[noun])), [*map(_place, wrong)]


def _adjective(adjective: str) -> str:
    return grammar("en").join(grammar("en").adjective(adjective, "dog"))


def _opposite(draw: Draw) -> Fact:
    adjective = draw.one(tuple(OPPOSITE))
    wrong = [other for other in OPPOSITE if other not in (adjective, OPPOSITE[adjective])]
    word = _adjective(adjective)
    return f"what is it if not {word}?", word, _adjective(OPPOSITE[adjective]), [*map(_adjective, wrong)]


_FACTS: tuple[Callable[[Draw], Fact], ...] = (_of_a_kind,) * 4 + (_found,) * 3 + (_eaten,) * 2 + (_opposite,) * 2


def _common(draw: Draw, index: int) -> Made[tuple[Asked, str]] | None:
    question, concept, right, wrong = draw.one(_FACTS)(draw)
    wrong = [word for word in draw.some(tuple(dict.fromkeys(wrong)), min(4, len(set(wrong)))) if word != right]
    if len(wrong) < 4:
        return None
    made = _made(draw, (), question, right, wrong, index % 5)
    return Made(made.fact, made.wording, (made.item, concept))


def commonsenseqa(language: str, split: str, n: int) -> Iterator[Row]:
    """Rows of CommonsenseQA."""
    for index, ((_, question, options, label), concept) in enumerate(distinct(("commonsenseqa",), split, n, _common)):
        yield {
            "id": f"{digest('commonsenseqa', split, index):032x}",
            "question": question,
            "question_concept": concept,
            "choices": {"label": list("ABCDE"), "text": list(options)},
            "answerKey": "ABCDE"[label],
        }
