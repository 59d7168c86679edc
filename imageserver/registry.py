"""Which providers serve, in which role, with which settings; and the hosts they run in."""

from __future__ import annotations

import asyncio
import difflib
import logging
import random
from collections.abc import Callable, Mapping
from pathlib import Path

from attrs import evolve, field, frozen

from imageserver.answers import Answers
from imageserver.clock import Clock
from imageserver.config.model import Config, RawSettings, Terms
from imageserver.config.settings import read_settings, read_terms
from imageserver.errors import Problem
from imageserver.frames import EVERYTHING_STORED
from imageserver.plugins import Plugins
from imageserver.provider_host import Health, ProviderHost, ProviderState, Role
from imageserver.providers import ImageProvider, LibraryProvider, ProviderContext

LAST_RESORT = "atelier"  # paints offline and for nothing
_PATIENCE = 1.5  # seconds that a start waits for providers before it listens without the slow ones
DISABLED = "disabled_providers names it"
_SERVES_NOBODY = (Health.BROKEN, Health.HUNG)


@frozen(kw_only=True)
class Enabled:
    """A provider that is to serve."""

    kind: type[ImageProvider]
    settings: object = field(repr=False)  # may hold a key
    role: Role
    terms: Terms = field(factory=Terms)


@frozen(kw_only=True)
class Selection:
    """What the options make of the providers that there are."""

    enabled: tuple[Enabled, ...]
    off: Mapping[str, str]  # code → why it does not serve
    problems: tuple[Problem, ...]


@frozen(kw_only=True)
class Changes:
    """What became of the providers when others took over: their codes."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    kept: tuple[str, ...]  # untouched, with the calls that are under way
    held_back: Mapping[str, str] = field(factory=dict)  # the new one is of no use, and why; the old one goes on


def select_providers(plugins: Plugins, config: Config) -> Selection:
    """Read every provider's settings and give each its role. Pure but for reading the provider classes."""
    config, doubled = with_todays_codes(plugins, config)
    problems = [*doubled, *_unknown_codes(plugins, config)]
    enabled: dict[str, Enabled] = {}
    off: dict[str, str] = {}
    for code, kind in plugins.providers.items():
        raw = config.providers.get(code)
        if code in config.options.disabled_providers:
            off[code] = DISABLED
            continue
        if raw is None and code in plugins.built_in and code != LAST_RESORT:
            off[code] = f"not configured: write providers: {{{code}: …}} into options.yml"
            continue
        settings, found = read_settings(raw, kind.settings_class, code=code, data=config.data)
        if found and raw is None:
            missing = "; ".join(problem.message for problem in found)
            off[code] = f"it needs settings: {missing}. Write them under providers: {{{code}: …}} in options.yml"
            continue
        terms, wrong = read_terms(raw, code=code, data=config.data)
        problems += [*found, *wrong]
        if not found and not wrong:
            enabled[code] = Enabled(kind=kind, settings=settings, role="chosen", terms=terms)
    others = [code for code in enabled if code != LAST_RESORT]
    if LAST_RESORT in enabled and LAST_RESORT not in config.providers and others:
        final = enabled[LAST_RESORT]
        enabled[LAST_RESORT] = evolve(final, role="last_resort")
    return Selection(enabled=tuple(enabled.values()), off=off, problems=tuple(problems))


def codes_by_name(plugins: Plugins) -> dict[str, str]:
    """Every name that a provider goes by, in lower case → its code."""
    names = {name.lower(): code for code, kind in plugins.providers.items() for name in kind.other_codes}
    return names | {code: code for code in plugins.providers}


def with_todays_codes(plugins: Plugins, config: Config) -> tuple[Config, list[Problem]]:
    """The configuration with older names of providers replaced, and a problem for each that is there twice."""
    codes = codes_by_name(plugins)
    providers: dict[str, RawSettings] = {}
    problems = []
    for name, raw in config.providers.items():
        code = codes.get(name.lower(), name)
        if code in providers:
            same = f"providers: {name} and {providers[code].code} are the same provider: keep one of them"
            problems.append(Problem(f"{raw.file}:{raw.line}", same))
            continue
        providers[code] = raw
    disabled = tuple(codes.get(name.lower(), name) for name in config.options.disabled_providers)
    options = evolve(config.options, disabled_providers=disabled)
    return evolve(config, options=options, providers=providers), problems


