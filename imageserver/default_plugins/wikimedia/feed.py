"""The feed's picture of the day: where its file is, in a size that may be asked for, and whom to thank for it."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from attrs import field, frozen

WIDTHS = (960, 1280, 1920)  # widths that Wikimedia has ready; it counts requests for others as a nuisance
_MOST_PIXELS = 20_000_000  # of an original that is fetched as it is
_SHOWABLE = (".jpg", ".jpeg", ".png", ".webp")
_LONGEST = 500  # characters of a text that is kept with the picture
_WIDTH = re.compile(r"(?:(?<=^)|(?<=-))\d+px-")
_SILENT = re.compile(r"<(style|script)\b.*?</\1\s*>|<!--.*?-->", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"</?[a-zA-Z][^>]*>")


@frozen(kw_only=True)
class Featured:
    """The picture of a day."""

    addresses: tuple[str, ...]  # the same picture in other sizes; the first that works is the best
    details: Mapping[str, str] = field(factory=dict)


def read_featured(answer: Mapping[str, Any], width: int) -> Featured | None:
    """The picture in the feed of a day; None for a day without one, or with one that no frame can show."""
    image = answer.get("image")
    if not isinstance(image, dict):
        return None
    addresses = _addresses(image, width)
    return Featured(addresses=addresses, details=_details(image)) if addresses else None


def plain(text: str) -> str:
    """What a reader sees of HTML, on one line."""
    text = html.unescape(_TAG.sub(" ", _SILENT.sub(" ", text)))
    text = re.sub(r"\s+([,.;:)])", r"\1", " ".join(text.split()))
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def _addresses(image: Mapping[str, Any], width: int) -> tuple[str, ...]:
    thumbnail, (own_width, own_height), original = _source(image, "thumbnail"), _size(image), _source(image, "image")
    is_raster = _is_showable(original)
    found = []
    if is_raster and 0 < own_width <= width and own_width * own_height <= _MOST_PIXELS:
        found.append(original)  # a thumbnail cannot be wider than its original, so this is all there is
    elif _is_showable(thumbnail):
        # Drawings have no width of their own, so every thumbnail of one exists.
        ready = [one for one in WIDTHS if one <= width and (one < own_width or not is_raster)]
        found.extend(_at_width(thumbnail, max(ready)) if ready else ())
    if _is_showable(thumbnail):
        found.append(thumbnail)  # as the feed gave it: it is there whatever becomes of the standard widths
    return tuple(dict.fromkeys(found))


def _at_width(thumbnail: str, width: int) -> tuple[str, ...]:
    folder, slash, name = thumbnail.rpartition("/")
    renamed, count = _WIDTH.subn(f"{width}px-", name, count=1)
    return (folder + slash + renamed,) if count else ()


def _source(image: Mapping[str, Any], name: str) -> str:
    part = image.get(name)
    source = part.get("source") if isinstance(part, dict) else None
    return source if isinstance(source, str) else ""


def _size(image: Mapping[str, Any]) -> tuple[int, int]:
    part = image.get("image")
    sides = (part.get("width"), part.get("height")) if isinstance(part, dict) else (0, 0)
    width, height = (side if isinstance(side, int) and side > 0 else 0 for side in sides)
    return width, height


def _is_showable(address: str) -> bool:
    try:
        return urlsplit(address).path.lower().endswith(_SHOWABLE)
    except ValueError:
        return False


def _details(image: Mapping[str, Any]) -> dict[str, str]:
    found = {
        "title": re.sub(r"^[^:/]{1,30}:|\.\w{2,5}$", "", unquote(_text(image.get("title")))),
        "artist": _text(image.get("artist")),
        "credit": _text(image.get("credit")),
        "license": _text(image.get("license"), "type", "code"),
        "license_url": _text(image.get("license"), "url"),
        "description": _text(image.get("description")),
        "source": _text(image.get("file_page")) or _source(image, "image"),
    }
    return {name: text for name, text in found.items() if text}


def _text(value: object, *names: str) -> str:
    if isinstance(value, dict):
        given = (value.get(name) for name in names or ("text", "html"))
        value = next((one for one in given if isinstance(one, str) and one.strip()), "")
    return plain(value) if isinstance(value, str) else ""
