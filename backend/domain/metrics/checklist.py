"""Error rates of MultiCheckList (XTREME-R): how many of a test's cases a question-answering model gets wrong.

Source: google-research/xtreme at 838c13b69d, ``multichecklist/generate_test_utils.py``: an answer is right where it equals
the expected one after ``cleaned``; a *case* is a set of paragraphs with all its questions, and fails where any of them is
answered wrongly (a minimum functionality test of the CheckList package). Lower is better.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

#: The six tests by our short names, in the order of the official list.
TESTS = ("comparisons", "intensifiers", "properties", "profession", "animal_vehicle", "animal_vehicle_v2")
ERROR_RATE = "error_rate"
METRICS = (ERROR_RATE, *(f"{ERROR_RATE}_{test}" for test in TESTS))

_WORDS: Mapping[str, str] = {
    "af": "’n", "de": "ein eine einen", "el": "Ο ένα μια", "en": "a an the in at", "es": "un una unos unas el la los las",
    "eu": "bat", "fa": "یک", "fr": "un une le la en", "hu": "egy", "it": "un una", "nl": "een", "pt": "um uma", "tl": "Si",
    "tr": "bir", "vi": "một", "wo": "dafa", "yo": "kan",
}  # fmt: skip
#: Written together with what follows them: only the beginning is at the edge of a word.
_BEGINNINGS: Mapping[str, str] = {
    "bn": "একটি একজন", "hi": "एक", "ml": "ഒരു", "mr": "एक", "my": "တစ်ဦး", "pa": "ਇੱਕ ਇਕ", "ta": "ஒரு"
}  # fmt: skip
_PUNCTUATION: Mapping[str, str] = {"bn": "৷", "hi": "৷", "pa": "।", "pl": "„”", "ur": "\u200f"}


def _article(language: str) -> re.Pattern[str] | None:
    if language == "ar":
        return re.compile("ال")  # of the noun it is written with
    if language == "af":
        return re.compile(r"’n\b")
    if language in _WORDS:
        return re.compile(rf"\b({'|'.join(_WORDS[language].split())})\b")
    if language in _BEGINNINGS:
        return re.compile(rf"\b({'|'.join(_BEGINNINGS[language].split())})")
    return None


_ARTICLES = {code: _article(code) for code in ("ar", *_WORDS, *_BEGINNINGS)}


def cleaned(text: str, language: str) -> str:
    """An answer without the articles that the official script takes out of this language, and without comma, full stop and
    blank at its ends. Case counts, as there."""
    article = _ARTICLES.get(language)
    plain = text if article is None else article.sub(" ", text)
    return plain.strip(",. " + _PUNCTUATION.get(language, ""))


def right(prediction: str, expected: str, language: str) -> bool:
    return cleaned(prediction, language) == cleaned(expected, language)


def error_rates(answers: Iterable[tuple[str, bool]]) -> dict[str, tuple[float, int]]:
    """Each metric of ``METRICS``: points 0 to 100, and the number of cases; ``error_rate`` is the mean over the tests.

    Args:
        answers: id of a question, as ``test/case/…``, and whether it was answered rightly.

    Raises:
        ValueError: an id is of no test, or a test has no case.
    """
    failed: dict[str, dict[str, bool]] = defaultdict(dict)
    for name, correct in answers:
        test, _, rest = name.partition("/")
        if test not in TESTS:
            raise ValueError(f"question {name!a} is of no test; expected one of {', '.join(TESTS)}")
        case = rest.partition("/")[0]
        failed[test][case] = failed[test].get(case, False) or not correct
    if without := [test for test in TESTS if test not in failed]:
        raise ValueError(f"no case of {', '.join(without)}")
    found = {f"{ERROR_RATE}_{t}": (100 * sum(failed[t].values()) / len(failed[t]), len(failed[t])) for t in TESTS}
    whole = sum(rate for rate, _ in found.values()) / len(found)
    return {ERROR_RATE: (whole, sum(n for _, n in found.values())), **found}


def lower_is_better(metric: str) -> bool:
    """Whether less of a metric is better. Gains of it are counted as what is won: baseline minus treated."""
    return metric in METRICS
