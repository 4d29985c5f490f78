"""Chinese (Mandarin, simplified characters). Nouns: noun | classifier, 个 where none is given. Verbs: verb | negated if not
不 + verb. Adjectives: predicate with 很 and 不; or, where Chinese says a change or a lasting state, affirmative | negated.

Running text has no spaces; the words of a tagged sentence are those below. 打开 to open and 开 to drive share a sign.
"""

from backend.domain.mini.lexicon.lexicon import Lexicon

_PLACES = {
    "house": "房子", "school": "学校", "garden": "花园", "market": "市场", "street": "街道", "kitchen": "厨房",
    "hospital": "医院", "park": "公园", "forest": "森林", "field": "田野", "river": "河边",
}  # fmt: skip

_INSIDE = {"house": "里", "garden": "里", "kitchen": "里", "forest": "里", "field": "里", "street": "上"}

LEXICON = Lexicon(
    nouns={
        "woman": "女人", "man": "男人", "girl": "女孩", "boy": "男孩", "teacher": "老师", "doctor": "医生",
        "mother": "妈妈", "farmer": "农民", "driver": "司机", "cook": "厨师",
        "dog": "狗|只", "cat": "猫|只", "horse": "马|匹", "bird": "鸟|只", "cow": "牛|头", "fish": "鱼|条",
        "mouse": "老鼠|只", "lion": "狮子|只",
        "bread": "面包", "apple": "苹果", "rice": "米饭", "soup": "汤", "egg": "鸡蛋", "meat": "肉",
        "water": "水", "tea": "茶", "milk": "牛奶",
        "tree": "树|棵", "flower": "花|朵", "grass": "草",
        "car": "汽车|辆", "bus": "公交车|辆", "train": "火车|列", "bicycle": "自行车|辆",
        "book": "书|本", "door": "门|扇", "key": "钥匙|把", "bag": "包", "window": "窗户|扇",
        "cup": "杯子", "money": "钱", "coat": "大衣|件", "ball": "球",
        "umbrella": "雨伞|把", "medicine": "药",
        **_PLACES,
        "person": "人", "animal": "动物", "food": "食物", "drink": "饮料", "plant": "植物", "vehicle": "车辆",
        "thing": "东西", "place": "地方",
    },
    places={
        place: f"在/ADP {noun}{' ' + _INSIDE[place] + '/ADP' if place in _INSIDE else ''}|{noun}"
        for place, noun in _PLACES.items()
    },
    verbs={
        "eat": "吃", "see": "看见|没/ADV 看见", "drink": "喝", "buy": "买", "open": "打开", "take": "拿", "read": "读",
        "close": "关上|没/ADV 关上", "find": "找到|没/ADV 找到", "cook": "煮", "like": "喜欢", "wash": "洗", "sell": "卖",
        "lose": "丢失|没/ADV 丢失", "wear": "穿", "water": "浇", "sleep": "睡觉",
        "work": "工作", "run": "跑", "play": "玩", "sing": "唱歌", "laugh": "笑", "swim": "游泳", "cry": "哭",
        "go": "去", "come": "来", "live": "住", "fall": "摔倒", "fly": "飞", "grow": "生长",
        **{f"fall:{what}": "掉下" for what in ("cup", "window", "umbrella", "apple", "key", "book")},
        "fall:tree": "倒下",
    },
    adjectives={
        "hot": "热", "cold": "冷", "hungry": "饿", "full": "饱", "thirsty": "渴", "tired": "累", "wet": "湿",
        "dry": "干", "happy": "高兴", "sad": "伤心", "clean": "干净", "dirty": "脏",
        "open": "开/VERB 着/PART|没/ADV 开/VERB 着/PART", "closed": "关/VERB 着/PART|没/ADV 关/VERB 着/PART",
        "sick": "生病/VERB 了/PART|没/ADV 生病/VERB", "healthy": "健康", "broken": "坏/ADJ 了/PART|没/ADV 坏/ADJ",
        "big": "大", "small": "小", "rich": "富有", "poor": "贫穷", "red": "红", "white": "白",
        "black": "黑", "green": "绿",
    },
    weather={
        "rain": "下雨/VERB", "sun": "出/VERB 太阳/NOUN", "night": "天/NOUN 黑/ADJ 了/PART", "wind": "刮风/VERB",
        "snow": "下雪/VERB",
    },
    predicates={
        "person": "人", "animal": "动物", "food": "食物", "drink": "饮料", "plant": "植物", "vehicle": "车辆",
        "thing": "东西", "place": "地方", "colour": "颜色",
    },
    which={
        kind: f"什么/DET {noun}" for kind, noun in
        {"person": "人", "animal": "动物", "food": "食物", "drink": "饮料", "plant": "植物", "vehicle": "车辆",
         "thing": "东西"}.items()
    },
    words={
        "not": "不/ADV", "very": "很/ADV", "because": "， 因为", "so": "， 所以", "then": "然后", "but": "， 但是",
        "and": "， 而且", "every": "每", "all": "都/ADV", "he": "他", "she": "她", "it": "它", "who": "谁", "what": "什么",
        "where": "哪里/PRON", "how many": "多少", "today": "今天/NOUN", "now": "现在/NOUN", "morning": "早上/NOUN",
        "evening": "晚上/NOUN", "be": "是", "in": "在/ADP", "exist": "有/VERB", ".": "。", "?": "？",
    },
)  # fmt: skip
