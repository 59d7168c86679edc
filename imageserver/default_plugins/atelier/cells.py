"""Pictures made of cells: stained glass, Truchet tiles, packed circles."""

from __future__ import annotations

import math

import numpy as np

from imageserver.default_plugins.atelier.canvas import Canvas, Sheet, lit, mix, paper, shaded
from imageserver.default_plugins.atelier.noise import Field, evened, relief, shifted, softened, step


def glass(canvas: Canvas) -> Field:
    """A leaded window: Voronoi panes round a bright centre, or all over, with daylight behind them."""
    palette, unit, rng = canvas.palette, canvas.unit, canvas.rng
    x, y = canvas.axes()
    heart_x, heart_y = canvas.width * canvas.between(0.3, 0.7), canvas.height * canvas.between(0.28, 0.62)
    rose = canvas.chance(0.55)
    points = _rings(canvas, heart_x, heart_y) if rose else _spread(canvas, int(canvas.between(90, 150)))
    pane, edge = _voronoi(canvas, points)
    away = np.hypot(points[:, 0] - heart_x, points[:, 1] - heart_y) / unit
    bearing = np.arctan2(points[:, 1] - heart_y, points[:, 0] - heart_x)
    waves = 0.16 * np.sin(away * canvas.between(7, 12)) + 0.08 * np.sin(bearing * int(rng.integers(3, 7)))
    tone = np.clip(0.96 - 0.72 * away + waves + rng.normal(0, 0.10, len(points)), 0.10, 0.98)
    colours = palette.at(tone.astype(np.float32))
    jewels = rng.random(len(points)) < 0.13
    jewels[np.argmin(away)] = True
    colours[jewels] = palette.accent
    picture = colours[pane]
    centre = points[pane]
    inside = np.hypot(x - centre[..., 0], y - centre[..., 1]) / unit
    daylight = np.exp(-np.hypot(x - heart_x, y - heart_y) / (unit * 0.55))
    streaks = canvas.clouds(0.10, 2.0, (0.5, 1.6))
    bright = 0.80 + 0.34 * daylight - 0.9 * inside + 0.055 * streaks + 0.02 * canvas.clouds(0.02, 1.8)
    picture = np.clip(picture * bright.astype(np.float32)[..., None], 0, 1)
    lead = unit * 0.0075
    border = np.minimum(np.minimum(x, canvas.width - 1 - x), np.minimum(y, canvas.height - 1 - y))
    edge = np.minimum(edge, border + lead * 0.2)
    picture = picture * (1 - 0.45 * np.exp(-edge / (unit * 0.012)))[..., None]
    came = 1 - step(lead - 1.0, lead + 1.0, edge)
    rounded = np.sqrt(np.clip(1 - (edge / (lead + 1)) ** 2, 0, 1))
    metal = mix(np.full(3, 0.07, np.float32), palette.tone(0.0), 0.5) * np.ones_like(picture)
    metal = lit(metal, (np.clip(relief(softened(rounded, 2), 1.2), 0, 1) * 0.30)[..., None] * np.ones(3, np.float32))
    picture = mix(picture, metal, came)
    bloom = np.stack([softened(np.clip(picture[..., part] - 0.45, 0, 1), unit * 0.03) for part in range(3)], axis=-1)
    return lit(picture, bloom * 0.55)


def _spread(canvas: Canvas, count: int) -> Field:
    """Points about equally far from each other: the best of a few candidates each time."""
    rng = canvas.rng
    size = np.array([canvas.width, canvas.height]) * 1.1
    chosen = np.empty((count, 2))
    for place in range(count):
        candidates = (rng.random((10, 2)) - 0.045) * size
        gaps = ((candidates[:, None] - chosen[None, :place]) ** 2).sum(axis=2).min(axis=1) if place else np.zeros(10)
        chosen[place] = candidates[int(gaps.argmax())]
    return chosen.astype(np.float32)


