"""An ordinary JPEG, for screens that show what a JPEG says."""

from __future__ import annotations

import io
from typing import Final

from PIL import Image

from imageserver.panel.budget import DoesNotFit, Sampling

_QUALITIES: Final = (95, 92, 90, 88, 85, 82, 78, 74, 70, 65, 60, 50, 40, 30, 20, 10, 5, 1)
_FULL_COLOUR = 90  # from this quality on colours are kept at full size


def plain(canvas: Image.Image, max_bytes: int, quality: int) -> bytes:
    """At this one of Pillow's qualities, or the best below it that fits. Raises DoesNotFit."""
    qualities = (quality, *(lower for lower in _QUALITIES if lower < quality))
    better, worse = -1, len(qualities)
    best = b""
    while worse - better > 1:
        middle = (better + worse) // 2 if better >= 0 or best else 0  # most fit at once
        jpeg = _written(canvas, qualities[middle])
        if len(jpeg) <= max_bytes:
            worse, best = middle, jpeg
        else:
            better = middle
    if not best:
        raise DoesNotFit(f"{canvas.width}x{canvas.height} pixels do not fit in {max_bytes} bytes")
    return best


def _written(canvas: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    sampling: Sampling = "4:4:4" if quality >= _FULL_COLOUR else "4:2:0"
    canvas.save(out, "JPEG", quality=quality, subsampling=sampling)
    return out.getvalue()
