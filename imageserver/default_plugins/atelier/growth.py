"""Pictures that grow out of a rule: reaction-diffusion and strange attractors."""

from __future__ import annotations

import math

import numpy as np

from imageserver.default_plugins.atelier.canvas import Canvas, lit, mix, shaded
from imageserver.default_plugins.atelier.noise import (
    Field,
    Random,
    clouds,
    evened,
    relief,
    resized,
    shifted,
    softened,
    step,
)

# Feed and kill rates of the Gray-Scott model (Pearson, Science 1993) that grow to worms, mazes and spots.
_RATES = ((0.037, 0.060), (0.030, 0.057), (0.046, 0.063), (0.029, 0.0565), (0.055, 0.062), (0.035, 0.062))
_STEPS = 2600


def coral(canvas: Canvas) -> Field:
    """Two substances that feed on each other (Gray-Scott), seen as a surface under a low light."""
    palette, unit = canvas.palette, canvas.unit
    finer = canvas.between(105, 150) / unit
    wide, tall = max(24, round(canvas.width * finer)), max(24, round(canvas.height * finer))
    grown = _gray_scott(canvas.rng, tall, wide, *_RATES[int(canvas.rng.integers(len(_RATES)))])
    grown = (grown - grown.min()) / max(float(np.ptp(grown)), 1e-6)
    surface = resized(grown, canvas.width, canvas.height)
    spread = softened(surface, unit * 0.09)
    large = evened(canvas.clouds(1.0, 3.0))
    edge = step(0.40, 0.47, surface)
    low = palette.at(0.02 + 0.26 * large + 0.25 * np.clip(surface, 0, 0.4))
    high = palette.at(np.clip(0.42 + 0.50 * large + 0.20 * (surface - 0.6) + 0.2 * (spread - 0.4), 0, 1))
    if not palette.dark:
        low, high = palette.at(1.0 - 0.16 * large), palette.at(np.clip(0.08 + 0.55 * large - 0.1 * surface, 0, 1))
    picture = mix(low, high, edge)
    shadow = shifted(softened(edge, unit * 0.012), round(unit * 0.008), round(unit * 0.006))
    picture = picture * (1 - 0.42 * np.clip(shadow - edge, 0, 1))[..., None]
    light = relief(softened(surface, unit * 0.006), unit * 0.030)
    picture = shaded(picture, light, 0.28)
    shine = np.clip(light - 0.55, 0, 1) ** 2 * edge
    kissed = step(0.80, 0.97, large) * edge * 0.7
    picture = mix(picture, np.broadcast_to(palette.accent, picture.shape), kissed * 0.8)
    return lit(picture, shine[..., None] * palette.tone(1.0) * 1.2)


def _gray_scott(rng: Random, height: int, width: int, feed: float, kill: float) -> Field:
    """Let it grow on a torus of that size. Returns the second substance."""
    u = np.ones((height + 2, width + 2), np.float32)
    v = np.zeros_like(u)
    v[1:-1, 1:-1] = (clouds(rng, height, width, 9, 2.5) > 1.15) * np.float32(0.5)
    u -= v
    # The kill rate drifts a little over the picture, so that the pattern changes from place to place.
    kills = np.float32(kill + feed) + clouds(rng, height, width, width * 0.5, 3.0) * np.float32(0.0006)
    around_u, around_v, meeting = (np.empty((height, width), np.float32) for _ in range(3))
    inner_u, inner_v = u[1:-1, 1:-1], v[1:-1, 1:-1]
    for _ in range(_STEPS):
        for substance, sums, speed in ((u, around_u, 0.16), (v, around_v, 0.08)):
            substance[0], substance[-1] = substance[-2], substance[1]
            substance[:, 0], substance[:, -1] = substance[:, -2], substance[:, 1]
            np.add(substance[:-2, 1:-1], substance[2:, 1:-1], out=sums)
            np.add(sums, substance[1:-1, :-2], out=sums)
            np.add(sums, substance[1:-1, 2:], out=sums)
            np.multiply(sums, np.float32(speed), out=sums)
        np.multiply(inner_v, inner_v, out=meeting)
        meeting *= inner_u
        # u += 0.16 (around - 4u) - uv² + feed (1 - u); v += 0.08 (around - 4v) + uv² - (feed + kill) v
        inner_u *= np.float32(1 - 0.64 - feed)
        inner_u += around_u
        inner_u -= meeting
        inner_u += np.float32(feed)
        np.multiply(kills, inner_v, out=around_u)
        inner_v *= np.float32(1 - 0.32)
        inner_v += around_v
        inner_v += meeting
        inner_v -= around_u
    return inner_v.copy()


