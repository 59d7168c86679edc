"""Base64 as the frames read it, piece by piece."""

from __future__ import annotations

import binascii

from imageserver.frame_client.failure import FrameWouldFail

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="


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
