"""What a folder and a user of the container are called on the computer outside, where the owner types commands."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path

IN_CONTAINER = "IMAGESERVER_IN_CONTAINER"  # set in our image, where every request comes out of its own network
_ROOTS = (
    "IMAGESERVER_DATA_ROOT",
    "IMAGE_SERVER_DATA_ROOT",
)  # compose.yaml hands them on; the second is the Go server's
_VOLUMES = frozenset({"data", "images", "log", "certs", "plugins"})
_MAPS = Path("/proc/self")


def is_our_image(environment: Mapping[str, str]) -> bool:
    """Whether this process runs in our container image, as the image itself says."""
    return environment.get(IN_CONTAINER, "") not in ("", "0")


def make_own(folder: Path, environment: Mapping[str, str], *, is_missing: bool, maps: Path = _MAPS) -> str:
    """The command that gives `folder` to this server, made first where it `is_missing`; with the reader's next step.

    In a container the names and numbers are those outside, so that it can be pasted there as it is. Where the place of
    the mount is not known, the sentence says what to put in. `maps` is for tests: the folder of uid_map and gid_map.
    """
    owner = f"{_outside(os.getuid(), maps / 'uid_map')}:{_outside(os.getgid(), maps / 'gid_map')}"
    inside = is_our_image(environment)
    place = _mounted(folder, environment) if inside else folder
    name = "FOLDER" if place is None else shlex.quote(str(place))
    command = f"sudo chown -R {owner} {name}"
    if is_missing:
        command = f"sudo mkdir -p {name} && {command}"
    if place is None:
        return f"run, outside of the container: {command}  (FOLDER is what is mounted there as {folder})"
    return f"run, outside of the container: {command}" if inside else f"run: {command}"


def _mounted(folder: Path, environment: Mapping[str, str]) -> Path | None:
    """What compose.yaml mounts as this folder; None when it does not say."""
    root = next((environment[name] for name in _ROOTS if environment.get(name)), None)
    if root is None or len(folder.parts) < 2 or folder.parts[1] not in _VOLUMES:
        return None
    return Path(root, *folder.parts[1:])


def _outside(number: int, map_file: Path) -> int:
    """A user's or a group's number outside of this process's user namespace, as rootless podman makes one.

    The lines of the file, from user_namespaces(7): first number inside, first number outside, how many.
    """
    try:
        lines = map_file.read_text(encoding="ascii").splitlines()
    except OSError:
        return number  # a system without such namespaces
    for line in lines:
        inside, outside, count = map(int, line.split())
        if inside <= number < inside + count:
            return outside + number - inside
    return number
