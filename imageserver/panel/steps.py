"""The quantiser tables of a picture made for the panel: one family, from the finest to the coarsest.

An eye at some distance sees the low frequencies of a block; the high ones carry the dither and the detail. At a
coarseness of 1 all steps are 1; as it grows, the steps of the high frequencies grow faster than the others. Colour is
quantised like luma: an error there counts as much.
"""

from __future__ import annotations

import functools
import math
from typing import Final

FINENESS: Final = 24  # notches for each doubling of the coarseness
COARSEST_NOTCH: Final = 6 * FINENESS  # 64: all but the lowest frequencies are at 255
_WIDEST = 6.0  # times the first step; more rounds letters off so that what overshoots white is clipped and lost
_STEEPNESS = 0.024  # measured at 60, 120 and 250 KB; 0.014 and 0.028 are within 0.3 dB


def coarseness(notch: int) -> float:
    """The step of the mean at this notch; 1 at notch 0."""
    return float(2 ** (notch / FINENESS))


@functools.cache
def steps(notch: int) -> tuple[int, ...]:
    """64 steps of 1 … 255 in rows, for luma and colour alike."""
    first = coarseness(notch)
    steep = _STEEPNESS * (first - 1)
    return tuple(
        min(255, round(first * min(_WIDEST, math.exp(steep * (row**2 + column**2)))))
        for row in range(8)
        for column in range(8)
    )
