"""From a prompt and a seed to a JPEG. Pure: the same words, seed and size give the same bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np
from attrs import field, frozen

from imageserver.default_plugins.atelier import bauhaus, cells, firs, fluid, growth, landscape, lines, meadow
from imageserver.default_plugins.atelier.canvas import Canvas, encoded, finished
from imageserver.default_plugins.atelier.noise import Field
from imageserver.default_plugins.atelier.palette import mixed_for
from imageserver.default_plugins.atelier.words import wishes_of

_SMALLEST = 16  # pixels a side: below it no style has room

STYLES: dict[str, Callable[[Canvas], Field]] = {
    "mountains": landscape.mountains,
    "sea": landscape.sea,
    "forest": firs.forest,
    "botanical": meadow.botanical,
    "glass": cells.glass,
    "truchet": cells.truchet,
    "bauhaus": bauhaus.bauhaus,
    "circles": cells.circles,
    "marble": fluid.marble,
    "watercolour": fluid.watercolour,
    "papercut": fluid.papercut,
    "coral": growth.coral,
    "attractor": growth.attractor,
    "flow": lines.flow,
    "brush": lines.brush,
    "woven": lines.woven,
}

_OUTDOORS = ("mountains", "sea", "forest")


@frozen(kw_only=True)
class Painting:
    """A finished picture and the name of its style."""

    data: bytes = field(repr=False)  # baseline JPEG
    style: str


def paint(prompt: str, seed: int, width: int, height: int) -> Painting:
    """Paint a picture of `width` × `height` pixels, each raised to 16 when it is less. Any prompt, any seed."""
    width, height = max(_SMALLEST, width), max(_SMALLEST, height)
    # Drawn from the words as well as from the seed: one seed for two prompts is no reason for twins.
    digest = hashlib.sha256(f"{seed}\n{prompt}".encode("utf-8", "surrogatepass")).digest()
    rng = np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "big")))
    wishes = wishes_of(prompt)
    styles = wishes.styles or tuple(STYLES)
    style = styles[int(rng.integers(len(styles)))]
    canvas = Canvas(width=width, height=height, palette=mixed_for(wishes, rng, style in _OUTDOORS), rng=rng)
    return Painting(data=encoded(finished(STYLES[style](canvas), rng)), style=style)
