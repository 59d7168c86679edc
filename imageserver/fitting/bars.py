"""What surrounds a picture that does not fill the panel: black, or the picture itself, large, blurred and darker."""

from __future__ import annotations

from typing import Final

from PIL import Image, ImageFilter

_COARSE: Final = 8  # the blurred picture is made at an eighth of the panel's size
_BLUR: Final = 3  # pixels at that size
_DARKER: Final = 0.45  # of the numbers, a sixth of the light: the picture stays the brightest thing on the wall


def filled(picture: Image.Image, panel: tuple[int, int], *, blurred: bool) -> Image.Image:
    """The picture in the middle of a panel of this size, which it does not exceed."""
    if picture.size == panel:
        return picture
    canvas = _itself(picture, panel) if blurred else Image.new("RGB", panel)
    canvas.paste(picture, ((panel[0] - picture.width) // 2, (panel[1] - picture.height) // 2))
    return canvas


def _itself(picture: Image.Image, panel: tuple[int, int]) -> Image.Image:
    """The middle of the picture, as much of it as has the panel's proportions."""
    shrink = min(picture.width / panel[0], picture.height / panel[1])
    width, height = panel[0] * shrink, panel[1] * shrink
    left, top = (picture.width - width) / 2, (picture.height - height) / 2
    size = max(2, panel[0] // _COARSE), max(2, panel[1] // _COARSE)
    box = (left, top, min(picture.width, left + width), min(picture.height, top + height))
    small = picture.resize(size, Image.Resampling.BOX, box=box)
    dark = small.filter(ImageFilter.GaussianBlur(_BLUR)).point([round(level * _DARKER) for level in range(256)] * 3)
    return dark.resize(panel, Image.Resampling.BICUBIC)
