"""The stock AiFrame: what it sends, how it reads, and what it does when something goes wrong."""

from __future__ import annotations

import asyncio
import base64
import json
from functools import partial
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from imageserver.frame_client import FrameWouldFail, command, conversation
from imageserver.frame_client.command import frame_command
from imageserver.frame_client.conversation import run
from imageserver.frame_client.half import HalfPanel
from imageserver.frame_client.options import FrameOptions
from imageserver.frame_client.stock_scan import StockScan, StockScanned

from .fakes import PATIENT, FakeClock, Request, drawn, jpeg_of, plain, serve_bytes

PICTURE = b"any bytes will do here"
TEXT = base64.b64encode(PICTURE).decode()
UUID = "0123456789abcdef-028003c0"
STYLES = plain('[{"name":"DEFAULT","title":"x"},{"name":"MONET"}]')
MODELS = plain('[{"id":4,"name":"x","version":1.0}]')
STARTED = plain(f'{{"uuid":"{UUID}","status":"INITIAL"}}')
WAITING = plain(f'{{"uuid":"{UUID}","status":"PROCESSING"}}')
FAILED = plain(f'{{"uuid":"{UUID}","status":"FAIL"}}')
JPEG = jpeg_of(drawn(640, 960))


def done_json(jpeg: bytes, before: str = "") -> str:
    text = base64.b64encode(jpeg).decode()
    return f'{{"uuid":"{UUID}","status":"DONE",{before}"images":["{text}"],"errorDescription":"","censored":false}}'


DONE = plain(done_json(JPEG))
BOOT = (STYLES, MODELS)


async def told(*answers: bytes, clock: FakeClock | None = None, **options: Any) -> tuple[int, str, list[Request]]:
    """The code, what was said, and what was asked."""
    lines: list[str] = []
    async with serve_bytes(*answers) as fake:
        made = FrameOptions(host="127.0.0.1", port=fake.port, stock=True, limits=PATIENT, **options)
        code = await run(made, lines.append, clock=clock or FakeClock())
    return code, "\n".join(lines), fake.requests


class TestWire:
    """What goes over the line."""

    async def test_the_requests_are_the_firmwares_byte_for_byte(self) -> None:
        """Boot in its order and from its hosts, the form without a last line end, polls with nothing but who it is."""
        wish: dict[str, Any] = {"prompt": "кот «Мурзик»", "style": "MONET", "negative": "люди", "key": "kitchen"}
        code, _said, requests = await told(*BOOT, STARTED, DONE, **wish)
        assert code == 0
        who = "X-Key: Key kitchen\r\nX-Secret: Secret secret\r\n"
        api = f"Host: api-key.fusionbrain.ai\r\n{who}"
        styles, models, started, status = requests
        assert styles.head == f"GET /static/styles/key HTTP/1.1\r\nHost: cdn.fusionbrain.ai\r\n{who}\r\n"
        assert models.head == f"GET /key/api/v1/models HTTP/1.1\r\n{api}\r\n"
        assert started.head == (
            f"POST /key/api/v1/text2image/run HTTP/1.1\r\n{api}"
            "Content-Type: multipart/form-data; boundary=----GyverHttpBoundary123454321\r\n"
            f"Content-Length: {len(started.body)}\r\n\r\n"
        )
        assert (
            started.body
            == (
                '------GyverHttpBoundary123454321\r\nContent-Disposition: form-data; name="model_id"\r\n\r\n4\r\n'
                "------GyverHttpBoundary123454321\r\n"
                'Content-Disposition: form-data; name="params"; filename="blob"\r\n'
                "Content-Type: application/json\r\n\r\n"
                '{"type":"GENERATE","style":"MONET","negativePromptUnclip":"люди","width":640,"height":960,"num_images":1,'
                '"generateParams":{"query":"кот «Мурзик»"}}\r\n------GyverHttpBoundary123454321--'
            ).encode()
        )
        assert status.head == f"GET /key/api/v1/text2image/status/{UUID} HTTP/1.1\r\n{api}\r\n"

    async def test_a_small_panel_asks_for_twice_its_size(self) -> None:
        """128x160 asks for 256x320."""
        code, said, requests = await told(*BOOT, STARTED, plain(done_json(jpeg_of(drawn(256, 320)))), size=(128, 160))
        assert code == 0
        assert b'"width":256,"height":320' in requests[2].body
        assert "256x320, baseline" in said
        assert "note:" not in said

    async def test_a_named_frame_says_who_it_is_and_takes_its_size(self) -> None:
        """`--as`: the size comes from the server, the name goes with every request, and is the key too."""
        frames = plain('{"frames":[{"frame":"wall","width":128,"height":160}]}')
        code, _said, requests = await told(
            frames, *BOOT, STARTED, plain(done_json(jpeg_of(drawn(256, 320)))), name="wall"
        )
        assert code == 0
        assert requests[0].line == "GET /frames HTTP/1.1"
        assert all("\r\nX-Frame: wall\r\n" in request.head for request in requests)
        assert "X-Key: Key wall\r\n" in requests[1].head

    async def test_an_unknown_name_is_told(self) -> None:
        """With the names that there are, before anything else is asked."""
        code, said, requests = await told(plain('{"frames":[{"frame":"hall","width":1,"height":2}]}'), name="wall")
        assert (code, len(requests)) == (1, 1)
        assert said == "the size of the panel: the server knows no frame called wall; it knows: hall"
        code, said, _requests = await told(plain("[]"), name="wall")
        assert (code, said[:53]) == (1, "the size of the panel: the list of frames cannot be r")


