"""The stock AiFrame's wire against the whole server: raw bytes as its firmware sends them, and what it needs back."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import logging
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from live import Gate, Live, failing, live, painter, refuse, waiting
from PIL import Image

from imageserver import TransientError
from imageserver.config.model import Options
from imageserver.errors import BadRequest
from imageserver.frames import Frames
from imageserver.job_ids import JobIds
from imageserver.testing import FakeClock
from imageserver.web import keys
from imageserver.web.bodies import Fields
from imageserver.web.stock_form import parts
from imageserver.web.stock_styles import STYLES, styled
from imageserver.web.stock_uuid import StockUuid, read_uuid

QUIET = "disabled_providers: [atelier]\n"
ALWAYS = QUIET + "image_generate_threshold: 0\n"
BOUNDARY = "----GyverHttpBoundary123454321"
SECRET_KEY, SECRET = "7C2F41AB9E", "D0D0CAFE55"  # not from any account


def params(**more: Any) -> bytes:
    """The second part, with its keys in the firmware's order."""
    said = {
        "type": "GENERATE",
        "style": "DEFAULT",
        "negativePromptUnclip": "",
        "width": 640,
        "height": 960,
        "num_images": 1,
        "generateParams": {"query": "a heron"},
    }
    return json.dumps(said | more, ensure_ascii=False, separators=(",", ":")).encode()


def form(said: bytes) -> bytes:
    """The body of a run, letter by letter; no line end behind the closing boundary."""
    return (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="model_id"\r\n\r\n4\r\n'
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="params"; filename="blob"\r\n'
        "Content-Type: application/json\r\n\r\n"
    ).encode() + said + f"\r\n--{BOUNDARY}--".encode()  # fmt: skip


def request_bytes(line: str, body: bytes = b"", *, key: str = "anything", more: str = "") -> bytes:
    """One request as the firmware writes it."""
    head = f"{line} HTTP/1.1\r\nHost: api-key.fusionbrain.ai\r\nX-Key: Key {key}\r\nX-Secret: Secret {SECRET}\r\n{more}"
    if body:
        head += f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


