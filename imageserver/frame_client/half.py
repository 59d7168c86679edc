"""The screen of a stock AiFrame: its decoder halves the picture, each pixel the mean of four."""

from __future__ import annotations

from attrs import evolve
from PIL import Image

from imageserver.frame_client.failure import FrameWouldFail, PictureRefused
from imageserver.frame_client.jpeg import JpegFacts, inspect
from imageserver.frame_client.panel import Panel
from imageserver.frame_client.stock_client import SCALE
from imageserver.panel import decoder
from imageserver.panel.refusal import JpegRefused

_PIXELS_LIMIT = 16_000_000  # ours: a frame would cut the picture, we would have to decode it whole


class HalfPanel(Panel):
    """A screen for pictures of twice its size."""

    def draw(self, jpeg: bytes) -> JpegFacts:
        """Draw at half size from the top left. Raises FrameWouldFail and leaves the screen unchanged."""
        facts = inspect(jpeg)
        if facts.width * facts.height > _PIXELS_LIMIT:
            raise FrameWouldFail(
                f"the picture has {facts.width}x{facts.height} pixels; a frame would be busy for minutes"
            )
        try:
            levels = decoder.decode(jpeg, SCALE)
        except JpegRefused as error:
            raise PictureRefused(error.sentence, error.code) from error
        # A panel widens its 32 or 64 levels without rounding.
        shown = (levels.astype("uint16") * 255 // decoder.TOPS).astype("uint8")
        self.screen.paste(Image.fromarray(shown), (0, 0))
        return facts

    def misfit(self, facts: JpegFacts) -> str | None:
        """One sentence when half the picture has not exactly the panel's size, else None."""
        half = super().misfit(evolve(facts, width=facts.width // SCALE, height=facts.height // SCALE))
        return half and f"the picture is {facts.width}x{facts.height}; halved, {half}"
