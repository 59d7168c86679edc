"""Which frame is asking, and what its panel takes."""

from __future__ import annotations

from attrs import frozen

from imageserver.config.model import Options
from imageserver.target import Target


@frozen(kw_only=True)
class Frame:
    """A frame. It has no name of its own: only its address tells it from another."""

    key: str
    target: Target


class Frames:
    """The frames' profiles."""

    def __init__(self, options: Options) -> None:
        self._target = Target(
            width=options.image_width,
            height=options.image_height,
            fit_mode=options.fit_mode,
            fit_threshold=options.fit_threshold,
            quality=options.quality,
        )

    def at(self, address: str) -> Frame:
        """The frame that asks from this address."""
        # An IPv4 frame seen through an IPv6 socket is the same frame.
        return Frame(key=address.removeprefix("::ffff:"), target=self._target)

    @property
    def default(self) -> Target:
        """What a frame takes of which nothing else is known."""
        return self._target

    def targets(self) -> list[Target]:
        """Every target that is in use."""
        return [self._target]
