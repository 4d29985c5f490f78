"""The micro-world: what there is, what it is like, what leads to what.

Everything here is language-free. Lists are in order of frequency (`Zipf`). Causes and scripts are written in a small
notation that `parse` reads into clauses; capital letters are variables, bound from the lists named beside them:

    X eat F       act              X is hungry    state            X at school    place
    X -eat        act, negated     X is -wet      state, negated   rain           weather
    X go school   act, to a place  X work @field  act, in a place
"""

from collections.abc import Iterator, Mapping
from functools import cache
from itertools import product
from typing import NamedTuple

from backend.domain.mini.clause import Clause, act, at, state, weather
from backend.domain.mini.draw import Zipf

# --- what there is ---------------------------------------------------------------------------------------------------

PEOPLE = ("woman", "man", "girl", "boy", "teacher", "doctor", "mother", "farmer", "driver", "cook")
ANIMALS = ("dog", "cat", "horse", "bird", "cow", "fish", "mouse", "lion")
FOODS = ("bread", "apple", "rice", "soup", "egg", "meat")
DRINKS = ("water", "tea", "milk")
PLANTS = ("tree", "flower", "grass")
VEHICLES = ("car", "bus", "train", "bicycle")
THINGS = ("book", "door", "key", "bag", "window", "cup", "money", "coat", "ball", "umbrella", "medicine")
PLACES = ("house", "school", "garden", "market", "street", "kitchen", "hospital", "park", "field", "river", "forest")
COLOURS = ("red", "white", "black", "green")
WEATHER = ("rain", "sun", "night", "wind", "snow")
TIMES = ("today", "now", "morning", "evening")
DIGITS = ("3", "4", "5", "6", "7", "8", "9")

KINDS: Mapping[str, tuple[str, ...]] = {
    "person": PEOPLE,
    "animal": ANIMALS,
    "food": FOODS,
    "drink": DRINKS,
    "plant": PLANTS,
    "vehicle": VEHICLES,
    "thing": tuple(thing for thing in THINGS if thing != "money"),
    "place": PLACES,
    "colour": COLOURS,
}
KIND_OF: Mapping[str, str] = {member: kind for kind, members in KINDS.items() for member in members}
MASS = frozenset(("bread", "rice", "soup", "meat", "water", "tea", "milk", "grass", "medicine", "money"))
"""Nouns that are not counted, and of which one does not say `every`."""

COUNTED = ("dog", "apple", "book", "bird", "tree", "cat", "egg", "car", "flower", "horse", "cow", "cup")
COUNTED_KINDS = ("animal", "plant")

FEMALE = frozenset(("woman", "girl", "mother"))
"""People of whom one says `she`; of the other people one says `he` (a simplification)."""


class Life(NamedTuple):
    """What is usual for somebody: the facts that text in every language repeats, as encyclopaedias do."""

    work: str
    food: str
    drink: str
    pet: str
    thing: str
    vehicle: str
    trait: str
    habit: str
    sex: str = ""
    city: str = ""


