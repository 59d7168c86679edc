"""From a picture as a person sees it to the pixels that a panel needs for it: turned, mirrored, inverted, lightened."""

from __future__ import annotations

from PIL import Image, ImageOps

from imageserver.target import Target

_TURNS = {90: Image.Transpose.ROTATE_270, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_90}


def hung(canvas: Image.Image, target: Target) -> Image.Image:
    """The RGB picture of the target's upright size as its panel takes it; the same object when nothing is to be done.

    Colours first, then the mirror, then the turn: a mirror in front of a frame exchanges left and right of what a
    person sees, however the panel behind it hangs.
    """
    if target.gamma != 1:
        curve = [round(255 * (level / 255) ** (1 / target.gamma)) for level in range(256)]
        canvas = canvas.point(curve * 3)
    if target.invert:
        canvas = ImageOps.invert(canvas)
    if target.mirror:
        canvas = ImageOps.mirror(canvas)
    return canvas.transpose(_TURNS[target.rotate]) if target.rotate else canvas
