"""Loads plugins; the only user of pluggy's PluginManager. A plugin that fails is named and left out."""

from __future__ import annotations

import difflib
import logging
import re
from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pluggy
from attrs import define, evolve, field, frozen, has

from imageserver import API_VERSION, hookspecs
from imageserver.extensions import Extension, PictureListener, PictureTransform, PromptTransform
from imageserver.plugin_loop import NoAnswer, in_daemon_thread
from imageserver.plugin_sources import (
    BUILT_IN,
    PluginSource,
    built_in_sources,
    folder_sources,
    installed_sources,
    own_line,
)
from imageserver.providers import ImageProvider
from imageserver.version import __version__

T = TypeVar("T", bound=ImageProvider | Extension)
_LOAD_SECONDS = 20.0
_RELOAD = "and say `imageserver plugins reload`"
_DOORS: dict[str, type[Any]] = {  # hook → what may be registered through it
    "imageserver_register_providers": ImageProvider,
    "imageserver_register_prompt_transforms": PromptTransform,
    "imageserver_register_picture_transforms": PictureTransform,
    "imageserver_register_listeners": PictureListener,
}

# Class attributes that the server counts with: their types, and whether they must be above 0.
_ATTRIBUTES: dict[str, tuple[tuple[type[Any], ...], str]] = {
    "slots": ((int,), " above 0"),
    "deadline": ((float, int), " above 0"),
    "patience": ((float, int), " above 0"),
    "default_price": ((Decimal, type(None)), ""),
    "other_codes": ((tuple,), ""),
    "order": ((int,), ""),
    "title": ((str,), ""),
}

_log = logging.getLogger(__name__)


class PluginStatus(StrEnum):
    LOADED = "loaded"
    BROKEN = "broken"


@frozen(kw_only=True)
class PluginRecord:
    """A plugin and what became of it."""

    name: str
    version: str
    source: str  # "built in", "installed: PACKAGE VERSION", or the file
    status: PluginStatus
    reason: str = ""  # what is wrong; empty when all is well
    remedy: str = ""  # what the owner can do about it, a sentence
    codes: tuple[str, ...] = ()  # of the providers and extensions it brings

    @property
    def advice(self) -> str:
        """What is wrong and what to do about it, for the owner; empty when all is well."""
        end = "" if self.reason.endswith((".", "?", "!")) else "."
        return f"{self.reason}{end} {self.remedy}" if self.remedy else self.reason


@frozen(kw_only=True)
class Loaded:
    """What one plugin brought."""

    source: PluginSource
    record: PluginRecord
    providers: tuple[type[ImageProvider], ...] = ()
    extensions: tuple[type[Extension], ...] = ()

    @property
    def codes(self) -> tuple[str, ...]:
        """Of everything, providers first."""
        return (*(kind.code for kind in self.providers), *(kind.code for kind in self.extensions))


@define
class Plugins:
    """Everything that was found, in the order of loading."""

    loaded: list[Loaded] = field(factory=list)

    @property
    def records(self) -> list[PluginRecord]:
        """What became of each plugin."""
        return [one.record for one in self.loaded]

    @property
    def providers(self) -> dict[str, type[ImageProvider]]:
        """Provider classes by code."""
        return {kind.code: kind for one in self.loaded for kind in one.providers}

    @property
    def extensions(self) -> dict[str, type[Extension]]:
        """Extension classes by code."""
        return {kind.code: kind for one in self.loaded for kind in one.extensions}

    @property
    def built_in(self) -> set[str]:
        """Codes that come with the server."""
        return {code for one in self.loaded if one.source.is_built_in for code in one.codes}


class _Refused(Exception):
    """A plugin cannot be used; the message says why, and `remedy` what helps where that is not the usual."""

    def __init__(self, reason: str, remedy: str = "") -> None:
        super().__init__(reason)
        self.remedy = remedy


