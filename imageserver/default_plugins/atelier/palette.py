"""Colours that go together. All mixing happens in OKLab (Björn Ottosson, 2020), where equal steps look equal."""

from __future__ import annotations

import math

import numpy as np
from attrs import field, frozen

from imageserver.default_plugins.atelier.noise import Field, Random
from imageserver.default_plugins.atelier.words import Wishes

_FROM_LAB = np.array(
    [[1, 0.3963377774, 0.2158037573], [1, -0.1055613458, -0.0638541728], [1, -0.0894841775, -1.2914855480]]
)
_TO_LINEAR = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)

# Dark to light, then the accent: five tones that hang well together, named for what they remind of.
_MOODS = {
    "night": "0b1026 1f2e5e 40599b 8a9ad0 dfe3f2 f4d58d",
    "sunset": "2b1b3d 74305f c9533f f3923f ffdca8 ffeccf",
    "dawn": "2f2e52 735f8c cf8a9d f4c1a8 fdecd6 ef7a5c",
    "sea": "06263b 0f5c77 2f9a96 98d2c5 f0f3e4 f2a65a",
    "forest": "10231b 24493a 4f7b55 a3b48a ebe7d2 d98e4a",
    "autumn": "2a1710 6d2d1b b8522b e2a03f f5e3b8 5d7468",
    "winter": "1c2b3a 456380 88a9c1 c8dbe6 f6f8f9 c8554b",
    "spring": "2b4a3d 6aa079 b4d7a6 f6c4d0 fdf3e7 e76c8a",
    "summer": "0f4c5c 2a9d8f e9c46a f4a766 fbf3dc e5654a",
    "fire": "1a0a0c 641015 b5271e f1661f ffca5c fff1c4",
    "desert": "3a2220 8b4a33 ca8453 e8be88 f6e7cd d2533a",
    "storm": "11181f 2f404d 5f7884 a2b2b4 e2e4dd d9a441",
}
_SKIES = ("sunset", "dawn", "night", "sea", "winter", "desert", "storm", "fire")
_DUSKS = (
    "1b1f3b 3e4a89 8e7cc3 e3a6c1 fbe6d4 ffb45e",
    "0e2a33 1f5965 5d9ba1 f2b79c fae7d8 f28a5c",
    "14233b 355c7d 7f7aa0 f0a58f fde3c8 ffd28a",
    "1a2f38 3b6a70 8fb3a4 ecd9b0 fbf3e0 f0a35e",
)
_FREE = (
    *_MOODS.values(),
    "14161c 2f3742 726d64 cbb88d f3ebd9 b8862f",  # ink and gold
    "22303c 4b6573 9cb5ac e4d6c1 f8f3e9 d1495b",  # a northern room
    "2a1a33 5e3a65 a9729b 9fcbb2 f2efe1 f2b35e",  # plum and mint
    "0e2a33 1f5965 5d9ba1 f2b79c fae7d8 e4572e",  # petrol and peach
    "2a2d34 2d6c80 d9613b e9ac45 f4e9d3 8f9f4c",  # mid-century
    "331a2a 7f2f51 c45f7c eeadb0 fbe9e1 3f7d78",  # rose garden
    "1b1f3b 3e4a89 8e7cc3 e3a6c1 fbe6d4 ffb45e",  # dusk
    "1d2b24 3f6b4f c2a83e e9d8a0 f8f2df b5482f",  # moss and mustard
)
# Lightness, chroma and hue (degrees) of the colours that prompts name.
_NAMED = {
    "red": (0.54, 0.20, 27.0),
    "orange": (0.70, 0.17, 54.0),
    "yellow": (0.86, 0.16, 98.0),
    "gold": (0.76, 0.13, 84.0),
    "green": (0.58, 0.14, 146.0),
    "turquoise": (0.68, 0.11, 188.0),
    "sky": (0.75, 0.10, 232.0),
    "blue": (0.48, 0.17, 262.0),
    "violet": (0.50, 0.17, 302.0),
    "pink": (0.74, 0.14, 358.0),
    "brown": (0.45, 0.08, 55.0),
    "beige": (0.82, 0.05, 82.0),
    "black": (0.17, 0.008, 270.0),
    "grey": (0.62, 0.012, 255.0),
    "white": (0.97, 0.008, 90.0),
}
_TONELESS = ("black", "grey", "white")
_LEVELS = 2048  # of the ramp: finer than a JPEG's 256


@frozen(kw_only=True)
class Palette:
    """Five tones from dark to light and an accent, as sRGB 0 … 1."""

    tones: Field  # (5 or more, 3)
    accent: Field  # (3,)
    dark: bool  # whether the ground should be dark
    _ramp: Field = field(repr=False)

    def at(self, position: Field) -> Field:
        """The colour at 0 (darkest) … 1 (lightest), for an array of positions: shape (…, 3)."""
        level = np.clip(position * np.float32(_LEVELS - 1), 0, _LEVELS - 1).astype(np.int32)
        return self._ramp[level]

    def tone(self, position: float) -> Field:
        """One colour of the ramp: shape (3,)."""
        colour: Field = self._ramp[int(min(max(position, 0.0), 1.0) * (_LEVELS - 1))]
        return colour

    @property
    def ground(self) -> Field:
        """The colour of an empty canvas."""
        return self.tone(0.04 if self.dark else 0.97)

    def paints(self) -> Field:
        """The colours to lay on the ground, the accent last: shape (6, 3).

        Mostly the tones themselves: half way between two of them there may be mud.
        """
        positions = (0.25, 0.4, 0.5, 0.75, 1.0) if self.dark else (0.0, 0.25, 0.4, 0.5, 0.75)
        return np.stack([*(self.tone(position) for position in positions), self.accent])


