"""The image at an address: fetched, asked for again only where it is new, and refused in words where it is none."""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fakes.certificate import doubtful_server, needs_openssl
from fakes.url import LOGIN, PATH, FakeWebcam

from default_plugins.running_out import TIMEOUT, run_out
from default_plugins.url_room import a_wish, provider_at, room
from imageserver import (
    AuthError,
    BadProviderRequest,
    BadResult,
    DeadlineExceeded,
    PermissionDenied,
    ProviderError,
    RateLimited,
    TransientError,
    Unreachable,
    UntrustedCertificate,
    __version__,
)
from imageserver.default_plugins.url.settings import UrlSettings
from imageserver.testing import NEVER_ACCEPTS

USER, PASSWORD = LOGIN

# Mode of the fake, class, what the owner must read
REFUSED: list[tuple[str, type[ProviderError], list[str]]] = [
    ("locked", AuthError, ["check username and password"]),
    ("forbidden", PermissionDenied, ["does not let us see the image", "user_agent"]),
    ("missing", BadProviderRequest, ["no image at this address", "check url"]),
    ("login_page", BadResult, ["a web page instead of an image", "login"]),
    ("html", BadResult, ["a web page instead of an image"]),
    ("circle", BadResult, ["one address after the other"]),
    ("redirect", BadResult, ["neither public https nor ours"]),
    ("unasked_304", BadResult, ["nothing is new, but was not asked"]),
    ("wrong_type", BadResult, ["sent a GIF", "JPEG, PNG and WEBP"]),
    ("svg", BadResult, ["sent an SVG drawing"]),
    ("no_picture", BadResult, ["sent something else"]),
    ("empty", BadResult, ["sent nothing"]),
    ("nothing_but_spaces", BadResult, ["sent nothing"]),
    ("huge_body", BadResult, ["larger than 32 MiB"]),
    ("gzip_bomb", BadResult, ["larger than 32 MiB"]),
    ("rate_limited", RateLimited, ["asked too often"]),
    ("status_502", TransientError, ["in trouble"]),
    ("reset_mid_body", TransientError, ["broke off"]),
]


async def test_each_new_image_is_given(tmp_path: Path) -> None:
    """A webcam that sees something else each time gives another image each time."""
    async with room(tmp_path) as (provider, _fake):
        images = {(await provider.generate(a_wish())).data for _ in range(3)}
    assert len(images) == 3


async def test_nothing_new_is_the_same_image_without_its_bytes(tmp_path: Path) -> None:
    """The second time the server is asked for something newer; its 304 brings the image that was kept."""
    async with room(tmp_path, is_still=True) as (provider, fake):
        first = await provider.generate(a_wish())
        second = await provider.generate(a_wish())
        assert second.data == first.data
        assert len(fake.ledger.charges) == 1
        assert "if-none-match" not in fake.headers[0]
        assert fake.headers[1]["if-none-match"] == 'W/"image-1"'
        fake.is_still = False
        assert (await provider.generate(a_wish())).data != first.data


async def test_a_date_alone_is_enough(tmp_path: Path) -> None:
    """Where there is no ETag, the date of the image is sent back."""
    async with room(tmp_path, "only_date", is_still=True) as (provider, fake):
        first = await provider.generate(a_wish())
        assert (await provider.generate(a_wish())).data == first.data
        assert fake.headers[1]["if-modified-since"] == "Sun, 22 Nov 2026 10:00:01 GMT"
        assert "if-none-match" not in fake.headers[1]
        assert len(fake.ledger.charges) == 1


async def test_without_marks_it_is_always_fetched(tmp_path: Path) -> None:
    """A server that gives neither ETag nor date is asked plainly, and what was kept before goes."""
    async with room(tmp_path, is_still=True) as (provider, fake):
        await provider.generate(a_wish())
        fake.is_still = False
        await fake.become("no_validators")
        await provider.generate(a_wish())
        await provider.generate(a_wish())
        assert "if-none-match" not in fake.headers[2]
        assert len(fake.ledger.charges) == 3
        assert list(provider.context.data_folder.iterdir()) == []


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def _other_mark(file: Path) -> None:
    file.write_bytes(file.read_bytes().replace(b"image-1", b"image-2", 1))


