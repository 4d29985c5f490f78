"""The languages of XTREME-R: the only place where a language is spelled.

**Which.** The union of the language lists of every target of XTREME and XTREME-R (google-research/xtreme,
``evaluate.py``), 50 languages, and Hausa, which its diagnostic suite MultiCheckList has; keyed by the two-letter code
those data sets use, which is ISO 639-1.

**Three-letter codes** are the ISO 639-3 codes that ISO pairs with the two-letter ones, hence macrolanguages
where the two-letter code is one (``ara``, ``aze``, ``fas``, ``msa``, ``que``, ``swa``, ``zho``). Data sets
that name an individual language (Tatoeba: ``cmn``, ``pes``, ``swh``) spell that in their task file.

**Script** is the one the benchmark's text is in (Gurmukhi for Punjabi; Latin for Azerbaijani, Javanese and
Malay), named as in ISO 15924 without its bracketed alternatives. ``Japanese`` is that standard's name
(``Jpan``) for Han with Hiragana and Katakana.

**Families** are the usual top-level ones; two entries are not families: ``Creole`` (Haitian, French-based)
and ``Isolate`` (Basque).

**Resource level** follows the taxonomy of Joshi, Santy, Budhiraja, Bali and Choudhury (2020), "The State
and Fate of Linguistic Diversity and Inclusion in the NLP World", ACL 2020: classes 0 (least) to 5 (most
labelled and unlabelled data), published at microsoft.github.io/linguisticdiversity/assets/lang2tax.txt and
read here in the copy that the package ``distals`` 0.1.1 carries as ``data/lang2tax.txt``. **High** is class
4 or 5, **mid** class 3, **low** class 0 to 2. That file has names, not codes, so four of them needed a
choice: Chinese is its ``mandarin`` (5), Punjabi its ``eastern punjabi`` (2; ``western punjabi``, in Arabic
script, is 2 too), Azerbaijani its ``azerbaijani`` (1; ``southern azerbaijani``, in Arabic script, is 1
too), and Haitian its ``haitian`` (2; it also lists ``haitian creole``, 0: low either way).

Lookups raise ``ValueError``; the table is read-only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from types import MappingProxyType
from typing import Literal

Direction = Literal["ltr", "rtl"]
Resource = Literal["high", "mid", "low"]

ENGLISH = "en"  # the language of every training set


@dataclass(frozen=True, slots=True)
class Language:
    """One language.

    ``joshi_class`` (0 to 5) is the number from which ``resource`` is derived; the module says how.

    Raises:
        ValueError: ``joshi_class`` is not one of 0 to 5.
    """

    code: str  # two letters, XTREME's own
    iso639_3: str
    name: str  # in English
    endonym: str  # in itself; isolate its direction on a page
    family: str
    branch: str
    script: str
    direction: Direction
    joshi_class: int
    resource: Resource = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "resource", resource_level(self.joshi_class))


def resource_level(joshi_class: int) -> Resource:
    """Resource level of a class of Joshi et al. 2020: 4 and 5 high, 3 mid, 0 to 2 low.

    Raises:
        ValueError: not a class from 0 to 5.
    """
    if joshi_class not in range(6):
        raise ValueError(f"joshi_class must be 0 to 5, not {joshi_class!r}")
    return "high" if joshi_class >= 4 else "mid" if joshi_class == 3 else "low"


_ENTRIES = (
    Language("af", "afr", "Afrikaans", "Afrikaans", "Indo-European", "Germanic", "Latin", "ltr", 3),
    Language("ar", "ara", "Arabic", "العربية", "Afro-Asiatic", "Semitic", "Arabic", "rtl", 5),
    Language("az", "aze", "Azerbaijani", "azərbaycanca", "Turkic", "Oghuz", "Latin", "ltr", 1),
    Language("bg", "bul", "Bulgarian", "български", "Indo-European", "Slavic", "Cyrillic", "ltr", 3),
    Language("bn", "ben", "Bengali", "বাংলা", "Indo-European", "Indo-Aryan", "Bengali", "ltr", 3),
    Language("de", "deu", "German", "Deutsch", "Indo-European", "Germanic", "Latin", "ltr", 5),
    Language("el", "ell", "Greek", "Ελληνικά", "Indo-European", "Hellenic", "Greek", "ltr", 3),
    Language("en", "eng", "English", "English", "Indo-European", "Germanic", "Latin", "ltr", 5),
    Language("es", "spa", "Spanish", "español", "Indo-European", "Romance", "Latin", "ltr", 5),
    Language("et", "est", "Estonian", "eesti", "Uralic", "Finnic", "Latin", "ltr", 3),
    Language("eu", "eus", "Basque", "euskara", "Isolate", "Basque", "Latin", "ltr", 4),
    Language("fa", "fas", "Persian", "فارسی", "Indo-European", "Iranian", "Arabic", "rtl", 4),
    Language("fi", "fin", "Finnish", "suomi", "Uralic", "Finnic", "Latin", "ltr", 4),
    Language("fr", "fra", "French", "français", "Indo-European", "Romance", "Latin", "ltr", 5),
    Language("gu", "guj", "Gujarati", "ગુજરાતી", "Indo-European", "Indo-Aryan", "Gujarati", "ltr", 1),
    Language("ha", "hau", "Hausa", "Hausa", "Afro-Asiatic", "Chadic", "Latin", "ltr", 2),
    Language("he", "heb", "Hebrew", "עברית", "Afro-Asiatic", "Semitic", "Hebrew", "rtl", 3),
    Language("hi", "hin", "Hindi", "हिन्दी", "Indo-European", "Indo-Aryan", "Devanagari", "ltr", 4),
    Language("ht", "hat", "Haitian Creole", "kreyòl ayisyen", "Creole", "French-based", "Latin", "ltr", 2),
    Language("hu", "hun", "Hungarian", "magyar", "Uralic", "Ugric", "Latin", "ltr", 4),
    Language("id", "ind", "Indonesian", "Bahasa Indonesia", "Austronesian", "Malayic", "Latin", "ltr", 3),
    Language("it", "ita", "Italian", "italiano", "Indo-European", "Romance", "Latin", "ltr", 4),
    Language("ja", "jpn", "Japanese", "日本語", "Japonic", "Japanese", "Japanese", "ltr", 5),
    Language("jv", "jav", "Javanese", "Basa Jawa", "Austronesian", "Javanese", "Latin", "ltr", 1),
    Language("ka", "kat", "Georgian", "ქართული", "Kartvelian", "Georgian", "Georgian", "ltr", 3),
    Language("kk", "kaz", "Kazakh", "қазақ тілі", "Turkic", "Kipchak", "Cyrillic", "ltr", 3),
    Language("ko", "kor", "Korean", "한국어", "Koreanic", "Korean", "Hangul", "ltr", 4),
    Language("lt", "lit", "Lithuanian", "lietuvių", "Indo-European", "Baltic", "Latin", "ltr", 3),
    Language("ml", "mal", "Malayalam", "മലയാളം", "Dravidian", "South Dravidian", "Malayalam", "ltr", 1),
    Language("mr", "mar", "Marathi", "मराठी", "Indo-European", "Indo-Aryan", "Devanagari", "ltr", 2),
    Language("ms", "msa", "Malay", "Bahasa Melayu", "Austronesian", "Malayic", "Latin", "ltr", 3),
    Language("my", "mya", "Burmese", "မြန်မာဘာသာ", "Sino-Tibetan", "Lolo-Burmese", "Myanmar", "ltr", 1),
    Language("nl", "nld", "Dutch", "Nederlands", "Indo-European", "Germanic", "Latin", "ltr", 4),
    Language("pa", "pan", "Punjabi", "ਪੰਜਾਬੀ", "Indo-European", "Indo-Aryan", "Gurmukhi", "ltr", 2),
    Language("pl", "pol", "Polish", "polski", "Indo-European", "Slavic", "Latin", "ltr", 4),
    Language("pt", "por", "Portuguese", "português", "Indo-European", "Romance", "Latin", "ltr", 4),
    Language("qu", "que", "Quechua", "Runa Simi", "Quechuan", "Quechua", "Latin", "ltr", 1),
    Language("ro", "ron", "Romanian", "română", "Indo-European", "Romance", "Latin", "ltr", 3),
    Language("ru", "rus", "Russian", "русский", "Indo-European", "Slavic", "Cyrillic", "ltr", 4),
    Language("sw", "swa", "Swahili", "Kiswahili", "Niger-Congo", "Bantu", "Latin", "ltr", 2),
    Language("ta", "tam", "Tamil", "தமிழ்", "Dravidian", "South Dravidian", "Tamil", "ltr", 3),
    Language("te", "tel", "Telugu", "తెలుగు", "Dravidian", "South-Central Dravidian", "Telugu", "ltr", 1),
    Language("th", "tha", "Thai", "ไทย", "Kra-Dai", "Tai", "Thai", "ltr", 3),
    Language("tl", "tgl", "Tagalog", "Tagalog", "Austronesian", "Philippine", "Latin", "ltr", 3),
    Language("tr", "tur", "Turkish", "Türkçe", "Turkic", "Oghuz", "Latin", "ltr", 4),
    Language("uk", "ukr", "Ukrainian", "українська", "Indo-European", "Slavic", "Cyrillic", "ltr", 3),
    Language("ur", "urd", "Urdu", "اردو", "Indo-European", "Indo-Aryan", "Arabic", "rtl", 3),
    Language("vi", "vie", "Vietnamese", "Tiếng Việt", "Austroasiatic", "Vietic", "Latin", "ltr", 4),
    Language("wo", "wol", "Wolof", "Wolof", "Niger-Congo", "Senegambian", "Latin", "ltr", 2),
    Language("yo", "yor", "Yoruba", "Yorùbá", "Niger-Congo", "Volta-Niger", "Latin", "ltr", 2),
    Language("zh", "zho", "Chinese", "中文", "Sino-Tibetan", "Sinitic", "Han", "ltr", 5),
)

LANGUAGES: Mapping[str, Language] = MappingProxyType({entry.code: entry for entry in _ENTRIES})
"""Two-letter code → language, in alphabetical order of the codes."""


def _groups() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for entry in sorted(_ENTRIES, key=lambda e: (e.family, e.code)):
        found.setdefault(f"family:{entry.family}", []).append(entry.code)
    for level in ("high", "mid", "low"):
        found[f"resource:{level}"] = [entry.code for entry in _ENTRIES if entry.resource == level]
    return {name: tuple(codes) for name, codes in found.items()}


GROUPS: Mapping[str, tuple[str, ...]] = MappingProxyType(_groups())
"""``family:Turkic`` and ``resource:low`` → codes: what a mean can be narrowed to."""


def language(code: str) -> Language:
    """The language with this two-letter code.

    Raises:
        ValueError: there is none; the message names the closest codes, also by English name, endonym or
            three-letter code (``unknown language 'dee'; close to: de``), else all of them.
    """
    found = LANGUAGES.get(code)
    if found is not None:
        return found
    spellings: dict[str, str] = {}
    for entry in _ENTRIES:
        for spelling in (entry.code, entry.iso639_3, entry.name, entry.endonym):
            spellings.setdefault(spelling.casefold(), entry.code)
    wanted = code.strip().casefold()[:40]
    if wanted in spellings:
        close = [spellings[wanted]]
    else:
        near = get_close_matches(wanted, list(spellings), n=5, cutoff=0.75)
        close = list(dict.fromkeys(spellings[spelling] for spelling in near))[:3]
    hint = f"close to: {', '.join(close)}" if close else f"known are: {', '.join(LANGUAGES)}"
    raise ValueError(f"unknown language {code[:40]!a}; {hint}")


def order_by_family(codes: Iterable[str]) -> list[str]:
    """The codes sorted by family, branch, script and English name: the default order of a language axis.

    Every code comes back as often as it was given.

    Raises:
        ValueError: a code is unknown.
    """

    def place(code: str) -> tuple[str, str, str, str]:
        entry = language(code)
        return entry.family, entry.branch, entry.script, entry.name

    return sorted(codes, key=place)
