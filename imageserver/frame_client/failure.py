"""Why a real frame would show nothing new: always one plain sentence."""

from __future__ import annotations

from imageserver.errors import ImageServerError


class FrameWouldFail(ImageServerError):
    """A real frame could not use what the server sent. `str(error)` says what came and what a frame needs."""

    reason = "frame_would_fail"


class PictureRefused(FrameWouldFail):
    """The frame's JPEG decoder cannot draw the picture.

    `code` is the decoder's own error with its number, like `FMT3 (8)`; empty where the decoder would notice
    nothing and draw nonsense.
    """

    reason = "picture_refused"

    def __init__(self, sentence: str, code: str = "") -> None:
        end = (
            f"the frame's decoder stops with {code}"
            if code
            else "the frame's decoder does not notice: it draws nonsense"
        )
        super().__init__(f"{sentence}; {end}")
        self.code = code
