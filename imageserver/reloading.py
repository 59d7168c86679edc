"""Takes over, while the server runs, what changed in the plugins and in the options that name providers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from concurrent.futures import Executor

from attrs import asdict, define, evolve, field, frozen

from imageserver.clock import Clock, local_time
from imageserver.config import reader
from imageserver.config.folders import check_folders
from imageserver.config.model import Config, Options
from imageserver.crew import Crew
from imageserver.errors import ConfigError, Problem
from imageserver.extension_registry import Extensions, ExtensionSelection, select_extensions
from imageserver.jobs import JobQueue, OpenJobs
from imageserver.journal import ASKED, Journal
from imageserver.pictures.store import PictureStore
from imageserver.plugins import Plugins, load_plugins, log_broken
from imageserver.registry import DISABLED, Changes, Registry, Selection, library_folders, select_providers

_TAKEN_OVER = {"disabled_providers"}  # of the options; any other needs a restart

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
    needs_restart: tuple[str, ...]


@define(kw_only=True, eq=False)
class Reloader:
    """Reloads on demand, one reload after the other."""

    _config: Config  # what the server was started with
    _flags: Mapping[str, object]
    _environment: Mapping[str, str]
    _registry: Registry
    _extensions: Extensions
    _store: PictureStore
    _journal: Journal
    _queue: JobQueue
    _open_jobs: OpenJobs
    _crew: Crew
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

    async def _read(self) -> _Read:
        def read() -> tuple[Config, list[Problem]]:
            now = local_time(self._clock)
            return reader.read(self._config.data, flags=self._flags, environment=self._environment, now=now)

        loop = asyncio.get_running_loop()
        new, problems = await loop.run_in_executor(self._executor, read)
        options = evolve(self._config.options, **{name: getattr(new.options, name) for name in _TAKEN_OVER})
        config = evolve(new, options=options)
        plugins = await load_plugins(options.plugins_dir, before=self._registry.plugins)
        providers, extensions = select_providers(plugins, config), select_extensions(plugins, config)
        folders = library_folders(providers)
        problems += [*providers.problems, *extensions.problems]
        problems += await loop.run_in_executor(self._executor, check_folders, config, folders)
        if problems:
            raise ConfigError(problems)
        return _Read(
            plugins=plugins,
            providers=providers,
            extensions=extensions,
            needs_restart=_differences(new.options, options),
        )

    async def _take_over(self, found: _Read) -> Report:
        libraries, off = self._registry.libraries(), self._registry.off
        changes = await self._registry.take_over(found.plugins, found.providers)
        self._crew.fill()
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
            needs_restart=found.needs_restart,
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


def _differences(new: Options, running: Options) -> tuple[str, ...]:
    values = asdict(running)
    return tuple(name for name, value in asdict(new).items() if value != values[name])


def _spoken(report: Report) -> str:
    told = (
        ("added", report.added),
        ("changed", report.changed),
        ("removed", report.removed),
        ("kept", report.kept),
        ("needs a restart", report.needs_restart),
    )
    return "; ".join(f"{name}: {', '.join(what)}" for name, what in told if what) or "there is nothing"
