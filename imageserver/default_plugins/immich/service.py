"""The calls to Immich, and what its refusals mean."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from attrs import field, frozen

from imageserver import (
    AuthError,
    BadProviderRequest,
    BadResult,
    PermissionDenied,
    ProviderContext,
    ProviderError,
    Reply,
    TransientError,
    UntrustedCertificate,
    picture_kind,
)
from imageserver.default_plugins.immich.photos import Photo, read_photos
from imageserver.default_plugins.immich.settings import ImmichSettings

KEYS_PLACE = "in Immich open Account Settings, API Keys"
PAGE = 1000  # photos a page, the most that Immich gives
MOST_PAGES = 100
_GLANCE = 20  # photos; one of them can surely be shown, if there are any
_CONNECT = 3.0  # seconds; it is in the house
_NOBODY = "00000000-0000-4000-8000-000000000000"  # no asset has this id; who may ask is checked before it is looked up
# A harmless question for each permission that this provider may need
_PROBES: dict[str, tuple[str, str]] = {
    "asset.read": ("POST", "search/metadata"),
    "album.read": ("GET", "albums"),
    "memory.read": ("GET", "memories?type=on_this_day&for=1970-01-01T00:00:00.000Z"),  # a day without any
    "asset.view": ("GET", f"assets/{_NOBODY}/thumbnail"),
    "asset.download": ("GET", f"assets/{_NOBODY}/original"),
}


class PhotoGone(Exception):
    """A photo was deleted since it was listed, or Immich has made no preview of it yet."""


@frozen(kw_only=True)
class Service:
    """Immich, as its owner's key sees it. Methods raise ProviderErrors only, but for PhotoGone."""

    context: ProviderContext
    settings: ImmichSettings
    key: str = field(repr=False)
    timeout: float  # seconds for a call

    async def ping(self) -> None:
        """See whether an Immich is there. Takes no key."""
        answer = await self._object("GET", "server/ping")
        if answer.get("res") != "pong":
            raise BadResult(f"there is no Immich at {self.settings.base_url}: check base_url")

    async def albums(self) -> list[dict[str, Any]]:
        """The albums of the key's owner."""
        return await self._list("GET", "albums")

    async def find(self, *, glance: bool = False, **wanted: Any) -> list[Photo]:
        """The photos for which this holds, from all pages; at a glance only the first few of them."""
        photos: list[Photo] = []
        page = 1
        for _ in range(1 if glance else MOST_PAGES):
            body = {**self._images(), **wanted, "page": page, "size": _GLANCE if glance else PAGE}
            items, following = _page(await self._object("POST", "search/metadata", json=body))
            photos += read_photos(items)
            if not items or not following or glance:
                return photos
            if not following.isdecimal() or int(following) <= page:
                self.context.log.warning("Immich's pages go round in a circle after page %d: no more are read", page)
                return photos
            page = int(following)
        self.context.log.warning("only the first %d photos are looked at", MOST_PAGES * PAGE)
        return photos

    async def draw(self, number: int) -> tuple[list[Photo], bool]:
        """So many photos by chance, and whether these are all there are."""
        listed = await self._list("POST", "search/random", json={**self._images(), "size": number})
        return read_photos(listed), len(listed) < number

    async def memories(self) -> list[Photo]:
        """The photos of this day in other years."""
        # Immich's own apps send the time on the wall with the letter of UTC, and its days are made for that.
        now = datetime.fromtimestamp(self.context.clock.now(), self.context.clock.zone)
        params = {"type": "on_this_day", "for": f"{now:%Y-%m-%dT%H:%M:%S}.000Z"}
        listed = await self._list("GET", "memories", params=params)
        photos = [photo for memory in listed for photo in read_photos(memory.get("assets"))]
        return list({photo.id: photo for photo in photos}.values())

    async def picture(self, photo: Photo) -> bytes:
        """The photo's bytes. Raises PhotoGone where another one may do."""
        # A photo in full size may be an AVIF or a GIF, which the server does not read; its preview never is.
        sizes = ("fullsize", "preview") if self.settings.size == "fullsize" else ("preview",)
        for size in sizes:
            reply = await self._fetch(f"{self.settings.api}/assets/{photo.id}/thumbnail?size={size}")
            if reply.status in (400, 404):
                raise PhotoGone(reply.words or f"HTTP {reply.status}")
            if not reply.ok:
                raise self._refusal(reply)
            if picture_kind(reply.body):
                return reply.body
        raise BadResult(f"what {self.settings.base_url} gave for a photo is no JPEG, PNG or WEBP")

    async def lacks(self, permission: str) -> bool:
        """Whether the key was made without this permission."""
        method, path = _PROBES[permission]
        body = {"json": {"size": 1}} if method == "POST" else {}
        reply = await self._send(method, path, **body)
        if reply.status in (401, 403) or reply.status >= 500:
            refusal = self._refusal(reply)
            if not isinstance(refusal, PermissionDenied):
                raise refusal
            return True
        return False

    def _images(self) -> dict[str, Any]:
        # EXIF makes the answers twice as long, and only the shape is read from it.
        exif = {"withExif": True} if self.settings.orientation == "fit" else {}
        return {"type": "IMAGE", "visibility": "timeline", **exif}

    async def _object(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        return (await self._good(method, path, **request)).json_object()

    async def _list(self, method: str, path: str, **request: Any) -> list[dict[str, Any]]:
        listed = (await self._good(method, path, **request)).json()
        if not isinstance(listed, list):
            raise BadResult(f"Immich gave no list for {path}: is its version 2 or newer?")
        return [one for one in listed if isinstance(one, dict)]

    async def _good(self, method: str, path: str, **request: Any) -> Reply:
        reply = await self._send(method, path, **request)
        if not reply.ok:
            raise self._refusal(reply)
        return reply

    async def _send(self, method: str, path: str, **request: Any) -> Reply:
        try:
            return await self.context.http.call(
                method,
                f"{self.settings.api}/{path}",
                timeout=self.timeout,
                connect=_CONNECT,
                verify_tls=self.settings.verify_tls,
                headers=self._headers,
                **request,
            )
        except UntrustedCertificate as error:
            raise _with_hint(error) from None

    async def _fetch(self, url: str) -> Reply:
        try:
            return await self.context.http.download(
                url,
                own=[self.settings.base_url],
                own_headers=self._headers,
                timeout=self.timeout,
                verify_tls=self.settings.verify_tls,
            )
        except UntrustedCertificate as error:
            raise _with_hint(error) from None

    @property
    def _headers(self) -> dict[str, str]:
        return {"x-api-key": self.key, "Accept": "application/json, image/*"}

    def _refusal(self, reply: Reply) -> ProviderError:
        if reply.status == 401:
            return reply.error(AuthError, f"Immich does not accept the API key: {KEYS_PLACE}, and make a new one")
        if reply.status == 403:
            return reply.error(PermissionDenied, permission_sentence(_permissions_in(reply.words)))
        if 300 <= reply.status < 400:
            return reply.error(
                BadProviderRequest,
                "{host} sends us to another address: write the one that your browser shows as base_url",
            )
        if reply.status == 404:
            return reply.error(BadProviderRequest, "there is no Immich at {host}, or an old one: check base_url")
        if reply.status in (502, 503, 504):
            return reply.error(TransientError, "Immich is being started or updated: {host} answers HTTP {status}")
        return reply.error()


def permission_sentence(permissions: list[str]) -> str:
    """What the owner is to do about permissions that the key lacks."""
    if not permissions:
        return f"the API key lacks a permission: {KEYS_PLACE}, edit the key and tick those that this provider needs"
    boxes = " and ".join(permissions)
    lack = "the API key lacks the permission" + ("s" if len(permissions) > 1 else "")
    return f"{lack} {boxes}: {KEYS_PLACE}, edit the key and tick {boxes}"


def _with_hint(error: UntrustedCertificate) -> UntrustedCertificate:
    return UntrustedCertificate(f"{error} If Immich's certificate is self-signed, write verify_tls: false")


def _page(answer: dict[str, Any]) -> tuple[list[Any], str]:
    """The assets on a page of a search, and the number of the next page; empty behind the last one."""
    assets = answer.get("assets")
    items = assets.get("items") if isinstance(assets, dict) else None
    if not isinstance(assets, dict) or not isinstance(items, list):
        raise BadResult("Immich gave no list of photos: is its version 2 or newer?")
    return items, str(assets.get("nextPage") or "")


def _permissions_in(words: str) -> list[str]:
    named = re.search(r"permission: ([a-zA-Z]+(?:\.[a-zA-Z]+)*)", words)
    return [named[1]] if named else []
