"""Writes the beginning of a plugin: a provider that paints at once, its tests, and how to go on."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.resources
import keyword
import re
import sys
from pathlib import Path

from imageserver.errors import ImageServerError
from imageserver.plugin_sources import BUILT_IN
from imageserver.providers import ImageProvider

_TEMPLATES = {"plugin.py.txt": "{module}.py", "test_plugin.py.txt": "test_{module}.py", "README.md.txt": "README.md"}


class NotWritten(ImageServerError):
    """The plugin cannot be written; the message says what to do."""

    reason = "not_written"


def write_plugin(name: str, folder: Path) -> list[Path]:
    """Write the plugin `name` into a new folder `name` in `folder`; gives its files. Raises NotWritten.

    `name` is the code of its provider. A module has "_" where a code has "-".
    """
    _check_name(name)
    module = name.replace("-", "_")
    words = [word for word in module.split("_") if word]
    place = folder / name
    try:
        place.mkdir(parents=True)
    except FileExistsError:
        raise NotWritten(f"{place} is there already: choose another name, or move it away") from None
    except OSError as error:
        raise NotWritten(f"{place} cannot be made: {error.strerror}") from None
    texts = {"CODE": name, "MODULE": module, "CLASS": "".join(map(str.capitalize, words)), "TITLE": " ".join(words)}
    texts["TITLE"] = texts["TITLE"].capitalize()
    written = []
    for template, file in _TEMPLATES.items():
        text = importlib.resources.files("imageserver").joinpath("scaffold_templates", template).read_text("utf-8")
        path = place / file.format(module=module)
        try:
            path.write_text(re.sub("|".join(texts), lambda found: texts[found[0]], text), encoding="utf-8")
        except OSError as error:
            raise NotWritten(f"{path} cannot be written: {error.strerror}") from None
        written.append(path)
    return written


def _check_name(name: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,39}", name):
        raise NotWritten(
            f'"{name}" cannot be the name of a plugin: take 1 to 40 of a-z, 0-9, "_" and "-", and begin with a letter'
        )
    module = name.replace("-", "_")
    if keyword.iskeyword(module):
        raise NotWritten(f'"{name}" is a word of Python itself: choose another name')
    if module in sys.stdlib_module_names:
        raise NotWritten(f'"{name}" is a module of Python itself, which it would hide: choose another name')
    if name in _taken_codes():
        raise NotWritten(f'a provider called "{name}" comes with ImageServer: choose another name')
    if module in {"imageserver", "pytest"} or module in importlib.metadata.packages_distributions():
        raise NotWritten(f'"{name}" is a package that is installed here, which it would hide: choose another name')


def _taken_codes() -> set[str]:
    """The names that built-in providers go by."""
    kinds: list[type[ImageProvider]] = []
    for source in BUILT_IN:
        register = getattr(importlib.import_module(source), "imageserver_register_providers", None)
        if register is not None:
            register(register=kinds.append)
    return {"store"} | {name.lower() for kind in kinds for name in (kind.code, *kind.other_codes)}