NAMES: Mapping[str, Life] = {
    "Anna": Life("school", "bread", "tea", "cat", "book", "bicycle", "happy", "sing", "f", "Oslo"),
    "Omar": Life("market", "rice", "tea", "horse", "money", "car", "rich", "run", "m", "Ankara"),
    "Maria": Life("hospital", "soup", "milk", "dog", "medicine", "bus", "tired", "swim", "f", "Lima"),
    "David": Life("street", "meat", "water", "bird", "coat", "train", "hungry", "sleep", "m", "Toronto"),
    "Sara": Life("garden", "apple", "water", "fish", "umbrella", "train", "sad", "cry", "f", "Madrid"),
    "Ali": Life("kitchen", "egg", "milk", "cow", "cup", "bicycle", "poor", "laugh", "m", "Delhi"),
    "Nina": Life("park", "rice", "milk", "lion", "ball", "car", "healthy", "play", "f", "Nairobi"),
    "Ivan": Life("river", "soup", "tea", "horse", "bag", "bus", "sick", "swim", "m", "Dakar"),
    "Lina": Life("forest", "apple", "water", "mouse", "window", "train", "thirsty", "sing", "f", "Ankara"),
    "Kofi": Life("field", "meat", "milk", "cow", "key", "bus", "full", "run", "m", "Nairobi"),
    "Amina": Life("street", "bread", "tea", "bird", "umbrella", "car", "happy", "laugh", "f", "Dakar"),
    "Tom": Life("house", "egg", "water", "dog", "door", "bicycle", "sick", "cry", "m", "Oslo"),
}
LIVES: Mapping[str, Life] = {
    **NAMES,
    "woman": Life("market", "bread", "tea", "cat", "bag", "car", "happy", "sing"),
    "man": Life("street", "meat", "water", "dog", "money", "car", "tired", "work"),
    "girl": Life("garden", "apple", "milk", "bird", "umbrella", "bicycle", "happy", "swim"),
    "boy": Life("park", "egg", "milk", "dog", "ball", "bicycle", "hungry", "play"),
    "teacher": Life("school", "soup", "tea", "fish", "book", "bus", "tired", "work"),
    "doctor": Life("hospital", "rice", "water", "horse", "medicine", "car", "rich", "sleep"),
    "mother": Life("house", "soup", "tea", "cat", "door", "bus", "healthy", "laugh"),
    "farmer": Life("field", "egg", "milk", "cow", "key", "bicycle", "poor", "work"),
    "driver": Life("street", "meat", "water", "lion", "coat", "bus", "thirsty", "sleep"),
    "cook": Life("kitchen", "rice", "tea", "mouse", "cup", "train", "full", "sing"),
}
CITIES = ("Oslo", "Ankara", "Nairobi", "Dakar", "Lima", "Delhi", "Toronto", "Madrid")
CITY_WEATHER = {"Oslo": "snow", "Ankara": "wind", "Nairobi": "sun", "Dakar": "sun", "Lima": "wind", "Delhi": "rain",
                "Toronto": "snow", "Madrid": "night"}  # fmt: skip
CITY_SIGHT = {"Oslo": ("3", "cat"), "Ankara": ("4", "horse"), "Nairobi": ("5", "egg"), "Dakar": ("6", "cup"),
              "Lima": ("7", "bird"), "Delhi": ("8", "cow"), "Toronto": ("9", "car"),
              "Madrid": ("4", "tree")}  # fmt: skip
USUAL_COUNT = {"dog": "3", "apple": "6", "book": "8", "bird": "7", "tree": "9", "cat": "4", "egg": "5", "car": "3",
               "flower": "9", "horse": "4", "cow": "8", "cup": "6"}  # fmt: skip
"""How many of them there are more often than not."""

PERSONS = Zipf((*tuple(NAMES)[:4], *PEOPLE[:4], *tuple(NAMES)[4:8], *PEOPLE[4:8], *tuple(NAMES)[8:], *PEOPLE[8:]))


def is_person(np: str) -> bool:
    """Whether a noun phrase without marks names a person."""
    return np in NAMES or np in KINDS["person"] or np == "person"


def sex(np: str) -> str:
    """m or f for people, empty for the rest."""
    if np in NAMES:
        return NAMES[np].sex
    return ("f" if np in FEMALE else "m") if is_person(np) or np == "who" else ""


# --- what it is like -------------------------------------------------------------------------------------------------

