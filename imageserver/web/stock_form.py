"""The form in which a stock AiFrame sends its wish: multipart/form-data, taken apart."""

from __future__ import annotations

import re

from imageserver.errors import BadRequest

_BOUNDARY = re.compile(r'multipart/form-data\s*;.*?\bboundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))', re.IGNORECASE)
_NAME = re.compile(rb'content-disposition:[^\r\n]*?[;\s]name="?([^";\r\n]+)', re.IGNORECASE)
_LONGEST_HEAD = 1024  # bytes of a part's own headers that are looked at; the firmware writes a hundred


def parts(content_type: str, body: bytes) -> dict[str, bytes]:
    """What the form holds, by name; of two parts with one name the first. Raises BadRequest.

    The firmware leaves out the line end behind the closing boundary.
    """
    found = _BOUNDARY.match(content_type)
    if found is None:
        raise BadRequest("the body must be multipart/form-data with a boundary")
    mark = b"\r\n--" + (found[1] or found[2]).encode("utf-8", "surrogateescape")
    _preamble, *pieces = (b"\r\n" + body).split(mark)
    if not any(piece.startswith(b"--") for piece in pieces):
        raise BadRequest("the form has no end: its closing boundary is missing")
    form: dict[str, bytes] = {}
    for piece in pieces:
        if piece.startswith(b"--"):
            break
        head, blank, content = piece.partition(b"\r\n\r\n")
        name = _NAME.search(head[:_LONGEST_HEAD])
        if blank and name is not None:
            form.setdefault(name[1].decode("utf-8", "replace"), content)
    return form