class TestConversation:
    """When it asks, and when it gives up."""

    async def test_it_polls_every_six_seconds(self) -> None:
        """The first poll after 6 s, and a picture that is drawn at half its size."""
        clock = FakeClock()
        code, said, _requests = await told(*BOOT, STARTED, WAITING, WAITING, DONE, clock=clock)
        assert code == 0
        assert clock.slept == [6.0, 6.0, 6.0]
        assert "styles DEFAULT;MONET" in said
        assert f"640x960, baseline 4:2:0, {len(JPEG)} bytes" in said

    async def test_a_run_is_tried_five_times(self) -> None:
        """Two seconds apart, on an error and on an answer without a uuid; then it gives up."""
        clock = FakeClock()
        broken = plain('{"error":"x"}', status="500 Internal Server Error")
        code, said, requests = await told(*BOOT, broken, plain("{}"), b"", plain("[]"), DONE, clock=clock)
        assert code == 1
        assert clock.slept == [2.0] * 4
        assert len(requests) == 7
        assert [f"try {number} of 5 failed" in said for number in range(1, 6)] == [True] * 4 + [False]
        code, _said, _requests = await told(*BOOT, broken, broken, STARTED, DONE)
        assert code == 0

    async def test_a_poll_without_an_answer_is_asked_again(self) -> None:
        """An HTTP error, a connection that ends: the uuid is kept; at last we give up, where a frame would not."""
        lost = plain("{}", status="404 Not Found")
        code, said, requests = await told(*BOOT, STARTED, lost, b"", DONE)
        assert code == 0
        assert said.count("a frame asks again") >= 2
        assert len(requests) == 6
        clock = FakeClock()
        code, said, _requests = await told(*BOOT, STARTED, lost, clock=clock, timeout=60)
        assert code == 1
        assert "a real frame would fail: the status is HTTP 404" in said
        assert clock.slept == [6.0] * 10

    async def test_a_picture_that_breaks_off_is_lost(self) -> None:
        """After DONE a frame has stopped asking."""
        code, said, requests = await told(*BOOT, STARTED, DONE[:-5000])
        assert code == 1
        assert "a real frame would fail: the connection ended inside the body" in said
        assert len(requests) == 4

    @pytest.mark.parametrize(
        ("answers", "sentence"),
        [
            ((*BOOT, STARTED, FAILED), 'the status is FAIL; a frame shows "gen fail"'),
            ((*BOOT, STARTED, WAITING), "there is no picture after 300.0 s"),
            ((*BOOT, STARTED, plain('{"uuid":"a","status":"QUEUED"}')), 'the status is "QUEUED"'),
            ((*BOOT, STARTED, plain(done_json(jpeg_of(drawn(640, 960), progressive=True)))), "progressive"),
            ((*BOOT, STARTED, plain(done_json(b"").replace('[""]', "[]"))), 'the list "images" is empty'),
            ((*BOOT, plain('{"uuid":"x y"}')), "is not made of 0-9, a-f and dashes"),
            ((*BOOT, plain(json.dumps({"uuid": "a", "more": "x" * 1024}))), "a frame has memory for 1024"),
            ((STYLES, plain("{}")), 'no first "id"'),
            ((STYLES, plain('[{"id":"4"}]')), 'no first "id"'),
            ((STYLES, plain('[{"id":-1}]')), 'no first "id"'),
            ((STYLES, plain("[]")), 'no first "id"'),
            ((STYLES, plain("<html>")), "models: the answer is no JSON"),
            ((STYLES, MODELS.replace(b"Content-Type", b"content-type")), "looks for Content-Type exactly"),
        ],
    )
    async def test_an_end_without_a_picture_is_named(self, answers: tuple[bytes, ...], sentence: str) -> None:
        """Each with 1 and one sentence."""
        code, said, _requests = await told(*answers)
        assert code == 1
        assert "a real frame would fail" in said
        assert sentence in said

    @pytest.mark.parametrize("styles", ["[]", "{}", '[{"title":"x"}]', '[{"name":"a;b"}]', '[{"name":""}]', "[5]"])
    async def test_without_styles_it_keeps_its_own(self, styles: str) -> None:
        """DEFAULT, ANIME, UHD and KANDINSKY are built in; the first one is sent."""
        code, said, requests = await told(plain(styles), MODELS, STARTED, DONE)
        assert code == 0
        assert "built-in styles DEFAULT;ANIME;UHD;KANDINSKY" in said
        assert b'"style":"DEFAULT"' in requests[2].body

    async def test_a_style_that_is_not_offered(self) -> None:
        """It is sent, with a note."""
        code, said, requests = await told(*BOOT, STARTED, DONE, style="VRUBEL")
        assert code == 0
        assert 'cannot choose the style "VRUBEL"' in said
        assert b'"style":"VRUBEL"' in requests[2].body

    async def test_watching_boots_once(self) -> None:
        """The second picture begins with its run."""
        clock, lines, enough = FakeClock(), list[str](), asyncio.Event()

        def hear(line: str) -> None:
            lines.append(line)
            if lines.count("waiting 60.0 s") == 2:
                enough.set()

        async with serve_bytes(*BOOT, STARTED, DONE, STARTED, DONE) as fake:
            options = FrameOptions(host="127.0.0.1", port=fake.port, stock=True, watch=True, limits=PATIENT)
            watching = asyncio.create_task(run(options, hear, clock=clock))
            await enough.wait()
            watching.cancel()
            with pytest.raises(asyncio.CancelledError):
                await watching
        assert [request.line.split()[1].rpartition("/")[2] for request in fake.requests[:6]] == [
            "key", "models", "run", UUID, "run", UUID,
        ]  # fmt: skip
        assert clock.slept[:4] == [6.0, 60.0, 6.0, 60.0]


