"""English. Nouns: singular | plural. Verbs: third person | base form. Articles are always `the`."""

from backend.domain.mini.lexicon.lexicon import Lexicon

LEXICON = Lexicon(
    nouns={
        "woman": "woman", "man": "man", "girl": "girl", "boy": "boy", "teacher": "teacher", "doctor": "doctor",
        "mother": "mother", "farmer": "farmer", "driver": "driver", "cook": "cook",
        "dog": "dog|dogs", "cat": "cat|cats", "horse": "horse|horses", "bird": "bird|birds", "cow": "cow|cows",
        "fish": "fish|fish", "mouse": "mouse", "lion": "lion|lions",
        "bread": "bread", "apple": "apple|apples", "rice": "rice", "soup": "soup", "egg": "egg|eggs", "meat": "meat",
        "water": "water", "tea": "tea", "milk": "milk",
        "tree": "tree|trees", "flower": "flower|flowers", "grass": "grass",
        "car": "car|cars", "bus": "bus|buses", "train": "train", "bicycle": "bicycle|bicycles",
        "book": "book|books", "door": "door", "key": "key", "bag": "bag|bags", "window": "window",
        "cup": "cup|cups", "money": "money", "coat": "coat", "ball": "ball|balls",
        "umbrella": "umbrella", "medicine": "medicine",
        "house": "house", "school": "school", "garden": "garden", "market": "market", "street": "street",
        "kitchen": "kitchen", "hospital": "hospital", "park": "park", "forest": "forest", "field": "field",
        "river": "river",
        "person": "person", "animal": "animal|animals", "food": "food", "drink": "drink", "plant": "plant|plants",
        "vehicle": "vehicle", "thing": "thing", "place": "place",
    },
    places={
        place: f"in/ADP the/DET {place}|to/ADP the/DET {place}"
        for place in ("house", "school", "garden", "market", "street", "kitchen", "hospital", "park", "forest",
                      "field", "river")
    },
    verbs={
        "eat": "eats|eat", "see": "sees|see", "drink": "drinks|drink", "buy": "buys|buy", "open": "opens|open",
        "take": "takes|take", "read": "reads|read", "close": "closes|close", "find": "finds|find",
        "cook": "cooks|cook", "like": "likes|like", "wash": "washes|wash", "sell": "sells|sell",
        "lose": "loses|lose", "wear": "wears|wear",
        "water": "waters|water", "sleep": "sleeps|sleep", "work": "works|work", "run": "runs|run",
        "play": "plays|play", "sing": "sings|sing", "laugh": "laughs|laugh", "swim": "swims|swim",
        "cry": "cries|cry", "go": "goes|go", "come": "comes|come", "live": "lives|live", "fall": "falls|fall",
        "fly": "flies|fly", "grow": "grows|grow",
    },
    adjectives={
        "hot": "hot", "cold": "cold", "hungry": "hungry", "full": "full", "thirsty": "thirsty", "tired": "tired",
        "wet": "wet", "dry": "dry", "happy": "happy", "sad": "sad", "clean": "clean", "dirty": "dirty",
        "open": "open", "closed": "closed", "sick": "sick", "healthy": "healthy", "broken": "broken", "big": "big",
        "small": "small", "rich": "rich", "poor": "poor", "red": "red",
        "white": "white", "black": "black", "green": "green",
    },
    weather={
        "rain": "it/PRON rains/VERB", "sun": "the/DET sun/NOUN shines/VERB", "night": "the/DET night/NOUN comes/VERB",
        "wind": "the/DET wind/NOUN blows/VERB", "snow": "it/PRON snows/VERB",
    },
    predicates={
        "person": "a/DET person", "animal": "an/DET animal", "food": "food", "drink": "a/DET drink",
        "plant": "a/DET plant", "vehicle": "a/DET vehicle", "thing": "a/DET thing", "place": "a/DET place",
        "colour": "a/DET colour",
    },
    which={
        kind: f"which/DET {kind}" for kind in ("person", "animal", "food", "drink", "plant", "vehicle", "thing")
    },
    words={
        "not": "not", "because": "because", "so": ", so", "then": "then", "but": ", but", "and": "and",
        "every": "every", "he": "he", "she": "she", "it": "it", "who": "who", "what": "what", "where": "where",
        "how many": "how/ADV many/ADJ", "today": "today/NOUN", "now": "now", "morning": "in/ADP the/DET morning/NOUN",
        "evening": "in/ADP the/DET evening/NOUN", "be": "is", "the": "the/DET", "a": "a/DET", "an": "an/DET",
        "does": "does/AUX", "there are": "there/PRON are/VERB", "are": "are/VERB", ".": ".", "?": "?",
    },
)  # fmt: skip
