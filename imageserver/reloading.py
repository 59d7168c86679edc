"""Takes over, while the server runs, what changed in the plugins and in the options that name providers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from concurrent.futures import Executor

from attrs import define, field, frozen

from imageserver.clock import Clock, local_time
from imageserver.config import reader
from imageserver.config.changes import Wanted, changed
from imageserver.config.file import OptionsText, look, replace
from imageserver.config.folders import check_folders
from imageserver.config.model import Config
from imageserver.errors import BadRequest, ChangeUnclear, ConfigError, OptionsMistaken, Problem
from imageserver.extension_registry import Extensions, ExtensionSelection, select_extensions
from imageserver.jobs import JobQueue, OpenJobs
from imageserver.journal import ASKED, Journal
from imageserver.options_in_use import OptionsInUse
from imageserver.pictures.store import PictureStore
from imageserver.plugin_loop import NoAnswer, in_daemon_thread
from imageserver.plugins import Plugins, load_plugins, log_broken
from imageserver.registry import (
    DISABLED,
    Changes,
    Registry,
    Selection,
    library_folders,
    select_providers,
    with_todays_codes,
)

_SETTINGS_SECONDS = 15.0  # for what strangers' classes make of their settings

_log = logging.getLogger(__name__)


@frozen(kw_only=True)
class Report:
    """What a reload changed. Providers and extensions are named by their codes."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    kept: tuple[str, ...]
    problems: tuple[str, ...]  # sentences for the owner
    needs_restart: tuple[str, ...]  # options that were changed and are not taken over


@frozen(kw_only=True)
class _Read:
    """What lies on the disk, without a mistake in it."""

    plugins: Plugins
    providers: Selection
    extensions: ExtensionSelection
    config: Config


