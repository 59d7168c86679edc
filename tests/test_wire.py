"""The frames' wire, row by row, against the whole server."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from pathlib import Path

import aiohttp
import pytest
from live import Gate, Live, ShiftedClock, live, painter, picture_bytes, waiting
from PIL import Image

from imageserver.frame_client.jpeg import inspect
from imageserver.web import keys

QUIET = "disabled_providers: [atelier]\n"


def shown(result: dict[str, object]) -> Image.Image:
    """The picture inside a result."""
    assert result["status"] == "done", result
    response = result["response"]
    assert isinstance(response, dict)
    return Image.open(io.BytesIO(base64.b64decode(response["image"], validate=True)))


async def raw(server: Live, request: bytes) -> bytes:
    """What the server answers to these bytes, all of it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def test_a_new_frame_gets_a_painted_picture(tmp_path: Path) -> None:
    """With nothing configured and nothing stored, `auto` leads to a baseline JPEG of exactly the frame's size."""
    async with live(tmp_path) as server:
        jpeg = await server.frame.picture("auto")
        facts = inspect(jpeg)
        assert (facts.width, facts.height) == (320, 480)


@pytest.mark.parametrize("kind", ["auto", "old", "ydart", "provider"])
async def test_every_type_leads_to_a_picture(tmp_path: Path, kind: str) -> None:
    """Each of the four types ends in a picture that a frame can draw."""
    async with live(tmp_path, painter(), options=QUIET, stored=1) as server:
        code = "painter" if kind == "provider" else None
        assert inspect(await server.frame.picture(kind, provider=code)).width == 320


async def test_start_of_a_stored_picture_is_done_at_once(tmp_path: Path) -> None:
    """`old` is done when it is answered, and its result is the stored picture."""
    async with live(tmp_path, options=QUIET, stored=1) as server:
        started = await server.start(type="old")
        assert started["status"] == "done"
        assert shown(await server.done(started["id"])).size == (320, 480)


async def test_prompt_and_negative_reach_the_provider(tmp_path: Path) -> None:
    """The text of a request is used as it was sent, Cyrillic and all, and is not added to the library."""
    kind = painter()
    async with live(tmp_path, kind, options=QUIET) as server:
        started = await server.start(type="ydart", prompt="Жёлтая луна ₽", negative="люди")
        await server.done(started["id"])
        assert [(request.prompt, request.negative) for request in kind.asked] == [("Жёлтая луна ₽", "люди")]
        assert (kind.asked[0].width, kind.asked[0].height) == (320, 480)
        prompts = json.loads((server.data / "prompts.json").read_text(encoding="utf-8"))
        assert [entry["prompt"] for entry in prompts["prompts"]] == ["test"]


async def test_without_a_prompt_one_of_the_library_is_drawn(tmp_path: Path) -> None:
    """A provider is asked with a prompt of the library and its negative."""
    kind = painter()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "prompts.json").write_text(
        '{"prompts": [{"idx": 1, "prompt": "a quiet harbour", "negative": "text"}]}', encoding="utf-8"
    )
    async with live(tmp_path, kind, options=QUIET) as server:
        await server.done((await server.start(type="ydart"))["id"])
        assert [(request.prompt, request.negative) for request in kind.asked] == [("a quiet harbour", "text")]


async def test_a_picture_that_is_ready_is_there_at_the_first_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A provider that paints at once has its picture shown at the frame's first poll, which the Go server never did."""
    # What is done at once may take a busy machine longer than an answer waits.
    for seconds in ("_JOB_SECONDS", "_RENDITION_SECONDS", "_HURRIED_SECONDS"):
        monkeypatch.setattr(f"imageserver.delivery.{seconds}", 60.0)
    async with live(tmp_path, painter(), options=QUIET) as server:
        started = await server.start(type="ydart")
        assert started["status"] == "pending"
        assert (await server.result(started["id"]))["status"] == "done"


async def test_a_waiting_operation_is_pending_then_done(tmp_path: Path) -> None:
    """While the provider paints the frame hears `pending`, afterwards `done`; status says the same."""
    gate = Gate()
    async with live(tmp_path, waiting(gate), options=QUIET) as server:
        operation = (await server.start(type="ydart"))["id"]
        await gate.reached.wait()
        assert await server.result(operation) == {"id": operation, "status": "pending"}
        async with server.http.get(f"/operation/status/{operation}") as answer:
            assert await answer.json() == {"id": operation, "status": "pending"}
        gate.open()
        assert shown(await server.done(operation)).size == (320, 480)
        async with server.http.get(f"/operation/status/{operation}") as answer:
            assert await answer.json() == {"id": operation, "status": "done"}


