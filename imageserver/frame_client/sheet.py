"""Two pictures side by side for a person: what was sent, and what the panel shows of it."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from imageserver.frame_client.jpeg import JpegFacts

_MARGIN, _LINE = 16, 20  # pixels
_LETTERS = 14
_NARROWEST = 240  # pixels, so that the captions have room
_PAPER, _INK = "white", "black"


def sheet(jpeg: bytes, facts: JpegFacts, screen: Image.Image) -> Image.Image:
    """The picture as a computer shows it, at the panel's size, beside the screen; captions below."""
    with Image.open(io.BytesIO(jpeg[jpeg.find(b"\xff\xd8") :]), formats=("JPEG",)) as sent:
        quality = _quality(sent)
        picture = sent.convert("RGB")
    if picture.size != screen.size:
        picture.thumbnail(screen.size, Image.Resampling.LANCZOS)
    width, height = max(screen.width, _NARROWEST), screen.height
    captions = (
        (
            f"sent: {facts.width}x{facts.height}",
            f"{facts.size} bytes, {quality}",
            f"{facts.sampling}, {_tables(facts)}",
        ),
        (f"panel: {screen.width}x{screen.height}", "as its decoder draws", "32, 64 and 32 levels"),
    )
    lines = max(map(len, captions))
    paper = Image.new("RGB", (2 * width + 3 * _MARGIN, height + lines * _LINE + 2 * _MARGIN), _PAPER)
    for place, (shown, caption) in enumerate(zip((picture, screen), captions, strict=True)):
        left = _MARGIN + place * (width + _MARGIN)
        paper.paste(shown, (left, _MARGIN))
        _write(paper, left, _MARGIN + height, caption)
    return paper


def _write(paper: Image.Image, left: int, top: int, lines: Sequence[str]) -> None:
    pen, font = ImageDraw.Draw(paper), ImageFont.load_default(_LETTERS)
    for number, line in enumerate(lines):
        pen.text((left, top + number * _LINE + 4), line, fill=_INK, font=font)


def _tables(facts: JpegFacts) -> str:
    return "1 quantiser table" if facts.quantisers == 1 else f"{facts.quantisers} quantiser tables"


def _quality(picture: Image.Image) -> str:
    """The quality with which libjpeg makes the same luma table; other encoders have tables of their own."""
    wanted = list(_luma(picture))
    for quality in range(100, 0, -1):
        file = io.BytesIO()
        Image.new("L", (8, 8)).save(file, "JPEG", quality=quality)
        with Image.open(file) as made:
            if list(_luma(made)) == wanted:
                return f"quality {quality}"
    return "tables of its own"


def _luma(picture: Image.Image) -> Sequence[int]:
    tables: dict[int, Sequence[int]] = getattr(picture, "quantization", {})
    return tables[min(tables)] if tables else ()
