"""Vietnamese. Nouns: noun | classifier (said before counted nouns, and always where the noun alone would be odd).

Words of several syllables are one token (`bánh_mì`), as in the treebank. Adjectives are predicates by themselves. The verbs
`mở` and `đóng` are also the properties open and closed.
"""

from backend.domain.mini.lexicon.lexicon import Lexicon

_PLACES = {
    "house": "nhà", "school": "trường", "garden": "vườn", "market": "chợ", "street": "đường", "kitchen": "bếp",
    "hospital": "bệnh_viện", "park": "công_viên", "forest": "rừng", "field": "đồng", "river": "sông",

}  # fmt: skip

LEXICON = Lexicon(
    nouns={
        "woman": "phụ_nữ|người", "man": "đàn_ông|người", "girl": "cô_bé", "boy": "cậu_bé", "teacher": "giáo_viên",
        "doctor": "bác_sĩ", "mother": "mẹ", "farmer": "nông_dân", "driver": "tài_xế",
        "cook": "đầu_bếp",
        "dog": "chó|con", "cat": "mèo|con", "horse": "ngựa|con", "bird": "chim|con", "cow": "bò|con", "fish": "cá|con",
        "mouse": "chuột|con", "lion": "sư_tử|con",
        "bread": "bánh_mì", "apple": "táo|quả", "rice": "cơm", "soup": "canh", "egg": "trứng|quả", "meat": "thịt",
        "water": "nước", "tea": "trà", "milk": "sữa",
        "tree": "cây|cái", "flower": "hoa|bông", "grass": "cỏ",
        "car": "ô_tô|chiếc", "bus": "xe_buýt|chiếc", "train": "tàu_hỏa", "bicycle": "xe_đạp|chiếc",
        "book": "sách|quyển", "door": "cửa", "key": "chìa_khóa", "bag": "túi|cái", "window": "cửa_sổ",
        "cup": "cốc|cái", "money": "tiền", "coat": "áo_khoác",
        "ball": "bóng|quả", "umbrella": "ô|cái", "medicine": "thuốc",
        **_PLACES,
        "person": "con_người", "animal": "động_vật|con", "food": "thức_ăn", "drink": "đồ_uống", "plant": "thực_vật|cái",
        "vehicle": "xe_cộ", "thing": "đồ_vật", "place": "địa_điểm",
    },
    places={place: f"ở/ADP {noun}|đến/VERB {noun}" for place, noun in _PLACES.items()},
    verbs={
        "eat": "ăn", "see": "thấy", "drink": "uống", "buy": "mua", "open": "mở", "take": "lấy", "read": "đọc",
        "close": "đóng", "find": "tìm_thấy", "cook": "nấu", "like": "thích", "wash": "rửa", "wash:coat": "giặt",
        "sell": "bán", "lose": "mất", "wear": "mặc", "water": "tưới", "sleep": "ngủ",
        "work": "làm_việc", "run": "chạy", "play": "chơi", "sing": "hát", "laugh": "cười", "swim": "bơi",
        "cry": "khóc", "go": "đi", "come": "đến", "live": "sống", "fall": "rơi", "fly": "bay", "grow": "lớn",
        "fall:person": "ngã", "fall:tree": "đổ",
    },
    adjectives={
        "hot": "nóng", "cold": "lạnh", "hungry": "đói", "full": "no", "thirsty": "khát", "tired": "mệt", "wet": "ướt",
        "dry": "khô", "happy": "vui", "sad": "buồn", "clean": "sạch", "dirty": "bẩn", "open": "mở", "closed": "đóng",
        "sick": "ốm", "healthy": "khỏe", "broken": "hỏng", "big": "to", "small": "nhỏ", "rich": "giàu",
        "poor": "nghèo", "red": "đỏ", "white": "trắng", "black": "đen", "green": "xanh",

    },
    weather={
        "rain": "trời/NOUN mưa/VERB", "sun": "trời/NOUN nắng/VERB", "night": "đêm/NOUN đến/VERB",
        "wind": "gió/NOUN thổi/VERB", "snow": "tuyết/NOUN rơi/VERB",
    },
    predicates={
        "person": "con_người", "animal": "động_vật", "food": "thức_ăn", "drink": "đồ_uống", "plant": "thực_vật",
        "vehicle": "xe_cộ", "thing": "đồ_vật", "place": "địa_điểm", "colour": "màu",
    },
    which={
        "person": "người nào/DET", "animal": "động_vật nào/DET", "food": "thức_ăn nào/DET", "drink": "đồ_uống nào/DET",
        "plant": "thực_vật nào/DET", "vehicle": "xe_cộ nào/DET", "thing": "đồ_vật nào/DET",
    },
    words={
        "not": "không/ADV", "because": "vì", "so": ", nên/SCONJ", "then": "rồi", "but": ", nhưng", "and": "và",
        "every": "mỗi", "he": "anh_ấy", "she": "cô_ấy", "it": "nó", "who": "ai", "what": "gì/PRON", "where": "đâu/PRON",
        "how many": "bao_nhiêu", "today": "hôm_nay/NOUN", "now": "bây_giờ/NOUN", "morning": "buổi_sáng/NOUN",
        "evening": "buổi_tối/NOUN", "be": "là", "in": "ở/ADP", "exist": "có/VERB", ".": ".", "?": "?",
    },
)  # fmt: skip
