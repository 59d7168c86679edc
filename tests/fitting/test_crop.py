"""Where pictures are cut: at nothing that matters, the same way each time, and not at all where that is impossible."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from fitting.pages import NAMES, document
from fitting.scenes import FOLIAGE, LYING, MEADOW, PANEL, SKY, Scene, scenes, share_kept, standing_scenes
from imageserver.fitting.crop import Fit, fit
from imageserver.fitting.glance import glance
from imageserver.fitting.orientation import Orientation


def fitted(
    picture: Image.Image, panel: tuple[int, int] = PANEL, mode: Any = "smart", focus: tuple[float, float] | None = None
) -> Fit:
    """The decision for this picture."""
    return fit(picture.size, panel, mode=mode, stretch=0.03, focus=focus, look=lambda: glance(picture, Orientation()))


def cut(found: Iterable[Scene], panel: tuple[int, int], mode: str = "smart") -> list[str]:
    """The names of the scenes that are not cropped, or that lose more than a twentieth of their subject."""
    fits = [(scene, fitted(scene.picture, panel, mode)) for scene in found]
    return [scene.name for scene, it in fits if it.size != panel or share_kept(scene.box, it.box) < 0.95]


def test_subjects_are_kept_whole() -> None:
    """At least 95 % of the subject in at least 95 % of forty pictures; the middle would do for a few of them only."""
    drawn = scenes()
    assert len(drawn) >= 40
    assert len(cut(drawn, PANEL)) <= 0.05 * len(drawn), cut(drawn, PANEL)
    assert len(cut(drawn, PANEL, "crop")) > 0.8 * len(drawn), "they would be no test"


def test_subjects_are_kept_in_mirrored_and_darker_pictures() -> None:
    """Left or right, bright or dim, makes no difference."""
    for turn in (ImageOps.mirror, lambda picture: picture.point(lambda level: level // 2)):
        drawn = []
        for scene in scenes():
            left, top, right, bottom = scene.box
            width = scene.picture.width
            box = (width - right, top, width - left, bottom) if turn is ImageOps.mirror else scene.box
            drawn.append(Scene(scene.name, turn(scene.picture), box))
        assert len(cut(drawn, PANEL)) <= 0.05 * len(drawn), cut(drawn, PANEL)


def test_high_pictures_keep_their_subjects_on_a_panel_that_lies() -> None:
    """The window moves up and down as it moves sideways."""
    drawn = standing_scenes()
    assert cut(drawn, LYING) == []
    assert len(cut(drawn, LYING, "crop")) > 0.8 * len(drawn)


def test_the_same_picture_is_cut_the_same_way() -> None:
    """Nothing is left to chance or to what was seen before."""
    scene = scenes()[5]
    first = fitted(scene.picture)
    fitted(scenes()[0].picture)
    assert fitted(scene.picture) == first


@pytest.mark.parametrize(("size", "panel", "place"), [((900, 600), PANEL, 0.5), ((600, 900), LYING, 0.3)])
def test_an_empty_picture_is_cut_where_pictures_rest(
    size: tuple[int, int], panel: tuple[int, int], place: float
) -> None:
    """With nothing to see in it: the middle of what is wide, the upper part of what is high."""
    left, top, right, bottom = fitted(Image.new("RGB", size, (90, 120, 150)), panel).box
    middle = (left + right) / 2 / size[0] if panel == PANEL else (top + bottom) / 2 / size[1]
    assert middle == pytest.approx(place, abs=0.01)


@pytest.mark.parametrize("ground", [MEADOW, SKY, FOLIAGE])
def test_panoramas_are_shown_whole_above_themselves(ground: Any) -> None:
    """A picture of which a crop would keep less than a third keeps its point, between blurred bars."""
    it = fitted(ground(1800, 400))
    assert it == Fit(box=(0, 0, 1800, 400), size=(320, 71), blurs_bars=True)
    assert fitted(ground(200, 900), LYING).blurs_bars


def test_what_is_nearly_a_panorama_is_cropped_only_around_one_subject() -> None:
    """2:1 with one balloon is cropped to it; with three of them, from edge to edge, it is not."""
    for places, whole in (((0.3,), False), ((0.08, 0.5, 0.92), True)):
        picture = SKY(1200, 600)
        pen = ImageDraw.Draw(picture)
        for place in places:
            pen.ellipse((place * 1200 - 70, 200, place * 1200 + 70, 340), fill=(200, 40, 40))
        assert (fitted(picture).size != PANEL) is whole


@pytest.mark.parametrize("name", NAMES)
def test_documents_are_shown_whole_on_black(name: str) -> None:
    """Nobody can read half lines; and blurred letters around letters would only disturb."""
    picture = document(name)
    it = fitted(picture)
    assert it.box == (0, 0, *picture.size)
    assert it.size != PANEL
    assert not it.blurs_bars


def test_a_high_document_is_shown_whole_on_a_panel_that_lies() -> None:
    """Its lines run across also when it is the height that does not fit."""
    picture = document("square page").resize((600, 800))
    assert fitted(picture, LYING).size == (240, 320)


def test_stars_and_leaves_are_no_letters() -> None:
    """Small things all over a flat ground are cropped as long as they do not stand in lines."""
    chance = np.random.default_rng(2)
    pixels = np.full((600, 900, 3), 8, np.uint8)
    for y, x in chance.integers(4, (596, 896), (1500, 2)):
        pixels[y - 3 : y + 3, x - 3 : x + 3] = 230
    assert fitted(Image.fromarray(pixels)).size == PANEL


@pytest.mark.parametrize("mode", ["smart", "crop"])
@pytest.mark.parametrize(("focus", "left"), [((0.0, 0.5), 0), ((0.5, 0.0), 250), ((0.6, 1.0), 340), ((1.0, 0.5), 500)])
def test_the_owners_focus_is_in_the_middle_as_far_as_the_picture_goes(
    mode: str, focus: tuple[float, float], left: float
) -> None:
    """The window lies around it, also when everything speaks for another place, and never outside."""
    picture = Image.new("RGB", (900, 600), (90, 120, 150))
    ImageDraw.Draw(picture).ellipse((30, 200, 180, 350), fill=(230, 30, 30))
    assert fitted(picture, mode=mode, focus=focus).box == pytest.approx((left, 0, left + 400, 600))


def test_a_focus_crops_panoramas_and_documents_but_not_what_is_padded() -> None:
    """Whoever names a spot wants it large; whoever pads wants all of it."""
    for picture in (MEADOW(1800, 400), document("page")):
        assert fitted(picture, focus=(0.9, 0.5)).size == PANEL
        assert fitted(picture, mode="pad", focus=(0.9, 0.5)).size != PANEL
        assert fitted(picture, mode="blur-pad", focus=(0.9, 0.5)).blurs_bars


def test_a_high_picture_obeys_the_height_of_the_focus() -> None:
    """Of the two numbers the one along the side that is cut counts."""
    assert fitted(Image.new("RGB", (600, 900)), LYING, focus=(0.1, 0.5)).box == pytest.approx((0, 250, 600, 650))


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (2, 3), (3, 2), (191, 1), (383, 2)])
@pytest.mark.parametrize("mode", ["smart", "crop", "pad", "blur-pad"])
@pytest.mark.parametrize("panel", [PANEL, LYING, (1, 1)])
def test_the_thinnest_pictures_have_a_place(size: tuple[int, int], mode: str, panel: tuple[int, int]) -> None:
    """The part lies in the picture and is none too small, the size lies in the panel."""
    it = fitted(Image.new("RGB", size, (200, 30, 30)), panel, mode)
    left, top, right, bottom = it.box
    assert 0 <= left < right <= size[0] + 1e-9
    assert 0 <= top < bottom <= size[1] + 1e-9
    assert 1 <= it.size[0] <= panel[0]
    assert 1 <= it.size[1] <= panel[1]


def test_small_differences_are_stretched_without_a_look() -> None:
    """Up to the threshold nothing is cut, and the picture need not be looked at."""

    def never() -> Any:
        raise AssertionError("looked")

    for mode in ("smart", "crop", "pad", "blur-pad"):
        it = fit((615, 900), (200, 300), mode=mode, stretch=0.03, focus=None, look=never)
        assert it == Fit(box=(0, 0, 615, 900), size=(200, 300))