class TestScan:
    """The walk from word to word."""

    @staticmethod
    def scanned(body: str | bytes, pieces: int | None = None) -> StockScanned:
        data = body.encode() if isinstance(body, str) else body
        scan = StockScan()
        step = pieces or max(len(data), 1)
        for at in range(0, len(data), step):
            scan.feed(data[at : at + step])
        return scan.outcome()

    @pytest.mark.parametrize("pieces", [None, 1])
    @pytest.mark.parametrize("before", ["", '"why":"a word: {with} [signs], and: colons",', '"x" :\n "кот",'])
    def test_words_before_the_picture_are_survived(self, before: str, pieces: int | None) -> None:
        """Quoted words that are not empty, two by two, however they arrive."""
        assert self.scanned(done_json(PICTURE, before), pieces) == StockScanned(status="done", picture=PICTURE)

    @pytest.mark.parametrize(
        "before", ['"censored":false,', '"n":5,', '"e":null,', '"e":"",', '"l":["a","b"],', '"s":"\\"",']
    )
    def test_anything_else_loses_the_picture(self, before: str) -> None:
        """A number, a word without quotes, an empty one, a list, an escaped quote: the pairs are out of step."""
        with pytest.raises(FrameWouldFail, match='says DONE, and a frame finds no "images"'):
            self.scanned(done_json(PICTURE, before))

    def test_the_culprit_is_named(self) -> None:
        """The first key whose value is no word."""
        with pytest.raises(FrameWouldFail, match='the value of "censored" is none'):
            self.scanned(done_json(PICTURE, '"censored":false,'))
        with pytest.raises(FrameWouldFail, match=r'finds no "status" in the answer: .* the value of "uuid" is none'):
            self.scanned('{"uuid":"","status":"DONE"}')

    def test_what_stands_behind_the_picture_is_never_read(self) -> None:
        """Nonsense behind it goes unseen, and so do further pictures."""
        body = done_json(PICTURE).replace('"],', '","!!!"],') + '"status":"FAIL" ]]'
        assert self.scanned(body).picture == PICTURE

    @pytest.mark.parametrize("status", ["INITIAL", "PROCESSING"])
    def test_waiting_ends_the_walk(self, status: str) -> None:
        """Nothing behind it counts."""
        assert self.scanned(f'{{"uuid":"a","status":"{status}","images":["{TEXT}"]}}').status == "waiting"

    @pytest.mark.parametrize(
        ("body", "sentence"),
        [
            (f'{{"uuid":"a","images":["{TEXT}"],"status":"DONE"}}', 'its picture before "status"'),
            (f'{{"uuid":"a","status":"done","images":["{TEXT}"]}}', "a frame knows INITIAL, PROCESSING, DONE and FAIL"),
            ('{"uuid":"a","status":"DONE","images":[],"errorDescription":"x"}', 'takes the next word .* "jpg error"'),
            ('{"uuid":"a","status":"DONE","images":[""]}', "the picture is empty"),
            ('{"uuid":"a","status":"DONE","images":null}', "no string with a closing quote"),
            (done_json(PICTURE)[:70], "no string with a closing quote"),
            ('{"uuid":"a","status":"DONE"}', 'finds no "images" in it$'),
            ('{"uuid":"a"}', 'finds no "status"'),
            ("[]", 'finds no "status"'),
            ("", 'finds no "status"'),
            (done_json(PICTURE).replace(TEXT, f"data:image/jpeg;base64,{TEXT}"), "has the character b':'"),
            (done_json(PICTURE).replace(TEXT, TEXT[:8] + "\\n" + TEXT[8:]), "line break"),
            (done_json(PICTURE).replace(TEXT, TEXT[:8] + "\\/" + TEXT[8:]), "has the character"),
            (done_json(PICTURE).replace(TEXT, TEXT.rstrip("=")), "not padded"),
        ],
    )
    def test_each_way_to_lose_a_frame_has_its_sentence(self, body: str, sentence: str) -> None:
        """What came, and what a frame makes of it."""
        with pytest.raises(FrameWouldFail, match=sentence):
            self.scanned(body)

    @given(st.binary(min_size=1, max_size=200), st.integers(1, 40))
    def test_any_picture_survives_any_cutting(self, picture: bytes, pieces: int) -> None:
        """The decoded picture does not depend on how the answer was cut."""
        assert self.scanned(done_json(picture), pieces).picture == picture

    @given(st.binary(max_size=200), st.integers(1, 40))
    def test_any_bytes_have_an_outcome(self, body: bytes, pieces: int) -> None:
        """A sentence, or something to do."""
        try:
            found = self.scanned(body, pieces)
        except FrameWouldFail:
            return
        assert found.status in ("waiting", "done", "fail")