PEOPLE_AND_NAMES = (*PEOPLE, *NAMES)
OPPOSITES = (
    ("hot", "cold"),
    ("hungry", "full"),
    ("wet", "dry"),
    ("happy", "sad"),
    ("clean", "dirty"),
    ("open", "closed"),
    ("sick", "healthy"),
    ("big", "small"),
    ("rich", "poor"),
)
OPPOSITE = {a: b for pair in OPPOSITES for a, b in (pair, pair[::-1])}
_HAVE: Mapping[tuple[str, ...], tuple[str, ...]] = {
    ("hot", "cold"): ("tea", "soup", "water", "milk", "house", "rice", "meat", "kitchen"),
    ("wet", "dry"): ("street", "dog", "coat", "grass", "girl", "boy", "cat", "field"),
    ("hungry", "full"): (*PEOPLE_AND_NAMES, "dog", "cat", "horse", "lion", "mouse", "cow", "bird"),
    ("thirsty",): (*PEOPLE_AND_NAMES, "dog", "cat", "horse", "cow"),
    ("tired",): (*PEOPLE_AND_NAMES, "dog", "horse"),
    ("happy", "sad"): PEOPLE_AND_NAMES,
    ("sick", "healthy"): PEOPLE_AND_NAMES,
    ("rich", "poor"): PEOPLE_AND_NAMES,
    ("clean", "dirty"): ("cup", "car", "house", "window", "kitchen", "street", "bag", "bicycle", "coat"),
    ("open", "closed"): ("door", "window", "school", "market", "bag", "book"),
    ("broken",): ("cup", "window", "car", "bicycle", "door", "umbrella"),
    ("big", "small"): (*ANIMALS, "house", "car", "tree", "ball", "bag", "bus", "train", "school", "garden", "apple"),
    COLOURS: (
        "car",
        "coat",
        "flower",
        "cat",
        "dog",
        "apple",
        "horse",
        "door",
        "bag",
        "house",
        "ball",
        "bird",
        "bus",
        "bicycle",
        "umbrella",
    ),
}
HAVE: Mapping[str, tuple[str, ...]] = {adjective: who for group, who in _HAVE.items() for adjective in group}
"""Which things can have a property."""
ADJECTIVES = tuple(HAVE)
ATTRIBUTES = ("big", "small", *COLOURS)
"""Properties that are also said before (or after) a noun: the red car."""


@cache
def excludes(adjective: str) -> tuple[str, ...]:
    """The properties that nothing has together with this one."""
    if adjective in COLOURS:
        return tuple(colour for colour in COLOURS if colour != adjective)
    return (OPPOSITE[adjective],) if adjective in OPPOSITE else ()


@cache
def properties(noun: str) -> tuple[str, ...]:
    """The properties that this noun can have."""
    return tuple(adjective for adjective, who in HAVE.items() if noun in who)


USUALLY: Mapping[str, str] = {
    "tea": "hot", "soup": "hot", "water": "cold", "milk": "cold", "house": "big", "rice": "hot", "meat": "cold",
    "kitchen": "hot", "street": "wet", "dog": "big", "coat": "black", "grass": "dry", "cat": "black", "field": "dry",
    "horse": "hungry", "lion": "hungry", "mouse": "small", "cow": "thirsty", "bird": "small", "cup": "dirty",
    "car": "red", "window": "closed", "bag": "open", "bicycle": "green", "door": "closed", "school": "open",
    "market": "open", "umbrella": "broken", "tree": "big", "ball": "red", "garden": "small", "apple": "green",
    "bus": "white", "train": "big", "flower": "white", "fish": "small", "book": "open",
    **{who: life.trait for who, life in LIVES.items()},
}  # fmt: skip
"""The property that something has more often than any other."""

# --- what is done ----------------------------------------------------------------------------------------------------

DIET: Mapping[str, tuple[str, ...]] = {
    "dog": ("meat", "bread"),
    "cat": ("fish", "meat", "mouse"),
    "horse": ("grass", "apple"),
    "bird": ("bread", "rice"),
    "cow": ("grass",),
    "mouse": ("bread", "rice", "egg"),
    "lion": ("meat", "cow"),
    "fish": ("bread",),
}
TRANSITIVE: Mapping[str, tuple[str, ...]] = {
    "eat": FOODS,
    "see": (*ANIMALS, "car", "tree", "bus", "flower", "train", "bicycle"),
    "drink": (*DRINKS, "medicine"),
    "buy": ("bread", "apple", "book", "egg", "bag", "car", "coat", "tea", "bicycle", "medicine", "flower", "milk"),
    "open": ("door", "window", "book", "bag", "umbrella"),
    "take": ("bag", "key", "umbrella", "book", "ball", "money", "cup"),
    "close": ("door", "window", "book", "bag"),
    "find": ("key", "money", "ball", "book", "bag"),
    "cook": ("rice", "soup", "egg", "meat"),
    "like": (*ANIMALS, "apple", "tea", "milk", "rice", "flower"),
    "wash": ("cup", "car", "window", "bicycle", "coat"),
    "sell": ("bread", "apple", "car", "cow", "bag", "horse", "bicycle", "egg"),
    "lose": ("key", "money", "bag", "book"),
    "read": ("book",),
    "wear": ("coat",),
    "water": ("flower", "tree", "grass"),
}
INTRANSITIVE = ("sleep", "work", "run", "play", "sing", "laugh", "swim", "cry")
"""What people do without an object; `go`, `come`, `live`, `fall`, `fly` and `grow` have their own sentences."""
OTHER_VERBS = ("go", "come", "live", "fall", "fly", "grow")
VERBS = (*TRANSITIVE, *INTRANSITIVE, *OTHER_VERBS)
COUNTABLE_ACTS: Mapping[str, tuple[str, ...]] = {
    "buy": ("apple", "egg", "book", "flower", "cup"),
    "see": ("bird", "car", "tree", "dog"),
    "wash": ("cup", "car"),
}
ASLEEP_CANNOT = ("work", "run", "play", "sing", "laugh", "swim", "cry")

