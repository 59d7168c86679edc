"""Pictures made of lines: ribbons along a flow, brush strokes along a flow, woven cloth."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageDraw

from imageserver.default_plugins.atelier.canvas import Canvas, Sheet, mix, paper, shaded
from imageserver.default_plugins.atelier.noise import Field, clouds, evened, relief, resized, shifted, softened, step


def flow(canvas: Canvas) -> Field:
    """Ribbons that follow a smooth field of directions and never cross, thick ones first, thin ones in the gaps."""
    palette, unit, rng = canvas.palette, canvas.unit, canvas.rng
    paints = palette.paints()
    sheet = Sheet(canvas, palette.ground)
    coarse = 4
    wide, tall = canvas.width // coarse + 1, canvas.height // coarse + 1
    swing = canvas.between(0.7, 1.6)
    lean = canvas.between(0, 2 * math.pi)
    angles = (clouds(rng, tall, wide, unit / coarse * 0.9, 3.6) * swing + lean).tolist()
    zones = clouds(rng, tall, wide, unit / coarse * 0.6, 3.0)
    zones = (evened(zones) * len(paints)).tolist()
    taken = Image.new("L", (wide, tall), 0)
    stamp, seen = ImageDraw.Draw(taken), taken.load()
    stride = unit * 0.009
    for thick, tries in ((0.034, 70), (0.020, 220), (0.011, 700), (0.006, 1500)):
        width = unit * thick * canvas.between(0.85, 1.15)
        gap = width / 2 + unit * 0.0035
        for _ in range(tries):
            x, y = canvas.between(-0.02, 1.02) * canvas.width, canvas.between(-0.02, 1.02) * canvas.height
            path = _followed(x, y, angles, seen, coarse, stride, gap, 10 + int(rng.integers(150)))
            if len(path) < 9:
                continue
            column, row = int(path[0][0]) // coarse, int(path[0][1]) // coarse
            zone = zones[min(max(row, 0), tall - 1)][min(max(column, 0), wide - 1)]
            pick = int(zone + canvas.between(-0.7, 0.7)) if canvas.chance(0.85) else int(rng.integers(len(paints)))
            colour = paints[min(max(pick, 0), len(paints) - 1)]
            sheet.line(path, width, colour)
            if thick > 0.015 and canvas.chance(0.35):
                sheet.line(path[2:-2], width * 0.22, mix(colour, palette.ground, 0.75))
            stamp.line([(px / coarse, py / coarse) for px, py in path], 255, max(1, round(2 * gap / coarse)), "curve")
    picture = sheet.field()
    inked = np.abs(picture - palette.ground).max(axis=2)
    inked = step(0.02, 0.12, inked)
    fallen = shifted(softened(inked, unit * 0.008), round(unit * 0.005), round(unit * 0.004))
    picture = picture * (1 - 0.30 * np.clip(fallen - inked, 0, 1))[..., None]
    picture = shaded(picture, relief(softened(inked, unit * 0.006), unit * 0.010), 0.12)
    return picture * paper(canvas)[..., None]


def _followed(
    x: float, y: float, angles: list[list[float]], seen: object, coarse: int, stride: float, gap: float, longest: int
) -> list[tuple[float, float]]:
    """Walk with the field until something is in the way."""
    tall, wide = len(angles), len(angles[0])
    path: list[tuple[float, float]] = []
    for _ in range(longest):
        column, row = int(x) // coarse, int(y) // coarse
        if not (-6 <= column < wide + 6 and -6 <= row < tall + 6):
            break
        angle = angles[min(max(row, 0), tall - 1)][min(max(column, 0), wide - 1)]
        dx, dy = math.cos(angle), math.sin(angle)
        for side in (-gap, 0.0, gap):
            near_x, near_y = int(x - dy * side) // coarse, int(y + dx * side) // coarse
            if 0 <= near_x < wide and 0 <= near_y < tall and seen[near_x, near_y]:  # type: ignore[index]
                return path
        path.append((x, y))
        x, y = x + dx * stride, y + dy * stride
    return path


def brush(canvas: Canvas) -> Field:
    """Oil paint along swirls: strokes broad and then fine, each with its own relief and the marks of the bristles."""
    palette, unit, rng = canvas.palette, canvas.unit, canvas.rng
    height, width = canvas.height, canvas.width
    angle = clouds(rng, height, width, unit * 1.2, 3.6) * canvas.between(0.9, 1.6) + canvas.between(0, 2 * math.pi)
    large = clouds(rng, height, width, unit * 1.0, 3.0) + 0.35 * clouds(rng, height, width, unit * 0.25, 2.4)
    fall = (np.arange(height, dtype=np.float32)[:, None] / height - 0.5) * canvas.between(-1.8, 1.8)
    tone = evened(0.85 * large + fall + (-0.35 if palette.dark else 0.35))
    glow = step(1.3, 1.5, clouds(rng, height, width, unit * 0.35, 3.2))
    paint, body = Sheet(canvas, palette.tone(float(tone.mean()))), Sheet(canvas)
    spread = canvas.width * canvas.height / (unit * unit)
    for thick, long, count in ((0.050, 0.24, 260), (0.030, 0.17, 700), (0.018, 0.12, 1100)):
        for _ in range(round(count * spread)):
            x, y = canvas.between(0, width), canvas.between(0, height)
            row, column = min(int(y), height - 1), min(int(x), width - 1)
            path = _stroke(x, y, angle, unit * long * canvas.between(0.5, 1.1))
            colour = palette.tone(float(tone[row, column]) + float(rng.normal(0, 0.055)))
            if glow[row, column] > 0.5 and canvas.chance(0.75):
                colour = mix(palette.accent, colour, canvas.between(0.0, 0.35))
            wide = unit * thick * canvas.between(0.7, 1.15)
            paint.line(path, wide, colour)
            body.line(path, wide, np.full(3, canvas.between(0.25, 1.0)))
    bristles = _combed(canvas, angle)
    ridge = softened(body.field(), unit * 0.004)
    picture = np.clip(paint.field() * (1 + 0.05 * bristles)[..., None], 0, 1)
    return shaded(picture, relief(ridge * 5 + 0.45 * bristles, 0.55), 0.26)


def _stroke(x: float, y: float, angle: Field, long: float) -> list[tuple[float, float]]:
    """A short walk along the field of directions, `long` pixels."""
    height, width = angle.shape
    path, hop = [(x, y)], long / 6
    for _ in range(6):
        turn = float(angle[min(max(int(y), 0), height - 1), min(max(int(x), 0), width - 1)])
        x, y = x + hop * math.cos(turn), y + hop * math.sin(turn)
        path.append((x, y))
    return path


def _combed(canvas: Canvas, angle: Field) -> Field:
    """Noise drawn out along a field of directions (line integral convolution): mean 0, deviation 1."""
    height, width = angle.shape
    noise = clouds(canvas.rng, height, width, canvas.unit * 0.014, 2.4).ravel()
    place = np.arange(height * width, dtype=np.int32)
    x, y = (place % width).astype(np.float32), (place // width).astype(np.float32)
    hop = np.float32(canvas.unit * 0.005)
    cos, sin = np.cos(angle.ravel()) * hop, np.sin(angle.ravel()) * hop
    total = np.zeros(height * width, np.float32)
    for _ in range(11):
        cell = (y.astype(np.int32) % height) * width + x.astype(np.int32) % width
        total += noise[cell]
        x, y = x + cos[cell], y + sin[cell]
    return (total / max(float(total.std()), 1e-6)).reshape(height, width)


def woven(canvas: Canvas) -> Field:
    """Bands of cloth, over and under, with light on each thread."""
    palette, unit, rng = canvas.palette, canvas.unit, canvas.rng
    height, width = canvas.height, canvas.width
    x, y = canvas.axes()
    bend = unit * 0.012
    wavy_x = x + bend * clouds(rng, height, width, unit * 0.7, 3.6)
    wavy_y = y + bend * clouds(rng, height, width, unit * 0.7, 3.6)
    size = unit / canvas.between(9, 15)
    colours = palette.paints()
    counts = round(width / size) + 4, round(height / size) + 4
    warp, weft = (colours[_sequence(canvas, count, len(colours))] for count in counts)
    across, down = wavy_x / size + 1, wavy_y / size + 1
    column, row = across.astype(np.int32) % counts[0], down.astype(np.int32) % counts[1]
    in_x, in_y = across % 1 - 0.5, down % 1 - 0.5
    over = (column + row) % 4 < 2 if canvas.chance(0.4) else (column + row) % 2 == 0
    gap = 0.45
    pixel = 1.5 / size
    seen_warp = 1 - step(gap - pixel, gap + pixel, np.abs(in_x))
    seen_weft = 1 - step(gap - pixel, gap + pixel, np.abs(in_y))
    thread = (
        clouds(rng, height, width, unit * 0.008, 1.6, (0.6, 5.0)),
        clouds(rng, height, width, unit * 0.008, 1.6, (5.0, 0.6)),
    )
    picture = canvas.filled(palette.tone(0.0) * 0.5)
    bands = []
    for colour, across_band, along_band, on_top, fibre in (
        (warp[column], in_x, in_y, over, thread[0]),
        (weft[row], in_y, in_x, ~over, thread[1]),
    ):
        round_off = 1 - 0.30 * (across_band / gap) ** 4
        dip = np.where(on_top, 1.0 - 0.12 * (np.abs(along_band) * 2) ** 2, 0.58 + 0.10 * (np.abs(along_band) * 2) ** 3)
        bands.append(np.clip(colour * (round_off * dip * (1 + 0.055 * fibre))[..., None], 0, 1))
    below_is_warp = ~over
    for turn in (0, 1):
        is_warp = below_is_warp if turn == 0 else ~below_is_warp
        picture = mix(picture, bands[0], seen_warp * is_warp)
        picture = mix(picture, bands[1], seen_weft * ~is_warp)
    large = evened(resized(clouds(rng, 24, 16, 14, 3.0), width, height))
    return picture * (0.86 + 0.22 * large)[..., None]


def _sequence(canvas: Canvas, count: int, colours: int) -> list[int]:
    """A striped order of colours that reads the same from both ends, as in a plaid."""
    half: list[int] = []
    while len(half) < count // 2 + 1:
        pick = colours - 1 if canvas.chance(0.1) else int(canvas.rng.integers(colours - 1))  # the accent stays rare
        half += [pick] * int(canvas.rng.integers(1, 4))
    half = half[: count // 2 + 1]
    return (half + half[::-1])[:count]
