"""Status line and headers, as the frame's firmware reads them."""

from __future__ import annotations

from attrs import frozen

from imageserver.frame_client.failure import FrameWouldFail

_KNOWN = ("Content-Type", "Content-Length", "Transfer-Encoding", "Connection")
_LINE_LIMIT = 150  # bytes with CR LF: the firmware's buffer for one line; longer ones are skipped


@frozen(kw_only=True)
class Head:
    """What the firmware takes from the headers."""

    status: int
    chunked: bool
    length: int  # bytes; 0 when chunked


def parse_head(lines: list[bytes]) -> Head:
    """Read the lines before the body (without CR LF, the status line first).

    Raises FrameWouldFail when a frame would not see a response with a body in them.
    """
    status = _status(lines[0] if lines else b"")
    headers: dict[str, str] = {}
    for line in lines[1:]:
        if len(line) + 2 > _LINE_LIMIT:
            continue
        name, colon, value = line.decode("latin-1").partition(":")
        if colon:
            _refuse_other_case(name)
            headers.setdefault(name, _value(name, value))
    _refuse_compression(headers)
    coding = headers.get("Transfer-Encoding")
    if coding is not None and coding != "chunked":
        raise FrameWouldFail(f'Transfer-Encoding is written "{coding}", a frame looks for "chunked" exactly')
    if coding is not None:
        return Head(status=status, chunked=True, length=0)
    length = _length(headers.get("Content-Length"))
    return Head(status=status, chunked=False, length=length)


def _status(line: bytes) -> int:
    words = line.split(b" ")
    if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit():
        raise FrameWouldFail(f"the answer begins with {line[:40]!r}, which is no HTTP/1.1 status line")
    return int(words[1])


def _refuse_other_case(name: str) -> None:
    for known in _KNOWN:
        if name != known and name.strip().lower() == known.lower():
            raise FrameWouldFail(f"header name is written {name}, a frame looks for {known} exactly")


def _value(name: str, raw: str) -> str:
    # The firmware takes what stands two characters behind the colon.
    if name in _KNOWN and not raw.startswith(" "):
        raise FrameWouldFail(f"header {name} has no space behind its colon; a frame loses the value's first character")
    return raw[1:]


def _refuse_compression(headers: dict[str, str]) -> None:
    for name, value in headers.items():
        if name.lower() == "content-encoding" and value.strip().lower() != "identity":
            raise FrameWouldFail(f"the body is compressed (Content-Encoding: {value}); a frame cannot unpack it")


def _length(text: str | None) -> int:
    if text is None:
        raise FrameWouldFail(
            "the answer has neither Content-Length nor Transfer-Encoding: chunked; a frame sees no body in it, "
            "and an answer without a body counts as no response at all"
        )
    if not (text.isascii() and text.isdigit()):
        raise FrameWouldFail(f'Content-Length is "{text}", which is no number of bytes')
    length = int(text)
    if not length:
        raise FrameWouldFail("the answer has no body; a frame counts that as no response at all")
    return length
