"""What becomes of Immich's refusals and of a network in trouble, and what the owner reads about it."""

from __future__ import annotations

import logging
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from fakes.certificate import needs_openssl, self_signed
from fakes.immich import KEY, Asset

from default_plugins.immich_room import Room, a_wish, provider_in, room
from default_plugins.running_out import run_out
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
    UnreadableAnswer,
    UntrustedCertificate,
)
from imageserver.default_plugins.immich.settings import ImmichSettings
from imageserver.testing import good

T = TypeVar("T")
MODES: list[tuple[str, type[ProviderError], str]] = [
    ("wrong_key", AuthError, "Immich does not accept the API key: in Immich open Account Settings, API Keys"),
    ("no_asset_read", PermissionDenied, "lacks the permission asset.read: .* tick asset.read"),
    ("no_asset_view", PermissionDenied, "lacks the permission asset.view: .* tick asset.view"),
    ("all_deleted", TransientError, "gave none of the photos .*Not found or no asset.view access"),
    ("old_server", BadProviderRequest, "no Immich at 127.0.0.1:.*, or an old one: check base_url"),
    ("moved", BadProviderRequest, "the one that your browser shows as base_url"),
    ("status_502", TransientError, "Immich is being started or updated: 127.0.0.1:.* answers HTTP 502"),
    ("status_503_html", TransientError, "Immich is being started or updated"),
    ("status_500_html", TransientError, "in trouble"),
    ("rate_limited", RateLimited, "asked too often"),
    ("html", UnreadableAnswer, "no JSON but text/html"),
    ("cut_text", UnreadableAnswer, "no JSON"),
    ("reset", TransientError, "broke off"),
    ("silent", DeadlineExceeded, "no whole answer within 20 s"),
    ("never_accepts", Unreachable, "no connection to 127.0.0.1"),
]


async def ended(it: Room, call: Coroutine[Any, Any, T]) -> T:
    """What comes of a call, also where no answer does."""
    return await (run_out(call, it.fake) if it.fake.mode in {"silent", "never_accepts"} else call)


@pytest.mark.parametrize(("mode", "kind", "words"), MODES, ids=[case[0] for case in MODES])
async def test_each_refusal_has_its_class(tmp_path: Path, mode: str, kind: type[ProviderError], words: str) -> None:
    """The class decides what the server does, the words what the owner does."""
    async with room(tmp_path, mode) as it:
        with pytest.raises(kind, match=words) as caught:
            await ended(it, it.image())
        assert type(caught.value) is kind


@pytest.mark.parametrize("mode", [case[0] for case in MODES if case[0] not in {"no_asset_view", "all_deleted"}])
async def test_readiness_and_check_never_raise(tmp_path: Path, mode: str) -> None:
    """Both tell of the same trouble in a sentence."""
    async with room(tmp_path, mode) as it:
        sentences = [await ended(it, it.provider.readiness()), await ended(it, it.provider.check())]
        assert all(sentences) == (mode != "old_server")  # which lacks only the drawing of random photos
        assert it.fake.ledger.charges == []


async def test_something_else_at_the_address(tmp_path: Path) -> None:
    """A server that answers, but not as Immich does."""
    async with room(tmp_path, "no_immich") as it:
        assert "there is no Immich at http://127.0.0.1" in (await it.provider.readiness() or "")


NEEDED = {
    "random": {"asset.read", "asset.view"},
    "favorites": {"asset.read", "asset.view"},
    "album": {"album.read", "asset.read", "asset.view"},
    "memories": {"memory.read", "asset.view"},
}


@pytest.mark.parametrize("show", NEEDED)
async def test_the_check_names_every_missing_permission(tmp_path: Path, show: str) -> None:
    """What is named is all that is needed: with exactly these a photo comes."""
    async with room(tmp_path, show=show, album="Summer") as it:
        it.fake.add_album("Summer", [Asset(facts={"isFavorite": True})])
        it.fake.memories = {"01-15": it.fake.assets}
        it.fake.permissions = set()
        said = await it.provider.check() or ""
        assert {word.strip(":,") for word in said.split() if "." in word.strip(":,")} == NEEDED[show]
        it.fake.permissions = set(NEEDED[show])
        assert await it.provider.check() is None
        assert (await it.image()).data


@pytest.mark.parametrize("missing", sorted(NEEDED["album"]))
async def test_one_missing_permission(tmp_path: Path, missing: str) -> None:
    """It is named alone."""
    async with room(tmp_path, show="album", album="Summer") as it:
        it.fake.add_album("Summer", [Asset()])
        it.fake.permissions.remove(missing)
        assert f"lacks the permission {missing}:" in (await it.provider.check() or "")


