"""HEIC pictures, as iPhones write them, become JPEG on their way in. Needs the extra `heif`; plain blocking code.

They are not kept as they are: then every rendition, every browser that shows an original and every later version of the
server would need the extra too. What is lost by it no panel shows, and the photo itself is still on the phone.
"""

from __future__ import annotations

import importlib.util
import io

from imageserver.errors import PictureBroken
from imageserver.image import MOST_DECODED

_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")  # ISO/IEC 23008-12, annex B
_QUALITY = 95
WITHOUT = "HEIC pictures need the package pillow-heif beside the server, or a phone that sends JPEG"


def is_heif(head: bytes) -> bool:
    """Whether a file that begins so is HEIC: 12 bytes are enough."""
    return head[4:8] == b"ftyp" and head[8:12] in _BRANDS


def is_installed() -> bool:
    """Whether such pictures can be read here."""
    return importlib.util.find_spec("pillow_heif") is not None


def as_jpeg(data: bytes) -> bytes:
    """The picture as JPEG, upright, with its colours' profile and no other metadata. Raises PictureBroken."""
    if not is_installed():
        raise PictureBroken(WITHOUT)
    import pillow_heif  # a libheif of its own comes with it

    try:
        opened = pillow_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=True)
        _check_pixels(*opened.size)
        picture = opened.to_pillow()  # upright: libheif has obeyed the orientation
        out = io.BytesIO()
        picture.convert("RGB").save(
            out, "JPEG", quality=_QUALITY, subsampling="4:4:4", icc_profile=opened.info.get("icc_profile"), exif=b""
        )
        return out.getvalue()
    except PictureBroken:
        raise
    except MemoryError as error:
        raise PictureBroken("not enough memory to decode it") from error
    except Exception as error:  # libheif's errors come as ValueError, RuntimeError, EOFError …
        reason = " ".join(str(error).split())[:80] or type(error).__name__
        raise PictureBroken(f"cannot be decoded: {reason}") from error


def _check_pixels(width: int, height: int) -> None:
    if width * height > MOST_DECODED:
        raise PictureBroken(f"{width}x{height} are more than {MOST_DECODED // 1_000_000} million pixels")
