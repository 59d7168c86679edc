"""Whether the frame's decoder takes a picture: the model's answer in the words of the test frame."""

from __future__ import annotations

from imageserver.frame_client.failure import PictureRefused
from imageserver.panel import accepted
from imageserver.panel.accepted import WORKSPACE, JpegFacts
from imageserver.panel.refusal import JpegRefused

__all__ = ["WORKSPACE", "JpegFacts", "inspect"]


def inspect(jpeg: bytes) -> JpegFacts:
    """Walk the segments as the decoder does. Raises PictureRefused with the first thing it would stumble over."""
    try:
        return accepted.inspect(jpeg)
    except JpegRefused as error:
        raise PictureRefused.from_model(error) from error
