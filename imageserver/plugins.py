"""Finds and loads plugins; the only user of pluggy's PluginManager. A plugin that fails is named and left out."""

from __future__ import annotations

import difflib
import importlib
import importlib.machinery
import importlib.util
import logging
import re
import sys
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from types import ModuleType

import pluggy
from attrs import define, field, frozen

from imageserver import hookspecs
from imageserver.plugin_loop import NoAnswer, in_daemon_thread
from imageserver.providers import ImageProvider
from imageserver.version import __version__

BUILT_IN = (
    "imageserver.default_plugins.folder",
    "imageserver.default_plugins.atelier",
    "imageserver.default_plugins.yandexart",
)
_LOAD_SECONDS = 20.0
_NOT_LOADED = "examples"  # a folder in plugins_dir to read, not to run

_log = logging.getLogger(__name__)


class PluginStatus(StrEnum):
    LOADED = "loaded"
    BROKEN = "broken"


@frozen(kw_only=True)
class PluginRecord:
    """A plugin and what became of it."""

    name: str
    version: str
    source: str  # "built in", or the file
    status: PluginStatus
    reason: str = ""  # one sentence for the owner; empty when loaded
    codes: tuple[str, ...] = ()  # of the providers it brings


@define
class Plugins:
    """Everything that was loaded."""

    records: list[PluginRecord] = field(factory=list)
    providers: dict[str, type[ImageProvider]] = field(factory=dict)
    built_in: set[str] = field(factory=set)  # codes


@frozen(kw_only=True)
class _Source:
    name: str
    place: str
    load: Callable[[], ModuleType]
    is_built_in: bool = False


class _Refused(Exception):
    """A plugin cannot be used; the message says why."""


async def load_plugins(folder: Path, built_in: Sequence[str] = BUILT_IN) -> Plugins:
    """Load the built-in plugins and every file and package in `folder`, each in a thread of its own. Never raises."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    plugins = Plugins()
    try:
        dropped = _folder_sources(folder)
    except OSError as error:
        dropped = []
        reason = f"the folder cannot be read: {error.strerror}"
        plugins.records.append(
            PluginRecord(name=folder.name, version="", source=str(folder), status=PluginStatus.BROKEN, reason=reason)
        )
    for source in [*_built_in_sources(built_in), *dropped]:
        plugins.records.append(await _load(manager, source, plugins))
    return plugins


def log_broken(plugins: Plugins) -> None:
    """Tell the log which plugins are left out. Apart from loading, which may come before there is a log."""
    for record in plugins.records:
        if record.status is PluginStatus.BROKEN:
            _log.error("plugin %s (%s) is left out: %s", record.name, record.source, record.reason)


def _built_in_sources(modules: Sequence[str]) -> list[_Source]:
    return [
        _Source(
            name=module.rpartition(".")[2],
            place="built in",
            load=lambda module=module: importlib.import_module(module),  # type: ignore[misc]  # mypy cannot type a lambda's default
            is_built_in=True,
        )
        for module in modules
    ]


def _folder_sources(folder: Path) -> list[_Source]:
    if not folder.is_dir():
        return []
    sources = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith(("_", ".")) or path.name == _NOT_LOADED:
            continue
        if path.is_dir() and (path / "__init__.py").is_file():
            sources.append(_file_source(path.name, path / "__init__.py", path))
        elif path.suffix == ".py" and path.is_file():
            sources.append(_file_source(path.stem, path, path))
    return sources


def _file_source(name: str, file: Path, place: Path) -> _Source:
    module_name = "imageserver_plugin_" + re.sub(r"\W", "_", name)

    def load() -> ModuleType:
        loader = _Loader(module_name, str(file))
        spec = importlib.util.spec_from_file_location(
            module_name,
            file,
            loader=loader,
            submodule_search_locations=[str(file.parent)] if file.name == "__init__.py" else None,
        )
        assert spec is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[module_name] = module
        try:
            loader.exec_module(module)
        except BaseException:
            sys.modules.pop(module_name, None)
            raise
        return module

    return _Source(name=name, place=str(place), load=load)


class _Loader(importlib.machinery.SourceFileLoader):
    """Reads a plugin without leaving compiled files in the owner's folder."""

    def set_data(self, path: str, data: object, *, _mode: int = 0o666) -> None:
        """Write nothing."""


