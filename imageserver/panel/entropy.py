"""The entropy-coded part of a JPEG: from bits to quantised coefficients, exactly as far as the decoder reads it.

Python walks from symbol to symbol by tables of 65536 entries, one for each 16 bits that can come next; the values are
cut out afterwards, all at once.
"""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import numpy.typing as npt
from attrs import field, frozen

from imageserver.panel.accepted import HuffmanTable, Opened
from imageserver.panel.refusal import FMT1, UNNOTICED, JpegRefused

Ints = npt.NDArray[np.int32]
# The place of each coefficient of a block in reading order: ITU-T T.81, figure A.6.
ZIGZAG: Final = np.array(
    sorted(range(64), key=lambda at: (at // 8 + at % 8, at // 8 if (at // 8 + at % 8) % 2 else at % 8)), np.intp
)
# An entry of a table: bits to skip << 12 | bits of the value << 8 | flags | places to move on.
_END = 0x80  # the symbol that ends a block
_BROKEN = 0x40  # no code begins with these bits
_PLACES = 0x1F
_MOST_IN_A_BLOCK = 248  # bytes: 64 symbols of 16 bits and a value of 15
_RESTART = re.compile(rb"\xff[\xd0-\xd7]")


@frozen(kw_only=True)
class Plane:
    """One component's blocks in the order of the picture."""

    coefficients: Ints = field(repr=False)  # (64, rows, columns), row-major inside a block, not yet multiplied
    flat: npt.NDArray[np.bool_] = field(repr=False)  # (rows, columns): the first AC symbol ended the block
    steps: Ints = field(repr=False)  # 64 quantiser steps, row-major


def planes(file: Opened) -> list[Plane]:
    """The quantised coefficients of each component. Raises JpegRefused where the scan is damaged."""
    across, down = file.mcu
    columns, rows = -(-file.facts.width // (8 * across)), -(-file.facts.height // (8 * down))
    components = len(file.quantisers)
    order = [0] * (across * down) + list(range(1, components))  # the components of one MCU's blocks
    found = _Reading.of(file, order).all_blocks(columns * rows)
    result = []
    for component in range(components):
        h, v = (across, down) if component == 0 else (1, 1)
        mine = [slot for slot, owner in enumerate(order) if owner == component]
        values = found.coefficients[:, mine].reshape(rows, columns, v, h, 64)
        flat = found.flat[:, mine].reshape(rows, columns, v, h)
        coefficients = values.transpose(4, 0, 2, 1, 3).reshape(64, rows * v, columns * h)
        steps = np.empty(64, np.int32)
        steps[ZIGZAG] = np.frombuffer(file.quantisers[component], np.uint8)
        result.append(
            Plane(
                coefficients=np.ascontiguousarray(coefficients),
                flat=flat.transpose(0, 2, 1, 3).reshape(rows * v, columns * h),
                steps=steps,
            )
        )
    return result


@frozen(kw_only=True)
class _Blocks:
    coefficients: Ints  # (MCUs, blocks in an MCU, 64)
    flat: npt.NDArray[np.bool_]  # (MCUs, blocks in an MCU)


@frozen(kw_only=True)
class _Walked:
    """Every symbol that carries a value: its first bit, its entry and its place (block * 64 + zigzag place)."""

    starts: Ints
    entries: Ints
    places: Ints
    flat: npt.NDArray[np.bool_]
    end: int  # bit behind the last symbol


@frozen(kw_only=True)
class _Reading:
    order: list[int]  # the component of each block in an MCU
    interval: int  # MCUs
    scan: bytes
    dc: list[list[int]]  # per component
    ac: list[list[int]]

    @classmethod
    def of(cls, file: Opened, order: list[int]) -> _Reading:
        kinds = [min(component, 1) for component in range(len(file.quantisers))]
        tables = {key: _entries(table, is_ac=key[0] == 1) for key, table in file.huffman.items()}
        return cls(
            order=order,
            interval=file.facts.restart_interval,
            scan=file.scan[: file.scan.index(b"\xff\xd9")],
            dc=[tables[0, kind] for kind in kinds],
            ac=[tables[1, kind] for kind in kinds],
        )

    def all_blocks(self, count: int) -> _Blocks:
        interval = self.interval or count
        pieces = _RESTART.split(self.scan)
        parts = [
            self._blocks(piece, min(interval, count - number * interval), is_last=number == len(pieces) - 1)
            for number, piece in enumerate(pieces)
        ]
        return _Blocks(
            coefficients=np.concatenate([part.coefficients for part in parts]),
            flat=np.concatenate([part.flat for part in parts]),
        )

    def _blocks(self, piece: bytes, count: int, *, is_last: bool) -> _Blocks:
        data = piece.replace(b"\xff\x00", b"\xff")
        windows = _windows(data + b"\xff" * _MOST_IN_A_BLOCK)
        walked = self._walk(windows.data, count, 8 * len(data))
        if not is_last and len(data) - (walked.end + 7) // 8 > 0:
            raise JpegRefused("a restart marker is missing: the scan goes on before it", FMT1)
        coefficients = np.zeros((count, len(self.order), 64), np.int32)
        coefficients.reshape(-1)[(walked.places & ~63) + ZIGZAG[walked.places & 63]] = _values(windows, walked)
        for component in set(self.order):
            mine = [slot for slot, owner in enumerate(self.order) if owner == component]
            coefficients[:, mine, 0] = coefficients[:, mine, 0].reshape(-1).cumsum().reshape(count, -1)
        return _Blocks(coefficients=coefficients, flat=walked.flat.reshape(count, len(self.order)))

    def _walk(self, windows: memoryview, count: int, last: int) -> _Walked:
        starts: list[int] = []
        entries: list[int] = []
        places: list[int] = []
        flat = np.zeros(count * len(self.order), np.bool_)
        at = base = 0
        for owner in self.order * count:
            entry, steps = self.dc[owner][windows[at]], self.ac[owner]
            place = 0
            while not entry & (_END | _BROKEN):
                starts.append(at)
                entries.append(entry)
                places.append(base + place)
                at += entry >> 12
                if place >= 63:
                    break
                entry = steps[windows[at]]
                place += entry & _PLACES
            else:
                flat[base >> 6] = place == 0
                at += entry >> 12
            if at > last:
                raise JpegRefused("the picture is cut short inside its scan", UNNOTICED)
            if place > 63 or entry & _BROKEN:
                raise JpegRefused("the scan is damaged: an unknown code, or more than 64 values in a block", FMT1)
            base += 64
        return _Walked(
            starts=np.array(starts, np.int32),
            entries=np.array(entries, np.int32),
            places=np.array(places, np.int32),
            flat=flat,
            end=at,
        )


def _entries(table: HuffmanTable, *, is_ac: bool) -> list[int]:
    entries = np.full(65536, _BROKEN, np.int32)
    at, symbols = 0, iter(table.symbols)
    for length, count in enumerate(table.counts, start=1):
        for _ in range(count):
            symbol = next(symbols)
            size = symbol & 15
            move = _END if symbol == 0 else (symbol >> 4) + 1
            until = at + (1 << (16 - length))
            entries[at:until] = (length + size) << 12 | size << 8 | (move if is_ac else 0)
            at = until
    found: list[int] = entries.tolist()
    return found


def _windows(data: bytes) -> npt.NDArray[np.uint16]:
    """The 16 bits that begin at each bit."""
    values = np.frombuffer(data, np.uint8).astype(np.uint32)
    words = values[:-2] << 16 | values[1:-1] << 8 | values[2:]
    return (words[:, None] >> np.arange(8, 0, -1, dtype=np.uint32)).astype(np.uint16).reshape(-1)


def _values(windows: npt.NDArray[np.uint16], walked: _Walked) -> Ints:
    """What the symbols stand for: T.81, F.2.2.1 (EXTEND)."""
    sizes = walked.entries >> 8 & 15
    bits: Ints = windows[walked.starts + (walked.entries >> 12) - sizes].astype(np.int32) >> (16 - sizes)
    negative: Ints = np.where(bits < 1 << np.maximum(sizes, 1) - 1, (1 << sizes) - 1, 0)
    return bits - negative
