"""The frame's reading of a result: it does not parse JSON, it walks from quote to quote until it meets the picture.

The walk, as the firmware does it: skip to a quote, read a key up to the next quote. `response` opens the place where
`image` counts. Any other key: skip to the colon and take a value, which is a string up to the next quote (escaped or
not), a word that begins with n, t or f up to the next comma, or nothing up to a comma or a closing brace. So a quote
too many puts the walk out of step, and the picture is taken for a key.
"""

from __future__ import annotations

from attrs import frozen

from imageserver.frame_client.failure import FrameWouldFail
from imageserver.frame_client.walker import Read, Walk, Walker


@frozen(kw_only=True)
class Scanned:
    """What the frame took from a result: `pending`, `done` with the picture, or `error`."""

    status: str
    picture: bytes | None


class ResultScan(Walker):
    """Reads a result as it arrives. Feed it, then ask for the outcome."""

    def __init__(self) -> None:
        super().__init__()
        self._id_seen = False
        self._id_came_first = False  # measured is only this order: id, status, response
        self._status: str | None = None

    @property
    def is_done(self) -> bool:
        """Whether the frame has read that the job is done: it asks no more."""
        return self._status == "done"

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

    def _steps(self) -> Walk:
        inside = False
        while True:
            yield from self._until(b'"')
            key = (yield from self._until(b'"')).decode("utf-8", "replace")
            if key == "response":
                inside = True
                continue
            if inside and key == "image":
                yield from self._read_image()
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

    def _value(self) -> Read:
        while True:
            byte = yield from self._byte()
            if byte in b"ntf":
                return byte + (yield from self._until(b","))
            if byte == b'"':
                return (yield from self._until(b'"'))
            if byte in b",}":
                return b""
