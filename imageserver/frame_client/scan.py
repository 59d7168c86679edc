"""The frame's reading of a result: it does not parse JSON, it walks from quote to quote until it meets the picture.

The walk, as the firmware does it: skip to a quote, read a key up to the next quote. `response` opens the place where
`image` counts. Any other key: skip to the colon and take a value, which is a string up to the next quote (escaped or
not), a word that begins with n, t or f up to the next comma, or nothing up to a comma or a closing brace. So a quote
too many puts the walk out of step, and the picture is taken for a key.
"""

from __future__ import annotations

import binascii
from collections.abc import Generator

from attrs import frozen

from imageserver.frame_client.failure import FrameWouldFail

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_KEPT = 4096  # bytes of the answer's beginning that are kept to explain a failure

Walk = Generator[None, None, None]
Read = Generator[None, None, bytes]


class Base64Text:
    """Decodes base64 as it arrives: standard alphabet, padded, no line breaks."""

    def __init__(self) -> None:
        self.fault: str | None = None  # the first thing that is wrong, as a sentence
        self._waiting = bytearray()
        self._decoded = bytearray()
        self._length = 0
        self._padded = False

    def feed(self, text: bytes) -> None:
        """Take the next characters; any number of them."""
        self._length += len(text)
        self.fault = self.fault or self._first_fault(text)
        if self.fault:
            return
        self._waiting += text
        whole = len(self._waiting) // 4 * 4
        block = bytes(self._waiting[:whole])
        del self._waiting[:whole]
        try:
            self._decoded += binascii.a2b_base64(block, strict_mode=True)
        except binascii.Error as error:
            self.fault = f"the picture's base64 is broken ({error})"
        self._padded = block.endswith(b"=")

    def end(self) -> bytes:
        """The decoded bytes. Raises FrameWouldFail with the first fault."""
        if not self.fault and self._waiting:
            self.fault = f"the picture's base64 is not padded: its length {self._length} is no multiple of four"
        if self.fault:
            raise FrameWouldFail(self.fault)
        return bytes(self._decoded)

    def _first_fault(self, text: bytes) -> str | None:
        strange = text.translate(None, _ALPHABET)
        if strange[:1] in (b"\n", b"\r") or text.find(b"\\n") >= 0:
            return "the picture's base64 has a line break; a frame needs it in one line"
        if strange:
            return f"the picture's base64 has the character {strange[:1]!r}; a frame knows the standard alphabet only"
        if self._padded and text:
            return "the picture's base64 goes on behind its padding"
        return None


@frozen(kw_only=True)
class Scanned:
    """What the frame took from a result: `pending`, `done` with the picture, or `error`."""

    status: str
    picture: bytes | None


class ResultScan:
    """Reads a result as it arrives. Feed it pieces of any size, then ask for the outcome."""

    def __init__(self) -> None:
        self.beginning = bytearray()  # for people; a frame keeps nothing
        self._held = bytearray()
        self._id_seen = False
        self._id_came_first = False  # measured is only this order: id, status, response
        self._status: str | None = None
        self._image: Base64Text | None = None
        self._image_ended = False
        self._walk: Walk | None = self._from_quote_to_quote()

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

    def outcome(self) -> Scanned:
        """What a frame knows at the end of the body. Raises FrameWouldFail when it would not act on it rightly."""
        if self._status is None:
            raise FrameWouldFail(self._no_status())
        if not self._id_came_first:
            raise FrameWouldFail('the result has no "id" before its "status"; the order must be id, status, response')
        if self._status in ("pending", "error"):
            return Scanned(status=self._status, picture=None)
        if self._status != "done":
            raise FrameWouldFail(f'the result\'s status is "{self._status}"; a frame knows pending, done and error')
        if self._image is None:
            raise FrameWouldFail(self._lost_picture())
        if not self._image_ended:
            raise FrameWouldFail("the result's picture is no string with a closing quote")
        picture = self._image.end()
        if not picture:
            raise FrameWouldFail("the result's picture is empty")
        return Scanned(status="done", picture=picture)

    def _no_status(self) -> str:
        if self._image is not None:
            return (
                'the result has its picture before "status"; a frame draws it, does not know that the job is done '
                "and goes on asking every 30 s"
            )
        return 'a frame finds no "status" in the result and goes on asking every 30 s'

    def _lost_picture(self) -> str:
        before = bytes(self.beginning).partition(b'"image"')[0]
        if b'\\"' in before:
            return (
                "a string with an escaped quote stands before the picture; a frame counts quotes, falls out of step "
                "there and never finds the picture"
            )
        if b'"image"' in self.beginning:
            return (
                'a frame, which goes from quote to quote, does not find "image" in "response" of this result: '
                "something before it puts the walk out of step"
            )
        return 'the result says done and holds no picture in "response":{"image":…}'

    def _from_quote_to_quote(self) -> Walk:
        inside = False
        while True:
            yield from self._until(b'"')
            key = (yield from self._until(b'"')).decode("utf-8", "replace")
            if key == "response":
                inside = True
                continue
            if inside and key == "image":
                self._image = Base64Text()
                yield from self._until(b'"')
                yield from self._read_image(self._image)
                return
            yield from self._until(b":")
            value = yield from self._value()
            if not key:
                return
            self._id_seen = self._id_seen or key == "id"
            if key == "status":
                self._id_came_first = self._id_seen
                self._status = value.decode("utf-8", "replace")
                if self._status != "done":
                    return

    def _read_image(self, image: Base64Text) -> Walk:
        while True:
            text, quote, rest = bytes(self._held).partition(b'"')
            image.feed(text)
            self._held = bytearray(rest)
            if quote:
                self._image_ended = True
                return
            yield

    def _value(self) -> Read:
        while True:
            byte = yield from self._byte()
            if byte in b"ntf":
                return byte + (yield from self._until(b","))
            if byte == b'"':
                return (yield from self._until(b'"'))
            if byte in b",}":
                return b""

    def _byte(self) -> Read:
        while not self._held:
            yield
        byte = bytes(self._held[:1])
        del self._held[:1]
        return byte

    def _until(self, mark: bytes) -> Read:
        taken = bytearray()
        while (at := self._held.find(mark)) < 0:
            taken += self._held
            self._held.clear()
            yield
        taken += self._held[:at]
        del self._held[: at + 1]
        return bytes(taken)
