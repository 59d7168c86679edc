"""What leaves the encoder: within its bytes, drawn by the decoder, near to the picture."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from imageserver.panel.accepted import inspect
from imageserver.panel.budget import DoesNotFit
from imageserver.panel.decoder import decode, values
from imageserver.panel.encoder import Effort, encode
from imageserver.panel.measure import psnr
from imageserver.panel.profiles import profile_called, profiles

from .drawn import EVERY, black, gradient, noise, text, white

SMALL = profile_called("tft-128x160-565")
LARGE = profile_called("tft-320x480-565")
EFFORTS: list[Effort] = ["fast", "panel", "best"]


def figure(canvas: Image.Image, jpeg: bytes, sigma: float = 2.0) -> float:
    """dB on the model of the panel."""
    return psnr(np.asarray(canvas), values(decode(jpeg)), sigma)


@pytest.mark.parametrize("effort", EFFORTS)
@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("budget", [SMALL.least_bytes(128, 160), 8_000, SMALL.max_bytes])
def test_every_picture_is_within_its_budget_and_accepted(name: str, budget: int, effort: Effort) -> None:
    """Noise, flat colours, stripes, text: each has its size, at most its bytes, and is decoded to the end."""
    canvas = EVERY[name](128, 160)
    jpeg = encode(canvas, SMALL, max_bytes=budget, effort=effort)
    facts = inspect(jpeg)
    assert len(jpeg) <= budget
    assert (facts.width, facts.height) == (128, 160)
    assert facts.sampling in SMALL.samplings
    assert facts.quantisers <= SMALL.quantisers
    assert facts.workspace <= SMALL.workspace
    assert decode(jpeg).shape == (160, 128, 3)


@pytest.mark.parametrize("effort", EFFORTS)
def test_noise_fits_at_the_least_budget_of_the_large_panel(effort: Effort) -> None:
    """The profile's own lower limit holds for the hardest picture there is."""
    jpeg = encode(noise(320, 480), LARGE, max_bytes=LARGE.least_bytes(320, 480), effort=effort)
    assert len(jpeg) <= LARGE.least_bytes(320, 480)
    assert decode(jpeg).shape == (480, 320, 3)


@pytest.mark.parametrize("effort", EFFORTS)
def test_a_budget_beyond_pillows_buffer_is_held(effort: Effort) -> None:
    """Optimised tables need the whole file in a buffer of two bytes a pixel; larger files go without."""
    for budget in (330_000, 400_000):
        assert len(encode(noise(320, 480), LARGE, max_bytes=budget, effort=effort)) <= budget


@settings(max_examples=25)
@given(
    width=st.integers(1, 70),
    height=st.integers(1, 70),
    budget=st.integers(6_000, 30_000),
    name=st.sampled_from(sorted(EVERY)),
    effort=st.sampled_from(EFFORTS),
)
def test_any_size_is_drawn(width: int, height: int, budget: int, name: str, effort: Effort) -> None:
    """Sizes that are no multiple of a block, down to one pixel."""
    jpeg = encode(EVERY[name](width, height), SMALL, max_bytes=budget, effort=effort)
    assert len(jpeg) <= budget
    assert decode(jpeg).shape == (height, width, 3)


@pytest.mark.parametrize("effort", EFFORTS)
def test_the_same_picture_gives_the_same_bytes(effort: Effort) -> None:
    """Nothing is left to chance."""
    made = {encode(text(128, 160), SMALL, max_bytes=12_000, effort=effort) for _ in range(2)}
    assert len(made) == 1


def test_a_budget_that_nothing_fits_in_is_refused() -> None:
    """No JPEG has a hundred bytes."""
    for effort in EFFORTS:
        with pytest.raises(DoesNotFit, match="128x160 pixels do not fit in 100 bytes"):
            encode(black(128, 160), SMALL, max_bytes=100, effort=effort)


