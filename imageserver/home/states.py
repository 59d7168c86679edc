"""How the house is, as the broker is told it: every topic with its payload. Nothing is changed, and nobody is asked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import PurePosixPath

from attrs import define, evolve, field, frozen

from imageserver.clock import Clock
from imageserver.delivery import Delivery, Ready, Shown
from imageserver.errors import ImageServerError, JournalUnavailable
from imageserver.frames import Frame, Frames
from imageserver.home.discovery import Announcer, ProviderFacts
from imageserver.home.topics import OFF, ON, slug
from imageserver.journal import Journal, Picture, Sighting
from imageserver.naps import Naps
from imageserver.pictures.album import Album
from imageserver.pictures.store import PictureStore
from imageserver.provider_host import ProviderHost
from imageserver.registry import Registry
from imageserver.sightings import Sightings
from imageserver.target import Target
from imageserver.till import Till

_MOST_UNNAMED = 32  # frames without a name that become devices: those seen last
_FORGOTTEN = 30 * 86_400.0  # seconds after which one of these is no device any more
_LONGEST = 250  # letters of a label; Home Assistant takes 255


@frozen(kw_only=True)
class Snapshot:
    """Everything that the broker is to hold."""

    messages: Mapping[str, bytes]
    frames: Mapping[str, str]  # slug → key


@frozen(kw_only=True)
class _Hanging:
    """What hangs on a frame, kept until something else does."""

    shown: Shown | None
    label: str | None
    provider: str | None
    why: str
    image: bytes | None


@define(kw_only=True, eq=False)
class House:
    """Looks into the rooms."""

    _announcer: Announcer
    _with_images: bool
    _frames: Frames
    _sightings: Sightings
    _delivery: Delivery
    _store: PictureStore
    _album: Album
    _naps: Naps
    _registry: Registry
    _till: Till
    _journal: Journal
    _clock: Clock
    _hanging: dict[str, _Hanging] = field(init=False, factory=dict)

    async def look(self) -> Snapshot:
        """How everything is now. Raises JournalUnavailable."""
        messages: dict[str, bytes] = {}
        topics, frames = self._announcer.topics, self._shown_frames()
        for frame, sighting in frames:
            short = slug(frame.key)
            hanging = await self._what_hangs(frame)
            messages[topics.frame(short)] = _json(self._frame_state(frame, sighting, hanging))
            if hanging.image:
                messages[topics.image(short)] = hanging.image
            if (where := topics.device(short)) is not None:
                said = self._announcer.frame(frame.key, frame.name, frame.target.upright, with_image=self._with_images)
                messages[where] = _json(said)
        self._hanging = {frame.key: self._hanging[frame.key] for frame, _ in frames}
        hosts = list(self._registry.hosts.values())
        for host in hosts:
            messages[topics.provider(host.code)] = _json(await self._provider_state(host))
        messages[topics.server] = _json({"stored": self._store.count()})
        if (where := topics.device("server")) is not None:
            facts = [
                ProviderFacts(code=host.code, title=host.provider_class.title or host.code, is_counted=host.is_counted)
                for host in hosts
            ]
            messages[where] = _json(self._announcer.server(facts))
        return Snapshot(messages=messages, frames={slug(frame.key): frame.key for frame, _ in frames})

    def _shown_frames(self) -> list[tuple[Frame, Sighting | None]]:
        """The named ones, and of the others those that came for pictures lately."""
        named = [(frame, self._sightings.of(frame.key)) for frame in self._frames.all_named()]
        names, recent = {frame.key for frame, _ in named}, self._clock.now() - _FORGOTTEN
        others = [
            (self._frames.called(seen.frame), seen)
            for seen in self._sightings.all()
            if seen.frame not in names and _is_unnamed(seen) and seen.fetched and seen.last_seen > recent
        ]
        return [*named, *others[:_MOST_UNNAMED]]

    def _frame_state(self, frame: Frame, seen: Sighting | None, hanging: _Hanging) -> dict[str, object]:
        return {
            "shows": hanging.label,
            "picture": None if hanging.shown is None else hanging.shown.picture,
            "provider": hanging.provider,
            "since": None if hanging.shown is None else _moment(hanging.shown.at),
            "why": hanging.why,
            "last_seen": None if seen is None else _moment(seen.last_seen),
            "late": ON if seen is not None and self._sightings.is_late(seen) else OFF,
            "sleep": ON if self._naps.has(frame.key) else OFF,
        }

    async def _what_hangs(self, frame: Frame) -> _Hanging:
        shown, known = self._delivery.on(frame.key), self._hanging.get(frame.key)
        if known is None or known.shown != shown:
            known = self._hanging[frame.key] = await self._looked_up(frame, shown)
        return known

    async def _looked_up(self, frame: Frame, shown: Shown | None) -> _Hanging:
        if shown is None:
            return _Hanging(shown=None, label=None, provider=None, why="", image=None)
        job = await self._journal.jobs.get(shown.operation)
        why = "" if job is None else job.why
        picture = None if shown.picture is None else await self._store.picture(shown.picture)
        if picture is None:
            image = await self._card(frame) if self._with_images and shown.picture is None else None
            return _Hanging(shown=shown, label=None, provider=None, why=why, image=image)
        image = await self._album.thumbnail(picture) if self._with_images else None
        return _Hanging(shown=shown, label=_label(picture), provider=picture.provider, why=why, image=image)

    async def _card(self, frame: Frame) -> bytes | None:
        """The card that hangs there, as a person sees it: upright, and not as its panel wants it."""
        width, height = frame.target.upright
        try:
            ready = await self._delivery.still(evolve(frame, target=Target(width=width, height=height)))
            return await ready.rendition.jpeg() if isinstance(ready, Ready) else None
        except (ImageServerError, OSError):
            return None

    async def _provider_state(self, host: ProviderHost) -> dict[str, object]:
        state = host.state
        trouble: str | None = None
        said: dict[str, object] = {}
        if host.is_counted:
            totals = await self._till.totals(host.code)
            said = {
                "spent": float(totals.this_month.cost),
                "bought": totals.this_month.pictures,
                "month_began": self._month_began(),
            }
        if state.ready:
            try:
                trouble = await self._till.why_not(host)
            except (JournalUnavailable, OSError) as error:
                trouble = str(error)
        return {"state": "refused" if trouble else str(state.health), "reason": trouble or state.reason} | said

    def _month_began(self) -> str:
        """The owner's first of the month, by the clock that buying goes by."""
        today = datetime.fromtimestamp(self._till.clock.now(), self._clock.zone)
        return today.replace(day=1, hour=0, minute=0, second=0, microsecond=0).isoformat()


def _label(picture: Picture) -> str:
    text = " ".join((picture.prompt or PurePosixPath(picture.path).stem).split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _moment(at: float) -> str:
    return datetime.fromtimestamp(round(at), UTC).isoformat()


def _json(said: Mapping[str, object]) -> bytes:
    return json.dumps(said, ensure_ascii=False, sort_keys=True).encode("utf-8", "replace")


def _is_unnamed(seen: Sighting) -> bool:
    """Whether a frame goes by its address; what was seen of one whose name was taken away has that name still."""
    return seen.frame.partition("#")[0] == seen.address