HOME: Mapping[str, tuple[str, ...]] = {
    **{who: (life.work,) for who, life in LIVES.items()},
    "dog": ("garden", "house"),
    "cat": ("house", "kitchen"),
    "horse": ("field",),
    "bird": ("forest", "park"),
    "cow": ("field",),
    "fish": ("river",),
    "mouse": ("kitchen", "house"),
    "lion": ("forest",),
    "bread": ("kitchen", "market"),
    "apple": ("market", "garden"),
    "soup": ("kitchen",),
    "egg": ("market", "kitchen"),
    "tea": ("kitchen", "house"),
    "meat": ("market", "kitchen"),
    "rice": ("kitchen", "field"),
    "book": ("school", "house"),
    "cup": ("kitchen",),
    "ball": ("park", "garden"),
    "medicine": ("hospital",),
    "key": ("house",),
    "bag": ("school", "market"),
    "tree": ("forest", "park"),
    "flower": ("garden", "park"),
    "grass": ("field", "park"),
    "car": ("street",),
    "bus": ("street", "school"),
    "train": ("field", "forest"),
    "bicycle": ("street", "park"),
}
"""Where one usually finds it."""

# --- what leads to what ----------------------------------------------------------------------------------------------


class Schema(NamedTuple):
    """A cause and its effect, with the lists its variables range over."""

    cause: str
    effect: str
    domains: Mapping[str, tuple[str, ...]]


_X = {"X": PEOPLE_AND_NAMES}
_EATERS = {"A": ("dog", "cat", "horse", "lion", "mouse", "cow", "bird")}
_FRAGILE = {"T": ("cup", "window", "umbrella")}
_WASHED = {"T": ("cup", "car", "window", "bicycle", "coat")}
_LOST = {"T": ("key", "money", "bag", "book")}
_SOLD = {"T": ("car", "cow", "horse", "bicycle")}
_BOUGHT = {"T": ("car", "coat", "bicycle", "bag", "book")}
_OPENED = {"T": ("door", "window", "bag", "book")}
_PLANT = {"P": PLANTS}
_COOKED = {"F": ("rice", "soup", "egg", "meat")}
_FOOD = {"F": FOODS}
_DRINK = {"D": DRINKS}
_WARM = {"F": ("soup", "rice", "meat")}

