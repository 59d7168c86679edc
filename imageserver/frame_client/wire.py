"""One connection as the frame listens to it: how long each arrival took, and when a frame would have given up."""

from __future__ import annotations

import asyncio

from attrs import define, field, frozen

from imageserver.clock import Clock
from imageserver.frame_client.failure import BrokenOff, FirstByteLate, FrameWouldFail, PauseTooLong

_READ = 65_536


@frozen(kw_only=True)
class Limits:
    """How long a frame waits, in seconds, and how much we read for it, in bytes."""

    first_byte: float = 2.0  # measured: 1.8 s works, 2.2 s fails
    pause: float = 2.0  # measured: 1.9 s works, 2.2 s fails
    connect: float = 2.0  # the firmware gives its socket the same time
    handshake: float = 10.0  # ours: a frame needs two for the arithmetic, and waits for the server much longer
    linger: float = 3.0  # how much longer we wait than a frame, only to say how late the answer was
    body: int = 16 * 1024 * 1024  # ours: a frame has no limit, and no time for such a picture


@define(kw_only=True)
class Meter:
    """What one request took, filled in as the answer arrives: one that fails half-way is measured up to there."""

    first_byte: float | None = None  # seconds from the last byte of the request; None: the connection ended without one
    longest_pause: float = 0.0  # seconds, between two arrivals after the first byte
    received: int = 0  # bytes with their framing, without what encryption adds


@define(kw_only=True)
class Wire:
    """What arrives, with the time each arrival took."""

    reader: asyncio.StreamReader
    limits: Limits
    clock: Clock
    meter: Meter
    held: bytearray = field(factory=bytearray)

    async def first_byte(self) -> float:
        """Wait for the beginning of the answer. Seconds it took."""
        limit = self.limits.first_byte
        waited = await self._arrival(limit)
        longest = limit + self.limits.linger
        if waited is not None and not self.held:
            raise BrokenOff("the server closed the connection without an answer")
        self.meter.first_byte = longest if waited is None else waited
        if waited is None:
            raise FirstByteLate(f"no byte came within {seconds(longest)}; a frame waits {seconds(limit)}")
        if waited >= limit:
            raise FirstByteLate(f"the first byte came after {seconds(waited)}; a frame waits {seconds(limit)}")
        return waited

    async def more(self, where: str) -> None:
        """Wait for at least one more byte, inside `where`."""
        limit = self.limits.pause
        before = len(self.held)
        waited = await self._arrival(limit)
        longest = limit + self.limits.linger
        self.meter.longest_pause = max(self.meter.longest_pause, longest if waited is None else waited)
        if waited is None:
            raise PauseTooLong(f"nothing came for {seconds(longest)} inside {where}; a frame waits {seconds(limit)}")
        if waited >= limit:
            raise PauseTooLong(f"a pause of {seconds(waited)} inside {where}; a frame waits {seconds(limit)}")
        if len(self.held) == before:
            raise BrokenOff(f"the connection ended inside {where}")

    async def line(self, where: str, limit: int) -> bytes:
        """Everything up to the next line feed, which is left out."""
        while (end := self.held.find(b"\n")) < 0:
            if len(self.held) > limit:
                raise FrameWouldFail(f"{where} hold a line of more than {limit} bytes")
            await self.more(where)
        line = bytes(self.held[:end])
        del self.held[: end + 1]
        return line

    async def _arrival(self, limit: float) -> float | None:
        """Read once. Seconds it took, or None when nothing came in the frame's time and our own on top of it."""
        asked = self.clock.monotonic()
        try:
            async with asyncio.timeout(limit + self.limits.linger):
                piece = await self.reader.read(_READ)
        except TimeoutError:
            return None
        except OSError as error:
            raise BrokenOff(f"the connection broke ({error.strerror or error})") from error
        self.held += piece
        self.meter.received += len(piece)
        return self.clock.monotonic() - asked


def seconds(value: float) -> str:
    """A time for people, with at most two decimals."""
    return f"{round(value, 2)} s"
