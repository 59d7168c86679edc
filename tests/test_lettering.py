"""Letters on pictures: Cyrillic is really there, and no line leaves its box."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from imageserver.lettering import ELLIPSIS, Weight, first_line, fit, font, line_height, shorten, wrap

NOT_IN_ANY_FONT = "\U0010fffd"  # a private character: what is drawn for it is the box for a missing glyph


def drawn(character: str, face: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> bytes:
    """The pixels of one character."""
    picture = Image.new("L", (60, 60))
    ImageDraw.Draw(picture).text((10, 5), character, font=face, fill=255)
    return picture.tobytes()


@pytest.mark.parametrize("weight", ["Light", "Regular", "Medium", "Bold"])
def test_cyrillic_and_the_rouble_are_drawn(weight: Weight) -> None:
    """Each glyph of «Жф₽» is there: no missing-glyph box, no blank, no other glyph, not Pillow's own."""
    glyphs = {character: drawn(character, font(32, weight)) for character in "«Жф₽»…"}
    missing = drawn(NOT_IN_ANY_FONT, font(32, weight))
    built_in = ImageFont.load_default(32)
    assert any(missing), "the box is drawn, so it can be told from a glyph"
    for character, pixels in glyphs.items():
        assert any(pixels), character
        assert pixels != missing, character
        assert pixels != drawn(character, built_in), character
    assert len(set(glyphs.values())) == len(glyphs)


def test_a_font_is_opened_once() -> None:
    """Drawing a second card reads no file again."""
    assert font(20) is font(20)
    assert font(20) is not font(21)


def test_lines_break_between_words() -> None:
    """Words stay whole where they can, and white space does not matter."""
    face = font(20)
    width = round(face.getlength("одно два"))
    assert wrap(" одно  два\nтри ", face, width) == ["одно два", "три"]
    assert wrap("", face, 100) == []
    assert first_line("одно два три", face, width) == ("одно два", "три")


def test_a_word_wider_than_the_line_is_broken() -> None:
    """A long address goes on over several lines and loses no character."""
    face = font(20)
    word = "http://192.168.100.200:8099/page"
    lines = wrap(word, face, 100)
    assert len(lines) > 2
    assert "".join(lines) == word
    assert all(face.getlength(line) <= 100 for line in lines)


def test_what_is_too_much_ends_in_an_ellipsis() -> None:
    """A text of more lines than allowed is cut, also within a word, and not where it fits."""
    face = font(20)
    assert wrap("раз два три четыре", face, 75, most=1)[0].endswith(ELLIPSIS)
    assert shorten("коротко", face, 200) == "коротко"
    cut = shorten("длинноеслово" * 5, face, 120)
    assert cut.startswith("длинное")
    assert cut.endswith(ELLIPSIS)
    assert face.getlength(cut) <= 120


def test_the_largest_size_that_fits_is_taken() -> None:
    """A short text is large, a longer one smaller, and one that fits at no size is cut at the smallest."""
    sizes = range(40, 9, -1)
    assert fit("Да", 200, 100, sizes).size == 40
    middle = fit("Картина рисуется и скоро будет готова", 200, 100, sizes)
    assert 10 < middle.size < 40
    assert middle.height <= 100
    larger = wrap("Картина рисуется и скоро будет готова", font(middle.size + 1), 200)
    assert len(larger) * line_height(middle.size + 1) > 100, "one size larger would not fit"
    cut = fit("слово " * 500, 200, 100, sizes)
    assert cut.size == 10
    assert cut.lines[-1].endswith(ELLIPSIS)
    assert cut.height <= 100


@settings(max_examples=150)
@given(
    text=st.text(max_size=80), width=st.integers(30, 300), size=st.integers(8, 30), most=st.none() | st.integers(0, 4)
)
def test_no_line_is_wider_than_its_box(text: str, width: int, size: int, most: int | None) -> None:
    """Lines fit, or hold one character that cannot be broken; without a limit no character is lost."""
    face = font(size)
    lines = wrap(text, face, width, most)
    assert all(face.getlength(line) <= width or len(line) <= 1 for line in lines)
    if most is None:
        assert "".join("".join(lines).split()) == "".join(text.split())
    else:
        assert len(lines) <= most
