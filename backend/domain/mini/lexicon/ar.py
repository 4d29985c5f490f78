"""Arabic (Modern Standard, unvocalised). Nouns: gender indefinite | definite if not ال+ | plural. Verbs and adjectives:
masculine | feminine. Weather: verb first | subject first (after a conjunction).

Verbal clauses begin with the verb, which agrees in gender; clauses without a verb begin with the subject. After لأن and
لكن the subject comes first, as grammar demands, and a pronoun is attached to them. `غير` negates adjectives.
"""

from backend.domain.mini.lexicon.lexicon import Lexicon

LEXICON = Lexicon(
    nouns={
        "woman": "f امرأة|المرأة", "man": "m رجل", "girl": "f بنت", "boy": "m ولد", "teacher": "m معلم",
        "doctor": "m طبيب", "mother": "f أم", "farmer": "m مزارع", "driver": "m سائق",
        "cook": "m طباخ",
        "dog": "m كلب||كلاب", "cat": "f قطة||قطط", "horse": "m حصان||أحصنة", "bird": "m طائر||طيور",
        "cow": "f بقرة||بقرات", "fish": "f سمكة||سمكات", "mouse": "m فأر",
        "lion": "m أسد||أسود",
        "bread": "m خبز", "apple": "f تفاحة||تفاحات", "rice": "m أرز", "soup": "m حساء", "egg": "f بيضة||بيضات",
        "meat": "m لحم", "water": "m ماء", "tea": "m شاي", "milk": "m حليب",
        "tree": "f شجرة||أشجار", "flower": "f زهرة||أزهار", "grass": "m عشب",
        "car": "f سيارة||سيارات", "bus": "f حافلة||حافلات", "train": "m قطار", "bicycle": "f دراجة||دراجات",
        "book": "m كتاب||كتب", "door": "m باب", "key": "m مفتاح", "bag": "f حقيبة||حقائب", "window": "f نافذة",
        "cup": "m كوب||أكواب", "money": "m مال", "coat": "m معطف",
        "ball": "f كرة||كرات", "umbrella": "f مظلة", "medicine": "m دواء",
        "house": "m بيت", "school": "f مدرسة", "garden": "f حديقة", "market": "f سوق", "street": "m شارع",
        "kitchen": "m مطبخ", "hospital": "m مستشفى", "park": "m متنزه", "forest": "f غابة", "field": "m حقل",
        "river": "m نهر",
        "person": "m إنسان", "animal": "m حيوان||حيوانات", "food": "m طعام", "drink": "m شراب",
        "plant": "m نبات||نباتات", "vehicle": "f مركبة", "thing": "m شيء", "place": "m مكان",
    },
    places={
        "house": "في/ADP البيت|إلى/ADP البيت", "school": "في/ADP المدرسة|إلى/ADP المدرسة",
        "garden": "في/ADP الحديقة|إلى/ADP الحديقة", "market": "في/ADP السوق|إلى/ADP السوق",
        "street": "في/ADP الشارع|إلى/ADP الشارع", "kitchen": "في/ADP المطبخ|إلى/ADP المطبخ",
        "hospital": "في/ADP المستشفى|إلى/ADP المستشفى", "park": "في/ADP المتنزه|إلى/ADP المتنزه",
        "forest": "في/ADP الغابة|إلى/ADP الغابة", "field": "في/ADP الحقل|إلى/ADP الحقل",
        "river": "في/ADP النهر|إلى/ADP النهر",
    },
    verbs={
        "eat": "يأكل|تأكل", "see": "يرى|ترى", "drink": "يشرب|تشرب", "buy": "يشتري|تشتري", "open": "يفتح|تفتح",
        "take": "يأخذ|تأخذ", "read": "يقرأ|تقرأ", "close": "يغلق|تغلق", "find": "يجد|تجد", "cook": "يطبخ|تطبخ",
        "like": "يحب|تحب", "wash": "يغسل|تغسل", "sell": "يبيع|تبيع", "lose": "يفقد|تفقد",
        "wear": "يلبس|تلبس", "water": "يسقي|تسقي", "sleep": "ينام|تنام", "work": "يعمل|تعمل",
        "run": "يركض|تركض", "play": "يلعب|تلعب", "sing": "يغني|تغني", "laugh": "يضحك|تضحك", "swim": "يسبح|تسبح",
        "cry": "يبكي|تبكي", "go": "يذهب|تذهب", "come": "يأتي|تأتي", "live": "يسكن|تسكن", "fall": "يسقط|تسقط",
        "fly": "يطير|تطير", "grow": "ينمو|تنمو",
    },
    adjectives={
        "hot": "ساخن|ساخنة", "cold": "بارد|باردة", "hungry": "جائع|جائعة", "full": "شبعان|شبعانة",
        "thirsty": "عطشان|عطشانة", "tired": "متعب|متعبة", "wet": "مبلل|مبللة", "dry": "جاف|جافة",
        "happy": "سعيد|سعيدة", "sad": "حزين|حزينة", "clean": "نظيف|نظيفة", "dirty": "متسخ|متسخة",
        "open": "مفتوح|مفتوحة", "closed": "مغلق|مغلقة", "sick": "مريض|مريضة", "healthy": "سليم|سليمة",
        "broken": "مكسور|مكسورة", "big": "كبير|كبيرة", "small": "صغير|صغيرة", "rich": "غني|غنية",
        "poor": "فقير|فقيرة", "red": "أحمر|حمراء", "white": "أبيض|بيضاء",
        "black": "أسود|سوداء", "green": "أخضر|خضراء",
    },
    weather={
        "rain": "ينزل/VERB المطر/NOUN|المطر/NOUN ينزل/VERB", "sun": "تشرق/VERB الشمس/NOUN|الشمس/NOUN تشرق/VERB",
        "night": "يأتي/VERB الليل/NOUN|الليل/NOUN يأتي/VERB", "wind": "تهب/VERB الريح/NOUN|الريح/NOUN تهب/VERB",
        "snow": "ينزل/VERB الثلج/NOUN|الثلج/NOUN ينزل/VERB",
    },
    predicates={
        "person": "إنسان", "animal": "حيوان", "food": "طعام", "drink": "شراب", "plant": "نبات", "vehicle": "مركبة",
        "thing": "شيء", "place": "مكان", "colour": "لون",
    },
    which={
        "person": "أي/DET إنسان", "animal": "أي/DET حيوان", "food": "أي/DET طعام", "drink": "أي/DET شراب",
        "plant": "أي/DET نبات", "vehicle": "أي/DET مركبة", "thing": "أي/DET شيء",
    },
    words={
        "not": "لا", "not adjective": "غير/PART", "not there": "ليس/PART|ليست/PART", "because": "لأن", "so": "، لذلك",
        "then": "ثم/CCONJ", "but": "، لكن", "and": "و", "every": "كل", "he": "هو", "she": "هي", "his": "ه/PRON",
        "her": "ها/PRON", "who": "من", "what": "ماذا", "where": "أين", "how many": "كم/PRON عدد/NOUN",
        "today": "اليوم", "now": "الآن", "morning": "صباحا", "evening": "مساء", "in": "في/ADP", ".": ".", "?": "؟",
    },
)  # fmt: skip