def _no_json(file: Path) -> None:
    file.write_bytes(b"\xff\xfe")


def _a_list(file: Path) -> None:
    file.write_bytes(b"[]\nbytes")


@pytest.mark.parametrize("spoil", [Path.unlink, _cut, _other_mark, _no_json, _a_list])
async def test_a_broken_copy_is_fetched_anew(spoil: Callable[[Path], None], tmp_path: Path) -> None:
    """What is missing or not whole counts as never kept: the server is asked without conditions."""
    async with room(tmp_path, is_still=True) as (provider, fake):
        first = await provider.generate(a_wish())
        (file,) = provider.context.data_folder.iterdir()
        spoil(file)
        assert (await provider.generate(a_wish())).data == first.data
        assert "if-none-match" not in fake.headers[1]
        await provider.generate(a_wish())
        assert fake.headers[2]["if-none-match"] == 'W/"image-1"'


async def test_the_copy_lasts_over_a_restart_and_not_over_another_address(tmp_path: Path) -> None:
    """The next provider asks for something newer; one with a new address does not."""
    async with FakeWebcam(is_still=True).running() as fake:
        for path in (PATH, PATH, "/other.jpg"):
            async with provider_at(fake.url + path, tmp_path) as provider:
                await provider.generate(a_wish())
        assert ["if-none-match" in head for head in fake.headers] == [False, True, False]


