"""The frame's screen."""

from __future__ import annotations

import pytest
from PIL import Image

from imageserver.frame_client import FrameWouldFail, PictureRefused
from imageserver.frame_client.panel import Panel

from .fakes import drawn, jpeg_of


def flat(colour: tuple[int, int, int], width: int = 320, height: int = 480) -> bytes:
    return jpeg_of(Image.new("RGB", (width, height), colour), quality=100, subsampling=0)


def shown(panel: Panel, x: int, y: int) -> object:
    return panel.screen.getpixel((x, y))


@pytest.mark.parametrize(
    ("grey", "levels"),
    [(0, (0, 0, 0)), (7, (0, 4, 0)), (8, (8, 8, 8)), (100, (98, 101, 98)), (254, (255, 255, 255))],
)
def test_levels_are_cut_and_widened(grey: int, levels: tuple[int, int, int]) -> None:
    """Five, six and five bits remain without rounding, widened by level*255/31 and level*255/63."""
    panel = Panel()
    panel.draw(flat((grey, grey, grey)))
    assert shown(panel, 10, 10) == levels


def test_a_whole_picture_has_the_panels_levels_only() -> None:
    """No channel shows more levels than the panel has."""
    panel = Panel()
    panel.draw(jpeg_of(drawn()))
    counts = [sum(1 for count in channel.histogram() if count) for channel in panel.screen.split()]
    assert [count <= most for count, most in zip(counts, (32, 64, 32), strict=True)] == [True, True, True]
    assert min(counts) > 16


def test_a_picture_of_the_right_size_fits() -> None:
    """320x480 leaves nothing to remark."""
    panel = Panel()
    assert panel.misfit(panel.draw(flat((255, 0, 0)))) is None


def test_a_smaller_picture_leaves_the_old_one_at_the_edges() -> None:
    """What is not drawn keeps its pixels, and the misfit says so."""
    panel = Panel()
    panel.draw(flat((255, 255, 255)))
    facts = panel.draw(flat((0, 0, 0), 300, 100))
    assert shown(panel, 299, 99) == (0, 0, 0)
    assert shown(panel, 300, 99) == (255, 255, 255)
    assert shown(panel, 299, 100) == (255, 255, 255)
    assert panel.misfit(facts) == "the picture is 300x100, the panel 320x480: old pixels stay where it is smaller"


def test_a_larger_picture_is_cut() -> None:
    """The picture starts in the top left corner and what is beyond the panel is lost."""
    big = Image.new("RGB", (640, 960), (0, 0, 0))
    big.paste((255, 255, 255), (320, 0, 640, 960))
    panel = Panel()
    facts = panel.draw(jpeg_of(big))
    assert panel.screen.size == (320, 480)
    assert shown(panel, 100, 479) == (0, 0, 0)
    assert panel.misfit(facts) == "the picture is 640x960, the panel 320x480: what is larger is cut"


def test_grey_is_drawn() -> None:
    """A grey JPEG is shown as grey."""
    panel = Panel()
    panel.draw(jpeg_of(Image.new("L", (320, 480), 200), subsampling=0))
    assert shown(panel, 5, 5) == (205, 202, 205)


def test_a_refused_picture_leaves_the_screen_unchanged() -> None:
    """After a progressive picture the old one is still there."""
    panel = Panel()
    panel.draw(flat((255, 255, 255)))
    with pytest.raises(PictureRefused, match="progressive"):
        panel.draw(jpeg_of(drawn(), progressive=True))
    assert shown(panel, 0, 0) == (255, 255, 255)


def test_a_panel_of_another_size_is_drawn_on() -> None:
    """The panel's size is free."""
    panel = Panel(240, 135)
    assert panel.misfit(panel.draw(flat((1, 2, 3), 240, 135))) is None
    assert panel.screen.size == (240, 135)


def test_an_enormous_picture_is_not_decoded() -> None:
    """A header that promises 65000x65000 pixels costs no memory."""
    jpeg = flat((0, 0, 0), 16, 16)
    at = jpeg.index(b"\xff\xc0")
    huge = jpeg[: at + 5] + (65_000).to_bytes(2, "big") * 2 + jpeg[at + 9 :]
    with pytest.raises(FrameWouldFail, match="65000x65000 pixels"):
        Panel().draw(huge)
