"""A picture made for a panel of 16-bit colour on a weak machine: tables and one pattern, nothing computed per pixel.

The same idea as in `source.py`, as far as it needs one channel only: the cells' middles, the decoder's bias on average
(without the half unit that depends on the colour), and an ordered dither (Bayer 4×4) one level wide.
"""

from __future__ import annotations

import functools
from typing import Final

from PIL import Image, ImageChops

from imageserver.panel.budget import DoesNotFit, Search
from imageserver.panel.steps import COARSEST_NOTCH

_BAYER: Final = ((0, 8, 2, 10), (12, 4, 14, 6), (3, 11, 1, 9), (15, 7, 13, 5))
# For red, green and blue: levels, decoded integers to a level, the middle of those, and what the decoder loses.
_CHANNELS: Final = ((31, 8, 3.5, 1.2), (63, 4, 1.5, 0.0), (31, 8, 3.5, 1.4))
_GUESS = 14
_COARSEST = 72
_PROBES = 3


def fast(canvas: Image.Image, max_bytes: int) -> bytes:
    """Corrected by tables, ordered dither, as fine as three tries find. Raises DoesNotFit."""
    # The pattern is added without its mean, which the table has, so that it needs no negative numbers.
    source = ImageChops.add(canvas.point(_table()), _pattern(*canvas.size))
    try:
        search = Search(source, "4:4:4", _COARSEST)
        return search.at(search.finest(max_bytes, guess=_GUESS, probes=_PROBES))
    except DoesNotFit:
        search = Search(source, "4:2:0", COARSEST_NOTCH)
        return search.at(search.finest(max_bytes, guess=_COARSEST, probes=_PROBES))


@functools.cache
def _table() -> list[int]:
    """256 values a channel: the middle of the value's place on the panel, less half the pattern."""
    table = []
    for top, cell, middle, lost in _CHANNELS:
        values = [value * top / 255 * cell + middle + lost - (cell - 1) / 2 for value in range(256)]
        # Black and white stay clean: the pattern must not reach over into the next level.
        values[0], values[-1] = values[0] - cell / 4, values[-1] + cell / 4
        table += [min(255, max(0, round(value))) for value in values]
    return table


@functools.lru_cache(maxsize=4)
def _pattern(width: int, height: int) -> Image.Image:
    tile = Image.new("RGB", (4, 4))
    for row, line in enumerate(_BAYER):
        for column, place in enumerate(line):
            tile.putpixel((column, row), tuple(place * cell // 16 for _, cell, _, _ in _CHANNELS))
    pattern = Image.new("RGB", (width, height))
    pattern.paste(tile)
    done = 4  # doubled until it covers everything
    while done < max(width, height):
        pattern.paste(pattern.crop((0, 0, done, 4)), (done, 0))
        done *= 2
    done = 4
    while done < height:
        pattern.paste(pattern.crop((0, 0, width, done)), (0, done))
        done *= 2
    return pattern
