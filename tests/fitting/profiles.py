"""ICC profiles of matrix and gamma, built byte by byte after ICC.1:2001-04, and what they ought to do."""

from __future__ import annotations

import struct

import numpy as np

Matrix = tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]

# X, Y, Z of red, green and blue under D50.
DISPLAY_P3: Matrix = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))
ADOBE_RGB: Matrix = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
SRGB: Matrix = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410))
_WHITE = (0.9642, 1.0, 0.8249)


def profile(colours: Matrix, gamma: float) -> bytes:
    """An RGB display profile."""
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)
    tags = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", 5) + b"test\0" + bytes(78),
        b"cprt": b"text" + bytes(4) + b"none\0",
        b"wtpt": _xyz(_WHITE),
    }
    for letter, colour in zip((b"r", b"g", b"b"), colours, strict=True):
        tags[letter + b"XYZ"] = _xyz(colour)
        tags[letter + b"TRC"] = curve
    place, table, body = 128 + 4 + 12 * len(tags), b"", b""
    for name, content in tags.items():
        table += name + struct.pack(">II", place + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    size = struct.pack(">I", place + len(body))
    kind = bytes(4) + struct.pack(">I", 0x02100000) + b"mntrRGB XYZ "
    header = size + kind + bytes(12) + b"acsp" + bytes(28) + _xyz(_WHITE)[8:] + bytes(48)
    return header + struct.pack(">I", len(tags)) + table + body


def _xyz(values: tuple[float, float, float]) -> bytes:
    return b"XYZ " + bytes(4) + b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def in_srgb(colour: tuple[int, int, int], colours: Matrix, gamma: float) -> list[int]:
    """The colour's numbers in sRGB, worked out from the definitions."""
    light = (np.array(colour) / 255) ** gamma @ np.array(colours) @ np.linalg.inv(np.array(SRGB))
    light = np.clip(light, 0, 1)
    coded = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return [round(value) for value in (255 * coded).tolist()]
