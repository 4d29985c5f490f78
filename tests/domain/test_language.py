"""The language table: complete, consistent with the benchmark's lists, and helpful when a code is wrong."""

from __future__ import annotations

import dataclasses
import random
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.language import ENGLISH, LANGUAGES, Language, language, order_by_family, resource_level

# google-research/xtreme, evaluate.py: the languages of every target, XTREME-R's additions included
XTREME_R = {
    "xnli": "ar bg de el en es fr hi ru sw th tr ur vi zh",
    "pawsx": "de en es fr ja ko zh",
    "udpos": "af ar bg de el en es et eu fa fi fr he hi hu id it ja kk ko mr nl pt ru ta te th tl tr ur vi "
    "yo zh lt pl uk wo ro",
    "panx": "ar he vi id jv ms tl eu ml ta te af nl en de el bn hi mr ur fa fr it pt es bg ru ja ka ko th "
    "sw yo my zh kk tr et fi hu qu pl uk az lt pa gu ro",
    "xquad": "en es de el ru tr ar vi th zh hi ro",
    "mlqa": "en es de ar hi vi zh",
    "tydiqa": "en ar bn fi id ko ru sw te",
    "xcopa": "et ht id it qu sw ta th tr vi zh",
    "lareqa": "ar de el en es hi ru th tr vi zh",
    "mewslix": "ar de en es fa ja pl ro ta tr uk",
    "bucc": "de fr ru zh",
}

SCRIPT_NAMES = {"Japanese": ("CJK", "HIRAGANA", "KATAKANA"), "Han": ("CJK",)}


def test_the_fifty_languages_of_the_benchmark() -> None:
    union = {code for codes in XTREME_R.values() for code in codes.split()}
    assert len(union) == 50
    assert set(LANGUAGES) == union | {"ha"}  # MultiCheckList's Hausa, which no task of the benchmark has


def test_keys_are_the_codes_in_order_and_nothing_occurs_twice() -> None:
    assert [entry.code for entry in LANGUAGES.values()] == list(LANGUAGES) == sorted(LANGUAGES)
    for name in ("iso639_3", "name", "endonym"):
        values = [getattr(entry, name) for entry in LANGUAGES.values()]
        assert len(set(values)) == len(LANGUAGES), name
    assert ENGLISH in LANGUAGES


def test_the_table_is_read_only() -> None:
    with pytest.raises(TypeError):
        LANGUAGES["xx"] = LANGUAGES["en"]  # type: ignore[index]
    with pytest.raises(dataclasses.FrozenInstanceError):
        LANGUAGES["en"].name = "Anglish"  # type: ignore[misc]


@pytest.mark.parametrize("entry", LANGUAGES.values(), ids=lambda e: e.code)
def test_every_entry_is_complete(entry: Language) -> None:
    for item in dataclasses.fields(entry):
        value = getattr(entry, item.name)
        assert value is not None
        assert value != ""
        if isinstance(value, str):
            assert value == value.strip()
            assert unicodedata.is_normalized("NFC", value)
    assert len(entry.code) == 2
    assert len(entry.iso639_3) == 3
    assert entry.code.islower()
    assert entry.iso639_3.isascii()
    assert entry.iso639_3.islower()
    assert entry.name.isascii()


@pytest.mark.parametrize("entry", LANGUAGES.values(), ids=lambda e: e.code)
def test_the_endonym_is_written_in_the_script_and_direction_that_the_entry_names(entry: Language) -> None:
    allowed = SCRIPT_NAMES.get(entry.script, (entry.script.upper(),))
    letters = [c for c in entry.endonym if unicodedata.category(c) in ("Lu", "Ll", "Lo", "Lm")]
    assert letters
    for letter in letters:
        assert unicodedata.name(letter).startswith(allowed), (letter, unicodedata.name(letter))
    right_to_left = all(unicodedata.bidirectional(c) in ("R", "AL") for c in letters)
    assert right_to_left == (entry.direction == "rtl")