@define(kw_only=True, eq=False)
class Reloader:
    """Reloads on demand, one reload after the other."""

    _options: OptionsInUse
    _flags: Mapping[str, object]
    _environment: Mapping[str, str]
    _registry: Registry
    _extensions: Extensions
    _store: PictureStore
    _journal: Journal
    _queue: JobQueue
    _open_jobs: OpenJobs
    _clock: Clock
    _executor: Executor
    _one_by_one: asyncio.Lock = field(init=False, factory=asyncio.Lock)
    _is_wanted: asyncio.Event = field(init=False, factory=asyncio.Event)

    def wake(self) -> None:
        """Ask `run` for a reload. May be called by a signal's handler."""
        self._is_wanted.set()

    async def run(self) -> None:
        """Reload whenever `wake` was called, until cancelled."""
        while True:
            await self._is_wanted.wait()
            self._is_wanted.clear()
            with contextlib.suppress(ConfigError):  # the log has it
                await self.reload()

    async def reload(self) -> Report:
        """Read the options and the plugins anew and take them over.

        Raises ConfigError with all problems when the options cannot be used: then nothing has changed.
        """
        async with self._one_by_one:
            try:
                found = await self._read()
            except ConfigError as error:
                for problem in error.problems:
                    _log.error("not reloaded: %s", problem)
                raise
            report = await self._take_over(found)
        log_broken(found.plugins)  # what else is a problem the log has already
        _log.info("reloaded: %s", _spoken(report))
        return report

    async def change(self, wanted: Wanted) -> Report:
        """Change the owner's options file and take it over, together or not at all.

        Raises BadRequest with all that is wrong when part of it is unclear, OptionsRefused as `changes.changed` and
        `file.replace` do, and ConfigError with all problems that the file has, or would have then (OptionsMistaken).
        """
        data, loop = self._options.config.data, asyncio.get_running_loop()
        async with self._one_by_one:
            text, problems = await loop.run_in_executor(self._executor, look, data)
            problems = [*problems, *(await loop.run_in_executor(self._executor, self.read_options, text))[1]]
            if problems:
                raise ConfigError(problems)
            try:
                raw = await loop.run_in_executor(self._executor, changed, text, wanted, self._registry.code_of)
            except ChangeUnclear as unclear:
                raise BadRequest("; ".join([str(unclear), *await self._mistakes(text.name, unclear.rest)])) from unclear
            try:
                found = await self._read(OptionsText(name=text.name, raw=raw))
            except ConfigError as error:
                raise OptionsMistaken(error.problems) from error
            await loop.run_in_executor(self._executor, replace, data, text, raw)
            report = await self._take_over(found, wanted.new_names)
        _log.info("options changed: %s", _spoken(report))
        return report

    async def _mistakes(self, name: str, raw: bytes) -> list[str]:
        """What would be wrong with these options."""
        try:
            await self._read(OptionsText(name=name, raw=raw))
        except ConfigError as error:
            return [str(problem) for problem in error.problems]
        return []

    def read_options(self, instead: OptionsText | None = None) -> tuple[Config, list[Problem]]:
        """The options as the file says now, or as `instead` does, and what is wrong with them. Call it in a thread."""
        return reader.read(
            self._options.config.data,
            flags=self._flags,
            environment=self._environment,
            now=local_time(self._clock),
            instead=instead,
        )

    async def _read(self, instead: OptionsText | None = None) -> _Read:
        loop = asyncio.get_running_loop()
        new, problems = await loop.run_in_executor(self._executor, self.read_options, instead)
        config = self._options.with_running(new)
        plugins = await load_plugins(config.options.plugins_dir, before=self._registry.plugins)
        try:  # reading the settings runs what strangers wrote
            providers, extensions = await in_daemon_thread(
                "reading the settings of plugins",
                lambda: (select_providers(plugins, config), select_extensions(plugins, config)),
                _SETTINGS_SECONDS,
            )
        except NoAnswer as error:
            raise ConfigError([Problem(str(config.options_file.name), f"{error}; nothing was taken over")]) from error
        folders = library_folders(providers)
        problems += [*providers.problems, *extensions.problems]
        todays, _ = with_todays_codes(plugins, config)
        problems += await loop.run_in_executor(self._executor, check_folders, todays, folders)
        if problems:
            raise ConfigError(problems)
        return _Read(
            plugins=plugins,
            providers=providers,
            extensions=extensions,
            config=new,
        )

    async def _take_over(self, found: _Read, new_names: Mapping[str, str] | None = None) -> Report:
        libraries, off = self._registry.libraries(), self._registry.off
        changes = await self._registry.take_over(found.plugins, found.providers)
        needs_restart = self._options.needs_restart(found.config)
        await self._options.take_over(found.config, new_names)
        await self._take_up_thresholds(changes)
        for job_id in self._open_jobs.all():  # one may have been turned away by a provider that is leaving
            self._queue.wake(job_id)
        extensions = await self._extensions.take_over(found.extensions)
        if self._registry.libraries() != libraries:
            await self._store.scan()
        return Report(
            added=(*changes.added, *extensions.added),
            changed=(*changes.changed, *extensions.changed),
            removed=(*changes.removed, *extensions.removed),
            kept=(*changes.kept, *extensions.kept),
            problems=(
                *(f"plugin {record.name}: {record.advice}" for record in found.plugins.records if record.reason),
                *_held_back("provider", changes),
                *_held_back("extension", extensions),
                *self._troubles_of_providers(changes),
                *self._newly_off(off),
                *self._troubles_of_extensions(extensions),
            ),
            needs_restart=needs_restart,
        )

    async def _take_up_thresholds(self, changes: Changes) -> None:
        """A provider that served at some time before was asked at some time before."""
        asked = await self._journal.notes.beginning(ASKED)
        for code in changes.added:
            if code in asked:
                self._registry.hosts[code].asked_at = float(asked[code])

    def _troubles_of_providers(self, changes: Changes) -> list[str]:
        states = [self._registry.hosts[code].state for code in (*changes.added, *changes.changed)]
        return [f"provider {state.code} is {state.health}: {state.reason}" for state in states if not state.ready]

    def _newly_off(self, off_before: Mapping[str, str]) -> list[str]:
        """Providers that do not serve any more, or are new and do not, against the owner's wish. Tells the log too."""
        problems = []
        for code, why in self._registry.off.items():
            is_own_wish = code in self._registry.plugins.built_in or why == off_before.get(code) or why == DISABLED
            if not is_own_wish:
                problems.append(f"provider {code} is off: {why}")
                _log.warning("provider %s is off: %s", code, why)
        return problems

    def _troubles_of_extensions(self, changes: Changes) -> list[str]:
        fresh = (*changes.added, *changes.changed)
        states = [state for state in self._extensions.states() if state.code in fresh and state.reason]
        return [f"extension {state.code} is {state.status}: {state.reason}" for state in states]


def _held_back(what: str, changes: Changes) -> list[str]:
    """Those whose new version or settings are of no use. Tells the log too."""
    for code in changes.held_back:  # the host of the new one has told the log why
        _log.warning("%s %s serves as it was before the last change", what, code)
    return [f"{what} {code} serves as it was before the last change: {why}" for code, why in changes.held_back.items()]


def _spoken(report: Report) -> str:
    told = (
        ("added", report.added),
        ("changed", report.changed),
        ("removed", report.removed),
        ("kept", report.kept),
        ("needs a restart", report.needs_restart),
    )
    return "; ".join(f"{name}: {', '.join(what)}" for name, what in told if what) or "there is nothing"
