"""The parts of the encoder, each by itself."""

from __future__ import annotations

import itertools
import subprocess
import sys

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imageserver.panel import accepted, dither, entropy, huffman
from imageserver.panel.budget import Search
from imageserver.panel.choosing import COSINES
from imageserver.panel.decoder import TOPS, decode
from imageserver.panel.eye import seen
from imageserver.panel.measure import blurred, psnr
from imageserver.panel.profiles import DEFAULT, profiles
from imageserver.panel.source import image_of, levels_of, ycc
from imageserver.panel.steps import COARSEST_NOTCH, coarseness, steps
from imageserver.panel.writer import jpeg_of

from .drawn import gradient, text


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.02, 0.3, 0.9]), st.integers(1, 1000))
def test_coefficients_survive_writing_and_reading(seed: int, density: float, most: int) -> None:
    """Any coefficients in any number, runs of zeros over sixteen and empty blocks among them."""
    chance = np.random.default_rng(seed)
    coefficients = chance.integers(-most, most + 1, (3, 64, 2, 3)) * (chance.random((3, 64, 2, 3)) < density)
    jpeg = jpeg_of(coefficients.astype(np.int32), steps(0), 24, 16)
    planes = entropy.planes(accepted.opened(jpeg))
    assert (np.stack([plane.coefficients for plane in planes]) == coefficients).all()


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=256))
def test_codes_are_sixteen_bits_at_most_and_never_all_ones(counts: list[int]) -> None:
    """However lopsided the counts: each symbol that occurs has a code, no code begins another, and one is left over."""
    weights = np.zeros(256, np.int64)
    weights[: len(counts)] = counts
    table = huffman.table_for(weights)
    codes, bits = huffman.codes(table)
    assert set(np.flatnonzero(bits)) == set(np.flatnonzero(weights))
    assert bits.max(initial=0) <= 16
    assert sum(2.0 ** -int(length) for length in bits if length) < 1
    words = [format(code, f"0{length}b") for code, length in zip(codes, bits, strict=True) if length]
    assert not [word for word in words if set(word) == {"1"}]


def test_frequent_symbols_have_short_codes() -> None:
    """By hand: of four symbols with 8, 4, 2 and 1 the bits are 1, 2, 3 and 4, as all ones is kept free."""
    weights = np.zeros(256, np.int64)
    weights[[5, 6, 7, 8]] = [8, 4, 2, 1]
    assert huffman.codes(huffman.table_for(weights))[1][[5, 6, 7, 8]].tolist() == [1, 2, 3, 4]


def test_fibonacci_counts_are_shortened() -> None:
    """Counts for which Huffman's own codes would have thirty bits."""
    weights = np.zeros(256, np.int64)
    weights[:2] = 1
    for at in range(2, 30):
        weights[at] = weights[at - 1] + weights[at - 2]
    assert huffman.codes(huffman.table_for(weights))[1].max() == 16


def test_steps_grow_with_the_notch() -> None:
    """From all ones to tables that keep the lowest frequencies only; never a step that needs sixteen bits."""
    tables = [steps(notch) for notch in range(COARSEST_NOTCH + 1)]
    assert tables[0] == (1,) * 64
    assert coarseness(COARSEST_NOTCH) == 64
    for finer, coarser in itertools.pairwise(tables):
        assert all(one <= other for one, other in zip(finer, coarser, strict=True))
    assert max(tables[-1]) == 255


@pytest.mark.parametrize("grain", [dither.EVERYWHERE, dither.ONLY_DOWN])
def test_shares_of_an_error_add_up_to_all_of_it(grain: dither.Grain) -> None:
    """Nothing is lost, or flat colours would be shifted."""
    assert dither.weights(grain).sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("grain", [dither.EVERYWHERE, dither.ONLY_DOWN])
@pytest.mark.parametrize("size", [(64, 48), (48, 64), (5, 3), (1, 1)])
def test_dither_gives_whole_levels_with_the_same_mean(grain: dither.Grain, size: tuple[int, int]) -> None:
    """Levels of the panel only, and in a larger picture the mean of what was wanted."""
    wanted = levels_of(gradient(*size))
    levels = dither.diffused(wanted, grain)
    assert levels.shape == wanted.shape
    assert (levels == np.rint(levels)).all()
    assert (levels >= 0).all()
    assert (levels.max(axis=(1, 2)) <= TOPS).all()
    if min(size) > 40:
        assert np.abs((levels - wanted).mean(axis=(1, 2))).max() < 0.03


