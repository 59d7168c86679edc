"""Where the eye goes in a picture: how much each spot of it differs from what lies left and right of it.

A crop moves along one side of the picture. What is the same all along that side (a sky, a sea, a lawn) cannot tell
where to put it, so everything is compared with its own row. Arithmetic only: no model, no chance, no threads.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imageserver.fitting.glance import Pixels

Floats = NDArray[np.float32]

# What each sign is worth, found on drawn scenes and checked on photographs (docs/fitting.md), and how strong it must
# be in its own unit to count fully: below that a flat wall's noise would be the most interesting thing there is.
_COLOUR, _LEAST_COLOUR = 1.0, 8.0  # levels
_RARITY, _LEAST_RARITY = 0.6, 0.2  # steps of a sixth of a colour's range
_DETAIL, _LEAST_DETAIL = 0.8, 4.0  # levels from pixel to pixel
_SKIN, _LEAST_SKIN = 1.5, 0.2  # of the area around


def interest(pixels: Pixels) -> Floats:
    """Height and width as the picture's; 0 for what is like its row, above 1 for what differs most.

    About a hundred pixels wide is right: radii are in proportion to the picture, cost and noise are not.
    """
    opponent = _opponent(pixels)
    near = _blurred(opponent, max(1, min(pixels.shape[:2]) // 40))
    signs = [
        (_COLOUR, _LEAST_COLOUR, _length(near - _usual(near))),
        (_RARITY, _LEAST_RARITY, _rarity(pixels)),
        (_DETAIL, _LEAST_DETAIL, _detail(opponent[:, :, 0])),
        (_SKIN, _LEAST_SKIN, _skin(pixels)),
    ]
    total = np.zeros(pixels.shape[:2], np.float32)
    for weight, least, sign in signs:
        total += np.float32(weight) * _standing_out(sign, least)
    return total


def _opponent(pixels: Pixels) -> Floats:
    """Lightness, red against green, yellow against blue."""
    red, green, blue = np.moveaxis(pixels.astype(np.float32), 2, 0)
    return np.stack([0.299 * red + 0.587 * green + 0.114 * blue, red - green, (red + green) / 2 - blue], axis=2)


def _usual(values: Floats) -> Floats:
    """The median of each row, or of two such values the upper one; the axis stays."""
    middle = values.shape[1] // 2
    return np.partition(values, middle, axis=1)[:, middle : middle + 1]


def _length(vectors: Floats) -> Floats:
    result: Floats = np.sqrt((vectors * vectors).sum(axis=2))
    return result


def _blurred(values: Floats, radius: int) -> Floats:
    """The mean of a square of 2 * radius + 1 pixels, of what of it lies in the picture."""
    return _blurred_down(_blurred_down(values, radius).swapaxes(0, 1), radius).swapaxes(0, 1)


def _blurred_down(values: Floats, radius: int) -> Floats:
    height = len(values)
    sums = np.zeros((height + 1, *values.shape[1:]), np.float32)
    np.cumsum(values, axis=0, out=sums[1:])
    places = np.arange(height)
    low, high = np.maximum(places - radius, 0), np.minimum(places + radius + 1, height)
    counts = (high - low).astype(np.float32).reshape(-1, *[1] * (values.ndim - 1))
    means: Floats = sums[high] - sums[low]
    means /= counts
    return means


def _standing_out(sign: Floats, least: float) -> Floats:
    """From 0 to 1; and the less of the picture it covers, the more it counts: what is everywhere points nowhere."""
    above = np.maximum(sign - _usual(sign), 0).astype(np.float32)
    strongest = max(1, above.size // 100)
    most = float(np.partition(above, -strongest, axis=None)[-strongest])
    scaled = np.minimum(above / np.float32(max(most, least)), 1)
    result: Floats = scaled * (1 - scaled.mean()) ** 2
    return result


def _rarity(pixels: Pixels) -> Floats:
    """How far a pixel's colour is from all the others of the picture, after Cheng and others (2011)."""
    sixths = pixels.astype(np.int32) * 6 >> 8
    cells = (sixths[:, :, 0] * 6 + sixths[:, :, 1]) * 6 + sixths[:, :, 2]
    counts = np.bincount(cells.ravel(), minlength=216)
    used = np.flatnonzero(counts)
    colours = np.stack([used // 36, used // 6 % 6, used % 6], 1).astype(np.float32)
    apart = np.sqrt(((colours[:, None] - colours[None]) ** 2).sum(2))
    far = np.zeros(216, np.float32)
    far[used] = (apart * counts[used]).sum(1) / counts.sum()
    return _blurred(far[cells], max(1, min(cells.shape) // 40))


def _detail(light: Floats) -> Floats:
    """Edges, as an area has them: a blur of their strength."""
    strength = np.zeros_like(light)
    strength[:, 1:] += np.abs(np.diff(light, axis=1))
    strength[1:] += np.abs(np.diff(light, axis=0))
    return _blurred(np.minimum(strength, 80), max(1, min(light.shape) // 16))


def _skin(pixels: Pixels) -> Floats:
    """Where the colour could be skin, of any hue: people differ in lightness much more than in Cb and Cr.

    The ellipse is about that of Chai and Ngan (1999): Cb from 77 to 127, Cr from 133 to 173.
    """
    red, green, blue = np.moveaxis(pixels.astype(np.float32), 2, 0)
    light = 0.299 * red + 0.587 * green + 0.114 * blue
    yellow, ruddy = (128 + 0.564 * (blue - light) - 105) / 22, (128 + 0.713 * (red - light) - 152) / 18
    likely = np.clip(1.5 - (yellow * yellow + ruddy * ruddy), 0, 1) * (light > 35)
    near = _blurred(likely.astype(np.float32), max(1, min(light.shape) // 24))
    fifth = len(near) // 5  # an evening sky is as ruddy, but reaches from edge to edge
    result: Floats = np.maximum(near - np.partition(near, fifth, axis=0)[fifth], 0)
    return result
