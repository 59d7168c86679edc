"""The built-in painter."""

from __future__ import annotations

import io
import json
import logging
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pluggy
import pytest
from PIL import Image

from imageserver import GenerationRequest, ImageProvider, ProviderContext
from imageserver.clock import SystemClock
from imageserver.default_plugins import atelier
from imageserver.default_plugins.atelier import vocabulary
from imageserver.default_plugins.atelier.canvas import Canvas
from imageserver.default_plugins.atelier.noise import Field, Random
from imageserver.default_plugins.atelier.painting import STYLES, paint
from imageserver.default_plugins.atelier.palette import mixed_for
from imageserver.default_plugins.atelier.words import Wishes, wishes_of
from imageserver.hookspecs import PROJECT

SMALL = 96, 144  # of the shape of a frame, and quick to paint
# A word for each style, so that a test can ask for all of them.
ASKING = {
    "mountains": "mountains",
    "sea": "ocean",
    "forest": "forest",
    "botanical": "flowers",
    "glass": "stained glass",
    "truchet": "tiles",
    "bauhaus": "bauhaus",
    "circles": "bubbles",
    "marble": "marble",
    "watercolour": "watercolour",
    "papercut": "origami",
    "coral": "coral",
    "attractor": "nebula",
    "flow": "wind",
    "brush": "impasto",
    "woven": "carpet",
}


def pixels(data: bytes) -> npt.NDArray[np.float64]:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"), dtype=np.float64) / 255


def dominant_hue(data: bytes) -> float:
    """Degrees, 0 red, 120 green, 240 blue: the mean direction on the colour circle, weighted by how colourful."""
    red, green, blue = pixels(data).reshape(-1, 3).T
    across, up = red - (green + blue) / 2, (green - blue) * np.sqrt(3) / 2
    return float(np.degrees(np.arctan2(up.sum(), across.sum())) % 360)


def apart(first: float, second: float) -> float:
    return abs((first - second + 180) % 360 - 180)


def segments(data: bytes) -> list[int]:
    """The marker bytes of a JPEG up to its picture data."""
    found, place = [], 2
    while data[place] == 0xFF:
        marker = data[place + 1]
        found.append(marker)
        if marker == 0xDA:
            break
        place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    return found


@pytest.fixture
def provider(tmp_path: Path) -> ImageProvider:
    context = ProviderContext(
        settings=None,
        clock=SystemClock(),
        random=random.Random(1),
        log=logging.getLogger("atelier"),
        data_folder=tmp_path / "atelier",
    )
    return atelier.Atelier(context)


def request(width: int, height: int, prompt: str = "a quiet sea") -> GenerationRequest:
    return GenerationRequest(job="j1", prompt=prompt, negative=None, width=width, height=height, seed=7)


def test_registers_through_the_hook() -> None:
    """The package brings exactly one provider through the hook that strangers use."""
    plugins = pluggy.PluginManager(PROJECT)
    plugins.register(atelier)
    found: list[type[ImageProvider]] = []
    plugins.hook.imageserver_register_providers(register=found.append)
    assert found == [atelier.Atelier]


async def test_generate_answers_with_a_picture_of_twice_the_size(provider: ImageProvider) -> None:
    """generate() gives a JPEG of twice the frame's size and says its style and seed."""
    image = await provider.generate(request(48, 72))
    assert pixels(image.data).shape == (144, 96, 3)
    assert image.model == "sea"
    assert image.details == {"style": "sea"}
    assert image.seed == 7


@pytest.mark.parametrize(
    ("asked", "painted"),
    [
        ((320, 480), (640, 960)),
        ((480, 320), (960, 640)),
        ((1000, 500), (1600, 800)),
        ((4096, 4096), (1600, 1600)),
        ((1, 480), (2, 960)),
    ],
)
def test_paints_at_twice_the_size_up_to_a_limit(asked: tuple[int, int], painted: tuple[int, int]) -> None:
    """The size painted is twice the size asked, with no side above 1600 and the same proportions."""
    assert atelier._size(*asked) == painted


async def test_a_sliver_is_painted_too(provider: ImageProvider) -> None:
    """A size below what a style can fill is raised to 16 pixels instead of failing."""
    image = await provider.generate(request(1, 40))
    assert pixels(image.data).shape == (80, 16, 3)


async def test_ready_without_anything(provider: ImageProvider) -> None:
    """The atelier needs no account and no network, so it is always ready."""
    assert await provider.readiness() is None
    assert (provider.paid, provider.idempotent, provider.takes_prompt) == (False, True, True)


