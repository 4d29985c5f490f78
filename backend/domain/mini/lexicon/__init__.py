"""The words of the twelve languages, one file each: data only."""

from collections.abc import Mapping

from backend.domain.mini.lexicon import ar, de, en, et, hi, id, ru, sw, ta, tr, vi, zh
from backend.domain.mini.lexicon.lexicon import Lexicon, parse

LEXICONS: Mapping[str, Lexicon] = {
    "en": en.LEXICON,
    "de": de.LEXICON,
    "ru": ru.LEXICON,
    "ar": ar.LEXICON,
    "hi": hi.LEXICON,
    "tr": tr.LEXICON,
    "sw": sw.LEXICON,
    "id": id.LEXICON,
    "vi": vi.LEXICON,
    "zh": zh.LEXICON,
    "ta": ta.LEXICON,
    "et": et.LEXICON,
}

__all__ = ["LEXICONS", "Lexicon", "parse"]
