"""Paint that flows by itself: marbling, watercolour, layers of cut paper."""

from __future__ import annotations

import math

import numpy as np

from imageserver.default_plugins.atelier.canvas import Canvas, lit, mix, paper, shaded
from imageserver.default_plugins.atelier.noise import Field, clouds, evened, relief, sampled, shifted, softened, step


def marble(canvas: Canvas) -> Field:
    """Noise bent by noise (domain warping), with thin veins of the accent."""
    palette, unit = canvas.palette, canvas.unit
    x, y = canvas.axes()
    size = 512
    zoom = size / (unit * canvas.between(2.2, 3.2))
    first, second, third = (clouds(canvas.rng, size, size, size * 0.42, slope) for slope in (3.0, 3.0, 2.5))
    across, down = x * zoom, y * zoom
    bend = size * canvas.between(0.10, 0.17)
    wide, tall = across + 0 * down, down + 0 * across
    bent_x = wide + bend * sampled(first, wide, tall)
    bent_y = tall + bend * sampled(second, wide, tall)
    fold = sampled(third, bent_x, bent_y)
    last_x = wide + bend * 1.1 * fold
    last_y = tall + bend * 1.1 * sampled(first, bent_y, bent_x)
    value = sampled(third, last_x, last_y)
    tone = evened(value * 1.1)
    stripes = 0.5 + 0.5 * np.sin(value * 7.0 + fold * 2.0)
    picture = palette.at(np.clip(tone * 0.86 + 0.10 * stripes + 0.02, 0, 1))
    picture = shaded(picture, relief(softened(value, 2.0), unit * 0.05), 0.22)
    edge = np.abs(sampled(second, last_y, last_x) - 0.25)
    steep = np.hypot(*np.gradient(edge)) + 1e-4
    vein = 1 - step(0.6, 2.6 + 1.6 * tone, edge / steep)
    vein = vein * step(0.0, 0.5, fold + 0.4)
    gold = lit(np.broadcast_to(palette.accent, picture.shape) * 0.9, evened(canvas.clouds(0.05))[..., None] * 0.35)
    return mix(picture, gold, vein * 0.85)


def watercolour(canvas: Canvas) -> Field:
    """Transparent washes on paper: each dries with a darker rim, and they multiply where they overlap."""
    palette, unit, rng = canvas.palette, canvas.unit, canvas.rng
    x, y = canvas.axes()
    ground = mix(palette.tone(0.985), np.ones(3, np.float32), 0.55)
    picture = canvas.filled(ground)
    tooth = paper(canvas)
    tears = [canvas.clouds(scale, slope) for scale, slope in ((0.55, 1.75), (0.35, 1.7), (0.7, 1.8))]
    grains = canvas.clouds(0.02, 1.3)
    flow = canvas.clouds(0.35, 2.2)
    paints = np.stack([palette.accent, *(palette.tone(place) for place in (0.24, 0.40, 0.52, 0.66, 0.80))])
    middle_x, middle_y = canvas.width * canvas.between(0.38, 0.62), canvas.height * canvas.between(0.40, 0.60)
    washes = int(rng.integers(9, 13))
    hue = canvas.between(0, 6)
    turn = canvas.between(0, 6.28)
    for wash in range(washes):
        part = wash / washes
        away = unit * (0.14 + 0.44 * part) * canvas.between(0.75, 1.15)
        angle = turn + wash * 2.399963  # the golden angle: no two washes stand in line
        centre_x = middle_x + away * math.cos(angle) * canvas.width / unit * 0.72
        centre_y = middle_y + away * math.sin(angle) * canvas.height / unit * 0.66
        radius = unit * canvas.between(0.16, 0.34) * (1.1 - 0.75 * part)
        tear = np.roll(tears[wash % 3], (int(rng.integers(canvas.height)), int(rng.integers(canvas.width))), (0, 1))
        squeeze = canvas.between(0.8, 1.2)
        top, bottom = _span(centre_y, radius * 2.3, canvas.height)
        left, right = _span(centre_x, radius * 1.9, canvas.width)
        here = slice(top, bottom), slice(left, right)
        away_from_it = np.hypot(x[:, left:right] - centre_x, (y[top:bottom] - centre_y) * squeeze)
        reach = radius + tear[here] * radius * 0.22 - away_from_it
        soft = unit * (0.004 if canvas.chance(0.65) else 0.05)
        inside = step(-soft, soft, reach)
        rim = np.exp(-np.clip(reach, 0, None) / (unit * 0.009)) * (0.5 if soft < unit * 0.01 else 0.1)
        pool = evened(np.roll(flow, int(rng.integers(canvas.width)), 1)[here])
        strength = inside * np.clip(0.34 + 0.42 * pool + rim + 0.05 * grains[here], 0, 1) * canvas.between(0.7, 1.0)
        hue += canvas.between(0.15, 0.9)
        paint = mix(paints[int(hue) % 6], paints[(int(hue) + 1) % 6], hue % 1)
        # Pigment lets light through, but also covers a little: pure multiplication turns all overlaps to mud.
        under = picture[here] * mix(np.ones(3, np.float32), paint, strength)
        picture[here] = mix(under, paint, strength * 0.30)
    drops = rng.random((26, 4))
    for place_x, place_y, size, colour in drops:
        radius, at_x, at_y = unit * (0.002 + 0.008 * size**3), place_x * canvas.width, place_y * canvas.height
        top, bottom = _span(at_y, radius + 2, canvas.height)
        left, right = _span(at_x, radius + 2, canvas.width)
        drop = step(-1.0, 1.0, radius - np.hypot(x[:, left:right] - at_x, y[top:bottom] - at_y))
        picture[top:bottom, left:right] *= mix(np.ones(3, np.float32), paints[int(colour * len(paints))], drop * 0.6)
    return picture * tooth[..., None]


