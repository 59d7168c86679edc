"""Which part of a picture is shown, how large, and what is around it. Pure: sizes and small arrays in, numbers out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

import numpy as np
from attrs import frozen

from imageserver.fitting import documents, saliency
from imageserver.fitting.glance import Pixels
from imageserver.fitting.saliency import Floats

Size = tuple[int, int]
Mode = Literal["smart", "crop", "pad", "blur-pad"]

# Of what a crop would keep. 16:9 on a panel of 2:3 is 0.375 and is cropped; 2:1 is 0.33, a phone's panorama 0.2.
_PANORAMA: Final = 0.30
_WIDE: Final = 0.36  # below it a crop must keep this share of what the eye goes to
_WIDE_KEEPS: Final = 0.6

_EVERYWHERE: Final = 0.001  # interest that every column has, so that a picture of nothing is not decided by rounding
_EDGE: Final = 0.35  # what lies at a window's edge counts by so much less than what lies in its middle
# Where a window belongs when nothing speaks against it: in the middle, or rather high, where heads and spires are.
_REST_ACROSS: Final = 0.5
_REST_DOWN: Final = 0.3
_AWAY: Final = 0.5  # a window that is the whole side away from there counts by so much less


@frozen(kw_only=True)
class Fit:
    """A part of the picture (left, top, right, bottom in its pixels) and its size on the panel."""

    box: tuple[float, float, float, float]
    size: Size
    blurs_bars: bool = False  # what remains of the panel is the picture itself, blurred; otherwise black


def fit(
    source: Size,
    panel: Size,
    *,
    mode: Mode,
    stretch: float,
    focus: tuple[float, float] | None,
    look: Callable[[], Pixels],
) -> Fit:
    """How a picture of the size `source` is shown on the panel, both as a person sees them.

    Up to a difference of proportions of `stretch` it is stretched. `focus` is what must be seen (0 to 1 from left and
    top). `look` gives a glance at the picture; it is asked only when it matters.
    """
    width, height = source
    across, down = panel[0] / width, panel[1] / height  # how much each side must grow
    if max(across, down) / min(across, down) - 1 <= stretch + 1e-9:
        return Fit(box=(0.0, 0.0, width, height), size=panel)
    if mode in {"pad", "blur-pad"}:
        return _padded(source, panel, blurs_bars=mode == "blur-pad")
    sideways = across < down
    if focus is not None:
        return _cropped(source, panel, focus[0] if sideways else focus[1])
    if mode == "crop":
        return _cropped(source, panel, 0.5)
    return _smart(source, panel, look(), sideways=sideways)


def _smart(source: Size, panel: Size, pixels: Pixels, *, sideways: bool) -> Fit:
    across, down = panel[0] / source[0], panel[1] / source[1]
    kept = min(across, down) / max(across, down)
    if documents.is_cut(pixels, kept, sideways=sideways):
        return _padded(source, panel, blurs_bars=False)
    small = _halved(pixels if sideways else pixels.transpose(1, 0, 2))
    middle, keeps = window(saliency.interest(small), kept, _REST_ACROSS if sideways else _REST_DOWN)
    if kept < _PANORAMA or (kept < _WIDE and keeps < _WIDE_KEEPS):
        return _padded(source, panel, blurs_bars=True)
    return _cropped(source, panel, middle)


def _halved(pixels: Pixels) -> Pixels:
    """The means of four pixels each; a single last row or column is left out."""
    height, width = pixels.shape[0] // 2 * 2, pixels.shape[1] // 2 * 2
    if not height or not width:
        return pixels
    even = pixels[:height, :width].astype(np.uint16)
    return ((even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2] + 2) // 4).astype(np.uint8)


def window(interest: Floats, share: float, rest: float) -> tuple[float, float]:
    """Where the best window of this share of the width has its middle, and which share of the interest it keeps.

    `rest` is where it would be without any interest.
    """
    columns = (interest.astype(np.float64) ** 1.5).mean(axis=0) + _EVERYWHERE
    half, width = share / 2, len(columns)
    places = (np.arange(width) + 0.5) / width
    centres = np.linspace(half, 1 - half, 2 * width + 1)
    away = np.abs(places - centres[:, None])
    inside = np.clip((half - away) * width + 0.5, 0, 1)  # of each column, so that windows do not win by rounding
    scores = ((1 - _EDGE * away / half) * inside * columns).sum(axis=1)
    scores *= 1 - _AWAY * np.abs(centres - rest)
    best = int(scores.argmax())
    return float(centres[best]), float((inside[best] * columns).sum() / columns.sum())


def _padded(source: Size, panel: Size, *, blurs_bars: bool) -> Fit:
    grow = min(panel[0] / source[0], panel[1] / source[1])
    size = max(1, round(source[0] * grow)), max(1, round(source[1] * grow))
    return Fit(box=(0.0, 0.0, *source), size=size, blurs_bars=blurs_bars)


def _cropped(source: Size, panel: Size, middle: float) -> Fit:
    """As much as fills the panel, around `middle` (0 to 1) of the side that is too long."""
    grow = max(panel[0] / source[0], panel[1] / source[1])
    width, height = min(source[0], panel[0] / grow), min(source[1], panel[1] / grow)
    left = min(max(0.0, middle * source[0] - width / 2), source[0] - width)
    top = min(max(0.0, middle * source[1] - height / 2), source[1] - height)
    return Fit(box=(left, top, left + width, top + height), size=panel)