async def raw(server: Live, request: bytes) -> tuple[int, str, bytes]:
    """Status, head and body of the answer to these bytes; the body by its Content-Length, as the firmware reads."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = re.search(r"^Content-Length: (\d+)\r$", head, re.MULTILINE)
        assert length is not None, head
        return int(head.split()[1]), head, await reader.readexactly(int(length[1]))
    finally:
        writer.close()
        await writer.wait_closed()


async def run(server: Live, *, key: str = "anything", **more: Any) -> str:
    """The uuid of a run."""
    code, _head, body = await raw(
        server, request_bytes("POST /key/api/v1/text2image/run", form(params(**more)), key=key)
    )
    assert code == 200, body
    assert len(body) < 1024
    said = json.loads(body)
    assert said["status"] == "INITIAL"
    assert re.fullmatch("[0-9a-f-]+", said["uuid"])
    uuid: str = said["uuid"]
    return uuid


async def ask(server: Live, uuid: str, *, key: str = "anything") -> bytes:
    """One poll."""
    code, _head, body = await raw(server, request_bytes(f"GET /key/api/v1/text2image/status/{uuid}", key=key))
    assert code == 200
    return body


async def finished(server: Live, uuid: str, *, key: str = "anything") -> tuple[int, str, bytes]:
    """Poll until it is no longer being made: status, head and body of that answer."""
    request = request_bytes(f"GET /key/api/v1/text2image/status/{uuid}", key=key)
    while json.loads((answer := await raw(server, request))[2])["status"] == "PROCESSING":
        pass
    return answer


async def picture(server: Live, uuid: str, *, key: str = "anything") -> Image.Image:
    """Poll until there is a picture."""
    code, _head, body = await finished(server, uuid, key=key)
    assert code == 200
    return shown(body)


def shown(body: bytes) -> Image.Image:
    found = re.fullmatch(
        rb'\{"uuid":"[0-9a-f-]+","status":"DONE","images":\["([A-Za-z0-9+/]+=*)"\],'
        rb'"errorDescription":"","censored":false\}',
        body,
    )
    assert found is not None, body[:200]
    return Image.open(io.BytesIO(base64.b64decode(found[1], validate=True)))


class TestBoot:
    """What the firmware asks right after power-up."""

    @pytest.mark.parametrize("name", ["key", "api", "web"])
    async def test_styles(self, tmp_path: Path, name: str) -> None:
        """An array of objects with a name each; DEFAULT comes first, because the firmware begins with the first."""
        async with live(tmp_path, options=QUIET) as server:
            code, head, body = await raw(server, request_bytes(f"GET /static/styles/{name}"))
        said = json.loads(body)
        assert (code, said[0]["name"], said[1]["name"]) == (200, "DEFAULT", "LIBRARY")
        assert all(set(style) == {"name", "title", "titleEn", "image"} for style in said)
        assert "\r\nContent-Type: application/json" in head
        assert len(body) < 2000

    def test_names_can_be_joined(self) -> None:
        """The firmware joins the names with semicolons, shows them in its page and writes the chosen one into JSON."""
        names = [style.name for style in STYLES]
        assert len(set(names)) == len(names) >= 14
        assert all(name.isascii() and name.isprintable() and not set(name) & set(";\"'\\") for name in names)

    async def test_models_and_availability(self, tmp_path: Path) -> None:
        """The first model has a whole number, and there is always room."""
        async with live(tmp_path, options=QUIET) as server:
            _code, _head, said = await raw(server, request_bytes("GET /key/api/v1/models"))
            assert json.loads(said)[0]["id"] == 4
            line = "GET /key/api/v1/text2image/availability?model_id=4"
            _code, _head, said = await raw(server, request_bytes(line))
            assert json.loads(said) == {"model_status": "ACTIVE"}


class TestWishes:
    """From a run to what a provider is asked."""

    async def test_what_the_owner_wrote_reaches_the_provider(self, tmp_path: Path) -> None:
        """Prompt with its style, negative prompt and twice the panel's size; the answer has exactly that size."""
        paint = painter()
        async with live(tmp_path, paint, options=ALWAYS) as server:
            uuid = await run(
                server,
                style="AIVAZOVSKY",
                negativePromptUnclip="люди",
                generateParams={"query": "  цапля, «тростник» "},
                width=256,
                height=320,
            )
            assert (await picture(server, uuid)).size == (256, 320)
        (asked,) = paint.asked
        assert asked.prompt == "цапля, «тростник», in the style of Ivan Aivazovsky"
        assert (asked.negative, asked.width, asked.height) == ("люди", 256, 320)

    @pytest.mark.parametrize(
        ("style", "prompt"),
        [
            ("DEFAULT", "a heron"),
            ("default", "a heron"),
            ("Van Gogh", "a heron, in the style of Vincent van Gogh"),
            ("KANDINSKY", "a heron, in the style of Wassily Kandinsky"),
            ("ANIME", "a heron, ANIME style"),
            ("  pencil   sketch ", "a heron, pencil sketch style"),
            ("x" * 51, "a heron"),
            ("a\x07b", "a heron"),
            ("", "a heron"),
            (None, "a heron"),
            ("LIBRARY", None),
            ("library", None),
        ],
    )
    def test_styles_become_words(self, style: str | None, prompt: str | None) -> None:
        """Ours by their name in any case, others as a word behind the prompt, what is no word not at all."""
        assert styled("a heron", style) == prompt
        assert styled(None, style) is None

    async def test_the_library_instead_of_the_frames_words(self, tmp_path: Path) -> None:
        """The style LIBRARY draws a prompt and keeps the negative one."""
        paint = painter()
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / "prompts.json").write_text('{"prompts":[{"prompt":"an owl"}]}', encoding="utf-8")
        async with live(tmp_path, paint, options=ALWAYS) as server:
            await picture(server, await run(server, style="LIBRARY", negativePromptUnclip="text"))
            drawn = {prompt.text for prompt in await asyncio.to_thread(server.app[keys.PROMPTS].all)}
        (asked,) = paint.asked
        assert asked.prompt in drawn
        assert asked.negative == "text"

    async def test_the_timer_follows_auto(self, tmp_path: Path) -> None:
        """Within the threshold a frame gets stored pictures, whatever its prompt says."""
        paint = painter()
        async with live(tmp_path, paint, options=QUIET, stored=2) as server:
            for _ in range(3):
                await picture(server, await run(server))
            assert len(paint.asked) == 1
            assert (await server.job(read_uuid(await run(server)).job)).why.startswith("the threshold has")  # type: ignore[union-attr]

    async def test_ask_paints_every_time(self, tmp_path: Path) -> None:
        """`stock_frames: ask`: every run is for a provider."""
        paint = painter()
        async with live(tmp_path, paint, options=QUIET + "stock_frames: ask", stored=2) as server:
            for _ in range(3):
                await picture(server, await run(server))
        assert len(paint.asked) == 3

    async def test_ask_sleeps_too(self, tmp_path: Path) -> None:
        """Its timer would buy all night: in a sleep window it gets what `auto` gets."""
        paint = painter()
        night = 'sleep_time: [{time_range: {start_time: "00:00", end_time: "23:59"}, black_image_mode: true}]'
        async with live(tmp_path, paint, options=f"{QUIET}stock_frames: ask\n{night}", stored=2) as server:
            dark = await picture(server, await run(server))
        assert not paint.asked
        assert max(top for _, top in dark.convert("RGB").getextrema()) < 8  # type: ignore[misc]

    async def test_a_full_queue_shows_the_store(self, tmp_path: Path) -> None:
        """Where another frame hears 429, this one would show an error."""
        gate = Gate()
        options = QUIET + "stock_frames: ask\nqueue_size: 1"
        async with live(tmp_path, waiting(gate), options=options, stored=1) as server:
            waits = await run(server)
            assert (await picture(server, await run(server))).size == (640, 960)
            assert json.loads(await ask(server, waits))["status"] == "PROCESSING"
            gate.open()
            await picture(server, waits)

    async def test_a_provider_that_fails(self, tmp_path: Path) -> None:
        """A stored picture takes the place; with nothing stored a card."""
        broken = failing(refuse(TransientError))
        for stored in (1, 0):
            folder = tmp_path / str(stored)
            folder.mkdir()
            async with live(folder, broken, options=ALWAYS, stored=stored) as server:
                assert (await picture(server, await run(server))).size == (640, 960)
        assert len(broken.asked) >= 2

    async def test_a_frames_own_settings_hold(self, tmp_path: Path) -> None:
        """Only the size is the asked one: a panel that inverts gets inverted colours."""
        options = ALWAYS + "frames: {wall: {invert: true}}"
        colours = []
        async with live(tmp_path, options=options, stored=1) as server:
            for key in ("wall", "other"):
                found = await picture(server, await run(server, key=key), key=key)
                colours.append(found.convert("RGB").getpixel((320, 100)))
        inverted, plain = colours
        assert all(abs(one + other - 255) < 12 for one, other in zip(inverted, plain, strict=True))  # type: ignore[arg-type]

    async def test_a_frame_that_sleeps_is_dark(self, tmp_path: Path) -> None:
        """Sleep windows hold for this frame too."""
        window = 'sleep_time: [{time_range: {start_time: "00:00", end_time: "23:59"}, black_image_mode: true}]'
        async with live(tmp_path, painter(), options=ALWAYS + window, stored=1) as server:
            assert (await picture(server, await run(server))).convert("L").getextrema() == (0, 0)


