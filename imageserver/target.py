"""What a rendition is made for. Apart from image.py, so that naming a rendition does not bring Pillow with it."""

from __future__ import annotations

from typing import Literal

from attrs import frozen

PIPELINE = 1  # counted up when renditions come out differently, so that the old ones are made anew


@frozen(kw_only=True)
class Target:
    """A frame's panel and how pictures are fitted to it."""

    width: int  # pixels
    height: int
    fit_mode: Literal["crop", "pad"] = "crop"
    fit_threshold: float = 0.03  # up to this difference of proportions a picture is stretched
    quality: int = 90  # of the JPEG

    @property
    def key(self) -> str:
        """The same for two targets when every picture comes out the same for both; a folder's name."""
        return f"{self.width}x{self.height}-{self.fit_mode}-{self.fit_threshold:g}-q{self.quality}-p{PIPELINE}"
