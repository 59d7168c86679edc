"""What to hand to a JPEG encoder so that the decoder's own arithmetic ends on the wanted levels.

The decoder cuts off where it should round: half a unit from each of Y, Cb and Cr, and up to half a unit more from R, G
and B on their way out of the colour transform, towards Y. All of it is known beforehand and put on here.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from PIL import Image

from imageserver.panel.decoder import TOPS
from imageserver.panel.dither import Planes

_CELLS: Final = np.array([[8], [4], [8]], np.float32)  # decoded integers that end on one level
_MIDDLES: Final = np.array([[3.5], [1.5], [3.5]], np.float32)  # of 0 … 7 and 0 … 3
# JFIF 1.02: R, G, B to Y, Cb, Cr
_TO_YCC: Final = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], np.float32)
# Cr, -(352 Cb + 731 Cr) / 1024 and Cb: the terms that the decoder divides and truncates for R, G and B
_DIVIDED: Final = np.array([[0, 0, 1], [0, -352 / 1024, -731 / 1024], [0, 1, 0]], np.float32) @ _TO_YCC
# Pixels. A product of larger matrices wakes OpenBLAS's other threads, which then spin for 20 ms and more.
_AT_ONCE: Final = 16384
_LOST: Final = np.array([[0.5], [128.5], [128.5]], np.float32)  # half a unit each; colours are stored around 128


def levels_of(canvas: Image.Image) -> Planes:
    """The panel's levels that an RGB picture asks for, with fractions."""
    pixels = np.ascontiguousarray(np.asarray(canvas, np.uint8).transpose(2, 0, 1))
    return pixels * (np.array(TOPS, np.float32).reshape(3, 1, 1) / np.float32(255))


def ycc(levels: Planes) -> Planes:
    """Y, Cb and Cr for these levels, unrounded, 0 … 255."""
    flat = levels.reshape(3, -1)
    planes = np.empty_like(flat)
    for start in range(0, flat.shape[1], _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        rgb = flat[:, part] * _CELLS
        rgb += _MIDDLES
        lost = _DIVIDED @ rgb
        np.clip(lost, -1, 1, out=lost)  # truncation costs half a unit on average, but nothing at nothing
        lost *= np.float32(0.5)
        lost += rgb
        np.add(_TO_YCC @ lost, _LOST, out=planes[:, part])
    return planes.reshape(levels.shape)


def image_of(planes: Planes) -> Image.Image:
    """As a Pillow image that libjpeg takes without another colour transform."""
    whole = np.clip(planes + np.float32(0.5), 0, 255).astype(np.uint8)
    return Image.merge("YCbCr", [Image.fromarray(plane) for plane in whole])
