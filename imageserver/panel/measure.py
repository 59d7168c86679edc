"""How far a panel is from the picture that was wanted, in dB, as an eye at some distance sees it."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from imageserver.panel.decoder import Values

EYE = 2.0  # pixels: the Gaussian of the figure
DETAIL = 0.8  # pixels: the guard against a smooth picture that lost its detail


def psnr(wanted: npt.NDArray[np.uint8], shown: Values, sigma: float) -> float:
    """Peak signal to noise of R, G and B in dB, 99 at most, after both went through a Gaussian of `sigma` pixels.

    `wanted` is (height, width, 3) with 8 bits, `shown` the panel's unrounded values. 0 compares the pixels themselves.
    """
    error = shown.astype(np.float64) - wanted
    mean = float(np.square(blurred(error, sigma)).mean())
    return min(99.0, 10 * math.log10(255**2 / mean)) if mean else 99.0


def blurred(picture: npt.NDArray[np.float64], sigma: float, axes: tuple[int, ...] = (0, 1)) -> npt.NDArray[np.float64]:
    """Through a Gaussian along these axes, edges reflected with the edge pixel repeated."""
    if sigma == 0:
        return picture
    radius = math.ceil(4 * sigma)
    weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    weights /= weights.sum()
    for axis in axes:
        padding = [(0, 0)] * picture.ndim
        padding[axis] = (radius, radius)
        padded = np.pad(picture, padding, mode="symmetric")
        length = picture.shape[axis]
        picture = np.zeros_like(picture)
        for at, weight in enumerate(weights):
            picture += weight * padded.take(range(at, at + length), axis)
    return picture
