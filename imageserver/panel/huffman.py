"""The best Huffman codes for what a scan holds, within JPEG's sixteen bits: ITU-T T.81, annex K.2."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from imageserver.panel.accepted import HuffmanTable

_LONGEST = 16  # bits
_RESERVED = 256  # a symbol that no one sends, so that no code is all ones


def table_for(counts: npt.NDArray[np.int64]) -> HuffmanTable:
    """Codes for symbols that occur so often; `counts` has 256."""
    lengths = _lengths({int(symbol): int(counts[symbol]) for symbol in np.flatnonzero(counts)} | {_RESERVED: 0})
    per_length = [0] * 40
    for length in lengths.values():
        per_length[length] += 1
    _shorten(per_length)
    per_length[max(length for length in range(1, _LONGEST + 1) if per_length[length])] -= 1  # the reserved one
    order = sorted((symbol for symbol in lengths if symbol != _RESERVED), key=lambda symbol: (lengths[symbol], symbol))
    return HuffmanTable(counts=bytes(per_length[1 : _LONGEST + 1]), symbols=bytes(order))


def codes(table: HuffmanTable) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """For each of 256 symbols its code and its bits; 0 bits for one without a code."""
    values, bits = np.zeros(256, np.int64), np.zeros(256, np.int64)
    code, symbols = 0, iter(table.symbols)
    for length, count in enumerate(table.counts, start=1):
        for _ in range(count):
            symbol = next(symbols)
            values[symbol], bits[symbol] = code, length
            code += 1
        code <<= 1
    return values, bits


def _lengths(counts: dict[int, int]) -> dict[int, int]:
    """Huffman's own: the two rarest become one, until one is left. The reserved symbol is the rarest of all."""
    lengths = dict.fromkeys(counts, 0)
    groups = sorted(((count, -symbol, [symbol]) for symbol, count in counts.items()), key=lambda group: group[:2])
    while len(groups) > 1:
        (first, name, rare), (second, _, rarer) = groups[:2]
        for symbol in (*rare, *rarer):
            lengths[symbol] += 1
        groups = sorted([*groups[2:], (first + second, name, rare + rarer)], key=lambda group: group[:2])
    if len(counts) == 1:
        lengths = dict.fromkeys(counts, 1)
    return lengths


def _shorten(per_length: list[int]) -> None:
    """Codes over sixteen bits made shorter at the cost of others: figure K.3."""
    for length in range(len(per_length) - 1, _LONGEST, -1):
        while per_length[length] > 0:
            shorter = length - 2
            while per_length[shorter] == 0:
                shorter -= 1
            per_length[length] -= 2
            per_length[length - 1] += 1
            per_length[shorter + 1] += 2
            per_length[shorter] -= 1
