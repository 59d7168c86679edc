"""Wide-gamut photos come out in their true colours; profiles that are sRGB, broken or nonsense change nothing."""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageCms

from fitting.profiles import ADOBE_RGB, DISPLAY_P3, SRGB, Matrix, in_srgb, profile
from imageserver import image
from imageserver.fitting import colour
from imageserver.target import Target

COLOURS = [(200, 100, 50), (60, 160, 90), (40, 70, 180), (128, 128, 128), (255, 255, 255), (0, 0, 0)]


def changed(pixel: tuple[int, int, int], icc: object) -> object:
    """What becomes of one pixel."""
    return colour.in_srgb(Image.new("RGB", (8, 8), pixel), icc).getpixel((4, 4))


@pytest.mark.parametrize("pixel", COLOURS)
@pytest.mark.parametrize(("colours", "gamma"), [(DISPLAY_P3, 2.2), (ADOBE_RGB, 2.2), (DISPLAY_P3, 1.8)])
def test_wide_colours_become_srgb(pixel: tuple[int, int, int], colours: Matrix, gamma: float) -> None:
    """To three levels what the definitions give: lcms reckons in 16 bits and shortens curves."""
    found = changed(pixel, profile(colours, gamma))
    assert found == pytest.approx(in_srgb(pixel, colours, gamma), abs=3)


def test_the_test_profiles_change_colours() -> None:
    """Otherwise the test above would show nothing."""
    assert changed((200, 100, 50), profile(DISPLAY_P3, 2.2)) == pytest.approx((216, 93, 24), abs=3)
    assert changed((200, 100, 50), profile(ADOBE_RGB, 2.2)) == pytest.approx((227, 100, 42), abs=3)


def test_srgb_is_known_by_what_it_does() -> None:
    """The same picture comes back, not a copy: nothing was reckoned."""
    picture = Image.new("RGB", (8, 8), (200, 100, 50))
    assert colour.in_srgb(picture, ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()) is picture


@pytest.mark.parametrize(
    "icc",
    [
        None,
        "text",
        b"",
        b"no profile",
        profile(DISPLAY_P3, 2.2)[:300],
        ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes(),
        profile(SRGB, 90.0),  # all but white becomes black
        profile(((0.0, 0.0, 0.0),) * 3, 2.2),  # everything becomes black
        bytes(5 * 2**20),
    ],
    ids=["none", "text", "empty", "rubbish", "torn", "lab", "crushed", "black", "huge"],
)
def test_profiles_without_sense_are_ignored(icc: object) -> None:
    """The picture is shown as its numbers say."""
    picture = Image.new("RGB", (8, 8), (200, 100, 50))
    assert colour.in_srgb(picture, icc) is picture


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_phones_photo_comes_out_in_its_colours(kind: str) -> None:
    """The profile is found in every kind of file."""
    out = io.BytesIO()
    Image.new("RGB", (400, 600), (200, 100, 50)).save(out, kind, icc_profile=profile(DISPLAY_P3, 2.2))
    shown = image.fitted(out.getvalue(), Target(width=40, height=60))
    assert shown.getpixel((20, 30)) == pytest.approx((216, 93, 24), abs=5)


@pytest.mark.parametrize("mode", ["CMYK", "L"])
def test_the_profile_of_another_kind_of_colour_is_left_out(mode: str) -> None:
    """CMYK and grey pictures look with a profile as they do without."""
    shown = []
    for icc in (profile(DISPLAY_P3, 2.2), b"rubbish", None):
        out = io.BytesIO()
        Image.new(mode, (40, 60), (0, 200, 200, 0) if mode == "CMYK" else 90).save(out, "JPEG", icc_profile=icc)
        shown.append(image.fitted(out.getvalue(), Target(width=40, height=60)).getpixel((20, 30)))
    assert shown[0] == shown[1] == shown[2]
