"""Enlarge or shrink a picture: averages are taken of light, not of its coding; what was shrunk is sharpened a little.

The numbers in a file stand for the square root of light, roughly. An average of such numbers is too dark: a
chessboard of single pixels would become 128, but as much light comes from 188.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float32]
Box = tuple[float, float, float, float]  # left, top, right, bottom in pixels

_SHADES: Final = 16_384  # steps of light in the table back to sRGB: a quarter of an 8-bit level where it is steepest
_ROWS: Final = 16  # of the result at a time: their weights are nearly dense, so a matrix product wastes little
_MOST_NUMBERS: Final = 4_000_000  # of the source at a time, in rows of the result where that is possible
_ALONE: Final = 250_000  # multiplications; OpenBLAS takes a second thread above 2**18
_SHARPENING: Final = 0.35  # how much of what a 3x3 blur takes from the lightness is added
_MOST_SHARPENING: Final = 9.0  # levels; what is steeper is sharp already and would get a halo


def resized(picture: Image.Image, size: tuple[int, int], box: Box, *, sharpen: bool) -> Image.Image:
    """The part `box` of an RGB picture at this size. `sharpen` has an effect only on what becomes clearly smaller."""
    across, down = (box[2] - box[0]) / size[0], (box[3] - box[1]) / size[1]  # source pixels for one of the result
    shrinks = max(across, down) > 1
    # Enlarged in linear light the ringing shows at dark edges, and there are no averages to get wrong.
    coded = _resampled(picture, size, _fitted_to_picture(box, picture), in_light=shrinks)
    if sharpen and min(across, down) > 1.2:
        coded = _sharpened(coded)
    return Image.fromarray(np.clip(coded + 0.5, 0, 255).astype(np.uint8), "RGB")


@cache
def _light() -> Floats:
    """8-bit sRGB to light from 0 to 1 (IEC 61966-2-1)."""
    coded = np.arange(256) / 255
    return np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4).astype(np.float32)


@cache
def _as_coded() -> Floats:
    return np.arange(256, dtype=np.float32)


@cache
def _levels() -> Floats:
    """Light in _SHADES steps to sRGB from 0 to 255, not rounded."""
    light = np.arange(_SHADES) / (_SHADES - 1)
    coded = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return (255 * coded).astype(np.float32)


def _coded(light: Floats) -> Floats:
    steps = (light * (_SHADES - 1) + 0.5).astype(np.int32)
    return np.take(_levels(), steps, mode="clip")


def _fitted_to_picture(box: Box, picture: Image.Image) -> Box:
    """The box without what rounding put outside, and at least a sliver of it."""
    left, top = min(max(0.0, box[0]), picture.width - 0.01), min(max(0.0, box[1]), picture.height - 0.01)
    return left, top, max(left + 0.01, min(box[2], picture.width)), max(top + 0.01, min(box[3], picture.height))


def _resampled(picture: Image.Image, size: tuple[int, int], box: Box, *, in_light: bool) -> Floats:
    """Levels from 0 to 255, a few rows at a time: fresh memory costs more here than arithmetic."""
    table = _light() if in_light else _as_coded()
    left, right = int(box[0]), math.ceil(box[2])
    rows = max(1, min(_ROWS, int(_MOST_NUMBERS / (3 * (right - left)) * size[1] / (box[3] - box[1]))))
    heights = _bands(picture.height, size[1], (box[1], box[3]), rows)
    widths = _bands(right - left, size[0], (box[0] - left, box[2] - left), _ROWS)
    result = np.empty((size[1], size[0], 3), np.float32)
    turned = np.empty((size[0], rows * 3), np.float32)
    for start, used, weights in heights:
        source = np.asarray(picture.crop((left, used.start, right, used.stop)))
        count = len(weights)
        narrow = _weighted(source.reshape(len(source), -1), weights, table).reshape(count, right - left, 3)
        columns = narrow.transpose(1, 0, 2).reshape(right - left, count * 3)
        for first, across, shares in widths:
            np.matmul(shares, columns[across], out=turned[first : first + len(shares), : count * 3])
        done = turned[:, : count * 3].reshape(size[0], count, 3).transpose(1, 0, 2)
        result[start : start + count] = _coded(done) if in_light else done
    return result


def _weighted(source: NDArray[np.uint8], weights: Floats, table: Floats) -> Floats:
    """The sums of what the table says of the rows, in pieces that fit into the cache.

    And that OpenBLAS does not share among threads: those cost more than they save.
    """
    result = np.empty((len(weights), source.shape[1]), np.float32)
    step = max(1, _ALONE // weights.size)
    for start in range(0, source.shape[1], step):
        piece = np.take(table, source[:, start : start + step], mode="clip")
        np.matmul(weights, piece, out=result[:, start : start + step])
    return result


def _bands(source: int, target: int, part: tuple[float, float], step: int) -> list[tuple[int, slice, Floats]]:
    """For every `step` rows of the result: the first of them, which rows of the source they use, with which weights."""
    scale = (part[1] - part[0]) / target
    reach = 2 * max(scale, 1.0)  # Mitchell's curve is two wide on each side
    centres = part[0] + (np.arange(target) + 0.5) * scale
    firsts = np.clip((centres - reach).astype(np.int64), 0, source - 1)
    taps = firsts[:, None] + np.arange(min(source, math.ceil(2 * reach) + 1))
    weights = _mitchell(np.abs(taps + 0.5 - centres[:, None]) / max(scale, 1.0))
    weights[taps >= source] = 0
    weights /= weights.sum(1, keepdims=True)
    bands: list[tuple[int, slice, Floats]] = []
    for start in range(0, target, step):
        stop = min(target, start + step)
        first, last = int(firsts[start]), min(source, int(taps[stop - 1, -1]) + 1)
        dense = np.zeros((stop - start, int(taps[stop - 1, -1]) + 1 - first), np.float32)
        np.put_along_axis(dense, taps[start:stop] - first, weights[start:stop], 1)
        bands.append((start, slice(first, last), dense[:, : last - first]))
    return bands


def _mitchell(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The cubic with B = C = 1/3 of Mitchell and Netravali (1988).

    Lanczos rings, and in light the dark side of it is seen: 36 levels beside an edge from 60 to 190, here 6.
    """
    near = (7 * x**3 - 12 * x**2 + 16 / 3) / 6
    far = (-7 / 3 * x**3 + 12 * x**2 - 20 * x + 32 / 3) / 6
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))


def _sharpened(coded: Floats) -> Floats:
    """Detail in the lightness is raised, equally in all three colours, so that no edge gets a coloured seam."""
    light = coded @ np.array([0.299, 0.587, 0.114], np.float32)
    wide = np.pad(light, 1, mode="edge")
    tall = wide[:-2] + 2 * wide[1:-1] + wide[2:]
    blurred = (tall[:, :-2] + 2 * tall[:, 1:-1] + tall[:, 2:]) / 16
    detail = np.clip((light - blurred) * np.float32(_SHARPENING), -_MOST_SHARPENING, _MOST_SHARPENING)
    result: Floats = coded + detail[:, :, None]
    return result