class TestStatus:
    """What a poll hears."""

    async def test_waiting_then_done_letter_by_letter(self, tmp_path: Path) -> None:
        """PROCESSING while somebody paints, then one body in the order that the firmware's scanner needs."""
        gate = Gate()
        async with live(tmp_path, waiting(gate), options=ALWAYS) as server:
            uuid = await run(server)
            await gate.reached.wait()
            assert await ask(server, uuid) == f'{{"uuid":"{uuid}","status":"PROCESSING"}}'.encode()
            gate.open()
            first = await picture(server, uuid)
            code, head, again = await finished(server, uuid)
        assert (code, first.size, shown(again).size) == (200, (640, 960), (640, 960))
        assert first.tobytes() == shown(again).tobytes()
        assert again.startswith(f'{{"uuid":"{uuid}","status":"DONE","images":["'.encode())
        assert "\r\nContent-Type: application/json\r\n" in head
        assert "transfer-encoding" not in head.lower()
        assert first.format == "JPEG"
        assert "progressive" not in first.info

    async def test_uuids_survive_a_restart(self, tmp_path: Path) -> None:
        """A stored picture and a painted one, asked for after the server came up again."""
        async with live(tmp_path, painter(), options=QUIET, stored=1) as server:
            painted = await run(server)
            await picture(server, painted)
            stored = await run(server, width=256, height=320)
        async with live(tmp_path, options=QUIET) as server:
            assert (await picture(server, painted)).size == (640, 960)
            assert (await picture(server, stored)).size == (256, 320)

    async def test_unknown_foreign_and_expired_uuids_fail(self, tmp_path: Path) -> None:
        """200 with FAIL, so that the firmware stops asking; never a 404."""
        async with live(tmp_path, options=QUIET, stored=1) as server:
            good = await run(server)
            forged = ("0" if good[0] != "0" else "1") + good[1:]
            foreign = JobIds(b"another server", FakeClock(), lambda n: b"x" * n).give()
            bad = ["", "x", "1/2/3", "%22%5C", "%00", "%FF", "a" * 2000, "7e0f4a1c-9d2b-4b1f-8f43-2f6a0f1a9c55"]
            bad += [forged, StockUuid(job=foreign, width=640, height=960).text, good[:-8] + "00010001", good.upper()]
            for uuid in bad:
                said = json.loads(body := await ask(server, uuid))
                assert list(said) == ["uuid", "status"], uuid
                assert said["status"] == "FAIL"
                assert said["uuid"]
                assert re.fullmatch(rb'\{"uuid":"[0-9a-z-]+","status":"FAIL"\}', body)
            server.clock.shift += 25 * 3600
            assert json.loads(await ask(server, good))["status"] == "FAIL"

    async def test_made_up_uuids_use_up_no_sizes(self, tmp_path: Path) -> None:
        """Only what was really given counts among the sizes in use."""
        async with live(tmp_path, options=QUIET, stored=1) as server:
            good = await run(server)
            for number in range(40):
                await ask(server, "0" * 64 + f"-{320 + 2 * number:04x}01e0")
            assert (await picture(server, await run(server, width=256, height=320))).size == (256, 320)
            for number in range(16):
                await run(server, width=400 + 2 * number)
            line = request_bytes("POST /key/api/v1/text2image/run", form(params(width=1000)))
            assert (await raw(server, line))[0] == 400
            assert (await picture(server, await run(server, width=256, height=320))).size == (256, 320)
            server.app[keys.FRAMES].forget_sizes()  # as every night
            assert (await raw(server, line))[0] == 200
            assert (await picture(server, good)).size == (640, 960)

    async def test_a_rendition_that_vanished_is_made_anew(self, tmp_path: Path) -> None:
        """Nothing but the original is needed."""
        async with live(tmp_path, options=QUIET, stored=1) as server:
            uuid = await run(server)
            before = await picture(server, uuid)
        for path in (tmp_path / "data" / "renditions").rglob("*.jpg"):
            path.unlink()
        async with live(tmp_path, options=QUIET) as server:
            assert (await picture(server, uuid)).tobytes() == before.tobytes()

    def test_a_uuid_says_what_it_was_made_of(self) -> None:
        """There and back; in another spelling it is none of ours."""
        job = JobIds(b"secret", FakeClock(), lambda n: bytes(range(n))).give("picture", 2**40)
        made = StockUuid(job=job, width=640, height=960)
        assert read_uuid(made.text) == made
        assert made.text.endswith("-028003c0")
        for text in (made.text.upper(), made.text + "0", made.text[1:], made.text.replace("-", ""), made.text + "\n"):
            assert read_uuid(text) is None


