"""Views into the distance: layered mountains under stars or a low sun, and the sea."""

from __future__ import annotations

import math

import numpy as np

from imageserver.default_plugins.atelier.canvas import Canvas, lit, mix
from imageserver.default_plugins.atelier.noise import Field, clouds, curve, evened, sampled, step


def mountains(canvas: Canvas) -> Field:
    """Ridges one behind the other, paler with distance, mist between them; sometimes a lake that mirrors them."""
    palette = canvas.palette
    x, y = canvas.axes()
    horizon = canvas.between(0.5, 0.62) * canvas.height
    height = np.clip(y / (horizon * 1.25), 0, 1)
    if palette.dark:
        picture = palette.at(0.02 + 0.60 * height**1.6 + 0 * x) + 0.0
        picture = lit(picture, _stars(canvas, horizon))
    else:
        picture = palette.at(0.62 + 0.36 * height**0.8 + 0 * x) + 0.0
    picture = _disc(canvas, picture, horizon)
    lake = canvas.chance(0.4)
    picture = _ridges(canvas, picture, horizon, wooded=not lake)
    if lake:
        picture = _mirrored(canvas, picture, round(canvas.height * canvas.between(0.76, 0.84)))
    return picture


def _stars(canvas: Canvas, horizon: float) -> Field:
    """Many faint stars, some bright ones with a glow, and the band of the Milky Way."""
    rng, palette, unit = canvas.rng, canvas.palette, canvas.unit
    x, y = canvas.axes()
    angle, across = canvas.between(-1.1, -0.5), canvas.between(0.2, 0.8)
    distance = (x - across * canvas.width) * math.sin(angle) + (y - horizon * 0.4) * math.cos(angle)
    dust = evened(canvas.clouds(0.5, 1.9))
    band = np.exp(-((distance / (0.20 * unit)) ** 2)) * dust
    rift = 1 - 0.75 * np.exp(-((distance / (0.05 * unit)) ** 2)) * evened(canvas.clouds(0.25, 2.0))
    milk = band * rift
    count = 1500
    places_x = rng.integers(0, canvas.width, count)
    places_y = (rng.random(count) * horizon * 1.1).astype(int).clip(0, canvas.height - 1)
    kept = rng.random(count) < 0.25 + 0.75 * milk[places_y, places_x]
    bright = (rng.pareto(1.7, count) * 0.16 + 0.10).clip(0, 1.1)
    specks = np.zeros((canvas.height, canvas.width), np.float32)
    np.maximum.at(specks, (places_y[kept], places_x[kept]), bright[kept].astype(np.float32))
    spread = specks.copy()
    for axis in (0, 1):
        for way in (-1, 1):
            spread += np.roll(specks, way, axis) * 0.42
    light: Field = milk[..., None] * palette.tone(0.75) * 0.36 + spread[..., None] * palette.tone(0.97)
    for _ in range(int(rng.integers(7, 14))):
        star_x, star_y = canvas.between(0, canvas.width), canvas.between(0, horizon * 0.85)
        size = canvas.between(0.005, 0.011) * unit
        squared = (x - star_x) ** 2 + (y - star_y) ** 2
        glow = np.exp(-squared / (size * size * 0.12)) + 0.30 * np.exp(-squared / (size * size * 2.5))
        light += glow[..., None] * mix(palette.tone(0.98), palette.accent, canvas.between(0, 0.6))
    fade = 1 - step(horizon * 0.75, horizon * 1.1, y)
    light *= fade[..., None]
    return light


def _disc(canvas: Canvas, picture: Field, horizon: float) -> Field:
    """The moon in a dark sky, the sun in a light one; in some pictures neither."""
    if canvas.chance(0.25):
        return picture
    palette, unit = canvas.palette, canvas.unit
    x, y = canvas.axes()
    centre_x = canvas.width * canvas.between(0.22, 0.78)
    centre_y = horizon * (canvas.between(0.25, 0.6) if palette.dark else canvas.between(0.45, 0.85))
    radius = unit * (canvas.between(0.035, 0.06) if palette.dark else canvas.between(0.07, 0.12))
    distance = np.hypot(x - centre_x, y - centre_y)
    colour = mix(palette.tone(1.0), palette.accent, 0.25 if palette.dark else 0.75)
    glow = np.exp(-distance / (radius * 2.8)) * 0.42 + np.exp(-distance / (unit * 0.5)) * 0.16
    picture = lit(picture, glow[..., None] * colour)
    face = 1 - step(radius - 1.2, radius + 1.2, distance)
    seas = 1 - (0.10 * evened(canvas.clouds(0.03, 2.2)) if palette.dark else 0.0)
    return mix(picture, colour * np.asarray(seas, np.float32).reshape(*np.shape(seas), 1), face)