SCHEMAS: tuple[Schema, ...] = (
    # weather
    Schema("rain", "street is wet", {}),
    Schema("rain", "P is wet", {"P": ("grass", "field", "dog", "cat", "coat")}),
    Schema("rain", "X take umbrella", _X),
    Schema("rain", "X go house", _X),
    Schema("rain", "P grow", _PLANT),
    Schema("snow", "X wear coat", _X),
    Schema("snow", "house is cold", {}),
    Schema("snow", "bus -come", {}),
    Schema("sun", "P is dry", {"P": ("street", "grass", "field", "coat")}),
    Schema("sun", "house is hot", {}),
    Schema("sun", "X go park", _X),
    Schema("wind", "tree fall", {}),
    Schema("wind", "X close window", _X),
    Schema("night", "X sleep", _X),
    Schema("night", "X go house", _X),
    Schema("night", "T is closed", {"T": ("school", "market")}),
    # bodies
    Schema("X -eat", "X is hungry", {"X": (*PEOPLE_AND_NAMES, *_EATERS["A"])}),
    Schema("X eat F", "X is full", {**_X, **_FOOD}),
    Schema("X is hungry", "X eat F", {**_X, **_FOOD}),
    Schema("X is full", "X -eat", {"X": (*PEOPLE_AND_NAMES, *_EATERS["A"])}),
    Schema("A is hungry", "A eat bread", {"A": ("dog", "bird", "mouse")}),
    Schema("A is hungry", "A eat meat", {"A": ("dog", "cat", "lion")}),
    Schema("A is hungry", "A eat grass", {"A": ("horse", "cow")}),
    Schema("A eat meat", "A is full", {"A": ("dog", "cat", "lion")}),
    Schema("A eat grass", "A is full", {"A": ("horse", "cow")}),
    Schema("X is thirsty", "X drink D", {**_X, **_DRINK}),
    Schema("A is thirsty", "A drink water", {"A": ("dog", "cat", "horse", "cow")}),
    Schema("X -drink", "X is thirsty", {"X": (*PEOPLE_AND_NAMES, "dog", "cat", "horse", "cow")}),
    Schema("X -sleep", "X is tired", {"X": (*PEOPLE_AND_NAMES, "dog", "horse")}),
    Schema("X is tired", "X sleep", {"X": (*PEOPLE_AND_NAMES, "dog", "horse")}),
    Schema("X work", "X is tired", _X),
    Schema("X run", "X is tired", {"X": (*PEOPLE_AND_NAMES, "dog", "horse")}),
    Schema("X swim", "X is wet", {"X": ("girl", "boy", "dog")}),
    Schema("X is sick", "X go hospital", _X),
    Schema("X is sick", "X drink medicine", _X),
    Schema("X is sick", "X -work", _X),
    Schema("X drink medicine", "X is healthy", _X),
    Schema("X fall", "X cry", _X),
    # feelings and money
    Schema("X is sad", "X cry", _X),
    Schema("X is happy", "X laugh", _X),
    Schema("X is happy", "X sing", _X),
    Schema("X lose T", "X is sad", {**_X, **_LOST}),
    Schema("X find T", "X is happy", {**_X, **_LOST}),
    Schema("X buy T", "X is poor", {**_X, "T": ("car", "house")}),
    Schema("X sell T", "X is rich", {**_X, **_SOLD}),
    Schema("X is rich", "X buy T", {**_X, **_BOUGHT}),
    Schema("X is poor", "X sell T", {**_X, **_SOLD}),
    Schema("X is poor", "X work", _X),
    # things
    Schema("T fall", "T is broken", _FRAGILE),
    Schema("T is broken", "X buy T", {**_X, "T": ("cup", "car", "bicycle", "umbrella")}),
    Schema("T is dirty", "X wash T", {**_X, **_WASHED}),
    Schema("X wash T", "T is clean", {**_X, **_WASHED}),
    Schema("X -wash T", "T is dirty", {**_X, **_WASHED}),
    Schema("X open T", "T is open", {**_X, **_OPENED}),
    Schema("X close T", "T is closed", {**_X, **_OPENED}),
    Schema("X open window", "house is cold", _X),
    Schema("house is cold", "X close window", _X),
    Schema("house is hot", "X open window", _X),
    Schema("door is closed", "X take key", _X),
    Schema("market is closed", "X -buy F", {**_X, **_FOOD}),
    Schema("X cook F", "F is hot", {**_X, **_WARM}),
    Schema("F is cold", "X -eat F", {**_X, **_WARM}),
    Schema("X water P", "P grow", {**_X, **_PLANT}),
    Schema("P is dry", "X water P", {**_X, "P": ("grass",)}),
    Schema("X go school", "X read book", _X),
    Schema("bus -come", "X run", _X),
    # animals
    Schema("A see M", "M run", {"A": ("cat",), "M": ("mouse",)}),
    Schema("A see M", "M run", {"A": ("lion",), "M": ("horse", "cow")}),
    Schema("A see M", "M run", {"A": ("dog",), "M": ("cat",)}),
    Schema("A see bird", "bird fly", {"A": ("cat", "dog")}),
)


