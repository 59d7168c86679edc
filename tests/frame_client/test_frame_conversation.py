"""The whole conversation: the client's picture(), the told run, and the command line."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from PIL import Image

from imageserver.frame_client import FrameClient, FrameWouldFail, Limits, command, conversation
from imageserver.frame_client.command import frame_command, parse_address, parse_size
from imageserver.frame_client.conversation import run
from imageserver.frame_client.options import FrameOptions

from .fakes import (
    PATIENT,
    FakeClock,
    FakeServer,
    Request,
    chunked,
    drawn,
    jpeg_of,
    plain,
    result_json,
    serve_bytes,
    started_json,
)

PENDING = plain('{"id":"abc","status":"pending"}')
ERROR = plain('{"id":"abc","status":"error","error":{"message":"no provider is ready"}}')
STARTED = plain(started_json())
JPEG = jpeg_of(drawn())
DONE = chunked(result_json(JPEG))


async def told(fake: FakeServer, clock: FakeClock, **options: object) -> tuple[int, str]:
    lines: list[str] = []
    made = FrameOptions(host="127.0.0.1", port=fake.port, limits=PATIENT, **options)  # type: ignore[arg-type]  # the test's own words
    code = await run(made, lines.append, clock=clock)
    return code, "\n".join(lines)


async def test_picture_waits_until_the_job_is_done() -> None:
    """picture() starts once, asks every 30 s, and gives the bytes that were sent."""
    clock = FakeClock()
    async with serve_bytes(STARTED, PENDING, PENDING, DONE) as fake:
        picture = await fake.client(clock=clock).picture("provider", prompt="lake", provider="atelier", patience=100)
    assert picture == JPEG
    assert clock.slept == [30.0, 30.0, 30.0]
    assert [request.line for request in fake.requests] == [
        "POST /operation/start HTTP/1.1",
        *["GET /operation/result/abc HTTP/1.1"] * 3,
    ]
    assert json.loads(fake.requests[0].body) == {"type": "provider", "provider": "atelier", "prompt": "lake"}


async def test_a_client_brings_a_clock_of_its_own() -> None:
    """Without a clock the client takes the machine's."""
    async with serve_bytes(STARTED) as fake:
        patient = Limits(connect=60.0, first_byte=60.0, pause=60.0)  # by that clock a busy machine is slow
        started = await FrameClient("127.0.0.1", fake.port, limits=patient).start()
    assert started.id == "abc"


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        ([STARTED, ERROR], "no provider is ready.*stops asking"),
        ([STARTED, PENDING], r"still pending after 60\.0 s"),
        ([STARTED, chunked(result_json(jpeg_of(drawn(), progressive=True)))], "progressive"),
        ([STARTED, plain('{"error":{"code":"not_found"}}', status="404 Not Found")], "HTTP 404"),
        ([plain("{}", status="503 Service Unavailable")], "HTTP 503"),
    ],
)
async def test_picture_says_why_there_is_none(answers: list[bytes], sentence: str) -> None:
    """Every end without a picture is a FrameWouldFail with its reason."""
    async with serve_bytes(*answers) as fake:
        with pytest.raises(FrameWouldFail, match=sentence):
            await fake.client().picture()


async def test_a_good_run_is_told_and_saved(tmp_path: Path) -> None:
    """A run with a picture ends with 0, says what was asked, measured and drawn, and saves both files."""
    png, jpg = tmp_path / "a.png", tmp_path / "a.jpg"
    clock = FakeClock()
    async with serve_bytes(STARTED, PENDING, DONE) as fake:
        code, text = await told(fake, clock, fast=True, save=png, save_jpeg=jpg)
    assert code == 0
    assert clock.slept == [0.2, 0.2]
    assert jpg.read_bytes() == JPEG
    with Image.open(png) as saved:
        assert (saved.size, saved.format, saved.mode) == ((320, 480), "PNG", "RGB")
    assert 'POST /operation/start {"type":"auto"}' in text
    assert "id abc, status pending; HTTP 200" in text
    assert "GET /operation/result/abc: done; HTTP 200" in text
    assert f"320x480, baseline 4:2:0, {len(JPEG)} bytes, 2 quantiser table(s), decoder workspace 3480 of 3500" in text
    assert "a.png" in text
    assert "note:" not in text


async def test_a_picture_of_the_wrong_size_is_drawn_with_a_note() -> None:
    """A smaller picture is no failure, but the person is told."""
    async with serve_bytes(STARTED, plain(result_json(jpeg_of(drawn(160, 240))))) as fake:
        code, text = await told(fake, FakeClock())
    assert code == 0
    assert "note: the picture is 160x240, the panel 320x480" in text


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        ([STARTED, ERROR], 'a real frame would fail: the result has the status "error"'),
        ([STARTED, PENDING], "a real frame would fail: the result is still pending after 300.0 s"),
        ([STARTED, chunked(result_json(jpeg_of(drawn(mode="CMYK"))))], "a real frame would fail: the picture has 4"),
        ([b""], "a real frame would fail: the server closed the connection"),
    ],
)
async def test_a_failed_run_says_why(answers: list[bytes], sentence: str) -> None:
    """Without a picture the run ends with 1 and one sentence."""
    async with serve_bytes(*answers) as fake:
        code, text = await told(fake, FakeClock())
    assert code == 1
    assert sentence in text


