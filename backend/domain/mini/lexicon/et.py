"""Estonian. Nouns: nominative | partitive. Verbs: third person | the form after `ei`. Places: in | to.

Every object is in the partitive (the action is going on), which is also the case after `ei` and after a number, so three
uses share one form.
"""

from backend.domain.mini.lexicon.lexicon import Lexicon

LEXICON = Lexicon(
    nouns={
        "woman": "naine|naist", "man": "mees|meest", "girl": "tüdruk|tüdrukut", "boy": "poiss|poissi",
        "teacher": "õpetaja|õpetajat", "doctor": "arst|arsti", "mother": "ema|ema", "farmer": "talunik|talunikku",
        "driver": "juht|juhti", "cook": "kokk|kokka",
        "dog": "koer|koera", "cat": "kass|kassi", "horse": "hobune|hobust", "bird": "lind|lindu", "cow": "lehm|lehma",
        "fish": "kala|kala", "mouse": "hiir|hiirt", "lion": "lõvi|lõvi",
        "bread": "leib|leiba", "apple": "õun|õuna", "rice": "riis|riisi", "soup": "supp|suppi", "egg": "muna|muna",
        "meat": "liha|liha", "water": "vesi|vett", "tea": "tee|teed", "milk": "piim|piima",
        "tree": "puu|puud", "flower": "lill|lille", "grass": "rohi|rohtu",
        "car": "auto|autot", "bus": "buss|bussi", "train": "rong|rongi", "bicycle": "ratas|ratast",
        "book": "raamat|raamatut", "door": "uks|ust", "key": "võti|võtit", "bag": "kott|kotti", "window": "aken|akent",
        "cup": "tass|tassi", "money": "raha|raha",
        "coat": "mantel|mantlit", "ball": "pall|palli", "umbrella": "vihmavari|vihmavarju",
        "medicine": "ravim|ravimit",
        "house": "maja|maja", "school": "kool", "garden": "aed", "market": "turg", "street": "tänav", "kitchen": "köök",
        "hospital": "haigla", "park": "park", "forest": "mets", "field": "põld", "river": "jõgi",
        "person": "inimene|inimest", "animal": "loom|looma", "food": "toit|toitu", "drink": "jook|jooki",
        "plant": "taim|taime", "vehicle": "sõiduk|sõidukit", "thing": "asi|asja", "place": "koht",
    },
    places={
        "house": "majas|majja", "school": "koolis|kooli", "garden": "aias|aeda", "market": "turul|turule",
        "street": "tänaval|tänavale", "kitchen": "köögis|kööki", "hospital": "haiglas|haiglasse",
        "park": "pargis|parki", "forest": "metsas|metsa", "field": "põllul|põllule", "river": "jões|jõkke",

    },
    verbs={
        "eat": "sööb|söö", "see": "näeb|näe", "drink": "joob|joo", "drink:medicine": "võtab|võta", "buy": "ostab|osta",
        "open": "avab|ava", "take": "võtab|võta", "read": "loeb|loe", "close": "sulgeb|sulge", "find": "leiab|leia",
        "cook": "keedab|keeda", "like": "armastab|armasta", "wash": "peseb|pese", "sell": "müüb|müü",
        "lose": "kaotab|kaota", "wear": "kannab|kanna",
        "water": "kastab|kasta", "sleep": "magab|maga", "work": "töötab|tööta", "run": "jookseb|jookse",
        "play": "mängib|mängi", "sing": "laulab|laula", "laugh": "naerab|naera", "swim": "ujub|uju", "cry": "nutab|nuta",
        "go": "läheb|lähe", "come": "tuleb|tule", "live": "elab|ela", "fall": "kukub|kuku", "fly": "lendab|lenda",
        "grow": "kasvab|kasva",
    },
    adjectives={
        "hot": "kuum", "cold": "külm", "hungry": "näljane", "full": "söönud", "thirsty": "janune", "tired": "väsinud",
        "wet": "märg", "dry": "kuiv", "happy": "rõõmus", "sad": "kurb", "clean": "puhas", "dirty": "määrdunud",
        "open": "avatud", "closed": "suletud", "sick": "haige", "healthy": "terve", "broken": "katki", "big": "suur",
        "small": "väike", "rich": "rikas", "poor": "vaene", "red": "punane",
        "white": "valge", "black": "must", "green": "roheline",
    },
    weather={
        "rain": "vihma/NOUN sajab/VERB", "sun": "päike/NOUN paistab/VERB", "night": "öö/NOUN tuleb/VERB",
        "wind": "tuul/NOUN puhub/VERB", "snow": "lund/NOUN sajab/VERB",
    },
    predicates={
        "person": "inimene", "animal": "loom", "food": "toit", "drink": "jook", "plant": "taim", "vehicle": "sõiduk",
        "thing": "asi", "place": "koht", "colour": "värv",
    },
    which={
        "person": "milline/DET inimene|millist/DET inimest", "animal": "milline/DET loom|millist/DET looma",
        "food": "milline/DET toit|millist/DET toitu", "drink": "milline/DET jook|millist/DET jooki",
        "plant": "milline/DET taim|millist/DET taime", "vehicle": "milline/DET sõiduk|millist/DET sõidukit",
        "thing": "milline/DET asi|millist/DET asja",
    },
    words={
        "not": "ei/AUX", "because": ", sest", "so": ", seepärast", "then": "siis", "but": ", aga", "and": "ja",
        "every": "iga", "he": "ta", "she": "ta", "it": "see", "who": "kes", "what": "mida", "where": "kus",
        "how many": "mitu", "today": "täna", "now": "nüüd", "morning": "hommikul/NOUN", "evening": "õhtul/NOUN",
        "be": "on", "not be": "ei/AUX ole/AUX", ".": ".", "?": "?",
    },
)  # fmt: skip
