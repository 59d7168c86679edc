"""The decoder's arithmetic again, one number at a time and straight from its description, to hold the model against."""

from __future__ import annotations

import math

from imageserver.panel.entropy import Plane

Pixel = tuple[int, int, int]


def div(value: int, by: int) -> int:
    """As in C: towards zero."""
    return -(-value // by) if value < 0 else value // by


def scale(row: int, column: int) -> int:
    if {row, column} == {1, 2}:
        return 14846
    k = [1.0] + [math.sqrt(2) * math.cos(n * math.pi / 16) for n in range(1, 8)]
    return math.floor(8192 * k[row] * k[column] + 1e-6)


def one_dimension(f: list[int]) -> list[int]:
    p, m, s = f[0] + f[4], f[0] - f[4], f[2] + f[6]
    d = ((f[2] - f[6]) * 5792 >> 12) - s
    even = [p + s, m + d, m - d, p - s]
    x, y, z, w = f[1] - f[7], f[1] + f[7], f[5] - f[3], f[5] + f[3]
    o7 = y + w
    g = (x + z) * 7568 >> 12
    o6 = g - (z * 10703 >> 12) - o7
    o5 = ((y - w) * 5792 >> 12) - o6
    o4 = g - (x * 4433 >> 12) - o5
    odd = [o7, o6, o5, o4]
    return [e + o for e, o in zip(even, odd, strict=True)] + [
        e - o for e, o in zip(reversed(even), reversed(odd), strict=True)
    ]


def block(coefficients: list[int], steps: list[int], *, flat: bool) -> list[list[int]]:
    """Rows of samples."""
    scaled = [(c * q * scale(at // 8, at % 8)) >> 8 for at, (c, q) in enumerate(zip(coefficients, steps, strict=True))]
    if flat:
        return [[div(scaled[0], 256) + 128] * 8 for _ in range(8)]
    columns = [one_dimension([scaled[row * 8 + column] for row in range(8)]) for column in range(8)]
    rows = [[columns[column][row] for column in range(8)] for row in range(8)]
    return [[value >> 8 for value in one_dimension([row[0] + 32768, *row[1:]])] for row in rows]


def samples(plane: Plane) -> list[list[int]]:
    """A component's rows."""
    _, rows, columns = plane.coefficients.shape
    steps = [int(step) for step in plane.steps]
    lines: list[list[int]] = [[] for _ in range(rows * 8)]
    for row in range(rows):
        for column in range(columns):
            values = [int(value) for value in plane.coefficients[:, row, column]]
            for at, line in enumerate(block(values, steps, flat=bool(plane.flat[row, column]))):
                lines[row * 8 + at] += line
    return lines


def pixel(luma: int, blue: int, red: int) -> Pixel:
    """Eight bits a colour."""
    cb, cr = blue - 128, red - 128
    rgb = (luma + div(1435 * cr, 1024), luma - div(352 * cb + 731 * cr, 1024), luma + div(1814 * cb, 1024))
    r, g, b = (min(255, max(0, value)) for value in rgb)
    return r, g, b


def picture(planes: list[Plane], mcu: tuple[int, int], width: int, height: int) -> list[list[Pixel]]:
    """Rows of pixels."""
    found = [samples(plane) for plane in planes]
    if len(found) == 1:
        return [[pixel(found[0][y][x], 128, 128) for x in range(width)] for y in range(height)]
    luma, blue, red = found
    across, down = mcu
    return [
        [pixel(luma[y][x], blue[y // down][x // across], red[y // down][x // across]) for x in range(width)]
        for y in range(height)
    ]
