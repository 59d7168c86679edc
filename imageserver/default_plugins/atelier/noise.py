"""Smooth random fields, the raw material of most styles. Periodic, so that they can be sampled anywhere."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

Field: TypeAlias = npt.NDArray[Any]  # float32 unless said otherwise; (height, width) or (height, width, 3)
Random: TypeAlias = np.random.Generator


def clouds(
    rng: Random, height: int, width: int, scale: float, slope: float = 2.0, stretch: tuple[float, float] = (1.0, 1.0)
) -> Field:
    """A random field with mean 0 and deviation 1, shape (height, width).

    `scale` is the size of its largest features in pixels, `slope` how fast the small ones fade (1.5 rocky, 2 clouds,
    4 only soft hills), `stretch` draws it out in x and y. Filtered in the spectrum: no lattice shows, as it does in
    interpolated noise.
    """
    across = np.fft.rfftfreq(width).astype(np.float32) * stretch[0]
    down = np.fft.fftfreq(height).astype(np.float32)[:, None] * stretch[1]
    spectrum = np.fft.rfft2(rng.standard_normal((height, width), dtype=np.float32))
    spectrum *= (1.0 + (across**2 + down**2) * np.float32(scale * scale)) ** np.float32(-slope / 2)
    spectrum[0, 0] = 0
    field: Field = np.fft.irfft2(spectrum, s=(height, width)).astype(np.float32)
    return field / max(float(field.std()), 1e-6)


def curve(rng: Random, length: int, scale: float, slope: float = 2.0) -> Field:
    """The same in one dimension: shape (length,)."""
    line: Field = clouds(rng, 1, length, scale, slope)[0]
    return line


def evened(field: Field) -> Field:
    """A field of deviation 1 brought to 0 … 1, about equally much of each value."""
    return 0.5 + 0.5 * np.tanh(0.8 * field)


def sampled(field: Field, x: Field, y: Field) -> Field:
    """The field's values at pixel positions x, y, with linear interpolation, wrapping round its edges."""
    height, width = field.shape[:2]
    left, top = np.floor(x).astype(np.int32), np.floor(y).astype(np.int32)
    fx, fy = (x - left).astype(np.float32), (y - top).astype(np.float32)
    left %= width
    top %= height
    right, bottom = (left + 1) % width, (top + 1) % height
    upper = field[top, left] * (1 - fx) + field[top, right] * fx
    lower = field[bottom, left] * (1 - fx) + field[bottom, right] * fx
    between: Field = upper * (1 - fy) + lower * fy
    return between


def resized(field: Field, width: int, height: int) -> Field:
    """A (height, width) field at another size, smoothly."""
    image = Image.fromarray(np.ascontiguousarray(field, dtype=np.float32))
    return np.asarray(image.resize((width, height), Image.Resampling.BICUBIC))


def softened(field: Field, radius: float) -> Field:
    """The field blurred by about `radius` pixels. Made by shrinking and growing: fast at any radius."""
    height, width = field.shape
    small = max(2, round(width / max(radius, 1.0))), max(2, round(height / max(radius, 1.0)))
    image = Image.fromarray(np.ascontiguousarray(field, dtype=np.float32)).resize(small, Image.Resampling.BILINEAR)
    return np.asarray(image.resize((width, height), Image.Resampling.BICUBIC))


def shifted(field: Field, down: int, right: int) -> Field:
    """The field moved down and to the right, as a shadow is; what comes in repeats its edge."""
    height, width = field.shape
    rows, columns = np.arange(height) - down, np.arange(width) - right
    moved: Field = field[rows.clip(0, height - 1)][:, columns.clip(0, width - 1)]
    return moved


def step(low: float | Field, high: float | Field, value: Field) -> Field:
    """0 below `low`, 1 above `high`, a soft S between: the edge of every shape that is a formula."""
    t = np.clip((value - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def relief(surface: Field, strength: float) -> Field:
    """How a surface of that height catches light from the upper left: about -1 … 1, 0 where it is level."""
    slope_y, slope_x = np.gradient(surface)
    lit = -(slope_x + slope_y) * np.float32(strength)
    light: Field = np.tanh(lit)
    return light
