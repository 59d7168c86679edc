"""What the frame's JPEG decoder (TJpgDec R0.03 with a workspace of 3500 bytes) takes, read from a file's segments.

The refusals carry the decoder's own error names. Nothing here decodes, and nothing needs NumPy.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field, frozen

from imageserver.panel.refusal import FMT1, FMT3, INP, MEM1, MEM2, UNNOTICED, JpegRefused
from imageserver.panel.restarts import check_scan

WORKSPACE = 3500  # bytes for everything the decoder remembers; nothing is ever given back
_INPUT_BUFFER = 512  # bytes, the first thing taken from the workspace; the segments it reads must fit in it

_SAMPLINGS = {0x11: "4:4:4", 0x21: "4:2:2", 0x22: "4:2:0", 0x12: "4:4:0", 0x41: "4:1:1"}
_DRAWN_SAMPLINGS = (0x11, 0x21, 0x22)
_OTHER_FRAMES = {0xC1: "extended", 0xC2: "progressive", 0xC3: "lossless", 0xC9: "arithmetic", 0xCA: "arithmetic"}
_SIGNATURES = {b"\x89PNG": "PNG", b"GIF8": "GIF", b"RIFF": "WEBP", b"BM": "BMP", b"\x00\x00\x01\x00": "ICO"}


@frozen(kw_only=True)
class JpegFacts:
    """A picture that the decoder takes, described. Sizes are in bytes where nothing else is said."""

    width: int  # pixels
    height: int
    sampling: str  # "4:2:0", "4:2:2", "4:4:4" or "grey"
    quantisers: int  # tables in the file, repeated ones counted again
    restart_interval: int  # MCUs; 0 without restart markers
    workspace: int  # of 3500
    size: int


@frozen(kw_only=True)
class HuffmanTable:
    """Codes as a DHT segment lists them."""

    counts: bytes  # how many codes have 1, 2, … 16 bits
    symbols: bytes  # in the order of their codes


@frozen(kw_only=True)
class Opened:
    """A file whose segments were read: all that is needed to decode its scan."""

    facts: JpegFacts
    mcu: tuple[int, int]  # luma blocks across and down
    quantisers: tuple[bytes, ...]  # one per component: 64 steps in zigzag order
    huffman: dict[tuple[int, int], HuffmanTable]  # (class, id): class 0 is DC, 1 is AC; id 0 is luma, 1 colour
    scan: bytes  # from the first byte behind the SOS segment to the end of the file


def inspect(jpeg: bytes) -> JpegFacts:
    """Walk the segments as the decoder does. Raises JpegRefused with the first thing it would stumble over."""
    return opened(jpeg).facts


def opened(jpeg: bytes) -> Opened:
    """The same walk, with the tables and the scan. Raises JpegRefused."""
    return _Walk(data=jpeg).run()


def _up4(size: int) -> int:
    return (size + 3) // 4 * 4


@define(kw_only=True)
class _Walk:
    data: bytes
    used: int = _INPUT_BUFFER
    width: int = 0
    height: int = 0
    sampling: list[int] = field(factory=list)  # one byte per component, luma first
    quantiser_of: list[int] = field(factory=list)
    quantisers: list[tuple[int, bytes]] = field(factory=list)  # (id, steps), repeated ones again
    huffman: dict[tuple[int, int], HuffmanTable] = field(factory=dict)
    restart_interval: int = 0
    adobe_rgb: bool = False

    def run(self) -> Opened:
        at = self._start()
        while True:
            marker, payload, at = self._segment(at)
            if marker == 0xDA:
                self._scan_header(payload)
                break
            self._read(marker, payload)
        across, down = self.sampling[0] >> 4, self.sampling[0] & 15
        size = 8 * across, 8 * down
        check_scan(self.data[at:], width=self.width, height=self.height, mcu=size, interval=self.restart_interval)
        facts = JpegFacts(
            width=self.width,
            height=self.height,
            sampling=_SAMPLINGS[self.sampling[0]] if len(self.sampling) == 3 else "grey",
            quantisers=len(self.quantisers),
            restart_interval=self.restart_interval,
            workspace=self.used,
            size=len(self.data),
        )
        steps = dict(self.quantisers)  # of two tables with one id the later counts
        return Opened(
            facts=facts,
            mcu=(across, down),
            quantisers=tuple(steps[number] for number in self.quantiser_of),
            huffman=self.huffman,
            scan=self.data[at:],
        )

    def _start(self) -> int:
        for signature, name in _SIGNATURES.items():
            if self.data.startswith(signature):
                raise JpegRefused(f"the picture is a {name}, not a JPEG", INP)
        start = self.data.find(b"\xff\xd8")
        if start < 0:
            raise JpegRefused("the picture is no JPEG: its start marker FF D8 is nowhere", INP)
        return start + 2

    def _segment(self, at: int) -> tuple[int, bytes, int]:
        begin = self.data[at : at + 4]
        if len(begin) < 4:
            raise JpegRefused("the picture is cut short before its scan", INP)
        if begin[0] != 0xFF:
            raise JpegRefused(f"byte {begin[0]:02X} stands where a marker is due (offset {at})", FMT1)
        if begin[1] == 0xFF:
            raise JpegRefused("fill bytes (FF FF) stand between two segments", INP)
        length = int.from_bytes(begin[2:4], "big")
        if length <= 2:
            name = "comment segment" if begin[1] == 0xFE else f"segment FF {begin[1]:02X}"
            raise JpegRefused(f"the picture has an empty {name}", FMT1)
        payload = self.data[at + 4 : at + 2 + length]
        if len(payload) < length - 2:
            raise JpegRefused("the picture is cut short before its scan", INP)
        named = {0xDB: "DQT", 0xC4: "DHT", 0xDD: "DRI", 0xC0: "SOF", 0xDA: "SOS"}.get(begin[1])
        if named and len(payload) > _INPUT_BUFFER:
            raise JpegRefused(f"the {named} segment has {len(payload)} bytes, more than {_INPUT_BUFFER}", MEM2)
        return begin[1], payload, at + 2 + length

    def _read(self, marker: int, payload: bytes) -> None:
        if 0xC1 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            kind = _OTHER_FRAMES.get(marker, "not baseline")
            raise JpegRefused(f"the picture is {kind} (SOF{marker - 0xC0}); a frame draws baseline only", FMT3)
        readers: dict[int, Callable[[bytes], None]] = {
            0xC0: self._frame_header,
            0xC4: self._huffman_tables,
            0xDB: self._quantiser_tables,
            0xDD: self._restart,
            0xEE: self._adobe,
        }
        if marker in readers:
            readers[marker](payload)

    def _take(self, size: int, what: str) -> None:
        self.used += _up4(size)
        if self.used > WORKSPACE:
            raise JpegRefused(
                f"{what} does not fit: the decoder needs {self.used} bytes and has {WORKSPACE} "
                f"({len(self.quantisers)} quantiser tables so far, every repeated table counts again)",
                MEM1,
            )

    def _frame_header(self, payload: bytes) -> None:
        count = payload[5] if len(payload) > 5 else 0
        if count not in (1, 3):
            raise JpegRefused(f"the picture has {count} colour components (4 is CMYK); a frame takes 1 or 3", FMT3)
        if len(payload) < 6 + 3 * count:
            raise JpegRefused("the frame header is too short for its components", FMT1)
        self.height = int.from_bytes(payload[1:3], "big")
        self.width = int.from_bytes(payload[3:5], "big")
        self.sampling = [payload[7 + 3 * index] for index in range(count)]
        self.quantiser_of = [payload[8 + 3 * index] for index in range(count)]
        first, others = self.sampling[0], self.sampling[1:]
        if first not in _DRAWN_SAMPLINGS or any(other != 0x11 for other in others):
            shown = ", ".join(f"{byte >> 4}x{byte & 15}" for byte in self.sampling)
            name = _SAMPLINGS.get(first, "unusual")
            raise JpegRefused(
                f"the colour sampling is {name} ({shown}); a frame draws 4:2:0, 4:2:2, 4:4:4 and grey", FMT3
            )
        if max(self.quantiser_of) > 3:
            raise JpegRefused(f"a component wants quantiser table {max(self.quantiser_of)}; there are 0 to 3", FMT3)
        if payload[0] != 8:
            raise JpegRefused(f"the picture has {payload[0]} bits per sample; a frame reads 8", UNNOTICED)
        if count == 1 and first != 0x11:
            raise JpegRefused("the grey picture has a sampling other than 1x1", UNNOTICED)

    def _quantiser_tables(self, payload: bytes) -> None:
        while payload:
            if payload[0] & 0xF0:
                raise JpegRefused("a quantiser table has 16-bit steps; a frame reads 8-bit steps", FMT1)
            if len(payload) < 65:
                raise JpegRefused("a DQT segment has a wrong length", FMT1)
            self.quantisers.append((payload[0] & 3, payload[1:65]))
            self._take(256, "a quantiser table")
            payload = payload[65:]

    def _huffman_tables(self, payload: bytes) -> None:
        while payload:
            if len(payload) < 17:
                raise JpegRefused("a DHT segment has a wrong length", FMT1)
            kind, number = payload[0] >> 4, payload[0] & 15
            if kind > 1 or number > 1:
                raise JpegRefused(f"a Huffman table has class {kind} and id {number}; a frame knows 0 and 1", FMT1)
            symbols = sum(payload[1:17])
            if len(payload) < 17 + symbols:
                raise JpegRefused("a DHT segment has a wrong length", FMT1)
            self._take(16 + _up4(2 * symbols) + _up4(symbols), "a Huffman table")
            if kind == 0 and any(symbol > 11 for symbol in payload[17 : 17 + symbols]):
                raise JpegRefused("a DC Huffman table has a symbol over 11", FMT1)
            self.huffman[kind, number] = HuffmanTable(counts=payload[1:17], symbols=payload[17 : 17 + symbols])
            payload = payload[17 + symbols :]

    def _restart(self, payload: bytes) -> None:
        self.restart_interval = int.from_bytes(payload[:2], "big")

    def _adobe(self, payload: bytes) -> None:
        # Transform 0 says RGB; the decoder never looks and takes Y, Cb, Cr for granted.
        self.adobe_rgb = payload.startswith(b"Adobe") and len(payload) >= 12 and payload[11] == 0

    def _scan_header(self, payload: bytes) -> None:
        if not (self.width and self.height):
            raise JpegRefused("the picture has no frame header (SOF0) or a size of 0", FMT1)
        count = len(self.sampling)
        if payload[0] != count or len(payload) < 1 + 2 * count:
            raise JpegRefused(f"the scan has {payload[0]} components of the picture's {count}", FMT3)
        for index in range(count):
            selected = payload[2 + 2 * index]
            if selected not in (0x00, 0x11):
                raise JpegRefused(f"the scan selects tables {selected >> 4}/{selected & 15}; only 0/0 and 1/1", FMT3)
            tables = 1 if index else 0
            if not {(0, tables), (1, tables)} <= self.huffman.keys():
                raise JpegRefused(f"the Huffman tables {tables} are missing; colour always needs 0 and 1", FMT1)
            if self.quantiser_of[index] not in dict(self.quantisers):
                raise JpegRefused(f"the quantiser table {self.quantiser_of[index]} is missing", FMT1)
            if selected != tables * 0x11:
                raise JpegRefused("the scan swaps the Huffman tables of luma and colour", UNNOTICED)
        if self.adobe_rgb and count == 3:
            raise JpegRefused("the picture is stored as RGB (Adobe marker); a frame reads YCbCr", UNNOTICED)
        blocks = (self.sampling[0] >> 4) * (self.sampling[0] & 15)
        self._take(max(256, 128 * blocks + 64), "the decoder's colour buffer")
        self._take(128 * (blocks + 2), "the decoder's block buffer")
