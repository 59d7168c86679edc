"""Where the folders are, and whether they can be used. Nothing here creates or changes anything."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import imageserver
from imageserver.config.outside import make_own
from imageserver.errors import Problem

if TYPE_CHECKING:  # a health check looks for its folder here, and must be quick
    from imageserver.config.model import Config


def data_folder(flag: str | None, environment: Mapping[str, str], *, checkout: Path | None = None) -> Path:
    """The data folder, absolute: `--data`, else IMAGESERVER_DATA, else `var/data` under the checkout or here.

    `checkout` is for tests; by default it is looked for.
    """
    named = flag or environment.get("IMAGESERVER_DATA") or ""
    if named:
        return absolute(named)
    return (checkout or find_checkout() or Path.cwd()) / "var" / "data"


def find_checkout() -> Path | None:
    """The checkout that the package runs from, or None when it was installed."""
    beside = Path(imageserver.__file__).resolve().parent.parent
    return beside if (beside / "pyproject.toml").is_file() and (beside / "plugins").is_dir() else None


def absolute(text: str) -> Path:
    """A path from the command line or the environment, which begins in the current folder."""
    return Path(os.path.abspath(os.path.expanduser(text)))  # noqa: PTH100, PTH111 - pathlib raises on `~nobody` and keeps `..`


def default_images(data: Path) -> Path:
    """The store, where the owner names none."""
    return _neighbour(data, "images")


def default_plugins(data: Path, *, checkout: Path | None = None) -> Path:
    """The folder for plugins, where the owner names none. `checkout` is for tests; by default it is looked for."""
    home = checkout or find_checkout()
    return home / "plugins" if home else _neighbour(data, "plugins")


def default_certificates(data: Path) -> Path:
    """Where certificates are looked for, where the owner names no folder."""
    return _neighbour(data, "certs")


def default_log(data: Path) -> Path:
    """The log file, where the owner names none."""
    return _neighbour(data, "log") / "app.log"


def _neighbour(data: Path, name: str) -> Path:
    # /data and /images stand side by side in a container, var/data and var/images in a checkout. A data folder of
    # another name, like /srv/frame1, is one of several, so everything of it stays inside.
    return data.parent / name if data.name == "data" else data / name


def check_folders(
    config: Config, library_folders: Mapping[str, Path], environment: Mapping[str, str] = os.environ
) -> list[Problem]:
    """Every problem with the folders of a configuration. Reads the disk and leaves it as it is.

    `library_folders` are the `local_image_folder` of those providers that have one, by their code.
    """
    problems = []
    where = _where(config, "data")
    if why := _not_writable(config.data, environment):
        problems.append(Problem(where, f"the data folder {why}"))
    image_path = config.options.image_path
    # A folder `original` that somebody else made is as good as an unwritable store.
    if why := _not_writable(image_path, environment) or _not_writable(image_path / "original", environment):
        problems.append(Problem(_where(config, "image_path"), f"image_path: {why}"))
    for code, folder in library_folders.items():
        why = _not_readable(folder) or _overlap(folder, image_path)
        if why:
            name = f"providers.{code}.local_image_folder"
            problems.append(Problem(_where_of_library(config, code), f"{name}: {why}"))
    return problems


def _where(config: Config, option: str) -> str:
    origin = config.origins.get(option, "default")
    return config.options_file.name if origin == "default" else origin


def _where_of_library(config: Config, code: str) -> str:
    from imageserver.config.values import Pairs

    raw = config.providers.get(code)
    if raw is None:
        return config.options_file.name
    pairs = raw.node.pairs if isinstance(raw.node, Pairs) else ()
    lines = [key.line for key, _ in pairs if key.text == "local_image_folder"]
    return f"{raw.file}:{lines[0] if lines else raw.line}"


def _not_writable(folder: Path, environment: Mapping[str, str]) -> str | None:
    """Why `folder` cannot be written to, or be made; None when it can."""
    for place in (folder, *folder.parents):
        if not os.path.lexists(place):
            continue
        if not os.path.isdir(place):  # noqa: PTH112 - Path.is_dir raises where a link leads behind a closed door
            what = "is a link that leads to no folder" if place.is_symlink() else "is a file"
            return f"{folder} cannot be used: {place} {what}"
        if os.access(place, os.R_OK | os.W_OK | os.X_OK):
            return None
        if os.statvfs(place).f_flag & os.ST_RDONLY:  # no other owner would help
            return f"{folder} is on a disk that is mounted read-only; look into the system's log for the reason"
        if place == folder:
            return f"{folder} is not writable for this server; {make_own(folder, environment, is_missing=False)}"
        remedy = make_own(folder, environment, is_missing=True)
        return f"{folder} does not exist and cannot be made in {place}; {remedy}"
    return None


def _not_readable(folder: Path) -> str | None:
    for place in reversed(folder.parents):
        if os.path.isdir(place) and not os.access(place, os.X_OK):  # noqa: PTH112 - as above
            remedy = f"sudo chmod o+x {shlex.quote(str(place))}"
            return f"{folder} cannot be reached: {place} is closed to this server (user {os.getuid()}); run: {remedy}"
    if not os.path.lexists(folder):
        return f"there is no folder {folder}"
    if not os.path.isdir(folder):  # noqa: PTH112 - as above
        return f"{folder} is no folder"
    if not os.access(folder, os.R_OK | os.X_OK):
        remedy = f"sudo chmod -R a+rX {shlex.quote(str(folder))}"
        return f"{folder} is not readable for this server (user {os.getuid()}); run: {remedy}"
    return None


def _overlap(library: Path, image_path: Path) -> str | None:
    reason = "keep them apart, because pictures in image_path are deleted when there are too many"
    if _is_inside(library, image_path):
        remedy = (
            "Move the photos to a folder of their own outside of it and name that one here; if they are only what a "
            "server has stored there, take this provider out of the options: stored pictures are shown without it"
        )
        return f"{library} lies inside image_path ({image_path}): {reason}. {remedy}"
    if _is_inside(image_path, library):
        remedy = "Let image_path be a folder of its own outside of the photos, and move what is stored there"
        return f"image_path ({image_path}) lies inside {library}: {reason}. {remedy}"
    return None


def _is_inside(inner: Path, outer: Path) -> bool:
    """Whether the two are one folder, or `inner` lies somewhere below `outer`; links and `..` are followed."""
    inner, outer = Path(os.path.realpath(inner)), Path(os.path.realpath(outer))
    return any(place == outer or _is_same(place, outer) for place in (inner, *inner.parents))


def _is_same(one: Path, other: Path) -> bool:
    # A disk that takes A for a has many names for one folder.
    try:
        return one.samefile(other)
    except OSError:
        return False