class TestScreen:
    """The panel behind the halving decoder."""

    def test_each_pixel_is_the_mean_of_four(self) -> None:
        """Stripes one pixel wide become grey, on the panel's levels."""
        stripes = Image.new("L", (32, 32))
        stripes.putdata([255 * (x % 2) for _y in range(32) for x in range(32)])
        panel = HalfPanel(16, 16)
        panel.draw(jpeg_of(stripes.convert("RGB"), quality=100, subsampling=0))
        middle = panel.screen.getpixel((8, 8))
        assert isinstance(middle, tuple)
        assert all(abs(value - 127) <= 9 for value in middle)

    def test_a_picture_of_another_size(self) -> None:
        """Half of it has not the panel's size: what happens then is told."""
        panel = HalfPanel(128, 160)
        assert panel.misfit(panel.draw(jpeg_of(drawn(256, 320)))) is None
        said = panel.misfit(panel.draw(jpeg_of(drawn(320, 480))))
        assert said is not None
        assert said.startswith(
            "the picture is 320x480; halved, the picture is 160x240, the panel 128x160: what is larger"
        )

    def test_what_no_frame_draws_leaves_the_screen(self) -> None:
        """Too large or refused: FrameWouldFail, and the old picture."""
        panel = HalfPanel(16, 16)
        panel.draw(jpeg_of(Image.new("RGB", (32, 32), "white")))
        for bad in (jpeg_of(drawn(64, 64), progressive=True), jpeg_of(Image.new("L", (8000, 2400)))):
            with pytest.raises(FrameWouldFail):
                panel.draw(bad)
        assert panel.screen.getpixel((3, 3)) == (255, 255, 255)


