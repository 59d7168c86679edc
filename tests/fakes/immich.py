"""A fake Immich, version 2 or 3, as strict as the real one is known to be.

Its library is a list of assets in the server's own words; tests change it as they like. A key is refused, or lacks a
permission, before anything is looked up. Unlike the real one it refuses fields that it does not know.
"""

from __future__ import annotations

import json
import re
import ssl
import uuid
from datetime import datetime
from typing import Any

from aiohttp import web
from attrs import define, field

from imageserver.testing import Answer, FakeService, Ledger, Means, Wish

KEY = "key-for-tests"
ALL_PERMISSIONS = frozenset({"asset.read", "asset.view", "asset.download", "album.read", "memory.read"})
_UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.ASCII)
_FIELDS = {
    "search/metadata": {"type", "visibility", "withExif", "isFavorite", "albumIds", "page", "size"},
    "search/random": {"type", "visibility", "withExif", "isFavorite", "albumIds", "size"},
}


@define(kw_only=True)
class Asset:
    """One item of the library."""

    id: str = field(factory=lambda: str(uuid.uuid4()))
    name: str = "IMG_0001.jpg"
    facts: dict[str, Any] = field(factory=dict)  # what differs from an ordinary photo
    width: int | None = None  # in pixels, as the sensor lay
    height: int | None = None
    on_its_side: bool = False  # the camera was held upright
    original: bytes | None = None  # in a kind that browsers know: fullsize leads to it
    is_deleted: bool = False  # since it was listed
    has_preview: bool = True


class Refused(Exception):
    """An error as Immich words it."""

    def __init__(self, status: int, message: str | list[str]) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"message": message, "error": "Error", "statusCode": status, "correlationId": "a1b2c3d4"}


