"""Turkish. Nouns: nominative | accusative. Verbs: affirmative | negative. Objects are definite, hence accusative; after a
number the noun stays singular; `is` is not said."""

from backend.domain.mini.lexicon.lexicon import Lexicon

LEXICON = Lexicon(
    nouns={
        "woman": "kadın|kadını", "man": "adam|adamı", "girl": "kız|kızı", "boy": "oğlan|oğlanı",
        "teacher": "öğretmen|öğretmeni", "doctor": "doktor|doktoru", "mother": "anne|anneyi",
        "farmer": "çiftçi|çiftçiyi", "driver": "şoför|şoförü", "cook": "aşçı|aşçıyı",
        "dog": "köpek|köpeği", "cat": "kedi|kediyi", "horse": "at|atı", "bird": "kuş|kuşu", "cow": "inek|ineği",
        "fish": "balık|balığı", "mouse": "fare|fareyi", "lion": "aslan|aslanı",
        "bread": "ekmek|ekmeği", "apple": "elma|elmayı", "rice": "pilav|pilavı", "soup": "çorba|çorbayı",
        "egg": "yumurta|yumurtayı", "meat": "et|eti", "water": "su|suyu", "tea": "çay|çayı",
        "milk": "süt|sütü",
        "tree": "ağaç|ağacı", "flower": "çiçek|çiçeği", "grass": "çimen|çimeni",
        "car": "araba|arabayı", "bus": "otobüs|otobüsü", "train": "tren|treni", "bicycle": "bisiklet|bisikleti",
        "book": "kitap|kitabı", "door": "kapı|kapıyı", "key": "anahtar|anahtarı", "bag": "çanta|çantayı",
        "window": "pencere|pencereyi", "cup": "fincan|fincanı",
        "money": "para|parayı", "coat": "palto|paltoyu",
        "ball": "top|topu", "umbrella": "şemsiye|şemsiyeyi", "medicine": "ilaç|ilacı",
        "house": "ev|evi", "school": "okul", "garden": "bahçe", "market": "pazar", "street": "sokak",
        "kitchen": "mutfak", "hospital": "hastane", "park": "park", "forest": "orman", "field": "tarla",
        "river": "nehir",
        "person": "insan|insanı", "animal": "hayvan|hayvanı", "food": "yiyecek|yiyeceği", "drink": "içecek|içeceği",
        "plant": "bitki|bitkiyi", "vehicle": "taşıt|taşıtı", "thing": "eşya|eşyayı", "place": "yer",
    },
    places={
        "house": "evde|eve", "school": "okulda|okula", "garden": "bahçede|bahçeye", "market": "pazarda|pazara",
        "street": "sokakta|sokağa", "kitchen": "mutfakta|mutfağa", "hospital": "hastanede|hastaneye",
        "park": "parkta|parka", "forest": "ormanda|ormana", "field": "tarlada|tarlaya", "river": "nehirde|nehre",

    },
    verbs={
        "eat": "yiyor|yemiyor", "see": "görüyor|görmüyor", "drink": "içiyor|içmiyor",
        "buy": "satın/ADV alıyor|satın/ADV almıyor", "open": "açıyor|açmıyor", "take": "alıyor|almıyor",
        "read": "okuyor|okumuyor", "close": "kapatıyor|kapatmıyor", "find": "buluyor|bulmuyor",
        "cook": "pişiriyor|pişirmiyor", "like": "seviyor|sevmiyor", "wash": "yıkıyor|yıkamıyor",
        "sell": "satıyor|satmıyor", "lose": "kaybediyor|kaybetmiyor",
        "wear": "giyiyor|giymiyor", "water": "suluyor|sulamıyor",
        "sleep": "uyuyor|uyumuyor", "work": "çalışıyor|çalışmıyor", "run": "koşuyor|koşmuyor",
        "play": "oynuyor|oynamıyor", "sing": "şarkı/NOUN söylüyor|şarkı/NOUN söylemiyor", "laugh": "gülüyor|gülmüyor",
        "swim": "yüzüyor|yüzmüyor", "cry": "ağlıyor|ağlamıyor", "go": "gidiyor|gitmiyor", "come": "geliyor|gelmiyor",
        "live": "yaşıyor|yaşamıyor", "fall": "düşüyor|düşmüyor", "fly": "uçuyor|uçmuyor",
        "grow": "büyüyor|büyümüyor",
    },
    adjectives={
        "hot": "sıcak", "cold": "soğuk", "hungry": "aç", "full": "tok", "thirsty": "susuz", "tired": "yorgun",
        "wet": "ıslak", "dry": "kuru", "happy": "mutlu", "sad": "üzgün", "clean": "temiz", "dirty": "kirli",
        "open": "açık", "closed": "kapalı", "sick": "hasta", "healthy": "sağlıklı", "broken": "kırık",
        "big": "büyük", "small": "küçük", "rich": "zengin", "poor": "fakir",
        "red": "kırmızı", "white": "beyaz", "black": "siyah", "green": "yeşil",
    },
    weather={
        "rain": "yağmur/NOUN yağıyor/VERB", "sun": "güneş/NOUN parlıyor/VERB", "night": "gece/NOUN geliyor/VERB",
        "wind": "rüzgar/NOUN esiyor/VERB", "snow": "kar/NOUN yağıyor/VERB",
    },
    predicates={
        "person": "bir/DET insan", "animal": "bir/DET hayvan", "food": "bir/DET yiyecek", "drink": "bir/DET içecek",
        "plant": "bir/DET bitki", "vehicle": "bir/DET taşıt", "thing": "bir/DET eşya", "place": "bir/DET yer",
        "colour": "bir/DET renk",
    },
    which={
        "person": "hangi/DET insan|hangi/DET insanı", "animal": "hangi/DET hayvan|hangi/DET hayvanı",
        "food": "hangi/DET yiyecek|hangi/DET yiyeceği", "drink": "hangi/DET içecek|hangi/DET içeceği",
        "plant": "hangi/DET bitki|hangi/DET bitkiyi", "vehicle": "hangi/DET taşıt|hangi/DET taşıtı",
        "thing": "hangi/DET eşya|hangi/DET eşyayı",
    },
    words={
        "not": "değil", "because": "çünkü", "so": ", bu/PRON yüzden/ADP", "then": "sonra", "but": ", ama", "and": "ve",
        "every": "her", "who": "kim", "what": "ne", "where": "nerede",
        "how many": "kaç", "today": "bugün", "now": "şimdi", "morning": "sabah/NOUN", "evening": "akşam/NOUN",
        "there is": "var/VERB", ".": ".", "?": "?",
    },
)  # fmt: skip
