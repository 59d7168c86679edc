"""How a stored picture is turned to be seen: EXIF 2.3, table 4."""

from __future__ import annotations

from typing import Final

from attrs import frozen
from PIL import Image

_TAG: Final = 0x0112
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@frozen
class Orientation:
    """One of the eight ways to hold a camera, mirrors included."""

    value: int = 1

    @classmethod
    def of(cls, picture: Image.Image) -> Orientation:
        """What a file says about itself; what makes no sense counts as nothing."""
        try:
            found = picture.getexif().get(_TAG, 1)
        except Exception:  # a torn EXIF block must not cost the picture
            return cls()
        return cls(found) if isinstance(found, int) and 1 <= found <= 8 else cls()

    def size(self, stored: tuple[int, int]) -> tuple[int, int]:
        """The size as seen of one that is stored, and the other way round."""
        return (stored[1], stored[0]) if self.value >= 5 else stored

    def seen(self, stored: Image.Image) -> Image.Image:
        """The picture as a person sees it."""
        return stored.transpose(_TURNS[self.value]) if self.value in _TURNS else stored

    def stored_box(
        self, seen: tuple[float, float, float, float], stored: tuple[int, int]
    ) -> tuple[float, float, float, float]:
        """Where a part of the picture as seen (left, top, right, bottom) lies in the stored one of this size."""
        left, top, right, bottom = seen
        if self.value >= 5:
            left, top, right, bottom = top, left, bottom, right
        if self.value in {2, 3, 7, 8}:
            left, right = stored[0] - right, stored[0] - left
        if self.value in {3, 4, 6, 7}:
            top, bottom = stored[1] - bottom, stored[1] - top
        return left, top, right, bottom
