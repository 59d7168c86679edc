"""What the commands do, apart from how they are typed."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import shutil
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

import attrs

from imageserver import moving_in, prompts
from imageserver.access.password import PasswordFileUnfit, read_password_file
from imageserver.answers import Answers
from imageserver.app import Given
from imageserver.backup.moves import finish, is_cut_off
from imageserver.certificates import CertificateBroken, load_context
from imageserver.clock import SystemClock, local_time
from imageserver.config import reader, redact
from imageserver.config.folders import check_folders, data_folder
from imageserver.config.model import Config
from imageserver.errors import ConfigError, Problem
from imageserver.extension_registry import kind_of, select_extensions
from imageserver.journal import Journal, refuse_newer_journal
from imageserver.listening import allow_files
from imageserver.lock import DataLock
from imageserver.log_file import LogFile
from imageserver.logs import first_line, logging_to
from imageserver.memory import keep_small
from imageserver.plugins import Plugins, load_plugins, log_broken
from imageserver.registry import Registry, Selection, library_folders, select_providers, with_todays_codes
from imageserver.running import NotRunning, Running
from imageserver.server import serve

T = TypeVar("T")
Tell = Callable[[str], None]

_log = logging.getLogger(__name__)


def load_config(data: str | None, flags: Mapping[str, object]) -> Config:
    """The effective configuration. Raises ConfigError."""
    now = local_time(SystemClock())
    return reader.load(data_folder(data, os.environ), flags=flags, environment=os.environ, now=now)


def look(data: str | None, flags: Mapping[str, object]) -> tuple[Config, Plugins, Selection, list[Problem]]:
    """Everything that can be said before a start, with every problem; changes nothing on disk."""
    now = local_time(SystemClock())
    folder = data_folder(data, os.environ)
    config, problems = reader.read(folder, flags=flags, environment=os.environ, now=now)
    plugins = asyncio.run(load_plugins(config.options.plugins_dir))
    selection = select_providers(plugins, config)
    problems += selection.problems
    problems += select_extensions(plugins, config).problems
    todays, _ = with_todays_codes(plugins, config)
    problems += check_folders(todays, library_folders(selection))
    try:
        load_context(config.options.cert_path)
    except CertificateBroken as error:
        problems.append(Problem(config.origins["cert_path"], f"cert_path: {error}"))
    if config.options.password_file is not None:
        try:
            read_password_file(config.options.password_file)
        except PasswordFileUnfit as error:
            problems.append(Problem(config.origins["password_file"], f"password_file: {error}"))
    return config, plugins, selection, problems


def check(data: str | None, flags: Mapping[str, object]) -> tuple[Config, Plugins, Selection]:
    """What a start needs. Raises ConfigError with all problems; changes nothing on disk."""
    config, plugins, selection, problems = look(data, flags)
    if problems:
        raise ConfigError(problems)
    return config, plugins, selection


def check_prompts(config: Config) -> list[Problem]:
    """What is wrong with the prompts. A server starts all the same, with the last good ones."""
    return prompts.check_prompts(config.data, {name: frame.prompts or () for name, frame in config.frames.items()})


def check_providers(config: Config, plugins: Plugins, selection: Selection) -> list[tuple[str, str | None]]:
    """Every provider that serves, and the step that is missing for it. Asks services, never for a picture."""

    async def ask() -> list[tuple[str, str | None]]:
        registry = Registry(
            plugins,
            selection,
            data=config.data,
            answers=Answers(config.data / "answers"),
            clock=SystemClock(),
            rng=random.SystemRandom(),
        )
        await registry.open()
        try:
            said = await asyncio.gather(*(host.check() for host in registry.hosts.values()))
            return list(zip(registry.hosts, said, strict=True))
        finally:
            await registry.close()

    return asyncio.run(ask())


def run_server(data: str | None, flags: Mapping[str, object], tell: Tell) -> None:
    """`imageserver serve`. Raises ImageServerError where it cannot start; otherwise ends the process."""
    keep_small()
    allow_files()
    _before_all(data_folder(data, os.environ))
    config, plugins, selection = check(data, flags)
    lock = DataLock(config.data)
    lock.take()
    clock = SystemClock()
    given = Given(
        config=config,
        plugins=plugins,
        selection=selection,
        extensions=select_extensions(plugins, config),
        clock=clock,
        rng=random.SystemRandom(),
        flags=flags,
    )
    with logging_to(config.options.log_level, clock.zone, _log_file(config, clock.zone)):
        _log.info(first_line(clock, os.environ))
        log_broken(plugins)
        moving_in.announce(config)
        asyncio.run(serve(given, tell))
    lock.release()
    sys.stdout.flush()
    sys.stderr.flush()
    # Everything that matters is on the disk; a plugin's thread that hangs must not hold the process.
    os._exit(0)


def _before_all(folder: Path) -> None:
    """What comes before the first file is written, the lock too."""
    refuse_newer_journal(folder / "journal.sqlite")
    if is_cut_off(folder):
        lock = DataLock(folder)
        lock.take()
        try:
            finish(folder)
        finally:
            lock.release()


def _log_file(config: Config, zone: tzinfo) -> LogFile | None:
    options = config.options
    if options.log_file is None:
        return None
    return LogFile(
        options.log_file,
        zone=zone,
        megabytes=options.log_megabytes,
        days=options.log_days,
        is_named=config.is_given("log_file"),
    )


def show_config(data: str | None) -> str:
    """`imageserver config`: the effective options, safe to paste. Raises ConfigError."""
    config = load_config(data, {"data": data})
    plugins = asyncio.run(load_plugins(config.options.plugins_dir))
    selection = select_providers(plugins, config)
    extensions = select_extensions(plugins, config)
    problems = [*selection.problems, *extensions.problems]
    if problems:
        raise ConfigError(problems)
    settings = {enabled.kind.code: enabled.settings for enabled in selection.enabled}
    terms = {enabled.kind.code: enabled.terms for enabled in selection.enabled}
    named = {enabled.kind.code: enabled.settings for enabled in extensions.enabled if enabled.settings is not None}
    todays, _ = with_todays_codes(plugins, config)
    return redact.show(todays, settings, terms, named)


def list_plugins(data: str | None) -> dict[str, list[dict[str, Any]]]:
    """`plugins`, `providers` and `extensions`: a running server's, or else what a start would find."""
    folder = data_folder(data, os.environ)
    try:
        return asyncio.run(Running.find(folder).ask("GET", "/api/v1/plugins"))
    except NotRunning:
        config = load_config(data, {"data": data})
        plugins = asyncio.run(load_plugins(config.options.plugins_dir))
        selection, extensions = select_providers(plugins, config), select_extensions(plugins, config)
        serving = {enabled.kind.code for enabled in selection.enabled}
        running = {enabled.kind.code for enabled in extensions.enabled}
        return {
            "plugins": [
                {
                    "name": record.name,
                    "version": record.version,
                    "source": record.source,
                    "status": str(record.status),
                    "reason": record.advice,
                    "providers": list(record.codes),
                }
                for record in plugins.records
            ],
            "providers": [
                {
                    "code": code,
                    "title": kind.title or code,
                    "status": "on" if code in serving else "off",
                    "reason": selection.off.get(code, ""),
                }
                for code, kind in plugins.providers.items()
            ],
            "extensions": [
                {
                    "code": code,
                    "title": kind.title or code,
                    "kind": kind_of(kind),
                    "status": "on" if code in running else "off",
                    "reason": extensions.off.get(code, ""),
                }
                for code, kind in plugins.extensions.items()
            ],
        }


