"""Why a frame's decoder does not draw a file."""

from __future__ import annotations

from typing import Final

from imageserver.errors import ImageServerError

INP: Final = "INP (2)"
MEM1: Final = "MEM1 (3)"
MEM2: Final = "MEM2 (4)"
FMT1: Final = "FMT1 (6)"
FMT3: Final = "FMT3 (8)"
UNNOTICED: Final = ""


class JpegRefused(ImageServerError):
    """The decoder cannot draw the file. `str(error)` is one sentence, and what the decoder does.

    `sentence` is the first part of it. `code` is the decoder's own error with its number, like `FMT3 (8)`; empty where
    the decoder would notice nothing and draw nonsense.
    """

    reason = "jpeg_refused"

    def __init__(self, sentence: str, code: str) -> None:
        end = (
            f"the frame's decoder stops with {code}"
            if code
            else "the frame's decoder does not notice: it draws nonsense"
        )
        super().__init__(f"{sentence}; {end}")
        self.sentence = sentence
        self.code = code
