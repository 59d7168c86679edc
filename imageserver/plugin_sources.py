"""Where plugins come from: the server itself, installed packages, and the owner's folder."""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.metadata
import importlib.util
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

from attrs import frozen

ENTRY_POINTS = "imageserver.plugins"
BUILT_IN = (
    "imageserver.default_plugins.folder",
    "imageserver.default_plugins.atelier",
    "imageserver.default_plugins.yandexart",
    "imageserver.default_plugins.openai",
    "imageserver.default_plugins.aihorde",
    "imageserver.default_plugins.sdwebui",
    "imageserver.default_plugins.comfyui",
    "imageserver.default_plugins.immich",
    "imageserver.default_plugins.wikimedia",
    "imageserver.default_plugins.url",
    "imageserver.default_plugins.wording",
    "imageserver.default_plugins.overlay",
    "imageserver.default_plugins.webhook",
)
_OUR_PLUGINS = "imageserver.default_plugins."
_NOT_LOADED = "examples"  # a folder in plugins_dir to read, not to run


@frozen(kw_only=True)
class PluginSource:
    """One plugin that can be loaded."""

    name: str
    place: str  # "built in", "installed: PACKAGE VERSION", or the file
    load: Callable[[], object]  # gives the module, or what an entry point names; may raise anything
    module: str = ""  # the name by which Python knows its module
    version: str | None = None  # None: what the module calls itself
    is_built_in: bool = False
    is_installed: bool = False  # as a package of its own
    stamp: tuple[tuple[str, int, int], ...] = ()  # name, time and size of its files: another stamp is another plugin

    @property
    def origin(self) -> tuple[str, str]:
        """The same for one plugin at all times, whatever its version is."""
        return self.name, "" if self.is_installed else self.place


def built_in_sources(modules: Sequence[str], version: str) -> list[PluginSource]:
    """The server's own."""
    return [
        PluginSource(
            name=module.rpartition(".")[2],
            place="built in",
            load=lambda module=module: importlib.import_module(module),  # type: ignore[misc]  # mypy cannot type a lambda's default
            module=module,
            version=version,
            is_built_in=True,
        )
        for module in modules
    ]


def installed_sources() -> list[PluginSource]:
    """What installed packages name under the entry point group `imageserver.plugins`."""
    importlib.invalidate_caches()  # a package may have come while the server runs
    points = sorted(importlib.metadata.entry_points(group=ENTRY_POINTS), key=lambda point: point.name)
    sources = []
    for point in points:
        package = point.dist
        place = f"installed: {package.name} {package.version}" if package else f"installed: {point.value}"
        sources.append(
            PluginSource(
                name=point.name,
                place=place,
                load=point.load,
                module=point.module,
                version=package.version if package else None,
                is_installed=True,
                stamp=((place, 0, 0),),
            )
        )
    return sources


def folder_sources(folder: Path) -> list[PluginSource]:
    """The files and packages in the owner's folder. Raises OSError when it cannot be read."""
    if not folder.is_dir():
        return []
    sources = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith(("_", ".")) or path.name == _NOT_LOADED:
            continue
        if path.is_dir() and (path / "__init__.py").is_file():
            sources.append(_file_source(path.name, path / "__init__.py", path))
        elif path.is_dir() and _lone_file(path).is_file():
            sources.append(_no_package(path))
        elif path.suffix == ".py" and path.is_file():
            sources.append(_file_source(path.stem, path, path))
    return sources


def own_line(error: BaseException, module: str) -> str:
    """Where the code of the plugin that has this module was when it raised: " (file.py:12)", or nothing."""
    package, where = module.partition(".")[0], ""
    trace = error.__traceback__
    while trace is not None:
        running = str(trace.tb_frame.f_globals.get("__name__"))
        is_ours = running.startswith("imageserver.") and not running.startswith(_OUR_PLUGINS)
        if running.partition(".")[0] == package and not is_ours:
            where = f" ({Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno})"
        trace = trace.tb_next
    return where


def _file_source(name: str, file: Path, place: Path) -> PluginSource:
    module_name = _module_name(name)

    def load() -> object:
        loader = _Loader(module_name, str(file))
        spec = importlib.util.spec_from_file_location(
            module_name,
            file,
            loader=loader,
            submodule_search_locations=[str(file.parent)] if file.name == "__init__.py" else None,
        )
        assert spec is not None
        module = importlib.util.module_from_spec(spec)
        before = _taken_out(module_name)
        sys.modules[module_name] = module
        try:
            loader.exec_module(module)
        except BaseException:
            _taken_out(module_name)
            sys.modules.update(before)  # an older version of the plugin may still serve
            raise
        return module

    return PluginSource(name=name, place=str(place), load=load, module=module_name, stamp=_stamp(place))


def _module_name(name: str) -> str:
    """Another one for each plugin, so that no two share their parts. It need be no identifier; a dot divides it."""
    return "imageserver_plugin_" + name.replace("%", "%25").replace(".", "%2e")


def _taken_out(module_name: str) -> dict[str, ModuleType]:
    """Remove a plugin's modules from Python's memory, and return them."""
    names = [name for name in sys.modules if name == module_name or name.startswith(f"{module_name}.")]
    return {name: sys.modules.pop(name) for name in names}


def _stamp(place: Path) -> tuple[tuple[str, int, int], ...]:
    files = sorted(place.rglob("*")) if place.is_dir() else [place]
    found = []
    for file in files:
        try:
            facts = file.stat()
        except OSError:  # gone meanwhile
            continue
        if file.is_file() and "__pycache__" not in file.parts:
            found.append((str(file), facts.st_mtime_ns, facts.st_size))
    return tuple(found)


def _lone_file(folder: Path) -> Path:
    """Where `imageserver plugins new` writes the provider in a folder that is no package."""
    return folder / f"{folder.name.replace('-', '_')}.py"


def _no_package(folder: Path) -> PluginSource:
    def load() -> object:
        raise ImportError(f"this folder is no package: drop {_lone_file(folder).name} itself into {folder.parent}")

    return PluginSource(name=folder.name, place=str(folder), load=load, stamp=_stamp(folder))


class _Loader(importlib.machinery.SourceFileLoader):
    """Reads a plugin without leaving compiled files in the owner's folder."""

    def set_data(self, path: str, data: object, *, _mode: int = 0o666) -> None:
        """Write nothing."""