def reload_plugins(data: str | None) -> dict[str, list[str]]:
    """Have the running server take over what changed. Raises NotRunning, and ImageServerError for broken options."""
    return asyncio.run(Running.find(data_folder(data, os.environ)).ask("POST", "/api/v1/plugins/reload"))


def list_jobs(data: str | None, count: int) -> list[dict[str, Any]]:
    """The last jobs: asked of the running server, or read from the journal when none runs."""
    folder = data_folder(data, os.environ)
    try:
        answer = asyncio.run(Running.find(folder).ask("GET", f"/api/v1/jobs?count={count}"))
    except NotRunning:
        return _jobs_at_rest(folder, count)
    jobs: list[dict[str, Any]] = answer["jobs"]
    return jobs


def _jobs_at_rest(folder: Path, count: int) -> list[dict[str, Any]]:
    if not (folder / "journal.sqlite").exists():
        raise NotRunning(f"no server has run on {folder} yet")

    async def read(journal: Journal) -> list[dict[str, Any]]:
        return [attrs.asdict(job) for job in await journal.jobs.recent(count)]

    return with_journal(folder, read)


def with_journal(folder: Path, work: Callable[[Journal], Awaitable[T]]) -> T:
    """Do something with the journal of a folder that no server runs on. Raises DataFolderInUse, JournalRefused."""
    refuse_newer_journal(folder / "journal.sqlite")
    lock = DataLock(folder)
    lock.take()  # a server that starts at this moment must not share the journal

    async def opened() -> T:
        journal = Journal(folder / "journal.sqlite")
        await journal.open()
        try:
            return await work(journal)
        finally:
            await journal.close()

    try:
        return asyncio.run(opened())
    finally:
        lock.release()


def rotate(data: str | None, *, confirm: bool) -> dict[str, Any]:
    """Ask the running server to rotate. Raises NotRunning: without a server nothing grows."""
    query = "?confirm=yes" if confirm else ""
    return asyncio.run(Running.find(data_folder(data, os.environ)).ask("POST", f"/api/v1/rotation{query}"))


def set_focus(data: str | None, picture: str, at: str) -> dict[str, Any]:
    """Tell the running server what a crop of a picture must keep. Raises NotRunning, ImageServerError."""
    query = urlencode({"picture": picture, "at": at})
    server = Running.find(data_folder(data, os.environ))
    return asyncio.run(server.ask("POST", f"/api/v1/pictures/focus?{query}"))


def table(rows: Sequence[tuple[str, ...]], tell: Tell) -> None:
    """Columns under each other; the last one is cut to the terminal's width."""
    if not rows:
        return
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    width = shutil.get_terminal_size((160, 24)).columns
    for row in rows:
        line = "  ".join([*(cell.ljust(size) for cell, size in zip(row, widths, strict=False)), row[-1]])
        tell(line.rstrip() if not sys.stdout.isatty() else line.rstrip()[:width])


def when(seconds: float) -> str:
    """A moment, as the clock on the wall showed it."""
    return datetime.fromtimestamp(seconds, SystemClock().zone).strftime("%Y-%m-%d %H:%M:%S")