def _rings(canvas: Canvas, heart_x: float, heart_y: float) -> Field:
    """Points on rings round a heart, each ring turned against the one inside it."""
    unit, points, radius, ring = canvas.unit, [(heart_x, heart_y)], canvas.between(0.09, 0.12), 0
    many = int(canvas.rng.integers(7, 12))
    while radius * unit < math.hypot(canvas.width, canvas.height) * 0.85:
        count = many + ring * int(many * 0.4)
        for place in range(count):
            angle = 2 * math.pi * (place + 0.5 * (ring % 2)) / count
            wobble = canvas.between(0.97, 1.03) * radius * unit
            points.append((heart_x + wobble * math.cos(angle), heart_y + wobble * math.sin(angle)))
        radius, ring = radius * 1.18 + 0.075, ring + 1
    inside = [
        p
        for p in points
        if -0.2 * unit < p[0] < canvas.width + 0.2 * unit and -0.2 * unit < p[1] < canvas.height + 0.2 * unit
    ]
    return np.array(inside, np.float32)


def _voronoi(canvas: Canvas, points: Field) -> tuple[Field, Field]:
    """For each pixel the nearest point, and the distance in pixels to the border of its cell.

    Worked out in blocks, each with the points that can matter to it only: all points for all pixels cost a second.
    """
    pane = np.empty((canvas.height, canvas.width), np.int32)
    edge = np.empty((canvas.height, canvas.width), np.float32)
    block = max(16, round(canvas.unit / 10))
    for top in range(0, canvas.height, block):
        for left in range(0, canvas.width, block):
            bottom, right = min(top + block, canvas.height), min(left + block, canvas.width)
            middle = np.array([(left + right) / 2, (top + bottom) / 2], np.float32)
            away = np.hypot(*(points - middle).T)
            near = np.argsort(away)[:24]
            rows = np.arange(top, bottom, dtype=np.float32)[None, :, None]
            columns = np.arange(left, right, dtype=np.float32)[None, None, :]
            own = points[near]
            squared = (columns - own[:, 0, None, None]) ** 2 + (rows - own[:, 1, None, None]) ** 2
            first = squared.argmin(axis=0)
            nearest = np.take_along_axis(squared, first[None], 0)
            between = np.hypot(own[:, 0, None] - own[None, :, 0], own[:, 1, None] - own[None, :, 1])
            gaps = np.moveaxis(between[first], -1, 0)
            bisector = np.where(gaps > 0, (squared - nearest) / np.maximum(2 * gaps, 1e-3), np.inf)
            pane[top:bottom, left:right] = near[first]
            edge[top:bottom, left:right] = bisector.min(axis=0)
    return pane, edge


def truchet(canvas: Canvas) -> Field:
    """Tiles with quarter circles, turned at random, whose lines join to endless loops; drawn as raised cords."""
    palette, unit, rng = canvas.palette, canvas.unit, canvas.rng
    x, y = canvas.axes()
    size = unit / canvas.between(4.2, 7.5)
    turned = math.pi / 4 if canvas.chance(0.5) else 0.0
    across = (x * math.cos(turned) + y * math.sin(turned)) / size + 500.37
    down = (-x * math.sin(turned) + y * math.cos(turned)) / size + 500.11
    tile = (across.astype(np.int64) * 73_856_093) ^ (down.astype(np.int64) * 19_349_663)
    dice = rng.random(4096)
    flipped = dice[tile % 4096] < 0.5
    in_x, in_y = across % 1, down % 1
    in_x = np.where(flipped, 1 - in_x, in_x)
    first = np.hypot(in_x, in_y)
    second = np.hypot(1 - in_x, 1 - in_y)
    radius = np.where(first < second, first, second)
    cords = int(rng.integers(2, 5))
    reach = 0.36  # the cords lie between 0.5 - reach and 0.5 + reach of a tile's side
    place = (radius - (0.5 - reach)) / (2 * reach) * cords
    inside = (place > 0) & (place < cords)
    # Which cord it is must be counted from the middle: neighbours see the same cord from two sides.
    number = np.abs(np.floor(np.clip(place, 0, cords - 0.001)) + 0.5 - cords / 2)
    local = np.abs(place % 1 - 0.5)
    pixel = 1.2 / size / (2 * reach) * cords
    half = 0.40
    mask = (1 - step(half - pixel, half + pixel, local)) * inside
    large = evened(canvas.clouds(0.8, 3.2))
    ground = palette.at(np.clip((0.02 + 0.14 * large) if palette.dark else (0.99 - 0.14 * large), 0, 1))
    tone = 0.36 + 0.56 * large if palette.dark else 0.08 + 0.52 * large
    colour = palette.at(np.clip(tone + 0.22 * (number / max(cords / 2, 1) - 0.5), 0, 1))
    core = (number < 0.6) if cords % 2 else (number > cords / 2 - 0.6) & (cords > 2)
    colour = mix(colour, np.broadcast_to(palette.accent, colour.shape), core * step(0.55, 0.75, large) * 0.9)
    shadow = softened(mask.astype(np.float32), unit * 0.02)
    shadow = shifted(shadow, round(unit * 0.010), round(unit * 0.008))
    ground = ground * (1 - 0.40 * shadow)[..., None]
    height = np.sqrt(np.clip(1 - (local / 0.44) ** 2, 0, 1)) * mask
    picture = mix(ground, colour, mask)
    picture = shaded(picture, relief(softened(height, unit * 0.004), unit * 0.010) * mask, 0.34)
    return picture * paper(canvas)[..., None]


