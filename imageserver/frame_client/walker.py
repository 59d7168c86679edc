"""Walking from quote to quote through an answer as it arrives: no firmware parses JSON that has a picture in it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator

from imageserver.frame_client.base64_text import Base64Text

_KEPT = 4096  # bytes of the answer's beginning that are kept to explain a failure

Walk = Generator[None, None, None]
Read = Generator[None, None, bytes]


class Walker(ABC):
    """Feed it pieces of any size. A walk of one firmware says in `_steps` where it goes."""

    def __init__(self) -> None:
        self.beginning = bytearray()  # for people; a frame keeps nothing
        self._held = bytearray()
        self._image: Base64Text | None = None
        self._image_ended = False
        self._walk: Walk | None = self._steps()

    @property
    def is_in_picture(self) -> bool:
        """Whether the picture has begun and has not ended: a frame is drawing."""
        return self._image is not None and not self._image_ended

    def feed(self, piece: bytes) -> None:
        """Take the next bytes of the body. What stands behind the picture is never looked at."""
        self.beginning += piece[: max(0, _KEPT - len(self.beginning))]
        if self._walk is None:
            return
        self._held += piece
        try:
            next(self._walk)
        except StopIteration:
            self._walk = None
            self._held.clear()

    @abstractmethod
    def _steps(self) -> Walk:
        """The firmware's way through the answer; it yields where it needs more bytes."""

    def _read_image(self) -> Read:
        """The next word in quotes is the picture. Gives what stands before it."""
        self._image = Base64Text()
        before = yield from self._until(b'"')
        while True:
            text, quote, rest = bytes(self._held).partition(b'"')
            self._image.feed(text)
            self._held = bytearray(rest)
            if quote:
                self._image_ended = True
                return before
            yield

    def _byte(self) -> Read:
        while not self._held:
            yield
        byte = bytes(self._held[:1])
        del self._held[:1]
        return byte

    def _until(self, mark: bytes) -> Read:
        """What stands before the next mark; both are taken."""
        taken = bytearray()
        while (at := self._held.find(mark)) < 0:
            taken += self._held
            self._held.clear()
            yield
        taken += self._held[:at]
        del self._held[: at + 1]
        return bytes(taken)
