"""Proof pictures for people: what was wanted, what was sent, what a panel shows of it, and how far that is away."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Final

import numpy as np
from attrs import frozen
from PIL import Image, ImageChops, ImageDraw

from imageserver.panel.decoder import decode, values, widened
from imageserver.panel.measure import DETAIL, EYE, psnr

_GAP: Final = 10  # pixels between two parts
_FOOT: Final = 24  # pixels for the words
_MAGNIFIED: Final = 8  # times that a difference is shown larger than it is


@frozen(kw_only=True)
class Nearness:
    """How near a panel comes to the picture that was wanted, in dB: to an eye at some distance, in detail, by pixel."""

    eye: float
    detail: float
    pixels: float


def nearness(canvas: Image.Image, jpeg: bytes) -> Nearness:
    """Of a picture made for a panel of 16-bit colour. Raises JpegRefused."""
    wanted, shown = np.asarray(canvas), values(decode(jpeg))
    return Nearness(eye=psnr(wanted, shown, EYE), detail=psnr(wanted, shown, DETAIL), pixels=psnr(wanted, shown, 0))


def drawn(jpeg: bytes) -> Image.Image:
    """What the frame's decoder draws, each level widened to eight bits. Raises JpegRefused."""
    return Image.fromarray(widened(decode(jpeg)))


def drawn_png(jpeg: bytes) -> bytes:
    """The same as a PNG file."""
    out = io.BytesIO()
    drawn(jpeg).save(out, "PNG")
    return out.getvalue()


def strip(name: str, canvas: Image.Image, jpeg: bytes) -> Image.Image:
    """Original, sent, panel and the difference times eight in a row, with the figures below. Raises JpegRefused."""
    panel = drawn(jpeg)
    with Image.open(io.BytesIO(jpeg)) as opened:
        sent = opened.convert("RGB")
    difference = ImageChops.difference(canvas, panel).point([min(255, _MAGNIFIED * level) for level in range(256)] * 3)
    parts = (canvas, sent, panel, difference)
    paper = Image.new("RGB", (len(parts) * (canvas.width + _GAP) - _GAP, canvas.height + _FOOT), "white")
    for place, part in enumerate(parts):
        paper.paste(part, (place * (canvas.width + _GAP), 0))
    near = nearness(canvas, jpeg)
    words = (
        f"{name}: original, sent, panel, difference x{_MAGNIFIED}; "
        f"eye {near.eye:.1f}, detail {near.detail:.1f}, pixels {near.pixels:.1f} dB; {len(jpeg)} bytes"
    )
    ImageDraw.Draw(paper).text((4, canvas.height + 6), words, fill="black")
    return paper


def stacked(strips: Sequence[Image.Image]) -> Image.Image:
    """One below the other."""
    sheet = Image.new("RGB", (max(one.width for one in strips), sum(one.height for one in strips)), "white")
    top = 0
    for one in strips:
        sheet.paste(one, (0, top))
        top += one.height
    return sheet
