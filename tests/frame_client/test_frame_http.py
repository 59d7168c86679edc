"""The frame's HTTP: one server for each row of what a frame can and cannot take."""

from __future__ import annotations

import asyncio
import socket

import pytest

from imageserver.frame_client import FrameClient, FrameWouldFail, Limits

from .fakes import (
    CHUNKED_HEAD,
    PATIENT,
    FakeClock,
    Request,
    ask_result,
    chunked,
    drawn,
    jpeg_of,
    plain,
    result_json,
    serve,
    serve_bytes,
    started_json,
    talking,
)

PENDING = '{"id":"abc","status":"pending"}'
JPEG = jpeg_of(drawn())


async def test_the_request_is_the_firmwares_byte_for_byte() -> None:
    """A start is written as the firmware does it: a Host without a port, no Accept-Encoding, compact raw UTF-8."""
    async with serve_bytes(plain(started_json())) as fake:
        await fake.client().start("ydart", prompt="кот")
    assert fake.requests[0].head == (
        "POST /operation/start HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nAccept: */*\r\n"
        "Content-Length: 34\r\n\r\n"
    )
    assert fake.requests[0].body == '{"type":"ydart","prompt":"кот"}'.encode()


async def test_a_question_carries_the_content_type_too() -> None:
    """A GET has the same headers and no body."""
    async with serve_bytes(plain(PENDING)) as fake:
        await fake.client().result("abc")
    assert fake.requests[0].head == (
        "GET /operation/result/abc HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nAccept: */*\r\n\r\n"
    )


async def test_the_frame_hangs_up_although_the_server_would_go_on() -> None:
    """After a complete answer the frame closes the connection and takes a new one for the next question."""
    seen: asyncio.Queue[bytes] = asyncio.Queue()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(plain(PENDING))
        # Ends only when the other side hangs up.
        seen.put_nowait(await reader.read())

    async with talking(talk) as port:
        client = FrameClient("127.0.0.1", port, clock=FakeClock(), limits=PATIENT)
        for _question in range(2):
            await client.result("abc")
            assert await seen.get() == b""


@pytest.mark.parametrize("size", [1, 7, 4096, 1_048_576])
async def test_chunks_of_any_size_are_read(size: int) -> None:
    """One-byte chunks and one of a mebibyte give the same picture."""
    answer = await ask_result(chunked(result_json(JPEG), size=size))
    assert answer.jpeg == JPEG


async def test_content_length_is_read() -> None:
    """A body with Content-Length is as good as chunks."""
    answer = await ask_result(plain(result_json(JPEG)))
    assert answer.jpeg == JPEG
    assert answer.exchange.size == len(result_json(JPEG))


async def test_bytes_one_by_one_are_put_together() -> None:
    """An answer that arrives byte by byte is the same answer."""

    async def answer(_request: Request, writer: asyncio.StreamWriter) -> None:
        for byte in plain(PENDING):
            writer.write(bytes([byte]))
            await writer.drain()

    async with serve(answer) as fake:
        assert (await fake.client().result("abc")).status == "pending"


async def test_long_and_many_headers_are_skipped() -> None:
    """Twenty header lines of 400 bytes do no harm."""
    long = "".join(f"X-Long-{number}: {'x' * 400}\r\n" for number in range(20))
    assert (await ask_result(plain(PENDING, headers=long))).status == "pending"


async def test_a_late_first_byte_is_told_with_its_time() -> None:
    """An answer after 2.3 s is too late, and the sentence says both times."""
    clock = FakeClock()

    async def answer(_request: Request, writer: asyncio.StreamWriter) -> None:
        clock.time += 2.3
        writer.write(plain(PENDING))

    async with serve(answer) as fake:
        with pytest.raises(FrameWouldFail, match=r"^the first byte came after 2\.3 s; a frame waits 2\.0 s$"):
            await fake.client(clock=clock).result("abc")


async def test_a_first_byte_just_in_time_is_accepted() -> None:
    """1.8 s is slow and works, as measured."""
    clock = FakeClock()

    async def answer(_request: Request, writer: asyncio.StreamWriter) -> None:
        clock.time += 1.8
        writer.write(plain(PENDING))

    async with serve(answer) as fake:
        found = await fake.client(clock=clock).result("abc")
    assert found.exchange.first_byte == pytest.approx(1.8)


async def test_a_server_that_never_answers_is_given_up() -> None:
    """Without a single byte the frame gives up by itself."""

    async def answer(_request: Request, _writer: asyncio.StreamWriter) -> None:
        await fake.over.wait()

    limits = Limits(connect=60.0, first_byte=0.05, linger=0.05)
    async with serve(answer) as fake:
        with pytest.raises(FrameWouldFail, match=r"no byte came within 0\.1 s; a frame waits 0\.05 s"):
            await fake.client(limits=limits).result("abc")


