"""A forest of firs in the mist."""

from __future__ import annotations

import numpy as np

from imageserver.default_plugins.atelier.canvas import Canvas, Points, Sheet, lit, mix
from imageserver.default_plugins.atelier.noise import Field, curve, evened, softened, step


def forest(canvas: Canvas) -> Field:
    """Firs in rows, each row paler and softer than the one before it, and light that falls through the mist."""
    palette, unit, rng = canvas.palette, canvas.unit, canvas.rng
    x, y = canvas.axes()
    light_x, light_y = canvas.width * canvas.between(0.25, 0.75), canvas.height * canvas.between(0.10, 0.35)
    away = np.hypot(x - light_x, (y - light_y) * 0.8) / unit
    drift = evened(canvas.clouds(0.9, 2.3, (1.6, 0.7)))
    top, span = (0.22, 0.50) if palette.dark else (0.70, 0.28)
    picture = palette.at(np.clip(top + span * np.exp(-away * 1.6) + 0.10 * (drift - 0.5), 0, 1))
    colour = mix(palette.tone(1.0), palette.accent, 0.35)
    glow = np.exp(-away * 7) * 0.30 + np.exp(-away * 2.2) * 0.25
    picture = lit(picture, glow[..., None] * colour)
    if canvas.chance(0.55):
        radius = unit * canvas.between(0.05, 0.09)
        face = 1 - step(radius - 1.3, radius + 1.3, np.hypot(x - light_x, y - light_y))
        picture = mix(picture, lit(picture, np.broadcast_to(colour, picture.shape)), face * 0.9)
    layers = int(rng.integers(5, 7))
    for layer in range(layers):
        near = layer / (layers - 1)
        picture = _row_of_firs(canvas, picture, near, drift, away)
    rays = np.arctan2(y - light_y, x - light_x)
    beams = np.clip(np.sin(rays * 23) + 0.6 * np.sin(rays * 41 + 1), 0, 1) * np.exp(-away * 1.7)
    return lit(picture, (beams * 0.09)[..., None] * colour)


def _row_of_firs(canvas: Canvas, picture: Field, near: float, drift: Field, away: Field) -> Field:
    palette, unit = canvas.palette, canvas.unit
    _, y = canvas.axes()
    base = canvas.height * (0.50 + 0.60 * near**1.1)
    tall = unit * (0.16 + 0.62 * near**1.5)
    ground = base - curve(canvas.rng, canvas.width, unit * 0.8, 2.6) * unit * 0.03
    sheet = Sheet(canvas)
    gap = tall * (0.17 + 0.16 * near)
    at = -gap * canvas.between(0.0, 1.0)
    while at < canvas.width + gap:
        foot = float(ground[min(max(int(at), 0), canvas.width - 1)]) + tall * 0.06
        sheet.polygon(_fir(canvas, at, foot, tall * canvas.between(0.45, 1.2)))
        at += gap * canvas.between(0.25, 1.9)
    mask = np.maximum(sheet.field(), step(-1.0, 1.0, y - ground[None, :]))
    if near < 0.5:
        mask = softened(mask, unit * 0.006 * (1 - near))
    tone = (0.46 - 0.45 * near**0.7) if palette.dark else (0.84 - 0.82 * near**0.8)
    wood = palette.at(np.clip(tone + 0.16 * np.exp(-away * 2.4) * (1 - near), 0, 1))
    low = np.clip((y - (base - tall * 0.75)) / (tall * 0.9), 0, 1)
    mist = palette.tone(0.62 if palette.dark else 0.96)
    wood = mix(wood, mist, np.clip(low * (0.55 * (1 - near) + 0.04) * (0.55 + 0.9 * drift), 0, 0.85))
    return mix(picture, wood, mask)


def _fir(canvas: Canvas, x: float, foot: float, tall: float) -> Points:
    """The outline of one fir: boughs that droop, wider towards the ground."""
    boughs = max(8, min(38, int(tall / canvas.unit * 52)))
    wide = tall * canvas.between(0.15, 0.21)
    top = foot - tall
    left: list[tuple[float, float]] = []
    right: list[tuple[float, float]] = []
    for bough in range(1, boughs + 1):
        part = (bough / boughs) ** 1.1
        level = top + tall * 0.93 * part
        for side, outline in ((-1, left), (1, right)):
            reach = wide * part**0.9 * canvas.between(0.62, 1.12) + tall * 0.006
            outline.append((x + side * reach * 0.66, level - tall * 0.016))
            outline.append((x + side * reach, level + tall * 0.016))
            outline.append((x + side * reach * 0.72, level + tall * 0.004))
    trunk = tall * 0.014
    return [
        (x, top),
        *right,
        (x + trunk, foot - tall * 0.05),
        (x + trunk, foot + 4),
        (x - trunk, foot + 4),
        (x - trunk, foot - tall * 0.05),
        *left[::-1],
    ]