def _span(middle: float, reach: float, length: int) -> tuple[int, int]:
    """The rows or columns within `reach` of `middle` that are on the canvas."""
    return min(max(0, int(middle - reach)), length), max(0, min(length, int(middle + reach) + 1))


def papercut(canvas: Canvas) -> Field:
    """Sheets of coloured paper with holes, one above the other, each throwing a shadow on the one below."""
    palette, unit, rng = canvas.palette, canvas.unit, canvas.rng
    x, y = canvas.axes()
    shape = canvas.clouds(0.75, 3.6)
    detail = canvas.clouds(0.35, 3.2)
    hollow = np.hypot(x - canvas.width * canvas.between(0.3, 0.7), y - canvas.height * canvas.between(0.3, 0.7)) / unit
    ground = shape * 0.55 + hollow * canvas.between(1.4, 2.4)
    layers = int(rng.integers(7, 10))
    inward = canvas.chance(0.5)
    levels = np.quantile(ground[::8, ::8], np.linspace(0.06, 0.90, layers))
    tones = np.linspace(0.97, 0.06, layers + 1) if inward else np.linspace(0.06, 0.97, layers + 1)
    tooth = paper(canvas)
    picture = canvas.filled(palette.accent if canvas.chance(0.5) else palette.tone(float(tones[0])))
    picture = picture * tooth[..., None]
    slope = float(np.hypot(*np.gradient(ground[::4, ::4])).mean()) / 4
    for layer, level in enumerate(levels.tolist()):
        height = ground + detail * 0.10 * math.cos(layer * 1.3) + np.roll(detail, layer * 37, 1) * 0.07
        mask = step(-slope, slope, height - level)
        reach = unit * 0.022
        shadow = softened(mask, reach)
        shadow = shifted(shadow, round(reach * 0.75), round(reach * 0.5))
        contact = softened(mask, unit * 0.008)
        picture = picture * (1 - 0.42 * shadow - 0.16 * contact)[..., None]
        sheet = palette.tone(float(tones[layer + 1])) * (tooth + 0.02 * np.roll(detail, layer * 91, 0) * 0.4)[..., None]
        border = np.clip(mask - shifted(mask, 2, 2), 0, 1)
        sheet = lit(sheet, border[..., None] * 0.16)
        picture = mix(picture, sheet, mask)
    return picture
