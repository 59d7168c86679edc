"""Drawn pictures that stand in for photos: smooth where banding shows, shaded like faces, dark like a night."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image

WIDTH, HEIGHT = 320, 480
Field = npt.NDArray[np.float64]
Colour = tuple[float, float, float]


def _grid() -> tuple[Field, Field]:
    rows, columns = np.indices((HEIGHT, WIDTH), np.float64)
    return rows / (HEIGHT - 1), columns / (WIDTH - 1)


def _between(share: Field, first: Colour, second: Colour) -> Field:
    part = share.clip(0, 1)[..., None]
    return np.asarray(np.array(first) * (1 - part) + np.array(second) * part)


def _picture(field: Field) -> Image.Image:
    return Image.fromarray(np.rint(field.clip(0, 255)).astype(np.uint8))


def _grain(seed: int, amount: float) -> Field:
    return np.random.default_rng(seed).normal(0, amount, (HEIGHT, WIDTH, 1))


def clear_sky() -> Image.Image:
    """Blue, lighter to the horizon."""
    down, _ = _grid()
    return _picture(_between(down, (40, 90, 170), (210, 225, 240)))


def dusk() -> Image.Image:
    """From deep blue to orange, aslant."""
    down, across = _grid()
    return _picture(_between((across + 2 * down) / 3, (12, 10, 40), (230, 120, 60)))


def grey_ramp() -> Image.Image:
    """The dark greys where a panel's levels are farthest apart for an eye."""
    return _picture(_between(_grid()[1], (20, 20, 20), (60, 60, 60)))


def lamp() -> Image.Image:
    """A glow in a dark room."""
    down, across = _grid()
    return _picture(_between(np.hypot(across - 0.5, down - 0.4) * 1.4, (250, 220, 190), (30, 20, 40)))


def skin() -> Image.Image:
    """A cheek in soft light."""
    down, across = _grid()
    return _picture(_between(across * 0.6 + down * 0.4, (235, 195, 170), (180, 120, 95)))


def portrait() -> Image.Image:
    """A shaded head before a wall, with a camera's grain."""
    down, across = _grid()
    wall = _between(across, (95, 105, 100), (150, 155, 145))
    x, y = (across - 0.5) / 0.27, (down - 0.42) / 0.26
    inside = np.hypot(x, y)
    light = np.sqrt((1 - inside**2).clip(0, 1)) * 0.6 - 0.25 * x - 0.15 * y + 0.4
    head = _between(light, (95, 55, 45), (245, 205, 180))
    edge = ((1.02 - inside) * 40).clip(0, 1)[..., None]
    return _picture(wall * (1 - edge) + head * edge + _grain(1, 1.5))


def night() -> Image.Image:
    """A dark town with a few hundred lights under a sky that is not quite black."""
    down, across = _grid()
    scene = _between(down, (8, 10, 26), (34, 26, 40))
    chance = np.random.default_rng(2)
    for _ in range(250):
        y, x = chance.uniform(0.55, 1), chance.uniform(0, 1)
        far = ((down - y) * HEIGHT) ** 2 + ((across - x) * WIDTH) ** 2
        warm = np.array([255, 205, 130]) * chance.uniform(0.3, 1)
        scene += np.exp(-far / chance.uniform(2, 14))[..., None] * warm
    return _picture(scene + _grain(3, 1))


def meadow() -> Image.Image:
    """Grass below a sky with soft clouds: much detail and none side by side."""
    down, across = _grid()
    clouds = sum(
        (np.sin(across * f * 3 + f) * np.cos(down * f * 5 + 2 * f) / f for f in (2, 3, 5, 8)), np.zeros_like(down)
    )
    sky = _between(down * 1.6, (70, 125, 200), (205, 222, 236)) + 18 * clouds[..., None]
    blades = np.random.default_rng(4).normal(0, 1, (HEIGHT, WIDTH))
    blades = (blades + np.roll(blades, 1, 0) + np.roll(blades, 2, 0)) * 14
    grass = _between(down, (120, 150, 60), (40, 80, 25)) + blades[..., None]
    return _picture(np.where(down[..., None] > 0.55, grass, sky))


GRADIENTS: list[Callable[[], Image.Image]] = [clear_sky, dusk, grey_ramp, lamp, skin]
SCENES: list[Callable[[], Image.Image]] = [portrait, night, meadow]