def _ridges(canvas: Canvas, picture: Field, horizon: float, wooded: bool) -> Field:
    palette, unit, rng = canvas.palette, canvas.unit, canvas.rng
    x, y = canvas.axes()
    layers = int(rng.integers(5, 8))
    rough = canvas.between(1.55, 1.85)
    mist = palette.tone(0.66 if palette.dark else 0.97)
    for layer in range(layers):
        near = layer / (layers - 1)
        base = horizon + (canvas.height * 0.93 - horizon) * near**1.25
        tall = unit * (0.085 - 0.025 * near)
        line = curve(rng, canvas.width, unit * (1.5 - 0.5 * near), rough + 0.25 * near)
        edge = base - tall * (line + 0.35 * np.abs(line))
        if wooded and layer == layers - 1:
            edge = np.minimum(edge, _treetops(canvas, edge))
        depth = y - edge[None, :]
        inside = step(-0.8, 0.8, depth)
        tone = (0.50 - 0.48 * near**0.8) if palette.dark else (0.80 - 0.76 * near**0.9)
        rock = palette.tone(tone)
        low = np.clip((y - base + tall * 1.3) / (unit * 0.26), 0, 1) ** 0.85 + 0 * x
        veil = low * (0.62 * (1 - near) + 0.05) * (0.75 + 0.5 * evened(canvas.clouds(0.6, 2.4, (2.0, 0.6))))
        rim = np.exp(-np.clip(depth, 0, None) / (unit * 0.012)) * 0.10 * (1 - 0.6 * near)
        body = mix(np.broadcast_to(rock, picture.shape), mist, np.clip(veil + rim, 0, 0.85))
        picture = mix(picture, body, inside)
    return picture


def _treetops(canvas: Canvas, edge: Field) -> Field:
    """The nearest ridge wears a fringe of firs."""
    rng, unit = canvas.rng, canvas.unit
    place = np.arange(canvas.width, dtype=np.float32)
    fringe: Field = edge + rng.standard_normal(canvas.width).astype(np.float32) * 0.3
    for _ in range(int(90 * max(1.0, canvas.width / unit))):
        at = canvas.between(0, canvas.width)
        tall = unit * canvas.between(0.018, 0.06)
        away = np.abs(place - at)
        teeth = 1 - 0.30 * ((away / (tall * 0.055)) % 1.0)
        tree = edge[min(int(at), canvas.width - 1)] + tall * 0.1 - tall * (1.1 - away / (tall * 0.24)) * teeth
        fringe = np.where(away < tall * 0.24, np.minimum(fringe, tree), fringe)
    return fringe


def _mirrored(canvas: Canvas, picture: Field, shore: int) -> Field:
    """Still water from the row `shore` down."""
    rows = canvas.height - shore
    if rows < 2 or shore < rows + 2:
        return picture
    depth = np.arange(rows, dtype=np.float32)[:, None]
    ripple = clouds(canvas.rng, rows, canvas.width, canvas.unit * 0.06, 2.2, (2.5, 0.35))
    shift = ripple * (0.5 + depth / rows * 0.02 * canvas.unit)
    source = np.clip(shore - 1 - depth - np.abs(shift) * 1.2, 0, shore - 1).astype(np.int32)
    sideways = np.clip(np.arange(canvas.width)[None, :] + shift * 0.4, 0, canvas.width - 1).astype(np.int32)
    water = picture[source, sideways]
    deep = canvas.palette.tone(0.05 if canvas.palette.dark else 0.45)
    water = mix(water, deep, 0.18 + 0.30 * (depth / rows) + 0 * ripple)
    shine = np.exp(-depth / (canvas.unit * 0.006)) * 0.35
    picture[shore:] = mix(water, canvas.palette.tone(0.9), shine + 0 * ripple)
    return picture