async def test_full_size_needs_the_download(tmp_path: Path) -> None:
    """The permission for originals is asked for with size: fullsize only."""
    async with room(tmp_path, size="fullsize") as it:
        it.fake.assets = [Asset(original=good(1))]
        it.fake.permissions = {"asset.read", "asset.view"}
        assert "lacks the permission asset.download:" in (await it.provider.check() or "")
        with pytest.raises(PermissionDenied, match=r"tick asset\.download"):
            await it.image()


@pytest.mark.parametrize("to", ["http://127.0.0.1:9/other", "https://10.0.0.1/other", "ftp://photos.example/1"])
async def test_a_redirect_elsewhere_is_not_followed(tmp_path: Path, to: str) -> None:
    """No answer takes the key to another address."""
    async with room(tmp_path, size="fullsize") as it:
        it.fake.redirect = to
        with pytest.raises(BadResult, match="the picture is to be fetched from"):
            await it.image()


async def test_no_picture(tmp_path: Path) -> None:
    """Bytes that are none are refused, and do not keep the lap from ending."""
    async with room(tmp_path) as it:
        it.fake.kind = (b"GIF89a", "image/gif")
        for _ in range(3):
            with pytest.raises(BadResult, match="no JPEG, PNG or WEBP"):
                await it.image()
        assert len(set(it.fake.sent)) == 3


async def test_the_key_is_in_no_message(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Nor in a log, nor in what Python shows of an object, nor in the names of files."""
    caplog.set_level(logging.DEBUG)
    async with room(tmp_path, "key_echo") as it:
        with pytest.raises(AuthError) as caught:
            await it.image()
        texts = [str(caught.value), repr(caught.value), str(await it.provider.check()), repr(it.provider.settings)]
        texts += [repr(it.provider._service(1.0)), caplog.text]
        assert not [text for text in texts if KEY in text]
        assert "Invalid API key ***" in texts[0]


async def test_without_a_key_nothing_is_asked(tmp_path: Path) -> None:
    """The owner is told where keys are made."""
    async with room(tmp_path, api_key=None) as it:
        with pytest.raises(Unreachable, match="api_key is missing: in Immich open"):
            await it.image()
        assert "api_key is missing" in (await it.provider.readiness() or "")
        assert "api_key is missing" in (await it.provider.check() or "")
        assert it.fake.ledger.requests == []


async def test_a_key_from_a_file(tmp_path: Path) -> None:
    """It counts as soon as it is there."""
    file = tmp_path / "key"
    async with room(tmp_path, api_key=None, api_key_file=file) as it:
        assert "api_key_file" in (await it.provider.readiness() or "")
        file.write_text(KEY + "\n")
        file.chmod(0o600)
        assert await it.provider.readiness() is None


@needs_openssl
async def test_a_self_signed_certificate(tmp_path: Path) -> None:
    """Refused with a hint at the setting, taken with it; the hint comes with no other trouble."""
    async with room(tmp_path) as it:
        url = await it.fake.listen_tls(self_signed(tmp_path))
        async with provider_in(tmp_path, base_url=url) as careful:
            with pytest.raises(UntrustedCertificate, match="self-signed, write verify_tls: false"):
                await careful.generate(a_wish())
            assert "verify_tls: false" in (await careful.readiness() or "")
        async with provider_in(tmp_path, base_url=url, verify_tls=False) as trusting:
            assert await trusting.check() is None
            assert (await trusting.generate(a_wish())).data
    async with provider_in(tmp_path, base_url=url) as too_late:
        said = await too_late.readiness() or ""
        assert "no connection" in said
        assert "verify_tls" not in said


URL = "http://192.168.1.10:2283"


@pytest.mark.parametrize("url", ["", "192.168.1.10:2283", "ftp://a", "http://", f"{URL}/?a=b", "http://me:pw@host"])
def test_addresses_that_are_none(url: str) -> None:
    """The message shows what an address looks like."""
    with pytest.raises(ValueError, match=r"expected an address such as http://192\.168\.1\.10:2283"):
        ImmichSettings(base_url=url)


def test_other_settings_that_cannot_be() -> None:
    """An album must be named to be shown, and no call lasts for ever."""
    for album in (None, "  "):
        with pytest.raises(ValueError, match="album is missing: show: album needs the name or the id"):
            ImmichSettings(base_url=URL, show="album", album=album)
    for timeout in (0, -1, 601, float("nan")):
        with pytest.raises(ValueError, match="above 0, up to 600"):
            ImmichSettings(base_url=URL, timeout=timeout)
