"""The frame's screen: what it shows after a picture, level by level."""

from __future__ import annotations

import io

from PIL import Image

from imageserver.frame_client.failure import FrameWouldFail, PictureRefused
from imageserver.frame_client.jpeg import JpegFacts, inspect

WIDTH, HEIGHT = 320, 480
_PIXELS_LIMIT = 16_000_000  # ours: a frame would cut the picture, we would have to decode it whole


def _widened(bits: int) -> list[int]:
    """For each of 256 values the panel's level (the low bits cut off, no rounding), widened to 0 … 255 again."""
    top = (1 << bits) - 1
    return [(value >> (8 - bits)) * 255 // top for value in range(256)]


_LEVELS = [*_widened(5), *_widened(6), *_widened(5)]


def decode(jpeg: bytes, facts: JpegFacts) -> Image.Image:
    """The picture as the panel shows it: RGB, each channel on one of 32, 64 or 32 levels.

    Pillow decodes: most values are exact or one level off, but it smooths the colour of 4:2:0 and 4:2:2 where the
    frame repeats it, so sharp edges of colour differ more.
    Raises PictureRefused when the picture data is damaged, FrameWouldFail when the picture is enormous.
    """
    if facts.width * facts.height > _PIXELS_LIMIT:
        raise FrameWouldFail(
            f"the picture has {facts.width}x{facts.height} pixels; a frame would be busy with it for minutes to show "
            "one corner"
        )
    try:
        with Image.open(io.BytesIO(jpeg[jpeg.find(b"\xff\xd8") :]), formats=("JPEG",)) as picture:
            return picture.convert("RGB").point(_LEVELS)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise PictureRefused(f"the picture data is damaged ({error})", "") from error


class Panel:
    """A screen that keeps its old pixels where nothing is drawn. Black at first."""

    def __init__(self, width: int = WIDTH, height: int = HEIGHT) -> None:
        self.screen = Image.new("RGB", (width, height))

    def draw(self, jpeg: bytes) -> JpegFacts:
        """Draw 1:1 from the top left: what is larger is cut, what is smaller leaves the old pixels at its edges.

        Raises FrameWouldFail (mostly PictureRefused) and leaves the screen unchanged.
        """
        facts = inspect(jpeg)
        self.screen.paste(decode(jpeg, facts), (0, 0))
        return facts

    def misfit(self, facts: JpegFacts) -> str | None:
        """One sentence when the picture has not exactly the panel's size, else None."""
        if (facts.width, facts.height) == self.screen.size:
            return None
        panel = f"{self.screen.width}x{self.screen.height}"
        effects = []
        if facts.width > self.screen.width or facts.height > self.screen.height:
            effects.append("what is larger is cut")
        if facts.width < self.screen.width or facts.height < self.screen.height:
            effects.append("old pixels stay where it is smaller")
        return f"the picture is {facts.width}x{facts.height}, the panel {panel}: {' and '.join(effects)}"
