"""The frame's walk from quote to quote through a result."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imageserver.frame_client import FrameWouldFail
from imageserver.frame_client.scan import ResultScan, Scanned

from .fakes import ask_result, chunked, plain, result_json

PICTURE = b"any bytes will do here"


def scanned(body: str | bytes, *, pieces: int | None = None) -> Scanned:
    data = body.encode() if isinstance(body, str) else body
    scan = ResultScan()
    step = pieces or max(len(data), 1)
    for at in range(0, len(data), step):
        scan.feed(data[at : at + step])
    return scan.outcome()


@pytest.mark.parametrize(
    "before",
    [
        "",
        '"error":null,',
        '"progress":17,',
        '"share":-1.5e3,',
        '"ready":true,"late":false,',
        '"why":"the store had one",',
        '"why":"кот, у которого {скобки} и :двоеточия:",',
        '"error":{"code":"none","message":"all is well"},',
        '"size":{"width":320,"height":480},',
        '"meta":{"error":null},',
    ],
)
@pytest.mark.parametrize("pieces", [None, 1])
def test_members_before_the_picture_are_survived(before: str, pieces: int | None) -> None:
    """Null, numbers, words, plain strings and flat objects before `response` lose nothing, however they arrive."""
    assert scanned(result_json(PICTURE, before), pieces=pieces) == Scanned(status="done", picture=PICTURE)


def test_white_space_is_fine() -> None:
    """An indented result is read like a dense one."""
    text = base64.b64encode(PICTURE).decode()
    body = f'{{\r\n\t"id" : "abc" ,\n  "status" :\n "done",\n "response" : {{ "image" : "{text}" }} }}'
    assert scanned(body).picture == PICTURE


def test_what_stands_behind_the_picture_is_never_read() -> None:
    """Broken JSON with quotes and backslashes behind the picture goes unseen."""
    assert scanned(result_json(PICTURE)[:-2] + ',"x":"\\"" "status":"error" ]]]').picture == PICTURE


@pytest.mark.parametrize("status", ["pending", "error"])
def test_other_statuses_end_the_walk(status: str) -> None:
    """Pending and error are answers without a picture, and nothing behind them counts."""
    body = f'{{"id":"abc","status":"{status}","error":{{"message":"say \\"hi\\""}}}}'
    assert scanned(body) == Scanned(status=status, picture=None)


@given(st.binary(min_size=1, max_size=300), st.integers(1, 50))
def test_any_picture_survives_any_cutting(picture: bytes, pieces: int) -> None:
    """The decoded picture does not depend on how the answer was cut into pieces."""
    assert scanned(result_json(picture), pieces=pieces).picture == picture


TEXT = base64.b64encode(PICTURE).decode()


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (result_json(PICTURE, '"why":"it said \\"no\\"",'), "a string with an escaped quote stands before the picture"),
        (result_json(PICTURE, '"why":"one \\" only",'), "a string with an escaped quote stands before the picture"),
        (result_json(PICTURE, '"tags":["a","b"],'), "puts the walk out of step"),
        (result_json(PICTURE, '"error":{"code":"none"},'), "puts the walk out of step"),
        (f'{{"response":{{"image":"{TEXT}"}},"id":"abc","status":"done"}}', 'its picture before "status"'),
        (f'{{"status":"done","id":"abc","response":{{"image":"{TEXT}"}}}}', "the order must be id, status, response"),
        (f'{{"status":"done","response":{{"image":"{TEXT}"}}}}', "the order must be id, status, response"),
        ('{"status":"pending","id":"abc"}', "the order must be id, status, response"),
        ('{"id":"abc","status":"done"}', "says done and holds no picture"),
        (f'{{"id":"abc","status":"done","image":"{TEXT}"}}', '"image" in "response"'),
        ('{"id":"abc","status":"done","response":{"image":""}}', "picture is empty"),
        ('{"id":"abc","status":"done","response":{"image":null}}', "no string with a closing quote"),
        ('{"id":"abc","status":"running"}', "a frame knows pending, done and error"),
        ('{"id":"abc"}', 'finds no "status"'),
        ("[]", 'finds no "status"'),
        ('{"":1,"id":"abc","status":"pending"}', 'finds no "status"'),
        (result_json(PICTURE)[:-6], "no string with a closing quote"),
    ],
)
def test_a_result_that_the_walk_does_not_understand_is_named(body: str, sentence: str) -> None:
    """Each way to lose a frame in a result gets a sentence of its own."""
    with pytest.raises(FrameWouldFail, match=sentence):
        scanned(body)


def as_result(text: str) -> str:
    return f'{{"id":"abc","status":"done","response":{{"image":"{text}"}}}}'


@pytest.mark.parametrize("pieces", [None, 1, 3])
@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("QUJDRA", "not padded: its length 6 is no multiple of four"),
        ("QUJD\nQUJD", "has a line break"),
        ("QUJD\r\nQUJD", "has a line break"),
        ("QUJD-_==", "has the character b'-'"),
        ("QUJD QUJD", "has the character b' '"),
        ("QUJ\\/QUJD", "has the character"),
        ("QQ==QUJD", "base64"),
        ("Q=JD", "base64"),
    ],
)
def test_base64_of_another_kind_is_refused(text: str, sentence: str, pieces: int | None) -> None:
    """Only the standard alphabet, padded and in one line, is a picture."""
    with pytest.raises(FrameWouldFail, match=sentence):
        scanned(as_result(text), pieces=pieces)


async def test_an_error_status_with_an_http_error_is_asked_for_ever() -> None:
    """A 404 for a result is named as the trap it is."""
    body = '{"error":{"code":"not_found","message":"unknown id"}}'
    with pytest.raises(FrameWouldFail, match=r"HTTP 404 .*unknown id.*asks for this id every 30 s for ever"):
        await ask_result(plain(body, status="404 Not Found"))


async def test_a_failed_operation_is_an_answer() -> None:
    """HTTP 200 with the status error is read as such, with the server's words kept for people."""
    answer = await ask_result(chunked('{"id":"abc","status":"error","error":{"message":"no provider"}}'))
    assert (answer.status, answer.jpeg) == ("error", None)
    assert "no provider" in answer.beginning
