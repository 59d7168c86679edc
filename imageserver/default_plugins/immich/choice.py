"""Which photos the owner wants to see: `show` in the settings."""

from __future__ import annotations

import difflib
from collections.abc import Container
from typing import Any

from attrs import frozen

from imageserver import BadProviderRequest
from imageserver.default_plugins.immich.photos import Photo
from imageserver.default_plugins.immich.service import Service

# How many photos are drawn until one is among them that was not shown yet. A library with fewer than the largest of
# these numbers is seen whole, so its laps are exact; with more, a lap may end a little early.
_DRAWS = (100, 1000, 1000)
_NAMED = 5  # albums in a message

NEEDED = {  # permissions, besides those for the picture itself
    "random": ["asset.read"],
    "favorites": ["asset.read"],
    "album": ["album.read", "asset.read"],
    "memories": ["memory.read"],
}
_NOTHING = {
    "random": "Immich has no photos yet",
    "favorites": "Immich has no favorites: mark some photos with the heart",
    "album": "the album {album} has no photos",
    "memories": "Immich has no memories for today",
}


@frozen(kw_only=True)
class Choice:
    """The photos to choose from."""

    service: Service
    album: str = ""  # its name, where there is one
    album_id: str = ""

    @classmethod
    async def of(cls, service: Service) -> Choice:
        """The owner's choice. Raises BadProviderRequest for an album that is not there."""
        if service.settings.show != "album":
            return cls(service=service)
        wanted = (service.settings.album or "").strip()
        albums = {str(one.get("id")): str(one.get("albumName") or "") for one in await service.albums()}
        if wanted in albums:
            return cls(service=service, album=albums[wanted], album_id=wanted)
        found = [album_id for album_id, name in albums.items() if name.strip().casefold() == wanted.casefold()]
        if len(found) > 1:
            raise BadProviderRequest(f'Immich has {len(found)} albums called "{wanted}": write the id as album')
        if not found:
            raise BadProviderRequest(service.context.mask(_unknown(wanted, list(albums.values()))))
        return cls(service=service, album=albums[found[0]], album_id=found[0])

    async def photos(self, shown: Container[str]) -> list[Photo]:
        """Photos to choose from, never none. Where chance brings them it is asked again while all were shown."""
        if self.service.settings.show != "random":
            return self._some(await self._all())
        photos: list[Photo] = []
        for number in _DRAWS:
            photos, is_all = await self.service.draw(number)
            if is_all or any(photo.id not in shown for photo in photos):
                break
        return self._some(photos)

    async def check(self) -> None:
        """Raises BadProviderRequest when there is nothing to show."""
        self._some(await self._all(glance=True))

    async def _all(self, *, glance: bool = False) -> list[Photo]:
        show = self.service.settings.show
        if show == "memories":
            return await self.service.memories()
        wanted: dict[str, dict[str, Any]] = {"favorites": {"isFavorite": True}, "album": {"albumIds": [self.album_id]}}
        return await self.service.find(glance=glance, **wanted.get(show, {}))

    def _some(self, photos: list[Photo]) -> list[Photo]:
        if not photos:
            # Not Unreachable, which counts as a failure: after three of them the provider would be left alone for up to
            # an hour, and the day's first memory would wait for that. This class is noted and the next provider asked.
            raise BadProviderRequest(_NOTHING[self.service.settings.show].format(album=self.album))
        return photos


def _unknown(wanted: str, names: list[str]) -> str:
    by_lower = {name.casefold(): name for name in names}
    near = [by_lower[one] for one in difflib.get_close_matches(wanted.casefold(), by_lower, n=_NAMED, cutoff=0.5)]
    if near:
        return f'Immich has no album "{wanted}"; near to it: {", ".join(near)}'
    if not names:
        return f'Immich has no album "{wanted}": the owner of the API key has no albums'
    return f'Immich has no album "{wanted}"; some that it has: {", ".join(sorted(names)[:_NAMED])}'
