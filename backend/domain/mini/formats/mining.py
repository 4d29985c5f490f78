"""Two texts, some lines of which translate each other: `bucc`.

Lines are drawn as `tatoeba`'s are. No two of a language have the same content words, so that a line has no translation but
its own.
"""

from collections.abc import Iterator

from backend.domain.mini.draw import Draw
from backend.domain.mini.formats.bitext import translatable
from backend.domain.mini.formats.item import VERSION, Row
from backend.domain.mini.grammar import grammar


def bucc(language: str, split: str, n: int) -> Iterator[Row]:
    """n lines, half of them English, as the three files of a pair of languages hold them; two fifths of either half have a
    translation in the other."""
    half = n // 2
    pairs = half * 2 // 5
    drawn = list(translatable(("bucc", language), split, 2 * half - pairs))
    texts = {language: drawn[:half], "en": [*drawn[:pairs], *drawn[half:]]}
    ids: dict[str, dict[int, str]] = {}
    order: dict[str, list[int]] = {}
    for code in texts:
        order[code] = Draw(VERSION, "bucc", language, split, code).some(range(half), half)
        ids[code] = {place: f"{code}-{number + 1:09}" for number, place in enumerate(order[code])}
    for code, text in texts.items():
        said = grammar(code)
        for place in order[code]:
            translated = code != "en" and place < pairs
            yield {
                "id": ids[code][place],
                "sentence": said.text(text[place]),
                "english": code == "en",
                "gold": [ids["en"][place]] if translated else [],
            }