def attractor(canvas: Canvas) -> Field:
    """Where a point goes that a few sines chase for ever (Clifford Pickover), as light on a deep ground."""
    palette, unit = canvas.palette, canvas.unit
    x, y = canvas.axes()
    density, speed = _chased(canvas)
    faint = np.log1p(density * 0.9)
    glow = faint / max(float(np.quantile(faint, 0.993)), 1e-6)
    glow = np.clip(glow, 0, 1) ** 0.85
    halo = softened(glow, unit * 0.03)
    far = np.hypot(x - canvas.width * 0.5, y - canvas.height * 0.5) / unit
    mist = evened(canvas.clouds(0.9, 2.6))
    low, high = np.quantile(speed[density > 0], (0.05, 0.95)) if density.any() else (0.0, 1.0)
    hue = np.clip((speed - float(low)) / max(float(high - low), 1e-3), 0, 1)
    if palette.dark:
        ground = palette.at(np.clip(0.09 - 0.09 * far + 0.07 * mist, 0.0, 1))
        colour = mix(palette.at(np.clip(0.34 + 0.44 * hue + 0.16 * glow, 0, 1)), palette.accent, (1 - hue) ** 1.5 * 0.9)
        picture = lit(ground, glow[..., None] * colour)
        return lit(picture, halo[..., None] * palette.tone(0.5) * 0.30)
    ground = palette.at(np.clip(0.99 - 0.07 * far - 0.05 * mist, 0, 1))
    ink = mix(palette.at(np.clip(0.62 * hue - 0.15 * glow + 0.05, 0, 1)), palette.accent, (1 - hue) ** 2 * 0.85)
    ground = mix(ground, palette.tone(0.72), halo * 0.22)
    return mix(ground, ink, glow**0.9)


def _chased(canvas: Canvas) -> tuple[Field, Field]:
    """How often each pixel is visited, and how far the point jumps there."""
    rng = canvas.rng
    constants = _constants(rng)
    walkers, rounds = 24_000, 130
    a, b, c, d = (np.float32(value) for value in constants)
    px = rng.uniform(-1, 1, walkers).astype(np.float32)
    py = rng.uniform(-1, 1, walkers).astype(np.float32)
    for _ in range(16):
        px, py = np.sin(a * py) + c * np.cos(a * px), np.sin(b * px) + d * np.cos(b * py)
    turn = canvas.between(0, 2 * math.pi)
    cos, sin = np.float32(math.cos(turn)), np.float32(math.sin(turn))
    rx, ry = px * cos - py * sin, px * sin + py * cos
    (left, right), (top, bottom) = np.quantile(rx, (0.002, 0.998)), np.quantile(ry, (0.002, 0.998))
    margin = 0.94
    zoom_x = canvas.width * margin / max(float(right - left), 1e-3)
    zoom_y = canvas.height * margin / max(float(bottom - top), 1e-3)
    near = min(zoom_x, zoom_y)
    zoom_x, zoom_y = min(zoom_x, near * 1.45), min(zoom_y, near * 1.45)
    middle_x, middle_y = float(left + right) / 2, float(top + bottom) / 2
    cells = canvas.width * canvas.height
    visits, jumps = np.zeros(cells, np.float32), np.zeros(cells, np.float32)
    for _ in range(rounds):
        qx, qy = np.sin(a * py) + c * np.cos(a * px), np.sin(b * px) + d * np.cos(b * py)
        jump = np.abs(qx - px) + np.abs(qy - py)
        px, py = qx, qy
        column = ((px * cos - py * sin - middle_x) * zoom_x + canvas.width / 2).astype(np.int32)
        row = ((px * sin + py * cos - middle_y) * zoom_y + canvas.height / 2).astype(np.int32)
        seen = (column >= 0) & (column < canvas.width) & (row >= 0) & (row < canvas.height)
        cell = row[seen] * canvas.width + column[seen]
        visits += np.bincount(cell, minlength=cells)
        jumps += np.bincount(cell, weights=jump[seen], minlength=cells)
    shape = canvas.height, canvas.width
    visits, jumps = visits.reshape(shape), jumps.reshape(shape)
    speed = softened(jumps, 3) / np.maximum(softened(visits, 3), 1e-3)
    return visits * (cells / (walkers * rounds)) * 0.5, speed


def _constants(rng: Random) -> tuple[float, float, float, float]:
    """Constants whose attractor fills the picture: some collapse to a few points or to a thin line."""
    best, widest = (-1.4, 1.6, 1.0, 0.7), 0.0
    for _ in range(24):
        constants = tuple(float(value) for value in rng.uniform((1.2, 1.2, 0.4, 0.4), (2.0, 2.0, 1.3, 1.3)))
        signs = rng.choice((-1.0, 1.0), 4)
        a, b, c, d = (value * float(sign) for value, sign in zip(constants, signs, strict=True))
        px, py = rng.uniform(-1, 1, 600), rng.uniform(-1, 1, 600)
        for _ in range(40):
            px, py = np.sin(a * py) + c * np.cos(a * px), np.sin(b * px) + d * np.cos(b * py)
        boxes, _, _ = np.histogram2d(px, py, bins=24)
        filled = float((boxes > 0).mean())
        if filled > widest:
            best, widest = (a, b, c, d), filled
        if widest > 0.46:
            break
    return best
