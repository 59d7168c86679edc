"""What the person asked for on the command line: to be one frame, or a swarm of them."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen

from imageserver.frame_client.client import PORT
from imageserver.frame_client.http import Place
from imageserver.frame_client.wire import Limits


@frozen(kw_only=True)
class FrameOptions:
    """One run of the test frame."""

    host: str
    port: int = PORT
    tls: bool = False
    name: str | None = None  # the frame's name in the server's options
    type: str = "auto"
    provider: str | None = None
    prompt: str | None = None
    negative: str | None = None
    stock: bool = False  # behave as the unmodified AiFrame
    style: str | None = None  # None: the first of the list
    key: str | None = None  # None: `name`, or a word of its own
    save: Path | None = None  # the screen as PNG
    save_jpeg: Path | None = None  # the bytes as they came
    sheet: Path | None = None  # both side by side
    watch: bool = False
    every: float = 60.0  # seconds between two starts when watching
    fast: bool = False
    size: tuple[int, int] | None = None  # None: what the server has for `name`, else 320x480
    timeout: float = 300.0  # seconds from start to picture
    limits: Limits = Limits()

    @property
    def place(self) -> Place:
        """Where the server is."""
        return Place(host=self.host, port=self.port, tls=self.tls)


@frozen(kw_only=True)
class SwarmOptions:
    """One run of many frames."""

    host: str
    port: int = PORT
    tls: bool = False
    frames: int
    type: str = "auto"
    every: float = 60.0  # seconds between two starts of one frame
    seconds: float | None = None  # how long; None: until it is cancelled
    abort: float = 0.01  # the share of downloads that is broken off
    seed: int
    limits: Limits = Limits()

    @property
    def place(self) -> Place:
        """Where the server is."""
        return Place(host=self.host, port=self.port, tls=self.tls)