@cache
def words_of(template: str) -> tuple[str, ...]:
    """The words of a template."""
    return tuple(template.split())


def bind(template: str, values: Mapping[str, str]) -> Clause:
    """The clause that a template stands for, its variables replaced."""
    words = [values.get(word, word) for word in words_of(template)]
    head = words[0]
    if len(words) == 1:
        return weather(head)
    verb = words[1]
    negated = False
    if verb == "is":
        adjective = words[2]
        return state(head, adjective.lstrip("-"), adjective[0] == "-")
    if verb == "at":
        return at(head, words[2])
    if verb[0] == "-":
        negated, verb = True, verb[1:]
    object_ = place = ""
    for word in words[2:]:
        if verb == "go" or word[0] == "@":
            place = word.lstrip("@")
        else:
            object_ = word
    return act(head, verb, object_, place, negated)


def bindings(domains: Mapping[str, tuple[str, ...]]) -> Iterator[dict[str, str]]:
    """Every way to bind the variables."""
    names = tuple(domains)
    for values in product(*domains.values()):
        yield dict(zip(names, values, strict=True))


@cache
def links() -> tuple[tuple[int, Clause, Clause], ...]:
    """Every cause and effect of the world, with the number of its schema."""
    return tuple(
        (number, bind(schema.cause, values), bind(schema.effect, values))
        for number, schema in enumerate(SCHEMAS)
        for values in bindings(schema.domains)
    )


class Script(NamedTuple):
    """What people do one after the other."""

    label: str
    steps: tuple[str, ...]
    domains: Mapping[str, tuple[str, ...]]


SCRIPTS: tuple[Script, ...] = (
    Script("Cooking", ("X is hungry", "X go kitchen", "X cook F", "X eat F", "X is full"), {**_X, **_COOKED}),
    Script("Having a drink", ("X is thirsty", "X go kitchen", "X take cup", "X drink D", "X wash cup"),
           {**_X, **_DRINK}),
    Script("Shopping", ("X take bag", "X go market", "X buy F", "X go house", "X eat F"),
           {**_X, "F": ("bread", "apple", "egg")}),
    Script("Studying", ("X go school", "X open book", "X read book", "X close book", "X go house"), _X),
    Script("Going to bed", ("night", "X go house", "X close door", "X sleep"), _X),
    Script("Seeing a doctor", ("X is sick", "X go hospital", "X drink medicine", "X is healthy", "X laugh"), _X),
    Script("Losing something", ("X lose T", "X is sad", "X find T", "X is happy", "X sing"), {**_X, **_LOST}),
    Script("Cleaning", ("T is dirty", "X take water", "X wash T", "T is clean"), {**_X, **_WASHED}),
    Script("Gardening", ("X go garden", "X take water", "X water P", "P grow", "X is happy"), {**_X, **_PLANT}),
    Script("Swimming", ("X go river", "X swim", "X is wet", "X go house", "X drink tea"), {"X": ("girl", "boy")}),
    Script("Walking in the rain", ("rain", "X take umbrella", "X open umbrella", "X go street"), _X),
    Script("Playing in the snow", ("snow", "X wear coat", "X go park", "X play", "X laugh"), _X),
    Script("Selling", ("X is poor", "X go market", "X sell T", "X is rich"), {**_X, **_SOLD}),
    Script("Working", ("X go field", "X work", "X is tired", "X go house", "X sleep"), _X),
    Script("Playing ball", ("X take ball", "X go park", "X play", "X fall", "X cry"), {"X": ("girl", "boy", *NAMES)}),
    Script("Coming home", ("X take key", "X open door", "X take water", "X drink water", "X sleep"), _X),
    Script("Hunting", ("A is hungry", "A see M", "M run", "A eat M", "A sleep"),
           {"A": ("cat",), "M": ("mouse",)}),
    Script("Hunting", ("A is hungry", "A see M", "M run", "A eat M", "A sleep"),
           {"A": ("lion",), "M": ("horse", "cow")}),
)  # fmt: skip
