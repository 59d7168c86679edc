"""Pictures as bytes: what they are, and their rendition at a frame's size. Pure Pillow: no paths, no asyncio.

What comes in is not trusted: format and size are read from the header and held against the limits before a pixel is
decoded. Everything that goes wrong is a PictureBroken with one short reason. Whoever changes what comes out of
render() counts `target.PIPELINE` up.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from typing import Final, Literal

from attrs import frozen

# The plugins are named so that Pillow does not import its forty others when it meets the first WEBP.
from PIL import Image, JpegImagePlugin, PngImagePlugin, UnidentifiedImageError, WebPImagePlugin  # noqa: F401 - registered by the import

from imageserver.errors import PictureBroken
from imageserver.target import Target

__all__ = ["PictureFacts", "Target", "identify", "render"]

LARGEST_FILE = 64 * 2**20  # bytes
# RGB and one copy of it: 240 MB, what a Raspberry Pi with 1 GB can spare for one picture.
MOST_DECODED = 40_000_000  # pixels
# A baseline JPEG is decoded at an eighth where that is enough, so its header may promise more.
MOST_IN_HEADER = 250_000_000  # pixels

# The process's own limit, set once, here: Pillow's (89 million) would refuse big JPEGs that draft() makes cheap.
Image.MAX_IMAGE_PIXELS = MOST_IN_HEADER

_FORMATS: Final = ("JPEG", "PNG", "WEBP")
_NAMES: Final[dict[str, Literal["jpeg", "png", "webp"]]] = {
    "JPEG": "jpeg",
    "MPO": "jpeg",  # a JPEG with a second picture behind it, as phones write them
    "PNG": "png",
    "WEBP": "webp",
}
_ORIENTATION = 0x0112  # EXIF 2.3, table 4
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@frozen(kw_only=True)
class PictureFacts:
    """What the header says. Width and height are as stored, before an EXIF orientation is obeyed."""

    format: Literal["jpeg", "png", "webp"]
    width: int
    height: int


def identify(data: bytes) -> PictureFacts:
    """Read the header only. Raises PictureBroken for what is no JPEG, PNG or WEBP, or is above the limits."""
    with _opened(data) as picture:
        return PictureFacts(format=_NAMES[str(picture.format)], width=picture.width, height=picture.height)


def render(data: bytes, target: Target) -> bytes:
    """The picture as a baseline JPEG (4:2:0, no metadata) of exactly the target's size. Raises PictureBroken."""
    return encoded(fitted(data, target), target)


def encoded(canvas: Image.Image, target: Target) -> bytes:
    """A fitted picture as the JPEG that a frame gets."""
    return _jpeg(canvas, target.quality)


