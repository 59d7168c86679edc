"""However a picture is stored, the part that a person means is the part that is shown."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from fitting.scenes import scenes, share_kept
from imageserver.fitting.orientation import Orientation
from imageserver.image import fitted
from imageserver.target import Target

TURNS = range(1, 9)
BACK = {  # how a picture is stored that a camera held this way has seen
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def stored(seen: Image.Image, turn: int, kind: str = "PNG") -> bytes:
    """A file that looks like `seen` when its orientation is obeyed."""
    way = BACK[turn]
    exif = Image.Exif()
    exif[0x0112] = turn
    out = io.BytesIO()
    (seen if way is None else seen.transpose(way)).save(out, kind, exif=exif)
    return out.getvalue()


@pytest.mark.parametrize("turn", TURNS)
def test_a_box_is_found_again_in_the_stored_picture(turn: int) -> None:
    """Cut before turning gives the same as cut after it."""
    seen = Image.fromarray(np.random.default_rng(turn).integers(0, 256, (70, 110, 3), np.uint8))
    way = BACK[turn]
    kept = seen if way is None else seen.transpose(way)
    orientation = Orientation(turn)
    box = orientation.stored_box((20, 10, 90, 35), kept.size)
    left, top, right, bottom = (round(edge) for edge in box)
    assert orientation.size(kept.size) == seen.size
    assert orientation.seen(kept.crop((left, top, right, bottom))).tobytes() == seen.crop((20, 10, 90, 35)).tobytes()


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize("turn", TURNS)
def test_the_subject_is_found_in_every_orientation(turn: int, kind: str) -> None:
    """A turned file is cropped as the upright one is."""
    scene = scenes()[2]
    target = Target(width=160, height=240, fit_mode="smart")
    upright = np.asarray(fitted(stored(scene.picture, 1), target)).astype(int)
    turned = np.asarray(fitted(stored(scene.picture, turn, kind), target)).astype(int)
    assert abs(turned - upright).mean() < (4 if kind == "JPEG" else 1)
    centred = Target(width=160, height=240, fit_mode="crop")
    middle = np.asarray(fitted(stored(scene.picture, 1), centred)).astype(int)
    assert abs(turned - middle).mean() > 15, "the middle would look the same"


@pytest.mark.parametrize("turn", TURNS)
def test_the_focus_is_meant_as_a_person_sees_it(turn: int) -> None:
    """A red corner that is named is on the frame, whichever corner of the file it lies in."""
    seen = Image.new("RGB", (900, 600), (40, 60, 80))
    seen.paste((230, 20, 20), (830, 40, 870, 80))
    focused = fitted(stored(seen, turn), Target(width=160, height=240), focus=(0.94, 0.1))
    red = np.asarray(focused).astype(int)[:, :, 0] > 150
    assert red.mean() == pytest.approx(40 * 40 / (400 * 600), rel=0.2)
    away = fitted(stored(seen, turn), Target(width=160, height=240), focus=(0.1, 0.9))
    assert not (np.asarray(away)[:, :, 0] > 150).any()


def test_a_kept_box_counts_as_it_should() -> None:
    """The measure of the tests of cropping: all of it, half of it, none of it."""
    assert share_kept((10, 10, 20, 20), (0, 0, 100, 100)) == 1
    assert share_kept((10, 10, 20, 20), (15, 0, 100, 100)) == 0.5
    assert share_kept((10, 10, 20, 20), (50, 50, 100, 100)) == 0
