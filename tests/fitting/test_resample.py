"""Sizes change, the amount of light does not; edges stay edges, without halos."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from imageserver.fitting import resample
from imageserver.fitting.resample import resized

Pixels = NDArray[np.int_]


def pixels(picture: Image.Image) -> Pixels:
    return np.asarray(picture).astype(int)


def whole(picture: Image.Image, size: tuple[int, int], *, sharpen: bool = False) -> Pixels:
    """The whole picture at this size."""
    return pixels(resized(picture, size, (0.0, 0.0, *picture.size), sharpen=sharpen))


def chessboard(size: int) -> Image.Image:
    return Image.fromarray((np.indices((size, size)).sum(0) % 2 * 255).astype(np.uint8)).convert("RGB")


@pytest.mark.parametrize("sharpen", [True, False])
def test_a_chessboard_gives_half_the_light(sharpen: bool) -> None:
    """Half of the light is 188 in sRGB, not 128."""
    inner = whole(chessboard(200), (100, 100), sharpen=sharpen)[5:-5, 5:-5]
    assert abs(inner - 188).max() <= 1


@pytest.mark.parametrize("size", [(40, 60), (90, 7), (300, 500)])
@pytest.mark.parametrize("sharpen", [True, False])
def test_flat_colours_stay_what_they_are(size: tuple[int, int], sharpen: bool) -> None:
    """Every level there is comes out as itself, smaller and larger."""
    for level in range(0, 256, 5):
        colour = (level, 255 - level, (level * 7) % 256)
        assert (whole(Image.new("RGB", (100, 150), colour), size, sharpen=sharpen) == colour).all()


def test_an_edge_gets_no_halo() -> None:
    """Beside an edge nothing is more than 16 levels darker or brighter than its side of it, sharpened as it is."""
    for place in range(10):
        picture = Image.new("RGB", (320, 320), (60, 60, 60))
        picture.paste((190, 190, 190), (150 + place, 0, 320, 320))
        row = whole(picture, (100, 100), sharpen=True)[50, :, 0]
        assert row.min() >= 60 - 16
        assert row.max() <= 190 + 16


def test_sharpening_raises_detail_of_what_is_shrunk_only() -> None:
    """The contrast of fine lines grows; a picture that is enlarged stays as it is."""
    lines = Image.fromarray((np.arange(300) % 10 * 20).astype(np.uint8)[None].repeat(300, 0)).convert("RGB")
    assert whole(lines, (150, 150), sharpen=True).std() > 1.05 * whole(lines, (150, 150)).std()
    assert (whole(lines, (400, 400), sharpen=True) == whole(lines, (400, 400))).all()


def test_sharpening_gives_no_coloured_seams() -> None:
    """All three colours are raised by the same."""
    picture = Image.new("RGB", (200, 200), (120, 80, 60))
    picture.paste((150, 110, 90), (100, 0, 200, 200))
    plain, sharp = whole(picture, (80, 80)), whole(picture, (80, 80), sharpen=True)
    change = sharp - plain
    assert change.any()
    assert np.ptp(change, axis=2).max() <= 1


def test_the_part_that_is_asked_for_is_shown() -> None:
    """The middle of a target, to a fraction of a pixel."""
    picture = Image.new("RGB", (300, 300), (0, 0, 0))
    picture.paste((255, 0, 0), (100, 50, 200, 250))
    inner = pixels(resized(picture, (20, 40), (100.0, 50.0, 200.0, 250.0), sharpen=False))
    assert (inner[3:-3, 3:-3] == (255, 0, 0)).all()
    ramp = Image.fromarray(np.arange(256, dtype=np.uint8)[None].repeat(64, 0)).convert("RGB")
    shifted = pixels(resized(ramp, (64, 64), (64.5, 0.0, 192.5, 64.0), sharpen=False))[32, :, 0]
    assert abs(shifted - (64 + np.arange(64) * 2 + 1)).max() <= 1


def test_a_huge_picture_is_taken_a_row_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """With little memory the result is the same to the last rounding."""
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 256, (333, 217, 3), np.uint8))
    much = whole(noise, (50, 90))
    monkeypatch.setattr(resample, "_MOST_NUMBERS", 1000)
    assert abs(whole(noise, (50, 90)) - much).max() <= 1


@pytest.mark.parametrize("size", [(1, 1), (1, 700), (700, 1), (3, 2)])
@pytest.mark.parametrize("wanted", [(1, 1), (40, 60), (1, 60), (40, 1)])
def test_the_thinnest_pictures_keep_their_colour(size: tuple[int, int], wanted: tuple[int, int]) -> None:
    """No size leads outside of the picture or to weights of nothing."""
    assert (whole(Image.new("RGB", size, (200, 90, 10)), wanted, sharpen=True) == (200, 90, 10)).all()


def test_a_box_thinner_than_a_pixel_is_one() -> None:
    """What rounding left of a box is still a colour."""
    picture = Image.new("RGB", (5, 5), (200, 90, 10))
    for box in ((4.9999, 0.0, 5.0, 5.0), (5.0, 5.0, 5.0, 5.0), (0.0, 0.125, 5.0, 0.25)):
        assert (pixels(resized(picture, (4, 4), box, sharpen=False)) == (200, 90, 10)).all()
