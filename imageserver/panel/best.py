"""A picture made for a panel of 16-bit colour when there is time: one pass, then coefficient by coefficient."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from PIL import Image

from imageserver.panel.budget import DoesNotFit, Search
from imageserver.panel.choosing import chosen
from imageserver.panel.made import COARSEST_DITHERED, PROBES, dithered, guess, planned, undithered
from imageserver.panel.source import image_of
from imageserver.panel.steps import FINENESS, steps
from imageserver.panel.writer import jpeg_of

_SWEEPS: Final = 16  # each brings less than the one before: 4, then 1.5, then 0.1 dB
_GROWING: Final = 0.96  # of the budget, to begin with: chosen coefficients cost a little more than rounded ones
_ATTEMPTS: Final = 2  # with the full number of sweeps, as there are two seconds


def best(canvas: Image.Image, max_bytes: int) -> bytes:
    """The picture nearest to the canvas that was found. Raises DoesNotFit."""
    plan = planned(canvas, max_bytes)
    planes = dithered(plan)
    search = Search(image_of(planes), "4:4:4", COARSEST_DITHERED)
    try:
        otherwise = search.best(max_bytes, guess=guess(plan), probes=PROBES)
        notch = search.finest(int(_GROWING * max_bytes), guess=guess(plan), probes=PROBES)
    except DoesNotFit:
        return undithered(plan.plain, max_bytes)
    for _ in range(_ATTEMPTS):
        table = steps(notch)
        coefficients = chosen(canvas, planes, np.array(table, np.int32), _SWEEPS)
        jpeg = jpeg_of(coefficients, table, canvas.width, canvas.height)
        if len(jpeg) <= max_bytes:
            return jpeg
        notch += 1 + math.ceil(FINENESS * math.log2(len(jpeg) / max_bytes))
    return otherwise
