"""What the frame's decoder takes and refuses, on files drawn and broken here."""

from __future__ import annotations

import pytest

from imageserver.frame_client import PictureRefused, inspect

from .fakes import Surgery, drawn, jpeg_of

GOOD = jpeg_of(drawn())
RESTARTS = jpeg_of(drawn(), restart_marker_rows=1)


@pytest.mark.parametrize(
    ("options", "sampling", "workspace"),
    [({"subsampling": 2}, "4:2:0", 3480), ({"subsampling": 1}, "4:2:2", 2968), ({"subsampling": 0}, "4:4:4", 2776)],
)
def test_the_colour_samplings_of_a_frame_fit(options: dict[str, int], sampling: str, workspace: int) -> None:
    """4:2:0, 4:2:2 and 4:4:4 are taken, and need the memory that was measured."""
    facts = inspect(jpeg_of(drawn(), **options))
    assert (facts.sampling, facts.workspace, facts.quantisers) == (sampling, workspace, 2)
    assert (facts.width, facts.height) == (320, 480)


def test_grey_fits() -> None:
    """A grey picture is taken and needs 1964 bytes."""
    facts = inspect(jpeg_of(drawn(mode="L"), subsampling=0))
    assert (facts.sampling, facts.workspace) == ("grey", 1964)


def test_restart_markers_are_taken() -> None:
    """One restart per row of MCUs is counted through, also where the numbers begin again."""
    assert inspect(RESTARTS).restart_interval == 20


def test_optimised_tables_are_smaller() -> None:
    """Optimised Huffman tables leave room: three quantiser tables fit with them."""
    surgery = Surgery.open(jpeg_of(drawn(), optimize=True))
    third = b"\x02" + surgery.payload(0xDB)[1:65]
    facts = inspect(surgery.with_first(0xDB, third).close())
    assert facts.quantisers == 3
    assert facts.workspace <= 3500


def test_long_foreign_segments_are_skipped() -> None:
    """EXIF, ICC and comments of any length are no burden."""
    burdened = jpeg_of(drawn(), exif=b"Exif\0\0" + b"x" * 20_000, icc_profile=b"y" * 30_000, comment="hello" * 1000)
    assert inspect(burdened).workspace == inspect(jpeg_of(drawn())).workspace


def test_bytes_before_the_start_and_behind_the_end_are_ignored() -> None:
    """What surrounds the JPEG does no harm."""
    assert inspect(b"prefix" + GOOD + b"rest").width == 320


FRAME = Surgery.open(GOOD).payload(0xC0)
SCAN = Surgery.open(GOOD).payload(0xDA)
QUANTISERS = Surgery.open(GOOD).payload(0xDB)
HUFFMAN = Surgery.open(GOOD).payload(0xC4)


def edited(payload: bytes, at: int, value: int) -> bytes:
    return payload[:at] + bytes([value]) + payload[at + 1 :]


def opened() -> Surgery:
    return Surgery.open(GOOD)


