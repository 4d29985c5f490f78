"""Which language a file's name or folder names: ``en_ewt-ud-dev.conllu``, ``tatoeba.afr-eng.afr``, ``Swahili-NT.xml``, ``swahili/``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from backend.domain.language import LANGUAGES

#: Other names of catalogue languages that corpora use: ISO 639-3 codes of the individual language where our code is a
#: macrolanguage (of the same registry), bibliographic codes of ISO 639-2, and how the files of the Bible corpus are called.
_ALIASES: Final = {
    "arb": "ar", "azj": "az", "cmn": "zh", "ekk": "et", "pes": "fa", "quy": "qu", "quz": "qu", "swh": "sw", "zsm": "ms",
    "baq": "eu", "bur": "my", "chi": "zh", "dut": "nl", "fre": "fr", "geo": "ka", "ger": "de", "gre": "el", "may": "ms",
    "per": "fa", "rum": "ro",
    "farsi": "fa", "filipino": "tl", "haitian": "ht", "mandarin": "zh", "myanmar": "my", "quichua": "qu", "ukranian": "uk",
}  # fmt: skip


def _spellings() -> dict[str, str]:
    found = dict(_ALIASES)
    for code, language in LANGUAGES.items():
        for spelling in (code, language.iso639_3, language.name.casefold()):
            if " " not in spelling:
                found[spelling] = code
    return found


SPELLINGS: Final[Mapping[str, str]] = MappingProxyType(_spellings())
#: What stands in English file names and is a code of a language too. Alone it names none: it must be the whole name, the
#: folder or the suffix.
_WORDS: Final = frozenset({"my", "he", "it", "id"})


class NoLanguage(ValueError):
    """A name that tells no language of the catalogue, or several."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"{why}; expected is a code or an English name of the language catalogue in it or its folder, as in sw.txt, "
            "text.sw.txt, Swahili-NT.xml, sw/text.txt"
        )


def suffix_language(path: str) -> str | None:
    """The language that a file's last suffix is the code of: Tatoeba's pairs end in ``.afr`` and ``.eng``, XTREME's in ``.af``."""
    name = path.rpartition("/")[2]
    stem, point, suffix = name.rpartition(".")
    return SPELLINGS.get(suffix) if stem and point and suffix.islower() and len(suffix) in (2, 3) else None


def named(path: str) -> list[str]:
    """The languages in a file's name, in their order, else that of the nearest folder that names one."""
    *folders, name = path.split("/")
    stem = name.rpartition(".")[0] or name
    whole = SPELLINGS.get(stem.casefold())
    if whole is not None:
        return [whole]
    parts = [part for part in re.split(r"[^\w]+|_|\d+", stem) if part]
    found = [
        SPELLINGS[part.casefold()]
        for part in parts
        if part.casefold() in SPELLINGS
        # a code is written small; as a part of a name a word is not taken for one
        and (len(part) > 3 or (part.islower() and part not in _WORDS))
    ]
    if not found:
        found = [SPELLINGS[part] for part in re.split(r"[._-]", stem) if part in _WORDS and _at_the_edge(part, stem)]
    if not found:
        for folder in reversed(folders):
            if (code := SPELLINGS.get(folder.casefold())) is not None:
                return [code]
    return list(dict.fromkeys(found))


def _at_the_edge(part: str, stem: str) -> bool:
    """Whether a point sets the part off as a suffix (``text.id.txt``) or an underscore as a treebank's code (``id_gsd-ud``)."""
    return stem.endswith((f".{part}", f"-{part}")) or stem.startswith(f"{part}_")


def one(path: str) -> str:
    """The one language that a path names.

    Raises:
        NoLanguage: it names none, or several.
    """
    found = named(path)
    if len(found) != 1:
        raise NoLanguage(
            f"its name tells several languages: {', '.join(found)}" if found else "its name tells no language"
        )
    return found[0]