@pytest.mark.parametrize("style", STYLES)
def test_same_words_seed_and_size_give_the_same_bytes(style: str) -> None:
    """Every style paints the same bytes for the same request, and others for another seed."""
    first = paint(ASKING[style], 11, *SMALL)
    assert first == paint(ASKING[style], 11, *SMALL)
    assert first.data != paint(ASKING[style], 12, *SMALL).data


def test_the_vocabulary_knows_every_style_and_no_other() -> None:
    """Words lead to styles and palettes that exist, and every style has words."""
    assert set(vocabulary.STYLES) == set(STYLES) == set(ASKING)
    assert {style for styles in vocabulary.SUITING.values() for style in styles} <= set(STYLES)
    assert set(vocabulary.SUITING) <= set(vocabulary.MOODS)
    for mood in vocabulary.MOODS:
        wishes = Wishes(colours=(), mood=mood, dark=None, styles=())
        assert len(mixed_for(wishes, _dice(1), outdoors=False).tones) == 5
    for colour in vocabulary.COLOURS:
        wishes = Wishes(colours=(colour,), mood=None, dark=None, styles=())
        assert len(mixed_for(wishes, _dice(1), outdoors=False).tones) == 5


def test_a_mood_alone_chooses_among_suiting_styles() -> None:
    """A prompt that names a time of the day but no thing gets a view that can show it."""
    assert {paint("на закате", seed, 16, 16).style for seed in range(20)} == set(vocabulary.SUITING["sunset"])


def test_different_words_give_different_pictures() -> None:
    """One seed for two prompts that say nothing about style gives two pictures."""
    assert paint("abc", 5, *SMALL).data != paint("abd", 5, *SMALL).data


def test_every_style_is_reached() -> None:
    """A prompt that names no style gets each of them over the seeds."""
    assert set(STYLES) == {paint("hello", seed, 16, 16).style for seed in range(160)}
    assert len(STYLES) >= 10


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("size", [(16, 16), (128, 160), (160, 128), (17, 301), (301, 17)])
def test_every_style_paints_every_size(style: str, size: tuple[int, int]) -> None:
    """Every style fills odd, tiny, wide and tall canvases with a picture of exactly that size."""
    for seed in range(2):
        picture = pixels(paint(ASKING[style], seed, *size).data)
        assert picture.shape == (size[1], size[0], 3)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("prompt", ["white", "ночь"])
def test_styles_work_in_single_precision(style: str, prompt: str) -> None:
    """No style slips into double precision, which doubles the memory that a picture takes."""
    canvas = Canvas(width=64, height=96, palette=mixed_for(wishes_of(prompt), _dice(2), outdoors=True), rng=_dice(3))
    assert STYLES[style](canvas).dtype == np.float32


@pytest.mark.parametrize("style", STYLES)
def test_no_picture_is_flat(style: str) -> None:
    """A picture is more than one colour with grain on it, whatever the seed."""
    for seed in range(4):
        picture = pixels(paint(ASKING[style], seed, *SMALL).data).mean(axis=2)
        blocks = picture.reshape(24, 6, 16, 6).mean(axis=(1, 3))  # grain does not survive this
        assert blocks.std() > 0.03, seed


@pytest.mark.parametrize("style", STYLES)
def test_a_baseline_jpeg_without_metadata(style: str) -> None:
    """The bytes are a baseline JPEG in full colour resolution, without EXIF, profile or comment."""
    data = paint(ASKING[style], 1, *SMALL).data
    markers = segments(data)
    assert 0xC0 in markers  # SOF0, baseline
    assert 0xC2 not in markers  # SOF2, progressive
    assert not set(markers) & {*range(0xE1, 0xF0), 0xFE}
    with Image.open(io.BytesIO(data)) as image:
        assert (image.format, image.mode, image.size) == ("JPEG", "RGB", SMALL)
        assert [layer[1:3] for layer in image.layer] == [(1, 1)] * 3  # type: ignore[attr-defined]


@pytest.mark.parametrize("prompt", ["", " ", "🌊🔥", "\ud800", "\x00", "a" * 10_000, "красный лес " * 900, "…, — !"])
def test_any_prompt_is_painted(prompt: str) -> None:
    """Empty, broken, wordless and endless prompts all give a picture."""
    assert pixels(paint(prompt, 3, *SMALL).data).shape == (144, 96, 3)