class FakeImmich(FakeService):
    """The server. `permissions` are the key's; `largest_page` makes the pages shorter than they are asked for."""

    own_modes = dict.fromkeys(
        (
            "wrong_key",
            "key_echo",
            "no_asset_read",
            "no_asset_view",
            "all_deleted",
            "nothing",
            "old_server",
            "circle",
            "moved",
            "no_immich",
        ),
        "",
    )

    def __init__(self, ledger: Ledger | None = None, *, version: int = 3, means: Means | None = None) -> None:
        super().__init__(ledger, means=means or Means(pace=0.01))
        self.version = version
        self.permissions = set(ALL_PERMISSIONS)
        self.largest_page = 1000
        self.assets = [Asset(name=f"IMG_{number:04}.jpg") for number in range(1, 4)]
        self.albums: dict[str, tuple[str, list[Asset]]] = {}  # id → name, contents
        self.memories: dict[str, list[Asset]] = {}  # day such as 11-22 → photos
        self.searches: list[dict[str, Any]] = []  # bodies that were accepted
        self.memory_times: list[str] = []  # `for`, as it was sent
        self.sent: list[str] = []  # ids of the assets whose bytes were asked for
        self.kind: tuple[bytes, str] | None = None  # a picture to send instead of a JPEG of its own
        self.redirect = ""  # where fullsize leads instead of to the original

    async def listen_tls(self, context: ssl.SSLContext) -> str:
        """Serve on a TLS port too, as a proxy in the house would; returns its address."""
        assert self._runner is not None
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=context).start()
        return f"https://127.0.0.1:{self._runner.addresses[-1][1]}"

    def add_album(self, name: str, contents: list[Asset]) -> str:
        """Make an album of assets; those not in the library yet come into it."""
        album_id = str(uuid.uuid4())
        self.albums[album_id] = (name, contents)
        self.assets += [one for one in contents if one not in self.assets]
        return album_id

    async def answer(self, request: web.Request, mode: str) -> web.StreamResponse:
        turned_away = self.refused(mode)
        if turned_away is not None:
            return turned_away
        try:
            if mode == "moved":
                return web.Response(status=301, headers={"Location": f"https://photos.example{request.path}"})
            path = request.path.removeprefix("/api/") if request.path.startswith("/api/") else ""
            if (request.method, path) == ("GET", "server/ping"):
                return await self._json(request, mode, {"res": "pong" if mode != "no_immich" else "hello"})
            self._check_key(request, mode)
            return await self._route(request, mode, path)
        except Refused as refused:
            return web.json_response(refused.body, status=refused.status)

    def _check_key(self, request: web.Request, mode: str) -> None:
        key = request.headers.get("x-api-key")
        if key is None:
            raise Refused(401, "Authentication required")
        if key != KEY or mode == "wrong_key":
            raise Refused(401, "Invalid API key")
        if mode == "key_echo":
            raise Refused(401, f"Invalid API key {key}")

    def _need(self, permission: str, mode: str) -> None:
        if permission not in self.permissions or mode == f"no_{permission.replace('.', '_')}":
            raise Refused(403, f"Missing required permission: {permission}")

    async def _route(self, request: web.Request, mode: str, path: str) -> web.StreamResponse:
        method = request.method
        if method == "GET" and path == "albums":
            self._need("album.read", mode)
            listed = [{"id": one, "albumName": name, "assetCount": len(a)} for one, (name, a) in self.albums.items()]
            return await self._json(request, mode, listed)
        if method == "GET" and path.startswith("albums/"):
            self._need("album.read", mode)
            name, contents = self.albums[path.removeprefix("albums/")]
            told = [self._told(one) for one in contents] if self.version < 3 else None
            answer = {"albumName": name, "assetCount": len(contents), **({} if told is None else {"assets": told})}
            return await self._json(request, mode, answer)
        if method == "GET" and path == "memories":
            self._need("memory.read", mode)
            return await self._json(request, mode, self._memories(request, mode))
        if method == "POST" and path in _FIELDS and (path, mode) != ("search/random", "old_server"):
            self._need("asset.read", mode)
            return await self._search(request, mode, path)
        picture = re.fullmatch(r"assets/([^/]+)/(thumbnail|original)", path)
        if method == "GET" and picture:
            return await self._picture(request, mode, picture[1], picture[2])
        raise Refused(404, f"Cannot {method} {request.path}")

    def _memories(self, request: web.Request, mode: str) -> list[dict[str, Any]]:
        if not set(request.query) <= {"for", "type", "size", "order"}:
            raise Refused(400, ["property should not exist"])
        if not request.query:
            return []
        moment = request.query.get("for", "")
        if request.query.get("type") != "on_this_day" or not re.fullmatch(r"[\d-]{10}T[\d:]{8}\.\d{3}Z", moment):
            raise Refused(400, ["for must be a Date instance"])
        self.memory_times.append(moment)
        photos = self.memories.get(f"{datetime.fromisoformat(moment):%m-%d}", []) if mode != "nothing" else []
        memory = {"id": str(uuid.uuid4()), "type": "on_this_day", "data": {"year": 2019}}
        return [{**memory, "assets": [self._told(one) for one in photos]}] if photos else []

    async def _search(self, request: web.Request, mode: str, path: str) -> web.StreamResponse:
        body = await request.json()
        unknown = set(body) - _FIELDS[path]
        if unknown:
            raise Refused(400, [f"property {name} should not exist" for name in sorted(unknown)])
        size, page = body.get("size", 250), body.get("page", 1)
        if not (type(size) is int and 1 <= size <= 1000 and type(page) is int and page >= 1):
            raise Refused(400, ["size must not be greater than 1000"])
        if not all(_UUID4.fullmatch(one) for one in body.get("albumIds", [])):
            raise Refused(400, ["each value in albumIds must be a UUID"])
        self.searches.append(body)
        found = [self._told(one, with_exif=body.get("withExif", False)) for one in self._found(body, mode)]
        if path == "search/random":
            return await self._json(request, mode, found[:size])
        size = min(size, self.largest_page)
        items = found[(page - 1) * size : page * size]
        following = str(page + 1) if page * size < len(found) else None
        if mode == "circle":
            items, following = found, "1"
        assets = {"total": len(items), "count": len(items), "items": items, "facets": [], "nextPage": following}
        albums: dict[str, Any] = {"total": 0, "count": 0, "items": [], "facets": []}
        return await self._json(request, mode, {"albums": albums, "assets": assets})

    def _found(self, body: dict[str, Any], mode: str) -> list[Asset]:
        # What a frame cannot show is listed all the same: who asks has to leave it out.
        if mode == "nothing":
            return []
        found = self.assets
        for album_id in body.get("albumIds", []):
            found = self.albums[album_id][1]
        return [one for one in found if one.facts.get("isFavorite") or not body.get("isFavorite")]

    async def _picture(self, request: web.Request, mode: str, asset_id: str, what: str) -> web.StreamResponse:
        permission = "asset.view" if what == "thumbnail" else "asset.download"
        self._need(permission, mode)
        asset = next((one for one in self.assets if one.id == asset_id), None)
        size = request.query.get("size", "thumbnail" if what == "thumbnail" else "")
        if asset is not None and size != "fullsize":
            self.sent.append(asset_id)
        if asset is None or asset.is_deleted or mode == "all_deleted":
            raise Refused(400, f"Not found or no {permission} access")
        if what == "thumbnail" and size not in ("thumbnail", "preview", "fullsize"):
            raise Refused(400, ["size must be one of the following values: fullsize, preview, thumbnail"])
        if size == "fullsize":
            to = "original" if asset.original is not None else f"{request.path}?size=preview"
            return web.Response(status=302, headers={"Location": self.redirect or to})
        if what == "thumbnail" and not asset.has_preview:
            raise Refused(404, "Asset media not found")
        self.wishes.append(Wish())
        self.ledger.note("charge", asset=asset_id, size=size or what)
        body, content_type = self.kind or (self.paint(mode), "image/jpeg")
        if what == "original" and asset.original is not None:
            body = asset.original
        return await self.deliver(request, mode, Answer(body=body, content_type=content_type))

    async def _json(self, request: web.Request, mode: str, answer: object) -> web.StreamResponse:
        return await self.deliver(request, mode, Answer(body=json.dumps(answer).encode()))

    def _told(self, asset: Asset, *, with_exif: bool = False) -> dict[str, Any]:
        told: dict[str, Any] = {
            "id": asset.id,
            "type": "IMAGE",
            "originalFileName": asset.name,
            "originalMimeType": "image/jpeg",
            "fileCreatedAt": "2019-07-04T16:30:00.000Z",
            "localDateTime": "2019-07-04T18:30:00.000Z",
            "isFavorite": False,
            "isArchived": False,
            "isTrashed": False,
            "isOffline": False,
            "visibility": "timeline",
            **asset.facts,
        }
        sides = [asset.width, asset.height]
        if with_exif:
            turned = "6" if asset.on_its_side else "1"
            told["exifInfo"] = {"exifImageWidth": sides[0], "exifImageHeight": sides[1], "orientation": turned}
        if self.version >= 3:
            told["width"], told["height"] = reversed(sides) if asset.on_its_side else sides
        return told
