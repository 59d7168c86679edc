"""From a picture at a panel's size to the JPEG that its frame gets."""

from __future__ import annotations

from typing import Literal

from PIL import Image

from imageserver.panel.best import best
from imageserver.panel.fast import fast
from imageserver.panel.made import one_pass
from imageserver.panel.plain import plain
from imageserver.panel.profiles import Profile

Effort = Literal["fast", "panel", "best"]


def encode(
    canvas: Image.Image, profile: Profile, *, max_bytes: int, effort: Effort = "panel", quality: int = 95
) -> bytes:
    """A JPEG of at most `max_bytes` that the profile's decoder draws. The same bytes for the same picture.

    `canvas` is RGB at the size to be drawn. `quality` is the most that a panel with all colours gets. About 4, 30 and
    700 ms of CPU for 320×480 pixels, so in a thread.
    Raises DoesNotFit, a ValueError, for budgets that nothing fits in; never from `profile.least_bytes()` on.
    """
    if not profile.is_coarse:
        return plain(canvas, max_bytes, quality)
    if effort == "fast":
        return fast(canvas, max_bytes)
    if effort == "best":
        return best(canvas, max_bytes)
    return one_pass(canvas, max_bytes)
