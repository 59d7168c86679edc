"""Bytes in, a frame's JPEG out: every orientation and mode comes right, and nothing broken gets further."""

from __future__ import annotations

import io
import random
import struct
import warnings
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from attrs import evolve
from fitting.profiles import DISPLAY_P3, profile
from PIL import Image, ImageChops, ImageStat

from imageserver import image
from imageserver.errors import PictureBroken
from imageserver.image import PictureFacts, Target, identify, render
from imageserver.target import Render

PANEL = Target(width=60, height=90)
Pixel = tuple[int, int, int]
RED, GREEN, BLUE, WHITE, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0)


def encoded(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """The picture as a file of this kind."""
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def quarters(width: int, height: int) -> Image.Image:
    """Red, green / blue, white: which corner is which can be seen after any turn."""
    picture = Image.new("RGB", (width, height), WHITE)
    picture.paste(RED, (0, 0, width // 2, height // 2))
    picture.paste(GREEN, (width // 2, 0, width, height // 2))
    picture.paste(BLUE, (0, height // 2, width // 2, height))
    return picture


def shown(data: bytes, target: Target = PANEL) -> Image.Image:
    """What a frame sees of a rendition, once it is known to be one: baseline, three components, the exact size."""
    rendition = render(data, target)
    assert_rendition(rendition, target)
    return Image.open(io.BytesIO(rendition)).convert("RGB")


def assert_rendition(rendition: bytes, target: Target) -> None:
    """Baseline JPEG, 8 bits, no metadata, exactly as large as the panel, whole to the last byte."""
    assert rendition[:2] == b"\xff\xd8"
    assert rendition[-2:] == b"\xff\xd9"
    place, markers = 2, []
    while rendition[place + 1] != 0xDA:
        marker, length = rendition[place + 1], int.from_bytes(rendition[place + 2 : place + 4])
        markers.append(marker)
        if marker == 0xC0:
            depth, height, width, components, first = struct.unpack(">BHHBxB", rendition[place + 4 : place + 12])
            assert (depth, width, height, components) == (8, target.width, target.height, 3)
            assert first in (0x11, 0x22), "4:4:4 or 4:2:0"
        place += 2 + length
    assert 0xC0 in markers
    assert set(markers) <= {0xE0, 0xDB, 0xC0, 0xC4}, "tables and a JFIF header, nothing else"
    with Image.open(io.BytesIO(rendition)) as picture:
        picture.load()


def near(wanted: Pixel, picture: Image.Image, x: int, y: int) -> bool:
    """Whether the pixel has this colour, JPEG's losses allowed."""
    found = picture.getpixel((x, y))
    assert isinstance(found, tuple)
    return all(abs(a - b) <= 24 for a, b in zip(wanted, found, strict=True))


def corners(picture: Image.Image) -> list[str]:
    """The colours of the four corners: top left, top right, bottom left, bottom right."""
    names = {"red": RED, "green": GREEN, "blue": BLUE, "white": WHITE, "black": BLACK}
    right, bottom = picture.width - 6, picture.height - 6
    return [
        next((name for name, colour in names.items() if near(colour, picture, x, y)), "other")
        for x, y in ((5, 5), (right, 5), (5, bottom), (right, bottom))
    ]


# EXIF 2.3, table 4: where row 0 and column 0 of the stored picture are on the wall.
ORIENTED = {
    1: ["red", "green", "blue", "white"],
    2: ["green", "red", "white", "blue"],
    3: ["white", "blue", "green", "red"],
    4: ["blue", "white", "red", "green"],
    5: ["red", "blue", "green", "white"],
    6: ["blue", "red", "white", "green"],
    7: ["white", "green", "blue", "red"],
    8: ["green", "white", "red", "blue"],
}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", ORIENTED)
def test_exif_orientation_is_obeyed(orientation: int, kind: str) -> None:
    """However the camera was held, what was up is up; also when the JPEG is decoded at a fraction of its size."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    size = (900, 600) if orientation >= 5 else (600, 900)
    data = encoded(quarters(*size), kind, exif=exif)
    assert corners(shown(data)) == ORIENTED[orientation]


def test_a_turned_picture_is_cropped_and_padded_the_way_it_hangs() -> None:
    """A photo held upright has its bars left and right on a wide panel, and loses top and bottom when cropped."""
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(quarters(800, 400), "JPEG", exif=exif)  # hangs as 400 wide, 800 high
    padded = shown(data, Target(width=200, height=100, fit_mode="pad"))
    assert corners(padded) == ["black"] * 4
    assert near(BLUE, padded, 85, 10)
    assert near(GREEN, padded, 115, 90)
    assert corners(shown(data, Target(width=200, height=100, fit_mode="crop"))) == ["blue", "red", "white", "green"]


def test_a_torn_exif_block_does_not_cost_the_picture() -> None:
    """Metadata that cannot be read counts as none."""
    data = encoded(quarters(60, 90), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert corners(shown(data)) == ORIENTED[1]


def edged(width: int, height: int) -> Image.Image:
    """Green with a red edge as wide as a tenth of the shorter side."""
    picture = Image.new("RGB", (width, height), RED)
    edge = min(width, height) // 10
    picture.paste(GREEN, (edge, edge, width - edge, height - edge))
    return picture


@pytest.mark.parametrize(
    ("size", "mode", "threshold", "left", "top"),
    [
        ((600, 900), "crop", 0.03, RED, RED),  # the panel's own proportions: everything is there
        ((615, 900), "crop", 0.03, RED, RED),  # 2.5 % wider: stretched, the edges stay
        ((600, 925), "pad", 0.03, RED, RED),  # 2.8 % higher: stretched, no bars
        ((900, 900), "crop", 0.03, GREEN, RED),  # wider: left and right are cut off
        ((600, 1200), "crop", 0.03, RED, GREEN),  # higher: top and bottom are cut off
        ((900, 900), "pad", 0.03, RED, BLACK),  # wider: bars above and below
        ((600, 1200), "pad", 0.03, BLACK, RED),  # higher: bars left and right
        ((900, 900), "crop", 0.6, RED, RED),  # the owner allows a lot of stretching
        ((615, 900), "pad", 0.0, RED, BLACK),  # … or none
    ],
)
def test_other_proportions_are_stretched_cropped_or_padded(
    size: tuple[int, int], mode: Any, threshold: float, left: Pixel, top: Pixel
) -> None:
    """Up to the threshold stretch; above it crop the centre or pad with black."""
    target = Target(width=200, height=300, fit_mode=mode, fit_threshold=threshold)
    for kind in ("PNG", "JPEG"):
        picture = shown(encoded(edged(*size), kind), target)
        assert near(left, picture, 1, 150)
        assert near(left, picture, 198, 150)
        assert near(top, picture, 100, 1)
        assert near(top, picture, 100, 298)
        assert near(GREEN, picture, 100, 150)


def palette(transparent: bool) -> bytes:
    """A picture of 256 colours, its background transparent or not."""
    picture = Image.new("P", (60, 90), 0)
    picture.putpalette([0, 0, 255, 255, 0, 0])
    picture.paste(1, (0, 45, 60, 90))
    return encoded(picture, transparency=0) if transparent else encoded(picture)


MODES: dict[str, tuple[Callable[[], bytes], Pixel, Pixel]] = {  # colour above, colour below
    "palette": (lambda: palette(transparent=False), BLUE, RED),
    "palette with a transparent colour": (lambda: palette(transparent=True), BLACK, RED),
    "grey": (lambda: encoded(Image.new("L", (60, 90), 100)), (100, 100, 100), (100, 100, 100)),
    "grey, 16 bits": (lambda: encoded(Image.new("I;16", (60, 90), 25_700)), (100, 100, 100), (100, 100, 100)),
    "black and white": (lambda: encoded(Image.new("1", (60, 90), 1)), WHITE, WHITE),
    "grey, half transparent": (
        lambda: encoded(Image.new("LA", (60, 90), (200, 128))),
        (100, 100, 100),
        (100, 100, 100),
    ),
    "transparent red": (lambda: encoded(Image.new("RGBA", (60, 90), (255, 0, 0, 0))), BLACK, BLACK),
    "transparent WEBP": (
        lambda: encoded(Image.new("RGBA", (60, 90), (255, 0, 0, 128)), "WEBP", lossless=True),
        (128, 0, 0),
        (128, 0, 0),
    ),
    "colour with one transparent": (lambda: encoded(Image.new("RGB", (60, 90), RED), transparency=RED), BLACK, BLACK),
    "grey JPEG": (lambda: encoded(Image.new("L", (60, 90), 100), "JPEG"), (100, 100, 100), (100, 100, 100)),
    "CMYK JPEG": (lambda: encoded(Image.new("CMYK", (60, 90), (0, 255, 255, 0)), "JPEG"), RED, RED),
    "progressive JPEG": (lambda: encoded(Image.new("RGB", (60, 90), BLUE), "JPEG", progressive=True), BLUE, BLUE),
    "animated WEBP": (
        lambda: encoded(
            Image.new("RGB", (60, 90), RED), "WEBP", save_all=True, append_images=[Image.new("RGB", (60, 90), BLUE)]
        ),
        RED,
        RED,
    ),
    "animated PNG": (
        lambda: encoded(
            Image.new("RGB", (60, 90), RED), save_all=True, append_images=[Image.new("RGB", (60, 90), BLUE)]
        ),
        RED,
        RED,
    ),
    "a phone's JPEG with a second picture": (
        lambda: encoded(
            Image.new("RGB", (600, 900), RED), "MPO", save_all=True, append_images=[Image.new("RGB", (60, 90), BLUE)]
        ),
        RED,
        RED,
    ),
}


@pytest.mark.parametrize("mode", MODES)
def test_every_kind_of_pixel_comes_right(mode: str) -> None:
    """Palettes, greys, 16 bits, CMYK and animations show their colours; what is transparent is black."""
    make, above, below = MODES[mode]
    picture = shown(make())
    assert near(above, picture, 30, 20)
    assert near(below, picture, 30, 70)


def test_16_bits_of_grey_keep_their_shades() -> None:
    """Shades above 255 are scaled, not clipped to white."""
    picture = Image.new("I;16", (60, 90))
    picture.putdata([x * 1000 for _ in range(90) for x in range(60)])
    rendition = shown(encoded(picture)).convert("L")
    shades = [rendition.getpixel((x, 45)) for x in (2, 20, 40, 57)]
    for x, shade in zip((2, 20, 40, 57), shades, strict=True):
        assert isinstance(shade, int)
        assert abs(shade - x * 1000 / 257) < 10


def test_no_metadata_gets_into_a_rendition() -> None:
    """Where a photo was taken does not hang on the wall: EXIF, comment and colour profile are left behind."""
    exif = Image.Exif()
    exif[0x010E] = "secret place"
    data = encoded(quarters(60, 90), "JPEG", exif=exif, comment=b"secret comment", icc_profile=b"secret profile")
    assert b"secret" in data
    assert b"secret" not in render(data, PANEL)


@pytest.mark.parametrize("quality", [1, 50, 90, 91, 93, 95, 100])
def test_noise_can_be_saved_at_every_quality(quality: int) -> None:
    """The worst picture for a JPEG comes out whole."""
    noise = Image.frombytes("RGB", (320, 480), random.Random(1).randbytes(320 * 480 * 3)).quantize(2)
    target = Target(width=320, height=480, quality=quality)
    assert_rendition(render(encoded(noise), target), target)


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (3, 2)])
@pytest.mark.parametrize("mode", ["smart", "crop", "pad", "blur-pad"])
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_the_thinnest_pictures_come_out_at_the_size(size: tuple[int, int], mode: Any, kind: str) -> None:
    """Proportions that nobody hangs do not break the arithmetic."""
    target = Target(width=60, height=90, fit_mode=mode)
    assert_rendition(render(encoded(Image.new("RGB", size, RED), kind), target), target)


EFFORTS: tuple[Render, ...] = ("fast", "panel", "best")


@pytest.mark.parametrize("mode", ["smart", "crop", "pad", "blur-pad"])
def test_every_effort_shows_the_same_part_at_the_same_size(mode: Any) -> None:
    """Less effort costs sharpness, not the composition: no colour is more than a few levels off."""
    data = encoded(quarters(1400, 1000).rotate(20), "JPEG", quality=95)
    target = Target(width=160, height=240, fit_mode=mode)
    best, *others = (image.fitted(data, evolve(target, render=effort)) for effort in reversed(EFFORTS))
    for other in others:
        assert other.size == (160, 240)
        assert sum(ImageStat.Stat(ImageChops.difference(best, other)).mean) / 3 < 4


def test_light_is_averaged_unless_it_must_be_fast() -> None:
    """Half of the pixels white is half of the light, 188; the fast way takes the middle of the numbers."""
    chessboard = Image.new("L", (2, 2))
    chessboard.putdata([0, 255, 255, 0])
    board = Image.new("L", (240, 360))
    for place in ((x, y) for x in range(0, 240, 2) for y in range(0, 360, 2)):
        board.paste(chessboard, place)
    grey = {effort: image.fitted(encoded(board), evolve(PANEL, render=effort)).getpixel((30, 45)) for effort in EFFORTS}
    assert grey["panel"] == grey["best"] == (188, 188, 188)
    assert grey["fast"] in {(127, 127, 127), (128, 128, 128)}


def test_a_picture_is_fitted_as_it_is_seen_on_a_panel_that_hangs_turned() -> None:
    """On a panel of 60x90 that hangs on its side a person sees 90x60."""
    data = encoded(quarters(900, 600))
    seen = image.fitted(data, Target(width=60, height=90, rotate=90))
    assert seen.size == (90, 60)
    assert corners(seen) == ORIENTED[1]


def test_threads_do_not_disturb_each_other() -> None:
    """The same file gives the same pixels, also when eight threads ask at once."""
    noise = Image.frombytes("RGB", (300, 200), random.Random(1).randbytes(300 * 200 * 3))
    data = encoded(noise, "JPEG", icc_profile=profile(DISPLAY_P3, 2.2))
    target = Target(width=60, height=90, fit_mode="smart")
    alone = image.fitted(data, target).tobytes()
    with ThreadPoolExecutor(8) as threads:
        together = [fitted.tobytes() for fitted in threads.map(lambda _: image.fitted(data, target), range(32))]
    assert set(together) == {alone}


@pytest.mark.parametrize(("kind", "name"), [("JPEG", "jpeg"), ("PNG", "png"), ("WEBP", "webp")])
def test_identify_reads_the_header_alone(kind: str, name: Any) -> None:
    """Format and size are known from the first bytes of the file."""
    data = encoded(Image.frombytes("RGB", (70, 50), random.Random(1).randbytes(70 * 50 * 3)), kind)
    assert identify(data) == PictureFacts(format=name, width=70, height=50)
    if kind != "WEBP":  # Pillow wants the whole of it
        assert identify(data[:700]) == PictureFacts(format=name, width=70, height=50)


@pytest.mark.parametrize("lossless", [True, False])
def test_the_size_of_a_webp_is_known_before_pillow_opens_it(lossless: bool) -> None:
    """All three kinds of WEBP header are read as Pillow reads them."""
    for mode in ("RGB", "RGBA"):
        data = encoded(Image.new(mode, (301, 97), (255, 0, 0, 9)[: len(mode)]), "WEBP", lossless=lossless)
        assert image._webp_size(data) == (301, 97)
    assert image._webp_size(encoded(quarters(20, 10))) == (0, 0)


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "PPM", "ICO"])
def test_other_formats_are_refused(kind: str) -> None:
    """Only JPEG, PNG and WEBP reach a decoder, whatever else Pillow could read."""
    with pytest.raises(PictureBroken, match="no JPEG, PNG or WEBP picture"):
        identify(encoded(quarters(32, 32), kind))


def png(width: int, height: int, packed: bytes) -> bytes:
    """A PNG of black and white pixels with these compressed rows."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def test_a_bomb_of_20_kilobytes_is_refused_by_its_header() -> None:
    """A small file that would unpack to hundreds of megabytes is not unpacked."""
    bomb = png(13_000, 13_000, zlib.compress(b"\0" * (13_000 * 1626), 9))
    assert len(bomb) < 25_000
    for look in (identify, lambda data: render(data, PANEL)):
        with pytest.raises(PictureBroken, match="13000x13000 are more than 40 million pixels"):
            look(bomb)


@pytest.mark.parametrize("size", [(20_000, 20_000), (2**31 - 1, 2**31 - 1), (60_000, 4_000)])
def test_pixels_beyond_every_limit_are_refused(size: tuple[int, int]) -> None:
    """Also what Pillow itself warns of or refuses is a PictureBroken."""
    with pytest.raises(PictureBroken, match="pixels"):
        identify(png(*size, b""))


def test_a_webp_that_lies_about_its_size_is_refused() -> None:
    """The canvas in the header counts, before memory is taken for it."""
    data = bytearray(encoded(Image.new("RGBA", (30, 30), (1, 2, 3, 4)), "WEBP"))
    assert data[12:16] == b"VP8X"
    data[24:30] = b"\xff\x3f\0\xff\x3f\0"
    with pytest.raises(PictureBroken, match="16384x16384"):
        identify(bytes(data))


def test_a_big_baseline_jpeg_is_decoded_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A baseline JPEG above the limit is still shown where an eighth of it suffices; a progressive one is not."""
    monkeypatch.setattr(image, "MOST_DECODED", 100_000)
    baseline = encoded(quarters(800, 1200), "JPEG")
    assert corners(shown(baseline)) == ORIENTED[1]
    assert corners(shown(baseline, Target(width=200, height=300))) == ORIENTED[1], "a quarter is all that is allowed"
    with pytest.raises(PictureBroken, match="800x1200 are more"):
        render(baseline, Target(width=600, height=900))
    with pytest.raises(PictureBroken, match="800x1200 are more"):
        render(encoded(quarters(800, 1200), "JPEG", progressive=True), PANEL)


def test_a_file_above_64_mib_is_refused_unread() -> None:
    """The number of bytes is the first limit."""
    with pytest.raises(PictureBroken, match="64 MiB"):
        identify(bytes(64 * 2**20 + 1))


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_truncated_file_is_broken(kind: str) -> None:
    """A file that ends early is never shown half grey, wherever it ends."""
    data = encoded(Image.frombytes("RGB", (64, 96), random.Random(1).randbytes(64 * 96 * 3)), kind)
    assert_rendition(render(data, PANEL), PANEL)
    for part in range(64):
        with pytest.raises(PictureBroken):
            render(data[: len(data) * part // 64], PANEL)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.filterwarnings("ignore")  # Pillow warns of what it forgives
def test_mutations_are_broken_or_shown(kind: str) -> None:
    """100 damaged files of each kind: a rendition of the exact size, or PictureBroken with a short reason."""
    chance = random.Random(kind)
    exif = Image.Exif()
    exif[0x0112] = 6
    good = encoded(quarters(90, 60), kind, exif=exif)
    outcomes = set()
    for _ in range(100):
        data = bytearray(good)
        for _ in range(chance.choice((1, 1, 2, 8))):
            # The headers are where it hurts, so half of the damage is done there.
            data[chance.randrange(120 if chance.random() < 0.5 else len(data))] = chance.randrange(256)
        try:
            assert_rendition(render(bytes(data), PANEL), PANEL)
            outcomes.add("shown")
        except PictureBroken as broken:
            outcomes.add("broken")
            assert len(str(broken)) <= 100, broken  # noqa: PT017 - either outcome is right, raises() wants one
            assert "\n" not in str(broken)  # noqa: PT017 - as above
    assert outcomes == {"shown", "broken"}
