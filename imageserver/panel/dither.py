"""Error diffusion to the panel's levels, made for an eye at some distance and for NumPy.

The weights are not Floyd's and Steinberg's: they solve for the least noise that a Gaussian eye sees, at a price for
noise that it does not see. Pixels are taken along skewed lines (column + 2 × row is the same), where none needs
another, and the picture in a few strips at once.
"""

from __future__ import annotations

import functools
from typing import Final

import numpy as np
import numpy.typing as npt
from attrs import frozen

from imageserver.panel.decoder import TOPS
from imageserver.panel.measure import DETAIL, EYE

Planes = npt.NDArray[np.float32]  # (3, height, width)
Weights = npt.NDArray[np.float32]  # (rows down, lag along the skewed lines): the oldest line first

_SKEW = 2  # lines that a pixel is behind the one above it
_DETAIL_SHARE = 0.03  # of the finer Gaussian in what is minimised
_STRIPS = 4
_WARM_UP = 8  # rows that a strip begins early, so that its first own row has errors to take over


@frozen(kw_only=True)
class Grain:
    """A way to diffuse errors."""

    takers: tuple[tuple[int, int], ...]  # who gets a share: (right, down), where the skew lets them wait
    price: float  # of noise that nobody sees; more makes the picture finer and its colours less exact
    strength: float  # of the dithered picture in the mixture with the undithered one

    @property
    def reach(self) -> int:
        """Lines from a pixel to the last one that gets a share."""
        return max(right + _SKEW * down for right, down in self.takers)


_BELOW: Final = (*((right, 1) for right in range(-1, 4)), *((right, 2) for right in range(-3, 4)))
EVERYWHERE: Final = Grain(takers=((1, 0), (2, 0), (3, 0), *_BELOW), price=0.005, strength=0.9)
# Noise of few waves, mostly upright ones: it survives coarse steps better.
ONLY_DOWN: Final = Grain(takers=_BELOW, price=0.003, strength=0.85)


@functools.cache
def weights(grain: Grain) -> Weights:
    """Shares of the error that make the rest least visible.

    Least squares for |1 - K|² under the eye's Gaussians, where K is the diffusion's transfer function,
    plus price × Σk²:
    The shares add up to one, so that no flat colour is shifted.
    """
    takers = np.array(grain.takers, np.float64)

    def seen(offsets: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        square = (offsets**2).sum(axis=-1)
        return _autocorrelation(square, EYE) + _DETAIL_SHARE * _autocorrelation(square, DETAIL)

    count = len(takers)
    system = np.ones((count + 1, count + 1))  # the last row and column hold the sum to one
    system[:count, :count] = seen(takers[:, None] - takers) + grain.price * np.eye(count)
    system[count, count] = 0
    shares = np.linalg.solve(system, np.append(seen(takers), 1.0))
    result = np.zeros((3, grain.reach), np.float32)
    for (right, down), share in zip(grain.takers, shares[:count], strict=True):
        result[down, grain.reach - right - _SKEW * down] = share
    return result


def _autocorrelation(square: npt.NDArray[np.float64], sigma: float) -> npt.NDArray[np.float64]:
    return np.exp(-square / (4 * sigma**2)) / (4 * np.pi * sigma**2)


def diffused(levels: Planes, grain: Grain) -> Planes:
    """`levels`, which have fractions, on whole levels from 0 to 31, 63 and 31. Each channel for itself."""
    if levels.shape[1] > levels.shape[2]:
        return np.ascontiguousarray(diffused(levels.swapaxes(1, 2), grain).swapaxes(1, 2))  # fewer, longer lines
    height = levels.shape[1]
    own = -(-height // _STRIPS)
    early = np.pad(levels, ((0, 0), (_WARM_UP, own * _STRIPS - height), (0, 0)), mode="symmetric")
    strips = np.stack([early[:, at : at + own + _WARM_UP] for at in range(0, own * _STRIPS, own)])
    done = _diffused_strips(strips, weights(grain))[:, :, _WARM_UP:]
    return done.swapaxes(0, 1).reshape(3, own * _STRIPS, -1)[:, :height]


def _diffused_strips(strips: Planes, shares: Weights) -> Planes:
    count, channels, height, width = strips.shape
    down, longest = shares.shape[0] - 1, shares.shape[1]
    lines = width + _SKEW * (height - 1)
    shape = (lines, count, channels, height + down)  # `down` places in front of each strip take what falls off its end
    wanted, inside = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    rows = [(row, slice(_SKEW * row, _SKEW * row + width)) for row in range(height)]
    for row, along in rows:
        wanted[along, ..., down + row] = strips[:, :, row].transpose(2, 0, 1)
        inside[along, ..., down + row] = 1
    top = np.empty(shape[1:], np.float32)
    top[:] = np.array(TOPS, np.float32)[:, None]
    wanted, inside, top = wanted.reshape(lines, -1), inside.reshape(lines, -1), top.reshape(-1)
    errors = np.zeros((lines + longest, len(top)), np.float32)
    taken = np.empty((down + 1, len(top)), np.float32)
    # Seven calls a line and some five hundred lines: what counts is the calls.
    for line in range(lines):
        values, error = wanted[line], errors[line + longest]
        np.dot(shares, errors[line : line + longest], out=taken)
        values += taken[0]
        for below in range(1, down + 1):
            values[below:] += taken[below, :-below]
        np.rint(values, out=error)
        np.minimum(error, top, out=error)
        np.maximum(error, 0, out=error)
        np.subtract(values, error, out=error)
        error *= inside[line]
    # What was wanted with the errors of others, less the own error, is the level.
    whole = (wanted - errors[longest:]).reshape(shape)
    result = np.empty_like(strips)
    for row, along in rows:
        result[:, :, row] = whole[along, ..., down + row].transpose(1, 2, 0)
    return np.rint(result)
