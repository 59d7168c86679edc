"""A fake webcam: an image with ETag and Last-Modified, another one each time unless it stands still.

What is charged here is giving the image; to say that nothing is new costs nothing.
"""

from __future__ import annotations

import base64

from aiohttp import web

from imageserver.testing import Answer, BadWire, FakeService, Ledger, Means, Wish

_BAD_WIRES = {mode.value for mode in BadWire}
LOGIN = ("frames", "pass-word-of-the-camera")
PATH = "/snapshot.jpg"

_MODES = {
    "locked": "wants a user and a password",
    "locked_echo": "nobody's password is right, and the answer repeats it",
    "forbidden": "403",
    "missing": "404",
    "login_page": "sends everybody to a page, with an ETag on it",
    "moved": "sends to another path of its own",
    "circle": "sends everybody round and round",
    "no_validators": "gives neither ETag nor Last-Modified",
    "only_date": "gives no ETag",
    "mistyped": "calls the image a text",
    "unasked_304": "says that nothing is new to everybody",
    "svg": "an SVG drawing",
    "nothing_but_spaces": "a body of spaces",
}


class FakeWebcam(FakeService):
    """The webcam."""

    own_modes = _MODES

    def __init__(self, ledger: Ledger | None = None, *, means: Means | None = None, is_still: bool = False) -> None:
        super().__init__(ledger, means=means)
        self.is_still = is_still  # it shows the last image again
        self.asked: list[str] = []  # paths with their queries
        self.headers: list[dict[str, str]] = []  # of every request, names in lower case
        self._image = b""
        self._number = 0  # of the image that it shows

    async def answer(self, request: web.Request, mode: str) -> web.StreamResponse:
        self.asked.append(request.path_qs)
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        turned_away = self.refused(mode) or _turned_away(request, mode)
        if turned_away is not None:
            return turned_away
        if not self._image or not self.is_still:
            self._number += 1
            self._image = self.paint(mode)
        headers = self._validators(mode)
        if _is_known(request, headers) or mode == "unasked_304":
            return web.Response(status=304, headers=headers)
        self.wishes.append(Wish())
        self.ledger.note("charge", path=request.path_qs)
        content_type = "text/plain" if mode == "mistyped" else "image/jpeg"
        response = await self.deliver(request, mode, Answer(body=_body(self._image, mode), content_type=content_type))
        if mode not in _BAD_WIRES:  # of those the head may be out already
            response.headers.update(headers)
        return response

    def _validators(self, mode: str) -> dict[str, str]:
        """What marks the image."""
        if mode == "no_validators":
            return {}
        date = {"Last-Modified": f"Sun, 22 Nov 2026 10:00:{self._number % 60:02} GMT"}
        return date if mode == "only_date" else {**date, "ETag": f'W/"image-{self._number}"'}


def _turned_away(request: web.Request, mode: str) -> web.Response | None:
    login = "Basic " + base64.b64encode(":".join(LOGIN).encode()).decode()
    if mode == "locked_echo":
        given = request.headers.get("Authorization", "")
        return web.Response(
            status=401, text=f"no user {given} {base64.b64decode(given[6:]).decode()} at {request.path_qs}"
        )
    if mode == "locked" and request.headers.get("Authorization") != login:
        return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="camera"'})
    if mode in ("forbidden", "missing"):
        return web.Response(status={"forbidden": 403, "missing": 404}[mode], text="no")
    targets = {"login_page": "/login", "moved": "/images/now.jpg", "circle": PATH}
    if mode in targets and request.path == PATH:
        return web.Response(status=302, headers={"Location": targets[mode]})
    if mode == "login_page":
        page = "\ufeff <!DOCTYPE html><title>Log in</title>"
        return web.Response(text=page, content_type="image/jpeg", headers={"ETag": '"page"'})
    return None


def _is_known(request: web.Request, headers: dict[str, str]) -> bool:
    """As RFC 9110 has it: where there is an ETag, the date does not count."""
    if "If-None-Match" in request.headers and "ETag" in headers:
        return request.headers["If-None-Match"] == headers["ETag"]
    return "Last-Modified" in headers and request.headers.get("If-Modified-Since") == headers["Last-Modified"]


def _body(image: bytes, mode: str) -> bytes:
    return {"svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>", "nothing_but_spaces": b"  \n"}.get(mode, image)
