"""The small picture by which is decided what is cut off."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from imageserver.fitting.orientation import Orientation

Pixels = NDArray[np.uint8]  # height, width, 3 in sRGB

_LONG_SIDE: Final = 192  # pixels, about: lines of text still show, and all that is reckoned costs 3 ms


def glance(stored: Image.Image, orientation: Orientation) -> Pixels:
    """An RGB picture small, as a person sees it."""
    shrink = max(1, round(max(stored.size) / _LONG_SIDE))
    return np.asarray(orientation.seen(stored.reduce(shrink)))
