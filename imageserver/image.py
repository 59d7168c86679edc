"""Pictures as bytes: what they are, and their rendition at a frame's size. Pure Pillow: no paths, no asyncio.

What comes in is not trusted: format and size are read from the header and held against the limits before a pixel is
decoded. Everything that goes wrong is a PictureBroken with one short reason. Whoever changes what comes out of
render() counts `target.PIPELINE` up.
"""

from __future__ import annotations

import contextlib
import io
import math
from collections.abc import Iterator
from typing import Final, Literal

from attrs import frozen

# The plugins are named so that Pillow does not import its forty others when it meets the first WEBP.
from PIL import Image, JpegImagePlugin, PngImagePlugin, UnidentifiedImageError, WebPImagePlugin  # noqa: F401 - registered by the import

from imageserver.errors import PictureBroken
from imageserver.fitting.orientation import Orientation
from imageserver.hanging import hung
from imageserver.target import Render, Target

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
_Box = tuple[float, float, float, float]  # left, top, right, bottom in pixels
# Decoded pixels for one of the rendition, at least: fewer are cheaper, but libjpeg averages numbers and not light.
_SPARE: Final[dict[Render, float]] = {"fast": 1.0, "panel": 2.0, "best": math.inf}


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
    """The picture as a baseline JPEG without metadata, of exactly the target's size. Raises PictureBroken."""
    return encoded(fitted(data, target), target)


def encoded(canvas: Image.Image, target: Target) -> bytes:
    """A fitted picture as the JPEG that a frame gets: turned and made for its panel, and no larger than it may be.

    A picture that does not fit into the owner's `max_bytes` however coarse is the smallest that there is.
    """
    from imageserver.panel.budget import DoesNotFit
    from imageserver.panel.encoder import encode
    from imageserver.panel.profiles import profile_called

    canvas, profile = hung(canvas, target), profile_called(target.panel)
    most = target.max_bytes or profile.bytes_for(target.width, target.height)
    try:
        return encode(canvas, profile, max_bytes=most, effort=target.render, quality=target.quality)
    except DoesNotFit:
        return _jpeg(canvas, 1)


def fitted(data: bytes, target: Target, focus: tuple[float, float] | None = None) -> Image.Image:
    """The picture in RGB at exactly the target's upright size, as a person sees it. Raises PictureBroken.

    The EXIF orientation is obeyed, transparency becomes black, of an animation the first picture is taken. `focus` is
    the spot that a crop must keep, from 0 to 1 from left and top of the picture as a person sees it. Of the
    target's ways to render, "fast" averages numbers and not light, and "best" decodes every pixel first.
    """
    from imageserver.fitting import bars, colour, crop, resample  # bring NumPy with them
    from imageserver.fitting.glance import glance

    with _opened(data) as picture:
        # In a PNG the orientation may stand behind the pixels; of a JPEG it is asked before draft() changes the size.
        is_jpeg = picture.format in {"JPEG", "MPO"}
        if not is_jpeg:
            picture.load()
        profile = None if picture.mode == "CMYK" else picture.info.get("icc_profile")
        orientation = Orientation.of(picture)
        stored = picture.size
        source = orientation.size(stored)
        if is_jpeg:
            _draft(picture, _room(source, target), spare=_SPARE[target.render])
            picture.load()
        pixels = _on_black(_plain(picture))
        fit = crop.fit(
            source,
            target.upright,
            mode=target.fit_mode,
            stretch=target.fit_threshold,
            focus=focus,
            look=lambda: glance(pixels, orientation),
        )
        box = _shrunk(orientation.stored_box(fit.box, stored), stored[0], picture)
        size = orientation.size(fit.size)  # turning twice is turning back, as far as sizes go
        if target.render == "fast":
            small = pixels.resize(size, Image.Resampling.BICUBIC, box=box)
        else:
            small = resample.resized(pixels, size, box, sharpen=True)
    return bars.filled(colour.in_srgb(orientation.seen(small), profile), target.upright, blurred=fit.blurs_bars)


def is_flat(data: bytes) -> bool:
    """Whether the whole picture is one colour. Raises PictureBroken."""
    with _opened(data) as picture:
        picture.draft("RGB", (512, 512))  # a large JPEG need not be decoded whole for this
        extremes = picture.convert("RGB").getextrema()
    return all(isinstance(pair, tuple) and pair[1] - pair[0] <= 2 for pair in extremes)


def black(target: Target) -> bytes:
    """A black JPEG of exactly the target's size: dark on its panel too where that inverts colours."""
    return encoded(Image.new("RGB", target.upright), target)


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


def _room(source: tuple[int, int], target: Target) -> float:
    """Stored pixels for one of the rendition, where there are fewest of them."""
    across, down = target.upright[0] / source[0], target.upright[1] / source[1]
    return 1 / (min(across, down) if target.fit_mode in {"pad", "blur-pad"} else max(across, down))


def _draft(picture: Image.Image, room: float, *, spare: float) -> None:
    """Let libjpeg decode at 1/2, 1/4 or 1/8 where `spare` times the needed pixels remain; at less where it must."""
    pixels = picture.width * picture.height
    scale = max(scale for scale in (1, 2, 4, 8) if scale == 1 or room >= spare * scale)
    while pixels / scale**2 > MOST_DECODED and scale < 8 and room >= scale * 2:
        scale *= 2
    if scale > 1:
        picture.draft(None, (max(1, picture.width // scale), max(1, picture.height // scale)))
    _check_pixels(*picture.size, MOST_DECODED)


def _shrunk(box: _Box, full: int, picture: Image.Image) -> _Box:
    """The same part of a picture that was decoded smaller than its `full` width."""
    if full == picture.width:
        return box
    scale = next(scale for scale in (2, 4, 8) if -(-full // scale) == picture.width)
    left, top, right, bottom = (edge / scale for edge in box)
    return left, top, min(right, picture.width), min(bottom, picture.height)


def _plain(picture: Image.Image) -> Image.Image:
    """The decoded picture in a mode that can be resized: L, RGB or RGBA."""
    if picture.mode.startswith("I"):  # 16 bits of grey, which convert() would clip
        grey = picture.convert("I").point(lambda value: value * (1 / 257) + 0.5)
        return grey.convert("L")
    if picture.has_transparency_data:
        return picture if picture.mode == "RGBA" else picture.convert("RGBA")
    if picture.mode in {"L", "RGB"}:
        return picture
    return picture.convert("L" if picture.mode == "1" else "RGB")


def _on_black(picture: Image.Image) -> Image.Image:
    if picture.mode != "RGBA":
        return picture if picture.mode == "RGB" else picture.convert("RGB")
    black = Image.new("RGB", picture.size)
    black.paste(picture, mask=picture.getchannel("A"))
    return black


def _jpeg(canvas: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    # Not `optimize`: Pillow 13 gives libjpeg a buffer that a noisy picture overflows at qualities from 91 to 94.
    canvas.save(out, "JPEG", quality=quality, subsampling="4:2:0", progressive=False)
    return out.getvalue()
