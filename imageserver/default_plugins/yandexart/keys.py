"""The two values that an owner gets from the cloud console: found, checked, and never shown."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Mapping
from pathlib import Path

from attrs import field, frozen

from imageserver.default_plugins.yandexart.settings import YandexArtSettings

FOLDER_VARIABLE = "IMAGESERVER_YANDEX_FOLDER_ID"
KEY_VARIABLE = "IMAGESERVER_YANDEX_API_KEY"
_LONGEST_FILE = 64 * 1024


class KeysMissing(Exception):
    """A key is not there or cannot be used; the message is one sentence for the owner, without the key."""


@frozen(kw_only=True)
class Keys:
    """Both values, ready for headers."""

    folder_id: str
    api_key: str = field(repr=False)


@frozen(kw_only=True)
class Found:
    """The keys, and the files they came from."""

    keys: Keys
    files: tuple[Path, ...]


def find_keys(settings: YandexArtSettings, data: Path, environment: Mapping[str, str]) -> Found:
    """Read the keys anew. Raises KeysMissing.

    For each of the two: its own file, else the key file, else the environment. That is the order of all options:
    what stands in options.yml is stronger than the environment. A file that is broken is told of, never passed over.
    """
    key_file = data / settings.key_file  # a default is relative to the data folder, what an owner wrote is absolute
    given = _read_key_file(key_file)
    files = [key_file] if given else []
    values = {}
    for name, own_file, variable in (
        ("folder_id", settings.folder_id_file, FOLDER_VARIABLE),
        ("api_key", settings.api_key_file, KEY_VARIABLE),
    ):
        if own_file is not None:
            files.append(own_file)
            values[name] = _read_text(own_file, name)
        else:
            values[name] = given.get(name) or environment.get(variable, "").strip()
    missing = [name for name, value in values.items() if not value]
    if missing:
        what = "folder_id and api_key are" if len(missing) == 2 else f"{missing[0]} is"
        raise KeysMissing(f'{what} missing: write {{"folder_id": "…", "api_key": "…"}} into {key_file}')
    for name, value in values.items():
        if not re.fullmatch(r"[!-~]+", value):  # it becomes a header
            raise KeysMissing(f"{name} holds a space or a letter that no key has: copy it again into {key_file}")
    return Found(keys=Keys(folder_id=values["folder_id"], api_key=values["api_key"]), files=tuple(files))


def readable_by_others(path: Path) -> bool:
    """Whether anybody but the file's owner may read it."""
    try:
        return bool(path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))
    except OSError:
        return False


def _read_key_file(path: Path) -> dict[str, str]:
    text = _read(path, missing_ok=True)
    if text is None:
        return {}
    expected = 'expected {"folder_id": "…", "api_key": "…"}'
    try:
        read = json.loads(text)
    except json.JSONDecodeError as error:
        place = f"{path}:{error.lineno}"
    except RecursionError:
        place = str(path)
    else:
        if isinstance(read, dict):
            values = {name: read.get(name) for name in ("folder_id", "api_key")}
            wrong = [name for name, value in values.items() if value is not None and not isinstance(value, str)]
            if not wrong:
                return {name: value.strip() for name, value in values.items() if isinstance(value, str)}
            raise KeysMissing(f"{path}: {wrong[0]} must be a text in quotes")
        place = str(path)
    raise KeysMissing(f"{place}: {expected}")


def _read_text(path: Path, name: str) -> str:
    text = (_read(path, missing_ok=False) or "").strip()
    if not text:
        raise KeysMissing(f"{path} is empty: {name} belongs into it")
    return text


def _read(path: Path, *, missing_ok: bool) -> str | None:
    try:
        with path.open("rb") as file:
            raw = file.read(_LONGEST_FILE)
    except FileNotFoundError:
        if missing_ok:
            return None
        problem = "there is no such file"
    except OSError as error:
        problem = f"it cannot be read: {error.strerror}"
    else:
        try:
            return raw.decode("utf-8-sig")  # Windows editors put a mark before the text
        except UnicodeDecodeError:
            problem = "it is no UTF-8 text"
    raise KeysMissing(f"{path}: {problem}")
