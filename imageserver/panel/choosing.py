"""Coefficients chosen one by one, so that the panel comes nearer to the picture as an eye sees it.

Each block tries small changes of its low frequencies, has them drawn by the decoder's model, and keeps what helps.
Blocks of 4:4:4 are decoded independently, and those in every second row and column hardly see each other: a quarter
of them is tried at once.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from attrs import define, field
from PIL import Image

from imageserver.panel.decoder import colours, packed, values
from imageserver.panel.entropy import Ints
from imageserver.panel.eye import Field, block_form, seen
from imageserver.panel.idct import block_samples

_TRIES: Final = 4  # of a quarter of the blocks before the next one's turn
_PRODUCT: Final = 60  # blocks multiplied at once
_QUARTERS: Final = ((0, 0), (1, 1), (0, 1), (1, 0))
_LOW: Final = np.array([at for at in range(64) if (at // 8) ** 2 + (at % 8) ** 2 <= 10])  # places that are changed
# What a unit of Y, Cb and Cr is in R, G and B: JFIF 1.02
_TO_RGB: Final = np.array([[1, 1, 1], [0, -0.344136, 1.772], [1.402, -0.714136, 0]], np.float32)


def _cosines() -> npt.NDArray[np.float32]:
    """Coefficients from pixels, both in rows: (64, 64), orthonormal."""
    frequency, place = np.mgrid[:8, :8]
    one = np.cos((2 * place + 1) * frequency * np.pi / 16) * np.where(frequency == 0, np.sqrt(1 / 8), 0.5)
    return np.kron(one, one).astype(np.float32)


COSINES: Final = _cosines()


@define(kw_only=True)
class Choosing:
    """A picture on its way. Sizes are multiples of 8; what is beyond the canvas is never wrong."""

    wanted: Field  # 0 … 255
    inside: Field  # 1, or 0 beyond the canvas
    table: Ints  # 64 steps
    coefficients: Ints  # (3, 64, rows, columns)
    error: Field = field(init=False)
    tried: npt.NDArray[np.bool_] = field(init=False)  # (3, low places, rows, columns): failed since the last success

    def __attrs_post_init__(self) -> None:
        rows, columns = self.coefficients.shape[2:]
        self.tried = np.zeros((3, len(_LOW), rows, columns), np.bool_)
        drawn = self._drawn(self.coefficients.reshape(3, 64, -1)).reshape(3, 8, 8, rows, columns)
        picture = drawn.transpose(0, 3, 1, 4, 2).reshape(self.wanted.shape)
        self.error = (picture - self.wanted) * self.inside

    def sweep(self) -> None:
        """Every block tries some changes."""
        for quarter in _QUARTERS:
            self._improve(*quarter)

    def _improve(self, row: int, column: int) -> None:
        rows, columns = self.coefficients.shape[2:]
        own = np.s_[:, :, row::2, column::2]
        coefficients = self.coefficients[own]
        shape = coefficients.shape[2:]
        count = shape[0] * shape[1]
        if not count:
            return
        coefficients = coefficients.reshape(3, 64, count).copy()
        tried = self.tried[own].reshape(3 * len(_LOW), count).copy()
        pixels = np.s_[:, row::2, :, column::2]  # of a field in blocks

        def blocks(whole: Field) -> Field:
            """(3, 64, blocks) of this quarter."""
            view = whole.reshape(3, rows, 8, columns, 8)[pixels]
            return view.transpose(0, 2, 4, 1, 3).reshape(3, 64, count)

        error, wanted, inside = blocks(self.error), blocks(self.wanted), blocks(self.inside)
        gradient = blocks(seen(self.error))
        form = block_form()
        for _ in range(_TRIES):
            candidate, choice = self._changed(coefficients, gradient, tried)
            after = (self._drawn(candidate) - wanted) * inside
            change = after - error
            spread = _product(form, change)
            better = (change * (2 * gradient + spread)).sum(axis=(0, 1)) < 0
            tried[choice, np.arange(count)] = True
            tried[:, better] = False
            coefficients = np.where(better, candidate, coefficients)
            error = np.where(better, after, error)
            gradient += np.where(better, spread, 0)
        self.coefficients[own] = coefficients.reshape(3, 64, *shape)
        self.tried[own] = tried.reshape(3, len(_LOW), *shape)
        view = self.error.reshape(3, rows, 8, columns, 8)
        view[pixels] = error.reshape(3, 8, 8, *shape).transpose(0, 3, 1, 4, 2)

    def _changed(
        self, coefficients: Ints, gradient: Field, tried: npt.NDArray[np.bool_]
    ) -> tuple[Ints, npt.NDArray[np.intp]]:
        """One coefficient of each block a step up or down: the untried one that promises most."""
        count = coefficients.shape[2]
        size = self.table[_LOW].astype(np.float32)
        rgb = _product(COSINES[_LOW], gradient)  # (3, low, blocks)
        slope = np.einsum("ij,jkl->ikl", _TO_RGB, rgb) * size[:, None]
        bend = np.square(size) * _bends()
        curve = np.square(_TO_RGB).sum(axis=1)[:, None] * bend
        promise = (2 * np.abs(slope) - curve[..., None]).reshape(-1, count)
        promise[tried] -= 1e9
        choice = promise.argmax(axis=0)
        component, place = np.divmod(choice, len(_LOW))
        every = np.arange(count)
        result = coefficients.copy()
        result[component, _LOW[place], every] -= np.sign(slope[component, place, every]).astype(np.int32)
        return result, choice

    def _drawn(self, coefficients: Ints) -> Field:
        """The panel's values of blocks, (3, 64, blocks)."""
        planes = []
        for component in coefficients:
            flat = ~component[1:].any(axis=0)
            planes.append(block_samples(component, self.table, flat))
        shown = values(packed(colours(*planes)))  # (column, row, blocks, 3)
        return np.ascontiguousarray(shown.transpose(3, 1, 0, 2)).reshape(3, 64, -1)


