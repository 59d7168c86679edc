"""Where the two keys come from, what is said when one is missing, and that the key is shown nowhere."""

from __future__ import annotations

import gc
import json
import logging
import traceback
from pathlib import Path

import pytest
from fakes.yandex import FakeYandex

from default_plugins.running_out import run_out
from default_plugins.yandexart_room import ACCOUNT, a_wish, provider_in, room, write_keys
from imageserver import ProviderError, Unreachable
from imageserver.config import redact
from imageserver.config.model import Config, Options
from imageserver.default_plugins.yandexart.keys import FOLDER_VARIABLE, KEY_VARIABLE, Keys, KeysMissing, find_keys
from imageserver.default_plugins.yandexart.settings import YandexArtSettings
from imageserver.testing.service import NEVER_ACCEPTS


@pytest.fixture(autouse=True)
def no_keys_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    monkeypatch.delenv(KEY_VARIABLE, raising=False)


def a_file(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return path


def test_which_place_is_stronger(tmp_path: Path) -> None:
    """For each value its own file beats the key file, which beats the environment."""
    environment = {FOLDER_VARIABLE: "folder-env", KEY_VARIABLE: " key-env\n"}
    settings = YandexArtSettings()
    found = find_keys(settings, tmp_path, environment).keys
    assert (found.folder_id, found.api_key) == ("folder-env", "key-env")
    write_keys(tmp_path, '\ufeff{"folder_id": "folder-file", "comment": [1]}')
    found = find_keys(settings, tmp_path, environment).keys
    assert (found.folder_id, found.api_key) == ("folder-file", "key-env")
    write_keys(tmp_path, '{"folder_id": "folder-file", "api_key": "key-file"}')
    own = YandexArtSettings(api_key_file=a_file(tmp_path / "secret", "key-own\n"))
    found = find_keys(own, tmp_path, environment).keys
    assert (found.folder_id, found.api_key) == ("folder-file", "key-own")


def test_a_key_file_elsewhere(tmp_path: Path) -> None:
    """The owner may name another key file; the default lies in the data folder."""
    other = tmp_path / "elsewhere"
    other.mkdir()
    file = write_keys(other)
    found = find_keys(YandexArtSettings(key_file=file), tmp_path, {})
    assert (found.keys.api_key, found.files) == (ACCOUNT.api_key, (file,))


MISSING: list[tuple[str | None, str]] = [
    (None, "folder_id and api_key are missing"),
    ("{}", "folder_id and api_key are missing"),
    ('{"folder_id": "f"}', "api_key is missing"),
    ('{"api_key": "SECRET-KEY", "folder_id": " "}', "folder_id is missing"),
    ('{"api_key": "SECRET-KEY", \n"folder_id": }', "ydart-options.json:2"),
    ('["SECRET-KEY"]', 'expected {"folder_id"'),
    ('{"api_key": 12345678, "folder_id": "f"}', "api_key must be a text"),
    ('{"api_key": "SECRET-KEY KEY", "folder_id": "f"}', "api_key holds a space"),
    ('{"api_key": "SECRET-KEY\\nX: y", "folder_id": "f"}', "api_key holds a space"),
    ('{"api_key": "…", "folder_id": "f"}', "api_key holds a space or a letter"),
    ("[" * 60_000, 'expected {"folder_id"'),
]


@pytest.mark.parametrize(("text", "sentence"), MISSING)
async def test_what_is_missing_is_said(tmp_path: Path, text: str | None, sentence: str) -> None:
    """One sentence names what is missing and the file to write it into, never the key; nothing is sent."""
    if text is not None:
        write_keys(tmp_path, text)
    async with FakeYandex().running() as fake, provider_in(tmp_path, base_url=fake.url) as provider:
        said = await provider.readiness()
        assert said is not None
        assert sentence in said
        assert str(tmp_path / "ydart-options.json") in said
        assert "SECRET-KEY" not in said
        assert await provider.check() == said
        with pytest.raises(Unreachable) as raised:
            await provider.submit(a_wish())
        assert (str(raised.value), raised.value.charged) == (said, False)
        assert "SECRET-KEY" not in "".join(traceback.format_exception(raised.value))
        assert fake.ledger.requests == []


def test_a_file_of_its_own_that_is_not_there(tmp_path: Path) -> None:
    """A file that the owner named is never passed over for another source."""
    write_keys(tmp_path)
    for path, words in (
        (tmp_path / "gone", "no such file"),
        (a_file(tmp_path / "empty", "\n"), "api_key belongs into it"),
        (tmp_path, "cannot be read"),
    ):
        with pytest.raises(KeysMissing, match=words):
            find_keys(YandexArtSettings(api_key_file=path), tmp_path, {KEY_VARIABLE: "key-env"})


async def test_the_keys_are_read_anew(tmp_path: Path) -> None:
    """An owner who writes the key file while the server runs need not start it again."""
    async with provider_in(tmp_path) as provider:
        assert await provider.readiness() is not None
        write_keys(tmp_path)
        assert await provider.readiness() is None


async def test_a_file_that_others_can_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A key file that others can read is warned about once; one that only the owner reads is not."""
    file = write_keys(tmp_path)
    async with provider_in(tmp_path) as provider:
        await provider.readiness()
        assert caplog.text == ""
        file.chmod(0o644)
        for _ in range(3):
            assert await provider.readiness() is None
        assert caplog.text.count(f"chmod 600 {file}") == 1


@pytest.mark.parametrize("transport", ["images", "async"])
async def test_the_key_is_nowhere_to_be_read(tmp_path: Path, caplog: pytest.LogCaptureFixture, transport: str) -> None:
    """In every mode of the service neither key nor half of it is in a log record, an error, or a repr of anything."""
    caplog.set_level(logging.DEBUG)
    texts: list[str] = []
    async with room(tmp_path, transport=transport) as it:
        slow = {"silent", "drip", "huge_body", "gzip_bomb", "pixel_bomb"}
        assert NEVER_ACCEPTS in it.fake.modes
        for mode in [mode for mode in it.fake.modes if mode not in slow]:
            await it.fake.become(mode)
            submitting, checking = it.provider.submit(a_wish()), it.provider.check()
            try:
                made = await (run_out(submitting, it.fake) if mode == NEVER_ACCEPTS else submitting)
                texts += [repr(made), str(await it.provider.poll(made) if isinstance(made, str) else "")]
            except ProviderError as error:
                texts += _everything_about(error)
            texts.append(str(await (run_out(checking, it.fake) if mode == NEVER_ACCEPTS else checking)))
        texts += [repr(it.provider), repr(it.provider.context), repr(vars(it.provider)), repr(it.provider._service())]
    texts += [record.getMessage() + repr(record.__dict__) for record in caplog.records]
    assert len(texts) > 100
    parts = {ACCOUNT.api_key[start : start + 10] for start in range(len(ACCOUNT.api_key) - 9)}
    assert [text for text in texts if any(part in text for part in parts)] == []


def _everything_about(error: BaseException) -> list[str]:
    texts = ["".join(traceback.format_exception(error))]
    seen: BaseException | None = error
    while seen is not None:
        texts += [str(seen), repr(seen), repr(seen.__dict__)]
        seen = seen.__cause__ or seen.__context__
    return texts


async def test_the_key_can_be_found_where_it_is_shown(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The search above finds a key that is logged, so that its silence means something."""
    logging.getLogger("imageserver.provider.yandexart").warning("the key is %s", ACCOUNT.api_key)
    assert any(ACCOUNT.api_key[5:15] in record.getMessage() for record in caplog.records)
    gc.collect()


async def test_the_key_is_known_to_the_mask(tmp_path: Path) -> None:
    """The key of the key file is masked wherever the service's words go, also where only a part of it is said."""
    async with room(tmp_path) as it:
        await it.image(a_wish())
        assert it.provider.context.mask(f"{ACCOUNT.api_key}, {ACCOUNT.api_key[2:14]}…, a word") == "***, ***…, a word"
    assert ACCOUNT.api_key not in repr(Keys(folder_id="folder", api_key=ACCOUNT.api_key))


def test_the_settings_hold_no_secret(tmp_path: Path) -> None:
    """What `imageserver config` prints of the provider names files, and no key."""
    config = Config(data=tmp_path, options=Options(), providers={}, origins={})
    shown = redact.show(config, {"yandexart": YandexArtSettings(api_key_file=tmp_path / "secret")})
    assert "key_file: ydart-options.json" in shown
    assert f"api_key_file: {tmp_path}/secret" in shown
    assert json.dumps(ACCOUNT.api_key) not in shown
