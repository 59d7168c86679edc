"""Why a real frame would show nothing new: always one plain sentence."""

from __future__ import annotations

from imageserver.errors import ImageServerError
from imageserver.panel.refusal import JpegRefused


class FrameWouldFail(ImageServerError):
    """A real frame could not use what the server sent. `str(error)` says what came and what a frame needs."""

    reason = "frame_would_fail"


class NoConnection(FrameWouldFail):
    """The server took no connection, or did not agree on TLS. Its cause is an OSError."""

    reason = "no_connection"


class FirstByteLate(FrameWouldFail):
    """The answer began too late, or not at all."""

    reason = "first_byte_late"


class PauseTooLong(FrameWouldFail):
    """The answer began and then stood still for too long."""

    reason = "pause_too_long"


class BrokenOff(FrameWouldFail):
    """The connection ended before the answer did."""

    reason = "broken_off"


class Refused(FrameWouldFail):
    """An answer with an HTTP status other than 2xx."""

    reason = "refused"


class OperationFailed(FrameWouldFail):
    """The result says "error": the server could not make the picture."""

    reason = "operation_failed"


class PictureRefused(FrameWouldFail):
    """The frame's JPEG decoder cannot draw the picture.

    `code` is the decoder's own error with its number, like `FMT3 (8)`; empty where the decoder would notice
    nothing and draw nonsense.
    """

    reason = "picture_refused"

    def __init__(self, sentence: str, code: str) -> None:
        super().__init__(sentence)
        self.code = code

    @classmethod
    def from_model(cls, refusal: JpegRefused) -> PictureRefused:
        """What the decoder's model said."""
        return cls(str(refusal), refusal.code)