def library_folders(selection: Selection) -> dict[str, Path]:
    """The folders of the owner's that libraries show, by provider: what the folder checks look at."""
    folders = {}
    for enabled in selection.enabled:
        folder = getattr(enabled.settings, "local_image_folder", None)
        if issubclass(enabled.kind, LibraryProvider) and isinstance(folder, Path):
            folders[enabled.kind.code] = folder
    return folders


def _unknown_codes(plugins: Plugins, config: Config) -> list[Problem]:
    known = list(plugins.providers)
    named = [(code, f"{raw.file}:{raw.line}", "providers") for code, raw in config.providers.items()]
    where = config.origins.get("disabled_providers", config.options_file.name)
    named += [(code, where, "disabled_providers") for code in config.options.disabled_providers]
    codes = codes_by_name(plugins)
    named += [
        (codes.get(code.lower(), code), config.origins.get(f"frames.{name}", where), f"frames.{name}.providers")
        for name, frame in config.frames.items()
        for code in frame.providers or ()
        if code != EVERYTHING_STORED
    ]
    problems = []
    for code, place, key in named:
        if code in plugins.providers:
            continue
        broken = next((record for record in plugins.records if record.name == code and record.reason), None)
        near = difflib.get_close_matches(code, known, 1)
        if broken:
            hint = f"its plugin is broken: {broken.advice}"
        elif near:
            hint = f"did you mean {near[0]}?"
        else:
            hint = f"there are: {', '.join(sorted(known))}"
        problems.append(Problem(place, f"{key}: there is no provider called {code}; {hint}"))
    return problems