class TestCommand:
    """`imageserver frame --stock`."""

    def test_it_speaks_as_the_firmware(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Every option of it reaches the server, and the code is that of the conversation."""
        # Its own clock and limits would take a busy machine for a server that fails.
        monkeypatch.setattr(conversation, "SystemClock", FakeClock)
        monkeypatch.setattr(command, "FrameOptions", partial(FrameOptions, limits=PATIENT))

        async def against() -> tuple[int, str, list[Request]]:
            async with serve_bytes(*BOOT, STARTED, DONE) as fake:
                words = [
                    "--stock",
                    "--fast",
                    "--prompt",
                    "lake",
                    "--style",
                    "MONET",
                    "--negative",
                    "cat",
                    "--key",
                    "k 1",
                ]
                arguments = [f"127.0.0.1:{fake.port}", *words]
                result = await asyncio.to_thread(CliRunner().invoke, frame_command, arguments)
            return result.exit_code, result.output, fake.requests

        code, said, requests = asyncio.run(against())
        assert (code, "picture: 640x960" in said) == (0, True)
        assert b'"query":"lake"' in requests[2].body
        assert b'"style":"MONET","negativePromptUnclip":"cat"' in requests[2].body
        assert "X-Key: Key k 1\r\n" in requests[3].head

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["host", "--stock", "--type", "auto"], "option stock_frames"),
            (["host", "--stock", "--provider", "x"], "option stock_frames"),
            (["host", "--style", "MONET"], "for --stock"),
            (["host", "--key", "x"], "for --stock"),
            (["host", "--stock", "--key", "a\nb"], "letters, digits"),
            (["host", "--as", " "], "letters, digits"),
            (["http://host", "--tls"], "do not go together"),
        ],
    )
    def test_it_refuses_what_makes_no_sense(self, arguments: list[str], said: str) -> None:
        """With 2 and a sentence."""
        result = CliRunner().invoke(frame_command, arguments)
        assert result.exit_code == 2
        assert said in result.output

    @pytest.mark.parametrize(
        ("arguments", "where"),
        [
            (["host"], ("host", 8099, False)),
            (["host", "--tls"], ("host", 8099, True)),
            (["https://host"], ("host", 8099, True)),
            (["host", "--stock"], ("host", 8099, False)),
            (["host", "--stock", "--tls"], ("host", 443, True)),
            (["https://host:8099", "--stock"], ("host", 8099, True)),
        ],
    )
    def test_where_it_asks(
        self, arguments: list[str], where: tuple[str, int, bool], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """8099, but over TLS the stock frame's own port."""
        given: list[FrameOptions] = []

        async def noted(options: FrameOptions, _out: object) -> int:
            given.append(options)
            return 0

        monkeypatch.setattr(conversation, "run", noted)
        assert CliRunner().invoke(frame_command, arguments).exit_code == 0
        assert (given[0].host, given[0].port, given[0].tls) == where
