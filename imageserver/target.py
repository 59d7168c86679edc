"""What a rendition is made for. Apart from image.py, so that naming a rendition does not bring Pillow with it."""

from __future__ import annotations

from functools import cached_property
from typing import Literal

from attrs import frozen

PIPELINE = 3  # counted up when renditions come out differently or lie elsewhere, so that the old ones are made anew

FitMode = Literal["smart", "crop", "pad", "blur-pad"]
Render = Literal["fast", "panel", "best"]
Turn = Literal[0, 90, 180, 270]


@frozen(kw_only=True)
class Target:
    """A frame's panel, how it hangs, and how pictures are made for it."""

    width: int  # pixels of the panel
    height: int
    panel: str = "tft-320x480-565"  # a profile's name
    render: Render = "panel"
    fit_mode: FitMode = "smart"
    fit_threshold: float = 0.03  # up to this difference of proportions a picture is stretched
    quality: int = 90  # of the JPEG, at most, where the panel has all colours
    max_bytes: int | None = None  # of the JPEG; None: as the profile says
    rotate: Turn = 0  # degrees clockwise that a picture is turned by for a panel that hangs turned
    mirror: bool = False  # left and right are exchanged
    invert: bool = False  # every colour becomes its opposite
    gamma: float = 1.0  # above 1 the middle tones become lighter

    @property
    def upright(self) -> tuple[int, int]:
        """Width and height as a person sees them: of the picture before it is turned for the panel."""
        return (self.height, self.width) if self.rotate in (90, 270) else (self.width, self.height)

    @cached_property
    def key(self) -> str:
        """The same for two targets when every picture comes out the same for both; a folder's name."""
        parts = [f"{self.width}x{self.height}", self.panel, self.render, self.fit_mode, f"{self.fit_threshold:g}"]
        parts.append(f"q{self.quality}")
        if self.max_bytes is not None:
            parts.append(f"{self.max_bytes}b")
        if self.rotate:
            parts.append(f"r{self.rotate}")
        if self.mirror:
            parts.append("m")
        if self.invert:
            parts.append("i")
        if self.gamma != 1:
            parts.append(f"g{self.gamma:g}")
        return "-".join([*parts, f"p{PIPELINE}"])


# A picture in the gallery: twice as many pixels as on the page, for the screens of phones.
THUMBNAIL = Target(width=240, height=360, panel="jpeg-8bit", render="fast", quality=75, max_bytes=24_000)


def read_focus(text: str) -> tuple[float, float] | None:
    """What a crop must keep, written as X,Y: shares of width and height. None for `none`. Raises ValueError."""
    if text == "none":
        return None
    try:
        across, down = (float(part) for part in text.split(","))
    except ValueError:
        raise ValueError(f'"{text[:40]}" is no point; write shares of width and height, like 0.3,0.6') from None
    if not (0 <= across <= 1 and 0 <= down <= 1):
        raise ValueError("both shares lie between 0 and 1")
    return across, down