def circles(canvas: Canvas) -> Field:
    """Discs of all sizes packed side by side, ringed like cut stones, lying on the ground with a soft shadow."""
    palette, unit, rng = canvas.palette, canvas.unit, canvas.rng
    packed = _packed(canvas)
    zone = evened(canvas.clouds(0.8, 3.2))
    paints = palette.paints()
    sheet, mask = Sheet(canvas, palette.ground), Sheet(canvas)
    for x, y, radius in packed:
        mask.disc(x, y, radius)
        here = float(zone[min(max(int(y), 0), canvas.height - 1), min(max(int(x), 0), canvas.width - 1)])
        pick = int(np.clip(here * len(paints) + canvas.between(-1, 1), 0, len(paints) - 1))
        colour = paints[pick]
        sheet.disc(x, y, radius, colour)
        if radius < unit * 0.012:
            continue
        rings = int(rng.integers(1, 5)) if radius > unit * 0.03 else 1
        other = paints[int(rng.integers(len(paints)))]
        for ring in range(rings):
            share = 1 - (ring + canvas.between(0.75, 1.0)) / (rings + 0.6)
            inner = other if ring % 2 == 0 else colour
            sheet.disc(x, y, radius * max(share, 0.12), mix(inner, palette.ground, 0.15))
        if radius > unit * 0.035 and canvas.chance(0.4):
            turn = int(rng.integers(4)) * 90 + 45
            sheet.slice(x, y, radius * 0.62, turn, turn + 180, palette.ground)
    filled = mask.field()
    shadow = shifted(softened(filled, unit * 0.018), round(unit * 0.012), round(unit * 0.008))
    picture = sheet.field()
    bare = picture * (1 - 0.42 * shadow)[..., None]
    picture = mix(bare, picture, filled)
    dome = softened(filled, unit * 0.03)
    picture = shaded(picture, relief(dome, unit * 0.035) * filled, 0.22)
    return picture * paper(canvas)[..., None]


def _packed(canvas: Canvas) -> list[tuple[float, float, float]]:
    """Circles (x, y, radius) that do not touch: each new one grows until it nearly meets another."""
    rng, unit = canvas.rng, canvas.unit
    found = np.empty((1200, 3))
    count, gap = 0, unit * 0.006
    for smallest, largest, tries in ((0.07, 0.22, 60), (0.03, 0.09, 500), (0.012, 0.035, 1600), (0.005, 0.012, 2200)):
        for place in rng.random((tries, 2)):
            x, y = (place * 1.1 - 0.05) * (canvas.width, canvas.height)
            free = largest * unit
            if count:
                near = found[:count]
                free = min(free, float((np.hypot(near[:, 0] - x, near[:, 1] - y) - near[:, 2]).min()) - gap)
            if free >= smallest * unit and count < len(found):
                found[count] = x, y, free
                count += 1
    return [(float(x), float(y), float(radius)) for x, y, radius in found[:count]]
