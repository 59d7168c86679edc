"""What Immich tells about its photos, and which of them a frame can show."""

from __future__ import annotations

import re
from typing import Any

from attrs import frozen

_KEPT_AT_LEAST = 0.6  # of a photo that fits, after it is cropped to the frame's shape


@frozen(kw_only=True)
class Photo:
    """One photo that a frame can show."""

    id: str
    name: str = ""  # of the file that was uploaded
    taken: str = ""  # 2019-07-04, where it was taken; empty when nobody knows
    shape: float | None = None  # width through height as people see it; None when nobody knows

    def fits(self, width: int, height: int) -> bool:
        """Whether most of it stays visible in a frame of this size."""
        if self.shape is None:
            return False
        frame = width / height
        return min(self.shape, frame) / max(self.shape, frame) >= _KEPT_AT_LEAST


def read_photos(listed: object) -> list[Photo]:
    """The photos in a list of assets. Left out: videos, and what is trashed, archived, hidden or not there."""
    if not isinstance(listed, list):
        return []
    return [_photo(asset) for asset in listed if isinstance(asset, dict) and _can_be_shown(asset)]


def _can_be_shown(asset: dict[str, Any]) -> bool:
    return (
        re.fullmatch(r"[0-9A-Za-z-]+", str(asset.get("id", ""))) is not None  # it becomes a part of an address
        and asset.get("type") == "IMAGE"
        and not any(asset.get(flaw) for flaw in ("isTrashed", "isOffline", "isArchived"))
        and asset.get("visibility") in (None, "timeline")
    )


def _photo(asset: dict[str, Any]) -> Photo:
    taken = re.match(r"\d{4}-\d\d-\d\d", str(asset.get("localDateTime", "")), re.ASCII)
    return Photo(
        id=str(asset["id"]),
        name=str(asset.get("originalFileName") or ""),
        taken=taken[0] if taken else "",
        shape=_shape(asset),
    )


def _shape(asset: dict[str, Any]) -> float | None:
    """Newer servers tell the size as it is seen; EXIF has it as the sensor lay, and how the camera was held."""
    seen = _ratio(asset.get("width"), asset.get("height"))
    exif = asset.get("exifInfo")
    if seen is not None or not isinstance(exif, dict):
        return seen
    ratio = _ratio(exif.get("exifImageWidth"), exif.get("exifImageHeight"))
    # 5 to 8: on its side (EXIF 2.3, table 4)
    return 1 / ratio if ratio and str(exif.get("orientation")) in {"5", "6", "7", "8"} else ratio


def _ratio(width: object, height: object) -> float | None:
    numbers = isinstance(width, int | float) and isinstance(height, int | float)
    return width / height if numbers and width > 0 and height > 0 else None  # type: ignore[operator]
