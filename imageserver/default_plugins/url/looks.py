"""What came, by its first bytes: what a server calls it need not be true."""

from __future__ import annotations

from imageserver import BadResult, picture_kind

_PAGES = (b"<!doctype html", b"<html", b"<head", b"<body")
_OTHERS = ((b"GIF8", "a GIF"), (b"BM", "a BMP"), (b"<svg", "an SVG drawing"), (b"%PDF", "a PDF"), (b"{", "JSON"))


def check_picture(data: bytes, host: str) -> None:
    """Raise BadResult, with a sentence for the owner, for what is no JPEG, PNG or WEBP."""
    if picture_kind(data) is not None:
        return
    beginning = data[:512].removeprefix(b"\xef\xbb\xbf").lstrip()
    if not beginning:
        raise BadResult(f"{host} sent nothing")
    if beginning.lower().startswith(_PAGES):
        raise BadResult(
            f"{host} sent a web page instead of an image: does it want a login, or is it the address of the page?"
        )
    kind = next((name for magic, name in _OTHERS if beginning.startswith(magic)), "something else")
    raise BadResult(f"{host} sent {kind}; what can be shown is JPEG, PNG and WEBP")
