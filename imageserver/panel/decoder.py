"""The frame's decoder (TJpgDec R0.03 with RGB565 output) as a model: the same levels, bit for bit.

Arithmetic: `idct.py` for samples, here for colours. What is refused: `accepted.py`.
"""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from imageserver.panel.accepted import opened
from imageserver.panel.entropy import Plane, planes
from imageserver.panel.idct import SCALES, Ints, divided, flat_samples, samples

Scale = Literal[1, 2, 4, 8]
Levels = npt.NDArray[np.uint8]
Values = npt.NDArray[np.float32]

TOPS: Final = (31, 63, 31)  # the highest level of red, green and blue


def decode(jpeg: bytes, scale: Scale = 1) -> Levels:
    """The panel's levels, (height, width, 3): 0 to 31, 63 and 31. `scale` 2 is half the size, 4 a quarter, 8 an eighth.

    Raises JpegRefused for what the decoder does not draw.
    """
    file = opened(jpeg)
    found = planes(file)
    width, height = file.facts.width // scale, file.facts.height // scale
    components = [_eighth(plane) if scale == 8 else _full(plane) for plane in found]
    if len(components) == 1:
        components += [np.full_like(components[0], 128)] * 2
    repeat = (1, 1) if len(found) == 1 else file.mcu
    rgb = colours(components[0], _repeated(components[1], repeat), _repeated(components[2], repeat))
    if scale in (2, 4):
        rgb = _averaged(rgb[: height * scale, : width * scale], scale)
    return packed(rgb[:height, :width])


def colours(luma: npt.NDArray[np.int16], blue: npt.NDArray[np.int16], red: npt.NDArray[np.int16]) -> Ints:
    """Samples of Y, Cb and Cr to R, G and B, each clipped to 0 … 255."""
    y, cb, cr = luma.astype(np.int32), blue.astype(np.int32) - 128, red.astype(np.int32) - 128
    rgb = np.empty((*y.shape, 3), np.int32)
    rgb[..., 0] = y + divided(1435 * cr, 10)
    rgb[..., 1] = y - divided(352 * cb + 731 * cr, 10)
    rgb[..., 2] = y + divided(1814 * cb, 10)
    return np.clip(rgb, 0, 255, out=rgb)


def packed(rgb: Ints) -> Levels:
    """Five, six and five bits: the others are cut off."""
    return (rgb >> np.array([3, 2, 3], np.int32)).astype(np.uint8)


def values(levels: Levels) -> Values:
    """What the levels stand for, 0 … 255, unrounded."""
    return levels * (np.float32(255) / np.array(TOPS, np.float32))


def widened(levels: Levels) -> Levels:
    """As the panel's chip gets them, 0 … 255: level * 255 / 31 or / 63, rounded down."""
    return (levels.astype(np.int32) * 255 // np.array(TOPS, np.int32)).astype(np.uint8)


def _full(plane: Plane) -> npt.NDArray[np.int16]:
    return samples(plane.coefficients, plane.steps, plane.flat)


def _eighth(plane: Plane) -> npt.NDArray[np.int16]:
    """One sample a block, without the inverse DCT."""
    return flat_samples(plane.coefficients[0] * (plane.steps[0] * SCALES[0]) >> 8).astype(np.int16)


def _repeated(chroma: npt.NDArray[np.int16], mcu: tuple[int, int]) -> npt.NDArray[np.int16]:
    """Each sample of a colour for all pixels (at an eighth: all blocks) that share it: nothing is interpolated."""
    return chroma.repeat(mcu[1], axis=0).repeat(mcu[0], axis=1)


def _averaged(rgb: Ints, scale: int) -> Ints:
    """The mean of each square, rounded down."""
    height, width = rgb.shape[0] // scale, rgb.shape[1] // scale
    squares = rgb.reshape(height, scale, width, scale, 3)
    sums: Ints = squares.sum(axis=(1, 3), dtype=np.int32)
    return sums >> scale  # 4 squares are 2 bits, 16 are 4
