"""Where people and programs look at the settings and change them."""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor

from attrs import define, frozen

from imageserver.config.changes import Wanted
from imageserver.config.file import OptionsText, look, why_not_writable
from imageserver.config.listing import Section, frames_of, options_of, plugins_own, terms_of
from imageserver.config.model import Config
from imageserver.errors import Problem
from imageserver.extension_registry import Extensions
from imageserver.options_in_use import OptionsInUse
from imageserver.registry import Registry
from imageserver.reloading import Reloader, Report


@frozen(kw_only=True)
class Settings:
    """Everything that is in use, and the file behind it."""

    file: str
    version: str  # of the file as it is now
    is_there: bool
    read_only: str | None  # why the file cannot be changed here
    problems: tuple[Problem, ...]  # of the file as it is now
    needs_restart: tuple[str, ...]  # what the file says otherwise already, and counts after a restart
    options: tuple[Section, ...]
    frames: tuple[Section, ...]
    providers: tuple[Section, ...]
    extensions: tuple[Section, ...]


@define(kw_only=True, eq=False)
class SettingsDesk:
    """Gathers the settings in use; changes go to the reloader, which makes all or none of them."""

    _options: OptionsInUse
    _reloader: Reloader
    _registry: Registry
    _extensions: Extensions
    _executor: Executor

    async def look(self) -> Settings:
        """The settings as they are at this moment."""

        def read() -> tuple[OptionsText, str | None, Config, list[Problem]]:
            data = self._options.config.data
            text, unreadable = look(data)
            new, problems = self._reloader.read_options(text)
            return text, why_not_writable(data, text), new, [*unreadable, *problems]

        text, read_only, new, problems = await asyncio.get_running_loop().run_in_executor(self._executor, read)
        config = self._options.config
        return Settings(
            file=text.name,
            version=text.version,
            is_there=text.is_there,
            read_only=read_only,
            problems=tuple(problems),
            needs_restart=() if problems else self._options.needs_restart(new),
            options=tuple(options_of(config)),
            frames=tuple(frames_of(config)),
            providers=tuple(self._providers(config)),
            extensions=tuple(self._of_extensions(config)),
        )

    async def change(self, wanted: Wanted) -> Report:
        """Change the owner's file and take it over; raises what Reloader.change does."""
        return await self._reloader.change(wanted)

    def _providers(self, config: Config) -> list[Section]:
        written = {self._registry.code_of(name): raw for name, raw in config.providers.items()}
        return [
            Section(
                name=code,
                title=enabled.kind.title or code,
                settings=(
                    *terms_of(written.get(code), enabled.terms),
                    *plugins_own(written.get(code), enabled.settings),
                ),
            )
            for code, enabled in self._registry.enabled.items()
            # under `providers` the last resort becomes one that is chosen; its owner decides that in the file
            if enabled.role == "chosen"
        ]

    def _of_extensions(self, config: Config) -> list[Section]:
        return [
            Section(
                name=code,
                title=enabled.kind.title or code,
                settings=plugins_own(config.extensions.get(code), enabled.settings),
            )
            for code, enabled in self._extensions.enabled.items()
        ]
