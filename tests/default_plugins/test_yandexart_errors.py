"""Every failure that is known becomes its class, a sentence to act on, and the truth about the money."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path

import pytest
from fakes.generic import FakePictures

from default_plugins.running_out import run_out
from default_plugins.yandexart_room import ACCOUNT, a_wish, provider_in, room, write_keys
from imageserver import (
    AuthError,
    BadProviderRequest,
    BadResult,
    DeadlineExceeded,
    Mask,
    ModelGone,
    ModerationRefused,
    PaymentRequired,
    PermissionDenied,
    ProviderError,
    RateLimited,
    TransientError,
    Unreachable,
)
from imageserver.default_plugins.yandexart.refusals import as_error, read_refusal
from imageserver.testing.service import NEVER_ACCEPTS
from imageserver.testing.wire import BadWire

# What the service says without drawing: (mode of the fake, class, what the owner must read)
REFUSED: list[tuple[str, type[ProviderError], list[str]]] = [
    ("moderation_old", ModerationRefused, ["another"]),
    ("moderation_new", ModerationRefused, ["another"]),
    ("moderation_unheard_of", ModerationRefused, ["another"]),
    ("parameter", BadProviderRequest, ["aspect ratio is out of range"]),
    ("wrong_key", AuthError, ["yc.ai.imageGeneration.execute", "ydart-options.json"]),
    ("key_expired", AuthError, ["expired", "ydart-options.json"]),
    ("key_echo", AuthError, ["***"]),
    ("wrong_scope", PermissionDenied, ["ai.imageGeneration.user", "yc.ai.imageGeneration.execute"]),
    ("retired_model", ModelGone, ["retired", "ai.imageGeneration.user"]),
    ("no_such_model", ModelGone, ["aliceai-image-art-3.0"]),
    ("no_money", PaymentRequired, ["Billing"]),
    ("wrong_folder", PermissionDenied, ["folder_id", "ydart-options.json"]),
    ("quota", RateLimited, ["quota"]),
    ("rate_limited", RateLimited, ["quota"]),
    ("rate_limited_retry_after", RateLimited, ["quota"]),
    ("status_500", TransientError, ["not charge"]),
    ("status_503", TransientError, ["not charge"]),
]
# What costs money, or may have: (mode, class on the images interface)
LOST: list[tuple[str, type[ProviderError] | tuple[type[ProviderError], ...]]] = [
    ("reset", TransientError),
    ("reset_mid_body", TransientError),
    ("length_too_large", TransientError),
    ("length_too_small", (BadResult, TransientError)),  # it depends on how the bytes fall into packets
    ("html", BadResult),
    ("cut_text", BadResult),
    ("empty", BadResult),
    ("garbage", TransientError),
    ("redirect", TransientError),
    ("status_408", TransientError),
    ("status_500_html", TransientError),
    ("status_502", TransientError),
    ("status_503_html", TransientError),
    ("status_504", TransientError),
    ("bad_base64", BadResult),
    ("empty_data", BadResult),
    ("empty_picture", BadResult),
    ("huge_body", BadResult),
    ("gzip_bomb", BadResult),
    ("silent", DeadlineExceeded),
    ("drip", DeadlineExceeded),
]


@pytest.mark.parametrize("transport", ["images", "async"])
@pytest.mark.parametrize(("mode", "kind", "words"), REFUSED, ids=[case[0] for case in REFUSED])
async def test_a_refusal_has_its_class_and_its_remedy(
    tmp_path: Path, transport: str, mode: str, kind: type[ProviderError], words: list[str]
) -> None:
    """A refusal is of its class, says what to do, and counts as free, as the ledger does."""
    async with room(tmp_path, mode, transport=transport) as it:
        with pytest.raises(ProviderError) as raised:
            await it.provider.submit(a_wish())
        assert type(raised.value) is kind
        assert raised.value.charged is False
        assert it.fake.ledger.charges == []
        if not (mode == "no_such_model" and transport == "async"):
            assert [word for word in words if word not in str(raised.value)] == []
        assert raised.value.retry_after == (17 if mode == "rate_limited_retry_after" else None)


@pytest.mark.parametrize(("mode", "kind"), LOST, ids=[case[0] for case in LOST])
async def test_a_lost_answer_counts_as_paid(
    tmp_path: Path, mode: str, kind: type[ProviderError] | tuple[type[ProviderError], ...]
) -> None:
    """Whatever happens to the answer of a request that was sent, the call counts as paid, and is made once only."""
    async with room(tmp_path, mode) as it:
        call = it.provider.submit(a_wish())
        if kind is DeadlineExceeded:
            call = run_out(call, it.fake, has_taken=lambda: bool(it.fake.ledger.charges))
        with pytest.raises(ProviderError) as raised:
            await call
        assert isinstance(raised.value, kind)
        assert raised.value.charged is True
        if kind in (TransientError, DeadlineExceeded) and mode != "redirect":  # the owner's mistake, most likely
            assert re.search("may have (been )?charged", str(raised.value))
        assert len(it.fake.ledger.charges) == 1


def test_every_bad_mode_of_the_wire_is_tried() -> None:
    """No mode of the wire is left out above."""
    assert {mode.value for mode in BadWire} <= {mode for mode, _ in LOST}


@pytest.mark.parametrize("mode", ["truncated_jpeg", "flat", "tiny", "wrong_type", "no_picture"])
async def test_a_bad_picture_is_handed_on(tmp_path: Path, caplog: pytest.LogCaptureFixture, mode: str) -> None:
    """What was paid for goes to the server, which judges it and keeps it aside; what is no picture is said so."""
    async with room(tmp_path, mode) as it:
        assert len((await it.image(a_wish())).data) > 20
        assert ("neither JPEG nor PNG nor WEBP" in caplog.text) == (mode in ("wrong_type", "no_picture"))


async def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    """No request reaches the address that a redirect names."""
    write_keys(tmp_path)
    async with FakePictures().running() as canary, room(tmp_path, "redirect") as it:
        it.fake._means = type(it.fake._means)(canary=f"{canary.url}/canary")
        with pytest.raises(TransientError, match="base_url"):
            await it.provider.submit(a_wish())
        assert canary.ledger.requests == []


async def test_a_service_that_never_accepts(tmp_path: Path) -> None:
    """A connection that never stands is no call: unreachable, and free."""
    async with room(tmp_path, NEVER_ACCEPTS) as it:
        with pytest.raises(Unreachable) as raised:
            await run_out(it.provider.submit(a_wish()), it.fake)
        assert raised.value.charged is False
        assert it.fake.ledger.requests == []
        await it.fake.become("good")
        assert (await it.image(a_wish())).data


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_nobody_listens(tmp_path: Path, scheme: str) -> None:
    """A refused connection is unreachable, and free."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        write_keys(tmp_path)
        async with provider_in(tmp_path, base_url=f"{scheme}://127.0.0.1:{taken.getsockname()[1]}") as provider:
            with pytest.raises(Unreachable, match=r"127\.0\.0\.1"):
                await provider.submit(a_wish())


