"""The options that count at this moment, and the rooms that obey them; what the owner changes they hear from here."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping
from typing import Protocol

from attrs import asdict, define, evolve, field

from imageserver.config.file import sweep
from imageserver.config.groups import COUNT_NOW
from imageserver.config.model import Config, FrameOptions, Options
from imageserver.crew import Crew
from imageserver.delivery import Delivery
from imageserver.errors import JournalUnavailable
from imageserver.frames import Frames
from imageserver.intake import Intake, limits_of
from imageserver.logs import set_level
from imageserver.naps import Naps
from imageserver.pictures.choices import Choices
from imageserver.pictures.rotation import Rotation
from imageserver.pictures.turns import Turns
from imageserver.prompts import PromptLibrary
from imageserver.sightings import Sightings

_log = logging.getLogger(__name__)


class _Screens(Protocol):
    """The part of web/screens.py that matters here."""

    refresh: float

    def rename(self, old: str, new: str) -> None: ...


@define(kw_only=True, eq=False)
class OptionsInUse:
    """What the server goes by: as the file says, and where that needs a restart, as it said at the start."""

    config: Config
    _frames: Frames
    _sightings: Sightings
    _turns: Turns
    _choices: Choices
    _naps: Naps
    _delivery: Delivery
    _screens: _Screens
    _rotation: Rotation
    _intake: Intake
    _prompts: PromptLibrary
    _crew: Crew
    _ports: frozenset[int | None] = field(init=False)  # of frames, that are listened on

    def __attrs_post_init__(self) -> None:
        self._ports = frozenset(frame.port for frame in self.config.frames.values())

    async def open(self) -> None:
        """Frames that were given a name while no server ran go on under it."""
        await asyncio.to_thread(sweep, self.config.data)
        await self._carry(self._new_keys({}))

    def with_running(self, new: Config) -> Config:
        """What `new` would be once it is taken over."""
        options = evolve(self.config.options, **{name: getattr(new.options, name) for name in COUNT_NOW})
        return evolve(new, options=options)

    def needs_restart(self, new: Config) -> tuple[str, ...]:
        """What differs from what is in use and counts after a restart only."""
        values = asdict(self.with_running(new).options)
        options = (name for name, value in asdict(new.options).items() if value != values[name])
        ports = (f"frames.{name}.port" for name, said in new.frames.items() if said.port not in self._ports | {None})
        return (*options, *ports)

    async def take_over(self, new: Config, new_names: Mapping[str, str] | None = None) -> None:
        """From now on this counts. `new_names` are frames that their owner calls something else now."""
        before, self.config = self.config, self.with_running(new)
        options = self.config.options
        self._intake.limits = limits_of(options)
        self._rotation.least, self._rotation.most = options.image_amount_min, options.image_amount_max
        self._rotation.is_given = self.config.is_given("image_amount_max")
        self._screens.refresh = options.refresh
        self._prompts.amount = options.prompts_amount
        self._crew.least = options.workers
        self._crew.fill()
        if options.log_level != before.options.log_level:
            set_level(options.log_level)
        self._frames.take_over(options, self.config.frames)
        await self._carry([*(new_names or {}).items(), *self._new_keys(before.frames, new_names or {})])

    @property
    def options(self) -> Options:
        """The options in use."""
        return self.config.options

    def _new_keys(
        self, before: Mapping[str, FrameOptions], new_names: Mapping[str, str] | None = None
    ) -> Iterator[tuple[str, str]]:
        """Which frames have another key now: old and new."""
        named = self.config.frames
        for old, said in before.items():
            if old not in named and old not in (new_names or {}):
                seen = self._sightings.of(old)
                heir = next((name for name in named if name not in before and _is_same(said, named[name])), None)
                if heir is None and seen is not None:
                    heir = self._frames.at(seen.address) or seen.address
                if heir:
                    yield old, heir
        for sighting in self._sightings.all():
            name = self._frames.at(sighting.frame)
            if name is not None:
                yield sighting.frame, name

    async def _carry(self, new_keys: Iterator[tuple[str, str]] | list[tuple[str, str]]) -> None:
        """What was known of a frame is known under its new key: its visits, its lap, what hangs there, what comes."""
        for old, new in list(new_keys):
            self._sightings.rename(old, new)
            self._turns.rename(old, new)
            self._delivery.rename(old, new)
            self._screens.rename(old, new)
            _log.info("frame %s is %s from now on", old, new)
            try:
                await self._choices.rename(old, new)
            except JournalUnavailable as error:  # it gets another picture; everything else is carried over
                _log.warning("frame %s: what was chosen for it is lost: %s", new, error)
            try:
                await self._naps.rename(old, new)
            except JournalUnavailable as error:  # under its new key it is awake
                _log.warning("frame %s: that it sleeps is lost: %s", new, error)


def _is_same(one: FrameOptions, other: FrameOptions) -> bool:
    """Whether two entries of the file mean the same frame."""
    return bool(set(one.address) & set(other.address)) or (one.port is not None and one.port == other.port)