@pytest.mark.parametrize(("pause", "works"), [(1.9, True), (2.2, False)])
async def test_a_pause_inside_the_body_is_measured(pause: float, works: bool) -> None:
    """A pause of 1.9 s inside the body works, one of 2.2 s does not."""
    clock = FakeClock()
    half_arrived = asyncio.Event()

    async def answer(_request: Request, writer: asyncio.StreamWriter) -> None:
        whole = plain(PENDING)
        writer.write(whole[:-10])
        await half_arrived.wait()
        clock.time += pause
        writer.write(whole[-10:])

    async with serve(answer) as fake:
        asked = fake.client(clock=clock).ask("GET", "/", b"", take=lambda _piece: half_arrived.set())
        if works:
            assert (await asked).longest_pause == pytest.approx(1.9)
        else:
            with pytest.raises(FrameWouldFail, match=r"a pause of 2\.2 s inside the body; a frame waits 2\.0 s"):
                await asked


async def test_a_body_that_stops_for_ever_is_given_up() -> None:
    """A server that goes silent in the middle does not hold the frame."""

    async def answer(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(plain(PENDING)[:-5])
        await fake.over.wait()

    limits = Limits(connect=60.0, first_byte=60.0, pause=0.05, linger=0.05)
    async with serve(answer) as fake:
        with pytest.raises(FrameWouldFail, match=r"nothing came for 0\.1 s inside the body"):
            await fake.client(limits=limits).result("abc")


async def test_a_closed_port_is_told() -> None:
    """Where nobody listens, the sentence says so."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        client = FrameClient("127.0.0.1", taken.getsockname()[1], clock=FakeClock())
        with pytest.raises(FrameWouldFail, match=r"no connection to 127\.0\.0\.1 port"):
            await client.start()


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (b"", "closed the connection without an answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "ended inside the headers"),
        (plain(PENDING)[:-3], "ended inside the body"),
        (chunked(PENDING)[:-7], "ended inside the body"),
        (b"hello\r\n\r\n", "no HTTP/1.1 status line"),
        (plain(PENDING).replace(b"\r\n", b"\n"), "does not end in CR LF"),
        (plain(""), "no body"),
        (chunked(""), "no body"),
        (b"HTTP/1.1 204 No Content\r\nServer: x\r\n\r\n", "an answer without a body counts as no response at all"),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + PENDING.encode(), "neither Content-Length nor"),
        (plain(PENDING).replace(b"Content-Length: ", b"Content-Length: x"), "no number of bytes"),
        (plain(PENDING).replace(b"Content-Length: ", b"Content-Length:"), "no space behind its colon"),
        (
            plain(PENDING).replace(b"Content-Type", b"content-type"),
            "header name is written content-type, a frame looks for Content-Type exactly",
        ),
        (
            plain(PENDING).replace(b"Content-Length", b"content-length"),
            "header name is written content-length, a frame looks for Content-Length exactly",
        ),
        (
            chunked(PENDING).replace(b"Transfer-Encoding", b"transfer-encoding"),
            "header name is written transfer-encoding, a frame looks for Transfer-Encoding exactly",
        ),
        (plain(PENDING, headers="CONNECTION: close\r\n"), "looks for Connection exactly"),
        (chunked(PENDING).replace(b": chunked", b": Chunked"), 'looks for "chunked" exactly'),
        (plain(PENDING, headers="Content-Encoding: gzip\r\n"), "cannot unpack"),
        (chunked(PENDING, end=b"0;last=1\r\n\r\n"), "has an extension"),
        (CHUNKED_HEAD + b"1f;x=1\r\n" + PENDING.encode() + b"\r\n0\r\n\r\n", "has an extension"),
        (chunked(PENDING, end=b"0\r\nX-Sum: 1\r\n\r\n"), "trailer"),
        (CHUNKED_HEAD + b"00000001f\r\n" + PENDING.encode() + b"\r\n0\r\n\r\n", "9 digits"),
        (CHUNKED_HEAD + b"zz\r\n" + PENDING.encode() + b"\r\n0\r\n\r\n", "no hexadecimal number"),
        (CHUNKED_HEAD + b"1e\r\n" + PENDING.encode() + b"\r\n0\r\n\r\n", "longer than its size line"),
        (CHUNKED_HEAD + b"1f\n" + PENDING.encode() + b"\r\n0\r\n\r\n", "does not end in CR LF"),
        (CHUNKED_HEAD + b"ffffffff\r\n" + PENDING.encode(), "larger than"),
        (plain(PENDING).replace(b"Length: 31", b"Length: 99999999"), "larger than"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000, "headers are longer"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000, "line of more than"),
    ],
)
async def test_an_answer_that_a_frame_cannot_read_is_named(answer: bytes, sentence: str) -> None:
    """Each way to break an answer gets a sentence of its own."""
    with pytest.raises(FrameWouldFail, match=sentence):
        await ask_result(answer)


async def test_a_length_hidden_in_a_long_line_is_not_seen() -> None:
    """A header line over 150 bytes is skipped, whatever its name."""
    answer = plain(PENDING).replace(b"Content-Length: 31", b"Content-Length: " + b"0" * 140 + b"31")
    with pytest.raises(FrameWouldFail, match="neither Content-Length"):
        await ask_result(answer)