@pytest.mark.parametrize(
    ("jpeg", "code", "sentence"),
    [
        (jpeg_of(drawn(), progressive=True), "FMT3 (8)", "the picture is progressive"),
        (jpeg_of(drawn(mode="CMYK")), "FMT3 (8)", "4 colour components"),
        (jpeg_of(drawn(), format="PNG"), "INP (2)", "is a PNG"),
        (jpeg_of(drawn(), format="GIF"), "INP (2)", "is a GIF"),
        (jpeg_of(drawn(), keep_rgb=True, subsampling=0), "FMT1 (6)", "Huffman tables 1 are missing"),
        (b"nothing like it", "INP (2)", "no JPEG"),
        (b"", "INP (2)", "no JPEG"),
        (GOOD[:100], "INP (2)", "cut short"),
        (GOOD[:5], "INP (2)", "cut short"),
        (opened().replaced(0xC0, FRAME, becomes=0xC1).close(), "FMT3 (8)", "extended"),
        (opened().replaced(0xC0, FRAME, becomes=0xC9).close(), "FMT3 (8)", "arithmetic"),
        (opened().replaced(0xC0, edited(FRAME, 7, 0x12)).close(), "FMT3 (8)", "4:4:0"),
        (opened().replaced(0xC0, edited(FRAME, 7, 0x41)).close(), "FMT3 (8)", "4:1:1"),
        (opened().replaced(0xC0, edited(FRAME, 10, 0x21)).close(), "FMT3 (8)", "colour sampling"),
        (opened().replaced(0xC0, edited(FRAME, 8, 4)).close(), "FMT3 (8)", "quantiser table 4"),
        (opened().replaced(0xC0, edited(FRAME, 5, 2)).close(), "FMT3 (8)", "2 colour components"),
        (opened().replaced(0xC0, FRAME[:-2]).close(), "FMT1 (6)", "too short"),
        (opened().replaced(0xC0, FRAME[:1] + b"\0\0" + FRAME[3:]).close(), "FMT1 (6)", "size of 0"),
        (opened().without(0xC0).close(), "FMT1 (6)", "no frame header"),
        (opened().replaced(0xC0, edited(FRAME, 0, 12)).close(), "", "12 bits per sample"),
        (opened().replaced(0xDA, edited(SCAN, 0, 1)).close(), "FMT3 (8)", "1 components"),
        (opened().replaced(0xDA, edited(SCAN, 2, 0x01)).close(), "FMT3 (8)", "tables 0/1"),
        (opened().replaced(0xDA, edited(SCAN, 4, 0x00)).close(), "", "swaps"),
        (opened().replaced(0xDB, QUANTISERS[:65]).close(), "FMT1 (6)", "quantiser table 1 is missing"),
        (opened().replaced(0xDB, QUANTISERS[:100]).close(), "FMT1 (6)", "wrong length"),
        (opened().replaced(0xDB, b"\x10" + b"\0\1" * 64).close(), "FMT1 (6)", "16-bit"),
        (opened().with_first(0xDB, b"\x02" + QUANTISERS[1:65]).close(), "MEM1 (3)", "3 quantiser tables"),
        (opened().with_first(0xDB, QUANTISERS[:65]).close(), "MEM1 (3)", "does not fit"),
        (opened().with_first(0xC4, HUFFMAN[:29]).close(), "MEM1 (3)", "does not fit"),
        (opened().replaced(0xC4, HUFFMAN[:29]).close(), "FMT1 (6)", "Huffman tables 0 are missing"),
        (opened().replaced(0xC4, HUFFMAN[:20]).close(), "FMT1 (6)", "wrong length"),
        (opened().replaced(0xC4, HUFFMAN[:10]).close(), "FMT1 (6)", "wrong length"),
        (opened().replaced(0xC4, edited(HUFFMAN, 0, 0x02)).close(), "FMT1 (6)", "class 0 and id 2"),
        (opened().replaced(0xC4, edited(HUFFMAN, 0, 0x20)).close(), "FMT1 (6)", "class 2 and id 0"),
        (opened().replaced(0xC4, edited(HUFFMAN, 28, 12)).close(), "FMT1 (6)", "symbol over 11"),
        (opened().replaced(0xC4, HUFFMAN + HUFFMAN[:208]).close(), "MEM2 (4)", "the DHT segment has 624 bytes"),
        (opened().with_first(0xDB, QUANTISERS * 4).close(), "MEM2 (4)", "the DQT segment has 520 bytes"),
        (opened().with_first(0xDD, b"\0" * 513).close(), "MEM2 (4)", "the DRI segment has 513 bytes"),
        (opened().with_first(0xFE, b"").close(), "FMT1 (6)", "an empty comment segment"),
        (opened().with_first(0xE5, b"").close(), "FMT1 (6)", "an empty segment FF E5"),
        (GOOD[:2] + b"\xff" + GOOD[2:], "INP (2)", "fill bytes"),
        (GOOD[:2] + b"\x00" + GOOD[2:], "FMT1 (6)", "where a marker is due"),
        (GOOD[:-2], "", "no end marker"),
        (GOOD[: len(GOOD) // 2], "", "the picture is cut"),
        (opened().with_first(0xDD, b"\0\x14").close(), "FMT1 (6)", "0 restart markers of 29"),
        (Surgery.open(RESTARTS).without(0xDD).close(), "FMT1 (6)", "restart marker 0"),
        (RESTARTS.replace(b"\xff\xd1", b"\xff\xd2", 1), "FMT1 (6)", "restart marker 2 stands where it is not due"),
        (GOOD[:-40] + b"\xff\xda" + GOOD[-40:], "FMT1 (6)", "the marker FF DA stands inside the scan"),
        (opened().with_first(0xEE, b"Adobe\0\x64\0\0\0\0\0").close(), "", "stored as RGB"),
    ],
)
def test_what_the_decoder_refuses_is_named(jpeg: bytes, code: str, sentence: str) -> None:
    """Each refusal carries the decoder's own error and one plain sentence."""
    with pytest.raises(PictureRefused, match=sentence) as caught:
        inspect(jpeg)
    assert caught.value.code == code
    assert (f"stops with {code}" if code else "does not notice") in str(caught.value)


def test_a_grey_picture_with_another_sampling_draws_nonsense() -> None:
    """Pillow writes 2x2 into a grey file that is asked for 4:2:0; the decoder never checks it, so it is refused."""
    grey = jpeg_of(drawn(mode="L"), subsampling=2)
    assert Surgery.open(grey).payload(0xC0)[7] == 0x22
    with pytest.raises(PictureRefused, match="sampling other than 1x1"):
        inspect(grey)