class Registry:
    """The providers that serve, each in its host."""

    def __init__(
        self,
        plugins: Plugins,
        selection: Selection,
        *,
        data: Path,
        answers: Answers,
        clock: Clock,
        rng: random.Random,
        log: Callable[[str], logging.Logger] = logging.getLogger,
    ) -> None:
        self.plugins = plugins
        self.off = dict(selection.off)
        self.held_back: Mapping[str, str] = {}  # as Changes has it, since the last take_over
        self._data, self._answers, self._clock, self._rng, self._log = data, answers, clock, rng, log
        self._codes = codes_by_name(plugins)
        self._enabled = {enabled.kind.code: enabled for enabled in selection.enabled}
        self.hosts = {code: self._host(enabled) for code, enabled in self._enabled.items()}
        self._opening: set[asyncio.Future[None]] = set()
        self._coming: dict[str, ProviderHost] = {}  # being opened by take_over
        self._leaving: dict[asyncio.Task[None], ProviderHost] = {}  # coming to their end

    def _host(self, enabled: Enabled) -> ProviderHost:
        code = enabled.kind.code
        context = ProviderContext(
            settings=enabled.settings,
            clock=self._clock,
            random=random.Random(self._rng.getrandbits(64)),  # noqa: S311 - for pictures, not for secrets
            log=self._log(f"imageserver.provider.{code}"),
            data_folder=self._data / "providers" / code,
            answers=self._answers,
        )
        return ProviderHost(enabled.kind, context, enabled.role, enabled.terms)

    async def open(self) -> None:
        """Build every provider, all at once. One that is slow goes on by itself: it delays nobody else."""
        self._opening = {asyncio.ensure_future(host.open()) for host in self.hosts.values()}
        if self._opening:
            await asyncio.wait(self._opening, timeout=_PATIENCE)

    async def close(self) -> None:
        """End every provider, also those that were coming or leaving."""
        ending = [*self._opening, *self._leaving]
        for one in ending:
            one.cancel()  # who is leaving closes at once then
        hosts = [*self.hosts.values(), *self._coming.values()]
        await asyncio.gather(*ending, *(host.close() for host in hosts), return_exceptions=True)

    async def take_over(self, plugins: Plugins, selection: Selection) -> Changes:
        """Make the hosts what the selection says, without a moment in which a provider is not there.

        One whose class, settings and terms are the same is not touched, unless it serves nobody. A new host is opened
        before it takes the place of the old one, which then comes to its end in the background.
        """
        wanted = {enabled.kind.code: enabled for enabled in selection.enabled}
        kept = [code for code, enabled in wanted.items() if self._goes_on(enabled)]
        self._coming = {code: self._host(enabled) for code, enabled in wanted.items() if code not in kept}
        await asyncio.gather(*(host.open() for host in self._coming.values()))
        coming, self._coming, before = self._coming, {}, self.hosts
        held_back = {code: host.state.reason for code, host in coming.items() if self._is_no_better(host)}
        self.hosts = {code: before[code] if code in (*kept, *held_back) else coming[code] for code in wanted}
        self._enabled = {code: self._enabled[code] if code in held_back else wanted[code] for code in wanted}
        self.plugins, self.off, self.held_back = plugins, dict(selection.off), held_back
        self._codes = codes_by_name(plugins)
        for code, host in self.hosts.items():
            host.role = wanted[code].role
            if code in before:
                host.asked_at = before[code].asked_at
        for code, host in before.items():
            if self.hosts.get(code) is not host:
                self._let_go(host, self.hosts.get(code))
        for code in kept:
            self.hosts[code].breaker.forgive()
        for code in held_back:
            self._let_go(coming[code], before[code])
        return Changes(
            added=tuple(code for code in wanted if code not in before),
            changed=tuple(code for code in wanted if code in before and self.hosts[code] is not before[code]),
            removed=tuple(code for code in before if code not in wanted),
            kept=tuple(kept),
            held_back=held_back,
        )

    def _goes_on(self, enabled: Enabled) -> bool:
        """Whether the host that is there is just what is wanted."""
        code = enabled.kind.code
        if code not in self.hosts or self.hosts[code].state.health in _SERVES_NOBODY:
            return False
        now = self._enabled[code]
        try:
            return now.kind is enabled.kind and bool(now.settings == enabled.settings) and now.terms == enabled.terms
        except Exception:  # a stranger's settings may raise anything when they are compared
            return False

    def _is_no_better(self, host: ProviderHost) -> bool:
        """Whether a new host is of no use while the old one is."""
        old = self.hosts.get(host.code)
        return host.state.health in _SERVES_NOBODY and old is not None and old.state.health not in _SERVES_NOBODY

    def _let_go(self, host: ProviderHost, successor: ProviderHost | None) -> None:
        async def leave() -> None:
            await host.retire(successor)
            if successor is not None and host.asked_at is not None:  # asked while it was leaving
                successor.asked_at = max(successor.asked_at or 0.0, host.asked_at)

        leaving = asyncio.create_task(leave(), name=f"provider {host.code} leaves")
        self._leaving[leaving] = host
        leaving.add_done_callback(self._leaving.pop)

    @property
    def enabled(self) -> Mapping[str, Enabled]:
        """What serves, by code, with its settings and terms."""
        return self._enabled

    @property
    def slots(self) -> int:
        """How many calls can be under way at once, those of providers that are leaving too."""
        return sum(host.slots for host in (*self.hosts.values(), *self._leaving.values()))

    async def check_readiness(self) -> None:
        """Ask every provider anew whether it is ready."""
        await asyncio.gather(*(host.check_readiness() for host in self.hosts.values()))

    def code_of(self, name: str) -> str:
        """Today's code of a provider that may be called by an older one."""
        return self._codes.get(name.lower(), name)

    def states(self) -> list[ProviderState]:
        """How every provider is at the moment."""
        return [host.state for host in self.hosts.values()]

    def libraries(self) -> dict[str, Callable[[], list[Path]]]:
        """The folders whose pictures count as stored, by provider. The callables belong into threads."""
        return {
            code: host.folders
            for code, host in self.hosts.items()
            if issubclass(host.provider_class, LibraryProvider) and host.state.health is not Health.BROKEN
        }
