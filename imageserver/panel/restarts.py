"""The markers inside a JPEG's scan: restarts in their order, and the end that must be there."""

from __future__ import annotations

from imageserver.panel.refusal import FMT1, UNNOTICED, JpegRefused

_EOI = 0xD9


def check_scan(scan: bytes, *, width: int, height: int, mcu: tuple[int, int], interval: int) -> None:
    """Look at every marker from the scan's first byte to the end of the picture.

    `mcu` is the size of one MCU in pixels, `interval` the MCUs between two restart markers (0: none).
    Raises JpegRefused when one is missing, out of order or foreign, or when the picture has no end.
    """
    columns, rows = -(-width // mcu[0]), -(-height // mcu[1])
    expected = (columns * rows - 1) // interval if interval else 0
    found = 0
    at = 0
    while (kind := _marker(scan, at := scan.find(b"\xff", at))) != _EOI:
        if 0xD0 <= kind <= 0xD7:
            if found >= expected or kind != 0xD0 + found % 8:
                raise JpegRefused(f"restart marker {kind - 0xD0} stands where it is not due", FMT1)
            found += 1
        elif kind not in (0x00, 0xFF):
            raise JpegRefused(f"the marker FF {kind:02X} stands inside the scan", FMT1)
        at += 1 if kind == 0xFF else 2
    if found < expected:
        raise JpegRefused(f"the scan has {found} restart markers of {expected}", FMT1)


def _marker(scan: bytes, at: int) -> int:
    if at < 0 or at + 1 >= len(scan):
        raise JpegRefused(
            "the picture is cut: it has no end marker (EOI), and a frame reads on into whatever comes next", UNNOTICED
        )
    return scan[at + 1]