async def _load(manager: pluggy.PluginManager, source: _Source, plugins: Plugins) -> PluginRecord:
    version = ""
    try:
        module = await in_daemon_thread(f"loading {source.name}", source.load, _LOAD_SECONDS)
        version = __version__ if source.is_built_in else str(getattr(module, "__version__", ""))
        _register(manager, module, source.name)
        try:
            classes = await _registered(manager, source.name)
            codes = _accept_all(classes, plugins)
        except BaseException:
            manager.unregister(name=source.name)
            raise
    except NoAnswer:
        reason = f"it did not come back within {_LOAD_SECONDS:.0f} s"
    except _Refused as refused:
        reason = str(refused)
    except Exception as error:
        _log.debug("plugin %s", source.name, exc_info=error)
        reason = _said(error)
    else:
        if source.is_built_in:
            plugins.built_in.update(codes)
        plugins.providers.update({kind.code: kind for kind in classes})
        return PluginRecord(
            name=source.name, version=version, source=source.place, status=PluginStatus.LOADED, codes=codes
        )
    return PluginRecord(
        name=source.name, version=version, source=source.place, status=PluginStatus.BROKEN, reason=reason
    )


def _register(manager: pluggy.PluginManager, module: ModuleType, name: str) -> None:
    if manager.has_plugin(name):
        raise _Refused(f"a plugin called {name} is there already: give this one another name")
    manager.register(module, name)


async def _registered(manager: pluggy.PluginManager, name: str) -> list[type[ImageProvider]]:
    """The provider classes that one plugin registers."""
    _check_hook_names(manager)
    others = [plugin for plugin_name, plugin in manager.list_name_plugin() if plugin_name != name]
    hook = manager.subset_hook_caller("imageserver_register_providers", others)
    classes: list[type[ImageProvider]] = []
    await in_daemon_thread(f"asking {name}", lambda: hook(register=classes.append), _LOAD_SECONDS)
    return classes


def _check_hook_names(manager: pluggy.PluginManager) -> None:
    try:
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        known = [name for name in vars(hookspecs) if name.startswith("imageserver_")]
        wrong = next(iter(re.findall(r"unknown hook '(\w+)'", str(error))), "")
        near = difflib.get_close_matches(wrong, known, 1)
        hint = f"; did you mean {near[0]}?" if near else f"; there are: {', '.join(known)}"
        raise _Refused(f"there is no hook called {wrong}{hint}") from error


def _accept_all(kinds: Sequence[object], plugins: Plugins) -> tuple[str, ...]:
    codes = tuple(_accept(kind, plugins) for kind in kinds)
    if len(set(codes)) != len(codes):
        raise _Refused(f"it registers two providers with one code: {', '.join(codes)}")
    return codes


def _accept(kind: object, plugins: Plugins) -> str:
    if not (isinstance(kind, type) and issubclass(kind, ImageProvider)):
        raise _Refused(f"it registered {kind!r}, which is no class derived from ImageProvider")
    code = getattr(kind, "code", None)
    if not isinstance(code, str) or not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,39}", code):
        raise _Refused(
            f'{kind.__name__}.code is {code!r}: it must be 1 to 40 lower case letters, digits, "_" or "-", '
            "starting with a letter or digit"
        )
    if code in plugins.providers or code == "store":
        raise _Refused(f'the provider code "{code}" is taken already: choose another')
    return code


def _said(error: BaseException) -> str:
    where = ""
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename.endswith(".py"):
            where = f" ({Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno})"
        trace = trace.tb_next
    return f"{type(error).__name__}: {error}{where}"
