"""The decoder's inverse DCT, in its own integers: coefficients in, samples out.

32-bit arithmetic as in the decoder, which shifts without rounding. So a sample is half a unit too dark on average,
except in blocks that hold nothing but their mean.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int32]

_LEVEL_SHIFT = 32768  # 128 with the eight bits of fraction that samples carry
# √2, 1.08239, 2.61313 and 1.84776, times 4096, truncated
_ROOT, _B, _C, _E = np.int32(5792), np.int32(4433), np.int32(10703), np.int32(7568)


def _scales() -> Ints:
    """What AAN leaves out of the transform, times 8192. In the decoder's table one value is above the formula's."""
    k = np.where(np.arange(8) == 0, 1.0, np.sqrt(2) * np.cos(np.arange(8) * np.pi / 16))
    scales = np.floor(8192 * np.outer(k, k) + 1e-6).astype(np.int32)
    scales[1, 2] = scales[2, 1] = 14846
    return scales.reshape(64)


SCALES: Final = _scales()


def samples(coefficients: Ints, steps: Ints, flat: npt.NDArray[np.bool_]) -> npt.NDArray[np.int16]:
    """One component's samples, (rows * 8, columns * 8), not clipped.

    `coefficients` is (64, rows, columns), `flat` (rows, columns) says which blocks hold only their mean.
    """
    rows, columns = flat.shape
    blocks = block_samples(coefficients.reshape(64, -1), steps, flat.reshape(-1))
    return blocks.reshape(8, 8, rows, columns).transpose(2, 1, 3, 0).reshape(rows * 8, columns * 8)


def block_samples(coefficients: Ints, steps: Ints, flat: npt.NDArray[np.bool_]) -> npt.NDArray[np.int16]:
    """The same for blocks in any order: (64, blocks) to samples (column, row, blocks)."""
    scaled = ((coefficients * (steps * SCALES)[:, None]) >> 8).reshape(8, 8, -1)
    means = flat_samples(scaled[0, 0])
    across = _pass(scaled).swapaxes(0, 1).copy()
    across[0] += _LEVEL_SHIFT
    return np.where(flat, means.astype(np.int16), (_pass(across) >> 8).astype(np.int16))


def flat_samples(means: Ints) -> Ints:
    """The sample of a block that holds nothing but its mean: truncated towards zero before the level shift."""
    return divided(means, 8) + 128


def divided(values: Ints, bits: int) -> Ints:
    """Divided by a power of two as C divides: truncated towards zero."""
    return (values + ((values >> 31) & np.int32((1 << bits) - 1))) >> bits


def _pass(f: Ints) -> Ints:
    """Arai, Agui and Nakajima along the first axis, whose eight inputs are frequencies in their natural order."""
    p, m, s = f[0] + f[4], f[0] - f[4], f[2] + f[6]
    d = ((f[2] - f[6]) * _ROOT >> 12) - s
    e0, e3, e1, e2 = p + s, p - s, m + d, m - d
    x, y, z, w = f[1] - f[7], f[1] + f[7], f[5] - f[3], f[5] + f[3]
    o7 = y + w
    h = (y - w) * _ROOT >> 12
    g = (x + z) * _E >> 12
    o6 = g - (z * _C >> 12) - o7
    o5 = h - o6
    o4 = g - (x * _B >> 12) - o5
    return np.stack([e0 + o7, e1 + o6, e2 + o5, e3 + o4, e3 - o4, e2 - o5, e1 - o6, e0 - o7])