@pytest.mark.parametrize(("effort", "least"), [("fast", 50), ("panel", 66), ("best", 67)])
def test_a_gradient_is_as_good_as_measured(effort: Effort, least: float) -> None:
    """Floors under the figures of a smooth picture with bytes enough; an ordinary JPEG has 41 dB."""
    canvas = gradient(128, 160)
    assert figure(canvas, encode(canvas, SMALL, max_bytes=30_000, effort=effort)) >= least


@pytest.mark.parametrize(("effort", "least"), [("fast", 44), ("panel", 47), ("best", 55)])
def test_a_page_of_text_is_as_good_as_measured(effort: Effort, least: float) -> None:
    """Floors under the figures of a hard picture with few bytes."""
    canvas = text(128, 160)
    assert figure(canvas, encode(canvas, SMALL, max_bytes=12_000, effort=effort)) >= least


def test_more_effort_is_never_wasted() -> None:
    """Each effort is nearer to the picture than the one before, and all are nearer than an ordinary JPEG."""
    canvas = gradient(128, 160)
    ordinary = io.BytesIO()
    canvas.save(ordinary, "JPEG", quality=95, subsampling=0)
    figures = [figure(canvas, encode(canvas, SMALL, max_bytes=9_000, effort=effort)) for effort in EFFORTS]
    assert [figure(canvas, ordinary.getvalue()), *figures] == sorted([figure(canvas, ordinary.getvalue()), *figures])


@pytest.mark.parametrize("effort", EFFORTS)
@pytest.mark.parametrize(("draw", "level"), [(black, (0, 0, 0)), (white, (31, 63, 31))])
def test_black_and_white_are_the_panels_own(draw: object, level: tuple[int, int, int], effort: Effort) -> None:
    """The ends of the scale are reached in every pixel; fast leaves a few pixels of black one level of green."""
    canvas = black(128, 160) if draw is black else white(128, 160)
    shown = decode(encode(canvas, SMALL, max_bytes=30_000, effort=effort)).astype(int)
    away = np.abs(shown - np.array(level))
    assert away[..., [0, 2]].max() == 0
    assert away[..., 1].mean() <= (0.15 if effort == "fast" and draw is black else 0)
    assert away.max() <= 1


@pytest.mark.parametrize("effort", EFFORTS)
def test_a_flat_colour_keeps_its_mean(effort: Effort) -> None:
    """A colour between two levels is mixed of both: its mean is right within half of one of 255."""
    canvas = Image.new("RGB", (128, 160), (101, 150, 77))
    shown = values(decode(encode(canvas, SMALL, max_bytes=30_000, effort=effort)))
    allowed = 1.5 if effort == "fast" else 0.3  # fast rounds its tables to whole units
    assert np.abs(shown.mean(axis=(0, 1)) - (101, 150, 77)).max() < allowed


def test_a_screen_of_eight_bits_gets_an_ordinary_jpeg() -> None:
    """No dither and no bias: Pillow decodes what was meant."""
    canvas = gradient(200, 100)
    jpeg = encode(canvas, profile_called("jpeg-8bit"), max_bytes=100_000)
    shown = np.asarray(Image.open(io.BytesIO(jpeg)), np.float64)
    assert np.abs(shown - np.asarray(canvas, np.float64)).mean() < 1


def test_an_ordinary_jpeg_holds_its_budget_too() -> None:
    """Noise at the least budget of the profile."""
    profile = profile_called("jpeg-8bit")
    for budget in (profile.least_bytes(320, 480), 40_000, 90_000):
        assert len(encode(noise(320, 480), profile, max_bytes=budget)) <= budget


def test_every_profile_can_be_encoded_for() -> None:
    """At its own size and its own budget."""
    for profile in profiles().values():
        canvas = gradient(profile.width or 64, profile.height or 64)
        assert len(encode(canvas, profile, max_bytes=profile.max_bytes, effort="fast")) <= profile.max_bytes