def sea(canvas: Canvas) -> Field:
    """A low sun over water: streaked clouds above, a glittering path below."""
    palette, unit = canvas.palette, canvas.unit
    x, y = canvas.axes()
    horizon = round(canvas.height * canvas.between(0.44, 0.60))
    sun_x, sun_y = canvas.width * canvas.between(0.25, 0.75), horizon - unit * canvas.between(0.02, 0.20)
    radius = unit * canvas.between(0.05, 0.10)
    colour = mix(palette.tone(1.0), palette.accent, 0.35 if palette.dark else 0.55)
    high = np.clip(y / horizon, 0, 1)
    far = np.hypot((x - sun_x) * 0.75, y - sun_y) / unit
    low_tone, span = (0.10, 0.72) if palette.dark else (0.34, 0.54)
    sky = palette.at(low_tone + span * high**1.5 + 0.14 * np.exp(-far * 2.6))
    # The nearer the horizon, the flatter and thinner the clouds lie.
    drift = clouds(canvas.rng, 512, 512, 150, 1.9, (2.0, 0.7))
    rise = np.clip(horizon - y, 0, None) / unit + 0.10
    cover = evened(sampled(drift, x / unit * 130 / (rise + 0.15), 170 * np.log(rise + 0.05) + 0 * x))
    cloud = step(0.45, 0.95, cover) * step(0.10, 0.45, rise)
    under = palette.at(np.clip(low_tone - 0.02 + 0.30 * high + 0.5 * np.exp(-far * 3.2), 0, 1))
    sky = mix(sky, under, cloud * 0.8)
    edges = np.clip(1 - np.abs(cover - 0.55) / 0.16, 0, 1) * np.exp(-far * 2.2) * step(0.10, 0.4, rise)
    glow = np.exp(-far * unit / (radius * 1.8)) * 0.5 + np.exp(-far * 3.0) * 0.24 + edges * 0.22
    sky = lit(sky, glow[..., None] * colour)
    picture = sky.astype(np.float32)
    picture[horizon:] = _water(canvas, picture, horizon, sun_x, colour)
    # After the water: its mirror shows the glow, the waves break up the disc itself.
    face = 1 - step(radius - 1.3, radius + 1.3, np.hypot(x - sun_x, y - sun_y))
    picture[:horizon] = mix(picture, lit(picture, np.broadcast_to(colour, picture.shape)), face)[:horizon]
    return picture


def _water(canvas: Canvas, sky: Field, horizon: int, sun_x: float, colour: Field) -> Field:
    palette, unit = canvas.palette, canvas.unit
    x, y = canvas.axes()
    rows = y[horizon:] - horizon
    near = (rows + 1) / unit  # 0 at the horizon
    flat = near + 0.04
    swell = clouds(canvas.rng, 512, 512, 46, 2.2, (2.0, 0.7))
    chop = clouds(canvas.rng, 512, 512, 16, 1.9, (2.2, 0.6))
    along = (x - canvas.width / 2) / unit
    across, down = along * 240 / flat**0.8, 230 * np.log(flat) + 0 * along
    wave = 0.62 * sampled(swell, across, down) + 0.38 * sampled(chop, across * 1.3 + 99, down * 1.3)
    mirror = np.clip(horizon - 1 - rows * 0.8 - (wave + 1) * near * unit * 0.10, 0, horizon - 1).astype(np.int32)
    column = np.broadcast_to(np.arange(canvas.width)[None, :], mirror.shape)
    water = sky[mirror, column]
    deep = palette.tone(0.02 if palette.dark else 0.22)
    share = np.clip(0.30 + 0.30 * near + 0.16 * wave * np.clip(near * 6, 0.25, 1), 0.05, 0.92)
    water = mix(water, deep, share)
    width = unit * (0.035 + 0.20 * near)
    path = np.exp(-(((x - sun_x) / width) ** 2))
    sparkle = step(0.25, 1.25, wave + 0.5 * path) * path
    return lit(water, (sparkle * 0.85 + path * 0.10)[..., None] * colour).astype(np.float32)