def test_dither_leaves_whole_levels_alone() -> None:
    """What is on a level has no error to pass on."""
    levels = np.broadcast_to(np.array([[[3.0]], [[40.0]], [[31.0]]], np.float32), (3, 20, 30)).copy()
    assert (dither.diffused(levels, dither.EVERYWHERE) == levels).all()


def test_the_source_ends_on_its_levels() -> None:
    """With steps of 1 the decoder draws the very levels that were meant, in nearly every pixel."""
    levels = dither.diffused(levels_of(gradient(96, 96)), dither.EVERYWHERE)
    jpeg = Search(image_of(ycc(levels)), "4:4:4", 0).at(0)
    right = (decode(jpeg) == levels.transpose(1, 2, 0)).mean()
    assert right > 0.999


def test_without_the_correction_it_does_not() -> None:
    """The same levels as plain RGB values lose one in forty: the decoder cuts off."""
    levels = dither.diffused(levels_of(gradient(96, 96)), dither.EVERYWHERE)
    plain = (levels.transpose(1, 2, 0) * 255 / np.array(TOPS)).astype(np.uint8)
    jpeg = Search(image_of(_jfif(plain)), "4:4:4", 0).at(0)
    assert (decode(jpeg) == levels.transpose(1, 2, 0)).mean() < 0.98


def _jfif(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """By the formula of JFIF 1.02, with nothing added."""
    matrix = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])
    ycc_planes = np.einsum("ij,yxj->iyx", matrix, rgb.astype(np.float64))
    return np.asarray(ycc_planes + np.array([0, 128, 128])[:, None, None], np.float32)


@given(st.integers(500, 40_000), st.integers(0, 72), st.integers(2, 8))
@settings(max_examples=40)
def test_a_search_ends_within_the_budget(most: int, guess: int, probes: int) -> None:
    """Wherever it begins."""
    search = Search(image_of(ycc(levels_of(text(64, 64)))), "4:4:4", COARSEST_NOTCH)
    if len(search.at(COARSEST_NOTCH)) <= most:
        assert len(search.at(search.finest(most, guess=guess, probes=probes))) <= most


def test_the_cosines_are_orthonormal() -> None:
    """So quantisation errors of coefficients and of pixels have the same size."""
    assert np.abs(COSINES @ COSINES.T - np.eye(64)).max() < 1e-6


def test_the_eyes_form_is_the_measured_error() -> None:
    """error · seen(error) is the sum of squares of the blurred error, at the edges too."""
    error = np.random.default_rng(3).normal(size=(3, 70, 50)).astype(np.float32)
    expected = np.square(blurred(error.transpose(1, 2, 0).astype(np.float64), 2.0)).sum()
    assert float((error * seen(error)).sum()) == pytest.approx(expected, rel=1e-4)


def test_psnr_by_hand() -> None:
    """One unit everywhere is 48.13 dB whatever the Gaussian; nothing is 99; one pixel counts less when blurred."""
    wanted = np.full((20, 30, 3), 100, np.uint8)
    shown = np.full((20, 30, 3), 101, np.float32)
    assert [round(psnr(wanted, shown, sigma), 2) for sigma in (0, 0.8, 2)] == [48.13] * 3
    assert psnr(wanted, wanted.astype(np.float32), 2) == 99
    shown = wanted.astype(np.float32)
    shown[10, 15] += 60
    assert psnr(wanted, shown, 2) > psnr(wanted, shown, 0.8) > psnr(wanted, shown, 0)


def test_profiles_are_data() -> None:
    """The default comes first, and reading them brings neither NumPy nor Pillow."""
    assert next(iter(profiles())) == DEFAULT
    assert {profile.name for profile in profiles().values()} == set(profiles())
    code = "import sys, imageserver.panel.profiles as p; p.profiles(); print({'numpy', 'PIL'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
