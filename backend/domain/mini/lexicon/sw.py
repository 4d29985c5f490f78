"""Swahili. Nouns: class singular | plural | how many, where 1 stands for people and animals, 3 also for class 11, and
mass nouns have their plural class (6, 10). Verbs: stem | negative stem.

Adjectives come in four sorts, named by the first word of the entry: `ni` (copula; forms for classes 1 3 5 7 9 6 10, or
one that does not change), `ana` (people `have` it), `me` (a verb in the perfect), so that `njaa` hungry, `choka` tired
and `safi` clean are each said as Swahili says them. No object prefixes on verbs (a simplification).
"""

from backend.domain.mini.lexicon.lexicon import Lexicon

LEXICON = Lexicon(
    nouns={
        "woman": "1 mwanamke", "man": "1 mwanamume", "girl": "1 msichana", "boy": "1 mvulana", "teacher": "1 mwalimu",
        "doctor": "1 daktari", "mother": "1 mama", "farmer": "1 mkulima", "driver": "1 dereva",
        "cook": "1 mpishi",
        "dog": "1 mbwa|mbwa|wangapi", "cat": "1 paka|paka|wangapi", "horse": "1 farasi|farasi|wangapi",
        "bird": "1 ndege|ndege|wangapi", "cow": "1 ng'ombe|ng'ombe|wangapi", "fish": "1 samaki|samaki|wangapi",
        "mouse": "1 panya", "lion": "1 simba|simba|wangapi",
        "bread": "3 mkate", "apple": "5 tofaa|matofaa|mangapi", "rice": "3 wali", "soup": "9 supu",
        "egg": "5 yai|mayai|mangapi", "meat": "9 nyama", "water": "6 maji", "tea": "9 chai",
        "milk": "6 maziwa",
        "tree": "3 mti|miti|mingapi", "flower": "5 ua|maua|mangapi", "grass": "10 nyasi",
        "car": "5 gari|magari|mangapi", "bus": "5 basi|mabasi|mangapi", "train": "9 treni",
        "bicycle": "9 baiskeli|baiskeli|ngapi",
        "book": "7 kitabu|vitabu|vingapi", "door": "3 mlango", "key": "3 ufunguo", "bag": "3 mfuko|mifuko|mingapi",
        "window": "5 dirisha", "cup": "7 kikombe|vikombe|vingapi",
        "money": "9 pesa", "coat": "5 koti", "ball": "3 mpira|mipira|mingapi",
        "umbrella": "3 mwavuli", "medicine": "9 dawa",
        "house": "9 nyumba", "school": "9 shule", "garden": "9 bustani", "market": "5 soko", "street": "9 barabara",
        "kitchen": "5 jiko", "hospital": "9 hospitali", "park": "3 uwanja", "forest": "3 msitu", "field": "5 shamba",
        "river": "3 mto",
        "person": "1 mtu", "animal": "1 mnyama|wanyama|wangapi", "food": "7 chakula", "drink": "7 kinywaji",
        "plant": "3 mmea|mimea|mingapi", "vehicle": "7 chombo", "thing": "7 kitu", "place": "9 mahali",
    },
    places={
        "house": "nyumbani", "school": "shuleni", "garden": "bustanini", "market": "sokoni", "street": "barabarani",
        "kitchen": "jikoni", "hospital": "hospitalini", "park": "uwanjani", "forest": "msituni", "field": "shambani",
        "river": "mtoni",
    },
    verbs={
        "eat": "kula|li", "see": "ona|oni", "drink": "kunywa|nywi", "buy": "nunua|nunui", "open": "fungua|fungui",
        "take": "chukua|chukui", "read": "soma|somi", "close": "funga|fungi", "find": "pata|pati", "cook": "pika|piki",
        "like": "penda|pendi", "wash": "osha|oshi", "sell": "uza|uzi", "lose": "poteza|potezi",
        "wear": "vaa|vai", "water": "mwagilia|mwagilii",
        "sleep": "lala|lali", "work": "fanya kazi/NOUN|fanyi kazi/NOUN", "run": "kimbia|kimbii", "play": "cheza|chezi",
        "sing": "imba|imbi", "laugh": "cheka|cheki", "swim": "ogelea|ogelei", "cry": "lia|lii", "go": "kwenda|endi",
        "come": "kuja|ji", "live": "ishi|ishi", "fall": "anguka|anguki", "fly": "ruka|ruki", "grow": "kua|kui",

    },
    adjectives={
        "hot": "ni moto", "cold": "ni baridi", "hungry": "ana njaa", "full": "me shiba", "thirsty": "ana kiu",
        "tired": "me choka", "wet": "me lowa", "dry": "me kauka", "happy": "ana furaha", "sad": "ana huzuni",
        "clean": "ni safi", "dirty": "ni mchafu|mchafu|chafu|kichafu|chafu|machafu|chafu", "open": "ni wazi",
        "closed": "me fungwa", "sick": "ni mgonjwa", "healthy": "ni mzima", "broken": "me haribika",
        "big": "ni mkubwa|mkubwa|kubwa|kikubwa|kubwa|makubwa|kubwa",
        "small": "ni mdogo|mdogo|dogo|kidogo|ndogo|madogo|ndogo", "rich": "ni tajiri", "poor": "ni maskini",
        "red": "ni mwekundu|mwekundu|jekundu|chekundu|nyekundu|mekundu|nyekundu",
        "white": "ni mweupe|mweupe|jeupe|cheupe|nyeupe|meupe|nyeupe",
        "black": "ni mweusi|mweusi|jeusi|cheusi|nyeusi|meusi|nyeusi", "green": "ni kijani",
    },
    weather={
        "rain": "mvua/NOUN inanyesha/VERB", "sun": "jua/NOUN linawaka/VERB", "night": "usiku/NOUN unaingia/VERB",
        "wind": "upepo/NOUN unavuma/VERB", "snow": "theluji/NOUN inaanguka/VERB",
    },
    predicates={
        "person": "mtu", "animal": "mnyama", "food": "chakula", "drink": "kinywaji", "plant": "mmea",
        "vehicle": "chombo", "thing": "kitu", "place": "mahali", "colour": "rangi",
    },
    which={
        "person": "mtu gani/DET", "animal": "mnyama gani/DET", "food": "chakula gani/DET", "drink": "kinywaji gani/DET",
        "plant": "mmea gani/DET", "vehicle": "chombo gani/DET", "thing": "kitu gani/DET",
    },
    words={
        "because": "kwa/ADP sababu/NOUN", "so": ", hivyo", "then": "kisha", "but": ", lakini", "and": "na",
        "every": "kila", "who": "nani", "what": "nini", "where": "wapi",
        "today": "leo", "now": "sasa", "morning": "asubuhi/NOUN", "evening": "jioni/NOUN", "be": "ni", "not be": "si/AUX",
        "there is": "kuna/VERB", ".": ".", "?": "?",
    },
)  # fmt: skip
