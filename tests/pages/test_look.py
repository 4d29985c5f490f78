"""How numbers are written, and colours that can be read."""

import math
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.comparison import MOST
from dashboard import look
from dashboard.look import DIVERGING, THEMES


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.24, "+1.2"), (-0.31, "−0.3"), (0.04, "0.0"), (-0.04, "0.0"), (0.0, "0.0"), (12.0, "+12.0"), (None, "–")],
)
def test_gains_are_signed_and_zero_is_not(value: float | None, text: str):
    assert look.gain(value) == text


@given(st.floats(-100, 100))
def test_the_sign_of_a_gain_is_the_sign_of_what_is_shown(value: float):
    text = look.gain(value)
    read = float(text.replace("−", "-"))
    assert abs(read - value) <= 0.05 + 1e-9
    assert text.startswith("+") == (read > 0)
    assert text.startswith("−") == (read < 0)


def test_intervals_and_scores():
    assert look.interval(1.2, 0.3, 2.1) == "+1.2 [0.3, 2.1]"
    assert look.interval(-1.2, -2.1, 0.3) == "−1.2 [−2.1, 0.3]"
    assert look.interval(1.2, None, None) == "+1.2"
    assert look.score(64.05) in ("64.0", "64.1")
    assert look.score(None) == "–"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.031, ".031"), (0.0004, "<.001"), (0.05, ".05"), (1.0, "1"), (0.999, "1"), (0.25, ".25"), (None, "–")],
)
def test_probabilities(value: float | None, text: str):
    assert look.probability(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (41.3, "41 h"),
        (0.5, "30 min"),
        (0.01, "36 s"),
        (1234.0, "1,200 h"),
        (2.04, "2 h"),
        (0.0, "0 s"),
        (None, "not measured"),
    ],
)
def test_hours_have_two_digits(value: float | None, text: str):
    assert look.hours(value) == text


def test_the_scale_is_symmetric_in_lightness_and_light_in_the_middle():
    assert len(DIVERGING) == 256
    assert look.luminance(DIVERGING[128]) > 0.7
    for i in range(0, 128, 16):
        assert math.isclose(look.luminance(DIVERGING[i]), look.luminance(DIVERGING[255 - i]), abs_tol=0.12)


def test_blue_is_a_gain_and_red_a_loss():
    red, _green, blue = (int(DIVERGING[240][i : i + 2], 16) for i in (1, 3, 5))
    assert blue > red
    red, _green, blue = (int(DIVERGING[30][i : i + 2], 16) for i in (1, 3, 5))
    assert red > blue


@pytest.mark.parametrize("ground", [*DIVERGING[::5], DIVERGING[-1]])
def test_text_reads_on_every_colour_of_the_scales(ground: str):
    assert look.contrast(look.ink_on(ground), ground) >= 4.5


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
def test_text_reads_on_the_page(theme: look.Theme):
    for ink in (theme.ink, theme.soft, theme.accent, theme.alarm):
        for ground in (theme.paper, theme.panel, theme.hatch_ground):
            assert look.contrast(ink, ground) >= 4.5, (ink, ground)
    assert look.contrast(theme.hatch, theme.hatch_ground) >= 2.5


def test_the_style_sheet_has_the_colours_of_the_figures():
    """Two files must agree, because a figure cannot read a style sheet."""
    from pathlib import Path

    css = (Path(look.__file__).parent / "assets" / "crosslift.css").read_text()
    for theme, selector in ((look.LIGHT, ":root {"), (look.DARK, ":root[data-mantine-color-scheme='dark'] {")):
        [block] = [line for line in css.splitlines() if line.startswith(selector)]
        for name in ("line", "panel", "hatch", "alarm", "accent", "soft"):
            assert f"--{name}: {getattr(theme, name)};" in block
    script = (Path(look.__file__).parent / "assets" / "crosslift.js").read_text()
    for theme in THEMES.values():
        assert f"backgroundColor: '{theme.paper}', foregroundColor: '{theme.ink}'" in script


def test_letters_of_compared_things_have_the_colours_of_their_marks():
    sheet = (Path(look.__file__).parent / "assets" / "compare.css").read_text("utf-8")
    found = re.findall(r"(dark'\] )?\.compare-letter\[data-side='(\d)'\] \{ color: (#\w{6}); \}", sheet)
    said = {("dark" if dark else "light", int(side)): colour for dark, side, colour in found}
    marked = {
        (name, i): colour for name, colours in look.CATEGORICAL.items() for i, colour in enumerate(colours[:MOST])
    }
    assert said == marked


def test_colours_beyond_the_ends_are_the_ends():
    assert look.colour(DIVERGING, 99, -2, 2) == DIVERGING[-1]
    assert look.colour(DIVERGING, -99, -2, 2) == DIVERGING[0]
    assert look.colour(DIVERGING, 0, -2, 2) in DIVERGING[126:130]


def test_the_vendored_scale_names_its_maker_and_licence():
    from pathlib import Path

    text = (Path(look.__file__).parent / "colours" / "vik.txt").read_text()
    assert "Crameri" in text
    assert "MIT License" in text
    assert "The above copyright notice and this permission notice shall be included" in text