def fitted(data: bytes, target: Target) -> Image.Image:
    """The picture in RGB at exactly the target's size. Raises PictureBroken.

    The EXIF orientation is obeyed, transparency becomes black, of an animation the first picture is taken.
    """
    with _opened(data) as picture:
        # In a PNG the orientation may stand behind the pixels; of a JPEG it is asked before draft() changes the size.
        is_jpeg = picture.format in {"JPEG", "MPO"}
        if not is_jpeg:
            picture.load()
        orientation = _orientation(picture)
        fit = _Fit.between(picture.size, target, turned=orientation >= 5)
        if is_jpeg:
            full = picture.width
            _draft(picture, fit)
            picture.load()
            fit = fit.shrunk(full, picture)
        small = _on_black(_plain(picture).resize(fit.size, Image.Resampling.LANCZOS, box=fit.box, reducing_gap=3.0))
        if orientation in _TURNS:
            small = small.transpose(_TURNS[orientation])
        canvas = Image.new("RGB", (target.width, target.height))
        canvas.paste(small, ((target.width - small.width) // 2, (target.height - small.height) // 2))
        return canvas


def is_flat(data: bytes) -> bool:
    """Whether the whole picture is one colour. Raises PictureBroken."""
    with _opened(data) as picture:
        picture.draft("RGB", (512, 512))  # a large JPEG need not be decoded whole for this
        extremes = picture.convert("RGB").getextrema()
    return all(isinstance(pair, tuple) and pair[1] - pair[0] <= 2 for pair in extremes)


def black(target: Target) -> bytes:
    """A black JPEG of exactly the target's size."""
    return _jpeg(Image.new("RGB", (target.width, target.height)), target.quality)


@frozen(kw_only=True)
class _Fit:
    """Which part of the stored picture is shown (left, top, right, bottom) and how large, before it is turned."""

    box: tuple[float, float, float, float]
    size: tuple[int, int]

    @classmethod
    def between(cls, source: tuple[int, int], target: Target, *, turned: bool) -> _Fit:
        width, height = source
        panel = (target.height, target.width) if turned else (target.width, target.height)
        across, down = panel[0] / width, panel[1] / height  # how much each side must grow
        whole = (0.0, 0.0, float(width), float(height))
        if max(across, down) / min(across, down) - 1 <= target.fit_threshold + 1e-9:
            return cls(box=whole, size=panel)
        if target.fit_mode == "pad":
            grow = min(across, down)
            return cls(box=whole, size=(max(1, round(width * grow)), max(1, round(height * grow))))
        grow = max(across, down)
        left, top = (width - panel[0] / grow) / 2, (height - panel[1] / grow) / 2
        return cls(box=(max(0.0, left), max(0.0, top), min(width, width - left), min(height, height - top)), size=panel)

    def shrunk(self, full: int, picture: Image.Image) -> _Fit:
        """The same part of a picture that was decoded smaller than its `full` width."""
        if full == picture.width:
            return self
        scale = next(scale for scale in (2, 4, 8) if -(-full // scale) == picture.width)
        left, top, right, bottom = (edge / scale for edge in self.box)
        return _Fit(box=(left, top, min(right, picture.width), min(bottom, picture.height)), size=self.size)


@contextlib.contextmanager
def _opened(data: bytes) -> Iterator[Image.Image]:
    if len(data) > LARGEST_FILE:
        raise PictureBroken(f"the file is larger than {LARGEST_FILE // 2**20} MiB")
    try:
        _check_pixels(*_webp_size(data), MOST_DECODED)
        with Image.open(io.BytesIO(data), formats=_FORMATS) as picture:
            cheap = picture.format in {"JPEG", "MPO"} and "progressive" not in picture.info
            _check_pixels(*picture.size, MOST_IN_HEADER if cheap else MOST_DECODED)
            yield picture
    except PictureBroken:
        raise
    except UnidentifiedImageError as error:
        raise PictureBroken("no JPEG, PNG or WEBP picture") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureBroken("far too many pixels") from error
    except MemoryError as error:
        raise PictureBroken("not enough memory to decode it") from error
    except Exception as error:
        # Broken files bring nearly any exception out of Pillow: OSError, SyntaxError, ValueError, struct.error …
        reason = " ".join(str(error).split())[:80] or type(error).__name__
        raise PictureBroken(f"cannot be decoded: {reason}") from error


def _check_pixels(width: int, height: int, most: int) -> None:
    if width * height > most:
        raise PictureBroken(f"{width}x{height} are more than {most // 1_000_000} million pixels")


def _webp_size(data: bytes) -> tuple[int, int]:
    """Width and height in a WEBP's header, (0, 0) for anything else: Pillow takes memory for it on opening already.

    RFC 9649, sections 2.5 to 2.7.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP" or len(data) < 30:
        return 0, 0
    kind = data[12:16]
    if kind == b"VP8X":
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return int.from_bytes(data[26:28], "little") & 0x3FFF, int.from_bytes(data[28:30], "little") & 0x3FFF


def _orientation(picture: Image.Image) -> int:
    try:
        found = picture.getexif().get(_ORIENTATION, 1)
    except Exception:  # a torn EXIF block must not cost the picture
        return 1
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def _draft(picture: Image.Image, fit: _Fit) -> None:
    """Let libjpeg decode at 1/2, 1/4 or 1/8 where twice the needed pixels remain; with less where it must be."""
    left, top, right, bottom = fit.box
    room = min((right - left) / fit.size[0], (bottom - top) / fit.size[1])  # stored pixels for one of the rendition
    pixels = picture.width * picture.height
    scale = max(scale for scale in (1, 2, 4, 8) if scale == 1 or room >= 2 * scale)
    while pixels / scale**2 > MOST_DECODED and scale < 8 and room >= scale * 2:
        scale *= 2
    if scale > 1:
        picture.draft(None, (picture.width // scale, picture.height // scale))
    _check_pixels(*picture.size, MOST_DECODED)


def _plain(picture: Image.Image) -> Image.Image:
    """The decoded picture in a mode that can be resized: L, RGB or RGBA."""
    if picture.mode.startswith("I"):  # 16 bits of grey, which convert() would clip
        grey = picture.convert("I").point(lambda value: value * (1 / 257) + 0.5)
        return grey.convert("L")
    if picture.has_transparency_data:
        return picture.convert("RGBA")
    if picture.mode in {"L", "RGB"}:
        return picture
    return picture.convert("L" if picture.mode == "1" else "RGB")


def _on_black(picture: Image.Image) -> Image.Image:
    if picture.mode != "RGBA":
        return picture.convert("RGB")
    black = Image.new("RGB", picture.size)
    black.paste(picture, mask=picture.getchannel("A"))
    return black


def _jpeg(canvas: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    # Not `optimize`: Pillow 13 gives libjpeg a buffer that a noisy picture overflows at qualities from 91 to 94.
    canvas.save(out, "JPEG", quality=quality, subsampling="4:2:0", progressive=False)
    return out.getvalue()
