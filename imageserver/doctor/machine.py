"""The machine below the server: folders, disks, the clock, versions."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import platform
import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime

from imageserver.clock import zone_in_words
from imageserver.config.outside import is_our_image
from imageserver.doctor.findings import Plain, Span
from imageserver.doctor.notebook import Facts, Notebook
from imageserver.doctor.words import IN_CONTAINER
from imageserver.errors import Problem
from imageserver.journal import SQLITE_VERSION
from imageserver.till import DISK_RESERVE
from imageserver.version import BUILT_AT, __version__

_LITTLE = 500 * 1024 * 1024  # bytes; below it an owner wants to know
_FAR = 5 * 365 * 86_400.0  # seconds after the version was made; nobody runs it for so long


def look_at_folders(notebook: Notebook, problems: Iterable[Problem]) -> None:
    """What is wrong with the folders, as the start would say it, and whose eyes these are."""
    folder, me = notebook.data, os.geteuid()
    wrong = list(problems)
    for problem in wrong:
        notebook.wrong("folders", "folder_wrong", where=problem.where, why=notebook.discreet(problem.message))
    owner = folder.stat().st_uid if folder.is_dir() else me
    if me == 0 and owner != 0:
        notebook.note("folders", "as_root", owner=owner, data=folder)
    elif not wrong:
        for one in dict.fromkeys((folder, notebook.config.options.image_path)):
            notebook.good("folders", "folder_good", folder=one)


def look_at_disks(notebook: Notebook) -> None:
    """How much is free where pictures and the journal are."""
    seen: set[int] = set()
    for folder in (notebook.data, notebook.config.options.image_path):
        there = next((place for place in (folder, *folder.parents) if place.is_dir()), folder)
        try:
            device, found = there.stat().st_dev, os.statvfs(there)
        except OSError as error:
            notebook.wrong("folders", "disk_unknown", folder=folder, why=error.strerror or "")
            continue
        if device in seen:
            continue
        seen.add(device)
        free = found.f_bavail * found.f_frsize
        facts: Facts = {"folder": folder, "free": Plain(size_in_words(free))}
        if free < DISK_RESERVE:
            notebook.wrong("folders", "disk_full", **facts)
        elif found.f_files and not found.f_favail:
            notebook.wrong("folders", "inodes_gone", folder=folder)
        elif free < _LITTLE:
            notebook.warn("folders", "disk_low", **facts, reserve=Plain(size_in_words(DISK_RESERVE)))
        else:
            notebook.good("folders", "disk_good", **facts)


def look_at_clock(notebook: Notebook, newest_purchase: float | None) -> None:
    """Whether the time can be true, and whose time it is."""
    clock = notebook.clock
    now = clock.now()
    said = Plain(f"{datetime.fromtimestamp(now, clock.zone):%Y-%m-%d %H:%M}")
    if now < BUILT_AT:
        notebook.wrong("clock", "clock_past", now=said)
    elif newest_purchase is not None and now < newest_purchase:
        notebook.wrong("clock", "clock_behind", time=Span(newest_purchase - now))
    elif now > BUILT_AT + _FAR:
        notebook.warn("clock", "clock_future", now=said)
    else:
        notebook.good("clock", "clock_good", now=said, zone=zone_in_words(clock, notebook.environment))
    if clock.zone is UTC and notebook.environment.get("TZ", "") not in ("", "UTC", "Etc/UTC"):
        notebook.warn("clock", "zone_unknown")
    elif not notebook.environment.get("TZ") and not any(map(os.path.exists, ("/etc/localtime", "/etc/timezone"))):
        notebook.warn("clock", "zone_unsaid")


def look_at_versions(notebook: Notebook) -> None:
    """What a report of a fault must name."""
    notebook.note(
        "versions",
        "versions",
        server=Plain(__version__),
        python=Plain(platform.python_version()),
        sqlite=Plain(SQLITE_VERSION),
        system=Plain(_system()),
        container=Plain(IN_CONTAINER[notebook.language] if is_our_image(notebook.environment) else ""),
    )
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        notebook.warn("versions", "python_strange", python=Plain(platform.python_version()))
    told = []
    for name in _required():
        try:
            told.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            notebook.wrong("versions", "package_missing", name=name)
    notebook.note("versions", "packages", packages=Plain(", ".join(told)))


def size_in_words(size: int) -> str:
    """Bytes as people read them."""
    return f"{size / 1024**3:.1f} GiB" if size >= 1024**3 else f"{size // 1024**2} MiB"


def _required() -> list[str]:
    try:
        lines = importlib.metadata.requires("imageserver") or []
    except importlib.metadata.PackageNotFoundError:  # it runs from a folder of its own
        return []
    names = (re.match(r"[\w.-]+", line) for line in lines if "extra ==" not in line)
    return sorted((name[0] for name in names if name), key=str.lower)


def _system() -> str:
    named = platform.system()
    with contextlib.suppress(OSError):
        named = platform.freedesktop_os_release().get("PRETTY_NAME", named)
    return f"{named} ({platform.machine()})"