async def test_a_refused_picture_is_still_saved_as_it_came(tmp_path: Path) -> None:
    """The file to look at is the one that was refused."""
    jpg = tmp_path / "bad.jpg"
    bad = jpeg_of(drawn(), progressive=True)
    async with serve_bytes(STARTED, plain(result_json(bad))) as fake:
        code, _text = await told(fake, FakeClock(), save_jpeg=jpg)
    assert code == 1
    assert jpg.read_bytes() == bad


async def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """A missing folder for --save is the person's mistake, not the server's, and no traceback."""
    async with serve_bytes(STARTED, DONE) as fake:
        code, text = await told(fake, FakeClock(), save=tmp_path / "missing" / "a.png")
    assert code == 1
    assert "could not be saved" in text
    assert "a real frame would fail" not in text


async def test_watching_goes_on_after_a_failure() -> None:
    """--watch starts anew after every interval, whatever became of the last start, until it is cancelled."""
    clock = FakeClock()
    enough = asyncio.Event()
    lines: list[str] = []

    def hear(line: str) -> None:
        lines.append(line)
        if lines.count("waiting 60.0 s") == 2:
            enough.set()

    async with serve_bytes(STARTED, ERROR, STARTED, DONE) as fake:
        options = FrameOptions(host="127.0.0.1", port=fake.port, watch=True, limits=PATIENT)
        watching = asyncio.create_task(run(options, hear, clock=clock))
        await enough.wait()
        watching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await watching
    assert [request.line.split()[0] for request in fake.requests[:4]] == ["POST", "GET", "POST", "GET"]
    assert clock.slept[:3] == [30.0, 60.0, 30.0]
    assert sum("a real frame would fail" in line for line in lines[:5]) == 1
    assert any(line.startswith("picture: 320x480") for line in lines)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("frame.local", ("frame.local", None, None)),
        ("10.0.0.5:80", ("10.0.0.5", 80, None)),
        ("http://10.0.0.5:8099/", ("10.0.0.5", 8099, False)),
        ("HTTP://server", ("server", None, False)),
        ("https://server", ("server", None, True)),
        ("[::1]", ("::1", None, None)),
        ("[::1]:9000", ("::1", 9000, None)),
        ("https://[fe80::1]:9000", ("fe80::1", 9000, True)),
    ],
)
def test_addresses_are_understood(text: str, address: tuple[str, int | None, bool | None]) -> None:
    """A host, a host with a port, a URL and IPv6 in brackets all name a server."""
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["", "::1", "host:port", "host:99999", "ftp://host", "http://host/path", "a@b", "[x"])
def test_what_is_no_address_is_refused(text: str) -> None:
    """A mistake in the address is told before anything is asked."""
    with pytest.raises(click.BadParameter):
        parse_address(text)


def test_sizes_are_understood() -> None:
    """WIDTHxHEIGHT, and nothing else."""
    assert parse_size("320x480") == (320, 480)
    for wrong in ("320", "0x5", "320X480", "-1x5", "320x480x3"):
        with pytest.raises(click.BadParameter):
            parse_size(wrong)


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command has a clock and limits of its own: by them a busy machine would be a server that fails."""
    monkeypatch.setattr(conversation, "SystemClock", FakeClock)
    monkeypatch.setattr(command, "FrameOptions", partial(FrameOptions, limits=PATIENT))


def test_the_command_asks_and_ends_with_its_code(no_waiting: None) -> None:
    """The command speaks to the server it was given and exits with 1 when a frame would fail."""
    result, requests = asyncio.run(_command_against(STARTED, ERROR, options=["--fast", "--prompt", "lake"]))
    assert result == 1
    assert json.loads(requests[0].body) == {"type": "ydart", "prompt": "lake"}


def test_the_command_draws(tmp_path: Path, no_waiting: None) -> None:
    """With a good server the command exits with 0 and leaves the screen as PNG."""
    png = tmp_path / "screen.png"
    options = ["--fast", "--save", str(png), "--data", "ignored", "--provider", "atelier"]
    result, requests = asyncio.run(_command_against(STARTED, DONE, options=options))
    assert result == 0
    assert png.exists()
    assert json.loads(requests[0].body) == {"type": "provider", "provider": "atelier"}


async def _command_against(*answers: bytes, options: list[str]) -> tuple[int, list[Request]]:
    async with serve_bytes(*answers) as fake:
        arguments = [f"http://127.0.0.1:{fake.port}/", *options]
        # A thread, because the command brings an event loop of its own.
        result = await asyncio.to_thread(CliRunner().invoke, frame_command, arguments)
    return result.exit_code, fake.requests


@pytest.mark.parametrize(
    "arguments",
    [[], ["host", "--size", "big"], ["host", "--type", "provider"], ["host", "--type", "old", "--provider", "x"]],
)
def test_the_command_refuses_what_makes_no_sense(arguments: list[str]) -> None:
    """Mistakes on the command line exit with 2."""
    assert CliRunner().invoke(frame_command, arguments).exit_code == 2
