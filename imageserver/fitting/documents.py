"""Whether a picture is text on a flat ground, or a diagram on one, which a crop would cut through."""

from __future__ import annotations

from typing import Final

import numpy as np

from imageserver.fitting.glance import Pixels

_SAME: Final = 7  # levels in each colour; what is nearer to a ground belongs to it. Above 9 it takes in paper-cut hills
_GROUND: Final = 0.35  # of the picture is ground; between small lines of text there is little of it
_BORDER: Final = 0.6  # of the outermost pixels are ground
_MARK: Final = 32  # levels from one pixel to its right neighbour
_LOST: Final = 0.45  # of the marks that a crop would lose if they were spread evenly
_IN_LINES: Final = 10.0  # variance by mean of the marks in a row: about 2 for leaves and stars, above 17 for text


def is_cut(pixels: Pixels, share: float, *, sideways: bool) -> bool:
    """Whether it is a document, and every window of this share of its width (else height) would cut off much of it."""
    marks = np.zeros(pixels.shape[:2], bool)
    marks[:, 1:] = np.abs(np.diff(pixels.astype(np.int16), axis=1)).max(axis=2) > _MARK
    in_rows = marks.sum(axis=1)
    if not marks.any() or in_rows.var() / in_rows.mean() < _IN_LINES:
        return False
    counts = marks.sum(axis=0) if sideways else in_rows
    sums = np.concatenate([[0], np.cumsum(counts)])
    window = max(1, round(share * len(counts)))
    lost = 1 - (sums[window:] - sums[:-window]).max() / sums[-1]
    return bool(lost >= _LOST * (1 - share) and _is_flat(pixels))


def _is_flat(pixels: Pixels) -> bool:
    """Whether at most three colours (a page, a title bar, a sidebar) lie under everything, out to the edges."""
    levels = pixels.astype(np.int32) >> 4
    cells = levels[:, :, 0] << 8 | levels[:, :, 1] << 4 | levels[:, :, 2]
    ground = np.zeros(cells.shape, bool)
    for _ in range(3):
        rest = cells[~ground]
        if not rest.size:
            break
        colour = pixels[(cells == np.bincount(rest).argmax()) & ~ground].mean(axis=0)
        ground |= np.abs(pixels - colour.astype(np.float32)).max(axis=2) <= _SAME
    border = np.concatenate([ground[0], ground[-1], ground[:, 0], ground[:, -1]])
    return bool(ground.mean() >= _GROUND and border.mean() >= _BORDER)