async def test_a_folder_that_cannot_be_written_costs_only_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The image is there all the same."""
    (tmp_path / "providers").write_text("a file stands where the folder belongs", encoding="utf-8")
    async with room(tmp_path) as (provider, _fake):
        assert (await provider.generate(a_wish())).data.startswith(b"\xff\xd8")
    assert "cannot be kept" in caplog.text


async def test_a_page_is_never_kept(tmp_path: Path) -> None:
    """A login page with an ETag is no image the next time either."""
    async with room(tmp_path, "login_page", is_still=True) as (provider, fake):
        with pytest.raises(BadResult):
            await provider.generate(a_wish())
        await fake.become("good")
        await provider.generate(a_wish())
        assert "if-none-match" not in fake.headers[-1]


async def test_size_and_seed_go_into_the_address(tmp_path: Path) -> None:
    """Each frame has its own image; with a seed no address comes twice, so nothing is kept."""
    async with room(tmp_path, path="/map/{width}/{height}.png?key=1") as (provider, fake):
        await provider.generate(a_wish(320, 480))
        await provider.generate(a_wish(480, 320))
        assert fake.asked == ["/map/320/480.png?key=1", "/map/480/320.png?key=1"]
        assert sorted(file.name for file in provider.context.data_folder.iterdir()) == ["last-320x480", "last-480x320"]
    async with room(tmp_path / "seeded", path="/{seed}.jpg") as (provider, fake):
        await provider.generate(a_wish(seed=7))
        assert fake.asked == ["/7.jpg"]
        assert not provider.context.data_folder.exists()


@pytest.mark.parametrize("mode", ["moved", "mistyped"])
async def test_an_image_is_known_by_its_bytes(mode: str, tmp_path: Path) -> None:
    """A redirect on the same host is followed, and what the server calls the image does not count."""
    async with room(tmp_path, mode) as (provider, _fake):
        assert (await provider.generate(a_wish())).data.startswith(b"\xff\xd8")


async def test_user_and_password_are_sent(tmp_path: Path) -> None:
    """Basic authentication, also after a redirect on the same host, with the password from a file."""
    file = tmp_path / "password"
    async with room(tmp_path, "locked", username=USER, password_file=file) as (provider, fake):
        assert str(file) in str(await provider.readiness())
        file.write_text(PASSWORD, encoding="utf-8")
        file.chmod(0o600)
        assert await provider.readiness() is None
        assert fake.asked == []
        await provider.generate(a_wish())
        await fake.become("moved")
        await provider.generate(a_wish())
        logins = {head["authorization"] for head in fake.headers}
    assert [base64.b64decode(login.removeprefix("Basic ")).decode() for login in logins] == [f"{USER}:{PASSWORD}"]


async def test_the_server_says_who_it_is(tmp_path: Path) -> None:
    """Some sites want an address for questions, so the owner may choose the name."""
    async with room(tmp_path) as (provider, fake):
        await provider.generate(a_wish())
        assert fake.headers[0]["user-agent"] == f"ImageServer/{__version__}"
    async with room(tmp_path, user_agent="my frame (me@example.org)") as (provider, fake):
        await provider.generate(a_wish())
        assert fake.headers[0]["user-agent"] == "my frame (me@example.org)"


@pytest.mark.parametrize(("mode", "kind", "words"), REFUSED)
async def test_each_failure_has_its_class_and_its_words(
    mode: str, kind: type[ProviderError], words: list[str], tmp_path: Path
) -> None:
    """The class decides what the server does, the words what the owner does; check() says the same."""
    async with room(tmp_path, mode) as (provider, _fake):
        with pytest.raises(ProviderError) as caught:
            await provider.generate(a_wish())
        told = await provider.check()
    assert type(caught.value) is kind
    for word in words:
        assert word in str(caught.value)
        assert word in str(told)


@pytest.mark.parametrize(("mode", "kind"), [("silent", DeadlineExceeded), (NEVER_ACCEPTS, Unreachable)])
async def test_nobody_waits_longer_than_the_timeout(mode: str, kind: type[ProviderError], tmp_path: Path) -> None:
    """A camera that is off or stuck."""
    async with room(tmp_path, mode, timeout=TIMEOUT) as (provider, fake):
        with pytest.raises(kind):
            await run_out(provider.generate(a_wish()), fake)


async def test_no_secret_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the password nor a key in the address, also where the camera repeats them."""
    caplog.set_level(logging.DEBUG)
    path = f"{PATH}?token=0123456789abcdef"
    async with room(tmp_path, "locked_echo", path=path, username=USER, password=PASSWORD) as (provider, fake):
        with pytest.raises(AuthError) as caught:
            await provider.generate(a_wish())
        texts = f"{caught.value} {await provider.check()} {caplog.text} {provider.context!r}"
        sent = fake.headers[0]["authorization"].removeprefix("Basic ")
    said = str(caught.value)
    assert "***" in said
    assert "0123456789abcdef" not in said
    for secret in (PASSWORD, sent):
        assert secret not in texts


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"url": "webcam.local/now.jpg"}, "expected an address"),
        ({"url": "ftp://webcam/now.jpg"}, "expected an address"),
        ({"url": "http://{width}/now.jpg"}, "expected an address"),
        ({"url": "http://me:word@webcam/now.jpg"}, "give username and password_file"),
        ({"url": "http://webcam/{size}.jpg"}, r"^\{size\} stands for nothing"),
        ({"url": "http://webcam/{Width}.jpg"}, r"^\{Width\} stands for nothing"),
        ({"url": "http://webcam/{}.jpg"}, r"^\{\} stands for nothing"),
        ({"url": "http://webcam/a}.jpg"}, r"^\} stands for nothing"),
        ({"username": "me"}, "username needs a password"),
        ({"password": "word"}, "the password needs a username"),
        ({"username": "a:b", "password": "word"}, "without"),
        ({"user_agent": "рамка"}, "Latin letters"),
        ({"timeout": 0.0}, "above 0"),
    ],
)
def test_wrong_settings_are_told_in_words(settings: dict[str, Any], words: str) -> None:
    """Each value that cannot be right has a sentence."""
    with pytest.raises(ValueError, match=words):
        UrlSettings(**{"url": "http://webcam/now.jpg", **settings})


@needs_openssl
async def test_a_self_signed_certificate(tmp_path: Path) -> None:
    """Refused with a hint at the setting that trusts it."""
    async with doubtful_server(tmp_path) as address:
        async with provider_at(f"{address}/now.jpg", tmp_path) as careful:
            with pytest.raises(UntrustedCertificate, match="self-signed, write verify_tls: false"):
                await careful.generate(a_wish())
        async with provider_at(f"{address}/now.jpg", tmp_path, verify_tls=False) as trusting:
            with pytest.raises(BadResult, match="sent something else"):  # a greeting, and no picture
                await trusting.generate(a_wish())
