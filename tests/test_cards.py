"""Cards: every kind, in both languages, on every panel."""

from __future__ import annotations

import io
from typing import get_args

import pytest
from PIL import Image, ImageChops, ImageDraw

from imageserver import cards
from imageserver.card_words import TEXTS, Kind
from imageserver.cards import Card, Reason, draw_card
from imageserver.image import Target, identify, render
from imageserver.language import Language

PANELS = [(320, 480), (480, 320), (128, 160), (640, 960)]
ADDRESS = "http://192.168.1.42:8099"
LONG = Reason(
    provider="provider-with-a-very-long-name", reason="Donaudampfschifffahrtselektrizitätenhauptbetrieb " * 20
)


def said(monkeypatch: pytest.MonkeyPatch, card: Card, language: Language, size: tuple[int, int]) -> list[str]:
    """Every piece of text that is drawn on the card, once it is known that none leaves the card."""
    texts: list[str] = []
    draw_text = ImageDraw.ImageDraw.text

    def watched(self: ImageDraw.ImageDraw, place: tuple[float, float], text: str, **options: object) -> None:
        left, top, right, bottom = self.textbbox(place, text, font=options["font"])  # type: ignore[arg-type] # a font
        assert left >= 0, text
        assert top >= 0, text
        assert right <= size[0] * cards._FINE, text
        assert bottom <= size[1] * cards._FINE, text
        texts.append(text)
        draw_text(self, place, text, **options)  # type: ignore[arg-type] # handed on as they came

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", watched)
    draw_card(card, language, *size)
    return texts


@pytest.mark.parametrize("size", PANELS)
@pytest.mark.parametrize("language", get_args(Language))
@pytest.mark.parametrize("kind", get_args(Kind))
def test_every_card_says_all_of_it(
    kind: Kind, language: Language, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Title, body, reason and address are there, whole and within the panel, also on the smallest."""
    card = Card(kind=kind, address=ADDRESS, reasons=(Reason(provider="folder", reason="no folder"),))
    whole = " ".join(" ".join(said(monkeypatch, card, language, size)).split())
    text = TEXTS[kind, language]
    assert whole == f"{ADDRESS} {text.title} {text.body} folder: no folder"


@pytest.mark.parametrize("language", get_args(Language))
@pytest.mark.parametrize("kind", get_args(Kind))
def test_texts_are_in_the_language(kind: Kind, language: Language) -> None:
    """Russian cards hold no Latin letters and English ones no Cyrillic."""
    text = TEXTS[kind, language]
    letters = [character for character in text.title + text.body if character.isalpha()]
    assert all(("а" <= character.lower() <= "я" or character in "ёЁ") == (language == "ru") for character in letters)


@pytest.mark.parametrize("size", [*PANELS, (250, 122), (64, 48)])
def test_too_much_to_say_is_cut_with_an_ellipsis(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Nine long reasons and a long address neither fail nor leave the panel."""
    card = Card(kind="nothing_stored", address=ADDRESS + "/long" * 30, reasons=(LONG,) * 9)
    texts = said(monkeypatch, card, "ru", size)
    assert any(text.endswith("…") for text in texts)


@pytest.mark.parametrize("size", [(16, 16), (2000, 40), (1, 1)])
def test_a_panel_too_small_for_words_shows_the_sky(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody could read it, nothing is written, and the card is drawn all the same."""
    assert said(monkeypatch, Card(kind="painting", address=ADDRESS, reasons=(LONG,)), "ru", size) == []


def test_reasons_that_find_no_room_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small panel shows the first reasons and how many more there are."""
    card = Card(kind="nothing_stored", reasons=tuple(Reason(provider=f"p{number}", reason="x") for number in range(40)))
    texts = said(monkeypatch, card, "en", (320, 480))
    shown = sum(text.startswith("p") and text.endswith(":") for text in texts)
    assert 3 <= shown < 40
    assert texts[-1] == f"and {40 - shown} more"


@pytest.mark.parametrize("size", PANELS)
def test_a_card_is_an_original_of_the_panels_size(size: tuple[int, int]) -> None:
    """It is a PNG that becomes a rendition like any other picture."""
    data = draw_card(Card(kind="painting"), "ru", *size)
    facts = identify(data)
    assert (facts.format, facts.width, facts.height) == ("png", *size)
    render(data, Target(width=size[0], height=size[1]))


def test_cards_are_dark_and_their_letters_bright() -> None:
    """A card does not light up the room at night, and can be read from across it."""
    for kind in get_args(Kind):
        picture = Image.open(io.BytesIO(draw_card(Card(kind=kind), "ru", 320, 480))).convert("L")
        histogram = picture.histogram()
        assert sum(histogram[:80]) > 0.85 * 320 * 480
        assert sum(histogram[225:]) > 100


def test_the_same_card_is_the_same_picture_and_another_is_not() -> None:
    """Cards can be kept by what they say; kinds differ by more than their words."""
    card = Card(kind="painting", address=ADDRESS)
    assert draw_card(card, "ru", 320, 480) == draw_card(card, "ru", 320, 480)
    assert draw_card(card, "ru", 320, 480) != draw_card(card, "en", 320, 480)
    skies = [cards._landscape(kind, 320, 480, 0.88) for kind in get_args(Kind)]
    for one, other in ((0, 1), (1, 2), (0, 2)):
        assert ImageChops.difference(skies[one], skies[other]).getbbox() is not None
