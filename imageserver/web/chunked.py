"""An answer in chunks, sent with as few writes as it takes.

aiohttp's own chunked answers cost a system call for their headers and one for each chunk; in small chunks that was most
of what a picture cost. Here the chunks of a block are put together first. What a frame reads is the same, byte by byte.
"""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import HttpVersion11, hdrs, web

_LAST_CHUNK = b"0\r\n\r\n"


class ChunkedAnswer(web.StreamResponse):
    """To be written with `send`, the last time with `is_last`. A client of HTTP/1.0 hears the same bytes unchunked."""

    # aiohttp would chunk by itself whatever has no length, and send the headers before there is anything behind them.
    # Both names are its own and not promised; tests/web/test_chunked.py looks at the bytes.
    _length_check = False
    _send_headers_immediately = False

    def __init__(self, request: web.Request, content_type: str, length: int) -> None:
        """`length` of the body in bytes, for clients to which it must be said."""
        super().__init__(headers={hdrs.CONTENT_TYPE: content_type})
        self._is_chunked = request.version >= HttpVersion11
        if self._is_chunked:
            self.headers[hdrs.TRANSFER_ENCODING] = "chunked"
        else:  # some proxies speak 1.0 to what is behind them
            self._length_check = True
            self.content_length = length

    async def send(self, pieces: Iterable[bytes], *, is_last: bool = False) -> None:
        """Write these pieces, each a chunk; none may be empty. Raises ConnectionResetError when the client has gone."""
        parts: list[bytes] = []
        for piece in pieces:
            if self._is_chunked:
                parts += (b"%x\r\n" % len(piece), piece, b"\r\n")
            else:
                parts.append(piece)
        if is_last and self._is_chunked:
            parts.append(_LAST_CHUNK)
        await self.write(b"".join(parts))
        if is_last:
            await self.write_eof()
