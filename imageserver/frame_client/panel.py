"""The frame's screen: what it shows after a picture, level by level."""

from __future__ import annotations

from PIL import Image

from imageserver.frame_client.failure import FrameWouldFail, PictureRefused
from imageserver.frame_client.jpeg import JpegFacts, inspect
from imageserver.panel.refusal import JpegRefused

WIDTH, HEIGHT = 320, 480
_PIXELS_LIMIT = 16_000_000  # ours: a frame would cut the picture, we would have to decode it whole


def decode(jpeg: bytes, facts: JpegFacts) -> Image.Image:
    """The picture as the panel shows it: RGB, each channel on one of 32, 64 or 32 levels, widened and rounded down.

    Raises PictureRefused when the picture data is damaged, FrameWouldFail when the picture is enormous.
    """
    if facts.width * facts.height > _PIXELS_LIMIT:
        raise FrameWouldFail(
            f"the picture has {facts.width}x{facts.height} pixels; a frame would be busy with it for minutes to show "
            "one corner"
        )
    from imageserver.panel import decoder  # brings NumPy with it

    try:
        return Image.fromarray(decoder.widened(decoder.decode(jpeg)))
    except JpegRefused as error:
        raise PictureRefused.from_model(error) from error


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
