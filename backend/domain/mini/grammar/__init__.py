"""How each language says a sentence, one file each."""

from functools import cache

from backend.domain.mini.grammar.ar import Arabic
from backend.domain.mini.grammar.de import German
from backend.domain.mini.grammar.en import English
from backend.domain.mini.grammar.et import Estonian
from backend.domain.mini.grammar.grammar import Grammar, Phrase, Word
from backend.domain.mini.grammar.hi import Hindi
from backend.domain.mini.grammar.id import Indonesian
from backend.domain.mini.grammar.ru import Russian
from backend.domain.mini.grammar.sw import Swahili
from backend.domain.mini.grammar.ta import Tamil
from backend.domain.mini.grammar.tr import Turkish
from backend.domain.mini.grammar.vi import Vietnamese
from backend.domain.mini.grammar.zh import Chinese
from backend.domain.mini.lexicon import LEXICONS

GRAMMARS: dict[str, type[Grammar]] = {
    "en": English,
    "de": German,
    "ru": Russian,
    "ar": Arabic,
    "hi": Hindi,
    "tr": Turkish,
    "sw": Swahili,
    "id": Indonesian,
    "vi": Vietnamese,
    "zh": Chinese,
    "ta": Tamil,
    "et": Estonian,
}


@cache
def grammar(language: str) -> Grammar:
    """The grammar of a language, with its words and its memory of what it has said."""
    return GRAMMARS[language](LEXICONS[language])


__all__ = ["GRAMMARS", "Grammar", "Phrase", "Word", "grammar"]
