"""The model of the frame's decoder against its arithmetic done slowly, and against pictures worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from frame_client.fakes import Surgery, drawn, jpeg_of
from PIL import Image

from imageserver.panel import accepted, decoder, entropy
from imageserver.panel.decoder import Scale
from imageserver.panel.refusal import JpegRefused

from . import slow_decoder
from .drawn import gradient, noise, text

OPTIONS: list[dict[str, Any]] = [
    {"subsampling": 0, "quality": 95},
    {"subsampling": 1, "quality": 60},
    {"subsampling": 2, "quality": 90},
    {"subsampling": 0, "quality": 5},
    {"subsampling": 2, "quality": 100, "optimize": True},
    {"subsampling": 2, "quality": 80, "restart_marker_blocks": 1},
    {"subsampling": 0, "quality": 85, "restart_marker_rows": 1},
]


def slowly(jpeg: bytes) -> np.ndarray[Any, np.dtype[np.int64]]:
    """8-bit pixels by the slow decoder."""
    file = accepted.opened(jpeg)
    rows = slow_decoder.picture(entropy.planes(file), file.mcu, file.facts.width, file.facts.height)
    return np.array(rows)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("draw", [noise, text, gradient])
def test_every_level_is_that_of_the_slow_decoder(draw: Any, options: dict[str, Any]) -> None:
    """Samplings, qualities, optimised tables, restarts and a size that is no multiple of a block."""
    jpeg = jpeg_of(draw(45, 37), **options)
    assert (decoder.decode(jpeg) == slowly(jpeg) >> np.array([3, 2, 3])).all()


def test_grey_has_no_colour() -> None:
    """A grey file is decoded with colour 128."""
    jpeg = jpeg_of(drawn(29, 19, mode="L"), subsampling=0, quality=88)
    assert (decoder.decode(jpeg) == slowly(jpeg) >> np.array([3, 2, 3])).all()


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_smaller_scales_are_means_rounded_down(scale: Scale, subsampling: int) -> None:
    """Squares of 2 or 4 pixels are averaged; incomplete ones at the edges are dropped."""
    jpeg = jpeg_of(text(45, 37), subsampling=subsampling)
    full = slowly(jpeg)
    height, width = 37 // scale, 45 // scale
    squares = full[: height * scale, : width * scale].reshape(height, scale, width, scale, 3)
    expected = squares.sum(axis=(1, 3)) // scale**2 >> np.array([3, 2, 3])
    assert (decoder.decode(jpeg, scale) == expected).all()


def test_an_eighth_is_the_mean_of_each_block() -> None:
    """A picture of flat blocks at an eighth is one pixel for each block."""
    small = Image.fromarray(np.arange(6 * 4 * 3, dtype=np.uint8).reshape(6, 4, 3) * np.uint8(3))
    jpeg = jpeg_of(small.resize((32, 48), Image.Resampling.NEAREST), subsampling=0, quality=100)
    assert (decoder.decode(jpeg, 8) == decoder.decode(jpeg)[::8, ::8]).all()


@pytest.mark.parametrize(("grey", "level"), [(0, 0), (7, 0), (8, 1), (100, 12), (127, 15), (128, 16), (255, 31)])
def test_flat_blocks_are_exact(grey: int, level: int) -> None:
    """A block that is only a mean is decoded without the half unit that others lose: 8 is level 1, not 0."""
    jpeg = jpeg_of(Image.new("RGB", (16, 16), (grey, grey, grey)), subsampling=0, quality=100)
    assert decoder.decode(jpeg)[..., 0].tolist() == [[level] * 16] * 16


def test_other_blocks_lose_half_a_unit() -> None:
    """By hand: mean 0 and one coefficient of 1 make a wave between 127 and 128, not between 128 and 128."""
    coefficients = [0] * 64
    coefficients[1] = 1
    steps = [1] * 64
    values = slow_decoder.block(coefficients, steps, flat=False)[0]
    # 1 * S[0][1] >> 8 = 44 of 256: e = 0 + 32768, o7 = 44, … each >> 8, so what is below 32768 becomes 127
    assert values == [128, 128, 128, 128, 127, 127, 127, 127]


def test_values_are_not_rounded() -> None:
    """Level 1 of 31 is 8.2258, of 63 it is 4.0476; as the chip gets them they are rounded down."""
    levels = np.array([[[1, 1, 31]]], np.uint8)
    assert decoder.values(levels)[0, 0] == pytest.approx([255 / 31, 255 / 63, 255])
    assert decoder.widened(levels)[0, 0].tolist() == [8, 4, 255]


def test_a_scan_that_ends_early_is_refused() -> None:
    """A frame would read on into stale bytes."""
    whole = jpeg_of(drawn(64, 64))
    with pytest.raises(JpegRefused, match="cut short inside its scan"):
        decoder.decode(whole[:-200] + b"\xff\xd9")


def test_an_unknown_code_is_refused() -> None:
    """A run of ones is no code in any table."""
    surgery = Surgery.open(jpeg_of(drawn(64, 64)))
    surgery.scan = surgery.scan[:40] + b"\xff\x00" * 8 + surgery.scan[40:]
    with pytest.raises(JpegRefused, match="the scan is damaged") as caught:
        decoder.decode(surgery.close())
    assert caught.value.code == "FMT1 (6)"
