"""The eye's Gaussian as a quadratic form, for choosing what it sees least of."""

from __future__ import annotations

import functools
from typing import Final

import numpy as np
import numpy.typing as npt

from imageserver.panel.measure import EYE, blurred

Field = npt.NDArray[np.float32]  # (3, height, width)

_REACH: Final = 14  # pixels that the Gaussian, applied twice, is seen at
# Rows or columns of a product: the matrices are bands, and larger products wake OpenBLAS's threads (see `source.py`).
_AT_ONCE: Final = 10


@functools.lru_cache(maxsize=4)
def _twice(length: int) -> npt.NDArray[np.float32]:
    """The Gaussian along one axis, edges reflected, and its transpose: blur's own matrix squared."""
    once = blurred(np.eye(length), EYE, axes=(0,))
    return (once.T @ once).astype(np.float32)


def seen(error: Field) -> Field:
    """Gradient, by halves, of the squared error that an eye sees: blurred twice."""
    _, height, width = error.shape
    down, across = _twice(height), _twice(width)
    half, whole = np.empty_like(error), np.empty_like(error)
    for start in range(0, height, _AT_ONCE):
        rows, near = _band(start, height)
        half[:, rows] = down[rows, near] @ error[:, near]
    for start in range(0, width, _AT_ONCE):
        columns, near = _band(start, width)
        whole[..., columns] = half[..., near] @ across[near, columns]
    return whole


def _band(start: int, length: int) -> tuple[slice, slice]:
    end = min(start + _AT_ONCE, length)
    return slice(start, end), slice(max(0, start - _REACH), min(length, end + _REACH))


@functools.cache
def block_form() -> npt.NDArray[np.float32]:
    """The form within one block far from the edges, (64, 64), pixels in rows."""
    along = _twice(8 * 7)[24:32, 24:32]
    return np.kron(along, along)
