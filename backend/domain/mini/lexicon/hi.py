"""Hindi. Nouns: gender direct | oblique if it differs | plural. Verbs and adjectives: masculine | feminine if it differs.

Habitual present (`खाता है`), so that no clause is ergative; a living object takes `को`, a thing takes nothing.
"""

from backend.domain.mini.lexicon.lexicon import Lexicon

LEXICON = Lexicon(
    nouns={
        "woman": "f औरत", "man": "m आदमी", "girl": "f लड़की", "boy": "m लड़का|लड़के", "teacher": "m शिक्षक",
        "doctor": "m डॉक्टर", "mother": "f माँ", "farmer": "m किसान", "driver": "m चालक",
        "cook": "m रसोइया|रसोइये",
        "dog": "m कुत्ता|कुत्ते|कुत्ते", "cat": "f बिल्ली||बिल्लियाँ", "horse": "m घोड़ा|घोड़े|घोड़े", "bird": "f चिड़िया||चिड़ियाँ",
        "cow": "f गाय||गायें", "fish": "f मछली||मछलियाँ", "mouse": "m चूहा|चूहे", "lion": "m शेर||शेर",
        "bread": "f रोटी", "apple": "m सेब||सेब", "rice": "m चावल", "soup": "m सूप", "egg": "m अंडा|अंडे|अंडे", "meat": "m मांस",
        "water": "m पानी", "tea": "f चाय", "milk": "m दूध",
        "tree": "m पेड़||पेड़", "flower": "m फूल||फूल", "grass": "f घास",
        "car": "f कार||कारें", "bus": "f बस||बसें", "train": "f ट्रेन", "bicycle": "f साइकिल||साइकिलें",
        "book": "f किताब||किताबें", "door": "m दरवाज़ा|दरवाज़े", "key": "f चाबी", "bag": "m थैला|थैले|थैले", "window": "f खिड़की",
        "cup": "m प्याला|प्याले|प्याले", "money": "m पैसा|पैसे", "coat": "m कोट",
        "ball": "f गेंद||गेंदें", "umbrella": "m छाता|छाते", "medicine": "f दवा",
        "house": "m घर", "school": "m स्कूल", "garden": "m बगीचा|बगीचे", "market": "m बाज़ार", "street": "f सड़क",
        "kitchen": "f रसोई", "hospital": "m अस्पताल", "park": "m पार्क", "forest": "m जंगल", "field": "m खेत", "river": "f नदी",
        "person": "m इंसान", "animal": "m जानवर||जानवर", "food": "m खाना|खाने", "drink": "m पेय", "plant": "m पौधा|पौधे|पौधे",
        "vehicle": "m वाहन", "thing": "f चीज़", "place": "f जगह",
    },
    places={
        "house": "घर में/ADP|घर", "school": "स्कूल में/ADP|स्कूल", "garden": "बगीचे में/ADP|बगीचे में/ADP",
        "market": "बाज़ार में/ADP|बाज़ार", "street": "सड़क पर/ADP|सड़क पर/ADP", "kitchen": "रसोई में/ADP|रसोई में/ADP",
        "hospital": "अस्पताल में/ADP|अस्पताल", "park": "पार्क में/ADP|पार्क", "forest": "जंगल में/ADP|जंगल",
        "field": "खेत में/ADP|खेत", "river": "नदी में/ADP|नदी पर/ADP",
    },
    verbs={
        "eat": "खाता|खाती", "see": "देखता|देखती", "drink": "पीता|पीती", "buy": "खरीदता|खरीदती", "open": "खोलता|खोलती",
        "take": "लेता|लेती", "read": "पढ़ता|पढ़ती", "close": "बंद/ADJ करता|बंद/ADJ करती", "find": "पाता|पाती",
        "cook": "पकाता|पकाती", "like": "पसंद/NOUN करता|पसंद/NOUN करती", "wash": "धोता|धोती", "sell": "बेचता|बेचती",
        "lose": "खोता|खोती", "wear": "पहनता|पहनती", "water": "सींचता|सींचती",
        "sleep": "सोता|सोती", "work": "काम/NOUN करता|काम/NOUN करती", "run": "दौड़ता|दौड़ती", "play": "खेलता|खेलती",
        "sing": "गाता|गाती", "laugh": "हँसता|हँसती", "swim": "तैरता|तैरती", "cry": "रोता|रोती", "go": "जाता|जाती",
        "come": "आता|आती", "live": "रहता|रहती", "fall": "गिरता|गिरती", "fly": "उड़ता|उड़ती", "grow": "बढ़ता|बढ़ती",

    },
    adjectives={
        "hot": "गरम", "cold": "ठंडा|ठंडी", "hungry": "भूखा|भूखी", "full": "तृप्त", "thirsty": "प्यासा|प्यासी", "tired": "थका|थकी",
        "wet": "गीला|गीली", "dry": "सूखा|सूखी", "happy": "खुश", "sad": "दुखी", "clean": "साफ", "dirty": "गंदा|गंदी",
        "open": "खुला|खुली", "closed": "बंद", "sick": "बीमार", "healthy": "स्वस्थ", "broken": "टूटा|टूटी", "big": "बड़ा|बड़ी",
        "small": "छोटा|छोटी", "rich": "अमीर", "poor": "गरीब", "red": "लाल",
        "white": "सफेद", "black": "काला|काली", "green": "हरा|हरी",
    },
    weather={
        "rain": "बारिश/NOUN होती/VERB है/AUX", "sun": "धूप/NOUN निकलती/VERB है/AUX", "night": "रात/NOUN होती/VERB है/AUX",
        "wind": "हवा/NOUN चलती/VERB है/AUX", "snow": "बर्फ/NOUN गिरती/VERB है/AUX",
    },
    predicates={
        "person": "एक/DET इंसान", "animal": "एक/DET जानवर", "food": "खाना", "drink": "एक/DET पेय", "plant": "एक/DET पौधा",
        "vehicle": "एक/DET वाहन", "thing": "एक/DET चीज़", "place": "एक/DET जगह", "colour": "एक/DET रंग",
    },
    which={
        "person": "कौन/PRON सा/PART इंसान", "animal": "कौन/PRON सा/PART जानवर", "food": "कौन/PRON सा/PART खाना",
        "drink": "कौन/PRON सा/PART पेय", "plant": "कौन/PRON सा/PART पौधा", "vehicle": "कौन/PRON सा/PART वाहन",
        "thing": "कौन/PRON सी/PART चीज़",
    },
    words={
        "not": "नहीं", "because": "क्योंकि", "so": ", इसलिए", "then": "फिर", "but": ", लेकिन", "and": "और",
        "every": "हर", "he": "वह", "she": "वह", "it": "वह", "who": "कौन", "what": "क्या", "where": "कहाँ",
        "how many": "कितने|कितनी", "today": "आज", "now": "अभी", "morning": "सुबह/NOUN", "evening": "शाम/NOUN को/ADP",
        "be": "है", "are": "हैं/AUX", "to": "को/ADP", "in": "में/ADP", ".": "।", "?": "?",
    },
)  # fmt: skip