class TestWrongInput:
    """Each gets an answer with a body."""

    @pytest.mark.parametrize(
        ("body", "said"),
        [
            (b"", "multipart/form-data"),
            (b"hello", "closing boundary"),
            (form(params())[:-2], "closing boundary"),
            (f"--{BOUNDARY}--".encode(), "params: missing"),
            (form(params()).replace(b'name="params"', b'name="param"'), "params: missing"),
            (form(b"{"), "params: no JSON"),
            (form(b"[" * 30_000), "params: no JSON"),
            (form(b"\xff\xfe\xfd"), "params: no JSON"),
            (form(b"[1]"), "params: must be an object"),
            (form(b"{}"), "generateParams: must be an object; width: must be a whole number; height: must be"),
            (form(params(width="640")), "width: must be a whole number"),
            (form(params(width=True)), "width: must be a whole number"),
            (form(params(height=1e3)), "height: must be a whole number"),
            (form(params(width=641)), "no size .* 641x960"),
            (form(params(width=4096)), "no size .* 4096x960"),
            (form(params(width=-640)), "no size .* -640x960"),
            (form(params(width=10**4000)), "no size that pictures"),
            (form(params(style=5)), "style: must be text"),
            (form(params(generateParams={"query": ["x"]})), "query: must be text"),
            (form(params(generateParams={"query": "x" * 10_001})), "query: longer than 10000"),
            (form(params()).replace(b"a heron", b"\\ud800"), "half a character"),
            (form(params(negativePromptUnclip={})), "negativePromptUnclip: must be text"),
        ],
    )
    async def test_it_is_named(self, tmp_path: Path, body: bytes, said: str) -> None:
        """400 with a JSON body that names it, and no job."""
        paint = painter()
        async with live(tmp_path, paint, options=ALWAYS) as server:
            code, _head, answer = await raw(server, request_bytes("POST /key/api/v1/text2image/run", body))
            assert await server.health("waiting_jobs") == 0
        assert code == 400, answer
        assert re.search(said, json.loads(answer)["error"]["message"])
        assert not paint.asked

    async def test_a_body_that_is_too_large(self, tmp_path: Path) -> None:
        """Bounded, and answered."""
        async with live(tmp_path, options=QUIET) as server:
            body = form(params(generateParams={"query": "x" * 200_000}))
            code, _head, answer = await raw(server, request_bytes("POST /key/api/v1/text2image/run", body))
        assert (code, json.loads(answer)["error"]["code"]) == (413, "too_large")

    async def test_no_query_draws_from_the_library(self, tmp_path: Path) -> None:
        """The firmware does not send an empty one; whoever does gets a picture."""
        paint = painter()
        async with live(tmp_path, paint, options=ALWAYS) as server:
            await picture(server, await run(server, generateParams={}))
        assert paint.asked[0].prompt


