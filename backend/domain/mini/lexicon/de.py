"""German. Nouns: gender nominative | accusative if it differs | plural. Adjectives: predicate | before a noun.

Only definite articles in the nominative and accusative, hence one adjective ending (`der rote Ball`); `denn` instead of
`weil` keeps the verb second in both clauses.
"""

from backend.domain.mini.lexicon.lexicon import Lexicon

LEXICON = Lexicon(
    nouns={
        "woman": "f Frau", "man": "m Mann", "girl": "n Mädchen", "boy": "m Junge|Jungen", "teacher": "m Lehrer",
        "doctor": "m Arzt", "mother": "f Mutter", "farmer": "m Bauer|Bauern", "driver": "m Fahrer",
        "cook": "m Koch",
        "dog": "m Hund||Hunde", "cat": "f Katze||Katzen", "horse": "n Pferd||Pferde", "bird": "m Vogel||Vögel",
        "cow": "f Kuh||Kühe", "fish": "m Fisch||Fische", "mouse": "f Maus",
        "lion": "m Löwe|Löwen|Löwen",
        "bread": "n Brot", "apple": "m Apfel||Äpfel", "rice": "m Reis", "soup": "f Suppe", "egg": "n Ei||Eier",
        "meat": "n Fleisch", "water": "n Wasser", "tea": "m Tee", "milk": "f Milch",
        "tree": "m Baum||Bäume", "flower": "f Blume||Blumen", "grass": "n Gras",
        "car": "n Auto||Autos", "bus": "m Bus||Busse", "train": "m Zug", "bicycle": "n Fahrrad||Fahrräder",
        "book": "n Buch||Bücher", "door": "f Tür", "key": "m Schlüssel", "bag": "f Tasche||Taschen",
        "window": "n Fenster", "cup": "f Tasse||Tassen", "money": "n Geld",
        "coat": "m Mantel", "ball": "m Ball||Bälle", "umbrella": "m Schirm",
        "medicine": "f Medizin",
        "house": "n Haus", "school": "f Schule", "garden": "m Garten", "market": "m Markt", "street": "f Straße",
        "kitchen": "f Küche", "hospital": "n Krankenhaus", "park": "m Park", "forest": "m Wald", "field": "n Feld",
        "river": "m Fluss",
        "person": "m Mensch|Menschen", "animal": "n Tier||Tiere", "food": "n Essen", "drink": "n Getränk",
        "plant": "f Pflanze||Pflanzen", "vehicle": "n Fahrzeug", "thing": "n Ding", "place": "m Ort",
    },
    places={
        "house": "im/ADP Haus|ins/ADP Haus", "school": "in/ADP der/DET Schule|in/ADP die/DET Schule",
        "garden": "im/ADP Garten|in/ADP den/DET Garten", "market": "auf/ADP dem/DET Markt|auf/ADP den/DET Markt",
        "street": "auf/ADP der/DET Straße|auf/ADP die/DET Straße",
        "kitchen": "in/ADP der/DET Küche|in/ADP die/DET Küche", "hospital": "im/ADP Krankenhaus|ins/ADP Krankenhaus",
        "park": "im/ADP Park|in/ADP den/DET Park", "forest": "im/ADP Wald|in/ADP den/DET Wald",
        "field": "auf/ADP dem/DET Feld|auf/ADP das/DET Feld", "river": "im/ADP Fluss|zum/ADP Fluss",

    },
    verbs={
        "eat": "isst", "see": "sieht", "drink": "trinkt", "drink:medicine": "nimmt", "buy": "kauft", "open": "öffnet",
        "take": "nimmt", "read": "liest", "close": "schließt", "find": "findet", "cook": "kocht", "like": "mag",
        "wash": "wäscht", "sell": "verkauft", "lose": "verliert",
        "wear": "trägt", "water": "gießt", "sleep": "schläft", "work": "arbeitet", "run": "rennt", "play": "spielt",
        "sing": "singt", "laugh": "lacht", "swim": "schwimmt", "cry": "weint", "go": "geht", "come": "kommt",
        "live": "lebt", "fall": "fällt", "fly": "fliegt", "grow": "wächst",
    },
    adjectives={
        "hot": "heiß", "cold": "kalt", "hungry": "hungrig", "full": "satt", "thirsty": "durstig", "tired": "müde",
        "wet": "nass", "dry": "trocken", "happy": "froh", "sad": "traurig", "clean": "sauber", "dirty": "schmutzig",
        "open": "offen", "closed": "geschlossen", "sick": "krank", "healthy": "gesund", "broken": "kaputt",
        "big": "groß|große", "small": "klein|kleine", "rich": "reich", "poor": "arm",
        "red": "rot|rote", "white": "weiß|weiße", "black": "schwarz|schwarze",
        "green": "grün|grüne",
    },
    weather={
        "rain": "es/PRON regnet/VERB", "sun": "die/DET Sonne/NOUN scheint/VERB",
        "night": "die/DET Nacht/NOUN kommt/VERB", "wind": "der/DET Wind/NOUN weht/VERB",
        "snow": "es/PRON schneit/VERB",
    },
    predicates={
        "person": "ein/DET Mensch", "animal": "ein/DET Tier", "food": "Essen", "drink": "ein/DET Getränk",
        "plant": "eine/DET Pflanze", "vehicle": "ein/DET Fahrzeug", "thing": "ein/DET Ding", "place": "ein/DET Ort",
        "colour": "eine/DET Farbe",
    },
    which={
        "person": "welcher/DET Mensch|welchen/DET Menschen", "animal": "welches/DET Tier",
        "food": "welches/DET Essen", "drink": "welches/DET Getränk", "plant": "welche/DET Pflanze",
        "vehicle": "welches/DET Fahrzeug", "thing": "welches/DET Ding",
    },
    words={
        "not": "nicht", "because": ", denn/CCONJ", "so": ", deshalb", "then": "dann", "but": ", aber", "and": "und",
        "every": "jeder|jede|jedes", "he": "er", "she": "sie", "it": "es", "who": "wer", "what": "was",
        "where": "wo", "how many": "wie/ADV viele/DET", "today": "heute", "now": "jetzt", "morning": "morgens",
        "evening": "abends", "be": "ist", "are": "sind/AUX", "the": "der/DET|die/DET|das/DET|den/DET", ".": ".",
        "?": "?",
    },
)  # fmt: skip
