"""What a style paints on, and how a finished painting becomes a JPEG."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from attrs import frozen
from PIL import Image, ImageDraw

from imageserver.default_plugins.atelier.noise import Field, Random, clouds, softened
from imageserver.default_plugins.atelier.palette import Palette

Points = Sequence[tuple[float, float]]


@frozen(kw_only=True)
class Canvas:
    """A size, a palette and the dice. A style turns it into an sRGB array 0 … 1 of shape (height, width, 3)."""

    width: int
    height: int
    palette: Palette
    rng: Random

    @property
    def unit(self) -> float:
        """The length in pixels that compositions are measured in: the short side, but not of a mere strip."""
        return max(min(self.width, self.height), max(self.width, self.height) / 3)

    def axes(self) -> tuple[Field, Field]:
        """Pixel coordinates x of shape (1, width) and y of shape (height, 1)."""
        x = np.arange(self.width, dtype=np.float32)[None, :]
        y = np.arange(self.height, dtype=np.float32)[:, None]
        return x, y

    def clouds(self, scale: float, slope: float = 2.0, stretch: tuple[float, float] = (1.0, 1.0)) -> Field:
        """A random field of the canvas's size; `scale` in units."""
        return clouds(self.rng, self.height, self.width, scale * self.unit, slope, stretch)

    def chance(self, share: float) -> bool:
        """True in `share` of the pictures."""
        return bool(self.rng.random() < share)

    def between(self, low: float, high: float) -> float:
        """A random number."""
        return float(self.rng.uniform(low, high))

    def filled(self, colour: Field) -> Field:
        """The whole canvas in one colour."""
        return np.broadcast_to(colour, (self.height, self.width, 3)).astype(np.float32)


class Sheet:
    """A Pillow drawing at twice the canvas's size, shrunk when done: smooth edges. Coordinates are the canvas's."""

    FINER = 2

    def __init__(self, canvas: Canvas, ground: Field | None = None) -> None:
        """With a ground the sheet is in colour; without one it is a mask, 0 where nothing is drawn."""
        size = canvas.width * self.FINER, canvas.height * self.FINER
        self._image = Image.new("L", size) if ground is None else Image.new("RGB", size, as_rgb(ground))
        self._pen = ImageDraw.Draw(self._image)

    def polygon(self, points: Points, colour: Field | None = None) -> None:
        """A filled shape."""
        self._pen.polygon(self._fine(points), fill=self._ink(colour))

    def line(self, points: Points, width: float, colour: Field | None = None) -> None:
        """A line with round joints and round ends, `width` in canvas pixels."""
        fine, thick = self._fine(points), max(1, round(width * self.FINER))
        ink = self._ink(colour)
        self._pen.line(fine, fill=ink, width=thick, joint="curve" if thick > 3 else None)
        if thick > 3:
            for x, y in (fine[0], fine[-1]):
                self._pen.ellipse([x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2], fill=ink)

    def disc(self, x: float, y: float, radius: float, colour: Field | None = None) -> None:
        """A filled circle."""
        x, y, radius = x * self.FINER, y * self.FINER, radius * self.FINER
        self._pen.ellipse([x - radius, y - radius, x + radius, y + radius], fill=self._ink(colour))

    def slice(self, x: float, y: float, radius: float, start: float, end: float, colour: Field | None = None) -> None:
        """A piece of a disc, angles in degrees clockwise from the right."""
        x, y, radius = x * self.FINER, y * self.FINER, radius * self.FINER
        self._pen.pieslice([x - radius, y - radius, x + radius, y + radius], start, end, fill=self._ink(colour))

    def field(self) -> Field:
        """The drawing at the canvas's size, 0 … 1."""
        return np.asarray(self._image.reduce(self.FINER), dtype=np.float32) / np.float32(255)

    def _fine(self, points: Points) -> list[tuple[float, float]]:
        return [(x * self.FINER, y * self.FINER) for x, y in points]

    def _ink(self, colour: Field | None) -> int | tuple[int, int, int]:
        if colour is None:
            return 255
        return as_rgb(colour) if self._image.mode == "RGB" else round(float(colour[0]) * 255)


def as_rgb(colour: Field) -> tuple[int, int, int]:
    """A colour 0 … 1 as Pillow wants it."""
    red, green, blue = (round(min(max(float(part), 0.0), 1.0) * 255) for part in colour)
    return red, green, blue


def mix(first: Field, second: Field, share: Field | float) -> Field:
    """`first` where `share` is 0, `second` where it is 1. A share of shape (h, w) is spread over the three colours."""
    if isinstance(share, np.ndarray):
        share = share.astype(np.float32, copy=False)[..., None]
    return first + (second - first) * share


def lit(picture: Field, light: Field) -> Field:
    """Screen light onto a picture: it brightens and never burns out."""
    return 1.0 - (1.0 - np.clip(picture, 0, 1)) * (1.0 - np.clip(light, 0, 1))


def shaded(picture: Field, light: Field, strength: float) -> Field:
    """Light and shade of a relief (-1 … 1) on a picture."""
    glow = np.clip(light, 0, 1)[..., None] * np.float32(strength)
    dusk = np.clip(-light, 0, 1)[..., None] * np.float32(strength)
    return (picture + (1 - picture) * glow) * (1 - dusk)


def finished(picture: Field, rng: Random, grain: float = 0.013, vignette: float = 0.16) -> Field:
    """A last touch that all styles share: corners a little darker, and a fine grain.

    The grain is also what keeps soft skies from banding on the frames' panels, which show 5 or 6 bits a colour.
    """
    height, width = picture.shape[:2]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    corner = np.clip((x * x + y * y) / 2, 0, 1) ** 1.5
    speck: Field = rng.standard_normal((height, width), dtype=np.float32)
    speck = speck * 0.7 + softened(speck, 2) * 1.4
    toned: Field = picture * (1 - vignette * corner)[..., None]
    # Full in the middle tones, less in deep black and paper white, as in film.
    grey = toned.mean(axis=2)
    toned += (speck * grain * (0.45 + 2.2 * np.clip(grey * (1 - grey), 0, 0.25)))[..., None]
    return np.clip(toned, 0.0, 1.0)


def paper(canvas: Canvas) -> Field:
    """The tooth of a sheet of paper: about 1, shape (height, width)."""
    fibre = canvas.clouds(0.012, 1.6) * 0.014 + canvas.clouds(0.5, 2.0) * 0.012
    return 1.0 + fibre


def encoded(picture: Field) -> bytes:
    """Baseline JPEG, quality 95, full colour resolution, without metadata."""
    image = Image.fromarray((picture * 255 + 0.5).astype(np.uint8))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=95, subsampling=0, progressive=False)
    return out.getvalue()