def _product(matrix: npt.NDArray[np.float32], blocks: Field) -> Field:
    """The matrix on each block's column of 64. Some at once: more would wake OpenBLAS's threads (see `source.py`)."""
    result = np.empty((3, len(matrix), blocks.shape[2]), np.float32)
    for start in range(0, blocks.shape[2], _PRODUCT):
        some = np.s_[..., start : start + _PRODUCT]
        result[some] = matrix @ blocks[some]
    return result


def _bends() -> npt.NDArray[np.float32]:
    low = COSINES[_LOW]
    bends: npt.NDArray[np.float32] = (low @ block_form() * low).sum(axis=1)
    return bends


def quantised(planes: Field, table: Ints) -> Ints:
    """Coefficients of Y, Cb and Cr (3, 64, rows, columns) for sizes that are multiples of 8."""
    _, height, width = planes.shape
    blocks = planes.reshape(3, height // 8, 8, width // 8, 8).transpose(0, 2, 4, 1, 3).reshape(3, 64, -1)
    found: Ints = np.rint(_product(COSINES, blocks - 128) / table[:, None]).astype(np.int32)
    return found.reshape(3, 64, height // 8, width // 8)


def padded(planes: Field) -> Field:
    """To multiples of 8, the last pixels repeated."""
    _, height, width = planes.shape
    return np.pad(planes, ((0, 0), (0, -height % 8), (0, -width % 8)), mode="edge")


def chosen(canvas: Image.Image, planes: Field, table: Ints, sweeps: int) -> Ints:
    """The coefficients (3, 64, rows, columns) for the canvas, from the Y, Cb and Cr that an encoder would have got."""
    picture = np.asarray(canvas, np.float32).transpose(2, 0, 1)
    whole = padded(planes)
    inside = np.zeros(whole.shape, np.float32)
    inside[:, : canvas.height, : canvas.width] = 1
    choosing = Choosing(
        wanted=padded(np.ascontiguousarray(picture)), inside=inside, table=table, coefficients=quantised(whole, table)
    )
    for _ in range(sweeps):
        choosing.sweep()
    return choosing.coefficients
