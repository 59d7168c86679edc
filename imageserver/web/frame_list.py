"""The frames of the house as people and programs see them: those with names, and those that were only seen."""

from __future__ import annotations

from aiohttp import web
from attrs import asdict, frozen

from imageserver.frames import Frame
from imageserver.journal import Sighting
from imageserver.naps import Naps
from imageserver.sightings import Sightings, seems_shared, usual_interval
from imageserver.web.answers import json_answer
from imageserver.web.keys import FRAMES, NAPS, SIGHTINGS
from imageserver.web.metrics import FrameReading


@frozen(kw_only=True)
class FrameLine:
    """One frame. Times are seconds since 1970."""

    frame: str  # its name, or the address that it asks from
    named: bool
    address: str | None  # that it asked from last
    width: int
    height: int
    rotate: int
    first_seen: float | None
    last_seen: float | None  # None: it has never asked
    usual_interval: float | None  # seconds between two visits; None: not known yet
    late: bool
    requests: int
    fetched: int
    aborted: int
    shared: bool  # two frames seem to ask under this name
    asleep: bool  # sent to sleep by its owner, until it is woken


def frame_lines(app: web.Application) -> list[FrameLine]:
    """The named frames in the owner's order, then the others, those seen last first."""
    frames, sightings, naps = app[FRAMES], app[SIGHTINGS], app[NAPS]
    named = frames.all_named()
    names = {frame.key for frame in named}
    lines = [_line(frame, sightings.of(frame.key), sightings, naps) for frame in named]
    others = [sighting for sighting in sightings.all() if sighting.frame not in names]
    return lines + [_line(frames.called(one.frame), one, sightings, naps) for one in others]


def is_known_frame(app: web.Application, key: str) -> bool:
    """Whether a frame with this key has a name or was seen."""
    return app[FRAMES].named(key) is not None or app[SIGHTINGS].of(key) is not None


def frame_readings(app: web.Application) -> list[FrameReading]:
    """The frames that were seen, for /metrics."""
    return [
        FrameReading(name=line.frame if line.named else None, last_seen=line.last_seen, is_late=line.late)
        for line in frame_lines(app)
        if line.last_seen is not None
    ]


async def frames(request: web.Request) -> web.Response:
    """GET /frames: every frame that has a name or was seen."""
    return json_answer({"frames": [asdict(line) for line in frame_lines(request.app)]})


def _line(frame: Frame, seen: Sighting | None, sightings: Sightings, naps: Naps) -> FrameLine:
    return FrameLine(
        frame=frame.key,
        named=frame.name is not None,
        address=seen.address if seen else None,
        width=frame.target.width,
        height=frame.target.height,
        rotate=frame.target.rotate,
        first_seen=seen.first_seen if seen else None,
        last_seen=seen.last_seen if seen else None,
        usual_interval=usual_interval(seen) if seen else None,
        late=bool(seen and sightings.is_late(seen)),
        requests=seen.requests if seen else 0,
        fetched=seen.fetched if seen else 0,
        aborted=seen.aborted if seen else 0,
        shared=bool(seen and seems_shared(seen)),
        asleep=naps.has(frame.key),
    )
