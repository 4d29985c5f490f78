"""Addresses of pages that can be frozen: what is read strictly, what travels along, one view one address."""

from __future__ import annotations

import pytest

from backend.domain.address import Address, read_address, wrong_languages
from backend.domain.language import GROUPS, LANGUAGES
from backend.domain.task import Source
from backend.errors import Invalid


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("/explore", "/explore"),
        ("/explore?", "/explore"),
        ("/explore?target=xnli&model=mini-2", "/explore?model=mini-2&target=xnli"),
        ("/explore?metric=accuracy&target=xnli&source=mini", "/explore?target=xnli"),  # defaults are left out
        ("/explore?metric=exact_match&target=xquad", "/explore?metric=exact_match&target=xquad"),
        ("/explore?source=hub&cell=mnli%2Bsquad.sw&order=gain", "/explore?cell=mnli%2Bsquad.sw&order=gain&source=hub"),
        ("/explore?cell=control:squad.sw&model=", "/explore?cell=control:squad.sw"),
        ("/explore?target=xnli&settings=0123456789", "/explore?settings=0123456789&target=xnli"),
        (
            "/explore?pins=mini-4/mnli/xnli&layout=recipe-language&target=xnli",
            "/explore?target=xnli",
        ),
        # of the other matrices what says nothing about their numbers is no part of their address
        (
            "/explore?layout=recipe-target&languages=sw,family:Turkic,sw&model=mini-2&target=xnli&recipe=mnli&order=gain",
            "/explore?languages=family:Turkic,sw&layout=recipe-target&model=mini-2&order=gain",
        ),
        (
            "/explore?layout=target-language&languages=script:Cyrillic&recipe=mnli%2Bsquad&target=xnli&metric=accuracy&settings=0123456789",
            "/explore?languages=script:Cyrillic&layout=target-language&recipe=mnli%2Bsquad",
        ),
        (
            "/explore?layout=model-language&model=mini-2&recipe=mnli&source=hub&target=xquad",
            "/explore?layout=model-language&recipe=mnli&source=hub&target=xquad",
        ),
        ("/tradeoff?languages=mean_transfer", "/tradeoff"),
        ("/tradeoff?languages=family:Turkic&x=hours", "/tradeoff?languages=family:Turkic&x=hours"),
        ("/tradeoff?languages=sw", "/tradeoff?languages=sw"),
    ],
)
def test_one_view_has_one_address(text: str, written: str) -> None:
    found = read_address(text)
    assert str(found) == written
    assert str(read_address(written)) == written


def test_what_says_which_numbers_is_read() -> None:
    found = read_address("/explore?model=mini-4&target=xquad&metric=exact_match&source=hub&view=table")
    assert found == Address("explore", Source.HUB, "mini-4", "xquad", "exact_match", rest=(("view", "table"),))
    settled = read_address("/explore?order=gain").settled(model="mini-2", target="xnli", metric="accuracy")
    assert str(settled) == "/explore?model=mini-2&order=gain&target=xnli"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("explore", "no page that can be frozen"),
        ("/queue", "it begins with /explore or /tradeoff"),
        ("/explore/", "no page"),
        ("//evil.example/explore", "no page"),
        ("https://evil.example/explore?target=xnli", "no page"),
        ("/explore?model=gpt-9", "unknown model 'gpt-9'"),
        ("/explore?target=xnlj", "did you mean xnli"),
        ("/explore?target=xnli&metric=bleu", "unknown metric 'bleu'"),
        ("/explore?metric=bleu", "unknown metric 'bleu'"),
        ("/explore?layout=language-recipe", "unknown layout 'language-recipe'"),
        ("/explore?layout=recipe-target&languages=sw,xx", "unknown languages 'xx'"),
        ("/explore?layout=target-language&recipe=%22", "cannot be the name of a recipe"),
        ("/explore?settings=zero-shot", "takes 10 of 0-9 and a-f"),
        ("/tradeoff?source=disk", "unknown source 'disk'"),
        ("/tradeoff?languages=xx", "unknown languages 'xx'"),
        ("/tradeoff?languages=family:Turk", "did you mean Turkic"),
        ("/explore?target=xnli&target=xquad", "target is given twice"),
        ("/explore?Order=gain", "cannot be the name of a parameter"),
        ("/explore?order=a%00b", "order holds characters that cannot be shown"),
        ("/explore?order=%ff", "cannot be read"),
        ("/explore?" + "&".join(f"a{i}=1" for i in range(60)), "cannot be read"),
        ("/explore?x=" + "é" * 700, "too long"),
    ],
)
def test_what_cannot_be_frozen_is_refused_at_view(text: str, message: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_address(text)
    assert {e.pointer for e in caught.value.errors} == {"/view"}
    assert message in " ".join(e.message for e in caught.value.errors)


def test_groups_cover_every_language_once_by_family_and_once_by_resource() -> None:
    for kind in ("family:", "resource:"):
        codes = [code for name, of in GROUPS.items() if name.startswith(kind) for code in of]
        assert sorted(codes) == sorted(LANGUAGES)
    assert GROUPS["family:Turkic"] == ("az", "kk", "tr") and "sw" in GROUPS["resource:low"]


@pytest.mark.parametrize("value", ["mean_all", "mean_transfer", "sw", "family:Indo-European", "resource:mid"])
def test_languages_that_a_trade_off_can_be_over(value: str) -> None:
    assert wrong_languages(value) is None


@pytest.mark.parametrize(
    ("value", "accepted"), [("resource:rich", "high, low, mid"), ("family:", "Turkic"), ("nonsense:x", "family:<name>")]
)
def test_other_languages_are_answered_with_what_is_accepted(value: str, accepted: str) -> None:
    message = wrong_languages(value)
    assert message is not None and accepted in message and len(message) < 300
