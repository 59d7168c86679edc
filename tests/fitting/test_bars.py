"""What is around a picture that does not fill the panel."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from fitting.pages import document
from fitting.scenes import MEADOW
from imageserver.fitting.bars import filled
from imageserver.image import fitted
from imageserver.target import Target


def test_blurred_bars_have_the_pictures_colours_but_darker() -> None:
    """Above blue is dark blue, below green dark green, and the picture itself is not touched."""
    picture = Image.new("RGB", (200, 100), (40, 80, 200))
    picture.paste((60, 160, 60), (0, 50, 200, 100))
    shown = np.asarray(filled(picture, (200, 300), blurred=True)).astype(int)
    assert (shown[100:200] == np.asarray(picture)).all()
    for row, colour in ((0, (40, 80, 200)), (299, (60, 160, 60))):
        assert abs(shown[row, 100] - np.array(colour) * 0.45).max() <= 6
    assert abs(np.diff(shown[:100], axis=0)).max() <= 8, "nothing in the bars is sharp"


def test_plain_bars_are_black() -> None:
    """And as wide on both sides as can be."""
    shown = np.asarray(filled(Image.new("RGB", (100, 200), (250, 250, 250)), (151, 200), blurred=False))
    assert not shown[:, :25].any()
    assert shown[:, 25:125].all()
    assert not shown[:, 125:].any()


@pytest.mark.parametrize("size", [(1, 1), (1, 90), (60, 1), (60, 90)])
@pytest.mark.parametrize("blurred", [True, False])
def test_every_picture_gets_its_bars(size: tuple[int, int], blurred: bool) -> None:
    """From a single pixel to one that needs none."""
    shown = filled(Image.new("RGB", size, (200, 100, 50)), (60, 90), blurred=blurred)
    assert shown.size == (60, 90)
    assert shown.getpixel((29, 44)) == (200, 100, 50)


def encoded(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def test_a_panorama_hangs_before_itself_and_a_document_on_black() -> None:
    """The two ways in which a picture that must not be cut is shown, from the file to the frame."""
    target = Target(width=80, height=120, fit_mode="smart")
    wide = np.asarray(fitted(encoded(MEADOW(900, 200)), target))
    assert wide[:10].min() > 20
    page = np.asarray(fitted(encoded(document("page")), target))
    assert not page[:10].any()
    assert page[60].max() > 200


def test_blur_pad_is_a_mode_of_its_own() -> None:
    """A square that could be cropped is shown whole when the owner says so."""
    data = encoded(Image.new("RGB", (100, 100), (200, 100, 50)))
    shown = fitted(data, Target(width=80, height=120, fit_mode="blur-pad"))
    assert shown.getpixel((40, 60)) == (200, 100, 50)
    assert shown.getpixel((40, 2)) == pytest.approx((90, 45, 22), abs=2)