async def test_the_bytes_of_a_result_are_what_the_frame_scans_for(tmp_path: Path) -> None:
    """Header names are spelt as the frame looks for them, the body is chunked, and nothing stands before `response`."""
    async with live(tmp_path, options=QUIET, stored=1) as server:
        operation = (await server.start(type="old"))["id"]
        await server.done(operation)  # from now on it is at hand at the first question, however busy the machine is
        request = f"GET /operation/result/{operation} HTTP/1.1\r\nHost: frame\r\nConnection: close\r\n\r\n"
        head, _, body = (await raw(server, request.encode())).partition(b"\r\n\r\n")
        assert b"\r\nContent-Type: application/json" in head
        assert b"\r\nTransfer-Encoding: chunked" in head
        assert b"Content-Encoding" not in head
        size, _, rest = body.partition(b"\r\n")
        assert 1 <= len(size) <= 8
        assert rest.startswith(f'{{"id":"{operation}","status":"done","response":{{"image":"/9j/'.encode())


async def test_nothing_is_compressed_for_a_client_that_asks(tmp_path: Path) -> None:
    """Answers come plain, whatever Accept-Encoding says."""
    async with live(tmp_path, options=QUIET, stored=1) as server:
        operation = (await server.start(type="old"))["id"]
        await server.done(operation)
        async with server.http.get(f"/operation/result/{operation}", headers={"Accept-Encoding": "gzip"}) as answer:
            assert "Content-Encoding" not in answer.headers
            assert (await answer.json())["status"] == "done"


@pytest.mark.parametrize("size", [64, 1000, 4096, 1048576])
async def test_chunk_size_is_obeyed(tmp_path: Path, size: int) -> None:
    """`?chunk_size=` cuts the same picture into pieces of that size."""
    async with live(tmp_path, options=QUIET, stored=1) as server:
        operation = (await server.start(type="old"))["id"]
        whole = await server.done(operation)
        async with server.http.get(f"/operation/result/{operation}?chunk_size={size}") as answer:
            pieces = [piece async for piece, ends in answer.content.iter_chunks() if ends or piece]
        assert json.loads(b"".join(pieces)) == whole


@pytest.mark.parametrize(
    "size", ["0", "63", "-5", "x", "1048577", "99999999999", "²", "000000064999999999", "0" * 99 + "9" * 5000]
)
async def test_a_bad_chunk_size_is_refused(tmp_path: Path, size: str) -> None:
    """A chunk size outside the limits is 400 with a body."""
    async with live(tmp_path, options=QUIET, stored=1) as server:
        operation = (await server.start(type="old"))["id"]
        async with server.http.get(f"/operation/result/{operation}", params={"chunk_size": size}) as answer:
            assert answer.status == 400
            assert "chunk_size" in (await answer.json())["error"]["message"]


BAD_BODIES: list[tuple[bytes, list[str]]] = [
    (b"", ["JSON"]),
    (b"{", ["JSON"]),
    (b"[1]", ["object"]),
    (b'"auto"', ["object"]),
    (b"{}", ["type"]),
    (b'{"type":"never"}', ["type", "auto"]),
    (b'{"type":5,"prompt":7,"negative":[]}', ["type", "prompt", "negative"]),
    (b'{"type":"provider"}', ["provider"]),
    (b'{"type":"provider","provider":"nobody"}', ["nobody", "painter"]),
    (b'{"type":"ydart","prompt":"\\ud800"}', ["prompt"]),
    (b'{"type":"ydart","prompt":"' + b"x" * 10_001 + b'"}', ["prompt", "10000"]),
    (b'{"type":"auto"}\xff', ["JSON"]),
    (b"[" * 100_000, ["JSON"]),
]


@pytest.mark.parametrize(("body", "words"), BAD_BODIES, ids=range(len(BAD_BODIES)))
async def test_bad_bodies_are_refused_with_every_problem(tmp_path: Path, body: bytes, words: list[str]) -> None:
    """A body that cannot be used is 400 in the one shape of errors, short, ASCII, naming all its problems."""
    async with live(tmp_path, painter(), options=QUIET) as server:
        async with server.http.post("/operation/start", data=body) as answer:
            text = await answer.read()
            assert answer.status == 400, text
        text.decode("ascii")
        assert len(text) < 600
        error = json.loads(text)["error"]
        assert set(error) == {"code", "message"}
        for word in words:
            assert word in error["message"]


