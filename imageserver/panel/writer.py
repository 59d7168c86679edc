"""A baseline 4:4:4 JPEG from quantised coefficients: for pictures whose coefficients were chosen one by one."""

from __future__ import annotations

import struct
from typing import Final

import numpy as np
import numpy.typing as npt
from attrs import frozen

from imageserver.panel.accepted import HuffmanTable
from imageserver.panel.entropy import ZIGZAG, Ints
from imageserver.panel.huffman import codes, table_for

_JFIF: Final = b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"
_SKIP_16 = 0xF0


@frozen(kw_only=True)
class _Symbols:
    """What the scan says, in its order. Each symbol is followed by a value of so many bits."""

    tables: npt.NDArray[np.int64]  # 0: DC luma, 1: AC luma, 2: DC colour, 3: AC colour
    symbols: npt.NDArray[np.int64]
    values: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]


def jpeg_of(coefficients: Ints, steps: tuple[int, ...], width: int, height: int) -> bytes:
    """The file. `coefficients` is (3, 64, rows, columns), row-major in a block; `steps` are those of all components."""
    found = _symbols(coefficients)
    tables = [table_for(np.bincount(found.symbols[found.tables == kind], minlength=256)) for kind in range(4)]
    quantiser = bytes(steps[at] for at in ZIGZAG)
    parts = [
        b"\xff\xd8",
        _segment(0xE0, _JFIF),
        _segment(0xDB, b"\0" + quantiser + b"\1" + quantiser),
        _segment(0xC0, struct.pack(">BHHB", 8, height, width, 3) + b"\1\x11\0\2\x11\1\3\x11\1"),
        *(_segment(0xC4, bytes([name]) + t.counts + t.symbols) for name, t in zip((0, 16, 1, 17), tables, strict=True)),
        _segment(0xDA, b"\3\1\0\2\x11\3\x11\0\x3f\0"),
        _scan(found, tables),
        b"\xff\xd9",
    ]
    return b"".join(parts)


def _segment(marker: int, payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def _symbols(coefficients: Ints) -> _Symbols:
    components, _, rows, columns = coefficients.shape
    blocks = coefficients.reshape(components, 64, -1)[:, ZIGZAG].transpose(2, 0, 1).reshape(-1, 64).astype(np.int64)
    count = len(blocks)
    kinds = np.tile(np.array([0, 2, 2]), rows * columns)
    means = blocks[:, 0].reshape(-1, components)
    differences = np.diff(means, axis=0, prepend=0).reshape(-1)
    block, place = np.nonzero(blocks[:, 1:])
    place += 1
    before = np.where(np.diff(block, prepend=-1) != 0, 0, np.roll(place, 1))
    zeros = place - before - 1
    skips = np.repeat(np.arange(len(place)), zeros // 16)
    last = np.zeros(count, np.int64)
    last[block] = place  # the last one written stays
    ended = np.flatnonzero(last < 63)
    values = np.concatenate([differences, blocks[block, place], np.zeros(len(skips) + len(ended), np.int64)])
    sizes = np.where(values == 0, 0, np.frexp(np.abs(values))[1])
    # In the scan's order: block, then place; what skips zeros stands before its coefficient, an end behind everything.
    order = np.concatenate([np.arange(count) * 256, block * 256 + place * 2 + 1, block[skips] * 256 + place[skips] * 2])
    order = np.concatenate([order, ended * 256 + 255])
    symbols = np.concatenate(
        [sizes[:count], (zeros % 16) * 16 + sizes[count : count + len(place)], np.full(len(skips), _SKIP_16)]
    )
    symbols = np.concatenate([symbols, np.zeros(len(ended), np.int64)])
    tables = np.concatenate([kinds, kinds[block] + 1, kinds[block[skips]] + 1, kinds[ended] + 1])
    by = np.argsort(order, kind="stable")
    return _Symbols(tables=tables[by], symbols=symbols[by], values=values[by], sizes=sizes[by])


def _scan(found: _Symbols, tables: list[HuffmanTable]) -> bytes:
    known = [codes(table) for table in tables]
    code = np.stack([values for values, _ in known])[found.tables, found.symbols]
    bits = np.stack([lengths for _, lengths in known])[found.tables, found.symbols]
    tails = np.where(found.values < 0, found.values + (1 << found.sizes) - 1, found.values)
    words = code << found.sizes | tails
    lengths = bits + found.sizes
    ends = np.cumsum(lengths)
    total = int(ends[-1])
    # Each bit of the scan: which word it is from and how far from that word's end.
    owner = np.repeat(np.arange(len(words)), lengths)
    stream = (words[owner] >> (ends[owner] - 1 - np.arange(total))) & 1
    padded = np.append(stream, np.ones(-total % 8, np.int64)).astype(np.uint8)
    return np.packbits(padded).tobytes().replace(b"\xff", b"\xff\x00")