def test_right_to_left_languages() -> None:
    assert {c for c, entry in LANGUAGES.items() if entry.direction == "rtl"} == {"ar", "fa", "he", "ur"}


def test_branches_belong_to_one_family() -> None:
    families: dict[str, set[str]] = {}
    for entry in LANGUAGES.values():
        families.setdefault(entry.branch, set()).add(entry.family)
    assert all(len(found) == 1 for found in families.values())
    indo_european = {e.branch for e in LANGUAGES.values() if e.family == "Indo-European"}
    assert indo_european == {"Germanic", "Romance", "Slavic", "Baltic", "Indo-Aryan", "Iranian", "Hellenic"}


def test_resource_levels_are_those_of_joshi_et_al() -> None:
    by_class: dict[int, set[str]] = {number: set() for number in range(6)}
    for code, entry in LANGUAGES.items():
        by_class[entry.joshi_class].add(code)
    assert by_class[5] == {"en", "es", "de", "ja", "fr", "ar", "zh"}
    assert by_class[4] == {"tr", "ko", "hi", "fa", "pt", "ru", "nl", "pl", "it", "vi", "eu", "hu", "fi"}
    assert by_class[3] == {
        "uk",
        "id",
        "af",
        "el",
        "he",
        "ms",
        "th",
        "ka",
        "tl",
        "ta",
        "kk",
        "ro",
        "bg",
        "lt",
        "et",
        "bn",
        "ur",
    }
    assert by_class[2] == {"ha", "pa", "mr", "sw", "wo", "ht", "yo"}
    assert by_class[1] == {"te", "az", "my", "jv", "gu", "qu", "ml"}
    assert by_class[0] == set()
    for entry in LANGUAGES.values():
        assert entry.resource == ("low", "low", "low", "mid", "high", "high")[entry.joshi_class]


def test_a_class_outside_the_taxonomy_is_refused() -> None:
    assert [resource_level(c) for c in range(6)] == ["low", "low", "low", "mid", "high", "high"]
    for wrong in (-1, 6):
        with pytest.raises(ValueError, match="joshi_class"):
            resource_level(wrong)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("dee", "unknown language 'dee'; close to: de"),
        ("German", "unknown language 'German'; close to: de"),
        ("EN", "unknown language 'EN'; close to: en"),
        ("swa", "unknown language 'swa'; close to: sw"),
        ("русский", "close to: ru"),
        ("Portugese", "close to: pt"),
        ("klingon!", "known are: af, ar, az"),
        ("", "unknown language ''; known are: af"),
        ("x\n\x1b[31m", r"unknown language 'x\n\x1b[31m'; known"),
    ],
)
def test_an_unknown_code_says_what_is_close(asked: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        language(asked)
    assert message in str(caught.value)


def test_a_long_wrong_code_gives_a_short_message() -> None:
    with pytest.raises(ValueError) as caught:
        language("q" * 100_000)
    assert len(str(caught.value)) < 400


def test_known_codes_are_found() -> None:
    assert all(language(code) is entry for code, entry in LANGUAGES.items())


def test_order_by_family() -> None:
    given_order = ["zh", "de", "en", "ru", "uk", "pl", "sw", "eu", "es"]
    assert order_by_family(given_order) == ["en", "de", "es", "ru", "uk", "pl", "eu", "sw", "zh"]
    assert order_by_family([]) == []
    assert order_by_family(["en", "de", "en"]) == ["en", "en", "de"]
    with pytest.raises(ValueError, match="close to: de"):
        order_by_family(["dee"])


@given(st.randoms(use_true_random=False))
def test_the_order_does_not_depend_on_the_order_given(shuffler: random.Random) -> None:
    codes = list(LANGUAGES)
    shuffler.shuffle(codes)
    ordered = order_by_family(codes)
    assert ordered == order_by_family(LANGUAGES)
    families = [LANGUAGES[code].family for code in ordered]
    assert len([f for i, f in enumerate(families) if i == 0 or families[i - 1] != f]) == len(set(families))