async def test_what_frames_never_send_is_answered_in_the_same_shape(tmp_path: Path) -> None:
    """Unknown routes, wrong methods and oversized bodies have a body of our shape too."""
    async with live(tmp_path, options=QUIET) as server:
        for method, path, status in [("GET", "/nowhere", 404), ("GET", "/operation/start", 405)]:
            async with server.http.request(method, path) as answer:
                assert answer.status == status
                assert set((await answer.json())["error"]) == {"code", "message"}
        async with server.http.post("/operation/start", data=b"x" * 200_000) as answer:
            assert answer.status == 413
            assert (await answer.json())["error"]["code"] == "too_large"


@pytest.mark.parametrize("operation", ["x", "A" * 43, "..", "%2e%2e%2fjournal.sqlite", "a" * 5000, "%00", "№"])
async def test_an_id_that_was_never_given_is_404(tmp_path: Path, operation: str) -> None:
    """Nobody can make an id, and none reaches a file."""
    async with live(tmp_path, options=QUIET, stored=1) as server:
        for route in ("status", "result"):
            async with server.http.get(f"/operation/{route}/{operation}") as answer:
                assert answer.status == 404
                assert (await answer.json())["error"]["code"] == "not_found"


async def test_an_expired_id_is_an_error_with_200(tmp_path: Path) -> None:
    """A day later an id of ours ends in `error`, so that the frame stops asking; 404 would make it ask for ever."""
    clock = ShiftedClock()
    async with live(tmp_path, painter(), options=QUIET, stored=1, clock=clock) as server:
        ids = [(await server.start(type=kind))["id"] for kind in ("old", "ydart")]
        await server.done(ids[1])
        clock.shift = 24 * 3600 + 5
        for operation in ids:
            for route in ("status", "result"):
                async with server.http.get(f"/operation/{route}/{operation}") as answer:
                    said = await answer.json()
                    assert (answer.status, said["id"], said["status"]) == (200, operation, "error")


async def test_ids_of_one_second_are_all_different(tmp_path: Path) -> None:
    """Starts in the same second have ids of their own, and each gets its own picture."""
    async with live(tmp_path, options=QUIET, stored=6) as server:
        started = await asyncio.gather(*(server.start(type="old") for _ in range(6)))
        assert len({one["id"] for one in started}) == 6
        pictures = {shown(await server.done(one["id"])).tobytes() for one in started}
        assert len(pictures) == 6


async def test_a_picture_that_was_deleted_is_replaced_by_another(tmp_path: Path) -> None:
    """The id of a picture that is gone shows another stored one, and keeps showing that one."""
    async with live(tmp_path, options=QUIET, stored=3) as server:
        operation = (await server.start(type="old"))["id"]
        picture = await server.app[keys.STORE].picture(await server.picture_of(operation) or 0)
        assert picture is not None
        await server.done(operation)
        server.app[keys.STORE].path_of(picture).unlink()
        await server.app[keys.STORE].renditions.forget(f"{picture.id}-{picture.size:x}-{picture.mtime_ns:x}")
        first, second = await server.done(operation), await server.done(operation)
        assert shown(first).size == (320, 480)
        assert first == second