def mixed_for(wishes: Wishes, rng: Random, outdoors: bool) -> Palette:
    """The palette for what the prompt wishes: the colours it names, else its mood, else one drawn at random.

    `outdoors` draws only from those that a sky can have.
    """
    coin = bool(rng.random() < 0.5)
    dark = coin if wishes.dark is None else wishes.dark
    drawn_from = (*(_MOODS[mood] for mood in _SKIES), *_DUSKS) if outdoors else _FREE
    free = drawn_from[int(rng.integers(len(drawn_from)))]
    if wishes.colours:
        keys, accent = _around(wishes.colours, rng)
    else:
        *tones, last = (_lab_of_hex(code) for code in (_MOODS[wishes.mood] if wishes.mood else free).split())
        keys, accent = np.stack(tones), last
    place = np.linspace(0, len(keys) - 1, _LEVELS)
    ramp = np.stack([np.interp(place, np.arange(len(keys)), keys[:, axis]) for axis in range(3)], axis=-1)
    return Palette(tones=_rgb(keys), accent=_rgb(accent), dark=dark, ramp=_rgb(ramp))


def _around(colours: tuple[str, ...], rng: Random) -> tuple[Field, Field]:
    """Shades and tints of the named colours: shadows lean to blue, light leans to yellow, as daylight does."""
    tinted = [name for name in colours if name not in _TONELESS]
    leading = _NAMED[tinted[0] if tinted else colours[0]]
    light, chroma, hue = leading
    # A neighbour on the colour circle: the opposite colour would rule those pictures that lay on much of the accent.
    # Yellows take the warm one, for the other is lime.
    warm = 60 <= hue <= 120 or rng.random() < 0.5
    beside = hue + float(rng.uniform(28, 50)) * (-1 if warm else 1)
    accent = _lch((0.74, 0.13, beside)) if tinted else _lch((0.72, 0.12, 75.0))
    keys: list[tuple[float, float, float]]
    if colours == ("black",):
        keys = [(0.10, 0.006, 270), (0.20, 0.010, 270), (0.34, 0.012, 265), (0.55, 0.012, 80), (0.88, 0.015, 85)]
    elif colours == ("white",):
        keys = [(0.52, 0.015, 250), (0.74, 0.012, 245), (0.86, 0.010, 90), (0.93, 0.010, 90), (0.98, 0.006, 90)]
    elif colours == ("grey",):
        keys = [(0.18, 0.010, 260), (0.38, 0.012, 255), (0.60, 0.010, 250), (0.79, 0.010, 90), (0.95, 0.008, 90)]
    elif len(colours) == 1:
        low, high = 0.14 + 0.08 * light, 0.95
        keys = [
            (low, chroma * 0.45, _leaning(hue, 275, 0.12)),
            (low + (light - low) * 0.55, chroma * 0.8, _leaning(hue, 275, 0.06)),
            (light, chroma, hue),
            (light + (high - light) * 0.5, chroma * 0.68, _leaning(hue, 100, 0.08)),
            (high, chroma * 0.25, _leaning(hue, 100, 0.16)),
        ]
    else:
        named = sorted(_NAMED[name] for name in colours[:3])
        first, last = named[0], named[-1]
        low, high = min(0.16, first[0] * 0.7), max(0.94, last[0])
        keys = [(low, first[1] * 0.5, first[2]), *named, (high, last[1] * 0.35, last[2])]
    return np.stack([_lch(key) for key in keys]), accent


def _leaning(hue: float, towards: float, share: float) -> float:
    return hue + ((towards - hue + 180) % 360 - 180) * share


def _lch(key: tuple[float, float, float]) -> Field:
    """OKLab of lightness, chroma and hue; the chroma gives way until a screen can show it."""
    light, chroma, hue = key
    angle = math.radians(hue)
    lab = np.array([light, chroma * math.cos(angle), chroma * math.sin(angle)])
    for _ in range(40):
        linear = _linear(lab)
        if linear.min() >= -0.002 and linear.max() <= 1.002:
            break
        lab[1:] *= 0.95
    return lab


def _linear(lab: Field) -> Field:
    linear: Field = (lab @ _FROM_LAB.T) ** 3 @ _TO_LINEAR.T
    return linear


def _rgb(lab: Field) -> Field:
    linear = np.clip(_linear(lab), 0.0, 1.0)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055).astype(np.float32)


def _lab_of_hex(code: str) -> Field:
    rgb = np.array([int(code[place : place + 2], 16) for place in (0, 2, 4)]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    lab: Field = np.cbrt(linear @ np.linalg.inv(_TO_LINEAR).T) @ np.linalg.inv(_FROM_LAB).T
    return lab
