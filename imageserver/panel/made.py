"""A picture made for a panel of 16-bit colour, in one pass."""

from __future__ import annotations

from typing import Final

from attrs import frozen
from PIL import Image

from imageserver.panel.budget import DoesNotFit, Search, written
from imageserver.panel.dither import EVERYWHERE, ONLY_DOWN, Grain, Planes, diffused
from imageserver.panel.source import image_of, levels_of, ycc
from imageserver.panel.steps import COARSEST_NOTCH

_TURNING_NOTCH: Final = 22  # coarseness 1.9: from here on a grain that costs little is worth more than the finest one
COARSEST_DITHERED: Final = 72  # coarseness 8: beyond it nothing of a dither is left, and colour is better halved
_GRAIN_COSTS = 0.25  # bytes a pixel at that notch, more in a smooth picture and less in one full of detail
PROBES: Final = 6


@frozen(kw_only=True)
class Plan:
    """What was chosen for a picture before its steps are looked for."""

    wanted: Planes  # levels with fractions
    plain: Image.Image  # what an encoder gets without dither
    grain: Grain


def planned(canvas: Image.Image, max_bytes: int) -> Plan:
    """Which grain the budget can carry."""
    wanted = levels_of(canvas)
    plain = image_of(ycc(wanted))
    expected = len(written(plain, _TURNING_NOTCH, "4:4:4")) + _GRAIN_COSTS * canvas.width * canvas.height
    coarse = expected > max_bytes
    return Plan(wanted=wanted, plain=plain, grain=ONLY_DOWN if coarse else EVERYWHERE)


def dithered(plan: Plan) -> Planes:
    """Y, Cb and Cr. A tenth of the undithered picture in them costs fewer bytes and leaves the levels as they are."""
    levels = diffused(plan.wanted, plan.grain)
    levels *= plan.grain.strength
    levels += plan.wanted * (1 - plan.grain.strength)
    return ycc(levels)


def guess(plan: Plan) -> int:
    """The notch to begin a search at."""
    return _TURNING_NOTCH // 2 if plan.grain is EVERYWHERE else 2 * _TURNING_NOTCH


def one_pass(canvas: Image.Image, max_bytes: int) -> bytes:
    """Corrected for the decoder, dithered, and as fine as the bytes allow. Raises DoesNotFit."""
    plan = planned(canvas, max_bytes)
    search = Search(image_of(dithered(plan)), "4:4:4", COARSEST_DITHERED)
    try:
        return search.best(max_bytes, guess=guess(plan), probes=PROBES)
    except DoesNotFit:
        return undithered(plan.plain, max_bytes)


def undithered(plain: Image.Image, max_bytes: int) -> bytes:
    """For the few pictures (noise) that do not fit otherwise: colour at half the size. Raises DoesNotFit."""
    return Search(plain, "4:2:0", COARSEST_NOTCH).best(max_bytes, guess=COARSEST_DITHERED, probes=PROBES)