async def test_a_name_that_is_none(tmp_path: Path) -> None:
    """A name that cannot be found is unreachable, and free."""
    write_keys(tmp_path)
    async with provider_in(tmp_path, base_url="http://no-such-host.invalid") as provider:
        with pytest.raises(Unreachable, match=r"no-such-host\.invalid"):
            await provider.submit(a_wish())


async def test_a_service_without_tls(tmp_path: Path) -> None:
    """A failed handshake is unreachable, and free: the request was never sent."""
    async with room(tmp_path) as it:
        async with provider_in(tmp_path, base_url=it.fake.url.replace("http:", "https:")) as provider:
            with pytest.raises(Unreachable) as raised:
                await provider.submit(a_wish())
        assert raised.value.charged is False
        assert it.fake.ledger.requests == []


async def test_an_answer_is_kept_while_it_arrives(tmp_path: Path) -> None:
    """The bytes of an answer are on the disk under the job's name, and the same bytes give the picture again."""
    async with room(tmp_path) as it:
        made = await it.image(a_wish())
        kept = it.provider.context.answers.read("job-1")
        assert kept is not None
        again = await it.provider.recover(a_wish(), kept)
        assert again is not None
        assert (again.data, again.model) == (made.data, made.model)
        assert len(it.fake.ledger.requests) == 1


async def test_a_part_of_an_answer_is_no_picture(tmp_path: Path) -> None:
    """Cut anywhere, a kept answer gives an error and never a part of a picture."""
    async with room(tmp_path) as it:
        await it.image(a_wish())
        kept = it.provider.context.answers.read("job-1")
        assert kept is not None
        for end in {*range(0, len(kept), len(kept) // 40), len(kept) - 1}:
            with pytest.raises(BadResult):
                await it.provider.recover(a_wish(), kept[:end])


def error_of(status: int, body: object) -> ProviderError:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    refusal = read_refusal(status, text, mask=Mask())
    return as_error(refusal, model="art://f/m", key_place="keys.json")


BODIES: list[tuple[int, object, type[ProviderError], bool]] = [
    (400, b"<html>", BadProviderRequest, False),
    (400, {"error": "x" * 3, "code": 9, "message": "not allowed"}, ModelGone, False),
    (400, {"error": {"message": "Invalid size", "param": "size"}}, BadProviderRequest, False),
    (400, {"error": {"message": "Nein.", "param": "prompt"}}, BadProviderRequest, False),
    (400, {"error": {"message": "Nein."}}, ModerationRefused, False),
    (400, {"error": "invalid model_uri", "code": 3}, ModelGone, False),
    (400, {"error": "prompt positive size exceeds limit", "code": 3}, BadProviderRequest, False),
    (403, {"error": "billing account is suspended", "code": 7}, PaymentRequired, False),
    (403, {"error": "access not granted", "code": 7}, PermissionDenied, False),
    (500, {"error": "only a text"}, TransientError, True),
    (500, {"error": {"code": 13}}, TransientError, True),
    (500, {"error": True, "code": 13}, TransientError, True),
    (500, b"[" * 100_000, TransientError, True),
    (501, {"error": "x", "code": 12}, TransientError, True),
    (503, {"error": {"message": "overloaded"}}, TransientError, False),
    (504, {"error": "x", "code": 4}, TransientError, True),
    (599, b"\xff\x00", TransientError, True),
    (204, b"", TransientError, True),
]


@pytest.mark.parametrize(("status", "body", "kind", "charged"), BODIES)
def test_odd_bodies(status: int, body: object, kind: type[ProviderError], charged: bool) -> None:
    """Both shapes of errors are read, and anything else is judged by its status alone."""
    error = error_of(status, body)
    assert (type(error), error.charged) == (kind, charged)
    assert "{" not in str(error)


def test_the_services_words_stay_on_one_line() -> None:
    """What the service says is shown on one line and cut, with nothing in it that a terminal acts upon."""
    text = str(error_of(403, {"error": "a\n\x1b[31mb" + "c" * 5000, "code": 7}))
    assert text.isprintable()
    assert len(text) < 600


def test_the_account_of_the_tests_is_no_real_one() -> None:
    """No key that could be anybody's stands in the tests."""
    assert "fake" in ACCOUNT.api_key