async def test_broken_files_never_reach_a_frame(tmp_path: Path) -> None:
    """Cut, empty and foreign files in the store are passed over, and the journal says why."""
    async with live(tmp_path, options=QUIET, stored=1) as server:
        whole = picture_bytes()
        (server.images / "cut.jpg").write_bytes(whole[: len(whole) // 2])
        (server.images / "empty.png").write_bytes(b"")
        (server.images / "page.webp").write_text("<html>", encoding="utf-8")
        await server.app[keys.STORE].scan()
        pictures = {shown(await server.done((await server.start(type="old"))["id"])).tobytes() for _ in range(6)}
        assert len(pictures) == 1
        broken = await server.app[keys.JOURNAL].pictures.broken()
        assert sorted(picture.path for picture in broken) == ["cut.jpg", "empty.png", "page.webp"]
        assert all(picture.broken for picture in broken)
        assert sorted(path.name for path in server.images.glob("*.*")) == [
            "cut.jpg",
            "empty.png",
            "page.webp",
            "stored0.jpg",
        ]


async def test_with_nothing_at_all_a_card_says_so(tmp_path: Path) -> None:
    """Nothing stored and nobody ready: the frame draws a card."""
    async with live(tmp_path, options=QUIET) as server:
        for kind in ("auto", "old", "ydart"):
            assert inspect(await server.frame.picture(kind)).height == 480
        jobs = await server.app[keys.JOURNAL].jobs.recent(3)
        assert {job.card for job in jobs} == {"nothing_stored"}
        assert all("nothing is stored" in job.why for job in jobs)


async def test_too_many_explicit_requests_are_429_and_auto_goes_on(tmp_path: Path) -> None:
    """When the queue is full an explicit wish is refused with Retry-After; `auto` and `old` show the store."""
    gate = Gate()
    options = QUIET + "queue_size: 1\nimage_generate_threshold: 0\n"
    async with live(tmp_path, waiting(gate), options=options, stored=1) as server:
        await server.start(type="ydart")
        async with server.http.post("/operation/start", json={"type": "ydart"}) as answer:
            assert answer.status == 429
            assert int(answer.headers["Retry-After"]) > 0
            assert (await answer.json())["error"]["code"] == "too_many_waiting"
        for kind in ("auto", "old"):
            assert (await server.start(type=kind))["status"] == "done"
        gate.open()


FOREIGN = [
    {"Origin": "http://["},
    {"Origin": "http://evil.example:8099", "Host": "evil.example:8099"},
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Origin": "http://127.0.0.1:1"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
@pytest.mark.parametrize("path", ["/operation/start", "/prompt/add", "/api/v1/rotation", "/nowhere"])
async def test_a_foreign_web_page_may_not_post(tmp_path: Path, headers: dict[str, str], path: str) -> None:
    """A POST that a page of another site sends is 403 on every route, and nothing comes of it."""
    kind = painter()
    async with live(tmp_path, kind, options=QUIET) as server:
        body = {"type": "ydart", "prompt": "money"}
        async with server.http.post(
            path, json=body, headers=headers | {"Authorization": "Bearer the-owners-token"}
        ) as answer:
            assert answer.status == 403
            assert (await answer.json())["error"]["code"] == "foreign_page"
        assert await server.app[keys.JOURNAL].jobs.recent(5) == []
        assert kind.asked == []


async def test_our_own_page_may_post(tmp_path: Path) -> None:
    """A browser on the server's own page is let through."""
    async with live(tmp_path, options=QUIET, stored=1) as server:
        headers = {"Origin": f"http://127.0.0.1:{server.port}", "Sec-Fetch-Site": "same-origin"}
        async with server.http.post("/operation/start", json={"type": "old"}, headers=headers) as answer:
            assert answer.status == 200


async def test_prompts_are_added_and_used(tmp_path: Path) -> None:
    """POST /prompt/add answers 201 and `done`; empty and repeated prompts are refused and change nothing."""
    async with live(tmp_path, options=QUIET) as server:
        await server.frame.add_prompt("Снегирь на ветке")
        library = server.data / "prompts.json"
        before = library.read_bytes()
        assert [entry["prompt"] for entry in json.loads(before)["prompts"]] == ["test", "Снегирь на ветке"]
        for body, code in [
            ({"prompt": "  "}, "empty"),
            ({"prompt": "Снегирь на ветке"}, "duplicate"),
            ({}, "bad_request"),
            ({"prompt": 5}, "bad_request"),
        ]:
            async with server.http.post("/prompt/add", json=body) as answer:
                assert (answer.status, (await answer.json())["error"]["code"]) == (400, code)
        assert library.read_bytes() == before
        library.write_text('{"prompts": [', encoding="utf-8")
        async with server.http.post("/prompt/add", json={"prompt": "new"}) as answer:
            assert (answer.status, (await answer.json())["error"]["code"]) == (409, "broken_library")
        assert library.read_text(encoding="utf-8") == '{"prompts": ['


async def test_a_frame_that_leaves_in_the_middle_harms_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A client that goes away inside a body leaves no traceback, and the next one is served."""
    async with live(tmp_path, options=QUIET + "quality: 100\n", stored=1) as server:
        operation = (await server.start(type="old"))["id"]
        await server.done(operation)
        for _ in range(5):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(f"GET /operation/result/{operation}?chunk_size=64 HTTP/1.1\r\nHost: f\r\n\r\n".encode())
            await reader.readline()
            writer.transport.abort()
        assert (await server.done(operation))["status"] == "done"
    assert "Traceback" not in caplog.text
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_each_frame_has_a_lap_of_its_own(tmp_path: Path) -> None:
    """Frames are told apart by address: each sees every stored picture before any twice."""
    async with live(tmp_path, options=QUIET, stored=4) as server:
        for address in ("127.0.0.1", "127.0.0.2", "127.0.0.3"):
            connector = aiohttp.TCPConnector(local_addr=(address, 0))
            async with aiohttp.ClientSession(f"http://127.0.0.1:{server.port}", connector=connector) as http:
                seen = []
                for _ in range(4):
                    async with http.post("/operation/start", json={"type": "old"}) as answer:
                        seen.append(await server.picture_of((await answer.json())["id"]))
            assert sorted(seen, key=str) == [1, 2, 3, 4]


async def test_every_start_leaves_its_reason_in_the_journal(tmp_path: Path) -> None:
    """Why a picture came is written down for each job."""
    async with live(tmp_path, painter(), options=QUIET, stored=1) as server:
        ids = [(await server.start(type=kind))["id"] for kind in ("auto", "auto", "old")]
        await server.ended(ids[0])
        whys = [(await server.job(operation)).why for operation in ids]
        assert whys[0] == "the threshold has passed; painter painted"
        assert whys[1].startswith("the threshold has 10 min left")
        assert whys[2].startswith("asked for a stored picture")


async def test_http_1_0_is_answered_without_chunks(tmp_path: Path) -> None:
    """A proxy that speaks HTTP/1.0 gets the same body with its length, and the connection ends."""
    async with live(tmp_path, options=QUIET, stored=1) as server:
        operation = (await server.start(type="old"))["id"]
        whole = await server.done(operation)
        answer = await raw(server, f"GET /operation/result/{operation} HTTP/1.0\r\nHost: frame\r\n\r\n".encode())
        head, _, body = answer.partition(b"\r\n\r\n")
        assert b" 200 " in head.splitlines()[0]
        assert b"chunked" not in head
        assert f"Content-Length: {len(body)}".encode() in head
        assert json.loads(body) == whole


async def test_a_body_that_never_comes_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that announces a body and sends one byte of it is answered 408, with a body, and let go."""
    monkeypatch.setattr("imageserver.web.bodies._SECONDS", 0.05)
    async with live(tmp_path, options=QUIET) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"POST /operation/start HTTP/1.1\r\nHost: f\r\nContent-Length: 50\r\n\r\n{")
        head = await reader.readuntil(b"\r\n\r\n")
        assert b" 408 " in head.splitlines()[0]
        assert b"request_timeout" in await reader.readuntil(b"}}")
        writer.close()
        await writer.wait_closed()


async def test_a_body_that_is_not_what_it_says_is_refused(tmp_path: Path) -> None:
    """Content-Encoding: gzip on something else is 400, not our fault."""
    async with live(tmp_path, options=QUIET) as server:
        headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
        answer = await raw(
            server,
            b"POST /operation/start HTTP/1.1\r\nHost: f\r\nConnection: close\r\n"
            + "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode()
            + b'Content-Length: 15\r\n\r\n{"type":"auto"}',
        )
        assert b" 400 " in answer.splitlines()[0]


async def test_many_broken_pictures_do_not_hide_the_good_ones(tmp_path: Path) -> None:
    """Twenty truncated new files in a row still end in the one good picture, not in a card."""
    async with live(tmp_path, options=QUIET, stored=1) as server:
        good = shown(await server.done((await server.start(type="old"))["id"])).tobytes()
        for number in range(20):
            (server.images / f"cut{number}.jpg").write_bytes(picture_bytes()[:900])
        await server.app[keys.STORE].scan()
        assert shown(await server.done((await server.start(type="old"))["id"])).tobytes() == good


async def test_an_id_from_before_the_clock_was_set_stays_good(tmp_path: Path) -> None:
    """A Pi boots in 1970 and gives an id; after the clock is set right the id still shows its picture."""
    clock = ShiftedClock(shift=-1_780_000_000.0)
    async with live(tmp_path, options=QUIET, stored=1, clock=clock) as server:
        operation = (await server.start(type="old"))["id"]
        clock.shift = 0
        assert (await server.done(operation))["status"] == "done"


async def test_a_rendition_thrown_away_while_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the file of a rendition goes between finding and opening it the frame hears `pending`, and then gets it."""
    from imageserver.pictures import rendition_folder

    async with live(tmp_path, options=QUIET, stored=1) as server:
        operation = (await server.start(type="old"))["id"]
        await server.done(operation)
    real = rendition_folder._whole_jpeg

    def find_and_lose(path: Path) -> int:
        size = real(path)
        path.unlink()
        return size

    async with live(tmp_path, options=QUIET) as server:
        monkeypatch.setattr(rendition_folder, "_whole_jpeg", find_and_lose)
        assert await server.result(operation) == {"id": operation, "status": "pending"}
        monkeypatch.undo()
        assert (await server.done(operation))["status"] == "done"
