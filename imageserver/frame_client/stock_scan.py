"""The stock AiFrame's reading of a status: words in quotes, two by two, until it meets the picture.

A quote opens a word and the next one closes it, escaped or not. Of each two the first is a key and the second its
value, whatever stands between them; a word without letters ends the walk. So everything before `images` must be quoted
text that is not empty: a number, a word without quotes, a list or "" puts the pairs out of step, and the picture is
taken for a key. `images` ends the pairs: the next word is the picture, also where the list is empty.
"""

from __future__ import annotations

import re
from typing import Literal

from attrs import frozen

from imageserver.frame_client.failure import FrameWouldFail
from imageserver.frame_client.walker import Walk, Walker

_WAITING = ("INITIAL", "PROCESSING")
_KNOWN = "INITIAL, PROCESSING, DONE and FAIL"
_FOR_EVER = "goes on asking every 6 s for ever"
_TO_A_VALUE = re.compile(rb"\s*:\s*")


@frozen(kw_only=True)
class StockScanned:
    """What the firmware took from a status."""

    status: Literal["waiting", "done", "fail"]
    picture: bytes | None = None


class StockScan(Walker):
    """Reads a status as it arrives. Feed it, then ask for the outcome."""

    def __init__(self) -> None:
        super().__init__()
        self.status: str | None = None
        self._stumbled_over: str | None = None  # the first key whose value is no quoted text
        self._list_was_empty = False

    def outcome(self) -> StockScanned:
        """What a frame knows at the end of the body. Raises FrameWouldFail when it would not act on it rightly."""
        if self.status is None and self._image is not None:
            raise FrameWouldFail(
                f'the answer has its picture before "status"; a frame does not know that it is done and {_FOR_EVER}'
            )
        if self.status is None:
            raise FrameWouldFail(f'a frame finds no "status" in the answer{self._because()} and {_FOR_EVER}')
        if self.status in _WAITING:
            return StockScanned(status="waiting")
        if self.status == "FAIL":
            return StockScanned(status="fail")
        if self.status != "DONE":
            raise FrameWouldFail(f'the status is "{self.status}"; a frame knows {_KNOWN}, and {_FOR_EVER}')
        if self._image is None:
            raise FrameWouldFail(f'the answer says DONE, and a frame finds no "images" in it{self._because()}')
        if self._list_was_empty:
            raise FrameWouldFail(
                'the list "images" is empty; a frame takes the next word in quotes for a picture and shows "jpg error"'
            )
        if not self._image_ended:
            raise FrameWouldFail("the picture is no string with a closing quote")
        picture = self._image.end()
        if not picture:
            raise FrameWouldFail("the picture is empty")
        return StockScanned(status="done", picture=picture)

    def _because(self) -> str:
        if self._stumbled_over is None:
            return ""
        return (
            f': it reads words in quotes two by two, and the value of "{self._stumbled_over}" is none '
            "(a number, a list, a word without quotes, or empty)"
        )

    def _steps(self) -> Walk:
        while True:
            yield from self._until(b'"')
            key = (yield from self._until(b'"')).decode("utf-8", "replace")
            if not key:
                return
            if key == "images":
                self._list_was_empty = b"]" in (yield from self._read_image())
                return
            between = yield from self._until(b'"')
            if not _TO_A_VALUE.fullmatch(between):
                self._stumbled_over = self._stumbled_over or key
            value = (yield from self._until(b'"')).decode("utf-8", "replace")
            if not value:
                self._stumbled_over = self._stumbled_over or key
                return
            if key == "status":
                self.status = value
                if value in (*_WAITING, "FAIL"):
                    return