async def load_plugins(folder: Path, built_in: Sequence[str] = BUILT_IN, *, before: Plugins | None = None) -> Plugins:
    """Load the built-in and the installed plugins, and every file and package in `folder`. Never raises.

    Each is loaded in a thread of its own. What `before` holds and what has not changed since is taken from there, and
    keeps its name and its codes: a newcomer takes nothing from one that serves.
    """
    plugins = Plugins()
    serving = [one for one in before.loaded if one.record.status is PluginStatus.LOADED] if before else []
    sources = [*built_in_sources(built_in, __version__), *installed_sources()]
    try:
        sources += await in_daemon_thread(f"reading {folder}", partial(folder_sources, folder), _LOAD_SECONDS)
    except (OSError, NoAnswer) as error:
        # A disk that is away for a while takes nobody away who serves from it.
        others = {source.origin for source in sources}
        sources += [one.source for one in serving if one.source.origin not in others]
        plugins.loaded.append(_unreadable(folder, error))
    old = {one.source.origin: one for one in serving}
    for source in sorted(sources, key=lambda source: _turn(source, old.get(source.origin))):
        plugins.loaded.append(await _become(source, old.get(source.origin), plugins))
    places = {source.origin: place for place, source in enumerate(sources)}
    plugins.loaded.sort(key=lambda one: places.get(one.source.origin, -1))
    return plugins


def log_broken(plugins: Plugins) -> None:
    """Tell the log which plugins are left out. Apart from loading, which may come before there is a log."""
    for record in plugins.records:
        if record.status is PluginStatus.BROKEN:
            _log.error("plugin %s (%s) is left out: %s", record.name, record.source, record.advice)
        elif record.reason:
            _log.error("plugin %s (%s): %s", record.name, record.source, record.advice)


def _unreadable(folder: Path, error: Exception) -> Loaded:
    reason = (error.strerror if isinstance(error, OSError) else "") or str(error)
    source = PluginSource(name=folder.name, place=str(folder), load=lambda: None)
    return _left_out(source, f"the folder cannot be read: {reason}", f"Correct its rights {_RELOAD}")


def _turn(source: PluginSource, known: Loaded | None) -> int:
    """Who chooses names and codes first: the unchanged, then the changed, then newcomers; each in the usual order."""
    if known is None:
        return 2
    return 0 if known.source.stamp == source.stamp else 1


async def _become(source: PluginSource, known: Loaded | None, plugins: Plugins) -> Loaded:
    """The plugin as it is to serve beside those that had their turn before."""
    if any(one.record.name == source.name for one in plugins.loaded):
        reason = f"a plugin called {source.name} is there already"
        return _left_out(source, reason, f"Give this one another name {_RELOAD}")
    if known is None:
        return await _load(source, plugins)
    if known.source.stamp == source.stamp:
        return known
    if source.is_installed:
        return _needs_restart(known, source)
    fresh = await _load(source, plugins)
    is_needed = fresh.record.status is PluginStatus.BROKEN and known.codes
    return _still_served(known, fresh) if is_needed and _is_free(known, plugins) else fresh


def _is_free(known: Loaded, plugins: Plugins) -> bool:
    """Whether another plugin that was changed has taken none of its codes."""
    is_taken = any(kind.code in plugins.providers for kind in known.providers)
    return not is_taken and not any(kind.code in plugins.extensions for kind in known.extensions)


def _still_served(known: Loaded, fresh: Loaded) -> Loaded:
    """The plugin as it was, with word of the new file that cannot be used; looked at again when it changes."""
    reason = f"serves as it was before the last change, which is broken: {fresh.record.reason}"
    record = evolve(known.record, reason=reason, remedy=fresh.record.remedy)
    # No file has this stamp, so every reload tries the file again.
    return evolve(known, record=record, source=evolve(known.source, stamp=()))


def _needs_restart(known: Loaded, source: PluginSource) -> Loaded:
    """An installed plugin whose package is another one now: Python holds on to the modules of the old one."""
    reason = f"serves as it was before the package changed ({source.place})"
    return evolve(known, record=evolve(known.record, reason=reason, remedy="Restart the server to use the new one"))


async def _load(source: PluginSource, plugins: Plugins) -> Loaded:
    try:
        module = await in_daemon_thread(f"loading {source.name}", source.load, _LOAD_SECONDS)
        _check_api(module)
        version = source.version if source.version is not None else str(getattr(module, "__version__", ""))
        providers, extensions = await _brought(module, source.name)
        loaded = Loaded(
            source=source,
            record=PluginRecord(name=source.name, version=version, source=source.place, status=PluginStatus.LOADED),
            providers=tuple(_accepted(kind, ImageProvider, plugins.providers) for kind in providers),
            extensions=tuple(_accepted(kind, base, plugins.extensions) for base, kind in extensions),
        )
        _check_codes(loaded)
    except NoAnswer:
        return _left_out(source, f"it did not come back within {_LOAD_SECONDS:.0f} s")
    except _Refused as refused:
        return _left_out(source, str(refused), refused.remedy)
    except Exception as error:
        _log.debug("plugin %s", source.name, exc_info=error)
        return _left_out(source, f"{type(error).__name__}: {error}{own_line(error, source.module)}")
    return evolve(loaded, record=evolve(loaded.record, codes=loaded.codes))


