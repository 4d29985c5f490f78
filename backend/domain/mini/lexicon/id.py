"""Indonesian. One form of every word; active verbs carry their prefix. Articles, number, tense and `is` (before adjectives)
are not said."""

from backend.domain.mini.lexicon.lexicon import Lexicon

_PLACES = {
    "house": "rumah", "school": "sekolah", "garden": "kebun", "market": "pasar", "street": "jalan", "kitchen": "dapur",
    "hospital": "rumah sakit", "park": "taman", "forest": "hutan", "field": "ladang", "river": "sungai",

}  # fmt: skip

LEXICON = Lexicon(
    nouns={
        "woman": "wanita", "man": "pria", "girl": "gadis", "boy": "bocah", "teacher": "guru", "doctor": "dokter",
        "mother": "ibu", "farmer": "petani", "driver": "sopir", "cook": "koki",
        "dog": "anjing", "cat": "kucing", "horse": "kuda", "bird": "burung", "cow": "sapi", "fish": "ikan",
        "mouse": "tikus", "lion": "singa",
        "bread": "roti", "apple": "apel", "rice": "nasi", "soup": "sup", "egg": "telur", "meat": "daging",
        "water": "air", "tea": "teh", "milk": "susu",
        "tree": "pohon", "flower": "bunga", "grass": "rumput",
        "car": "mobil", "bus": "bus", "train": "kereta", "bicycle": "sepeda",
        "book": "buku", "door": "pintu", "key": "kunci", "bag": "tas", "window": "jendela",
        "cup": "cangkir", "money": "uang", "coat": "mantel", "ball": "bola",
        "umbrella": "payung", "medicine": "obat",
        **_PLACES,
        "person": "manusia", "animal": "hewan", "food": "makanan", "drink": "minuman", "plant": "tanaman",
        "vehicle": "kendaraan", "thing": "benda", "place": "tempat",
    },
    places={place: f"di/ADP {noun}|ke/ADP {noun}" for place, noun in _PLACES.items()},
    verbs={
        "eat": "makan", "see": "melihat", "drink": "minum", "buy": "membeli", "open": "membuka", "take": "mengambil",
        "read": "membaca", "close": "menutup", "find": "menemukan", "cook": "memasak", "like": "menyukai",
        "wash": "mencuci", "sell": "menjual", "lose": "kehilangan",
        "wear": "memakai", "water": "menyiram", "sleep": "tidur", "work": "bekerja", "run": "berlari",
        "play": "bermain", "sing": "bernyanyi", "laugh": "tertawa", "swim": "berenang", "cry": "menangis",
        "go": "pergi", "come": "datang", "live": "tinggal", "fall": "jatuh", "fly": "terbang", "grow": "tumbuh",

    },
    adjectives={
        "hot": "panas", "cold": "dingin", "hungry": "lapar", "full": "kenyang", "thirsty": "haus", "tired": "lelah",
        "wet": "basah", "dry": "kering", "happy": "senang", "sad": "sedih", "clean": "bersih", "dirty": "kotor",
        "open": "terbuka", "closed": "tertutup", "sick": "sakit", "healthy": "sehat", "broken": "rusak",
        "big": "besar", "small": "kecil", "rich": "kaya", "poor": "miskin",
        "red": "merah", "white": "putih", "black": "hitam", "green": "hijau",
    },
    weather={
        "rain": "hujan/NOUN turun/VERB", "sun": "matahari/NOUN bersinar/VERB", "night": "malam/NOUN tiba/VERB",
        "wind": "angin/NOUN bertiup/VERB", "snow": "salju/NOUN turun/VERB",
    },
    predicates={
        "person": "manusia", "animal": "hewan", "food": "makanan", "drink": "minuman", "plant": "tanaman",
        "vehicle": "kendaraan", "thing": "benda", "place": "tempat", "colour": "warna",
    },
    which={
        "person": "manusia apa/PRON", "animal": "hewan apa/PRON", "food": "makanan apa/PRON",
        "drink": "minuman apa/PRON", "plant": "tanaman apa/PRON", "vehicle": "kendaraan apa/PRON",
        "thing": "benda apa/PRON",
    },
    words={
        "not": "tidak", "because": "karena", "so": ", jadi", "then": "lalu", "but": ", tetapi", "and": "dan",
        "every": "setiap", "he": "dia", "she": "dia", "it": "itu", "who": "siapa", "what": "apa",
        "where": "di/ADP mana/ADV", "how many": "berapa", "today": "hari/NOUN ini/DET", "now": "sekarang",
        "morning": "pagi/NOUN", "evening": "sore/NOUN", "be": "adalah", "in": "di/ADP", "exist": "ada/VERB", ".": ".",
        "?": "?",
    },
)  # fmt: skip
