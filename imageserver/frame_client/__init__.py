"""A frame to test with: it asks, waits, reads and draws as the device on the wall does, and says why one would fail."""

from imageserver.frame_client.answers import StartAnswer
from imageserver.frame_client.client import FrameClient, ResultAnswer
from imageserver.frame_client.failure import FrameWouldFail, PictureRefused
from imageserver.frame_client.http import Exchange
from imageserver.frame_client.jpeg import JpegFacts, inspect
from imageserver.frame_client.wire import Limits

__all__ = [
    "Exchange",
    "FrameClient",
    "FrameWouldFail",
    "JpegFacts",
    "Limits",
    "PictureRefused",
    "ResultAnswer",
    "StartAnswer",
    "inspect",
]
