"""The frame's reading of start and prompt/add: 200 bytes of memory and a filter."""

from __future__ import annotations

import json

import pytest

from imageserver.frame_client import FrameWouldFail
from imageserver.frame_client.answers import pool_bytes

from .fakes import chunked, plain, serve_bytes, started_json


async def started(body: str, status: str = "200 OK") -> tuple[str, str]:
    async with serve_bytes(plain(body, status=status)) as fake:
        answer = await fake.client().start()
    return answer.id, answer.status


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (started_json(), "200 OK"),
        (started_json(), "201 Created"),
        (started_json(id="x" * 140), "200 OK"),
        (started_json(id="x" * 140, why="y" * 5000, more={"deep": [1, 2, {"er": None}]}), "200 OK"),
        (started_json(error={"code": "late", "message": "it will come"}), "200 OK"),
        (started_json(status="done"), "200 OK"),
        (started_json() + " trailing words", "200 OK"),
    ],
)
async def test_a_start_answer_that_fits_is_taken(body: str, status: str) -> None:
    """An id of up to 140 characters and a status other than error make a start; other keys cost nothing."""
    wanted = json.JSONDecoder().raw_decode(body)[0]
    assert await started(body, status) == (wanted["id"], wanted["status"])


async def test_a_number_is_an_id() -> None:
    """The firmware turns a numeric id into text."""
    assert await started('{"id":42,"status":"pending"}') == ("42", "pending")


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        (started_json(id="x" * 141), "200 OK", "the id has 141 characters; a frame has room for 140"),
        (started_json(id="x" * 300), "200 OK", "the id has 300 characters; a frame has room for 140"),
        (started_json(id="x" * 100, error={"code": "c" * 20, "message": "m" * 40}), "200 OK", "a frame's memory"),
        (started_json(id="a/b c"), "200 OK", "cannot stand in a URL"),
        (started_json(id=""), "200 OK", 'no "id"'),
        (started_json(id=None), "200 OK", 'no "id"'),
        ('{"status":"pending"}', "200 OK", 'no "id"'),
        ('{"id":"abc"}', "200 OK", 'no "status"; a frame takes that for a failure'),
        (started_json(status=None), "200 OK", 'no "status"'),
        (started_json(status="error"), "200 OK", 'has the status "error"'),
        (started_json(), "500 Internal Server Error", "HTTP 500"),
        ('{"error":{"code":"too_many_waiting"}}', "429 Too Many Requests", "HTTP 429 .*too_many_waiting"),
        (started_json(), "302 Found", "HTTP 302"),
        ("<html>", "200 OK", "no JSON"),
        ("[1]", "200 OK", "no JSON object"),
    ],
)
async def test_a_start_answer_that_fails_a_frame_is_named(body: str, status: str, sentence: str) -> None:
    """Each reason for which a frame gives up on a start gets its sentence."""
    with pytest.raises(FrameWouldFail, match=sentence):
        await started(body, status)


async def test_a_prompt_is_added() -> None:
    """prompt/add sends the prompt as raw UTF-8 and takes 201 with a status for success."""
    async with serve_bytes(chunked('{"status":"done"}').replace(b"200 OK", b"201 Created")) as fake:
        answer = await fake.client().add_prompt("маяк в тумане", negative="люди")
    assert answer.status == "done"
    assert fake.requests[0].line == "POST /prompt/add HTTP/1.1"
    assert fake.requests[0].body == '{"prompt":"маяк в тумане","negative":"люди"}'.encode()


@pytest.mark.parametrize(
    ("body", "status"),
    [("{}", "200 OK"), ('{"status":"error"}', "200 OK"), ('{"error":{"code":"duplicate"}}', "400 Bad Request")],
)
async def test_a_prompt_that_is_refused_is_told(body: str, status: str) -> None:
    """Without a status, with the status error or with 400, a frame reports a failure."""
    async with serve_bytes(plain(body, status=status)) as fake:
        with pytest.raises(FrameWouldFail, match="prompt/add answer"):
            await fake.client().add_prompt("x")


async def test_a_prompt_longer_than_the_frames_request_is_not_sent() -> None:
    """A frame cannot send a prompt of 901 bytes, so neither does the simulator."""
    async with serve_bytes(plain(started_json())) as fake:
        with pytest.raises(FrameWouldFail, match="the prompt has 901 bytes"):
            await fake.client().start("ydart", prompt="x" * 901)
        await fake.client().start("ydart", prompt="ы" * 450)
    assert len(fake.requests) == 1


def test_the_pool_counts_slots_and_strings() -> None:
    """Two members and four strings take 2·16 bytes and the strings with their end marks."""
    assert pool_bytes({"id": "abc", "status": "pending"}) == 2 * 16 + 3 + 4 + 7 + 8
    assert pool_bytes({"a": [1, {"b": None}]}) == 4 * 16 + 2 + 2