@given(st.binary(max_size=400), st.binary(max_size=60))
def test_any_form_is_read_or_refused(body: bytes, name: bytes) -> None:
    """No bytes make the reader of the form fail in another way than with BadRequest."""
    inside = f"--{BOUNDARY}\r\n".encode() + name + b"\r\n\r\n" + body + f"\r\n--{BOUNDARY}--".encode()
    for content_type in (f"multipart/form-data; boundary={BOUNDARY}", "multipart/form-data; boundary=-"):
        for sent in (body, inside):
            try:
                found = parts(content_type, sent)
            except BadRequest:
                continue
            assert all(content in sent for content in found.values())


@given(st.binary(max_size=300))
def test_a_part_comes_out_as_it_went_in(content: bytes) -> None:
    """Bytes with line ends and dashes too; only the boundary itself cannot be in there."""
    if BOUNDARY.encode() not in content:
        assert parts(f'Multipart/Form-Data; boundary="{BOUNDARY}"', form(content)) == {
            "model_id": b"4",
            "params": content,
        }


def test_a_long_head_costs_no_time() -> None:
    """A part whose headers never end is not searched through again and again."""
    body = form(b"").replace(b"filename", b"content-disposition:" * 6_000)
    assert "model_id" in parts(f"multipart/form-data; boundary={BOUNDARY}", body)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_any_request_gets_an_answer(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Whatever is sent to the service's addresses: an answer with a body, 200 or 400, and an unbroken server."""
    wishes = data.draw(
        st.lists(
            st.fixed_dictionaries({}, optional=dict.fromkeys(json.loads(params()), ANY_JSON)) | ANY_JSON, max_size=4
        )
    )
    # No line end: an address with one in it has no route, and is none of a firmware's.
    raws = st.binary(max_size=80).map(lambda raw: raw.replace(b"\n", b""))
    uuids = data.draw(st.lists(raws.map(lambda raw: "".join(f"%{byte:02X}" for byte in raw)), max_size=4))
    keys_ = data.draw(st.lists(st.binary(max_size=30), max_size=3))

    async def ask_all() -> None:
        async with live(tmp_path_factory.mktemp("any"), options=QUIET, stored=1) as server:
            for wish in wishes:
                said = params(**wish) if isinstance(wish, dict) and set(wish) <= set(json.loads(params())) else b"5"
                request = request_bytes("POST /key/api/v1/text2image/run", form(said))
                assert (await raw(server, request))[0] in (200, 400)
            for uuid in uuids:
                assert json.loads(await ask(server, uuid))["status"] == "FAIL"
            for key in keys_:
                clean = bytes(byte for byte in key if byte >= 32 and byte != 127)
                request = request_bytes("GET /key/api/v1/models", key="HERE").replace(b"HERE", clean)
                assert (await raw(server, request))[0] == 200
            await picture(server, await run(server))

    asyncio.run(ask_all())


class TestWho:
    """Key and address tell frames apart, and the key goes nowhere."""

    def test_by_key(self) -> None:
        """A frame's name in any case is that frame; anything else is a frame of its own at its address."""
        frames = Frames(Options(), {"Kitchen": _named(), "hall": _named(address=("10.0.0.1",))})
        assert frames.asking("10.0.0.9", key="kitchen").name == "Kitchen"
        assert frames.asking("10.0.0.1", key="KITCHEN").name == "Kitchen"
        assert frames.asking("10.0.0.1", key="anything").name == "hall"
        one, other = frames.asking("10.0.0.9", key="one"), frames.asking("::ffff:10.0.0.9", key="other")
        assert re.fullmatch("10[.]0[.]0[.]9#[0-9a-f]{6}", one.key)
        assert one.key != other.key
        assert frames.asking("10.0.0.9", key="one") == one
        assert frames.asking("10.0.0.9").key == "10.0.0.9"

    async def test_two_frames_behind_one_address_have_laps_of_their_own(self, tmp_path: Path) -> None:
        """Each sees every picture once before any comes again."""
        async with live(tmp_path, options=QUIET, stored=3) as server:
            seen: dict[str, list[int | None]] = {"left": [], "right": []}
            for _ in range(3):
                for key, found in seen.items():
                    uuid = await run(server, key=key)
                    await picture(server, uuid, key=key)
                    found.append(await server.picture_of(read_uuid(uuid).job))  # type: ignore[union-attr]
            assert [len(set(found)) for found in seen.values()] == [3, 3]
            async with server.http.get("/frames") as answer:
                lines = (await answer.json())["frames"]
        assert [(line["fetched"], line["aborted"], line["shared"]) for line in lines] == [(3, 0, False)] * 2
        assert {line["frame"].split("#")[0] for line in lines} == {"127.0.0.1"}

    async def test_the_key_shows_up_nowhere(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        """Not in an answer, the log, the pages or any file; the secret neither."""
        caplog.set_level(logging.DEBUG)
        said = b""
        async with live(tmp_path, options=QUIET, stored=1) as server:
            uuid = await run(server, key=SECRET_KEY)
            said += await ask(server, uuid, key=SECRET_KEY) + await ask(server, "x", key=SECRET_KEY)
            for line in ("GET /static/styles/key", "GET /key/api/v1/models", "POST /key/api/v1/text2image/run"):
                said += b"".join(map(_bytes, await raw(server, request_bytes(line, key=SECRET_KEY))))
            for path in ("/frames", "/", "/healthz"):
                async with server.http.get(path) as answer:
                    said += await answer.read()
            frame = server.app[keys.FRAMES].asking("127.0.0.1", key=SECRET_KEY)
            assert frame.key.encode() in said
            said += repr(frame).encode()
        said += caplog.text.encode() + everything_in(tmp_path)
        assert frame.key.encode() in said
        for hidden in (SECRET_KEY, SECRET):
            assert hidden.lower().encode() not in said.lower()

    async def test_a_download_that_is_broken_off(self, tmp_path: Path) -> None:
        """It counts as aborted and not as a picture."""
        (tmp_path / "images").mkdir()
        Image.effect_noise((2000, 2000), 120).convert("RGB").save(tmp_path / "images" / "noise.png")
        async with live(tmp_path, options=QUIET + "quality: 100\nmax_bytes: 10000000") as server:
            uuid = await run(server, width=2000, height=2000)
            _code, _head, body = await finished(server, uuid)
            assert len(body) > 2_000_000
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(request_bytes(f"GET /key/api/v1/text2image/status/{uuid}"))
            await reader.readexactly(200)
            writer.transport.abort()  # a frame that lost its power
            seen = server.app[keys.SIGHTINGS]
            (frame,) = (line.frame for line in seen.all())
            async with asyncio.timeout(30):
                while (line := seen.of(frame)) is None or not line.aborted:  # noqa: ASYNC110 - until it was noticed
                    await asyncio.sleep(0)
            assert (line.fetched, line.aborted) == (1, 1)


def test_fields_share_their_problems() -> None:
    """What is wrong inside an object is told together with what is wrong around it."""
    fields = Fields({"inner": {"name": 5}, "name": 6})
    fields.inside("inner").text("name")
    fields.text("name")
    with pytest.raises(BadRequest, match="name: must be text; name: must be text"):
        fields.finish()


def everything_in(folder: Path) -> bytes:
    """All bytes of all files."""
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def _named(**said: Any) -> Any:
    from imageserver.config.model import FrameOptions

    return FrameOptions(**said)


def _bytes(part: object) -> bytes:
    return part if isinstance(part, bytes) else str(part).encode()