@pytest.mark.parametrize(
    ("prompt", "hue"),
    [
        ("red", 8),
        ("something red", 8),
        ("красный", 8),
        ("красная комната", 8),
        ("в красных тонах", 8),
        ("green", 125),
        ("зелёный", 125),
        ("зеленые", 125),
        ("blue", 225),
        ("синяя", 225),
        ("синего", 225),
        ("golden", 42),
        ("золотой", 42),
        ("violet", 275),
        ("фиолетовая", 275),
        ("pink", 335),
        ("розовое", 335),
    ],
)
def test_a_named_colour_rules_the_picture(prompt: str, hue: float) -> None:
    """The dominant hue is the one that the prompt names, in both languages and every inflection, over seeds."""
    off = [apart(dominant_hue(paint(prompt, seed, *SMALL).data), hue) for seed in range(8)]
    assert max(off) < 50, off
    assert np.median(off) < 30, off


@pytest.mark.parametrize("style", STYLES)
def test_colour_reaches_every_style(style: str) -> None:
    """The same view asked for in red and in blue differs in hue, whatever the style."""
    red, blue = (dominant_hue(paint(f"{name} {ASKING[style]}", 4, *SMALL).data) for name in ("red", "синий"))
    assert apart(red, blue) > 90


@pytest.mark.parametrize(("bright", "dark"), [("white", "black"), ("белая", "чёрная"), ("зима", "ночь")])
def test_light_and_dark_words(bright: str, dark: str) -> None:
    """White and winter are brighter than black and night."""
    light = np.mean([pixels(paint(bright, seed, *SMALL).data).mean() for seed in range(6)])
    deep = np.mean([pixels(paint(dark, seed, *SMALL).data).mean() for seed in range(6)])
    assert light > deep + 0.2


@pytest.mark.parametrize(
    ("prompt", "style"),
    [
        *((word, style) for style, word in ASKING.items()),
        ("звёзды над горами", "mountains"),
        ("Шум моря", "sea"),
        ("туманный лес", "forest"),
        ("витраж в соборе", "glass"),
        ("полевые цветы", "botanical"),
        ("мрамор", "marble"),
        ("акварелью", "watercolour"),
        ("коралловый риф", "coral"),
        ("красный ветер", "flow"),
        ("шерстяной ковёр", "woven"),
    ],
)
def test_words_choose_the_style(prompt: str, style: str) -> None:
    """A prompt that names a thing gets the style that shows it, with any seed."""
    assert {style} == {paint(prompt, seed, 16, 16).style for seed in range(3)}


@pytest.mark.parametrize(
    ("prompt", "colours"),
    [
        ("белая берёза, тёмно-синее небо", ("white", "blue")),
        ("голубого", ("sky",)),
        ("a sky blue door", ("sky",)),
        ("Чёрно-белая ФОТОГРАФИЯ", ("black", "white")),
        ("прекрасный вид", ()),
        ("белка и голуби", ()),
        ("bored, credible", ()),
        ("red red красный", ("red",)),
    ],
)
def test_colour_words(prompt: str, colours: tuple[str, ...]) -> None:
    """Colours are found in every form, and not inside other words."""
    assert wishes_of(prompt).colours == colours


@pytest.mark.parametrize("seed", range(20))
def test_palettes_run_from_dark_to_light(seed: int) -> None:
    """A palette drawn at random has room between its darkest and its lightest tone."""
    drawn = mixed_for(wishes_of(""), _dice(seed), outdoors=bool(seed % 2))
    light = drawn.tones @ np.array([0.2126, 0.7152, 0.0722])
    assert list(light) == sorted(light)
    assert light[-1] - light[0] > 0.6


def test_every_channel_of_the_ramp_is_a_colour() -> None:
    """A ramp never leaves 0 … 1, not even between saturated tones, and clamps positions outside it."""
    palette = mixed_for(wishes_of("red and turquoise"), _dice(1), outdoors=False)
    ramp: Field = palette.at(np.linspace(-1, 2, 500, dtype=np.float32))
    assert ramp.min() >= 0
    assert ramp.max() <= 1
    assert np.array_equal(ramp[0], palette.tone(0))
    assert np.array_equal(ramp[-1], palette.tone(1))


def test_importing_the_plugin_imports_no_numpy_and_no_pillow() -> None:
    """A server that never paints does not pay for NumPy and Pillow."""
    program = (
        "import json, sys, imageserver.default_plugins.atelier;"
        "print(json.dumps([name for name in ('numpy', 'PIL') if name in sys.modules]))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout) == []


def _dice(seed: int) -> Random:
    return np.random.default_rng(seed)