def _left_out(source: PluginSource, reason: str, remedy: str = "") -> Loaded:
    usual = "Update or remove the package" if source.is_installed else "Correct or remove the file"
    record = PluginRecord(
        name=source.name,
        version="",
        source=source.place,
        status=PluginStatus.BROKEN,
        reason=reason,
        remedy=remedy or f"{usual} {_RELOAD}",
    )
    return Loaded(source=source, record=record)


def _check_api(module: object) -> None:
    wanted = getattr(module, "IMAGESERVER_API", API_VERSION)
    if not isinstance(wanted, int) or isinstance(wanted, bool):
        raise _Refused(f"IMAGESERVER_API is {wanted!r}: it must be a whole number, such as {API_VERSION}")
    if wanted > API_VERSION:
        raise _Refused(
            f"it is written for version {wanted} of the plugin interface and this server has {API_VERSION}",
            "Update the server, or take an older version of the plugin",
        )


async def _brought(module: object, name: str) -> tuple[list[object], list[tuple[type[Extension], object]]]:
    """What one plugin registers: providers, and extensions each with the kind that its door is for."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)  # one for each: no plugin sees another, and none is left behind
    manager.add_hookspecs(hookspecs)
    manager.register(module, name)
    _check_hook_names(manager)
    providers: list[object] = []
    extensions: list[tuple[type[Extension], object]] = []

    def ask() -> None:
        for hook, base in _DOORS.items():
            found: list[object] = []
            getattr(manager.hook, hook)(register=found.append)
            if issubclass(base, Extension):
                extensions.extend((base, kind) for kind in found)
            else:
                providers.extend(found)

    await in_daemon_thread(f"asking {name}", ask, _LOAD_SECONDS)
    return providers, extensions


def _check_hook_names(manager: pluggy.PluginManager) -> None:
    try:
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        wrong = next(iter(re.findall(r"unknown hook '(\w+)'", str(error))), "")
        near = difflib.get_close_matches(wrong, _DOORS, 1)
        hint = f"; did you mean {near[0]}?" if near else f"; there are: {', '.join(_DOORS)}"
        raise _Refused(f"there is no hook called {wrong}{hint}") from error


def _accepted(kind: object, base: type[T], taken: dict[str, type[T]]) -> type[T]:
    if not (isinstance(kind, type) and issubclass(kind, base)):
        raise _Refused(f"it registered {kind!r}, which is no class derived from {base.__name__}")
    code = getattr(kind, "code", None)
    if not isinstance(code, str) or not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,39}", code):
        raise _Refused(
            f'{kind.__name__}.code is {code!r}: it must be 1 to 40 lower case letters, digits, "_" or "-", '
            "starting with a letter or digit"
        )
    if code in taken or code == "store":
        remedy = f"Choose another code for this one, or remove one of the two, {_RELOAD}"
        raise _Refused(f'the code "{code}" is taken already', remedy)
    for name, (types, what) in _ATTRIBUTES.items():
        value = getattr(kind, name, None)
        if hasattr(kind, name) and (
            not isinstance(value, types) or isinstance(value, bool) or (what and not value > 0)
        ):
            wanted = f"{types[0].__name__}{what}"
            raise _Refused(f"{kind.__name__}.{name} is {value!r}, which should be of the kind {wanted}")
    if kind.settings_class is not None and not has(kind.settings_class):
        raise _Refused(f"{kind.__name__}.settings_class is {kind.settings_class!r}, which is no attrs class")
    return kind


def _check_codes(loaded: Loaded) -> None:
    for kinds, what in ((loaded.providers, "providers"), (loaded.extensions, "extensions")):
        codes = [kind.code for kind in kinds]
        if len(set(codes)) != len(codes):
            raise _Refused(f"it registers two {what} with one code: {', '.join(codes)}")
