"""Which frame is asking, and what its panel takes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

from attrs import evolve, frozen

from imageserver.config.model import FrameOptions, Options
from imageserver.panel.profiles import profile_called
from imageserver.sleeping import FrameSleepWindow
from imageserver.target import Target

_SMALLEST, _LARGEST = 32, 2048  # pixels of a side that a frame may ask for
_LEAST_BYTES, _PIXELS_A_BYTE = 40_000, 4  # for a picture that is asked for at twice a panel's size: 150 KB at 640×960
_MOST_SIZES = 16  # that were asked for in one day, besides …
_OF_THE_FIRMWARE = {(640, 960), (256, 320)}  # … what the stock AiFrame asks for with either of its panels
_MOST_KEYS = 8  # that frames at one address may make up
EVERYTHING_STORED = "store"  # among a frame's providers: whatever lies in the store, whoever made it


@frozen(kw_only=True)
class Frame:
    """A frame on a wall."""

    key: str  # by which jobs, laps and sightings know it: its name, or the address that it asks from
    target: Target
    name: str | None = None  # None: the owner has not named it
    number: int = 0  # from 1 in the owner's order, as its test card says; 0 without a name
    sleep_time: tuple[FrameSleepWindow, ...] = ()
    providers: tuple[str, ...] | None = None  # whose pictures it shows; None: everybody's
    prompts: tuple[str, ...] | None = None  # drawn for it instead of the library's
    called: str = ""  # how it called this server, where the server cannot know its own address

    @property
    def scope(self) -> str:
        """The stored pictures that it shows, as the stock takes it."""
        return "" if self.providers is None else " ".join(sorted(self.providers))

    def shows(self, provider: str) -> bool:
        """Whether a provider may be asked for it."""
        return self.providers is None or provider in self.providers


@frozen(kw_only=True)
class _Defaults:
    """What a frame takes that is not named."""

    target: Target
    sleep_time: tuple[FrameSleepWindow, ...]


class Frames:
    """The frames' profiles."""

    def __init__(
        self,
        options: Options,
        named: Mapping[str, FrameOptions] | None = None,
        code_of: Callable[[str], str] = str,
    ) -> None:
        """`code_of` gives today's code of a provider that the owner calls by an older one."""
        self._code_of = code_of
        self._keys_at: dict[str, set[str]] = {}  # what was made up at each address
        self.take_over(options, named or {})

    def take_over(self, options: Options, named: Mapping[str, FrameOptions]) -> None:
        """From now on the frames are these."""
        self._defaults = _Defaults(
            target=Target(
                width=options.image_width,
                height=options.image_height,
                panel=options.panel,
                render=options.render,
                fit_mode=options.fit_mode,
                fit_threshold=options.fit_threshold,
                quality=options.quality,
                max_bytes=options.max_bytes,
            ),
            sleep_time=options.sleep_time,
        )
        self._named = {
            name: self._frame(name, number, said, self._code_of)
            for number, (name, said) in enumerate(named.items(), start=1)
        }
        self._by_key = {name.casefold(): frame for name, frame in self._named.items()}
        self._asked_for: set[Target] = set()
        self._by_port: dict[int, Frame] = {}
        self._by_address: dict[str, Frame] = {}
        for name, said in named.items():
            if said.port is not None:
                self._by_port[said.port] = self._named[name]
        # An address that two have is that of the one without a port: the other is told by its port.
        for name, said in sorted(named.items(), key=lambda frame: frame[1].port is not None):
            for address in said.address:
                self._by_address.setdefault(address, self._named[name])

    def asking(
        self, address: str, *, port: int | None = None, name: str | None = None, key: str | None = None
    ) -> Frame:
        """The frame that asks from this address, on this port of ours, or that says who it is.

        What it says counts before the port, and the port before the address. `key` is what the owner of a stock frame
        made up: a frame's name, or anything, which tells it from others at its address. One that is not named has the
        defaults.
        """
        # An IPv4 frame seen through an IPv6 socket is the same frame.
        address = address.removeprefix("::ffff:")
        known = self._named.get(name or "") or self._by_key.get((key or "").casefold())
        known = known or self._by_port.get(port or 0) or self._by_address.get(address)
        return known or Frame(
            key=self._told_apart(address, key), target=self._defaults.target, sleep_time=self._defaults.sleep_time
        )

    def _told_apart(self, address: str, key: str | None) -> str:
        """An address, and with a key one of a few at that address: who makes keys up by the thousand is one frame."""
        if key is None:
            return address
        known, digest = self._keys_at.setdefault(address, set()), _digest(key)
        if digest not in known and len(known) >= _MOST_KEYS:
            return address
        known.add(digest)
        return f"{address}#{digest}"

    def at_size(self, frame: Frame, width: int, height: int) -> Frame | None:
        """The frame with a panel of this size: it asks for more pixels than it has and halves them itself.

        None for sizes that no frame has, and when too many have been asked for: each costs disk for every picture. The
        sizes that the firmware asks for are always taken.
        """
        if width % 2 or height % 2 or not (_SMALLEST <= width <= _LARGEST and _SMALLEST <= height <= _LARGEST):
            return None
        most = frame.target.max_bytes or max(_LEAST_BYTES, width * height // _PIXELS_A_BYTE)
        # It averages four pixels to one, and with them whatever was put in for a panel of few colours.
        target = evolve(frame.target, width=width, height=height, panel="jpeg-8bit", max_bytes=most)
        others = {(one.width, one.height) for one in self._asked_for} - _OF_THE_FIRMWARE
        if (width, height) not in others | _OF_THE_FIRMWARE and len(others) >= _MOST_SIZES:
            return None
        self._asked_for.add(target)
        return evolve(frame, target=target)

    def named(self, name: str) -> Frame | None:
        """The frame of this name, or None."""
        return self._named.get(name)

    def at(self, key: str) -> str | None:
        """The name of the frame whose address this key is, or begins with; None: it is nobody's, or a name."""
        address, _, _ = key.partition("#")
        frame = None if key in self._named else self._by_address.get(address)
        return None if frame is None else frame.key

    def called(self, key: str) -> Frame:
        """The frame with this key: one with a name, or one that has the defaults."""
        return self._named.get(key) or Frame(
            key=key, target=self._defaults.target, sleep_time=self._defaults.sleep_time
        )

    def scope_of(self, key: str) -> str:
        """The stored pictures that the frame with this key shows."""
        known = self._named.get(key)
        return "" if known is None else known.scope

    def all_named(self) -> list[Frame]:
        """Every frame with a name, in the owner's order."""
        return list(self._named.values())

    @property
    def default(self) -> Target:
        """What a frame takes of which nothing else is known."""
        return self._defaults.target

    def targets(self) -> list[Target]:
        """Every target that is in use, each once."""
        named = (frame.target for frame in self._named.values())
        return list(dict.fromkeys([self._defaults.target, *named, *self._asked_for]))

    def forget_sizes(self) -> None:
        """Whoever still asks for a size of its own asks again."""
        self._asked_for.clear()

    def _frame(self, name: str, number: int, said: FrameOptions, code_of: Callable[[str], str]) -> Frame:
        usual = self._defaults.target
        own = profile_called(said.panel) if said.panel else None
        return Frame(
            key=name,
            name=name,
            number=number,
            target=Target(
                width=said.image_width or (own and own.width) or usual.width,
                height=said.image_height or (own and own.height) or usual.height,
                panel=said.panel or usual.panel,
                render=said.render or usual.render,
                fit_mode=said.fit_mode or usual.fit_mode,
                fit_threshold=usual.fit_threshold,
                quality=said.quality or usual.quality,
                max_bytes=said.max_bytes or (None if own else usual.max_bytes),
                rotate=said.rotate,
                mirror=said.mirror,
                invert=said.invert,
                gamma=said.gamma,
            ),
            sleep_time=self._defaults.sleep_time if said.sleep_time is None else said.sleep_time,
            providers=None if said.providers is None else tuple(map(code_of, said.providers)),
            prompts=said.prompts or None,
        )


def _digest(key: str) -> str:
    """Six digits in place of a key that may be a secret."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:6]
