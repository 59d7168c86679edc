"""A frame that waits as long as a busy machine takes; how soon answers come is measured by `make bench`, not here."""

from __future__ import annotations

from imageserver.frame_client.client import FrameClient
from imageserver.frame_client.wire import Limits

LONGEST = 60.0  # seconds; only what hangs takes them


def patient_frame(port: int, *, poll: float = 0.05) -> FrameClient:
    """A frame in front of a real server; like a real one in all but its patience."""
    limits = Limits(first_byte=LONGEST, pause=LONGEST, connect=LONGEST, handshake=LONGEST)
    return FrameClient("127.0.0.1", port, poll=poll, limits=limits)
